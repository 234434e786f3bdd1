/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bring: f↑ and f↓, which are stages, shapes and what fails, with the absence words
 * around them.
 */
#include "translators/compose/passage.h"

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
        struct normal_alt word = passage_term(alt, term_const(c, null));
        bool goes = omit && json_alike(null, omit);
        if (!say_notice(c, is, p->s->scope, NOTICE_LOSSY, &arrow->origin) ||
            (!goes && !passage_emit(p, word, is)))
            return false;
        alt.when = without(c, alt.when, is);
    }
    if (!omit || alt.when == GUARD_NEVER)
        return passage_emit(p, alt, alt.when);
    bool whole = json_is_container(omit);
    uint32_t term = whole ? node_term(c, p->node, &alt) : node_scalar(c, &alt);
    if (term == NORMAL_NONE)
        return whole ? false : passage_emit(p, alt, alt.when);
    guard same = both(c, alt.when, ask_equals(c, term, omit));
    return (omit->kind != JSON_TEXT || passage_must_read(p, alt.when, term)) &&
           passage_emit(p, alt, without(c, alt.when, same));
}

/* Do all stages keep what is in an object, or make a text of it? */
static bool
takes_wholes(const struct lens_way *way)
{
    for (size_t i = 0; i < way->stages.n; i++) {
        const struct lens_stage *stage = &way->stages.at[i];
        if (stage->kind == LENS_STAGE_ENUM ||
            (stage->kind == LENS_STAGE_FORM &&
             !passage_is_any(stage->form[0].kind)))
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
        if (!passage_check(p, both(p->c, value->alts[i].when, when),
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
    passage_replace(value, p);
    passage_limit_kids(p->c, value);
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
        !passage_run(c, &s, *value, &hidden) ||
        !casing_on(c, &k, value, &fails) || !fail_all(&whole, *value, fails))
        return false;
    struct passage p = {.c = c, .s = &s, .node = *value, .hidden = &hidden};
    if ((null || arrow->omit[c->write]) && !absences(&p, arrow, *value))
        return false;
    return add_alts(c, &nulls.out, *value) && add_alts(c, &hidden, *value);
}
