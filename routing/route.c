/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/route.h"

#include "proxy/base/map.h"

#include <assert.h>

#define HOST_MAX  255 /* bytes of a host name, RFC 1035 */
#define DEPTH_MAX 64  /* segments of a route, its longest label in them */

struct route {
    const struct template *template;
    struct route_spec spec; /* its spans copied */
    size_t index;           /* in the caller's array */
    size_t rank; /* among the routes of all hosts: 0 is tried first */
};

/* A route that ends (or whose "**" begins) at a node. */
struct end {
    const struct route *route;
    struct end *next; /* the next rank */
};

/*
 * A trie of decoded segments. A {version} is its labels, as literals: which of
 * the routes that fit is the most specific is told by rank, not by the way.
 */
struct node {
    struct map literals;  /* struct node */
    struct node *capture; /* any one segment */
    struct end *ends;     /* the path ends here */
    struct end *rests;    /* and whatever follows */
    size_t rank;          /* the lowest rank in or below it */
};

struct hosts {
    struct map exact;  /* "shop.example" to struct node */
    struct map suffix; /* ".example" to struct node */
    struct node *any;  /* "*"; NULL if no route has it */
};

struct route_table {
    struct hosts of[ROUTE_SCHEMES]; /* by the scheme that their routes name */
    bool is_empty[ROUTE_SCHEMES];
};

/* ---- building: one route ---- */

static bool
host_is_sound(span host)
{
    if (host.len == 0 || host.len > HOST_MAX)
        return false;
    if (host.at[0] == '[') /* an IPv6 address */
        return host.at[host.len - 1] == ']';
    for (size_t i = 0; i < host.len; i++) {
        char c = host.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && !strchr("-._", c))
            return false;
    }
    return host.at[0] != '.' && host.at[host.len - 1] != '.';
}

static char
lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

/* "*" as an empty span, "*.example" as ".example", others in lower case. */
static enum err_code
host_build(struct arena *a, span host, span *out, struct err *e)
{
    bool wild = span_starts(host, SPAN("*."));

    *out = (span){0};
    if (host.len == 0 || span_is(host, "*"))
        return OK;
    if (!host_is_sound(wild ? span_skip(host, 2) : host))
        return err_set(e, ERR_INVALID,
                       "\"%.*s\" is not a host: write a name, *.suffix or *, "
                       "without port",
                       SPAN_FMT(host));

    span text = wild ? span_skip(host, 1) : host;
    char *bytes = arena_alloc(a, text.len + 1);
    if (!bytes)
        return err_set(e, ERR_LIMIT, "no room for routes");
    for (size_t i = 0; i < text.len; i++)
        bytes[i] = lower(text.at[i]);
    *out = span_of(bytes, text.len);
    return OK;
}

static enum err_code
methods_build(struct arena *a, struct route_spec *spec, struct err *e)
{
    span *methods = arena_array(a, spec->n_methods, sizeof(*methods));

    if (!methods)
        return err_set(e, ERR_LIMIT, "no room for routes");
    for (size_t i = 0; i < spec->n_methods; i++)
        if (!span_dup(a, spec->methods[i], &methods[i]))
            return err_set(e, ERR_LIMIT, "no room for routes");
    spec->methods = methods;
    return OK;
}

static enum err_code
build_one(struct arena *a, const struct route_spec *spec, size_t index,
          struct route *r, struct err *e)
{
    span path = spec->path.len ? spec->path : SPAN("/**");

    *r = (struct route){.spec = *spec, .index = index};
    enum err_code code = host_build(a, spec->host, &r->spec.host, e);
    if (!code)
        code = methods_build(a, &r->spec, e);
    if (!code)
        code = template_build(a, path, spec->labels, spec->n_labels,
                              &r->template, e);
    return code;
}

/* ---- building: their order ---- */

static int
compare(const void *pa, const void *pb)
{
    const struct route *a = pa, *b = pb;
    int c = template_compare(a->template, b->template);

    if (c != 0)
        return c;
    if ((a->spec.n_methods > 0) != (b->spec.n_methods > 0))
        return a->spec.n_methods > 0 ? -1 : 1;
    return a->index < b->index ? -1 : 1;
}

static bool
has_method(const struct route_spec *s, span method)
{
    bool is_head = span_is(method, "HEAD");

    for (size_t i = 0; i < s->n_methods; i++)
        if (span_eq(s->methods[i], method) ||
            (is_head && span_is(s->methods[i], "GET")))
            return true;
    return s->n_methods == 0;
}

/* Does `a` take whatever `b` takes, at one and the same place? */
static bool
covers(const struct route_spec *a, const struct route_spec *b)
{
    for (size_t i = 0; i < b->n_methods; i++)
        if (!has_method(a, b->methods[i]))
            return false;
    if (b->n_methods == 0 && a->n_methods > 0)
        return false;
    return true;
}

/* ---- building: the trie ---- */

