/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

static void fill(struct err *e, enum err_code code, size_t offset,
                 const char *fmt, va_list args) PRINTF(4, 0);

static void
fill(struct err *e, enum err_code code, size_t offset, const char *fmt,
     va_list args)
{
    assert(code != OK);
    if (!e)
        return;
    e->code = code;
    e->offset = offset;
    vsnprintf(e->text, sizeof(e->text), fmt, args);
}

enum err_code
err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fill(e, code, 0, fmt, args);
    va_end(args);
    return code;
}

enum err_code
err_at(struct err *e, enum err_code code, size_t offset, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fill(e, code, offset, fmt, args);
    va_end(args);
    return code;
}

enum err_code
err_wrap(struct err *e, const char *fmt, ...)
{
    char where[ERR_TEXT_MAX];
    char rest[ERR_TEXT_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(where, sizeof(where), fmt, args);
    va_end(args);
    /* A sentence that is too long loses its end, never its beginning. */
    memcpy(rest, e->text, sizeof(rest));
    size_t n = (size_t)snprintf(e->text, sizeof(e->text), "%s: ", where);
    if (n < sizeof(e->text)) {
        size_t room = sizeof(e->text) - n - 1;
        size_t len = strnlen(rest, room);

        memcpy(e->text + n, rest, len);
        e->text[n + len] = '\0';
    }
    return e->code;
}

const char *
err_name(enum err_code code)
{
    static const char *const names[] = {
#define X(name, doc) #name,
        ERR_CODES(X)
#undef X
    };

    return code < COUNT(names) ? names[code] : "ERR_UNKNOWN";
}
