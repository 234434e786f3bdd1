/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/packed.h"

#include "translators/engine/engine.h"
#include "translators/json/carried.h"
#include "translators/json/tree.h"
#include "translators/msgpack/pack.h"
#include "translators/msgpack/unpack.h"

#define SLICE                                                                  \
    ((size_t)65536) /* of what comes, brought over at once: a buffer's size */

struct packed {
    struct arena *arena;
    const struct program *program;
    struct unpack *unpack;     /* NULL: it comes as JSON */
    struct pack *pack;         /* NULL: it goes as JSON */
    struct translation *inner; /* its version steps; NULL: there are none */
    struct engine *check;      /* then of JSON that comes: is it any? */
    struct buf came;           /* as JSON */
    struct buf made;           /* what became of it, to be packed */
    struct buf *out;
    struct reference_report *report;
    bool has_begun;
    bool carries; /* what JSON cannot say is carried to the version steps */
    unsigned searched; /* for what is spelt so, and was not (carried_is_in) */
};

/* Copies: it says where no more than that it is a document. */
static const struct engine_entry any_value = {.action = ENGINE_KEEP,
                                              .bit = ENGINE_NONE,
                                              .twice = ENGINE_NONE,
                                              .fault = ENGINE_NONE,
                                              .slot = ENGINE_NONE,
                                              .note = ENGINE_NONE};
static const struct engine_program any_document = {.root = &any_value};

static void
close_packed(void *p)
{
    struct packed *k = p;
    buf_fini(&k->came);
    buf_fini(&k->made);
}

static enum err_code
no_room(struct err *e)
{
    return err_set(e, ERR_LIMIT, "no room for a body of MessagePack");
}

enum err_code
packed_open(struct arena *a, const struct program *p,
            const struct translation_limits *limits, struct buf *out,
            struct reference_report *report, struct packed **k, struct err *e)
{
    struct packed *new = arena_alloc(a, sizeof(*new));
    size_t held = limits->bytes_max ? limits->bytes_max : SIZE_MAX / 4;
    size_t depth = limits->depth_max ? limits->depth_max : JSON_DEPTH_DEFAULT;
    if (!new)
        return no_room(e);
    *new =
        (struct packed){.arena = a, .program = p, .out = out, .report = report};
    buf_init(&new->came, SIZE_MAX / 4);
    buf_init(&new->made, SIZE_MAX / 4);
    if (!arena_defer(a, close_packed, new))
        return no_room(e);
    if (p->comes_packed && !(new->unpack = unpack_new(a, depth)))
        return no_room(e);
    if (p->goes_packed && !(new->pack = pack_new(a, held)))
        return no_room(e);
    struct engine_limits check = {.depth_max = depth};
    if (!p->json && !p->comes_packed &&
        !(new->check = engine_new(a, &any_document, &check, &new->made)))
        return no_room(e);
    *k = new;
    new->carries =
        new->unpack && p->json && (p->goes_packed || p->chain.api->has_bytes);
    if (new->carries)
        unpack_carries(new->unpack);
    if (new->pack && p->json)
        pack_carries(new->pack);
    if (!p->json)
        return OK;
    return translation_open(a, p->json, limits,
                            p->goes_packed || new->carries ? &new->made : out,
                            &new->inner, e);
}

/* ---- failing --------------------------------------------------------------------- */

static enum err_code
fail(struct packed *k, enum err_code code, unsigned status, const char *words)
{
    struct translation_fault *f = &k->report->fault;
    *f = (struct translation_fault){
        .status = k->program->facts.is_request ? status : 502};
    return err_set(&f->err, code, "%s", words);
}

static enum err_code
fail_at(struct packed *k, enum err_code code, unsigned status,
        const char *words, struct buf *pointer)
{
    enum err_code failed = fail(k, code, status, words);
    if (buf_failed(pointer) ||
        !span_dup(k->arena, buf_span(pointer), &k->report->fault.pointer))
        k->report->fault.pointer = (span){0};
    buf_fini(pointer);
    return failed;
}

static enum err_code
unpack_failed(struct packed *k, enum unpack_verdict v)
{
    struct buf pointer;
    buf_init(&pointer, arena_limit(k->arena));
    unpack_pointer(k->unpack, &pointer);
    if (v == UNPACK_NO_FORM)
        return fail_at(k, ERR_INVALID, 422, unpack_words(k->unpack), &pointer);
    if (v == UNPACK_NO_ROOM)
        return fail_at(k, ERR_LIMIT, 413, unpack_words(k->unpack), &pointer);
    return fail_at(k, v == UNPACK_TOO_DEEP ? ERR_LIMIT : ERR_INVALID, 400,
                   unpack_words(k->unpack), &pointer);
}

static enum err_code
pack_failed(struct packed *k, enum pack_verdict v)
{
    struct buf pointer;
    if (v == PACK_TOO_LONG)
        return fail(k, ERR_LIMIT, 413, pack_words(k->pack));
    buf_init(&pointer, arena_limit(k->arena));
    /* After a version step it would not be the sender's place. */
    if (!k->inner)
        pack_pointer(k->pack, &pointer);
    return fail_at(k, ERR_INVALID, 422, pack_words(k->pack), &pointer);
}