static struct node *
node_new(struct arena *a, size_t rank)
{
    struct node *n = arena_alloc(a, sizeof(*n));

    if (!n)
        return NULL;
    map_init(&n->literals, a);
    n->rank = rank; /* routes come in the order of rank: the first is lowest */
    return n;
}

static struct node *
node_literal(struct arena *a, struct node *n, span plain, size_t rank)
{
    struct node *child = map_get(&n->literals, plain);

    if (child)
        return child;
    child = node_new(a, rank);
    if (!child || !map_put(&n->literals, plain, child, NULL))
        return NULL;
    return child;
}

static struct node *
node_label(struct arena *a, struct node *n, span label, size_t rank)
{
    while (n && label.len > 0)
        n = node_literal(a, n, span_cut(&label, '/'), rank);
    return n;
}

/*
 * Put `r` at the end of its way from `n`, with {version} being `label`. *is_new
 * is set if some request can get to it there.
 */
static bool
node_add(struct arena *a, struct node *n, const struct route *r,
         const struct template_label *label, bool *is_new)
{
    bool is_rest = false;

    for (size_t i = 0; n && i < r->template->n_segments; i++) {
        const struct template_segment *s = &r->template->segments[i];

        switch (s->kind) {
        case TEMPLATE_LITERAL:
            n = node_literal(a, n, s->plain, r->rank);
            break;
        case TEMPLATE_VERSION:
            n = node_label(a, n, label->text, r->rank);
            break;
        case TEMPLATE_CAPTURE:
            if (!n->capture)
                n->capture = node_new(a, r->rank);
            n = n->capture;
            break;
        case TEMPLATE_REST:
            is_rest = true;
            break;
        }
    }

    struct end *end = arena_alloc(a, sizeof(*end));
    if (!n || !end)
        return false;
    end->route = r;

    struct end **at = is_rest ? &n->rests : &n->ends;
    bool covered = false;
    for (; *at; at = &(*at)->next)
        covered = covered || covers(&(*at)->route->spec, &r->spec);
    *at = end;
    *is_new = *is_new || !covered;
    return true;
}

static struct node *
host_node(struct arena *a, struct hosts *t, span host, size_t rank)
{
    struct map *hosts = NULL;
    struct node *n = t->any;

    if (host.len > 0) {
        hosts = host.at[0] == '.' ? &t->suffix : &t->exact;
        n = map_get(hosts, host);
    }
    if (n)
        return n;
    n = node_new(a, rank);
    if (!n || (hosts && !map_put(hosts, host, n, NULL)))
        return NULL;
    if (!hosts)
        t->any = n;
    return n;
}

static bool
is_deep(const struct template *t)
{
    size_t depth = t->n_segments;

    for (size_t i = 0; i < t->n_labels; i++) {
        size_t parts = 0;
        for (span label = t->labels[i].text; label.len > 0; parts++)
            (void)span_cut(&label, '/');
        if (t->n_segments + parts > depth)
            depth = t->n_segments + parts;
    }
    return depth > DEPTH_MAX;
}

static enum err_code
insert(struct arena *a, struct route_table *t, const struct route *r,
       struct err *e)
{
    static const struct template_label none;
    const struct template *path = r->template;
    const struct template_label *labels = path->n_labels ? path->labels : &none;
    size_t n = path->n_labels ? path->n_labels : 1;
    struct node *host =
        host_node(a, &t->of[r->spec.scheme], r->spec.host, r->rank);
    bool is_new = false;

    if (is_deep(path))
        return err_set(e, ERR_LIMIT, "a route has at most %d segments",
                       DEPTH_MAX);
    for (size_t i = 0; i < n; i++)
        if (!host || !node_add(a, host, r, &labels[i], &is_new))
            return err_set(e, ERR_LIMIT, "no room for routes");
    if (!is_new)
        return err_set(e, ERR_INVALID,
                       "no request gets to this route: one before it takes "
                       "the same host, path and methods");
    return OK;
}

enum err_code
route_build(struct arena *a, const struct route_spec *specs, size_t n,
            const struct route_table **out, size_t *which, struct err *e)
{
    struct route_table *t = arena_alloc(a, sizeof(*t));
    struct route *routes = arena_array(a, n, sizeof(*routes));
    enum err_code code = OK;
    size_t at = 0;

    if (!t || !routes)
        return err_set(e, ERR_LIMIT, "no room for routes");
    for (size_t i = 0; i < ROUTE_SCHEMES; i++) {
        map_init(&t->of[i].exact, a);
        map_init(&t->of[i].suffix, a);
        t->is_empty[i] = true;
    }
    for (size_t i = 0; !code && i < n; i++) {
        at = i;
        t->is_empty[specs[i].scheme] = false;
        code = build_one(a, &specs[i], i, &routes[i], e);
    }
    if (!code && n > 0)
        qsort(routes, n, sizeof(*routes), compare);
    for (size_t i = 0; !code && i < n; i++) {
        at = routes[i].index;
        routes[i].rank = i;
        code = insert(a, t, &routes[i], e);
    }
    if (code && which)
        *which = at;
    if (!code)
        *out = t;
    return code;
}

