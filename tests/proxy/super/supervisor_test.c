/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/super/supervisor.h"

#include "tests/proxy/super/fake.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t
now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static bool
is_gone(pid_t pid)
{
    for (int i = 0; i < 500; i++) {
        if (kill(pid, 0) && errno == ESRCH)
            return true;
        usleep(10000);
    }
    return false;
}

/* The parent of a process, from its stat. */
static pid_t
parent_of(pid_t pid)
{
    char path[64], text[256] = "";
    int parent = 0;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t n = read(fd, text, sizeof(text) - 1);
        close(fd);
        text[n > 0 ? n : 0] = '\0';
    }
    const char *after_name = strrchr(text, ')');
    if (after_name && sscanf(after_name, ") %*c %d", &parent) != 1)
        parent = 0;
    return parent;
}

TEST(it_serves_then_drains_and_leaves_nothing_behind_at_sigterm)
{
    struct fake f;

    fake_begin(&f);
    fake_start(&f);
    struct fake_answer a = fake_until(&f, 1);
    assert_int_equal(access(f.admin, F_OK), 0);
    kill(f.supervisor, SIGTERM);
    assert_int_equal(fake_wait(&f), 0);
    assert_true(is_gone(a.pid));
    assert_int_not_equal(access(f.admin, F_OK), 0);
    assert_false(fake_ask(&f, "who\n", &a, 100));
    fake_end(&f);
}

TEST(it_has_stopped_only_when_control_is_no_more)
{
    struct fake f;
    char text[64];
    unsigned long generation = 0;
    int pid = 0;

    fake_begin(&f);
    fake_configure(&f, "workers 1\ncontrol-lingers\n");
    fake_start(&f);
    fake_until(&f, 1);
    fake_control(&f, "pid\n", text, sizeof(text));
    assert_int_equal(sscanf(text, "%lu %d", &generation, &pid), 2);
    kill(f.supervisor, SIGTERM);
    assert_int_equal(fake_wait(&f), 0);
    /* At once: it was waited for, after its socket had closed. */
    assert_true(kill((pid_t)pid, 0) != 0 && errno == ESRCH);
    fake_end(&f);
}

