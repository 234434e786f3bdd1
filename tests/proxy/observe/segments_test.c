/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/observe/segments.h"
#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void *
fresh(enum segment_kind kind, int *fd)
{
    struct err e = {0};
    void *at = NULL;

    if (segment_create(kind, fd, &e) || segment_map(kind, *fd, &at, &e))
        fail_msg("%s", e.text);
    return at;
}

TEST(a_segment_can_be_neither_grown_nor_shrunk_nor_unsealed)
{
    static const enum segment_kind all[] = {
#define X(kind, type, layout) kind,
        SEGMENT_KINDS(X)
#undef X
    };

    for (size_t i = 0; i < COUNT(all); i++) {
        int fd;
        void *at = fresh(all[i], &fd);
        off_t size = (off_t)segment_size(all[i]);

        assert_int_not_equal(ftruncate(fd, size - 1), 0);
        assert_int_not_equal(ftruncate(fd, size + 1), 0);
        assert_int_not_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
        segment_unmap(all[i], at);
        close(fd);
    }
}

TEST(what_is_opened_to_read_can_never_be_written)
{
    struct err e = {0};
    const void *at = NULL;
    void *writable = NULL;
    int fd, read_fd;
    struct weights *w = fresh(SEGMENT_WEIGHTS, &fd);

    assert_int_equal(segment_read_only(fd, &read_fd, &e), OK);
    assert_int_equal(segment_map(SEGMENT_WEIGHTS, read_fd, &writable, &e),
                     ERR_IO);
    assert_int_equal(segment_map_read(SEGMENT_WEIGHTS, read_fd, &at, &e), OK);
    memcpy(&writable, &at, sizeof(writable));
    assert_int_not_equal(mprotect(writable, 4096, PROT_READ | PROT_WRITE), 0);
    segment_unmap(SEGMENT_WEIGHTS, at);
    segment_unmap(SEGMENT_WEIGHTS, w);
    close(read_fd);
    close(fd);
}

static void
refused(int fd, enum segment_kind as, const char *word)
{
    struct err e = {0};
    const void *at = NULL;

    assert_int_equal(segment_map_read(as, fd, &at, &e), ERR_INVALID);
    if (!strstr(e.text, word))
        fail_msg("\"%s\" does not say \"%s\"", e.text, word);
}

