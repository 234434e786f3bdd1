/* SPDX-License-Identifier: Apache-2.0 */
/* detect_build: a detect from its spec, with every fault in it told. */
#include "routing/detect.h"

#include "routing/detect_parts.h"
#include "routing/media.h"

#include <assert.h>
#include <stdarg.h>

/* What one build knows; it goes on after an error, to find them all. */
struct builder {
    struct arena *a;
    const struct detect_spec *spec;
    struct detect *d;
    struct detect_told *versions;
    struct detect_way *ways;
    detect_report_fn report;
    void *ctx;
    struct err *e; /* the first error */
    enum err_code code;
    struct detect_finding at; /* where we are */
};

/* ---- findings ---- */

static void PRINTF(3, 4)
    find(struct builder *b, bool is_error, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(b->at.text, sizeof(b->at.text), fmt, args);
    va_end(args);
    b->at.is_error = is_error;
    if (b->report)
        b->report(b->ctx, &b->at);
    if (is_error && !b->code)
        b->code = err_set(b->e, ERR_INVALID, "%s", b->at.text);
}

/* `a` is full: nothing after this matters. */
static bool
full(struct builder *b)
{
    b->code = err_set(b->e, ERR_LIMIT, "no room for detection");
    return false;
}

static bool
copy(struct builder *b, span s, span *out)
{
    return span_dup(b->a, s, out) || full(b);
}

/* ---- versions ---- */

static bool
is_label(span s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') &&
            (c == '\0' || !strchr("-._~:@/+", c)))
            return false;
    }
    return s.len > 0 && s.len <= DETECT_LABEL_MAX && s.at[0] != '/' &&
           s.at[s.len - 1] != '/';
}

static bool
build_notice(struct builder *b, const struct detect_version *v,
             struct detect_notice *n)
{
    bool is_old = v->deprecated != DETECT_NO_DATE;
    bool ends = v->sunset != DETECT_NO_DATE;
    char text[DATE_HTTP_MAX];

    if (is_old) {
        n->deprecation =
            arena_fmt(b->a, "@%lld", (long long)v->deprecated * DETECT_DAY_S);
        if (!n->deprecation.at)
            return full(b);
    }
    if (ends) {
        date_http(v->sunset, text);
        if (!copy(b, span_str(text), &n->sunset))
            return false;
    }
    if (v->link.len == 0 || !(is_old || ends))
        return true;
    n->link = arena_fmt(b->a, "<%.*s>; rel=\"%s%s%s\"", SPAN_FMT(v->link),
                        is_old ? "deprecation" : "", is_old && ends ? " " : "",
                        ends ? "sunset" : "");
    return n->link.at || full(b);
}

static bool
is_uri(span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] <= ' ' || s.at[i] > '~' || strchr("<>\"", s.at[i]))
            return false;
    return true;
}

static bool
build_version(struct builder *b, const struct detect_version *v,
              struct detect_told *t)
{
    char text[DATE_ISO_MAX];
    void *was = NULL;

    if (!is_label(v->label))
        find(b, true,
             "\"%.*s\" cannot be a version: letters, digits and -._~:@/+, at "
             "most %d, and no / at its ends",
             SPAN_FMT(v->label), DETECT_LABEL_MAX);
    if (!is_uri(v->link))
        find(b, true, "\"%.*s\" is no address for a Link", SPAN_FMT(v->link));
    if (v->deprecated != DETECT_NO_DATE && v->sunset != DETECT_NO_DATE &&
        v->sunset < v->deprecated)
        find(b, true, "%.*s ends before it is deprecated", SPAN_FMT(v->label));
    *t = (struct detect_told){
        .date = v->date, .sunset = v->sunset, .is_internal = v->internal};
    if (v->date != DETECT_NO_DATE) {
        date_iso(v->date, text);
        if (!copy(b, span_str(text), &t->date_text))
            return false;
    }
    if (!copy(b, v->label, &t->label) || !build_notice(b, v, &t->notice))
        return false;
    if (!map_put(&b->d->labels, t->label, t, &was))
        return full(b);
    if (was)
        find(b, true, "two versions are called %.*s", SPAN_FMT(v->label));
    return true;
}