TEST(the_admin_socket_is_for_its_owner_and_group_alone)
{
    struct fake f;
    struct stat st;

    fake_begin(&f);
    fake_start(&f);
    assert_int_equal(stat(f.admin, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
    fake_end(&f);
}

TEST(a_first_configuration_with_errors_is_printed_and_the_exit_is_1)
{
    struct fake f;
    char path[128];
    static char text[65536];

    fake_begin(&f);
    fake_configure(&f, "bad this is wrong\nbad and this\n");
    fake_start_only(&f);
    assert_int_equal(fake_wait(&f), 1);
    snprintf(path, sizeof(path), "%s/stderr", f.dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    assert_true(n > 0);
    text[n] = '\0';
    assert_non_null(strstr(text, "stile.yaml:3:7: this is wrong\n"));
    assert_non_null(strstr(text, "stile.yaml:3:7: and this\n"));
    fake_end(&f);
}

TEST(a_killed_worker_is_replaced_at_once)
{
    struct fake f;
    struct fake_answer a, b = {0};

    fake_begin(&f);
    fake_configure(&f, "workers 1\n");
    fake_start(&f);
    a = fake_until(&f, 1);
    uint64_t start = now_ms();
    kill(a.pid, SIGKILL);
    /* What is not answered is what the dead one had accepted. */
    while (!fake_ask(&f, "who\n", &b, 2000) || b.pid == a.pid)
        assert_true(now_ms() - start < 20000);
    assert_int_equal(b.index, a.index);
    assert_int_equal(b.generation, 1);
    fake_end(&f);
}

TEST(a_worker_that_keeps_crashing_is_never_given_up)
{
    struct fake f;
    struct fake_answer a;

    fake_begin(&f);
    fake_configure(&f, "workers 1\n");
    fake_start(&f);
    for (int i = 0; i < 6; i++) {
        a = fake_until(&f, 1);
        kill(a.pid, SIGKILL);
        assert_true(is_gone(a.pid));
    }
    fake_log(&f, "crash_loop");
    fake_until(&f, 1);
    fake_end(&f);
}

TEST(a_worker_whose_heartbeat_is_stale_is_killed_and_replaced)
{
    struct fake f;
    struct fake_answer a, none;

    fake_begin(&f);
    fake_configure(&f, "workers 1\n");
    fake_start(&f);
    a = fake_until(&f, 1);
    fake_ask(&f, "hang\n", &none, 1);
    fake_log(&f, "why=stale");
    assert_true(is_gone(a.pid));
    fake_until(&f, 1);
    fake_end(&f);
}

TEST(sighup_brings_a_new_generation_and_the_old_one_goes)
{
    struct fake f;
    struct fake_answer a;

    fake_begin(&f);
    fake_start(&f);
    a = fake_until(&f, 1);
    kill(f.supervisor, SIGHUP);
    fake_until(&f, 2);
    assert_true(is_gone(a.pid));
    fake_log(&f, "generation_gone generation=1");
    fake_end(&f);
}

TEST(a_bad_reload_leaves_the_old_generation_and_its_control_alone)
{
    static const struct {
        const char *lines, *why;
    } cases[] = {
        {"bad this is wrong\nbad and this\n",
         "stile.yaml:3:7: this is wrong\nstile.yaml:3:7: and this\n"},
        {"workers-die\n", "ended before it could serve (exit 9)"},
        {"control-dies\n", "control process died before it took over"},
        {"listen 192.0.2.1 1\n", "192.0.2.1:1 cannot be listened at"},
        {"listen nonsense 1\n", "nonsense is no numeric address"},
        {"access /nonexistent/dir/log\n", "/nonexistent/dir/log cannot be"},
        {"workers 65\n", "at most 64"},
    };
    struct fake f;
    char before[64], after[64], text[4096];

    fake_begin(&f);
    fake_start(&f);
    pid_t worker = fake_until(&f, 1).pid;
    fake_control(&f, "pid\n", before, sizeof(before));
    for (size_t i = 0; i < COUNT(cases); i++) {
        fake_configure(&f, cases[i].lines);
        fake_control(&f, "reload\n", text, sizeof(text));
        if (strncmp(text, "refused ", 8) != 0 || !strstr(text, cases[i].why))
            fail_msg("%s: \"%s\"", cases[i].lines, text);
        assert_int_equal(fake_until(&f, 1).generation, 1);
        fake_control(&f, "pid\n", after, sizeof(after));
        assert_string_equal(before, after);
    }
    assert_int_equal(kill(worker, 0), 0);
    fake_configure(&f, "");
    fake_control(&f, "reload\n", text, sizeof(text));
    if (strncmp(text, "ok ", 3) != 0)
        fail_msg("%s", text);
    fake_until(&f, 1 + COUNT(cases) + 1);
    assert_true(is_gone(worker));
    fake_end(&f);
}

TEST(no_connection_is_refused_while_generations_change)
{
    struct fake f;
    struct fake_answer a;
    unsigned long last = 1;
    int failed = 0;

    fake_begin(&f);
    fake_start(&f);
    kill(f.supervisor, SIGHUP);
    uint64_t end = now_ms() + 10000;
    while (last < 4 && now_ms() < end) {
        if (!fake_ask(&f, "who\n", &a, 3000)) {
            failed++;
            continue;
        }
        if (a.generation > last && a.generation < 4)
            kill(f.supervisor, SIGHUP);
        last = a.generation > last ? a.generation : last;
    }
    assert_int_equal(last, 4);
    assert_int_equal(failed, 0);
    fake_end(&f);
}

TEST(a_generation_that_goes_while_control_changes_hands_is_told_to_the_next)
{
    struct fake f;
    char text[4096] = "";

    fake_begin(&f);
    fake_configure(&f, "workers-linger\n");
    fake_start(&f);
    fake_until(&f, 1);
    fake_configure(&f, "workers-linger\n");
    kill(f.supervisor, SIGHUP);
    fake_until(&f, 2);
    fake_configure(&f, "control-slow\n");
    kill(f.supervisor, SIGHUP);
    fake_until(&f, 3);
    uint64_t start = now_ms();
    do {
        fake_control(&f, "state\n", text, sizeof(text));
        assert_true(now_ms() - start < 20000);
    } while (!strstr(text, "\"number\":3,\"state\":\"live\"") ||
             strstr(text, "\"number\":1,") || strstr(text, "\"number\":2,"));
    fake_end(&f);
}

TEST(many_sighups_during_a_reload_are_one)
{
    struct fake f;
    struct fake_answer a;

    fake_begin(&f);
    fake_start(&f);
    fake_configure(&f, "slow\n");
    for (int i = 0; i < 20; i++) {
        kill(f.supervisor, SIGHUP);
        usleep(1000);
    }
    fake_until(&f, 3);
    const char *log = fake_log(&f, "generation_gone generation=2");
    assert_null(strstr(log, "loading generation=4"));
    assert_true(fake_ask(&f, "who\n", &a, 1000));
    assert_int_equal(a.generation, 3);
    fake_end(&f);
}

TEST(more_workers_after_a_reload_get_slots_of_their_own)
{
    struct fake f;
    struct fake_answer a;
    bool seen[5] = {false};
    int n = 0;

    fake_begin(&f);
    fake_configure(&f, "workers 1\n");
    fake_start(&f);
    fake_configure(&f, "workers 5\n");
    kill(f.supervisor, SIGHUP);
    fake_until(&f, 2);
    for (int i = 0; i < 2000 && n < 5; i++) {
        assert_true(fake_ask(&f, "who\n", &a, 1000));
        assert_true(a.index < 5);
        n += !seen[a.index];
        seen[a.index] = true;
    }
    assert_int_equal(n, 5);
    /* And fewer: the slots that are left over have a worker still. */
    fake_configure(&f, "workers 2\n");
    kill(f.supervisor, SIGHUP);
    fake_until(&f, 3);
    for (int i = 0; i < 100; i++)
        assert_true(fake_ask(&f, "who\n", &a, 1000));
    fake_end(&f);
}

TEST(a_dead_control_is_replaced_and_workers_never_notice)
{
    struct fake f;
    char before[64], text[64];

    fake_begin(&f);
    fake_start(&f);
    pid_t worker = fake_until(&f, 1).pid;
    fake_control(&f, "pid\n", before, sizeof(before));
    fake_control(&f, "crash\n", text, sizeof(text));
    for (int i = 0; i < 10 && text[0] == '\0'; i++)
        fake_control(&f, "pid\n", text, sizeof(text));
    assert_true(text[0] != '\0');
    assert_string_not_equal(before, text);
    assert_int_equal(kill(worker, 0), 0);
    fake_control(&f, "reload\n", text, sizeof(text));
    assert_int_equal(strncmp(text, "ok 2", 4), 0);
    fake_end(&f);
}

TEST(a_dead_loader_leaves_its_workers_serving_and_a_new_generation_comes)
{
    struct fake f;
    struct fake_answer a, b;

    fake_begin(&f);
    fake_start(&f);
    a = fake_until(&f, 1);
    pid_t loader = parent_of(a.pid);
    assert_int_equal(parent_of(loader), f.supervisor);
    kill(loader, SIGKILL);
    fake_log(&f, "loader_gone");
    assert_true(fake_ask(&f, "who\n", &b, 3000));
    fake_until(&f, 2);
    assert_true(is_gone(a.pid)); /* the orphans were told to drain */
    fake_log(&f, "generation_gone generation=1");
    fake_end(&f);
}

TEST(workers_and_control_go_on_without_their_supervisor)
{
    struct fake f;
    struct fake_answer a, b = {0};
    char text[64];

    fake_begin(&f);
    fake_start(&f);
    a = fake_until(&f, 1);
    pid_t loader = parent_of(a.pid);
    kill(f.supervisor, SIGKILL);
    assert_int_equal(fake_wait(&f), -1);
    fake_log(&f, "supervisor_gone");
    assert_true(fake_ask(&f, "who\n", &b, 3000));
    fake_control(&f, "pid\n", text, sizeof(text));
    assert_true(text[0] != '\0');
    int control = 0;
    assert_int_equal(sscanf(text, "%*u %d", &control), 1);
    kill(a.pid, SIGKILL); /* the loader still replaces */
    while (!fake_ask(&f, "who\n", &b, 3000) || b.pid == a.pid)
        ;
    kill(loader, SIGTERM); /* and still drains */
    assert_true(is_gone(b.pid));
    kill(control, SIGTERM);
    fake_end(&f);
}

TEST(sigusr1_reopens_the_logs_everywhere)
{
    struct fake f;
    struct fake_answer a;
    char path[128], moved[128], lines[160];
    struct stat st;

    fake_begin(&f);
    snprintf(path, sizeof(path), "%s/access", f.dir);
    snprintf(moved, sizeof(moved), "%s/moved", f.dir);
    snprintf(lines, sizeof(lines), "workers 1\naccess %s\n", path);
    fake_configure(&f, lines);
    fake_start(&f);
    assert_int_equal(rename(path, moved), 0);
    kill(f.supervisor, SIGUSR1);
    fake_log(&f, "logs_reopened");
    for (int i = 0; i < 500 && (stat(path, &st) || st.st_size == 0); i++)
        assert_true(fake_ask(&f, "who\n", &a, 1000));
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size > 0);
    fake_end(&f);
}

TEST(a_unix_listener_is_served_and_a_stale_file_does_not_stop_a_start)
{
    struct fake f;
    char lines[128];

    fake_begin(&f);
    snprintf(lines, sizeof(lines), "listen unix %s/http.sock\n", f.dir);
    fake_configure(&f, lines);
    fake_start(&f);
    kill(f.supervisor, SIGKILL);
    fake_wait(&f);
    fake_log(&f, "supervisor_gone");
    struct fake_answer a = fake_until(&f, 1);
    pid_t loader = parent_of(a.pid);
    kill(loader, SIGTERM);
    assert_true(is_gone(a.pid));
    assert_true(is_gone(loader));
    char text[64];
    int control = 0;
    fake_control(&f, "pid\n", text, sizeof(text));
    if (sscanf(text, "%*u %d", &control) == 1)
        kill(control, SIGKILL);
    assert_true(is_gone(control));
    fake_start(&f); /* both socket files are still there */
    fake_end(&f);
}

TEST(a_second_supervisor_cannot_take_half_of_the_connections)
{
    struct fake f, second;

    fake_begin(&f);
    fake_start(&f);
    fake_begin(&second);
    second.port = f.port;
    fake_configure(&second, "");
    fake_start_only(&second);
    assert_int_equal(fake_wait(&second), 1);
    assert_int_equal(access(f.admin, F_OK), 0);
    fake_end(&second);
    fake_end(&f);
}

TEST(a_second_sigterm_stops_at_once)
{
    struct fake f;
    struct fake_answer a, none;

    fake_begin(&f);
    fake_configure(&f, "workers 1\n");
    fake_start(&f);
    a = fake_until(&f, 1);
    fake_ask(&f, "hang\n", &none, 1); /* it will not hear DRAIN */
    uint64_t start = now_ms();
    kill(f.supervisor, SIGTERM);
    usleep(100000);
    assert_int_equal(kill(a.pid, 0), 0);
    kill(f.supervisor, SIGTERM);
    assert_int_equal(fake_wait(&f), 0);
    assert_true(now_ms() - start < 6500); /* the drain's end is at 7 s */
    assert_true(is_gone(a.pid));
    fake_end(&f);
}
