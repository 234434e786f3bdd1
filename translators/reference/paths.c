/* SPDX-License-Identifier: Apache-2.0 */
/*
 * paths: texts that name fields: `-created,total`, `a(b,c.d)`, `lines.0.sku`, `/a/b`.
 *
 * A name is a path through a type. It goes where the arrow goes that takes its
 * longest beginning; below a typed place, where that type's arrows go. A name that
 * the other version has not, or uses for something else, has no image.
 */
#include "translators/reference/frame.h"

#define STEPS_MAX 32

struct path {
    span at[STEPS_MAX];
    size_t n;
};

struct naming {
    struct run *r;
    enum lens_side read;
    size_t type;
    bool unknown; /* a name has no image */
    span missing; /* that one */
};

/* ---- one path ------------------------------------------------------------------ */

static bool
is_index(span step)
{
    bool digits = step.len > 0;
    for (size_t i = 0; i < step.len; i++)
        digits = digits && step.at[i] >= '0' && step.at[i] <= '9';
    return digits || span_is(step, "*") || span_is(step, "-") ||
           span_is(step, "[]");
}

static bool
add_step(struct path *out, span step)
{
    if (out->n == STEPS_MAX)
        return false;
    out->at[out->n++] = step;
    return true;
}

/* How many steps of `path`, from `from` on, `place` names all of; SIZE_MAX: it does
 * not. The number of an element may be left out; `indices` are those that were not. */
static size_t
matches(const struct lens_place *place, const struct path *path, size_t from,
        struct path *indices)
{
    size_t at = from;
    indices->n = 0;
    for (size_t i = 0; i < place->n; i++) {
        const struct lens_step *s = &place->steps[i];
        bool index = at < path->n && is_index(path->at[at]);
        if (s->kind != LENS_KEY) {
            (void)add_step(indices, index ? path->at[at] : (span){0});
            at += index;
            continue;
        }
        if (at >= path->n || !span_eq(path->at[at], s->key))
            return SIZE_MAX;
        at++;
    }
    return at - from;
}

/* The place as a path, with the numbers of elements that were said. */
static bool
write_place(const struct lens_place *place, const struct path *indices,
            struct path *out)
{
    size_t star = 0;
    for (size_t i = 0; i < place->n; i++) {
        const struct lens_step *s = &place->steps[i];
        span index = star < indices->n ? indices->at[star] : (span){0};
        if (s->kind == LENS_KEY) {
            if (!add_step(out, s->key))
                return false;
            continue;
        }
        if (s->kind != LENS_EACH)
            return false; /* one element is not named by a path */
        star++;
        if (index.len && !add_step(out, index))
            return false;
    }
    return true;
}

struct found {
    const struct lens_arrow *arrow;
    const struct lens_way *way;
    size_t n; /* steps that it takes */
    struct path indices;
    bool several;  /* ways that lead to different places */
    bool reserved; /* the other side has this name for something of its own */
    bool inner;    /* arrows take parts of what is named */
    bool shared;   /* and the other side has parts at the same name */
};

/* Is the path the beginning of this place? */
static bool
is_above(const struct lens_place *place, const struct path *path, size_t from)
{
    size_t at = from;
    for (size_t i = 0; at < path->n; i++) {
        if (i >= place->n)
            return false;
        if (place->steps[i].kind != LENS_KEY) {
            at += is_index(path->at[at]);
            continue;
        }
        if (!span_eq(place->steps[i].key, path->at[at++]))
            return false;
    }
    return true;
}

static void
look_at_way(const struct naming *g, const struct lens_arrow *arrow,
            const struct lens_way *way, const struct path *path, size_t from,
            struct found *out)
{
    enum lens_side write = lens_other(g->read);
    struct path indices;
    if (way->has[write]) {
        size_t n = matches(&way->place[write], path, from, &indices);
        out->reserved = out->reserved || (n != SIZE_MAX && n > 0);
        out->shared = out->shared || is_above(&way->place[write], path, from);
    }
    if (!way->has[g->read])
        return;
    size_t n = matches(&way->place[g->read], path, from, &indices);
    if (n == SIZE_MAX) {
        out->inner = out->inner || is_above(&way->place[g->read], path, from);
        return;
    }
    if (out->way && n < out->n)
        return;
    bool same = out->way && n == out->n && way->has[write] &&
                out->way->has[write] &&
                lens_place_same(&way->place[write], &out->way->place[write]);
    bool first = arrow->joint && arrow->joint->kind == LENS_JOINT_COPY;
    if (out->way && n == out->n) {
        out->several = out->several || (!same && !first);
        return;
    }
    out->several = false;
    out->arrow = arrow;
    out->way = way;
    out->n = n;
    out->indices = indices;
}

