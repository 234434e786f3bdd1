/* SPDX-License-Identifier: Apache-2.0 */
/*
 * starve: a heap that is empty when a test says so.
 *
 * Loaded before all else (LD_PRELOAD), it stands before malloc and its kin of a
 * whole process, ours and every library's, and lets the n-th call from now fail:
 * that one alone, or it and all that follow. The orders are four words of a file
 * that the test shares (STILE_STARVE), so the process need not know about it.
 * Without the file all calls go through.
 */
#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The test writes all but the last, which only counts. */
struct orders {
    _Atomic uint64_t
        countdown;            /* calls until the one that fails; 0: none does */
    _Atomic uint64_t goes_on; /* all behind it fail, too, until this is 0 */
    _Atomic uint64_t is_empty; /* it is going on; the test ends it */
    _Atomic uint64_t failed;   /* calls that did */
};

static struct orders *orders;

/* What dlsym asks for while the real ones are being looked up. */
static char early[4096];
static size_t early_used;

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);
static void *(*real_aligned_alloc)(size_t, size_t);
static int (*real_posix_memalign)(void **, size_t, size_t);
static void (*real_free)(void *);

/* POSIX has dlsym give functions as pointers to objects. */
static void
look_up(void *to, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    assert(found);
    memcpy(to, &found, sizeof(found));
}

static void
look_up_all(void)
{
    static bool is_busy;

    if (is_busy)
        return;
    is_busy = true;
    look_up(&real_free, "free");
    look_up(&real_calloc, "calloc");
    look_up(&real_realloc, "realloc");
    look_up(&real_aligned_alloc, "aligned_alloc");
    look_up(&real_posix_memalign, "posix_memalign");
    look_up(&real_malloc, "malloc"); /* last: with it all are there */
}

__attribute__((constructor)) static void
begin(void)
{
    const char *path = getenv("STILE_STARVE");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

    if (!real_malloc)
        look_up_all();
    if (fd < 0)
        return;
    void *at =
        mmap(NULL, sizeof(*orders), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (at != MAP_FAILED)
        orders = at;
}

static bool
is_refused(void)
{
    struct orders *o = orders;

    if (!o || (!atomic_load(&o->is_empty) &&
               (!atomic_load(&o->countdown) ||
                atomic_fetch_sub(&o->countdown, 1) != 1)))
        return false;
    atomic_store(&o->is_empty, atomic_load(&o->goes_on));
    atomic_fetch_add(&o->failed, 1);
    errno = ENOMEM;
    return true;
}

static bool
is_early(const void *p)
{
    const char *at = p;

    return at >= early && at < early + sizeof(early);
}

static void *
take_early(size_t n)
{
    char *at = early + early_used;

    n = (n + 15) & ~(size_t)15;
    assert(n <= sizeof(early) - early_used);
    early_used += n;
    return at;
}

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc's names
 * are reserved for it */
void *
malloc(size_t n)
{
    if (!real_malloc)
        look_up_all();
    if (!real_malloc)
        return take_early(n);
    return is_refused() ? NULL : real_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
    if (!real_malloc)
        look_up_all();
    if (!real_malloc)
        return take_early(n * size);
    return is_refused() ? NULL : real_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
    if (!real_malloc)
        look_up_all();
    assert(real_malloc && !is_early(p));
    return is_refused() ? NULL : real_realloc(p, n);
}

void *
aligned_alloc(size_t align, size_t n)
{
    if (!real_malloc)
        look_up_all();
    assert(real_malloc);
    return is_refused() ? NULL : real_aligned_alloc(align, n);
}

int
posix_memalign(void **p, size_t align, size_t n)
{
    if (!real_malloc)
        look_up_all();
    assert(real_malloc);
    return is_refused() ? ENOMEM : real_posix_memalign(p, align, n);
}

void
free(void *p)
{
    if (!p || is_early(p))
        return;
    if (!real_malloc)
        look_up_all();
    real_free(p);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
