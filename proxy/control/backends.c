/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/backends.h"

#include "proxy/observe/log.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>

/* ------------------------------------------------------------------- addresses */

static void
set_port(struct endpoint_address *a, uint16_t port)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (a->len == sizeof(v4)) {
        memcpy(&v4, a->bytes, sizeof(v4));
        v4.sin_port = htons(port);
        memcpy(a->bytes, &v4, sizeof(v4));
    } else if (a->len == sizeof(v6)) {
        memcpy(&v6, a->bytes, sizeof(v6));
        v6.sin6_port = htons(port);
        memcpy(a->bytes, &v6, sizeof(v6));
    }
}

bool
endpoint_address_of(span host, uint16_t port, struct endpoint_address *out)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    char text[INET6_ADDRSTRLEN];

    *out = (struct endpoint_address){0};
    if (host.len == 0 || host.len >= sizeof(text))
        return false;
    memcpy(text, host.at, host.len);
    text[host.len] = '\0';
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        out->len = sizeof(v4);
        memcpy(out->bytes, &v4, sizeof(v4));
    } else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
        out->len = sizeof(v6);
        memcpy(out->bytes, &v6, sizeof(v6));
    } else {
        return false;
    }
    set_port(out, port);
    return true;
}

void
endpoint_address_text(const struct endpoint_address *a, char *out, size_t size)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    char host[INET6_ADDRSTRLEN] = "?";

    if (a->len == sizeof(v4)) {
        memcpy(&v4, a->bytes, sizeof(v4));
        (void)inet_ntop(AF_INET, &v4.sin_addr, host, sizeof(host));
        (void)snprintf(out, size, "%s:%u", host, ntohs(v4.sin_port));
    } else {
        memset(&v6, 0, sizeof(v6));
        memcpy(&v6, a->bytes, a->len < sizeof(v6) ? a->len : sizeof(v6));
        (void)inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof(host));
        (void)snprintf(out, size, "[%s]:%u", host, ntohs(v6.sin6_port));
    }
}

static bool
has_address(const struct backend *b, const struct endpoint_address *a)
{
    for (size_t i = 0; i < b->n_addresses; i++)
        if (memcmp(&b->addresses[i], a, sizeof(*a)) == 0)
            return true;
    return false;
}

/* The same addresses in another order are the same: resolvers rotate them. */
static bool
same_addresses(const struct backend *b, const struct endpoint_address *a,
               size_t n)
{
    if (n != b->n_addresses)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!has_address(b, &a[i]))
            return false;
    return true;
}

static void
put_addresses(struct backend *b, const struct endpoint_address *a, size_t n)
{
    if (same_addresses(b, a, n))
        return;
    memcpy(b->addresses, a, n * sizeof(*a));
    b->n_addresses = n;
    endpoints_set_addresses(b->all->segment, b->slot, a, n);
}

/* ---------------------------------------------------------------------- names */

static void
ask(void *arg)
{
    struct backend *b = arg;
    bool asked = names_ask(b->all->names, b->index, b->endpoint->host);
    uint64_t again = asked && b->n_addresses ? NAMES_AGAIN_MS : NAMES_RETRY_MS;

    timer_set(&b->ask_again, b->all->loop, again);
}

static void
say(struct backend *b, const char *text)
{
    (void)snprintf(b->said, sizeof(b->said), "%s", text);
}

static void
on_resolved(void *arg, uint32_t id, const struct endpoint_address *addresses,
            size_t n, const char *said)
{
    struct backends *all = arg;
    struct endpoint_address with_port[ENDPOINT_ADDRESSES];

    if (!all->started || id >= all->n || n > ENDPOINT_ADDRESSES)
        return;
    struct backend *b = &all->at[id];
    if (n == 0) {
        log_warn_limited(loop_now_ms(all->loop), "name_not_resolved",
                         b->endpoint->host, "host=%.*s said=\"%s\" kept=%zu",
                         SPAN_FMT(b->endpoint->host), said, b->n_addresses);
        say(b, said);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        with_port[i] = addresses[i];
        set_port(&with_port[i], b->endpoint->port);
    }
    bool first = b->n_addresses == 0;
    put_addresses(b, with_port, n);
    if (!first)
        return;
    say(b, "");
    timer_set(&b->ask_again, all->loop, NAMES_AGAIN_MS);
}

