/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of things at a change: check, one durable transaction, memory, the
 * small file. Whatever fails from the transaction on, the store says so and
 * takes no other change until it is opened anew and has been checked again.
 */
#include "proxy/control/store_chain.h"

#include <jansson.h>

#include <stdlib.h>

#define UNTIL                                                                  \
    "changes are refused until `stile reload` has started control anew"

static enum err_code
check_weight(struct store *s, const struct store_change *c, struct err *e)
{
    const struct store_weight *w = c->weight;
    span slot = span_str(w->slot);
    const struct store_weight *was = store_weight(s, slot);
    uint64_t at = was ? was->revision : 0;

    if (slot.len == 0 || w->weight_ppm > 1000000 || w->file_ppm > 1000000 ||
        w->run == 0)
        return err_set(e, ERR_INVALID,
                       "no weight: a slot, at most 1000000 "
                       "ppm, a run from 1");
    if (c->expects && c->record.len == 0 && c->expected != at)
        return err_set(e, ERR_CONFLICT, "%s is at revision %llu, not %llu",
                       w->slot, (unsigned long long)at,
                       (unsigned long long)c->expected);
    if (!was && !store_weights_reserve(s, 1))
        return err_set(e, ERR_LIMIT, "the store has no room for another slot");
    return OK;
}

static enum err_code
check_record(struct store *s, const struct store_change *c, struct err *e)
{
    const struct store_record *was = store_record(s, c->record);
    uint64_t at = was ? was->revision : 0;

    if (c->record.len > STORE_SLOT_MAX)
        return err_set(e, ERR_LIMIT, "a record's name has at most %d bytes",
                       STORE_SLOT_MAX);
    if (c->expects && c->expected != at)
        return err_set(e, ERR_CONFLICT, "%.*s is at revision %llu, not %llu",
                       SPAN_FMT(c->record), (unsigned long long)at,
                       (unsigned long long)c->expected);
    if (!was && !store_records_reserve(s, 1))
        return err_set(e, ERR_LIMIT, "the store has no room for a record");
    return OK;
}

static enum err_code
check(struct store *s, const struct store_change *c, struct err *e)
{
    if (s->refuses)
        return err_set(e, ERR_CONFLICT, "%s", s->why);
    if (c->actor.len > STORE_TEXT_MAX || c->reason.len > STORE_TEXT_MAX ||
        c->kind.len > STORE_TEXT_MAX)
        return err_set(e, ERR_LIMIT,
                       "an actor, a reason and a kind have at "
                       "most %d bytes",
                       STORE_TEXT_MAX);
    if (c->key.len > STORE_KEY_MAX)
        return err_set(e, ERR_LIMIT, "a key has at most %d bytes",
                       STORE_KEY_MAX);
    uint64_t made;
    if (c->key.len && sql_key(s->sql, c->key, &made, e) == OK)
        return err_set(e, ERR_CONFLICT,
                       "a change with this key was made at revision %llu",
                       (unsigned long long)made);
    if (c->before.len > STORE_JSON_MAX || c->after.len > STORE_JSON_MAX)
        return err_set(e, ERR_LIMIT, "before and after have at most %d bytes",
                       STORE_JSON_MAX);
    if (c->record.len && check_record(s, c, e))
        return e->code;
    return c->weight ? check_weight(s, c, e) : OK;
}

/* What the journal says of a weight: weight_agrees reads it back. */
static span
weight_text(const struct store_weight *w, char out[256])
{
    json_t *json =
        w ? json_pack("{s:s, s:I, s:I, s:I}", "slot", w->slot, "weight_ppm",
                      (json_int_t)w->weight_ppm, "run", (json_int_t)w->run,
                      "file_ppm", (json_int_t)w->file_ppm)
          : NULL;
    size_t n = json ? json_dumpb(json, out, 256, JSON_COMPACT) : 0;

    json_decref(json);
    return span_of(out, n <= 256 ? n : 0);
}

/* A change on its way: what it says, and what of it must live until it is in. */
struct entry {
    const struct store_change *change;
    struct store_revision revision;
    uint8_t hash[STORE_HASH_BYTES];
    struct store_weight weight;
    char before[256], after[256]; /* of a weight */
    char *text;                   /* of a record; or NULL */
};

