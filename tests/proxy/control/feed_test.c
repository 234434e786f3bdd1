/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/feed.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

struct heard {
    char text[512];
    size_t n;
    size_t enough; /* 0: never */
};

static bool
hear(void *arg, const struct feed_event *ev)
{
    struct heard *h = arg;
    size_t len = strlen(h->text);

    (void)snprintf(h->text + len, sizeof(h->text) - len, "[%s|%s|%.*s]", ev->id,
                   ev->kind, SPAN_FMT(ev->data));
    h->n++;
    return h->n != h->enough;
}

static const char stream[] =
    "retry: 1000\nid: 7\n\n"
    "id: 8\r\nevent: weight.set\r\ndata: {\"a\":1}\r\n\r\n"
    ": at revision 8\n\n"
    "data: two\ndata:lines\nunknown: x\nbare\n\n"
    "event: lost\ndata: its end did not come";
static const char events[] =
    "[7||][8|weight.set|{\"a\":1}][8||][8||two\nlines]";

TEST(events_are_the_same_however_they_are_cut)
{
    for (size_t piece = 1; piece <= sizeof(stream); piece++) {
        struct heard h = {0};
        struct feed f;
        span rest = span_str(stream);

        feed_init(&f, hear, &h);
        while (rest.len > 0) {
            span first = span_take(rest, piece);
            assert_true(feed_take(&f, first));
            rest = span_skip(rest, first.len);
        }
        assert_string_equal(h.text, events);
        /* On a new connection half an event is none, and the id is known. */
        feed_restart(&f);
        assert_true(feed_take(&f, SPAN("data: x\n\n")));
        assert_string_equal(h.text + strlen(events), "[8||x]");
        feed_fini(&f);
    }
}

TEST(who_has_enough_is_told_nothing_more)
{
    struct heard h = {.enough = 2};
    struct feed f;

    feed_init(&f, hear, &h);
    assert_false(feed_take(&f, span_str(stream)));
    assert_false(feed_failed(&f));
    assert_int_equal(h.n, 2);
    feed_fini(&f);
}

TEST(a_line_or_an_event_without_end_has_a_limit)
{
    char *piece = malloc(FEED_EVENT_BYTES);
    struct heard h = {0};
    struct feed f;

    memset(piece, 'x', FEED_EVENT_BYTES);
    feed_init(&f, hear, &h);
    assert_true(feed_take(&f, span_of(piece, FEED_EVENT_BYTES)));
    assert_false(feed_take(&f, SPAN("x")));
    assert_true(feed_failed(&f));
    feed_fini(&f);

    feed_init(&f, hear, &h);
    bool more = true;
    for (size_t i = 0; i < FEED_EVENT_BYTES && more; i += 1000) {
        more = feed_take(&f, SPAN("data:"));
        more = more && feed_take(&f, span_of(piece, 1000));
        more = more && feed_take(&f, SPAN("\n"));
    }
    assert_false(more);
    assert_true(feed_failed(&f));
    assert_int_equal(h.n, 0);
    feed_fini(&f);
    free(piece);
}
