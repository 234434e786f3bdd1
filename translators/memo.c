/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/memo.h"

#include "proxy/base/hash.h"
#include "translators/engine/engine.h"

#define SETS      32
#define PLACES    4 /* of a set: questions that meet in it are kept side by side */
#define TEXT_MAX  512 /* bytes of what a message is known by */
#define ARENA_MAX ((size_t)64 * 1024)

struct question {
    const struct translator *translator;
    struct message message;
    size_t from;
    size_t to;
};

struct place {
    struct question is;
    struct arena *arena; /* of what is kept; NULL: nothing is */
    enum program_need need;
    const struct program *program;
    size_t users; /* arenas of messages that have it */
};

struct set {
    struct place places[PLACES];
    unsigned next; /* to be taken, unless it has users */
    uint64_t
        asked[PLACES]; /* hashes of what was asked last, and was not kept */
    unsigned n_asked;
};

struct memo {
    struct engine_pool *machines;
    struct set sets[SETS];
};

static void
close_memo(void *p)
{
    struct memo *memo = p;
    for (size_t i = 0; i < SETS; i++)
        for (size_t k = 0; k < PLACES; k++)
            arena_free(&memo->sets[i].places[k].arena);
}

struct memo *
memo_new(struct arena *a)
{
    struct memo *memo = arena_alloc(a, sizeof(*memo));
    if (!memo || !arena_defer(a, close_memo, memo))
        return NULL;
    memo->machines = engine_pool_new(a);
    return memo->machines ? memo : NULL;
}

struct engine_pool *
memo_machines(const struct memo *memo)
{
    return memo ? memo->machines : NULL;
}

static uint64_t
hash_of(const struct question *q)
{
    const struct message *m = &q->message;
    uint64_t numbers = (uint64_t)q->from << 40 | (uint64_t)q->to << 20 |
                       (uint64_t)m->status << 4 | (uint64_t)m->side;
    numbers += (uint64_t)(uintptr_t)q->translator * 0x9E3779B97F4A7C15u;
    uint64_t h = hash64_seeded(m->method, numbers);
    return hash64_seeded(m->path, hash64_seeded(m->media, h));
}

static bool
is_same(const struct question *a, const struct question *b)
{
    const struct message *x = &a->message;
    const struct message *y = &b->message;
    return a->translator == b->translator && a->from == b->from &&
           a->to == b->to && x->side == y->side && x->status == y->status &&
           x->whole == y->whole && x->strict == y->strict &&
           x->write == y->write && x->is_messages == y->is_messages &&
           span_eq(x->path, y->path) && span_eq(x->method, y->method) &&
           span_eq(x->media, y->media) && span_eq(x->to, y->to) &&
           span_eq(x->platform, y->platform);
}

/* A copy of the question, as the program points into its message. */
static bool
take_question(struct arena *a, const struct question *q, struct question *out)
{
    const struct message *from = &q->message;
    struct message *to = &out->message;
    *out = *q;
    return span_dup(a, from->path, &to->path) &&
           span_dup(a, from->method, &to->method) &&
           span_dup(a, from->media, &to->media) &&
           span_dup(a, from->to, &to->to) &&
           span_dup(a, from->platform, &to->platform);
}

/* What is found anew takes the place. False: there is no room, or nothing to keep. */
static bool
fill(struct place *p, const struct question *q)
{
    struct err e;
    arena_free(&p->arena);
    p->arena = arena_new(ARENA_MAX);
    if (p->arena && take_question(p->arena, q, &p->is)) {
        p->need = translator_program(p->is.translator, p->arena, &p->is.message,
                                     p->is.from, p->is.to, &p->program, &e);
        if (p->need == PROGRAM_PASS || p->need == PROGRAM_TRANSLATE)
            return true;
    }
    arena_free(&p->arena);
    return false;
}

/* Where it is kept; NULL: nowhere. */
static struct place *
find(struct set *s, const struct question *q)
{
    for (size_t i = 0; i < PLACES; i++)
        if (s->places[i].arena && is_same(&s->places[i].is, q))
            return &s->places[i];
    return NULL;
}

/* It takes the place of another that nobody uses; NULL: there is none, or nothing to keep. */
static struct place *
keep(struct set *s, const struct question *q)
{
    for (size_t i = 0; i < PLACES; i++) {
        struct place *p = &s->places[s->next++ % PLACES];
        if (!p->users)
            return fill(p, q) ? p : NULL;
    }
    return NULL;
}

/* Was it asked before? */
static bool
is_asked(struct set *s, uint64_t hash)
{
    for (size_t i = 0; i < PLACES; i++)
        if (s->asked[i] == hash) {
            s->asked[i] = 0;
            return true;
        }
    s->asked[s->n_asked++ % PLACES] = hash;
    return false;
}

static void
leave(void *place)
{
    ((struct place *)place)->users--;
}

enum program_need
memo_program(struct memo *memo, const struct translator *t, struct arena *a,
             const struct message *m, size_t from, size_t to,
             const struct program **out, struct err *e)
{
    const struct question q = {t, *m, from, to};
    size_t len = m->path.len + m->method.len + m->media.len + m->to.len +
                 m->platform.len;
    struct set *s = NULL;
    struct place *p = NULL;
    if (memo && len <= TEXT_MAX) {
        uint64_t hash = hash_of(&q);
        s = &memo->sets[hash % SETS];
        p = find(s, &q);
        if (!p && is_asked(s, hash))
            p = keep(s, &q);
    }
    if (!p || !arena_defer(a, leave, p))
        return translator_program(t, a, m, from, to, out, e);
    p->users++;
    *out = p->program;
    return p->need;
}