/* All that it says, behind the entry whose number and hash these are. */
static enum err_code
prepare(struct store *s, struct entry *t, uint64_t sequence,
        const uint8_t *previous, struct err *e)
{
    const struct store_change *c = t->change;
    struct store_revision *r = &t->revision;
    struct buf room;

    *r = (struct store_revision){.sequence = sequence + 1,
                                 .time_ms = c->time_ms,
                                 .actor = c->actor,
                                 .reason = c->reason,
                                 .kind = c->kind,
                                 .before = c->before,
                                 .after = c->after};
    memcpy(r->previous, previous, STORE_HASH_BYTES);
    if (c->record.len && !(t->text = store_text_copy(c->after)))
        return err_set(e, ERR_LIMIT, "no memory for a record");
    if (c->weight) {
        t->weight = *c->weight;
        t->weight.revision = r->sequence;
    }
    if (c->weight && c->record.len == 0) {
        r->before =
            weight_text(store_weight(s, span_str(t->weight.slot)), t->before);
        r->after = weight_text(&t->weight, t->after);
        if (r->after.len == 0)
            return err_set(e, ERR_LIMIT, "no memory for a revision");
    }
    buf_init(&room, STORE_ENTRY_MAX);
    bool hashed = store_entry_hash(&room, r, t->hash);
    buf_fini(&room);
    return hashed ? OK : err_set(e, ERR_LIMIT, "no memory for a revision");
}

/* The change is durable: what fails here fails the next one. */
static void
replace_last(struct store *s)
{
    struct err e;
    struct store_last last = {.sequence = s->sequence,
                              .weights = s->weights,
                              .n_weights = s->n_weights};

    memcpy(last.hash, s->hash, STORE_HASH_BYTES);
    if (store_last_write(s->dir_fd, &last, &e))
        store_refuse(s, UNTIL, &e);
}

/* Durable: memory follows, which cannot fail. */
static void
take_in(struct store *s, struct entry *t)
{
    s->sequence++;
    memcpy(s->hash, t->hash, STORE_HASH_BYTES);
    if (t->change->weight)
        store_weights_put(s, &t->weight);
    if (t->text)
        store_records_put(s, t->change->record, s->sequence, t->text,
                          t->change->after.len);
    t->text = NULL;
}

/* One transaction. */
static enum err_code
append(struct store *s, const struct entry *t, size_t n, struct err *e)
{
    enum err_code code = sql_begin(s->sql, e);

    for (size_t i = 0; i < n && code == OK; i++) {
        const struct store_change *c = t[i].change;
        const struct sql_extras extras = {.weight =
                                              c->weight ? &t[i].weight : NULL,
                                          .record = c->record,
                                          .key = c->key};
        code = sql_append(s->sql, &t[i].revision, t[i].hash, &extras, e);
    }
    if (code == OK)
        code = sql_commit(s->sql, e);
    if (code && code != ERR_CONFLICT && code != ERR_LIMIT)
        store_refuse(s, UNTIL, e);
    return code;
}

static enum err_code
check_all(struct store *s, const struct store_change *c, struct entry *t,
          size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        enum err_code code = check(s, &c[i], e);
        t[i].change = &c[i];
        if (code == OK)
            code = prepare(s, &t[i], s->sequence + i,
                           i ? t[i - 1].hash : s->hash, e);
        if (code)
            return code;
    }
    if (n > 1 && (!store_weights_reserve(s, n) || !store_records_reserve(s, n)))
        return err_set(e, ERR_LIMIT, "the store has no room for the changes");
    return OK;
}

enum err_code
store_commit_all(struct store *s, const struct store_change *c, size_t n,
                 uint64_t *sequence, struct err *e)
{
    struct entry *t = calloc(n, sizeof(*t));

    if (!t)
        return err_set(e, ERR_LIMIT, "no memory for the changes");
    enum err_code code = check_all(s, c, t, n, e);
    if (code == OK)
        code = append(s, t, n, e);
    for (size_t i = 0; i < n; i++) {
        if (code == OK)
            take_in(s, &t[i]);
        free(t[i].text);
    }
    free(t);
    if (code)
        return code;
    replace_last(s);
    *sequence = s->sequence;
    return OK;
}

enum err_code
store_commit(struct store *s, const struct store_change *c, uint64_t *sequence,
             struct err *e)
{
    return store_commit_all(s, c, 1, sequence, e);
}
