/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/base/reserve.h"

#include <malloc.h>
#include <stdlib.h>

#define RESERVE ((size_t)16 * 1024 * 1024)
#define HEAD    ((size_t)16) /* before each piece: its size */

/* One a process, as the heap is; who uses it is one thread. */
static _Alignas(max_align_t) char reserve[RESERVE];
static size_t used;
static size_t n_out; /* pieces that were not given back */

bool
reserve_has(const void *p)
{
    const char *at = p;

    return at >= reserve && at < reserve + RESERVE;
}

static void *
take(size_t n, bool *starved)
{
    char *at = reserve + used;

    *starved = true;
    if (n > RESERVE - 2 * HEAD || used > RESERVE - 2 * HEAD - n)
        abort();
    memcpy(at, &n, sizeof(n));
    used += HEAD + ((n + HEAD - 1) & ~(HEAD - 1));
    n_out++;
    return at + HEAD;
}

static size_t
size_of(void *p)
{
    size_t n;

    if (!reserve_has(p))
        return malloc_usable_size(p);
    memcpy(&n, (const char *)p - HEAD, sizeof(n));
    return n;
}

void *
reserve_malloc(size_t n, bool *starved)
{
    void *p = malloc(n ? n : 1);

    return p ? p : take(n, starved);
}

void *
reserve_calloc(size_t n, size_t size, bool *starved)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes))
        abort(); /* no library asks for that */
    void *p = calloc(1, bytes ? bytes : 1);
    return p ? p : memset(take(bytes, starved), 0, bytes);
}

void *
reserve_realloc(void *old, size_t n, bool *starved)
{
    void *p = reserve_has(old) ? NULL : realloc(old, n ? n : 1);

    if (p)
        return p;
    p = take(n, starved);
    if (old)
        memcpy(p, old, size_of(old) < n ? size_of(old) : n);
    reserve_free(old);
    return p;
}

void
reserve_free(void *p)
{
    if (!reserve_has(p))
        free(p);
    else if (--n_out == 0)
        used = 0;
}