/* NOLINTBEGIN(misc-no-recursion): cases nest as deep as the file, names as a path */
static void
look(const struct naming *g, const struct lens_block *block,
     const struct path *path, size_t from, struct found *out)
{
    for (size_t i = 0; block && i < block->n_arrows; i++)
        for (size_t w = 0; w < block->arrows[i].n_ways; w++)
            look_at_way(g, &block->arrows[i], &block->arrows[i].ways[w], path,
                        from, out);
    for (size_t i = 0; block && i < block->n_choices; i++)
        for (size_t k = 0; k < block->choices[i].n_cases; k++)
            look(g, block->choices[i].cases[k].block, path, from, out);
}

/* The typed place that most of the path lies in. */
static const struct lens_child *
typed_place(const struct naming *g, size_t type, const struct path *path,
            size_t from, size_t *n, struct path *indices)
{
    size_t version = g->r->table + (g->read == LENS_NEWER);
    const struct lens_type_at *at = &g->r->api->types[type].at[version];
    const struct lens_child *best = NULL;
    *n = 0;
    for (size_t i = 0; i < at->n_children; i++) {
        struct path own;
        size_t m = matches(&at->children[i].place, path, from, &own);
        if (at->children[i].through || m == SIZE_MAX || m <= *n)
            continue;
        best = &at->children[i];
        *n = m;
        *indices = own;
    }
    return best;
}

/* Below an arrow: as it is, or with its keys spelt otherwise. */
static bool
below(struct naming *g, const struct lens_way *way, const struct path *path,
      size_t from, struct path *out)
{
    const struct lens_form *form = NULL;
    enum lens_side write = lens_other(g->read);
    for (size_t i = 0; from < path->n && i < way->stages.n; i++) {
        const struct lens_stage *s = &way->stages.at[i];
        if (s->kind != LENS_STAGE_FORM ||
            s->form[LENS_OLDER].kind != LENS_AS_KEYS)
            return false; /* into a value that is spelt otherwise */
        form = &s->form[write];
    }
    for (size_t i = from; i < path->n; i++) {
        span step = path->at[i];
        struct buf b;
        if (form && !is_index(step) &&
            (!form->depth || i - from < form->depth)) {
            buf_init(&b, 4096);
            lens_spell(step, form->spelling, &b);
            bool ok =
                !buf_failed(&b) && span_dup(g->r->arena, buf_span(&b), &step);
            buf_fini(&b);
            if (!ok)
                return false;
        }
        if (!add_step(out, step))
            return false;
    }
    return true;
}

/* The image of path[from...] in this type; false: it has none. */
static bool
image(struct naming *g, size_t type, const struct path *path, size_t from,
      struct path *out)
{
    enum lens_side write = lens_other(g->read);
    struct found f = {0};
    struct path indices;
    size_t n = 0;
    if (from == path->n)
        return true;
    look(g, g->r->api->tables[g->r->table].blocks[type], path, from, &f);
    const struct lens_child *child =
        typed_place(g, type, path, from, &n, &indices);
    if (f.way) {
        if (f.several || !f.way->has[write] ||
            !write_place(&f.way->place[write], &f.indices, out))
            return false;
        /* What the arrow carries may be typed, or hold what is. */
        if (child && n >= f.n && f.way->stages.n == 0) {
            for (size_t i = from + f.n; i < from + n; i++)
                if (!add_step(out, path->at[i]))
                    return false;
            return image(g, child->type, path, from + n, out);
        }
        return below(g, f.way, path, from + f.n, out);
    }
    if (f.reserved || (f.inner && !f.shared))
        return false;
    for (size_t i = from; i < (child ? from + n : path->n); i++)
        if (!add_step(out, path->at[i]))
            return false;
    return !child || image(g, child->type, path, from + n, out);
}
/* NOLINTEND(misc-no-recursion) */

