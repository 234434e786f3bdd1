/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place: paths in a type, read and compared.
 *
 *   a/b  *  [0] [last] [only]  [k=v, m, !n]  *[k=v]  'any key'  .
 */
#include "translators/lens/build.h"

#define FINDS_MAX 8 /* tests in one pair of brackets */

struct reading {
    struct lens_builder *b;
    const struct yaml *node;
    span whole;
    span rest; /* what is still to be read */
};

static bool
wrong(struct reading *r, const char *what, const char *remedy)
{
    yaml_problem(r->b->problems, r->node, "the place `%.*s` %s",
                 SPAN_FMT(span_take(r->whole, 200)), what);
    problem_remedy(r->b->problems, "%s", remedy);
    return false;
}

static bool
next_is(const struct reading *r, char c)
{
    return r->rest.len > 0 && r->rest.at[0] == c;
}

static void
skip_blanks(struct reading *r)
{
    while (next_is(r, ' '))
        r->rest = span_skip(r->rest, 1);
}

/* ---- keys ---- */

static bool
quoted_key(struct reading *r, span *out)
{
    char quote = r->rest.at[0];
    r->rest = span_skip(r->rest, 1);
    ssize_t end = span_find(r->rest, quote);
    if (end < 0)
        return wrong(r, "has a quote that does not end", "close it: 'any key'");
    *out = span_take(r->rest, (size_t)end);
    r->rest = span_skip(r->rest, (size_t)end + 1);
    return true;
}

/* `~0` is `~` and `~1` is `/` (RFC 6901 §3). */
static bool
unescape(struct reading *r, span raw, span *out)
{
    if (span_find(raw, '~') < 0) {
        *out = raw;
        return true;
    }
    char *to = lens_array(r->b, raw.len, 1);
    if (!to)
        return false;

    size_t n = 0;
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.at[i];
        if (c == '~') {
            i++;
            if (i == raw.len || (raw.at[i] != '0' && raw.at[i] != '1'))
                return wrong(r, "has a `~` that is neither `~0` nor `~1`",
                             "write `~0` for `~` and `~1` for `/`");
            c = raw.at[i] == '0' ? '~' : '/';
        }
        to[n++] = c;
    }
    *out = span_of(to, n);
    return true;
}

static size_t
plain_length(span rest, const char *stops)
{
    size_t n = 0;
    while (n < rest.len && !strchr(stops, rest.at[n]))
        n++;
    return n;
}

/* A key up to one of `stops`; in quotes it is taken as it looks. */
static bool
key(struct reading *r, const char *stops, span *out)
{
    if (next_is(r, '\''))
        return quoted_key(r, out);

    size_t n = plain_length(r->rest, stops);
    span raw = span_take(r->rest, n);
    r->rest = span_skip(r->rest, n);
    if (strchr(stops, ']')) /* inside brackets blanks are free */
        raw = span_trim(raw);
    if (raw.len == 0)
        return wrong(r, "has an empty step",
                     "write `a/b`, without a slash at either end; an empty key "
                     "is ''");
    if (span_find(raw, '[') >= 0 || span_find(raw, ']') >= 0)
        return wrong(r, "has brackets inside a key",
                     "write `list/[0]` for an element, or the key in quotes");
    if (raw.at[0] == '*' || span_is(raw, "."))
        return wrong(r, "has a step that only looks like a key",
                     "put the key in single quotes");
    return unescape(r, raw, out);
}

/* ---- element steps ---- */

/* A path of keys inside brackets. */
static bool
member(struct reading *r, struct lens_place *out)
{
    struct lens_vec steps = {0};
    span start = r->rest;
    for (;;) {
        struct lens_step step = {.kind = LENS_KEY};
        if (!key(r, "/=,]", &step.key))
            return false;
        struct lens_step *slot = lens_vec_add(r->b, &steps, sizeof(step));
        if (!slot)
            return false;
        *slot = step;
        if (steps.n > LENS_STEPS_MAX)
            return wrong(r, "is too long", "32 steps are the limit");
        if (!next_is(r, '/'))
            break;
        r->rest = span_skip(r->rest, 1);
    }
    out->steps = steps.at;
    out->n = steps.n;
    out->text = span_take(start, start.len - r->rest.len);
    return true;
}

