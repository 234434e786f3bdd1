/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ws: the frames of a WebSocket connection (RFC 6455 §5), read and written.
 *
 * Two readers. `ws_next` is strict: it gives whole messages, unmasked and put
 * together, and the control frames that came between their fragments; there is
 * one way to read the bytes, or they are bad and it says with which code the
 * connection is to be closed (§7.4.1). Extensions are none of it: whoever reads
 * so has seen to it that none is agreed on. `ws_walk` judges nothing and only
 * knows where frames begin, for bytes that pass as they came: there a Close of
 * our own fits in.
 *
 * Always true: however the bytes are cut into reads, the same is told.
 */
#pragma once

#include "proxy/base/buf.h"

#define WS_CONTROL_MAX 125u /* bytes in a control frame, §5.5 */
#define WS_HEAD_MAX    14u

enum ws_opcode {
    WS_CONTINUATION = 0x0,
    WS_TEXT = 0x1,
    WS_BINARY = 0x2,
    WS_CLOSE = 0x8,
    WS_PING = 0x9,
    WS_PONG = 0xa
};

/* Codes of a Close, §7.4.1; those that we say. */
#define WS_GOING_AWAY  1001u
#define WS_PROTOCOL    1002u
#define WS_UNSUPPORTED 1003u
#define WS_INVALID     1007u /* a message that is not what its type says */
#define WS_TOO_BIG     1009u
#define WS_UNEXPECTED  1011u
#define WS_TRY_LATER   1013u

enum ws_step {
    WS_MORE,    /* all that was given is taken, and more may come */
    WS_MESSAGE, /* a whole one: `opcode` is WS_TEXT or WS_BINARY */
    WS_CONTROL, /* WS_CLOSE, WS_PING or WS_PONG */
    WS_BAD      /* `code` and `why`; nothing is read any more */
};

struct ws_out {
    enum ws_opcode opcode;
    span bytes;      /* hold until the next call */
    unsigned code;   /* of WS_BAD */
    const char *why; /* a sentence */
};

/* Where in a frame the bytes are; the room's own. */
struct ws_walk {
    uint8_t head[WS_HEAD_MAX];
    size_t head_n;   /* bytes of it that are here; 0: between two frames */
    uint64_t left;   /* bytes of the payload to come */
    bool is_inside;  /* the head is whole */
    bool has_closed; /* a Close has begun: nothing of ours may follow it */
};

struct ws {
    struct ws_walk at;
    bool is_masked; /* the peer is a client: it must mask, a server must not */
    struct buf message;
    uint8_t kind; /* of the message so far; WS_CONTINUATION: there is none */
    char control[WS_CONTROL_MAX];
    size_t control_n;
    size_t mask_at; /* bytes of this payload that are unmasked */
    bool was_told;  /* `message` is one that was told: it goes */
    bool is_over;   /* a Close came, or something bad */
};

/* `message_max` bytes are the most that one message may have. */
void ws_init(struct ws *ws, bool is_masked, size_t message_max);

/* Give the memory back. */
void ws_fini(struct ws *ws);

/*
 * The next of `in`, which is cut as it is taken. What comes behind a Close is
 * taken and not looked at (§5.5.1). Between messages it holds no memory.
 */
MUST_CHECK enum ws_step ws_next(struct ws *ws, span *in, struct ws_out *out);

/* Go over bytes that pass as they came; a zeroed walk is at the beginning. */
void ws_walk(struct ws_walk *walk, span bytes);

/* Would a Close of ours be read as one here? */
bool ws_walk_may_close(const struct ws_walk *walk);

/* Append a frame that is a whole message; `mask` NULL: as a server sends it. */
void ws_write(struct buf *out, enum ws_opcode opcode, const uint8_t mask[4],
              span payload);

/* Append a Close; of `reason`, UTF-8, as much as fits. */
void ws_write_close(struct buf *out, unsigned code, span reason,
                    const uint8_t mask[4]);
