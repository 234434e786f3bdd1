/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build: what the files of this room share while an api is read.
 *
 * Reading goes on after a fault to find the rest: a reader adds a problem and
 * answers false, and its caller leaves that part out. When the arena is full
 * `full` is set, everything fails quietly from there on, and the load ends with
 * ERR_LIMIT.
 */
#pragma once

#include "proxy/base/map.h"
#include "proxy/base/problem.h"
#include "translators/json/tree.h"
#include "translators/lens/lens.h"
#include "translators/yaml/yaml.h"

#define LENS_VERSIONS_MAX 512
#define LENS_TYPES_MAX    512
#define LENS_STEPS_MAX    32    /* of one place */
#define LENS_ROWS_MAX     1024  /* pairs of one enum */
#define LENS_FILES_MAX    16384 /* change files of one api */
#define LENS_PINS_BYTES_MAX                                                    \
    ((size_t)64 << 20) /* a table of pins: some 900 000 of them */

/* Things that grow. What lens_vec_add returned moves when it grows again. */
struct lens_vec {
    void *at;
    size_t n;
    size_t room;
};

/* A typed place as api.yaml says it: in `parent` at `version`. */
struct lens_root {
    size_t parent;
    size_t version;
    struct lens_child child;
};

/* `Card -> Instrument:` in a table (turn.c), and a type that has a block of its own
 * there. */
struct lens_turn {
    size_t table;
    size_t older;
    size_t newer;
    struct lens_origin origin;
};
struct lens_own {
    size_t table;
    size_t type;
};

struct lens_builder {
    struct arena *arena;
    struct problems *problems;
    struct lens_api *api;             /* what is being built */
    const struct lens_change *change; /* whose file is read; NULL: api.yaml */
    unsigned order;                   /* of the next arrow of the table */
    bool each;  /* `one <> each` in `as` is read by its arrow: joint.c */
    bool texts; /* literals are texts: path, query and header in http blocks */
    bool in_http; /* an http block is read: places are those of a message */
    bool side_texts[2]; /* there, by side: is the arrow's place in the head? */
    bool full;
    size_t problems_before; /* what the list held already */

    /* Of `api`, while they may be written. */
    struct lens_version *versions;
    struct lens_type *types;
    struct lens_type_at **type_at; /* by type, then version */
    struct lens_table *tables;
    struct lens_block ***blocks; /* by table, then type */
    struct lens_vec *http;       /* struct lens_http, by table */
    struct lens_vec *declared;   /* struct lens_declared, by table */
    struct lens_vec *events;     /* struct lens_event, by table */
    struct lens_source *sources;

    struct lens_vec sites; /* struct lens_site, of every version alike */
    struct lens_vec roots; /* struct lens_root */
    struct lens_vec turns; /* struct lens_turn, by table */
    struct lens_vec owns;  /* struct lens_own */
    size_t **as; /* by type, then version: which type's places it has there */
};

/* ---- memory ---- */

/* Zeroed room for `n` things; NULL at the limit, and then `full` is set. */
void *lens_array(struct lens_builder *b, size_t n, size_t size);

void *lens_vec_add(struct lens_builder *b, struct lens_vec *v, size_t size);

/* Formatted text in the arena; empty at the limit. */
span lens_fmt(struct lens_builder *b, const char *fmt, ...) PRINTF(2, 3);

struct lens_origin lens_origin_at(struct lens_builder *b,
                                  const struct yaml *node);

/* ---- words (words.c) ---- */

struct lens_words {
    const char *what; /* "an arrow of `map`" */
    const char *const *known;
    size_t n;
};
#define LENS_WORDS(what, ...)                                                  \
    {                                                                          \
        what, (const char *const[]){__VA_ARGS__},                              \
            COUNT(((const char *const[]){__VA_ARGS__}))                        \
    }

/*
 * Is `map` a map of known words? An unknown key is a problem with the nearest
 * word, one of the language that this build lacks is refused by name; the
 * answer is then false.
 */
bool lens_words_check(struct lens_builder *b, const struct yaml *map,
                      const struct lens_words *words);

/* Refuse `word`, which the language has and this build does not translate. */
void lens_words_refuse(struct lens_builder *b, const struct yaml *at,
                       const char *word);

