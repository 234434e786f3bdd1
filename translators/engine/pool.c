/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool: machines at rest. To make one costs as much as a short document does, and one
 * that comes again knows in which order keys came.
 */
#include "translators/engine/work.h"

#define RESTING  16                    /* machines */
#define ROOM     ((size_t)1024 * 1024) /* of one: its arena's limit */
#define KEPT_MAX ((size_t)4096)        /* bytes of a buf that rests with it */

struct engine_pool {
    struct engine *resting[RESTING];
    size_t n;
    size_t oldest; /* of a full pool: who goes next */
};

static void
end(struct engine *m)
{
    struct arena *a = m->arena; /* it lives in that */
    arena_free(&a);
}

static void
close_pool(void *p)
{
    struct engine_pool *pool = p;
    while (pool->n)
        end(pool->resting[--pool->n]);
}

struct engine_pool *
engine_pool_new(struct arena *a)
{
    struct engine_pool *pool = arena_alloc(a, sizeof(*pool));
    return pool && arena_defer(a, close_pool, pool) ? pool : NULL;
}

static void
rest(void *p)
{
    struct engine *m = p;
    struct engine_pool *pool = m->pool;
    engine_give_back(m, KEPT_MAX);
    m->out = m->sink = NULL;
    engine_ask_nobody(m);
    if (pool->n < RESTING) {
        pool->resting[pool->n++] = m;
        return;
    }
    struct engine **place = &pool->resting[pool->oldest++ % RESTING];
    end(*place);
    *place = m;
}

/* One that rests and is made for it; NULL: none is. */
static struct engine *
wake(struct engine_pool *pool, const struct engine_program *program,
     const struct engine_limits *limits)
{
    for (size_t i = pool->n; i-- > 0;) {
        struct engine *m = pool->resting[i];
        if (!engine_is_made_for(m, program, limits))
            continue;
        pool->resting[i] = pool->resting[--pool->n];
        return m;
    }
    return NULL;
}

static struct engine *
make(struct engine_pool *pool, const struct engine_program *program,
     const struct engine_limits *limits)
{
    struct arena *a = arena_new(ROOM);
    struct engine *m = a ? engine_make(a, program, limits) : NULL;
    if (m)
        m->pool = pool;
    else
        arena_free(&a);
    return m;
}

struct engine *
engine_take(struct engine_pool *pool, struct arena *a,
            const struct engine_program *program,
            const struct engine_limits *limits)
{
    if (!pool)
        return engine_make(a, program, limits);
    struct engine *m = wake(pool, program, limits);
    if (!m)
        m = make(pool, program, limits);
    if (m && !arena_defer(a, rest, m)) {
        end(m);
        return NULL;
    }
    return m;
}
