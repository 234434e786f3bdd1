/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack: heads are acted on as soon as they are whole; what follows a text's head
 * is copied as it comes. Output is written to room that is sure to be there: a
 * block of input grows at most sixfold (a control byte in a text).
 */
#include "translators/msgpack/unpack.h"

#include "proxy/base/utf8.h"
#include "translators/json/carried.h"
#include "translators/json/tree.h"
#include "translators/msgpack/number.h"
#include "translators/msgpack/plain.h"

#include <assert.h>

#define BLOCK  ((size_t)4096)
#define GROWTH 6
#define SPARE  ((size_t)1024) /* the brackets that may close behind a value */
#define KEYS_MAX                                                               \
    ((size_t)16 * 1024 * 1024) /* of those around where we are, together */

static_assert(SPARE >= JSON_DEPTH_MAX, "a bracket for each level");

/* An open list or map. */
struct level {
    uint64_t all;  /* values, keys among them */
    uint64_t left; /* that have not begun */
    size_t key_at; /* its last key in `keys` */
    bool is_map;
};

struct unpack {
    struct level *levels; /* from 1 on */
    size_t depth;
    size_t depth_max;
    bool is_done;
    bool in_text; /* or in what is carried as one */
    bool in_key;
    bool carries;
    bool in_carried;
    uint64_t text_left; /* bytes of it that have not come */
    char head[MSGPACK_HEAD_MAX];
    size_t
        head_len; /* of the unfinished head, an unfinished character, or bytes
                        that are not three yet */
    char *o;
    struct buf keys;
    uint64_t offset; /* of the block */
    const char *base;
    enum unpack_verdict verdict;
    const char *words;
};

static void
close_keys(void *p)
{
    buf_fini(p);
}

struct unpack *
unpack_new(struct arena *a, size_t depth_max)
{
    struct unpack *u = arena_alloc(a, sizeof(*u));
    size_t depth = depth_max < JSON_DEPTH_MAX ? depth_max : JSON_DEPTH_MAX;
    if (!u)
        return NULL;
    u->levels = arena_array(a, depth + 1, sizeof(*u->levels));
    u->depth_max = depth;
    buf_init(&u->keys, KEYS_MAX);
    return u->levels && arena_defer(a, close_keys, &u->keys) ? u : NULL;
}

void
unpack_carries(struct unpack *u)
{
    u->carries = true;
}

static bool
fail(struct unpack *u, enum unpack_verdict verdict, const char *at,
     const char *words)
{
    u->verdict = verdict;
    u->words = words;
    if (at)
        u->offset += (uint64_t)(at - u->base);
    return false;
}

/* ---- texts ---------------------------------------------------------------------- */

static void
put(struct unpack *u, const char *at, size_t n)
{
    memcpy(u->o, at, n);
    u->o += n;
}

