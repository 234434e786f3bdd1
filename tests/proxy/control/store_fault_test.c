/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every write, sync, truncation and allocation of a commit is made to fail once,
 * under the store's own code: SQLite has doors for both.
 */
#include "proxy/control/store.h"
#include "tests/proxy/control/files.h"
#include "tests/test.h"

#include <jansson.h>
#include <sqlite3.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---------------------------------------------- a disk that fails at the n-th */

static long left =
    -1; /* operations until one fails, and all after it; -1: none */
static int fail_code;

static bool
fails(void)
{
    if (left > 0)
        left--;
    return left == 0;
}

/* SQLite's own file comes after ours in the same memory. */
struct shim {
    sqlite3_file base;
    sqlite3_file *real;
};

static struct shim *
shim_of(sqlite3_file *f)
{
    return (struct shim *)f;
}

static int
shim_close(sqlite3_file *f)
{
    sqlite3_file *real = shim_of(f)->real;

    return real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;
}

static int
shim_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return shim_of(f)->real->pMethods->xRead(shim_of(f)->real, p, n, at);
}

static int
shim_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    if (fails())
        return fail_code;
    return shim_of(f)->real->pMethods->xWrite(shim_of(f)->real, p, n, at);
}

static int
shim_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    if (fails())
        return fail_code;
    return shim_of(f)->real->pMethods->xTruncate(shim_of(f)->real, size);
}

static int
shim_sync(sqlite3_file *f, int flags)
{
    if (fails())
        return SQLITE_IOERR_FSYNC;
    return shim_of(f)->real->pMethods->xSync(shim_of(f)->real, flags);
}

static int
shim_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return shim_of(f)->real->pMethods->xFileSize(shim_of(f)->real, size);
}

static int
shim_lock(sqlite3_file *f, int lock)
{
    return shim_of(f)->real->pMethods->xLock(shim_of(f)->real, lock);
}

static int
shim_unlock(sqlite3_file *f, int lock)
{
    return shim_of(f)->real->pMethods->xUnlock(shim_of(f)->real, lock);
}

static int
shim_reserved(sqlite3_file *f, int *out)
{
    return shim_of(f)->real->pMethods->xCheckReservedLock(shim_of(f)->real,
                                                          out);
}

static int
shim_control(sqlite3_file *f, int op, void *arg)
{
    return shim_of(f)->real->pMethods->xFileControl(shim_of(f)->real, op, arg);
}

static int
shim_sector(sqlite3_file *f)
{
    return shim_of(f)->real->pMethods->xSectorSize(shim_of(f)->real);
}

static int
shim_traits(sqlite3_file *f)
{
    return shim_of(f)->real->pMethods->xDeviceCharacteristics(shim_of(f)->real);
}

static int
shim_shm_map(sqlite3_file *f, int region, int size, int extend,
             void volatile **out)
{
    return shim_of(f)->real->pMethods->xShmMap(shim_of(f)->real, region, size,
                                               extend, out);
}

static int
shim_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
    return shim_of(f)->real->pMethods->xShmLock(shim_of(f)->real, at, n, flags);
}

static void
shim_shm_barrier(sqlite3_file *f)
{
    shim_of(f)->real->pMethods->xShmBarrier(shim_of(f)->real);
}

static int
shim_shm_unmap(sqlite3_file *f, int del)
{
    return shim_of(f)->real->pMethods->xShmUnmap(shim_of(f)->real, del);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_reserved,
    .xFileControl = shim_control,
    .xSectorSize = shim_sector,
    .xDeviceCharacteristics = shim_traits,
    .xShmMap = shim_shm_map,
    .xShmLock = shim_shm_lock,
    .xShmBarrier = shim_shm_barrier,
    .xShmUnmap = shim_shm_unmap,
};

static int
shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags,
          int *out)
{
    sqlite3_vfs *real = vfs->pAppData;

    shim_of(f)->real = (sqlite3_file *)(shim_of(f) + 1);
    int code = real->xOpen(real, name, shim_of(f)->real, flags, out);
    f->pMethods = code == SQLITE_OK ? &methods : NULL;
    return code;
}

static sqlite3_vfs shim;

