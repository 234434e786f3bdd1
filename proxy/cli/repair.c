/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/cli/repair.h"

#include "proxy/base/span.h"
#include "proxy/cli/repair_script.h"

#include <stdio.h>
#include <stdlib.h>

#define STEPS_MAX  1000000u
#define PATH_BYTES ((size_t)4096)

struct repair {
    const struct repair_routes *routes;
    json_t *steps;   /* in order */
    json_t *by_path; /* the same, by path: borrowed by `steps` and these */
};

struct repair *
repair_new(const struct repair_routes *routes)
{
    struct repair *r = calloc(1, sizeof(*r));

    if (r)
        r->routes = routes;
    if (r && (r->steps = json_array()) && (r->by_path = json_object()))
        return r;
    repair_free(&r);
    return NULL;
}

void
repair_free(struct repair **r)
{
    if (*r) {
        json_decref((*r)->steps);
        json_decref((*r)->by_path);
    }
    free(*r);
    *r = NULL;
}

static const char *
text_of(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));

    return s ? s : "";
}

/* "https://shop.example/orders/7?a=b" and "/orders/7" are both that path. */
static span
path_of_location(span location)
{
    ptrdiff_t scheme = span_find(location, ':');

    if (!span_starts(location, SPAN("/")) && scheme > 0) {
        span rest = span_skip(location, (size_t)scheme + 1);
        if (!span_starts(rest, SPAN("//")))
            return (span){0};
        rest = span_skip(rest, 2);
        ptrdiff_t slash = span_find(rest, '/');
        location = slash < 0 ? (span){0} : span_skip(rest, (size_t)slash);
    }
    if (!span_starts(location, SPAN("/")) || span_starts(location, SPAN("//")))
        return (span){0};
    span path = span_cut(&location, '?');
    return span_cut(&path, '#');
}

/* The document that a write was about; *why says why there is none to be told. */
static span
target_of(const json_t *write, const char **why)
{
    span method = span_str(text_of(write, "method"));
    span location = span_str(text_of(write, "location"));
    span path = span_str(text_of(write, "path"));

    *why = "";
    if (span_is(method, "PUT") || span_is(method, "PATCH") ||
        span_is(method, "DELETE"))
        return path;
    span made = path_of_location(location);
    if (made.len)
        return made;
    *why = location.len ? "its Location is no path"
                        : "the answer did not say what it made (Location)";
    return path;
}

/* `to` is what the baseline calls it; NULL: the same. */
static json_t *
new_step(span path, const char *to, const char *why)
{
    return json_pack("{s:s%, s:s*, s:b, s:s, s:o, s:i, s:b, s:i}", "path",
                     path.at, path.len, "to", to, "by_hand", why[0] != '\0',
                     "why", why, "writes", json_array(), "n", 0, "doubtful", 0,
                     "last_ms", 0);
}

/* A write that goes by hand is a step of its own, beside its path's. */
static json_t *
step_of(struct repair *r, span path, const char *to, const char *why,
        const json_t *write)
{
    char key[80] = "";
    json_t *step;

    if (why[0])
        (void)snprintf(key, sizeof(key), "by hand %s", text_of(write, "id"));
    step = why[0] ? json_object_get(r->by_path, key)
                  : json_object_getn(r->by_path, path.at, path.len);
    if (step || json_array_size(r->steps) == STEPS_MAX)
        return step;
    step = new_step(path, to, why);
    if (!step || json_array_append_new(r->steps, step))
        return NULL;
    if (why[0] ? json_object_set(r->by_path, key, step)
               : json_object_setn(r->by_path, path.at, path.len, step))
        return NULL;
    return step;
}

