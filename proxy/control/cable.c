/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/cable.h"

#include "proxy/server/tls.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECORD_BYTES ((size_t)16384)
#define SEALED_MAX   ((size_t)1 << 20) /* handshake and one record: far less */

bool
cable_open(struct cable *c, int fd, const struct certs_store *tls)
{
    *c = (struct cable){.fd = fd};
    buf_init(&c->sealed, SEALED_MAX);
    if (tls)
        c->tls = tls_new(&c->sealed, tls);
    return !tls || c->tls;
}

void
cable_close(struct cable *c)
{
    tls_free(&c->tls);
    buf_fini(&c->sealed);
    close(c->fd);
    c->fd = -1;
}

bool
cable_waits(const struct cable *c)
{
    return buf_len(&c->sealed) > 0;
}

span
cable_certificate(const struct cable *c)
{
    return c->tls ? tls_certificate(c->tls) : (span){0};
}

/* True: it is all gone, or it has to wait. */
static bool
send_buf(struct cable *c, struct buf *b)
{
    while (buf_len(b) > 0) {
        span s = buf_span(b);
        ssize_t n = send(c->fd, s.at, s.len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n <= 0)
            return false;
        buf_consume(b, (size_t)n);
        c->sent_bytes += (size_t)n;
    }
    return true;
}

static bool
seal_some(struct cable *c, struct buf *b)
{
    span first = span_take(buf_span(b), RECORD_BYTES);
    struct iovec v = {.iov_len = first.len};

    memcpy(&v.iov_base, &first.at, sizeof(v.iov_base)); /* it is only read */
    if (!tls_write(c->tls, &v, 1) || buf_failed(&c->sealed))
        return false;
    buf_consume(b, first.len);
    return true;
}

bool
cable_send(struct cable *c, struct buf *b)
{
    if (!c->tls)
        return send_buf(c, b);
    for (;;) { /* ends: the socket takes no more, or `b` is empty */
        if (!send_buf(c, &c->sealed))
            return false;
        if (cable_waits(c) || buf_len(b) == 0)
            return true;
        if (!seal_some(c, b))
            return false;
    }
}

enum io_got
cable_read(struct cable *c, char *to, size_t *len)
{
    char sealed[CABLE_PIECE_BYTES];
    ssize_t n = recv(c->fd, c->tls ? sealed : to, sizeof(sealed), 0);

    *len = 0;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return IO_LATER;
    if (n <= 0)
        return n == 0 ? IO_END : IO_BROKEN;
    if (!c->tls) {
        *len = (size_t)n;
        return IO_BYTES;
    }
    enum io_got got =
        tls_read(c->tls, span_of(sealed, (size_t)n), to, CABLE_READ_BYTES, len);
    if (buf_failed(&c->sealed) || !send_buf(c, &c->sealed))
        return IO_BROKEN;
    return got;
}

bool
cable_shut(struct cable *c)
{
    if (c->tls) {
        tls_close_notify(c->tls);
        if (buf_failed(&c->sealed) || !send_buf(c, &c->sealed))
            return false;
    }
    return shutdown(c->fd, SHUT_WR) == 0;
}
