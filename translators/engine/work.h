/* SPDX-License-Identifier: Apache-2.0 */
/*
 * work: what the parts of the room do to a machine, each for the others.
 *
 * The loops find tokens; output, values that wait, values that are handed out, ends of
 * objects and what is told have a file each, named at its heading.
 */
#pragma once

#include "translators/engine/machine.h"

/* The loops, of JSON and JSON to MessagePack by level, of MessagePack and to JSON:
 * false after a failure, else w->at is where it stopped. */
bool engine_run_plain(struct engine *m, struct engine_window *w);
bool engine_run_avx2(struct engine *m, struct engine_window *w);
bool engine_run_packing_plain(struct engine *m, struct engine_window *w);
bool engine_run_packing_avx2(struct engine *m, struct engine_window *w);
bool engine_run_packed(struct engine *m, struct engine_window *w);
bool engine_run_unpacking(struct engine *m, struct engine_window *w);

/* As far as all is usual: the loop goes on from there. */
bool engine_walk_avx2(struct engine *m, struct engine_window *w);

/* MessagePack, from a key at `p` on in a frame that has learnt, while all is usual, up to
 * `end`; behind which ENGINE_SLACK bytes may be read. The loop goes on at `at`. */
enum engine_stopped {
    STOPPED_FAILED,
    STOPPED_KEY,   /* of the top frame, or behind its last member */
    STOPPED_VALUE, /* whose key is done with */
    STOPPED_ELEMENT,
    STOPPED_BEHIND /* behind a container: a value of the top frame */
};
struct engine_stop {
    enum engine_stopped why;
    const char *at;
};
struct engine_stop engine_follow_packed(struct engine *m, const char *p,
                                        const char *end);

/* ---- made, at rest, ended (machine.c, pool.c) ---- */

/* In `a`; NULL: it is full. It has no limits yet, and no document. */
MUST_CHECK struct engine *engine_make(struct arena *a,
                                      const struct engine_program *program,
                                      const struct engine_limits *limits);
bool engine_is_made_for(const struct engine *m,
                        const struct engine_program *program,
                        const struct engine_limits *limits);
/* One that rests, or a new one, until `a` ends; without a pool, in `a`. */
MUST_CHECK struct engine *engine_take(struct engine_pool *pool, struct arena *a,
                                      const struct engine_program *program,
                                      const struct engine_limits *limits);
/* What it has on the heap, but for bufs of up to so many bytes. */
void engine_give_back(struct engine *m, size_t kept_max);
void engine_close_machine(void *m);

/* ---- failing and telling (tell.c): each failure returns false ---- */

/* `at` is in the window, or NULL for where it begins. */
bool engine_fail(struct engine *m, enum engine_why why, const char *at);
bool engine_fail_by(struct engine *m, uint16_t fault, const char *at);
MUST_CHECK bool engine_tell_first(struct engine *m,
                                  const struct engine_notes *notes,
                                  uint64_t offset, bool with_member);

MUST_CHECK static inline bool
engine_tell(struct engine *m, const struct engine_notes *notes, uint64_t offset,
            bool with_member)
{
    struct engine_tell *t = notes->n == 1 ? &m->tells[notes->at[0]] : NULL;
    if (LIKELY(t && t->n && t->first <= offset)) {
        t->n++;
        return true;
    }
    return engine_tell_first(m, notes, offset, with_member);
}

static inline uint64_t
engine_offset(const struct engine *m, const char *at)
{
    return m->offset + (uint64_t)(at - m->base);
}

/* More frames; the top may move. */
MUST_CHECK bool engine_more_frames(struct engine *m);

/* ---- output (sink.c) ---- */

/* Room for `n` more bytes and ENGINE_SLACK behind them. */
MUST_CHECK bool engine_grow(struct engine *m, size_t n);

