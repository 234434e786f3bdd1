/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read: one case of a file, strictly. What is wrong is said where it stands.
 */
#include "translators/cases/build.h"

#include "proxy/base/map.h"

struct reading {
    struct arena *a;
    const struct lens_api *api;
    struct problems *p;
};

/* ---- words ---- */

static const char *const claim_words[] = {"case",  "type",  "from",   "to",
                                          "older", "newer", "only",   "side",
                                          "exact", "fails", "pointer"};
static const char *const message_words[] = {
    "request", "answer", "to", "header", "body", "event", "data"};

static bool
wrong(struct reading *r, const struct yaml *at, const char *what,
      const char *remedy)
{
    yaml_problem(r->p, at, "%s", what);
    problem_remedy(r->p, "%s", remedy);
    return false;
}

static bool
is_among(span word, const char *const *words, size_t n, const char **near)
{
    unsigned least = 3;
    for (size_t i = 0; i < n; i++) {
        unsigned d = edit_distance(word, span_str(words[i]));
        if (d == 0)
            return true;
        if (d < least && d < word.len) {
            least = d;
            *near = words[i];
        }
    }
    return false;
}

static bool
check_words(struct reading *r, const struct yaml *map, const char *what,
            const char *const *words, size_t n)
{
    if (map->kind != YAML_MAP) {
        yaml_problem(r->p, map, "%s is a map, and this is %s", what,
                     yaml_what(map));
        return false;
    }
    for (size_t i = 0; i < map->n; i++) {
        const struct yaml *key = map->entries[i].key;
        const char *near = NULL;
        if (key->kind == YAML_SCALAR && is_among(key->text, words, n, &near))
            continue;
        yaml_problem(r->p, key, "`%.*s` is not a word of %s",
                     SPAN_FMT(span_take(key->text, 80)), what);
        if (near)
            problem_remedy(r->p, "did you mean `%s`?", near);
        return false;
    }
    return true;
}

static bool
text_of(struct reading *r, const struct yaml *map, const char *word, span *out)
{
    const struct yaml *node = yaml_get(map, word);
    if (!node)
        return true;
    if (node->kind != YAML_SCALAR || node->text.len == 0) {
        yaml_problem(r->p, node, "`%s` is a text, and this is %s", word,
                     node->kind == YAML_SCALAR ? "empty" : yaml_what(node));
        return false;
    }
    *out = node->text;
    return true;
}

/* ---- messages ---- */

/* "GET /orders/7?expand=lines" */
static bool
read_line(struct reading *r, const struct yaml *at, struct case_side *out)
{
    span rest = at->kind == YAML_SCALAR ? at->text : (span){0};
    out->method = span_cut(&rest, ' ');
    out->path = rest;
    if (!out->method.len || !rest.len || rest.at[0] != '/' ||
        span_find(rest, ' ') >= 0)
        return wrong(r, at, "this is no line of a request",
                     "write GET /orders/7?expand=lines");
    out->has_query = span_find(rest, '?') >= 0;
    out->path = span_cut(&rest, '?');
    out->query = rest;
    return true;
}

static bool
add_field(struct reading *r, const struct yaml *name, const struct yaml *value,
          struct case_side *out)
{
    if (name->kind != YAML_SCALAR || value->kind != YAML_SCALAR)
        return wrong(r, value, "a field of a head is a text",
                     "write header: {Name: value}, or a list of values");
    out->fields[out->n_fields++] = (struct head_field){name->text, value->text};
    return true;
}

static bool
read_fields(struct reading *r, const struct yaml *node, struct case_side *out)
{
    size_t n = 0;
    if (!node)
        return true;
    out->fields_node = node;
    if (node->kind != YAML_MAP)
        return wrong(r, node, "`header` is a map of fields",
                     "write header: {Name: value}");
    for (size_t i = 0; i < node->n; i++) {
        const struct yaml *value = node->entries[i].value;
        n += value->kind == YAML_LIST ? value->n : 1;
    }
    out->fields = arena_array(r->a, n, sizeof(*out->fields));
    if (!out->fields)
        return false;
    for (size_t i = 0; i < node->n; i++) {
        const struct yaml_entry *e = &node->entries[i];
        size_t lines = e->value->kind == YAML_LIST ? e->value->n : 1;
        for (size_t k = 0; k < lines; k++)
            if (!add_field(r, e->key,
                           e->value->kind == YAML_LIST ? e->value->items[k]
                                                       : e->value,
                           out))
                return false;
    }
    return true;
}

