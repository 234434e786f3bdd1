/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gates: what a route does without a pool, or before one: redirects, answers of
 * its own, maintenance, addresses, rates; and how it rewrites host and path.
 */
#include "config/loader.h"

#include "routing/subject.h"

#define STATUS_MIN 200u
#define STATUS_MAX 599u
#define RATE_MAX   1000000u

/* A route that answers by itself has a pool all the same: one without a name. */
const struct gen_pool no_pool = {.version = -1};

static bool
is_host(span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] <= ' ' || s.at[i] >= 0x7f || strchr("/?#@\\\"<>", s.at[i]))
            return false;
    return s.len > 0;
}

static bool
read_host_text(struct reader *r, const struct yaml *value, span *out)
{
    span text;

    if (!reader_text(r, value, &text))
        return false;
    if (!is_host(text)) {
        yaml_problem(r->problems, value, "`%.*s` is no host", SPAN_FMT(text));
        problem_remedy(r->problems, "write it like api.internal:8080");
        return false;
    }
    *out = text;
    return true;
}

static bool
read_path_text(struct reader *r, const struct yaml *value, span *out)
{
    span text;

    if (!reader_text(r, value, &text))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[0] != '/' || text.at[i] <= ' ' || text.at[i] >= 0x7f ||
            strchr("?#\\\"<>", text.at[i])) {
            yaml_problem(r->problems, value, "`%.*s` is no path",
                         SPAN_FMT(text));
            problem_remedy(r->problems, "it begins with / and is written as in "
                                        "a URL, without ? and #");
            return false;
        }
    *out = text;
    return true;
}

static bool
read_status(struct reader *r, const struct yaml *value, uint32_t *out)
{
    uint64_t n;

    if (!reader_count(r, value, STATUS_MAX, &n))
        return false;
    if (n < STATUS_MIN) {
        yaml_problem(r->problems, value, "a status is 200 to 599");
        problem_remedy(r->problems, "say 200, 404, 503, ...");
        return false;
    }
    *out = (uint32_t)n;
    return true;
}

/* ── redirect ────────────────────────────────────────────────────────────── */

static void
read_redirect_scheme(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_redirect *to = self;
    span text;

    if (!reader_text(r, value, &text))
        return;
    if (span_is(text, "http") || span_is(text, "https")) {
        to->scheme = text;
        return;
    }
    yaml_problem(r->problems, value, "`%.*s` is not http or https",
                 SPAN_FMT(text));
    problem_remedy(r->problems, "say https");
}

static void
read_redirect_host(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_redirect *to = self;

    read_host_text(r, value, &to->host);
}

static void
read_redirect_path(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_redirect *to = self;

    read_path_text(r, value, &to->path);
}

static void
read_redirect_status(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_redirect *to = self;
    uint32_t status;

    if (!read_status(r, value, &status))
        return;
    if (status == 301 || status == 302 || status == 303 || status == 307 ||
        status == 308) {
        to->status = status;
        return;
    }
    yaml_problem(r->problems, value, "%u is no status of a redirect", status);
    problem_remedy(r->problems, "say 308 (permanent) or 307 (temporary)");
}

void
load_redirect(struct loader *l, const struct yaml *node,
              struct gen_route *route)
{
    static const struct reader_word words[] = {
        {"scheme", read_redirect_scheme, false},
        {"host", read_redirect_host, false},
        {"path", read_redirect_path, false},
        {"status", read_redirect_status, false}};
    struct gen_redirect *to = &route->redirect;

    to->status = 308;
    if (node->kind == YAML_SCALAR)
        read_redirect_scheme(&l->r, node, to);
    else
        reader_map(&l->r, node, "`redirect`", words, COUNT(words), to);
    if (to->scheme.len || to->host.len || to->path.len ||
        node->kind == YAML_SCALAR)
        return;
    yaml_problem(l->r.problems, node, "a redirect says where to");
    problem_remedy(l->r.problems, "say `redirect: https`, or a host or path");
}

/* ── an answer of its own ────────────────────────────────────────────────── */

static void
read_answer_status(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_route *route = self;

    read_status(r, value, &route->answer_status);
}

static void
read_answer_body(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_route *route = self;

    if (value->kind == YAML_SCALAR)
        route->answer_body = value->text;
    else
        reader_text(r, value, &route->answer_body); /* says what is meant */
}

static void
read_answer_type(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_route *route = self;
    span text;

    if (!reader_text(r, value, &text))
        return;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < ' ' || text.at[i] >= 0x7f ||
            span_find(text, '/') < 0) {
            yaml_problem(r->problems, value, "`%.*s` is no media type",
                         SPAN_FMT(text));
            problem_remedy(r->problems, "write it like text/plain");
            return;
        }
    route->answer_media = text;
}

