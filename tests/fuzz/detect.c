/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request's head, a line each: path, query, then fields. It is detected,
 * rewritten for every version, and detected again: what was spoken is then
 * the version it was rewritten for, or was a conflict to begin with. The same
 * lines are an answer that is rewritten back.
 */
#include "tests/routing/shop.h"

#include "routing/subject.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FIELDS_MAX 32

struct message {
    struct detect_field fields[FIELDS_MAX];
    size_t n;
};

static bool
field(const void *p, span name, size_t nth, span *value)
{
    const struct message *m = p;

    for (size_t i = 0; i < m->n; i++) {
        if (span_eq_nocase(m->fields[i].name, name) && nth-- == 0) {
            *value = m->fields[i].value;
            return true;
        }
    }
    return false;
}

static void
put(struct message *m, const struct detect_rewrite *r)
{
    size_t n = 0;

    for (size_t i = 0; i < m->n; i++) {
        bool goes = false;
        for (size_t k = 0; k < r->n_fields; k++)
            goes = goes || span_eq_nocase(m->fields[i].name, r->fields[k].name);
        if (!goes)
            m->fields[n++] = m->fields[i];
    }
    for (size_t k = 0; k < r->n_fields && n < FIELDS_MAX; k++)
        m->fields[n++] = r->fields[k];
    m->n = n;
}

static const struct detect *
built(void)
{
    static struct arena *a; /* for the whole run */
    static const struct detect *d;

    if (!d) {
        a = arena_new(1 << 20);
        enum err_code code = detect_build(a, &shop, NULL, NULL, &d, NULL);
        assert(code == OK);
    }
    return d;
}

/* By a word in the head, and not by an account or a build? */
static bool
is_rewritten(const struct detect_result *r)
{
    return r->outcome == DETECT_SPOKEN && r->kind != DETECT_CLIENT &&
           r->kind != DETECT_PIN;
}

static void
check_request(const struct facts *f, int to)
{
    const struct detect *d = built();
    struct arena *a = arena_new(1 << 22);
    struct message again = *(const struct message *)f->message;
    struct detect_result before, after;
    struct detect_rewrite r;

    detect_run(d, f, &before);
    assert((before.version >= 0) == (before.outcome == DETECT_SPOKEN ||
                                     before.outcome == DETECT_ASSUMED));
    (void)detect_vary(d, &before);
    if (detect_rewrite_request(d, a, f, to, &r, NULL) == OK) {
        struct facts g = *f;
        put(&again, &r);
        g.message = &again;
        g.path = r.path;
        g.query = r.query;
        detect_run(d, &g, &after);
        if (is_rewritten(&before)) {
            assert(after.outcome == DETECT_SPOKEN);
            assert(after.version == to);
            assert(after.source == before.source);
        }
    }
    arena_free(&a);
}

static void
check_answer(const struct facts *f, int from, int to)
{
    static const span ours[] = {{"a", 1}, {"shop.example", 12}};
    struct arena *a = arena_new(1 << 22);
    struct detect_answer answer = {.field = field,
                                   .message = f->message,
                                   .authorities = ours,
                                   .n_authorities = 2,
                                   .by_date = f->has_body};
    struct detect_rewrite r;

    (void)!detect_rewrite_answer(built(), a, &answer, from, to, &r, NULL);
    arena_free(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int spoken[] = {V1, V2, V3};
    static const struct subject_source sources[] = {
        {SUBJECT_HEADER, SPAN("x")}, {SUBJECT_COOKIE, SPAN("s")}};
    static const struct subject_spec subjects = {sources, 2};
    struct message m = {0};
    span text = span_of((const char *)data, size), subject;
    struct facts f = {.method = SPAN("GET"), .field = field, .message = &m};

    f.path = span_cut(&text, '\n');
    f.query = span_cut(&text, '\n');
    while (text.len > 0 && m.n < FIELDS_MAX / 2) {
        span value = span_cut(&text, '\n');
        span name = span_cut(&value, ':');
        m.fields[m.n++] = (struct detect_field){name, value};
    }
    for (size_t i = 0; i < COUNT(spoken); i++) {
        check_request(&f, spoken[i]);
        check_answer(&f, V3, spoken[i]);
    }
    (void)subject_find(&subjects, &f, &subject, NULL);
    return 0;
}
