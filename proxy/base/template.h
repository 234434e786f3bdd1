/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template: the shape of a path, "/orders/{id}", "/orders/" "**".
 *
 * A template is a row of segments. Each is a literal, or {name}, which takes
 * one segment that is not empty; the last may be "**", which takes whatever
 * follows, nothing included: "/orders/" "**" fits /orders, /orders/ and
 * /orders/1/lines. Where labels are given to template_build, {version} takes
 * one of them and nothing else; a label may hold slashes, so it may take
 * several segments, and the longest that lets the rest fit is taken.
 *
 * Paths are the bytes of the request target, percent-encoded, without query.
 * They are cut at '/' first and compared after: %2F stays inside its segment
 * and never makes one, and "%6Frders" is "orders", so that a client cannot
 * walk around a template by spelling. Case counts. What is captured is the
 * text as it came, encoded. Dot segments ("..", "%2e%2e") are for the caller
 * to refuse before; here they are segments like any other.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/buf.h"
#include "proxy/base/err.h"
#include "proxy/base/span.h"

#define TEMPLATE_SEGMENTS_MAX 32  /* of one template */
#define TEMPLATE_CAPTURES_MAX 16  /* of one template */
#define TEMPLATE_LITERAL_MAX  255 /* bytes of one literal segment, decoded */

enum template_kind {
    TEMPLATE_LITERAL,
    TEMPLATE_CAPTURE,
    TEMPLATE_VERSION, /* a {version} with labels */
    TEMPLATE_REST
};

struct template_segment {
    enum template_kind kind;
    span text;  /* a literal as the template spells it; a capture's name */
    span plain; /* a literal, percent-decoded: what paths are compared with */
};

struct template_label {
    span text;
    size_t index; /* in the labels given to template_build */
};

/* Immutable; lives in the arena it was built in. Read it, do not make it. */
struct template
{
    span text;
    const struct template_segment *segments;
    size_t n_segments;
    const struct template_label *labels; /* more segments first, then longer */
    size_t n_labels;
};

struct template_capture {
    span name;  /* the template's */
    span value; /* a part of the path, encoded as it came */
};

struct template_match {
    struct template_capture captures[TEMPLATE_CAPTURES_MAX];
    size_t n_captures; /* in the order of the template; {version} among them */
    span rest;         /* what "**" took, without the '/' before it */
    int label;         /* index of the label that {version} took, else -1 */
};

/*
 * Compile `text`, which begins with '/'. `labels` are what {version} may be;
 * with n_labels 0, {version} is a capture like any other. All is copied.
 * ERR_INVALID (with an offset into `text`): a brace or '*' where none may be,
 * a name twice, a bad percent code. ERR_LIMIT: too long, or `a` is full.
 */
MUST_CHECK enum err_code template_build(struct arena *a, span text,
                                        const span *labels, size_t n_labels,
                                        const struct template **out,
                                        struct err *e);

/*
 * Does the whole of `path` fit? `out` may be NULL; it is filled on true alone
 * and borrows from both. Time grows with the path times the labels, no more.
 */
bool template_matches(const struct template *t, span path,
                      struct template_match *out);

/*
 * Which is the more specific: negative for `a`, positive for `b`, 0 for
 * neither. Segment by segment from the left: a literal before a {version}
 * before a {name} before an end before "**"; the first difference decides.
 */
int template_compare(const struct template *a, const struct template *b);

/*
 * Is there a path that fits both? Does `b` take none that `a` does not? Where
 * labels of {version} would have to be looked at, the first says yes and the
 * second no: they are for a check that would rather ask once too often.
 */
bool template_overlaps(const struct template *a, const struct template *b);
bool template_covers(const struct template *a, const struct template *b);

/*
 * Write the path of `t` with these captures: template_matches turned round.
 * A capture that `m` does not hold is looked for by name and written empty, so
 * ask template_fills first when `m` comes from another template.
 */
void template_expand(const struct template *t, const struct template_match *m,
                     struct buf *out);

/* Does `m` have a value for every capture of `t`? */
bool template_fills(const struct template *t, const struct template_match *m);

/* The value captured as `name`, or an empty span with a null pointer. */
span template_captured(const struct template_match *m, span name);

/*
 * Decode %XX in `s` into `out`, at most `room` bytes. False if it does not
 * fit or a code is broken. *out_len bytes are written.
 */
MUST_CHECK bool template_decode(span s, char *out, size_t room,
                                size_t *out_len);

/*
 * The next segment of `*path`, which begins with '/': cut off with its slash.
 * False at the end. Every '/' begins a segment, so "/a/" has two, "a" and "".
 */
bool template_next(span *path, span *segment);
