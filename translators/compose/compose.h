/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compose: a chain of version steps as one program over the document as it came.
 *
 * A builder starts at one version and goes on step by step in one direction, so
 * a chain is built from its neighbour's. After any step a normal form can be
 * taken for each type; it does not change when the builder goes on. What does
 * not compose is a state that says why (normal_state.stop): its objects go
 * through the versions one after another, and nothing else does.
 */
#pragma once

#include "proxy/base/err.h"
#include "translators/compose/normal.h"

struct compose;

/* Which types arrows of others lead into, in any version: of all chains of an API the same.
 * In `a`; NULL: that is full. */
const bool *compose_reach(struct arena *a, const struct lens_api *api);

/*
 * Start at version `from`, to go up (to newer ones) or down. All that comes of it
 * lives in `a`. `reaches` is compose_reach's, or NULL: then it is made. ERR_LIMIT: `a` is full.
 */
MUST_CHECK enum err_code
compose_begin(struct arena *a, const struct lens_api *api, const bool *reaches,
              size_t from, bool up, struct compose **out, struct err *e);

/* Before the first step: nobody asks for a type to which that does nothing, as its chain is the
 * one that begins a version later. */
void compose_touched_only(struct compose *c);

/* One version further. There must be one. ERR_LIMIT: `a` is full, or the guards have
 * grown too many. */
MUST_CHECK enum err_code compose_step(struct compose *c, struct err *e);

/* A number that stays as long as steps do nothing to this type, nor to what lies in it:
 * then what was taken of it still holds. 0: nobody asks for it. */
unsigned compose_form(const struct compose *c, size_t type);

/* What the steps so far do to an object of this type. ERR_LIMIT: `a` is full. */
MUST_CHECK enum err_code compose_take(struct compose *c, size_t type,
                                      const struct normal **out, struct err *e);

/* How much has been built so far: for who has many chains to build, and a bound. */
size_t compose_size(const struct compose *c);

/* What must be held back, and how long (LANGUAGE.md, The arrows). */
enum normal_class {
    NORMAL_STREAMS, /* S */
    NORMAL_DELAYS,  /* D: one value waits */
    NORMAL_BUFFERS  /* B: a list, or an object with lists */
};

struct normal_held {
    enum normal_class class;
    uint32_t
        source;     /* the first place that forces it; NORMAL_NONE: none does */
    uint32_t until; /* what it waits for; NORMAL_NONE: the end of its object */
};

/* The class of one state; of states in it each has its own. */
struct normal_held normal_class_of(const struct normal *n,
                                   const struct normal_state *s);

struct buf;

/* Append the place of a source, as `lines/.../rate`. */
void normal_place(const struct normal *n, uint32_t source, struct buf *to);

/* Append the program, one instruction a line. */
void normal_print(const struct normal *n, struct buf *to);
