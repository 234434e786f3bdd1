/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_memory: where nghttp2's memory comes from.
 *
 * It does not bear an empty heap everywhere (1.52 frees a DATA frame twice that it
 * found no place to queue for), so it is never told of one: its session lives on
 * what is in reserve, and ends as soon as the call is over.
 *
 * Each request takes some seven small pieces and gives them back when its answer is
 * out, those of a batch of streams together: more than the heap keeps at hand. So
 * they are kept here, by size, for the next batch.
 */
#include "proxy/base/reserve.h"
#include "proxy/http/h2_session.h"

#include <malloc.h>

/* Under a sanitizer every piece is the heap's: it sees who uses one too long. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEPT_BYTES ((size_t)0)
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define KEPT_BYTES ((size_t)0)
#endif
#ifndef KEPT_BYTES
#define KEPT_BYTES ((size_t)512 * 1024) /* in all, of a process */
#endif

/* The heap's pieces hold 24 bytes, 40, 56 and so on. */
#define STEP    ((size_t)16)
#define HEAD    ((size_t)8)
#define CLASSES ((size_t)33) /* pieces of 504 bytes are the largest */

/* A piece that nobody has. */
struct piece {
    struct piece *next;
};

/* One a process, as the heap is; who uses it is one thread. With a head each piece of
 * class n takes n steps, and less than n + 1. */
static struct piece *kept[CLASSES];
static size_t kept_bytes;

/* One that has room for n bytes, or NULL. */
static void *
take(size_t n)
{
    size_t class = (n + HEAD + STEP - 1) / STEP;
    bool is_small = n < CLASSES * STEP && class < CLASSES;
    struct piece *p = is_small ? kept[class] : NULL;

    if (!p)
        return NULL;
    kept[class] = p->next;
    kept_bytes -= class * STEP;
    return p;
}

static bool
keep(void *at)
{
    size_t class = (malloc_usable_size(at) + HEAD) / STEP;
    struct piece *p = at;

    if (class >= CLASSES || kept_bytes + class * STEP > KEPT_BYTES)
        return false;
    p->next = kept[class];
    kept[class] = p;
    kept_bytes += class * STEP;
    return true;
}

static void *
memory_malloc(size_t n, void *user)
{
    struct h2 *h = user;
    void *p = take(n);

    return p ? p : reserve_malloc(n, &h->is_starved);
}

static void *
memory_calloc(size_t n, size_t size, void *user)
{
    struct h2 *h = user;

    return reserve_calloc(n, size, &h->is_starved);
}

static void *
memory_realloc(void *old, size_t n, void *user)
{
    struct h2 *h = user;

    return reserve_realloc(old, n, &h->is_starved);
}

static void
memory_free(void *p, void *user)
{
    (void)user;
    if (p && (reserve_has(p) || !keep(p)))
        reserve_free(p);
}

nghttp2_mem
h2_memory(struct h2 *h)
{
    return (nghttp2_mem){.mem_user_data = h,
                         .malloc = memory_malloc,
                         .free = memory_free,
                         .calloc = memory_calloc,
                         .realloc = memory_realloc};
}
