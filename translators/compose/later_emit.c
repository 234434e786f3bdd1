/* SPDX-License-Identifier: Apache-2.0 */
/*
 * later_emit: what stands at a node, made of what was noted.
 *
 * A member stays where it came, but for those that came in: they follow in their order.
 */
#include "translators/compose/later.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as places are */

static struct json *emit_as(struct later_work *w, const struct later_node *node,
                            const struct later_alt *alt);

static const struct later_alt *
alternative(struct later_work *w, const struct later_node *node)
{
    for (size_t i = 0; i < node->n_alts; i++)
        if (later_holds(w, node->alts[i].when))
            return &node->alts[i];
    return NULL;
}

/* What each kid is. NULL: no room. */
static const struct later_alt **
choose(struct later_work *w, const struct later_node *node)
{
    const struct later_alt **chosen = arena_array(
        w->scratch, node->n_kids + 1, sizeof(const struct later_alt *));
    w->bad = w->bad || !chosen;
    for (size_t i = 0; chosen && i < node->n_kids; i++)
        if (!node->kids[i]->is_each)
            chosen[i] = alternative(w, node->kids[i]);
    return chosen;
}

static void
append(struct later_work *w, struct json *to, span key, struct json *value)
{
    if (!value || !to)
        return;
    bool ok = to->kind == JSON_LIST ? json_list_append(w->scratch, to, value)
                                    : json_append(w->scratch, to, key, value);
    w->bad = w->bad || !ok;
}

static bool
goes_before(const struct later_alt *a, const struct later_alt *b)
{
    return order_before(&a->order, &b->order) ||
           (!order_before(&b->order, &a->order) && a->order.nth < b->order.nth);
}

/* Those that came in, in their order; into what is made all do. */
static void
arrive(struct later_work *w, const struct later_node *node,
       const struct later_alt *const *chosen, bool made, struct json *out)
{
    const struct later_alt *last = NULL;
    for (;;) {
        const struct later_alt *next = NULL;
        size_t at = 0;
        for (size_t i = 0; i < node->n_kids; i++) {
            const struct later_alt *alt = chosen[i];
            if (!alt || (!made && alt->order.step == 0) ||
                (last && !goes_before(last, alt)) ||
                (next && !goes_before(alt, next)))
                continue;
            next = alt;
            at = i;
        }
        if (!next)
            return;
        append(w, out, node->kids[at]->key, emit_as(w, node->kids[at], next));
        last = next;
    }
}

static struct json *
fresh(struct later_work *w, const struct json *value)
{
    return later_made(w, json_clone(w->scratch, value));
}

static struct json *
made_list(struct later_work *w, bool is_list)
{
    return later_made(w, is_list ? json_new_list(w->scratch)
                                 : json_new_object(w->scratch));
}

/* ---- lists -------------------------------------------------------------------------- */

static struct json *
emit_elements(struct later_work *w, const struct later_node *each,
              const struct json *value)
{
    struct json *out = made_list(w, value->kind == JSON_LIST);
    bool has = each->each != LATER_NONE;
    struct json *was = has ? w->at[each->each] : NULL;
    for (size_t i = 0; i < value->n; i++) {
        if (has)
            w->at[each->each] = value->members[i].value;
        append(w, out, value->members[i].key, later_emit(w, each));
    }
    if (has)
        w->at[each->each] = was;
    return out;
}

/* A list of which one element is known. */
static struct json *
emit_element(struct later_work *w, const struct later_node *kid,
             const struct json *list)
{
    bool fails = false;
    const struct json *at = later_found(list, kid->element, &fails);
    struct json *element = later_emit(w, kid);
    struct json *out = made_list(w, true);
    for (size_t i = 0; i < list->n; i++) {
        const struct json *one = list->members[i].value;
        append(w, out, (span){0}, one == at ? element : fresh(w, one));
    }
    if (!at)
        append(w, out, (span){0}, element);
    return out;
}

/* ---- objects ------------------------------------------------------------------------ */

/* What stands in the slot of a member that is known. */
static void
emit_in_slot(struct later_work *w, const struct later_node *node,
             const struct later_alt *const *chosen, uint32_t slot,
             struct json *out)
{
    for (size_t i = 0; i < node->n_kids; i++)
        if (chosen[i] && chosen[i]->order.step == 0 &&
            chosen[i]->order.slot == slot) {
            append(w, out, node->kids[i]->key,
                   emit_as(w, node->kids[i], chosen[i]));
            return;
        }
}

/* What stands for a member that is not known. */
static struct json *
emit_other(struct later_work *w, const struct later_node *node,
           struct json *member)
{
    if (!node->others)
        return fresh(w, member);
    if (node->others->each != LATER_NONE)
        w->at[node->others->each] = member;
    return later_emit(w, node->others);
}

