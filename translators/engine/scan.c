/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/engine/scan.h"

#include "proxy/base/utf8.h"

#define FOUR(c) c, c, c, c
#define ALL(c)                                                                 \
    {                                                                          \
        FOUR(c), FOUR(c), FOUR(c), FOUR(c), FOUR(c), FOUR(c), FOUR(c), FOUR(c) \
    }

const char engine_zeros[32] = ALL('0');
const char engine_nines[32] = ALL(9);

const uint8_t engine_shapes[256] = {
    ['{'] = ENGINE_OBJECT, ['['] = ENGINE_LIST,           ['"'] = ENGINE_TEXT,
    ['t'] = ENGINE_BOOL,   ['f'] = ENGINE_BOOL,           ['n'] = ENGINE_NULL,
    ['-'] = ENGINE_NUMBER, ['0' ... '9'] = ENGINE_NUMBER,
};

static uint8_t
digit(uint8_t state, char c)
{
    switch ((enum number_state)state) {
    case NUMBER_BEGIN:
    case NUMBER_SIGN:
        return c == '0' ? NUMBER_ZERO : NUMBER_DIGITS;
    case NUMBER_DIGITS:
        return NUMBER_DIGITS;
    case NUMBER_POINT:
    case NUMBER_FRACTION:
        return NUMBER_FRACTION;
    case NUMBER_E:
    case NUMBER_E_SIGN:
    case NUMBER_E_DIGITS:
        return NUMBER_E_DIGITS;
    case NUMBER_ZERO:
        break;
    }
    return UINT8_MAX;
}

/* The state behind `c`, or UINT8_MAX if it is not of the number. */
static uint8_t
next(uint8_t state, char c)
{
    bool is_whole = state == NUMBER_ZERO || state == NUMBER_DIGITS;
    if (c >= '0' && c <= '9')
        return digit(state, c);
    if (c == '-' && state == NUMBER_BEGIN)
        return NUMBER_SIGN;
    if (c == '.' && is_whole)
        return NUMBER_POINT;
    if ((c == 'e' || c == 'E') && (is_whole || state == NUMBER_FRACTION))
        return NUMBER_E;
    if ((c == '+' || c == '-') && state == NUMBER_E)
        return NUMBER_E_SIGN;
    return UINT8_MAX;
}

const char *
engine_number(const char *p, const char *stop, uint8_t *state)
{
    for (; p < stop; p++) {
        uint8_t then = next(*state, *p);
        if (then == UINT8_MAX)
            break;
        *state = then;
    }
    return p;
}

bool
engine_number_may_end(uint8_t state)
{
    return state == NUMBER_ZERO || state == NUMBER_DIGITS ||
           state == NUMBER_FRACTION || state == NUMBER_E_DIGITS;
}

static bool
is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
           (c >= 'A' && c <= 'F');
}

const char *
engine_escape(const char *p, const char *stop, const char **bad)
{
    *bad = p;
    if (p >= stop)
        return NULL;
    if (*p != 'u')
        return *p && strchr("\"\\/bfnrt", *p) ? p + 1 : NULL;
    for (size_t i = 1; i <= 4; i++) {
        *bad = p + i;
        if (p + i >= stop || !is_hex(p[i]))
            return NULL;
    }
    return p + 5;
}

const char *
engine_whole_text(const char *start, const char *p)
{
    for (size_t i = 1; i <= 4 && (size_t)(p - start) >= i; i++) {
        unsigned char c = (unsigned char)p[-(ptrdiff_t)i];
        if (c < 0x80)
            return p;
        if (c >= 0xC0)
            return p - i;
    }
    return p;
}

const char *
engine_word(const char *p, const char *stop, const char *word)
{
    while (p < stop && *word && *p == *word) {
        p++;
        word++;
    }
    return p;
}