static bool
build_known(struct builder *b)
{
    span known = {0};

    for (size_t i = 0; i < b->spec->n_versions; i++) {
        if (b->versions[i].is_internal)
            continue;
        known =
            arena_fmt(b->a, "%.*s%s%.*s", SPAN_FMT(known),
                      known.len ? ", " : "", SPAN_FMT(b->versions[i].label));
        if (!known.at)
            return full(b);
    }
    b->d->known = known;
    return true;
}

static bool
build_versions(struct builder *b)
{
    size_t n = b->spec->n_versions;

    b->versions = arena_array(b->a, n, sizeof(*b->versions));
    if (!b->versions)
        return full(b);
    b->d->versions = b->versions;
    b->d->n_versions = n;
    for (size_t i = 0; i < n; i++) {
        b->at.version = (int)i;
        if (!build_version(b, &b->spec->versions[i], &b->versions[i]))
            return false;
    }
    b->at.version = DETECT_NONE;
    if (n == 0)
        find(b, true, "an API needs a version");
    return build_known(b);
}

/* The version that a rule, a pin or `missing` names, or DETECT_NONE. */
static int
named(struct builder *b, span label)
{
    int version = detect_labelled(b->d, label, false);

    if (version >= 0)
        return version;
    if (map_get(&b->d->labels, label))
        find(b, true, "%.*s is internal: nobody can speak it", SPAN_FMT(label));
    else
        find(b, true, "\"%.*s\" is not a version; there are %.*s",
             SPAN_FMT(label), SPAN_FMT(b->d->known));
    return DETECT_NONE;
}

/* ---- sources ---- */

/* Every version that can be spoken must be sayable there. */
static void
check_tokens(struct builder *b, const char *where)
{
    for (size_t i = 0; i < b->d->n_versions; i++)
        if (!b->versions[i].is_internal &&
            !media_is_token(b->versions[i].label))
            find(b, true, "%.*s cannot stand in a %s",
                 SPAN_FMT(b->versions[i].label), where);
}

static void
check_token(struct builder *b, span name, const char *what)
{
    if (!media_is_token(name))
        find(b, true, "\"%.*s\" is no name of a %s", SPAN_FMT(name), what);
}

static bool
build_media(struct builder *b, span text, struct detect_way *w)
{
    static const span hole = {"{version}", 9};
    size_t at = 0;

    while (at < text.len && !span_starts(span_skip(text, at), hole))
        at++;
    if (at == text.len || span_find(text, '/') < 0 ||
        span_find(text, ';') >= 0) {
        find(b, true,
             "a media source is a media type with {version} in it, like "
             "application/vnd.shop.{version}+json");
        return true;
    }
    check_tokens(b, "media type");
    return copy(b, span_take(text, at), &w->before) &&
           copy(b, span_skip(text, at + hole.len), &w->after);
}

/* Builds above rule `i` that no rule speaks for, though those above them have one. */
static void
check_gap(struct builder *b, const struct detect_way *w, size_t i)
{
    const struct detect_rule *next = NULL, *rule = &w->rules[i];

    for (size_t j = 0; rule->range.high.is_set && j < w->n_rules; j++) {
        const struct detect_rule *r = &w->rules[j];
        if (!span_eq_nocase(r->platform, rule->platform) ||
            !r->range.low.is_set ||
            semver_compare(&r->range.low.at, &rule->range.high.at) < 0)
            continue;
        if (!semver_gap(&rule->range, &r->range))
            return; /* it goes on where this one ends */
        next = r;
    }
    if (next)
        find(b, false,
             "%.*s: between this range and the next there are builds that "
             "no rule speaks for",
             SPAN_FMT(rule->platform));
}

static void
check_overlap(struct builder *b, const struct detect_way *w, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (span_eq_nocase(w->rules[i].platform, w->rules[j].platform) &&
            semver_overlap(&w->rules[i].range, &w->rules[j].range))
            find(b, true,
                 "%.*s: some builds are in this range and in that of rule %zu",
                 SPAN_FMT(w->rules[i].platform), j + 1);
}

static bool
build_rule(struct builder *b, const struct detect_client *c,
           struct detect_way *w)
{
    struct detect_rule *r = &w->rules[w->n_rules];
    struct err e = {0};
    span range;

