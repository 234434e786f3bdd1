/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memo: what is kept from message to message: programs, and machines that run them.
 *
 * To find a program asks every version between two for what it says of the message;
 * most messages are like one that came before. A memo is one thread's, between
 * translator_program and whoever asks it: what is asked for a second time is found once
 * more and kept, until another takes its place. It has a fixed number of places, and
 * messages of long paths or types have none, so that what clients send bounds neither
 * memory nor time.
 */
#pragma once

#include "translators/translation.h"

struct memo;

/* In `a`, which must outlive every message, and must not outlive the translators. NULL:
 * it is full. */
MUST_CHECK struct memo *memo_new(struct arena *a);

/* As translator_program; what is found stays as long as `a`. A NULL memo keeps nothing. */
MUST_CHECK enum program_need
memo_program(struct memo *memo, const struct translator *t, struct arena *a,
             const struct message *m, size_t from, size_t to,
             const struct program **out, struct err *e);

/* For who runs them; NULL: none are kept. */
struct engine_pool *memo_machines(const struct memo *memo);
