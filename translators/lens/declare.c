/* SPDX-License-Identifier: Apache-2.0 */
/*
 * declare: `effect`, `fetch`, `hook` and `event` of a change file.
 *
 * What no message rewriting can do is said aloud: where it happens, what it is,
 * and who took note of it. Nothing of it is executed. Events only change their
 * names, as routes do.
 */
#include "translators/lens/build.h"

static const struct lens_words effect_words =
    LENS_WORDS("an effect", "at", "note", "ack");
static const struct lens_words fetch_words =
    LENS_WORDS("a fetch", "at", "from", "note", "ack", "else");
static const struct lens_words hook_words =
    LENS_WORDS("a hook", "at", "note", "ack", "else");
static const struct lens_words else_words =
    LENS_WORDS("`else` of what is not executed", "fail", "pass");
static const struct lens_words gone_word =
    LENS_WORDS("an event without a name", "gone");

static bool
wrong(struct lens_builder *b, const struct yaml *at, const char *what,
      const char *remedy)
{
    yaml_problem(b->problems, at, "%s", what);
    problem_remedy(b->problems, "%s", remedy);
    return false;
}

const char *
lens_declared_word(enum lens_declared_kind kind)
{
    static const char *const words[] = {"effect", "fetch", "hook"};
    return words[kind];
}

/* ---- where ---- */

/* Behind the last " of ", or the whole. */
static span
behind_of(span text)
{
    span rest = text;
    for (size_t i = 0; i + 4 <= text.len; i++)
        if (span_starts(span_skip(text, i), SPAN(" of ")))
            rest = span_skip(text, i + 4);
    return rest;
}

/* A message, a type, or a place of either. */
static bool
read_at(struct lens_builder *b, const struct yaml *node,
        struct lens_declared *out)
{
    if (!lens_words_text(b, node, "`at`", &out->at))
        return false;
    span where = behind_of(out->at);
    if (lens_type_of(b->api, where) >= 0)
        return true;
    out->is_message = lens_message_read(b, node, where, &out->message);
    return out->is_message;
}

/* ---- what ---- */

static bool
need(struct lens_builder *b, const struct yaml *node, const char *word,
     const char *remedy, span *out)
{
    const struct yaml *said = yaml_get(node, word);
    if (said)
        return lens_words_text(b, said, word, out);
    yaml_problem(b->problems, node, "`%s` is missing", word);
    problem_remedy(b->problems, "%s", remedy);
    return false;
}

static bool
read_else(struct lens_builder *b, const struct yaml *node,
          struct lens_declared *out)
{
    int word;
    if (!lens_word_read(b, node, "else", &else_words, &word))
        return false;
    out->fails = out->kind != LENS_EFFECT && word != 1;
    if (!out->fails || out->is_message)
        return true;
    return wrong(b, node,
                 "nothing says which messages need it, so none of them can be "
                 "refused",
                 "say else: pass, or name the message: at: GET /orders/{id}");
}

static bool
read_one(struct lens_builder *b, const struct yaml *node,
         enum lens_declared_kind kind, struct lens_declared *out)
{
    const struct lens_words *const words[] = {&effect_words, &fetch_words,
                                              &hook_words};
    const struct yaml *at = yaml_get(node, "at");
    *out = (struct lens_declared){.kind = kind};
    out->origin = lens_origin_at(b, node);
    if (!lens_words_check(b, node, words[kind]))
        return false;
    if (!at)
        return wrong(b, node, "`at` is missing",
                     "name a message, a type or a place of one");
    return read_at(b, at, out) &&
           need(b, node, "note", "say what happens", &out->note) &&
           need(b, node, "ack", "say who took note of it, and how it is met",
                &out->ack) &&
           read_else(b, node, out);
}

void
lens_declared_read(struct lens_builder *b, const struct yaml *node,
                   enum lens_declared_kind kind, struct lens_vec *out)
{
    if (node->kind != YAML_LIST || node->n == 0) {
        yaml_problem(b->problems, node, "`%s` is a list",
                     lens_declared_word(kind));
        problem_remedy(b->problems, "write - {at: ..., note: ..., ack: ...}");
        return;
    }
    for (size_t i = 0; i < node->n && !b->full; i++) {
        struct lens_declared one;
        if (!read_one(b, node->items[i], kind, &one))
            continue;
        struct lens_declared *slot = lens_vec_add(b, out, sizeof(one));
        if (slot)
            *slot = one;
    }
}

/* ---- events ---- */

static bool
is_doubled(struct lens_builder *b, const struct lens_vec *all,
           const struct lens_event *one, const struct yaml *at)
{
    const struct lens_event *events = all->at;
    for (size_t i = 0; i < all->n; i++)
        for (size_t side = 0; side < 2; side++) {
            bool gone = side == LENS_NEWER && (one->gone || events[i].gone);
            if (gone || !span_eq(events[i].name[side], one->name[side]))
                continue;
            yaml_problem(b->problems, at,
                         "the event `%.*s` is named twice on the %s side",
                         SPAN_FMT(one->name[side]),
                         side == LENS_OLDER ? "older" : "newer");
            problem_remedy(b->problems, "keep one of the two");
            return true;
        }
    return false;
}

void
lens_events_read(struct lens_builder *b, const struct yaml *node,
                 struct lens_vec *out)
{
    if (node->kind != YAML_MAP) {
        (void)wrong(b, node, "`event` is a map of names",
                    "write event: {order.paid: order.settled}");
        return;
    }
    for (size_t i = 0; i < node->n && !b->full; i++) {
        const struct yaml_entry *e = &node->entries[i];
        struct lens_event one = {.origin = lens_origin_at(b, e->key)};
        one.gone = lens_words_find(e->value, &gone_word) == 0;
        if (!lens_words_text(b, e->key, "an event", &one.name[LENS_OLDER]) ||
            !lens_words_text(b, e->value, "an event", &one.name[LENS_NEWER]) ||
            is_doubled(b, out, &one, e->key))
            continue;
        struct lens_event *slot = lens_vec_add(b, out, sizeof(one));
        if (slot)
            *slot = one;
    }
}

const struct lens_event *
lens_event_of(const struct lens_table *t, enum lens_side named, span name)
{
    for (size_t i = 0; i < t->n_events; i++) {
        const struct lens_event *e = &t->events[i];
        if (!(e->gone && named == LENS_NEWER) && span_eq(e->name[named], name))
            return e;
    }
    return NULL;
}
