/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print: a normal form for people, one instruction a line.
 *
 *     customer_id     customer        its slot
 *     amounts/total   decimal(2) of total_cents     last, by money:12
 *     refuse          "x" stands ...                when x is there
 *     tell lossy      legacy_code     when legacy_code is there
 */
#include "translators/compose/print.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as places and terms */

/* ---- nodes --------------------------------------------------------------------------- */

static void
print_order(struct printing *p, const struct normal_node *node,
            const struct normal_alt *alt)
{
    if (node->is_each || alt->order.step == 0)
        return;
    buf_fmt(
        p->b, "  last, by %.*s",
        SPAN_FMT(alt->order.change.len ? alt->order.change : SPAN("the api")));
}

static void
print_alt(struct printing *p, const struct normal_node *node,
          const struct normal_alt *alt)
{
    uint32_t source = NORMAL_NONE;
    switch (alt->kind) {
    case ALT_SOURCE:
        source = alt->source;
        normal_place(p->n, source, p->b);
        break;
    case ALT_TERM:
        print_term(p, alt->term);
        if (p->n->terms[alt->term].kind == TERM_SOURCE)
            source = p->n->terms[alt->term].source;
        break;
    case ALT_MADE:
        buf_str(p->b, !alt->turned   ? "made"
                      : alt->is_list ? "list of all in "
                                     : "map of all in ");
        if (alt->turned && alt->source != NORMAL_NONE)
            normal_place(p->n, alt->source, p->b);
        break;
    }
    print_order(p, node, alt);
    for (size_t i = 0; node->state && i < p->n->n_states; i++)
        if (p->n->states[i] == node->state)
            buf_fmt(p->b, "  through state %zu", i);
    print_guard(p, alt->when, source);
}

/* Of a slot that nothing has changed nothing need be said. */
static bool
is_untouched(struct printing *p, const struct normal_node *node,
             const struct normal_alt *alt)
{
    return node->n_alts == 1 && alt->kind == ALT_SOURCE && !node->state &&
           alt->order.step == 0 &&
           print_is_presence(p, alt->when, alt->source) &&
           (node->is_each ||
            span_eq(node->key, p->n->sources[alt->source].key));
}

void
print_node(struct printing *p, const struct normal_node *node, span path,
           bool shallow)
{
    char room[512];
    for (size_t i = 0; i < node->n_alts; i++) {
        const struct normal_alt *alt = &node->alts[i];
        if (is_untouched(p, node, alt) || !node->parent) {
            if (shallow)
                print_alt(p, node, alt);
            continue;
        }
        if (!shallow)
            buf_fmt(p->b, "  %-24.*s ", SPAN_FMT(path));
        print_alt(p, node, alt);
        if (!shallow)
            buf_byte(p->b, '\n');
    }
    size_t n_kids = node->n_kids + (node->others != NULL);
    for (size_t i = 0; !shallow && i < n_kids; i++) {
        const struct normal_node *kid =
            i < node->n_kids ? node->kids[i] : node->others;
        struct buf name;
        buf_init(&name, sizeof(room));
        buf_add(&name, path);
        buf_str(&name, path.len ? "/" : "");
        if (kid->element)
            print_step(kid->element, &name);
        else
            buf_add(&name, kid->is_each ? SPAN("*") : kid->key);
        if (!buf_failed(&name))
            print_node(p, kid, buf_span(&name), false);
        buf_fini(&name);
    }
}

/* ---- states ----------------------------------------------------------------------------- */

static void
print_origin(struct printing *p, const struct lens_origin *origin)
{
    if (origin && origin->change)
        buf_fmt(p->b, "  %.*s:%u", SPAN_FMT(origin->change->file),
                origin->line);
}