static bool
find_value(struct reading *r, const struct json **out)
{
    span text;
    if (next_is(r, '"') || next_is(r, '\'')) {
        if (!quoted_key(r, &text))
            return false;
        *out = lens_literal_text(r->b, text);
        return *out != NULL;
    }
    size_t n = plain_length(r->rest, ",]");
    text = span_trim(span_take(r->rest, n));
    r->rest = span_skip(r->rest, n);
    if (text.len == 0)
        return wrong(r, "compares a member with nothing",
                     "write `[kind=gift]`, or `[kind=\"\"]`");
    *out = lens_literal_plain(r->b, text);
    return *out != NULL;
}

static bool
find(struct reading *r, struct lens_find *out)
{
    out->kind = LENS_HAS;
    if (next_is(r, '!')) {
        out->kind = LENS_LACKS;
        r->rest = span_skip(r->rest, 1);
    }
    if (!member(r, &out->member))
        return false;

    skip_blanks(r);
    if (!next_is(r, '='))
        return true;
    if (out->kind == LENS_LACKS)
        return wrong(r, "tests a member for both absence and a value",
                     "write `[!coupon]` or `[kind=gift]`");
    out->kind = LENS_EQUALS;
    r->rest = span_skip(r->rest, 1);
    skip_blanks(r);
    return find_value(r, &out->value);
}

static bool
finds(struct reading *r, struct lens_step *out)
{
    struct lens_vec all = {0};
    for (;;) {
        skip_blanks(r);
        struct lens_find one = {0};
        if (!find(r, &one))
            return false;
        struct lens_find *slot = lens_vec_add(r->b, &all, sizeof(one));
        if (!slot)
            return false;
        *slot = one;
        skip_blanks(r);
        if (all.n > FINDS_MAX)
            return wrong(r, "tests too many members", "8 are the limit");
        if (!next_is(r, ','))
            break;
        r->rest = span_skip(r->rest, 1);
    }
    if (!next_is(r, ']'))
        return wrong(r, "has a bracket that does not end", "close it with `]`");
    r->rest = span_skip(r->rest, 1);
    out->finds = all.at;
    out->n_finds = all.n;
    return true;
}

/* `[0]`, `[last]`, `[only]` if that is what stands here. */
static bool
position(struct reading *r, struct lens_step *out)
{
    ssize_t end = span_find(r->rest, ']');
    if (end < 0)
        return false;
    span text = span_trim(span_take(r->rest, (size_t)end));
    uint64_t index = 0;
    if (span_is(text, "last"))
        out->kind = LENS_LAST;
    else if (span_is(text, "only"))
        out->kind = LENS_ONLY;
    else if (span_to_u64(text, &index) && index <= UINT32_MAX)
        out->kind = LENS_INDEX;
    else
        return false;
    out->index = (size_t)index;
    r->rest = span_skip(r->rest, (size_t)end + 1);
    return true;
}

static bool
element(struct reading *r, struct lens_step *out)
{
    r->rest = span_skip(r->rest, 1);
    if (position(r, out))
        return true;
    out->kind = LENS_FIND;
    return finds(r, out);
}

/* ---- steps ---- */

static bool
step(struct reading *r, struct lens_step *out)
{
    if (next_is(r, '['))
        return element(r, out);
    if (span_starts(r->rest, SPAN("*["))) {
        r->rest = span_skip(r->rest, 2);
        out->kind = LENS_EACH_FIND;
        return finds(r, out);
    }
    if (span_is(r->rest, "*") || span_starts(r->rest, SPAN("*/"))) {
        r->rest = span_skip(r->rest, 1);
        out->kind = LENS_EACH;
        return true;
    }
    out->kind = LENS_KEY;
    return key(r, "/", &out->key);
}

