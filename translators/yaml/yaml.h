/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml: a strict YAML file as a tree in which everything knows its place.
 *
 * Strict (LANGUAGE.md, "YAML, strictly"): one document, no doubled keys,
 * anchors, aliases, tags or directives; JSON's literals and nothing more. What
 * two readers of YAML could take for different things is refused with a
 * sentence that says what to write instead. This room alone knows libyaml.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/problem.h"

#define YAML_BYTES_DEFAULT ((size_t)1024 * 1024)
#define YAML_DEPTH_MAX     64

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

enum yaml_style {
    YAML_PLAIN,  /* as is */
    YAML_QUOTED, /* 'x' or "x" */
    YAML_BLOCK,  /* | or > */
};

/* What a scalar is where a JSON value is meant. Quoted and block: always text. */
enum yaml_literal {
    YAML_TEXT,
    YAML_NULL,   /* null */
    YAML_BOOL,   /* true, false */
    YAML_NUMBER, /* a JSON number; `text` is its spelling */
};

/* An entry of a map. A key is a scalar, or a list of scalars (`? [a, b]`). */
struct yaml_entry {
    const struct yaml *key;
    const struct yaml *value;
};

struct yaml {
    enum yaml_kind kind;
    enum yaml_style style;      /* SCALAR */
    enum yaml_literal literal;  /* SCALAR */
    span file;                  /* as given to yaml_parse */
    size_t line;                /* from 1 */
    size_t column;              /* from 1, in characters */
    span text;                  /* SCALAR: valid UTF-8 without NUL */
    const struct yaml **items;  /* LIST */
    struct yaml_entry *entries; /* MAP, in the order of the file */
    size_t n;                   /* of items or entries */
};

/*
 * Read one file. `file` names it in problems; it and `text` are borrowed (the
 * tree's texts are copies, `file` is kept). Everything wrong is added to
 * `p`, as much as can be found in one reading. NULL if there is no tree to
 * go on with (bad syntax, too big, arena full); a tree may come with problems
 * too, so ask problems_none before trusting it. NULL never comes without a
 * problem.
 */
const struct yaml *yaml_parse(struct arena *a, span file, span text,
                              size_t bytes_max, struct problems *p);

/* The value under a scalar key spelled `key` (quoted or not), or NULL; NULL
 * also if `map` is NULL or no map. Linear. */
const struct yaml *yaml_get(const struct yaml *map, const char *key);

/* The whole entry, or NULL. */
const struct yaml_entry *yaml_find(const struct yaml *map, span key);

/* "a text", "a number", "null", "true or false", "a list", "a map". */
const char *yaml_what(const struct yaml *node);

/* Add a problem at a node's place. */
void yaml_problem(struct problems *p, const struct yaml *node, const char *fmt,
                  ...) PRINTF(3, 4);
