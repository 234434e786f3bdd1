/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/backend/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *name;

void
answer_name(const char *text)
{
    name = text;
}

void
answer_die(const char *what)
{
    perror(what);
    exit(1);
}

void
answer_head(struct buf *out, const char *status, const char *media,
            size_t length)
{
    buf_fmt(out, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n",
            status, media, length);
    if (name)
        buf_fmt(out, "X-Backend: %s\r\n", name);
    buf_str(out, "\r\n");
}

void
answer_write(struct buf *out, const char *method, const char *status, span body)
{
    bool is_problem = status[0] >= '4';

    answer_head(out, status,
                is_problem ? "application/problem+json" : "application/json",
                body.len);
    if (strcmp(method, "HEAD") != 0)
        buf_add(out, body);
}

void
answer_refuse(struct buf *out, const char *method, const char *status)
{
    char text[128];

    snprintf(text, sizeof(text), "{\"title\":\"%s\",\"status\":%.3s}",
             status + 4, status);
    answer_write(out, method, status, span_str(text));
}
