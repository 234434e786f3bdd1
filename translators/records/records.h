/* SPDX-License-Identifier: Apache-2.0 */
/*
 * records: a stream cut into its records, each told as soon as it is complete.
 *
 * Three framings: lines of JSON (NDJSON), JSON text sequences (RFC 7464) and
 * server-sent events (WHATWG HTML §9.2). What frames a record is kept, so that
 * it can be written again around another text; however the stream is cut into
 * reads, the same frames come out. No JSON is judged here: a text may be wrong.
 * A fourth has no frames of its own: who feeds it knows where a record ends.
 *
 *     records_init(&r, RECORDS_EVENTS, limit);
 *     while ((step = records_next(&r, &bytes, &record, e)) == RECORDS_ONE) ...
 *     while ((step = records_end(&r, &record, e)) == RECORDS_ONE) ...
 *     records_fini(&r);
 *
 * Always true: the frames that come out, one behind the other, are the bytes
 * that went in, but for an event that the end of the stream cuts short.
 */
#pragma once

#include "proxy/base/buf.h"
#include "proxy/base/err.h"
#include "proxy/base/span.h"

enum records_framing {
    RECORDS_LINES,    /* a JSON text a line */
    RECORDS_SEQUENCE, /* RS, a JSON text, LF */
    RECORDS_EVENTS,   /* lines of fields, a blank line behind each event */
    RECORDS_MESSAGES  /* what is fed at once: the messages of a WebSocket */
};

enum records_step {
    RECORDS_ONE,  /* *out is a record, or something else between two of them */
    RECORDS_MORE, /* all that was given is taken, and more may come */
    RECORDS_BAD   /* no such framing, or a record beyond the limit: `e` */
};

/* Its spans hold until the next call. */
struct record {
    span frame; /* all of its bytes, as they came */
    span text;  /* what may be translated; no bytes: nothing (a blank line, a
                   comment, an event without data) */
    span event; /* EVENTS: the event's name; empty if it has none */
    span mark;  /* EVENTS: the byte order mark that the stream begins with */
};

/* The fields are the room's. */
struct records {
    enum records_framing framing;
    size_t record_max;
    struct buf held;   /* of a frame that is not whole */
    struct buf joined; /* EVENTS: lines of data as one text */
    size_t n;          /* bytes of the frame so far */
    bool was_told;     /* `held` is a frame that was told: it goes */
    /* SEQUENCE: of the text so far */
    size_t depth; /* brackets that are open */
    bool in_text; /* between quotes */
    bool is_escaped;
    bool is_open;   /* there was an RS */
    bool has_value; /* more than white space behind it */
    /* EVENTS: of the line so far */
    size_t line_n;
    bool is_comment;
    bool is_all_comments; /* no line of the frame is anything else */
    bool after_cr;        /* a LF that comes next belongs to that CR */
    bool is_begun;        /* a byte order mark can come no more */
};

/* `record_max` bytes are the most that one record may have; 0: no limit. */
void records_init(struct records *r, enum records_framing framing,
                  size_t record_max);

/* Give the memory back. */
void records_fini(struct records *r);

/*
 * The next record of what was fed and of `bytes`, which is cut as it is taken.
 * ERR_LIMIT: a record is too large, or there is no memory. ERR_INVALID: bytes
 * where the framing allows none.
 */
MUST_CHECK enum records_step records_next(struct records *r, span *bytes,
                                          struct record *out, struct err *e);

/* Was it for want of memory, and not for the size of a record, that it failed? */
static inline bool
records_are_starved(const struct records *r)
{
    return buf_is_starved(&r->held) || buf_is_starved(&r->joined);
}

/*
 * What the end of the stream completes: a last line without its end. An event
 * without its blank line is none (WHATWG HTML §9.2.6) and is let go.
 * RECORDS_MORE: there is nothing more.
 */
MUST_CHECK enum records_step records_end(struct records *r, struct record *out,
                                         struct err *e);

/*
 * Append the record with another text (JSON, so a line break in it is white
 * space or not there) and, if it is an event that has one, another name; lines of
 * text become lines of data.
 */
void records_print(const struct records *r, const struct record *record,
                   span text, span event, struct buf *out);

/* The same for one that is hidden: nothing, but for an event's id and retry. */
void records_print_hidden(const struct records *r, const struct record *record,
                          struct buf *out);
