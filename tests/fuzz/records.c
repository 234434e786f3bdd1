/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as each framing: cut in two ways the same is told, the frames are
 * the bytes that went in, and a record printed with its own text is itself.
 */
#include "translators/records/records.h"

#include <assert.h>

#define ROOM       ((size_t)64 << 20)
#define RECORD_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct told {
    struct buf all;    /* every span that was told, with its length */
    struct buf frames; /* one behind the other */
    struct buf again;  /* printed with their own text */
    bool is_bad;
};

static void
tell(struct told *t, const struct records *r, const struct record *one)
{
    const span spans[] = {one->frame, one->text, one->event, one->mark};
    for (size_t i = 0; i < COUNT(spans); i++) {
        buf_fmt(&t->all, "%zu:", spans[i].len);
        buf_add(&t->all, spans[i]);
    }
    buf_add(&t->frames, one->frame);
    if (one->text.len == 0)
        return;
    /* Lines of data become one text, and that as many lines again. */
    buf_clear(&t->again);
    records_print(r, one, one->text, (span){0}, &t->again);
    if (r->framing != RECORDS_EVENTS)
        assert(span_eq(buf_span(&t->again), one->frame));
    records_print_hidden(r, one, &t->again);
}

/* In parts of as many bytes as `sizes` say, again and again; of all if empty. */
static void
run(struct told *t, enum records_framing framing, span stream, span sizes)
{
    struct records r;
    struct record one;
    struct err e;
    enum records_step step = RECORDS_MORE;
    *t = (struct told){0};
    buf_init(&t->all, ROOM);
    buf_init(&t->frames, ROOM);
    buf_init(&t->again, ROOM);
    records_init(&r, framing, RECORD_MAX);
    for (size_t i = 0; stream.len > 0 && step != RECORDS_BAD; i++) {
        size_t n = sizes.len ? (unsigned char)sizes.at[i % sizes.len] + 1u
                             : stream.len;
        span part = span_take(stream, n);
        stream = span_skip(stream, part.len);
        while ((step = records_next(&r, &part, &one, &e)) == RECORDS_ONE)
            tell(t, &r, &one);
        assert(step == RECORDS_BAD || part.len == 0);
    }
    while (step != RECORDS_BAD &&
           (step = records_end(&r, &one, &e)) == RECORDS_ONE)
        tell(t, &r, &one);
    t->is_bad = step == RECORDS_BAD;
    records_fini(&r);
}

static void
end(struct told *t)
{
    buf_fini(&t->all);
    buf_fini(&t->frames);
    buf_fini(&t->again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 5)
        return 0;
    enum records_framing framing =
        bytes[0] % 3; /* MESSAGES are cut by who feeds them */
    span sizes = span_of((const char *)bytes + 1, 4);
    span stream = span_of((const char *)bytes + 5, len - 5);
    struct told whole, cut;
    run(&whole, framing, stream, (span){0});
    run(&cut, framing, stream, sizes);
    assert(whole.is_bad == cut.is_bad);
    assert(span_eq(buf_span(&whole.all), buf_span(&cut.all)));
    assert(span_starts(stream, buf_span(&whole.frames)));
    if (!whole.is_bad && framing != RECORDS_EVENTS)
        assert(buf_len(&whole.frames) == stream.len);
    end(&whole);
    end(&cut);
    return 0;
}
