/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/lens/build.h"

#include <stdarg.h>

void *
lens_array(struct lens_builder *b, size_t n, size_t size)
{
    void *at = arena_array(b->arena, n ? n : 1, size);
    if (!at)
        b->full = true;
    return at;
}

void *
lens_vec_add(struct lens_builder *b, struct lens_vec *v, size_t size)
{
    if (v->n == v->room) {
        size_t room = v->room ? 2 * v->room : 4;
        void *at = arena_grow(b->arena, v->at, v->n, room, size);
        if (!at) {
            b->full = true;
            return NULL;
        }
        v->at = at;
        v->room = room;
    }
    return (char *)v->at + size * v->n++;
}

span
lens_fmt(struct lens_builder *b, const char *fmt, ...)
{
    char text[8192]; /* paths, too */
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (n < 0)
        return (span){0};

    size_t len = (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
    span out = {0};
    if (!span_dup(b->arena, span_of(text, len), &out))
        b->full = true;
    return out;
}

struct lens_origin
lens_origin_at(struct lens_builder *b, const struct yaml *node)
{
    return (struct lens_origin){.change = b->change,
                                .line = (unsigned)node->line,
                                .column = (unsigned)node->column,
                                .order = b->order++};
}

static bool
is_said(const struct problems *p, span file, const struct lens_origin *at,
        span text)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->at[i].line == at->line && p->at[i].column == at->column &&
            span_eq(p->at[i].file, file) && span_eq(p->at[i].text, text))
            return true;
    return false;
}

void
lens_problem(struct lens_builder *b, const struct lens_origin *at,
             const char *remedy, const char *fmt, ...)
{
    char text[ERR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    span file = at->change ? at->change->path : b->api->file;
    if (n < 0 || is_said(b->problems, file, at, span_str(text)))
        return;
    problem_add(b->problems, file, at->line, at->column, "%s", text);
    problem_remedy(b->problems, "%s", remedy);
}