/* ---- a text of them --------------------------------------------------------------- */

static bool
is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '$' ||
           c == '*' || c == '@' || c == '~' || (unsigned char)c >= 0x80;
}

/* How a path is written: its separator, and what leads it. */
struct style {
    char separator;
    bool pointer; /* RFC 6901 */
};

static void
print_path(const struct path *p, size_t from, const struct style *style,
           struct buf *to)
{
    for (size_t i = from; i < p->n; i++) {
        if (style->pointer)
            json_pointer_step(to, p->at[i]);
        else if (i > from)
            buf_byte(to, style->separator);
        if (!style->pointer)
            buf_add(to, p->at[i]);
    }
}

static bool
none(struct naming *g, span name)
{
    if (!g->unknown)
        g->missing = name;
    g->unknown = true;
    return true;
}

/* One step of a pointer, `~1` and `~0` undone. */
static bool
unescaped(struct run *r, span raw, span *out)
{
    char *to = arena_array(r->arena, raw.len + 1, 1);
    size_t n = 0;
    if (!to)
        return run_full(r);
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.at[i];
        if (c == '~' && i + 1 < raw.len)
            c = raw.at[++i] == '1' ? '/' : '~';
        to[n++] = c;
    }
    *out = span_of(to, n);
    return true;
}

static bool
pointer(struct naming *g, span text, struct buf *to)
{
    static const struct style style = {'/', true};
    struct path path = {.n = 0}, out = {.n = 0};
    span rest = span_skip(text, 1);
    bool fits = true;
    while (fits) {
        span raw = rest, step;
        ssize_t end = span_find(rest, '/');
        if (end >= 0)
            raw = span_take(rest, (size_t)end);
        if (!unescaped(g->r, raw, &step))
            return false;
        fits = add_step(&path, step);
        if (end < 0)
            break;
        rest = span_skip(rest, (size_t)end + 1);
    }
    if (!fits || !image(g, g->type, &path, 0, &out))
        return none(g, text);
    print_path(&out, 0, &style, to);
    return true;
}

/* The names of a path as they stand, behind `outer`; *rest is what follows. */
static bool
read_path(span *rest, struct path *path, char *separator)
{
    for (;;) {
        size_t n = 0;
        while (n < rest->len && is_name_byte(rest->at[n]))
            n++;
        if (n == 0 || !add_step(path, span_take(*rest, n)))
            return false;
        *rest = span_skip(*rest, n);
        bool bracket = rest->len > 1 && rest->at[0] == '[';
        ssize_t end = bracket ? span_find(*rest, ']') : -1;
        if (bracket && end > 1) {
            if (!add_step(path, span_of(rest->at + 1, (size_t)end - 1)))
                return false;
            *rest = span_skip(*rest, (size_t)end + 1);
        }
        if (rest->len < 2 || (rest->at[0] != '.' && rest->at[0] != '/'))
            return true;
        *separator = rest->at[0];
        *rest = span_skip(*rest, 1);
    }
}

static bool
starts_with(const struct path *p, const struct path *head)
{
    for (size_t i = 0; i < head->n; i++)
        if (i >= p->n || !span_eq(p->at[i], head->at[i]))
            return false;
    return p->n > head->n;
}

/* NOLINTBEGIN(misc-no-recursion): as deep as parentheses, and a path, go */

/* Names in one pair of parentheses, or in none. */
struct listing {
    struct naming *g;
    span rest;                /* what is still to be read */
    const struct path *outer; /* what all of them are behind */
    const struct path *image; /* and that, in the other version */
    bool flat; /* one of them is not behind it: each is written in full */
    bool full; /* it is so already: what is nested, too, without a first try */
    struct buf *to;
};

static bool names(struct listing *l);

static char
next(const struct listing *l)
{
    if (l->rest.len == 0)
        return '\0';
    return l->rest.at[0];
}

static void
pass(struct listing *l, size_t n)
{
    buf_add(l->to, span_take(l->rest, n));
    l->rest = span_skip(l->rest, n);
}

static void
print_name(struct listing *l, const struct path *name,
           const struct style *style)
{
    bool inside = starts_with(name, l->image);
    l->flat = l->flat || !inside;
    print_path(name, l->flat ? 0 : l->image->n, style, l->to);
}

