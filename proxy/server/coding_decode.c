/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking a coding off. Each library is asked for one piece of output at a time.
 */
#include "proxy/server/coding.h"

#include <assert.h>
#include <stdlib.h>

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define PIECE      ((size_t)16384)
#define MEMORY_MAX ((size_t)10 * 1024 * 1024)
#define WINDOW_LOG 23 /* RFC 9659: 8 MiB, what every zstd decoder must take */

struct decoder {
    enum coding coding;
    bool is_whole;
    bool has_begun;
    bool wants_more; /* the library has nothing left to give */
    bool is_starved; /* it got no memory that it may have */
    z_stream zlib;
    BrotliDecoderState *brotli;
    size_t brotli_bytes;
    ZSTD_DCtx *zstd;
    char piece[PIECE];
};

/* ── the libraries' memory ───────────────────────────────────────────────── */

/* Before each block stands its size, so that what is freed is known. */
union block {
    size_t size;
    max_align_t align;
};

static void *
brotli_alloc(void *opaque, size_t size)
{
    struct decoder *d = opaque;
    union block *b;

    if (size > MEMORY_MAX - d->brotli_bytes)
        return NULL;
    if (!(b = malloc(sizeof(*b) + size))) {
        d->is_starved = true;
        return NULL;
    }
    b->size = size;
    d->brotli_bytes += size;
    return b + 1;
}

static void
brotli_free(void *opaque, void *p)
{
    struct decoder *d = opaque;
    union block *b = p;

    if (!b)
        return;
    d->brotli_bytes -= b[-1].size;
    free(b - 1);
}

/* ── life ────────────────────────────────────────────────────────────────── */

static void
end(void *p)
{
    struct decoder *d = p;

    if (d->coding == CODING_GZIP || d->coding == CODING_DEFLATE)
        inflateEnd(&d->zlib);
    if (d->brotli)
        BrotliDecoderDestroyInstance(d->brotli);
    ZSTD_freeDCtx(d->zstd);
    free(d);
}

static bool
begin(struct decoder *d)
{
    switch (d->coding) {
    case CODING_GZIP:
        return inflateInit2(&d->zlib, 16 + MAX_WBITS) == Z_OK;
    case CODING_DEFLATE:
        return inflateInit(&d->zlib) == Z_OK;
    case CODING_BR:
        d->brotli = BrotliDecoderCreateInstance(brotli_alloc, brotli_free, d);
        return d->brotli != NULL;
    case CODING_ZSTD:
        d->zstd = ZSTD_createDCtx();
        return d->zstd && !ZSTD_isError(ZSTD_DCtx_setParameter(
                              d->zstd, ZSTD_d_windowLogMax, WINDOW_LOG));
    case CODING_NONE:
        break;
    }
    return false;
}

struct decoder *
decoder_new(struct arena *a, enum coding c)
{
    struct decoder *d = calloc(1, sizeof(*d));

    if (!d)
        return NULL;
    d->coding = c;
    d->wants_more = true;
    if (begin(d) && arena_defer(a, end, d))
        return d;
    end(d);
    return NULL;
}

bool
decoder_is_whole(const struct decoder *d)
{
    return d->is_whole;
}

bool
decoder_is_starved(const struct decoder *d)
{
    return d->is_starved;
}

/* ── zlib ────────────────────────────────────────────────────────────────── */

/*
 * Some call raw deflate "deflate", too. RFC 1950 §2.2: a zlib stream begins with
 * two bytes that, as one number, are a multiple of 31, with method 8.
 */
static bool
is_raw(span in)
{
    unsigned first = (unsigned char)in.at[0];
    unsigned second = in.len > 1 ? (unsigned char)in.at[1] : 0;

    if ((first & 15) != 8)
        return true;
    return in.len > 1 && (first << 8 | second) % 31 != 0;
}