/* --------------------------------------------------------------------- checks */

/* What workers are told of every endpoint of this one's pool. */
static void
tell_pool(const struct backend *b)
{
    struct backends *all = b->all;
    size_t n = b->pool->n_endpoints;
    struct backend *first =
        &all->at[b->index - (uint32_t)(b->endpoint - b->pool->endpoints)];
    const struct health *of[ENDPOINTS_SLOTS];
    enum endpoint_health told[ENDPOINTS_SLOTS];
    size_t n_used = 0, at = 0;

    assert(n > 0);
    assert(n <= ENDPOINTS_SLOTS); /* each has claimed a slot */
    /* At most half of those that nobody took out of use are told to be down. */
    for (size_t i = 0; i < n; i++)
        if (!first[i].is_drained)
            of[n_used++] = &first[i].health;
    health_cap(of, n_used, told);
    for (size_t i = 0; i < n; i++)
        endpoints_set_health(all->segment, first[i].slot,
                             first[i].is_drained ? HEALTH_DRAINED : told[at++]);
}

static void
saw(struct backend *b, bool passed, const char *said)
{
    struct backends *all = b->all;

    say(b, said);
    metrics_add(all->metrics, passed ? b->passed_cell : b->failed_cell, 1);
    metrics_set(all->metrics, b->up_cell, passed);
    if (!health_saw(&b->health, passed, loop_now_ms(all->loop)))
        return;
    log_info("endpoint_health", "pool=%.*s endpoint=%.*s is=%s said=\"%s\"",
             SPAN_FMT(b->pool->name), SPAN_FMT(b->endpoint->url),
             endpoint_health_name(b->health.is), said);
    tell_pool(b);
}

static uint64_t
check_timeout(const struct backend *b)
{
    return b->pool->check_every_ms < CHECK_MAX_MS ? b->pool->check_every_ms
                                                  : CHECK_MAX_MS;
}

static void
check_address(struct backend *b)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    const struct endpoint_address *a = &b->addresses[b->trying];

    if (b->endpoint->path.len) {
        if (b->endpoint->path.len >= sizeof(un.sun_path)) {
            saw(b, false, "the socket's path is too long");
            return;
        }
        memcpy(un.sun_path, b->endpoint->path.at, b->endpoint->path.len);
        check_start(&b->check, (const struct sockaddr *)&un, sizeof(un),
                    check_timeout(b));
        return;
    }
    memcpy(&address, a->bytes, a->len);
    check_start(&b->check, (const struct sockaddr *)&address, a->len,
                check_timeout(b));
}

/* An endpoint is well if one of its addresses is: a worker walks them too. */
static void
on_checked(void *arg, bool passed, const char *said)
{
    struct backend *b = arg;

    b->trying++;
    if (!passed && b->trying < b->n_addresses)
        check_address(b);
    else
        saw(b, passed, said);
}

static void
check(void *arg)
{
    struct backend *b = arg;

    timer_set(&b->check_again, b->all->loop, b->pool->check_every_ms);
    if (check_is_under_way(&b->check)) /* many addresses, each of them slow */
        return;
    b->trying = 0;
    if (b->n_addresses == 0 && b->endpoint->path.len == 0)
        saw(b, false, b->said[0] ? b->said : "no address");
    else
        check_address(b);
}

/* ----------------------------------------------------------------------- life */

/* Where another control left it. */
static void
go_on_from(struct backend *b, bool keep_addresses)
{
    struct endpoint_view view;

    if (!endpoints_read(b->all->segment, b->slot, &view))
        return;
    b->is_drained = view.health == HEALTH_DRAINED;
    b->health.is = b->is_drained ? HEALTH_UNKNOWN : view.health;
    if (!keep_addresses)
        return;
    memcpy(b->addresses, view.addresses, view.n * sizeof(view.addresses[0]));
    b->n_addresses = view.n;
}

static void
find_cells(struct backend *b)
{
    struct metrics *m = b->all->metrics;
    span up[] = {b->pool->name, b->endpoint->url};
    span passed[] = {b->pool->name, SPAN("passed")};
    span failed[] = {b->pool->name, SPAN("failed")};

    b->up_cell = metrics_cell(m, METRIC_ENDPOINT_UP, up, 2);
    b->passed_cell = metrics_cell(m, METRIC_CHECKS, passed, 2);
    b->failed_cell = metrics_cell(m, METRIC_CHECKS, failed, 2);
    metrics_set(m, b->up_cell, b->health.is == HEALTH_UP);
}

