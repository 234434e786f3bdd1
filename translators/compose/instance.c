/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance: what is said of every element, said of one.
 *
 * A member of a list that became a map, asked by its name, is the element that this
 * key finds: all that was said of the element at hand is said of that one, and the
 * other elements are those of other keys.
 */
#include "translators/compose/build.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as places are long and guards ask atoms */

struct instance {
    struct compose *c;
    uint32_t each; /* all that is said of this */
    uint32_t one;  /* is said of that */
    guard *known;  /* by guard: 1 + what it is */
    size_t n_known;
    const char *why; /* it cannot be said */
};

/* ---- sources and terms ------------------------------------------------------------- */

static uint32_t
source_of(struct instance *k, uint32_t source)
{
    struct compose *c = k->c;
    if (source == NORMAL_NONE || source == k->each)
        return source == k->each ? k->one : source;
    struct source s = c->sources[source];
    uint32_t parent = source_of(k, s.parent);
    if (parent == s.parent)
        return source;
    switch (s.kind) {
    case SOURCE_ROOT:
        return source;
    case SOURCE_KEY:
        return source_kid(c, parent, s.key);
    case SOURCE_ELEMENT:
        return source_element(c, parent, s.step);
    case SOURCE_EACH:
        return source_each(c, parent);
    }
    return source;
}

static guard guard_of_one(struct instance *k, guard g);
static struct normal_node *node_of_one(struct instance *k,
                                       const struct normal_node *n);

static uint32_t parts_of(struct instance *k, uint32_t term);

static uint32_t
term_of_one(struct instance *k, uint32_t term)
{
    struct compose *c = k->c;
    struct term t = c->terms[term];
    switch (t.kind) {
    case TERM_CONST:
        return term;
    case TERM_SOURCE:
    case TERM_KEY:
        t.source = source_of(k, t.source);
        if (t.source == c->terms[term].source)
            return term;
        if (t.kind == TERM_KEY && c->sources[t.source].kind == SOURCE_KEY) {
            struct json *key = json_new_text(c->a, c->sources[t.source].key);
            return key ? term_const(c, key) : (compose_full(c), 0u);
        }
        break;
    case TERM_ENUM:
    case TERM_FORM:
    case TERM_WRAP:
    case TERM_PICK:
    case TERM_PART:
    case TERM_COUNT:
        t.of = term_of_one(k, t.of);
        break;
    case TERM_COMMON:
        t.of = term_of_one(k, t.of);
        t.source = source_of(k, t.source);
        break;
    case TERM_JOIN:
    case TERM_TEXT:
    case TERM_FIRST:
        return parts_of(k, term);
    case TERM_TREE:
        t.tree = node_of_one(k, t.tree);
        if (!t.tree)
            return term;
        break;
    }
    return term_make(c, t);
}

static uint32_t
parts_of(struct instance *k, uint32_t term)
{
    struct compose *c = k->c;
    struct term t = c->terms[term];
    struct term_part *parts = arena_array(c->a, t.n_parts + 1, sizeof(*parts));
    if (!parts) {
        compose_full(c);
        return term;
    }
    for (size_t i = 0; i < t.n_parts; i++) {
        parts[i] = t.parts[i];
        parts[i].when = guard_of_one(k, parts[i].when);
        if (parts[i].term != NORMAL_NONE)
            parts[i].term = term_of_one(k, parts[i].term);
    }
    t.parts = parts;
    return term_make(c, t);
}

/* ---- guards ---------------------------------------------------------------------------- */

/* The key at hand is the one's: is it none of the first `n`? */
static guard
unknown_one(const struct instance *k, const struct atom *a)
{
    const struct source *host = &k->c->sources[k->c->sources[k->one].parent];
    for (size_t i = 0; i < a->n && i < host->n_kids; i++)
        if (host->kids[i] == k->one)
            return GUARD_NEVER;
    return GUARD_ALWAYS;
}

