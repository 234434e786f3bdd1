/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks and names against a server of ours in a child process: what workers
 * read in the segment is what is asked.
 */
#include "proxy/control/backends.h"
#include "tests/proxy/control/house.h"
#include "tests/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* One that says what it is told to: a status, nothing at all, or rubbish. */
enum { SAY_NOTHING = -1, SAY_RUBBISH = -2 };

struct backend_server {
    pid_t pid;
    uint16_t port;
    _Atomic int *says; /* shared with the child */
    _Atomic int *n_asked;
};

static void __attribute__((noreturn))
serve(int listener, _Atomic int *says, _Atomic int *n_asked)
{
    char bytes[4096];
    char answer[128];

    for (;;) {
        int fd = accept(listener, NULL, NULL);
        ssize_t n = read(fd, bytes, sizeof(bytes) - 1);
        if (n > 0) {
            bytes[n] = '\0';
            bool well = strstr(bytes, "GET /healthz HTTP/1.1\r\n") == bytes &&
                        strstr(bytes, "\r\nHost: 127.0.0.1:");
            int status = well ? atomic_load(says) : 599;
            int len =
                snprintf(answer, sizeof(answer),
                         "HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n", status);
            if (status == SAY_RUBBISH)
                len = snprintf(answer, sizeof(answer), "I am well\r\n\r\n");
            atomic_fetch_add(n_asked, 1);
            if (status != SAY_NOTHING && write(fd, answer, (size_t)len) < 0)
                _exit(1);
        }
        if (atomic_load(says) != SAY_NOTHING)
            close(fd); /* else it is left hanging */
    }
}

static struct backend_server
server_start(int says)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(v4);
    struct backend_server s = {0};
    _Atomic int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(shared != MAP_FAILED);
    s.says = &shared[0];
    s.n_asked = &shared[1];
    atomic_store(s.says, says);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&v4, sizeof(v4)), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&v4, &len), 0);
    s.port = ntohs(v4.sin_port);
    s.pid = fork();
    assert_true(s.pid >= 0);
    if (s.pid == 0)
        serve(fd, s.says, s.n_asked);
    close(fd);
    return s;
}

static void
server_stop(struct backend_server *s)
{
    if (s->pid) {
        assert_int_equal(kill(s->pid, SIGKILL), 0);
        assert_int_equal(waitpid(s->pid, NULL, 0), s->pid);
    }
    s->pid = 0;
}

/* A pool of two over a loop that turns until a condition holds. */
struct pair {
    struct house house;
    struct gen_endpoint endpoints[2];
    struct loop *loop;
    struct metrics *metrics;
    struct backends backends;
    struct timer over;
    bool timed_out;
    bool (*done)(const struct pair *p);
};

static void
on_over(void *arg)
{
    ((struct pair *)arg)->timed_out = true;
}

static void
set_endpoint(struct pair *p, size_t i, const char *host, uint16_t port)
{
    span url = arena_fmt(p->house.arena, "http://%s:%u", host, port);

    p->endpoints[i] = (struct gen_endpoint){.url = url,
                                            .host = span_str(host),
                                            .port = port,
                                            .authority = span_skip(url, 7)};
}

static void
pair_make(struct pair *p, const char *host, uint16_t first, uint16_t second)
{
    struct err e;

    *p = (struct pair){0};
    house_make(&p->house, 0, 1);
    set_endpoint(p, 0, host, first);
    set_endpoint(p, 1, "127.0.0.1", second);
    p->house.pools[0].endpoints = p->endpoints;
    p->house.pools[0].n_endpoints = 2;
    p->house.pools[0].check_path = SPAN("/healthz");
    p->house.pools[0].check_every_ms = 100;
    p->house.gen.n_pools = 1;
    p->loop = loop_new();
    assert_non_null(p->loop);
    timer_init(&p->over, on_over, p);
    if (metrics_open(p->house.arena, p->house.totals, &p->metrics, &e) ||
        backends_init(&p->backends, p->house.arena, &p->house.gen,
                      p->house.segment, p->metrics, p->loop, &e))
        fail_msg("%s", e.text);
}

static void
after(void *arg)
{
    struct pair *p = arg;

    if (p->timed_out || p->done(p))
        loop_stop(p->loop);
}

/* Once for a pair: loop_stop is for good. */
static void
run(struct pair *p, bool (*done)(const struct pair *p))
{
    p->done = done;
    timer_set(&p->over, p->loop, 10000);
    backends_start(&p->backends);
    loop_run(p->loop, after, p);
    assert_false(p->timed_out);
}

static void
pair_remove(struct pair *p)
{
    timer_clear(&p->over);
    backends_fini(&p->backends);
    loop_free(&p->loop);
    house_remove(&p->house);
}

static struct endpoint_view
view(const struct pair *p, size_t i)
{
    char name[ENDPOINT_NAME_MAX];
    struct endpoint_view v;

    endpoints_name(SPAN("blue"), p->endpoints[i].url, name);
    uint32_t slot = endpoints_find(p->house.segment, name);
    assert_int_not_equal(slot, SEGMENT_NO_SLOT);
    assert_true(endpoints_read(p->house.segment, slot, &v));
    return v;
}

static bool
up_and_down(const struct pair *p)
{
    return view(p, 0).health == HEALTH_UP && view(p, 1).health == HEALTH_DOWN;
}

