/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of things at a change: check, one durable transaction, memory, the
 * small file. Whatever fails from the transaction on, the store says so and
 * takes no other change until it is opened anew and has been checked again.
 */
#include "proxy/control/store.h"

#include "proxy/control/store_chain.h"

#include <jansson.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ----------------------------------------------------------------- the weights */

/* The first weight whose slot does not come before `slot`. */
static size_t
weight_place(const struct store *s, span slot)
{
    size_t low = 0, high = s->n_weights;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (span_cmp(span_str(s->weights[middle].slot), slot) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Room for `n` more. */
static bool
weights_reserve(struct store *s, size_t n)
{
    size_t room = s->room ? s->room : 16;

    if (s->n_weights + n <= s->room)
        return true;
    if (s->n_weights + n > STORE_SLOTS_MAX)
        return false;
    while (room < s->n_weights + n)
        room *= 2;
    void *grown = reallocarray(s->weights, room, sizeof(*s->weights));
    if (!grown)
        return false;
    s->weights = grown;
    s->room = room;
    return true;
}

/* Room was reserved, so that what is durable is never missing here. */
static void
weights_put(struct store *s, const struct store_weight *w)
{
    size_t i = weight_place(s, span_str(w->slot));

    assert(s->weights);
    if (i == s->n_weights || strcmp(s->weights[i].slot, w->slot) != 0) {
        assert(s->n_weights < s->room);
        memmove(&s->weights[i + 1], &s->weights[i],
                (s->n_weights - i) * sizeof(*w));
        s->n_weights++;
    }
    s->weights[i] = *w;
}

static bool
weights_load_one(void *arg, const struct store_weight *w)
{
    struct store *s = arg;

    if (!weights_reserve(s, 1))
        return false;
    weights_put(s, w);
    return true;
}

/* ----------------------------------------------------------------- the records */

static struct store_record *
find_record(const struct store *s, span name)
{
    for (size_t i = 0; i < s->n_records; i++)
        if (span_is(name, s->records[i].name))
            return &s->records[i];
    return NULL;
}

static bool
records_reserve(struct store *s, size_t n)
{
    size_t room = s->records_room ? s->records_room : 16;

    if (s->n_records + n <= s->records_room)
        return true;
    if (s->n_records + n > STORE_RECORDS_MAX)
        return false;
    while (room < s->n_records + n)
        room *= 2;
    void *grown = reallocarray(s->records, room, sizeof(*s->records));
    if (!grown)
        return false;
    s->records = grown;
    s->records_room = room;
    return true;
}

/* Room was reserved, and `text` is ours: what is durable is never missing here. */
static void
records_put(struct store *s, span name, uint64_t revision, char *text,
            size_t len)
{
    struct store_record *r = find_record(s, name);

    if (!r) {
        assert(s->n_records < s->records_room);
        r = &s->records[s->n_records++];
        *r = (struct store_record){0};
        memcpy(r->name, name.at, name.len);
    }
    free(r->text);
    r->text = text;
    r->json = span_of(text, len);
    r->revision = revision;
}

/* A copy that is never NULL but for the want of memory. */
static char *
text_copy(span s)
{
    char *text = malloc(s.len + 1);

    if (text && s.len)
        memcpy(text, s.at, s.len);
    return text;
}

static bool
records_load_one(void *arg, span name, uint64_t revision, span json)
{
    struct store *s = arg;
    char *text = records_reserve(s, 1) ? text_copy(json) : NULL;

    if (text)
        records_put(s, name, revision, text, json.len);
    return text != NULL;
}

static void
records_free(struct store *s)
{
    for (size_t i = 0; i < s->n_records; i++)
        free(s->records[i].text);
    free(s->records);
    s->records = NULL;
    s->n_records = s->records_room = 0;
}

/* ---------------------------------------------------------------- open, close */

/* From now on changes are refused, and why; the first reason stays. */
static void
refuse(struct store *s, const char *remedy, const struct err *e)
{
    if (s->refuses)
        return;
    s->refuses = true;
    (void)snprintf(s->why, sizeof(s->why), "%s; %s", e->text, remedy);
}

static enum err_code
take_lock(struct store *s, unsigned lock_ms, struct err *e)
{
    struct timespec nap = {.tv_nsec = 5000000};

    s->lock_fd = openat(s->dir_fd, "stile.lock",
                        O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->lock_fd < 0)
        return err_set(e, ERR_IO, "stile.lock: %s", strerror(errno));
    for (unsigned waited = 0; flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0;
         waited += 5) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_set(e, ERR_IO, "stile.lock: %s", strerror(errno));
        if (waited >= lock_ms)
            return err_set(e, ERR_CONFLICT,
                           "another process has the store (stile.lock is "
                           "held)");
        (void)nanosleep(&nap, NULL);
    }
    return OK;
}

static enum err_code
open_dir(struct store *s, const char *dir, struct err *e)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return err_set(e, ERR_IO, "%s: %s", dir, strerror(errno));
    s->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->dir_fd < 0)
        return err_set(e, ERR_IO, "%s: %s", dir, strerror(errno));
    return OK;
}