static enum err_code
check_failed(struct packed *k)
{
    switch (engine_fault(k->check)->why) {
    case ENGINE_TOO_DEEP:
        return fail(k, ERR_LIMIT, 400, "the document is nested too deep");
    case ENGINE_BAD_JSON:
    case ENGINE_SURROGATE:
    case ENGINE_BY_PROGRAM:
    case ENGINE_NO_FORM: /* of MessagePack alone */
        return fail(k, ERR_INVALID, 400, "the document is no JSON");
    case ENGINE_TOO_LONG:
    case ENGINE_NO_ROOM:
        break;
    }
    return fail(k, ERR_LIMIT, 413, "the document cannot be held");
}

static enum err_code
inner_failed(struct packed *k, enum err_code code)
{
    k->report->fault = *translation_fault(k->inner);
    return code;
}

static enum err_code
carried_failed(struct packed *k)
{
    return fail(k, ERR_INVALID, 422,
                k->unpack ? "bytes that are no text, or an extension type"
                          : "half a surrogate pair");
}

/* ---- bytes ----------------------------------------------------------------------- */

static void
begin(struct packed *k)
{
    if (!k->has_begun && k->inner && k->report->trace)
        translation_trace(k->inner, k->report->trace, k->report->trace_arg);
    k->has_begun = true;
}

static enum err_code
put(struct packed *k, span json)
{
    if (!k->pack) {
        buf_add(k->out, json);
        return OK;
    }
    enum pack_verdict v = pack_feed(k->pack, json);
    return v == PACK_OK ? OK : pack_failed(k, v);
}

/* Of a document without version steps. */
static enum err_code
check(struct packed *k, span json, bool is_end)
{
    if (!k->check)
        return put(k, json);
    enum engine_verdict v = engine_feed(k->check, json, is_end);
    enum err_code code = put(k, buf_span(&k->made));
    buf_clear(&k->made);
    return code == OK && v == ENGINE_FAILED ? check_failed(k) : code;
}

static enum err_code
take_json(struct packed *k, span json)
{
    if (!k->inner)
        return check(k, json, false);
    enum err_code code = translation_feed(k->inner, json);
    return code ? inner_failed(k, code) : OK;
}

enum err_code
packed_feed(struct packed *k, span bytes)
{
    begin(k);
    while (bytes.len) {
        span json = span_take(bytes, SLICE);
        enum unpack_verdict v = UNPACK_OK;
        bytes = span_skip(bytes, json.len);
        if (k->unpack) {
            buf_clear(&k->came);
            v = unpack_feed(k->unpack, json, &k->came);
            json = buf_span(&k->came);
        } else if (k->inner && k->pack && carried_is_in(json, &k->searched)) {
            return carried_failed(k);
        }
        /* What stands before a fault may have one of its own. */
        enum err_code code = take_json(k, json);
        if (code)
            return code;
        if (v != UNPACK_OK)
            return unpack_failed(k, v);
    }
    return OK;
}

static enum err_code
take_notices(struct packed *k)
{
    struct reference_report *r = k->report;
    size_t n = 0;
    const struct translation_notice *all = translation_notices(k->inner, &n);
    if (n == 0)
        return OK;
    r->notices = arena_grow(k->arena, r->notices, r->n_notices,
                            r->n_notices + n, sizeof(*r->notices));
    if (!r->notices)
        return fail(k, ERR_LIMIT, 500, "no room for the notices");
    memcpy(&r->notices[r->n_notices], all, n * sizeof(*all));
    r->n_notices += n;
    r->room_notices = r->n_notices;
    return OK;
}

static enum err_code
end_steps(struct packed *k)
{
    if (!k->inner)
        return k->check ? check(k, (span){0}, true) : OK;
    enum err_code code = translation_end(k->inner);
    if (code)
        return inner_failed(k, code);
    code = take_notices(k);
    if (code || k->pack)
        return code ? code : put(k, buf_span(&k->made));
    bool is_left =
        k->carries && carried_is_in(buf_span(&k->made), &k->searched);
    if (is_left)
        return carried_failed(k);
    if (k->carries)
        buf_add(k->out, buf_span(&k->made));
    return OK;
}

/* A joint program may have made a body of none, or none of one. */
static bool
has_document(const struct packed *k)
{
    return !k->inner || !k->pack || buf_len(&k->made) > 0;
}

enum err_code
packed_end(struct packed *k)
{
    begin(k);
    bool came = !k->unpack || unpack_offset(k->unpack) > 0;
    enum unpack_verdict v =
        k->unpack && came ? unpack_end(k->unpack) : UNPACK_OK;
    if (v != UNPACK_OK)
        return unpack_failed(k, v);
    enum err_code code = end_steps(k);
    if (code || !k->pack || !has_document(k))
        return code;
    enum pack_verdict packed = pack_end(k->pack, k->out);
    return packed == PACK_OK ? OK : pack_failed(k, packed);
}

enum err_code
packed_head(struct packed *k, const struct message_head *in,
            struct message_head *out)
{
    enum err_code code = translation_head(k->inner, in, out);
    return code ? inner_failed(k, code) : OK;
}

void
packed_new_head(const struct packed *k, struct message_head *out)
{
    translation_new_head(k->inner, out);
}

size_t
packed_held_bytes(const struct packed *k)
{
    return k->came.room + k->made.room +
           (k->pack ? pack_held_bytes(k->pack) : 0) +
           (k->check ? engine_held_bytes(k->check) : 0) +
           (k->inner ? translation_held_bytes(k->inner) : 0);
}
