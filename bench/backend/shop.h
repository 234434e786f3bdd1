/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shop: orders in memory, documents that are stored as they came; of one, `id`
 * alone is read.
 */
#pragma once

#include "proxy/base/buf.h"

/* One document a line, each with an `id`. Ends the program where it cannot. */
void shop_seed(const char *file);

/* The answer to a request is written to the end of out. */
void shop_answer(struct buf *out, const char *method, span path, span body);
