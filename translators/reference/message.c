/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message: a whole message as an object, one version step after another.
 *
 * All blocks that a message meets hold at once, and the types in its body are
 * translated inside the same step. A field that no arrow names keeps its slot
 * and its tag, and so its bytes. A name that comes twice is refused only if an
 * arrow reads or writes it.
 */
#include "translators/reference/message.h"

#include "translators/reference/aside.h"

/* ---- the object ---- */

bool
message_text_of(const struct json *value, span *out)
{
    switch (value->kind) {
    case JSON_TEXT:
    case JSON_NUMBER:
        *out = value->text;
        return true;
    case JSON_BOOL:
        *out = value->truth ? SPAN("true") : SPAN("false");
        return true;
    case JSON_NULL:
    case JSON_LIST:
    case JSON_OBJECT:
        return false;
    }
    return false;
}

bool
message_no_text(struct run *r, const struct json *value, const char *part,
                span name)
{
    return run_fail(r, FAULT_CARRY, value, NULL,
                    "\"%s/%.*s\" would be %s, which a head cannot hold", part,
                    SPAN_FMT(name), json_kind_word(value->kind));
}

/* Origins of fields stand behind those of the body, the query first. */
static bool
add_fields(struct run *r, struct json *root, span name,
           const struct reference_field *fields, size_t n, size_t since)
{
    struct json *object = json_new_object(r->arena);
    if (!object || !json_append(r->arena, root, name, object))
        return run_full(r);
    for (size_t i = 0; i < n; i++) {
        struct json *value = json_new_text(r->arena, fields[i].value);
        if (!value || !json_append(r->arena, object, fields[i].name, value))
            return run_full(r);
        value->mark = (uint32_t)(since + i + 1);
        if (!run_derive(r, value, r->source.len + since + i + 1))
            return false;
    }
    return true;
}

static bool
add_status(struct run *r, struct json *root, unsigned status, size_t since)
{
    span text = arena_fmt(r->arena, "%u", status);
    struct json *node = text.at ? json_new_number(r->arena, text) : NULL;
    return (node && json_append(r->arena, root, SPAN("status"), node) &&
            run_derive(r, node, r->source.len + since + 1)) ||
           run_full(r);
}

static bool
build(struct message_run *m)
{
    struct run *r = m->run;
    const struct reference_head *in = m->in;
    size_t n = in->n_query + in->n_header;
    m->holder = json_new_list(r->arena);
    m->root = json_new_object(r->arena);
    if (!m->holder || !m->root ||
        !json_list_append(r->arena, m->holder, m->root))
        return run_full(r);
    /* An answer has no query: nothing is filled in there. */
    if ((r->is_request &&
         !add_fields(r, m->root, SPAN("query"), in->query, in->n_query, 0)) ||
        !add_fields(r, m->root, SPAN("header"), in->header, in->n_header,
                    in->n_query))
        return false;
    return !in->status || add_status(r, m->root, in->status, n);
}

static bool
add_body(struct message_run *m, span body)
{
    struct run *r = m->run;
    struct json *root = NULL;
    if (!body.len)
        return true;
    return chain_parse(r, body, &root) &&
           (json_append(r->arena, m->root, SPAN("body"), root) || run_full(r));
}

/* ---- one step ---- */

static bool
blocks_of(struct message_run *m, const struct reference_heads *heads,
          const struct lens_block ***out)
{
    *out =
        arena_array(m->run->scratch, heads->n + 1, sizeof(struct lens_block *));
    if (!*out)
        return run_full(m->run);
    for (size_t i = 0; i < heads->n; i++)
        (*out)[i] = heads->at[i]->parts[m->chain->kind];
    return true;
}

/* The types in the body, each with those inside of it that are sites too. */
static bool
sites_of(struct message_run *m, const struct leg *leg, struct typed_list *out)
{
    const struct json *body = json_get(m->root, SPAN("body"));
    struct typed_list all = {0};
    const struct reference_sites *sites =
        m->chain->sites ? &m->chain->sites[leg->from] : NULL;
    if (!body || !sites)
        return true;
    return chain_find_sites(m->run, sites, json_get(m->root, SPAN("body")),
                            &all) &&
           chain_nest_sites(m->run, &all, out);
}

