/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/super/estate.h"

#include "proxy/observe/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SYSLOG "syslog:" /* before a socket's path, as config writes it */

#define REPORT_QUEUE (1 << 20) /* bytes of decision records that may wait */

static enum err_code
make(struct estate *s, enum segment_kind kind, int write_at, int read_at,
     struct err *e)
{
    int fd;

    if (segment_create(kind, &fd, e))
        return e->code;
    enum err_code code =
        read_at >= 0 ? segment_read_only(fd, &s->hello[read_at], e) : OK;
    if (code == OK && kind == SEGMENT_TICKETS) {
        void *at = NULL;
        code = segment_map(kind, fd, &at, e);
        s->tickets = at;
    }
    s->hello[write_at] = fd;
    return code;
}

static enum err_code
make_segments(struct estate *s, struct err *e)
{
    static const struct {
        enum segment_kind kind;
        int write_at, read_at; /* -1: there is no such handle */
    } all[] = {
        {SEGMENT_WEIGHTS, HELLO_WEIGHTS, HELLO_WEIGHTS_READ},
        {SEGMENT_LATCHES, HELLO_LATCHES, -1},
        {SEGMENT_ENDPOINTS, HELLO_ENDPOINTS, HELLO_ENDPOINTS_READ},
        {SEGMENT_TICKETS, HELLO_TICKETS, HELLO_TICKETS_READ},
        {SEGMENT_STATS, HELLO_TOTALS, -1},
        {SEGMENT_RECORDS, HELLO_RECORDS, -1},
        {SEGMENT_GATES, HELLO_GATES, -1},
    };

    for (size_t i = 0; i < COUNT(all); i++)
        if (make(s, all[i].kind, all[i].write_at, all[i].read_at, e))
            return e->code;
    return OK;
}

static enum err_code
make_report(struct estate *s, struct err *e)
{
    int fds[2], size = REPORT_QUEUE;

    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds))
        return err_set(e, ERR_IO, "no pair of sockets: %s", strerror(errno));
    s->hello[HELLO_REPORT_SEND] = fds[0];
    s->hello[HELLO_REPORT_RECEIVE] = fds[1];
    /* Cut by the kernel to its own limit: then more records drop, counted. */
    if (setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)))
        log_warn("report_queue", "why=%s", strerror(errno));
    return OK;
}

static int
open_log(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY,
                0640);
}

enum err_code
estate_open(struct estate *s, const char *log_path, struct err *e)
{
    *s = (struct estate){.log_path = log_path};
    for (size_t i = 0; i < HELLO_FDS; i++)
        s->hello[i] = -1;

    s->hello[HELLO_LOG] =
        log_path ? open_log(log_path) : fcntl(2, F_DUPFD_CLOEXEC, 3);
    if (s->hello[HELLO_LOG] < 0)
        return err_set(e, ERR_IO, "the log %s cannot be opened: %s",
                       log_path ? log_path : "(stderr)", strerror(errno));
    if (make_segments(s, e) || make_report(s, e))
        return e->code;
    for (size_t i = 0; i < TICKET_KEYS; i++)
        if (!estate_rotate(s))
            return err_set(e, ERR_IO, "no random bytes for ticket keys");
    return OK;
}

/* Those that a family of other make does not hold stay ours. */
void
estate_adopt(struct estate *s, int *fds, size_t n)
{
    struct err e = {0};
    void *tickets = NULL;
    bool has_tickets =
        n > HELLO_TICKETS &&
        segment_map(SEGMENT_TICKETS, fds[HELLO_TICKETS], &tickets, &e) == OK;

    if (has_tickets) {
        segment_unmap(SEGMENT_TICKETS, s->tickets);
        s->tickets = tickets;
    }
    for (size_t i = 0; i < n && i < HELLO_FDS; i++) {
        if (i == HELLO_LOG ||
            (!has_tickets && (i == HELLO_TICKETS || i == HELLO_TICKETS_READ)))
            continue;
        if (s->hello[i] >= 0)
            close(s->hello[i]);
        s->hello[i] = fds[i];
        fds[i] = -1;
    }
}

