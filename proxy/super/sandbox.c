/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/super/sandbox.h"

#ifndef STILE_SANDBOX

enum err_code
sandbox_enter(struct err *e __attribute__((unused)))
{
    return OK;
}

enum err_code
sandbox_enter_unix(struct err *e __attribute__((unused)))
{
    return OK;
}

enum err_code
sandbox_enter_loader(struct err *e __attribute__((unused)))
{
    return OK;
}

#else

#include <errno.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Data path, memory, time, signals, exit: what libc, libevent and OpenSSL use. */
static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendto),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(splice),
    SCMP_SYS(sendfile),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(connect),
    SCMP_SYS(shutdown),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(close),
    SCMP_SYS(dup),
    SCMP_SYS(fcntl),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(lseek),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(pipe2),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(eventfd2),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(mlock),
    SCMP_SYS(munlock),
    SCMP_SYS(futex),
    SCMP_SYS(getrandom),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getppid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getrusage),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

/* What only somebody who took the worker over would call. */
static const int deadly[] = {
    SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace), SCMP_SYS(fork),
    SCMP_SYS(vfork),  SCMP_SYS(clone),    SCMP_SYS(clone3),
};

/* Allowed with some arguments only. */
static int
add_narrow_rules(scmp_filter_ctx filter)
{
    const struct {
        int call;
        struct scmp_arg_cmp arg;
    } rules[] = {
        /* Memory, but no new code. */
        {SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
        {SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
        {SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, AF_INET, 0)},
        {SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, AF_INET6, 0)},
        {SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, FIONREAD, 0)},
        {SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, FIONBIO, 0)},
        {SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, SIOCOUTQ, 0)},
        /* abort() signals itself; nobody else may be signalled. */
        {SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0)},
    };

    for (size_t i = 0; i < COUNT(rules); i++) {
        int failed = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW,
                                            rules[i].call, 1, &rules[i].arg);
        if (failed)
            return failed;
    }
    return 0;
}

static int
add_rules(scmp_filter_ctx filter)
{
    for (size_t i = 0; i < COUNT(allowed); i++) {
        int failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
        if (failed)
            return failed;
    }
    for (size_t i = 0; i < COUNT(deadly); i++) {
        int failed =
            seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, deadly[i], 0);
        if (failed)
            return failed;
    }
    return add_narrow_rules(filter);
}

static int
add_rules_and_unix(scmp_filter_ctx filter)
{
    int failed = add_rules(filter);

    return failed ? failed
                  : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket),
                                     1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));
}

/* What neither loader nor control calls: the ways to other programs and processes, */
static const int never[] = {
    SCMP_SYS(execve),           SCMP_SYS(execveat),          SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
};

/* and those into the kernel, which fail. */
static const int refused[] = {
    SCMP_SYS(add_key),        SCMP_SYS(bpf),
    SCMP_SYS(chroot),         SCMP_SYS(delete_module),
    SCMP_SYS(finit_module),   SCMP_SYS(init_module),
    SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register),
    SCMP_SYS(io_uring_setup), SCMP_SYS(kexec_file_load),
    SCMP_SYS(kexec_load),     SCMP_SYS(keyctl),
    SCMP_SYS(mount),          SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),      SCMP_SYS(perf_event_open),
    SCMP_SYS(pivot_root),     SCMP_SYS(reboot),
    SCMP_SYS(request_key),    SCMP_SYS(setns),
    SCMP_SYS(umount2),        SCMP_SYS(unshare),
    SCMP_SYS(userfaultfd),
};

#define CODE ((scmp_datum_t)(PROT_WRITE | PROT_EXEC))

static int
add_loader_rules(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp code = SCMP_A2(SCMP_CMP_MASKED_EQ, CODE, CODE);
    int failed = 0;

    for (size_t i = 0; !failed && i < COUNT(never); i++)
        failed = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, never[i], 0);
    for (size_t i = 0; !failed && i < COUNT(refused); i++)
        failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
    if (!failed)
        failed = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM),
                                        SCMP_SYS(mmap), 1, &code);
    if (!failed)
        failed = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM),
                                        SCMP_SYS(mprotect), 1, &code);
    return failed;
}

/* No core, no ptrace, no /proc/PID/mem by others of our user. */
static enum err_code
hide(struct err *e)
{
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
        return err_set(e, ERR_IO, "memory cannot be hidden: %s",
                       strerror(errno));
    return OK;
}

static enum err_code
enter(uint32_t otherwise, int (*add)(scmp_filter_ctx filter), struct err *e)
{
    if (hide(e))
        return e->code;

    scmp_filter_ctx filter = seccomp_init(otherwise);

    if (!filter)
        return err_set(e, ERR_IO, "no memory for the sandbox's filter");

    int failed = add(filter);
    if (!failed)
        failed = seccomp_load(filter);
    seccomp_release(filter);
    if (failed)
        return err_set(e, ERR_IO, "the sandbox cannot be entered: %s",
                       strerror(-failed));
    return OK;
}

enum err_code
sandbox_enter(struct err *e)
{
    return enter(SCMP_ACT_ERRNO(EPERM), add_rules, e);
}

enum err_code
sandbox_enter_unix(struct err *e)
{
    return enter(SCMP_ACT_ERRNO(EPERM), add_rules_and_unix, e);
}

enum err_code
sandbox_enter_loader(struct err *e)
{
    return enter(SCMP_ACT_ALLOW, add_loader_rules, e);
}

#endif
