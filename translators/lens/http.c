/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http: blocks of arrows on messages, keyed by route as the older version names
 * it.
 *
 * A message is an object {method, path/NAME, query/NAME, header/NAME, status,
 * body}, and its arrows are arrows like others; an arrow into `body` is an outer
 * arrow into the body's type. What is of requests alone and what is of answers
 * alone never stand on one arrow, so a block is two tables, and a third (part.c).
 */
#include "proxy/base/template.h"
#include "translators/lens/build.h"

static const struct lens_words http_words = LENS_WORDS(
    "a block of `http`", "to", "map", "add", "drop", "cases", "overlap");
static const struct lens_words case_words =
    LENS_WORDS("a case of a message", "older", "newer", "both", "hide", "map",
               "add", "drop", "overlap");
static const struct lens_words gone_word =
    LENS_WORDS("a route without a block", "gone");

static bool
wrong(struct lens_builder *b, const struct yaml *at, const char *what,
      const char *remedy)
{
    yaml_problem(b->problems, at, "%s", what);
    problem_remedy(b->problems, "%s", remedy);
    return false;
}

/* ---- places ---- */

static bool
check_place(struct lens_builder *b, const struct yaml *at,
            const struct lens_place *p)
{
    unsigned root = lens_root_of(p);
    bool named = root & (LENS_ROOT_PATH | LENS_ROOT_QUERY | LENS_ROOT_HEADER);
    if (root == LENS_ROOT_BODY || (root == LENS_ROOT_STATUS && p->n == 1) ||
        (named && p->n == 2 && p->steps[1].kind == LENS_KEY))
        return true;
    yaml_problem(b->problems, at, "`%.*s` is no place of a message",
                 SPAN_FMT(p->text));
    if (p->n && span_is(p->steps[0].key, "method"))
        problem_remedy(b->problems, "a method changes with its route: "
                                    "`to: PATCH /orders/{id}`");
    else
        problem_remedy(b->problems, "it can be path/name, query/name, "
                                    "header/Name, status or body/...");
    return false;
}

/* ---- arrows ---- */

static bool
check_places(struct lens_builder *b, const struct yaml *at,
             const struct lens_arrow *a)
{
    for (size_t i = 0; i < a->n_ways; i++)
        for (size_t side = 0; side < 2; side++)
            if (a->ways[i].has[side] &&
                !check_place(b, at, &a->ways[i].place[side]))
                return false;
    for (size_t side = 0; a->joint && side < 2; side++)
        for (size_t i = 0; i < a->joint->n[side]; i++)
            if (!check_place(b, at, &a->joint->places[side][i]))
                return false;
    return true;
}

/* Has this side one value where the other has a list? */
static bool
is_single(const struct lens_way *w, enum lens_side side)
{
    for (size_t i = 0; i < w->stages.n; i++)
        if (w->stages.at[i].kind == LENS_STAGE_LIST)
            return w->stages.at[i].one == side;
    return false;
}

/* A style is of the sides that have a list in the query; one at least. */
static bool
check_style(struct lens_builder *b, const struct yaml *at, struct lens_arrow *a)
{
    if (!a->style[0] && !a->style[1])
        return true;
    bool styled = false;
    for (size_t side = 0; side < 2; side++) {
        const struct lens_way *w = &a->ways[0];
        if (!w->has[side] || lens_root_of(&w->place[side]) != LENS_ROOT_QUERY ||
            is_single(w, (enum lens_side)side))
            a->style[side] = LENS_STYLE_NONE;
        styled = styled || a->style[side];
    }
    if (styled && a->n_ways == 1)
        return true;
    return wrong(b, at, "`style` is of one parameter of a query",
                 "write query/id: {style: repeat <> index}");
}