    if (!copy(b, c->range, &range) || !copy(b, c->platform, &r->platform))
        return false;
    check_token(b, c->platform, "platform");
    r->version = named(b, c->label);
    if (semver_range_parse(range, &r->range, &e)) {
        find(b, true, "%s", e.text);
        return true;
    }
    w->n_rules++;
    check_overlap(b, w, w->n_rules - 1);
    return true;
}

static bool
build_client(struct builder *b, const struct detect_source *s,
             struct detect_way *w)
{
    check_token(b, s->text, "header");
    if (s->n_clients == 0)
        find(b, true, "a client source needs builds");
    w->rules = arena_array(b->a, s->n_clients, sizeof(*w->rules));
    if (!w->rules)
        return full(b);
    for (size_t i = 0; i < s->n_clients; i++) {
        b->at.item = (int)i;
        if (!build_rule(b, &s->clients[i], w))
            return false;
    }
    /* With a rule missing for its error, places would not be the spec's. */
    for (size_t i = 0; w->n_rules == s->n_clients && i < w->n_rules; i++) {
        b->at.item = (int)i;
        check_gap(b, w, i);
    }
    b->at.item = DETECT_NONE;
    return true;
}

static bool
build_template(struct builder *b, span text, bool labelled,
               const struct template **out)
{
    span labels[1];
    const span *at = labels;
    size_t n = labelled ? b->d->n_versions : 0;
    struct err e = {0};

    if (n > 0) {
        span *all = arena_array(b->a, n, sizeof(*all));
        for (size_t i = 0; all && i < n; i++)
            all[i] = b->versions[i].label;
        at = all;
    }
    enum err_code code =
        at ? template_build(b->a, text, at, n, out, &e) : ERR_LIMIT;
    if (code == ERR_LIMIT && e.code != ERR_LIMIT)
        return full(b);
    if (code == ERR_LIMIT || code == ERR_INVALID)
        find(b, true, "%s", e.text);
    return true;
}

static bool
build_path(struct builder *b, span text, struct detect_way *w)
{
    static const span hole = {"/{version}", 10};
    size_t at = 0;

    while (at < text.len && !span_starts(span_skip(text, at), hole))
        at++;
    if (at == text.len) {
        find(b, true,
             "a path source has a segment {version}, like "
             "/apis/{version}/");
        return true;
    }
    if (span_ends(text, SPAN("/**")))
        text.len -= 3;
    while (span_ends(text, SPAN("/")))
        text.len--;
    span path = arena_fmt(b->a, "%.*s/**", SPAN_FMT(text));
    span start =
        arena_fmt(b->a, "%.*s/**", SPAN_FMT(span_take(text, at + hole.len)));
    if (!path.at || !start.at)
        return full(b);
    if (!build_template(b, path, true, &w->path))
        return false;
    return !w->path || (build_template(b, start, true, &w->start) &&
                        build_template(b, start, false, &w->any));
}

static bool
build_pin(struct builder *b, const struct detect_source *s,
          struct detect_way *w)
{
    if (subject_parse(s->text, &w->key, NULL) ||
        (w->key.kind != SUBJECT_CERTIFICATE && !media_is_token(w->key.name)))
        find(b, true, "a pin's key is header:NAME, cookie:NAME or certificate");
    assert(b->spec->hash);
    map_init(&w->pins, b->a);
    for (size_t i = 0; i < s->n_pins; i++) {
        const struct detect_pin *pin = &s->pins[i];
        void *was = NULL;
        span hash;

        b->at.item = (int)i;
        int version = named(b, pin->label);
        if (version < 0)
            continue;
        if (!copy(b, pin->hash, &hash))
            return false;
        if (!map_put(&w->pins, hash, &b->versions[version], &was))
            return full(b);
        if (was)
            find(b, true, "this key is pinned twice");
    }
    b->at.item = DETECT_NONE;
    return copy(b, w->key.name, &w->key.name);
}

static bool
build_way(struct builder *b, const struct detect_source *s,
          struct detect_way *w)
{
    w->kind = s->kind;
    if (!copy(b, s->text, &w->name))
        return false;
    switch (s->kind) {
    case DETECT_HEADER:
        check_token(b, s->text, "header");
        return true;
    case DETECT_MEDIA:
        return build_media(b, w->name, w);
    case DETECT_MEDIA_PARAM:
        check_token(b, s->text, "parameter");
        return true;
    case DETECT_CLIENT:
        return build_client(b, s, w);
    case DETECT_QUERY:
        if (s->text.len == 0)
            find(b, true, "a query source needs a parameter's name");
        return true;
    case DETECT_PATH:
        return build_path(b, w->name, w);
    case DETECT_PIN:
        return build_pin(b, s, w);
    case DETECT_BODY:
        if (b->d->body >= 0)
            find(b, true, "body stands here twice");
        b->d->body = b->at.source;
        return true;
    }
    return true;
}

