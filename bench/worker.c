/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker: one worker by itself, without supervisor, loader or control, to be
 * measured, profiled or run under a debugger.
 *
 *     bench_worker CONFIG             serve its listeners until SIGTERM
 *     bench_worker --dev-cert FOLDER  make certificates to try TLS with
 */
#include "proxy/server/worker.h"
#include "certs/dev.h"
#include "config/generation.h"
#include "proxy/observe/log.h"
#include "proxy/observe/roles.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTENERS_MAX 16

static void
die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static socklen_t
address_of(const struct gen_address *at, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_un *un = (struct sockaddr_un *)out;
    char host[64];

    *out = (struct sockaddr_storage){0};
    if (at->path.len) {
        un->sun_family = AF_UNIX;
        snprintf(un->sun_path, sizeof(un->sun_path), "%.*s",
                 SPAN_FMT(at->path));
        unlink(un->sun_path);
        return sizeof(*un);
    }
    snprintf(host, sizeof(host), "%.*s", SPAN_FMT(at->host));
    v4->sin_family = AF_INET;
    v4->sin_port = htons(at->port);
    if (inet_pton(AF_INET, host, &v4->sin_addr) != 1)
        die(host, "not an IPv4 address");
    return sizeof(*v4);
}

static int
listen_at(const struct gen_address *at)
{
    struct sockaddr_storage address;
    socklen_t len = address_of(at, &address);
    int one = 1;
    int fd = socket(address.ss_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) ||
        listen(fd, 1024))
        die("cannot listen", "bind or listen failed");
    return fd;
}

static void *
segment(enum segment_kind kind)
{
    void *at = NULL;
    struct err e;
    int fd;

    if (segment_create(kind, &fd, &e) != OK ||
        segment_map(kind, fd, &at, &e) != OK)
        die("segment", e.text);
    close(fd);
    return at;
}

static struct generation *
load(const char *path)
{
    struct arena *a = arena_new(SIZE_MAX);
    struct generation *g = NULL;
    struct problems problems;
    struct buf text;

    problems_init(&problems, a);
    enum err_code code = generation_load(path, NULL, &problems, &g);
    buf_init(&text, SIZE_MAX / 4);
    problems_print(&problems, &text);
    fprintf(stderr, "%.*s", SPAN_FMT(buf_span(&text)));
    buf_fini(&text);
    arena_free(&a);
    if (code != OK)
        exit(1);
    return g;
}

int
main(int argc, char **argv)
{
    static struct env_listener listeners[LISTENERS_MAX];
    struct worker_env env = {.n_workers = 1,
                             .listeners = listeners,
                             .exposure_fd = -1,
                             .report_fd = -1,
                             .access_fd = -1,
                             .log_fd = 2};
    int pair[2];
    struct err e;

    if (argc == 3 && strcmp(argv[1], "--dev-cert") == 0)
        return certs_dev_write(argv[2], 30, (int64_t)time(NULL), &e) != OK;
    if (argc != 2)
        die("usage", "bench_worker CONFIG");
    struct generation *g = load(argv[1]);
    env.gen = g;
    for (size_t i = 0; i < g->n_listeners && i < LISTENERS_MAX; i++)
        listeners[env.n_listeners++] =
            (struct env_listener){listen_at(&g->listeners[i].at), i};
    env.weights = segment(SEGMENT_WEIGHTS);
    env.latches = segment(SEGMENT_LATCHES);
    env.endpoints = segment(SEGMENT_ENDPOINTS);
    env.stats = segment(SEGMENT_STATS);
    if (g->access_log.len)
        env.access_fd = 1;
    if (wire_pair(pair, &e) != OK ||
        wire_tell(pair[0], WIRE_GO, 0, 0, &e) != OK)
        die("wire", e.text);
    env.loader_fd = pair[1];
    int code = worker_main(&env);
    generation_free(&g);
    return code;
}