static void
disk_begin(void)
{
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);

    assert_non_null(real);
    shim = *real;
    shim.zName = "failing";
    shim.pAppData = real;
    shim.szOsFile = real->szOsFile + (int)sizeof(struct shim);
    shim.xOpen = shim_open;
    left = -1;
    assert_int_equal(sqlite3_vfs_register(&shim, 1), SQLITE_OK);
}

static void
disk_end(void)
{
    left = -1;
    assert_int_equal(sqlite3_vfs_unregister(&shim), SQLITE_OK);
}

static enum err_code
move(struct store *s, uint32_t ppm, struct err *e)
{
    struct store_weight w = {
        .slot = "route/a", .weight_ppm = ppm, .run = 1, .file_ppm = 0};
    struct store_change c = {
        .actor = SPAN("x"), .kind = SPAN("weight.set"), .weight = &w};
    uint64_t sequence;

    return store_commit(s, &c, &sequence, e);
}

/* The same as an edge of a rollout: a record, its weight and a key at once. */
static enum err_code
move_record(struct store *s, uint32_t ppm, struct err *e)
{
    struct store_weight w = {
        .slot = "route/a", .weight_ppm = ppm, .run = 1, .file_ppm = 0};
    char after[128], key[16];
    uint64_t sequence;

    (void)snprintf(after, sizeof(after),
                   "{\"slot\":\"route/a\",\"weight_ppm\":%u,\"run\":1,"
                   "\"file_ppm\":0}",
                   ppm);
    (void)snprintf(key, sizeof(key), "key-%u", ppm);
    struct store_change c = {.actor = SPAN("x"),
                             .kind = SPAN("rollout.advance"),
                             .weight = &w,
                             .record = SPAN("route/a"),
                             .after = span_str(after),
                             .key = span_str(key)};
    return store_commit(s, &c, &sequence, e);
}

/* Do record, weight and key say the same? */
static void
assert_agreed(struct store *s)
{
    const struct store_record *r = store_record(s, SPAN("route/a"));
    const struct store_weight *w = store_weight(s, SPAN("route/a"));
    uint64_t revision;
    char text[32], key[16];
    struct err e;

    assert_non_null(r);
    assert_non_null(w);
    assert_int_equal(r->revision, w->revision);
    (void)snprintf(text, sizeof(text), "\"weight_ppm\":%u,", w->weight_ppm);
    (void)snprintf(key, sizeof(key), "key-%u", w->weight_ppm);
    assert_non_null(memmem(r->json.at, r->json.len, text, strlen(text)));
    assert_int_equal(store_key(s, span_str(key), &revision, &e), OK);
    assert_int_equal(revision, r->revision);
    assert_int_equal(move_record(s, w->weight_ppm, &e), ERR_CONFLICT);
    assert_null(store_refuses(s));
}

static struct store *
opened(const struct files *f)
{
    struct store *s;
    struct err e;

    if (store_open(f->dir, 1000, &s, &e))
        fail_msg("%s", e.text);
    return s;
}

static uint32_t
held(const struct store *s)
{
    const struct store_weight *w = store_weight(s, SPAN("route/a"));

    return w ? w->weight_ppm : 0;
}

/*
 * Commits until the disk fails at the n-th operation. Whatever was said to be
 * durable is there after, the store took nothing more once it had failed, and
 * opened again it is whole. False once n is beyond all operations.
 */
static bool
one_failure(long n)
{
    struct files f;
    struct err e;
    uint32_t last = 0;

    files_make(&f);
    struct store *s = opened(&f);
    assert_int_equal(move_record(s, 1, &e), OK);
    left = n;
    enum err_code code = OK;
    for (uint32_t i = 2; i <= 4 && code == OK; i++) {
        last = held(s);
        code = move_record(s, i, &e);
    }
    bool failed = code != OK;
    left = -1; /* it works again: which must change nothing */
    if (failed) {
        assert_int_equal(code, ERR_IO);
        assert_non_null(store_refuses(s));
        assert_int_equal(held(s), last);
        assert_int_equal(move_record(s, 99, &e), ERR_CONFLICT);
        assert_int_equal(held(s), last);
    }
    last = held(s);
    store_close(&s);

    s = opened(&f);
    assert_null(store_refuses(s));
    assert_agreed(s);
    /* A failed one was not acknowledged; it may or may not have come to be. */
    assert_true(held(s) == last || (failed && held(s) == last + 1));
    assert_int_equal(move_record(s, 100, &e), OK);
    store_close(&s);
    files_remove(&f);
    return failed;
}

