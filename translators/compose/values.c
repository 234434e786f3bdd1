/* SPDX-License-Identifier: Apache-2.0 */
/*
 * values: what becomes of the scalars at one source, as rows of a map.
 */
#include "translators/compose/lowering.h"

#include "proxy/base/buf.h"

/* As it is written, minimally escaped, after `"key":` if there is one. */
bool
lower_text(struct lowering *l, span key, const struct json *value, span *out)
{
    struct buf b;
    bool ok = true;
    buf_init(&b, arena_limit(l->c->a));
    if (key.at) {
        buf_byte(&b, '"');
        json_escape(&b, key);
        buf_str(&b, value ? "\":" : "\"");
    }
    if (value) {
        struct json *fresh = json_clone(l->c->a, value);
        ok = fresh != NULL;
        if (ok && !json_is_container(fresh))
            json_touch(fresh);
        if (ok)
            json_print(fresh, &b);
    }
    ok = ok && !buf_failed(&b) && engine_text(l->to, buf_span(&b), out);
    buf_fini(&b);
    return ok || lower_no_room(l);
}

/* ---- one class -------------------------------------------------------------------- */

/* What becomes of the values of one class. */
struct fate {
    bool aside;
    bool goes;             /* no alternative holds */
    bool stays;            /* as it came */
    const struct json *is; /* a constant, if it does not stay */
    uint32_t term;         /* else a term */
    bool
        is_read; /* by a form that may refuse or respell it, whatever it becomes */
    uint16_t *notices;
    size_t n_notices;
};

static unsigned
type_of(const struct json *v)
{
    static const unsigned types[] = {
        [JSON_NULL] = LENS_NULL,     [JSON_BOOL] = LENS_BOOL,
        [JSON_NUMBER] = LENS_NUMBER, [JSON_TEXT] = LENS_STRING,
        [JSON_LIST] = LENS_LIST,     [JSON_OBJECT] = LENS_OBJECT};
    return types[v->kind];
}

/* The image of a constant, or of what is in no row (`value` is NULL), if only enums lead
 * to it, as many as a chain has; *stays: it is still what it was. */
/* NOLINTBEGIN(misc-no-recursion) */
static bool
fold(const struct lowering *l, uint32_t term, const struct json *value,
     const struct json **out, bool *stays)
{
    const struct term *t = &l->c->terms[term];
    if (t->kind == TERM_CONST) {
        *out = t->value;
        *stays = false;
        return true;
    }
    if (t->kind == TERM_SOURCE) {
        *out = value;
        *stays = true;
        return true;
    }
    if (t->kind != TERM_ENUM || !fold(l, t->of, value, out, stays))
        return false;
    const struct lens_symbols *s = t->symbols;
    for (size_t i = 0; *out && i < s->n_rows; i++)
        if (json_alike(*out, s->rows[i].from)) {
            *out = s->rows[i].to;
            *stays = false;
            return *out != NULL;
        }
    if (s->unlisted == LENS_UNLISTED_IS) {
        *out = s->image;
        *stays = false;
    }
    return *out || *stays;
}
/* NOLINTEND(misc-no-recursion) */

static bool
fate_notices(struct lowering *l, const struct spot_of *s,
             const struct value_class *k, struct fate *f)
{
    f->notices = arena_array(l->c->a, s->notices.n + 1, sizeof(*f->notices));
    if (!f->notices)
        return lower_no_room(l);
    for (size_t i = 0; i < s->notices.n; i++) {
        uint16_t notice = s->notices.at[i];
        enum truth is = class_truth(l, l->notice_when[notice], k);
        f->aside = f->aside || is == IS_OPEN;
        if (is == IS_ALWAYS)
            f->notices[f->n_notices++] = notice;
    }
    return true;
}

/* An object stays until its end, where it is known whether it goes. */
static bool
is_decided_at_end(struct lowering *l, const struct value_class *k,
                  const struct normal_alt *alt)
{
    if (k->type != LENS_OBJECT || alt->kind != ALT_SOURCE ||
        alt->source != k->source)
        return false;
    guard stays = class_inside(l, lower_guard(l, alt->when), k->source);
    if (!class_is_of_members(l, stays, k->source))
        return false;
    l->spots[k->source].goes = guard_not(&l->c->guards, stays);
    return true;
}

