/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lists: answers of about 1 kB to 10 MB, each made once, at its first request.
 * Of most sizes there are several, which are told in turn.
 */
#pragma once

#include "proxy/base/span.h"

/* From now on they are MessagePack. */
void lists_pack(void);

/* A whole answer, head and body, which lives for ever; empty: no such path. */
span lists_answer(const char *path);
