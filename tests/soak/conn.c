/* SPDX-License-Identifier: Apache-2.0 */
/* conn: one connection from connect to close, in clear or over TLS. */
#include "tests/soak/soak.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define OUT_MAX ((size_t)4 << 20)

static bool
make_tls(struct conn *c)
{
    if (!options.tls)
        return true;
    c->ssl = SSL_new(options.tls);
    if (!c->ssl || !SSL_set_fd(c->ssl, c->fd))
        return false;
    SSL_set_connect_state(c->ssl);
    return true;
}

struct conn *
conn_new(int epoll)
{
    struct conn *c = calloc(1, sizeof(*c));
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET};
    int on = 1;

    if (!c)
        return NULL;
    buf_init(&c->out, OUT_MAX);
    buf_init(&c->in, OUT_MAX);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    e.data.ptr = c;
    if (c->fd >= 0 &&
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0 &&
        make_tls(c) && epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &e) == 0 &&
        (connect(c->fd, (const struct sockaddr *)&options.to,
                 sizeof(options.to)) == 0 ||
         errno == EINPROGRESS))
        return c;
    conn_free(c);
    return NULL;
}

void
conn_free(struct conn *c)
{
    if (c->h2)
        h2_close(c);
    if (c->ssl) {
        SSL_set_quiet_shutdown(c->ssl, 1);
        SSL_shutdown(c->ssl);
        SSL_free(c->ssl);
    }
    if (c->fd >= 0)
        close(c->fd);
    buf_fini(&c->out);
    buf_fini(&c->in);
    free(c);
}

struct ask *
conn_ask_begin(struct conn *c)
{
    size_t i = 0;

    while (c->asks[i].is_used) /* ends: fewer than `streams` are */
        i++;
    assert(i < ASKS_MAX);
    c->asks[i] =
        (struct ask){.sent_us = soak_now_us(),
                     .is_used = true,
                     .posts = options.post_bytes && c->n_asked % 3 == 2,
                     .n_length = UINT64_MAX};
    c->n_asks++;
    c->n_asked++;
    if (options.turns && c->n_asked >= options.turns)
        c->is_leaving = true;
    return &c->asks[i];
}

/* ── bytes ───────────────────────────────────────────────────────────────── */

/* Bytes moved; 0: not now; -1: it is over. */
static ssize_t
tls_result(struct conn *c, int n)
{
    if (n > 0)
        return n;
    int why = SSL_get_error(c->ssl, n);
    ERR_clear_error();
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static ssize_t
receive(struct conn *c, char *at, size_t room)
{
    if (c->ssl)
        return tls_result(c, SSL_read(c->ssl, at, (int)room));
    ssize_t n = recv(c->fd, at, room, 0);
    if (n < 0 && errno == EAGAIN)
        return 0;
    return n > 0 ? n : -1;
}

static bool
flush(struct conn *c)
{
    while (buf_len(&c->out)) { /* ends: each round takes some or returns */
        span out = buf_span(&c->out);
        ssize_t n = c->ssl
                        ? tls_result(c, SSL_write(c->ssl, out.at, (int)out.len))
                        : send(c->fd, out.at, out.len, MSG_NOSIGNAL);
        if (n < 0 && !c->ssl && errno == EAGAIN)
            return true;
        if (n <= 0)
            return n == 0;
        buf_consume(&c->out, (size_t)n);
    }
    return !buf_failed(&c->out);
}

void
conn_fill(struct conn *c)
{
    if (c->state != CONN_OPEN || c->is_dead)
        return;
    if (options.h2)
        h2_fill(c);
    else
        h1_fill(c);
    if (!flush(c))
        conn_end(c);
}

/* ── steps ───────────────────────────────────────────────────────────────── */

static bool
is_agreed(const struct conn *c)
{
    const unsigned char *name = NULL;
    unsigned n = 0;

    if (!c->ssl)
        return true;
    SSL_get0_alpn_selected(c->ssl, &name, &n);
    return !options.h2 || (n == 2 && memcmp(name, "h2", 2) == 0);
}

/* Connecting, then shaking hands. False: it failed. */
static bool
open_on(struct conn *c, uint32_t events)
{
    int why = 0;
    socklen_t len = sizeof(why);

    if (c->state == CONN_CONNECTING) {
        if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &why, &len) || why)
            return false;
        if (!(events & EPOLLOUT))
            return true;
        c->state = c->ssl ? CONN_SHAKING : CONN_OPEN;
    }
    if (c->state == CONN_SHAKING) {
        ssize_t n = tls_result(c, SSL_do_handshake(c->ssl));
        if (n <= 0)
            return n == 0;
        if (!is_agreed(c))
            return false;
        c->state = CONN_OPEN;
    }
    return !options.h2 || c->h2 || h2_open(c);
}

/* All that is there; false when the connection is over. */
static bool
take(struct conn *c)
{
    static char scratch[256 * 1024];
    ssize_t n;

    while ((n = receive(c, scratch, sizeof(scratch))) > 0) {
        bool fine = options.h2 ? h2_take(c, scratch, (size_t)n)
                               : h1_take(c, scratch, (size_t)n);
        if (!fine)
            return false;
    }
    return n == 0;
}

void
conn_step(struct conn *c, uint32_t events)
{
    if (c->is_dead)
        return;
    if (c->state != CONN_OPEN && !open_on(c, events)) {
        conn_end(c);
        return;
    }
    if (c->state != CONN_OPEN)
        return;
    if (!take(c)) {
        conn_end(c);
        return;
    }
    conn_fill(c);
    soak_offer(c);
    if (!c->is_dead && c->is_leaving && c->n_asks == 0)
        conn_end(c);
}