/* Does it make a difference how forms read it? */
static bool
asks_forms(struct lowering *l, const struct value_class *k)
{
    const struct spot_of *s = &l->spots[k->source];
    struct value_class out = *k, bent = *k;
    out.form = FORM_OUT;
    bent.form = FORM_BENT;
    for (size_t i = 0; i < s->checks.n; i++) {
        guard g = l->check_when[s->checks.at[i]];
        if (!class_asks_forms(l, g))
            continue;
        if (class_truth(l, g, &out) != class_truth(l, g, k) ||
            class_truth(l, g, &bent) != class_truth(l, g, k))
            return true;
    }
    for (size_t i = 0; i < s->notices.n; i++) {
        guard g = l->notice_when[s->notices.at[i]];
        if (class_asks_forms(l, g) &&
            class_truth(l, g, &bent) != class_truth(l, g, k))
            return true;
    }
    for (size_t i = 0; i < s->uses.n; i++) {
        guard g = lower_guard(l, s->uses.at[i].alt->when);
        if (class_asks_forms(l, g) &&
            class_truth(l, g, &out) != class_truth(l, g, k))
            return true;
    }
    return false;
}

static bool
fate_of(struct lowering *l, const struct value_class *k, struct fate *f)
{
    const struct spot_of *s = &l->spots[k->source];
    const struct normal_alt *alt = NULL;
    *f = (struct fate){.term = NORMAL_NONE};
    f->aside = class_truth(l, s->fails, k) != IS_NEVER;
    for (size_t i = 0; i < s->uses.n; i++) {
        enum truth is =
            class_truth(l, lower_guard(l, s->uses.at[i].alt->when), k);
        if (is == IS_OPEN && is_decided_at_end(l, k, s->uses.at[i].alt))
            is = IS_ALWAYS;
        f->aside = f->aside || is == IS_OPEN || (is == IS_ALWAYS && alt);
        if (is == IS_ALWAYS)
            alt = s->uses.at[i].alt;
    }
    if (!fate_notices(l, s, k, f))
        return false;
    if (f->aside)
        return true;
    f->is_read = asks_forms(l, k);
    f->goes = alt == NULL;
    f->stays = alt && alt->kind == ALT_SOURCE;
    if (!alt || f->stays)
        return true;
    if (alt->kind == ALT_MADE) {
        f->aside = true;
        return true;
    }
    if (fold(l, alt->term, k->value, &f->is, &f->stays)) {
        f->stays = f->stays || (k->value && f->is && f->is == k->value);
        if (f->stays)
            f->is = NULL;
        return true;
    }
    f->is = NULL;
    f->stays = false;
    f->term = alt->term;
    return true;
}

/* ---- all classes of a source -------------------------------------------------------- */

static bool
same_notices(const struct fate *a, const struct fate *b)
{
    if (a->n_notices != b->n_notices)
        return false;
    for (size_t i = 0; i < a->n_notices; i++)
        if (a->notices[i] != b->notices[i])
            return false;
    return true;
}

static bool
same_fate(const struct fate *a, const struct fate *b)
{
    return a->aside == b->aside && a->goes == b->goes && a->stays == b->stays &&
           a->is == b->is && a->term == b->term && a->is_read == b->is_read &&
           same_notices(a, b);
}

struct fates {
    struct fate texts; /* those of no symbol */
    struct fate numbers;
    struct fate objects;
    struct fate lists;
};

/* What a value of no symbol becomes: by forms, unless it simply stays. */
static bool
lower_other(struct lowering *l, const struct value_class *k,
            const struct fate *f, bool dropped, struct engine_map *map)
{
    struct engine_form *form = arena_alloc(l->to, sizeof(*form));
    struct value_class outside = *k;
    struct fate out;
    outside.form = FORM_OUT;
    if (!form)
        return lower_no_room(l);
    if (!fate_of(l, &outside, &out))
        return false;
    const struct form_of what = {.term = f->term,
                                 .constant = f->is,
                                 .fails = out.aside,
                                 .passes = out.stays && !out.n_notices,
                                 .notices = f->notices,
                                 .n_notices = f->n_notices};
    map->fault = ENGINE_NONE;
    if (f->aside || (f->goes && !dropped)) {
        map->fault = LOWER_ASIDE;
        return true;
    }
    if ((f->goes || f->stays) && !f->is_read && !f->n_notices)
        return true;
    form->fault = LOWER_ASIDE;
    map->form = form;
    return lower_form(l, k, &what, form);
}

