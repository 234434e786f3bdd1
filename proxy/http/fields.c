/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/http/fields.h"

#include "proxy/http/chars.h"
#include "proxy/http/fields_raw.h"

#include <assert.h>

#define ROOM_FIRST ((size_t)16)

static_assert(FIELD_IDS <= 64, "`present` has a bit for each id");

static const struct {
    span lower, spelled;
    unsigned is;
} known[FIELD_IDS] = {
#define X(id, lower, spelled, is)                                              \
    [id] = {                                                                   \
        {"" lower, sizeof(lower) - 1}, {"" spelled, sizeof(spelled) - 1}, is},
    FIELDS(X)
#undef X
};

/* Ids by the length of their names; a test finds every name of the table. */
#define LEN_MAX 25
/* clang-format off */
static const uint8_t by_len[LEN_MAX + 1][9] = {
    [2] = {FIELD_TE},
    [3] = {FIELD_AGE, FIELD_VIA},
    [4] = {FIELD_HOST, FIELD_DATE, FIELD_ETAG, FIELD_LINK, FIELD_VARY},
    [5] = {FIELD_ALLOW, FIELD_RANGE},
    [6] = {FIELD_ACCEPT, FIELD_COOKIE, FIELD_SERVER, FIELD_ORIGIN, FIELD_EXPECT, FIELD_DIGEST,
           FIELD_SUNSET},
    [7] = {FIELD_REFERER, FIELD_EXPIRES, FIELD_TRAILER, FIELD_UPGRADE},
    [8] = {FIELD_IF_MATCH, FIELD_IF_RANGE, FIELD_LOCATION},
    [9] = {FIELD_FORWARDED, FIELD_X_REAL_IP},
    [10] = {FIELD_USER_AGENT, FIELD_CONNECTION, FIELD_SET_COOKIE, FIELD_KEEP_ALIVE,
            FIELD_TRACESTATE},
    [11] = {FIELD_TRACEPARENT, FIELD_RETRY_AFTER, FIELD_DEPRECATION},
    [12] = {FIELD_CONTENT_TYPE, FIELD_X_REQUEST_ID},
    [13] = {FIELD_AUTHORIZATION, FIELD_CACHE_CONTROL, FIELD_IF_NONE_MATCH, FIELD_LAST_MODIFIED,
            FIELD_ACCEPT_RANGES, FIELD_CONTENT_RANGE},
    [14] = {FIELD_CONTENT_LENGTH, FIELD_HTTP2_SETTINGS},
    [15] = {FIELD_ACCEPT_ENCODING, FIELD_ACCEPT_LANGUAGE, FIELD_X_FORWARDED_FOR,
            FIELD_IDEMPOTENCY_KEY},
    [16] = {FIELD_CONTENT_ENCODING, FIELD_CONTENT_LANGUAGE, FIELD_CONTENT_LOCATION,
            FIELD_X_FORWARDED_HOST, FIELD_X_FORWARDED_PORT, FIELD_PROXY_CONNECTION,
            FIELD_WWW_AUTHENTICATE},
    [17] = {FIELD_TRANSFER_ENCODING, FIELD_X_FORWARDED_PROTO, FIELD_IF_MODIFIED_SINCE},
    [18] = {FIELD_PROXY_AUTHENTICATE, FIELD_X_FORWARDED_PREFIX},
    [19] = {FIELD_CONTENT_DISPOSITION, FIELD_IF_UNMODIFIED_SINCE, FIELD_PROXY_AUTHORIZATION},
};
/* clang-format on */

#define EACH(byte) (0x0101010101010101u * (byte))

/*
 * Eight bytes of a name against as many of a known one, letters folded: setting
 * bit 5 folds all that may stand in a known name, if there is no control among
 * the bytes (neither bit 5 nor bit 6 set).
 */
static inline bool
word_is(const char *lower, const char *name)
{
    uint64_t a, b;

    memcpy(&a, lower, sizeof(a));
    memcpy(&b, name, sizeof(b));
    return (b | EACH(0x20)) == a && ((b | b << 1) & EACH(0x40)) == EACH(0x40);
}

