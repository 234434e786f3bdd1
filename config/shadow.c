/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shadow: which requests are mirrored to the canary's pool, and how the answers
 * are compared.
 */
#include "config/loader.h"

#define BODY_DEFAULT ((uint64_t)64 << 10)
#define BODY_MAX                                                               \
    ((uint64_t)1 << 20) /* two of them are read as trees, in a worker */
#define ANSWERS_DEFAULT 100u
#define PLACES_DEFAULT  1000u
#define ANSWERS_MAX     1000000000u
#define PLACES_MAX      10000u

static void
read_share(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_shadow *shadow = self;

    reader_share(r, value, &shadow->share_ppm);
}

/* What is safe (RFC 9110 §9.2.1): a mirrored POST would be done three times. */
static void
read_methods(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_shadow *shadow = self;
    span *methods;

    if (!reader_is_list(r, value, "`methods`") ||
        !(methods = reader_array(r, value, value->n, sizeof(*methods))))
        return;
    for (size_t i = 0; i < value->n; i++)
        if (reader_text(r, value->items[i], &methods[i]) &&
            !span_is(methods[i], "GET") && !span_is(methods[i], "HEAD") &&
            !span_is(methods[i], "OPTIONS")) {
            yaml_problem(r->problems, value->items[i],
                         "`%.*s` is no method to mirror", SPAN_FMT(methods[i]));
            problem_remedy(r->problems, "say GET, HEAD or OPTIONS: what is "
                                        "mirrored is done more than once");
        }
    shadow->methods = methods;
    shadow->n_methods = value->n;
}

static void
read_body(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_shadow *shadow = self;

    if (!reader_bytes(r, value, &shadow->body_max))
        return;
    if (shadow->body_max > 0 && shadow->body_max <= BODY_MAX)
        return;
    yaml_problem(r->problems, value, "`body` is 1 byte to 1 MiB");
    problem_remedy(r->problems, "longer answers are not compared");
}

static void
read_answers(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_shadow *shadow = self;

    reader_count(r, value, ANSWERS_MAX, &shadow->answers_min);
}

static void
read_places(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_shadow *shadow = self;

    reader_count(r, value, PLACES_MAX, &shadow->places_max);
}

/* "/lines": sku; "*": id */
static void
read_keys(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_shadow *shadow = self;
    struct shadow_key *keys;

    if (!reader_is_map(r, value, "`keys`") ||
        !(keys = reader_array(r, value, value->n, sizeof(*keys))))
        return;
    for (size_t i = 0; i < value->n; i++) {
        span place = value->entries[i].key->text;

        keys[i].place = span_is(place, "*") ? (span){0} : place;
        if (!span_is(place, "*") && !span_starts(place, SPAN("/"))) {
            yaml_problem(r->problems, value->entries[i].key,
                         "`%.*s` is no place of a list", SPAN_FMT(place));
            problem_remedy(r->problems, "write it like /lines or /data/*/tags; "
                                        "\"*\" is every other list");
        }
        reader_text(r, value->entries[i].value, &keys[i].member);
    }
    shadow->rules.keys = keys;
    shadow->rules.n_keys = value->n;
}

const struct gen_shadow *
load_shadow(struct loader *l, const struct yaml *node)
{
    static const struct reader_word words[] = {
        {"share", read_share, true},    {"methods", read_methods, false},
        {"body", read_body, false},     {"answers", read_answers, false},
        {"places", read_places, false}, {"keys", read_keys, false},
    };
    static const span preset[] = {SPAN("GET"), SPAN("HEAD")};
    struct gen_shadow *shadow = reader_array(&l->r, node, 1, sizeof(*shadow));

    if (!shadow)
        return NULL;
    *shadow = (struct gen_shadow){.methods = preset,
                                  .n_methods = COUNT(preset),
                                  .body_max = BODY_DEFAULT,
                                  .answers_min = ANSWERS_DEFAULT,
                                  .places_max = PLACES_DEFAULT};
    reader_map(&l->r, node, "`shadow`", words, COUNT(words), shadow);
    return shadow;
}
