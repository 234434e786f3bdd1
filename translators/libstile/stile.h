/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stile.h: documents and messages of an API, from one of its versions to another.
 *
 * An API is read from a folder of change files once; it never changes and may be
 * shared by threads. A translation is one message's: bytes are fed, bytes come
 * out, the end says whether it went well. One thread uses it at a time.
 *
 *     struct stile_findings *found = NULL;
 *     struct stile_api *api = stile_api_load("shop", &found);
 *     struct stile_message m = {.side = STILE_ANSWER, .type = "Order"};
 *     struct stile_translation *t = NULL;
 *     struct stile_error e;
 *     stile_translation_open(api, &m, 0, 2, NULL, &t, &e);
 *     stile_translation_feed(t, bytes, len);
 *     stile_translation_end(t);
 *     const char *out = stile_translation_output(t, &n);
 *     stile_translation_free(&t);
 *     stile_api_free(&api);
 *
 * Texts that go in are C strings unless a length stands beside them; NULL is none.
 * Texts that come out are C strings, never NULL, and are owned by what they were
 * asked of. Nothing here prints, exits, or ends its host: what cannot be done for
 * want of memory is STILE_LIMIT. Link with `pkg-config --libs libstile`.
 */
#ifndef STILE_H
#define STILE_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0": of the library, which may be newer than this header. */
const char *stile_version(void);

enum stile_code {
    STILE_OK,
    STILE_INVALID,     /* what came in breaks a rule */
    STILE_LIMIT,       /* a limit was reached, or there is no memory */
    STILE_UNSUPPORTED, /* understood, and not offered */
    STILE_NOT_FOUND,   /* no such version, no such type */
    STILE_GONE,        /* the newer version has no such route: 410 */
    STILE_NO_ROUTE,    /* the older version has no such route: 404 */
    STILE_UNMET /* needs what is declared and not done (fetch, hook): 501 */
};

/* Why a call failed; the caller's, nothing in it is owned elsewhere. */
struct stile_error {
    enum stile_code code;
    char text[512]; /* one sentence */
};

/* ---- what was found in change files ------------------------------------------ */

/* A list of what is wrong, or worth saying, in files that were read. */
struct stile_findings;

struct stile_finding {
    const char *file;
    size_t line;   /* from 1; 0: of the whole file */
    size_t column; /* in bytes, from 1 */
    const char *text;
    const char *remedy; /* what to do; may be empty */
};

size_t stile_findings_n(const struct stile_findings *f);

/* The i-th, by file and line; `i` must be below stile_findings_n. */
const struct stile_finding *stile_findings_at(const struct stile_findings *f,
                                              size_t i);

/* All of them, "file:line:column: text; remedy" a line. */
const char *stile_findings_text(const struct stile_findings *f);

/* *f becomes NULL; nothing happens if it is. */
void stile_findings_free(struct stile_findings **f);

/* ---- an API -------------------------------------------------------------------- */

struct stile_api;

/*
 * Read api.yaml and what belongs to it; `path` is the file or its folder. NULL if
 * it does not load: *found then says why (it is NULL only if there was no memory
 * for it). If it loads, *found is NULL. `found` itself may be NULL.
 */
struct stile_api *stile_api_load(const char *path,
                                 struct stile_findings **found);

/* A file that is in memory. */
struct stile_text {
    const char *name; /* as findings tell it */
    const char *bytes;
    size_t len;
};

/* The same of texts, which need not outlive the call; `changes` are `n` files. */
struct stile_api *stile_api_load_texts(const struct stile_text *api,
                                       const struct stile_text *changes,
                                       size_t n, struct stile_findings **found);

/* All translations of it must have been freed. *api becomes NULL. */
void stile_api_free(struct stile_api **api);

const char *stile_api_name(const struct stile_api *api);

/* Versions in order, the oldest first; everywhere else they are told by index. */
size_t stile_api_n_versions(const struct stile_api *api);
const char *stile_api_version(const struct stile_api *api, size_t version);