static bool
steps(struct reading *r, struct lens_vec *out)
{
    for (;;) {
        struct lens_step one = {0};
        if (!step(r, &one))
            return false;
        struct lens_step *slot = lens_vec_add(r->b, out, sizeof(one));
        if (!slot)
            return false;
        *slot = one;
        if (out->n > LENS_STEPS_MAX)
            return wrong(r, "is too long", "32 steps are the limit");
        if (r->rest.len == 0)
            return true;
        if (!next_is(r, '/'))
            return wrong(r, "goes on behind a bracket or quote",
                         "a `/` parts the steps");
        r->rest = span_skip(r->rest, 1);
    }
}

/* Field names have no case: `header/X-Mode` of a message is `header/x-mode`. */
static bool
lower_header(struct lens_builder *b, struct lens_step *s, size_t n)
{
    if (n < 2 || s[0].kind != LENS_KEY || s[1].kind != LENS_KEY ||
        !span_is(s[0].key, "header"))
        return true;
    char *name = lens_array(b, s[1].key.len, 1);
    for (size_t i = 0; name && i < s[1].key.len; i++) {
        char c = s[1].key.at[i];
        name[i] = (char)(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c);
    }
    if (name)
        s[1].key = span_of(name, s[1].key.len);
    return name != NULL;
}

bool
lens_place_parse(struct lens_builder *b, const struct yaml *node, span text,
                 struct lens_place *out)
{
    struct reading r = {b, node, text, text};
    *out = (struct lens_place){.text = text};
    if (span_is(text, "."))
        return true;
    if (next_is(&r, '/'))
        return wrong(&r, "begins with a slash", "write `a/b`, without it");

    struct lens_vec all = {0};
    if (!steps(&r, &all) || (b->in_http && !lower_header(b, all.at, all.n)))
        return false;
    out->steps = all.at;
    out->n = all.n;
    return true;
}

bool
lens_place_read(struct lens_builder *b, const struct yaml *node,
                struct lens_place *out)
{
    span text;
    return lens_words_text(b, node, "a place", &text) &&
           lens_place_parse(b, node, text, out);
}

/* ---- writing ---- */

static void
put_key(struct buf *to, span k)
{
    bool odd = k.len == 0 || k.at[0] == '*' || k.at[0] == '[' ||
               span_is(k, ".") || span_find(k, '[') >= 0 ||
               span_find(k, ']') >= 0;
    if (odd && span_find(k, '\'') < 0) {
        buf_fmt(to, "'%.*s'", SPAN_FMT(k));
        return;
    }
    for (size_t i = 0; i < k.len; i++) {
        if (k.at[i] == '~')
            buf_str(to, "~0");
        else if (k.at[i] == '/')
            buf_str(to, "~1");
        else
            buf_byte(to, k.at[i]);
    }
}

static void
put_finds(struct buf *to, const struct lens_step *s)
{
    for (size_t i = 0; i < s->n_finds; i++) {
        const struct lens_find *f = &s->finds[i];
        buf_str(to, i ? ", " : "");
        buf_str(to, f->kind == LENS_LACKS ? "!" : "");
        buf_add(to, f->member.text);
        if (f->kind != LENS_EQUALS)
            continue;
        buf_byte(to, '=');
        if (f->value->kind == JSON_TEXT)
            buf_add(to, f->value->text);
        else
            json_print(f->value, to);
    }
}

static void
put_step(struct buf *to, const struct lens_step *s)
{
    switch (s->kind) {
    case LENS_KEY:
        put_key(to, s->key);
        return;
    case LENS_EACH:
        buf_byte(to, '*');
        return;
    case LENS_INDEX:
        buf_fmt(to, "[%zu]", s->index);
        return;
    case LENS_LAST:
        buf_str(to, "[last]");
        return;
    case LENS_ONLY:
        buf_str(to, "[only]");
        return;
    case LENS_FIND:
    case LENS_EACH_FIND:
        buf_str(to, s->kind == LENS_FIND ? "[" : "*[");
        put_finds(to, s);
        buf_byte(to, ']');
        return;
    }
}

bool
lens_place_make(struct lens_builder *b, const struct lens_step *from, size_t n,
                struct lens_place *out)
{
    struct buf text;
    buf_init(&text, 4096);
    if (n == 0)
        buf_byte(&text, '.');
    for (size_t i = 0; i < n; i++) {
        buf_str(&text, i ? "/" : "");
        put_step(&text, &from[i]);
    }
    *out = (struct lens_place){.steps = from, .n = n};
    bool good = span_dup(b->arena, buf_span(&text), &out->text);
    buf_fini(&text);
    b->full = b->full || !good;
    return good;
}

