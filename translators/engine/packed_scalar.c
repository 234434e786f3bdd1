/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packed_scalar: a scalar of MessagePack that an entry reads, spelt as JSON is:
 * tables, tests and forms know no other spelling.
 */
#include "translators/engine/packed.h"
#include "translators/engine/work.h"

#include "translators/json/carried.h"
#include "translators/json/tree.h"
#include "translators/msgpack/number.h"
#include "translators/msgpack/plain.h"

/* Zeros behind it: it is looked up by words. */
#define BEHIND 16

static size_t
put_word(char *at, span word)
{
    memcpy(at, word.at, word.len);
    return word.len;
}

/* A text that stands as it is is copied; any other is escaped. 0: no room. */
static size_t
put_text(struct buf *b, char *at, span text)
{
    if (LIKELY(plain_text(text, PLAIN_ASCII) == text.len)) {
        at[0] = '"';
        if (text.len)
            memcpy(at + 1, text.at, text.len);
        at[text.len + 1] = '"';
        return text.len + 2;
    }
    buf_byte(b, '"');
    json_escape(b, text);
    buf_byte(b, '"');
    size_t len = buf_len(b);
    bool ok = buf_reserve(b, BEHIND) != NULL;
    buf_clear(b);
    return ok ? len : 0;
}

/* Bytes, for a form that knows what is carried. 0: no room. */
static size_t
put_bytes(struct buf *b, span bytes)
{
    size_t room = CARRIED_LEN + 2 + (bytes.len + 2) / 3 * 4 + BEHIND;
    char *at = buf_reserve(b, room);
    if (!at)
        return 0;
    size_t len = put_word(at, SPAN("\"" CARRIED_BYTES));
    len += carried_encode(bytes.at, bytes.len, at + len);
    at[len] = '"';
    return len + 1;
}

static bool
spell(struct engine *m, const char *p, const char *q, span *out)
{
    const struct msgpack_head *h = msgpack_head_of(p);
    struct buf *b = &m->scratch[1];
    size_t n = (size_t)(q - p) - h->len;
    size_t len = 0;
    buf_clear(b);
    char *at = buf_reserve(b, n + NUMBER_TEXT_MAX + BEHIND);
    if (!at)
        return engine_fail(m, ENGINE_NO_ROOM, p);
    switch ((enum msgpack_kind)h->kind) {
    case MSGPACK_TEXT:
        len = put_text(b, at, span_of(p + h->len, n));
        if (!len)
            return engine_fail(m, ENGINE_NO_ROOM, p);
        break;
    case MSGPACK_NIL:
        len = put_word(at, SPAN("null"));
        break;
    case MSGPACK_BOOL:
        len = put_word(at, (unsigned char)*p == 0xC3 ? SPAN("true")
                                                     : SPAN("false"));
        break;
    case MSGPACK_UINT:
    case MSGPACK_INT:
    case MSGPACK_FLOAT:
        len = number_unpack(p, at);
        break;
    case MSGPACK_BYTES:
        len = put_bytes(b, span_of(p + h->len, n));
        if (!len)
            return engine_fail(m, ENGINE_NO_ROOM, p);
        break;
    case MSGPACK_BAD:
    case MSGPACK_EXT:
    case MSGPACK_LIST:
    case MSGPACK_MAP:
        break;
    }
    if (!len)
        return engine_fail(m, ENGINE_NO_FORM, p);
    memset(b->bytes + len, 0, BEHIND);
    *out = span_of(b->bytes, len);
    return true;
}

bool
engine_packed_scalar(struct engine *m, const char *p, const char *q)
{
    span json = {0};
    const struct msgpack_head *h = msgpack_head_of(p);
    bool is_read = false;
    const struct engine_map *map = m->top->entry->map;
    /* A text where bytes should be. */
    if (h->kind == MSGPACK_TEXT && map && map->form && map->form->reads_bytes)
        return engine_fail(m, ENGINE_NO_FORM, p);
    if (h->kind == MSGPACK_TEXT && !m->crosses &&
        !engine_packed_text(m, p, q, (size_t)(q - p) - h->len, &is_read))
        return false;
    return is_read ||
           (spell(m, p, q, &json) && engine_read_scalar(m, json, json, p, q));
}
