/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/cli/translating.h"

#include "proxy/cli/cli.h"

#include <stdio.h>

static void
print_notices(struct stile_translation *t)
{
    struct stile_notice n;

    for (size_t i = 0; stile_translation_notice(t, i, &n); i++) {
        fprintf(stderr, "notice: %s", n.kind);
        if (n.pointer[0])
            fprintf(stderr, " %s", n.pointer);
        if (n.n > 1)
            fprintf(stderr, " (%zu times)", n.n);
        fprintf(stderr, ", by %s, %s:%u\n", n.change, n.file, n.line);
    }
}

static int
print_fault(const char *who, const struct stile_translation *t)
{
    const struct stile_fault *f = stile_translation_fault(t);

    fprintf(stderr, "stile %s: %s\n", who, f->text);
    if (f->pointer[0])
        fprintf(stderr, "  at      %s\n", f->pointer);
    if (f->change[0])
        fprintf(stderr, "  change  %s, %s:%u\n", f->change, f->file, f->line);
    if (f->from[0])
        fprintf(stderr, "  between %s and %s\n", f->from, f->to);
    if (f->needs_document)
        fprintf(stderr,
                "  it needs the stored document: the patch falls back\n");
    return CLI_REFUSED;
}

int
translating_run(const char *who, struct stile_translation *t,
                const struct stile_head *head, span document)
{
    struct stile_head out;

    if (stile_translation_head(t, head, &out) ||
        stile_translation_feed(t, document.at, document.len) ||
        stile_translation_end(t))
        return print_fault(who, t);
    print_notices(t);
    return CLI_OK;
}
