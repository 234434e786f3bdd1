/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine: a document on its way, whatever the pieces it comes in.
 *
 * Most of a piece is looked at where it stands; only its last bytes, behind which
 * nothing may be read, and an unfinished token go to `carry`, which has room
 * behind them. Where a token reaches into the next piece, some of that is put
 * behind it, until the loop stands in the new piece and goes on there.
 */
#include "translators/engine/machine.h"

#include <assert.h>
#include <stdlib.h>

#define HELD_DEFAULT ((size_t)1024 * 1024)
#define DIRECT_MIN   512 /* a shorter piece is copied whole */
#define JOIN_MIN     256 /* of a piece, put behind an unfinished token */
#define LEFT_MAX     256 /* of a piece, not looked at where it stands */
#define STRETCH      64  /* of a window, where the index does not lead on */
#define STEPS_MAX    ((uint32_t)1 << 19) /* of all paths that are kept */

/* ---- made and ended ------------------------------------------------------------- */

/* Most messages never need most of them. */
static inline void
give_back(struct buf *b, size_t kept_max)
{
    if (b->bytes && b->room > kept_max)
        buf_fini(b);
}

void
engine_give_back(struct engine *m, size_t kept_max)
{
    give_back(&m->captures, kept_max);
    give_back(&m->pieces, kept_max);
    give_back(&m->slots, kept_max);
    give_back(&m->scratch[0], kept_max);
    give_back(&m->scratch[1], kept_max);
    give_back(&m->tail, kept_max);
    give_back(&m->open, kept_max);
    if (m->forms)
        arena_free(&m->forms);
    if (m->steps != m->steps_first)
        free(m->steps);
    m->steps = m->steps_first;
    m->steps_room = ENGINE_STEPS_FIRST;
    if (m->carry != m->carry_first)
        free(m->carry);
    m->carry = m->carry_first;
    m->carry_room = ENGINE_CARRY;
}

void
engine_close_machine(void *m)
{
    engine_give_back(m, 0);
}

bool
engine_has_level(enum engine_level level)
{
#if defined(__x86_64__)
    bool has_avx2 =
        __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul");
    switch (level) {
    case ENGINE_PLAIN:
        return true;
    case ENGINE_AVX2:
        return has_avx2;
    case ENGINE_AVX512:
        return has_avx2 && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512vbmi2");
    }
    return false;
#else
    return level == ENGINE_PLAIN;
#endif
}

static bool
comes_packed(const struct engine *m)
{
    return m->program->is_packed != m->crosses;
}

void
engine_use(struct engine *m, enum engine_level level)
{
    assert(engine_has_level(level));
    m->walk = NULL;
    if (comes_packed(m)) { /* it has one level */
        m->run = m->crosses ? engine_run_unpacking : engine_run_packed;
        return;
    }
    m->run = m->crosses ? engine_run_packing_plain : engine_run_plain;
#if defined(__x86_64__)
    if (level == ENGINE_PLAIN)
        return;
    if (m->crosses) {
        m->run = engine_run_packing_avx2;
        return;
    }
    m->run = engine_run_avx2;
    m->make_index =
        level == ENGINE_AVX512 ? engine_index_avx512 : engine_index_avx2;
    /* What is held is counted by the loop alone: here it never is too much. */
    if (m->held_max >= ENGINE_INDEX)
        m->walk = engine_walk_avx2;
#endif
}

static enum engine_level
best_level(void)
{
    if (engine_has_level(ENGINE_AVX512))
        return ENGINE_AVX512;
    return engine_has_level(ENGINE_AVX2) ? ENGINE_AVX2 : ENGINE_PLAIN;
}

