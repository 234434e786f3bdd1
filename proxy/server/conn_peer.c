/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conn_peer: who is at the other end. The socket says it, or, where a load
 * balancer that is trusted stands before us, a PROXY header does.
 */
#include "proxy/server/conn.h"

#include "proxy/http/proxy.h"
#include "proxy/observe/log.h"
#include "proxy/server/gate.h"
#include "proxy/server/limit.h"
#include "proxy/server/worker.h"

#include <arpa/inet.h>
#include <errno.h>

void
conn_peer_note(struct conn *conn, const struct sockaddr *peer, size_t len)
{
    const struct generation *gen = conn->worker->gen;
    struct client *c = &conn->client;
    char text[INET6_ADDRSTRLEN] = "unix";
    const void *at = peer;

    c->has_address = false;
    if (peer && len >= sizeof(struct sockaddr_in) &&
        peer->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = at;

        memset(c->address, 0, 10);
        memset(c->address + 10, 0xff, 2);
        memcpy(c->address + 12, &v4->sin_addr, 4);
        inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
        c->has_address = true;
    } else if (peer && len >= sizeof(struct sockaddr_in6) &&
               peer->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = at;

        memcpy(c->address, &v6->sin6_addr, 16);
        inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
        c->has_address = true;
    }
    c->peer_len = (size_t)snprintf(c->peer, sizeof(c->peer), "%s", text);
    c->is_trusted =
        c->has_address && gate_is_in(gen->trust, gen->n_trust, c->address);
}

bool
conn_peer_count(struct conn *c)
{
    struct worker *w = c->worker;
    uint64_t max = w->gen->limits.connections_per_client;
    span address =
        span_of((const char *)c->client.address, sizeof(c->client.address));

    if (max == 0 || !c->client.has_address ||
        counts_client_enter(&w->counts, address, max, &c->counted_as))
        return true;
    limit_reached(w, SPAN("connections_per_client"));
    conn_close(c, false);
    return false;
}

/* ── the PROXY header ────────────────────────────────────────────────────── */

/* Its bytes and no more: what follows it may be TLS's. False: not all are here. */
static bool
take_header(struct conn *c, size_t want)
{
    size_t have = buf_len(&c->ahead);
    char *at = have < want ? buf_reserve(&c->ahead, want - have) : NULL;

    if (have >= want)
        return true;
    ssize_t n = at ? recv(c->io.watch.fd, at, want - have, 0) : 0;
    if (n > 0)
        buf_commit(&c->ahead, (size_t)n);
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        conn_close(c, false);
    return c->state != CONN_DEAD && buf_len(&c->ahead) == want;
}

void
conn_peer_refuse(struct conn *c, const char *why)
{
    metrics_count(c->worker->metrics, METRIC_REFUSED, 1, SPAN("proxy-header"));
    log_warn_limited(loop_now_ms(c->worker->loop), "proxy_header_refused",
                     c->client.listener->at.text,
                     "listener=%.*s peer=%.*s why=\"%s\"",
                     SPAN_FMT(c->client.listener->at.text),
                     SPAN_FMT(client_peer(&c->client)), why);
    conn_close(c, false);
}

bool
conn_peer_read(struct conn *c)
{
    struct sockaddr_storage from;
    enum proxy_says says;

    if (!take_header(c, PROXY_HEAD))
        return false;
    size_t all = proxy_length(span_take(buf_span(&c->ahead), PROXY_HEAD));
    if (all == 0) {
        conn_peer_refuse(c, "it is no PROXY header of version 2");
        return false;
    }
    if (!take_header(c, all))
        return false;
    if (!proxy_read(buf_span(&c->ahead), &says, &from)) {
        conn_peer_refuse(c, "it is malformed");
        return false;
    }
    if (says == PROXY_CLIENT)
        conn_peer_note(c, (struct sockaddr *)&from, sizeof(from));
    buf_fini(&c->ahead);
    return true;
}