static void
put_escaped(struct unpack *u, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char short_ones[] = {
        ['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
        ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't'};
    *u->o++ = '\\';
    if (c < sizeof(short_ones) && short_ones[c]) {
        *u->o++ = short_ones[c];
        return;
    }
    put(u, "u00", 3);
    *u->o++ = hex[c >> 4];
    *u->o++ = hex[c & 15];
}

/* What is known to be UTF-8. */
static void
put_text(struct unpack *u, span s)
{
    while (s.len) {
        size_t n = plain_text(s, PLAIN_UTF8);
        put(u, s.at, n);
        s = span_skip(s, n);
        for (; s.len && !plain_is((unsigned char)s.at[0], PLAIN_UTF8);
             s = span_skip(s, 1))
            put_escaped(u, (unsigned char)s.at[0]);
    }
}

/* A character may be cut: its first bytes wait in `head`. */
static bool
finish_character(struct unpack *u, span *s)
{
    while (u->head_len && s->len) {
        u->head[u->head_len++] = s->at[0];
        *s = span_skip(*s, 1);
        if (utf8_char(span_of(u->head, u->head_len))) {
            put(u, u->head, u->head_len);
            u->head_len = 0;
        } else if (u->head_len == 4) {
            return false;
        }
    }
    return true;
}

/* A piece of a text that may end or begin inside a character. */
static bool
put_piece(struct unpack *u, span s, bool is_last)
{
    if (!finish_character(u, &s))
        return false;
    size_t good = utf8_good(s);
    put_text(u, span_take(s, good));
    s = span_skip(s, good);
    if (s.len > 3)
        return false;
    if (s.len)
        memcpy(u->head, s.at, s.len);
    u->head_len += s.len;
    return !is_last || u->head_len == 0;
}

static bool
keep_key(struct unpack *u, span s)
{
    buf_add(&u->keys, s);
    return !buf_failed(&u->keys) ||
           fail(u, UNPACK_TOO_DEEP, NULL, "its keys are too long");
}

/* ---- values --------------------------------------------------------------------- */

static bool
separate(struct unpack *u, const char *at, enum msgpack_kind kind)
{
    struct level *l = &u->levels[u->depth];
    u->in_key = false;
    if (u->depth == 0)
        return true;
    bool is_first = l->left == l->all;
    if (l->is_map && l->left % 2) {
        *u->o++ = ':';
    } else if (!is_first) {
        *u->o++ = ',';
    }
    u->in_key = l->is_map && l->left % 2 == 0;
    l->left--;
    if (!u->in_key)
        return true;
    buf_truncate(&u->keys, l->key_at);
    return kind == MSGPACK_TEXT ||
           fail(u, UNPACK_NO_FORM, at, "a key that is no text");
}

static void
end_value(struct unpack *u)
{
    while (u->depth && !u->levels[u->depth].left) {
        *u->o++ = u->levels[u->depth].is_map ? '}' : ']';
        u->depth--;
    }
    u->is_done = u->depth == 0;
}

static bool
open_container(struct unpack *u, const char *at, const struct msgpack_head *h)
{
    bool is_map = h->kind == MSGPACK_MAP;
    uint64_t n = msgpack_follows(h, at);
    if (u->depth == u->depth_max)
        return fail(u, UNPACK_TOO_DEEP, at, "the document is nested too deep");
    *u->o++ = is_map ? '{' : '[';
    n *= is_map ? 2 : 1;
    u->levels[++u->depth] = (struct level){
        .all = n, .left = n, .key_at = buf_len(&u->keys), .is_map = is_map};
    end_value(u);
    return true;
}

static bool
put_number(struct unpack *u, const char *at)
{
    size_t n = number_unpack(at, u->o);
    if (!n)
        return fail(u, UNPACK_NO_FORM, at, "a number that is none");
    u->o += n;
    end_value(u);
    return true;
}

static void
put_word(struct unpack *u, const char *word)
{
    put(u, word, strlen(word));
    end_value(u);
}

/* ---- what is carried ------------------------------------------------------------- */

/* Bytes, three by three; those that are left wait in `head`. */
static void
put_carried(struct unpack *u, span s, bool is_last)
{
    while (u->head_len && s.len && u->head_len < 3) {
        u->head[u->head_len++] = s.at[0];
        s = span_skip(s, 1);
    }
    if (u->head_len == 3 || (is_last && u->head_len)) {
        u->o += carried_encode(u->head, u->head_len, u->o);
        u->head_len = 0;
    }
    size_t n = is_last ? s.len : s.len - s.len % 3;
    u->o += carried_encode(s.at, n, u->o);
    s = span_skip(s, n);
    if (s.len)
        memcpy(u->head, s.at, s.len);
    u->head_len += s.len;
}

static bool
begin_carried(struct unpack *u, const char *at, const struct msgpack_head *h)
{
    bool is_bytes = h->kind == MSGPACK_BYTES;
    if (!u->carries)
        return fail(u, UNPACK_NO_FORM, at,
                    is_bytes ? "bytes that are no text" : "an extension type");
    *u->o++ = '"';
    put(u, is_bytes ? CARRIED_BYTES : CARRIED_EXTENSION, CARRIED_LEN);
    if (!is_bytes) /* its type is the last byte of its head */
        u->head[u->head_len++] = at[h->len - 1];
    u->in_text = u->in_carried = true;
    u->text_left = msgpack_follows(h, at);
    return true;
}

/* A text begins; all of it that is in the block is dealt with. */
static bool
go_on_text(struct unpack *u, const char **p, const char *end)
{
    size_t n = (size_t)(end - *p);
    if (u->text_left < n)
        n = (size_t)u->text_left;
    span piece = span_of(*p, n);
    u->text_left -= n;
    if (u->in_key && !keep_key(u, piece))
        return false;
    if (u->in_carried)
        put_carried(u, piece, !u->text_left);
    else if (!u->text_left && !u->head_len &&
             plain_text(piece, PLAIN_ASCII) == n)
        put(u, *p, n);
    else if (!put_piece(u, piece, !u->text_left))
        return fail(u, UNPACK_BAD, *p, "a text that is not UTF-8");
    *p += n;
    if (u->text_left)
        return true;
    *u->o++ = '"';
    u->in_text = u->in_carried = false;
    if (!u->in_key)
        end_value(u);
    return true;
}

/* A whole head. */
static bool
act(struct unpack *u, const char *at, const struct msgpack_head *h)
{
    enum msgpack_kind kind = (enum msgpack_kind)h->kind;
    if (!separate(u, at, kind))
        return false;
    switch (kind) {
    case MSGPACK_BAD:
        return fail(u, UNPACK_BAD, at, "a byte that begins no value");
    case MSGPACK_NIL:
        put_word(u, "null");
        return true;
    case MSGPACK_BOOL:
        put_word(u, (unsigned char)*at == 0xC3 ? "true" : "false");
        return true;
    case MSGPACK_UINT:
    case MSGPACK_INT:
    case MSGPACK_FLOAT:
        return put_number(u, at);
    case MSGPACK_TEXT:
        *u->o++ = '"';
        u->in_text = true;
        u->text_left = msgpack_follows(h, at);
        return true;
    case MSGPACK_BYTES:
    case MSGPACK_EXT:
        return begin_carried(u, at, h);
    case MSGPACK_LIST:
    case MSGPACK_MAP:
        return open_container(u, at, h);
    }
    return false;
}

/* ---- bytes ---------------------------------------------------------------------- */

/* A head that came in pieces. */
static bool
finish_head(struct unpack *u, const char **p, const char *end)
{
    while (*p < end && u->head_len < msgpack_head_of(u->head)->len)
        u->head[u->head_len++] = *(*p)++;
    const struct msgpack_head *h = msgpack_head_of(u->head);
    if (u->head_len < h->len)
        return true;
    u->head_len = 0;
    const char *base = u->base;
    u->base = u->head; /* the head began before what we see now */
    bool ok = act(u, u->head, h);
    u->base = base;
    return ok;
}

static bool
run_block(struct unpack *u, const char *p, const char *end)
{
    while (p < end) {
        if (u->in_text) {
            if (!go_on_text(u, &p, end))
                return false;
            continue;
        }
        if (u->is_done) /* and be it a head that never becomes whole */
            return fail(u, UNPACK_BAD, p, "more behind the document");
        const struct msgpack_head *h = msgpack_head_of(p);
        if (u->head_len || (size_t)(end - p) < h->len) {
            if (!u->head_len)
                u->head[u->head_len++] = *p++;
            if (!finish_head(u, &p, end))
                return false;
            continue;
        }
        if (!act(u, p, h))
            return false;
        p += h->len;
    }
    /* A text of no bytes has ended. */
    return !u->in_text || u->text_left || go_on_text(u, &p, end);
}

enum unpack_verdict
unpack_feed(struct unpack *u, span bytes, struct buf *out)
{
    while (bytes.len && u->verdict == UNPACK_OK) {
        span block = span_take(bytes, BLOCK);
        char *room = buf_reserve(out, GROWTH * (BLOCK + 8) + SPARE);
        if (!room) {
            fail(u, UNPACK_NO_ROOM, NULL, "no room for the document");
            break;
        }
        u->o = room;
        u->base = block.at;
        bool ok = run_block(u, block.at, block.at + block.len);
        buf_commit(out, (size_t)(u->o - room));
        if (ok)
            u->offset += block.len;
        bytes = span_skip(bytes, block.len);
    }
    return u->verdict;
}

enum unpack_verdict
unpack_end(struct unpack *u)
{
    if (u->verdict == UNPACK_OK && !u->is_done)
        fail(u, UNPACK_BAD, NULL, "the document ends before it is whole");
    return u->verdict;
}

const char *
unpack_words(const struct unpack *u)
{
    return u->words;
}

uint64_t
unpack_offset(const struct unpack *u)
{
    return u->offset;
}

void
unpack_pointer(const struct unpack *u, struct buf *out)
{
    const char *keys = u->keys.bytes ? u->keys.bytes + u->keys.start : "";
    for (size_t i = 1; i <= u->depth; i++) {
        const struct level *l = &u->levels[i];
        size_t end = i < u->depth ? u->levels[i + 1].key_at : buf_len(&u->keys);
        if (l->all == l->left || (i == u->depth && u->in_key))
            break; /* of a key that is wrong: its object */
        if (l->is_map)
            json_pointer_step(out, span_of(keys + l->key_at, end - l->key_at));
        else
            json_pointer_position(out, (size_t)(l->all - l->left - 1));
    }
}
