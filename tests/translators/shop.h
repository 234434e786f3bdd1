/* SPDX-License-Identifier: Apache-2.0 */
/* A small shop's api of three versions, and its messages, for tests of what a message meets. */
#pragma once

#include "tests/translators/documents.h"

struct shop {
    struct arena *a;
    const struct lens_api *api;
    const struct translator *t;
    struct buf out;
    struct translation *tr;
};

extern const struct translation_limits no_limits;

void open_shop(struct shop *s);
void close_shop(struct shop *s);

/* POST /orders in JSON. */
struct message post_order(void);

/* The program of a message that is to be translated; fails the test where there is none. */
const struct program *shop_find(struct shop *s, const struct message *m,
                                size_t from, size_t to);

/* One whole body through a program; what came of it is in s->out and s->tr. */
enum err_code shop_feed(struct shop *s, const struct program *p,
                        const struct translation_limits *limits,
                        const char *body);