bool
lens_place_join(struct lens_builder *b, const struct lens_place *head,
                const struct lens_place *tail, size_t from,
                struct lens_place *out)
{
    size_t n_tail = tail->n - from;
    struct lens_step *all = lens_array(b, head->n + n_tail, sizeof(*all));
    if (!all)
        return false;
    if (head->n)
        memcpy(all, head->steps, head->n * sizeof(*all));
    if (n_tail)
        memcpy(all + head->n, tail->steps + from, n_tail * sizeof(*all));
    return lens_place_make(b, all, head->n + n_tail, out);
}

/* ---- comparing ---- */

static bool
keys_same(const struct lens_place *a, const struct lens_place *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!span_eq(a->steps[i].key, b->steps[i].key))
            return false;
    return true;
}

static bool
find_same(const struct lens_find *a, const struct lens_find *b)
{
    return a->kind == b->kind && keys_same(&a->member, &b->member) &&
           (a->kind != LENS_EQUALS || json_alike(a->value, b->value));
}

static bool
has_find(const struct lens_step *s, const struct lens_find *f)
{
    for (size_t i = 0; i < s->n_finds; i++)
        if (find_same(&s->finds[i], f))
            return true;
    return false;
}

static bool
finds_within(const struct lens_step *few, const struct lens_step *many)
{
    for (size_t i = 0; i < few->n_finds; i++)
        if (!has_find(many, &few->finds[i]))
            return false;
    return true;
}

bool
lens_step_same(const struct lens_step *a, const struct lens_step *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == LENS_KEY)
        return span_eq(a->key, b->key);
    if (a->kind == LENS_INDEX)
        return a->index == b->index;
    return finds_within(a, b) && finds_within(b, a);
}

/* Can no element pass both tests? */
static bool
finds_clash(const struct lens_find *a, const struct lens_find *b)
{
    if (!keys_same(&a->member, &b->member))
        return false;
    if (a->kind == LENS_EQUALS && b->kind == LENS_EQUALS)
        return !json_alike(a->value, b->value);
    return (a->kind == LENS_LACKS) != (b->kind == LENS_LACKS);
}

bool
lens_step_may_meet(const struct lens_step *a, const struct lens_step *b)
{
    if (a->kind == LENS_KEY && b->kind == LENS_KEY)
        return span_eq(a->key, b->key);
    if (a->kind == LENS_KEY || b->kind == LENS_KEY)
        return a->kind == LENS_EACH || b->kind == LENS_EACH;
    if (a->kind == LENS_INDEX && b->kind == LENS_INDEX)
        return a->index == b->index;
    for (size_t i = 0; i < a->n_finds; i++)
        for (size_t k = 0; k < b->n_finds; k++)
            if (finds_clash(&a->finds[i], &b->finds[k]))
                return false;
    return true;
}

bool
lens_step_covers(const struct lens_step *a, const struct lens_step *b)
{
    if (a->kind == LENS_EACH)
        return true;
    if (a->kind == LENS_EACH_FIND)
        return (b->kind == LENS_EACH_FIND || b->kind == LENS_FIND) &&
               finds_within(a, b);
    return lens_step_same(a, b);
}

bool
lens_place_starts(const struct lens_place *place,
                  const struct lens_place *prefix)
{
    if (prefix->n > place->n)
        return false;
    for (size_t i = 0; i < prefix->n; i++)
        if (!lens_step_same(&place->steps[i], &prefix->steps[i]))
            return false;
    return true;
}

bool
lens_place_same(const struct lens_place *a, const struct lens_place *b)
{
    return a->n == b->n && lens_place_starts(a, b);
}

size_t
lens_place_stars(const struct lens_place *place)
{
    size_t n = 0;
    for (size_t i = 0; i < place->n; i++)
        n += place->steps[i].kind == LENS_EACH ||
             place->steps[i].kind == LENS_EACH_FIND;
    return n;
}