static bool
check_arrow(struct lens_builder *b, const struct yaml *at, struct lens_arrow *a)
{
    if (!check_places(b, at, a) || !check_style(b, at, a))
        return false;
    unsigned roots = lens_roots_of(a);
    if ((roots & LENS_ROOT_STATUS) && a->kind != LENS_MAP)
        return wrong(b, at, "every answer has a status",
                     "map it: status: {enum: {422: 451}}");
    if ((roots & LENS_ROOTS_OF_REQUEST) && (roots & LENS_ROOT_STATUS))
        return wrong(b, at,
                     "no message has both: path and query are of requests, "
                     "status is of answers",
                     "lead from one to the other within a request, or within "
                     "an answer");
    return true;
}

/* ---- a status that makes or removes a body ---- */

static const struct lens_words body_words =
    LENS_WORDS("what a status becomes", "to", "body");
static const struct lens_words side_words =
    LENS_WORDS("a body of a status", "up", "down");

static bool
read_body_side(struct lens_builder *b, const struct yaml *node,
               enum lens_side write, struct lens_status_body *out)
{
    if (!node)
        return true;
    out->says[write] = true;
    if (node->kind == YAML_SCALAR && node->style == YAML_PLAIN &&
        span_is(node->text, "none"))
        return true;
    out->body[write] = lens_literal_any(b, node);
    return out->body[write] != NULL;
}

static bool
read_body(struct lens_builder *b, const struct yaml_entry *e,
          struct lens_status_body *out)
{
    const struct yaml *to = yaml_get(e->value, "to");
    const struct yaml *body = yaml_get(e->value, "body");
    *out = (struct lens_status_body){0};
    if (!lens_words_check(b, e->value, &body_words) || !to || !body)
        return to && body
                   ? false
                   : wrong(b, e->value, "a status with a body says both",
                           "write 204: {to: 200, body: {up: {}, down: none}}");
    return lens_words_text(b, e->key, "a status", &out->status[LENS_OLDER]) &&
           lens_words_text(b, to, "a status", &out->status[LENS_NEWER]) &&
           lens_words_check(b, body, &side_words) &&
           read_body_side(b, yaml_get(body, "up"), LENS_NEWER, out) &&
           read_body_side(b, yaml_get(body, "down"), LENS_OLDER, out);
}

/* A copy of a map in which one entry has another value. */
static struct yaml *
with_value(struct lens_builder *b, const struct yaml *map, size_t i,
           const struct yaml *value)
{
    struct yaml *copy = lens_array(b, 1, sizeof(*copy));
    struct yaml_entry *entries = lens_array(b, map->n, sizeof(*entries));
    if (!copy || !entries)
        return NULL;
    memcpy(entries, map->entries, map->n * sizeof(*entries));
    entries[i].value = value;
    *copy = *map;
    copy->entries = entries;
    return copy;
}

/* What `enum` says of bodies is taken out of it: the rest is an enum like others. */
static bool
take_bodies(struct lens_builder *b, const struct yaml **arrow,
            struct lens_vec *bodies)
{
    const struct yaml *plain = yaml_get(*arrow, "enum");
    if (!plain || plain->kind != YAML_MAP)
        return true;
    bool any = false;
    for (size_t i = 0; i < plain->n && !b->full; i++) {
        const struct yaml_entry *e = &plain->entries[i];
        struct lens_status_body one;
        if (e->value->kind != YAML_MAP)
            continue;
        if (!read_body(b, e, &one))
            return false;
        struct lens_status_body *slot = lens_vec_add(b, bodies, sizeof(one));
        plain = with_value(b, plain, i, yaml_get(e->value, "to"));
        if (!slot || !plain)
            return false;
        *slot = one;
        any = true;
    }
    for (size_t i = 0; any && i < (*arrow)->n; i++)
        if (span_is((*arrow)->entries[i].key->text, "enum"))
            *arrow = with_value(b, *arrow, i, plain);
    return *arrow != NULL;
}

/* ---- reading a block ---- */

struct reading {
    struct lens_builder *b;
    struct lens_draft draft;
    struct lens_vec bodies; /* struct lens_status_body */
};