TEST(a_foreign_or_damaged_segment_is_refused_with_a_sentence)
{
    int fd;
    struct segment_head *head = fresh(SEGMENT_LATCHES, &fd);
    int file = memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    refused(fd, SEGMENT_WEIGHTS, "bytes instead of");
    refused(file, SEGMENT_LATCHES, "not sealed");
    assert_int_equal(fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
    refused(file, SEGMENT_LATCHES, "0 bytes");
    head->layout++;
    refused(fd, SEGMENT_LATCHES, "layout 2, this build has 1");
    head->layout--;
    head->kind = SEGMENT_STATS;
    refused(fd, SEGMENT_LATCHES, "a segment of stats");
    head->kind = 99;
    refused(fd, SEGMENT_LATCHES, "unknown kind");
    head->magic ^= 1;
    refused(fd, SEGMENT_LATCHES, "no segment of Stile's");
    segment_unmap(SEGMENT_LATCHES, head);
    close(file);
    close(fd);
}

TEST(a_weight_is_found_by_name_and_seen_by_another_process_at_once)
{
    struct err e = {0};
    int wfd, lfd;
    struct weights *w = fresh(SEGMENT_WEIGHTS, &wfd);
    struct latches *l = fresh(SEGMENT_LATCHES, &lfd);
    uint32_t slot, again;

    assert_int_equal(weights_find(w, SPAN("route/a")), SEGMENT_NO_SLOT);
    assert_int_equal(weights_claim(w, l, SPAN("route/a"), 1, &slot, &e), OK);
    assert_int_equal(weights_claim(w, l, SPAN("route/ab"), 1, &again, &e), OK);
    assert_int_not_equal(slot, again);
    assert_int_equal(weights_claim(w, l, SPAN("route/a"), 2, &again, &e), OK);
    assert_int_equal(slot, again);
    assert_int_equal(weights_find(w, SPAN("route/ab")), slot + 1);

    pid_t child = fork();
    if (child == 0) {
        /* Ends with the alarm if the store is never seen. */
        alarm(5);
        while (weights_effective(w, l, slot) != 10000)
            usleep(100);
        latches_set(l, slot, 1, LATCH_ERRORS);
        _exit(0);
    }
    weights_set(w, slot, (struct weight){.ppm = 10000, .run = 1});
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(weights_effective(w, l, slot), 0);
    assert_int_equal(latches_get(l, slot).reason, LATCH_ERRORS);
    segment_unmap(SEGMENT_WEIGHTS, w);
    segment_unmap(SEGMENT_LATCHES, l);
    close(wfd);
    close(lfd);
}

TEST(a_step_that_races_with_a_halt_of_its_run_loses)
{
    int wfd, lfd;
    uint32_t slot;
    struct err e = {0};
    struct weights *w = fresh(SEGMENT_WEIGHTS, &wfd);
    struct latches *l = fresh(SEGMENT_LATCHES, &lfd);

    assert_int_equal(weights_claim(w, l, SPAN("x"), 1, &slot, &e), OK);
    weights_set(w, slot, (struct weight){.ppm = 1000, .run = 3});
    latches_set(l, slot, 3, LATCH_BURST);
    weights_set(w, slot, (struct weight){.ppm = 50000, .run = 3}); /* a step */
    assert_int_equal(weights_effective(w, l, slot), 0);
    weights_set(w, slot,
                (struct weight){.ppm = 50000, .run = 4}); /* begun anew */
    assert_int_equal(weights_effective(w, l, slot), 50000);
    latches_set(l, slot, 2, LATCH_ERRORS); /* late, of a finished run */
    assert_int_equal(weights_effective(w, l, slot), 50000);
    assert_int_equal(latches_get(l, slot).run, 3);
    latches_clear(l, slot);
    assert_int_equal(latches_get(l, slot).run, 0);
    segment_unmap(SEGMENT_WEIGHTS, w);
    segment_unmap(SEGMENT_LATCHES, l);
    close(wfd);
    close(lfd);
}

TEST(a_cell_s_latch_is_cleared_by_a_later_opening_alone)
{
    int fd;
    struct gates *g = fresh(SEGMENT_GATES, &fd);
    struct gates_place *p = &g->places[0];
    struct cell_latch open = {.run = 3}, l;

    gates_show_cell(p, 5, open);
    assert_int_equal(gates_cell_latch(p, 5).run, 3);
    assert_true(gates_halt_cell(p, 5, 3, LATCH_ERRORS));
    assert_false(gates_halt_cell(p, 5, 3, LATCH_BURST)); /* the first one's */
    assert_false(gates_halt_cell(p, 5, 2, LATCH_BURST)); /* late, of another */
    assert_int_equal(gates_cell_latch(p, 4).run, 0);
    /* A journal that does not know of it yet opens nothing. */
    gates_show_cell(p, 5, open);
    l = gates_cell_latch(p, 5);
    assert_true(l.run == 3 && l.reason == LATCH_ERRORS && l.opened == 0);
    open.opened = 1;
    gates_show_cell(p, 5, open);
    assert_int_equal(gates_cell_latch(p, 5).reason, LATCH_NONE);
    assert_true(gates_halt_cell(p, 5, 3, LATCH_BURST));
    l = gates_cell_latch(p, 5);
    assert_true(l.opened == 1 && l.reason == LATCH_BURST);
    /* One that was halted in the journal is, and a new run is open. */
    gates_show_cell(p, 31, (struct cell_latch){3, 0, LATCH_LATENCY});
    assert_int_equal(gates_cell_latch(p, 31).reason, LATCH_LATENCY);
    gates_show_cell(p, 5, (struct cell_latch){.run = 4});
    assert_int_equal(gates_cell_latch(p, 5).reason, LATCH_NONE);
    assert_true(gates_halt_cell(p, 6, 9, LATCH_ERRORS)); /* before any word */
    segment_unmap(SEGMENT_GATES, g);
    close(fd);
}

TEST(a_slot_is_swept_only_when_nobody_alive_knows_it_and_starts_clean)
{
    int wfd, lfd;
    uint32_t a, b;
    struct err e = {0};
    char name[8];
    struct weights *w = fresh(SEGMENT_WEIGHTS, &wfd);
    struct latches *l = fresh(SEGMENT_LATCHES, &lfd);

    assert_int_equal(weights_claim(w, l, SPAN("old"), 1, &a, &e), OK);
    latches_set(l, a, 7, LATCH_ERRORS);
    weights_sweep(w, 1);
    assert_int_equal(weights_find(w, SPAN("old")), a);
    weights_sweep(w, 2);
    assert_int_equal(weights_find(w, SPAN("old")), SEGMENT_NO_SLOT);
    assert_int_equal(weights_claim(w, l, SPAN("new"), 2, &b, &e), OK);
    assert_int_equal(b, a);
    assert_int_equal(latches_get(l, b).run, 0);
    assert_int_equal(weights_get(w, b).ppm, 0);
    for (uint32_t i = 1; i < WEIGHTS_SLOTS; i++) {
        snprintf(name, sizeof(name), "%u", i);
        assert_int_equal(weights_claim(w, l, span_str(name), 2, &b, &e), OK);
    }
    assert_int_equal(weights_claim(w, l, SPAN("more"), 2, &b, &e), ERR_LIMIT);
    assert_int_equal(weights_claim(w, l, SPAN(""), 2, &b, &e), ERR_INVALID);
    segment_unmap(SEGMENT_WEIGHTS, w);
    segment_unmap(SEGMENT_LATCHES, l);
    close(wfd);
    close(lfd);
}

/* Every address of a picture carries the same byte, so a torn one shows. */
static void
fill(struct endpoint_address *all, uint8_t byte)
{
    for (size_t i = 0; i < ENDPOINT_ADDRESSES; i++) {
        all[i].len = byte;
        memset(all[i].bytes, byte, sizeof(all[i].bytes));
    }
}

static bool
is_whole(const struct endpoint_view *v)
{
    for (size_t i = 0; i < v->n; i++) {
        if (v->addresses[i].len != v->addresses[0].len)
            return false;
        for (size_t b = 0; b < sizeof(v->addresses[i].bytes); b++)
            if (v->addresses[i].bytes[b] != v->addresses[0].len)
                return false;
    }
    return true;
}

TEST(readers_in_other_processes_never_see_a_torn_address)
{
    int fd;
    uint32_t slot;
    struct err e = {0};
    struct endpoints *s = fresh(SEGMENT_ENDPOINTS, &fd);
    struct endpoint_address all[ENDPOINT_ADDRESSES];
    struct endpoint_view v;

    assert_int_equal(endpoints_claim(s, "p|http://a", 1, &slot, &e), OK);
    pid_t child = fork();
    if (child == 0) {
        alarm(10);
        for (uint32_t i = 0; i < 200000; i++) {
            fill(all, (uint8_t)i);
            endpoints_set_addresses(s, slot, all, ENDPOINT_ADDRESSES);
        }
        _exit(0);
    }
    int status = -1;
    size_t n = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (!endpoints_read(s, slot, &v))
            continue; /* the writer was put to sleep in the middle */
        assert_true(is_whole(&v));
        n++;
    }
    assert_int_equal(status, 0);
    assert_true(n > 0);
    segment_unmap(SEGMENT_ENDPOINTS, s);
    close(fd);
}

