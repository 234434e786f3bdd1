/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine/bodies.h"

#include "proxy/base/problem.h"
#include "translators/lens/lens.h"

#include <stdio.h>

static unsigned
dice(unsigned *seed, unsigned n)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % n;
}

static const char *
word(unsigned *seed)
{
    static const char *const words[] = {
        "amber",  "birch", "coast",   "delta", "ember", "fjord", "grove",
        "harbor", "inlet", "juniper", "knoll", "larch", "moss",  "north",
        "orchid", "pine",  "quartz",  "ridge", "slate", "tide"};
    return words[dice(seed, COUNT(words))];
}

static void
add_words(struct buf *b, unsigned *seed, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        buf_fmt(b, "%s%s", i ? " " : "", word(seed));
}

/* Of about 700 bytes, with a dozen edits. */
static void
add_order(struct buf *b, unsigned *seed)
{
    static const char *const states[] = {"open", "paid", "void", "shipped"};
    buf_fmt(b,
            "{\"id\":\"ord_%u\",\"number\":%u,\"customer\":\"cus_%u\","
            "\"email\":\"%s.%s@example.com\",\"status\":\"%s\","
            "\"created\":%u,\"legacy\":\"%s\",\"currency\":\"eur\","
            "\"total\":%u.%02u,\"paid\":%s,\"shipping\":{\"method\":\"%s\","
            "\"street\":\"%s %u\",\"city\":\"%s\",\"zip\":\"%05u\"},"
            "\"lines\":[",
            dice(seed, 1u << 24), dice(seed, 9999), dice(seed, 1u << 20),
            word(seed), word(seed), states[dice(seed, 4)], dice(seed, 1u << 24),
            word(seed), dice(seed, 9999), dice(seed, 100),
            dice(seed, 2) ? "true" : "false", word(seed), word(seed),
            dice(seed, 99), word(seed), dice(seed, 99999));
    for (unsigned i = 0, n = 1 + dice(seed, 3); i < n; i++)
        buf_fmt(b,
                "%s{\"sku\":\"A-%u\",\"qty\":%u,\"price\":%u.5,\"title\":"
                "\"%s %s\",\"gift\":%s,\"tax\":0.%02u}",
                i ? "," : "", dice(seed, 99999), dice(seed, 12),
                dice(seed, 900), word(seed), word(seed),
                dice(seed, 2) ? "true" : "false", dice(seed, 100));
    buf_str(b, "],\"tags\":[");
    for (unsigned i = 0, n = dice(seed, 4); i < n; i++)
        buf_fmt(b, "%s\"%s\"", i ? "," : "", word(seed));
    buf_str(b, "],\"notes\":\"");
    add_words(b, seed, 2 + dice(seed, 24));
    buf_str(b, "\"}");
}

static void
add_small_order(struct buf *b, unsigned *seed)
{
    buf_fmt(b,
            "{\"id\":\"ord_%u\",\"customer\":\"cus_%u\",\"status\":\"open\","
            "\"legacy\":\"%s\",\"total\":%u,\"lines\":[{\"sku\":\"A-%u\","
            "\"qty\":%u}],\"notes\":\"",
            dice(seed, 1u << 24), dice(seed, 1u << 20), word(seed),
            dice(seed, 9999), dice(seed, 99999), dice(seed, 12));
    add_words(b, seed, 4 + dice(seed, 8));
    buf_str(b, "\"}");
}

static void
add_urls(struct buf *b, unsigned *seed, unsigned n)
{
    unsigned id = dice(seed, 1u << 20);
    for (unsigned i = 0; i < n; i++)
        buf_fmt(
            b, "\"%s%u_url\":\"https://api.example/repos/%s/%s-%u/%s{/%s}\",",
            word(seed), i, word(seed), word(seed), id, word(seed), word(seed));
}