/* Is it a word of the language that this build does not translate? */
bool lens_words_is_later(span word);

/* A problem for an unknown word in a place where only these may stand. */
void lens_words_unknown(struct lens_builder *b, const struct yaml *at,
                        const struct lens_words *words);

/* The position of a plain scalar among the known, or -1 without a problem. */
int lens_words_find(const struct yaml *node, const struct lens_words *words);

/* The same; if it is none, a problem. */
int lens_words_one(struct lens_builder *b, const struct yaml *node,
                   const struct lens_words *words);

/* Where `word` is said in the map `node`, its position among `words`, else -1. */
bool lens_word_read(struct lens_builder *b, const struct yaml *node,
                    const char *word, const struct lens_words *words, int *out);

/* Whether the one word that `word` may have is said. */
bool lens_flag_read(struct lens_builder *b, const struct yaml *node,
                    const char *word, const struct lens_words *words,
                    bool *out);

/* If `word` is said all the same: a problem, and false. */
bool lens_misplaced(struct lens_builder *b, const struct yaml *node,
                    const char *word, const char *needs);

/* A scalar's text; a problem that says `what` is a text, and false. */
bool lens_words_text(struct lens_builder *b, const struct yaml *node,
                     const char *what, span *out);

/* ---- literals (literal.c) ---- */

/* Any value as JSON: lists and maps too. NULL at the limit. */
const struct json *lens_literal_any(struct lens_builder *b,
                                    const struct yaml *node);

/* A scalar as JSON; a list or a map is a problem. */
const struct json *lens_literal_scalar(struct lens_builder *b,
                                       const struct yaml *node,
                                       const char *what);

/* Bare text as YAML reads it: true, false, null and numbers are typed. */
const struct json *lens_literal_plain(struct lens_builder *b, span text);
const struct json *lens_literal_text(struct lens_builder *b, span text);

/* How a literal is written, for sentences: "open", 1299, null. */
span lens_literal_show(struct lens_builder *b, const struct json *value);

bool lens_literal_is_scalar(const struct json *value);

/* Literals from here on are those of `side` of an arrow, or of `place`, in an http
 * block; elsewhere nothing changes. lens_literal_typed ends it. */
void lens_literal_of_side(struct lens_builder *b, enum lens_side side);
void lens_literal_of_place(struct lens_builder *b,
                           const struct lens_place *place);
void lens_literal_typed(struct lens_builder *b);

/* ---- places (place.c) ---- */

/* Read a place; what is wrong with it is a problem at `node`. */
bool lens_place_read(struct lens_builder *b, const struct yaml *node,
                     struct lens_place *out);
bool lens_place_parse(struct lens_builder *b, const struct yaml *node,
                      span text, struct lens_place *out);

/* A copy whose text is written afresh from its steps. */
bool lens_place_make(struct lens_builder *b, const struct lens_step *steps,
                     size_t n, struct lens_place *out);

/* `a`, then the steps of `b` from `from` on. */
bool lens_place_join(struct lens_builder *b, const struct lens_place *head,
                     const struct lens_place *tail, size_t from,
                     struct lens_place *out);

bool lens_step_same(const struct lens_step *a, const struct lens_step *b);
/* Could the two mean one spot in some document? */
bool lens_step_may_meet(const struct lens_step *a, const struct lens_step *b);
/* Is everything that `b` means also meant by `a`? */
bool lens_step_covers(const struct lens_step *a, const struct lens_step *b);
/* Are the first steps of `place` those of `prefix`? */
bool lens_place_starts(const struct lens_place *place,
                       const struct lens_place *prefix);
size_t lens_place_stars(const struct lens_place *place);

/* ---- shapes and tests (shape.c) ---- */

/* A map of PLACE: TEST, as in `when:`. */
bool lens_shape_conditions(struct lens_builder *b, const struct yaml *node,
                           struct lens_shape *out);

/* `when:` of an arrow: for both sides, or `older:` and `newer:`. */
bool lens_shape_when(struct lens_builder *b, const struct yaml *node,
                     struct lens_shape out[2]);

/* How many constants the lists in a case's shape pair; 1 without; 0 is a problem
 * (two lists of different length). */
size_t lens_shape_width(struct lens_builder *b, const struct yaml *node);