TEST(a_writer_that_died_in_the_middle_is_noticed_and_mended_by_the_next)
{
    int fd;
    uint32_t slot;
    struct err e = {0};
    struct endpoints *s = fresh(SEGMENT_ENDPOINTS, &fd);
    struct endpoint_address all[ENDPOINT_ADDRESSES];
    struct endpoint_view v;

    fill(all, 7);
    assert_int_equal(endpoints_claim(s, "x", 1, &slot, &e), OK);
    endpoints_set_addresses(s, slot, all, 2);
    assert_true(endpoints_read(s, slot, &v));
    assert_int_equal(v.n, 2);
    s->slots[slot].sequence |= 1;
    assert_false(endpoints_read(s, slot, &v));
    uint64_t version = endpoints_version(s);
    endpoints_set_addresses(s, slot, all, 3);
    assert_int_not_equal(endpoints_version(s), version);
    assert_true(endpoints_read(s, slot, &v));
    assert_int_equal(v.n, 3);
    assert_true(is_whole(&v));
    endpoints_set_health(s, slot, HEALTH_DOWN);
    assert_true(endpoints_read(s, slot, &v));
    assert_int_equal(v.health, HEALTH_DOWN);
    endpoints_sweep(s, 2);
    assert_false(endpoints_read(s, slot, &v));
    segment_unmap(SEGMENT_ENDPOINTS, s);
    close(fd);
}

TEST(long_names_of_endpoints_stay_apart)
{
    char a[ENDPOINT_NAME_MAX], b[ENDPOINT_NAME_MAX], url[1000];

    endpoints_name(SPAN("blue"), SPAN("http://h:1"), a);
    assert_string_equal(a, "blue|http://h:1");
    memset(url, 'x', sizeof(url));
    endpoints_name(span_of(url, 500), span_of(url, 1000), a);
    url[999] = 'y';
    endpoints_name(span_of(url, 500), span_of(url, 1000), b);
    assert_string_not_equal(a, b);
    assert_int_equal(strlen(a), ENDPOINT_NAME_MAX - 1);
}

TEST(the_last_three_ticket_keys_are_kept_newest_first)
{
    int fd;
    uint8_t key[TICKET_BYTES];
    struct ticket_keys got;
    struct tickets *t = fresh(SEGMENT_TICKETS, &fd);

    for (uint8_t i = 1; i <= 4; i++) {
        memset(key, i, sizeof(key));
        tickets_rotate(t, key);
    }
    assert_true(tickets_read(t, &got));
    assert_int_equal(got.version, tickets_version(t));
    assert_int_equal(got.key[0][0], 4);
    assert_int_equal(got.key[1][79], 3);
    assert_int_equal(got.key[2][40], 2);
    t->sequence |= 1;
    assert_false(tickets_read(t, &got));
    segment_unmap(SEGMENT_TICKETS, t);
    close(fd);
}
