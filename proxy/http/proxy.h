/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxy: the PROXY protocol's header, version 2 (binary): who a proxy before us
 * speaks for. Strict: version 2 alone, stream sockets, no more bytes than fit.
 */
#pragma once

#include "proxy/base/span.h"

#include <netinet/in.h>

#define PROXY_HEAD 16u   /* bytes of the fixed part */
#define PROXY_MAX  4096u /* of all: addresses, and what else is told (skipped) */

enum proxy_says {
    PROXY_CLIENT, /* `from` is the client */
    PROXY_OWN,    /* the proxy speaks for itself, or does not tell */
};

/*
 * The whole length by the fixed part, PROXY_HEAD bytes; 0 if it is no header of
 * version 2, or one that is too long.
 */
size_t proxy_length(span head);

/*
 * Read one of proxy_length bytes. False: it is malformed. An address that is
 * neither IPv4 nor IPv6 (AF_UNIX) has family AF_UNIX in `from`.
 */
MUST_CHECK bool proxy_read(span whole, enum proxy_says *says,
                           struct sockaddr_storage *from);