/* A case's shape, with the `variant`-th of each list. */
bool lens_shape_read(struct lens_builder *b, const struct yaml *node,
                     size_t variant, struct lens_shape *out);

/* Can no value fit both? False where that is not known. */
bool lens_shape_disjoint(const struct lens_shape *a,
                         const struct lens_shape *b);

/* ---- values (value.c) ---- */

/* `read` is the side whose places the value may name. */
bool lens_value_read(struct lens_builder *b, const struct yaml *node,
                     enum lens_side read, struct lens_value *out);

/* ---- stages (form.c, symbol.c) ---- */

/* Does `as:` hold `one <> each`, or `each <> one`? *one: the side of `one`. */
bool lens_form_is_each(const struct yaml *node, enum lens_side *one);

/* `as:`: one "X <> Y", or a list of them. */
bool lens_form_read(struct lens_builder *b, const struct yaml *node,
                    struct lens_vec *stages);

/* `enum:`, `other:` and, with `has_extras`, `older:` and `newer:` of an arrow (in a
 * case these two are its shapes). */
bool lens_symbol_read(struct lens_builder *b, const struct yaml *arrow,
                      bool has_extras, struct lens_vec *stages);

/* `enum:` and `other:` of a value: one direction. */
bool lens_symbol_read_one_way(struct lens_builder *b, const struct yaml *value,
                              enum lens_side read, struct lens_vec *stages);

const char *lens_form_word(enum lens_form_kind kind);

/* `list(k) <> map(v)`, and what goes with it on its arrow (index.c). */
bool lens_index_is(span x, span y);
bool lens_index_read(struct lens_builder *b, const struct yaml *node, span x,
                     span y, struct lens_stage *out);
/* `value:` and `double:`; true without such a stage. */
bool lens_index_words(struct lens_builder *b, const struct yaml *node,
                      const struct lens_vec *stages);
/* `empty: "[] <> absent"` of an arrow whose way has been read: it is absence. */
bool lens_index_empty(struct lens_builder *b, const struct yaml *node,
                      struct lens_arrow *out);
/* `flatten: SIDE` and its `back:`, if they are said (flat.c). */
bool lens_flat_read(struct lens_builder *b, const struct yaml *arrow,
                    struct lens_vec *stages);
/* `lookup: X <> Y`, `in:` and `by:`, if they are said; and when all has been read: what of
 * one block speaks against the lookups among its ways (lookup.c). */
bool lens_lookup_read(struct lens_builder *b, const struct yaml *arrow,
                      struct lens_vec *stages);
bool lens_lookup_absence(struct lens_builder *b, const struct yaml *arrow,
                         const struct lens_arrow *a);
void lens_lookup_check(struct lens_builder *b,
                       const struct lens_way *const *ways, size_t n,
                       bool is_message);
/* `order: by k`, if it is said (order.c). */
bool lens_order_read(struct lens_builder *b, const struct yaml *node,
                     struct lens_vec *stages);
const struct lens_stage *lens_index_of(const struct lens_stages *stages);

/* The parts of a text (pattern.c); `text` is what stands between the quotes. */
bool lens_pattern_read(struct lens_builder *b, const struct yaml *node,
                       span text, const struct lens_pattern **out);
/* Both forms have been read: pair their parts by name. */
bool lens_pattern_pair(struct lens_builder *b, const struct yaml *node,
                       struct lens_form f[2]);

/* ---- ways, arrows and blocks (way.c, arrow.c, joint.c, rows.c, block.c) ---- */

/* An arrow of `map` with several places on one side. */
bool lens_joint_is(const struct yaml_entry *entry);
bool lens_joint_read(struct lens_builder *b, const struct yaml_entry *entry,
                     struct lens_arrow *out);

/* `table:`; its places have been read. */
bool lens_rows_read(struct lens_builder *b, const struct yaml *node,
                    struct lens_joint *out);

/* The next combination of listed cells that no row of this side has, as a sentence
 * shows it; empty: there is none. `from` counts on. */
span lens_rows_missing(struct lens_builder *b, const struct lens_joint *j,
                       enum lens_side side, size_t *from);

/* Guards, absence, `collide` and `host` of an arrow of `map`. */
bool lens_arrow_common(struct lens_builder *b, const struct yaml *node,
                       struct lens_arrow *out);

