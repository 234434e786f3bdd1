/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/store.h"

#include "proxy/base/map.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#define NAME_MAX_BYTES 255 /* of a DNS name */

struct held {
    SSL_CTX *ctx; /* NULL: it was forgotten */
    struct held *next;
};

struct certs_store {
    struct arena *arena;
    struct held *held;
    struct map exact; /* "shop.example", "127.0.0.1", "::1" to SSL_CTX */
    struct map wild;  /* ".example" to SSL_CTX */
    SSL_CTX *first;
};

/* ---- names ---- */

/*
 * A name as the maps have it: lower case without a last dot, an address as
 * inet_ntop spells it. Empty if it is longer than any, or holds a NUL.
 */
static span
plain_name(span name, char out[NAME_MAX_BYTES + 1])
{
    unsigned char address[sizeof(struct in6_addr)];

    if (name.len > 2 && name.at[0] == '[' && name.at[name.len - 1] == ']')
        name = span_take(span_skip(name, 1), name.len - 2);
    if (name.len > 0 && name.at[name.len - 1] == '.')
        name.len--;
    if (name.len > NAME_MAX_BYTES || span_find(name, '\0') >= 0)
        return (span){0};
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        out[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    out[name.len] = '\0';
    if (span_find(name, ':') >= 0 && inet_pton(AF_INET6, out, address) == 1)
        (void)inet_ntop(AF_INET6, address, out, NAME_MAX_BYTES);
    return span_str(out);
}

/* Put a DNS name or address; a name that is there keeps its context. */
static bool
put_name(struct arena *a, struct certs_store *s, SSL_CTX *ctx, span name)
{
    char bytes[NAME_MAX_BYTES + 1];
    bool is_wild = span_starts(name, SPAN("*."));
    span plain = plain_name(is_wild ? span_skip(name, 1) : name, bytes), copy;

    /* A '*' that is not the first label names nobody. */
    if (plain.len == 0 || span_find(plain, '*') >= 0)
        return true;
    return span_dup(a, plain, &copy) &&
           map_put(is_wild ? &s->wild : &s->exact, copy, ctx, NULL);
}

static span
asn1_span(const ASN1_STRING *s)
{
    return span_of((const char *)ASN1_STRING_get0_data(s),
                   (size_t)ASN1_STRING_length(s));
}

static bool
put_address(struct arena *a, struct certs_store *s, SSL_CTX *ctx, span bytes)
{
    char text[INET6_ADDRSTRLEN];
    int family = bytes.len == 4 ? AF_INET : AF_INET6;

    if (bytes.len != 4 && bytes.len != 16)
        return true;
    return !inet_ntop(family, bytes.at, text, sizeof(text)) ||
           put_name(a, s, ctx, span_str(text));
}

static bool
put_common_name(struct arena *a, struct certs_store *s, SSL_CTX *ctx,
                const X509 *cert)
{
    const X509_NAME *subject = X509_get_subject_name(cert);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

    if (at < 0)
        return true;
    return put_name(
        a, s, ctx,
        asn1_span(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
}

/* All names of a context's certificate; false: `a` is full. */
static bool
put_names(struct arena *a, struct certs_store *s, SSL_CTX *ctx)
{
    const X509 *cert = SSL_CTX_get0_certificate(ctx);
    GENERAL_NAMES *names =
        X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    bool ok = names || put_common_name(a, s, ctx, cert);

    for (int i = 0; ok && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS)
            ok = put_name(a, s, ctx, asn1_span(name->d.dNSName));
        else if (name->type == GEN_IPADD)
            ok = put_address(a, s, ctx, asn1_span(name->d.iPAddress));
    }
    GENERAL_NAMES_free(names);
    return ok;
}

/* ---- building ---- */

static void
on_arena_end(void *p)
{
    struct held *held = p;

    certs_unload(&held->ctx);
}

static int
on_server_name(SSL *ssl, int *alert __attribute__((unused)), void *arg)
{
    const struct certs_store *s = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    SSL_CTX *ctx = name ? certs_store_find(s, span_str(name)) : NULL;

    if (!ctx)
        return SSL_TLSEXT_ERR_NOACK;
    (void)SSL_set_SSL_CTX(ssl, ctx);
    return SSL_TLSEXT_ERR_OK;
}

static enum err_code
add(struct arena *a, struct certs_store *s, const struct certs_load_spec *spec,
    int64_t now_s, struct err *warning, struct err *e)
{
    SSL_CTX *ctx = NULL;
    enum err_code code = certs_load(spec, now_s, &ctx, warning, e);

    if (code)
        return code;
    struct held *held = arena_alloc(a, sizeof(*held));
    if (!held || !arena_defer(a, on_arena_end, held)) {
        certs_unload(&ctx);
        return err_set(e, ERR_LIMIT, "no room for certificates");
    }
    *held = (struct held){ctx, s->held};
    s->held = held;
    if (!put_names(a, s, ctx))
        return err_set(e, ERR_LIMIT, "no room for certificates");
    if (!s->first)
        s->first = ctx;
    return OK;
}

enum err_code
certs_store_build(struct arena *a, const struct certs_load_spec *specs,
                  size_t n, int64_t now_s, certs_warn_fn warn, void *ctx,
                  const struct certs_store **out, size_t *which, struct err *e)
{
    struct certs_store *s = arena_alloc(a, sizeof(*s));

    assert(n > 0);
    if (!s)
        return err_set(e, ERR_LIMIT, "no room for certificates");
    s->arena = a;
    map_init(&s->exact, a);
    map_init(&s->wild, a);
    for (size_t i = 0; i < n; i++) {
        struct err warning;
        enum err_code code = add(a, s, &specs[i], now_s, &warning, e);

        if (code && which)
            *which = i;
        if (code)
            return code;
        if (warning.code && warn)
            warn(ctx, i, warning.text);
    }
    SSL_CTX_set_tlsext_servername_callback(s->first, on_server_name);
    SSL_CTX_set_tlsext_servername_arg(s->first, s);
    *out = s;
    return OK;
}

void
certs_store_forget(const struct certs_store *store)
{
    struct certs_store *s;

    memcpy(&s, &store, sizeof(void *)); /* it stands still for all others */
    for (struct held *held = s->held; held; held = held->next)
        certs_unload(&held->ctx);
    map_init(&s->exact, s->arena);
    map_init(&s->wild, s->arena);
    s->first = NULL;
}

/* ---- finding ---- */

struct ssl_ctx_st *
certs_store_first(const struct certs_store *s)
{
    return s->first;
}

struct ssl_ctx_st *
certs_store_find(const struct certs_store *s, span name)
{
    char bytes[NAME_MAX_BYTES + 1];
    span plain = plain_name(name, bytes);
    SSL_CTX *ctx = map_get(&s->exact, plain);
    ssize_t dot = span_find(plain, '.');

    if (ctx || dot <= 0)
        return ctx;
    return map_get(&s->wild, span_skip(plain, (size_t)dot));
}
