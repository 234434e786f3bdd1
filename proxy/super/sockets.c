/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/super/sockets.h"

#include "proxy/observe/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG     4096 /* the kernel cuts it to net.core.somaxconn */
#define ADDRESS_MAX 128

static const char *
address_text(const struct sockets_entry *s, char out[ADDRESS_MAX])
{
    char host[64], port[8];
    const struct sockaddr *at = (const struct sockaddr *)&s->at;

    if (at->sa_family == AF_UNIX)
        snprintf(out, ADDRESS_MAX, "unix:%.108s",
                 ((const struct sockaddr_un *)&s->at)->sun_path);
    else if (getnameinfo(at, s->at_len, host, sizeof(host), port, sizeof(port),
                         NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        snprintf(out, ADDRESS_MAX,
                 at->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
    else
        snprintf(out, ADDRESS_MAX, "an address of family %d", at->sa_family);
    return out;
}

/* ------------------------------------------------------------ Unix sockets */

/* Is the file at the path a socket that nobody serves any more? */
static bool
is_stale(const struct sockets_entry *s)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool stale = fd >= 0 &&
                 connect(fd, (const struct sockaddr *)&s->at, s->at_len) < 0 &&
                 errno == ECONNREFUSED;

    if (fd >= 0)
        close(fd);
    return stale;
}

static const char *
unix_path(const struct sockets_entry *s)
{
    return ((const struct sockaddr_un *)&s->at)->sun_path;
}

static int
bind_unix(const struct sockets_entry *s, int fd)
{
    /* 0660 from its first moment: between bind and chmod anybody could enter. */
    mode_t was = umask(s->use == SOCKET_ADMIN ? 0117 : 0);
    int failed = bind(fd, (const struct sockaddr *)&s->at, s->at_len);

    if (failed && errno == EADDRINUSE && is_stale(s)) {
        unlink(unix_path(s));
        failed = bind(fd, (const struct sockaddr *)&s->at, s->at_len);
    }
    umask(was);
    return failed;
}

/* Owner and group may talk to it: the group `stile`, if this machine has one. */
static void
give_away(const struct sockets_entry *s)
{
    const struct group *g = getgrnam("stile");
    uid_t owner = s->owner ? s->owner : (uid_t)-1;

    if (chown(unix_path(s), owner, g ? g->gr_gid : (gid_t)-1))
        log_warn("admin_socket_kept", "why=%s", strerror(errno));
}

/* --------------------------------------------------------------- one socket */

static int
bind_tcp(const struct sockets_entry *s, int fd)
{
    int on = 1;

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
        return -1;
    if (s->use == SOCKET_CLIENTS &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)))
        return -1;
    /* 0.0.0.0:80 and [::]:80 are two listeners that do not meet. */
    if (s->at.ss_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
        return -1;
    return bind(fd, (const struct sockaddr *)&s->at, s->at_len);
}

/*
 * SO_REUSEPORT would let a second Stile of our user bind beside a first one and
 * take half of its connections. Without it the kernel says that it is in use.
 */
static bool
is_taken(const struct sockets_entry *s)
{
    int on = 1;
    int fd = socket(s->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool taken =
        fd >= 0 &&
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        (s->at.ss_family != AF_INET6 ||
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0) &&
        bind(fd, (const struct sockaddr *)&s->at, s->at_len) != 0 &&
        errno == EADDRINUSE;

    if (fd >= 0)
        close(fd);
    return taken;
}

static enum err_code
open_slot(struct sockets_entry *s, struct err *e)
{
    char where[ADDRESS_MAX];
    int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    int fd = socket(s->at.ss_family, type, 0);
    bool is_unix = s->at.ss_family == AF_UNIX;

    if (fd < 0 || (is_unix ? bind_unix(s, fd) : bind_tcp(s, fd)) ||
        (s->use != SOCKET_CLIENTS && listen(fd, BACKLOG))) {
        err_set(e, ERR_IO, "%s cannot be listened at: %s",
                address_text(s, where), strerror(errno));
        if (fd >= 0)
            close(fd);
        return ERR_IO;
    }
    if (s->use == SOCKET_ADMIN)
        give_away(s);
    s->listens[s->n] = s->use != SOCKET_CLIENTS;
    s->fds[s->n++] = fd;
    return OK;
}

static void
close_all(struct sockets_entry *s)
{
    while (s->n)
        close(s->fds[--s->n]);
    if (s->at.ss_family == AF_UNIX)
        unlink(unix_path(s));
    *s = (struct sockets_entry){0};
}

/* ------------------------------------------------------------- from systemd */

#define GIVEN_FIRST 3 /* sd_listen_fds(3) */

static bool
take_given(struct sockets_entry *s, int fd)
{
    int type = 0;
    socklen_t len = sizeof(type);

    *s = (struct sockets_entry){.use = SOCKET_CLIENTS, .is_given = true};
    s->at_len = sizeof(s->at);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) ||
        type != SOCK_STREAM ||
        getsockname(fd, (struct sockaddr *)&s->at, &s->at_len) ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) || fcntl(fd, F_SETFL, O_NONBLOCK)) {
        *s = (struct sockets_entry){0};
        return false;
    }
    s->fds[s->n] = fd;
    s->listens[s->n++] = true;
    return true;
}

