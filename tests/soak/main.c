/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop, the tallies and the report, which is a line of JSON a window: a
 * window ends at SIGUSR1, every --every milliseconds, and with the program.
 */
#include "tests/soak/soak.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define EVENTS     512
#define WAIT_MS    2    /* how late what is due by the clock may be */
#define PATIENCE_S 30   /* a request unanswered so long is lost */
#define END_S      10   /* for what is under way at the end */
#define RETRY_US   2000 /* after a connection that could not be made */
#define BEHIND_S   0.1  /* so much of the rate may be made up for */

struct options options;

static struct {
    int epoll;
    struct conn *conns, *free, *dead;
    uint64_t n_conns, n_opened;
    uint64_t asked, again; /* in all; of these, to be asked again */
    uint64_t began_us, window_us, retry_us;
    uint64_t unsent; /* due by the rate, and no connection was free */
    uint64_t counts[OUTCOME_COUNT], totals[OUTCOME_COUNT];
    struct times ok, refused;
    bool ends;
} soak;

static volatile sig_atomic_t is_told_to_end, is_told_to_report;

static void
on_signal(int number)
{
    if (number == SIGUSR1)
        is_told_to_report = 1;
    else
        is_told_to_end = 1;
}

uint64_t
soak_now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* ── times ───────────────────────────────────────────────────────────────── */

static size_t
cell_of(uint64_t us)
{
    if (us < TIMES_STEPS)
        return us;
    unsigned top = 63 - (unsigned)__builtin_clzll(us); /* at least 5 */
    size_t cell = (top - 4) * TIMES_STEPS + (us >> (top - 5)) - TIMES_STEPS;
    return cell < TIMES_CELLS ? cell : TIMES_CELLS - 1;
}

static uint64_t
us_of(size_t cell)
{
    if (cell < TIMES_STEPS)
        return cell;
    unsigned shift = (unsigned)(cell / TIMES_STEPS) - 1;
    return (TIMES_STEPS + cell % TIMES_STEPS + 1) << shift;
}

static void
times_add(struct times *t, uint64_t us)
{
    t->cells[cell_of(us)]++;
    t->n++;
    if (us > t->most_us)
        t->most_us = us;
}

/* The time that `share` of the answers stayed under, in milliseconds. */
static double
times_at(const struct times *t, double share)
{
    double left = share * (double)t->n;

    for (size_t i = 0; i < TIMES_CELLS; i++) {
        left -= (double)t->cells[i];
        if (t->n && left <= 0)
            return (double)us_of(i) / 1000;
    }
    return 0;
}

/* ── tallies ─────────────────────────────────────────────────────────────── */

bool
soak_may_ask(void)
{
    if (soak.ends ||
        (options.requests && soak.asked - soak.again >= options.requests))
        return false;
    if (!options.rate)
        return true;
    double rate = (double)options.rate;
    double due = (double)(soak_now_us() - soak.began_us) / 1e6 * rate;
    double sent = (double)(soak.asked - soak.again + soak.unsent);
    if (due - sent > BEHIND_S * rate) {
        soak.unsent += (uint64_t)(due - sent - BEHIND_S * rate);
        sent = due - BEHIND_S * rate;
    }
    return sent + 1 <= due;
}

void
soak_asked(struct conn *c)
{
    (void)c;
    soak.asked++;
}

enum outcome
soak_judge(const struct ask *a)
{
    bool is_whole = a->n_length == UINT64_MAX || a->n_length == a->n_body;

    if (!is_whole)
        return OUT_LOST;
    return a->status == 200   ? OUT_OK
           : a->status == 503 ? OUT_REFUSED
                              : OUT_WRONG;
}

static void
count(enum outcome how)
{
    soak.counts[how]++;
    soak.totals[how]++;
    soak.again += how == OUT_AGAIN;
}

void
soak_ended(struct conn *c, struct ask *a, enum outcome how)
{
    uint64_t us = soak_now_us() - a->sent_us;

    count(how);
    if (how == OUT_OK)
        times_add(&soak.ok, us);
    else if (how == OUT_REFUSED)
        times_add(&soak.refused, us);
    a->is_used = false;
    c->n_asks--;
}

void
soak_offer(struct conn *c)
{
    if (!options.rate || c->is_offered || c->is_dead || c->is_leaving ||
        c->state != CONN_OPEN || c->n_asks >= options.streams)
        return;
    c->is_offered = true;
    c->free_before = NULL;
    c->free_next = soak.free;
    if (c->free_next)
        c->free_next->free_before = c;
    soak.free = c;
}

