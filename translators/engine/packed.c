/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/engine/packed.h"

#include "translators/json/text.h"
#include "translators/json/tree.h"
#include "translators/msgpack/number.h"
#include "translators/msgpack/pack.h"

#define SLOTS_FIRST 64
#define TEXT_MAX    ((size_t)1 << 30)

/* A state and its copy, which is filled when its turn comes. */
struct pair {
    const struct engine_state *from;
    struct engine_state *to;
};

struct engine_packer {
    struct arena *a;
    struct arena *scratch;
    struct pair *pairs; /* in the order in which they were met */
    size_t n;
    size_t room;
    size_t done;
    uint32_t *slots; /* index + 1 of a pair, by hash of `from` */
    size_t n_slots;
};

/* ---- texts ---------------------------------------------------------------------- */

static bool
pack_text(span raw, struct buf *out)
{
    char head[MSGPACK_HEAD_MAX];
    bool clean = true;
    char *at = buf_reserve(out, raw.len + sizeof(head));
    if (!at)
        return false;
    size_t len = json_text_decode(raw, at + sizeof(head), &clean);
    if (!clean || len > MSGPACK_N_MAX)
        return false;
    size_t n = msgpack_put_head(head, MSGPACK_TEXT, (uint32_t)len);
    memcpy(at, head, n);
    memmove(at + n, at + sizeof(head), len);
    buf_commit(out, n + len);
    return true;
}

bool
engine_pack_scalar(span json, struct buf *out)
{
    char number[MSGPACK_HEAD_MAX];
    size_t n = 1;
    switch (json.at[0]) {
    case '"':
        return pack_text(span_of(json.at + 1, json.len - 2), out);
    case 'n':
        number[0] = (char)0xC0;
        break;
    case 'f':
        number[0] = (char)0xC2;
        break;
    case 't':
        number[0] = (char)0xC3;
        break;
    default:
        if (!number_pack(json, number, &n))
            return false;
    }
    buf_add(out, span_of(number, n));
    return true;
}

bool
engine_pack_value(struct arena *scratch, span json, struct buf *out)
{
    if (json.at[0] != '{' && json.at[0] != '[')
        return engine_pack_scalar(json, out);
    struct pack *k = pack_new(scratch, TEXT_MAX);
    return k && pack_feed(k, json) == PACK_OK && pack_end(k, out) == PACK_OK;
}

/* The end of the text that `s` begins with, behind its quote. */
static size_t
key_end(span s)
{
    size_t i = 1;
    while (s.at[i] != '"')
        i += s.at[i] == '\\' ? 2 : 1;
    return i + 1;
}

/*
 * A text of a program: a value; a key; a key with its colon, and with what is
 * behind it, a value or an opening bracket, which is the machine's to write; a
 * closing bracket.
 */
static bool
pack_fragment(struct arena *scratch, span json, struct buf *out)
{
    bool is_key = json.at[0] == '"';
    size_t end = is_key ? key_end(json) : 0;
    if (json.at[0] == '}' || json.at[0] == ']')
        return true;
    if (is_key && !engine_pack_scalar(span_take(json, end), out))
        return false;
    if (end == json.len)
        return true;
    span rest = span_skip(json, is_key ? end + 1 : 0);
    bool opens = rest.len == 1 && (rest.at[0] == '{' || rest.at[0] == '[');
    return rest.len == 0 || opens || engine_pack_value(scratch, rest, out);
}

/* *has: there is one. False: an arena is full. */
static bool
repack(struct engine_packer *k, span json, span *out, bool *has)
{
    struct buf b;
    *has = true;
    if (json.len == 0)
        return true;
    buf_init(&b, TEXT_MAX);
    *has = pack_fragment(k->scratch, json, &b);
    bool ok =
        !buf_failed(&b) && (!*has || engine_text(k->a, buf_span(&b), out));
    buf_fini(&b);
    return ok;
}

/* ---- states are copied each once ------------------------------------------------- */

static size_t
slot_of(const struct engine_packer *k, const struct engine_state *s)
{
    size_t at = (size_t)(((uintptr_t)s >> 4) * 0x9E3779B97F4A7C15u >> 20);
    for (at &= k->n_slots - 1; k->slots[at]; at = (at + 1) & (k->n_slots - 1))
        if (k->pairs[k->slots[at] - 1].from == s)
            break;
    return at;
}

