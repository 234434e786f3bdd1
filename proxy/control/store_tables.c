/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's weights and records as they are in memory: what the journal came
 * to. They are told of a change when it is durable, and then cannot fail.
 */
#include "proxy/control/store_inside.h"

#include <assert.h>
#include <stdlib.h>

/* ----------------------------------------------------------------- the weights */

/* The first weight whose slot does not come before `slot`. */
static size_t
weight_place(const struct store *s, span slot)
{
    size_t low = 0, high = s->n_weights;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (span_cmp(span_str(s->weights[middle].slot), slot) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool
store_weights_reserve(struct store *s, size_t n)
{
    size_t room = s->room ? s->room : 16;

    if (s->n_weights + n <= s->room)
        return true;
    if (s->n_weights + n > STORE_SLOTS_MAX)
        return false;
    while (room < s->n_weights + n)
        room *= 2;
    void *grown = reallocarray(s->weights, room, sizeof(*s->weights));
    if (!grown)
        return false;
    s->weights = grown;
    s->room = room;
    return true;
}

void
store_weights_put(struct store *s, const struct store_weight *w)
{
    span slot = span_str(w->slot);
    size_t i = weight_place(s, slot);

    assert(s->weights);
    if (i == s->n_weights || !span_is(slot, s->weights[i].slot)) {
        assert(s->n_weights < s->room);
        memmove(&s->weights[i + 1], &s->weights[i],
                (s->n_weights - i) * sizeof(*w));
        s->n_weights++;
    }
    s->weights[i] = *w;
}

bool
store_weights_load_one(void *arg, const struct store_weight *w)
{
    struct store *s = arg;

    if (!store_weights_reserve(s, 1))
        return false;
    store_weights_put(s, w);
    return true;
}

const struct store_weight *
store_weights(const struct store *s, size_t *n)
{
    *n = s->n_weights;
    return s->weights;
}

const struct store_weight *
store_weight(const struct store *s, span slot)
{
    size_t i = weight_place(s, slot);

    if (i == s->n_weights || !span_is(slot, s->weights[i].slot))
        return NULL;
    return &s->weights[i];
}

/* ----------------------------------------------------------------- the records */

static struct store_record *
find(const struct store *s, span name)
{
    for (size_t i = 0; i < s->n_records; i++)
        if (span_is(name, s->records[i].name))
            return &s->records[i];
    return NULL;
}

const struct store_record *
store_record(const struct store *s, span name)
{
    return find(s, name);
}

bool
store_records_reserve(struct store *s, size_t n)
{
    size_t room = s->records_room ? s->records_room : 16;

    if (s->n_records + n <= s->records_room)
        return true;
    if (s->n_records + n > STORE_RECORDS_MAX)
        return false;
    while (room < s->n_records + n)
        room *= 2;
    void *grown = reallocarray(s->records, room, sizeof(*s->records));
    if (!grown)
        return false;
    s->records = grown;
    s->records_room = room;
    return true;
}

void
store_records_put(struct store *s, span name, uint64_t revision, char *text,
                  size_t len)
{
    struct store_record *r = find(s, name);

    if (!r) {
        assert(s->n_records < s->records_room);
        r = &s->records[s->n_records++];
        *r = (struct store_record){0};
        memcpy(r->name, name.at, name.len);
    }
    free(r->text);
    r->text = text;
    r->json = span_of(text, len);
    r->revision = revision;
}

char *
store_text_copy(span s)
{
    char *text = malloc(s.len + 1);

    if (text && s.len)
        memcpy(text, s.at, s.len);
    return text;
}

bool
store_records_load_one(void *arg, span name, uint64_t revision, span json)
{
    struct store *s = arg;
    char *text = store_records_reserve(s, 1) ? store_text_copy(json) : NULL;

    if (text)
        store_records_put(s, name, revision, text, json.len);
    return text != NULL;
}

void
store_records_free(struct store *s)
{
    for (size_t i = 0; i < s->n_records; i++)
        free(s->records[i].text);
    free(s->records);
    s->records = NULL;
    s->n_records = s->records_room = 0;
}
