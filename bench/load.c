/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load: clients that do not stay: one connection, one request, for each of
 * them a new connection, in clear or over TLS, with a full handshake or one
 * resumed by the ticket of the connection before; and clients that do nothing
 * but stay. What wrk and h2load do not measure.
 *
 *     bench_load --port N [--tls full|resumed] [--seconds S] [--clients N] [--path P]
 *     bench_load --port N [--tls full] [--h2] --idle N     open N, hold them until killed
 */
#include "proxy/base/span.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 20000
#define EVENTS      256

enum state { CONNECTING, SHAKING, ASKING, READING };

struct client {
    int fd;
    enum state state;
    SSL *ssl;
    SSL_SESSION *session; /* of the connection before */
    size_t n_read;
};

static struct {
    struct sockaddr_in to;
    SSL_CTX *tls; /* NULL in clear */
    bool resumes, idles, h2;
    int epoll;
    char request[512];
    size_t request_len;
    uint64_t answered, resumed, failed;
    struct client *clients;
    size_t n_clients;
} load;

static void
die(const char *what)
{
    perror(what);
    exit(1);
}

static double
now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
watch(struct client *c, int op, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = c};

    if (epoll_ctl(load.epoll, op, c->fd, &e))
        die("epoll_ctl");
}

/* OpenSSL offers a session once; who gives no new ticket when one is resumed takes the old again. */
static void
offer_ticket(struct client *c)
{
    SSL_SESSION *once = SSL_SESSION_dup(c->session);

    if (!once || !SSL_set_session(c->ssl, once))
        die("SSL_set_session");
    SSL_SESSION_free(once);
}

static void
begin(struct client *c)
{
    struct client fresh = {.session = c->session};

    *c = fresh;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        die("socket");
    if (connect(c->fd, (struct sockaddr *)&load.to, sizeof(load.to)) &&
        errno != EINPROGRESS)
        die("connect");
    if (load.tls) {
        c->ssl = SSL_new(load.tls);
        if (!c->ssl || !SSL_set_fd(c->ssl, c->fd))
            die("SSL_new");
        SSL_set_connect_state(c->ssl);
        SSL_set_app_data(c->ssl, c);
        if (c->session)
            offer_ticket(c);
    }
    watch(c, EPOLL_CTL_ADD, EPOLLOUT);
}

static void
end(struct client *c, bool was_answered)
{
    load.answered += was_answered;
    load.failed += !was_answered;
    if (c->ssl) {
        load.resumed += was_answered && SSL_session_reused(c->ssl);
        SSL_set_quiet_shutdown(c->ssl, 1);
        SSL_shutdown(c->ssl);
        SSL_free(c->ssl);
    }
    close(c->fd);
}

/* A ticket came: for the next connection of this client. */
static int
on_session(SSL *ssl, SSL_SESSION *session)
{
    struct client *c = SSL_get_app_data(ssl);

    if (!load.resumes)
        return 0;
    SSL_SESSION_free(c->session);
    c->session = session;
    return 1;
}

/* Bytes moved; 0: not now; negative: the connection is over. */
static ssize_t
tls_result(struct client *c, int n)
{
    if (n > 0)
        return n;
    int why = SSL_get_error(c->ssl, n);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
        watch(c, EPOLL_CTL_MOD,
              why == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT);
        return 0;
    }
    ERR_clear_error();
    return -1;
}

static ssize_t
receive(struct client *c, char *at, size_t room)
{
    if (c->ssl)
        return tls_result(c, SSL_read(c->ssl, at, (int)room));
    ssize_t n = recv(c->fd, at, room, 0);
    if (n < 0 && errno == EAGAIN)
        return 0;
    return n > 0 ? n : -1;
}

static ssize_t
transmit(struct client *c, const char *at, size_t len)
{
    if (c->ssl)
        return tls_result(c, SSL_write(c->ssl, at, (int)len));
    return send(c->fd, at, len, MSG_NOSIGNAL) == (ssize_t)len ? (ssize_t)len
                                                              : -1;
}

/* The next step; false when the connection is over, and *ok says how it went. */
static bool
step(struct client *c, bool *ok)
{
    static char scratch[65536];
    ssize_t n;

    *ok = false;
    switch (c->state) {
    case CONNECTING:
        c->state = c->ssl ? SHAKING : ASKING;
        return true;
    case SHAKING:
        n = tls_result(c, SSL_do_handshake(c->ssl));
        if (n > 0)
            c->state = ASKING;
        return n > 0;
    case ASKING:
        n = load.request_len ? transmit(c, load.request, load.request_len) : 1;
        if (n > 0) {
            c->state = READING;
            watch(c, EPOLL_CTL_MOD, EPOLLIN);
        }
        return false;
    case READING:
        n = receive(c, scratch, sizeof(scratch));
        c->n_read += n > 0 ? (size_t)n : 0;
        *ok = n < 0 && c->n_read > 0;
        return n > 0;
    }
    return false;
}