/* The place after `to:`. */
bool lens_to_read(struct lens_builder *b, const struct yaml *node,
                  struct lens_place *out);

/* Is a last `*` of this way an open set? Then what is said of it (open.c). */
bool lens_open_read(struct lens_builder *b, const struct yaml_entry *entry,
                    struct lens_arrow *out, struct lens_way *w);

/* Do both places of a way go together? */
bool lens_way_check(struct lens_builder *b, const struct yaml *at,
                    const struct lens_way *w);

/* as, enum, outside and what goes with them; `has_extras`: lens_symbol_read. */
bool lens_stages_read(struct lens_builder *b, const struct yaml *node,
                      bool has_extras, struct lens_way *out);

/* Stages, rest, double, hide: what a plain arrow and a case share. */
bool lens_way_read(struct lens_builder *b, const struct yaml *node,
                   bool has_extras, struct lens_way *out);

/* The ways of an arrow with `cases:`. */
bool lens_cases_read(struct lens_builder *b, const struct yaml *node,
                     const struct lens_place place[2], struct lens_arrow *out);

/* What is gathered of a block before all its files are read. */
struct lens_draft {
    struct lens_vec arrows;  /* struct lens_arrow */
    struct lens_vec choices; /* struct lens_choice */
};

/* One entry of `map`, `add` or `drop`. */
bool lens_arrow_read(struct lens_builder *b, enum lens_arrow_kind kind,
                     const struct yaml_entry *entry, struct lens_arrow *out);

/* Entries of a map of arrows, those that can be read. */
void lens_block_arrows(struct lens_builder *b, enum lens_arrow_kind kind,
                       const struct yaml *map, struct lens_draft *out);

/* Is this side the one with the box: an object or element of which the arrow takes
 * one member, while the other side has the bare value? */
bool lens_way_boxes(const struct lens_way *w, enum lens_side side);

/* How many cases the lists in one spread to; 0 is a problem. */
size_t lens_case_width(struct lens_builder *b, const struct yaml *node);

/* `older`, `newer`, `both` of a case; has[side] is false for a side that `hide`
 * stands for. */
bool lens_case_shapes(struct lens_builder *b, const struct yaml *node,
                      size_t variant, struct lens_shape shape[2], bool has[2]);

/* What reads the arrows of a case, and looks at its shapes: those of a type, or of a
 * message. */
struct lens_case_reader {
    const struct lens_words *words;
    bool (*arrows)(struct lens_builder *b, const struct yaml *node,
                   struct lens_draft *out);
    bool (*check)(struct lens_builder *b, const struct yaml *node,
                  const struct lens_case *c);
};

/* `cases:` of the block `parent`, if it has them. */
void lens_choice_read(struct lens_builder *b, const struct yaml *parent,
                      const struct lens_case_reader *reader,
                      struct lens_draft *out);

/* The block of a type: map, add, drop, cases. */
void lens_block_read(struct lens_builder *b, const struct yaml *node,
                     struct lens_draft *out);

/* The draft as a block, prefixes not yet counted. NULL at the limit. */
struct lens_block *lens_block_finish(struct lens_builder *b,
                                     const struct lens_draft *draft);

/* `hide:` */
bool lens_arrow_hide(struct lens_builder *b, const struct yaml *node,
                     enum lens_side read, enum lens_hide *out,
                     struct lens_value *value);

/* ---- messages and types (message.c, types.c, http.c) ---- */

/* "[request | answer] METHOD /path" or "status 4xx [media]". */
bool lens_message_read(struct lens_builder *b, const struct yaml *node,
                       span text, struct lens_message *out);

/* Could one message be of both? */
bool lens_message_may_meet(const struct lens_message *a,
                           const struct lens_message *b);

/* `types:` of api.yaml: names, markers, constants, keeps, and for the newest
 * version where they stand. */
void lens_types_read(struct lens_builder *b, const struct yaml *node);

/* Does the route's path say where all its parts come from and go? */
bool lens_route_check(struct lens_builder *b, const struct yaml_entry *entry,
                      const struct lens_http *h);
/* No two routes of a table are one on a side. */
void lens_routes_check(struct lens_builder *b, const struct lens_table *t);