void
load_answer(struct loader *l, const struct yaml *node, struct gen_route *route)
{
    static const struct reader_word words[] = {
        {"status", read_answer_status, true},
        {"body", read_answer_body, false},
        {"type", read_answer_type, false}};
    uint32_t s;

    reader_map(&l->r, node, "`answer`", words, COUNT(words), route);
    s = route->answer_status;
    if (route->answer_body.len && (s == 204 || s == 205 || s == 304)) {
        yaml_problem(l->r.problems, node, "an answer of %u has no body", s);
        problem_remedy(l->r.problems, "take the body away, or say 200");
    }
    if (route->answer_body.len && route->answer_media.len == 0)
        route->answer_media = SPAN("text/plain; charset=utf-8");
}

/* ── maintenance ─────────────────────────────────────────────────────────── */

static void
read_detail(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_route *route = self;

    reader_text(r, value, &route->maintenance);
}

static void
read_retry_after(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_route *route = self;

    reader_ms(r, value, &route->retry_after_ms);
}

void
load_maintenance(struct loader *l, const struct yaml *node,
                 struct gen_route *route)
{
    static const struct reader_word words[] = {
        {"detail", read_detail, true},
        {"retry_after", read_retry_after, false}};

    if (node->kind == YAML_SCALAR)
        read_detail(&l->r, node, route);
    else
        reader_map(&l->r, node, "`maintenance`", words, COUNT(words), route);
}

/* ── addresses and rates ─────────────────────────────────────────────────── */

void
load_allow(struct loader *l, const struct yaml *node, struct gen_route *route)
{
    struct gen_network *networks;

    if (!reader_is_list(&l->r, node, "`allow`"))
        return;
    if (node->n == 0) {
        yaml_problem(l->r.problems, node, "`allow` lists nobody");
        problem_remedy(l->r.problems, "list networks, or take the word away");
        return;
    }
    if (!(networks = reader_array(&l->r, node, node->n, sizeof(*networks))))
        return;
    for (size_t i = 0; i < node->n; i++)
        loader_network(l, node->items[i], &networks[i]);
    route->allow = networks;
    route->n_allow = node->n;
}

static void
read_requests(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_rate *rate = self;

    if (reader_count(r, value, RATE_MAX, &rate->requests) &&
        rate->requests == 0) {
        yaml_problem(r->problems, value, "a rate lets at least one pass");
        problem_remedy(r->problems, "use `allow` or `answer` to shut a route");
    }
}

static void
read_per(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_rate *rate = self;
    uint32_t ms;

    if (!reader_ms(r, value, &ms))
        return;
    if (ms < 1000 || ms > 24 * 3600 * 1000) {
        yaml_problem(r->problems, value, "a rate is per 1s to 24h");
        problem_remedy(r->problems, "say 1s or 1m");
        return;
    }
    rate->per_us = (uint64_t)ms * 1000;
}

static void
read_burst(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_rate *rate = self;

    if (reader_count(r, value, RATE_MAX, &rate->burst) && rate->burst == 0) {
        yaml_problem(r->problems, value, "a burst is at least 1");
        problem_remedy(r->problems, "say 1, or nothing: as many as `requests`");
    }
}

static void
read_by(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_rate *rate = self;

    rate->by = loader_subject(r, value, "`by`");
}

void
load_rate(struct loader *l, const struct yaml *node, struct gen_route *route)
{
    static const struct reader_word words[] = {
        {"requests", read_requests, true},
        {"per", read_per, false},
        {"burst", read_burst, false},
        {"by", read_by, false}};

    route->rate.per_us = 1000000;
    reader_map(&l->r, node, "`rate`", words, COUNT(words), &route->rate);
    if (route->rate.burst == 0)
        route->rate.burst = route->rate.requests;
}

/* ── rewriting ───────────────────────────────────────────────────────────── */

static void
read_rewrite_host(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_rewrite *rewrite = self;

    read_host_text(r, value, &rewrite->host);
}

/* "/api/" and "/api" mean the same: whole segments. */
static void
read_strip(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_rewrite *rewrite = self;

    if (read_path_text(r, value, &rewrite->strip) &&
        span_ends(rewrite->strip, SPAN("/")))
        rewrite->strip.len--;
}

static void
read_prefix(struct reader *r, const struct yaml *value, void *self)
{
    struct gen_rewrite *rewrite = self;

    if (read_path_text(r, value, &rewrite->prefix) &&
        span_ends(rewrite->prefix, SPAN("/")))
        rewrite->prefix.len--;
}

void
load_rewrite(struct loader *l, const struct yaml *node, struct gen_route *route)
{
    static const struct reader_word words[] = {
        {"host", read_rewrite_host, false},
        {"strip", read_strip, false},
        {"prefix", read_prefix, false}};

    reader_map(&l->r, node, "`rewrite`", words, COUNT(words), &route->rewrite);
}