static bool
grow(struct engine_packer *k)
{
    size_t room = k->room * 2;
    struct pair *pairs =
        arena_grow(k->scratch, k->pairs, k->n, room, sizeof(*pairs));
    uint32_t *slots = arena_array(k->scratch, 2 * room, sizeof(*slots));
    if (!pairs || !slots)
        return false;
    k->pairs = pairs;
    k->room = room;
    k->slots = slots;
    k->n_slots = 2 * room;
    for (size_t i = 0; i < k->n; i++)
        slots[slot_of(k, pairs[i].from)] = (uint32_t)(i + 1);
    return true;
}

struct engine_packer *
engine_packer_new(struct arena *a, struct arena *scratch)
{
    struct engine_packer *k = arena_alloc(scratch, sizeof(*k));
    if (!k)
        return NULL;
    k->a = a;
    k->scratch = scratch;
    k->room = SLOTS_FIRST / 2;
    return grow(k) ? k : NULL;
}

/* The copy of a state; NULL: no room. */
static struct engine_state *
copy_of(struct engine_packer *k, const struct engine_state *s)
{
    size_t at = slot_of(k, s);
    if (k->slots[at])
        return k->pairs[k->slots[at] - 1].to;
    if (k->n == k->room) {
        if (!grow(k))
            return NULL;
        at = slot_of(k, s);
    }
    struct engine_state *to = arena_alloc(k->a, sizeof(*to));
    if (!to)
        return NULL;
    k->pairs[k->n++] = (struct pair){s, to};
    k->slots[at] = (uint32_t)k->n;
    return to;
}

/* ---- their parts ----------------------------------------------------------------- */

/* What the texts among its rows say. */
static bool
pack_texts(struct engine_packer *k, const struct engine_map *map,
           struct engine_map *to)
{
    size_t n = 0;
    span *texts = arena_array(k->scratch, map->table.n + 1, sizeof(*texts));
    uint16_t *rows = arena_array(k->a, map->table.n + 1, sizeof(*rows));
    if (!texts || !rows)
        return false;
    for (size_t i = 0; i < map->table.n; i++) {
        const struct engine_key *key = &map->table.keys[i];
        bool clean = true;
        if (key->at[0] != '"')
            continue;
        char *at = arena_room(k->scratch, key->len);
        if (!at)
            return false;
        size_t len =
            json_text_decode(span_of(key->at + 1, key->len - 2u), at, &clean);
        texts[n] = span_of(at, len);
        rows[n++] = (uint16_t)i;
    }
    to->text_rows = rows;
    return engine_table_build(k->a, texts, n, &to->texts);
}

static bool
pack_map(struct engine_packer *k, const struct engine_map *map,
         const struct engine_map **out)
{
    size_t n = map->table.n;
    struct engine_map *to = arena_alloc(k->a, sizeof(*to));
    struct engine_row *rows = arena_array(k->a, n + 1, sizeof(*rows));
    if (!to || !rows)
        return false;
    for (size_t i = 0; i < n; i++) {
        bool has = true;
        rows[i] = map->rows[i];
        rows[i].to = (span){0};
        if (!repack(k, map->rows[i].to, &rows[i].to, &has))
            return false;
        rows[i].no_form = !has;
    }
    *to = *map;
    to->rows = rows;
    *out = to;
    return pack_texts(k, map, to);
}

/* Such a map is there for half surrogate pairs, which no text of MessagePack has and
 * none can be given. */
static bool
asks_for_text_alone(const struct engine_entry *e)
{
    return e->map && !e->map->table.n && !e->map->form &&
           e->map->fault == ENGINE_NONE && e->action == ENGINE_KEEP;
}

static bool
pack_entry(struct engine_packer *k, const struct engine_entry *from,
           struct engine_entry *to)
{
    bool has = true;
    *to = *from;
    to->to = (span){0};
    if (!repack(k, from->to, &to->to, &has) || !has)
        return false;
    if (from->has_same && from->same.at[0] == '"' &&
        !repack(k, from->same, &to->packed_same, &has))
        return false; /* what cannot be said never comes */
    if (asks_for_text_alone(from))
        to->map = NULL;
    else if (from->map && !pack_map(k, from->map, &to->map))
        return false;
    to->child = from->child ? copy_of(k, from->child) : NULL;
    engine_entry_settle(to);
    return !from->child || to->child;
}