/* The database, read and checked against itself and against weights.last. */
static enum err_code
load(struct store *s, const char *path, const struct store_last *last,
     struct err *e)
{
    if (sql_open(path, &s->sql, e) ||
        sql_head(s->sql, &s->sequence, s->hash, e) ||
        sql_weights(s->sql, weights_load_one, s, e) ||
        sql_records(s->sql, records_load_one, s, e))
        return e->code;
    return store_chain_walk(s, last, e);
}

/* Go on with the last good weights, and refuse to change them. */
static enum err_code
fall_back(struct store *s, const struct store_last *last, struct err *e)
{
    if (!last)
        return err_wrap(e, "no weights.last to go on with, so somebody must "
                           "decide which weights hold");
    refuse(s,
           "the weights are those of weights.last, and changes are refused "
           "until stile.db is restored or, with weights.last, moved away",
           e);
    sql_close(&s->sql);
    s->sequence = last->sequence;
    memcpy(s->hash, last->hash, STORE_HASH_BYTES);
    s->n_weights = 0;
    records_free(s);
    for (size_t i = 0; i < last->n_weights; i++)
        if (!weights_load_one(s, &last->weights[i]))
            return err_set(e, ERR_LIMIT, "no memory for the weights");
    return OK;
}

/* weights.last if there is one that can be read; `found` keeps its memory. */
static enum err_code
find_last(struct store *s, struct store_last *found,
          const struct store_last **last, struct err *e)
{
    struct err why;
    enum err_code code = store_last_read(s->dir_fd, found, &why);

    *last = code == OK ? found : NULL;
    if (code == ERR_INVALID)
        refuse(s, "changes are refused until it is restored or moved away",
               &why);
    return code == ERR_LIMIT ? err_set(e, code, "%s", why.text) : OK;
}

static enum err_code
open_in(struct store *s, const char *dir, unsigned lock_ms, struct err *e)
{
    struct store_last found = {0};
    const struct store_last *last = NULL;
    char path[PATH_MAX];

    if (open_dir(s, dir, e) || take_lock(s, lock_ms, e) ||
        find_last(s, &found, &last, e))
        return e->code;
    if (snprintf(path, sizeof(path), "%s/stile.db", dir) >= (int)sizeof(path))
        return err_set(e, ERR_INVALID, "%s: too long a path", dir);
    enum err_code code = load(s, path, last, e);
    if (code)
        code = fall_back(s, last, e);
    store_last_fini(&found);
    return code;
}

enum err_code
store_open(const char *dir, unsigned lock_ms, struct store **out, struct err *e)
{
    struct store *s = calloc(1, sizeof(*s));

    *out = NULL;
    if (!s)
        return err_set(e, ERR_LIMIT, "no memory for the store");
    s->dir_fd = s->lock_fd = -1;
    enum err_code code = open_in(s, dir, lock_ms, e);
    if (code)
        store_close(&s);
    *out = s;
    return code;
}

