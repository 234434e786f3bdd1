/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asking: a request to the admin API as its caller wrote it, without a socket, and what came.
 */
#pragma once

#include "proxy/control/api.h"
#include "tests/proxy/control/house.h"

#include <jansson.h>

#define JSON "application/json"

/* One request as the caller wrote it, and what came. */
struct asked {
    const char *method;
    const char *path; /* with its query */
    const char *if_match;
    const char *key;  /* NULL for none */
    const char *type; /* NULL for none */
    const char *body; /* NULL for none */
    bool viewer;
};

struct got {
    int status;
    char etag[32];
    char allow[32];
    bool later;
    char content_type[64];
    const char *call;
    json_t *json; /* got_fini */
};

/* Its head, in `a`. */
void asked_head(struct http_head *head, struct arena *a, const struct asked *q);

/* uid 7 asks, an operator or a viewer. */
struct got asked_answer(struct control *c, const struct asked *q);
void got_fini(struct got *g);

/* A member of what came; "" and 0 if it is not there. */
const char *got_text(const struct got *g, const char *name);
json_int_t got_number(const struct got *g, const char *name);
