/* SPDX-License-Identifier: Apache-2.0 */
/* Coded bodies: whatever comes, cut anywhere, ends, in bounded memory. */
#include "proxy/server/coding.h"

#include <stdlib.h>

#define OUTPUT_MAX ((size_t)4 << 20) /* as what may be held does */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct arena *a = arena_new(1 << 16);
    struct decoder *d =
        a ? decoder_new(a, (enum coding)(CODING_GZIP + data[0] % 4)) : NULL;
    span rest = span_of((const char *)data + 2, size - 2), piece;
    size_t cut = (size_t)data[1] + 1, total = 0;
    enum err_code code = d ? OK : ERR_LIMIT;

    while (code == OK && rest.len && total < OUTPUT_MAX) {
        span in = span_take(rest, cut);

        rest = span_skip(rest, in.len);
        do {
            code = decoder_take(d, &in, &piece);
            total += piece.len;
        } while (code == OK && (in.len || piece.len) && total < OUTPUT_MAX);
    }
    arena_free(&a);
    return 0;
}
