/* SPDX-License-Identifier: Apache-2.0 */
/* answer: how the backend's answers are written; `status` is "200 OK". */
#pragma once

#include "proxy/base/buf.h"

/* Each answer says it as X-Backend. The text stays the caller's. */
void answer_name(const char *text);

void answer_head(struct buf *out, const char *status, const char *media,
                 size_t length);

/* Head and, but to HEAD, body: JSON. */
void answer_write(struct buf *out, const char *method, const char *status,
                  span body);

/* A problem document. */
void answer_refuse(struct buf *out, const char *method, const char *status);

/* The program ends; perror(3) says why. */
_Noreturn void answer_die(const char *what);
