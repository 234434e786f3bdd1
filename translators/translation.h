/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translation: one message, from one version of an API to another.
 *
 * The door through which server, command line and tests reach whatever engine
 * translates: bytes are fed, bytes come out, the end says whether it went well.
 * Behind it are a plan (translators/plan) where the chain has one, and the
 * reference for all else. A plan writes as it reads, so a caller must be ready
 * for output at any time and may rely on none before translation_end. As long as
 * the caller has taken none, a document that is more than its plan knows goes to
 * the reference after all; what a caller holds back (LANGUAGE.md, "Failure") is
 * therefore also what may still be told in full. After that a failure is told as
 * the plan met it, and what was taken is not a whole message.
 *
 * A translator belongs to a generation, a program to a translator (or to the
 * arena it was looked up with), a translation to one message. Nothing here
 * knows sockets, clocks or globals.
 *
 *     t = translator_build(arena, api, e)                       once, at load
 *     translator_program(t, arena, &message, from, to, &p, e)   once a message
 *     tr = translation_open(arena, p, &limits, out, e)
 *     translation_head(tr, &head, &new_head)                    if program_has_head(p)
 *     translation_feed(tr, bytes) ... translation_end(tr)       if program_has_body(p)
 *     translation_fault(tr) after any of them failed; translation_notices(tr)
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/buf.h"
#include "proxy/base/err.h"
#include "translators/reference/report.h"

struct lens_api; /* translators/lens/lens.h */
struct memo;     /* translators/memo.h */
struct translator;
struct program;
struct translation;

enum message_side { MESSAGE_REQUEST, MESSAGE_ANSWER };

/* The route's `write:`, which wins over the word on an arrow. */
enum message_write {
    MESSAGE_WRITE_UNSAID,
    MESSAGE_WRITE_REFUSE, /* a PUT that would erase what its client cannot see
                             fails */
    MESSAGE_WRITE_LOSE
};

/* What is known of a message before its body: by this its types are found. */
struct message {
    enum message_side side;
    span method; /* of the request: "GET" */
    span path;   /* of the request as the client sent it, without its query */
    unsigned status; /* of the answer; 0 in a request */
    span media; /* Content-Type as it came; empty counts as application/json */
    span to; /* the media type that is wanted, if that is of another form (JSON
                   where MessagePack came, and the other way round); empty: as it
                   came */
    span platform; /* of the client, for `for:`; empty if unknown */
    bool whole;  /* `kind: whole` on the route: PATCH with JSON is a document */
    bool strict; /* `patch: strict` on the route (translators/patch/patch.h) */
    enum message_write write;
    bool
        is_messages; /* its body is a WebSocket's messages on that path: each is
                         a record of its own, and one call of translation_feed */
};

/*
 * The translator of an API. `api` must outlive it. Everything that can be
 * prepared is prepared here, in `a`: programs for all pairs of a few versions; of many,
 * for those with the newest.
 * ERR_LIMIT: `a` is full.
 */
MUST_CHECK enum err_code translator_build(struct arena *a,
                                          const struct lens_api *api,
                                          const struct translator **out,
                                          struct err *e);

/* The same where it is known which versions servers speak (by version): programs for requests
 * to them and answers from them. */
MUST_CHECK enum err_code translator_build_for(struct arena *a,
                                              const struct lens_api *api,
                                              const bool *spoken,
                                              const struct translator **out,
                                              struct err *e);

/* Of the pairs of versions that it has programs for (*of), so many are left to the reference, as
 * theirs would have taken too much room or time. */
size_t translator_unplanned(const struct translator *t, size_t *of);

/* What is to be done with a message between two versions. */
enum program_need {
    PROGRAM_PASS,      /* nothing can change: its bytes pass untouched */
    PROGRAM_TRANSLATE, /* *out is the program */
    PROGRAM_GONE,    /* the newer version has no such route: 410; `e` says so */
    PROGRAM_UNKNOWN, /* the client's version has no such route: 404; likewise */
    PROGRAM_UNMET,   /* needs what is declared and not done: 501; likewise */
    PROGRAM_UNSUPPORTED, /* typed, but in a form not offered (a patch as an
                            answer): 415, or 502; `e` says why */
};

/*
 * Find the program that brings `m` from version `from` to version `to` (both
 * are indices into the API's versions; for a request `from` is the client's,
 * for an answer it is the pool's). The same version is PROGRAM_PASS, but for
 * records that say their own (`version_at`).
 * What is found may live in `a`. If `a` is full the need is
 * PROGRAM_UNSUPPORTED with ERR_LIMIT in `e`.
 */
MUST_CHECK enum program_need
translator_program(const struct translator *t, struct arena *a,
                   const struct message *m, size_t from, size_t to,
                   const struct program **out, struct err *e);

/* The same for a body that is one value of this type, whatever the message. */
MUST_CHECK enum program_need
translator_program_of_type(const struct translator *t, struct arena *a,
                           span type, const struct message *m, size_t from,
                           size_t to, const struct program **out,
                           struct err *e);

