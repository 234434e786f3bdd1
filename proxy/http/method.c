/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/http/method.h"

#include "proxy/http/chars.h"

static const struct {
    span token;
    unsigned is;
} methods[] = {[METHOD_OTHER] = {{0}, 0},
#define X(name, token, is) [name] = {{"" token, sizeof(token) - 1}, is},
               METHODS(X)
#undef X
};

enum method
method_of(span token)
{
    for (size_t m = 1; m < COUNT(methods); m++)
        if (span_eq(token, methods[m].token))
            return (enum method)m;
    return METHOD_OTHER;
}

span
method_token(enum method m)
{
    return methods[m].token;
}

bool
method_is_safe(enum method m)
{
    return (methods[m].is & METHOD_SAFE) != 0;
}

bool
method_is_idempotent(enum method m)
{
    return (methods[m].is & METHOD_IDEMPOTENT) != 0;
}

bool
method_is_valid(span token)
{
    if (token.len == 0 || token.len > METHOD_LEN_MAX)
        return false;
    if (!char_is(token.at[0], CHAR_UPPER))
        return false;
    for (size_t i = 1; i < token.len; i++) {
        char c = token.at[i];
        if (!char_is(c, CHAR_UPPER | CHAR_DIGIT) && c != '-' && c != '_')
            return false;
    }
    return true;
}
