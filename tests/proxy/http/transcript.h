/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transcript: what the h1 parser says of some bytes, as text to compare.
 *
 * "GET /a?q host=a sized 3 [X: 1] | body abc | end"; body bytes that come in
 * several events are one run, so that the text does not depend on the cut.
 */
#pragma once

#include "proxy/http/h1.h"

struct transcript {
    const struct h1_limits *limits; /* NULL: the defaults */
    enum h1_role role;
    enum method asked; /* answers; METHOD_OTHER means GET */
    bool switch_asked;
    bool eof;    /* the peer closes after the bytes */
    size_t step; /* bytes fed at once; 0: all */
    size_t cut;  /* with step 0: two reads, the first of `cut` bytes */
};

/* Messages one after the other until the bytes end or one is at fault; in `a`. */
span transcript(struct arena *a, const struct transcript *how, span bytes);

/* A head, trailers, on one line, at the end of `out`. */
void transcript_head(struct buf *out, const struct http_head *h);
void transcript_fields(struct buf *out, const struct fields *f);

/* One claim about the parser: these bytes, this transcript. */
struct h1_case {
    const char *bytes; /* 0xfe stands for NUL */
    const char *says;
};

/*
 * Fails the test unless every case says what it should, fed whole, byte by byte
 * and in two reads cut at every place.
 */
void check_cases(const struct transcript *how, const struct h1_case *cases,
                 size_t n);
