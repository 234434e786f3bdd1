/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/subject.h"

enum err_code
subject_parse(span text, struct subject_source *out, struct err *e)
{
    span name = text;
    span kind = span_cut(&name, ':');

    if (span_is(text, "certificate"))
        *out = (struct subject_source){SUBJECT_CERTIFICATE, {0}};
    else if (span_is(kind, "header") && name.len > 0)
        *out = (struct subject_source){SUBJECT_HEADER, name};
    else if (span_is(kind, "cookie") && name.len > 0)
        *out = (struct subject_source){SUBJECT_COOKIE, name};
    else
        return err_set(e, ERR_INVALID,
                       "a subject is header:NAME, cookie:NAME or certificate, "
                       "not \"%.*s\"",
                       SPAN_FMT(text));
    return OK;
}

bool
subject_ask(const struct subject_source *s, const struct facts *f,
            span *subject)
{
    switch (s->kind) {
    case SUBJECT_HEADER:
        return facts_header(f, s->name, subject);
    case SUBJECT_COOKIE:
        return facts_cookie(f, s->name, subject);
    case SUBJECT_CERTIFICATE:
        *subject = f->certificate;
        return subject->len > 0;
    }
    return false;
}

bool
subject_find(const struct subject_spec *s, const struct facts *f, span *subject,
             size_t *source)
{
    for (size_t i = 0; s && i < s->n_sources; i++) {
        if (!subject_ask(&s->sources[i], f, subject))
            continue;
        if (source)
            *source = i;
        return true;
    }
    return false;
}