/* An entry, and those that hold where it does not. */
static bool
pack_chain(struct engine_packer *k, const struct engine_entry *from,
           struct engine_entry *to)
{
    for (;;) {
        if (!pack_entry(k, from, to))
            return false;
        from = from->otherwise;
        if (!from)
            return true;
        struct engine_entry *next = arena_alloc(k->a, sizeof(*next));
        if (!next)
            return false;
        to->otherwise = next;
        to = next;
    }
}

/* NULL: no room, or there are none. */
static struct engine_entry *
pack_entries(struct engine_packer *k, const struct engine_entry *from, size_t n)
{
    struct engine_entry *to = arena_array(k->a, n + 1, sizeof(*to));
    for (size_t i = 0; to && i < n; i++)
        if (!pack_chain(k, &from[i], &to[i]))
            return NULL;
    return to;
}

static struct engine_op *
pack_ops(struct engine_packer *k, const struct engine_op *from, size_t n)
{
    struct engine_op *to = arena_array(k->a, n + 1, sizeof(*to));
    for (size_t i = 0; to && i < n; i++) {
        bool has = true;
        to[i] = from[i];
        to[i].text = (span){0};
        if (!repack(k, from[i].text, &to[i].text, &has))
            return NULL;
        if (!has)
            to[i].kind = ENGINE_OP_FAIL;
        to[i].lists = from[i].kind == ENGINE_OP_OPEN &&
                      from[i].text.at[from[i].text.len - 1] == '[';
    }
    return to;
}

/* Does every value of such an entry stay where it is? */
static bool
stays(const struct engine_entry *e)
{
    for (; e; e = e->otherwise)
        if (e->action == ENGINE_DROP || e->action == ENGINE_CAPTURE ||
            (e->action == ENGINE_REFUSE && e->lenient) ||
            (e->child && e->child->prunes) || (e->again && e->again->vanishes))
            return false;
    return true;
}

static bool
all_stay(const struct engine_entry *entries, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!stays(&entries[i]))
            return false;
    return true;
}

static bool
adds_nothing(const struct engine_op *ops, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ops[i].kind == ENGINE_OP_MEMBER || ops[i].kind == ENGINE_OP_SLOT ||
            ops[i].kind == ENGINE_OP_OPEN ||
            (ops[i].kind == ENGINE_OP_VALUE && ops[i].text.len))
            return false;
    return true;
}

static bool
fill(struct engine_packer *k, const struct engine_state *from,
     struct engine_state *to)
{
    *to = *from;
    to->entries = pack_entries(k, from->entries, from->keys.n);
    to->ops = pack_ops(k, from->ops, from->n_ops);
    to->items = pack_entries(k, from->items, from->n_items);
    to->other = from->other ? pack_entries(k, from->other, 1) : NULL;
    to->each = from->each ? pack_entries(k, from->each, 1) : NULL;
    to->is_steady = all_stay(from->entries, from->keys.n) &&
                    all_stay(from->items, from->n_items) &&
                    stays(from->other) && stays(from->each) &&
                    adds_nothing(from->ops, from->n_ops);
    return to->entries && to->ops && to->items && (to->other || !from->other) &&
           (to->each || !from->each);
}

bool
engine_pack(struct engine_packer *k, const struct engine_program *program,
            struct engine_program *out)
{
    struct engine_entry *root = pack_entries(k, program->root, 1);
    if (!root)
        return false;
    for (; k->done < k->n; k->done++) {
        struct pair pair = k->pairs[k->done];
        if (!fill(k, pair.from, pair.to))
            return false;
    }
    *out = *program;
    out->root = root;
    out->is_packed = true;
    return true;
}

enum engine_packed_held
engine_packed_holds(const struct engine_packer *k,
                    const struct engine_program *packed)
{
    const struct engine_state *root = packed->root->child;
    if (root && !root->is_steady)
        return ENGINE_PACKED_WHOLE;
    for (size_t i = 0; i < k->n; i++)
        if (!k->pairs[i].to->is_steady)
            return ENGINE_PACKED_PARTS;
    return ENGINE_PACKED_NOTHING;
}