/* The index of a label: false if there is no such version. */
bool stile_api_find_version(const struct stile_api *api, const char *label,
                            size_t *version);

size_t stile_api_n_types(const struct stile_api *api);
const char *stile_api_type(const struct stile_api *api, size_t type);
bool stile_api_has_type(const struct stile_api *api, const char *name);

/* ---- a message ------------------------------------------------------------------- */

enum stile_side { STILE_REQUEST, STILE_ANSWER };

/* What a PUT may do to members its client cannot see. */
enum stile_write {
    STILE_WRITE_UNSAID, /* what the change says */
    STILE_WRITE_REFUSE,
    STILE_WRITE_LOSE
};

/*
 * What is known of a message before its body; zero is a good value of all else.
 * With `type` the body is one value of that type, whatever the message.
 */
struct stile_message {
    enum stile_side side;
    const char *type;
    const char *method;   /* of the request, for an answer too: "GET" */
    const char *path;     /* of the request, without its query */
    unsigned status;      /* of an answer */
    const char *media;    /* Content-Type; none counts as application/json */
    const char *to_media; /* in what form it goes, if not as it comes: of JSON
                             and MessagePack either may become the other */
    const char *platform; /* of the client, for `for:` */
    bool whole;           /* PATCH with JSON is a document, no merge patch */
    bool strict;          /* a patch that would fail in its version fails */
    enum stile_write write;
};

/* `body` as a source of detection. */
enum stile_seen {
    STILE_SEEN_MORE,    /* more bytes may tell */
    STILE_SEEN_VERSION, /* *version is the one it says */
    STILE_SEEN_NONE,    /* the document says none, or its type has no marker */
    STILE_SEEN_UNKNOWN  /* it says one that there is not */
};

/* Which version do the first bytes of a body say? Each call reads from the start. */
enum stile_seen stile_api_marker(const struct stile_api *api,
                                 const struct stile_message *m,
                                 const char *bytes, size_t len, bool is_all,
                                 size_t *version);

/* ---- a translation ------------------------------------------------------------------ */

struct stile_translation;

/* Zero is the default of each. */
struct stile_limits {
    size_t bytes_max;    /* of a body, or a record, that is held: 64 MiB */
    size_t depth_max;    /* levels of a document: 128 */
    size_t output_ratio; /* output: times the input, plus 64 KiB: no limit */
    size_t memory_max;   /* of one translation: 1 GiB */
};

/*
 * Begin to translate a message from a version to another. On STILE_OK *t is
 * yours, to be freed before the API is. `limits` may be NULL; `m` and its texts
 * need not outlive the call.
 * STILE_NOT_FOUND: no such version or type. STILE_GONE, STILE_NO_ROUTE, STILE_UNMET.
 * STILE_UNSUPPORTED: its body has a type and a form that is not translated
 * (MessagePack). STILE_LIMIT.
 */
enum stile_code stile_translation_open(const struct stile_api *api,
                                       const struct stile_message *m,
                                       size_t from, size_t to,
                                       const struct stile_limits *limits,
                                       struct stile_translation **t,
                                       struct stile_error *e);

/* *t becomes NULL; nothing happens if it is. */
void stile_translation_free(struct stile_translation **t);

/* Nothing can change between these versions: what is fed comes out as it was. */
bool stile_translation_passes(const struct stile_translation *t);

/* Does the body change, do query, status or header fields? */
bool stile_translation_has_body(const struct stile_translation *t);
bool stile_translation_has_head(const struct stile_translation *t);

/* A stream of records: each comes out as soon as it is whole, and may be sent on. */
bool stile_translation_is_stream(const struct stile_translation *t);

/* "a document", "a merge patch", "a JSON Patch", "a stream of records"; "" without a
 * body that can change. */
const char *stile_translation_body_word(const struct stile_translation *t);