static bool
is_text_place(const struct yaml *node)
{
    const struct yaml *first =
        node->kind == YAML_LIST && node->n ? node->items[0] : node;
    struct lens_place place = {0};
    struct lens_step step = {.kind = LENS_KEY};
    if (first->kind != YAML_SCALAR)
        return false;
    span rest = first->text;
    step.key = span_cut(&rest, '/');
    place.steps = &step;
    place.n = 1;
    return lens_place_is_text(&place);
}

/* On which sides are the arrow's literals texts? */
static void
set_sides(struct lens_builder *b, enum lens_arrow_kind kind,
          const struct yaml_entry *e)
{
    const struct yaml *to =
        e->value->kind == YAML_MAP ? yaml_get(e->value, "to") : e->value;
    bool own = is_text_place(e->key);
    bool other = kind == LENS_MAP && to ? is_text_place(to) : own;
    b->side_texts[LENS_OLDER] = own;
    b->side_texts[LENS_NEWER] = other;
}

static bool
is_status(const struct yaml *key)
{
    return key->kind == YAML_SCALAR && span_is(key->text, "status");
}

static void
read_arrow(struct reading *r, enum lens_arrow_kind kind, struct yaml_entry e)
{
    struct lens_builder *b = r->b;
    struct lens_arrow one;
    if (kind == LENS_MAP && is_status(e.key) && e.value->kind == YAML_MAP &&
        !take_bodies(b, &e.value, &r->bodies))
        return;
    set_sides(b, kind, &e);
    if (!lens_arrow_read(b, kind, &e, &one) || !check_arrow(b, e.key, &one))
        return;
    struct lens_arrow *slot = lens_vec_add(b, &r->draft.arrows, sizeof(one));
    if (slot)
        *slot = one;
}

static void
read_arrows(struct reading *r, enum lens_arrow_kind kind,
            const struct yaml *map)
{
    if (!map)
        return;
    if (map->kind != YAML_MAP) {
        (void)wrong(r->b, map, "this is a map of places",
                    "write query/old: query/new");
        return;
    }
    for (size_t i = 0; i < map->n && !r->b->full; i++)
        read_arrow(r, kind, map->entries[i]);
}

/* ---- cases of a whole message ---- */

static bool
read_case_arrows(struct lens_builder *b, const struct yaml *node,
                 struct lens_draft *out)
{
    struct reading r = {.b = b};
    read_arrows(&r, LENS_MAP, yaml_get(node, "map"));
    read_arrows(&r, LENS_ADD, yaml_get(node, "add"));
    read_arrows(&r, LENS_DROP, yaml_get(node, "drop"));
    const struct lens_arrow *arrows = r.draft.arrows.at;
    bool styled = false;
    for (size_t i = 0; i < r.draft.arrows.n; i++)
        styled = styled || arrows[i].style[0] || arrows[i].style[1];
    *out = r.draft;
    if (!styled && !r.bodies.n)
        return true;
    return wrong(b, node,
                 styled ? "how a list stands in a query is one for all cases"
                        : "what a status makes of a body is one for all cases",
                 "say it in `map` beside `cases`");
}

/* Places of a shape are those of a message, or its method. */
static bool
check_shape(struct lens_builder *b, const struct yaml *node,
            const struct lens_shape *s)
{
    if (s->has_inside)
        return wrong(b, node, "`.` in a case of a message",
                     "lead an arrow to `body`");
    for (size_t i = 0; i < s->n_conditions; i++) {
        const struct lens_place *p = &s->conditions[i].place;
        bool method = p->n == 1 && p->steps[0].kind == LENS_KEY &&
                      span_is(p->steps[0].key, "method");
        if (!method && !check_place(b, node, p))
            return false;
    }
    for (size_t i = 0; i < s->n_tags; i++)
        if (!check_place(b, node, &s->tags[i].place))
            return false;
    return true;
}

