/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/super/notify.h"

#include "proxy/base/span.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int
connect_to(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t len = strlen(path);

    if ((path[0] != '/' && path[0] != '@') || len >= sizeof(at.sun_path))
        return -1;
    memcpy(at.sun_path, path, len);
    if (path[0] == '@')
        at.sun_path[0] = '\0'; /* the abstract name space */

    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&at, size)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

void
notify_open(struct notify *n)
{
    const char *path = getenv("NOTIFY_SOCKET");
    uint64_t us = 0;

    *n = (struct notify){.fd = path ? connect_to(path) : -1};
    if (span_to_u64(span_str(getenv("WATCHDOG_USEC")), &us))
        n->watchdog_ms = us / 1000;
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

void
notify_close(struct notify *n)
{
    if (n->fd >= 0)
        close(n->fd);
    n->fd = -1;
}

void
notify_say(const struct notify *n, const char *state)
{
    /* A full queue loses a word; the next one comes soon. */
    if (n->fd >= 0 && send(n->fd, state, strlen(state), MSG_NOSIGNAL) < 0)
        return;
}
