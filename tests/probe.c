/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe: what the kernel says to a running process's system call.
 *
 * usage: probe PID open|exec|fork|ptrace|mmap|socket [PATH]
 *
 * The call is made by the process itself, under its own filter and credentials:
 * it is stopped at the end of a call of its own (as a debugger does), made to
 * call what is asked, and goes on as if nothing had been. So what is tested is the
 * worker that serves, and nothing in it is there for the test. Prints `value N`,
 * `error NAME` or `killed SIGNAL`. Needs the right to trace it (root has it).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>

#if defined(__x86_64__)

#define RED_ZONE 1024 /* below the stack pointer: nobody's, so ours */

typedef unsigned long long word;

static const char text_path[] = "/etc/passwd";

struct call {
    const char *name;
    long number;
    word args[6]; /* STRING: where the path was put */
};

#define STRING ((word)0x737472696e67) /* no argument of any call here */

static const struct call calls[] = {
    {"open", SYS_openat, {(word)AT_FDCWD, STRING, O_RDONLY}},
    {"exec", SYS_execve, {STRING, 0, 0}},
    {"fork", SYS_fork, {0}},
    {"ptrace", SYS_ptrace, {PTRACE_TRACEME}},
    {"mmap",
     SYS_mmap,
     {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, (word)-1,
      0}},
    {"socket", SYS_socket, {AF_UNIX, SOCK_STREAM, 0}},
    {"getpid", SYS_getpid, {0}},
};

static _Noreturn void
die(const char *what)
{
    perror(what);
    exit(2);
}

/* Until it stops at a call's beginning or end; signals reach it. Or it is over. */
static void
go_on(pid_t pid)
{
    int status, number = 0;

    do { /* ends: what kills it is a signal as well */
        if (ptrace(PTRACE_SYSCALL, pid, NULL, number) ||
            waitpid(pid, &status, __WALL) != pid)
            die("probe: it cannot go on");
        if (WIFSIGNALED(status)) {
            printf("killed %s\n", strsignal(WTERMSIG(status)));
            exit(0);
        }
        number = status >> 16 ? 0 : WSTOPSIG(status);
    } while (WSTOPSIG(status) != (SIGTRAP | 0x80));
}

static struct user_regs_struct
registers(pid_t pid)
{
    struct user_regs_struct r;

    if (ptrace(PTRACE_GETREGS, pid, NULL, &r))
        die("probe: registers");
    return r;
}

static void
set_registers(pid_t pid, const struct user_regs_struct *r)
{
    if (ptrace(PTRACE_SETREGS, pid, NULL, r))
        die("probe: registers");
}

static void
put(pid_t pid, word at, const char *text)
{
    for (size_t i = 0; i <= strlen(text); i += sizeof(long)) {
        long part = 0;
        memcpy(&part, text + i, strnlen(text + i, sizeof(part)));
        if (ptrace(PTRACE_POKEDATA, pid, at + i, part))
            die("probe: memory");
    }
}

/* Stopped where a call has just ended: the two bytes before are `syscall`. */
static void
attach(pid_t pid)
{
    int status;

    if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACESYSGOOD) ||
        ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) ||
        waitpid(pid, &status, __WALL) != pid)
        die("probe: it cannot be traced");
    do
        go_on(pid); /* ends: a worker's heart beats */
    while ((long)registers(pid).rax == -ENOSYS);
}

static void
probe(pid_t pid, const struct call *c, const char *path)
{
    attach(pid);
    const struct user_regs_struct before = registers(pid);
    struct user_regs_struct r = before;
    word string = (before.rsp - RED_ZONE) & ~(word)7;
    word *const places[] = {&r.rdi, &r.rsi, &r.rdx, &r.r10, &r.r8, &r.r9};

    put(pid, string, path);
    for (size_t i = 0; i < 6; i++)
        *places[i] = c->args[i] == STRING ? string : c->args[i];
    r.rax = (word)c->number;
    r.rip -= 2;
    set_registers(pid, &r);
    go_on(pid); /* to its beginning */
    go_on(pid); /* to its end */
    long value = (long)registers(pid).rax;
    if (value == c->number)
        go_on(pid); /* a filter took the call back: the signal comes now */
    if (value < 0)
        printf("error %s\n", strerrorname_np((int)-value));
    else
        printf("value %ld\n", value);
    set_registers(pid, &before);
    if (ptrace(PTRACE_DETACH, pid, NULL, NULL))
        die("probe: it cannot be left alone");
}

int
main(int argc, char **argv)
{
    for (size_t i = 0; argc >= 3 && i < sizeof(calls) / sizeof(*calls); i++) {
        if (strcmp(argv[2], calls[i].name) == 0) {
            probe((pid_t)strtol(argv[1], NULL, 10), &calls[i],
                  argc > 3 ? argv[3] : text_path);
            return 0;
        }
    }
    fputs("usage: probe PID open|exec|fork|ptrace|mmap|socket|getpid [PATH]\n",
          stderr);
    return 2;
}

#else

int
main(void)
{
    fputs("probe: not on this architecture\n", stderr);
    return 77;
}

#endif
