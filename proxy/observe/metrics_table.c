/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/observe/metrics_table.h"

#include "proxy/base/utf8.h"

#include <assert.h>

const struct metric_info metrics_table[METRIC_COUNT] = {
#define X(id, type, max, name, labels, help)                                   \
    {METRIC_##type, max, name, labels, help},
    METRICS(X)
#undef X
};

size_t
metric_n_labels(enum metric id)
{
    const char *labels = metrics_table[id].labels;
    size_t n = *labels != '\0';

    for (; *labels; labels++)
        n += *labels == ',';
    return n;
}

uint32_t
metric_words(enum metric_type type)
{
    return type == METRIC_HISTOGRAM ? METRIC_HISTOGRAM_WORDS : 1;
}

struct text {
    char *at;
    size_t len;
};

static void
put(struct text *t, span s)
{
    s = span_take(s, METRIC_NAME_MAX - t->len);
    if (s.len)
        memcpy(t->at + t->len, s.at, s.len);
    t->len += s.len;
}

static void
put_value(struct text *t, span value)
{
    span all = span_take(value, METRIC_LABEL_MAX);

    /* Ends: at least one byte goes each turn. */
    while (all.len) {
        size_t n = utf8_char(all);
        unsigned char c = (unsigned char)all.at[0];
        if (n == 0 || c < 0x20 || c == 0x7f) {
            put(t, SPAN("?"));
            n = 1;
        } else {
            if (c == '"' || c == '\\')
                put(t, SPAN("\\"));
            put(t, span_take(all, n));
        }
        all = span_skip(all, n);
    }
}

span
metric_name(enum metric id, const span *labels, size_t n,
            char room[METRIC_NAME_MAX])
{
    struct text t = {room, 0};
    span keys = span_str(metrics_table[id].labels);

    put(&t, span_str(metrics_table[id].name));
    for (size_t i = 0; i < n; i++) {
        put(&t, i ? SPAN(",") : SPAN("{"));
        put(&t, span_cut(&keys, ','));
        put(&t, SPAN("=\""));
        put_value(&t, labels[i]);
        put(&t, SPAN("\""));
    }
    if (n)
        put(&t, SPAN("}"));
    return span_of(room, t.len);
}

/* "value" with its quotes, no byte that ends a line; cut off `s`. */
static bool
skip_value(span *s)
{
    if (!span_starts(*s, SPAN("\"")))
        return false;
    for (size_t i = 1; i < s->len; i++) {
        unsigned char c = (unsigned char)s->at[i];
        if (c < 0x20 || c == 0x7f)
            return false;
        if (c == '"') {
            *s = span_skip(*s, i + 1);
            return true;
        }
        i += c == '\\';
    }
    return false;
}

/* `{a="x",b="y"}` with exactly the keys of the table, or nothing. */
static bool
labels_are(span s, const char *labels)
{
    span keys = span_str(labels);

    if (keys.len == 0)
        return s.len == 0;
    for (const char *before = "{"; keys.len; before = ",") {
        span key = span_cut(&keys, ',');
        if (!span_starts(s, span_str(before)))
            return false;
        s = span_skip(s, 1);
        if (!span_starts(s, key) ||
            !span_starts(span_skip(s, key.len), SPAN("=")))
            return false;
        s = span_skip(s, key.len + 1);
        if (!skip_value(&s))
            return false;
    }
    return span_is(s, "}");
}

static bool
find(span name, uint32_t type, enum metric *out)
{
    span rest = name;
    span base = span_cut(&rest, '{');

    for (int id = 0; id < METRIC_COUNT; id++) {
        const struct metric_info *info = &metrics_table[id];
        if (!span_is(base, info->name))
            continue;
        *out = (enum metric)id;
        return type == (uint32_t)info->type &&
               labels_are(span_skip(name, base.len), info->labels);
    }
    return false;
}

bool
metric_cell_read(const struct stats *s, uint32_t i, char room[METRIC_NAME_MAX],
                 struct metric_cell *out)
{
    struct stats_cell c = s->cells[i];

    if (c.name_len == 0 || c.name_len > METRIC_NAME_MAX ||
        c.name_at > STATS_NAME_BYTES - c.name_len || c.n_words == 0 ||
        c.n_words > METRIC_HISTOGRAM_WORDS ||
        c.word_at > STATS_WORDS - c.n_words)
        return false;
    memcpy(room, s->names + c.name_at, c.name_len);
    *out = (struct metric_cell){.name = span_of(room, c.name_len),
                                .word_at = c.word_at,
                                .n_words = c.n_words};
    out->known = find(out->name, c.type, &out->id) &&
                 c.n_words == metric_words(metrics_table[out->id].type);
    return true;
}

/* The name of a metric without what all have, and without its unit. */
static span
short_name(const char *whole)
{
    static const char *const units[] = {"_total", "_seconds", "_ppm"};

    span name = span_str(whole + strlen("stile_"));

    for (size_t i = 0; i < COUNT(units); i++)
        if (span_ends(name, span_str(units[i])))
            return span_take(name, name.len - strlen(units[i]));
    return name;
}

bool
metric_find(span name, enum metric *out)
{
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        span whole = span_str(metrics_table[i].name);
        if (!span_eq(name, whole) &&
            !span_eq(name, short_name(metrics_table[i].name)))
            continue;
        *out = (enum metric)i;
        return true;
    }
    return false;
}

bool
metric_grows(enum metric id)
{
    assert(id < METRIC_COUNT);
    return metrics_table[id].type != METRIC_GAUGE;
}