/* Is the term made of what came at this source? */
static bool
is_of(const struct normal *n, uint32_t term, uint32_t source)
{
    const struct term *t = &n->terms[term];
    switch (t->kind) {
    case TERM_SOURCE:
        return t->source == source;
    case TERM_ENUM:
    case TERM_FORM:
    case TERM_WRAP:
    case TERM_PICK:
    case TERM_PART:
    case TERM_COMMON:
    case TERM_COUNT:
        return is_of(n, t->of, source);
    case TERM_JOIN:
    case TERM_TEXT:
    case TERM_FIRST:
        for (size_t i = 0; i < t->n_parts; i++)
            if (t->parts[i].term != NORMAL_NONE &&
                is_of(n, t->parts[i].term, source))
                return true;
        return false;
    case TERM_CONST:
    case TERM_TREE:
    case TERM_KEY:
        break;
    }
    return false;
}

/* What goes: known keys of what stays that stand nowhere any more. */
static bool
stands(const struct printing *p, const struct normal_node *node,
       uint32_t source)
{
    for (size_t i = 0; i < node->n_alts; i++) {
        const struct normal_alt *alt = &node->alts[i];
        if (alt->kind == ALT_SOURCE && alt->source == source)
            return true;
        if (alt->kind == ALT_TERM && is_of(p->n, alt->term, source))
            return true;
    }
    for (size_t i = 0; i < node->n_kids; i++)
        if (stands(p, node->kids[i], source))
            return true;
    return false;
}

static void
print_gone(struct printing *p, const struct normal_state *s, uint32_t source)
{
    const struct source *from = &p->n->sources[source];
    for (uint32_t i = 0; i < from->n_kids; i++) {
        uint32_t kid = from->kids[i];
        if (kid >= p->n->n_sources)
            continue;
        print_gone(p, s, kid);
        if (stands(p, s->root, kid) || p->n->sources[kid].n_kids)
            continue;
        buf_fmt(p->b, "  %-24s ", "drop");
        normal_place(p->n, kid, p->b);
        buf_byte(p->b, '\n');
    }
    if (from->each != NORMAL_NONE && from->each < p->n->n_sources)
        print_gone(p, s, from->each);
}

static void
print_state(struct printing *p, size_t at)
{
    static const char *const words[] = {"S", "D", "B"};
    const struct normal_state *s = p->n->states[at];
    const struct lens_api *api = p->n->api;
    struct normal_held held = normal_class_of(p->n, s);
    size_t last = s == p->n->root ? p->n->to : s->last;
    buf_fmt(p->b, "state %zu: %.*s, %.*s to %.*s, class %s", at,
            SPAN_FMT(api->types[s->type].name),
            SPAN_FMT(api->versions[s->first].label),
            SPAN_FMT(api->versions[last].label), words[held.class]);
    if (s->stop.why) {
        buf_fmt(p->b, "\n  again                    %s", s->stop.why);
        print_origin(p, s->stop.origin);
        buf_byte(p->b, '\n');
        return;
    }
    if (held.source != NORMAL_NONE) {
        buf_str(p->b, ", holds ");
        normal_place(p->n, held.source, p->b);
    }
    buf_byte(p->b, '\n');
    print_node(p, s->root, (span){0}, false);
    print_gone(p, s, s->source);
    for (size_t i = 0; i < s->n_notices; i++) {
        const struct normal_notice *k = &s->notices[i];
        buf_fmt(p->b, "  tell %-19s", notice_word(k->kind));
        print_guard(p, k->when, NORMAL_NONE);
        print_origin(p, k->origin);
        buf_byte(p->b, '\n');
    }
    size_t n_plain = 0;
    for (size_t i = 0; i < s->n_checks; i++) {
        const struct normal_check *k = &s->checks[i];
        if (!k->origin && k->what != normal_wrong_marker) {
            n_plain++;
            continue;
        }
        buf_fmt(p->b, "  refuse %-17s", "");
        print_guard(p, k->when, NORMAL_NONE);
        buf_fmt(p->b, "  (%s)", k->what);
        print_origin(p, k->origin);
        buf_byte(p->b, '\n');
    }
    if (n_plain)
        buf_fmt(p->b,
                "  refuse                    a key that is read and stands "
                "twice, a text that is compared and is none (%zu)\n",
                n_plain);
}

void
normal_print(const struct normal *n, struct buf *to)
{
    struct printing p = {.n = n, .b = to};
    for (size_t i = 0; i < n->n_states; i++)
        print_state(&p, i);
}
/* NOLINTEND(misc-no-recursion) */
