/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/store_chain.h"

#include "certs/digest.h"

#include <jansson.h>

#include <assert.h>

static_assert(STORE_HASH_BYTES == DIGEST_SHA256, "the chain is of SHA-256");

static void
put_u64(struct buf *b, uint64_t n)
{
    char bytes[8];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(n >> (8 * i));
    buf_add(b, span_of(bytes, sizeof(bytes)));
}

/* A text with its length before it: no two entries read the same. */
static void
put_text(struct buf *b, span s)
{
    put_u64(b, s.len);
    buf_add(b, s);
}

bool
store_entry_hash(struct buf *b, const struct store_revision *r,
                 uint8_t out[STORE_HASH_BYTES])
{
    buf_clear(b);
    put_u64(b, r->sequence);
    put_u64(b, r->time_ms);
    put_text(b, r->actor);
    put_text(b, r->reason);
    put_text(b, r->kind);
    put_text(b, r->before);
    put_text(b, r->after);
    buf_add(b, span_of((const char *)r->previous, STORE_HASH_BYTES));
    if (buf_failed(b))
        return false;
    digest_sha256(buf_span(b), out);
    return true;
}

/* A walk from the first entry to the last, and what it found wrong. */
struct chain {
    const struct store *store;
    struct buf room;
    uint64_t sequence;
    uint8_t hash[STORE_HASH_BYTES];
    size_t n_weights;        /* weights whose revision was met */
    size_t n_records;        /* records likewise */
    const uint8_t *expected; /* hash that weights.last knows of... */
    uint64_t expected_at;    /* ...this entry; 0: of none */
    struct err *e;
    bool broken;
};

static bool
chain_breaks(struct chain *c, const char *what, uint64_t sequence)
{
    c->broken = true;
    err_set(c->e, ERR_INVALID, "the journal is damaged: %s (revision %llu)",
            what, (unsigned long long)sequence);
    return false;
}

static uint64_t
member(const json_t *object, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(object, name));

    return n < 0 ? 0 : (uint64_t)n;
}

/* Does the journal's entry say what the table of weights says? */
static bool
weight_agrees(const struct store_weight *w, span after)
{
    json_t *json = json_loadb(after.at, after.len, 0, NULL);
    const char *slot = json_string_value(json_object_get(json, "slot"));
    bool agrees = slot && strcmp(slot, w->slot) == 0 &&
                  member(json, "weight_ppm") == w->weight_ppm &&
                  member(json, "run") == w->run &&
                  member(json, "file_ppm") == w->file_ppm;

    json_decref(json);
    return agrees;
}

static bool
chain_weights(struct chain *c, const struct store_revision *r)
{
    for (size_t i = 0; i < c->store->n_weights; i++) {
        const struct store_weight *w = &c->store->weights[i];
        if (w->revision != r->sequence)
            continue;
        if (!weight_agrees(w, r->after))
            return chain_breaks(c, "a weight is not what was journalled",
                                r->sequence);
        c->n_weights++;
    }
    return true;
}

static bool
chain_records(struct chain *c, const struct store_revision *r)
{
    for (size_t i = 0; i < c->store->n_records; i++) {
        const struct store_record *record = &c->store->records[i];
        if (record->revision != r->sequence)
            continue;
        if (!span_eq(record->json, r->after))
            return chain_breaks(c, "a record is not what was journalled",
                                r->sequence);
        c->n_records++;
    }
    return true;
}

static bool
chain_entry(void *arg, const struct store_revision *r)
{
    struct chain *c = arg;

    if (r->sequence != c->sequence + 1)
        return chain_breaks(c, "an entry is missing", c->sequence + 1);
    if (memcmp(r->previous, c->hash, STORE_HASH_BYTES) != 0)
        return chain_breaks(c, "an entry is not what its successor knew",
                            c->sequence);
    if (!store_entry_hash(&c->room, r, c->hash))
        return chain_breaks(c, "an entry is too long", r->sequence);
    c->sequence = r->sequence;
    if (c->expected_at == r->sequence &&
        memcmp(c->expected, c->hash, STORE_HASH_BYTES) != 0)
        return chain_breaks(c, "an entry is not what weights.last knew",
                            r->sequence);
    return chain_weights(c, r) && chain_records(c, r);
}

static bool
chain_ends_well(struct chain *c)
{
    const struct store *s = c->store;

    if (c->sequence != s->sequence ||
        memcmp(c->hash, s->hash, STORE_HASH_BYTES) != 0)
        return chain_breaks(c, "its end is not where it was written",
                            c->sequence);
    if (c->expected_at > c->sequence)
        return chain_breaks(c, "weights.last knows of a later entry",
                            c->expected_at);
    if (c->n_weights != s->n_weights)
        return chain_breaks(c, "a weight was never journalled", c->sequence);
    if (c->n_records != s->n_records)
        return chain_breaks(c, "a record was never journalled", c->sequence);
    return true;
}

enum err_code
store_chain_walk(struct store *s, const struct store_last *last, struct err *e)
{
    struct chain c = {.store = s, .e = e};

    if (last) {
        c.expected = last->hash;
        c.expected_at = last->sequence;
    }
    buf_init(&c.room, STORE_ENTRY_MAX);
    enum err_code code = sql_revisions(s->sql, 0, UINT64_MAX, false, SIZE_MAX,
                                       chain_entry, &c, e);
    buf_fini(&c.room);
    if (code)
        return code;
    return !c.broken && chain_ends_well(&c) ? OK : ERR_INVALID;
}
