/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/store_sql.h"

#include <sqlite3.h>

#include <assert.h>
#include <stdlib.h>

#define APPLICATION_ID 0x5354494c /* "STIL" */

/* Statement by statement, so that each is prepared once and known by name. */
#define STATEMENTS(X)                                                          \
    X(BEGIN, "BEGIN IMMEDIATE")                                                \
    X(COMMIT, "COMMIT")                                                        \
    X(ROLLBACK, "ROLLBACK")                                                    \
    X(ADD_REVISION, "INSERT INTO revisions VALUES (?1, ?2, ?3, ?4, ?5, ?6, "   \
                    "?7, ?8)")                                                 \
    X(SET_WEIGHT, "INSERT OR REPLACE INTO weights VALUES (?1, ?2, ?3, ?4, "    \
                  "?5)")                                                       \
    X(SET_RECORD, "INSERT OR REPLACE INTO records VALUES (?1, ?2, ?3)")        \
    X(GET_RECORDS, "SELECT name, revision, after FROM records ORDER BY name")  \
    X(ADD_KEY, "INSERT INTO keys VALUES (?1, ?2)")                             \
    X(GET_KEY, "SELECT revision FROM keys WHERE key = ?1")                     \
    X(SET_HEAD, "INSERT OR REPLACE INTO head VALUES (1, ?1, ?2)")              \
    X(GET_HEAD, "SELECT sequence, hash FROM head WHERE one = 1")               \
    X(GET_WEIGHTS, "SELECT slot, weight_ppm, run, file_ppm, revision FROM "    \
                   "weights ORDER BY slot")                                    \
    X(OLDEST_FIRST, "SELECT * FROM revisions WHERE sequence >= ?1 AND "        \
                    "sequence < ?2 ORDER BY sequence LIMIT ?3")                \
    X(NEWEST_FIRST, "SELECT * FROM revisions WHERE sequence >= ?1 AND "        \
                    "sequence < ?2 ORDER BY sequence DESC LIMIT ?3")

enum statement {
#define X(name, text) SQL_##name,
    STATEMENTS(X)
#undef X
        SQL_COUNT
};

struct sql {
    sqlite3 *db;
    sqlite3_stmt *statements[SQL_COUNT];
};

static const char *const texts[] = {
#define X(name, text) text,
    STATEMENTS(X)
#undef X
};

/* migrations[n] leads from user_version n to n + 1; never edit one that was
 * released, add one. */
static const char *const migrations[] = {
    "CREATE TABLE revisions ("
    " sequence INTEGER PRIMARY KEY CHECK (sequence >= 1),"
    " time_ms INTEGER NOT NULL,"
    " actor TEXT NOT NULL,"
    " reason TEXT NOT NULL,"
    " kind TEXT NOT NULL,"
    " before TEXT NOT NULL,"
    " after TEXT NOT NULL,"
    " previous BLOB NOT NULL CHECK (length(previous) = 32)"
    ") STRICT;"
    "CREATE TRIGGER revisions_stay BEFORE UPDATE ON revisions BEGIN"
    " SELECT raise(ABORT, 'the journal is append-only'); END;"
    "CREATE TRIGGER revisions_remain BEFORE DELETE ON revisions BEGIN"
    " SELECT raise(ABORT, 'the journal is append-only'); END;"
    "CREATE TABLE weights ("
    " slot TEXT PRIMARY KEY CHECK (length(slot) BETWEEN 1 AND 63),"
    " weight_ppm INTEGER NOT NULL CHECK (weight_ppm BETWEEN 0 AND 1000000),"
    " run INTEGER NOT NULL CHECK (run BETWEEN 1 AND 4294967295),"
    " file_ppm INTEGER NOT NULL CHECK (file_ppm BETWEEN 0 AND 1000000),"
    " revision INTEGER NOT NULL CHECK (revision >= 1)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE head ("
    " one INTEGER PRIMARY KEY CHECK (one = 1),"
    " sequence INTEGER NOT NULL,"
    " hash BLOB NOT NULL CHECK (length(hash) = 32)"
    ") STRICT;",
    "CREATE TABLE records ("
    " name TEXT PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 63),"
    " revision INTEGER NOT NULL CHECK (revision >= 1),"
    " after TEXT NOT NULL"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE keys ("
    " key TEXT PRIMARY KEY CHECK (length(key) BETWEEN 1 AND 128),"
    " revision INTEGER NOT NULL CHECK (revision >= 1)"
    ") STRICT, WITHOUT ROWID;",
};

/* What SQLite said, as our code: damage is not a failing disk. */
static enum err_code
fail(const struct sql *q, const char *doing, struct err *e)
{
    int code = q->db ? sqlite3_extended_errcode(q->db) : SQLITE_NOMEM;
    const char *text = q->db ? sqlite3_errmsg(q->db) : "no memory";
    enum err_code ours = ERR_IO;

    switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_SCHEMA:
    case SQLITE_ERROR: /* no such table: not a store of ours */
        ours = ERR_INVALID;
        break;
    case SQLITE_BUSY:
        ours = ERR_CONFLICT;
        break;
    default:
        break;
    }
    return err_set(e, ours, "%s: %s (SQLite %d)", doing, text, code);
}

