/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operation: the operations of a JSON Patch; this room's own.
 */
#pragma once

#include "translators/patch/build.h"

/* A place that an operation names, as a tree with one leaf. */
struct op_target {
    struct json *holder;
    const struct json *leaf; /* as it was planted */
    enum part_mode mode;
    bool unsure; /* whether something is there is not known on the other side */
    bool was_replaced; /* it was to replace or remove, before it was unsure */
    bool gone;         /* a test that holds for this client whatever is there */
    const span *keys;
    size_t n_keys;
};

struct operation {
    struct json *node; /* as it came */
    struct op_target
        targets[2]; /* `from` and `path` of move and copy; else one */
    size_t n_targets;
};

struct operations {
    struct operation *at;
    size_t n;
};

/* RFC 6902 §4, strictly; what is no such patch fails with FAULT_READ (400). */
MUST_CHECK bool operations_read(struct run *r, struct json *root,
                                struct operations *out);