/*
 * Bytes of the body, and its end. After a failure nothing more is taken, the code
 * stays, and stile_translation_fault says why. Of a document only what is there
 * after a good end is whole; of a stream all that was written is.
 */
enum stile_code stile_translation_feed(struct stile_translation *t,
                                       const void *bytes, size_t len);
enum stile_code stile_translation_end(struct stile_translation *t);

/*
 * What has been written and not been taken; it holds until the next call that is
 * no question. `len` is its length; it may hold bytes that are 0.
 */
const char *stile_translation_output(const struct stile_translation *t,
                                     size_t *len);

/* The first `n` bytes of the output, at most all, have been taken. */
void stile_translation_taken(struct stile_translation *t, size_t n);

/* ---- the head of a message -------------------------------------------------------------- */

struct stile_field {
    const char *name;
    const char *value;
};

struct stile_head {
    const char *method; /* of a request: what a route that moved changes */
    const char *path;   /* raw, without its query */
    const char *query;  /* raw, without `?`; NULL: there is none */
    unsigned status;    /* of an answer */
    const struct stile_field *fields;
    size_t n_fields;
};

/*
 * The head in the other version. *out is owned by the translation; what no change
 * names stays as it was. Once, before the body; without it the head is what the
 * message said, with no query and no fields.
 */
enum stile_code stile_translation_head(struct stile_translation *t,
                                       const struct stile_head *in,
                                       struct stile_head *out);

/*
 * Are head and body translated together (a path that moves into the body)? Then
 * the head in the other version is known after the end alone, and is asked for
 * here; the end is called for a message without a body, too.
 */
bool stile_translation_is_joint(const struct stile_translation *t);
enum stile_code stile_translation_new_head(struct stile_translation *t,
                                           struct stile_head *out);

/* ---- what it has to say -------------------------------------------------------------------- */

/* Texts are empty and numbers 0 where it is not known. */
struct stile_fault {
    enum stile_code code;
    const char *text; /* one sentence */
    size_t offset;    /* into the body that was fed */
    unsigned status;  /* that a server could answer: 400, 413, 422, 500, 502 */
    const char *pointer; /* RFC 6901, into the message as it was fed */
    const char *change;  /* the change's name, its file, and a line of it */
    const char *file;
    unsigned line;
    const char *from; /* labels of the version step that failed */
    const char *to;
    bool needs_document; /* of a patch: the stored document would tell */
};

/* Why it failed; code is STILE_OK if it did not. */
const struct stile_fault *
stile_translation_fault(const struct stile_translation *t);

/* A loss that happened and was declared. */
struct stile_notice {
    const char *kind; /* "lossy", "hidden", "defaulted", "respelt", ... */
    const char *change;
    const char *file;
    unsigned line;
    const char *pointer; /* of the first of them */
    size_t n;            /* how often */
};

/* Complete after the end. */
size_t stile_translation_n_notices(const struct stile_translation *t);

/* The i-th; false if there is none, or no memory for it. */
bool stile_translation_notice(struct stile_translation *t, size_t i,
                              struct stile_notice *out);

/* What one arrow did in one version step. */
struct stile_touch {
    const char *what; /* "moved", "filled", "dropped", ... */
    const char *place;
    const char *change;
    const char *file;
    unsigned line;
    size_t n;
};

/* A version step that is done; the document as it came is told first, from = to. */
struct stile_step {
    const char *from;
    const char *to;
    const char *document;
    size_t document_len;
    const struct stile_touch *touches;
    size_t n_touches;
};

/* What it is told holds until it returns. It may not call the translation. */
typedef void (*stile_trace_fn)(void *arg, const struct stile_step *step);

/* Ask for steps, before the first feed. It costs a printed document a step. */
void stile_translation_trace(struct stile_translation *t, stile_trace_fn fn,
                             void *arg);

#ifdef __cplusplus
}
#endif

#endif