/* As GitHub shows a repository: many URLs, some numbers, an owner. */
static void
add_repo(struct buf *b, unsigned *seed)
{
    unsigned id = dice(seed, 1u << 24);
    buf_fmt(
        b,
        "{\"id\":%u,\"node_id\":\"MDEwOlJlcG9zaXRvcnk%u\",\"name\":\"%s-%s\","
        "\"full_name\":\"%s/%s\",\"private\":false,\"owner\":{\"login\":"
        "\"%s\",\"id\":%u,\"avatar_url\":\"https://avatars.example/u/%u?v=4\",",
        id, id, word(seed), word(seed), word(seed), word(seed), word(seed),
        dice(seed, 1u << 20), id);
    add_urls(b, seed, 8);
    buf_str(b, "\"type\":\"User\",\"site_admin\":false},\"description\":\"");
    add_words(b, seed, 4 + dice(seed, 20));
    buf_fmt(b, "\",\"fork\":%s,", dice(seed, 4) ? "false" : "true");
    add_urls(b, seed, 30 + dice(seed, 8));
    buf_fmt(
        b,
        "\"created_at\":\"2026-%02u-%02uT10:%02u:00Z\",\"size\":%u,"
        "\"stargazers_count\":%u,\"watchers\":%u,\"language\":\"C\","
        "\"has_issues\":true,\"has_wiki\":false,\"topics\":[\"%s\",\"%s\"],"
        "\"visibility\":\"public\",\"default_branch\":\"main\",\"score\":1.%u}",
        1 + dice(seed, 12), 1 + dice(seed, 28), dice(seed, 60),
        dice(seed, 99999), dice(seed, 9999), dice(seed, 999), word(seed),
        word(seed), dice(seed, 99));
}

/* As Stripe prints a charge: one member a line, much white space. */
static void
add_charge(struct buf *b, unsigned *seed)
{
    unsigned id = dice(seed, 1u << 24);
    buf_fmt(
        b,
        "{\n      \"id\": \"ch_%u\",\n      \"object\": \"charge\",\n"
        "      \"amount\": %u,\n      \"amount_captured\": %u,\n"
        "      \"application\": null,\n      \"balance_transaction\": "
        "\"txn_%u\",\n      \"billing_details\": {\n        \"address\": {\n"
        "          \"city\": \"%s\",\n          \"country\": null,\n"
        "          \"line1\": \"%s %u\",\n          \"postal_code\": "
        "\"%05u\"\n        },\n        \"email\": null,\n        \"name\": "
        "\"%s %s\"\n      },\n",
        id, dice(seed, 99999), dice(seed, 99999), id, word(seed), word(seed),
        dice(seed, 99), dice(seed, 99999), word(seed), word(seed));
    buf_fmt(b,
            "      \"captured\": true,\n      \"created\": %u,\n"
            "      \"currency\": \"usd\",\n      \"description\": \"",
            dice(seed, 1u << 24));
    add_words(b, seed, 3 + dice(seed, 12));
    buf_str(b, "\",\n      \"metadata\": {");
    for (unsigned i = 0, n = dice(seed, 5); i < n; i++)
        buf_fmt(b, "%s\n        \"%s_%u\": \"%u\"", i ? "," : "", word(seed), i,
                dice(seed, 9999));
    buf_fmt(b,
            "\n      },\n      \"outcome\": {\n        \"network_status\": "
            "\"approved_by_network\",\n        \"risk_score\": %u,\n"
            "        \"seller_message\": \"Payment complete.\"\n      },\n"
            "      \"paid\": true,\n      \"receipt_url\": "
            "\"https://pay.example/receipts/%u/%s\",\n      \"refunds\": [],\n"
            "      \"status\": \"succeeded\"\n    }",
            dice(seed, 100), id, word(seed));
}

const struct bench_shape bench_orders = {"orders", "Order", "data/*",
                                         add_order};
const struct bench_shape bench_order = {"order", "Order", NULL,
                                        add_small_order};
const struct bench_shape bench_repos = {"github", "Repo", "repos/*", add_repo};
const struct bench_shape bench_charges = {"stripe", "Charge", "charges/*",
                                          add_charge};

void
bench_fill(struct buf *b, const struct bench_shape *shape, size_t bytes,
           unsigned *seed)
{
    const char *name = shape->place;
    if (!name) {
        shape->add(b, seed);
        return;
    }
    buf_fmt(b, "{\"%.*s\":[", (int)(strlen(name) - 2), name);
    do {
        shape->add(b, seed);
        buf_byte(b, ',');
    } while (buf_len(b) < bytes);
    buf_truncate(b, buf_len(b) - 1);
    buf_str(b, "]}");
}

/* ---- the changes ---------------------------------------------------------------- */

/* In an order: five renames, one of them of a symbol as well, one in an object and two
 * in each element; a default; a drop. In a repository and a charge eight edits. */