static bool
lower_row(struct lowering *l, const struct json *symbol, const struct fate *f,
          bool dropped, span *spelling, struct engine_row *row)
{
    static const span nothing = {0};
    row->fault = ENGINE_NONE;
    row->to = nothing;
    if (!lower_text(l, nothing, symbol, spelling))
        return false;
    bool lost = f->goes && !dropped;
    if (f->aside || lost || f->is_read || (!f->goes && !f->stays && !f->is)) {
        row->fault = LOWER_ASIDE;
        return true;
    }
    if (!f->goes && !f->stays && !lower_text(l, nothing, f->is, &row->to))
        return false;
    return lower_notes(l, f->notices, f->n_notices, &row->notes);
}

/* A form of a constant is left to the form. */
static bool
is_formed(const struct fate *f)
{
    return !f->aside && !f->goes && !f->stays && !f->is;
}

static bool
lower_map(struct lowering *l, const struct value_class *of,
          const struct fate *other, bool dropped, struct engine_entry *e)
{
    uint32_t source = of->source;
    const struct json **symbols = NULL;
    size_t n_symbols = 0, n = 0;
    struct engine_map *map = arena_alloc(l->to, sizeof(*map));
    if (!map)
        return lower_no_room(l);
    if (!class_symbols(l, source, &symbols, &n_symbols))
        return false;
    bool any = !other->aside || !(e->refused & ENGINE_OBJECT) ||
               !(e->refused & ENGINE_LIST);
    struct engine_row *rows = arena_array(l->to, n_symbols + 1, sizeof(*rows));
    span *spellings = arena_array(l->c->a, n_symbols + 1, sizeof(*spellings));
    if (!rows || !spellings)
        return lower_no_room(l);
    for (size_t i = 0; i < n_symbols; i++) {
        struct value_class k = {source, type_of(symbols[i]), symbols[i],
                                FORM_IN};
        struct fate f;
        if (!fate_of(l, &k, &f))
            return false;
        if (is_formed(&f) && is_formed(other) && f.term == other->term)
            continue;
        if (same_fate(&f, other) &&
            (f.stays || f.goes || f.aside || (f.is && f.is_read)))
            continue;
        if (!lower_row(l, symbols[i], &f, dropped, &spellings[n], &rows[n]))
            return false;
        any = any || rows[n].fault == ENGINE_NONE;
        n++;
    }
    if (!any)
        return lower_stop(l, "a value waits for what decides it");
    if (!lower_other(l, of, other, dropped, map))
        return false;
    bool reads_bytes = map->form && map->form->reads_bytes;
    for (size_t i = 0; reads_bytes && i < n; i++)
        if (spellings[i].at[0] == '"')
            return lower_stop(l, "bytes that are compared");
    map->rows = rows;
    if (!engine_table_build(l->to, spellings, n, &map->table))
        return lower_no_room(l);
    bool plain = n == 0 && !map->form && map->fault == ENGINE_NONE;
    e->map = plain && !l->spots[source].is_read ? NULL : map;
    return true;
}

bool
lower_read_only(struct lowering *l, const struct engine_map **out)
{
    struct engine_map *map = arena_alloc(l->to, sizeof(*map));
    if (!map || !engine_table_build(l->to, NULL, 0, &map->table))
        return lower_no_room(l);
    map->fault = ENGINE_NONE;
    *out = map;
    return true;
}

/* Does a container of this fate stay, in a list of its own? */
static bool
is_wrapped(const struct lowering *l, const struct fate *f)
{
    const struct json *is = NULL;
    bool stays = false;
    return is_formed(f) && f->term != NORMAL_NONE && !f->n_notices &&
           l->c->terms[f->term].kind == TERM_WRAP &&
           fold(l, l->c->terms[f->term].of, NULL, &is, &stays) && stays;
}

/* Is all that a source decides decided by its being there? Then it has one fate. */
static bool
is_plain(const struct lowering *l, const struct value_class *any)
{
    const struct spot_of *s = &l->spots[any->source];
    for (size_t i = 0; i < s->checks.n; i++)
        if (class_truth(l, l->check_when[s->checks.at[i]], any) == IS_OPEN)
            return false;
    for (size_t i = 0; i < s->notices.n; i++)
        if (class_truth(l, l->notice_when[s->notices.at[i]], any) == IS_OPEN)
            return false;
    return true;
}