void
engine_restart(struct engine *m)
{
    m->want = WANT_VALUE;
    m->top = m->frames;
    /* What was learnt of one document likely holds of the next. */
    if (!m->came_before || m->lesson.n_keys == LEARNT_KEYS)
        m->lesson.n_keys = m->lesson.n_heads = 0;
    m->frames[0] = (struct engine_frame){.entry = m->program->root,
                                         .learns = m->came_before};
    m->came_before = true;
    m->depth = 0;
    m->offset = 0;
    m->sink = m->out;
    m->target = NO_SLOT;
    m->verdict = ENGINE_MORE;
    m->carry_len = 0;
    buf_clear(&m->captures);
    buf_clear(&m->pieces);
    buf_clear(&m->slots);
    m->n_steps = 0;
    buf_clear(&m->tail);
    buf_clear(&m->open);
    engine_forget_again(m);
    m->in_key = false;
    m->has_marks = false;
    if (m->program->n_notices)
        memset(m->tells, 0, m->program->n_notices * sizeof(*m->tells));
    engine_open_sink(m);
}

/* A machine that is all zeros as far as `made`, with what is as long as the program
 * and the depth want it behind it. */
static struct engine *
room(struct arena *a, const struct engine_program *program, size_t depth)
{
    size_t tells = program->n_notices * sizeof(struct engine_tell);
    struct engine *m = arena_room(a, sizeof(*m) + tells + depth + 1);
    if (!m)
        return NULL;
    memset(m, 0, offsetof(struct engine, made));
    m->tells = (struct engine_tell *)(void *)(m + 1);
    m->kinds = (uint8_t *)(m->tells + program->n_notices);
    return m;
}

/* What may be another for each document. */
static void
set_limits(struct engine *m, const struct engine_limits *limits,
           struct buf *out)
{
    m->out = out;
    m->lenient = limits->lenient;
    m->counts_only = limits->counts_only;
    m->held_max = limits->held_max ? limits->held_max : HELD_DEFAULT;
    m->whole_max = limits->whole_max;
    size_t whole_max =
        limits->whole_max < UINT32_MAX ? limits->whole_max : UINT32_MAX;
    m->captures.max = m->held_max + whole_max + ENGINE_SLACK;
    m->pieces.max = m->held_max;
    m->slots.max =
        sizeof(struct engine_slot) * JSON_DEPTH_MAX * ENGINE_SLOTS_MAX;
    m->scratch[0].max = 6 * m->held_max + whole_max + 64;
    m->scratch[1].max = 6 * m->held_max + 64;
    m->tail.max = m->held_max;
    m->open.max = limits->open_max ? limits->open_max : SIZE_MAX / 4;
}

static size_t
depth_of(const struct engine_limits *limits)
{
    return limits->depth_max < JSON_DEPTH_MAX ? limits->depth_max
                                              : JSON_DEPTH_MAX;
}

struct engine *
engine_make(struct arena *a, const struct engine_program *program,
            const struct engine_limits *limits)
{
    size_t depth = depth_of(limits);
    struct engine *m = room(a, program, depth);
    if (!m)
        return NULL;
    m->program = program;
    m->crosses = limits->crosses;
    if (comes_packed(m))
        m->lefts = arena_room(a, (depth + 1) * sizeof(*m->lefts));
    else if (m->crosses)
        m->levels = arena_room(a, (depth + 1) * sizeof(*m->levels));
    if ((comes_packed(m) && !m->lefts) ||
        (m->crosses && !comes_packed(m) && !m->levels))
        return NULL;
    m->arena = a;
    m->depth_max = depth;
    m->frames = m->frames_first;
    m->frames_room = ENGINE_FRAMES_FIRST;
    m->frames_last = m->frames + ENGINE_FRAMES_FIRST - 1;
    m->steps = m->steps_first;
    m->steps_room = ENGINE_STEPS_FIRST;
    m->carry = m->carry_first;
    m->carry_room = ENGINE_CARRY;
    m->best = best_level();
    return arena_defer(a, engine_close_machine, m) ? m : NULL;
}

bool
engine_is_made_for(const struct engine *m, const struct engine_program *program,
                   const struct engine_limits *limits)
{
    return m->program == program && m->crosses == limits->crosses &&
           m->depth_max == depth_of(limits);
}

