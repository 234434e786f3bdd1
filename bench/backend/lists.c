/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/backend/lists.h"

#include "bench/backend/answer.h"
#include "proxy/base/map.h"
#include "translators/msgpack/pack.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LISTS    5
#define VARIANTS 16
#define BODY_MAX ((size_t)64 * 1024 * 1024)

/* Whole answers of one size. */
struct list {
    struct buf answers[VARIANTS];
    size_t next;
};

static bool packs;
static struct list *built[LISTS]; /* NULL before the first request */

static const struct {
    const char *path;
    size_t n_orders;
    size_t n_variants;
} lists[LISTS] = {{"/1k", 5, VARIANTS},
                  {"/10k", 58, VARIANTS},
                  {"/100k", 585, VARIANTS},
                  {"/1m", 5900, 4},
                  {"/10m", 59000, 1}};

void
lists_pack(void)
{
    packs = true;
}

/* xorshift: the same bodies in every run. */
static uint64_t
chance(uint64_t below)
{
    static uint64_t x = 88172645463325252u;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return x % below;
}

static void
add_order(struct buf *b, bool first)
{
    static const char *const states[] = {"open", "paid", "void", "shipped"};
    static const char *const notes[] = {"null", "\"\"",
                                        "\"leave it at the door\"",
                                        "\"caf\303\251, 2nd floor\""};
    size_t lines = 1 + chance(2);

    buf_fmt(b,
            "%s{\"id\":\"ord_%06" PRIu64 "\",\"customer\":\"cus_%05" PRIu64
            "\",\"status\":\"%s\",\"total_cents\":%" PRIu64
            ",\"currency\":\"eur\",\"created\":%" PRIu64 ",\"lines\":[",
            first ? "" : ",", chance(1000000), chance(100000),
            states[chance(COUNT(states))], chance(100000),
            1700000000 + chance(90000000));
    for (size_t i = 0; i < lines; i++)
        buf_fmt(b, "%s{\"sku\":\"tea-%03" PRIu64 "\",\"quantity\":%" PRIu64 "}",
                i ? "," : "", chance(512), 1 + chance(20));
    buf_fmt(b, "],\"note\":%s}", notes[chance(COUNT(notes))]);
}

static void
pack_body(struct buf *body)
{
    struct arena *a = arena_new(BODY_MAX);
    struct pack *k = a ? pack_new(a, BODY_MAX) : NULL;

    if (!k || pack_feed(k, buf_span(body)) != PACK_OK)
        answer_die("pack");
    buf_clear(body);
    if (pack_end(k, body) != PACK_OK)
        answer_die("pack");
    arena_free(&a);
}

static struct list *
build_list(size_t k)
{
    struct list *list = calloc(1, sizeof(*list));

    if (!list)
        answer_die("calloc");
    for (size_t v = 0; v < lists[k].n_variants; v++) {
        struct buf body;

        buf_init(&body, BODY_MAX);
        buf_str(&body, "{\"data\":[");
        for (size_t i = 0; i < lists[k].n_orders; i++)
            add_order(&body, i == 0);
        buf_str(&body, "]}");
        if (packs)
            pack_body(&body);
        buf_init(&list->answers[v], BODY_MAX);
        answer_head(&list->answers[v], "200 OK",
                    packs ? "application/msgpack" : "application/json",
                    buf_len(&body));
        buf_add(&list->answers[v], buf_span(&body));
        buf_fini(&body);
    }
    return list;
}

span
lists_answer(const char *path)
{
    for (size_t k = 0; k < LISTS; k++) {
        if (strcmp(path, lists[k].path) != 0)
            continue;
        if (!built[k])
            built[k] = build_list(k);
        struct list *list = built[k];
        return buf_span(&list->answers[list->next++ % lists[k].n_variants]);
    }
    return (span){0};
}