/*
 * Has this message a body of a declared type, whatever the versions? A coded
 * body of such a message cannot pass (415, 502) unless versions are equal.
 */
bool translator_is_typed(const struct translator *t, const struct message *m);

/* May a record say its own version, so that equal versions are no reason to pass? */
bool translator_reads_versions(const struct translator *t);

/* Does query, header or status change; does the body go through feed and end? */
bool program_has_head(const struct program *p);
bool program_has_body(const struct program *p);

/*
 * Is the body a stream of records (NDJSON, a JSON sequence, server-sent events)?
 * Then each is written as soon as it is whole, and is to be sent on at once: what
 * was written before a failure is good, and the stream ends behind it.
 */
bool program_is_stream(const struct program *p);

/*
 * Are head and body translated together? Then the head that translation_head
 * gives is the one that came; ask translation_new_head after translation_end,
 * which is called for a message without a body, too, as it may have one then.
 * Nothing of it may be sent before.
 */
bool program_is_joint(const struct program *p);

/* What its body is: "a document", "a merge patch", "a JSON Patch", "a stream of records". */
const char *program_body_word(const struct program *p);

/* What its body's Content-Type becomes, where that is of another form; empty: it
 * stays. The caller sets it. */
span program_new_media(const struct program *p);

/* The same for the same API files, versions and forms, over restarts: for ETag. */
uint64_t program_id(const struct program *p);

/*
 * `body` as a source of detection: what the first bytes of a message say.
 * Ask again with more bytes after MARKER_MORE; each call reads from the start.
 */
enum marker_seen {
    MARKER_MORE,  /* not seen yet: more bytes may tell */
    MARKER_FOUND, /* *version is the index of the version it names */
    MARKER_ABSENT, /* the message's type has no marker, or the document has none */
    MARKER_UNKNOWN, /* there, and of no known version: *text is its spelling */
};
MUST_CHECK enum marker_seen translator_marker(const struct translator *t,
                                              const struct message *m,
                                              span body, bool is_all,
                                              size_t *version, span *text);

/* Zero means no limit, but for depth_max, whose zero means 128. */
struct translation_limits {
    size_t bytes_max;    /* of a body that must be held (ERR_LIMIT); what a plan
                            reads is kept up to this, and goes on without;
                            of each record of a stream */
    size_t depth_max;    /* levels of a document (ERR_LIMIT) */
    size_t output_ratio; /* output: times the input, plus 64 KiB (ERR_LIMIT) */
    bool counts_only;  /* notices say how often: their pointers may be empty */
    struct memo *memo; /* what is kept from message to message; NULL: nothing */
};

/*
 * Begin to translate one message. `out` takes the translated body; it, the
 * program and `a` must live as long as the translation, which lives in `a`.
 * ERR_LIMIT: `a` is full.
 */
MUST_CHECK enum err_code
translation_open(struct arena *a, const struct program *p,
                 const struct translation_limits *limits, struct buf *out,
                 struct translation **t, struct err *e);

struct head_field {
    span name;
    span value;
};

/* The parts of a message's head that `http:` blocks can name. */
struct message_head {
    span method; /* of a request: what routes that moved change */
    span path;   /* raw, without its query */
    span
        query; /* raw, without the `?`; parameters no arrow names keep their bytes */
    bool has_query;
    unsigned status;                 /* of an answer */
    const struct head_field *fields; /* in order; no framing fields needed */
    size_t n_fields;
};

/*
 * The head in the other version; what no arrow names stays where and as it
 * was. `out` points into `in` and the translation's arena. On failure see
 * translation_fault; its pointer is then like "/query/sort".
 */
MUST_CHECK enum err_code translation_head(struct translation *t,
                                          const struct message_head *in,
                                          struct message_head *out);

/* The head after translation_end, where program_is_joint. A body that came or went
 * has its Content-Type with it. */
void translation_new_head(const struct translation *t,
                          struct message_head *out);

/*
 * Bytes of the body, and its end. Output is appended to `out` as the engine
 * sees fit; the caller may take it from the front (buf_consume) and nothing
 * else. After a failure the translation takes nothing more and what it has
 * written is not a whole message. An empty body stays empty.
 */
MUST_CHECK enum err_code translation_feed(struct translation *t, span bytes);
MUST_CHECK enum err_code translation_end(struct translation *t);

/*
 * Bytes of memory that it keeps for what it has read and not done with: beside
 * its arena's and what is in `out`. For who has a share to keep to.
 */
size_t translation_held_bytes(const struct translation *t);

/* Why it failed, after any of the above did (translators/reference/report.h). */
const struct translation_fault *translation_fault(const struct translation *t);

/* Losses that happened and were declared; complete after translation_end. */
const struct translation_notice *
translation_notices(const struct translation *t, size_t *n);

/*
 * Ask for steps, for `translate --trace` and `explain`, before the first feed:
 * `fn` is called after each version step with the document and what touched it.
 */
void translation_trace(struct translation *t, translation_trace_fn fn,
                       void *arg);