static guard
atom_of_one(struct instance *k, uint32_t at)
{
    struct compose *c = k->c;
    struct atom a = c->atoms[at];
    switch (a.kind) {
    case ATOM_REQUEST:
    case ATOM_REPLACES:
    case ATOM_NEVER_ERASES:
    case ATOM_FACT:
        return guard_of(&c->guards, at);
    case ATOM_UNKNOWN:
        if (a.source == k->each)
            return unknown_one(k, &a);
        break;
    case ATOM_ANY:
    case ATOM_BEFORE:
    case ATOM_BEHIND:
    case ATOM_TWICE:
    case ATOM_EARLIER:
    case ATOM_MERGED:
        if (a.source == k->each)
            k->why = "which of several elements has a key";
        if (a.kind == ATOM_TWICE || a.kind == ATOM_EARLIER ||
            a.kind == ATOM_MERGED)
            a.term = term_of_one(k, a.term);
        if (a.kind == ATOM_MERGED)
            a.other = term_of_one(k, a.other);
        a.n = guard_of_one(k, (guard)a.n);
        break;
    case ATOM_PRESENT:
    case ATOM_DOUBLED:
    case ATOM_ANY_DOUBLED:
    case ATOM_OTHERS:
        break;
    case ATOM_NULL:
    case ATOM_OBJECT:
    case ATOM_LIST:
    case ATOM_STRING:
    case ATOM_NUMBER:
    case ATOM_INTEGER:
    case ATOM_TRUE:
    case ATOM_EQUALS:
    case ATOM_STARTS:
    case ATOM_LINES:
    case ATOM_SAME:
    case ATOM_OUTSIDE:
    case ATOM_RESPELT:
    case ATOM_UNCLEAN:
    case ATOM_SOME:
    case ATOM_UNEQUAL:
    case ATOM_UNREADABLE:
    case ATOM_EMPTY:
    case ATOM_SEVERAL:
    case ATOM_BEYOND:
        a.term = term_of_one(k, a.term);
        if (a.kind == ATOM_SAME)
            return ask_same(c, a.term, term_of_one(k, a.other));
        if (a.kind == ATOM_EQUALS)
            return ask_equals(c, a.term, a.value);
        return a.term == c->atoms[at].term ? guard_of(&c->guards, at)
                                           : ask(c, a);
    }
    a.source = source_of(k, a.source);
    return a.kind == ATOM_PRESENT ? ask_present(c, a.source) : ask(c, a);
}

static guard
guard_of_one(struct instance *k, guard g)
{
    struct compose *c = k->c;
    if (g <= GUARD_ALWAYS || k->why)
        return g;
    if (g < k->n_known && k->known[g])
        return k->known[g] - 1;
    struct guard_node node = c->guards.at[g];
    guard atom = atom_of_one(k, node.atom);
    guard yes = guard_of_one(k, node.yes);
    guard no = guard_of_one(k, node.no);
    guard is = either(c, both(c, atom, yes), without(c, no, atom));
    if (g < k->n_known)
        k->known[g] = is + 1;
    return is;
}

/* ---- nodes -------------------------------------------------------------------------------- */

static struct normal_node *
node_of_one(struct instance *k, const struct normal_node *n)
{
    struct compose *c = k->c;
    struct normal_node *out = node_copy(c, n);
    if (!out)
        return NULL;
    out->each = source_of(k, n->each);
    if (n->keyed != NORMAL_NONE)
        out->keyed = term_of_one(k, n->keyed);
    size_t kept = 0;
    for (size_t i = 0; i < n->n_alts; i++) {
        struct normal_alt alt = n->alts[i];
        alt.when = guard_of_one(k, alt.when);
        if (alt.kind == ALT_TERM)
            alt.term = term_of_one(k, alt.term);
        else if (alt.kind == ALT_SOURCE || alt.turned)
            alt.source = source_of(k, alt.source);
        if (alt.order.step == 0)
            alt.order.slot = source_of(k, alt.order.slot);
        if (alt.when != GUARD_NEVER)
            out->alts[kept++] = alt;
    }
    out->n_alts = kept;
    for (size_t i = 0; i < n->n_kids; i++) {
        struct normal_node *kid = node_of_one(k, n->kids[i]);
        if (!kid)
            return NULL;
        out->kids[i] = kid;
        kid->parent = out;
    }
    return out;
}

/* ---- one member ------------------------------------------------------------------------- */

/* A step to the element whose member at `source`, in the one at hand, is `key`. */
static const struct lens_step *
finds_key(struct compose *c, uint32_t each, uint32_t source, span key)
{
    size_t n = 0;
    for (uint32_t at = source; at != each; at = c->sources[at].parent)
        n++;
    struct lens_step *step = arena_alloc(c->a, sizeof(*step));
    struct lens_find *find = arena_alloc(c->a, sizeof(*find));
    struct lens_step *steps = arena_array(c->a, n + 1, sizeof(*steps));
    struct json *value = json_new_text(c->a, key);
    if (!step || !find || !steps || !value) {
        compose_full(c);
        return NULL;
    }
    uint32_t at = source;
    for (size_t i = n; i-- > 0; at = c->sources[at].parent)
        steps[i] =
            (struct lens_step){.kind = LENS_KEY, .key = c->sources[at].key};
    *find = (struct lens_find){.kind = LENS_EQUALS,
                               .member = {.steps = steps, .n = n},
                               .value = value};
    *step = (struct lens_step){.kind = LENS_FIND, .finds = find, .n_finds = 1};
    return step;
}