static enum err_code
init_one(struct backend *b, const struct generation *gen, struct err *e)
{
    struct backends *all = b->all;
    struct endpoint_address numeric;
    char name[ENDPOINT_NAME_MAX];

    endpoints_name(b->pool->name, b->endpoint->url, name);
    if (endpoints_claim(all->segment, name, gen->number, &b->slot, e))
        return e->code;
    timer_init(&b->check_again, check, b);
    timer_init(&b->ask_again, ask, b);
    if (!check_init(&b->check, all->loop, b->pool, b->endpoint, on_checked, b))
        return err_set(e, ERR_LIMIT, "no memory for a check");
    b->is_named =
        b->endpoint->path.len == 0 &&
        !endpoint_address_of(b->endpoint->host, b->endpoint->port, &numeric);
    go_on_from(b, b->is_named);
    if (!b->is_named && b->endpoint->path.len == 0)
        put_addresses(b, &numeric, 1);
    if (b->pool->check_path.len)
        find_cells(b);
    else if (!b->is_drained)
        endpoints_set_health(all->segment, b->slot, HEALTH_UNKNOWN);
    return OK;
}

static size_t
count(const struct generation *gen)
{
    size_t n = 0;

    for (size_t i = 0; i < gen->n_pools; i++)
        n += gen->pools[i].n_endpoints;
    return n;
}

enum err_code
backends_init(struct backends *b, struct arena *a, const struct generation *gen,
              struct endpoints *segment, struct metrics *metrics,
              struct loop *l, struct err *e)
{
    bool named = false;

    *b = (struct backends){.loop = l, .segment = segment, .metrics = metrics};
    b->at = arena_array(a, count(gen), sizeof(*b->at));
    if (!b->at)
        return err_set(e, ERR_LIMIT, "no room for the endpoints");
    for (size_t i = 0; i < gen->n_pools; i++) {
        for (size_t k = 0; k < gen->pools[i].n_endpoints; k++) {
            struct backend *one = &b->at[b->n];
            *one = (struct backend){.all = b,
                                    .pool = &gen->pools[i],
                                    .endpoint = &gen->pools[i].endpoints[k],
                                    .index = (uint32_t)b->n};
            one->check.fd = -1;
            b->n++;
            if (init_one(one, gen, e))
                return e->code;
            named |= one->is_named;
        }
    }
    return named
               ? names_new(l, b->n, NAMES_WAIT_MS, on_resolved, b, &b->names, e)
               : OK;
}

void
backends_start(struct backends *b)
{
    b->started = true;
    for (size_t i = 0; i < b->n; i++) {
        struct backend *one = &b->at[i];
        if (one->is_named)
            ask(one);
        /* Not all in one moment: a tenth of a second has room for a hundred. */
        if (one->pool->check_path.len)
            timer_set(&one->check_again, b->loop, i % 100);
    }
}

void
backends_stop(struct backends *b)
{
    b->started = false;
    for (size_t i = 0; i < b->n; i++) {
        timer_clear(&b->at[i].ask_again);
        timer_clear(&b->at[i].check_again);
        check_stop(&b->at[i].check);
    }
}

void
backends_fini(struct backends *b)
{
    backends_stop(b);
    for (size_t i = 0; i < b->n; i++)
        check_fini(&b->at[i].check);
    names_free(&b->names);
    b->n = 0;
}

static struct backend *
find(const struct backends *b, const struct gen_endpoint *endpoint)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->at[i].endpoint == endpoint)
            return &b->at[i];
    return NULL;
}

const struct backend *
backends_find(const struct backends *b, const struct gen_endpoint *endpoint)
{
    return find(b, endpoint);
}

void
backends_drain(struct backends *b, const struct gen_endpoint *endpoint,
               bool drains)
{
    struct backend *one = find(b, endpoint);

    struct endpoint_view told;

    if (!one)
        return;
    one->is_drained = drains;
    /* Another control may have written it since. */
    if (!endpoints_read(b->segment, one->slot, &told) ||
        (told.health == HEALTH_DRAINED) != drains)
        tell_pool(one);
}
