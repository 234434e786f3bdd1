/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/observe/metrics.h"

#include "proxy/base/hash.h"
#include "proxy/base/utf8.h"
#include "proxy/observe/metrics_table.h"

#include <stdio.h>
#include <sys/random.h>

#define SLOTS      4096u /* of each index; twice the cells there can be */
#define LABELS_MAX 4u
#define NO_CELL    UINT32_MAX
#define FIXED      512u /* cells that are found by where their labels are */

static_assert(SLOTS >= 2 * STATS_CELLS, "an index never fills up");

struct fast_slot {
    uint64_t hash; /* of metric and labels as they came; 0: free */
    uint32_t words_at;
};

struct fixed_slot {
    span labels[LABELS_MAX]; /* behind the metric's own: empty */
    enum metric id;
    bool is_taken;
    uint32_t words_at;
};

struct metrics {
    struct stats *stats;
    uint64_t seed; /* clients choose some labels: not our slots, though */
    uint32_t n_cells;
    uint32_t n_words;
    uint32_t n_names;
    size_t n_fast;
    uint32_t n_series[METRIC_COUNT];
    uint32_t other[METRIC_COUNT]; /* where its words are */
    struct fast_slot fast[SLOTS];
    struct fixed_slot fixed[FIXED]; /* each the last of those that share it */
    uint32_t by_name[SLOTS];        /* 1 + index of a cell; 0: free */
};

static const uint64_t bounds_us[METRIC_BOUNDS] = METRIC_BOUNDS_US;

/* --------------------------------------------------------- cells by name */

static span
cell_name(const struct metrics *m, uint32_t cell)
{
    const struct stats_cell *c = &m->stats->cells[cell];

    return span_of(m->stats->names + c->name_at, c->name_len);
}

static uint32_t *
name_slot(struct metrics *m, span name)
{
    uint64_t i = hash64_seeded(name, m->seed) % SLOTS;

    /* Ends: at most half of the slots are taken. */
    while (m->by_name[i] && !span_eq(cell_name(m, m->by_name[i] - 1), name))
        i = (i + 1) % SLOTS;
    return &m->by_name[i];
}

static bool
has_room(const struct metrics *m, size_t name_len, uint32_t n_words)
{
    return m->n_cells < STATS_CELLS && m->n_words + n_words <= STATS_WORDS &&
           m->n_names + name_len <= STATS_NAME_BYTES;
}

/* Written whole first, published by the count: a death in between loses it. */
static uint32_t
make_cell(struct metrics *m, enum metric id, span name)
{
    struct stats *s = m->stats;
    uint32_t n_words = metric_words(metrics_table[id].type);

    if (!has_room(m, name.len, n_words))
        return NO_CELL;

    uint32_t *slot = name_slot(m, name);
    struct stats_cell *c = &s->cells[m->n_cells];
    *c = (struct stats_cell){.name_at = m->n_names,
                             .name_len = (uint32_t)name.len,
                             .word_at = m->n_words,
                             .n_words = n_words,
                             .type = (uint32_t)metrics_table[id].type};
    memcpy(s->names + m->n_names, name.at, name.len);
    for (uint32_t i = 0; i < n_words; i++)
        atomic_store_explicit(&s->words[m->n_words + i], 0,
                              memory_order_relaxed);
    *slot = ++m->n_cells;
    m->n_words += n_words;
    m->n_names += (uint32_t)name.len;
    m->n_series[id]++;
    atomic_store_explicit(&s->n_cells, m->n_cells, memory_order_release);
    return c->word_at;
}

/* Where the words of the series `name` are, made if the budget has room. */
static uint32_t
words_of(struct metrics *m, enum metric id, span name)
{
    uint32_t cell = *name_slot(m, name);

    if (cell)
        return m->stats->cells[cell - 1].word_at;
    if (m->n_series[id] >= metrics_table[id].series_max)
        return m->other[id];

    uint32_t at = make_cell(m, id, name);
    return at == NO_CELL ? m->other[id] : at;
}

/* ------------------------------------------------------------------- open */

/* Takes over one cell that another process left; false if it is damaged. */
static bool
adopt(struct metrics *m, uint32_t i)
{
    struct stats *s = m->stats;
    struct metric_cell c;
    char room[METRIC_NAME_MAX];

    if (!metric_cell_read(s, i, room, &c) || c.word_at != m->n_words ||
        s->cells[i].name_at != m->n_names)
        return false;

    uint32_t *slot = name_slot(m, c.name);
    if (*slot)
        return false;
    *slot = i + 1;
    m->n_cells = i + 1;
    m->n_words += c.n_words;
    m->n_names += (uint32_t)c.name.len;
    if (c.known) {
        m->n_series[c.id]++;
        if (metrics_table[c.id].type == METRIC_GAUGE)
            atomic_store_explicit(&s->words[c.word_at], 0,
                                  memory_order_relaxed);
    }
    return true;
}

static void
forget_all(struct metrics *m)
{
    memset(m->by_name, 0, sizeof(m->by_name));
    memset(m->n_series, 0, sizeof(m->n_series));
    m->n_cells = m->n_words = m->n_names = 0;
    atomic_store(&m->stats->n_cells, 0);
}

static void
adopt_all(struct metrics *m)
{
    uint32_t n = atomic_load_explicit(&m->stats->n_cells, memory_order_acquire);

    if (n > STATS_CELLS)
        n = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!adopt(m, i)) {
            forget_all(m);
            return;
        }
    }
}