void
sockets_take_given(struct sockets *s)
{
    const char *pid_text = getenv("LISTEN_PID"), *n_text = getenv("LISTEN_FDS");
    uint64_t pid = 0, n = 0;
    char where[ADDRESS_MAX];

    if (pid_text && n_text && span_to_u64(span_str(pid_text), &pid) &&
        span_to_u64(span_str(n_text), &n) && pid == (uint64_t)getpid()) {
        for (uint64_t i = 0; i < n && i < SOCKETS_MAX; i++) {
            if (take_given(&s->entries[i], GIVEN_FIRST + (int)i))
                log_info("socket_given", "at=%s",
                         address_text(&s->entries[i], where));
            else
                log_warn("socket_odd", "fd=%d", GIVEN_FIRST + (int)i);
        }
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
}

/* --------------------------------------------------------------- the table */

static struct sockets_entry *
find(struct sockets *s, const struct sockets_entry *like)
{
    for (size_t i = 0; i < SOCKETS_MAX; i++) {
        struct sockets_entry *one = &s->entries[i];
        if (one->at_len == like->at_len && one->at_len &&
            memcmp(&one->at, &like->at, like->at_len) == 0)
            return one;
    }
    return NULL;
}

static struct sockets_entry *
find_or_make(struct sockets *s, const struct sockets_entry *like)
{
    struct sockets_entry *one = find(s, like);

    for (size_t i = 0; !one && i < SOCKETS_MAX; i++) {
        if (s->entries[i].at_len)
            continue;
        one = &s->entries[i];
        *one = *like;
    }
    return one;
}

static enum err_code
read_want(span sockaddr, uint64_t use, uint64_t slots,
          struct sockets_entry *out, struct err *e)
{
    *out = (struct sockets_entry){.use = (enum socket_use)use};
    if (use >= SOCKET_USES || slots == 0 || slots > WORKERS_MAX ||
        sockaddr.len < sizeof(sa_family_t) || sockaddr.len > sizeof(out->at))
        return err_set(e, ERR_INVALID, "a socket was asked for in bad words");
    memcpy(&out->at, sockaddr.at, sockaddr.len);
    out->at_len = (socklen_t)sockaddr.len;
    if (out->at.ss_family != AF_INET && out->at.ss_family != AF_INET6 &&
        out->at.ss_family != AF_UNIX)
        return err_set(e, ERR_INVALID, "an address of family %d",
                       out->at.ss_family);
    return OK;
}

/* All or nothing: what was opened for a failed call is closed again. */
static enum err_code
grow(struct sockets_entry *s, size_t want, struct err *e)
{
    char where[ADDRESS_MAX];
    size_t had = s->n;

    if (had == 0 && s->at.ss_family != AF_UNIX && is_taken(s)) {
        err_set(e, ERR_IO, "%s cannot be listened at: another process does",
                address_text(s, where));
        *s = (struct sockets_entry){0};
        return ERR_IO;
    }
    while (s->n < want) {
        if (open_slot(s, e)) {
            while (s->n > had)
                close(s->fds[--s->n]);
            if (had == 0) /* the file at a Unix path is somebody else's */
                *s = (struct sockets_entry){0};
            return e->code;
        }
    }
    return OK;
}

enum err_code
sockets_want(struct sockets *s, span sockaddr, uint64_t use, uint64_t slots,
             struct sockets_used *used, const struct sockets_entry **out,
             struct err *e)
{
    char where[ADDRESS_MAX];
    struct sockets_entry like;

    if (read_want(sockaddr, use, slots, &like, e))
        return e->code;
    like.owner = s->owner;

    struct sockets_entry *one = find_or_make(s, &like);
    if (!one)
        return err_set(e, ERR_LIMIT, "more than %u addresses", SOCKETS_MAX);
    if (one->is_given) {
        one->use = like.use;
        slots = one->n;
    }
    if (one->use != like.use)
        return err_set(e, ERR_CONFLICT, "%s is in use for something else",
                       address_text(one, where));
    if (use != SOCKET_CLIENTS || like.at.ss_family == AF_UNIX)
        slots = 1;
    if (grow(one, slots, e))
        return e->code;
    used->entry[one - s->entries] = true;
    *out = one;
    return OK;
}

enum err_code
sockets_adopt(struct sockets *s, span sockaddr, uint64_t use, int *fds,
              size_t n, struct sockets_used *used, struct err *e)
{
    struct sockets_entry like;

    if (read_want(sockaddr, use, n, &like, e))
        return e->code;
    struct sockets_entry *one = find_or_make(s, &like);
    if (!one)
        return err_set(e, ERR_LIMIT, "more than %u addresses", SOCKETS_MAX);
    /* Slots have one order everywhere, so what is beyond ours is new. */
    for (; one->n < n; one->n++) {
        one->fds[one->n] = fds[one->n];
        one->listens[one->n] = true;
        fds[one->n] = -1;
    }
    used->entry[one - s->entries] = true;
    return OK;
}

void
sockets_listen(struct sockets *s, const struct sockets_used *used)
{
    char where[ADDRESS_MAX];

    for (size_t i = 0; i < SOCKETS_MAX; i++) {
        struct sockets_entry *one = &s->entries[i];
        for (size_t j = 0; used->entry[i] && j < one->n; j++) {
            if (one->listens[j])
                continue;
            one->listens[j] = listen(one->fds[j], BACKLOG) == 0;
            if (!one->listens[j])
                log_error("listen_failed", "at=%s why=%s",
                          address_text(one, where), strerror(errno));
            else if (j == 0)
                log_info("listening", "at=%s slots=%zu",
                         address_text(one, where), one->n);
        }
    }
}

void
sockets_sweep(struct sockets *s, const struct sockets_used *const *used,
              size_t n)
{
    for (size_t i = 0; i < SOCKETS_MAX; i++) {
        bool wanted = s->entries[i].at_len == 0 || s->entries[i].is_given;
        for (size_t u = 0; u < n && !wanted; u++)
            wanted = used[u]->entry[i];
        if (!wanted)
            close_all(&s->entries[i]);
    }
}