static const char first_change[] =
    "manifest: {title: t, owner: o, guarantee: none}\n"
    "Order:\n"
    "  map:\n"
    "    customer: customer_id\n"
    "    status: {to: state, enum: {open: pending, paid: settled}}\n"
    "    created: created_at\n"
    "    lines: items\n"
    "  add: {channel: {up: api, write: lose}}\n"
    "  drop: {legacy: {down: \"\", write: ignore}}\n"
    "Shipping:\n"
    "  map: {method: carrier}\n"
    "Line:\n"
    "  map: {sku: code, qty: quantity}\n"
    "Repo:\n"
    "  map: {stargazers_count: stars, watchers: watcher_count, private: "
    "is_private, visibility: "
    "{enum: {public: open}}, full_name: path}\n"
    "  add: {archived: {up: false, write: lose}}\n"
    "  drop: {score: {down: 1, write: ignore}}\n"
    "Owner:\n"
    "  map: {login: name}\n"
    "Charge:\n"
    "  map: {balance_transaction: transaction, captured: is_captured, "
    "receipt_url: receipt, status: {enum: {succeeded: done}}}\n"
    "  add: {livemode: {up: true, write: lose}}\n"
    "  drop: {application: {down: null, write: ignore}}\n"
    "Outcome:\n"
    "  map: {risk_score: risk, seller_message: message}\n";

/* Each further version: three renames, a symbol, a member that comes and goes. */
static void
add_change(struct buf *b, size_t i)
{
    if (i == 1) {
        buf_str(b, first_change);
        return;
    }
    buf_str(b, "manifest: {title: t, owner: o, guarantee: none}\n");
    const char *was = i % 2 ? "_b" : "";
    const char *is = i % 2 ? "" : "_b";
    buf_fmt(
        b,
        "Order:\n  map: {customer_id%s: customer_id%s, state: {enum: {%s}}}\n"
        "  add: {temporary_%zu: {up: 1, write: lose}}\n",
        was, is, i % 2 ? "waiting: pending" : "pending: waiting", i);
    if (i > 2)
        buf_fmt(b, "  drop: {temporary_%zu: {down: 1, write: ignore}}\n",
                i - 1);
    buf_fmt(b, "Line:\n  map: {code%s: code%s, quantity%s: quantity%s}\n", was,
            is, was, is);
}

const struct lens_api *
bench_api(struct arena *a, size_t n_versions)
{
    struct lens_text *changes = arena_array(a, n_versions, sizeof(*changes));
    const struct lens_api *api = NULL;
    struct problems problems;
    struct buf b;
    span head = {0};
    buf_init(&b, BENCH_ROOM);
    buf_str(&b, "api: shop\nversions: {");
    for (size_t i = 1; i <= n_versions; i++)
        buf_fmt(&b, "%sv%zu: {}", i > 1 ? ", " : "", i);
    buf_str(&b,
            "}\ndetect: [{header: V}]\nmissing: v1\nunknown: refuse\ntypes:\n"
            "  Order: {at: [POST /orders, \"data/* of GET /orders\"]}\n"
            "  Line: {at: \"items/* of Order\"}\n"
            "  Shipping: {at: shipping of Order}\n"
            "  Repo: {at: \"repos/* of GET /repos\"}\n"
            "  Owner: {at: owner of Repo}\n"
            "  Charge: {at: \"charges/* of GET /charges\"}\n"
            "  Outcome: {at: outcome of Charge}\n");
    bool ok = changes && span_dup(a, buf_span(&b), &head);
    for (size_t i = 1; ok && i < n_versions; i++) {
        buf_clear(&b);
        buf_fmt(&b, "change: c%zu\nfrom: v%zu\nto: v%zu\n", i, i, i + 1);
        add_change(&b, i);
        changes[i - 1].name = arena_fmt(a, "%zu.yaml", i);
        ok = span_dup(a, buf_span(&b), &changes[i - 1].text);
    }
    buf_fini(&b);
    problems_init(&problems, a);
    if (!ok || lens_load_text(a, (struct lens_text){SPAN("api.yaml"), head},
                              changes, n_versions - 1, &problems, &api) != OK) {
        for (size_t i = 0; i < problems.n; i++)
            fprintf(stderr, "%.*s:%zu: %.*s\n", SPAN_FMT(problems.at[i].file),
                    problems.at[i].line, SPAN_FMT(problems.at[i].text));
        return NULL;
    }
    return api;
}