/* What a head holds is text, whatever an arrow brought. */
static bool
set_texts(struct run *r, const struct json *root, const char *part)
{
    const struct json *object = json_get(root, span_str(part));
    for (size_t i = 0; object && i < object->n; i++) {
        struct json *value = object->members[i].value;
        span text;
        if (value->kind == JSON_TEXT || value->kind == JSON_NULL)
            continue;
        if (!message_text_of(value, &text))
            return message_no_text(r, value, part, object->members[i].key);
        if (!json_set_text(r->arena, value, text))
            return run_full(r);
    }
    return true;
}

static bool
put_body(struct message_run *m, const struct json *ought)
{
    struct run *r = m->run;
    size_t at = json_find(m->root, SPAN("body"));
    const struct json *is = json_get(m->root, SPAN("body"));
    struct json *copy = ought ? json_clone(r->arena, ought) : NULL;
    if (ought && (!copy || !run_derive(r, copy, 0)))
        return run_full(r);
    if (is && ought && json_alike(is, ought))
        return true;
    if (is)
        (void)json_remove(m->root, at);
    return !copy || json_append(r->arena, m->root, SPAN("body"), copy) ||
           run_full(r);
}

/* A status that turned into another one may make a body, or take it away. */
static bool
turn_body(struct message_run *m, const struct leg *leg,
          const struct lens_http *h, span was)
{
    const struct json *status = json_get(m->root, SPAN("status"));
    for (size_t i = 0; status && i < h->n_bodies; i++) {
        const struct lens_status_body *b = &h->bodies[i];
        const struct json *is = json_get(m->root, SPAN("body"));
        if (!b->says[leg->write] || !span_eq(b->status[leg->read], was) ||
            !span_eq(b->status[leg->write], status->text))
            continue;
        /* What the other side would make up is no loss. */
        bool made_up = b->says[leg->read] && b->body[leg->read] && is &&
                       json_alike(is, b->body[leg->read]);
        if (is && !made_up && !run_notice(m->run, NOTICE_LOSSY, &h->origin, is))
            return false;
        return put_body(m, b->body[leg->write]);
    }
    return true;
}

static bool
turn_bodies(struct message_run *m, const struct leg *leg,
            const struct reference_heads *heads, span was)
{
    for (size_t i = 0; was.len && i < heads->n; i++)
        if (!turn_body(m, leg, heads->at[i], was))
            return false;
    return true;
}

/* The whole body had no form there: what is left would look like a message. */
static bool
is_whole(struct message_run *m, const struct json *body)
{
    if (!body || !trail_of(body).gone)
        return true;
    return run_fail(m->run, FAULT_CARRY, body, NULL,
                    "the message as a whole has no form in the other version");
}

static bool
step(struct message_run *m, const struct leg *leg,
     const struct reference_heads *heads)
{
    struct run *r = m->run;
    const struct lens_block **blocks = NULL;
    struct typed_list sites = {0};
    const struct json *status = json_get(m->root, SPAN("status"));
    const struct json *body = json_get(m->root, SPAN("body"));
    span was = status ? status->text : (span){0};
    if (!message_part_path(m, leg, heads) || !message_gather(m, leg, heads) ||
        !blocks_of(m, heads, &blocks) || !sites_of(m, leg, &sites))
        return false;
    /* Cases of a message that would hide it are not loaded. */
    if (frame_run_message(r, leg, blocks, heads->n, m->root, &sites) !=
        FRAME_DONE)
        return r->failed ? false : run_full(r);
    spot_purge(m->holder);
    return is_whole(m, body) && turn_bodies(m, leg, heads, was) &&
           message_spread(m, leg, heads) && message_join_path(m, leg, heads) &&
           set_texts(r, m->root, "query") && set_texts(r, m->root, "header");
}

