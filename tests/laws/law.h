/* SPDX-License-Identifier: Apache-2.0 */
/*
 * law: what each of LANGUAGE.md's laws is given, and says.
 *
 * A case is a document at one version of an API out of dice, and the version it
 * is to be brought to. A law is a function of a case: it holds, it does not, or
 * it says nothing of this one (a document that is refused has no round trip).
 */
#pragma once

#include "tests/translators/reference/bench.h"
#include "tests/translators/reference/equal.h"
#include "tests/translators/reference/gen.h"
#include "translators/translation.h"

struct law_case {
    struct gen *gen; /* more dice */
    const struct lens_api *api;
    const char *type; /* of the document: the API's first */
    const char *path; /* and of a message that has it */
    bool is_marked;   /* the type says its version, at `ver` */
    const struct translator *t;
    struct arena *a; /* this case's */
    size_t from;
    size_t to;
    bool is_request;
    span x;
};

enum law_verdict { LAW_SILENT, LAW_HOLDS, LAW_BROKEN };

/* *why, in the case's arena, says what is broken. */
typedef enum law_verdict (*law_fn)(const struct law_case *c, span *why);

enum law_verdict law_round_trip(const struct law_case *c, span *why);
enum law_verdict law_middle(const struct law_case *c, span *why);
enum law_verdict law_chain(const struct law_case *c, span *why);
enum law_verdict law_forms(const struct law_case *c, span *why);
enum law_verdict law_cuts(const struct law_case *c, span *why);
enum law_verdict law_records(const struct law_case *c, span *why);
enum law_verdict law_untouched(const struct law_case *c, span *why);
enum law_verdict law_once(const struct law_case *c, span *why);

/* ---- translating ---- */

struct law_result {
    enum err_code code;
    span text;
    const struct translation_notice *notices;
    size_t n_notices;
    span sentence; /* why it failed, */
    size_t offset; /* and where; 0: nobody says */
};

/* How the bytes come: all at once; one by one; in parts by dice. */
enum law_cut { LAW_WHOLE, LAW_BYTES, LAW_DICE };

/* Through the door that the proxy uses. Versions may be equal. */
struct law_result law_translate(const struct law_case *c, size_t from,
                                size_t to, span x, enum law_cut cut);

/* The same of a document that comes as `media` and goes as `to`. */
struct law_result law_in_form(const struct law_case *c, size_t from, size_t to,
                              const char *media, const char *to_media, span x,
                              enum law_cut cut);

/* The same with a body of this media type, as the message POST c->path. */
struct law_result law_message(const struct law_case *c, size_t from, size_t to,
                              const char *media, span x, enum law_cut cut);

/* `{"zz":1,` ... : the document with a member that no arrow names, first. */
span law_with(const struct law_case *c, const char *member);

/* Equal documents (LANGUAGE.md): members in any order, values byte for byte. */
bool law_same_document(const struct law_case *c, span is, span should);

/* LAW_BROKEN, with what was expected beside what came. */
enum law_verdict law_differs(const struct law_case *c, span *why,
                             const char *what, span is, span should);
