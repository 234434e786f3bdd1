/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program: what translation.h's opaque things are made of; this room's own.
 */
#pragma once

#include "translators/lens/lens.h"
#include "translators/patch/patch.h"
#include "translators/plan/plan.h"
#include "translators/records/records.h"
#include "translators/reference/reference.h"
#include "translators/translation.h"

struct translator {
    const struct lens_api *api;
    /* Can a value of type t change between versions i and i + 1? [i * n_types + t] */
    const bool *changes[2]; /* going up, going down */
    /* [from * n_versions + to]; NULL: not planned ahead */
    const struct plan *const *plans;
    size_t n_wanted;  /* plans that were to be made ahead, */
    size_t n_planned; /* and those that were */
    /* Have messages the same types at the same places at version v and the next? */
    const bool *same_sites;
    const uint64_t *tables_below; /* hashed, by version */
    bool has_version_at; /* of any type: a record may be of another version */
    /* May what is in a value of type t say its own? [version * n_types + t]; NULL: none */
    const bool *says_below;
};

struct program {
    const struct translator *translator;
    struct reference_chain chain;
    struct reference_facts facts;
    const struct plan_entry *plan; /* NULL: for the reference alone */
    struct patch_options patch;    /* kind PATCH_NONE: its body is a document */
    bool has_head;
    bool has_body;
    bool is_stream; /* its body is records, each with a program of its own */
    enum records_framing framing;
    struct message message; /* of a stream: what its records are of; borrowed */
    bool is_joint;          /* head and body are one object */
    bool crosses;           /* an arrow leads between the two */
    bool joins_records;     /* of a stream: each record is a message's body */
    /* What is told of the message, as nothing else is done for it. */
    const struct lens_declared *const *declared;
    size_t n_declared;
    uint64_t id;
    /* Is the body MessagePack as it comes; as it goes? */
    bool comes_packed;
    bool goes_packed;
    const struct program
        *json;      /* then the same between JSON and JSON; NULL: its
                                   form is all that changes */
    span new_media; /* what its Content-Type becomes; empty: it stays */
};

/* The same for the same files, over restarts. */
uint64_t translator_identity(const struct translator *t, size_t from,
                             size_t to);

/*
 * The program of one record of a stream that is at version `from`; `event` is its
 * name, if it is one. As translator_program, but that versions may be the same.
 */
MUST_CHECK enum program_need
program_of_record(const struct program *stream, struct arena *a, span event,
                  size_t from, const struct program **out, struct err *e);

/* What an event of version `from` is called where the stream goes; *gone: what says
 * that there is none there, else NULL. */
span program_event(const struct program *stream, span event, size_t from,
                   const struct lens_event **gone);

/*
 * "application/json; charset=utf-8" without parameters, in lower case, in `a`;
 * application/json for none.
 */
MUST_CHECK bool program_media(struct arena *a, span media, span *out);

/* What lens.h asks of a message. */
struct lens_occasion program_occasion(const struct message *m, span media);

enum media_kind {
    MEDIA_JSON,
    MEDIA_OTHER, /* of no type: it passes */
    MEDIA_MERGE_PATCH,
    MEDIA_JSON_PATCH,
    MEDIA_RECORDS,
    MEDIA_MSGPACK
};
enum media_kind program_media_kind(span media);

/* Is a body of this media type brought over to another form where one is wanted? */
bool program_media_recodes(span media);

/* A body's form at both ends: MessagePack, or what is not. */
struct program_forms {
    bool comes_packed;
    bool goes_packed;
    span to; /* the media type that it gets, if that is of another form */
};

/* What `m` has and wants. False: `a` is full. */
MUST_CHECK bool program_find_forms(struct arena *a, const struct message *m,
                                   span media, struct program_forms *out);

/* A program between JSON and JSON (or one that does nothing to the body) becomes
 * one between these. False: `a` is full. */
MUST_CHECK bool program_take_forms(struct arena *a,
                                   const struct program_forms *f,
                                   struct program *p);

/* How a body of MEDIA_RECORDS is framed. */
enum records_framing program_framing(span media);