static bool
add(struct repair *r, const json_t *write)
{
    json_int_t status = json_integer_value(json_object_get(write, "status"));
    json_int_t time = json_integer_value(json_object_get(write, "time_ms"));
    const char *why;
    span path = target_of(write, &why);
    char from[PATH_BYTES], to[PATH_BYTES];

    (void)snprintf(from, sizeof(from), "%.*s", SPAN_FMT(path));
    if (!why[0] && path.len >= sizeof(from))
        why = "its path is too long";
    else if (!why[0])
        (void)repair_route(r->routes, from, to, sizeof(to), &why);
    json_t *step =
        step_of(r, path, why[0] || span_is(path, to) ? NULL : to, why, write);
    if (!step)
        return false;
    json_int_t n = json_integer_value(json_object_get(step, "n"));
    if (status == 0 || status >= 500)
        (void)json_object_set_new(step, "doubtful", json_true());
    if (time > json_integer_value(json_object_get(step, "last_ms")))
        (void)json_object_set_new(step, "last_ms", json_integer(time));
    return json_object_set_new(step, "n", json_integer(n + 1)) == 0 &&
           json_array_append_new(json_object_get(step, "writes"),
                                 json_string(text_of(write, "id"))) == 0;
}

bool
repair_take(struct repair *r, const json_t *writes)
{
    const json_t *one;
    size_t i;

    json_array_foreach(writes, i, one)
    {
        if (!add(r, one))
            return false;
    }
    return true;
}

json_t *
repair_json(const struct repair *r)
{
    return json_pack("{s:O}", "steps", r->steps);
}

/* ------------------------------------------------------------------ as a program */

/* In quotes that sh takes nothing out of. */
static void
print_quoted(const char *s)
{
    putchar('\'');
    for (; *s; s++)
        if (*s == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*s);
    putchar('\'');
}

static void
print_setting(const char *name, const char *value)
{
    printf("%s=${%s:-", name, name);
    print_quoted(value);
    puts("}");
}

static const char *
first_endpoint(const json_t *pool)
{
    const char *url = json_string_value(
        json_array_get(json_object_get(pool, "endpoints"), 0));

    return url ? url : "";
}

static void
print_head(const struct repair *r, const json_t *report)
{
    const json_t *repair = json_object_get(report, "repair");
    const json_t *canary = json_object_get(repair, "canary");
    const json_t *baseline = json_object_get(repair, "baseline");
    const json_t *exposure = json_object_get(report, "exposure");

    fputs(repair_script_title, stdout);
    printf(
        "# Rollout %s, run %lld: %zu steps. Writes that are not in the "
        "list: %lld.\n\n",
        text_of(report, "rollout"),
        (long long)json_integer_value(json_object_get(report, "run")),
        json_array_size(r->steps),
        (long long)(json_integer_value(json_object_get(exposure, "untold")) +
                    json_integer_value(json_object_get(exposure, "unlisted"))));
    print_setting("CANARY", first_endpoint(canary));
    print_setting("BASELINE", first_endpoint(baseline));
    print_setting("API", text_of(repair, "api"));
    print_setting("FROM", text_of(canary, "version"));
    print_setting("TO", text_of(baseline, "version"));
    fputs(repair_script_body, stdout);
}

void
repair_print(const struct repair *r, const json_t *report)
{
    const json_t *step;
    size_t i;

    print_head(r, report);
    json_array_foreach(r->steps, i, step)
    {
        bool by_hand = json_is_true(json_object_get(step, "by_hand"));
        json_int_t ms = json_integer_value(json_object_get(step, "last_ms"));
        printf("%s %zu ", by_hand ? "by_hand" : "step", i + 1);
        print_quoted(text_of(step, "path"));
        if (by_hand) {
            putchar(' ');
            print_quoted(text_of(step, "why"));
            printf(" # request %s\n", json_string_value(json_array_get(
                                          json_object_get(step, "writes"), 0)));
        } else {
            printf(" %lld", (long long)(ms / 1000));
            if (json_object_get(step, "to")) {
                putchar(' ');
                print_quoted(text_of(step, "to"));
            }
            putchar('\n');
        }
    }
    fputs(repair_script_end, stdout);
}