TEST(a_numeric_endpoint_has_its_address_before_anybody_looks)
{
    struct pair p;
    struct sockaddr_in v4;

    pair_make(&p, "127.0.0.1", 9001, 9002);
    struct endpoint_view v = view(&p, 1);
    assert_int_equal(v.n, 1);
    assert_int_equal(v.addresses[0].len, sizeof(v4));
    memcpy(&v4, v.addresses[0].bytes, sizeof(v4));
    assert_int_equal(ntohs(v4.sin_port), 9002);
    assert_int_equal(ntohl(v4.sin_addr.s_addr), INADDR_LOOPBACK);
    assert_int_equal(v.health, HEALTH_UNKNOWN);
    pair_remove(&p);
}

TEST(an_endpoint_that_answers_is_up_and_one_that_does_not_is_down)
{
    static const int ills[] = {500, 404, 199, SAY_RUBBISH, SAY_NOTHING};

    for (size_t i = 0; i < COUNT(ills); i++) {
        struct backend_server well = server_start(204);
        struct backend_server ill = server_start(ills[i]);
        struct pair p;

        pair_make(&p, "127.0.0.1", well.port, ill.port);
        run(&p, up_and_down);
        assert_true(atomic_load(ill.n_asked) >= 2);
        assert_true(p.backends.at[1].said[0] != '\0');
        pair_remove(&p);
        server_stop(&well);
        server_stop(&ill);
    }
}

TEST(an_endpoint_that_nobody_serves_is_down)
{
    struct backend_server well = server_start(200);
    struct backend_server gone = server_start(200);
    struct pair p;

    server_stop(&gone);
    pair_make(&p, "127.0.0.1", well.port, gone.port);
    run(&p, up_and_down);
    assert_string_equal(p.backends.at[1].said, "Connection refused");
    pair_remove(&p);
    server_stop(&well);
}

static struct backend_server *recovering;

static bool
both_up(const struct pair *p)
{
    if (up_and_down(p))
        atomic_store(recovering->says, 302);
    return view(p, 0).health == HEALTH_UP && view(p, 1).health == HEALTH_UP;
}

TEST(an_endpoint_that_recovers_is_up_again)
{
    struct backend_server well = server_start(200);
    struct backend_server ill = server_start(500);
    struct pair p;

    recovering = &ill;
    pair_make(&p, "127.0.0.1", well.port, ill.port);
    run(&p, both_up);
    pair_remove(&p);
    server_stop(&well);
    server_stop(&ill);
}

static bool
both_ill(const struct pair *p)
{
    return p->backends.at[0].health.is == HEALTH_DOWN &&
           p->backends.at[1].health.is == HEALTH_DOWN;
}

TEST(of_a_pool_that_fails_whole_half_is_told_down)
{
    struct backend_server one = server_start(500);
    struct backend_server two = server_start(500);
    struct pair p;

    pair_make(&p, "127.0.0.1", one.port, two.port);
    run(&p, both_ill);
    assert_true((view(&p, 0).health == HEALTH_DOWN) !=
                (view(&p, 1).health == HEALTH_DOWN));
    pair_remove(&p);
    server_stop(&one);
    server_stop(&two);
}

static bool
first_up(const struct pair *p)
{
    return view(p, 0).health == HEALTH_UP;
}

TEST(a_name_is_resolved_by_the_helper_and_then_checked)
{
    struct backend_server well = server_start(200);
    struct pair p;
    struct sockaddr_in v4;
    bool found = false;

    pair_make(&p, "localhost", well.port, well.port);
    assert_int_equal(view(&p, 0).n, 0);
    /* The server wants a number in Host. */
    p.endpoints[0].authority = p.endpoints[1].authority;
    run(&p, first_up);
    struct endpoint_view v = view(&p, 0);
    for (uint32_t i = 0; i < v.n; i++) {
        memcpy(&v4, v.addresses[i].bytes, sizeof(v4));
        found |= v4.sin_family == AF_INET && ntohs(v4.sin_port) == well.port;
    }
    assert_true(found);
    pair_remove(&p);
    server_stop(&well);
}

static bool
said_so(const struct pair *p)
{
    return p->backends.at[0].said[0] != '\0';
}

TEST(a_name_that_does_not_resolve_keeps_the_addresses_it_had)
{
    struct pair p;
    struct endpoint_address a;
    char name[ENDPOINT_NAME_MAX];
    uint32_t slot;
    struct err e;

    pair_make(&p, "no-such-host.invalid", 9001, 9002);
    backends_fini(&p.backends);
    /* What another control had found. */
    endpoints_name(SPAN("blue"), p.endpoints[0].url, name);
    assert_int_equal(endpoints_claim(p.house.segment, name, 1, &slot, &e), OK);
    assert_true(endpoint_address_of(SPAN("192.0.2.1"), 9001, &a));
    endpoints_set_addresses(p.house.segment, slot, &a, 1);
    endpoints_set_health(p.house.segment, slot, HEALTH_DOWN);
    assert_int_equal(backends_init(&p.backends, p.house.arena, &p.house.gen,
                                   p.house.segment, p.metrics, p.loop, &e),
                     OK);
    assert_int_equal(p.backends.at[0].health.is, HEALTH_DOWN);
    p.house.pools[0].check_path = (span){0}; /* what is said is the helper's */
    run(&p, said_so);
    assert_int_equal(view(&p, 0).n, 1);
    pair_remove(&p);
}

static pid_t helper;

static bool
first_up_again(const struct pair *p)
{
    if (view(p, 0).n == 0)
        return false;
    if (helper == 0) {
        helper = names_pid(p->backends.names);
        assert_int_equal(kill(helper, SIGKILL), 0);
    }
    return names_pid(p->backends.names) != helper &&
           names_pid(p->backends.names) != 0;
}

TEST(a_helper_that_dies_is_replaced)
{
    struct pair p;

    helper = 0;
    pair_make(&p, "localhost", 9001, 9002);
    run(&p, first_up_again);
    pair_remove(&p);
}
