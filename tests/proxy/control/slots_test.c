/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/slots.h"
#include "tests/proxy/control/house.h"
#include "tests/test.h"

/* What a worker would read. */
static struct weight
word(const struct house *h)
{
    uint32_t slot = weights_find(h->weights, SPAN("route/orders"));

    assert_int_not_equal(slot, SEGMENT_NO_SLOT);
    return weights_get(h->weights, slot);
}

static void
move(struct control *c, uint32_t ppm)
{
    struct slot_move m = {.weight_ppm = ppm,
                          .kind = SPAN("weight.set"),
                          .actor = SPAN("uid:0"),
                          .reason = SPAN("test"),
                          .now_ms = 1};
    struct err e;

    if (slots_move(&c->slots, c->store, slots_find(&c->slots, SPAN("orders")),
                   &m, &e))
        fail_msg("%s", e.text);
}

TEST(a_moved_weight_is_in_the_segment_and_survives_reload_and_restart)
{
    struct house h;
    struct control c;

    house_make(&h, 50000, 1);
    house_control(&h, &c);
    assert_int_equal(word(&h).ppm, 50000);
    assert_int_equal(word(&h).run, 1);
    move(&c, 125000);
    assert_int_equal(word(&h).ppm, 125000);
    assert_int_equal(store_sequence(c.store), 2);
    house_control_end(&c);

    /* A reload: the same segments, the file as it was. */
    house_next(&h, 50000);
    house_control(&h, &c);
    assert_int_equal(word(&h).ppm, 125000);
    assert_int_equal(store_sequence(c.store), 2);
    house_control_end(&c);

    /* A restart: new segments. */
    memset(h.weights->slots, 0, sizeof(h.weights->slots));
    house_control(&h, &c);
    assert_int_equal(word(&h).ppm, 125000);
    house_control_end(&c);
    house_remove(&h);
}

TEST(a_file_that_says_another_weight_is_a_revision_by_config)
{
    struct house h;
    struct control c;

    house_make(&h, 0, 1);
    house_control(&h, &c);
    move(&c, 125000);
    house_control_end(&c);
    house_next(&h, 10000);
    house_control(&h, &c);
    assert_int_equal(word(&h).ppm, 10000);
    assert_int_equal(store_sequence(c.store), 3);
    house_control_end(&c);
    house_remove(&h);
}

TEST(a_halted_run_has_no_weight_until_the_next)
{
    struct house h;
    struct control c;
    struct slot_state s;

    house_make(&h, 50000, 1);
    house_control(&h, &c);
    const struct slot *slot = slots_find(&c.slots, SPAN("route/orders"));
    latches_set(h.latches, slot->at, 1, LATCH_OPERATOR);
    slots_state(&c.slots, c.store, slot, &s);
    assert_true(s.halted);
    assert_int_equal(s.weight_ppm, 50000);
    assert_int_equal(s.effective_ppm, 0);
    house_control_end(&c);
    house_remove(&h);
}

/* A new control stored its file's weight and died before it served. */
TEST(a_configuration_that_never_came_to_be_moves_no_weight)
{
    struct house h;
    struct control c;
    struct store_weight *kept;
    struct err e;

    house_make(&h, 0, 1);
    house_control(&h, &c);
    move(&c, 125000);
    assert_int_equal(slots_keep(&c.slots, c.store, h.arena, &kept, &e), OK);
    store_close(&c.store);

    struct control next;
    h.canary.weight_ppm = 10000;
    house_control(&h, &next);
    assert_int_equal(word(&h).ppm, 10000);
    house_control_end(&next);
    h.canary.weight_ppm = 0;

    assert_int_equal(store_open(h.files.dir, 0, &c.store, &e), OK);
    slots_restore(&c.slots, c.store, kept, 2);
    assert_int_equal(word(&h).ppm, 125000);
    assert_int_equal(store_weight(c.store, SPAN("route/orders"))->weight_ppm,
                     125000);
    assert_int_equal(store_weight(c.store, SPAN("route/orders"))->file_ppm, 0);
    house_control_end(&c);
    house_remove(&h);
}

TEST(a_store_that_refuses_leaves_the_weight_where_it_was)
{
    struct house h;
    struct control c;

    house_make(&h, 0, 1);
    house_control(&h, &c);
    move(&c, 125000);
    house_control_end(&c);
    files_flip(files_path(&h.files, "stile.db"), 0);
    memset(h.weights->slots, 0, sizeof(h.weights->slots));
    house_next(&h, 10000); /* which cannot be stored */
    house_control(&h, &c);
    assert_non_null(store_refuses(c.store));
    assert_int_equal(word(&h).ppm, 125000);
    house_control_end(&c);
    house_remove(&h);
}
