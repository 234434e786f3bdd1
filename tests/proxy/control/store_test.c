/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/store.h"
#include "tests/proxy/control/files.h"
#include "tests/test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct store *
opened(const struct files *f)
{
    struct store *s;
    struct err e;

    if (store_open(f->dir, 1000, &s, &e))
        fail_msg("%s", e.text);
    return s;
}

/* Move `slot`; the code of the commit. */
static enum err_code
move(struct store *s, const char *slot, uint32_t ppm, uint64_t *sequence,
     struct err *e)
{
    struct store_weight w = {.weight_ppm = ppm, .run = 1, .file_ppm = 0};
    struct store_change c = {.actor = SPAN("uid:0 (root)"),
                             .reason = SPAN("because of tests"),
                             .kind = SPAN("weight.set"),
                             .time_ms = 1764032462004,
                             .weight = &w};

    (void)snprintf(w.slot, sizeof(w.slot), "%s", slot);
    return store_commit(s, &c, sequence, e);
}

static void
moves(struct store *s, const char *slot, uint32_t ppm)
{
    uint64_t sequence;
    struct err e;

    if (move(s, slot, ppm, &sequence, &e))
        fail_msg("%s", e.text);
}

static uint32_t
weight_of(const struct store *s, const char *slot)
{
    const struct store_weight *w = store_weight(s, span_str(slot));

    assert_non_null(w);
    return w->weight_ppm;
}

TEST(what_was_committed_is_there_when_the_store_is_opened_again)
{
    struct files f;

    files_make(&f);
    struct store *s = opened(&f);
    assert_null(store_refuses(s));
    assert_int_equal(store_sequence(s), 0);
    moves(s, "route/b", 20);
    moves(s, "route/a", 10);
    moves(s, "route/b", 30);
    store_close(&s);
    assert_null(s);

    s = opened(&f);
    assert_null(store_refuses(s));
    assert_int_equal(store_sequence(s), 3);
    assert_int_equal(weight_of(s, "route/a"), 10);
    assert_int_equal(weight_of(s, "route/b"), 30);
    assert_int_equal(store_weight(s, SPAN("route/b"))->revision, 3);
    assert_null(store_weight(s, SPAN("route/c")));
    size_t n;
    const struct store_weight *all = store_weights(s, &n);
    assert_int_equal(n, 2);
    assert_string_equal(all[0].slot, "route/a");
    store_close(&s);
    files_remove(&f);
}

/* Order is the sequence's, never the clock's. */
TEST(a_clock_that_is_set_back_changes_nothing)
{
    const uint64_t times[] = {1764032462004, 1764032462005, 1000, 0};
    struct store_weight w = {.slot = "route/a", .run = 1};
    struct files f;
    uint64_t sequence;
    struct err e;

    files_make(&f);
    struct store *s = opened(&f);
    for (size_t i = 0; i < COUNT(times); i++) {
        struct store_change c = {.actor = SPAN("uid:0 (root)"),
                                 .reason = SPAN("a clock"),
                                 .kind = SPAN("weight.set"),
                                 .time_ms = times[i],
                                 .weight = &w};
        w.weight_ppm = (uint32_t)(i + 1) * 10;
        if (store_commit(s, &c, &sequence, &e))
            fail_msg("%s", e.text);
        assert_int_equal(sequence, i + 1);
    }
    store_close(&s);
    s = opened(&f);
    assert_null(store_refuses(s));
    assert_int_equal(weight_of(s, "route/a"), 40);
    assert_int_equal(store_sequence(s), COUNT(times));
    store_close(&s);
    files_remove(&f);
}

struct seen {
    uint64_t sequences[8];
    char after[8][200];
    char before[8][200];
    size_t n;
};

static bool
see(void *arg, const struct store_revision *r)
{
    struct seen *seen = arg;

    assert_true(seen->n < 8);
    seen->sequences[seen->n] = r->sequence;
    (void)snprintf(seen->after[seen->n], 200, "%.*s", SPAN_FMT(r->after));
    (void)snprintf(seen->before[seen->n], 200, "%.*s", SPAN_FMT(r->before));
    seen->n++;
    return true;
}

TEST(revisions_come_newest_first_and_in_pages)
{
    struct files f;
    struct seen seen = {0};
    struct err e;

    files_make(&f);
    struct store *s = opened(&f);
    for (uint32_t i = 1; i <= 5; i++)
        moves(s, "route/a", i);
    assert_int_equal(store_revisions(s, 0, 2, see, &seen, &e), OK);
    assert_int_equal(seen.n, 2);
    assert_int_equal(seen.sequences[0], 5);
    assert_int_equal(seen.sequences[1], 4);
    assert_string_equal(seen.before[0],
                        "{\"slot\":\"route/a\",\"weight_ppm\":4,"
                        "\"run\":1,\"file_ppm\":0}");
    assert_int_equal(store_revisions(s, 4, 9, see, &seen, &e), OK);
    assert_int_equal(seen.n, 5);
    assert_int_equal(seen.sequences[4], 1);
    assert_string_equal(seen.before[4], "");
    assert_string_equal(seen.after[4], "{\"slot\":\"route/a\",\"weight_ppm\":1,"
                                       "\"run\":1,\"file_ppm\":0}");
    store_close(&s);
    files_remove(&f);
}

