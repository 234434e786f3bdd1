/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack: every list and map, and a text that came in pieces, gets a head of one
 * byte, which is right for most. For the others it is noted where the head stands
 * and what it should say; they are put right while the document is copied out.
 */
#include "translators/msgpack/pack.h"

#include "translators/json/carried.h"
#include "translators/json/text.h"
#include "translators/msgpack/number.h"
#include "translators/msgpack/plain.h"

#include <assert.h>
#include <stdlib.h>

/* An open list or map. */
struct level {
    size_t head_at; /* in `body` */
    size_t key_at;  /* likewise, of the last key */
    uint64_t n;     /* values, or pairs */
    bool is_map;
    bool at_value; /* of a map: behind the colon */
};

/* A head that is longer than its byte in `body`. */
struct wide {
    size_t at;
    uint32_t n;
    uint32_t kind;
};

enum inside { IN_NOTHING, IN_TEXT, IN_SCALAR };

struct pack {
    struct buf body;
    struct buf wides;
    struct buf part; /* of a token that came in pieces */
    enum inside inside;
    bool escapes; /* the part ends with a backslash that escapes what comes */
    bool escaped; /* the part has one at all */
    bool carries;
    struct arena *arena;
    struct level
        *levels; /* from 1 on; what is made may be deeper than what came */
    size_t room;
    size_t depth;
    enum pack_verdict verdict;
    const char *words;
};

#define LEVELS_FIRST 32

static void
close_pack(void *p)
{
    struct pack *k = p;
    buf_fini(&k->body);
    buf_fini(&k->wides);
    buf_fini(&k->part);
}

struct pack *
pack_new(struct arena *a, size_t held_max)
{
    struct pack *k = arena_alloc(a, sizeof(*k));
    if (!k)
        return NULL;
    k->arena = a;
    k->room = LEVELS_FIRST;
    k->levels = arena_array(a, k->room, sizeof(*k->levels));
    buf_init(&k->body, held_max);
    buf_init(&k->wides, held_max);
    buf_init(&k->part, held_max);
    return k->levels && arena_defer(a, close_pack, k) ? k : NULL;
}

void
pack_carries(struct pack *k)
{
    k->carries = true;
}

static bool
fail(struct pack *k, enum pack_verdict verdict, const char *words)
{
    k->verdict = verdict;
    k->words = words;
    return false;
}

static bool
too_long(struct pack *k)
{
    return fail(k, PACK_TOO_LONG, "more of it would be held than may be");
}

/* ---- lists and maps ------------------------------------------------------------- */

static bool
put_byte(struct pack *k, char c)
{
    char *at = buf_reserve(&k->body, 1);
    if (!at)
        return too_long(k);
    *at = c;
    buf_commit(&k->body, 1);
    return true;
}

/* One more value; in a map it is counted by its colon. */
static void
count_value(struct pack *k)
{
    struct level *l = &k->levels[k->depth];
    if (k->depth && !l->is_map)
        l->n++;
    else if (k->depth && !l->at_value)
        l->key_at = buf_len(&k->body);
}

static bool
open_container(struct pack *k, bool is_map)
{
    count_value(k);
    if (k->depth + 1 == k->room) {
        struct level *more = arena_grow(k->arena, k->levels, k->room,
                                        2 * k->room, sizeof(*more));
        if (!more)
            return too_long(k);
        k->levels = more;
        k->room *= 2;
    }
    k->levels[++k->depth] =
        (struct level){.head_at = buf_len(&k->body), .is_map = is_map};
    return put_byte(k, 0);
}

static bool
widen(struct pack *k, size_t at, enum msgpack_kind kind, uint64_t n)
{
    struct wide w = {at, (uint32_t)n, kind};
    if (n > MSGPACK_N_MAX)
        return fail(k, PACK_NO_FORM, "more than MessagePack can count");
    buf_add(&k->wides, span_of((const char *)&w, sizeof(w)));
    return !buf_failed(&k->wides) || too_long(k);
}

static bool
close_container(struct pack *k)
{
    if (k->depth ==
        0) /* a bug of who made it, which must not write elsewhere */
        return fail(k, PACK_NO_FORM, "a bracket that closes nothing");
    struct level *l = &k->levels[k->depth--];
    enum msgpack_kind kind = l->is_map ? MSGPACK_MAP : MSGPACK_LIST;
    if (l->n > MSGPACK_SMALL)
        return widen(k, l->head_at, kind, l->n);
    msgpack_put_wide(k->body.bytes + k->body.start + l->head_at, kind, 1,
                     (uint32_t)l->n);
    return true;
}

