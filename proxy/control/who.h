/* SPDX-License-Identifier: Apache-2.0 */
/*
 * who: who asks, and what he may do.
 *
 * On the socket the kernel says who it is. Over TLS a certificate does, if one
 * was shown, else a token; and there who is not a user of the configuration is
 * nobody. A function of what came, the configuration and the wrong tokens so far.
 */
#pragma once

#include "config/generation.h"
#include "proxy/control/tries.h"
#include "proxy/http/head.h"

#include <sys/types.h>

#define WHO_NAME_MAX 64u

struct who {
    char actor[WHO_NAME_MAX]; /* "anna"; "uid:0 (root)" */
    bool is_operator;
    bool is_approver;
    bool may_break_glass;
    const struct gen_user *user; /* NULL: the configuration has him not */
};

/* Somebody on the socket: he may look, at least. */
void who_is_local(const struct generation *gen, uid_t uid, struct who *out);

/* Why somebody is let do nothing at all. */
struct who_refusal {
    int status;
    unsigned retry_after_s; /* of a 429 */
    const char *text;
};

struct who_ask {
    const struct http_head *head;
    span certificate;       /* the verified one's name; empty without */
    const uint8_t *address; /* 16 bytes */
    uint64_t now_ms;
};

/* Somebody over TLS. False: `no` says why. A wrong token is counted in `tries`. */
MUST_CHECK bool who_is_remote(const struct generation *gen, struct tries *tries,
                              const struct who_ask *ask, struct who *out,
                              struct who_refusal *no);