/* ---- finding ---- */

/* What is looked for, and what was found on the way. */
struct search {
    const struct route_request *request;
    const struct route *best; /* the first that takes the request */
    span *methods;            /* or, if not NULL: what those here list */
    size_t n_methods;
    size_t max;
};

static void
note_method(struct search *s, span method)
{
    for (size_t i = 0; i < s->n_methods; i++)
        if (span_eq(s->methods[i], method))
            return;
    if (s->n_methods < s->max)
        s->methods[s->n_methods++] = method;
}

static void
note_methods(struct search *s, const struct route_spec *spec)
{
    for (size_t i = 0; i < spec->n_methods; i++) {
        note_method(s, spec->methods[i]);
        if (span_is(spec->methods[i], "GET"))
            note_method(s, SPAN("HEAD"));
    }
}

/* The first of a row of ends that takes the request and ranks before the best. */
static void
meet(struct search *s, const struct end *end)
{
    const struct route_request *r = s->request;

    for (; end && (!s->best || end->route->rank < s->best->rank);
         end = end->next) {
        const struct route_spec *spec = &end->route->spec;
        if (s->methods)
            note_methods(s, spec);
        else if (has_method(spec, r->method))
            s->best = end->route;
    }
}

static const struct node *
literal_of(const struct node *n, span segment)
{
    char bytes[TEMPLATE_LITERAL_MAX];
    size_t len;

    if (span_find(segment, '%') < 0)
        return map_get(&n->literals, segment);
    if (!template_decode(segment, bytes, sizeof(bytes), &len))
        return NULL;
    return map_get(&n->literals, span_of(bytes, len));
}

/* All ways that fit are walked, those that cannot rank first left out. */
static void
search(struct search *s, const struct node *root)
{
    struct {
        const struct node *node;
        span path;
    } stack[DEPTH_MAX + 2];
    size_t n = 0;

    stack[n].node = root;
    stack[n++].path = s->request->path;
    /* Ends: each turn takes one off, and those put on are one segment deeper. */
    while (n > 0) {
        const struct node *node = stack[--n].node, *literal;
        span path = stack[n].path, segment;

        if (s->best && node->rank >= s->best->rank)
            continue;
        meet(s, node->rests);
        if (!template_next(&path, &segment)) {
            meet(s, node->ends);
            continue;
        }
        assert(n <= DEPTH_MAX); /* one waits for each level, two are put on */
        if (node->capture && segment.len > 0) {
            stack[n].node = node->capture;
            stack[n++].path = path;
        }
        literal = literal_of(node, segment);
        if (literal) {
            stack[n].node = literal;
            stack[n++].path = path;
        }
    }
}

/* The name in an authority, in lower case; empty if it is longer than any. */
static span
host_name(span host, char bytes[HOST_MAX])
{
    bool is_bracketed = host.len > 0 && host.at[0] == '[';
    ssize_t end = span_find(host, is_bracketed ? ']' : ':');

    if (end >= 0)
        host = span_take(host, (size_t)end + is_bracketed);
    if (host.len > 0 && host.at[host.len - 1] == '.')
        host.len--;
    if (host.len > HOST_MAX)
        return (span){0};
    for (size_t i = 0; i < host.len; i++)
        bytes[i] = lower(host.at[i]);
    return span_of(bytes, host.len);
}

static void
search_hosts(struct search *s, const struct hosts *t, span host)
{
    const struct node *n = map_get(&t->exact, host);
    ssize_t dot;

    if (n)
        search(s, n);
    /* Longer suffixes first; without any there is nothing to look for. */
    while (!s->best && t->suffix.n > 0 && (dot = span_find(host, '.')) >= 0) {
        n = dot > 0 ? map_get(&t->suffix, span_skip(host, (size_t)dot)) : NULL;
        if (n)
            search(s, n);
        host = span_skip(host, (size_t)dot + 1);
    }
    if (!s->best && t->any)
        search(s, t->any);
}

static void
search_all(struct search *s, const struct route_table *t)
{
    enum route_scheme own = s->request->is_https ? ROUTE_HTTPS : ROUTE_HTTP;
    char bytes[HOST_MAX];
    span host = host_name(s->request->host, bytes);

    if (s->request->path.len == 0 || s->request->path.at[0] != '/')
        return;
    if (!t->is_empty[own])
        search_hosts(s, &t->of[own], host);
    if (!s->best)
        search_hosts(s, &t->of[ROUTE_ANY_SCHEME], host);
}

int
route_find(const struct route_table *t, const struct route_request *r,
           struct template_match *m)
{
    struct search s = {.request = r};

    search_all(&s, t);
    if (!s.best)
        return ROUTE_NONE;
    if (m && !template_matches(s.best->template, r->path, m))
        *m = (struct template_match){.label = -1};
    return (int)s.best->index;
}

size_t
route_methods(const struct route_table *t, const struct route_request *r,
              span *out, size_t max)
{
    struct search s = {.request = r, .methods = out, .max = max};

    search_all(&s, t);
    return s.n_methods;
}