static void
make_other(struct metrics *m, enum metric id)
{
    span others[LABELS_MAX];
    char room[METRIC_NAME_MAX];

    for (size_t i = 0; i < LABELS_MAX; i++)
        others[i] = SPAN("other");
    span name = metric_name(id, others, metric_n_labels(id), room);
    uint32_t cell = *name_slot(m, name);
    m->other[id] =
        cell ? m->stats->cells[cell - 1].word_at : make_cell(m, id, name);
}

enum err_code
metrics_open(struct arena *a, struct stats *s, struct metrics **out,
             struct err *e)
{
    struct metrics *m = arena_alloc(a, sizeof(*m));

    if (!m)
        return err_set(e, ERR_LIMIT, "no room for the index of metrics");
    m->stats = s;
    if (getrandom(&m->seed, sizeof(m->seed), 0) != (ssize_t)sizeof(m->seed))
        return err_set(e, ERR_IO, "no random bytes");
    adopt_all(m);
    for (int id = 0; id < METRIC_COUNT; id++) {
        make_other(m, (enum metric)id);
        /* Full of another build's series: begin afresh, then there is room. */
        if (m->other[id] == NO_CELL) {
            forget_all(m);
            id = -1;
        }
    }
    *out = m;
    return OK;
}

/* ------------------------------------------------------------------- count */

static uint64_t
hash_labels(const struct metrics *m, enum metric id, const span *labels,
            size_t n)
{
    uint64_t h = m->seed + (uint64_t)id;

    for (size_t i = 0; i < n; i++)
        h = hash64_seeded(labels[i], h);
    return h ? h : 1;
}

uint32_t
metrics_cell(struct metrics *m, enum metric id, const span *labels, size_t n)
{
    assert(n == metric_n_labels(id));
    uint64_t h = hash_labels(m, id, labels, n);
    size_t i = h % SLOTS;
    char room[METRIC_NAME_MAX];

    while (m->fast[i].hash && m->fast[i].hash != h)
        i = (i + 1) % SLOTS;
    if (m->fast[i].hash)
        return m->fast[i].words_at;

    uint32_t at = words_of(m, id, metric_name(id, labels, n, room));
    /* Words that a client makes up are not remembered beyond half the index. */
    if (m->n_fast < SLOTS / 2) {
        m->fast[i] = (struct fast_slot){h, at};
        m->n_fast++;
    }
    return at;
}

static size_t
place_of(enum metric id, const span *labels, size_t n)
{
    uint64_t h = (uint64_t)id;

    for (size_t i = 0; i < n; i++)
        h = (h ^ (uintptr_t)labels[i].at) * 0x9E3779B97F4A7C15u;
    return h >> 55;
}

static_assert(FIXED == 1u << (64 - 55), "place_of is one of them");

static bool
is_fixed(const struct fixed_slot *f, enum metric id, const span *labels,
         size_t n)
{
    bool same = f->is_taken && f->id == id;

    for (size_t i = 0; same && i < n; i++)
        same = f->labels[i].at == labels[i].at &&
               f->labels[i].len == labels[i].len;
    return same;
}

uint32_t
metrics_cell_fixed(struct metrics *m, enum metric id, const span *labels,
                   size_t n)
{
    struct fixed_slot *f = &m->fixed[place_of(id, labels, n)];

    if (!is_fixed(f, id, labels, n)) {
        *f = (struct fixed_slot){.id = id,
                                 .is_taken = true,
                                 .words_at = metrics_cell(m, id, labels, n)};
        memcpy(f->labels, labels, n * sizeof(*labels));
    }
    return f->words_at;
}

uint32_t
metrics_plain(struct metrics *m, enum metric id)
{
    assert(metric_n_labels(id) == 0);
    return m->other[id];
}

/* One writer: a load and a store, no locked instruction. */
static void
add(struct metrics *m, uint32_t at, uint64_t by)
{
    _Atomic uint64_t *word = &m->stats->words[at];

    atomic_store_explicit(word,
                          atomic_load_explicit(word, memory_order_relaxed) + by,
                          memory_order_relaxed);
}

void
metrics_add(struct metrics *m, uint32_t cell, int64_t by)
{
    assert(cell < STATS_WORDS);
    add(m, cell, (uint64_t)by);
}

void
metrics_set(struct metrics *m, uint32_t cell, uint64_t value)
{
    assert(cell < STATS_WORDS);
    atomic_store_explicit(&m->stats->words[cell], value, memory_order_relaxed);
}

void
metrics_observe_us(struct metrics *m, uint32_t cell, uint64_t us)
{
    assert(cell <= STATS_WORDS - METRIC_HISTOGRAM_WORDS);
    uint32_t bucket = 0;

    while (bucket < METRIC_BOUNDS && us > bounds_us[bucket])
        bucket++;
    add(m, cell + bucket, 1);
    add(m, cell + METRIC_BOUNDS + 1, us);
}

/* -------------------------------------------------------------------- fold */

void
metrics_fold(struct metrics *totals, const struct stats *from)
{
    uint32_t n = atomic_load_explicit(&from->n_cells, memory_order_acquire);
    struct metric_cell c;
    char room[METRIC_NAME_MAX];

    for (uint32_t i = 0; i < n && i < STATS_CELLS; i++) {
        if (!metric_cell_read(from, i, room, &c) || !c.known ||
            metrics_table[c.id].type == METRIC_GAUGE)
            continue;
        uint32_t at = words_of(totals, c.id, c.name);
        for (uint32_t w = 0; w < c.n_words; w++)
            add(totals, at + w,
                atomic_load_explicit(&from->words[c.word_at + w],
                                     memory_order_relaxed));
    }
}
