/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage: f↑ and f↓, how a value of one side is written on the other.
 */
#pragma once

#include "translators/reference/form.h"

enum image_kind {
    IMAGE_VALUE,
    IMAGE_ABSENT, /* ⊥ */
    IMAGE_HIDDEN  /* the other side has no form: the element or member goes */
};

struct image {
    enum image_kind kind;
    struct json *value;
};

/* Who asks: for notices and errors. */
struct stage_asker {
    const struct lens_origin *origin;
    enum lens_outside outside;
    enum lens_rest_kind rest; /* of what a list has besides the one */
};

/*
 * Run `stages` on a value of side `read`. The value is consumed. False: the run
 * failed, as a value outside of a form does unless `outside` says otherwise.
 */
MUST_CHECK bool stage_run(struct run *r, const struct lens_stages *stages,
                          enum lens_side read, const struct stage_asker *asker,
                          struct json *value, struct image *out);

/* index.c: a list as a map by key, and back. `value` is consumed. */
MUST_CHECK bool stage_index(struct run *r, const struct lens_stage *stage,
                            enum lens_side read,
                            const struct stage_asker *asker, struct json *value,
                            struct image *out);

/* flat.c: a list of lists as one list, and back. `value` is consumed. */
MUST_CHECK bool stage_flat(struct run *r, const struct lens_stage *stage,
                           enum lens_side read, const struct stage_asker *asker,
                           struct json *value, struct image *out);

/* order.c: a list sorted where it stands. */
MUST_CHECK bool stage_order(struct run *r, const struct lens_stage *stage,
                            enum lens_side read,
                            const struct stage_asker *asker,
                            struct json *value);

/* paths.c: names of fields in a text, or in each text of a list. *outside: one of them
 * has no image. */
MUST_CHECK bool stage_paths(struct run *r, const struct lens_stage *stage,
                            enum lens_side read,
                            const struct stage_asker *asker, struct json *value,
                            bool *outside);

/* A literal of the lens as a node of this document, standing for what is at `at`. */
struct json *stage_literal(struct run *r, const struct json *literal,
                           size_t at);