/* The value of such a source, as far as it needs no map. *done: it is lowered. */
static bool
lower_plain_value(struct lowering *l, uint32_t source, bool dropped,
                  struct engine_entry *e, bool *done)
{
    const struct value_class any = {.source = source};
    const struct spot_of *s = &l->spots[source];
    struct fate f;
    *done = false;
    if (!is_plain(l, &any))
        return true;
    for (size_t i = 0; i < s->uses.n; i++)
        if (class_truth(l, lower_guard(l, s->uses.at[i].alt->when), &any) ==
            IS_OPEN)
            return true;
    if (!fate_of(l, &any, &f))
        return false;
    if (f.aside)
        return lower_stop(l, "a value waits for what decides it");
    if (!f.stays && !(f.goes && dropped))
        return true;
    if (f.n_notices ? !dropped : s->is_read)
        return true;
    *done = true;
    return (!s->is_read || lower_read_only(l, &e->map)) &&
           lower_notes(l, f.notices, f.n_notices, &e->notes);
}

bool
lower_value(struct lowering *l, uint32_t source, struct engine_entry *e)
{
    bool done = false;
    if (!lower_plain_value(l, source, e->action == ENGINE_DROP, e, &done))
        return false;
    if (done)
        return true;
    struct fates f;
    struct value_class k = {.source = source};
    bool dropped = e->action == ENGINE_DROP;
    k.type = LENS_STRING;
    if (!fate_of(l, &k, &f.texts))
        return false;
    k.type = LENS_NUMBER;
    if (!fate_of(l, &k, &f.numbers))
        return false;
    k.type = LENS_OBJECT;
    if (!fate_of(l, &k, &f.objects))
        return false;
    k.type = LENS_LIST;
    if (!fate_of(l, &k, &f.lists))
        return false;
    struct fate *other = &f.texts;
    k.type = LENS_STRING;
    if (f.texts.aside && !f.numbers.aside) {
        other = &f.numbers;
        k.type = LENS_NUMBER;
    }
    if (!same_fate(other, &f.numbers))
        e->refused |= ENGINE_NUMBER;
    if (!same_fate(other, &f.texts))
        e->refused |= ENGINE_TEXT;
    if (is_wrapped(l, &f.objects))
        e->again = &engine_wraps;
    else if (f.objects.aside || (!f.objects.stays && !f.objects.goes) ||
             (f.objects.goes && !dropped) || f.objects.n_notices)
        e->refused |= ENGINE_OBJECT;
    if (is_wrapped(l, &f.lists))
        e->again = &engine_wraps;
    else if (f.lists.aside || (!f.lists.stays && !f.lists.goes) ||
             (f.lists.goes && !dropped) || f.lists.n_notices)
        e->refused |= ENGINE_LIST;
    /* What is told of all of them is told of the entry. */
    bool all = !f.objects.aside && !f.lists.aside &&
               same_notices(&f.objects, other) && same_notices(&f.lists, other);
    if (all && other->n_notices && dropped && !other->is_read) {
        const struct json **symbols = NULL;
        size_t n = 0;
        if (!class_symbols(l, source, &symbols, &n))
            return false;
        bool every = !(e->refused & (ENGINE_NUMBER | ENGINE_TEXT));
        const struct json *same = NULL;
        for (size_t i = 0; i < n; i++) {
            struct value_class s = {source, type_of(symbols[i]), symbols[i],
                                    FORM_IN};
            struct fate of;
            if (!fate_of(l, &s, &of))
                return false;
            if (same_fate(&of, other))
                continue;
            every = every && !same && of.goes && of.n_notices == 0;
            same = symbols[i];
        }
        if (every) {
            e->refused = 0;
            e->has_same = same != NULL;
            if (same && !lower_text(l, (span){0}, same, &e->same))
                return false;
            if (l->spots[source].is_read && !lower_read_only(l, &e->map))
                return false;
            return lower_notes(l, other->notices, other->n_notices, &e->notes);
        }
    }
    return lower_map(l, &k, other, dropped, e);
}
