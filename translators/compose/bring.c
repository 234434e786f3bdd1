/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bring: f↑ and f↓ with the absence words around them, on every alternative of
 * a value at once.
 *
 * An alternative that a stage treats in two ways is split by a guard on what
 * came; what fails is a check, what is told a notice. Containers that an enum
 * lets pass stay what they are, so that their members stay known.
 */
#include "translators/compose/build.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as an arrow has stages */

struct alts {
    struct normal_alt *at;
    size_t n;
    size_t room;
};

/* One value on its way through the stages. */
struct passage {
    struct compose *c;
    const struct staging *s;
    const struct normal_node *node;
    struct normal_alt whole; /* as it was before all stages */
    struct alts out;
    struct alts *hidden; /* what stands for what failed */
};

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

static bool
emit(struct passage *p, struct normal_alt alt, guard when)
{
    return emit_to(p, &p->out, alt, when);
}

static struct normal_alt
as_term(struct normal_alt alt, uint32_t term)
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
static bool
check(struct passage *p, guard when, const char *what)
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

static bool
must_read(struct passage *p, guard when, uint32_t term)
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
        return check(p, left, "this is no symbol of this version");
    case LENS_UNLISTED_PASS:
        break;
    }
    for (size_t i = 0; i < s->n_foreign; i++)
        foreign = either(c, foreign, ask_equals(c, term, s->foreign[i]));
    foreign = both(c, foreign, left);
    *failed = either(c, *failed, foreign);
    return check(p, foreign, "this is a symbol of the other version only");
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
        !check(p, holds, "this is no symbol of this version"))
        return false;
    if (s->unlisted == LENS_UNLISTED_IS && !tell(p, holds, NOTICE_LOSSY))
        return false;
    if (term == NORMAL_NONE) /* made: an object */
        term = 0;
    else if (!must_read(p, scalar, term))
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

    struct normal_alt image = as_term(alt, image_of(c, s, term));
    image.when = without(c, without(c, scalar, hidden), failed);
    if (image.when != GUARD_NEVER && !run_from(p, i + 1, image))
        return false;
    alt.when = holds;
    if (s->unlisted == LENS_UNLISTED_IS && s->image)
        alt = as_term(alt, term_const(c, s->image));
    bool stays = s->unlisted != LENS_UNLISTED_FAIL && holds != GUARD_NEVER &&
                 !(s->unlisted == LENS_UNLISTED_IS && !s->image);
    return !stays || run_from(p, i + 1, alt);
}

/* ---- forms ---- */

static bool
is_any(enum lens_form_kind kind)
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
        return check(p, out, "this cannot be read in the form it should have");
    case LENS_OUTSIDE_PASS:
        return emit(p, p->whole, both(c, p->whole.when, out));
    case LENS_OUTSIDE_NULL:
        return tell(p, out, NOTICE_LOSSY) &&
               emit(p, as_term(p->whole, term_const(c, &null)), out);
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
    bool any = is_any(from->kind) || is_any(to->kind);
    uint32_t term = node_scalar(c, &alt);
    if (any || term == NORMAL_NONE)
        if (!consume(p, &alt, &term))
            return false;
    guard null = both(c, alt.when, ask_types(c, term, LENS_NULL));
    guard rest = without(c, alt.when, null);
    uint32_t image = term_make(
        c,
        (struct term){.kind = TERM_FORM, .of = term, .from = from, .to = to});
    if ((!any || from->kind == LENS_AS_JSON_TEXT) && !must_read(p, rest, term))
        return false;
    guard out = both(
        c, rest, ask(c, (struct atom){.kind = ATOM_OUTSIDE, .term = image}));
    guard in = without(c, rest, out);
    guard respelt =
        both(c, in, ask(c, (struct atom){.kind = ATOM_RESPELT, .term = image}));
    if (!outside(p, out) || !tell(p, respelt, NOTICE_RESPELT))
        return false;
    struct normal_alt made = as_term(alt, image);
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
        as_term(alt,
                term_make(p->c, (struct term){.kind = TERM_WRAP, .of = term})));
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
    if (!check(p, without(c, alt.when, list), "a list was expected") ||
        !check(p, refused, "the list has several elements") ||
        !tell(p, without(c, several, refused), NOTICE_LOSSY))
        return false;
    if (!stage->empty_absent && empty != GUARD_NEVER) {
        struct normal_alt none = as_term(alt, term_const(c, &null));
        none.when = empty;
        if (!run_from(p, i + 1, none))
            return false;
    }
    uint32_t one = term_make(
        c, (struct term){.kind = TERM_PICK, .of = term, .pick = stage->pick});
    alt = as_term(alt, one);
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
        return emit(p, alt, alt.when);
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
static void
replace(struct normal_node *value, const struct passage *p)
{
    bool keeps = false;
    value->alts = p->out.at;
    value->n_alts = p->out.n;
    value->room_alts = p->out.room;
    for (size_t i = 0; i < p->out.n; i++)
        keeps = keeps || p->out.at[i].kind != ALT_TERM;
    if (!keeps) {
        value->n_kids = 0;
        value->state = NULL;
    }
}