TEST(a_change_that_expects_another_revision_changes_nothing)
{
    struct files f;
    struct err e;
    uint64_t sequence;
    struct store_weight w = {.slot = "route/a", .weight_ppm = 9, .run = 1};
    struct store_change c = {.actor = SPAN("x"),
                             .kind = SPAN("weight.set"),
                             .weight = &w,
                             .expects = true};

    files_make(&f);
    struct store *s = opened(&f);
    c.expected = 1;
    assert_int_equal(store_commit(s, &c, &sequence, &e), ERR_CONFLICT);
    c.expected = 0;
    assert_int_equal(store_commit(s, &c, &sequence, &e), OK);
    assert_int_equal(store_commit(s, &c, &sequence, &e), ERR_CONFLICT);
    assert_non_null(strstr(e.text, "route/a is at revision 1, not 0"));
    c.expected = 1;
    assert_int_equal(store_commit(s, &c, &sequence, &e), OK);
    assert_int_equal(store_sequence(s), 2);
    assert_null(store_refuses(s));
    store_close(&s);
    files_remove(&f);
}

TEST(what_is_no_weight_or_too_long_is_refused_and_the_store_goes_on)
{
    static char text[STORE_JSON_MAX + 1];
    struct files f;
    struct err e;
    uint64_t sequence;

    memset(text, 'x', sizeof(text));
    files_make(&f);
    struct store *s = opened(&f);
    struct store_weight w = {
        .slot = "route/a", .weight_ppm = 1000001, .run = 1};
    struct store_change c = {.weight = &w};
    assert_int_equal(store_commit(s, &c, &sequence, &e), ERR_INVALID);
    w = (struct store_weight){.slot = "route/a", .run = 0};
    assert_int_equal(store_commit(s, &c, &sequence, &e), ERR_INVALID);
    w = (struct store_weight){.slot = "", .run = 1};
    assert_int_equal(store_commit(s, &c, &sequence, &e), ERR_INVALID);
    c = (struct store_change){.reason = span_of(text, STORE_TEXT_MAX + 1)};
    assert_int_equal(store_commit(s, &c, &sequence, &e), ERR_LIMIT);
    c = (struct store_change){.after = span_of(text, STORE_JSON_MAX + 1)};
    assert_int_equal(store_commit(s, &c, &sequence, &e), ERR_LIMIT);
    c = (struct store_change){.reason = span_of(text, STORE_TEXT_MAX),
                              .actor = span_of(text, STORE_TEXT_MAX),
                              .kind = span_of(text, STORE_TEXT_MAX),
                              .before = span_of(text, STORE_JSON_MAX),
                              .after = span_of(text, STORE_JSON_MAX)};
    assert_int_equal(store_commit(s, &c, &sequence, &e), OK);
    assert_int_equal(store_verify(s, &e), OK);
    assert_int_equal(store_sequence(s), 1);
    store_close(&s);
    files_remove(&f);
}

TEST(a_second_writer_is_refused_while_the_first_lives)
{
    struct files f;
    struct store *second;
    struct err e;

    files_make(&f);
    struct store *s = opened(&f);
    assert_int_equal(store_open(f.dir, 20, &second, &e), ERR_CONFLICT);
    assert_null(second);
    store_close(&s);
    s = opened(&f);
    store_close(&s);
    files_remove(&f);
}

/* Five revisions whose reason is text that can be found in the file. */
static void
fill(const struct files *f)
{
    struct store *s = opened(f);

    for (uint32_t i = 1; i <= 5; i++)
        moves(s, i % 2 ? "route/a" : "route/b", i * 10);
    store_close(&s);
}

/* Opens, but takes no changes, and the weights are those of before. */
static void
assert_fallen_back(const struct files *f, const char *why)
{
    struct store *s = opened(f);
    struct err e;
    uint64_t sequence;

    assert_non_null(store_refuses(s));
    if (!strstr(store_refuses(s), why))
        fail_msg("\"%s\" does not say \"%s\"", store_refuses(s), why);
    assert_int_equal(weight_of(s, "route/a"), 50);
    assert_int_equal(weight_of(s, "route/b"), 40);
    assert_int_equal(move(s, "route/a", 60, &sequence, &e), ERR_CONFLICT);
    assert_int_equal(weight_of(s, "route/a"), 50);
    store_close(&s);
}