static bool
read_status(struct reading *r, const struct yaml *at, struct case_side *out)
{
    uint64_t status = 0;
    if (at->kind != YAML_SCALAR || !span_to_u64(at->text, &status) ||
        status < 200 || status > 599)
        return wrong(r, at, "this is no status", "write 200 to 599");
    out->status = (unsigned)status;
    return true;
}

/* `event: none` where the other version has no such event. */
static bool
read_event(struct reading *r, const struct yaml *node, struct case_side *out)
{
    const struct yaml *data = yaml_get(node, "data");
    const struct yaml *to = yaml_get(node, "to");
    span name = {0};
    if (yaml_get(node, "body") || yaml_get(node, "header") ||
        yaml_get(node, "answer") || yaml_get(node, "request"))
        return wrong(r, node, "an event is a name and data",
                     "write {event: order.paid, data: {...}}");
    out->kind = CASE_EVENT;
    out->status = 200;
    out->method = SPAN("GET");
    out->path = SPAN("/events");
    if (!text_of(r, node, "event", &name) || (to && !read_line(r, to, out)))
        return false;
    if (!span_is(name, "none"))
        out->event = name;
    if (!out->event.len != !data)
        return wrong(
            r, node, "an event has data, and one that does not come has none",
            "write {event: order.paid, data: {...}}, or {event: none}");
    out->body = data ? case_document(r->a, data, r->p) : NULL;
    return !data || out->body;
}

static bool
read_message(struct reading *r, const struct yaml *node, struct case_side *out)
{
    if (!check_words(r, node, "a message", message_words, COUNT(message_words)))
        return false;
    if (yaml_get(node, "event"))
        return read_event(r, node, out);
    const struct yaml *request = yaml_get(node, "request");
    const struct yaml *answer = yaml_get(node, "answer");
    const struct yaml *to = yaml_get(node, "to");
    if (yaml_get(node, "data"))
        return wrong(r, node, "`data` is of an event", "say `event` too");
    if (!request == !answer || !answer != !to)
        return wrong(r, node, "a message is a request, or an answer to one",
                     "write request: GET /orders/7, or answer: 200 and to: GET "
                     "/orders/7");
    out->kind = request ? CASE_REQUEST : CASE_ANSWER;
    if ((answer && !read_status(r, answer, out)) ||
        !read_line(r, request ? request : to, out) ||
        !read_fields(r, yaml_get(node, "header"), out))
        return false;
    const struct yaml *body = yaml_get(node, "body");
    out->body = body ? case_document(r->a, body, r->p) : NULL;
    return !body || out->body;
}

/* ---- claims ---- */

static bool
read_side(struct reading *r, const struct case_claim *c,
          const struct yaml *node, struct case_side *out)
{
    if (!node)
        return true;
    out->node = node;
    if (!c->type.len)
        return read_message(r, node, out);
    out->kind = CASE_VALUE;
    out->body = case_document(r->a, node, r->p);
    return out->body != NULL;
}

static bool
read_version(struct reading *r, const struct yaml *node, const char *word,
             size_t *out)
{
    const struct yaml *said = yaml_get(node, word);
    if (!said)
        return true;
    int v =
        said->kind == YAML_SCALAR ? lens_version_of(r->api, said->text) : -1;
    if (v < 0)
        return wrong(r, said, "this is no version of the api",
                     "write a label of `versions`");
    *out = (size_t)v;
    return true;
}

static bool
read_type(struct reading *r, const struct yaml *node, struct case_claim *out)
{
    if (!text_of(r, node, "type", &out->type))
        return false;
    if (!out->type.len || lens_type_of(r->api, out->type) >= 0)
        return true;
    return wrong(r, yaml_get(node, "type"), "this is no type of the api",
                 "write one of `types`, or leave it out and write messages");
}