static void
advance(struct client *c)
{
    bool ok;

    while (step(c, &ok))
        ;
    /* What is over has been read to its end: `Connection: close`. */
    if (c->state == READING && ok) {
        end(c, true);
        begin(c);
    }
}

static void
run(double seconds)
{
    struct epoll_event events[EVENTS];
    double until = now_s() + seconds;

    for (double now = now_s(); seconds == 0 || now < until; now = now_s()) {
        int n = epoll_wait(load.epoll, events, EVENTS, 100);

        for (int i = 0; i < n; i++) {
            struct client *c = events[i].data.ptr;

            if (events[i].events & EPOLLERR ||
                (c->state != READING && events[i].events & EPOLLHUP)) {
                end(c, false);
                if (load.idles)
                    die("an idle connection ended");
                begin(c);
            } else {
                advance(c);
            }
        }
    }
}

static void
set_tls(void)
{
    static const unsigned char h2[] = "\x02h2", h1[] = "\x08http/1.1";

    load.tls = SSL_CTX_new(TLS_client_method());
    if (!load.tls)
        die("SSL_CTX_new");
    /* The same handshake for all: in TLS 1.2 a resumed one agrees on no new key. */
    SSL_CTX_set_min_proto_version(load.tls, TLS1_3_VERSION);
    SSL_CTX_set_verify(load.tls, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(load.tls, SSL_SESS_CACHE_CLIENT |
                                                 SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(load.tls, on_session);
    SSL_CTX_set_alpn_protos(load.tls, load.h2 ? h2 : h1,
                            load.h2 ? sizeof(h2) - 1 : sizeof(h1) - 1);
}

/* An idle client of HTTP/2 has said its preface and empty SETTINGS; one of h1, nothing. */
static void
set_request(const char *path)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                                  "\0\0\0\4\0\0\0\0\0";

    if (load.h2) {
        load.request_len = sizeof(preface) - 1;
        memcpy(load.request, preface, load.request_len);
    } else if (!load.idles) {
        load.request_len = (size_t)snprintf(
            load.request, sizeof(load.request),
            "GET %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench/1\r\n"
            "Accept: application/json\r\nConnection: close\r\n\r\n",
            path);
    }
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},
        {"tls", required_argument, NULL, 't'},
        {"seconds", required_argument, NULL, 's'},
        {"clients", required_argument, NULL, 'c'},
        {"path", required_argument, NULL, 'u'},
        {"idle", required_argument, NULL, 'i'},
        {"h2", no_argument, NULL, '2'},
        {0}};
    uint64_t port = 0, clients = 16, seconds = 2, idle = 0;
    const char *path = "/1k", *tls = NULL;
    bool good = true;

    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        span text = span_str(optarg ? optarg : "");
        if (o == 'p')
            good &= span_to_u64(text, &port) && port < 65536;
        else if (o == 's')
            good &= span_to_u64(text, &seconds);
        else if (o == 'c')
            good &= span_to_u64(text, &clients) && clients > 0;
        else if (o == 'i')
            good &= span_to_u64(text, &idle) && idle > 0;
        else if (o == 't')
            tls = optarg;
        else if (o == 'u')
            path = optarg;
        else if (o == '2')
            load.h2 = true;
        else
            good = false;
    }
    load.idles = idle > 0;
    load.n_clients = load.idles ? idle : clients;
    if (!good || port == 0 || load.n_clients > CLIENTS_MAX) {
        fputs("usage: bench_load --port N [--tls full|resumed] [--seconds S] "
              "[--clients N] [--path P] [--h2] [--idle N]\n",
              stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    load.to = (struct sockaddr_in){.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr = {htonl(INADDR_LOOPBACK)}};
    load.resumes = tls && strcmp(tls, "resumed") == 0;
    if (tls)
        set_tls();
    set_request(path);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    load.clients = calloc(load.n_clients, sizeof(*load.clients));
    if (load.epoll < 0 || !load.clients)
        die("load");
    for (size_t i = 0; i < load.n_clients; i++) {
        begin(&load.clients[i]);
        if (load.idles && i % 64 == 63)
            run(0.02); /* a listener's backlog is short */
    }
    if (load.idles) {
        run(1);
        printf("idle %zu\n", load.n_clients);
        fflush(stdout);
        run(0);
    }
    run((double)seconds);
    printf("answered %llu resumed %llu failed %llu\n",
           (unsigned long long)load.answered, (unsigned long long)load.resumed,
           (unsigned long long)load.failed);
    return 0;
}
