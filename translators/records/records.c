/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/records/records.h"

#include "translators/records/event.h"

#include <assert.h>
#include <string.h>

#define RS '\x1e'

void
records_init(struct records *r, enum records_framing framing, size_t record_max)
{
    *r = (struct records){.framing = framing,
                          .record_max = record_max ? record_max : SIZE_MAX / 4,
                          .is_all_comments = true};
    buf_init(&r->held, r->record_max);
    buf_init(&r->joined, r->record_max);
}

void
records_fini(struct records *r)
{
    buf_fini(&r->held);
    buf_fini(&r->joined);
}

/* ---- where a frame ends ----
 * Each is told bytes that go on where the last call stopped, and returns how many
 * of them belong to the frame; *whole: it ends with them. */

static size_t
scan_line(span bytes, bool *whole)
{
    const char *end = memchr(bytes.at, '\n', bytes.len);
    *whole = end != NULL;
    return end ? (size_t)(end - bytes.at) + 1 : bytes.len;
}

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void
begin_text(struct records *r)
{
    r->depth = 0;
    r->in_text = r->is_escaped = r->is_open = r->has_value = false;
}

/* A byte between quotes. */
static void
pass_quoted(struct records *r, char c)
{
    if (r->is_escaped)
        r->is_escaped = false;
    else if (c == '\\')
        r->is_escaped = true;
    else if (c == '"')
        r->in_text = false;
}

/* A byte of a text, outside of quotes. True: the text is whole with it. */
static bool
pass_plain(struct records *r, char c)
{
    if (is_space(c))
        return c == '\n' && r->depth == 0 && r->has_value;
    r->has_value = true;
    r->in_text = c == '"';
    if (c == '{' || c == '[')
        r->depth++;
    if ((c == '}' || c == ']') && r->depth > 0)
        r->depth--;
    return false;
}

/* False: the bytes are no sequence. */
static bool
scan_sequence(struct records *r, span bytes, size_t *n, bool *whole,
              struct err *e)
{
    for (size_t i = 0; i < bytes.len && !*whole; i++) {
        char c = bytes.at[i];
        *n = i + 1;
        if (c == RS) {
            if (r->has_value) {
                err_set(e, ERR_INVALID,
                        "a text of the sequence is cut short: no line ends "
                        "before the next RS");
                return false;
            }
            r->is_open = true;
        } else if (r->in_text) {
            pass_quoted(r, c);
        } else if (r->is_open) {
            *whole = pass_plain(r, c);
        } else if (!is_space(c)) {
            err_set(e, ERR_INVALID,
                    "a text of the sequence has no RS before "
                    "it");
            return false;
        }
    }
    return true;
}

static void
begin_event(struct records *r)
{
    r->line_n = 0;
    r->is_all_comments = true;
}

/* The end of a line. True: of the event, too, or of a comment that waits for none. */
static bool
end_line(struct records *r, char c)
{
    bool is_blank = r->line_n == 0;
    r->after_cr = c == '\r';
    r->line_n = 0;
    return is_blank || r->is_all_comments;
}

static size_t
scan_event(struct records *r, span bytes, bool *whole)
{
    for (size_t i = 0; i < bytes.len; i++) {
        char c = bytes.at[i];
        bool ends_cr = r->after_cr && c == '\n';
        r->after_cr = false;
        if (ends_cr) {
            *whole = r->n + i == 0; /* behind a frame that was told at its CR */
        } else if (c == '\n' || c == '\r') {
            *whole = end_line(r, c);
        } else if (r->line_n++ == 0) {
            r->is_all_comments = r->is_all_comments && c == ':';
        }
        if (*whole)
            return i + 1;
    }
    return bytes.len;
}

