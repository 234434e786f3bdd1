/* SPDX-License-Identifier: Apache-2.0 */
/* NOLINTBEGIN(misc-no-recursion): blocks of cases stand in blocks, as deep as a file may be */
#include "translators/cases/proof.h"

#include "proxy/base/map.h"
#include "translators/cases/build.h"

#include <stdio.h>

struct cases_proof {
    struct arena *arena;
    struct map shown; /* "CHANGE:LINE:1" for up, ":0" for down */
    uint64_t *wrong;  /* pairs of versions, as spans of tables */
    size_t n_wrong, room_wrong;
    bool is_full; /* more is shown than there was room for */
};

struct cases_proof *
cases_proof_new(struct arena *a)
{
    struct cases_proof *p = arena_alloc(a, sizeof(*p));

    if (!p)
        return NULL;
    *p = (struct cases_proof){.arena = a};
    map_init(&p->shown, a);
    return p;
}

static span
key_of(struct arena *a, span change, unsigned line, bool up)
{
    return arena_fmt(a, "%.*s:%u:%d", SPAN_FMT(change), line, up);
}

void
cases_proof_show(struct cases_proof *p, const struct translation_touch *t,
                 bool up)
{
    span key = key_of(p->arena, t->change, t->line, up);

    if (t->change.len && (!key.at || !map_put(&p->shown, key, p, NULL)))
        p->is_full = true;
}

void
cases_proof_refute(struct cases_proof *p, size_t from, size_t to)
{
    size_t older = from < to ? from : to, newer = from < to ? to : from;

    if (p->n_wrong == p->room_wrong) {
        size_t more = p->room_wrong ? p->room_wrong * 2 : 8;
        uint64_t *grown =
            arena_grow(p->arena, p->wrong, p->n_wrong, more, sizeof(*p->wrong));
        if (!grown) {
            p->is_full = true;
            return;
        }
        p->wrong = grown;
        p->room_wrong = more;
    }
    p->wrong[p->n_wrong++] = (uint64_t)older << 32 | newer;
}

bool
cases_proof_refuted(const struct cases_proof *p, size_t older, size_t newer)
{
    for (size_t i = 0; i < p->n_wrong; i++)
        if (p->wrong[i] >> 32 < newer && (uint32_t)p->wrong[i] > older)
            return true;
    return false;
}

/* ---- asking ---- */

struct asking {
    const struct cases_proof *p;
    struct cases_step *out;
};

static bool
is_shown(const struct cases_proof *p, const struct lens_origin *o, bool up)
{
    char room[256];
    int n = snprintf(room, sizeof(room), "%.*s:%u:%d",
                     SPAN_FMT(o->change->name), o->line, up);

    return n > 0 && (size_t)n < sizeof(room) &&
           map_get(&p->shown, span_of(room, (size_t)n));
}

/* Files are read by name: what stands first in them is told first. */
static bool
is_before(const struct lens_origin *a, const struct lens_origin *b)
{
    return !b || a->order < b->order;
}

static void
ask(struct asking *q, const struct lens_origin *o)
{
    bool up = is_shown(q->p, o, true), down = is_shown(q->p, o, false);

    q->out->n_arrows++;
    q->out->n_up += up;
    q->out->n_down += down;
    if ((!up || !down) && is_before(o, q->out->open)) {
        q->out->open = o;
        q->out->open_is_up = !up;
    }
}

static void
ask_block(struct asking *q, const struct lens_block *block)
{
    for (size_t i = 0; i < block->n_arrows; i++)
        if (block->arrows[i].origin.change)
            ask(q, &block->arrows[i].origin);
    for (size_t i = 0; i < block->n_choices; i++)
        for (size_t k = 0; k < block->choices[i].n_cases; k++) {
            const struct lens_case *c = &block->choices[i].cases[k];
            if (k == 0 || c->block != c[-1].block)
                ask_block(q, c->block);
        }
}

void
cases_step_of(const struct cases_proof *p, const struct lens_api *api,
              size_t table, struct cases_step *out)
{
    struct asking q = {.p = p, .out = out};

    *out = (struct cases_step){0};
    for (size_t i = 0; i < api->n_types; i++)
        if (api->tables[table].blocks[i])
            ask_block(&q, api->tables[table].blocks[i]);
    for (size_t i = 0; i < api->tables[table].n_http; i++)
        if (api->tables[table].http[i].block)
            ask_block(&q, api->tables[table].http[i].block);
}
/* NOLINTEND(misc-no-recursion) */

/* ---- the matrix ---- */

static void
say_open(const struct cases_step *step, char *why, size_t size)
{
    const struct lens_change *c = step->open->change;

    (void)snprintf(why, size, "no case shows %s what %.*s:%u does",
                   step->open_is_up ? "upwards" : "downwards",
                   SPAN_FMT(c->file), step->open->line);
}

enum cases_verdict
cases_verdict_of(const struct cases_proof *p, const struct lens_api *api,
                 size_t client, size_t pool, char *why, size_t size)
{
    size_t older = client < pool ? client : pool;
    size_t newer = client < pool ? pool : client, n = 0;

    (void)snprintf(why, size, "it is the same version");
    if (older == newer)
        return CASES_YES;
    (void)snprintf(why, size, "a case between them does not hold");
    if (cases_proof_refuted(p, older, newer))
        return CASES_NO;
    for (size_t table = older; table < newer; table++) {
        struct cases_step step;
        cases_step_of(p, api, table, &step);
        n += step.n_arrows;
        if (step.open) {
            say_open(&step, why, size);
            return CASES_UNKNOWN;
        }
    }
    (void)snprintf(why, size,
                   "each of %zu arrows between them is shown by "
                   "cases, both ways",
                   n);
    return p->is_full ? CASES_UNKNOWN : CASES_YES;
}

const char *
cases_verdict_word(enum cases_verdict v)
{
    static const char *const words[] = {
#define X(id, word) word,
        CASES_VERDICTS(X)
#undef X
    };

    return words[v];
}
