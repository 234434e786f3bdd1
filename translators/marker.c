/* SPDX-License-Identifier: Apache-2.0 */
/*
 * marker: which version the first bytes of a message name.
 *
 * A scan, not a parse: it follows the keys of the markers' places and skips all
 * else, so a document that is cut or broken further on still tells its version.
 * Whether it is JSON is the translation's to judge.
 */
#include "translators/json/tree.h"
#include "translators/lines.h"
#include "translators/msgpack/unpack.h"
#include "translators/program.h"

#define MARKER_KEY_MAX    256
#define MARKER_SCALAR_MAX 256
#define SCAN_DEPTH_MAX    128

enum scan { SCAN_OK, SCAN_MORE, SCAN_BAD };

struct scanner {
    span text;
    size_t at;
    bool is_all;
};

static enum scan
ended(const struct scanner *s)
{
    return s->is_all ? SCAN_BAD : SCAN_MORE;
}

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The next byte that is no space, not consumed; 0 at the end. */
static char
peek(struct scanner *s)
{
    while (s->at < s->text.len && is_space(s->text.at[s->at]))
        s->at++;
    if (s->at >= s->text.len)
        return '\0';
    return s->text.at[s->at];
}

/* A text; *raw is what stands between its quotes. */
static enum scan
scan_text(struct scanner *s, span *raw)
{
    size_t start = ++s->at;
    for (; s->at < s->text.len; s->at++) {
        char c = s->text.at[s->at];
        if (c == '\\')
            s->at++;
        else if (c == '"') {
            *raw = span_of(s->text.at + start, s->at - start);
            s->at++;
            return SCAN_OK;
        }
    }
    return ended(s);
}

static bool
ends_scalar(char c)
{
    return c == ',' || c == '}' || c == ']' || is_space(c);
}

/* Brackets are counted, texts skipped; what is between is not judged. */
static enum scan
skip_container(struct scanner *s)
{
    size_t depth = 0;
    span raw = {0};
    while (s->at < s->text.len) {
        char c = s->text.at[s->at];
        if (c == '"') {
            enum scan done = scan_text(s, &raw);
            if (done != SCAN_OK)
                return done;
            continue;
        }
        s->at++;
        if (c == '{' || c == '[')
            depth++;
        if (c == '}' || c == ']')
            depth--;
        if (depth == 0)
            return SCAN_OK;
        if (depth > SCAN_DEPTH_MAX)
            return SCAN_BAD;
    }
    return ended(s);
}

static enum scan
skip_scalar(struct scanner *s)
{
    size_t start = s->at;
    while (s->at < s->text.len && !ends_scalar(s->text.at[s->at]))
        s->at++;
    if (s->at == s->text.len)
        return ended(s); /* a number might go on */
    return s->at > start ? SCAN_OK : SCAN_BAD;
}

/* A value of any kind; *source is its bytes. */
static enum scan
scan_value(struct scanner *s, span *source)
{
    char c = peek(s);
    size_t start = s->at;
    span raw = {0};
    enum scan done = c == '\0'              ? ended(s)
                     : c == '"'             ? scan_text(s, &raw)
                     : c == '{' || c == '[' ? skip_container(s)
                                            : skip_scalar(s);
    if (done == SCAN_OK)
        *source = span_of(s->text.at + start, s->at - start);
    return done;
}

static bool
is_key(span raw, span key)
{
    if (span_eq(raw, key))
        return true;
    if (raw.len > MARKER_KEY_MAX || span_find(raw, '\\') < 0)
        return false;
    struct arena *a = arena_new(4096);
    span text = {0};
    bool clean = true;
    bool same = a && json_unescape(a, raw, &text, &clean) && span_eq(text, key);
    arena_free(&a);
    return same;
}

/* The next key of the object that is open; *closed: it has none. */
static enum scan
scan_key(struct scanner *s, span *raw, bool *closed)
{
    char c = peek(s);
    if (c == ',') {
        s->at++;
        c = peek(s);
    }
    *closed = c == '}';
    if (*closed)
        return SCAN_OK;
    if (c != '"')
        return c ? SCAN_BAD : ended(s);
    enum scan done = scan_text(s, raw);
    if (done != SCAN_OK)
        return done;
    c = peek(s);
    if (c != ':')
        return c ? SCAN_BAD : ended(s);
    s->at++;
    return SCAN_OK;
}