static struct json *
emit_object(struct later_work *w, const struct later_node *node,
            const struct later_alt *alt, const struct json *value)
{
    const struct later_alt **chosen = choose(w, node);
    struct json *out = made_list(w, false);
    for (size_t i = 0; chosen && i < value->n; i++) {
        const struct json_member *m = &value->members[i];
        size_t k = 0;
        while (k < alt->n_known && !span_eq(alt->known[k], m->key))
            k++;
        /* One that is doubled and was not refused is nobody's: it passes. */
        if (k < alt->n_known && !json_duplicate_of(value, m->key))
            emit_in_slot(w, node, chosen, alt->slots[k], out);
        else
            append(w, out, m->key, emit_other(w, node, m->value));
    }
    if (chosen)
        arrive(w, node, chosen, false, out);
    return out;
}

static struct json *
emit_source(struct later_work *w, const struct later_node *node,
            const struct later_alt *alt)
{
    const struct json *value = later_came(w, alt->source);
    if (!value)
        return later_made(w, NULL); /* what should be there is not */
    const struct later_node *first = node->n_kids ? node->kids[0] : NULL;
    if (!json_is_container(value) || (!first && !node->others))
        return fresh(w, value);
    if (first && first->is_each)
        return emit_elements(w, first, value);
    if (first && first->element && value->kind == JSON_LIST)
        return emit_element(w, first, value);
    if ((first && first->element) || value->kind != JSON_OBJECT)
        return fresh(w, value);
    return emit_object(w, node, alt, value);
}

/* ---- what is made ------------------------------------------------------------------- */

static void
add_turned(struct later_work *w, const struct later_node *kid,
           const struct later_alt *alt, struct json *out)
{
    struct json *value = alt ? emit_as(w, kid, alt) : NULL;
    const struct json *key = value && kid->is_each && kid->keyed != LATER_NONE
                                 ? later_value(w, kid->keyed)
                                 : NULL;
    if (!value)
        return;
    if (out->kind == JSON_OBJECT && kid->is_each &&
        (!key || key->kind != JSON_TEXT))
        w->bad = true;
    else
        append(w, out, kid->is_each && key ? key->text : kid->key, value);
}

/* A list that became a map, or a map that became a list. */
static struct json *
emit_turned(struct later_work *w, const struct later_node *node,
            const struct later_alt *alt)
{
    const struct later_node *each = node->kids[0];
    struct json *out = made_list(w, alt->is_list);
    const struct later_alt **chosen = choose(w, node);
    const struct json *host =
        alt->source == LATER_NONE ? NULL : later_came(w, alt->source);
    for (size_t i = 0; host && out && chosen && i < host->n; i++) {
        const struct json *at = host->members[i].value;
        w->at[each->each] = host->members[i].value;
        add_turned(w, each, alternative(w, each), out);
        for (size_t k = 1; k < node->n_kids; k++)
            if (chosen[k] && chosen[k]->order.step == 0 &&
                chosen[k]->at_slot != LATER_NONE &&
                later_came(w, chosen[k]->at_slot) == at)
                add_turned(w, node->kids[k], chosen[k], out);
    }
    if (host)
        w->at[each->each] = NULL;
    if (out && chosen)
        arrive(w, node, chosen, host == NULL, out);
    return out;
}

static struct json *
emit_made(struct later_work *w, const struct later_node *node,
          const struct later_alt *alt)
{
    if (alt->turned)
        return emit_turned(w, node, alt);
    struct json *out = made_list(w, alt->is_list);
    if (alt->is_list) {
        append(w, out, (span){0}, later_emit(w, node->kids[0]));
        return out;
    }
    const struct later_alt **chosen = choose(w, node);
    if (chosen)
        arrive(w, node, chosen, true, out);
    return out;
}

static struct json *
emit_plain(struct later_work *w, const struct later_node *node,
           const struct later_alt *alt)
{
    const struct json *value = NULL;
    if (w->bad)
        return NULL;
    switch (alt->kind) {
    case ALT_SOURCE:
        return emit_source(w, node, alt);
    case ALT_MADE:
        return emit_made(w, node, alt);
    case ALT_TERM:
        value = later_value(w, alt->term);
        /* Whatever holds has a value. */
        return value ? fresh(w, value) : later_made(w, NULL);
    }
    return NULL;
}

static struct json *
emit_as(struct later_work *w, const struct later_node *node,
        const struct later_alt *alt)
{
    struct json *out = emit_plain(w, node, alt);
    bool runs = out && node->state && out->kind == JSON_OBJECT;
    return runs ? later_state(w, node->state, out) : out;
}

struct json *
later_emit(struct later_work *w, const struct later_node *node)
{
    const struct later_alt *alt = alternative(w, node);
    return alt ? emit_as(w, node, alt) : NULL;
}
/* NOLINTEND(misc-no-recursion) */
