/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asker: from whom a request is. It is the connection's client; or, where that is a
 * proxy in `trust`, whom that says it asks for, by X-Forwarded-For and
 * X-Forwarded-Proto, or by Forwarded (RFC 7239) where those are not there.
 *
 * Addresses are read from the last one: the first that is not itself in `trust` is
 * the asker's, since what stands before it may be anybody's word. Where one cannot
 * be read ("unknown", a name) the way ends, and the proxy that said so counts.
 */
#pragma once

#include "proxy/base/span.h"

#include <stdint.h>

struct client;
struct exchange;

struct asker {
    const uint8_t *address; /* 16 bytes, IPv4 in its mapped form; NULL: none */
    span text;              /* it, or "unix" */
    bool is_secure;         /* it asked by https */
};

/* As the connection says it; borrows from the client. */
void asker_init(struct asker *a, const struct client *c);

/* As the head of x's request says it, if its client is trusted. */
void asker_read(struct exchange *x);