TEST(a_write_or_sync_that_fails_ends_all_changes_and_loses_none)
{
    static const int codes[] = {SQLITE_FULL, SQLITE_IOERR_WRITE};

    for (size_t i = 0; i < COUNT(codes); i++) {
        long n = 1;

        disk_begin();
        fail_code = codes[i];
        while (one_failure(n))
            n++;
        disk_end();
        assert_true(n > 8); /* three commits have more than that */
    }
}

TEST(a_store_that_cannot_be_made_says_so_and_leaves_nothing_open)
{
    bool failed = true;

    disk_begin();
    fail_code = SQLITE_FULL;
    for (long n = 1; failed; n++) {
        struct files f;
        struct store *s;
        struct err e;

        files_make(&f);
        left = n;
        failed = store_open(f.dir, 0, &s, &e) != OK;
        assert_true(failed == (s == NULL));
        store_close(&s);
        left = -1;
        files_remove(&f);
    }
    disk_end();
}

/* ------------------------------------------------------------- the small file */

/* A full disk for the small file alone: the database's pages are there already,
 * and weights.last is the only file that has to grow. */
TEST(a_small_file_that_cannot_be_written_ends_changes_after_this_one)
{
    struct files f;
    struct err e;

    files_make(&f);
    struct store *s = opened(&f);
    assert_int_equal(move(s, 1, &e), OK);
    /* A directory in its way. */
    char path[512];
    (void)snprintf(path, sizeof(path), "%s",
                   files_path(&f, "weights.last.new"));
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(move(s, 2, &e), OK);
    assert_int_equal(held(s), 2);
    assert_non_null(store_refuses(s));
    assert_int_equal(move(s, 3, &e), ERR_CONFLICT);
    assert_int_equal(rmdir(path), 0);
    store_close(&s);
    s = opened(&f);
    assert_null(store_refuses(s));
    assert_int_equal(held(s), 2);
    store_close(&s);
    files_remove(&f);
}

/* The kernel's own refusal, through the real file system. */
TEST(a_limit_on_file_size_is_met_without_losing_anything)
{
    struct files f;
    struct err e;

    files_make(&f);
    struct store *s = opened(&f);
    assert_int_equal(move(s, 1, &e), OK);
    store_close(&s);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit limit = {40000, 40000};
        (void)signal(SIGXFSZ, SIG_IGN);
        if (store_open(f.dir, 0, &s, &e) || setrlimit(RLIMIT_FSIZE, &limit))
            _exit(100);
        for (uint32_t i = 2; i < 100; i++)
            if (move(s, i, &e) != OK)
                _exit(store_refuses(s) ? (int)i : 101);
        _exit(102);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    uint32_t failed_at = (uint32_t)WEXITSTATUS(status);
    assert_true(failed_at > 2 && failed_at < 100);
    s = opened(&f);
    assert_null(store_refuses(s));
    assert_true(held(s) == failed_at - 1 || held(s) == failed_at);
    assert_int_equal(store_verify(s, &e), OK);
    store_close(&s);
    files_remove(&f);
}

/* ------------------------------------------------------------------ no memory */

static long allocations_left = -1;
static sqlite3_mem_methods real_memory;

static bool
memory_fails(void)
{
    if (allocations_left > 0)
        allocations_left--;
    return allocations_left == 0;
}

static void *
memory_malloc(int n)
{
    return memory_fails() ? NULL : real_memory.xMalloc(n);
}

static void *
memory_realloc(void *p, int n)
{
    return memory_fails() ? NULL : real_memory.xRealloc(p, n);
}

static void *
json_memory(size_t n)
{
    return memory_fails() ? NULL : malloc(n);
}