/* Where it is in what came; NORMAL_NONE: that is not known. */
static uint32_t
find_one(struct compose *c, const struct normal_node *each, span key)
{
    struct term t = c->terms[each->keyed];
    uint32_t list = c->sources[each->each].parent;
    if (t.kind == TERM_KEY && t.source == each->each)
        return source_kid(c, list, key);
    if (t.kind != TERM_SOURCE)
        return NORMAL_NONE;
    uint32_t at = t.source;
    while (at != each->each && c->sources[at].kind == SOURCE_KEY)
        at = c->sources[at].parent;
    if (at != each->each || t.source == at)
        return NORMAL_NONE;
    const struct lens_step *step = finds_key(c, at, t.source, key);
    return step ? source_element(c, list, step) : NORMAL_NONE;
}

/* Are all that came there, here or by name? One that is hidden may have the key, too. */
static bool
all_are_there(struct compose *c, const struct normal_node *n,
              const struct normal_node *each)
{
    guard when = GUARD_NEVER;
    guard there = node_present(c, each);
    for (size_t i = 1; i < n->n_kids; i++) {
        struct json *key = json_new_text(c->a, n->kids[i]->key);
        if (!key)
            return compose_full(c);
        there = either(c, there, ask_equals(c, each->keyed, key));
    }
    for (size_t i = 0; i < n->n_alts; i++)
        if (n->alts[i].turned && n->alts[i].source != NORMAL_NONE)
            when = either(c, when, n->alts[i].when);
    for (size_t i = 0; i < c->state->n_checks; i++)
        when = without(c, when, c->state->checks[i].when);
    return guard_implies(&c->guards, when, there);
}

struct normal_node *
index_member(struct compose *c, struct normal_node *n, span key)
{
    struct normal_node *each = n->kids[0];
    struct instance k = {.c = c, .each = each->each};
    bool is_map = !node_is_turned_list(n);
    k.one = is_map && each->n_alts ? find_one(c, each, key) : NORMAL_NONE;
    if (c->full)
        return NULL;
    if (k.one == NORMAL_NONE || !all_are_there(c, n, each)) {
        compose_stop(c, NULL,
                     "a place names one member of a list that became a map");
        return NULL;
    }
    k.n_known = c->guards.n;
    k.known = arena_array(c->a, k.n_known, sizeof(*k.known));
    if (!k.known) {
        compose_full(c);
        return NULL;
    }
    struct normal_node *kid = node_of_one(&k, each);
    struct json *text = json_new_text(c->a, key);
    if (k.why)
        compose_stop(c, NULL, k.why);
    if (!kid || !text || k.why)
        return NULL;
    kid->key = key;
    kid->is_each = false;
    kid->each = kid->keyed = NORMAL_NONE;
    kid->parent = n;
    guard there = ask_present(c, k.one);
    for (size_t i = 0; i < kid->n_alts; i++)
        kid->alts[i].order = (struct normal_order){.slot = k.one};
    node_limit(c, kid, there);
    node_limit(c, each,
               guard_not(&c->guards, ask_equals(c, each->keyed, text)));
    return node_push_kid(c, n, kid) ? kid : NULL;
}

static bool
has_name(const struct normal_node *n, span key)
{
    for (size_t i = 1; i < n->n_kids; i++)
        if (span_eq(n->kids[i]->key, key))
            return true;
    return false;
}

/* The same of a map that came. */
static guard
map_alone(struct compose *c, const struct normal_node *n, uint32_t map)
{
    guard others = ask(c, (struct atom){.kind = ATOM_OTHERS,
                                        .source = map,
                                        .n = c->sources[map].n_kids});
    for (uint32_t i = 0; i < c->sources[map].n_kids; i++) {
        uint32_t kid = c->sources[map].kids[i];
        if (!has_name(n, c->sources[kid].key))
            others = either(c, others, ask_present(c, kid));
    }
    return guard_not(&c->guards, others);
}

