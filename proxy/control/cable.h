/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cable: a caller's bytes to and from his socket, in clear or through TLS.
 *
 * It holds no more than one record that the socket did not take; what else is to
 * be sent stays in its owner's buf.
 */
#pragma once

#include "proxy/base/buf.h"
#include "proxy/server/io.h"

struct certs_store;

/* A piece from the socket may be the end of a record that came in pieces: all of it is
 * readable then, and nobody says so again. */
#define CABLE_PIECE_BYTES 4096
#define CABLE_READ_BYTES  (CABLE_PIECE_BYTES + 16384)

struct cable {
    int fd;              /* ours from cable_open to cable_close */
    struct tls *tls;     /* NULL in clear */
    struct buf sealed;   /* what the socket did not take yet */
    uint64_t sent_bytes; /* all that it took */
};

/* `tls` NULL: in clear. False: no memory, and `fd` stays the caller's. */
MUST_CHECK bool cable_open(struct cable *c, int fd,
                           const struct certs_store *tls);
void cable_close(struct cable *c);

/*
 * Read a piece into `to`, of CABLE_READ_BYTES, and answer what a handshake asks for
 * (cable_waits then). IO_LATER: nothing now.
 */
enum io_got cable_read(struct cable *c, char *to, size_t *len);

/* Send what the socket takes of what waits, then of `b`, which loses that. False:
 * the peer is gone. */
MUST_CHECK bool cable_send(struct cable *c, struct buf *b);

/* Is there something left from a call before? */
bool cable_waits(const struct cable *c);

/* Our side is done, all is sent. False: the peer is gone. */
MUST_CHECK bool cable_shut(struct cable *c);

/* The name in the verified certificate of the peer; empty without. */
span cable_certificate(const struct cable *c);