/* ---- what Vary must say ---- */

static bool
is_listed(span list, span name)
{
    while (list.len > 0)
        if (span_eq_nocase(span_trim(span_cut(&list, ',')), name))
            return true;
    return false;
}

static bool
vary_add(struct builder *b, span *vary, span name)
{
    if (is_listed(*vary, name))
        return true;
    *vary = arena_fmt(b->a, "%.*s%s%.*s", SPAN_FMT(*vary),
                      vary->len ? ", " : "", SPAN_FMT(name));
    return vary->at || full(b);
}

/* A certificate is the connection's: no field tells answers by it apart. */
static bool
build_vary_pin(struct builder *b, const struct subject_source *key, span *vary)
{
    switch (key->kind) {
    case SUBJECT_HEADER:
        return vary_add(b, vary, key->name);
    case SUBJECT_COOKIE:
        return vary_add(b, vary, SPAN("Cookie"));
    case SUBJECT_CERTIFICATE:
        return true;
    }
    return true;
}

static bool
build_vary(struct builder *b, const struct detect_way *w, span *vary)
{
    switch (w->kind) {
    case DETECT_HEADER:
    case DETECT_CLIENT:
        return vary_add(b, vary, w->name);
    case DETECT_MEDIA:
    case DETECT_MEDIA_PARAM:
        return vary_add(b, vary, SPAN("Accept")) &&
               vary_add(b, vary, SPAN("Content-Type"));
    case DETECT_PIN:
        return build_vary_pin(b, &w->key, vary);
    case DETECT_QUERY:
    case DETECT_PATH:
    case DETECT_BODY:
        return true;
    }
    return true;
}

static bool
build_sources(struct builder *b)
{
    size_t n = b->spec->n_sources;
    span vary = {0};

    if (n > DETECT_SOURCES_MAX) {
        find(b, true, "an API has at most %d sources of its version",
             DETECT_SOURCES_MAX);
        return true;
    }
    b->ways = arena_array(b->a, n, sizeof(*b->ways));
    if (!b->ways)
        return full(b);
    for (size_t i = 0; i < n; i++) {
        b->at.source = (int)i;
        if (!build_way(b, &b->spec->sources[i], &b->ways[i]) ||
            !build_vary(b, &b->ways[i], &vary))
            return false;
        b->ways[i].vary = vary;
    }
    b->at.source = DETECT_NONE;
    b->d->ways = b->ways;
    b->d->n_ways = n;
    return true;
}

/* ---- all of it ---- */

static bool
build_rest(struct builder *b)
{
    const struct detect_spec *s = b->spec;

    if (s->missing.len > 0)
        b->d->missing = named(b, s->missing);
    if (s->missing.len == 0 && s->n_sources == 0)
        find(b, true,
             "no source of the version and `missing: refuse`: every "
             "request would be refused");
    if (s->echo.len > 0)
        check_token(b, s->echo, "header");
    b->d->agree = s->agree;
    b->d->hash = s->hash;
    return copy(b, s->echo, &b->d->echo);
}

enum err_code
detect_build(struct arena *a, const struct detect_spec *spec,
             detect_report_fn report, void *ctx, const struct detect **out,
             struct err *e)
{
    struct detect *d = arena_alloc(a, sizeof(*d));
    struct builder b = {.a = a,
                        .spec = spec,
                        .d = d,
                        .report = report,
                        .ctx = ctx,
                        .e = e,
                        .at = {.version = DETECT_NONE,
                               .source = DETECT_NONE,
                               .item = DETECT_NONE}};

    if (!d)
        return err_set(e, ERR_LIMIT, "no room for detection");
    d->missing = DETECT_NONE;
    d->body = DETECT_NONE;
    map_init(&d->labels, a);
    if (build_versions(&b) && build_sources(&b) && build_rest(&b) && !b.code)
        *out = d;
    return b.code;
}
