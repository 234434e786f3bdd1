/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exposure file is read as bytes from outside: in pages, by rollout and run, damaged or cut.
 */
#include "proxy/control/exposures.h"
#include "tests/proxy/control/files.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

#define LINE                                                                   \
    "{\"run\":1,\"rollout\":\"ios\",\"path\":\"/a\",\"method\":\"PUT\"}\n"

static void
put_name(char *out, const char *before, span name)
{
    (void)snprintf(out + strlen(out), 64 - strlen(out), "%s%.*s", before,
                   SPAN_FMT(name.at ? name : SPAN("*")));
}

/* The last halt as text; of a cell with how often it was opened, and its names, * for all. */
static void
take_halt(void *arg, const struct exposures_halt *halt)
{
    char *out = arg;

    (void)snprintf(out, 64, "%.*s", SPAN_FMT(halt->reason));
    if (!halt->of_cell)
        return;
    (void)snprintf(out + strlen(out), 64 - strlen(out), " %u",
                   (unsigned)halt->opened);
    put_name(out, " ", halt->route);
    put_name(out, "/", halt->version);
    put_name(out, "/", halt->platform);
}

TEST(only_whole_lines_of_the_rollout_and_its_run_are_taken)
{
    static const struct {
        const char *text;
        size_t writes, takes; /* 0: all of it */
        const char *halted;
    } cases[] = {
        {"", 0, 0, ""},
        {LINE LINE, 2, 0, ""},
        {LINE "{\"run\":1,\"rollo", 1, sizeof(LINE) - 1, ""},
        {"{\"run\":2,\"rollout\":\"ios\",\"path\":\"/a\"}\n" LINE, 1, 0, ""},
        {"{\"run\":1,\"rollout\":\"io\",\"path\":\"/a\"}\n" LINE, 1, 0, ""},
        {"{\"run\":1,\"rollout\":7,\"path\":\"/a\"}\n", 0, 0, ""},
        {"{\"run\":1,\"rollout\":\"ios\",\"path\":7}\n", 0, 0, ""},
        {"[]\n1\n\n\xff\xfe\n{}\n" LINE, 1, 0, ""},
        {"{\"run\":1,\"rollout\":\"ios\",\"halted\":\"burst\"}\n", 0, 0,
         "burst"},
        {"{\"run\":1,\"rollout\":\"ios\",\"halted\":3}\n", 0, 0, ""},
        {"{\"run\":1,\"rollout\":\"ios\",\"halted_cell\":\"errors\","
         "\"opened\":2,\"route\":\"r\",\"version\":\"\"}\n",
         0, 0, "errors 2 r//*"},
        {"{\"run\":1,\"rollout\":\"ios\",\"halted_cell\":[]}\n", 0, 0, ""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *writes = json_array();
        char halts[64] = "";
        span text = span_str(cases[i].text);
        size_t n =
            exposures_scan(text, SPAN("ios"), 1, writes, take_halt, halts);
        assert_int_equal(n, cases[i].takes ? cases[i].takes : text.len);
        assert_int_equal(json_array_size(writes), cases[i].writes);
        assert_string_equal(halts, cases[i].halted);
        json_decref(writes);
    }
}

static const char *
last_halt(const char *dir)
{
    static char halts[64];

    halts[0] = '\0';
    exposures_halts(dir, SPAN("ios"), 1, take_halt, halts);
    return halts;
}

static void
write_lines(const char *dir, size_t n, const char *end)
{
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, EXPOSURES_FILE);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (size_t i = 0; i < n; i++)
        assert_true(fputs(LINE, f) >= 0);
    assert_true(fputs(end, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static size_t
read_all(const char *dir, uint64_t from)
{
    struct exposures_page page = {0};
    size_t n = 0;
    struct err e;

    do {
        assert_int_equal(exposures_read(dir, SPAN("ios"), 1, from, &page, &e),
                         OK);
        n += json_array_size(page.writes);
        json_decref(page.writes);
        assert_true(page.is_last || page.next > from);
        from = page.next;
    } while (!page.is_last);
    return n;
}

TEST(pages_have_every_line_once_wherever_they_are_cut)
{
    struct files files;

    files_make(&files);
    assert_int_equal(read_all(files.dir, 0), 0); /* there is no file */
    assert_int_equal(exposures_end(files.dir), 0);
    write_lines(files.dir, 60000, "{\"run\"");
    assert_int_equal(read_all(files.dir, 0), 60000);
    assert_int_equal(read_all(files.dir, 1000 * (sizeof(LINE) - 1)), 59000);
    assert_int_equal(exposures_end(files.dir), 60000 * (sizeof(LINE) - 1) + 6);
    /* It was cut since: it is read from its beginning. */
    write_lines(files.dir, 5, "");
    assert_int_equal(read_all(files.dir, 1 << 20), 5);
    files_remove(&files);
}

TEST(
    a_halt_is_found_at_the_end_of_a_long_file_and_behind_a_line_that_is_not_whole)
{
    struct files files;
    char other[64] = "";

    files_make(&files);
    assert_string_equal(last_halt(files.dir), "");
    write_lines(files.dir, 60000,
                "{\"run\":1,\"rollout\":\"ios\",\"halted\":\"errors\"}\n{\"x");
    assert_string_equal(last_halt(files.dir), "errors");
    exposures_halts(files.dir, SPAN("ios"), 2, take_halt, other);
    assert_string_equal(other, "");
    files_remove(&files);
}
