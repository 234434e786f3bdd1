/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io: a connected socket's bytes, in clear or through TLS.
 *
 * Reading goes into the worker's one scratch buffer, so an idle connection
 * holds none. Writing gathers references and sends them with one call when the
 * wake-up ends (worker_flush); only what the socket does not take is copied to
 * a queue, and only then is the descriptor watched for writing. Frames of many
 * wake-ups are made in a buffer of the connection's until they are sent.
 */
#pragma once

#include "proxy/base/buf.h"
#include "proxy/server/loop.h"
#include "proxy/server/pace.h"

#include <sys/uio.h>

struct tls;
struct worker;

#define IO_GATHER 12

struct io {
    struct worker *worker;
    struct tls *tls; /* NULL in clear */
    struct watch watch;
    struct buf queue; /* for the socket: sealed if there is TLS */
    struct buf made;  /* goes out with the next flush; its memory is lent */
    struct iovec gather[IO_GATHER];
    size_t n_gather;
    size_t gather_bytes;
    struct io *next_dirty;
    uint64_t progress_ms; /* when the socket last took a byte of a queue */
    uint64_t sent_bytes;  /* all that the socket took */
    struct pace pace;     /* of the peer, since the queue began */
    bool is_dirty;
    bool is_broken; /* the peer is gone, or TLS failed */
    bool ends;      /* shut our side once all is out */
    bool has_ended;
};

enum io_got {
    IO_BYTES, /* *bytes points into the worker's scratch */
    IO_LATER, /* nothing now */
    IO_END,   /* the peer has shut its side */
    IO_BROKEN /* reset, or a TLS failure */
};

/* Take over `fd`, nonblocking. False if the heap is empty; `fd` stays open. */
MUST_CHECK bool io_init(struct io *io, struct worker *w, int fd, watch_fn fn,
                        void *arg);

/* Close; what was gathered or queued is lost. With `reset` the peer is told so. */
void io_close(struct io *io, bool reset);

#define IO_LEAST ((size_t)4096) /* is always worth a read */

/*
 * Read once, at most `room` bytes of the socket's (through TLS somewhat more may
 * come of them) and what the scratch holds. Good until the next io_read of this
 * worker.
 */
enum io_got io_read(struct io *io, span *bytes, size_t room);

/* Send these bytes, which live until the wake-up ends. */
void io_put(struct io *io, span bytes);

/* The same for bytes that do not: they are copied. */
void io_copy(struct io *io, span bytes);

/*
 * Where bytes are made that may wait until others join them: append, and at the
 * latest when the batch of events is done, io_flush.
 */
struct buf *io_made(struct io *io);

/* Once all is out, shut our side (TLS: with close_notify). */
void io_end(struct io *io);

/* Send what was gathered. The worker calls it for all that are dirty. */
void io_flush(struct io *io);

/*
 * The descriptor is writable: send from the queue. True once it is empty; the
 * descriptor is then no longer watched for writing.
 */
bool io_drain(struct io *io);

/*
 * Bytes that wait for the socket. If they are more than `high` with what is
 * gathered, that is sent first: only what the socket refuses is back pressure.
 */
size_t io_backlog(struct io *io, size_t high);

/*
 * Does the peer take what waits? By what it acknowledged: a socket's own buffer
 * takes little for long and then much at once. PACE_WELL if it refused nothing.
 */
enum pace_is io_look(struct io *io, const struct pace_rules *rules);

/* Bytes that the socket did not take yet. */
static inline size_t
io_refused(const struct io *io)
{
    return buf_len(&io->queue);
}

/* Bytes that wait, gathered and made ones included. */
static inline size_t
io_waiting(const struct io *io)
{
    return io_refused(io) + io->gather_bytes + buf_len(&io->made);
}
