/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client: who asks, as the proxy knows it: what forwarding, gates, detection and
 * the log are told. It is a connection's; a mirrored request has a copy.
 */
#pragma once

#include "config/generation.h"

#define CLIENT_PEER_MAX 64 /* "2001:db8::1" and more */

struct client {
    const struct gen_listener *listener;
    const char *speaks; /* "h1", "tls_h2": for the log and the gauge */
    span certificate;   /* the verified certificate's name, or empty */
    bool is_trusted;    /* its Forwarded fields are believed */
    bool has_address;
    uint8_t address[16]; /* IPv4 in its mapped form */
    size_t peer_len;
    char peer[CLIENT_PEER_MAX]; /* the address as text, or "unix" */
};

static inline bool
client_is_secure(const struct client *c)
{
    return c->listener->tls != NULL;
}

static inline span
client_peer(const struct client *c)
{
    return span_of(c->peer, c->peer_len);
}
