/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passage: the stages of an arrow, on every alternative of a value at once.
 *
 * An alternative that a stage treats in two ways is split by a guard on what
 * came; what fails is a check, what is told a notice. Containers that an enum
 * lets pass stay what they are, so that their members stay known.
 */
#include "translators/compose/passage.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as an arrow has stages */

static bool
emit_to(struct passage *p, struct alts *to, struct normal_alt alt, guard when)
{
    alt.when = when;
    if (when == GUARD_NEVER)
        return true;
    void *grown = COMPOSE_GROW(p->c, to->at, to->n, to->room);
    if (!grown)
        return false;
    to->at = grown;
    to->at[to->n++] = alt;
    return true;
}

bool
passage_emit(struct passage *p, struct normal_alt alt, guard when)
{
    return emit_to(p, &p->out, alt, when);
}

struct normal_alt
passage_term(struct normal_alt alt, uint32_t term)
{
    alt.kind = ALT_TERM;
    alt.term = term;
    alt.source = 0;
    return alt;
}

static bool
tell(struct passage *p, guard when, enum notice_kind kind)
{
    return say_notice(p->c, when, p->s->scope, kind, p->s->origin);
}

/* It fails, unless `hide` says what stands for it. */
bool
passage_check(struct passage *p, guard when, const char *what)
{
    const struct staging *s = p->s;
    if (s->hide != LENS_HIDE_DROP && s->hide != LENS_HIDE_VALUE)
        return say_check(p->c, when, s->scope, s->origin, what);
    struct normal_alt hidden = p->whole;
    hidden.kind = ALT_TERM;
    if (s->hide == LENS_HIDE_VALUE)
        hidden.term = term_const(p->c, s->hidden);
    return tell(p, when, s->goes_as) &&
           (s->hide == LENS_HIDE_DROP || emit_to(p, p->hidden, hidden, when));
}

bool
passage_must_read(struct passage *p, guard when, uint32_t term)
{
    return say_check(p->c, both(p->c, when, ask_unclean(p->c, term)),
                     p->s->scope, NULL, "a text holds a lone surrogate");
}

static bool run_from(struct passage *p, size_t i, struct normal_alt alt);

/* The term of a value as a whole, which then stands nowhere but in it. */
static bool
consume(struct passage *p, const struct normal_alt *alt, uint32_t *term)
{
    struct compose *c = p->c;
    *term = node_term(c, p->node, alt);
    if (*term == NORMAL_NONE)
        return false;
    if (alt->kind == ALT_TERM)
        return true;
    struct normal_node *gone = node_copy(c, p->node);
    if (!gone)
        return false;
    node_limit(c, gone, alt->when);
    return node_gone(c, gone, p->s->scope);
}

/* ---- enum ---- */

static guard
container(struct compose *c, const struct normal_alt *alt)
{
    if (alt->kind == ALT_MADE)
        return GUARD_ALWAYS;
    return ask_types(c, node_scalar(c, alt), LENS_OBJECT | LENS_LIST);
}

/* What no row has; `failed` grows by what then has no image. */
static bool
unlisted(struct passage *p, const struct lens_symbols *s, guard left,
         uint32_t term, guard *failed)
{
    struct compose *c = p->c;
    guard foreign = GUARD_NEVER;
    switch (s->unlisted) {
    case LENS_UNLISTED_IS:
        return tell(p, left, NOTICE_LOSSY);
    case LENS_UNLISTED_FAIL:
        *failed = either(c, *failed, left);
        return passage_check(p, left, "this is no symbol of this version");
    case LENS_UNLISTED_PASS:
        break;
    }
    for (size_t i = 0; i < s->n_foreign; i++)
        foreign = either(c, foreign, ask_equals(c, term, s->foreign[i]));
    foreign = both(c, foreign, left);
    *failed = either(c, *failed, foreign);
    return passage_check(p, foreign,
                         "this is a symbol of the other version only");
}

/* What a symbol of the first table is after the second, which lists `n` rows. */
static const struct json *
image_by(const struct lens_symbols *s, const struct json *value)
{
    for (size_t i = 0; value && i < s->n_rows; i++)
        if (json_alike(value, s->rows[i].from))
            return s->rows[i].to;
    return s->unlisted == LENS_UNLISTED_IS && value ? s->image : value;
}

