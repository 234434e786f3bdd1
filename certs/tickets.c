/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/tickets.h"

#include "certs/context.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <assert.h>
#include <string.h>

#define TRIES 1000 /* a writer copies 240 bytes; it is not there for long */

/* One key as it lies in the segment. */
struct key {
    unsigned char name[16];
    unsigned char mac[32];
    unsigned char aes[32];
};

static_assert(sizeof(struct key) == CERTS_TICKET_BYTES, "layout of a key");

static int ctx_index = -1; /* where a context keeps its struct certs_tickets */

static bool
read_keys(const struct certs_tickets *t, struct key keys[CERTS_TICKET_KEYS])
{
    for (int i = 0; i < TRIES; i++) {
        uint64_t before = 0;

        if (t->sequence)
            before = atomic_load_explicit(t->sequence, memory_order_acquire);
        if (before & 1)
            continue;
        memcpy(keys, t->keys, CERTS_TICKET_KEYS * sizeof(*keys));
        atomic_thread_fence(memory_order_acquire);
        if (!t->sequence ||
            atomic_load_explicit(t->sequence, memory_order_relaxed) == before)
            return true;
    }
    return false;
}

static bool
is_set(const struct key *k)
{
    static const struct key zeros;

    return memcmp(k, &zeros, sizeof(zeros)) != 0;
}

/* The key of this name, or -1. */
static int
key_named(const struct key *keys, const unsigned char *name)
{
    for (int i = 0; i < CERTS_TICKET_KEYS; i++)
        if (is_set(&keys[i]) &&
            memcmp(keys[i].name, name, sizeof(keys[i].name)) == 0)
            return i;
    return -1;
}

static bool
mac_start(EVP_MAC_CTX *mac, struct key *k)
{
    char sha256[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, k->mac,
                                          sizeof(k->mac)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

static int
seal(struct key *k, unsigned char *name, unsigned char *iv,
     EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
    if (!is_set(k))
        return 0;
    memcpy(name, k->name, sizeof(k->name));
    if (RAND_bytes(iv, 16) != 1 ||
        EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, k->aes, iv) != 1 ||
        !mac_start(mac, k))
        return -1;
    return 1;
}

/* 0: not ours, a full handshake; 1: go on; 2: go on and give a new one, which a client
 * of TLS 1.3 needs each time: it uses a ticket `once` (RFC 8446, appendix C.4). */
static int
open_ticket(struct key *keys, bool once, const unsigned char *name,
            const unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
    int i = key_named(keys, name);

    if (i < 0)
        return 0;
    if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, keys[i].aes, iv) !=
            1 ||
        !mac_start(mac, &keys[i]))
        return -1;
    return i == 0 && !once ? 1 : 2;
}

static int
on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv,
          EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int is_sealing)
{
    const struct certs_tickets *t =
        SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), ctx_index);
    struct key keys[CERTS_TICKET_KEYS];
    bool once = SSL_version(ssl) >= TLS1_3_VERSION;
    int answer = 0;

    assert(t);
    if (read_keys(t, keys))
        answer = is_sealing ? seal(&keys[0], name, iv, cipher, mac)
                            : open_ticket(keys, once, name, iv, cipher, mac);
    OPENSSL_cleanse(keys, sizeof(keys));
    return answer;
}

bool
context_tickets(SSL_CTX *ctx, const struct certs_tickets *t)
{
    if (!t) {
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
        return SSL_CTX_set_num_tickets(ctx, 0) == 1;
    }
    if (ctx_index < 0)
        ctx_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    /* OpenSSL keeps what it may not change as void *. */
    union {
        const struct certs_tickets *in;
        void *out;
    } p = {.in = t};
    return ctx_index >= 0 && SSL_CTX_set_ex_data(ctx, ctx_index, p.out) == 1 &&
           SSL_CTX_set_num_tickets(ctx, 1) == 1 &&
           SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket) == 1;
}