TEST(an_edited_byte_of_the_journal_is_found)
{
    /* Every place is one that SQLite's own check cannot find wrong. */
    static const char *const places[] = {
        "uid:0 (root)", "because of tests", "weight.set",
        "{\"slot\":\"route/a\",\"weight_ppm\":50"};

    for (size_t i = 0; i < COUNT(places); i++) {
        struct files f;

        files_make(&f);
        fill(&f);
        const char *db = files_path(&f, "stile.db");
        long at = files_find(db, span_str(places[i]));
        assert_true(at > 0);
        files_flip(db, at + (long)strlen(places[i]) - 1);
        assert_fallen_back(&f, "the journal is damaged");
        files_remove(&f);
    }
}

TEST(a_page_that_is_no_page_is_found)
{
    struct files f;

    files_make(&f);
    fill(&f);
    for (long i = 0; i < 64; i++)
        files_flip(files_path(&f, "stile.db"), 4096 + i);
    assert_fallen_back(&f, "");
    files_remove(&f);
}

TEST(a_file_that_is_no_database_is_found)
{
    struct files f;

    files_make(&f);
    fill(&f);
    for (long i = 0; i < 16; i++)
        files_flip(files_path(&f, "stile.db"), i);
    assert_fallen_back(&f, "not a database");
    files_remove(&f);
}

TEST(a_store_that_went_away_is_missed)
{
    struct files f;

    files_make(&f);
    fill(&f);
    assert_int_equal(unlink(files_path(&f, "stile.db")), 0);
    assert_fallen_back(&f, "weights.last knows of a later entry");
    /* And it is not forgotten by opening it once. */
    assert_fallen_back(&f, "weights.last knows of a later entry");
    files_remove(&f);
}

TEST(damage_without_the_small_file_is_for_somebody_to_decide)
{
    struct files f;
    struct store *s;
    struct err e;

    files_make(&f);
    fill(&f);
    files_flip(files_path(&f, "stile.db"), 0);
    assert_int_equal(unlink(files_path(&f, "weights.last")), 0);
    assert_int_equal(unlink(files_path(&f, "weights.last.old")), 0);
    assert_int_equal(store_open(f.dir, 0, &s, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "somebody must decide"));
    assert_null(s);
    files_remove(&f);
}

TEST(the_small_file_before_the_last_serves_when_the_last_is_damaged)
{
    struct files f;

    files_make(&f);
    fill(&f);
    files_flip(files_path(&f, "weights.last"), 20);
    struct store *s = opened(&f); /* the store itself is whole */
    assert_null(store_refuses(s));
    assert_int_equal(weight_of(s, "route/a"), 50);
    store_close(&s);

    files_flip(files_path(&f, "stile.db"), 0);
    s = opened(&f);
    assert_non_null(store_refuses(s));
    assert_int_equal(weight_of(s, "route/a"), 30); /* as of revision 4 */
    assert_int_equal(weight_of(s, "route/b"), 40);
    store_close(&s);
    files_remove(&f);
}

/* A child that commits until it is killed, and says each number it was told. */
static pid_t
start_writer(const struct files *f, int to)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid != 0)
        return pid;
    struct store *s;
    struct err e;
    if (store_open(f->dir, 1000, &s, &e))
        _exit(1);
    for (uint32_t i = 1;; i++) {
        uint64_t sequence;
        if (move(s, "route/a", i % 1000000, &sequence, &e))
            _exit(2);
        if (write(to, &sequence, sizeof(sequence)) != sizeof(sequence))
            _exit(3);
    }
}

TEST(no_acknowledged_revision_is_lost_to_kill_9)
{
    uint64_t seed = 5, acknowledged = 0;
    struct files f;

    files_make(&f);
    for (size_t round = 0; round < 25; round++) {
        int ends[2];
        uint64_t said;

        assert_int_equal(pipe(ends), 0);
        pid_t pid = start_writer(&f, ends[1]);
        close(ends[1]);
        /* The first number, and then a moment that chance picks. */
        assert_int_equal(read(ends[0], &said, sizeof(said)), sizeof(said));
        assert_true(said > acknowledged);
        acknowledged = said;
        struct timespec nap = {.tv_nsec =
                                   (long)(test_random(&seed) % 20000000)};
        (void)nanosleep(&nap, NULL);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        while (read(ends[0], &said, sizeof(said)) == sizeof(said))
            acknowledged = said;
        close(ends[0]);

        struct store *s = opened(&f);
        assert_null(store_refuses(s));
        assert_true(store_sequence(s) >= acknowledged);
        assert_true(store_sequence(s) <= acknowledged + 1);
        acknowledged = store_sequence(s);
        store_close(&s);
    }
    files_remove(&f);
}
