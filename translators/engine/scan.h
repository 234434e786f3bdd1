/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan: where tokens end. Included by each level behind its scan_NAME.h, which
 * defines, for bytes of which 32 may be read up to `last`:
 *
 *   short_text(p)  behind the closing quote of a text whose opening one is at `p`,
 *       if it is shorter than 32 bytes, ASCII and without escapes; else NULL. 33
 *       bytes may be read
 *   find_special(p, last, &high)  the first quote, backslash or control byte from
 *       p on, or something behind `last`; *high gets bits if others than ASCII
 *       came before it
 *   skip_space(p, last)           the first byte that is no white space, or
 *       something behind `last`
 *   find_number(p, w)             the end of a plain number that is all there, or
 *       NULL: engine_number must look at it
 *   find_bad(p, to)               the first byte that is not UTF-8, or NULL
 *
 * Behind a window there are zeros or more of the piece: no token runs over its
 * end unseen.
 */
#pragma once

#include "translators/engine/work.h"

/* How far the grammar of a number got. */
enum number_state {
    NUMBER_BEGIN,
    NUMBER_SIGN,
    NUMBER_ZERO,
    NUMBER_DIGITS,
    NUMBER_POINT,
    NUMBER_FRACTION,
    NUMBER_E,
    NUMBER_E_SIGN,
    NUMBER_E_DIGITS
};

/* Go on with a number; returns the first byte that is not of it, or `stop`. */
const char *engine_number(const char *p, const char *stop, uint8_t *state);
bool engine_number_may_end(uint8_t state);

/* Behind a backslash: the byte behind the escape, or NULL: *bad is the byte that is
 * wrong, or `stop` if there are not enough. */
const char *engine_escape(const char *p, const char *stop, const char **bad);

/* The start of the last character in what comes before `p`, if it may go on
 * behind it; else p. */
const char *engine_whole_text(const char *start, const char *p);

/* The first byte that is not of this word, or `stop` if the window ends first. */
const char *engine_word(const char *p, const char *stop, const char *word);

enum text_step { TEXT_WHOLE, TEXT_SHORT, TEXT_BAD };

/* The shape of a value by its first byte; 0: none begins so. */
extern const uint8_t engine_shapes[256];

/* 32 of each: from memory, as the compiler makes such a constant anew each time. */
extern const char engine_zeros[32]; /* '0' */
extern const char engine_nines[32]; /* the number */

/* Two bytes at once: `,"`. */
static inline bool
engine_is_next_key(const char *p)
{
    uint16_t two;
    memcpy(&two, p, sizeof(two));
    return two == (',' | '"' << 8);
}