/* What fails and is told of all others is said of the one. */
static bool
say_of_one(struct instance *k, struct normal_state *s)
{
    struct compose *c = k->c;
    uint32_t scope = c->sources[c->sources[k->one].parent].scope;
    guard there = ask_present(c, k->one);
    size_t n_checks = s->n_checks, n_notices = s->n_notices;
    for (size_t i = 0; i < n_checks; i++) {
        const struct normal_check check = s->checks[i];
        guard when = GUARD_NEVER;
        if (check.scope == k->each)
            when = both(c, there, guard_of_one(k, check.when));
        if (!say_check(c, when, scope, check.origin, check.what))
            return false;
    }
    for (size_t i = 0; i < n_notices; i++) {
        const struct normal_notice notice = s->notices[i];
        guard when = GUARD_NEVER;
        if (notice.scope == k->each)
            when = both(c, there, guard_of_one(k, notice.when));
        if (!say_notice(c, when, scope, notice.kind, notice.origin))
            return false;
    }
    return true;
}

void
others_become(struct compose *c, uint32_t each, uint32_t one)
{
    struct instance k = {.c = c, .each = each, .one = one};
    bool asks = c->asks;
    k.n_known = c->guards.n;
    k.known = arena_array(c->a, k.n_known, sizeof(*k.known));
    c->asks = false; /* it was said already, of more than one */
    if (!k.known)
        compose_full(c);
    else if (!say_of_one(&k, c->state) || k.why)
        compose_stop(c, NULL, k.why ? k.why : "a member of an open set");
    c->asks = asks;
}

bool
others_member(struct compose *c, struct normal_node *n, size_t at,
              struct normal_node *kid)
{
    const struct normal_node *others = n->others;
    struct normal_alt came = n->alts[at];
    struct instance k = {.c = c, .each = others->each};
    if (others->each == NORMAL_NONE ||
        c->sources[others->each].parent != came.source)
        return compose_stop(c, NULL,
                            "elements of two lists stand at one place");
    k.one = source_kid(c, came.source, kid->key);
    k.n_known = c->guards.n;
    k.known = arena_array(c->a, k.n_known, sizeof(*k.known));
    if (!k.known)
        return compose_full(c);
    guard there = both(c, came.when, ask_present(c, k.one));
    for (size_t i = 0; i < others->n_alts; i++) {
        struct normal_alt alt = others->alts[i];
        alt.when = both(c, there, guard_of_one(&k, alt.when));
        if (k.why)
            return compose_stop(c, NULL, k.why);
        if (alt.kind != ALT_SOURCE || alt.source != k.each)
            return compose_stop(c, NULL, "one of many that changed");
        alt.source = k.one;
        alt.order = (struct normal_order){.slot = k.one};
        if (!node_add(c, kid, alt))
            return false;
    }
    return true;
}

guard
index_alone(struct compose *c, const struct normal_node *n)
{
    /* What is there by name, one after another: exactly `k` of the first `i`. */
    enum { NAMED_MAX = 4 };
    guard exactly[NAMED_MAX + 1] = {GUARD_ALWAYS};
    const struct normal_node *each = n->kids[0];
    uint32_t list = c->sources[each->each].parent;
    guard is = GUARD_NEVER;
    if (each->keyed == NORMAL_NONE) /* a list of a map, or of a list */
        return without(c, map_alone(c, n, list),
                       ask(c, (struct atom){.kind = ATOM_BEYOND,
                                            .term = term_of_source(c, list)}));
    if (c->terms[each->keyed].kind == TERM_KEY)
        return map_alone(c, n, list);
    for (size_t i = 1; i < n->n_kids; i++) {
        uint32_t one = find_one(c, each, n->kids[i]->key);
        if (one == NORMAL_NONE || i > NAMED_MAX) {
            compose_stop(c, NULL, "whether a list that became a map is empty");
            return GUARD_NEVER;
        }
        guard there = ask_present(c, one);
        for (size_t k = i + 1; k-- > 0;)
            exactly[k] =
                either(c, without(c, exactly[k], there),
                       k ? both(c, exactly[k - 1], there) : GUARD_NEVER);
    }
    for (size_t k = 0; k < n->n_kids; k++)
        is =
            either(c, is,
                   without(c, exactly[k],
                           ask(c, (struct atom){.kind = ATOM_BEYOND,
                                                .term = term_of_source(c, list),
                                                .n = k})));
    return is;
}
/* NOLINTEND(misc-no-recursion) */
