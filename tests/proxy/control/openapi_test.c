/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API's description of itself has each call of its router, and each path of it answers.
 */
#include "tests/proxy/control/asking.h"
#include "tests/test.h"

#include <stdio.h>

/* A path of the document with something in each place. */
static void
fill_in(const char *path, char *out, size_t size)
{
    size_t n = 0;

    for (; *path && n + 8 < size; path++) {
        if (*path != '{') {
            out[n++] = *path;
            continue;
        }
        n += (size_t)snprintf(out + n, size - n, "orders");
        path = strchr(path, '}');
    }
    out[n] = '\0';
}

static void
assert_answers(struct control *c, const char *path, const char *method,
               const json_t *operation)
{
    char filled[128], verb[8];
    size_t i;

    fill_in(path, filled, sizeof(filled));
    for (i = 0; method[i]; i++)
        verb[i] = (char)(method[i] - 'a' + 'A');
    verb[i] = '\0';
    struct got g = asked_answer(
        c, &(struct asked){
               .method = verb, .path = filled, .type = JSON, .body = "{}"});
    if (strcmp(g.call,
               json_string_value(json_object_get(operation, "x-call"))) != 0 ||
        g.status == 405)
        fail_msg("%s %s: %d, %s", verb, filled, g.status, g.call);
    got_fini(&g);
}

static bool
describes(json_t *paths, const struct api_route *r)
{
    const char *path, *method;
    json_t *methods, *operation;

    json_object_foreach(paths, path, methods)
    {
        json_object_foreach(methods, method, operation)
        {
            bool is_path = r->takes_rest
                               ? strncmp(path, r->path, strlen(r->path)) == 0
                               : strcmp(path, r->path) == 0;
            if (is_path &&
                strcmp(json_string_value(json_object_get(operation, "x-call")),
                       r->call) == 0)
                return true;
        }
    }
    return false;
}

TEST(each_call_of_the_router_is_described_and_each_path_of_it_answers)
{
    struct house h;
    struct control c;
    struct api_route r;
    const char *path, *method;
    json_t *methods, *operation;
    size_t n = 0;

    house_make(&h, 0, 1);
    house_control(&h, &c);
    struct got g = asked_answer(
        &c, &(struct asked){.method = "GET", .path = "/openapi.json"});
    assert_int_equal(g.status, 200);
    assert_string_equal(got_text(&g, "openapi"), "3.1.0");
    json_t *paths = json_object_get(g.json, "paths");
    json_object_foreach(paths, path, methods)
    {
        json_object_foreach(methods, method, operation)
        {
            assert_answers(&c, path, method, operation);
            n++;
        }
    }
    assert_true(n > 25);
    for (size_t i = 0; api_route(i, &r); i++)
        if (!describes(paths, &r))
            fail_msg("%s is not described", r.call);
    got_fini(&g);
    house_control_end(&c);
    house_remove(&h);
}