/* Copy `n` bytes, 32 at a time: both sides have ENGINE_SLACK behind them. */
static inline void
engine_copy(char *to, const char *from, size_t n)
{
    memcpy(to, from, 32);
    for (size_t i = 32; UNLIKELY(i < n); i += 32)
        memcpy(to + i, from + i, 32);
}

/* Bytes of which 32 may be read. */
MUST_CHECK static inline bool
engine_put(struct engine *m, const char *at, size_t n)
{
    if (UNLIKELY((size_t)(m->o_end - m->o) < n + ENGINE_SLACK) &&
        !engine_grow(m, n))
        return false;
    memcpy(m->o, at, 32);
    if (UNLIKELY(n > 32))
        memcpy(m->o + 32, at + 32, n - 32);
    m->o += n;
    return true;
}

/* Bytes of which no more than `n` may be read. */
MUST_CHECK bool engine_put_exactly(struct engine *m, const char *at, size_t n);

/* The window up to `to` is in the output. */
MUST_CHECK static inline bool
engine_flush(struct engine *m, const char *to)
{
    const char *from = m->copied;
    if (to <= from)
        return true;
    size_t n = (size_t)(to - from);
    m->copied = to;
    if (UNLIKELY(m->target == TRASH))
        return true;
    if (UNLIKELY(n > 256 || to > m->last))
        return engine_put_exactly(m, from, n);
    if (UNLIKELY((size_t)(m->o_end - m->o) < n + ENGINE_SLACK) &&
        !engine_grow(m, n))
        return false;
    engine_copy(m->o, from, n);
    m->o += n;
    return true;
}

#define ENGINE_SPAN 256 /* bytes that are copied in place */

/* Of the window, up to ENGINE_SPAN bytes that end before its `last`. Whether they are
 * more than 32 cannot be guessed where spans lie between two edits; more than 64 are
 * rare. */
static inline void
engine_copy_span(char *to, const char *from, size_t n)
{
    memcpy(to, from, 64);
    for (size_t i = 64; UNLIKELY(i < n); i += 32)
        memcpy(to + i, from + i, 32);
}

/* What stands from `p` to `q` becomes `text`, of which 32 bytes may be read. */
MUST_CHECK static inline __attribute__((always_inline)) bool
engine_replace(struct engine *m, const char *p, const char *q, span text)
{
    size_t n = (size_t)(p - m->copied);
    size_t room = (size_t)(m->o_end - m->o);
    if (UNLIKELY(n > ENGINE_SPAN || text.len > 32 ||
                 room < ENGINE_SPAN + 32 + ENGINE_SLACK)) {
        if (!engine_flush(m, p))
            return false;
        m->copied = q;
        return engine_put(m, text.at, text.len);
    }
    engine_copy(m->o, m->copied, n);
    memcpy(m->o + n, text.at, 32);
    m->o += n + text.len;
    m->copied = q;
    return true;
}

/* What was written becomes the sink's; and the sink as its owner left it. */
void engine_commit(struct engine *m);
void engine_open_sink(struct engine *m);
void engine_use_sink(struct engine *m, struct buf *sink);

/* A member's value begins to be captured, or has ended. */
MUST_CHECK bool engine_begin_capture(struct engine *m, struct engine_frame *f,
                                     const char *p);
MUST_CHECK bool engine_end_capture(struct engine *m, struct engine_frame *f,
                                   const char *p);
/* The same at once, of a value that is all there, from `p` to `q`, and stays as it
 * came; its member ends with it. */
MUST_CHECK bool engine_capture(struct engine *m, struct engine_frame *f,
                               const char *p, const char *q);
/* What a slot holds goes to the sink, and the slot is empty. */
MUST_CHECK bool engine_put_slot(struct engine *m, struct engine_slot *s);
/* A value's spelling is kept in a slot; of a container, what it is. */
MUST_CHECK bool engine_note(struct engine *m, const struct engine_entry *e,
                            span json);
MUST_CHECK bool engine_note_kind(struct engine *m, const struct engine_entry *e,
                                 bool is_object);

