/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route: which route a message is of in a table, and what its line becomes.
 *
 * A name is not a thing: the name that a route had in the older version is
 * nobody's in the newer one, and the other way round, unless a block says that
 * it is another route there. The nearest template decides, as in routing.
 */
#include "proxy/base/template.h"
#include "translators/lens/build.h"

/* ---- asking ---- */

/* HEAD asks what GET would bring (RFC 9110 §9.3.2), and so of the same route. */
static bool
method_fits(const struct lens_message *m, span method)
{
    return m->method.len == 0 || span_eq(m->method, method) ||
           (span_is(method, "HEAD") && span_is(m->method, "GET"));
}

static bool
names(const struct lens_message *m, const struct lens_occasion *o)
{
    return m->path && method_fits(m, o->method) &&
           template_matches(m->path, o->path, NULL);
}

/* The nearest by its path; of those, one that names the method. */
static bool
is_nearer(const struct lens_message *a, const struct lens_message *b)
{
    int order = template_compare(a->path, b->path);
    return order < 0 || (order == 0 && a->method.len > b->method.len);
}

static const struct lens_http *
nearest(const struct lens_table *t, enum lens_side named,
        const struct lens_occasion *o)
{
    const struct lens_http *best = NULL;
    for (size_t i = 0; i < t->n_http; i++) {
        const struct lens_http *h = &t->http[i];
        if (h->gone && named == LENS_NEWER)
            continue;
        if (names(&h->route[named], o) &&
            (!best || is_nearer(&h->route[named], &best->route[named])))
            best = h;
    }
    return best;
}

/* Only the other side has a route of this name. */
static bool
is_foreign(const struct lens_table *t, enum lens_side named,
           const struct lens_occasion *o)
{
    for (size_t i = 0; i < t->n_http; i++) {
        const struct lens_http *h = &t->http[i];
        bool other = h->moved || (h->gone && named == LENS_NEWER);
        if (other && names(&h->route[lens_other(named)], o))
            return true;
    }
    return false;
}

enum lens_route_state
lens_route_of(const struct lens_table *t, enum lens_side named,
              const struct lens_occasion *o, const struct lens_http **out)
{
    *out = nearest(t, named, o);
    if (*out && (*out)->gone)
        return LENS_ROUTE_GONE;
    if (!*out && is_foreign(t, named, o))
        return LENS_ROUTE_UNKNOWN;
    return LENS_ROUTE_HERE;
}

bool
lens_http_fits(const struct lens_http *h, const struct lens_occasion *o)
{
    const struct lens_message *m = &h->route[LENS_OLDER];
    unsigned way = o->is_answer ? LENS_ANSWER : LENS_REQUEST;
    return !h->gone && (m->ways & way) && method_fits(m, o->method) &&
           (!m->path || template_matches(m->path, o->path, NULL));
}

/* ---- turning ---- */

span
lens_route_method(const struct lens_message *to, span method)
{
    return method_fits(to, method) ? method : to->method;
}

static bool
has(const struct template_match *m, span name)
{
    for (size_t i = 0; i < m->n_captures; i++)
        if (span_eq(m->captures[i].name, name))
            return true;
    return false;
}

bool
lens_route_turn(struct arena *a, const struct lens_http *h,
                enum lens_side named, span *method, span *path)
{
    const struct lens_message *to = &h->route[lens_other(named)];
    struct template_match m;
    struct buf b;
    if (!h->moved || !template_matches(h->route[named].path, *path, &m))
        return true;
    for (size_t i = 0; i < to->path->n_segments; i++) {
        const struct template_segment *s = &to->path->segments[i];
        if (s->kind == TEMPLATE_CAPTURE && !has(&m, s->text) &&
            m.n_captures < TEMPLATE_CAPTURES_MAX)
            m.captures[m.n_captures++] =
                (struct template_capture){s->text, SPAN("-")};
    }
    buf_init(&b, arena_limit(a));
    template_expand(to->path, &m, &b);
    bool ok = !buf_failed(&b) && span_dup(a, buf_span(&b), path);
    buf_fini(&b);
    *method = lens_route_method(to, *method);
    return ok;
}

/* ---- checking ---- */

static bool
captures(const struct template *t, span name)
{
    for (size_t i = 0; i < t->n_segments; i++)
        if (t->segments[i].kind == TEMPLATE_CAPTURE &&
            span_eq(t->segments[i].text, name))
            return true;
    return false;
}

static size_t
count(const struct template *t, enum template_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_segments; i++)
        n += t->segments[i].kind == kind;
    return n;
}

