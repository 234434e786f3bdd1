/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The losses that happened and were declared, as the field Stile-Notice.
 */
#include "proxy/server/translate.h"

#include "proxy/server/exchange.h"

#define NOTICES_MAX 16 /* told on an answer; the log counts them all */
#define CHANGE_MAX  64 /* bytes of a change's name there */
#define NOTICE_BYTES                                                           \
    (CHANGE_MAX + 64) /* of one: its word, its change, its count */

static char *
put(char *to, span s)
{
    if (s.len)
        memcpy(to, s.at, s.len);
    return to + s.len;
}

static char *
put_number(char *to, uint64_t n)
{
    char digits[20];
    size_t at = sizeof(digits);

    do
        digits[--at] = (char)('0' + n % 10);
    while (n /= 10);
    return put(to, span_of(digits + at, sizeof(digits) - at));
}

static char *
put_notice(char *to, const struct translation_notice *n)
{
    to = put(to, span_str(notice_word(n->kind)));
    to = put(to, SPAN(";change=\""));
    to = put(to, span_take(n->change, CHANGE_MAX));
    to = put(to, SPAN("\";n="));
    return put_number(to, n->n);
}

span
translate_notices(struct exchange *x)
{
    const struct translate *ways[] = {&x->up_way, &x->down_way};
    char text[NOTICES_MAX * NOTICE_BYTES];
    char *to = text;
    size_t room = NOTICES_MAX;
    span out = {0};

    for (size_t way = 0; way < COUNT(ways); way++) {
        size_t n = 0;
        const struct translation_notice *all =
            ways[way]->t ? translation_notices(ways[way]->t, &n) : NULL;

        for (size_t i = 0; i < n && room > 0; i++, room--) {
            to = to > text ? put(to, SPAN(", ")) : to;
            to = put_notice(to, &all[i]);
        }
    }
    if (to == text ||
        !span_dup(x->arena, span_of(text, (size_t)(to - text)), &out))
        return (span){0};
    return out;
}
