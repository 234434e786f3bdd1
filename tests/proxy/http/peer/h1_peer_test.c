/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our parser of HTTP/1.1 against an independent one (http-parser, once node's):
 * what we take for messages, another recipient takes for the same ones, as far
 * as it takes them. It takes more than we do: we are the stricter of the two but
 * for what is rare (a Content-Length in trailers, which we drop and it judges; a
 * tab behind `chunked`; methods it has no number for). The bytes are messages out
 * of dice, most of them damaged in one or two places.
 */
#include "tests/test.h"

#include "proxy/base/buf.h"
#include "proxy/http/h1.h"

#include <http_parser.h>

#define STREAMS 30000
#define ROOM    ((size_t)1 << 18)

/* ── messages out of dice ────────────────────────────────────────────────── */

static size_t
dice(uint64_t *seed, size_t n)
{
    return (size_t)(test_random(seed) % n);
}

#define PICK(seed, list) ((list)[dice(seed, COUNT(list))])

static void
add_fields(struct buf *b, uint64_t *seed, size_t most)
{
    static const char *const lines[] = {
        "Accept: */*",
        "X-Empty:",
        "x-a: 1",
        "X-B:\t two words",
        "Cookie: a=b; c",
        "X-C: \x80\xff",
        "User-Agent: x/1",
        "X-D: a,b , c",
        "If-Match: \"x\"",
        "TE: trailers",
        "X-Long: 0123456789012345678901234567890123456789"};

    for (size_t n = dice(seed, most + 1); n; n--)
        buf_fmt(b, "%s\r\n", PICK(seed, lines));
}

static void
add_chunks(struct buf *b, uint64_t *seed)
{
    static const char *const zeros[] = {"", "", "0", "000"};
    static const char *const extensions[] = {"", "", ";a=b", ";q=\"x\""};

    buf_str(b, "Transfer-Encoding: chunked\r\n\r\n");
    for (size_t n = dice(seed, 4); n; n--) {
        size_t len = 1 + dice(seed, 40);

        buf_fmt(b, "%s%zx%s\r\n", PICK(seed, zeros), len,
                PICK(seed, extensions));
        for (size_t i = 0; i < len; i++)
            buf_byte(b, (char)dice(seed, 256));
        buf_str(b, "\r\n");
    }
    buf_str(b, dice(seed, 2) ? "0\r\n" : "000\r\n");
    add_fields(b, seed, 2);
    buf_str(b, "\r\n");
}

static void
add_message(struct buf *b, uint64_t *seed, bool is_answer)
{
    static const char *const starts[] = {
        "GET / HTTP/1.1",      "POST /a/b?c=d HTTP/1.1", "PUT /%20x HTTP/1.1",
        "DELETE /x? HTTP/1.1", "PATCH /~a;b HTTP/1.1",   "GET /a//b HTTP/1.1",
        "OPTIONS /o HTTP/1.1", "HEAD /h HTTP/1.1"};
    static const char *const statuses[] = {"200 OK", "404 Not Found", "201 ",
                                           "500 x y z", "302 Found"};

    if (is_answer)
        buf_fmt(b, "HTTP/1.1 %s\r\n", PICK(seed, statuses));
    else
        buf_fmt(b, "%s\r\nHost: a.example\r\n", PICK(seed, starts));
    add_fields(b, seed, 4);
    if (dice(seed, 2)) {
        add_chunks(b, seed);
        return;
    }
    size_t len = dice(seed, 60);
    buf_fmt(b, "Content-Length: %zu\r\n", len);
    add_fields(b, seed, 2);
    buf_str(b, "\r\n");
    for (size_t i = 0; i < len; i++)
        buf_byte(b, (char)dice(seed, 256));
}

/* One wound: a byte is lost, doubled, changed, or something dangerous is put in. */
static void
damage(struct buf *b, uint64_t *seed)
{
    static const span pieces[] = {SPAN("\r"),
                                  SPAN("\n"),
                                  SPAN("\r\n"),
                                  SPAN("\0"),
                                  SPAN(" "),
                                  SPAN(":"),
                                  SPAN("\r\n "),
                                  SPAN("\r\nContent-Length: 3"),
                                  SPAN(";"),
                                  SPAN("0"),
                                  SPAN("\r\nTransfer-Encoding: chunked"),
                                  SPAN("\t"),
                                  SPAN("\x0b"),
                                  SPAN("\r\nTransfer-Encoding: identity"),
                                  SPAN("-"),
                                  SPAN("+"),
                                  SPAN("\r\n\r\n"),
                                  SPAN("f"),
                                  SPAN("\r\nContent-Length: 5, 5")};
    size_t len = buf_len(b), at = dice(seed, len), drop = dice(seed, 2);
    span all = buf_span(b);
    struct buf out;

    buf_init(&out, ROOM);
    buf_add(&out, span_take(all, at));
    if (dice(seed, 4))
        buf_add(&out, PICK(seed, pieces));
    else if (dice(seed, 2))
        buf_byte(&out, (char)dice(seed, 256));
    buf_add(&out, span_skip(all, at + (drop && at < len ? 1 : 0)));
    buf_fini(b);
    *b = out;
}

/* ── what each makes of them ─────────────────────────────────────────────── */

/* Every whole message as "METHOD target\nbody\n"; of answers the status. */
struct told {
    struct buf whole;
    struct buf now; /* of the message under way */
    size_t n;
};

static void
end_message(struct told *t)
{
    buf_add(&t->whole, buf_span(&t->now));
    buf_fmt(&t->whole, "\nend %zu\n", t->n++);
    buf_clear(&t->now);
}

static void
told_init(struct told *t)
{
    *t = (struct told){0};
    buf_init(&t->whole, 4 * ROOM);
    buf_init(&t->now, 4 * ROOM);
}

static void
told_fini(struct told *t)
{
    buf_fini(&t->whole);
    buf_fini(&t->now);
}

static void
read_ours(span bytes, bool is_answer, struct told *t)
{
    struct arena *a = arena_new((size_t)1 << 22);
    struct h1_out o;
    struct h1 p;
    enum h1_event event;

    h1_init(&p, is_answer ? H1_ANSWERS : H1_REQUESTS,
            is_answer ? &h1_limits_answer : &h1_limits_request);
    h1_begin(&p, a);
    h1_expect(&p, METHOD_GET, false);
    while ((event = h1_next(&p, &bytes, &o)) != H1_MORE && event != H1_ERROR) {
        if (event == H1_HEAD && is_answer)
            buf_fmt(&t->now, "%d\n", o.head->status);
        else if (event == H1_HEAD)
            buf_fmt(&t->now, "%.*s %.*s%s%.*s\n",
                    SPAN_FMT(o.head->method_token), SPAN_FMT(o.head->path),
                    o.head->has_query ? "?" : "", SPAN_FMT(o.head->query));
        else if (event == H1_BODY)
            buf_add(&t->now, o.body);
        else if (event == H1_END) {
            end_message(t);
            arena_reset(a);
            h1_begin(&p, a);
            h1_expect(&p, METHOD_GET, false);
        }
    }
    h1_fini(&p);
    arena_free(&a);
}

static int
on_url(http_parser *p, const char *at, size_t len)
{
    struct told *t = p->data;

    if (buf_len(&t->now) == 0)
        buf_fmt(&t->now, "%s ", http_method_str(p->method));
    buf_add(&t->now, span_of(at, len));
    return 0;
}

static int
on_head(http_parser *p)
{
    struct told *t = p->data;

    if (p->type == HTTP_RESPONSE)
        buf_fmt(&t->now, "%u", p->status_code);
    buf_byte(&t->now, '\n');
    return 0;
}

static int
on_body(http_parser *p, const char *at, size_t len)
{
    struct told *t = p->data;

    buf_add(&t->now, span_of(at, len));
    return 0;
}

static int
on_end(http_parser *p)
{
    end_message(p->data);
    return 0;
}

static void
read_theirs(span bytes, bool is_answer, struct told *t)
{
    http_parser_settings settings;
    http_parser p;

    http_parser_settings_init(&settings);
    settings.on_url = on_url;
    settings.on_headers_complete = on_head;
    settings.on_body = on_body;
    settings.on_message_complete = on_end;
    http_parser_init(&p, is_answer ? HTTP_RESPONSE : HTTP_REQUEST);
    p.data = t;
    http_parser_execute(&p, &settings, bytes.at, bytes.len);
}

static void
compare(bool is_answer)
{
    uint64_t seed = is_answer ? 4 : 3;
    size_t whole = 0, fewer = 0, more = 0;

    for (size_t i = 0; i < STREAMS; i++) {
        struct told ours, theirs;
        struct buf b;

        buf_init(&b, ROOM);
        for (size_t n = 1 + dice(&seed, 3); n; n--)
            add_message(&b, &seed, is_answer);
        for (size_t n = dice(&seed, 3); n; n--)
            damage(&b, &seed);
        told_init(&ours);
        told_init(&theirs);
        read_ours(buf_span(&b), is_answer, &ours);
        read_theirs(buf_span(&b), is_answer, &theirs);
        span we = buf_span(&ours.whole), they = buf_span(&theirs.whole);
        if (!span_starts(they, we) && !span_starts(we, they)) {
            print_error("stream %zu:\n%.*s\n-- ours:\n%.*s\n-- theirs:\n%.*s\n",
                        i, SPAN_FMT(buf_span(&b)), SPAN_FMT(we),
                        SPAN_FMT(they));
            fail();
        }
        more += ours.n > theirs.n;
        whole += ours.n;
        fewer += ours.n < theirs.n;
        told_fini(&ours);
        told_fini(&theirs);
        buf_fini(&b);
    }
    print_message("%zu messages; %zu streams we stop in earlier, %zu later\n",
                  whole, fewer, more);
    assert_in_range(whole, STREAMS, 2 * STREAMS);
    assert_in_range(fewer, STREAMS / 100, STREAMS);
    assert_in_range(more, 0, STREAMS / 50);
}

TEST(requests_that_we_take_are_the_same_to_another_parser)
{
    compare(false);
}

TEST(answers_that_we_take_are_the_same_to_another_parser)
{
    compare(true);
}
