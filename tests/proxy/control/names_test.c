/* SPDX-License-Identifier: Apache-2.0 */
/* What the helper answers, and what is answered when it does not. */
#include "proxy/control/names.h"
#include "tests/test.h"

#include <netinet/in.h>
#include <signal.h>

#define OVER_MS 10000

struct asking {
    struct loop *loop;
    struct names *names;
    struct timer over;
    bool timed_out;
    size_t n_loopback[2]; /* by id: how often it was loopback that came */
    size_t n_nothing[2];
};

static bool
is_loopback(const struct endpoint_address *a)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    memcpy(&v4, a->bytes, sizeof(v4));
    memcpy(&v6, a->bytes, sizeof(v6));
    return a->len == sizeof(v4) ? ntohl(v4.sin_addr.s_addr) == INADDR_LOOPBACK
                                : IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

static void
on_answer(void *arg, uint32_t id, const struct endpoint_address *addresses,
          size_t n, const char *said)
{
    struct asking *a = arg;

    assert_true(id < 2);
    assert_int_equal(n == 0, said[0] != '\0');
    if (n == 0)
        a->n_nothing[id]++;
    for (size_t i = 0; i < n; i++)
        assert_true(is_loopback(&addresses[i]));
    if (n == 2)
        a->n_loopback[id]++;
}

static void
on_over(void *arg)
{
    ((struct asking *)arg)->timed_out = true;
}

static void
asking_make(struct asking *a, uint64_t wait_ms)
{
    struct err e;

    *a = (struct asking){.loop = loop_new()};
    assert_non_null(a->loop);
    timer_init(&a->over, on_over, a);
    if (names_new(a->loop, 2, wait_ms, on_answer, a, &a->names, &e))
        fail_msg("%s", e.text);
}

static void
asking_remove(struct asking *a)
{
    timer_clear(&a->over);
    names_free(&a->names);
    loop_free(&a->loop);
}

/* Turn until one answer to each of these came. */
static void
on_turn(void *arg)
{
    struct asking *a = arg;
    bool first = a->n_loopback[0] + a->n_nothing[0] > 0;
    bool second = a->n_loopback[1] > 0;

    if (a->timed_out || (first && second))
        loop_stop(a->loop);
    else if (first && a->n_nothing[1] > 0)
        /* A machine so busy that a well helper is late, too. */
        assert_true(names_ask(a->names, 1, SPAN("localhost")));
}

static void
turn(struct asking *a)
{
    timer_set(&a->over, a->loop, OVER_MS);
    loop_run(a->loop, on_turn, a);
    assert_false(a->timed_out);
}

TEST(localhost_is_loopback_whatever_the_machine_knows)
{
    static const char *const hosts[] = {"localhost", "LocalHost.",
                                        "shop.localhost", "a.b.localhost."};

    for (size_t i = 0; i < COUNT(hosts); i++) {
        struct asking a;
        asking_make(&a, NAMES_WAIT_MS);
        assert_true(names_ask(a.names, 0, span_str(hosts[i])));
        assert_true(names_ask(a.names, 1, SPAN("localhost")));
        turn(&a);
        assert_int_equal(a.n_loopback[0], 1);
        asking_remove(&a);
    }
}

TEST(a_name_whose_answer_does_not_come_holds_up_no_other)
{
    struct asking a;

    asking_make(&a, 100);
    pid_t helper = names_pid(a.names);
    assert_int_equal(kill(helper, SIGSTOP), 0);
    assert_true(names_ask(a.names, 0, SPAN("localhost")));
    assert_true(names_ask(a.names, 1, SPAN("localhost")));
    turn(&a);
    assert_int_equal(a.n_nothing[0], 1);
    assert_int_equal(a.n_loopback[0], 0);
    assert_int_not_equal(names_pid(a.names), helper);
    asking_remove(&a);
}

TEST(a_name_asked_for_again_is_answered_once)
{
    struct asking a;

    asking_make(&a, NAMES_WAIT_MS);
    for (int i = 0; i < 100; i++)
        assert_true(names_ask(a.names, 0, SPAN("localhost")));
    assert_true(names_ask(a.names, 1, SPAN("localhost")));
    turn(&a);
    assert_int_equal(a.n_loopback[0], 1);
    asking_remove(&a);
}

TEST(what_is_too_long_to_be_a_name_is_not_asked_for)
{
    char host[NAMES_HOST_MAX + 1];
    struct asking a;

    memset(host, 'a', sizeof(host));
    asking_make(&a, NAMES_WAIT_MS);
    assert_false(names_ask(a.names, 0, span_of(host, sizeof(host))));
    assert_false(names_ask(a.names, 0, SPAN("")));
    asking_remove(&a);
}