void
store_close(struct store **s)
{
    if (!*s)
        return;
    sql_close(&(*s)->sql);
    free((*s)->weights);
    records_free(*s);
    if ((*s)->lock_fd >= 0)
        close((*s)->lock_fd); /* which gives up the lock */
    if ((*s)->dir_fd >= 0)
        close((*s)->dir_fd);
    free(*s);
    *s = NULL;
}

/* ------------------------------------------------------------------- questions */

const char *
store_refuses(const struct store *s)
{
    return s->refuses ? s->why : NULL;
}

uint64_t
store_sequence(const struct store *s)
{
    return s->sequence;
}

const struct store_weight *
store_weights(const struct store *s, size_t *n)
{
    *n = s->n_weights;
    return s->weights;
}

const struct store_weight *
store_weight(const struct store *s, span slot)
{
    size_t i = weight_place(s, slot);

    if (i == s->n_weights || !span_is(slot, s->weights[i].slot))
        return NULL;
    return &s->weights[i];
}

const struct store_record *
store_record(const struct store *s, span name)
{
    return find_record(s, name);
}

enum err_code
store_key(struct store *s, span key, uint64_t *revision, struct err *e)
{
    if (!s->sql)
        return err_set(e, ERR_CONFLICT, "%s", s->why);
    return sql_key(s->sql, key, revision, e);
}

enum err_code
store_revisions(struct store *s, uint64_t before, size_t max,
                store_revision_fn fn, void *arg, struct err *e)
{
    if (!s->sql)
        return err_set(e, ERR_CONFLICT, "%s", s->why);
    return sql_revisions(s->sql, 0, before ? before : UINT64_MAX, true, max, fn,
                         arg, e);
}

enum err_code
store_revisions_after(struct store *s, uint64_t after, size_t max,
                      store_revision_fn fn, void *arg, struct err *e)
{
    if (!s->sql)
        return err_set(e, ERR_CONFLICT, "%s", s->why);
    return sql_revisions(s->sql, after + 1, UINT64_MAX, false, max, fn, arg, e);
}

enum err_code
store_verify(struct store *s, struct err *e)
{
    if (!s->sql)
        return err_set(e, ERR_INVALID, "%s", s->why);
    return store_chain_walk(s, NULL, e);
}

/* ---------------------------------------------------------------------- commit */

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
    if (!was && !weights_reserve(s, 1))
        return err_set(e, ERR_LIMIT, "the store has no room for another slot");
    return OK;
}

static enum err_code
check_record(struct store *s, const struct store_change *c, struct err *e)
{
    const struct store_record *was = find_record(s, c->record);
    uint64_t at = was ? was->revision : 0;

    if (c->record.len > STORE_SLOT_MAX)
        return err_set(e, ERR_LIMIT, "a record's name has at most %d bytes",
                       STORE_SLOT_MAX);
    if (c->expects && c->expected != at)
        return err_set(e, ERR_CONFLICT, "%.*s is at revision %llu, not %llu",
                       SPAN_FMT(c->record), (unsigned long long)at,
                       (unsigned long long)c->expected);
    if (!was && !records_reserve(s, 1))
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
    if (c->record.len && !(t->text = text_copy(c->after)))
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
        refuse(s, "changes are refused until control has started anew", &e);
}

/* Durable: memory follows, which cannot fail. */
static void
take_in(struct store *s, struct entry *t)
{
    s->sequence++;
    memcpy(s->hash, t->hash, STORE_HASH_BYTES);
    if (t->change->weight)
        weights_put(s, &t->weight);
    if (t->text)
        records_put(s, t->change->record, s->sequence, t->text,
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
        refuse(s, "changes are refused until control has started anew", e);
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
    if (n > 1 && (!weights_reserve(s, n) || !records_reserve(s, n)))
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