/* `effect:`, `fetch:`, `hook:` and `event:` into the table's lists (declare.c). */
void lens_declared_read(struct lens_builder *b, const struct yaml *node,
                        enum lens_declared_kind kind, struct lens_vec *out);
void lens_events_read(struct lens_builder *b, const struct yaml *node,
                      struct lens_vec *out);

/* Which part of a message places are of (part.c); 0: of none. */
enum {
    LENS_ROOT_PATH = 1,
    LENS_ROOT_QUERY = 2,
    LENS_ROOT_HEADER = 4,
    LENS_ROOT_STATUS = 8,
    LENS_ROOT_BODY = 16
};
#define LENS_ROOTS_OF_REQUEST (LENS_ROOT_PATH | LENS_ROOT_QUERY)
unsigned lens_root_of(const struct lens_place *p);
unsigned lens_roots_of(const struct lens_arrow *a);
unsigned lens_roots_of_shape(const struct lens_shape *s);

/* out->parts and out->joins. */
bool lens_parts_fill(struct lens_builder *b, const struct lens_draft *all,
                     struct lens_http *out);

/* One entry of `http:` into the table's list of struct lens_http. */
void lens_http_read(struct lens_builder *b, const struct yaml_entry *entry,
                    struct lens_vec *out);

/* ---- api.yaml (api.c, detect.c, date.c) ---- */

/* The version that `node` names, or a problem and -1. */
int lens_version_read(struct lens_builder *b, const struct yaml *node);
/* The type of this name, or a problem and -1. */
int lens_type_read(struct lens_builder *b, const struct yaml *node, span name);

void lens_api_read(struct lens_builder *b, const struct yaml *doc);
void lens_detect_read(struct lens_builder *b, const struct yaml *doc);
bool lens_date_days(span text, int32_t *days);

/* Tables of pins, from files in `folder` (pins.c). */
void lens_pins_read(struct lens_builder *b, span folder);

/* A regular file of at most so many bytes; a problem of `path`, and false. */
bool lens_file_read(struct lens_builder *b, span path, size_t most, span *out);

/* ---- change files (change.c) ---- */

struct lens_file {
    const struct yaml *doc;
    span name; /* relative: "changes/2-v1.yaml" */
    span path; /* as problems name it */
};
void lens_changes_read(struct lens_builder *b, const struct lens_file *files,
                       size_t n);

/* ---- after all is read ---- */

/* out->reserved[read], of its type and versions (reserved.c). */
struct lens_report;
bool lens_reserved_find(struct lens_builder *b, const struct lens_api *api,
                        struct lens_report *out, enum lens_side read);

/* All that one change loses: struct lens_loss (check.c). */
bool lens_losses_of_change(struct lens_builder *b, const struct lens_api *api,
                           const struct lens_change *c, struct lens_vec *out);

/* A problem at an arrow or a case, and what to do; once, though a block of two types
 * is met twice. */
void lens_problem(struct lens_builder *b, const struct lens_origin *at,
                  const char *remedy, const char *fmt, ...) PRINTF(4, 5);

/* `Card -> Instrument:`: both types, -1 for what is none (turn.c); and when all files have
 * been read, one chain of tables for the two. */
void lens_turn_read(struct lens_builder *b, const struct yaml *key, span older,
                    span newer, int out[2]);
void lens_turns_join(struct lens_builder *b);

/* Typed places followed back to older versions (follow.c). */
void lens_follow_types(struct lens_builder *b);
/* The same of a case's block, when it is read. */
void lens_made_case(struct lens_builder *b, struct lens_block *block,
                    const struct lens_shape shape[2]);
/* Prefixes of types' blocks, for made objects (made.c). */
void lens_made_fill(struct lens_builder *b);
/* Two arrows to one place, ambiguous places (conflict.c). */
void lens_conflict_check(struct lens_builder *b);
/* Tables that undo what they say (contrary.c). */
void lens_contrary_check(struct lens_builder *b);
/* Losses without a word, overlaps, guarantees, types without use (check.c). */
void lens_loss_check(struct lens_builder *b);

/* guard.c: `own` holds the arrow, `outer` is the type's block. */
void lens_guard_check(struct lens_builder *b, const struct lens_block *outer,
                      const struct lens_block *own, const struct lens_arrow *a);
