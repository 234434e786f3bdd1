/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sum of many stats segments by name, and its text for Prometheus.
 */
#include "proxy/base/map.h"
#include "proxy/observe/metrics_table.h"

#include <stdio.h>

#define SUM_BYTES_MAX ((size_t)32 * 1024 * 1024)

struct series {
    struct series *next; /* of the same metric, in the order they came */
    span name;
    uint64_t words[]; /* as many as its type has */
};

struct metrics_sum {
    struct arena *arena;
    struct map by_name;
    struct series *first[METRIC_COUNT];
    struct series *last[METRIC_COUNT];
    uint64_t left_out; /* series for which there was no memory */
};

static const uint64_t bounds_us[METRIC_BOUNDS] = METRIC_BOUNDS_US;

struct metrics_sum *
metrics_sum_new(void)
{
    struct arena *a = arena_new(SUM_BYTES_MAX);
    struct metrics_sum *s = a ? arena_alloc(a, sizeof(*s)) : NULL;

    if (!s) {
        arena_free(&a);
        return NULL;
    }
    s->arena = a;
    map_init(&s->by_name, a);
    return s;
}

void
metrics_sum_free(struct metrics_sum **s)
{
    if (!*s)
        return;
    struct arena *a = (*s)->arena; /* in which *s itself lives */
    arena_free(&a);
    *s = NULL;
}

static struct series *
make_series(struct metrics_sum *s, const struct metric_cell *c)
{
    struct series *new =
        arena_alloc(s->arena, sizeof(*new) + c->n_words * sizeof(uint64_t));

    if (!new || !span_dup(s->arena, c->name, &new->name) ||
        !map_put(&s->by_name, new->name, new, NULL))
        return NULL;
    if (s->last[c->id])
        s->last[c->id]->next = new;
    else
        s->first[c->id] = new;
    s->last[c->id] = new;
    return new;
}

void
metrics_sum_add(struct metrics_sum *s, const struct stats *from)
{
    uint32_t n = atomic_load_explicit(&from->n_cells, memory_order_acquire);
    struct metric_cell c;
    char room[METRIC_NAME_MAX];

    for (uint32_t i = 0; i < n && i < STATS_CELLS; i++) {
        if (!metric_cell_read(from, i, room, &c) || !c.known)
            continue;
        struct series *one = map_get(&s->by_name, c.name);
        if (!one)
            one = make_series(s, &c);
        if (!one) {
            s->left_out++;
            continue;
        }
        for (uint32_t w = 0; w < c.n_words; w++)
            one->words[w] += atomic_load_explicit(&from->words[c.word_at + w],
                                                  memory_order_relaxed);
    }
}

uint64_t
metrics_sum_get(const struct metrics_sum *s, span full_name)
{
    const struct series *one = map_get(&s->by_name, full_name);

    return one ? one->words[0] : 0;
}

bool
metrics_sum_has(const struct metrics_sum *s, span full_name)
{
    return map_get(&s->by_name, full_name) != NULL;
}

uint64_t
metrics_sum_total(const struct metrics_sum *s, enum metric id)
{
    bool is_histogram = metrics_table[id].type == METRIC_HISTOGRAM;
    uint32_t n = is_histogram ? METRIC_BOUNDS + 1 : 1;
    uint64_t total = 0;

    for (const struct series *one = s->first[id]; one; one = one->next)
        for (uint32_t i = 0; i < n; i++)
            total += one->words[i];
    return total;
}

static const char *
type_name(enum metric_type type)
{
    switch (type) {
    case METRIC_COUNTER:
        return "counter";
    case METRIC_GAUGE:
        return "gauge";
    case METRIC_HISTOGRAM:
        return "histogram";
    }
    return "untyped";
}

/* name_SUFFIX{labels,EXTRA} without its value. */
static void
print_name(struct buf *out, span name, const char *suffix, const char *le)
{
    span labels = name;

    buf_add(out, span_cut(&labels, '{')); /* labels: `a="x"}` or nothing */
    buf_str(out, suffix);
    if (labels.len)
        labels.len--;
    if (labels.len == 0 && !le)
        return;
    buf_byte(out, '{');
    buf_add(out, labels);
    if (le)
        buf_fmt(out, "%sle=\"%s\"", labels.len ? "," : "", le);
    buf_byte(out, '}');
}

static void
print_histogram(struct buf *out, const struct series *one)
{
    uint64_t so_far = 0;
    char le[32];

    for (size_t i = 0; i < METRIC_BOUNDS; i++) {
        snprintf(le, sizeof(le), "%g", (double)bounds_us[i] / 1e6);
        so_far += one->words[i];
        print_name(out, one->name, "_bucket", le);
        buf_fmt(out, " %lu\n", (unsigned long)so_far);
    }
    so_far += one->words[METRIC_BOUNDS];
    print_name(out, one->name, "_bucket", "+Inf");
    buf_fmt(out, " %lu\n", (unsigned long)so_far);
    print_name(out, one->name, "_sum", NULL);
    buf_fmt(out, " %.6f\n", (double)one->words[METRIC_BOUNDS + 1] / 1e6);
    print_name(out, one->name, "_count", NULL);
    buf_fmt(out, " %lu\n", (unsigned long)so_far);
}

static void
print_series(struct buf *out, enum metric_type type, const struct series *one)
{
    if (type == METRIC_HISTOGRAM) {
        print_histogram(out, one);
        return;
    }
    print_name(out, one->name, "", NULL);
    if (type == METRIC_GAUGE)
        buf_fmt(out, " %ld\n", (long)one->words[0]);
    else
        buf_fmt(out, " %lu\n", (unsigned long)one->words[0]);
}

/* The series of what had no room in the budget; silent until it is used. */
static bool
is_unused_other(enum metric id, const struct series *one)
{
    span others[4] = {SPAN("other"), SPAN("other"), SPAN("other"),
                      SPAN("other")};
    char room[METRIC_NAME_MAX];
    size_t n = metric_n_labels(id);

    if (n == 0 || !span_eq(one->name, metric_name(id, others, n, room)))
        return false;
    for (uint32_t i = 0; i < metric_words(metrics_table[id].type); i++)
        if (one->words[i])
            return false;
    return true;
}

struct printing {
    size_t left; /* of the budget, in lines of text */
    uint64_t left_out;
};

static void
print_metric(const struct metrics_sum *s, enum metric id, struct printing *p,
             struct buf *out)
{
    const struct metric_info *info = &metrics_table[id];
    size_t lines = info->type == METRIC_HISTOGRAM ? METRIC_BOUNDS + 3 : 1;
    bool first = true;

    for (const struct series *one = s->first[id]; one; one = one->next) {
        if (is_unused_other(id, one))
            continue;
        if (p->left < lines) {
            p->left_out += lines;
            continue;
        }
        if (first)
            buf_fmt(out, "# HELP %s %s\n# TYPE %s %s\n", info->name, info->help,
                    info->name, type_name(info->type));
        first = false;
        p->left -= lines;
        print_series(out, info->type, one);
    }
}

void
metrics_sum_print(const struct metrics_sum *s, size_t series_max,
                  struct buf *out)
{
    struct printing p = {.left = series_max, .left_out = s->left_out};

    for (int id = 0; id < METRIC_COUNT; id++)
        print_metric(s, (enum metric)id, &p, out);
    buf_fmt(out,
            "# HELP stile_series_left_out Series beyond the budget\n"
            "# TYPE stile_series_left_out gauge\n"
            "stile_series_left_out %lu\n",
            (unsigned long)p.left_out);
}