struct engine_slot *engine_slot_of(const struct engine *m, unsigned up,
                                   uint16_t slot);
static inline bool
engine_is_seen(const struct engine *m, unsigned up, uint16_t bit)
{
    return (m->top - up)->seen[bit >> 6] >> (bit & 63) & 1;
}

bool engine_holds(const struct engine *m, const struct engine_test *t);

/* A key at `p` of which the entry says that it may not come again. */
MUST_CHECK bool engine_meet(struct engine *m, const struct engine_frame *f,
                            const struct engine_entry *e, const char *p);

/* The member at `p` is seen, for the first time if that matters. */
MUST_CHECK static inline __attribute__((always_inline)) bool
engine_see(struct engine *m, struct engine_frame *f,
           const struct engine_entry *e, const char *p)
{
    if (UNLIKELY(e->once) && !engine_meet(m, f, e, p))
        return false;
    if (e->bit == ENGINE_NONE)
        return true;
    uint64_t bit = (uint64_t)1 << (e->bit & 63);
    uint64_t *seen = &f->seen[e->bit >> 6];
    if (UNLIKELY(*seen & bit) && e->twice != ENGINE_NONE && !e->once)
        return engine_fail_by(m, e->twice, p);
    *seen |= bit;
    return true;
}

/* A frame for the container at `p`, which has a state. */
static inline void
engine_open_frame(struct engine *m, struct engine_frame *f,
                  const struct engine_state *state, bool is_object,
                  size_t depth, const char *p)
{
    f->state = state;
    f->entry = NULL;
    memset(f->seen, 0, sizeof(f->seen));
    f->start = engine_offset(m, p);
    f->position = 0;
    f->depth = (uint32_t)depth;
    f->is_object = is_object;
    f->wrote = false;
    f->mode = MODE_PLAIN;
    f->learns = false;
    f->head = f->learnt = NULL;
    m->top = f;
}

/* Slots and marks of a frame that begins; of one that ends. */
MUST_CHECK bool engine_open_slots(struct engine *m, struct engine_frame *f);
void engine_close_slots(struct engine *m, struct engine_frame *f);

/* The last piece of the slot that is being filled, as its index + 1; and that slot
 * without what was written since. */
uint32_t engine_last_piece(const struct engine *m);
void engine_cut_pieces(struct engine *m, uint64_t mark, uint32_t last);

/* ---- objects that may go (prune.c) ---- */

/* Where a member of the frame begins, at `p`, that may go. */
MUST_CHECK bool engine_mark(struct engine *m, struct engine_frame *f,
                            const char *p);
/* The top frame's object goes, if nothing was written in it; `p` is at its bracket. */
MUST_CHECK bool engine_prune(struct engine *m, const char *p);
/* Take from the output what may yet be cut back, and put it there again. */
MUST_CHECK bool engine_hold_back(struct engine *m);
MUST_CHECK bool engine_go_on(struct engine *m);

/* ---- values that go again (again.c) ---- */

/* The one at hand: it begins at a member, or not before its value. */
struct engine_asked {
    struct engine_handler handler;
    struct buf
        whole; /* what is held: the value, and before it a key if that may go */
    struct buf answer; /* what stands for it */
    size_t at;         /* of the value in `whole` */
    uint64_t offset;   /* and in the document */
    struct buf *sink;  /* where output goes besides */
    uint32_t target;
    uint8_t mode; /* of its frame */
    bool wrote;
};

/* A member that may vanish begins, at `p`: nothing of it is given out before that is
 * known. */
MUST_CHECK bool engine_hold_member(struct engine *m, const char *p);
/* A value whose entry may go again begins at `p`. *holds: it does. */
MUST_CHECK bool engine_hold_value(struct engine *m, unsigned shape,
                                  const char *p, bool *holds);