/* `a(b,c)`: below the image of a, or, where one of them is not, each in full. */
static bool
group(struct listing *l, const struct path *path, const struct path *out,
      bool has)
{
    static const struct path nowhere = {.n = 0};
    static const struct style style = {'.', false};
    char open = next(l);
    struct buf b;
    struct listing in = {l->g, span_skip(l->rest, 1), path, out, false, false,
                         &b};
    bool flat = !has || l->full;
    bool ok = true;
    buf_init(&b, arena_limit(l->g->r->arena));
    if (!flat) {
        ok = names(&in);
        flat = in.flat;
    }
    if (ok && flat) {
        buf_clear(&b);
        in.rest = span_skip(l->rest, 1);
        in.image = &nowhere;
        in.flat = false;
        in.full = true;
        ok = names(&in);
    }
    if (ok && !flat) {
        print_name(l, out, &style);
        buf_byte(l->to, open);
    }
    buf_add(l->to, buf_span(&b));
    if (!flat)
        buf_byte(l->to, open == '(' ? ')' : '}');
    l->flat = l->flat || flat;
    l->rest = span_skip(in.rest, in.rest.len > 0);
    buf_fini(&b);
    return ok;
}

static bool
one_name(struct listing *l)
{
    struct path path = *l->outer, out = {.n = 0};
    struct style style = {'.', false};
    span start = l->rest;
    if (!read_path(&l->rest, &path, &style.separator))
        return none(l->g, start);
    bool has = image(l->g, l->g->type, &path, 0, &out);
    if (next(l) == '(' || next(l) == '{')
        return group(l, &path, &out, has);
    if (!has)
        return none(l->g, span_take(start, start.len - l->rest.len));
    print_name(l, &out, &style);
    return true;
}

/* Up to what closes the list. */
static bool
names(struct listing *l)
{
    while (l->rest.len && next(l) != ')' && next(l) != '}' && !l->g->unknown) {
        bool sign = next(l) == '-' && l->rest.len > 1;
        if (!is_name_byte(next(l)) || sign) {
            pass(l, 1);
            continue;
        }
        if (!one_name(l))
            return false;
        if (next(l) != ' ' && next(l) != ':')
            continue;
        size_t n = 1; /* `name desc`, `name:desc`: a word that is no name */
        while (n < l->rest.len && is_name_byte(l->rest.at[n]))
            n++;
        pass(l, n);
    }
    return true;
}

static bool
text(struct naming *g, struct json *value)
{
    static const struct path nowhere = {.n = 0};
    struct run *r = g->r;
    struct buf b;
    span rest = value->text;
    struct listing all = {g, rest, &nowhere, &nowhere, false, false, &b};
    if (!spot_is_readable(r, value))
        return false;
    buf_init(&b, arena_limit(r->arena));
    bool ok =
        rest.len && rest.at[0] == '/' ? pointer(g, rest, &b) : names(&all);
    if (ok && all.rest.len && all.rest.at[0] != '/')
        ok = none(g, all.rest); /* a bracket that nothing opened */
    if (ok && buf_failed(&b))
        ok = run_full(r);
    if (ok && !g->unknown && !span_eq(buf_span(&b), value->text) &&
        !json_set_text(r->arena, value, buf_span(&b)))
        ok = run_full(r);
    buf_fini(&b);
    return ok;
}

static bool
each(struct naming *g, struct json *value)
{
    if (value->kind == JSON_TEXT)
        return text(g, value);
    for (size_t i = 0; value->kind == JSON_LIST && i < value->n; i++)
        if (!spot_is_empty(value->members[i].value) &&
            !each(g, value->members[i].value))
            return false;
    return true;
}
/* NOLINTEND(misc-no-recursion) */

bool
stage_paths(struct run *r, const struct lens_stage *stage, enum lens_side read,
            const struct stage_asker *asker, struct json *value, bool *outside)
{
    struct naming g = {.r = r, .read = read, .type = stage->type};
    if (!each(&g, value))
        return false;
    if (!g.unknown)
        return true;
    *outside = true;
    return asker->outside != LENS_OUTSIDE_FAIL ||
           run_fail(r, FAULT_CARRY, value, asker->origin,
                    "\"%.*s\" names a field that the other version has not",
                    SPAN_FMT(span_take(g.missing, 80)));
}