/* ---- scalars -------------------------------------------------------------------- */

static bool
put_carried(struct pack *k, span raw, enum msgpack_kind kind)
{
    size_t n = 0;
    raw = span_skip(raw, CARRIED_LEN);
    count_value(k);
    char *at = buf_reserve(&k->body, MSGPACK_HEAD_MAX + raw.len);
    if (!at)
        return too_long(k);
    char *bytes = at + MSGPACK_HEAD_MAX;
    bool ok = carried_decode(raw, bytes, &n) && n <= MSGPACK_N_MAX &&
              (kind == MSGPACK_BYTES || n > 0);
    if (!ok)
        return fail(k, PACK_NO_FORM, "half a surrogate pair");
    size_t len = kind == MSGPACK_BYTES ? msgpack_put_head(at, kind, (uint32_t)n)
                                       : msgpack_put_ext(at, (uint32_t)n - 1);
    memmove(at + len, bytes, n);
    buf_commit(&k->body, len + n);
    return true;
}

static bool
is_key(const struct pack *k)
{
    const struct level *l = &k->levels[k->depth];
    return k->depth && l->is_map && !l->at_value;
}

static bool
put_text(struct pack *k, span raw, bool escaped)
{
    char head[MSGPACK_HEAD_MAX];
    bool clean = true;
    if (escaped && k->carries && !is_key(k)) {
        if (span_starts(raw, SPAN(CARRIED_BYTES)))
            return put_carried(k, raw, MSGPACK_BYTES);
        if (span_starts(raw, SPAN(CARRIED_EXTENSION)))
            return put_carried(k, raw, MSGPACK_EXT);
    }
    count_value(k);
    char *at = buf_reserve(&k->body, raw.len + MSGPACK_HEAD_MAX);
    if (!at)
        return too_long(k);
    size_t len = raw.len;
    if (escaped)
        len = json_text_decode(raw, at + MSGPACK_HEAD_MAX, &clean);
    if (!clean)
        return fail(k, PACK_NO_FORM, "half a surrogate pair");
    if (len > MSGPACK_N_MAX)
        return fail(k, PACK_NO_FORM, "a text longer than MessagePack can say");
    size_t head_len = msgpack_put_head(head, MSGPACK_TEXT, (uint32_t)len);
    memcpy(at, head, head_len);
    const char *from = escaped ? at + MSGPACK_HEAD_MAX : raw.at;
    if (len && from)
        memmove(at + head_len, from, len);
    buf_commit(&k->body, head_len + len);
    return true;
}

static bool
put_scalar(struct pack *k, span s)
{
    assert(s.at); /* a token has bytes */
    count_value(k);
    switch (s.at[0]) {
    case 'n':
        return put_byte(k, (char)0xC0);
    case 'f':
        return put_byte(k, (char)0xC2);
    case 't':
        return put_byte(k, (char)0xC3);
    default:
        break;
    }
    size_t len = 0;
    char *at = buf_reserve(&k->body, MSGPACK_HEAD_MAX);
    if (!at)
        return too_long(k);
    if (!number_pack(s, at, &len))
        return fail(k, PACK_NO_FORM,
                    "a number that MessagePack cannot say exactly");
    buf_commit(&k->body, len);
    return true;
}

/* ---- tokens in pieces ----------------------------------------------------------- */

static bool
keep(struct pack *k, const char *p, const char *end)
{
    buf_add(&k->part, span_of(p, (size_t)(end - p)));
    return !buf_failed(&k->part) || too_long(k);
}

static bool
ends_scalar(char c)
{
    return c == ',' || c == ']' || c == '}' || c == ' ' || c == '\n' ||
           c == '\r' || c == '\t';
}

static bool
end_part(struct pack *k)
{
    span part = buf_span(&k->part);
    bool ok = k->inside == IN_TEXT ? put_text(k, part, k->escaped)
                                   : put_scalar(k, part);
    k->inside = IN_NOTHING;
    k->escaped = k->escapes = false;
    buf_clear(&k->part);
    return ok;
}

/* From behind a quote, or from where the part goes on, to the closing one or `end`. */
static const char *
text_end(struct pack *k, const char *p, const char *end)
{
    while (p < end) {
        if (k->escapes) {
            k->escapes = false;
            p++;
            continue;
        }
        p += plain_text(span_of(p, (size_t)(end - p)), PLAIN_UTF8);
        if (p == end || *p == '"')
            return p;
        k->escaped = true;
        k->escapes = *p == '\\';
        p++;
    }
    return p;
}

