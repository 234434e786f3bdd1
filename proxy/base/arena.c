/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define ALIGN       _Alignof(max_align_t)
#define CHUNK_FIRST ((size_t)2048)
#define CHUNK_MAX   ((size_t)64 * 1024)
#define LARGE_FROM  ((size_t)512 * 1024) /* of what lasts; less needs none */
#define LARGE_PAGE  ((size_t)2 * 1024 * 1024)

struct chunk {
    struct chunk *next;
    size_t size;
    size_t used;
    _Alignas(max_align_t) char bytes[];
};

struct deferred {
    struct deferred *next;
    arena_fn fn;
    void *p;
};

struct arena {
    struct chunk *chunks; /* newest first; only it is allocated from */
    struct deferred *deferred;
    size_t used;
    size_t limit;
    bool is_full;
    bool lasts;
};

/* Process-wide on purpose: a test cannot know which arena a library call uses. */
static size_t fail_countdown;
static bool failing;

static bool
failure_is_due(void)
{
    if (fail_countdown && --fail_countdown == 0)
        failing = true;
    return failing;
}

struct arena *
arena_new(size_t bytes_max)
{
    struct arena *a = calloc(1, sizeof(*a));

    if (a)
        a->limit = bytes_max;
    return a;
}

struct arena *
arena_new_lasting(size_t bytes_max)
{
    struct arena *a = arena_new(bytes_max);

    if (a)
        a->lasts = true;
    return a;
}

static void
run_deferred(struct arena *a)
{
    /* A deferred call may not allocate or defer: the arena is on its way out. */
    while (a->deferred) {
        struct deferred *d = a->deferred;

        a->deferred = d->next;
        d->fn(d->p);
    }
}

void
arena_free(struct arena **a)
{
    if (!*a)
        return;
    run_deferred(*a);
    while ((*a)->chunks) {
        struct chunk *c = (*a)->chunks;

        (*a)->chunks = c->next;
        free(c);
    }
    free(*a);
    *a = NULL;
}

void
arena_reset(struct arena *a)
{
    struct chunk *kept = NULL;

    run_deferred(a);
    while (a->chunks) {
        struct chunk *c = a->chunks;

        a->chunks = c->next;
        if (!kept && c->size <= CHUNK_MAX)
            kept = c;
        else
            free(c);
    }
    if (kept) {
        kept->next = NULL;
        kept->used = 0;
        a->chunks = kept;
    }
    a->used = 0;
    a->is_full = false;
}

/* Where the kernel has no large page to give, these are as any others. */
static struct chunk *
new_large_chunk(size_t bytes, size_t *size)
{
    size_t all;

    if (__builtin_add_overflow(bytes, sizeof(struct chunk) + LARGE_PAGE - 1,
                               &all))
        return NULL;
    all -= all % LARGE_PAGE;
    struct chunk *c = aligned_alloc(LARGE_PAGE, all);
    if (c)
        (void)madvise(c, all, MADV_HUGEPAGE);
    *size = all - sizeof(*c);
    return c;
}

static __attribute__((noinline)) struct chunk *
add_chunk(struct arena *a, size_t bytes)
{
    size_t size = a->chunks ? a->chunks->size * 2 : CHUNK_FIRST;

    if (size > CHUNK_MAX)
        size = CHUNK_MAX;
    if (size < bytes)
        size = bytes;

    struct chunk *c = a->lasts && a->used >= LARGE_FROM
                          ? new_large_chunk(bytes, &size)
                          : malloc(sizeof(*c) + size);
    if (!c)
        return NULL;
    c->next = a->chunks;
    c->size = size;
    c->used = 0;
    a->chunks = c;
    return c;
}

static void *
take_room(struct arena *a, size_t bytes)
{
    if (failure_is_due())
        return NULL;
    if (bytes > a->limit - a->used)
        return NULL;

    size_t rounded = (bytes + ALIGN - 1) & ~(ALIGN - 1);
    if (rounded < bytes)
        return NULL;
    if (rounded == 0)
        rounded = ALIGN; /* distinct things have distinct addresses */

    struct chunk *c = a->chunks;
    if (!c || c->size - c->used < rounded)
        c = add_chunk(a, rounded);
    if (!c)
        return NULL;

    void *p = c->bytes + c->used;
    c->used += rounded;
    a->used += bytes;
    return p;
}

void *
arena_room(struct arena *a, size_t bytes)
{
    void *p = take_room(a, bytes);

    a->is_full |= !p;
    return p;
}

void *
arena_alloc(struct arena *a, size_t bytes)
{
    void *p = arena_room(a, bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

void *
arena_array(struct arena *a, size_t n, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes))
        return NULL;
    return arena_alloc(a, bytes);
}

void *
arena_grow(struct arena *a, void *old, size_t n_old, size_t n_new, size_t size)
{
    assert(n_new >= n_old);

    size_t kept = n_old * size; /* it was once allocated */
    size_t bytes;
    if (__builtin_mul_overflow(n_new, size, &bytes))
        return NULL;
    char *p = arena_room(a, bytes);
    if (!p)
        return NULL;
    if (kept)
        memcpy(p, old, kept);
    memset(p + kept, 0, bytes - kept);
    return p;
}

char *
arena_str(struct arena *a, span s)
{
    if (s.len == SIZE_MAX)
        return NULL;

    char *p = arena_room(a, s.len + 1);
    if (!p)
        return NULL;
    if (s.len)
        memcpy(p, s.at, s.len);
    p[s.len] = '\0';
    return p;
}

bool
span_dup(struct arena *a, span s, span *out)
{
    char *p = arena_str(a, s);

    if (!p)
        return false;
    *out = (span){p, s.len};
    return true;
}

span
arena_fmt(struct arena *a, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0)
        return (span){0};

    char *p = arena_alloc(a, (size_t)n + 1);
    if (!p)
        return (span){0};
    va_start(args, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, args);
    va_end(args);
    return (span){p, (size_t)n};
}

bool
arena_defer(struct arena *a, arena_fn fn, void *p)
{
    struct deferred *d = arena_room(a, sizeof(*d));

    if (!d)
        return false;
    *d = (struct deferred){a->deferred, fn, p};
    a->deferred = d;
    return true;
}

size_t
arena_used(const struct arena *a)
{
    return a->used;
}

size_t
arena_limit(const struct arena *a)
{
    return a->limit;
}

bool
arena_is_full(const struct arena *a)
{
    return a->is_full;
}

void
arena_fill(struct arena *a)
{
    a->is_full = true;
}

void
arena_fail_after(size_t n)
{
    fail_countdown = n;
    failing = false;
}
