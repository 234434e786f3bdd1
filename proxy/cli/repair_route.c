/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/cli/repair_route.h"

#include "translators/libstile/stile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct repair_routes {
    struct stile_api *api; /* NULL: nothing moves */
    size_t canary, baseline;
};

static bool
load(struct repair_routes *r, const char *file, const char *canary,
     const char *baseline)
{
    struct stile_findings *found = NULL;

    r->api = stile_api_load(file, &found);
    if (!r->api)
        fprintf(stderr, "stile report: no plan without the api: %s\n%s", file,
                found ? stile_findings_text(found) : "no memory\n");
    stile_findings_free(&found);
    if (!r->api)
        return false;
    if (stile_api_find_version(r->api, canary, &r->canary) &&
        stile_api_find_version(r->api, baseline, &r->baseline))
        return true;
    fprintf(stderr, "stile report: %s does not have both %s and %s any more\n",
            file, canary, baseline);
    return false;
}

struct repair_routes *
repair_routes_new(const char *api, const char *canary, const char *baseline)
{
    struct repair_routes *r = calloc(1, sizeof(*r));

    if (r && api[0] && strcmp(canary, baseline) != 0 &&
        !load(r, api, canary, baseline))
        repair_routes_free(&r);
    return r;
}

void
repair_routes_free(struct repair_routes **r)
{
    if (*r)
        stile_api_free(&(*r)->api);
    free(*r);
    *r = NULL;
}

/* Where a request to the canary would go on the baseline; false: it has no place there that its head alone says. */
static bool
goes_to(const struct repair_routes *r, const char *method, const char *path,
        char *out, size_t size)
{
    const struct stile_message m = {
        .side = STILE_REQUEST, .method = method, .path = path};
    const struct stile_head head = {.method = method, .path = path};
    struct stile_translation *t = NULL;
    struct stile_head is = head;
    struct stile_error e;
    bool is_said;

    if (stile_translation_open(r->api, &m, r->canary, r->baseline, NULL, &t,
                               &e))
        return false;
    is_said = stile_translation_passes(t) ||
              (!stile_translation_is_joint(t) &&
               stile_translation_head(t, &head, &is) == STILE_OK);
    is_said = is_said && strcmp(is.method, method) == 0 && !is.query &&
              (size_t)snprintf(out, size, "%s", is.path) < size;
    stile_translation_free(&t);
    return is_said;
}

bool
repair_route(const struct repair_routes *r, const char *path, char *out,
             size_t size, const char **why)
{
    static const char *const methods[] = {"PUT", "DELETE"};
    char other[8192];

    *why = "";
    if (!r->api)
        return (size_t)snprintf(out, size, "%s", path) < size;
    *why = "its route moved, and the baseline has no one name for it";
    if (!goes_to(r, "GET", path, out, size))
        return false;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (!goes_to(r, methods[i], path, other, sizeof(other)) ||
            strcmp(other, out) != 0)
            return false;
    *why = "";
    return true;
}