static bool
go_on(struct pack *k, const char **p, const char *end)
{
    const char *q = *p;
    if (k->inside == IN_TEXT)
        q = text_end(k, q, end);
    else
        while (q < end && !ends_scalar(*q))
            q++;
    if (!keep(k, *p, q))
        return false;
    bool is_whole = q < end;
    *p = q + (is_whole && k->inside == IN_TEXT);
    return !is_whole || end_part(k);
}

static bool
begin_text(struct pack *k, const char **p, const char *end)
{
    const char *start = *p + 1;
    k->escaped = k->escapes = false;
    const char *q = text_end(k, start, end);
    if (q == end) {
        k->inside = IN_TEXT;
        *p = end;
        return keep(k, start, end);
    }
    *p = q + 1;
    return put_text(k, span_of(start, (size_t)(q - start)), k->escaped);
}

static bool
begin_scalar(struct pack *k, const char **p, const char *end)
{
    const char *start = *p;
    const char *q = start;
    while (q < end && !ends_scalar(*q))
        q++;
    *p = q;
    if (q < end)
        return put_scalar(k, span_of(start, (size_t)(q - start)));
    k->inside = IN_SCALAR;
    return keep(k, start, end);
}

static bool
step(struct pack *k, const char **p, const char *end)
{
    switch (**p) {
    case ' ':
    case '\t':
    case '\n':
    case '\r':
        break;
    case ',':
        k->levels[k->depth].at_value = false;
        break;
    case ':':
        k->levels[k->depth].at_value = true;
        k->levels[k->depth].n++;
        break;
    case '{':
    case '[':
        if (!open_container(k, **p == '{'))
            return false;
        break;
    case '}':
    case ']':
        if (!close_container(k))
            return false;
        break;
    case '"':
        return begin_text(k, p, end);
    default:
        return begin_scalar(k, p, end);
    }
    ++*p;
    return true;
}

enum pack_verdict
pack_feed(struct pack *k, span json)
{
    const char *p = json.at;
    const char *end = p + json.len;
    if (k->verdict != PACK_OK)
        return k->verdict;
    if (k->inside != IN_NOTHING && json.len && !go_on(k, &p, end))
        return k->verdict;
    while (p < end)
        if (!step(k, &p, end))
            break;
    return k->verdict;
}

/* ---- the end -------------------------------------------------------------------- */

static int
by_place(const void *a, const void *b)
{
    const struct wide *x = a;
    const struct wide *y = b;
    return x->at < y->at ? -1 : x->at > y->at;
}

enum pack_verdict
pack_end(struct pack *k, struct buf *out)
{
    char head[MSGPACK_HEAD_MAX];
    size_t at = 0;
    if (k->verdict == PACK_OK && k->inside == IN_SCALAR && !end_part(k))
        return k->verdict;
    if (k->verdict != PACK_OK)
        return k->verdict;
    span body = buf_span(&k->body);
    size_t n = buf_len(&k->wides) / sizeof(struct wide);
    struct wide *w = (struct wide *)(void *)k->wides.bytes;
    if (n)
        qsort(w, n, sizeof(*w), by_place);
    for (size_t i = 0; i < n; i++) {
        buf_add(out, span_of(body.at + at, w[i].at - at));
        buf_add(out,
                span_of(head, msgpack_put_head(
                                  head, (enum msgpack_kind)w[i].kind, w[i].n)));
        at = w[i].at + 1;
    }
    buf_add(out, span_skip(body, at));
    return PACK_OK;
}

size_t
pack_held_bytes(const struct pack *k)
{
    return k->body.room + k->wides.room + k->part.room;
}

const char *
pack_words(const struct pack *k)
{
    return k->words;
}

void
pack_pointer(const struct pack *k, struct buf *out)
{
    const char *body = k->body.bytes ? k->body.bytes + k->body.start : "";
    for (size_t i = 1; i <= k->depth; i++) {
        const struct level *l = &k->levels[i];
        const char *key = body + l->key_at;
        if (l->is_map && !l->at_value)
            break; /* the key itself */
        if (!l->is_map) {
            json_pointer_position(out, (size_t)l->n - 1);
            continue;
        }
        const struct msgpack_head *h = msgpack_head_of(key);
        json_pointer_step(out, span_of(key + h->len, msgpack_follows(h, key)));
    }
}
