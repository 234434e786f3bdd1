/* SPDX-License-Identifier: Apache-2.0 */
/*
 * form: JSON or MessagePack, as a client wants it and a pool has it (`media:` of a
 * pool). A pool without one is left alone, and so is every other media type.
 */
#pragma once

#include "proxy/base/span.h"

struct exchange;

struct form {
    /* What the client wants to be told a body in: by Accept (RFC 9110 §12.5.1);
     * where it leaves the choice, as its request's body is, else JSON. Empty: it
     * wants neither, or the pool says nothing. */
    span wanted;
    /* What is put in front of Accept, that the pool may answer in its own form;
     * empty: it is named there, or the client wants neither. */
    span first;
};

/* What is wanted and asked for, of the request as it came. */
struct form form_read(struct exchange *x);

/* The media type in which the pool is told bodies; empty: as they come. */
span form_of_pool(const struct exchange *x);