/* Kids of alternatives that became terms are in those terms. */
static void
limit_kids(struct compose *c, struct normal_node *value)
{
    guard own = GUARD_NEVER;
    for (size_t i = 0; i < value->n_alts; i++)
        if (value->alts[i].kind != ALT_TERM)
            own = either(c, own, value->alts[i].when);
    for (size_t i = 0; i < value->n_kids; i++)
        node_limit(c, value->kids[i], own);
}

static bool
goes_on(struct passage *p, struct normal_alt alt)
{
    p->whole = alt;
    return run_from(p, 0, alt);
}

static bool
run_all(struct compose *c, const struct staging *s, struct normal_node *value,
        struct alts *hidden)
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
    replace(value, &p);
    limit_kids(c, value);
    return true;
}

bool
stage_all(struct compose *c, const struct staging *s, struct normal_node *value)
{
    struct alts hidden = {0};
    return run_all(c, s, value, &hidden);
}

/* ---- absence ---- */

/* `null` and `omit` of the side being written. */
static bool
absence(struct passage *p, const struct lens_arrow *arrow,
        struct normal_alt alt)
{
    struct compose *c = p->c;
    const struct json *null = arrow->null[c->write];
    const struct json *omit = arrow->omit[c->write];
    if (null && alt.kind != ALT_MADE) {
        guard is =
            both(c, alt.when, ask_types(c, node_scalar(c, &alt), LENS_NULL));
        struct normal_alt word = as_term(alt, term_const(c, null));
        bool goes = omit && json_alike(null, omit);
        if (!say_notice(c, is, p->s->scope, NOTICE_LOSSY, &arrow->origin) ||
            (!goes && !emit(p, word, is)))
            return false;
        alt.when = without(c, alt.when, is);
    }
    if (!omit || alt.when == GUARD_NEVER)
        return emit(p, alt, alt.when);
    bool whole = json_is_container(omit);
    uint32_t term = whole ? node_term(c, p->node, &alt) : node_scalar(c, &alt);
    if (term == NORMAL_NONE)
        return whole ? false : emit(p, alt, alt.when);
    guard same = both(c, alt.when, ask_equals(c, term, omit));
    return (omit->kind != JSON_TEXT || must_read(p, alt.when, term)) &&
           emit(p, alt, without(c, alt.when, same));
}

/* Do all stages keep what is in an object, or make a text of it? */
static bool
takes_wholes(const struct lens_way *way)
{
    for (size_t i = 0; i < way->stages.n; i++) {
        const struct lens_stage *stage = &way->stages.at[i];
        if (stage->kind == LENS_STAGE_ENUM ||
            (stage->kind == LENS_STAGE_FORM && !is_any(stage->form[0].kind)))
            return false;
    }
    return true;
}

/* What stands for values that failed, and for nulls that no stage was asked of. */
static bool
add_alts(struct compose *c, const struct alts *from, struct normal_node *to)
{
    for (size_t i = 0; i < from->n; i++)
        if (!node_add(c, to, from->at[i]))
            return false;
    return true;
}

/* While `when` holds the value fails: it goes, whatever stands for it. */
static bool
fail_all(struct passage *p, struct normal_node *value, guard when)
{
    if (when == GUARD_NEVER)
        return true;
    for (size_t i = 0; i < value->n_alts; i++) {
        p->whole = value->alts[i];
        if (!check(p, both(p->c, value->alts[i].when, when),
                   "this has no form in the other version"))
            return false;
    }
    if (p->s->hide != LENS_HIDE_DROP && p->s->hide != LENS_HIDE_VALUE)
        return true;
    struct normal_node *gone = node_copy(p->c, value);
    if (!gone)
        return false;
    node_limit(p->c, gone, when);
    node_limit(p->c, value, guard_not(&p->c->guards, when));
    return node_gone(p->c, gone, p->s->scope);
}