/* It has ended at `p`. */
MUST_CHECK bool engine_end_again(struct engine *m, const char *p);
/* The arena that forms work in is there. */
MUST_CHECK bool engine_open_forms(struct engine *m);
/* The list around a value that is wrapped ends, at `p`. */
MUST_CHECK bool engine_end_wrap(struct engine *m, struct engine_frame *f,
                                const char *p);
/* More than may be held. Always false. */
bool engine_again_too_long(struct engine *m);
void engine_forget_again(struct engine *m);
/* It comes to rest: who was asked is gone. */
void engine_ask_nobody(struct engine *m);

/* ---- members, scalars, ends (member.c, scalar.c, close.c) ---- */

/* A key from `p` to `q`, or an element at `p` (then q is NULL), whose entry asks
 * or cuts or refuses; the frame's entry is then the one that holds. */
MUST_CHECK bool engine_begin_member(struct engine *m, const char *p,
                                    const char *q);
/* A value whose mode is not plain has ended at `p`. */
MUST_CHECK static inline bool
engine_end_member(struct engine *m, const char *p)
{
    struct engine_frame *f = m->top;
    if (f->mode == MODE_AGAIN && !engine_end_again(m, p))
        return false;
    if (f->mode == MODE_WRAPPED && !engine_end_wrap(m, f, p))
        return false;
    if (f->mode == MODE_CAPTURE && !engine_end_capture(m, f, p))
        return false;
    f->mode = MODE_PLAIN;
    m->copied = p;
    return true;
}

/* A key with escapes: the index of the table, or its n. False: failed. */
MUST_CHECK bool engine_find_escaped(struct engine *m,
                                    const struct engine_table *t, span raw,
                                    size_t *index);
/* A scalar of an entry that reads it, from `p` to `q`. */
MUST_CHECK bool engine_scalar(struct engine *m, const char *p, const char *q,
                              bool escaped);
/* The same of one that is spelt minimally as `scalar` and came as `json`, and that
 * stands from `p` to `q`; of MessagePack. */
MUST_CHECK bool engine_read_scalar(struct engine *m, span scalar, span json,
                                   const char *p, const char *q);
MUST_CHECK bool engine_packed_scalar(struct engine *m, const char *p,
                                     const char *q);
/* A text of MessagePack of `n` bytes before `q`, if it need not be spelt to be read. */
MUST_CHECK bool engine_packed_text(struct engine *m, const char *p,
                                   const char *q, size_t n, bool *is_read);
/* The ops at the end of the top frame's object; `p` is at its bracket. */
MUST_CHECK bool engine_close(struct engine *m, const char *p);

/* ---- heads that are not known yet (holes.c) ---- */

/* The head of the top frame's object or list is written when it ends. */
MUST_CHECK bool engine_open_hole(struct engine *m, struct engine_frame *f);
MUST_CHECK bool engine_close_hole(struct engine *m, struct engine_frame *f);
/* Output behind the outermost head that is not known yet is taken from what is given
 * out, as no more input comes now. */
MUST_CHECK bool engine_hold_open(struct engine *m);

/* The same of one of which nothing is known. */
MUST_CHECK bool engine_open_level(struct engine *m, size_t depth);
MUST_CHECK bool engine_close_level(struct engine *m, size_t depth);
MUST_CHECK bool engine_open_made(struct engine *m, struct engine_made *made);
MUST_CHECK bool engine_close_made(struct engine *m, struct engine_made *made);

static inline bool
engine_reads(const struct engine_entry *e)
{
    return e->map || e->has_same || e->note != ENGINE_NONE;
}

/* Bytes of MessagePack; what notes or compares a scalar knows none. */
static inline bool
engine_reads_bytes(const struct engine_entry *e)
{
    return e->map && e->map->form && e->map->form->reads_bytes &&
           !e->has_same && e->note == ENGINE_NONE &&
           !(e->refused & ENGINE_TEXT);
}

static inline bool
engine_is_known(const struct engine_state *s, bool is_object)
{
    return s && (is_object ? s->keys.n || s->other || s->n_ops
                           : s->each || s->n_items);
}
