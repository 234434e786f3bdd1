/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/compose/interpret.h"

#include "tests/test.h"
#include "tests/translators/compose/interpret_frame.h"
#include "tests/translators/compose/several.h"
#include "translators/reference/form.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as a document */

static struct json *run_state(const struct frame *outer,
                              const struct normal_state *s, struct json *value);

void
interpret_tell(struct arena *a, struct interpreted *out,
               const struct translation_notice *notice)
{
    for (size_t i = 0; i < out->n_notices; i++) {
        struct translation_notice *known = &out->notices[i];
        if (known->kind == notice->kind && known->line == notice->line &&
            span_eq(known->change, notice->change)) {
            known->n += notice->n;
            return;
        }
    }
    if (out->n_notices == out->room_notices) {
        size_t more = out->room_notices * 2 + 8;
        out->notices = arena_grow(a, out->notices, out->n_notices, more,
                                  sizeof(*out->notices));
        assert_non_null(out->notices);
        out->room_notices = more;
    }
    out->notices[out->n_notices++] = *notice;
}

/* ---- what stands where -------------------------------------------------------------------- */

static const struct normal_alt *
alternative(struct frame *f, const struct normal_node *node)
{
    const struct normal_alt *found = NULL;
    for (size_t i = 0; i < node->n_alts; i++) {
        if (!frame_holds(f, node->alts[i].when))
            continue;
        if (found)
            f->out->broken = "two alternatives hold at once";
        found = &node->alts[i];
    }
    return found;
}

static bool
goes_before(const struct normal_order *a, const struct normal_order *b)
{
    if (a->step != b->step)
        return a->step < b->step;
    int by_name = span_cmp(a->change, b->change);
    if (by_name)
        return by_name < 0;
    return a->arrow != b->arrow ? a->arrow < b->arrow : a->nth < b->nth;
}

static void
append(struct frame *f, struct json *object, const struct normal_node *kid)
{
    struct json *value = frame_emit(f, kid);
    if (value && object->kind == JSON_LIST)
        assert_true(json_list_append(f->a, object, value));
    else if (value)
        assert_true(json_append(f->a, object, kid->key, value));
}

/* Those that came in, in their order. */
static void
arrivals(struct frame *f, const struct normal_node *node, bool made,
         struct json *out)
{
    const struct normal_alt *last = NULL;
    for (;;) {
        const struct normal_node *next = NULL;
        const struct normal_alt *found = NULL;
        for (size_t i = 0; i < node->n_kids; i++) {
            if (node->kids[i]->is_each)
                continue;
            const struct normal_alt *alt = alternative(f, node->kids[i]);
            if (!alt || (!made && alt->order.step == 0) ||
                (last && !goes_before(&last->order, &alt->order)))
                continue;
            if (!found || goes_before(&alt->order, &found->order)) {
                found = alt;
                next = node->kids[i];
            }
        }
        if (!next)
            return;
        append(f, out, next);
        last = found;
    }
}

static const struct normal_node *
kid_in_slot(struct frame *f, const struct normal_node *node, uint32_t slot)
{
    for (size_t i = 0; i < node->n_kids; i++) {
        const struct normal_alt *alt = alternative(f, node->kids[i]);
        if (alt && alt->order.step == 0 && alt->order.slot == slot)
            return node->kids[i];
    }
    return NULL;
}

static struct json *
emit_elements(struct frame *f, const struct normal_node *each,
              const struct json *value)
{
    bool is_list = value->kind == JSON_LIST;
    struct json *out = is_list ? json_new_list(f->a) : json_new_object(f->a);
    struct json *was = each->each == NORMAL_NONE ? NULL : f->at[each->each];
    for (size_t i = 0; i < value->n; i++) {
        if (each->each != NORMAL_NONE)
            f->at[each->each] = value->members[i].value;
        struct json *element = frame_emit(f, each);
        if (element && is_list)
            assert_true(json_list_append(f->a, out, element));
        else if (element)
            assert_true(json_append(f->a, out, value->members[i].key, element));
    }
    if (each->each != NORMAL_NONE)
        f->at[each->each] = was;
    return out;
}

/* A list of which one element is known. */
static struct json *
emit_element(struct frame *f, const struct normal_node *kid,
             const struct json *list)
{
    bool fails = false;
    if (list->kind != JSON_LIST)
        return json_clone(f->a, list);
    const struct json *at = frame_found(list, kid->element, &fails);
    struct json *out = json_new_list(f->a);
    struct json *element = frame_emit(f, kid);
    for (size_t i = 0; i < list->n; i++) {
        struct json *one = list->members[i].value;
        one = one == at ? element : json_clone(f->a, one);
        if (one)
            assert_true(json_list_append(f->a, out, one));
    }
    if (!at && element)
        assert_true(json_list_append(f->a, out, element));
    return out;
}

