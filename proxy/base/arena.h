/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena: memory that ends together.
 *
 * One for each lifetime: process, generation, connection, request. It grows in
 * chunks up to a limit; at the limit arena_alloc returns NULL and whatever was
 * being built fails. Nothing is freed by itself; all goes in one call. What is
 * not memory (descriptors, contexts of libraries) is tied to it by arena_defer.
 */
#pragma once

#include "proxy/base/span.h"

struct arena;

/* What runs when the arena ends, last deferred first. */
typedef void (*arena_fn)(void *p);

/*
 * A new arena that may hold `bytes_max` bytes of allocations, or NULL if the
 * heap is empty. Its first chunk is taken at the first allocation.
 */
MUST_CHECK struct arena *arena_new(size_t bytes_max);

/*
 * The same for what lasts as long as its process and is read all the time: what
 * of it is much stands on large pages (2 MiB), where the kernel has some. Ten
 * thousand routes asked in turn miss more address translations than caches.
 */
MUST_CHECK struct arena *arena_new_lasting(size_t bytes_max);

/* Run what was deferred, give everything back, and set *a to NULL. NULL is fine. */
void arena_free(struct arena **a);

/*
 * Run what was deferred and forget all allocations, but keep one chunk, so that
 * a connection's next request takes no memory from the heap.
 */
void arena_reset(struct arena *a);

/* Zeroed bytes, aligned for any type; NULL at the limit. `bytes` may be 0. */
MUST_CHECK void *arena_alloc(struct arena *a, size_t bytes);

/* The same, with whatever the bytes hold: for what is written before it is read. */
MUST_CHECK void *arena_room(struct arena *a, size_t bytes);

/* `n` things of `size` bytes; NULL at the limit or if the product overflows. */
MUST_CHECK void *arena_array(struct arena *a, size_t n, size_t size);

/*
 * `old` of `n_old` things copied to a place for `n_new`, the new ones zeroed.
 * The old bytes stay until the arena ends, so grow by doubling.
 */
MUST_CHECK void *arena_grow(struct arena *a, void *old, size_t n_old,
                            size_t n_new, size_t size);

/* Copy `s`; the copy is followed by a NUL. False at the limit. */
MUST_CHECK bool span_dup(struct arena *a, span s, span *out);

/* The same, as a C string; NULL at the limit. */
MUST_CHECK char *arena_str(struct arena *a, span s);

/* Formatted text; an empty span with a null pointer at the limit. */
span arena_fmt(struct arena *a, const char *fmt, ...) PRINTF(2, 3);

/* Call fn(p) when the arena ends or is reset. False at the limit: not tied. */
MUST_CHECK bool arena_defer(struct arena *a, arena_fn fn, void *p);

/* Bytes handed out so far, and what may be handed out at most. */
size_t arena_used(const struct arena *a);
size_t arena_limit(const struct arena *a);

/*
 * Has it refused anything since it was new or reset? Where one answer means both
 * "there is none" and "there was no room for one", this tells them apart.
 */
bool arena_is_full(const struct arena *a);

/* What was to stand in it found no room before it came here: that counts. */
void arena_fill(struct arena *a);

/*
 * For the allocation-failure loops of the tests: the n-th allocation from now
 * on fails, in any arena of this process, and every one after it; 0 ends it.
 */
void arena_fail_after(size_t n);