/* Enum after enum as one table. */
static const struct lens_symbols *
joined(struct compose *c, const struct lens_symbols *x,
       const struct lens_symbols *y)
{
    struct lens_symbols *out = arena_alloc(c->a, sizeof(*out));
    struct lens_symbol *rows =
        arena_array(c->a, x->n_rows + y->n_rows + 1, sizeof(*rows));
    if (!out || !rows) {
        compose_full(c);
        return NULL;
    }
    *out = (struct lens_symbols){.rows = rows, .unlisted = y->unlisted};
    out->image = y->image;
    for (size_t i = 0; i < x->n_rows; i++)
        rows[out->n_rows++] = (struct lens_symbol){
            .from = x->rows[i].from, .to = image_by(y, x->rows[i].to)};
    if (x->unlisted == LENS_UNLISTED_IS && x->image) {
        out->unlisted = LENS_UNLISTED_IS;
        out->image = image_by(y, x->image);
        return out;
    }
    for (size_t i = 0; i < y->n_rows; i++) {
        size_t k = 0;
        while (k < x->n_rows && !json_alike(x->rows[k].from, y->rows[i].from))
            k++;
        if (k == x->n_rows)
            rows[out->n_rows++] = (struct lens_symbol){.from = y->rows[i].from,
                                                       .to = y->rows[i].to};
    }
    return out;
}

/* The image of a term; of a constant it is one. */
static uint32_t
image_of(struct compose *c, const struct lens_symbols *s, uint32_t term)
{
    struct term t = c->terms[term];
    if (t.kind == TERM_CONST) {
        const struct json *image = image_by(s, t.value);
        return image ? term_const(c, image) : term;
    }
    if (t.kind == TERM_ENUM) {
        s = joined(c, t.symbols, s);
        term = t.of;
    }
    return s ? term_make(
                   c,
                   (struct term){.kind = TERM_ENUM, .of = term, .symbols = s})
             : term;
}

static bool
run_enum(struct passage *p, size_t i, const struct lens_symbols *s,
         struct normal_alt alt)
{
    struct compose *c = p->c;
    guard holds = both(c, alt.when, container(c, &alt));
    guard scalar = without(c, alt.when, holds);
    guard left = scalar;
    guard hidden = GUARD_NEVER;
    guard failed = GUARD_NEVER;
    uint32_t term = node_scalar(c, &alt);
    if (s->unlisted == LENS_UNLISTED_FAIL &&
        !passage_check(p, holds, "this is no symbol of this version"))
        return false;
    if (s->unlisted == LENS_UNLISTED_IS && !tell(p, holds, NOTICE_LOSSY))
        return false;
    if (term == NORMAL_NONE) /* made: an object */
        term = 0;
    else if (!passage_must_read(p, scalar, term))
        return false;
    for (size_t k = 0; scalar != GUARD_NEVER && k < s->n_rows; k++) {
        const struct lens_symbol *row = &s->rows[k];
        guard here = both(c, left, ask_equals(c, term, row->from));
        left = without(c, left, here);
        if (!row->to)
            hidden = either(c, hidden, here);
        else if (row->lossy && !tell(p, here, NOTICE_LOSSY))
            return false;
    }
    if (!unlisted(p, s, left, term, &failed) ||
        (p->s->tells_hidden && !tell(p, hidden, NOTICE_HIDDEN)))
        return false;
    if (s->passes_lossy &&
        !tell(p, either(c, without(c, left, failed), holds), NOTICE_LOSSY))
        return false;

    struct normal_alt image = passage_term(alt, image_of(c, s, term));
    image.when = without(c, without(c, scalar, hidden), failed);
    if (image.when != GUARD_NEVER && !run_from(p, i + 1, image))
        return false;
    alt.when = holds;
    if (s->unlisted == LENS_UNLISTED_IS && s->image)
        alt = passage_term(alt, term_const(c, s->image));
    bool stays = s->unlisted != LENS_UNLISTED_FAIL && holds != GUARD_NEVER &&
                 !(s->unlisted == LENS_UNLISTED_IS && !s->image);
    return !stays || run_from(p, i + 1, alt);
}