/* Nulls where the other side has none: no stage is asked of them. */
static bool
take_nulls(struct passage *p, const struct lens_arrow *arrow,
           struct normal_node *value)
{
    struct compose *c = p->c;
    for (size_t i = 0; i < value->n_alts; i++) {
        struct normal_alt alt = value->alts[i];
        if (alt.kind == ALT_MADE)
            continue;
        guard is =
            both(c, alt.when, ask_types(c, node_scalar(c, &alt), LENS_NULL));
        struct normal_alt of_null = alt;
        of_null.when = is;
        if (is != GUARD_NEVER && !absence(p, arrow, of_null))
            return false;
        value->alts[i].when = without(c, alt.when, is);
    }
    return true;
}

static bool
absences(struct passage *p, const struct lens_arrow *arrow,
         struct normal_node *value)
{
    for (size_t i = 0; i < value->n_alts; i++)
        if (value->alts[i].when != GUARD_NEVER &&
            !absence(p, arrow, value->alts[i]))
            return false;
    replace(value, p);
    limit_kids(p->c, value);
    return true;
}

/* Does a literal stand for what the stages write as bytes, which in MessagePack it is not? */
static bool
spells_bytes(struct compose *c, const struct lens_arrow *arrow,
             const struct lens_way *way)
{
    const struct lens_stages *s = &way->stages;
    size_t last = c->write == LENS_NEWER ? s->n - 1 : 0;
    bool has = arrow->null[c->write] || arrow->omit[c->write] ||
               arrow->absent[c->read].kind || way->hide == LENS_HIDE_VALUE;
    return has && s->n && s->at[last].kind == LENS_STAGE_FORM &&
           s->at[last].form[c->write].kind == LENS_AS_BIN;
}

/* Why objects of a type cannot go this way. */
static const char *
unknown_states(const struct object *o, const struct lens_way *way,
               const struct normal_node *value)
{
    bool hides = way->hide == LENS_HIDE_DROP || way->hide == LENS_HIDE_VALUE;
    bool states = node_has_states(value);
    if (hides && (o->n_inline || states))
        return "an object of a type may be hidden";
    if (states && !takes_wholes(way))
        return "an object of a type stands where a scalar should";
    if (states && way->rest.kind != LENS_REST_UNSAID && way->stages.n)
        return "an object of a type is lost with a list";
    return NULL;
}

bool
bring(struct compose *c, const struct object *o, const struct lens_arrow *arrow,
      const struct lens_way *way, uint32_t scope, struct normal_node **value)
{
    const struct json *null = arrow->null[c->write];
    struct staging s = {.stages = &way->stages,
                        .outside = way->outside,
                        .rest = way->rest.kind,
                        .origin = &way->origin,
                        .scope = scope,
                        .tells_hidden = true,
                        .hide = way->hide,
                        .goes_as = NOTICE_HIDDEN,
                        .hidden = way->hidden.literal};
    struct alts hidden = {0};
    struct passage nulls = {.c = c, .s = &s, .node = *value, .hidden = &hidden};
    const struct casing k = {o, way, scope};
    const char *unknown = unknown_states(o, way, *value);
    guard fails = GUARD_NEVER;
    if (unknown)
        return compose_stop(c, &way->origin, unknown);
    if (spells_bytes(c, arrow, way))
        return compose_stop(c, &way->origin, "a literal that spells bytes");
    struct passage whole = nulls;
    if (!way->has[c->write])
        return fail_all(&whole, *value, node_present(c, *value)) &&
               add_alts(c, &hidden, *value);
    if (null && !take_nulls(&nulls, arrow, *value))
        return false;
    if (!casing_off(c, &k, value, &fails) || !fail_all(&whole, *value, fails) ||
        !run_all(c, &s, *value, &hidden) || !casing_on(c, &k, value, &fails) ||
        !fail_all(&whole, *value, fails))
        return false;
    struct passage p = {.c = c, .s = &s, .node = *value, .hidden = &hidden};
    if ((null || arrow->omit[c->write]) && !absences(&p, arrow, *value))
        return false;
    return add_alts(c, &nulls.out, *value) && add_alts(c, &hidden, *value);
}
/* NOLINTEND(misc-no-recursion) */