static bool
scan(struct records *r, span bytes, size_t *n, bool *whole, struct err *e)
{
    *whole = false;
    *n = bytes.len;
    switch (r->framing) {
    case RECORDS_LINES:
        *n = scan_line(bytes, whole);
        return true;
    case RECORDS_SEQUENCE:
        return scan_sequence(r, bytes, n, whole, e);
    case RECORDS_EVENTS:
        *n = scan_event(r, bytes, whole);
        return true;
    case RECORDS_MESSAGES:
        *whole = true;
        return true;
    }
    return false;
}

/* ---- what is in a frame ---- */

static bool
is_framing(char c)
{
    return is_space(c) || c == RS;
}

/* A line or a sequence's text without what stands around it. */
static span
bare(span frame)
{
    assert(frame.at);
    while (frame.len && is_framing(frame.at[0]))
        frame = span_skip(frame, 1);
    while (frame.len && is_framing(frame.at[frame.len - 1]))
        frame = span_take(frame, frame.len - 1);
    return frame;
}

static enum records_step
tell(struct records *r, span frame, struct record *out, struct err *e)
{
    *out = (struct record){.frame = frame};
    r->n = 0;
    switch (r->framing) {
    case RECORDS_LINES:
        out->text = bare(frame);
        break;
    case RECORDS_SEQUENCE:
        out->text = bare(frame);
        begin_text(r);
        break;
    case RECORDS_EVENTS:
        begin_event(r);
        if (!event_read(frame, !r->is_begun, &r->joined, out)) {
            err_set(e, ERR_LIMIT, "no room for the data of an event");
            return RECORDS_BAD;
        }
        r->is_begun = true;
        break;
    case RECORDS_MESSAGES:
        out->text = frame;
        break;
    }
    return RECORDS_ONE;
}

/* ---- one after another ---- */

static enum records_step
too_large(const struct records *r, struct err *e)
{
    err_set(e, ERR_LIMIT,
            "a record is larger than the %zu bytes that may be held",
            r->record_max);
    return RECORDS_BAD;
}

static void
forget_told(struct records *r)
{
    if (r->was_told)
        buf_clear(&r->held);
    r->was_told = false;
}

enum records_step
records_next(struct records *r, span *bytes, struct record *out, struct err *e)
{
    size_t n;
    bool whole;
    forget_told(r);
    if (bytes->len == 0)
        return RECORDS_MORE;
    if (!scan(r, *bytes, &n, &whole, e))
        return RECORDS_BAD;
    span part = span_take(*bytes, n);
    *bytes = span_skip(*bytes, n);
    r->n += n;
    if (r->n > r->record_max)
        return too_large(r, e);
    if (whole && buf_len(&r->held) == 0)
        return tell(r, part, out, e); /* it came in one piece */
    buf_add(&r->held, part);
    if (buf_failed(&r->held))
        return too_large(r, e);
    if (!whole)
        return RECORDS_MORE;
    r->was_told = true;
    return tell(r, buf_span(&r->held), out, e);
}

enum records_step
records_end(struct records *r, struct record *out, struct err *e)
{
    forget_told(r);
    if (buf_len(&r->held) == 0 || r->framing == RECORDS_EVENTS)
        return RECORDS_MORE;
    if (r->framing == RECORDS_SEQUENCE && r->has_value) {
        err_set(e, ERR_INVALID,
                "the last text of the sequence is cut short: no line ends it");
        return RECORDS_BAD;
    }
    r->was_told = true;
    return tell(r, buf_span(&r->held), out, e);
}

void
records_print(const struct records *r, const struct record *record, span text,
              span event, struct buf *out)
{
    span frame = record->frame;
    if (r->framing == RECORDS_EVENTS) {
        event_print(record, text, event, out);
        return;
    }
    size_t before = (size_t)(record->text.at - frame.at);
    buf_add(out, span_take(frame, before));
    buf_add(out, text);
    buf_add(out, span_skip(frame, before + record->text.len));
}

void
records_print_hidden(const struct records *r, const struct record *record,
                     struct buf *out)
{
    if (r->framing == RECORDS_EVENTS)
        event_print_hidden(record, out);
}
