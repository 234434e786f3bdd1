/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/tls.h"

#include "certs/client.h"
#include "certs/store.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <limits.h>
#include <stdlib.h>

#define RECORD    ((size_t)16384)
#define NAME_ROOM 256

struct tls {
    struct buf *out; /* sealed bytes to send */
    const struct certs_store *store;
    SSL *ssl;
    span in;             /* sealed bytes being read; empty between calls */
    const char *problem; /* what failed, in OpenSSL's static words */
    bool has_failed;     /* nothing comes through any more */
    size_t name_len;
    char name[NAME_ROOM]; /* of the client's certificate */
};

/* ── the BIO: reads from `in`, writes to `out` ─────────── */

static int
bio_read(BIO *bio, char *to, size_t room, size_t *got)
{
    struct tls *t = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    *got = t->in.len < room ? t->in.len : room;
    if (*got == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(to, t->in.at, *got);
    t->in = span_skip(t->in, *got);
    return 1;
}

static int
bio_write(BIO *bio, const char *from, size_t len, size_t *written)
{
    struct tls *t = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    buf_add(t->out, span_of(from, len));
    *written = len;
    return !buf_failed(t->out);
}

static long
bio_ctrl(BIO *bio, int command, long number, void *p)
{
    (void)bio;
    (void)number;
    (void)p;
    return command == BIO_CTRL_FLUSH;
}

/* Made once a process and never given back: OpenSSL keeps methods for life. */
static BIO_METHOD *
bio_method(void)
{
    static BIO_METHOD *method;

    if (method)
        return method;
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stile");
    if (!method)
        return NULL;
    BIO_meth_set_read_ex(method, bio_read);
    BIO_meth_set_write_ex(method, bio_write);
    BIO_meth_set_ctrl(method, bio_ctrl);
    return method;
}

/* ── the connection ──────────────────────────────────────────────────────── */

static struct tls *
new_of(struct buf *out, SSL_CTX *ctx)
{
    struct tls *t = calloc(1, sizeof(*t));
    BIO *bio = t && bio_method() ? BIO_new(bio_method()) : NULL;

    if (bio)
        t->ssl = SSL_new(ctx);
    if (!t || !bio || !t->ssl) {
        BIO_free(bio);
        free(t);
        return NULL;
    }
    t->out = out;
    t->problem = "";
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    SSL_set_bio(t->ssl, bio, bio);
    return t;
}

struct tls *
tls_new(struct buf *out, const struct certs_store *store)
{
    struct tls *t = new_of(out, certs_store_first(store));

    if (!t)
        return NULL;
    t->store = store;
    SSL_set_accept_state(t->ssl);
    return t;
}

struct tls *
tls_new_client(struct buf *out, SSL_CTX *ctx, span name, SSL_SESSION **session)
{
    struct tls *t = new_of(out, ctx);

    if (!t)
        return NULL;
    SSL_set_connect_state(t->ssl);
    if (!certs_client_expect(t->ssl, name, session))
        tls_free(&t);
    return t;
}

void
tls_forget_session(SSL_SESSION **session)
{
    SSL_SESSION_free(*session);
    *session = NULL;
}

/* What the verification says goes before what that led to. */
static void
note_problem(struct tls *t)
{
    long verified = SSL_get_verify_result(t->ssl);
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    if (verified != X509_V_OK)
        t->problem = X509_verify_cert_error_string(verified);
    else if (reason)
        t->problem = reason;
    else
        t->problem = "the peer ended the handshake";
}

void
tls_offer_h1(struct tls *t)
{
    static const unsigned char h1[] = "\x08http/1.1";

    /* Without memory it offers h2 as well, and the server may choose that. */
    (void)SSL_set_alpn_protos(t->ssl, h1, sizeof(h1) - 1);
}

bool
tls_begin(struct tls *t)
{
    ERR_clear_error();
    int done = SSL_do_handshake(t->ssl);

    if (done == 1 || SSL_get_error(t->ssl, done) == SSL_ERROR_WANT_READ)
        return true;
    note_problem(t);
    return false;
}

const char *
tls_problem(const struct tls *t)
{
    return t->problem;
}

bool
tls_is_closed(const struct tls *t)
{
    return (SSL_get_shutdown(t->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
}

bool
tls_has_failed(const struct tls *t)
{
    return t->has_failed;
}

void
tls_free(struct tls **t)
{
    if (!*t)
        return;
    /* Else OpenSSL takes a connection that just ends for an attack on it, and
     * its session is never resumed. A fatal alert still forbids that. */
    SSL_set_shutdown((*t)->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free((*t)->ssl);
    free(*t);
    *t = NULL;
}

static void
note_certificate(struct tls *t)
{
    X509 *x = SSL_get0_peer_certificate(t->ssl);

    if (!x || SSL_get_verify_result(t->ssl) != X509_V_OK)
        return;
    int n = X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName,
                                      t->name, NAME_ROOM);
    t->name_len = n > 0 && n < NAME_ROOM ? (size_t)n : 0;
}

enum io_got
tls_read(struct tls *t, span sealed, char *to, size_t room, size_t *len)
{
    bool was_ready = tls_is_ready(t);
    size_t n = 0;

    t->in = sealed;
    *len = 0;
    ERR_clear_error();
    /* Until it wants more: the sealed bytes are not kept, half records are. */
    while (*len < room && SSL_read_ex(t->ssl, to + *len, room - *len, &n) == 1)
        *len += n;
    int error = *len < room ? SSL_get_error(t->ssl, 0) : SSL_ERROR_WANT_READ;
    t->in = (span){0};
    if (!was_ready && tls_is_ready(t))
        note_certificate(t);
    t->has_failed =
        error != SSL_ERROR_WANT_READ && error != SSL_ERROR_ZERO_RETURN;
    if (t->has_failed)
        note_problem(t);
    if (*len)
        return IO_BYTES; /* what came before an end or a failure */
    if (error == SSL_ERROR_WANT_READ)
        return IO_LATER;
    return t->has_failed ? IO_BROKEN : IO_END;
}

static bool
seal(struct tls *t, span s)
{
    size_t n = 0;

    if (s.len == 0)
        return true;
    ERR_clear_error();
    return SSL_write_ex(t->ssl, s.at, s.len, &n) == 1 && n == s.len;
}

bool
tls_write(struct tls *t, const struct iovec *v, size_t n)
{
    static char record[RECORD];
    size_t filled = 0;

    /* Head and body share a record: each costs an own seal, so fill them. */
    for (size_t i = 0; i < n; i++) {
        span s = span_of(v[i].iov_base, v[i].iov_len);

        while (s.len) {
            size_t take = RECORD - filled < s.len ? RECORD - filled : s.len;

            if (filled == 0 && take == RECORD) {
                if (!seal(t, span_take(s, take)))
                    return false;
            } else {
                memcpy(record + filled, s.at, take);
                filled += take;
            }
            s = span_skip(s, take);
            if (filled == RECORD) {
                if (!seal(t, span_of(record, filled)))
                    return false;
                filled = 0;
            }
        }
    }
    return seal(t, span_of(record, filled));
}

void
tls_close_notify(struct tls *t)
{
    ERR_clear_error();
    if (tls_is_ready(t))
        SSL_shutdown(t->ssl);
}

bool
tls_is_ready(const struct tls *t)
{
    return SSL_is_init_finished(t->ssl);
}

bool
tls_is_resumed(const struct tls *t)
{
    return SSL_session_reused(t->ssl);
}

bool
tls_is_h2(const struct tls *t)
{
    const unsigned char *name;
    unsigned len;

    SSL_get0_alpn_selected(t->ssl, &name, &len);
    return len == 2 && memcmp(name, "h2", 2) == 0;
}

bool
tls_is_misdirected(const struct tls *t, span authority)
{
    const char *asked = SSL_get_servername(t->ssl, TLSEXT_NAMETYPE_host_name);
    ssize_t colon = span_find(authority, ':');

    if (!asked || (authority.len && authority.at[0] == '['))
        return false;
    if (colon >= 0)
        authority = span_take(authority, (size_t)colon);
    return certs_store_find(t->store, authority) !=
           certs_store_find(t->store, span_str(asked));
}

span
tls_certificate(const struct tls *t)
{
    return span_of(t->name, t->name_len);
}
