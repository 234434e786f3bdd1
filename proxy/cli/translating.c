/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/cli/translating.h"

#include "proxy/cli/cli.h"

#include <stdio.h>

bool
translating_message(span text, struct message *m)
{
    span rest = text;
    span word = span_cut(&rest, ' ');
    uint64_t status = 200;

    *m = (struct message){.side = MESSAGE_ANSWER};
    if (span_is(word, "request")) {
        m->side = MESSAGE_REQUEST;
        word = span_cut(&rest, ' ');
    } else if (word.len && word.at[0] >= '1' && word.at[0] <= '9') {
        if (!span_to_u64(word, &status) || status < 100 || status > 599)
            return false;
        word = span_cut(&rest, ' ');
    }
    m->status = m->side == MESSAGE_ANSWER ? (unsigned)status : 0;
    m->method = word;
    m->path = rest;
    return word.len > 0 && rest.len > 0 && rest.at[0] == '/' &&
           span_find(rest, ' ') < 0;
}

void
translating_print_step(void *arg, const struct translation_step *step)
{
    FILE *to = arg;

    if (span_eq(step->from, step->to))
        fprintf(to, "-- %.*s, as it came\n", SPAN_FMT(step->from));
    else
        fprintf(to, "-- %.*s -> %.*s\n", SPAN_FMT(step->from),
                SPAN_FMT(step->to));
    for (size_t i = 0; i < step->n_touches; i++) {
        const struct translation_touch *t = &step->touches[i];

        fprintf(to, "   %s %.*s", t->what, SPAN_FMT(t->place));
        if (t->n > 1)
            fprintf(to, " (%zu times)", t->n);
        if (t->change.len)
            fprintf(to, "   %.*s, %.*s:%u", SPAN_FMT(t->change),
                    SPAN_FMT(t->file), t->line);
        fputc('\n', to);
    }
    fwrite(step->document.len ? step->document.at : "", 1, step->document.len,
           to);
    fputc('\n', to);
}

static void
print_notices(const struct translation *tr)
{
    size_t n;
    const struct translation_notice *notices = translation_notices(tr, &n);

    for (size_t i = 0; i < n; i++) {
        fprintf(stderr, "notice: %s", notice_word(notices[i].kind));
        if (notices[i].pointer.len)
            fprintf(stderr, " %.*s", SPAN_FMT(notices[i].pointer));
        if (notices[i].n > 1)
            fprintf(stderr, " (%zu times)", notices[i].n);
        fprintf(stderr, ", by %.*s, %.*s:%u\n", SPAN_FMT(notices[i].change),
                SPAN_FMT(notices[i].file), notices[i].line);
    }
}

static int
print_fault(const char *who, const struct translation *tr)
{
    const struct translation_fault *f = translation_fault(tr);

    fprintf(stderr, "stile %s: %s\n", who, f->err.text);
    if (f->pointer.len)
        fprintf(stderr, "  at      %.*s\n", SPAN_FMT(f->pointer));
    if (f->change.len)
        fprintf(stderr, "  change  %.*s, %.*s:%u\n", SPAN_FMT(f->change),
                SPAN_FMT(f->file), f->line);
    if (f->from.len)
        fprintf(stderr, "  between %.*s and %.*s\n", SPAN_FMT(f->from),
                SPAN_FMT(f->to));
    return CLI_REFUSED;
}

int
translating_run(const struct translating *t, const char *who,
                const struct program *p, span document, struct buf *out)
{
    const struct translation_limits limits = {.depth_max = 128};
    struct translation *tr;
    struct err e;

    if (translation_open(t->arena, p, &limits, out, &tr, &e)) {
        fprintf(stderr, "stile %s: %s\n", who, e.text);
        return CLI_REFUSED;
    }
    if (t->trace)
        translation_trace(tr, t->trace, t->trace_arg);
    struct message_head head = t->head;
    if ((program_has_head(p) && translation_head(tr, &head, &head)) ||
        translation_feed(tr, document) || translation_end(tr))
        return print_fault(who, tr);
    print_notices(tr);
    return CLI_OK;
}
