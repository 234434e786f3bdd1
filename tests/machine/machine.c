/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine: a clock that is wrong and a disk that is full, when a test says so.
 *
 * Loaded before all else (LD_PRELOAD), it stands before what libc says of the time
 * of day and before writes to files. The file that STILE_MACHINE names is mapped, so
 * that a test's word is every process's at once, in a sandbox, too: two numbers
 * of 64 bits, by how many seconds the clock is off, and whether the disk is full.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile struct {
    int64_t off_s;
    int64_t is_full;
} * said;

__attribute__((constructor)) static void
listen_to_the_test(void)
{
    const char *path = getenv("STILE_MACHINE");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *at = fd < 0 ? MAP_FAILED
                      : mmap(NULL, sizeof(*said), PROT_READ, MAP_SHARED, fd, 0);

    if (at != MAP_FAILED)
        said = at;
    if (fd >= 0)
        close(fd);
}

/* ── the clock ───────────────────────────────────────────────────────────── */

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc's names
 * are reserved for it */
int
clock_gettime(clockid_t clock, struct timespec *out)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, out);

    if (!failed && said &&
        (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        out->tv_sec += said->off_s;
    return failed;
}

int
gettimeofday(struct timeval *restrict out,
             void *restrict zone __attribute__((unused)))
{
    struct timespec now;
    int failed = clock_gettime(CLOCK_REALTIME, &now);

    *out =
        (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return failed;
}

time_t
time(time_t *out)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}

/* ── the disk ────────────────────────────────────────────────────────────── */

static int
is_full_for(int fd)
{
    struct stat about;

    if (!said || !said->is_full || fstat(fd, &about) || !S_ISREG(about.st_mode))
        return 0;
    errno = ENOSPC;
    return 1;
}

ssize_t
write(int fd, const void *bytes, size_t n)
{
    return is_full_for(fd) ? -1 : syscall(SYS_write, fd, bytes, n);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
    return is_full_for(fd) ? -1 : syscall(SYS_pwrite64, fd, bytes, n, at);
}

ssize_t
pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    return pwrite64(fd, bytes, n, at);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