/* What stands for a member that no place names. */
static struct json *
emit_other(struct frame *f, const struct normal_node *node, struct json *member)
{
    if (!node->others)
        return json_clone(f->a, member);
    if (node->others->each == NORMAL_NONE)
        return NULL;
    f->at[node->others->each] = member;
    return frame_emit(f, node->others);
}

static struct json *
emit_source(struct frame *f, const struct normal_node *node,
            const struct normal_alt *alt)
{
    struct json *value = frame_source(f, alt->source);
    if (!value) {
        f->out->broken = "what should be there is not";
        return NULL;
    }
    if (!json_is_container(value) || (node->n_kids == 0 && !node->others))
        return json_clone(f->a, value);
    if (node->n_kids && node->kids[0]->is_each)
        return emit_elements(f, node->kids[0], value);
    if (node->n_kids && node->kids[0]->element)
        return emit_element(f, node->kids[0], value);
    if (value->kind != JSON_OBJECT)
        return json_clone(f->a, value);
    struct json *out = json_new_object(f->a);
    const struct source *s = &f->n->sources[alt->source];
    size_t known = alt->known == NORMAL_NONE ? s->n_kids : alt->known;
    for (size_t i = 0; i < value->n; i++) {
        const struct json_member *m = &value->members[i];
        /* One that is doubled and was not refused is nobody's: it passes. */
        if (!frame_knows(f, alt->source, known, m->key) ||
            json_duplicate_of(value, m->key)) {
            struct json *other = emit_other(f, node, m->value);
            if (other)
                assert_true(json_append(f->a, out, m->key, other));
            continue;
        }
        for (size_t k = 0; k < known; k++) {
            if (!span_eq(f->n->sources[s->kids[k]].key, m->key))
                continue;
            const struct normal_node *kid = kid_in_slot(f, node, s->kids[k]);
            if (kid)
                append(f, out, kid);
        }
    }
    arrivals(f, node, false, out);
    return out;
}

static void
add_turned(struct frame *f, const struct normal_node *kid, bool is_list,
           struct json *out)
{
    struct json *value = frame_emit(f, kid);
    if (!value)
        return;
    if (is_list) {
        assert_true(json_list_append(f->a, out, value));
        return;
    }
    struct json *key = kid->is_each ? frame_value(f, kid->keyed)
                                    : json_new_text(f->a, kid->key);
    if (key && key->kind == JSON_TEXT)
        assert_true(json_append(f->a, out, key->text, value));
    else
        f->out->broken = "a member has no key";
}

/* A list that became a map, or a map that became a list. */
static struct json *
emit_turned(struct frame *f, const struct normal_node *node,
            const struct normal_alt *alt)
{
    struct json *out =
        alt->is_list ? json_new_list(f->a) : json_new_object(f->a);
    const struct normal_node *each = node->kids[0];
    struct json *host =
        alt->source == NORMAL_NONE ? NULL : frame_source(f, alt->source);
    struct json *was = host ? f->at[each->each] : NULL;
    for (size_t i = 0; host && i < host->n; i++) {
        f->at[each->each] = host->members[i].value;
        add_turned(f, each, alt->is_list, out);
        for (size_t k = 1; k < node->n_kids; k++) {
            const struct normal_alt *one = alternative(f, node->kids[k]);
            if (one && one->order.step == 0 &&
                frame_source(f, one->order.slot) == host->members[i].value)
                add_turned(f, node->kids[k], alt->is_list, out);
        }
    }
    if (host)
        f->at[each->each] = was;
    arrivals(f, node, host == NULL, out);
    return out;
}

struct json *
frame_emit(struct frame *f, const struct normal_node *node)
{
    const struct normal_alt *alt = alternative(f, node);
    struct json *out = NULL;
    if (!alt)
        return NULL;
    switch (alt->kind) {
    case ALT_SOURCE:
        out = emit_source(f, node, alt);
        break;
    case ALT_TERM: {
        struct json *value = frame_value(f, alt->term);
        out = value ? json_clone(f->a, value) : NULL;
        break;
    }
    case ALT_MADE:
        if (alt->turned) {
            out = emit_turned(f, node, alt);
            break;
        }
        if (alt->is_list) {
            struct json *element = frame_emit(f, node->kids[0]);
            out = json_new_list(f->a);
            if (element)
                assert_true(json_list_append(f->a, out, element));
            break;
        }
        out = json_new_object(f->a);
        arrivals(f, node, true, out);
        break;
    }
    if (!out) {
        f->out->broken = "a value could not be made";
        return NULL;
    }
    if (node->state && out->kind == JSON_OBJECT)
        out = run_state(f, node->state, out);
    return out;
}