/* ---- forms ---- */

bool
passage_is_any(enum lens_form_kind kind)
{
    return kind == LENS_AS_JSON || kind == LENS_AS_JSON_TEXT ||
           kind == LENS_AS_KEYS;
}

static bool
outside(struct passage *p, guard out)
{
    struct compose *c = p->c;
    static const struct json null = {.kind = JSON_NULL, .touched = true};
    switch (p->s->outside) {
    case LENS_OUTSIDE_FAIL:
        return passage_check(p, out,
                             "this cannot be read in the form it should have");
    case LENS_OUTSIDE_PASS:
        return passage_emit(p, p->whole, both(c, p->whole.when, out));
    case LENS_OUTSIDE_NULL:
        return tell(p, out, NOTICE_LOSSY) &&
               passage_emit(p, passage_term(p->whole, term_const(c, &null)),
                            out);
    case LENS_OUTSIDE_ABSENT:
        return tell(p, out, NOTICE_LOSSY);
    }
    return true;
}

static bool
run_form(struct passage *p, size_t i, const struct lens_stage *stage,
         struct normal_alt alt)
{
    struct compose *c = p->c;
    const struct lens_form *from = &stage->form[c->read];
    const struct lens_form *to = &stage->form[c->write];
    bool any = passage_is_any(from->kind) || passage_is_any(to->kind);
    uint32_t term = node_scalar(c, &alt);
    if (any || term == NORMAL_NONE)
        if (!consume(p, &alt, &term))
            return false;
    guard null = both(c, alt.when, ask_types(c, term, LENS_NULL));
    guard rest = without(c, alt.when, null);
    uint32_t image = term_make(
        c,
        (struct term){.kind = TERM_FORM, .of = term, .from = from, .to = to});
    if ((!any || from->kind == LENS_AS_JSON_TEXT) &&
        !passage_must_read(p, rest, term))
        return false;
    guard out = both(
        c, rest, ask(c, (struct atom){.kind = ATOM_OUTSIDE, .term = image}));
    guard in = without(c, rest, out);
    guard respelt =
        both(c, in, ask(c, (struct atom){.kind = ATOM_RESPELT, .term = image}));
    if (!outside(p, out) || !tell(p, respelt, NOTICE_RESPELT))
        return false;
    struct normal_alt made = passage_term(alt, image);
    made.when = in;
    alt.when = null;
    return (in == GUARD_NEVER || run_from(p, i + 1, made)) &&
           (null == GUARD_NEVER || run_from(p, i + 1, alt));
}

/* ---- one <> list ---- */

static bool
wrap(struct passage *p, size_t i, struct normal_alt alt)
{
    uint32_t term = 0;
    if (!consume(p, &alt, &term))
        return false;
    return run_from(
        p, i + 1,
        passage_term(alt, term_make(p->c, (struct term){.kind = TERM_WRAP,
                                                        .of = term})));
}

static bool
pick(struct passage *p, size_t i, const struct lens_stage *stage,
     struct normal_alt alt)
{
    struct compose *c = p->c;
    static const struct json null = {.kind = JSON_NULL, .touched = true};
    uint32_t term = 0;
    if (!consume(p, &alt, &term))
        return false;
    guard list = both(c, alt.when, ask_types(c, term, LENS_LIST));
    guard empty =
        both(c, list, ask(c, (struct atom){.kind = ATOM_EMPTY, .term = term}));
    guard several = both(
        c, list, ask(c, (struct atom){.kind = ATOM_SEVERAL, .term = term}));
    guard refused = GUARD_NEVER;
    if (stage->pick == LENS_PICK_ONLY || p->s->rest == LENS_REST_REFUSE)
        refused = several;
    else if (p->s->rest == LENS_REST_UNSAID || p->s->rest == LENS_REST_KEEP)
        refused = both(c, several, ask(c, (struct atom){.kind = ATOM_REQUEST}));
    if (!passage_check(p, without(c, alt.when, list), "a list was expected") ||
        !passage_check(p, refused, "the list has several elements") ||
        !tell(p, without(c, several, refused), NOTICE_LOSSY))
        return false;
    if (!stage->empty_absent && empty != GUARD_NEVER) {
        struct normal_alt none = passage_term(alt, term_const(c, &null));
        none.when = empty;
        if (!run_from(p, i + 1, none))
            return false;
    }
    uint32_t one = term_make(
        c, (struct term){.kind = TERM_PICK, .of = term, .pick = stage->pick});
    alt = passage_term(alt, one);
    alt.when = without(c, without(c, list, empty), refused);
    return tell(p, both(c, alt.when, ask_types(c, one, LENS_NULL)),
                NOTICE_LOSSY) &&
           (alt.when == GUARD_NEVER || run_from(p, i + 1, alt));
}