static void
withdraw(struct conn *c)
{
    if (!c->is_offered)
        return;
    c->is_offered = false;
    if (c->free_before)
        c->free_before->free_next = c->free_next;
    else
        soak.free = c->free_next;
    if (c->free_next)
        c->free_next->free_before = c->free_before;
}

void
conn_end(struct conn *c)
{
    if (c->is_dead)
        return;
    withdraw(c);
    if (c->state != CONN_OPEN) {
        count(OUT_UNCONNECTED);
        soak.retry_us = soak_now_us() + RETRY_US;
    }
    for (size_t i = 0; i < ASKS_MAX && c->n_asks; i++)
        if (c->asks[i].is_used)
            soak_ended(c, &c->asks[i], OUT_LOST);
    c->is_dead = true;
    if (c->before)
        c->before->next = c->next;
    else
        soak.conns = c->next;
    if (c->next)
        c->next->before = c->before;
    soak.n_conns--;
    c->next = soak.dead; /* events of this batch may still name it */
    soak.dead = c;
}

/* ── the report ──────────────────────────────────────────────────────────── */

static void
print_counts(const char *name, const uint64_t *counts)
{
    static const char *const words[] = {
#define X(name, word) word,
        OUTCOMES(X)
#undef X
    };

    printf("\"%s\": {", name);
    for (int i = 0; i < OUTCOME_COUNT; i++)
        printf("%s\"%s\": %llu", i ? ", " : "", words[i],
               (unsigned long long)counts[i]);
    printf("}");
}

static void
print_times(const char *name, const struct times *t)
{
    printf(", \"%s\": {\"n\": %llu, \"p50\": %.3f, \"p99\": %.3f, \"p999\": "
           "%.3f, \"most\": %.3f}",
           name, (unsigned long long)t->n, times_at(t, 0.5), times_at(t, 0.99),
           times_at(t, 0.999), (double)t->most_us / 1000);
}

static void
report(bool is_last)
{
    uint64_t now = soak_now_us();

    printf("{\"last\": %s, \"seconds\": %.3f, \"connections\": %llu, "
           "\"opened\": %llu, \"unsent\": %llu, ",
           is_last ? "true" : "false", (double)(now - soak.window_us) / 1e6,
           (unsigned long long)soak.n_conns, (unsigned long long)soak.n_opened,
           (unsigned long long)soak.unsent);
    print_counts("window", soak.counts);
    printf(", ");
    print_counts("total", soak.totals);
    print_times("ok_ms", &soak.ok);
    print_times("refused_ms", &soak.refused);
    printf("}\n");
    fflush(stdout);
    memset(soak.counts, 0, sizeof(soak.counts));
    memset(&soak.ok, 0, sizeof(soak.ok));
    memset(&soak.refused, 0, sizeof(soak.refused));
    soak.window_us = now;
}

/* ── the loop ────────────────────────────────────────────────────────────── */

static void
open_conns(void)
{
    uint64_t now = soak_now_us();
    /* With a rate a connection is made when all others are busy. */
    bool wants = !options.rate || (!soak.free && soak_may_ask());

    while (wants && soak.n_conns < options.connections && !soak.ends &&
           now >= soak.retry_us) {
        struct conn *c = conn_new(soak.epoll);
        if (!c) {
            count(OUT_UNCONNECTED);
            soak.retry_us = now + RETRY_US;
            return;
        }
        c->next = soak.conns;
        if (c->next)
            c->next->before = c;
        soak.conns = c;
        soak.n_conns++;
        soak.n_opened++;
        wants = !options.rate || soak.n_opened % 64 != 0;
    }
}

/* Whoever is offered has room: each turn asks one request at least. */
static void
fill_free(void)
{
    while (soak.free && soak_may_ask()) {
        struct conn *c = soak.free;
        withdraw(c);
        conn_fill(c);
        soak_offer(c);
    }
}

static void
give_up_late(uint64_t patience_us)
{
    uint64_t now = soak_now_us();
    struct conn *next;

    for (struct conn *c = soak.conns; c; c = next) {
        bool is_late = false;
        next = c->next;
        for (size_t i = 0; i < options.streams; i++)
            is_late |=
                c->asks[i].is_used && now - c->asks[i].sent_us > patience_us;
        if (is_late)
            conn_end(c);
    }
}

static void
bury(void)
{
    while (soak.dead) {
        struct conn *c = soak.dead;
        soak.dead = c->next;
        conn_free(c);
    }
}