static inline bool
name_is(span lower, span name)
{
    size_t i = 0;

    for (; i + sizeof(uint64_t) <= name.len; i += sizeof(uint64_t))
        if (!word_is(lower.at + i, name.at + i))
            return false;
    if (name.len >=
        sizeof(uint64_t)) /* the last eight, some for a second time */
        return word_is(lower.at + name.len - 8, name.at + name.len - 8);
    for (; i < name.len; i++)
        if (char_lower(name.at[i]) != lower.at[i])
            return false;
    return true;
}

enum field_id
field_id_of(span name)
{
    if (name.len > LEN_MAX || name.len == 0)
        return FIELD_OTHER;

    const uint8_t *ids = by_len[name.len];
    char last = char_lower(name.at[name.len - 1]);
    for (; *ids; ids++) {
        span lower = known[*ids].lower;
        if (lower.at[lower.len - 1] == last && name_is(lower, name))
            return (enum field_id) * ids;
    }
    return FIELD_OTHER;
}

span
field_lower(enum field_id id)
{
    return known[id].lower;
}

span
field_spelled(enum field_id id)
{
    return known[id].spelled;
}

unsigned
field_is(enum field_id id)
{
    return known[id].is;
}

bool
field_name_is_valid(span name)
{
    return name.len > 0 && chars_all(name, CHAR_TOKEN);
}

bool
field_value_is_valid(span value)
{
    return chars_are_value(value);
}

void
fields_init(struct fields *f, struct arena *a)
{
    *f = (struct fields){.arena = a};
}

bool
fields_reserve(struct fields *f, size_t n)
{
    size_t room = f->room ? f->room : ROOM_FIRST;

    while (room - f->n < n)
        room *= 2; /* ends: n is a number of lines, each of some bytes */
    if (room == f->room)
        return true;

    struct field *at = arena_grow(f->arena, f->at, f->n, room, sizeof(*at));
    if (!at)
        return false;
    f->at = at;
    f->room = room;
    return true;
}

bool
fields_push(struct fields *f, const struct field *field)
{
    if (f->n == f->room && !fields_reserve(f, 1))
        return false;
    f->at[f->n++] = *field;
    f->present |= (uint64_t)1 << field->id;
    return true;
}

bool
span_lower(struct arena *a, span s, span *out)
{
    size_t n = 0;

    while (n < s.len && !char_is(s.at[n], CHAR_UPPER))
        n++;
    *out = s;
    if (n == s.len)
        return true;

    char *copy = arena_alloc(a, s.len);
    if (!copy)
        return false;
    for (size_t i = 0; i < s.len; i++)
        copy[i] = char_lower(s.at[i]);
    *out = span_of(copy, s.len);
    return true;
}

bool
field_name(struct arena *a, span spelled, struct field *out)
{
    out->spelled = spelled;
    out->id = field_id_of(spelled);
    if (out->id == FIELD_OTHER)
        return span_lower(a, spelled, &out->name);
    out->name = known[out->id].lower;
    return true;
}

const struct field *
fields_find(const struct fields *f, enum field_id id)
{
    if (!(f->present >> id & 1))
        return NULL;
    for (size_t i = 0; i < f->n; i++)
        if (f->at[i].id == id)
            return &f->at[i];
    return NULL;
}

static const struct field *
find_from(const struct fields *f, size_t from, enum field_id id, span name)
{
    for (size_t i = from; i < f->n; i++) {
        const struct field *field = &f->at[i];
        if (field->id == id &&
            (id != FIELD_OTHER || span_eq(field->name, name)))
            return field;
    }
    return NULL;
}

const struct field *
fields_get(const struct fields *f, span name)
{
    return find_from(f, 0, field_id_of(name), name);
}

const struct field *
fields_next(const struct fields *f, const struct field *after)
{
    return find_from(f, (size_t)(after - f->at) + 1, after->id, after->name);
}

span
fields_value(const struct fields *f, enum field_id id)
{
    const struct field *field = fields_find(f, id);

    return field ? field->value : (span){0};
}

