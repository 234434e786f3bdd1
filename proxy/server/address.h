/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address: which of an endpoint's addresses a connection goes to.
 *
 * A name may have several, as control finds them. Connections go to them in
 * turn, so that all who answer to the name have work; one that took none is
 * passed over for a while that doubles, as long as there is another. What was
 * seen of them is forgotten when the name has others; connections to one that it
 * has no more are strays: who is served there is served, and nobody else comes.
 */
#pragma once

#include "proxy/observe/segments.h"

#include <sys/socket.h>

struct endpoint;

struct addresses {
    struct {
        unsigned failures;
        uint64_t bad_ms;      /* passed over until then */
    } at[ENDPOINT_ADDRESSES]; /* as the endpoint's view has them */
    size_t next;
    uint64_t changes; /* how often it had others, or was drained or not */
};

/*
 * Where to dial now. *as is what the endpoint's view calls it; its len is 0
 * where the configuration alone says it. False: there is no address yet.
 */
bool address_pick(struct endpoint *e, struct sockaddr_storage *out,
                  socklen_t *len, struct endpoint_address *as);

/* It took a connection, or did not; true: another one may be tried at once. */
void address_is_well(struct endpoint *e, const struct endpoint_address *as);
bool address_failed(struct endpoint *e, const struct endpoint_address *as);

/* Does the endpoint (still) have it? */
bool address_is_known(const struct endpoint *e,
                      const struct endpoint_address *as);

/* Control says where the endpoint is now; true: connections may be strays. */
bool address_look(struct endpoint *e, const struct endpoint_view *view);