/* ---- for each ------------------------------------------------------------------------------- */

typedef void (*scope_fn)(struct frame *f, const void *arg);

static void for_each(struct frame *f, uint32_t scope, scope_fn fn,
                     const void *arg);

struct inside {
    uint32_t each;
    scope_fn fn;
    const void *arg;
};

static void
run_inside(struct frame *f, const void *arg)
{
    const struct inside *in = arg;
    struct json *host = frame_source(f, f->n->sources[in->each].parent);
    struct json *was = f->at[in->each];
    for (size_t i = 0; host && json_is_container(host) && i < host->n; i++) {
        f->at[in->each] = host->members[i].value;
        in->fn(f, in->arg);
    }
    f->at[in->each] = was;
}

static void
for_each(struct frame *f, uint32_t scope, scope_fn fn, const void *arg)
{
    const struct source *s = &f->n->sources[scope];
    if (s->kind == SOURCE_ROOT) {
        fn(f, arg);
        return;
    }
    struct inside in = {scope, fn, arg};
    for_each(f, f->n->sources[s->parent].scope, run_inside, &in);
}

static void
check(struct frame *f, const void *arg)
{
    const struct normal_check *k = arg;
    if (!f->out->refused && frame_holds(f, k->when))
        f->out->refused = k->what;
}

static void
tell(struct frame *f, const void *arg)
{
    const struct normal_notice *k = arg;
    if (!frame_holds(f, k->when))
        return;
    struct translation_notice n = {.kind = k->kind,
                                   .change = k->origin->change->name,
                                   .line = k->origin->line,
                                   .n = 1};
    interpret_tell(f->a, f->out, &n);
}

static void
let_go(struct frame *f, const void *arg)
{
    const struct normal_gone *gone = arg;
    (void)frame_emit(f, gone->node);
}

/* ---- again ------------------------------------------------------------------------------------ */

static struct json *
run_again(const struct frame *f, const struct normal_state *s,
          struct json *value)
{
    const struct lens_api *api = f->n->api;
    const struct lens_site site = {.type = s->type};
    const struct lens_site *const list[] = {&site};
    struct reference_sites *sites =
        arena_array(f->a, api->n_versions, sizeof(*sites));
    struct reference_chain chain = {
        .api = api, .from = s->first, .to = s->last, .sites = sites};
    struct reference_report report = {0};
    struct buf in, text;
    span body = {0};
    struct json *out = NULL;
    struct err e;
    for (size_t v = 0; v < api->n_versions; v++)
        sites[v] = (struct reference_sites){list, 1};
    buf_init(&in, 1 << 26);
    buf_init(&text, 1 << 26);
    json_print(value, &in);
    f->out->n_again++;
    if (reference_body(f->a, &chain, f->facts, buf_span(&in), &text, &report) !=
        OK)
        f->out->refused = "again";
    else if (!span_dup(f->a, buf_span(&text), &body) ||
             json_parse(f->a, body, JSON_DEPTH_MAX, &out, &e) != OK)
        f->out->broken = "what the reference wrote is no JSON";
    for (size_t i = 0; !f->quiet && i < report.n_notices; i++)
        interpret_tell(f->a, f->out, &report.notices[i]);
    buf_fini(&in);
    buf_fini(&text);
    return out;
}

static struct json *
run_state(const struct frame *outer, const struct normal_state *s,
          struct json *value)
{
    struct frame f = *outer;
    if (s->stop.why)
        return run_again(outer, s, value);
    f.state = s;
    f.root = value;
    f.at = arena_array(f.a, f.n->n_sources, sizeof(struct json *));
    assert_non_null(f.at);
    for (size_t i = 0; i < s->n_checks; i++)
        for_each(&f, s->checks[i].scope, check, &s->checks[i]);
    if (f.out->refused)
        return NULL;
    for (size_t i = 0; !f.quiet && i < s->n_notices; i++)
        for_each(&f, s->notices[i].scope, tell, &s->notices[i]);
    for (size_t i = 0; !f.quiet && i < s->n_gone; i++)
        for_each(&f, s->gone[i].scope, let_go, &s->gone[i]);
    return frame_emit(&f, s->root);
}

void
interpret(struct arena *a, const struct normal *n,
          const struct reference_facts *facts, struct json *document,
          struct interpreted *out)
{
    struct frame f = {.a = a, .n = n, .facts = facts, .out = out};
    out->document = document;
    if (document->kind == JSON_OBJECT)
        out->document = run_state(&f, n->root, document);
}
/* NOLINTEND(misc-no-recursion) */
