/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/super/home.h"

#include "proxy/base/hash.h"
#include "proxy/observe/log.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128

void
home_name(const char *config, char out[HOME_NAME_MAX])
{
    char path[PATH_MAX];
    const char *whole = realpath(config, path) ? path : config;

    snprintf(out, HOME_NAME_MAX, "stile/%u/%016lx", (unsigned)geteuid(),
             (unsigned long)hash64(span_str(whole)));
}

static socklen_t
address(const char *name, const char *part, struct sockaddr_un *out)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    /* Behind a NUL: no file, gone with whoever holds it. */
    int n = snprintf(out->sun_path + 1, sizeof(out->sun_path) - 1, "%s/%s",
                     name, part);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

int
home_socket(void)
{
    return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static int
bound(const char *name, const char *part)
{
    struct sockaddr_un at;
    socklen_t len = address(name, part, &at);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, len) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

enum err_code
home_open(const char *name, int *out, struct err *e)
{
    *out = bound(name, "home");
    if (*out >= 0 && listen(*out, BACKLOG) == 0)
        return OK;
    if (errno == EADDRINUSE)
        return err_set(e, ERR_CONFLICT,
                       "stile runs already with this configuration");
    return err_set(e, ERR_IO, "no socket for orphans: %s", strerror(errno));
}

enum err_code
home_mark(const char *name, int *out, struct err *e)
{
    *out = bound(name, "family");
    if (*out >= 0)
        return OK;
    if (errno == EADDRINUSE)
        return err_set(e, ERR_CONFLICT,
                       "processes of an earlier supervisor are left");
    return err_set(e, ERR_IO, "no mark for our processes: %s", strerror(errno));
}

static uid_t family_uid; /* root is trusted anyway */

void
home_trust(uid_t uid)
{
    family_uid = uid;
}

/* The peer's pid if it is root, or our user or that of our processes; else 0. */
static pid_t
trusted_peer(int fd)
{
    struct ucred who = {0};
    socklen_t len = sizeof(who);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) ||
        (who.uid != 0 && who.uid != geteuid() && who.uid != family_uid)) {
        log_warn("stranger_at_home", "uid=%u pid=%d", (unsigned)who.uid,
                 (int)who.pid);
        return 0;
    }
    return who.pid;
}

bool
home_call(const char *name, int fd)
{
    struct sockaddr_un at;
    socklen_t len = address(name, "home", &at);

    return connect(fd, (const struct sockaddr *)&at, len) == 0 &&
           trusted_peer(fd);
}

int
home_answer(int fd, pid_t *pid)
{
    int caller;

    /* Ends: strangers are turned away until nobody waits. */
    while ((caller = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >=
           0) {
        *pid = trusted_peer(caller);
        if (*pid)
            return caller;
        close(caller);
    }
    return -1;
}
