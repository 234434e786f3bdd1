/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main: the program that runs the tests which registered themselves.
 */
#include "tests/test.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TESTS_MAX 512

static struct CMUnitTest tests[TESTS_MAX];
static size_t n_tests;

void
test_register(const char *claim, void (*fn)(void **))
{
    if (n_tests == TESTS_MAX)
        abort();
    tests[n_tests].name = claim;
    tests[n_tests].test_func = fn;
    n_tests++;
}

/* -------------------------------------------------------- what is left behind */

/* One child of ours, by the kernel's list; 0: we have none. */
static pid_t
some_child(void)
{
    char path[64];
    int pid = 0;

    (void)snprintf(path, sizeof(path), "/proc/self/task/%d/children",
                   (int)getpid());
    FILE *f = fopen(path, "r");
    if (!f)
        return 0;
    if (fscanf(f, "%d", &pid) != 1)
        pid = 0;
    fclose(f);
    return (pid_t)pid;
}

/* Does it end by itself? One that was told to may need a moment for it. */
static bool
ends_by_itself(pid_t pid)
{
    struct timespec nap = {.tv_nsec = 10000000};

    for (int i = 0; i < 500; i++) {
        if (waitpid(pid, NULL, WNOHANG) == pid)
            return true;
        (void)nanosleep(&nap, NULL);
    }
    return false;
}

/*
 * End what the tests started and did not end: a process that is left keeps our
 * standard output open, and whoever reads that would wait for it. How many.
 */
static unsigned
end_what_is_left(void)
{
    unsigned n = 0;
    pid_t pid;

    /* Ends: each turn buries one, and what is dead starts no other. */
    while ((pid = some_child()) != 0) {
        if (ends_by_itself(pid))
            continue;
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        n++;
    }
    return n;
}

static int
run(const char *program)
{
    /* Not without the keeper: a time-out ends it first. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return 1;
    return _cmocka_run_group_tests(program, tests, n_tests, NULL, NULL);
}

/* The tests run in a child, so that somebody is there when one of them crashes. */
int
main(int argc, char **argv)
{
    int status;

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        return 1;
    pid_t pid = fork();
    if (pid == 0)
        return run(argv[0]);
    if (pid < 0)
        return 1;
    for (pid_t ended = 0; ended != pid;) /* orphans come to us: bury them */
        if ((ended = wait(&status)) < 0)
            return 1;
    unsigned n = end_what_is_left();
    if (n)
        fprintf(stderr, "%u process(es) were left by the tests\n", n);
    if (WIFSIGNALED(status))
        fprintf(stderr, "%s: %s\n", argv[0], strsignal(WTERMSIG(status)));
    return WIFEXITED(status) && n == 0 ? WEXITSTATUS(status) : 1;
}