struct engine *
engine_new(struct arena *a, const struct engine_program *program,
           const struct engine_limits *limits, struct buf *out)
{
    struct engine *m = engine_take(limits->pool, a, program, limits);
    if (!m)
        return NULL;
    set_limits(m, limits, out);
    engine_use(m, m->best);
    engine_restart(m);
    return m;
}

bool
engine_more_frames(struct engine *m)
{
    size_t at = (size_t)(m->top - m->frames);
    size_t room = m->depth_max + 1;
    struct engine_frame *frames = arena_array(m->arena, room, sizeof(*frames));
    if (!frames)
        return engine_fail(m, ENGINE_NO_ROOM, NULL);
    memcpy(frames, m->frames, m->frames_room * sizeof(*frames));
    m->frames = frames;
    m->frames_room = room;
    m->frames_last = frames + room - 1;
    m->top = frames + at;
    return true;
}

/* ---- telling -------------------------------------------------------------------- */

static __attribute__((noinline)) bool
more_steps(struct engine *m, size_t n)
{
    uint32_t room = m->steps_room;
    while (room - m->n_steps < n) /* ends: depth bounds n */
        room *= 2;
    struct engine_step *steps =
        room <= STEPS_MAX ? malloc(room * sizeof(*steps)) : NULL;
    if (!steps)
        return false;
    memcpy(steps, m->steps, m->n_steps * sizeof(*steps));
    if (m->steps != m->steps_first)
        free(m->steps);
    m->steps = steps;
    m->steps_room = room;
    return true;
}

/* The way to the top frame, and to the member at hand in it. */
static bool
keep_path(struct engine *m, bool with_member, uint32_t *path, uint32_t *n_steps)
{
    size_t n = (size_t)(m->top - m->frames);
    *path = m->n_steps;
    *n_steps = 0;
    if (UNLIKELY(m->steps_room - m->n_steps < n) && !more_steps(m, n))
        return false;
    struct engine_step *step = m->steps + m->n_steps;
    const struct engine_frame *end = m->top + with_member;
    for (const struct engine_frame *f = m->frames + 1; f < end; f++, step++) {
        bool is_known = f->is_object ? f->entry && f->key : f->position > 0;
        if (!is_known)
            break;
        *step = (struct engine_step){.key = f->is_object ? f->key : NULL,
                                     .is_object = f->is_object,
                                     .position = f->position - 1};
    }
    m->n_steps = (uint32_t)(step - m->steps);
    *n_steps = m->n_steps - *path;
    return true;
}

static void
put_path(const struct engine *m, uint32_t path, uint32_t steps, struct buf *out)
{
    const struct engine_step *step = m->steps + path;
    for (uint32_t i = 0; i < steps; i++, step++) {
        if (step->is_object)
            json_pointer_step(out, span_of(step->key->at, step->key->len));
        else
            json_pointer_position(out, step->position);
    }
}

bool
engine_tell_first(struct engine *m, const struct engine_notes *notes,
                  uint64_t offset, bool with_member)
{
    for (size_t i = 0; i < notes->n; i++) {
        struct engine_tell *t = &m->tells[notes->at[i]];
        if (t->n++ && t->first <= offset)
            continue;
        t->first = offset;
        t->steps = 0;
        if (!m->counts_only && !keep_path(m, with_member, &t->path, &t->steps))
            return engine_fail(m, ENGINE_NO_ROOM, NULL);
    }
    return true;
}

size_t
engine_told(const struct engine *m, size_t notice, uint64_t *offset)
{
    if (notice >= m->program->n_notices)
        return 0;
    *offset = m->tells[notice].first;
    return m->tells[notice].n;
}

void
engine_told_at(const struct engine *m, size_t notice, struct buf *out)
{
    if (notice < m->program->n_notices)
        put_path(m, m->tells[notice].path, m->tells[notice].steps, out);
}