/* Follow the keys of `place`; *source is empty if the way is missing. */
static enum scan
follow(span text, bool is_all, const struct lens_place *place, span *source)
{
    struct scanner s = {text, 0, is_all};
    *source = (span){0};
    for (size_t i = 0; i < place->n; i++) {
        bool found = false;
        char c = peek(&s);
        if (c != '{')
            return c ? SCAN_OK : ended(&s); /* no object: no marker */
        s.at++;
        while (!found) {
            span raw = {0};
            span skipped = {0};
            bool closed = false;
            enum scan done = scan_key(&s, &raw, &closed);
            if (done != SCAN_OK || closed)
                return done;
            found = is_key(raw, place->steps[i].key);
            done = found ? SCAN_OK : scan_value(&s, &skipped);
            if (done != SCAN_OK)
                return done;
        }
    }
    return scan_value(&s, source);
}

/* Is this the marker's value? */
static bool
holds(span source, const struct json *mark)
{
    struct arena *a = arena_new(8192);
    struct json *node = NULL;
    struct err e;
    bool same = source.len <= MARKER_SCALAR_MAX && a &&
                json_parse(a, source, 4, &node, &e) == OK &&
                json_alike(node, mark);
    arena_free(&a);
    return same;
}

/* Does the text hold all markers of the type at this version? */
static enum scan
try_version(const struct lens_type_at *at, span text, bool is_all, bool *all,
            span *seen)
{
    *all = at->n_markers > 0;
    for (size_t i = 0; i < at->n_markers; i++) {
        span source = {0};
        enum scan done = follow(text, is_all, &at->markers[i], &source);
        if (done != SCAN_OK)
            return done;
        if (source.len)
            *seen = source;
        *all = *all && source.len && holds(source, at->marks[i]);
    }
    return SCAN_OK;
}

/* The type of the whole body at this version; SIZE_MAX if it has none. */
static size_t
body_type(const struct lens_api *api, size_t version,
          const struct lens_occasion *o)
{
    for (size_t i = 0; i < api->n_sites[version]; i++) {
        const struct lens_site *site = &api->sites[version][i];
        if (site->place.n == 0 && lens_message_fits(&site->message, o))
            return site->type;
    }
    return SIZE_MAX;
}

static enum marker_seen
find(struct arena *a, const struct lens_api *api, const struct lens_occasion *o,
     span body, bool is_all, size_t *version, span *text)
{
    bool more = false;
    span seen = {0};
    for (size_t v = 0; v < api->n_versions; v++) {
        struct lens_occasion named = *o; /* if the client speaks this one */
        bool all = false;
        size_t type = lines_newest(a, api, v, &named)
                          ? body_type(api, v, &named)
                          : SIZE_MAX;
        if (type == SIZE_MAX)
            continue;
        enum scan done =
            try_version(&api->types[type].at[v], body, is_all, &all, &seen);
        if (done == SCAN_OK && all) {
            *version = v;
            return MARKER_FOUND;
        }
        more = more || done == SCAN_MORE;
    }
    if (more)
        return MARKER_MORE;
    *text = span_take(seen, MARKER_SCALAR_MAX);
    return seen.len ? MARKER_UNKNOWN : MARKER_ABSENT;
}

/* MessagePack as far as it came, and as far as it is any. */
static span
as_json(struct arena *a, span body, struct buf *json)
{
    struct unpack *u = unpack_new(a, JSON_DEPTH_DEFAULT);
    if (u && unpack_feed(u, body, json) == UNPACK_NO_ROOM)
        buf_clear(json);
    return buf_span(json);
}

/* A spelling as the body itself has it; a number has another there. */
static span
within(span body, span text)
{
    if (text.len > 1 && text.at[0] == '"')
        text = span_of(text.at + 1, text.len - 2);
    const char *at =
        text.len ? memmem(body.at, body.len, text.at, text.len) : NULL;
    return at ? span_of(at, text.len) : (span){0};
}

enum marker_seen
translator_marker(const struct translator *t, const struct message *m,
                  span body, bool is_all, size_t *version, span *text)
{
    struct arena *scratch = arena_new(65536 + m->media.len + 8 * m->path.len);
    span media = {0};
    *text = (span){0};
    enum marker_seen answer = MARKER_ABSENT;
    struct buf json;
    span json_body = body;
    buf_init(&json, SIZE_MAX / 4);
    enum media_kind kind = scratch && program_media(scratch, m->media, &media)
                               ? program_media_kind(media)
                               : MEDIA_OTHER;
    if (kind == MEDIA_MSGPACK)
        json_body = as_json(scratch, body, &json);
    if (kind == MEDIA_JSON || kind == MEDIA_MSGPACK) {
        struct lens_occasion o = program_occasion(m, media);
        answer = find(scratch, t->api, &o, json_body, is_all, version, text);
    }
    if (kind == MEDIA_MSGPACK)
        *text = within(body, *text);
    buf_fini(&json);
    arena_free(&scratch);
    return answer;
}