/* A checked field with its bytes in the list's arena. A name of the table is a name. */
static enum err_code
make_field(struct fields *f, span name, span value, struct field *out)
{
    enum field_id id = field_id_of(name);

    value = span_trim(value);
    if ((id == FIELD_OTHER && !field_name_is_valid(name)) ||
        !field_value_is_valid(value))
        return ERR_INVALID;
    out->id = id;
    out->name = known[id].lower;
    out->spelled = known[id].spelled;
    if (id == FIELD_OTHER && (!span_dup(f->arena, name, &out->spelled) ||
                              !span_lower(f->arena, out->spelled, &out->name)))
        return ERR_LIMIT;
    return span_dup(f->arena, value, &out->value) ? OK : ERR_LIMIT;
}

enum err_code
fields_add(struct fields *f, span name, span value)
{
    struct field field;
    enum err_code code = make_field(f, name, value, &field);

    if (code)
        return code;
    return fields_push(f, &field) ? OK : ERR_LIMIT;
}

/* Take out all that are like `like`, from index `from` on. */
static size_t
remove_from(struct fields *f, size_t from, enum field_id id, span name)
{
    size_t kept = from;

    for (size_t i = from; i < f->n; i++) {
        bool same = f->at[i].id == id &&
                    (id != FIELD_OTHER || span_eq(f->at[i].name, name));
        if (!same)
            f->at[kept++] = f->at[i];
    }
    size_t gone = f->n - kept;
    f->n = kept;
    return gone;
}

/* In the place of the first of its name, or at the end. */
static enum err_code
place(struct fields *f, struct field *field)
{
    bool may_be = f->present >> field->id & 1;
    const struct field *was =
        may_be ? find_from(f, 0, field->id, field->name) : NULL;

    if (!was)
        return fields_push(f, field) ? OK : ERR_LIMIT;

    size_t at = (size_t)(was - f->at);
    field->spelled = was->spelled;
    f->at[at] = *field;
    remove_from(f, at + 1, field->id, field->name);
    return OK;
}

enum err_code
fields_set(struct fields *f, span name, span value)
{
    struct field field;
    enum err_code code = make_field(f, name, value, &field);

    return code ? code : place(f, &field);
}

static struct field
field_with(enum field_id id, span value)
{
    return (struct field){.name = known[id].lower,
                          .spelled = known[id].spelled,
                          .value = span_trim(value),
                          .id = id};
}

enum err_code
fields_add_id(struct fields *f, enum field_id id, span value)
{
    struct field field = field_with(id, value);

    assert(id != FIELD_OTHER);
    if (!field_value_is_valid(field.value))
        return ERR_INVALID;
    return fields_push(f, &field) ? OK : ERR_LIMIT;
}

enum err_code
fields_set_id(struct fields *f, enum field_id id, span value)
{
    struct field field = field_with(id, value);

    assert(id != FIELD_OTHER);
    return field_value_is_valid(field.value) ? place(f, &field) : ERR_INVALID;
}

size_t
fields_remove_id(struct fields *f, enum field_id id)
{
    if (id == FIELD_OTHER || !(f->present >> id & 1))
        return 0;
    f->present &= ~((uint64_t)1 << id);
    return remove_from(f, 0, id, known[id].lower);
}

size_t
fields_remove(struct fields *f, span name)
{
    enum field_id id = field_id_of(name);

    return id == FIELD_OTHER ? remove_from(f, 0, id, name)
                             : fields_remove_id(f, id);
}

bool
fields_copy(const struct fields *f, struct arena *a, struct fields *out)
{
    fields_init(out, a);
    if (f->n && !fields_reserve(out, f->n))
        return false;
    for (size_t i = 0; i < f->n; i++) {
        struct field field;
        span spelled, value;
        if (!span_dup(a, f->at[i].spelled, &spelled) ||
            !span_dup(a, f->at[i].value, &value) ||
            !field_name(a, spelled, &field))
            return false;
        field.value = value;
        if (!fields_push(out, &field))
            return false;
    }
    return true;
}
