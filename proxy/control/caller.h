/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caller: one connection at a door: its request, its answer, its end.
 *
 * It has a place of its door's; a place is free until somebody is taken in and again once he is closed, which any call
 * that sends may do.
 */
#pragma once

#include "proxy/control/cable.h"
#include "proxy/control/door.h"

enum caller_state {
    CALLER_FREE,    /* a place nobody has */
    CALLER_READING, /* its request is not whole */
    CALLER_WAITING, /* the handler answers later */
    CALLER_SENDING,
    CALLER_STREAMING, /* what there is was sent, or is; more may come */
    CALLER_LINGERING, /* all is sent: until the peer closes */
};

struct caller {
    struct loop *loop;
    const struct door_spec
        *spec; /* the door's: who answers, and how long it may take */
    uint64_t id;
    enum caller_state state;
    struct cable cable;
    struct watch watch;
    struct timer deadline;
    struct arena *arena;
    struct h1 parser;
    const struct http_head *head; /* once it came */
    struct buf body;
    struct buf out; /* the answer's head; its body comes after */
    struct door_answer answer;
    bool is_local;
    uid_t uid;
    pid_t pid;
    uint8_t address[16];
};

/* Take in who came on `fd`, which becomes the caller's. Its place stays free if that cannot be. */
void caller_open(struct caller *c, struct loop *loop,
                 const struct door_spec *spec, uint64_t id, int fd);
void caller_close(struct caller *c);

/*
 * Our side is done. What the peer still sends is read and dropped, so that the
 * kernel does not answer it with a reset that overtakes the answer.
 */
void caller_linger(struct caller *c);

/* The answer: begin it anew, fill it, send it; of a stream, send what was added. */
void caller_begin_answer(struct caller *c);
void caller_send_answer(struct caller *c);
void caller_send_some(struct caller *c);

/* Answer this, in the room's own form. */
void caller_refuse(struct caller *c, int status, const char *text);
