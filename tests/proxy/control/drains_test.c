/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/drains.h"

#include "proxy/server/loop.h"
#include "tests/proxy/control/files.h"
#include "tests/proxy/control/house.h"
#include "tests/test.h"

#define FIRST  SPAN("http://127.0.0.1:1")
#define SECOND SPAN("http://127.0.0.1:2")

/* One pool of two endpoints, over a store and a segment. */
struct pond {
    struct house house;
    struct control control;
    struct gen_endpoint endpoints[2];
    struct loop *loop;
};

static void
pond_take(struct pond *p)
{
    struct house *h = &p->house;
    struct control *c = &p->control;
    struct err e;

    house_control(h, c);
    if (backends_init(&c->backends, h->arena, &h->gen, h->segment, c->metrics,
                      p->loop, &e))
        fail_msg("%s", e.text);
    drains_take(&c->backends, &h->gen, c->store);
}

static void
pond_let_go(struct pond *p)
{
    backends_fini(&p->control.backends);
    house_control_end(&p->control);
}

static void
pond_make(struct pond *p, span name)
{
    static const span urls[] = {FIRST, SECOND};

    *p = (struct pond){0};
    house_make(&p->house, 0, 1);
    for (size_t i = 0; i < COUNT(urls); i++)
        p->endpoints[i] =
            (struct gen_endpoint){.url = urls[i],
                                  .host = SPAN("127.0.0.1"),
                                  .port = (uint16_t)(1 + i),
                                  .authority = span_skip(urls[i], 7)};
    p->house.pools[0].name = name;
    p->house.pools[0].endpoints = p->endpoints;
    p->house.pools[0].n_endpoints = COUNT(urls);
    p->loop = loop_new();
    assert_non_null(p->loop);
    pond_take(p);
}

static void
pond_remove(struct pond *p)
{
    pond_let_go(p);
    loop_free(&p->loop);
    house_remove(&p->house);
}

static struct drain_ask
ask_of(const struct pond *p, span url, bool drains)
{
    return (struct drain_ask){.pool = &p->house.pools[0],
                              .url = url,
                              .drains = drains,
                              .actor = SPAN("uid:0"),
                              .reason = SPAN("r")};
}

static enum err_code
do_ask(struct pond *p, const struct drain_ask *ask, struct err *e)
{
    return drains_do(&p->control.backends, p->control.store, ask, e);
}

/* What a worker reads. */
static enum endpoint_health
told(const struct pond *p, span url)
{
    struct endpoint_view view = {0};
    char name[ENDPOINT_NAME_MAX];

    endpoints_name(p->house.pools[0].name, url, name);
    assert_true(endpoints_read(p->house.segment,
                               endpoints_find(p->house.segment, name), &view));
    return view.health;
}

TEST(a_drain_is_told_to_workers_and_outlives_control)
{
    struct pond p;
    struct err e;

    pond_make(&p, SPAN("blue"));
    struct drain_ask ask = ask_of(&p, FIRST, true);
    assert_int_equal(do_ask(&p, &ask, &e), OK);
    assert_int_equal(told(&p, FIRST), HEALTH_DRAINED);
    assert_int_equal(told(&p, SECOND), HEALTH_UNKNOWN);
    pond_let_go(&p);
    pond_take(&p);
    assert_int_equal(told(&p, FIRST), HEALTH_DRAINED);
    assert_true(drains_has(p.control.store, ask.pool, FIRST));
    ask.drains = false;
    assert_int_equal(do_ask(&p, &ask, &e), OK);
    assert_int_equal(told(&p, FIRST), HEALTH_UNKNOWN);
    pond_remove(&p);
}

TEST(the_last_in_use_is_refused_and_nothing_is_changed)
{
    struct pond p;
    struct err e;

    pond_make(&p, SPAN("blue"));
    struct drain_ask first = ask_of(&p, FIRST, true);
    struct drain_ask second = ask_of(&p, SECOND, true);
    assert_int_equal(do_ask(&p, &first, &e), OK);
    assert_int_equal(do_ask(&p, &second, &e), ERR_CONFLICT);
    assert_int_equal(told(&p, SECOND), HEALTH_UNKNOWN);
    assert_int_equal(drains_revision(p.control.store, second.pool),
                     store_sequence(p.control.store));
    second.last = true;
    assert_int_equal(do_ask(&p, &second, &e), OK);
    assert_int_equal(told(&p, SECOND), HEALTH_DRAINED);
    pond_remove(&p);
}

TEST(two_operators_cannot_each_take_the_others_endpoint)
{
    struct pond p;
    struct err e;

    pond_make(&p, SPAN("blue"));
    struct drain_ask one = ask_of(&p, FIRST, true);
    struct drain_ask other = ask_of(&p, SECOND, true);
    one.expects = other.expects = other.last = true; /* both saw revision 0 */
    assert_int_equal(do_ask(&p, &one, &e), OK);
    assert_int_equal(do_ask(&p, &other, &e), ERR_CONFLICT);
    assert_non_null(strstr(e.text, "revision"));
    assert_int_equal(told(&p, SECOND), HEALTH_UNKNOWN);
    pond_remove(&p);
}

TEST(long_names_of_pools_have_records_of_their_own)
{
    char long_name[2][101];
    struct pond p;
    struct err e;

    memset(long_name, 'x', sizeof(long_name));
    long_name[0][99] = 'a';
    long_name[1][99] = 'b';
    pond_make(&p, span_of(long_name[0], 100));
    p.house.pools[1].name = span_of(long_name[1], 100);
    struct drain_ask ask = ask_of(&p, FIRST, true);
    assert_int_equal(do_ask(&p, &ask, &e), OK);
    assert_true(drains_has(p.control.store, &p.house.pools[0], FIRST));
    assert_false(drains_has(p.control.store, &p.house.pools[1], FIRST));
    pond_let_go(&p);
    pond_take(&p);
    assert_int_equal(told(&p, FIRST), HEALTH_DRAINED);
    pond_remove(&p);
}

TEST(a_store_that_refuses_undoes_no_drain)
{
    struct pond p;
    struct err e;

    pond_make(&p, SPAN("blue"));
    struct drain_ask ask = ask_of(&p, FIRST, true);
    assert_int_equal(do_ask(&p, &ask, &e), OK);
    pond_let_go(&p);
    files_flip(files_path(&p.house.files, "stile.db"), 0);
    pond_take(&p);
    assert_non_null(store_refuses(p.control.store));
    assert_int_equal(told(&p, FIRST), HEALTH_DRAINED);
    ask.drains = false;
    assert_int_equal(do_ask(&p, &ask, &e), ERR_CONFLICT);
    assert_int_equal(told(&p, FIRST), HEALTH_DRAINED);
    pond_remove(&p);
}
