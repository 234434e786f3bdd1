/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head: query, header and status of a message, translated as an object.
 *
 * A field that no arrow names keeps its slot and its tag, and so its bytes. A
 * name that comes twice is refused only if an arrow reads or writes it.
 */
#include "translators/reference/chain.h"

/* Fields ride on the nodes: `mark` is the place in its array, and the origin the place in
 * both arrays together, each counted from one. */
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
        value->mark = (uint32_t)(i + 1);
        if (!run_derive(r, value, since + i + 1))
            return false;
    }
    return true;
}

static bool
build(struct run *r, const struct reference_head *in, struct json **out)
{
    *out = json_new_object(r->arena);
    if (!*out)
        return run_full(r);
    /* An answer has no query: nothing is filled in there. */
    bool is_request = in->status == 0;
    if ((is_request &&
         !add_fields(r, *out, SPAN("query"), in->query, in->n_query, 0)) ||
        !add_fields(r, *out, SPAN("header"), in->header, in->n_header,
                    in->n_query))
        return false;
    if (!in->status)
        return true;
    span text = arena_fmt(r->arena, "%u", in->status);
    struct json *status = text.at ? json_new_number(r->arena, text) : NULL;
    return (status && json_append(r->arena, *out, SPAN("status"), status)) ||
           run_full(r);
}

/* A scalar as it stands in a head; false if it is none. */
static bool
scalar_of(const struct json *value, span *out)
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

static bool
take_fields(struct run *r, const struct json *root, span name,
            const struct reference_field *was, struct reference_field **out,
            size_t *n)
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
        size_t from = m->value->mark;
        if (m->value->kind == JSON_NULL)
            continue; /* a head has no null: it is left out */
        *f = (struct reference_field){.name = m->key, .tag = SIZE_MAX};
        if (!scalar_of(m->value, &f->value))
            return run_fail(r, FAULT_CARRY, NULL, NULL,
                            "\"%.*s/%.*s\" would be %s, which a head cannot "
                            "hold",
                            SPAN_FMT(name), SPAN_FMT(m->key),
                            json_kind_word(m->value->kind));
        if (from)
            f->tag = was[from - 1].tag;
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

/* "/query/sort": where it failed. */
static span
pointer_of(struct arena *a, const struct reference_head *in, size_t origin)
{
    if (origin == 0 || origin > in->n_query + in->n_header)
        return origin || !in->status ? (span){0} : SPAN("/status");
    bool is_query = origin <= in->n_query;
    const struct reference_field *f =
        is_query ? &in->query[origin - 1]
                 : &in->header[origin - 1 - in->n_query];
    return arena_fmt(a, "/%s/%.*s", is_query ? "query" : "header",
                     SPAN_FMT(f->name));
}

static bool
run_head(struct run *r, const struct reference_chain *chain,
         struct json *holder)
{
    size_t at = chain->from;
    while (at != chain->to) {
        struct leg leg = chain_leg(chain, at);
        size_t table = leg.from < leg.to ? leg.from : leg.to;
        const struct reference_blocks *blocks = &chain->heads[table];
        chain_step(r, &leg);
        for (size_t i = 0; i < blocks->n; i++)
            if (frame_run_block(r, &leg, blocks->at[i],
                                holder->members[0].value) != FRAME_DONE)
                return r->failed ? false : run_full(r);
        spot_purge(holder);
        at = leg.to;
    }
    return true;
}

enum err_code
reference_head(struct arena *a, const struct reference_chain *chain,
               const struct reference_facts *facts,
               const struct reference_head *in, struct reference_head *out,
               struct reference_report *report)
{
    struct run r;
    struct json *root = NULL;
    chain_run_init(&r, a, chain, facts);
    r.texts = true;
    *out = (struct reference_head){.status = in->status};
    struct json *holder = json_new_list(a);
    if (!run_enter(&r) || !holder || !build(&r, in, &root) ||
        !json_list_append(a, holder, root))
        (void)run_full(&r);
    else if (run_head(&r, chain, holder) &&
             take_fields(&r, root, SPAN("query"), in->query, &out->query,
                         &out->n_query) &&
             take_fields(&r, root, SPAN("header"), in->header, &out->header,
                         &out->n_header))
        (void)take_status(&r, root, &out->status);
    enum err_code code = chain_report(&r, report);
    if (code != OK)
        report->fault.pointer = pointer_of(a, in, r.fault_at);
    return code;
}
