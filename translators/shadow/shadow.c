/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/shadow/shadow.h"

#include "proxy/base/map.h"

#define OTHERS SPAN("others")

/* Above the noise by a fifth of it, and by three answers in ten thousand. */
#define RELATIVE_PERCENT 20
#define ABSOLUTE_PPM     300

struct row {
    const struct place *place;
    enum shadow_kind kind;
    uint64_t answers[SHADOW_PAIRS_N];
    uint64_t seen; /* the comparison that counted here last */
    span baseline, other;
};

/* A row for each kind of difference that was met there. */
struct place {
    span name;
    struct row *rows[SHADOW_KINDS_N];
};

struct shadow {
    struct arena *arena;
    size_t places_max;
    uint64_t answers_min;
    struct map places;
    struct row **rows; /* in the order in which they were met */
    size_t n_rows, room;
    uint64_t compared[SHADOW_PAIRS_N];
    uint64_t skipped[SHADOW_PAIRS_N];
    uint64_t comparison; /* so that an answer counts once at a place */
};

const char *
shadow_kind_word(enum shadow_kind kind)
{
    static const char *const words[] = {
#define X(name, word) [name] = (word),
        SHADOW_KINDS(X)
#undef X
    };

    return kind < SHADOW_KINDS_N ? words[kind] : "none";
}

struct shadow *
shadow_new(struct arena *a, size_t places_max, uint64_t answers_min)
{
    struct shadow *s = arena_alloc(a, sizeof *s);

    if (!s)
        return NULL;
    s->arena = a;
    s->places_max = places_max;
    s->answers_min = answers_min;
    map_init(&s->places, a);
    return s;
}

/* ---- what is kept ---- */

static struct place *
place_of(struct shadow *s, span name)
{
    struct place *p = map_get(&s->places, name);

    if (!p && s->places.n >= s->places_max) {
        name = OTHERS;
        p = map_get(&s->places, name);
    }
    if (p)
        return p;
    p = arena_alloc(s->arena, sizeof *p);
    if (!p || !span_dup(s->arena, name, &p->name) ||
        !map_put(&s->places, p->name, p, NULL))
        return NULL;
    return p;
}

static bool
list_row(struct shadow *s, struct row *row)
{
    if (s->n_rows == s->room) {
        size_t room = s->room ? s->room * 2 : 16;
        struct row **rows = arena_grow(s->arena, (void *)s->rows, s->n_rows,
                                       room, sizeof(struct row *));
        if (!rows)
            return false;
        s->rows = rows;
        s->room = room;
    }
    s->rows[s->n_rows++] = row;
    return true;
}

static struct row *
row_of(struct shadow *s, const struct shadow_found *f)
{
    struct place *p = place_of(s, f->place);

    if (!p || p->rows[f->kind])
        return p ? p->rows[f->kind] : NULL;
    struct row *row = arena_alloc(s->arena, sizeof *row);
    if (!row || !span_dup(s->arena, f->baseline, &row->baseline) ||
        !span_dup(s->arena, f->other, &row->other) || !list_row(s, row))
        return NULL;
    row->place = p;
    row->kind = f->kind;
    p->rows[f->kind] = row;
    return row;
}

/* ---- counting ---- */

void
shadow_count(struct shadow *s, enum shadow_pair pair,
             const struct shadow_found *found)
{
    /* First all rows, so that a comparison counts whole or not at all. */
    for (const struct shadow_found *f = found; f; f = f->next)
        if (!row_of(s, f)) {
            shadow_skip(s, pair);
            return;
        }
    s->comparison++;
    for (const struct shadow_found *f = found; f; f = f->next) {
        struct row *row = row_of(s, f);
        if (row->seen == s->comparison)
            continue;
        row->seen = s->comparison;
        row->answers[pair]++;
    }
    s->compared[pair]++;
}

void
shadow_skip(struct shadow *s, enum shadow_pair pair)
{
    s->skipped[pair]++;
}

uint64_t
shadow_compared(const struct shadow *s, enum shadow_pair pair)
{
    return s->compared[pair];
}

uint64_t
shadow_skipped(const struct shadow *s, enum shadow_pair pair)
{
    return s->skipped[pair];
}

/* ---- what is told ---- */

static bool
is_new(const struct shadow *s, const struct row *row)
{
    double raw_n = (double)s->compared[SHADOW_RAW];
    double noise_n = (double)s->compared[SHADOW_NOISE];

    if (row->answers[SHADOW_RAW] == 0)
        return false;
    double raw = (double)row->answers[SHADOW_RAW] / raw_n;
    double noise =
        noise_n > 0 ? (double)row->answers[SHADOW_NOISE] / noise_n : 0;
    return raw > noise * (100 + RELATIVE_PERCENT) / 100 &&
           raw > noise + ABSOLUTE_PPM / 1e6;
}

bool
shadow_row(const struct shadow *s, size_t i, struct shadow_row *out)
{
    if (i >= s->n_rows)
        return false;
    const struct row *row = s->rows[i];
    *out = (struct shadow_row){.place = row->place->name,
                               .kind = row->kind,
                               .baseline = row->baseline,
                               .other = row->other,
                               .is_new = is_new(s, row)};
    memcpy(out->answers, row->answers, sizeof out->answers);
    return true;
}

enum shadow_verdict
shadow_verdict(const struct shadow *s, size_t *n_new)
{
    uint64_t least = s->answers_min ? s->answers_min : 1;
    size_t n = 0;

    for (size_t i = 0; i < s->n_rows; i++)
        n += is_new(s, s->rows[i]);
    if (n_new)
        *n_new = n;
    if (s->compared[SHADOW_NOISE] < least || s->compared[SHADOW_RAW] < least)
        return SHADOW_UNKNOWN;
    return n ? SHADOW_DIFFERS : SHADOW_CLEAN;
}
