/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes, cut anyhow: what comes of them as JSON does not depend on the cut, is
 * JSON, and comes back as the same JSON when it was packed.
 */
#include "translators/json/tree.h"
#include "translators/msgpack/pack.h"
#include "translators/msgpack/unpack.h"

#include <assert.h>
#include <stdlib.h>

#define ROOM  ((size_t)64 * 1024 * 1024)
#define DEPTH 64

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static bool carries; /* every second input is brought over with all it has */

/* Of its own size, so that a read behind it is seen. */
static span
alone(span s)
{
    char *at = malloc(s.len + !s.len);
    assert(at);
    if (s.len)
        memcpy(at, s.at, s.len);
    return span_of(at, s.len);
}

static enum unpack_verdict
unpack(struct arena *a, span in, size_t n, struct buf *out, struct buf *where)
{
    struct unpack *u = unpack_new(a, DEPTH);
    enum unpack_verdict v = UNPACK_OK;
    assert(u);
    if (carries)
        unpack_carries(u);
    for (size_t at = 0; v == UNPACK_OK && at < in.len; at += n) {
        span piece = alone(span_take(span_skip(in, at), n));
        v = unpack_feed(u, piece, out);
        free((void *)(uintptr_t)piece.at);
    }
    if (v == UNPACK_OK)
        v = unpack_end(u);
    unpack_pointer(u, where);
    return v;
}

static enum pack_verdict
pack(struct arena *a, span in, size_t n, struct buf *out)
{
    struct pack *k = pack_new(a, ROOM);
    enum pack_verdict v = PACK_OK;
    assert(k);
    if (carries)
        pack_carries(k);
    for (size_t at = 0; v == PACK_OK && at < in.len; at += n) {
        span piece = alone(span_take(span_skip(in, at), n));
        v = pack_feed(k, piece);
        free((void *)(uintptr_t)piece.at);
    }
    return v == PACK_OK ? pack_end(k, out) : v;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 1)
        return 0;
    struct arena *a = arena_new(ROOM);
    struct buf b[6];
    struct json *tree;
    span in = span_of((const char *)bytes + 1, len - 1);
    carries = bytes[0] & 1;
    size_t n = 1 + (size_t)bytes[0] * bytes[0] / 16;
    assert(a);
    for (size_t i = 0; i < COUNT(b); i++)
        buf_init(&b[i], ROOM);

    enum unpack_verdict v = unpack(a, in, len, &b[0], &b[1]);
    enum unpack_verdict cut = unpack(a, in, n, &b[2], &b[3]);
    assert(v == cut);
    assert(span_eq(buf_span(&b[1]), buf_span(&b[3])));
    if (v == UNPACK_OK) {
        span json = buf_span(&b[0]);
        assert(span_eq(json, buf_span(&b[2])));
        assert(json_parse(a, json, DEPTH, &tree, NULL) == OK);
        enum pack_verdict packed = pack(a, json, n, &b[4]);
        assert(packed == PACK_OK);
        buf_clear(&b[1]);
        v = unpack(a, buf_span(&b[4]), n, &b[5], &b[1]);
        assert(v == UNPACK_OK && span_eq(buf_span(&b[5]), json));
    } else if (json_parse(a, in, DEPTH, &tree, NULL) == OK) {
        /* As JSON: whole and cut it is packed alike. */
        enum pack_verdict whole = pack(a, in, len, &b[4]);
        enum pack_verdict pieces = pack(a, in, n, &b[5]);
        assert(whole == pieces);
        assert(span_eq(buf_span(&b[4]), buf_span(&b[5])));
    }
    for (size_t i = 0; i < COUNT(b); i++)
        buf_fini(&b[i]);
    arena_free(&a);
    return 0;
}
