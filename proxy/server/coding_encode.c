/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting a coding on again. Levels are those at which a proxy does not become
 * the slowest part: a translated body is coded once for one reader.
 */
#include "proxy/server/coding.h"

#include "proxy/base/reserve.h"

#include <stdlib.h>

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#define PIECE        ((size_t)16384)
#define ZLIB_LEVEL   4
#define ZLIB_MEMORY  8 /* of 9: 128 KiB beside the window's 128 KiB */
#define BROTLI_LEVEL 4
#define BROTLI_LGWIN 18
#define ZSTD_LEVEL   3

struct encoder {
    enum coding coding;
    z_stream zlib;
    BrotliEncoderState *brotli;
    ZSTD_CCtx *zstd;
    bool is_starved; /* brotli's: it found no memory */
};

static void
end(void *p)
{
    struct encoder *e = p;

    if (e->coding == CODING_GZIP || e->coding == CODING_DEFLATE)
        deflateEnd(&e->zlib);
    if (e->brotli)
        BrotliEncoderDestroyInstance(e->brotli);
    ZSTD_freeCCtx(e->zstd);
    free(e);
}

static void *
brotli_malloc(void *encoder, size_t n)
{
    struct encoder *e = encoder;

    return reserve_malloc(n, &e->is_starved);
}

static void
brotli_free(void *encoder, void *p)
{
    (void)encoder;
    reserve_free(p);
}

/* Told that there is no memory, its encoder would end the process. */
static bool
begin_brotli(struct encoder *e)
{
    e->brotli = BrotliEncoderCreateInstance(brotli_malloc, brotli_free, e);
    return e->brotli && !e->is_starved &&
           BrotliEncoderSetParameter(e->brotli, BROTLI_PARAM_QUALITY,
                                     BROTLI_LEVEL) &&
           BrotliEncoderSetParameter(e->brotli, BROTLI_PARAM_LGWIN,
                                     BROTLI_LGWIN);
}

static bool
begin(struct encoder *e)
{
    switch (e->coding) {
    case CODING_GZIP:
        return deflateInit2(&e->zlib, ZLIB_LEVEL, Z_DEFLATED, 16 + MAX_WBITS,
                            ZLIB_MEMORY, Z_DEFAULT_STRATEGY) == Z_OK;
    case CODING_DEFLATE:
        return deflateInit2(&e->zlib, ZLIB_LEVEL, Z_DEFLATED, MAX_WBITS,
                            ZLIB_MEMORY, Z_DEFAULT_STRATEGY) == Z_OK;
    case CODING_BR:
        return begin_brotli(e);
    case CODING_ZSTD:
        e->zstd = ZSTD_createCCtx();
        return e->zstd && !ZSTD_isError(ZSTD_CCtx_setParameter(
                              e->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL));
    case CODING_NONE:
        break;
    }
    return false;
}

struct encoder *
encoder_new(struct arena *a, enum coding c)
{
    struct encoder *e = calloc(1, sizeof(*e));

    if (!e)
        return NULL;
    e->coding = c;
    if (begin(e) && arena_defer(a, end, e))
        return e;
    end(e);
    return NULL;
}

/* What is asked of all three: go on, give all so far, or end. */
enum step { STEP_GO, STEP_FLUSH, STEP_END };

static bool
zlib_step(struct encoder *e, span in, enum step step, struct buf *out)
{
    static const int how[] = {Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH};
    z_stream *z = &e->zlib;

    memcpy(&z->next_in, &in.at, sizeof(z->next_in)); /* it is not const */
    z->avail_in = (uInt)in.len;
    do { /* ends: each turn takes input or gives less than a piece */
        char *at = buf_reserve(out, PIECE);

        if (!at)
            return false;
        z->next_out = (Bytef *)at;
        z->avail_out = (uInt)PIECE;
        int code = deflate(z, how[step]);
        if (code == Z_STREAM_ERROR)
            return false;
        buf_commit(out, PIECE - z->avail_out);
    } while (z->avail_out == 0);
    return true;
}

static bool
brotli_step(struct encoder *e, span in, enum step step, struct buf *out)
{
    static const BrotliEncoderOperation how[] = {BROTLI_OPERATION_PROCESS,
                                                 BROTLI_OPERATION_FLUSH,
                                                 BROTLI_OPERATION_FINISH};
    const uint8_t *next = (const uint8_t *)in.at;
    size_t left = in.len, none = 0;

    do { /* ends: it gives what it has and takes the rest */
        if (!BrotliEncoderCompressStream(e->brotli, how[step], &left, &next,
                                         &none, NULL, NULL))
            return false;
        size_t n = 0;
        const uint8_t *at = BrotliEncoderTakeOutput(e->brotli, &n);
        buf_add(out, span_of((const char *)at, n));
    } while (left || BrotliEncoderHasMoreOutput(e->brotli));
    return !buf_failed(out) && !e->is_starved;
}

static bool
zstd_step(struct encoder *e, span in, enum step step, struct buf *out)
{
    static const ZSTD_EndDirective how[] = {ZSTD_e_continue, ZSTD_e_flush,
                                            ZSTD_e_end};
    ZSTD_inBuffer from = {in.at, in.len, 0};
    size_t left;

    do { /* ends: all is taken and nothing is left to give */
        char *at = buf_reserve(out, PIECE);
        ZSTD_outBuffer to = {at, PIECE, 0};

        if (!at)
            return false;
        left = ZSTD_compressStream2(e->zstd, &to, &from, how[step]);
        if (ZSTD_isError(left))
            return false;
        buf_commit(out, to.pos);
    } while (from.pos < from.size || (step != STEP_GO && left));
    return true;
}

static bool
take_step(struct encoder *e, span in, enum step step, struct buf *out)
{
    switch (e->coding) {
    case CODING_GZIP:
    case CODING_DEFLATE:
        return zlib_step(e, in, step, out);
    case CODING_BR:
        return brotli_step(e, in, step, out);
    case CODING_ZSTD:
        return zstd_step(e, in, step, out);
    case CODING_NONE:
        break;
    }
    return false;
}

bool
encoder_put(struct encoder *e, span in, bool flush, struct buf *out)
{
    /* An empty flush would add a block that says nothing. */
    return in.len == 0 || take_step(e, in, flush ? STEP_FLUSH : STEP_GO, out);
}

bool
encoder_end(struct encoder *e, struct buf *out)
{
    return take_step(e, (span){0}, STEP_END, out);
}
