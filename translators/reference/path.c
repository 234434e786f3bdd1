/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path: the parts of a path as places, and the path that they become.
 *
 * A part keeps its bytes while its text stays; a new one is percent-encoded. A
 * value from a message must not lead elsewhere: one that is empty, `.` or `..`
 * is no part of a path, however it is spelt.
 */
#include "translators/reference/message.h"

#include "proxy/base/template.h"
#include "proxy/base/utf8.h"

/* Its text, decoded; false at a limit, or where it is none. */
static bool
decoded(struct run *r, span raw, span *out)
{
    char *text = arena_alloc(r->arena, raw.len + 1);
    size_t len = 0;
    if (!text)
        return run_full(r);
    if (!template_decode(raw, text, raw.len, &len) ||
        utf8_good(span_of(text, len)) != len)
        return run_fail(r, FAULT_READ, NULL, NULL,
                        "a part of the path is no text");
    *out = span_of(text, len);
    return true;
}

/* For guards: no arrow leads to or from it. */
static bool
say_method(struct message_run *m)
{
    struct run *r = m->run;
    struct json *method =
        r->is_request ? json_new_text(r->arena, m->method) : NULL;
    if (!r->is_request)
        return true;
    return (method && json_set(r->arena, m->root, SPAN("method"), method)) ||
           run_full(r);
}

bool
message_part_path(struct message_run *m, const struct leg *leg,
                  const struct reference_heads *heads)
{
    struct run *r = m->run;
    if (!say_method(m))
        return false;
    const struct lens_http *h = heads->route;
    struct template_match match;
    struct json *path = json_new_object(r->arena);
    if (!path)
        return run_full(r);
    if (!r->is_request || !h ||
        !template_matches(h->route[leg->read].path, m->path, &match))
        return true;
    if (!json_insert(r->arena, m->root, 0, SPAN("path"), path))
        return run_full(r);
    for (size_t i = 0; i < match.n_captures; i++) {
        span text;
        if (match.label >= 0 && span_is(match.captures[i].name, "version"))
            continue; /* detection rewrites it */
        if (!decoded(r, match.captures[i].value, &text))
            return false;
        struct json *part = json_new_text(r->arena, text);
        if (!part || !json_append(r->arena, path, match.captures[i].name, part))
            return run_full(r);
        part->mark = (uint32_t)(i + 1);
        if (!run_derive(r, part, SIZE_MAX))
            return false;
    }
    return true;
}

/* ---- writing ---- */

static bool
encode(struct run *r, span text, span *out)
{
    struct buf b;
    buf_init(&b, arena_limit(r->arena));
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        /* RFC 3986 §3.3: pchar. */
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                     (c >= 'A' && c <= 'Z') ||
                     (c && strchr("-._~!$&'()*+,;=:@", c));
        if (plain)
            buf_byte(&b, c);
        else
            buf_fmt(&b, "%%%02X", (unsigned)(unsigned char)c);
    }
    bool ok = span_dup(r->arena, buf_span(&b), out) || run_full(r);
    buf_fini(&b);
    return ok;
}

/* One part of the new path, as it came or encoded. */
static bool
part_of(struct run *r, const struct json *path, span name,
        const struct template_match *was, span *out)
{
    struct json *value = NULL;
    span text = {0}, old = {0};
    if (!spot_member(r, path, name, &value))
        return false;
    if (!value || value->kind == JSON_NULL)
        return run_fail(r, FAULT_CARRY, NULL, NULL,
                        "the path needs {%.*s}, and the message has none",
                        SPAN_FMT(name));
    if (!message_text_of(value, &text))
        return message_no_text(r, value, "path", name);
    if (text.len == 0 || span_is(text, ".") || span_is(text, ".."))
        return run_fail(r, FAULT_CARRY, value, NULL,
                        "\"%.*s\" is no part of a path: {%.*s}", SPAN_FMT(text),
                        SPAN_FMT(name));
    if (value->mark && value->mark <= was->n_captures) {
        *out = was->captures[value->mark - 1].value;
        if (!decoded(r, *out, &old))
            return false;
        if (span_eq(old, text))
            return true;
    }
    return encode(r, text, out);
}

static bool
fill(struct run *r, const struct json *path, const struct template *to,
     const struct template_match *was, struct template_match *now)
{
    now->n_captures = 0;
    for (size_t i = 0; i < to->n_segments; i++) {
        const struct template_segment *s = &to->segments[i];
        span value = {0};
        if (s->kind == TEMPLATE_VERSION)
            value = template_captured(was, s->text);
        else if (s->kind != TEMPLATE_CAPTURE)
            continue;
        else if (!part_of(r, path, s->text, was, &value))
            return false;
        now->captures[now->n_captures++] =
            (struct template_capture){s->text, value};
    }
    return true;
}

bool
message_join_path(struct message_run *m, const struct leg *leg,
                  const struct reference_heads *heads)
{
    struct run *r = m->run;
    const struct lens_http *h = heads->route;
    const struct json *path = json_get(m->root, SPAN("path"));
    struct template_match was, now;
    struct buf b;
    if (!path)
        return true;
    (void)json_remove(m->root, json_find(m->root, SPAN("path")));
    if (!h || !h->paths ||
        !template_matches(h->route[leg->read].path, m->path, &was))
        return true;
    now = was;
    const struct lens_message *to = &h->route[leg->write];
    if (!fill(r, path, to->path, &was, &now))
        return false;
    buf_init(&b, arena_limit(r->arena));
    template_expand(to->path, &now, &b);
    bool ok = span_dup(r->arena, buf_span(&b), &m->path) || run_full(r);
    buf_fini(&b);
    if (h->moved)
        m->method = lens_route_method(to, m->method);
    return ok;
}