enum err_code
estate_adopt_file(struct estate *s, span path, int fd, struct err *e)
{
    if (estate_find_file(s, path) >= 0) {
        close(fd); /* loader and control both bring it */
        return OK;
    }
    for (size_t i = 0; i < ESTATE_FILES_MAX; i++) {
        struct estate_file *f = &s->files[i];
        if (f->path[0] || path.len == 0 || path.len >= ESTATE_PATH_MAX)
            continue;
        snprintf(f->path, ESTATE_PATH_MAX, "%.*s", (int)path.len, path.at);
        f->fd = fd;
        return OK;
    }
    close(fd);
    return err_set(e, ERR_LIMIT, "more than %u log files", ESTATE_FILES_MAX);
}

void
estate_close(struct estate *s)
{
    segment_unmap(SEGMENT_TICKETS, s->tickets);
    for (size_t i = 0; i < HELLO_FDS; i++)
        if (s->hello[i] >= 0)
            close(s->hello[i]);
    for (size_t i = 0; i < ESTATE_FILES_MAX; i++)
        if (s->files[i].path[0])
            close(s->files[i].fd);
}

/* Datagrams to a log daemon; they are dropped, never waited for. */
static int
open_syslog(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
    if (fd < 0 || connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

int
estate_find_file(const struct estate *s, span path)
{
    for (size_t i = 0; i < ESTATE_FILES_MAX; i++)
        if (s->files[i].path[0] && span_is(path, s->files[i].path))
            return (int)i;
    return -1;
}

static int
open_file(const char *path)
{
    if (strcmp(path, "stdout") == 0)
        return fcntl(1, F_DUPFD_CLOEXEC, 3);
    if (strncmp(path, SYSLOG, sizeof(SYSLOG) - 1) == 0)
        return open_syslog(path + sizeof(SYSLOG) - 1);
    return open_log(path);
}

enum err_code
estate_file(struct estate *s, span path, int *out, struct err *e)
{
    struct estate_file *free_one = NULL;

    if (path.len == 0 || path.len >= ESTATE_PATH_MAX ||
        memchr(path.at, '\0', path.len))
        return err_set(e, ERR_INVALID,
                       "the path of a log is too long or empty");
    for (size_t i = 0; i < ESTATE_FILES_MAX; i++) {
        struct estate_file *f = &s->files[i];
        if (span_is(path, f->path)) {
            *out = f->fd;
            return OK;
        }
        if (!f->path[0] && !free_one)
            free_one = f;
    }
    if (!free_one)
        return err_set(e, ERR_LIMIT, "more than %u log files",
                       ESTATE_FILES_MAX);

    snprintf(free_one->path, ESTATE_PATH_MAX, "%.*s", (int)path.len, path.at);
    *out = free_one->fd = open_file(free_one->path);
    if (*out >= 0)
        return OK;
    err_set(e, ERR_IO, "the log %s cannot be opened: %s", free_one->path,
            strerror(errno));
    free_one->path[0] = '\0';
    return ERR_IO;
}

static void
replace(int *fd, const char *path)
{
    int new = open_file(path);

    if (new < 0) {
        log_error("log_not_reopened", "path=%s why=%s", path, strerror(errno));
        return;
    }
    close(*fd);
    *fd = new;
}

void
estate_reopen(struct estate *s)
{
    if (s->log_path) {
        int *log = &s->hello[HELLO_LOG];
        replace(log, s->log_path);
        log_reopen(*log);
    }
    for (size_t i = 0; i < ESTATE_FILES_MAX; i++)
        if (s->files[i].path[0])
            replace(&s->files[i].fd, s->files[i].path);
}

bool
estate_rotate(struct estate *s)
{
    uint8_t key[TICKET_BYTES];

    if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key)) {
        log_error("ticket_key_not_rotated", "why=%s", strerror(errno));
        return false;
    }
    tickets_rotate(s->tickets, key);
    explicit_bzero(key, sizeof(key));
    return true;
}
