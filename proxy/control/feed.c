/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/feed.h"

#include <string.h>

void
feed_init(struct feed *f, feed_fn fn, void *arg)
{
    *f = (struct feed){.fn = fn, .arg = arg};
    buf_init(&f->line, FEED_EVENT_BYTES);
    buf_init(&f->data, FEED_EVENT_BYTES);
}

void
feed_fini(struct feed *f)
{
    buf_fini(&f->line);
    buf_fini(&f->data);
}

void
feed_restart(struct feed *f)
{
    buf_clear(&f->line);
    buf_clear(&f->data);
    f->kind[0] = '\0';
}

bool
feed_failed(const struct feed *f)
{
    return buf_failed(&f->line) || buf_failed(&f->data);
}

/* One that is too long, or not text, is none. */
static void
keep_word(char out[FEED_WORD_BYTES], span value)
{
    if (value.len >= FEED_WORD_BYTES ||
        (value.len && memchr(value.at, '\0', value.len)))
        return;
    if (value.len)
        memcpy(out, value.at, value.len);
    out[value.len] = '\0';
}

static bool
dispatch(struct feed *f)
{
    struct feed_event ev = {
        .id = f->id, .kind = f->kind, .data = buf_span(&f->data)};

    if (ev.data.len) /* each line of it has added an end */
        ev.data = span_take(ev.data, ev.data.len - 1);
    bool more = f->fn(f->arg, &ev);
    buf_clear(&f->data);
    f->kind[0] = '\0';
    return more;
}

static bool
take_line(struct feed *f, span line)
{
    if (line.at && line.len > 0 && line.at[line.len - 1] == '\r')
        line = span_take(line, line.len - 1);
    if (line.len == 0)
        return dispatch(f);

    span value = line, name = span_cut(&value, ':');
    if (span_starts(value, SPAN(" ")))
        value = span_skip(value, 1);
    if (span_is(name, "data")) {
        buf_add(&f->data, value);
        buf_byte(&f->data, '\n');
    } else if (span_is(name, "id")) {
        keep_word(f->id, value);
    } else if (span_is(name, "event")) {
        keep_word(f->kind, value);
    }
    return true; /* a comment, `retry`, or what a newer daemon says */
}

bool
feed_take(struct feed *f, span bytes)
{
    bool more = true;

    while (more && !feed_failed(f) && bytes.len > 0) {
        ptrdiff_t end = span_find(bytes, '\n');
        if (end < 0) {
            buf_add(&f->line, bytes);
            break;
        }
        buf_add(&f->line, span_take(bytes, (size_t)end));
        bytes = span_skip(bytes, (size_t)end + 1);
        if (feed_failed(f))
            break;
        more = take_line(f, buf_span(&f->line));
        buf_clear(&f->line);
    }
    return more && !feed_failed(f);
}