static enum err_code
zlib_take(struct decoder *d, span *in, span *out)
{
    z_stream *z = &d->zlib;

    if (d->coding == CODING_DEFLATE && !d->has_begun && in->len &&
        is_raw(*in) && inflateReset2(z, -MAX_WBITS) != Z_OK)
        return ERR_INVALID;
    d->has_begun |= in->len > 0;
    /* RFC 1952 §2.2: members may follow each other. */
    if (d->is_whole && in->len) {
        if (d->coding != CODING_GZIP || inflateReset(z) != Z_OK)
            return ERR_INVALID;
        d->is_whole = false;
    }
    size_t n = in->len < UINT32_MAX ? in->len : UINT32_MAX;
    memcpy(&z->next_in, &in->at, sizeof(z->next_in)); /* it is not const */
    z->avail_in = (uInt)n;
    z->next_out = (Bytef *)d->piece;
    z->avail_out = (uInt)PIECE;
    int code = inflate(z, Z_NO_FLUSH);
    *in = span_skip(*in, n - z->avail_in);
    *out = span_of(d->piece, PIECE - z->avail_out);
    d->is_whole = code == Z_STREAM_END;
    d->is_starved = code == Z_MEM_ERROR; /* its window is 32 KiB at most */
    if (d->is_starved)
        return ERR_LIMIT;
    return code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR
               ? OK
               : ERR_INVALID;
}

/* ── brotli ──────────────────────────────────────────────────────────────── */

static enum err_code
brotli_take(struct decoder *d, span *in, span *out)
{
    const uint8_t *next_in = (const uint8_t *)in->at;
    uint8_t *next_out = (uint8_t *)d->piece;
    size_t avail_in = in->len, avail_out = PIECE;

    if (d->is_whole)
        return in->len ? ERR_INVALID : OK;
    switch (BrotliDecoderDecompressStream(d->brotli, &avail_in, &next_in,
                                          &avail_out, &next_out, NULL)) {
    case BROTLI_DECODER_RESULT_SUCCESS:
        d->is_whole = true;
        break;
    case BROTLI_DECODER_RESULT_ERROR:
        /* The codes for memory stand at one end of the list. */
        return BrotliDecoderGetErrorCode(d->brotli) <=
                       BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES
                   ? ERR_LIMIT
                   : ERR_INVALID;
    case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT:
    case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT:
        break;
    }
    *in = span_skip(*in, in->len - avail_in);
    *out = span_of(d->piece, PIECE - avail_out);
    return OK;
}

/* ── zstd ────────────────────────────────────────────────────────────────── */

static enum err_code
zstd_take(struct decoder *d, span *in, span *out)
{
    ZSTD_inBuffer from = {in->at, in->len, 0};
    ZSTD_outBuffer to = {d->piece, PIECE, 0};

    if (from.size == 0 && (d->is_whole || d->wants_more))
        return OK;
    /* Frames may follow each other (RFC 8878 §3.1). */
    size_t left = ZSTD_decompressStream(d->zstd, &to, &from);
    if (ZSTD_isError(left)) {
        ZSTD_ErrorCode code = ZSTD_getErrorCode(left);

        d->is_starved = code == ZSTD_error_memory_allocation;
        return d->is_starved || code == ZSTD_error_frameParameter_windowTooLarge
                   ? ERR_LIMIT
                   : ERR_INVALID;
    }
    d->is_whole = left == 0;
    d->wants_more = to.pos < PIECE;
    *in = span_skip(*in, from.pos);
    *out = span_of(d->piece, to.pos);
    return OK;
}

enum err_code
decoder_take(struct decoder *d, span *in, span *out)
{
    *out = (span){0};
    switch (d->coding) {
    case CODING_GZIP:
    case CODING_DEFLATE:
        return zlib_take(d, in, out);
    case CODING_BR:
        return brotli_take(d, in, out);
    case CODING_ZSTD:
        return zstd_take(d, in, out);
    case CODING_NONE:
        break;
    }
    return ERR_INVALID;
}
