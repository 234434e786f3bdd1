/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate_parts: what the translate files share: heads and openings
 * (translate.c), bodies, faults. Nobody else includes it.
 */
#pragma once

#include "proxy/observe/metrics.h"
#include "proxy/server/problem.h"
#include "proxy/server/translate.h"

/* The coding of h's body; false: it is none of ours, or there are several. */
MUST_CHECK bool translate_read_coding(const struct http_head *h,
                                      enum coding *out);

/* h says what the program made of it. False: no memory. */
MUST_CHECK bool translate_take_head(struct exchange *x, struct http_head *h,
                                    const struct message_head *new_head);

/* Arrows bring out of a body what may be too long for a head. False: `p` is filled. */
MUST_CHECK bool translate_head_fits(const struct exchange *x,
                                    const struct translate *tr,
                                    const struct http_head *h,
                                    struct problem_doc *p);

/* A body in another form says so; an answer to HEAD, too, of the one it stands for. */
MUST_CHECK enum err_code translate_set_media(const struct translate *tr,
                                             struct http_head *h);

/* One message between these two versions: that it is translated, or cannot be. */
void translate_count(struct exchange *x, enum metric metric, const char *kind);

/* The message takes more than its arena may hold. */
struct problem_doc translate_no_memory(void);

/* What is wrong with a coding: a request's is its client's fault. */
void translate_coding_fault(const struct exchange *x,
                            const struct translate *tr, enum err_code code,
                            const char *sentence, struct problem_doc *p);