static bool
trace(struct message_run *m, struct reference_report *report, span from,
      span to)
{
    const struct json *body = json_get(m->root, SPAN("body"));
    return !body || chain_trace(m->run, report, body, from, to);
}

static bool
run_steps(struct message_run *m, struct reference_report *report)
{
    const struct reference_chain *chain = m->chain;
    span label = chain->api->versions[chain->from].label;
    struct json *body = json_get(m->root, SPAN("body"));
    struct asides asides = {0};
    if (!trace(m, report, label, label) ||
        (body && !aside_take(m->run, chain, m->root, body, &asides)))
        return false;
    for (size_t at = chain->from; at != chain->to;) {
        struct leg leg = chain_leg(chain, at);
        size_t table = leg.from < leg.to ? leg.from : leg.to;
        chain_step(m->run, &leg);
        run_leave(m->run); /* what the last step found */
        if (!step(m, &leg, &chain->heads[table]) ||
            !trace(m, report, m->run->from, m->run->to))
            return false;
        at = leg.to;
    }
    return aside_bring(m->run, chain, &asides);
}

/* ---- what came out ---- */

static bool
take_fields(struct run *r, const struct json *root, span name,
            const struct reference_field *was, size_t n_was, size_t since,
            struct reference_field **out, size_t *n)
{
    const struct json *object = json_get(root, name);
    *n = 0;
    if (!object)
        return true;
    *out = arena_array(r->arena, object->n, sizeof(**out));
    if (!*out)
        return run_full(r);
    for (size_t i = 0; i < object->n; i++) {
        const struct json_member *m = &object->members[i];
        struct reference_field *f = &(*out)[*n];
        size_t from = m->value->mark; /* what came from another part is new */
        if (m->value->kind == JSON_NULL)
            continue; /* a head has no null: it is left out */
        *f = (struct reference_field){.name = m->key, .tag = SIZE_MAX};
        if (!message_text_of(m->value, &f->value))
            return false; /* set_texts has seen to it */
        if (from > since && from <= since + n_was)
            f->tag = was[from - since - 1].tag;
        (*n)++;
    }
    return true;
}

static bool
take_status(struct run *r, const struct json *root, unsigned *status)
{
    const struct json *node = json_get(root, SPAN("status"));
    uint64_t n = 0;
    if (!node)
        return true;
    if (node->kind != JSON_NUMBER || !span_to_u64(node->text, &n) || n < 200 ||
        n > 599)
        return run_fail(r, FAULT_CARRY, NULL, NULL,
                        "the status would not be one");
    *status = (unsigned)n;
    return true;
}

static bool
take(struct message_run *m, struct reference_head *out, struct buf *body)
{
    struct run *r = m->run;
    const struct json *is = json_get(m->root, SPAN("body"));
    out->method = m->method;
    out->path = m->path;
    if (!take_fields(r, m->root, SPAN("query"), m->in->query, m->in->n_query, 0,
                     &out->query, &out->n_query) ||
        !take_fields(r, m->root, SPAN("header"), m->in->header, m->in->n_header,
                     m->in->n_query, &out->header, &out->n_header) ||
        !take_status(r, m->root, &out->status))
        return false;
    return !body || !is || chain_print(r, is, body);
}

enum err_code
reference_message(struct arena *a, const struct reference_chain *chain,
                  const struct reference_facts *facts,
                  const struct reference_head *in, span body,
                  struct reference_head *head_out, struct buf *out,
                  struct reference_report *report)
{
    struct run r;
    struct message_run m = {.run = &r,
                            .chain = chain,
                            .in = in,
                            .method = in->method,
                            .path = in->path};
    size_t before = out ? buf_len(out) : 0;
    chain_run_init(&r, a, chain, facts);
    r.source = body;
    r.head = in;
    *head_out = (struct reference_head){.status = in->status};
    if (run_enter(&r) && build(&m) && add_body(&m, body) &&
        run_steps(&m, report))
        (void)take(&m, head_out, out); /* a failure is in the run */
    enum err_code code = chain_report(&r, report);
    if (code != OK && out && buf_len(out) > before)
        buf_truncate(out, before);
    return code;
}
