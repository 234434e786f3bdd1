/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reserve: memory for libraries that do not bear an empty heap.
 *
 * Some exit (brotli's encoder), some free twice (nghttp2 1.52). What such a one
 * asks for comes from the heap; when that is empty, from a reserve of the process,
 * and its owner is told, so that he ends what he was doing and gives all back.
 * Untouched it is not resident. If it is empty as well, the process stops.
 */
#pragma once

#include "proxy/base/span.h"

/* As malloc, calloc, realloc; never NULL. *starved becomes true if the heap was empty. */
void *reserve_malloc(size_t n, bool *starved);
void *reserve_calloc(size_t n, size_t size, bool *starved);
void *reserve_realloc(void *old, size_t n, bool *starved);

/* Is it of the reserve, and not of the heap? */
bool reserve_has(const void *p);

/* For what these gave, and for NULL. */
void reserve_free(void *p);
