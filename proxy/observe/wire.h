/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire: the messages between supervisor, loader, workers and control.
 *
 * AF_UNIX SEQPACKET: one fixed head, text perhaps, descriptors perhaps, whole
 * or not at all. The head carries a version, since a reload may start a newer
 * binary than the supervisor's: a message of another version or of an unknown
 * kind is ERR_UNSUPPORTED, never guessed at.
 */
#pragma once

#include "proxy/base/err.h"

#define WIRE_VERSION  1u
#define WIRE_TEXT_MAX 32768u
#define WIRE_FDS_MAX  64u

/* X(kind, who says it to whom, what a, b, text and descriptors are) */
#define WIRE_KINDS(X)                                                          \
    /* loader -> worker (worker_env.loader_fd) */                              \
    X(WIRE_GO, "accept from now on")                                           \
    X(WIRE_DRAIN, "a: milliseconds until the deadline")                        \
    X(WIRE_REOPEN_ACCESS, "fd: the access log from now on")                    \
    X(WIRE_REOPEN_LOG, "fd: the log from now on; also to control, loader")     \
    /* worker -> loader, control -> supervisor */                              \
    X(WIRE_READY, "all is set up")                                             \
    /* supervisor -> control (control_env.supervisor_fd) */                    \
    X(WIRE_STATS, "a: generation, b: worker; fd: its stats segment")           \
    X(WIRE_STATS_GONE, "a: generation, whose workers are all gone: fold")      \
    X(WIRE_OLDEST, "a: the oldest generation alive: what is older has gone")   \
    X(WIRE_HANDOVER, "finish the transaction, give up the lock, wait")         \
    X(WIRE_RESUME, "the new one failed: take the lock again, go on")           \
    X(WIRE_RETIRE, "answer callers (a verdict came before) and exit")          \
    X(WIRE_VERDICT,                                                            \
      "a: 1 ok, 0 refused; b: generation; text: a problem a line")             \
    X(WIRE_STATE, "a: worker deaths, b: workers; text: JSON for `status`")     \
    /* control -> supervisor */                                                \
    X(WIRE_RELOAD, "reload, and tell me the verdict")                          \
    X(WIRE_RELEASED, "answer to HANDOVER: the lock is free")                   \
    X(WIRE_FOLDED, "a: generation, answer to STATS_GONE")                      \
    /* supervisor -> loader */                                                 \
    X(WIRE_HELLO, "a: generation; text: home's name; fds: enum hello_fd")      \
    X(WIRE_SOCKETS, "a, b: as in WANT_SOCKETS; fds: the sockets by slot")      \
    X(WIRE_FILE, "fd: answer to WANT_FILE")                                    \
    X(WIRE_WORKER_STATS, "a: first worker's index; fds: stats segments")       \
    X(WIRE_FAILED, "text: why the last WANT cannot be had")                    \
    X(WIRE_START_CONTROL, "fork control")                                      \
    X(WIRE_STOP, "kill what you forked and exit")                              \
    /* loader -> supervisor */                                                 \
    X(WIRE_WANT_SOCKETS, "a: enum socket_use, b: slots; text: the address")    \
    X(WIRE_WANT_FILE, "text: the path of an access log, opened to append")     \
    X(WIRE_WANT_STATS, "a: workers")                                           \
    X(WIRE_WORKER, "a: index, b: pid; fd: our end of its socket")              \
    X(WIRE_CONTROL, "b: pid; fd: the other end of its supervisor_fd")          \
    X(WIRE_WORKER_DIED, "a: index, b: wait status")                            \
    X(WIRE_WORKERS_READY, "a: workers")                                        \
    /* who lost a supervisor -> the next one */                                \
    X(WIRE_HOME, "a: generation, b: role and flags; fds: enum hello_fd")       \
    X(WIRE_HELD_SOCKETS, "a: enum socket_use; text: the address; fds")         \
    X(WIRE_HELD_FILE, "text: the path of an access log; fd")                   \
    X(WIRE_HELD_STATS, "fds: stats segments by worker")                        \
    X(WIRE_HELD_ALL, "a: milliseconds a drain may take; that was all")

enum wire_kind {
    WIRE_NONE,
#define X(kind, doc) kind,
    WIRE_KINDS(X)
#undef X
        WIRE_KIND_COUNT
};

struct wire_msg {
    uint32_t version;
    uint32_t kind; /* enum wire_kind */
    uint64_t a;
    uint64_t b;
};
_Static_assert(sizeof(struct wire_msg) == 24, "fixed over versions");

/* What came: the head, its text (in `room`) and its descriptors, now yours. */
struct wire_in {
    struct wire_msg msg;
    span text;
    int fds[WIRE_FDS_MAX]; /* close-on-exec */
    size_t n_fds;
    char room[WIRE_TEXT_MAX];
};

/*
 * Send one message; `fds` stay the caller's. Never waits: ERR_LIMIT if the
 * peer's queue is full, ERR_IO if it is gone. Text beyond WIRE_TEXT_MAX is cut.
 */
MUST_CHECK enum err_code wire_send(int fd, struct wire_msg msg, span text,
                                   const int *fds, size_t n_fds, struct err *e);

/* Without text or descriptors: wire_tell(fd, WIRE_READY, 0, 0, e). */
MUST_CHECK enum err_code wire_tell(int fd, enum wire_kind kind, uint64_t a,
                                   uint64_t b, struct err *e);

/*
 * Take one message; never waits. ERR_NOT_FOUND: nothing is there (poll again).
 * ERR_IO: the peer is gone. ERR_UNSUPPORTED, ERR_INVALID: refused, its
 * descriptors are closed.
 */
MUST_CHECK enum err_code wire_recv(int fd, struct wire_in *in, struct err *e);

/* Close what a message brought and nobody took. */
void wire_close_fds(struct wire_in *in);

/* Two ends, close-on-exec, non-blocking. */
MUST_CHECK enum err_code wire_pair(int fds[2], struct err *e);

/* "WIRE_GO"; never NULL. */
const char *wire_name(uint32_t kind);
