/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/address.h"

#include "proxy/server/endpoint.h"
#include "proxy/server/worker.h"

#include <arpa/inet.h>
#include <sys/un.h>

/* ── one that is written in the configuration ────────────────────────────── */

static bool
unix_address(span path, struct sockaddr_storage *out, socklen_t *len)
{
    struct sockaddr_un *un = (struct sockaddr_un *)out;

    if (path.len >= sizeof(un->sun_path))
        return false;
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path.at, path.len);
    *len = sizeof(*un);
    return true;
}

static bool
numeric_address(const struct gen_endpoint *gen, struct sockaddr_storage *out,
                socklen_t *len)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    char host[INET6_ADDRSTRLEN];

    if (gen->host.len >= sizeof(host))
        return false;
    snprintf(host, sizeof(host), "%.*s", SPAN_FMT(gen->host));
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(gen->port);
        *len = sizeof(*v4);
        return true;
    }
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
        return false;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(gen->port);
    *len = sizeof(*v6);
    return true;
}

/* ── those that control found ────────────────────────────────────────────── */

static uint64_t
now_ms(const struct endpoint *e)
{
    return loop_now_ms(e->pool->upstreams->worker->loop);
}

/* Its place in the view, or the view's n. */
static size_t
place_of(const struct endpoint *e, const struct endpoint_address *as)
{
    size_t i = 0;

    while (i < e->view.n && memcmp(&e->view.addresses[i], as, sizeof(*as)) != 0)
        i++;
    return i;
}

/* The next that is not passed over, or the one that will be so no more soonest. */
static size_t
take_turn(struct endpoint *e)
{
    struct addresses *a = &e->addresses;
    uint64_t now = now_ms(e);
    size_t best = a->next % e->view.n;

    for (size_t i = 0; i < e->view.n; i++) {
        size_t place = (a->next + i) % e->view.n;

        if (a->at[place].bad_ms <= now) {
            best = place;
            break;
        }
        if (a->at[place].bad_ms < a->at[best].bad_ms)
            best = place;
    }
    a->next = best + 1;
    return best;
}

bool
address_pick(struct endpoint *e, struct sockaddr_storage *out, socklen_t *len,
             struct endpoint_address *as)
{
    *out = (struct sockaddr_storage){0};
    *as = (struct endpoint_address){0};
    if (e->gen->path.len)
        return unix_address(e->gen->path, out, len);
    if (!e->has_view || e->view.n == 0)
        return numeric_address(e->gen, out, len);
    *as = e->view.addresses[take_turn(e)];
    if (as->len == 0 || as->len > sizeof(as->bytes))
        return false;
    memcpy(out, as->bytes, as->len);
    *len = (socklen_t)as->len;
    return true;
}

void
address_is_well(struct endpoint *e, const struct endpoint_address *as)
{
    size_t place = place_of(e, as);

    if (place == e->view.n)
        return;
    e->addresses.at[place].failures = 0;
    e->addresses.at[place].bad_ms = 0;
}

bool
address_failed(struct endpoint *e, const struct endpoint_address *as)
{
    struct addresses *a = &e->addresses;
    size_t place = place_of(e, as), n_bad = 0;
    uint64_t now = now_ms(e);

    if (place < e->view.n)
        a->at[place].bad_ms = now + endpoint_pause_ms(a->at[place].failures++);
    for (size_t i = 0; i < e->view.n; i++)
        n_bad += a->at[i].bad_ms > now;
    return n_bad < e->view.n;
}

bool
address_is_known(const struct endpoint *e, const struct endpoint_address *as)
{
    return as->len == 0 || place_of(e, as) < e->view.n;
}

static bool
has_same(const struct endpoint_view *a, const struct endpoint_view *b)
{
    return a->n == b->n && memcmp(a->addresses, b->addresses,
                                  a->n * sizeof(*a->addresses)) == 0;
}

bool
address_look(struct endpoint *e, const struct endpoint_view *view)
{
    /* None at all is no word about those that there were. */
    bool is_silent = view->n == 0 && e->has_view;
    bool is_elsewhere = e->has_view && !is_silent && !has_same(&e->view, view);
    bool was_drained = endpoint_is_drained(e);
    uint64_t changes = e->addresses.changes;

    if (is_elsewhere)
        e->addresses = (struct addresses){.changes = changes + 1};
    if (is_silent)
        e->view.health = view->health;
    else
        e->view = *view;
    e->has_view = true;
    if (endpoint_is_drained(e) != was_drained)
        e->addresses.changes = changes + 1;
    return e->addresses.changes != changes;
}
