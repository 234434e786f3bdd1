/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/observe/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS_ROOM CMSG_SPACE(WIRE_FDS_MAX * sizeof(int))

static const char *const names[] = {"WIRE_NONE",
#define X(kind, doc) #kind,
                                    WIRE_KINDS(X)
#undef X
};

const char *
wire_name(uint32_t kind)
{
    return kind < WIRE_KIND_COUNT ? names[kind] : "WIRE_UNKNOWN";
}

/* What is sent or received in one call; points into itself, so never copied. */
struct parcel {
    struct iovec parts[2];
    struct msghdr head;
    _Alignas(struct cmsghdr) char control[FDS_ROOM];
};

static void
parcel_init(struct parcel *p, void *head, const void *text, size_t text_len)
{
    void *bytes;

    memcpy(&bytes, &text, sizeof(bytes)); /* an iovec knows no const */
    memset(p, 0, sizeof(*p));
    p->parts[0] = (struct iovec){head, sizeof(struct wire_msg)};
    p->parts[1] = (struct iovec){bytes, text_len};
    p->head.msg_iov = p->parts;
    p->head.msg_iovlen = text_len ? 2 : 1;
}

static void
attach(struct parcel *p, const int *fds, size_t n)
{
    p->head.msg_control = p->control;
    p->head.msg_controllen = CMSG_SPACE(n * sizeof(int));
    struct cmsghdr *c = CMSG_FIRSTHDR(&p->head);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(n * sizeof(int));
    memcpy(CMSG_DATA(c), fds, n * sizeof(int));
}

enum err_code
wire_send(int fd, struct wire_msg msg, span text, const int *fds, size_t n_fds,
          struct err *e)
{
    struct parcel p;

    if (n_fds > WIRE_FDS_MAX)
        return err_set(e, ERR_LIMIT, "%zu descriptors in one message", n_fds);
    msg.version = WIRE_VERSION;
    text = span_take(text, WIRE_TEXT_MAX);
    parcel_init(&p, &msg, text.at, text.len);
    if (n_fds)
        attach(&p, fds, n_fds);

    ssize_t n;
    do
        n = sendmsg(fd, &p.head, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return OK;
    return err_set(e, errno == EAGAIN ? ERR_LIMIT : ERR_IO,
                   "%s cannot be sent: %s", wire_name(msg.kind),
                   strerror(errno));
}

enum err_code
wire_tell(int fd, enum wire_kind kind, uint64_t a, uint64_t b, struct err *e)
{
    struct wire_msg msg = {.kind = (uint32_t)kind, .a = a, .b = b};

    return wire_send(fd, msg, (span){0}, NULL, 0, e);
}

static void
take_fds(struct parcel *p, struct wire_in *in)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(&p->head);

    for (; c; c = CMSG_NXTHDR(&p->head, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        /* The room for control data holds no more than WIRE_FDS_MAX. */
        in->n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(in->fds, CMSG_DATA(c), in->n_fds * sizeof(int));
    }
}

void
wire_close_fds(struct wire_in *in)
{
    for (size_t i = 0; i < in->n_fds; i++)
        if (in->fds[i] >= 0)
            close(in->fds[i]);
    in->n_fds = 0;
}

static enum err_code
check(const struct parcel *p, const struct wire_in *in, size_t n, struct err *e)
{
    if (n < sizeof(struct wire_msg) ||
        (p->head.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
        return err_set(e, ERR_INVALID, "a message was cut short");
    if (in->msg.version != WIRE_VERSION)
        return err_set(e, ERR_UNSUPPORTED,
                       "a message of version %u, this build speaks %u",
                       in->msg.version, WIRE_VERSION);
    if (in->msg.kind == WIRE_NONE || in->msg.kind >= WIRE_KIND_COUNT)
        return err_set(e, ERR_UNSUPPORTED, "a message of unknown kind %u",
                       in->msg.kind);
    return OK;
}

enum err_code
wire_recv(int fd, struct wire_in *in, struct err *e)
{
    struct parcel p;

    in->n_fds = 0;
    parcel_init(&p, &in->msg, in->room, sizeof(in->room));
    p.head.msg_control = p.control;
    p.head.msg_controllen = sizeof(p.control);

    ssize_t n;
    do
        n = recvmsg(fd, &p.head, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return err_set(e, ERR_NOT_FOUND, "no message is waiting");
    if (n <= 0)
        return err_set(e, ERR_IO, "the other end is gone: %s",
                       n == 0 ? "closed" : strerror(errno));

    take_fds(&p, in);
    enum err_code code = check(&p, in, (size_t)n, e);
    if (code) {
        wire_close_fds(in);
        return code;
    }
    in->text = span_of(in->room, (size_t)n - sizeof(struct wire_msg));
    return OK;
}

enum err_code
wire_pair(int fds[2], struct err *e)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                   fds))
        return err_set(e, ERR_IO, "no pair of sockets: %s", strerror(errno));
    return OK;
}
