/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_memory: where nghttp2's memory comes from.
 *
 * It does not bear an empty heap everywhere (1.52 frees a DATA frame twice that it
 * found no place to queue for), so it is never told of one: its session lives on
 * what is in reserve, and ends as soon as the call is over.
 */
#include "proxy/base/reserve.h"
#include "proxy/http/h2_session.h"

static void *
memory_malloc(size_t n, void *user)
{
    struct h2 *h = user;

    return reserve_malloc(n, &h->is_starved);
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
