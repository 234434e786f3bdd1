/* SPDX-License-Identifier: Apache-2.0 */
/*
 * observe: what the read-only listener answers: /metrics, /healthz, /readyz.
 *
 * A function from a request and the state to an answer. Whoever can reach the
 * port may ask, so it tells nothing of clients and changes nothing; and it
 * answers only to its own names, so that no page from elsewhere can read it
 * through a browser (a name that was made to point here is not one of them).
 */
#pragma once

#include "proxy/base/buf.h"
#include "proxy/control/state.h"
#include "proxy/http/head.h"

#define OBSERVE_SERIES_MAX 10000u

struct observe_answer {
    int status;
    const char *content_type;
    const char *allow; /* of a 405; NULL for none */
    struct buf *body;
};

/* `out->body` is there and empty; all else is filled in. */
void observe_answer(struct control *c, const struct http_head *head,
                    uint64_t now_ms, struct observe_answer *out);