static bool
check_case(struct lens_builder *b, const struct yaml *node,
           const struct lens_case *c)
{
    if (c->hide == LENS_HIDE_DROP || c->hide == LENS_HIDE_VALUE)
        return wrong(b, yaml_get(node, "hide"), "a message is not hidden",
                     "say `hide: fail`");
    return check_shape(b, node, &c->shape[LENS_OLDER]) &&
           check_shape(b, node, &c->shape[LENS_NEWER]);
}

static const struct lens_case_reader in_message = {
    .words = &case_words, .arrows = read_case_arrows, .check = check_case};

static bool
finish(struct reading *r, struct lens_http *out)
{
    struct lens_builder *b = r->b;
    const struct lens_arrow *arrows = r->draft.arrows.at;
    out->bodies = r->bodies.at;
    out->n_bodies = r->bodies.n;
    for (size_t i = 0; i < r->draft.arrows.n; i++)
        out->paths = out->paths || (lens_roots_of(&arrows[i]) & LENS_ROOT_PATH);
    out->block = lens_block_finish(b, &r->draft);
    return out->block && lens_parts_fill(b, &r->draft, out);
}

/* ---- routes ---- */

static bool
read_route(struct lens_builder *b, const struct yaml *key,
           struct lens_message *out)
{
    span text;
    if (!lens_words_text(b, key, "a route", &text))
        return false;
    if (span_is(text, "*")) {
        *out = (struct lens_message){.text = text,
                                     .ways = LENS_REQUEST | LENS_ANSWER};
        return true;
    }
    if (!lens_message_read(b, key, text, out))
        return false;
    return (out->n_statuses == 0 && !out->is_event) ||
           wrong(b, key, "`http` is keyed by routes",
                 "write GET /orders or \"*\"");
}

static bool
read_to(struct lens_builder *b, const struct yaml *at, struct lens_http *out)
{
    struct lens_message *from = &out->route[LENS_OLDER];
    struct lens_message *to = &out->route[LENS_NEWER];
    if (!read_route(b, at, to))
        return false;
    if (!from->path || !to->path || to->ways != (LENS_REQUEST | LENS_ANSWER) ||
        from->ways != to->ways)
        return wrong(b, at, "a route moves as a whole, to a method and a path",
                     "write POST /orders/{id}/pay: {to: POST /payments}");
    if ((from->method.len == 0) != (to->method.len == 0))
        return wrong(b, at, "one side is of every method, the other of one",
                     "name a method on both sides, or on neither");
    out->moved = out->paths = true;
    return true;
}

void
lens_http_read(struct lens_builder *b, const struct yaml_entry *entry,
               struct lens_vec *out)
{
    const struct yaml *node = entry->value;
    struct lens_http one = {.origin = lens_origin_at(b, entry->key)};
    struct reading r = {.b = b};
    if (!read_route(b, entry->key, &one.route[LENS_OLDER]))
        return;
    one.route[LENS_NEWER] = one.route[LENS_OLDER];
    if (node->kind == YAML_SCALAR) {
        one.gone = lens_words_one(b, node, &gone_word) == 0;
        if (!one.gone || (!one.route[LENS_OLDER].path &&
                          !wrong(b, entry->key, "`gone` is of one route",
                                 "name its method and path")))
            return;
    } else if (!lens_words_check(b, node, &http_words) ||
               (yaml_get(node, "to") &&
                !read_to(b, yaml_get(node, "to"), &one))) {
        return;
    }
    b->in_http = true;
    read_arrows(&r, LENS_MAP, yaml_get(node, "map"));
    read_arrows(&r, LENS_ADD, yaml_get(node, "add"));
    read_arrows(&r, LENS_DROP, yaml_get(node, "drop"));
    lens_choice_read(b, node, &in_message, &r.draft);
    b->in_http = false;
    if (!finish(&r, &one) || !lens_route_check(b, entry, &one))
        return;
    struct lens_http *slot = lens_vec_add(b, out, sizeof(*slot));
    if (slot)
        *slot = one;
}
