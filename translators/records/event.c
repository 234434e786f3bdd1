/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/records/event.h"

#define MARK SPAN("\xef\xbb\xbf") /* UTF-8's byte order mark */

/* One line: `whole` with its end, parted into what is before and behind its colon. */
struct line {
    span whole;
    span end;   /* CR, LF or both; empty: the frame ends without one */
    span name;  /* empty: a comment or a blank line */
    span value; /* without the one space that may stand before it */
};

static size_t
length_of(span rest)
{
    size_t n = 0;
    while (n < rest.len && rest.at[n] != '\n' && rest.at[n] != '\r')
        n++;
    return n;
}

/* Cut the next line off. */
static struct line
next_line(span *rest)
{
    size_t n = length_of(*rest);
    size_t end = n < rest->len;
    if (n + 1 < rest->len && rest->at[n] == '\r' && rest->at[n + 1] == '\n')
        end = 2;
    span said = span_take(*rest, n);
    struct line l = {.whole = span_take(*rest, n + end),
                     .end = span_of(rest->at + n, end)};
    *rest = span_skip(*rest, n + end);
    ssize_t colon = span_find(said, ':');
    l.name = colon < 0 ? said : span_take(said, (size_t)colon);
    l.value = colon < 0 ? span_skip(said, said.len)
                        : span_skip(said, (size_t)colon + 1);
    if (span_starts(l.value, SPAN(" ")))
        l.value = span_skip(l.value, 1);
    return l;
}

bool
event_read(span frame, bool is_first, struct buf *joined, struct record *out)
{
    size_t n = 0;
    if (is_first && span_starts(frame, MARK))
        out->mark = span_take(frame, MARK.len);
    span rest = span_skip(frame, out->mark.len);
    buf_clear(joined);
    while (rest.len > 0) {
        struct line l = next_line(&rest);
        if (span_is(l.name, "event"))
            out->event = l.value;
        if (!span_is(l.name, "data"))
            continue;
        if (n == 1)
            buf_add(joined, out->text);
        if (n > 0) {
            buf_byte(joined, '\n');
            buf_add(joined, l.value);
        }
        out->text = n++ ? buf_span(joined) : l.value;
    }
    return !buf_failed(joined);
}

/* A text as lines of data in the manner of the first that there was. */
static void
print_data(const struct line *l, span text, struct buf *out)
{
    bool is_spaced = l->value.at > l->name.at + l->name.len + 1;
    do {
        size_t n = length_of(text);
        buf_str(out, is_spaced ? "data: " : "data:");
        buf_add(out, span_take(text, n));
        buf_add(out, l->end);
        text = span_skip(text, n < text.len ? n + 1 : n);
    } while (text.len > 0);
}

void
event_print(const struct record *record, span text, span name, struct buf *out)
{
    span rest = span_skip(record->frame, record->mark.len);
    bool is_printed = false;
    buf_add(out, record->mark);
    while (rest.len > 0) {
        struct line l = next_line(&rest);
        if (span_is(l.name, "data")) {
            if (!is_printed)
                print_data(&l, text, out);
            is_printed = true;
        } else if (name.len > 0 && span_is(l.name, "event")) {
            buf_str(out, "event: ");
            buf_add(out, name);
            buf_add(out, l.end);
        } else {
            buf_add(out, l.whole);
        }
    }
}

void
event_print_hidden(const struct record *record, struct buf *out)
{
    span rest = span_skip(record->frame, record->mark.len);
    size_t before = buf_len(out);
    while (rest.len > 0) {
        struct line l = next_line(&rest);
        bool is_kept = span_is(l.name, "id") || span_is(l.name, "retry");
        bool ends = rest.len == 0 && buf_len(out) > before;
        if (is_kept || ends)
            buf_add(out, l.whole);
    }
}