static void
memory_begin(void)
{
    allocations_left = -1;
    assert_int_equal(sqlite3_shutdown(), SQLITE_OK);
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory),
                     SQLITE_OK);
    sqlite3_mem_methods failing = real_memory;
    failing.xMalloc = memory_malloc;
    failing.xRealloc = memory_realloc;
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing), SQLITE_OK);
    assert_int_equal(sqlite3_initialize(), SQLITE_OK);
    json_set_alloc_funcs(json_memory, free);
}

static void
memory_end(void)
{
    allocations_left = -1;
    json_set_alloc_funcs(malloc, free);
    assert_int_equal(sqlite3_shutdown(), SQLITE_OK);
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &real_memory),
                     SQLITE_OK);
    assert_int_equal(sqlite3_initialize(), SQLITE_OK);
}

TEST(an_allocation_that_fails_in_a_commit_loses_nothing)
{
    bool failed = true;
    long n = 1;

    memory_begin();
    for (; failed; n++) {
        struct files f;
        struct err e;

        files_make(&f);
        struct store *s = opened(&f);
        assert_int_equal(move(s, 1, &e), OK);
        allocations_left = n;
        enum err_code code = move(s, 2, &e);
        allocations_left = -1;
        failed = code != OK || store_refuses(s);
        assert_int_equal(held(s), code == OK ? 2 : 1);
        uint32_t then = held(s);
        store_close(&s);
        s = opened(&f);
        assert_null(store_refuses(s));
        assert_int_equal(held(s), then);
        store_close(&s);
        files_remove(&f);
    }
    memory_end();
    assert_true(n > 5);
}

TEST(an_allocation_that_fails_while_opening_is_never_a_wrong_weight)
{
    struct files f;
    struct err e;
    long n = 1;
    bool failed = true;

    memory_begin();
    files_make(&f);
    struct store *s = opened(&f);
    assert_int_equal(move(s, 7, &e), OK);
    store_close(&s);
    for (; failed; n++) {
        allocations_left = n;
        enum err_code code = store_open(f.dir, 0, &s, &e);
        allocations_left = -1;
        failed = code != OK || store_refuses(s);
        if (code == OK)
            assert_int_equal(held(s), 7);
        store_close(&s);
    }
    files_remove(&f);
    memory_end();
    assert_true(n > 50);
}

/* ------------------------------------------------------------- by other hands */

TEST(a_weight_changed_by_other_hands_is_found)
{
    struct files f;
    struct err e;
    sqlite3 *db;

    files_make(&f);
    struct store *s = opened(&f);
    assert_int_equal(move(s, 7, &e), OK);
    store_close(&s);
    assert_int_equal(sqlite3_open(files_path(&f, "stile.db"), &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "UPDATE weights SET weight_ppm = 8", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    s = opened(&f);
    assert_non_null(strstr(store_refuses(s), "not what was journalled"));
    assert_int_equal(held(s), 7);
    store_close(&s);
    files_remove(&f);
}

TEST(the_journal_cannot_be_changed_by_a_statement)
{
    struct files f;
    struct err e;
    sqlite3 *db;

    files_make(&f);
    struct store *s = opened(&f);
    assert_int_equal(move(s, 7, &e), OK);
    store_close(&s);
    assert_int_equal(sqlite3_open(files_path(&f, "stile.db"), &db), SQLITE_OK);
    assert_int_not_equal(
        sqlite3_exec(db, "UPDATE revisions SET actor = 'y'", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_not_equal(
        sqlite3_exec(db, "DELETE FROM revisions", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    files_remove(&f);
}

TEST(a_database_of_somebody_else_or_of_a_newer_build_is_not_touched)
{
    static const char *const makes[] = {
        "CREATE TABLE theirs (x)", "PRAGMA application_id = 7",
        "PRAGMA application_id = 0x5354494c; PRAGMA user_version = 99"};

    for (size_t i = 0; i < COUNT(makes); i++) {
        struct files f;
        struct store *s;
        struct err e;
        sqlite3 *db;

        files_make(&f);
        assert_int_equal(sqlite3_open(files_path(&f, "stile.db"), &db),
                         SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, makes[i], NULL, NULL, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        assert_int_equal(store_open(f.dir, 0, &s, &e), ERR_INVALID);
        files_remove(&f);
    }
}
