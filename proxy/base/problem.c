/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/base/problem.h"

#include <stdarg.h>
#include <stdio.h>

#define FIRST_ROOM ((size_t)8)
#define TEXT_MAX   1024 /* a sentence; hostile names are cut */

void
problems_init(struct problems *p, struct arena *a)
{
    *p = (struct problems){.arena = a, .max = PROBLEMS_MAX};
}

static struct problem *
next(struct problems *p)
{
    if (p->n == p->max)
        return NULL;
    if (p->n < p->room)
        return &p->at[p->n++];

    size_t room = p->room ? p->room * 2 : FIRST_ROOM;
    struct problem *at = arena_grow(p->arena, p->at, p->n, room, sizeof(*at));
    if (!at)
        return NULL;
    p->at = at;
    p->room = room;
    return &p->at[p->n++];
}

static span sentence(struct problems *p, const char *fmt, va_list args)
    PRINTF(2, 0);

static span
sentence(struct problems *p, const char *fmt, va_list args)
{
    char text[TEXT_MAX];
    span out = {0};
    int n = vsnprintf(text, sizeof(text), fmt, args);
    size_t len = n < 0 ? 0 : (size_t)n;

    if (len >= sizeof(text))
        len = sizeof(text) - 1;
    /* Without room the place alone must do. */
    if (!span_dup(p->arena, span_of(text, len), &out))
        return SPAN(
            "something is wrong here, and there is no room to say what");
    return out;
}

static void put(struct problems *p, struct problem place, const char *fmt,
                va_list args) PRINTF(3, 0);

static void
put(struct problems *p, struct problem place, const char *fmt, va_list args)
{
    struct problem *it = next(p);

    p->last_kept = it != NULL;
    if (!it)
        return;
    *it = place;
    it->text = sentence(p, fmt, args);
}

void
problem_add(struct problems *p, span file, size_t line, size_t column,
            const char *fmt, ...)
{
    va_list args;

    p->total++;
    va_start(args, fmt);
    put(p, (struct problem){.file = file, .line = line, .column = column}, fmt,
        args);
    va_end(args);
}

void
problem_warn(struct problems *p, span file, size_t line, size_t column,
             const char *fmt, ...)
{
    va_list args;

    p->last_kept = false;
    if (p->warnings++ >= p->max / 4)
        return; /* the room is for errors */
    va_start(args, fmt);
    put(p,
        (struct problem){
            .file = file, .line = line, .column = column, .is_warning = true},
        fmt, args);
    va_end(args);
}

void
problem_remedy(struct problems *p, const char *fmt, ...)
{
    va_list args;

    if (!p->last_kept || p->n == 0)
        return;
    va_start(args, fmt);
    p->at[p->n - 1].remedy = sentence(p, fmt, args);
    va_end(args);
}

static int
by_size(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

static bool
comes_before(const struct problem *a, const struct problem *b)
{
    int order = span_cmp(a->file, b->file);

    if (order == 0)
        order = by_size(a->line, b->line);
    if (order == 0)
        order = by_size(a->column, b->column);
    return order < 0;
}

void
problems_sort(struct problems *p)
{
    /* By insertion: stable, and the list is short. */
    for (size_t i = 1; i < p->n; i++) {
        struct problem it = p->at[i];
        size_t j = i;

        while (j > 0 && comes_before(&it, &p->at[j - 1])) {
            p->at[j] = p->at[j - 1];
            j--;
        }
        p->at[j] = it;
    }
}

void
problems_print(const struct problems *p, struct buf *b)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct problem *it = &p->at[i];

        buf_add(b, it->file);
        if (it->line)
            buf_fmt(b, ":%zu:%zu", it->line, it->column);
        buf_str(b, it->is_warning ? ": warning: " : ": ");
        buf_add(b, it->text);
        if (it->remedy.len)
            buf_str(b, "; ");
        buf_add(b, it->remedy);
        buf_byte(b, '\n');
    }
    if (p->total + p->warnings > p->n)
        buf_fmt(b, "and %zu more\n", p->total + p->warnings - p->n);
}