static bool
fail(struct engine *m, enum engine_why why, uint16_t fault, const char *at)
{
    m->verdict = ENGINE_FAILED;
    m->fault = (struct engine_fault){why, fault,
                                     at ? engine_offset(m, at) : m->offset};
    if (!keep_path(m, true, &m->fault_path, &m->fault_steps))
        m->fault_steps = 0;
    return false;
}

bool
engine_open_forms(struct engine *m)
{
    static const size_t most = (size_t)64 * 1024 * 1024;
    size_t whole = m->whole_max < most ? m->whole_max : most;
    /* What is read takes some times the bytes that it was read from. */
    if (!m->forms)
        m->forms = arena_new(ENGINE_FORM_BYTES + 16 * whole);
    return m->forms != NULL;
}

bool
engine_fail(struct engine *m, enum engine_why why, const char *at)
{
    return fail(m, why, ENGINE_NONE, at);
}

bool
engine_fail_by(struct engine *m, uint16_t fault, const char *at)
{
    return fail(m, ENGINE_BY_PROGRAM, fault, at);
}

size_t
engine_held_bytes(const struct engine *m)
{
    const struct engine_asked *k = m->asked;
    return m->captures.room + m->pieces.room + m->slots.room + m->tail.room +
           m->open.room + m->scratch[0].room + m->scratch[1].room +
           (k ? k->whole.room + k->answer.room : 0);
}

const struct engine_fault *
engine_fault(const struct engine *m)
{
    return &m->fault;
}

void
engine_here(const struct engine *m, struct buf *out)
{
    for (const struct engine_frame *f = m->frames + 1; f <= m->top; f++) {
        if (!f->is_object)
            json_pointer_position(out, f->position - 1);
        else if (f->entry && f->key)
            json_pointer_step(out, span_of(f->key->at, f->key->len));
        else
            return;
    }
}

void
engine_pointer(const struct engine *m, struct buf *out)
{
    put_path(m, m->fault_path, m->fault_steps, out);
}

/* ---- windows -------------------------------------------------------------------- */

/* By the index as far as it leads, and a stretch by the loop, which sees to
 * whatever is in the way; until the loop has come to the end, or the index far
 * enough. It does: where both get no further, the stretch grows. */
static bool
walk(struct engine *m, struct engine_window *w)
{
    const char *const end = w->end;
    const char *furthest = w->at;
    ptrdiff_t stretch = STRETCH;
    for (;;) {
        w->is_walked = false;
        if (!m->walk(m, w))
            return false;
        if (w->enough && w->at >= w->enough)
            return true;
        bool is_last = w->is_walked || end - w->at <= stretch;
        w->end = is_last ? end : w->at + stretch;
        if (!m->run(m, w))
            return false;
        w->end = end;
        if (is_last)
            return true;
        /* A token that is held is longer than the stretch. */
        stretch = w->at > furthest ? STRETCH : 2 * stretch;
        if (w->at > furthest)
            furthest = w->at;
    }
}

/* Run over a window; *used is how much of it is done with. False: failed. */
static bool
run(struct engine *m, struct engine_window w, size_t *used)
{
    const char *base = w.at;
    m->base = m->copied = m->last_end = base;
    m->last = w.last;
    if (!(m->walk ? walk(m, &w) : m->run(m, &w)))
        return false;
    *used = (size_t)(w.at - base);
    m->offset += *used;
    m->base = w.at;
    return true;
}

static bool
run_directly(struct engine *m, span bytes, size_t *used)
{
    /* The last bytes are looked at only by what begins before them. */
    const char *stop = bytes.at + bytes.len - ENGINE_SLACK / 2;
    struct engine_window w = {.at = bytes.at,
                              .end = stop - ENGINE_SLACK / 2,
                              .stop = stop,
                              .last = stop - 32};
    /* A few tokens at its end are left to what is carried: that comes next. */
    w.enough = w.end - LEFT_MAX;
    return run(m, w, used);
}

/* Over what is carried; more of the piece comes if there is any. `enough` as in a
 * window. */
