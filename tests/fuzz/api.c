/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a request to the admin API, by the door's parser and limits, of
 * somebody over TLS or an operator: it is answered, in JSON, and what is not told
 * 2xx leaves the journal as it was. Now and then the whole chain is walked.
 */
#include "proxy/control/api.h"
#include "proxy/control/door.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NOW_MS UINT64_C(1764032462004)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const char configuration[] =
    "listen: [{at: \"127.0.0.1:1\"}]\n"
    "admin: {socket: a.sock, users: [{name: anna, uid: 7, roles: [operator, "
    "approver], groups: [release], tokens: [\"sha256:"
    /* of "token" */
    "3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0\"]}]}\n"
    "state: state\n"
    "pools: {b: {endpoints: [\"http://127.0.0.1:1\", \"unix:b\"]}, "
    "g: {endpoints: [\"http://127.0.0.1:2\"]}}\n"
    "routes: [{name: orders, match: {path: /a}, pool: b, subject: "
    "[\"header:X-A\"], canary: {pool: g, weight: 0%, salt: x}}, {name: r, "
    "pool: "
    "b, subject: [\"header:X-A\"]}]\n"
    "rollouts: {ios: {manifest: {why: w, owner: o, guarantee: full, backout: "
    "weights to 0}, match: {routes: [r]}, baseline: b, canary: g, salt: s, "
    "approvals: {need: 1}, steps: [{weight: 1%, hold: 1s}, {weight: 100%, "
    "hold: "
    "1s}], gates: {errors: {ratio: 5, alpha: 1e-4}}}}\n";

static struct control control;
static struct tries tries;

static void *
segment(enum segment_kind kind)
{
    void *at = NULL;
    struct err e;
    int fd;

    if (segment_create(kind, &fd, &e) || segment_map(kind, fd, &at, &e))
        abort();
    close(fd);
    return at;
}

static const struct generation *
load(const char *dir)
{
    char path[300];
    struct generation *g = NULL;
    struct problems problems;
    struct arena *a = arena_new((size_t)16 << 20);

    (void)snprintf(path, sizeof(path), "%s/stile.yaml", dir);
    FILE *f = fopen(path, "w");
    if (!f || !a || fputs(configuration, f) < 0 || fclose(f) != 0)
        abort();
    problems_init(&problems, a);
    if (generation_load(path, NULL, &problems, &g))
        abort();
    arena_free(&a);
    return g;
}

/* Kept for the whole run; its folder is left to whoever cleans temporary files. */
static void
begin(void)
{
    static char dir[256];
    const char *tmp = getenv("TMPDIR");
    static struct arena *a;
    struct control *c = &control;
    struct err e;

    (void)snprintf(dir, sizeof(dir), "%s/stile-fuzz-XXXXXX",
                   tmp ? tmp : "/tmp");
    a = arena_new((size_t)64 << 20);
    if (!a || !mkdtemp(dir))
        abort();
    c->gen = load(dir);
    c->totals = segment(SEGMENT_STATS);
    c->records = segment(SEGMENT_RECORDS);
    c->backends.segment = segment(SEGMENT_ENDPOINTS);
    c->has_supervisor = true;
    struct weights *weights = segment(SEGMENT_WEIGHTS);
    struct latches *latches = segment(SEGMENT_LATCHES);
    if (store_open(dir, 0, &c->store, &e) ||
        metrics_open(a, c->totals, &c->metrics, &e) ||
        shadows_open(&c->shadows, a, c->gen, &e) ||
        slots_init(&c->slots, a, c->gen, weights, latches, &e) ||
        rollouts_init(&c->rollouts, a, c->gen, weights, latches,
                      segment(SEGMENT_GATES), &c->backends, &e) ||
        slots_reconcile(&c->slots, c->store, NOW_MS, &e))
        abort();
    rollouts_take(&c->rollouts, c->store, NOW_MS);
    events_init(&c->events, NULL, &c->store);
}

/* As the door would say it: a word for which of them, and the caller is gone. */
static bool
is_let_in(const struct http_head *head, bool is_remote, uint64_t now_ms,
          struct who *who)
{
    static const uint8_t address[16] = {1};
    struct who_ask ask = {.head = head, .address = address, .now_ms = now_ms};
    struct who_refusal no;

    if (!is_remote) {
        who_is_local(control.gen, 7, who);
        return true;
    }
    if (who_is_remote(control.gen, &tries, &ask, who, &no))
        return true;
    assert(no.status == 401 || no.status == 429);
    return false;
}

static void
answer(const struct http_head *head, span body, bool is_remote)
{
    static uint64_t n;
    uint64_t before = store_sequence(control.store);
    struct who who;
    struct buf out;
    struct err e;

    n++;
    if (!is_let_in(head, is_remote, NOW_MS + n * 1000, &who))
        return;
    buf_init(&out, DOOR_ANSWER_BYTES);
    struct api_answer a = {.body = &out};
    struct api_request r = {.head = head,
                            .body = body,
                            .who = &who,
                            .wall_ms = NOW_MS + n,
                            .now_ms = n};
    api_answer(&control, &r, &a);
    if (!a.later && !a.streams) {
        json_t *json = json_loadb(buf_span(&out).at, buf_len(&out), 0, NULL);
        assert(json && a.status >= 200 && a.status < 600);
        json_decref(json);
    }
    if (a.status >= 300)
        assert(store_sequence(control.store) == before);
    if (n % 1000 == 0)
        assert(store_verify(control.store, &e) == OK);
    buf_fini(&out);
}

/* Kept small, as the door keeps them. */
static const struct h1_limits limits = {.start_line_bytes = 4096,
                                        .line_bytes = 4096,
                                        .head_bytes = DOOR_HEAD_BYTES,
                                        .fields_n = 64,
                                        .connection_names = 8,
                                        .chunk_line_bytes = 64,
                                        .chunk_ext_bytes = 256,
                                        .chunk_digits = 8,
                                        .trailer_bytes = 1024,
                                        .trailer_fields_n = 8};

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct arena *a = arena_new((size_t)256 * 1024);
    const struct http_head *head = NULL;
    struct buf body;
    struct h1 parser;
    struct h1_out out;
    enum h1_event event;

    if (!control.store)
        begin();
    if (!a || len == 0) {
        arena_free(&a);
        return 0;
    }
    span in = span_of((const char *)bytes + 1, len - 1);
    buf_init(&body, DOOR_BODY_BYTES);
    h1_init(&parser, H1_REQUESTS, &limits);
    h1_begin(&parser, a);
    while ((event = h1_next(&parser, &in, &out)) != H1_MORE) {
        if (event == H1_HEAD)
            head = out.head;
        else if (event == H1_BODY)
            buf_add(&body, out.body);
        else if (event == H1_END || event == H1_ERROR)
            break;
    }
    if (event == H1_END && !buf_failed(&body))
        answer(head, buf_span(&body), bytes[0] & 1);
    h1_fini(&parser);
    buf_fini(&body);
    arena_free(&a);
    return 0;
}