/* One of two words, or neither: then both hold. */
static bool
read_choice(struct reading *r, const struct yaml *node, const char *word,
            const char *const names[2], bool out[2])
{
    const struct yaml *said = yaml_get(node, word);
    for (size_t i = 0; i < 2; i++)
        out[i] = !said ||
                 (said->kind == YAML_SCALAR && span_is(said->text, names[i]));
    if (out[0] || out[1])
        return true;
    yaml_problem(r->p, said, "`%s` is `%s` or `%s`", word, names[0], names[1]);
    return false;
}

static bool
read_flags(struct reading *r, const struct yaml *node, struct case_claim *out)
{
    static const char *const ways[] = {"up", "down"};
    static const char *const sides[] = {"request", "answer"};
    const struct yaml *exact = yaml_get(node, "exact");
    if (exact && exact->literal != YAML_BOOL)
        return wrong(r, exact, "`exact` is true or false", "write exact: true");
    out->exact = exact && span_is(exact->text, "true");
    if (!out->type.len && yaml_get(node, "side"))
        return wrong(r, yaml_get(node, "side"),
                     "a message says its side itself", "leave `side` out");
    return read_choice(r, node, "only", ways, out->goes) &&
           read_choice(r, node, "side", sides, out->as);
}

static bool
read_failure(struct reading *r, const struct yaml *node, struct case_claim *out)
{
    out->fails = yaml_get(node, "fails");
    out->pointer = yaml_get(node, "pointer");
    if (out->pointer && !out->fails)
        return wrong(r, out->pointer, "`pointer` says where a message fails",
                     "say `fails` too, or leave it out");
    if (out->pointer && out->pointer->kind != YAML_SCALAR)
        return wrong(r, out->pointer, "`pointer` is a text", "write /lines/0");
    if (!out->fails)
        return true;
    if (out->fails->kind != YAML_SCALAR || !out->fails->text.len)
        return wrong(r, out->fails,
                     "`fails` is words of the sentence that is "
                     "said",
                     "write fails: can no longer be written");
    if (out->goes[0] == out->goes[1])
        return wrong(r, out->fails, "a message fails one way",
                     "say only: up, or only: down");
    return true;
}

/* Which documents are needed, and are they of one kind? */
static bool
check_sides(struct reading *r, const struct case_claim *c)
{
    for (size_t side = 0; side < 2; side++) {
        bool is_source = c->goes[side];
        if (!c->side[side].node && (is_source || !c->fails))
            return wrong(r, c->node,
                         side == 0
                             ? "the case has no document of the older side"
                             : "the case has no document of the newer "
                               "side",
                         "say `older` and `newer`");
        if (c->fails && c->side[side].node && !is_source)
            return wrong(r, c->side[side].node,
                         "what fails has no document on the other side",
                         "leave it out");
    }
    if (!c->fails && c->side[0].kind != c->side[1].kind)
        return wrong(r, c->node, "the two sides are not of one kind",
                     "write two cases");
    return true;
}

bool
case_read(struct arena *a, const struct lens_api *api, const struct yaml *node,
          struct problems *p, struct case_claim *out)
{
    struct reading r = {a, api, p};
    *out =
        (struct case_claim){.node = node, .version = {0, api->n_versions - 1}};
    if (!check_words(&r, node, "a case", claim_words, COUNT(claim_words)))
        return false;
    if (!yaml_get(node, "case"))
        return wrong(&r, node, "the case has no name",
                     "write case: what holds");
    if (!text_of(&r, node, "case", &out->name) || !read_type(&r, node, out) ||
        !read_version(&r, node, "from", &out->version[0]) ||
        !read_version(&r, node, "to", &out->version[1]) ||
        !read_flags(&r, node, out) || !read_failure(&r, node, out) ||
        !read_side(&r, out, yaml_get(node, "older"), &out->side[0]) ||
        !read_side(&r, out, yaml_get(node, "newer"), &out->side[1]))
        return false;
    if (out->version[0] >= out->version[1])
        return wrong(&r, node, "`from` is not older than `to`",
                     "name the older version first");
    return check_sides(&r, out);
}
