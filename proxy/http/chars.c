/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/http/chars.h"

#define U  CHAR_UNRESERVED
#define TG CHAR_TARGET
#define TK CHAR_TOKEN

#define OTHER  TG        /* in no grammar but "printable" */
#define TCHAR  (TK | TG) /* ! $ & ' * + and so on */
#define DASH   (TK | TG | U | CHAR_HOST)
#define TILDE  (TK | TG | U)
#define DIGIT  (TK | TG | U | CHAR_HOST | CHAR_DIGIT | CHAR_HEX)
#define UPPER  (TK | TG | U | CHAR_HOST | CHAR_UPPER)
#define UPHEX  (UPPER | CHAR_HEX)
#define LOWER  (TK | TG | U | CHAR_HOST)
#define LOWHEX (LOWER | CHAR_HEX)

/* clang-format off */
const uint8_t http_chars[256] = {
    ['!'] = TCHAR, ['"'] = OTHER, ['#'] = TK,    ['$'] = TCHAR,
    ['%'] = TCHAR, ['&'] = TCHAR, ['\''] = TCHAR, ['('] = OTHER,
    [')'] = OTHER, ['*'] = TCHAR, ['+'] = TCHAR, [','] = OTHER,
    ['-'] = DASH,  ['.'] = DASH,  ['/'] = OTHER, [':'] = OTHER,
    [';'] = OTHER, ['<'] = OTHER, ['='] = OTHER, ['>'] = OTHER,
    ['?'] = OTHER, ['@'] = OTHER, ['['] = OTHER, ['\\'] = OTHER,
    [']'] = OTHER, ['^'] = TCHAR, ['_'] = DASH,  ['`'] = TCHAR,
    ['{'] = OTHER, ['|'] = TCHAR, ['}'] = OTHER, ['~'] = TILDE,
    ['0'] = DIGIT, ['1'] = DIGIT, ['2'] = DIGIT, ['3'] = DIGIT,
    ['4'] = DIGIT, ['5'] = DIGIT, ['6'] = DIGIT, ['7'] = DIGIT,
    ['8'] = DIGIT, ['9'] = DIGIT,
    ['A'] = UPHEX, ['B'] = UPHEX, ['C'] = UPHEX, ['D'] = UPHEX,
    ['E'] = UPHEX, ['F'] = UPHEX, ['G'] = UPPER, ['H'] = UPPER,
    ['I'] = UPPER, ['J'] = UPPER, ['K'] = UPPER, ['L'] = UPPER,
    ['M'] = UPPER, ['N'] = UPPER, ['O'] = UPPER, ['P'] = UPPER,
    ['Q'] = UPPER, ['R'] = UPPER, ['S'] = UPPER, ['T'] = UPPER,
    ['U'] = UPPER, ['V'] = UPPER, ['W'] = UPPER, ['X'] = UPPER,
    ['Y'] = UPPER, ['Z'] = UPPER,
    ['a'] = LOWHEX, ['b'] = LOWHEX, ['c'] = LOWHEX, ['d'] = LOWHEX,
    ['e'] = LOWHEX, ['f'] = LOWHEX, ['g'] = LOWER, ['h'] = LOWER,
    ['i'] = LOWER, ['j'] = LOWER, ['k'] = LOWER, ['l'] = LOWER,
    ['m'] = LOWER, ['n'] = LOWER, ['o'] = LOWER, ['p'] = LOWER,
    ['q'] = LOWER, ['r'] = LOWER, ['s'] = LOWER, ['t'] = LOWER,
    ['u'] = LOWER, ['v'] = LOWER, ['w'] = LOWER, ['x'] = LOWER,
    ['y'] = LOWER, ['z'] = LOWER,
};
/* clang-format on */

#define ONES  0x0101010101010101u
#define HIGHS 0x8080808080808080u

/* Has any of the eight bytes a value under 0x20, or 0x7f? */
static inline bool
word_has_control(uint64_t w)
{
    uint64_t below = (w - ONES * 0x20) & ~w;
    uint64_t del = w ^ (ONES * 0x7f);

    return ((below | ((del - ONES) & ~del)) & HIGHS) != 0;
}

static bool
has_control(span s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

bool
chars_are_value(span s)
{
    uint64_t w;

    if (s.len < sizeof(w))
        return !has_control(s);
    /* The last word may hold some of the one before it. Words find a tab as well:
     * then it goes byte by byte. */
    for (size_t i = 0; i < s.len; i += sizeof(w)) {
        size_t at = i + sizeof(w) <= s.len ? i : s.len - sizeof(w);

        memcpy(&w, s.at + at, sizeof(w));
        if (word_has_control(w) && has_control(span_of(s.at + at, sizeof(w))))
            return false;
    }
    return true;
}