static enum err_code
run_text(struct sql *q, const char *text, struct err *e)
{
    if (sqlite3_exec(q->db, text, NULL, NULL, NULL) != SQLITE_OK)
        return fail(q, "the store", e);
    return OK;
}

/* The first column of a statement's first row. */
static enum err_code
ask_text(struct sql *q, const char *text, char *out, size_t size, struct err *e)
{
    sqlite3_stmt *st = NULL;
    enum err_code code = OK;

    if (sqlite3_prepare_v2(q->db, text, -1, &st, NULL) != SQLITE_OK ||
        sqlite3_step(st) != SQLITE_ROW) {
        code = fail(q, "the store", e);
    } else {
        const unsigned char *answer = sqlite3_column_text(st, 0);
        (void)snprintf(out, size, "%s", answer ? (const char *)answer : "");
    }
    sqlite3_finalize(st);
    return code;
}

static enum err_code
ask_number(struct sql *q, const char *text, uint64_t *out, struct err *e)
{
    char answer[32];

    if (ask_text(q, text, answer, sizeof(answer), e))
        return e->code;
    if (!span_to_u64(span_str(answer), out))
        return err_set(e, ERR_INVALID, "the store: %s is '%s'", text, answer);
    return OK;
}

static enum err_code
migrate_one(struct sql *q, size_t to, struct err *e)
{
    char version[96];

    (void)snprintf(version, sizeof(version),
                   "PRAGMA application_id = %d; PRAGMA user_version = %zu;",
                   APPLICATION_ID, to);
    if (run_text(q, "BEGIN IMMEDIATE", e) ||
        run_text(q, migrations[to - 1], e) || run_text(q, version, e) ||
        run_text(q, "COMMIT", e)) {
        (void)sqlite3_exec(q->db, "ROLLBACK", NULL, NULL, NULL);
        return e->code;
    }
    return OK;
}

static enum err_code
migrate(struct sql *q, struct err *e)
{
    uint64_t version = 0, id = 0, n = 0;

    if (ask_number(q, "PRAGMA user_version", &version, e) ||
        ask_number(q, "PRAGMA application_id", &id, e) ||
        ask_number(q, "SELECT count(*) FROM sqlite_schema", &n, e))
        return e->code;
    if (id != APPLICATION_ID && (id != 0 || version != 0 || n != 0))
        return err_set(e, ERR_INVALID, "the store: not a database of Stile's");
    if (version > COUNT(migrations))
        return err_set(e, ERR_INVALID,
                       "the store: made by a newer Stile (schema %llu, this "
                       "one knows %zu)",
                       (unsigned long long)version, COUNT(migrations));
    for (size_t to = version + 1; to <= COUNT(migrations); to++)
        if (migrate_one(q, to, e))
            return e->code;
    return OK;
}

static enum err_code
quick_check(struct sql *q, struct err *e)
{
    char answer[256];

    if (ask_text(q, "PRAGMA quick_check(1)", answer, sizeof(answer), e))
        return e->code;
    if (strcmp(answer, "ok") != 0)
        return err_set(e, ERR_INVALID, "the store is damaged: %s", answer);
    return OK;
}

