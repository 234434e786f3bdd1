/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine: one is made, has limits, and begins with a document.
 */
#include "translators/engine/machine.h"

#include "translators/engine/work.h"

#include <assert.h>
#include <stdlib.h>

#define HELD_DEFAULT ((size_t)1024 * 1024)

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
    give_back(&m->met, kept_max);
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
    bool walks = m->held_max >= ENGINE_INDEX;
    if (m->run && m->level == level && m->walks == walks)
        return;
    assert(engine_has_level(level));
    m->level = level;
    m->walks = walks;
    m->walk = NULL;
    if (comes_packed(m)) {
        m->run = m->crosses ? engine_run_unpacking : engine_run_packed;
        m->follows = level != ENGINE_PLAIN && !m->crosses;
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
    if (walks)
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
    buf_clear(&m->met);
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
    m->met.max = sizeof(struct engine_met) * JSON_DEPTH_MAX * ENGINE_ONCE_MAX;
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

size_t
engine_held_bytes(const struct engine *m)
{
    const struct engine_asked *k = m->asked;
    return m->captures.room + m->pieces.room + m->slots.room + m->tail.room +
           m->open.room + m->met.room + m->scratch[0].room +
           m->scratch[1].room + (k ? k->whole.room + k->answer.room : 0);
}