/* At the end: what has nothing under way leaves. */
static bool
is_over(uint64_t end_us)
{
    struct conn *next;

    for (struct conn *c = soak.conns; c; c = next) {
        next = c->next;
        if (c->state == CONN_OPEN && c->n_asks == 0)
            conn_end(c);
    }
    return !soak.conns || soak_now_us() > end_us;
}

static void
turn(void)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(soak.epoll, events, EVENTS, WAIT_MS);

    for (int i = 0; i < n; i++)
        conn_step(events[i].data.ptr, events[i].events);
    bury();
}

static void
run(void)
{
    uint64_t late_us = 0, end_us = 0;

    for (;;) { /* ends: at the last request or SIGTERM, END_S later at most */
        open_conns();
        turn();
        uint64_t now = soak_now_us();
        if (options.rate)
            fill_free();
        if (now > late_us) {
            give_up_late(PATIENCE_S * 1000000ull);
            late_us = now + 1000000;
        }
        if (is_told_to_report ||
            (options.every_ms &&
             now - soak.window_us >= options.every_ms * 1000)) {
            is_told_to_report = 0;
            report(false);
        }
        soak.ends |=
            is_told_to_end || (options.requests && !options.rate &&
                               soak.asked - soak.again >= options.requests);
        if (soak.ends && !end_us)
            end_us = now + END_S * 1000000ull;
        if (soak.ends && is_over(end_us))
            break;
        bury();
    }
    while (soak.conns)
        conn_end(soak.conns);
    bury();
}

/* ── the command line ────────────────────────────────────────────────────── */

static bool
set_tls(void)
{
    static const unsigned char h2[] = "\x02h2", h1[] = "\x08http/1.1";

    options.tls = SSL_CTX_new(TLS_client_method());
    if (!options.tls)
        return false;
    SSL_CTX_set_verify(options.tls, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_mode(options.tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return SSL_CTX_set_alpn_protos(options.tls, options.h2 ? h2 : h1,
                                   options.h2 ? sizeof(h2) - 1
                                              : sizeof(h1) - 1) == 0;
}

static const struct {
    const char *name;
    uint64_t *value;
} numbers[] = {
    {"connections", &options.connections},
    {"streams", &options.streams},
    {"turns", &options.turns},
    {"requests", &options.requests},
    {"rate", &options.rate},
    {"every", &options.every_ms},
    {"post", &options.post_bytes},
};

static bool
read_options(int argc, char **argv)
{
    static struct option all[COUNT(numbers) + 5];
    uint64_t port = 0;
    bool good = true, tls = false;

    for (size_t i = 0; i < COUNT(numbers); i++)
        all[i] = (struct option){numbers[i].name, required_argument, NULL, 'n'};
    all[COUNT(numbers)] = (struct option){"port", required_argument, NULL, 'p'};
    all[COUNT(numbers) + 1] =
        (struct option){"path", required_argument, NULL, 'u'};
    all[COUNT(numbers) + 2] = (struct option){"tls", no_argument, NULL, 't'};
    all[COUNT(numbers) + 3] = (struct option){"h2", no_argument, NULL, '2'};
    for (int o, at; (o = getopt_long(argc, argv, "", all, &at)) != -1;) {
        span text = span_str(optarg ? optarg : "");
        if (o == 'n')
            good &= span_to_u64(text, numbers[at].value);
        else if (o == 'p')
            good &= span_to_u64(text, &port) && port < 65536;
        else if (o == 'u')
            options.path = optarg;
        else if (o == 't')
            tls = true;
        else if (o == '2')
            options.h2 = true;
        else
            good = false;
    }
    if (!options.h2)
        options.streams = 1;
    options.to = (struct sockaddr_in){.sin_family = AF_INET,
                                      .sin_port = htons((uint16_t)port),
                                      .sin_addr = {htonl(INADDR_LOOPBACK)}};
    return good && port && optind == argc && options.connections &&
           options.streams && options.streams <= ASKS_MAX &&
           (!tls || set_tls());
}

int
main(int argc, char **argv)
{
    options = (struct options){.connections = 16, .streams = 8, .path = "/1k"};
    if (!read_options(argc, argv)) {
        fputs(
            "usage: soak --port N [--tls] [--h2] [--connections N] [--streams "
            "N] [--turns N]\n            [--requests N] [--rate N] [--every "
            "MS] "
            "[--post BYTES] [--path P]\n",
            stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    signal(SIGUSR1, on_signal);
    soak.epoll = epoll_create1(EPOLL_CLOEXEC);
    soak.began_us = soak.window_us = soak_now_us();
    report(false); /* signals are taken from here on */
    run();
    report(true);
    return 0;
}
