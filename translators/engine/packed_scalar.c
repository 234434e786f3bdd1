/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packed_scalar: a scalar of MessagePack that an entry reads, spelt as JSON is:
 * tables, tests and forms know no other spelling.
 */
#include "translators/engine/machine.h"
#include "translators/engine/packed.h"

#include "translators/json/tree.h"
#include "translators/msgpack/number.h"

/* Zeros behind it: it is looked up by words. */
static bool
spell(struct engine *m, const char *p, const char *q, span *out)
{
    const struct msgpack_head *h = msgpack_head_of(p);
    struct buf *b = &m->scratch[1];
    char number[NUMBER_TEXT_MAX];
    size_t n = 0;
    buf_clear(b);
    switch ((enum msgpack_kind)h->kind) {
    case MSGPACK_TEXT:
        buf_byte(b, '"');
        json_escape(b, span_of(p + h->len, (size_t)(q - p) - h->len));
        buf_byte(b, '"');
        break;
    case MSGPACK_NIL:
        buf_str(b, "null");
        break;
    case MSGPACK_BOOL:
        buf_str(b, (unsigned char)*p == 0xC3 ? "true" : "false");
        break;
    case MSGPACK_UINT:
    case MSGPACK_INT:
    case MSGPACK_FLOAT:
        n = number_unpack(p, number);
        if (!n)
            return engine_fail(m, ENGINE_NO_FORM, p);
        buf_add(b, span_of(number, n));
        break;
    case MSGPACK_BAD:
    case MSGPACK_BYTES:
    case MSGPACK_EXT:
    case MSGPACK_LIST:
    case MSGPACK_MAP:
        return engine_fail(m, ENGINE_NO_FORM, p);
    }
    size_t len = buf_len(b);
    buf_add(b, SPAN("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"));
    if (buf_failed(b))
        return engine_fail(m, ENGINE_NO_ROOM, p);
    *out = span_of(b->bytes + b->start, len);
    return true;
}

bool
engine_packed_scalar(struct engine *m, const char *p, const char *q)
{
    span json;
    return spell(m, p, q, &json) && engine_read_scalar(m, json, json, p, q);
}