static enum err_code
set_up(struct sql *q, struct err *e)
{
    char mode[16];

    /* A reader with a shell may hold the database for a moment. */
    sqlite3_busy_timeout(q->db, 2000);
    (void)sqlite3_db_config(q->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(q->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (ask_text(q, "PRAGMA journal_mode = WAL", mode, sizeof(mode), e))
        return e->code;
    if (strcmp(mode, "wal") != 0)
        return err_set(e, ERR_IO,
                       "the store: its file system cannot have a "
                       "write-ahead log (journal mode is '%s')",
                       mode);
    if (run_text(q, "PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON;",
                 e) ||
        quick_check(q, e) || migrate(q, e))
        return e->code;
    for (size_t i = 0; i < SQL_COUNT; i++)
        if (sqlite3_prepare_v3(q->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &q->statements[i], NULL) != SQLITE_OK)
            return fail(q, "the store", e);
    return OK;
}

enum err_code
sql_open(const char *path, struct sql **out, struct err *e)
{
    struct sql *q = calloc(1, sizeof(*q));

    *out = NULL;
    if (!q)
        return err_set(e, ERR_LIMIT, "no memory for the store");
    int code = sqlite3_open_v2(path, &q->db,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                                   SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                                   SQLITE_OPEN_NOFOLLOW,
                               NULL);
    if (code != SQLITE_OK ? fail(q, path, e) : set_up(q, e)) {
        sql_close(&q);
        return e->code;
    }
    *out = q;
    return OK;
}

void
sql_close(struct sql **q)
{
    if (!*q)
        return;
    for (size_t i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize((*q)->statements[i]);
    int code = sqlite3_close((*q)->db);
    assert(code == SQLITE_OK); /* busy: a statement of ours was left open */
    free(*q);
    *q = NULL;
}

static void
bind_text(sqlite3_stmt *st, int i, span s)
{
    /* A null pointer would be NULL, not ''. */
    (void)sqlite3_bind_text64(st, i, s.len ? s.at : "", s.len, SQLITE_STATIC,
                              SQLITE_UTF8);
}

static void
bind_number(sqlite3_stmt *st, int i, uint64_t n)
{
    (void)sqlite3_bind_int64(st, i, (sqlite3_int64)n);
}

static void
bind_hash(sqlite3_stmt *st, int i, const uint8_t hash[STORE_HASH_BYTES])
{
    (void)sqlite3_bind_blob(st, i, hash, STORE_HASH_BYTES, SQLITE_STATIC);
}

/* Run a statement that gives no rows. A bind that failed leaves NULL behind,
 * which every column refuses: so the step tells. */
static int
step(sqlite3_stmt *st)
{
    int code = sqlite3_step(st);

    (void)sqlite3_reset(st);
    (void)sqlite3_clear_bindings(st);
    return code == SQLITE_ROW ? SQLITE_DONE : code;
}

static bool
add_revision(struct sql *q, const struct store_revision *r)
{
    sqlite3_stmt *st = q->statements[SQL_ADD_REVISION];

    bind_number(st, 1, r->sequence);
    bind_number(st, 2, r->time_ms);
    bind_text(st, 3, r->actor);
    bind_text(st, 4, r->reason);
    bind_text(st, 5, r->kind);
    bind_text(st, 6, r->before);
    bind_text(st, 7, r->after);
    bind_hash(st, 8, r->previous);
    return step(st) == SQLITE_DONE;
}

static bool
set_head(struct sql *q, uint64_t sequence, const uint8_t *hash)
{
    sqlite3_stmt *st = q->statements[SQL_SET_HEAD];

    bind_number(st, 1, sequence);
    bind_hash(st, 2, hash);
    return step(st) == SQLITE_DONE;
}

static bool
set_weight(struct sql *q, const struct store_weight *w)
{
    sqlite3_stmt *st = q->statements[SQL_SET_WEIGHT];

    bind_text(st, 1, span_str(w->slot));
    bind_number(st, 2, w->weight_ppm);
    bind_number(st, 3, w->run);
    bind_number(st, 4, w->file_ppm);
    bind_number(st, 5, w->revision);
    return step(st) == SQLITE_DONE;
}

static bool
set_record(struct sql *q, span name, const struct store_revision *r)
{
    sqlite3_stmt *st = q->statements[SQL_SET_RECORD];

    bind_text(st, 1, name);
    bind_number(st, 2, r->sequence);
    bind_text(st, 3, r->after);
    return step(st) == SQLITE_DONE;
}

static bool
add_key(struct sql *q, span key, uint64_t sequence)
{
    sqlite3_stmt *st = q->statements[SQL_ADD_KEY];

    bind_text(st, 1, key);
    bind_number(st, 2, sequence);
    return step(st) == SQLITE_DONE;
}

static bool
add_extras(struct sql *q, const struct store_revision *r,
           const struct sql_extras *x)
{
    return (!x->weight || set_weight(q, x->weight)) &&
           (x->record.len == 0 || set_record(q, x->record, r)) &&
           (x->key.len == 0 || add_key(q, x->key, r->sequence));
}

enum err_code
sql_begin(struct sql *q, struct err *e)
{
    if (step(q->statements[SQL_BEGIN]) != SQLITE_DONE)
        return fail(q, "the store", e);
    return OK;
}

/* It failed with a transaction under way, whatever it was. */
static enum err_code
give_up(struct sql *q, struct err *e)
{
    enum err_code code = fail(q, "the store", e);

    if (!sqlite3_get_autocommit(q->db))
        (void)step(q->statements[SQL_ROLLBACK]);
    e->code = code == ERR_INVALID ? ERR_INVALID : ERR_IO;
    return e->code;
}

enum err_code
sql_append(struct sql *q, const struct store_revision *r,
           const uint8_t hash[STORE_HASH_BYTES],
           const struct sql_extras *extras, struct err *e)
{
    if (add_revision(q, r) && set_head(q, r->sequence, hash) &&
        add_extras(q, r, extras))
        return OK;
    return give_up(q, e);
}

enum err_code
sql_commit(struct sql *q, struct err *e)
{
    if (step(q->statements[SQL_COMMIT]) == SQLITE_DONE)
        return OK;
    return give_up(q, e);
}

static span
column_span(sqlite3_stmt *st, int i)
{
    const unsigned char *text = sqlite3_column_text(st, i);

    return span_of((const char *)text, (size_t)sqlite3_column_bytes(st, i));
}

static bool
column_hash(sqlite3_stmt *st, int i, uint8_t out[STORE_HASH_BYTES])
{
    const void *blob = sqlite3_column_blob(st, i);

    if (!blob || sqlite3_column_bytes(st, i) != STORE_HASH_BYTES)
        return false;
    memcpy(out, blob, STORE_HASH_BYTES);
    return true;
}

/* A statement that is being walked: its end, and what the end was. */
static enum err_code
walked(struct sql *q, sqlite3_stmt *st, int code, struct err *e)
{
    enum err_code ours = OK;

    if (code != SQLITE_DONE && code != SQLITE_ROW)
        ours = fail(q, "the store", e);
    (void)sqlite3_reset(st);
    (void)sqlite3_clear_bindings(st);
    return ours;
}

static bool
row_weight(sqlite3_stmt *st, struct store_weight *w)
{
    span slot = column_span(st, 0);
    sqlite3_int64 ppm = sqlite3_column_int64(st, 1);
    sqlite3_int64 run = sqlite3_column_int64(st, 2);
    sqlite3_int64 file = sqlite3_column_int64(st, 3);
    sqlite3_int64 revision = sqlite3_column_int64(st, 4);

    if (slot.len == 0 || slot.len > STORE_SLOT_MAX || ppm < 0 ||
        ppm > 1000000 || file < 0 || file > 1000000 || run < 1 ||
        run > UINT32_MAX || revision < 1)
        return false;
    *w = (struct store_weight){.weight_ppm = (uint32_t)ppm,
                               .run = (uint32_t)run,
                               .file_ppm = (uint32_t)file,
                               .revision = (uint64_t)revision};
    memcpy(w->slot, slot.at, slot.len);
    return strlen(w->slot) == slot.len;
}

enum err_code
sql_weights(struct sql *q, sql_weight_fn fn, void *arg, struct err *e)
{
    sqlite3_stmt *st = q->statements[SQL_GET_WEIGHTS];
    int code = sqlite3_step(st);
    bool whole = true;

    for (; code == SQLITE_ROW && whole; code = sqlite3_step(st)) {
        struct store_weight w;
        whole = row_weight(st, &w) && fn(arg, &w);
    }
    if (walked(q, st, code, e))
        return e->code;
    if (!whole)
        return err_set(e, ERR_INVALID,
                       "the store is damaged: a weight is not one");
    return OK;
}

static bool
row_record(sqlite3_stmt *st, sql_record_fn fn, void *arg)
{
    span name = column_span(st, 0), json = column_span(st, 2);
    sqlite3_int64 revision = sqlite3_column_int64(st, 1);

    return name.len > 0 && name.len <= STORE_SLOT_MAX && revision >= 1 &&
           !memchr(name.at, '\0', name.len) &&
           fn(arg, name, (uint64_t)revision, json);
}

enum err_code
sql_records(struct sql *q, sql_record_fn fn, void *arg, struct err *e)
{
    sqlite3_stmt *st = q->statements[SQL_GET_RECORDS];
    int code = sqlite3_step(st);
    bool whole = true;

    for (; code == SQLITE_ROW && whole; code = sqlite3_step(st))
        whole = row_record(st, fn, arg);
    if (walked(q, st, code, e))
        return e->code;
    if (!whole)
        return err_set(e, ERR_INVALID,
                       "the store is damaged: a record is not one");
    return OK;
}

enum err_code
sql_key(struct sql *q, span key, uint64_t *revision, struct err *e)
{
    sqlite3_stmt *st = q->statements[SQL_GET_KEY];

    bind_text(st, 1, key);
    int code = sqlite3_step(st);
    if (code == SQLITE_ROW)
        *revision = (uint64_t)sqlite3_column_int64(st, 0);
    if (walked(q, st, code, e))
        return e->code;
    return code == SQLITE_ROW
               ? OK
               : err_set(e, ERR_NOT_FOUND, "no revision has this key");
}

enum err_code
sql_head(struct sql *q, uint64_t *sequence, uint8_t hash[STORE_HASH_BYTES],
         struct err *e)
{
    sqlite3_stmt *st = q->statements[SQL_GET_HEAD];
    int code = sqlite3_step(st);
    bool whole = true;

    *sequence = 0;
    if (code == SQLITE_ROW) {
        *sequence = (uint64_t)sqlite3_column_int64(st, 0);
        whole = column_hash(st, 1, hash);
    }
    if (walked(q, st, code, e))
        return e->code;
    if (!whole)
        return err_set(e, ERR_INVALID, "the store is damaged: no head");
    return OK;
}

static bool
row_revision(sqlite3_stmt *st, struct store_revision *r)
{
    *r = (struct store_revision){
        .sequence = (uint64_t)sqlite3_column_int64(st, 0),
        .time_ms = (uint64_t)sqlite3_column_int64(st, 1),
        .actor = column_span(st, 2),
        .reason = column_span(st, 3),
        .kind = column_span(st, 4),
        .before = column_span(st, 5),
        .after = column_span(st, 6),
    };
    return column_hash(st, 7, r->previous);
}

enum err_code
sql_revisions(struct sql *q, uint64_t from, uint64_t to, bool newest_first,
              size_t max, store_revision_fn fn, void *arg, struct err *e)
{
    sqlite3_stmt *st =
        q->statements[newest_first ? SQL_NEWEST_FIRST : SQL_OLDEST_FIRST];
    bool whole = true, more = true;

    bind_number(st, 1, from);
    bind_number(st, 2, to > INT64_MAX ? INT64_MAX : to);
    bind_number(st, 3, max > INT64_MAX ? INT64_MAX : max);
    int code = sqlite3_step(st);
    for (; code == SQLITE_ROW && whole && more; code = sqlite3_step(st)) {
        struct store_revision r;
        whole = row_revision(st, &r);
        more = whole && fn(arg, &r);
    }
    if (walked(q, st, code, e))
        return e->code;
    if (!whole)
        return err_set(e, ERR_INVALID,
                       "the store is damaged: a revision is not one");
    return OK;
}