static bool
run_carry(struct engine *m, bool has_more, bool is_end, const char *enough,
          size_t *used)
{
    char *stop = m->carry + m->carry_len;
    memset(stop, 0, ENGINE_SLACK);
    struct engine_window w = {.at = m->carry,
                              .end = has_more ? stop - ENGINE_SLACK : stop,
                              .stop = stop,
                              .last = stop + ENGINE_SLACK - 32,
                              .enough = enough,
                              .is_end = is_end && !has_more};
    return run(m, w, used);
}

static bool
carry(struct engine *m, span bytes)
{
    size_t len = m->carry_len + bytes.len;
    if (len > m->carry_room) {
        size_t room = m->carry_room;
        while (room < len)
            room *= 2;
        char *grown = malloc(room + ENGINE_SLACK);
        if (!grown)
            return engine_fail(m, ENGINE_NO_ROOM, NULL);
        memcpy(grown, m->carry, m->carry_len);
        if (m->carry != m->carry_first)
            free(m->carry);
        m->carry = grown;
        m->carry_room = room;
    }
    if (bytes.len)
        memcpy(m->carry + m->carry_len, bytes.at, bytes.len);
    m->carry_len = len;
    return true;
}

static bool
drop_carry(struct engine *m, size_t used)
{
    m->carry_len -= used;
    memmove(m->carry, m->carry + used, m->carry_len);
    return m->carry_len <= m->held_max + JOIN_MIN ||
           engine_fail(m, ENGINE_TOO_LONG, NULL);
}

/*
 * What is carried, with as much of the piece as is needed until the loop stands in
 * it; *bytes is then what comes from there. `old` bytes of the carried are not of
 * this piece.
 */
static bool
join(struct engine *m, span *bytes, bool is_end)
{
    size_t old = m->carry_len;
    while (bytes->len) {
        size_t used = 0;
        size_t n = m->carry_len > JOIN_MIN ? m->carry_len : JOIN_MIN;
        span more = span_take(*bytes, n);
        if (!carry(m, more))
            return false;
        *bytes = span_skip(*bytes, more.len);
        if (!run_carry(m, bytes->len > 0, is_end, m->carry + old, &used))
            return false;
        if (used >= old) {
            size_t back = m->carry_len - used;
            *bytes = span_of(bytes->at - back, bytes->len + back);
            m->carry_len = 0;
            return true;
        }
        old -= used;
        if (!drop_carry(m, used))
            return false;
    }
    return true;
}

/* The last of a piece: what is not done with stays. */
static bool
keep(struct engine *m, span bytes, bool is_end)
{
    size_t used = 0;
    return carry(m, bytes) && run_carry(m, false, is_end, NULL, &used) &&
           drop_carry(m, used);
}

static bool
feed(struct engine *m, span bytes, bool is_end)
{
    size_t used = 0;
    while (m->carry_len && bytes.len >= DIRECT_MIN)
        if (!join(m, &bytes, is_end))
            return false;
    if (bytes.len >= DIRECT_MIN) {
        if (!run_directly(m, bytes, &used))
            return false;
        bytes = span_skip(bytes, used);
    }
    return keep(m, bytes, is_end);
}

static bool
is_whole(const struct engine *m)
{
    return m->want == WANT_AFTER && m->top == m->frames;
}

enum engine_verdict
engine_feed(struct engine *m, span bytes, bool is_end)
{
    if (m->verdict != ENGINE_MORE)
        return m->verdict;
    if (UNLIKELY(!engine_go_on(m)))
        return m->verdict;
    engine_open_sink(m);
    bool ok = feed(m, bytes, is_end);
    if (ok && is_end && !is_whole(m)) {
        m->base = m->carry;
        ok = engine_fail(m, ENGINE_BAD_JSON, m->carry + m->carry_len);
    }
    engine_commit(m);
    if (ok && !is_end)
        ok = m->program->is_packed ? engine_hold_open(m) : engine_hold_back(m);
    if (ok && is_end)
        m->verdict = ENGINE_DONE;
    return m->verdict;
}