static bool
run_from(struct passage *p, size_t i, struct normal_alt alt)
{
    const struct lens_stages *stages = p->s->stages;
    if (i == stages->n)
        return passage_emit(p, alt, alt.when);
    size_t at = p->c->read == LENS_OLDER ? i : stages->n - 1 - i;
    const struct lens_stage *stage = &stages->at[at];
    switch (stage->kind) {
    case LENS_STAGE_ENUM:
        return run_enum(p, i, &stage->symbols[p->c->read], alt);
    case LENS_STAGE_FORM:
        return run_form(p, i, stage, alt);
    case LENS_STAGE_LIST:
        return p->c->read == stage->one ? wrap(p, i, alt)
                                        : pick(p, i, stage, alt);
    case LENS_STAGE_INDEX:
    case LENS_STAGE_ORDER:
    case LENS_STAGE_PATHS:
    case LENS_STAGE_FLAT:
        break;
    case LENS_STAGE_LOOKUP: /* SEMANTICS.md, Table: H, at the object that has both */
        return compose_stop(p->c, p->s->origin,
                            "a reference to an element of a list");
    }
    return compose_stop(p->c, p->s->origin,
                        "a list as a map or sorted, or names of fields");
}

/* ---- all alternatives ---- */

/* What the value is now; members are known only of what is still what it was. */
void
passage_replace(struct normal_node *value, const struct passage *p)
{
    bool keeps = false;
    value->alts = p->out.at;
    value->n_alts = p->out.n;
    value->room_alts = p->out.room;
    for (size_t i = 0; i < p->out.n; i++)
        keeps = keeps || p->out.at[i].kind != ALT_TERM;
    if (!keeps) {
        value->n_kids = 0;
        value->others = NULL;
        value->state = NULL;
    }
}

/* Kids of alternatives that became terms are in those terms. */
void
passage_limit_kids(struct compose *c, struct normal_node *value)
{
    guard own = GUARD_NEVER;
    for (size_t i = 0; i < value->n_alts; i++)
        if (value->alts[i].kind != ALT_TERM)
            own = either(c, own, value->alts[i].when);
    for (size_t i = 0; i < value->n_kids; i++)
        node_limit(c, value->kids[i], own);
    if (value->others)
        node_limit(c, value->others, own);
}

static bool
goes_on(struct passage *p, struct normal_alt alt)
{
    p->whole = alt;
    return run_from(p, 0, alt);
}

bool
passage_run(struct compose *c, const struct staging *s,
            struct normal_node *value, struct alts *hidden)
{
    struct passage p = {.c = c, .s = s, .node = value, .hidden = hidden};
    if (s->stages->n == 0)
        return true;
    for (size_t i = 0; i < s->stages->n; i++)
        if (s->stages->at[i].kind == LENS_STAGE_INDEX)
            return index_turn(c, s, value);
    for (size_t i = 0; i < value->n_alts; i++)
        if (!goes_on(&p, value->alts[i]))
            return false;
    passage_replace(value, &p);
    passage_limit_kids(c, value);
    return true;
}

bool
stage_all(struct compose *c, const struct staging *s, struct normal_node *value)
{
    struct alts hidden = {0};
    return passage_run(c, s, value, &hidden);
}
/* NOLINTEND(misc-no-recursion) */