/* Does an arrow lead to or from path/NAME on this side? */
static bool
is_named(const struct lens_block *block, enum lens_side side, span name)
{
    for (size_t i = 0; i < block->n_arrows; i++)
        for (size_t w = 0; w < block->arrows[i].n_ways; w++) {
            const struct lens_way *way = &block->arrows[i].ways[w];
            const struct lens_place *p = &way->place[side];
            if (way->has[side] && p->n == 2 &&
                span_is(p->steps[0].key, "path") &&
                span_eq(p->steps[1].key, name))
                return true;
        }
    return false;
}

/* Every part of a path has an image, and comes from somewhere. */
static bool
check_captures(struct lens_builder *b, const struct yaml *at,
               const struct lens_http *h, enum lens_side side)
{
    const struct template *own = h->route[side].path;
    const struct template *other = h->route[lens_other(side)].path;
    for (size_t i = 0; i < own->n_segments; i++) {
        const struct template_segment *s = &own->segments[i];
        if (s->kind != TEMPLATE_CAPTURE || captures(other, s->text) ||
            is_named(h->block, side, s->text))
            continue;
        yaml_problem(b->problems, at,
                     "{%.*s} stands in the %s path alone, and no arrow says "
                     "what becomes of it",
                     SPAN_FMT(s->text), side == LENS_OLDER ? "older" : "newer");
        problem_remedy(b->problems,
                       side == LENS_OLDER ? "write map: {path/%.*s: body/...}"
                                          : "write map: {body/...: path/%.*s}",
                       SPAN_FMT(s->text));
        return false;
    }
    return true;
}

/* path/NAME of an arrow is a part of the path of its side. */
static bool
check_names(struct lens_builder *b, const struct yaml *at,
            const struct lens_http *h)
{
    for (size_t i = 0; i < h->block->n_arrows; i++)
        for (size_t side = 0; side < 2; side++) {
            const struct lens_way *w = &h->block->arrows[i].ways[0];
            const struct lens_place *p = &w->place[side];
            const struct template *t = h->route[side].path;
            if (!w->has[side] || p->n != 2 ||
                !span_is(p->steps[0].key, "path") ||
                (t && captures(t, p->steps[1].key)))
                continue;
            yaml_problem(
                b->problems, at, "`%.*s`: the %s path has no such part",
                SPAN_FMT(p->text), side == LENS_OLDER ? "older" : "newer");
            problem_remedy(b->problems, "name it in the route: {%.*s}",
                           SPAN_FMT(p->steps[1].key));
            return false;
        }
    return true;
}

bool
lens_route_check(struct lens_builder *b, const struct yaml_entry *entry,
                 const struct lens_http *h)
{
    if (!check_names(b, entry->key, h))
        return false;
    if (!h->moved)
        return true;
    const struct yaml *to = yaml_get(entry->value, "to");
    const struct template *older = h->route[LENS_OLDER].path;
    const struct template *newer = h->route[LENS_NEWER].path;
    if (count(older, TEMPLATE_VERSION) != count(newer, TEMPLATE_VERSION) ||
        count(older, TEMPLATE_REST) != count(newer, TEMPLATE_REST)) {
        yaml_problem(b->problems, to,
                     "{version} and ** stand in both paths, or in neither");
        problem_remedy(b->problems, "write both, as in /apis/{version}/pay");
        return false;
    }
    return check_captures(b, to, h, LENS_OLDER) &&
           check_captures(b, to, h, LENS_NEWER);
}

/* Two routes that become one, or two blocks that write one path anew. */
void
lens_routes_check(struct lens_builder *b, const struct lens_table *t)
{
    for (size_t i = 0; i < t->n_http; i++)
        for (size_t k = 0; k < i; k++) {
            const struct lens_http *x = &t->http[k], *y = &t->http[i];
            bool both = x->paths && y->paths;
            for (size_t side = 0; side < 2 && both; side++) {
                const struct lens_message *m = &x->route[side];
                const struct lens_message *n = &y->route[side];
                bool same = template_compare(m->path, n->path) == 0 &&
                            lens_message_may_meet(m, n);
                if (!same)
                    continue;
                lens_problem(b, &y->origin, "keep one of the two",
                             "this and %.*s:%u:%u are one route on the %s side",
                             SPAN_FMT(x->origin.change->file), x->origin.line,
                             x->origin.column,
                             side == LENS_OLDER ? "older" : "newer");
                break;
            }
        }
}
