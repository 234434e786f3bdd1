/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader: YAML to typed values, every fault with its place and a remedy.
 *
 * A map is read by a table of its words; a word that the table lacks is a
 * problem that names the nearest one. A value that cannot be read is a problem
 * and leaves what it was for alone, so reading goes on and finds the rest.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/problem.h"
#include "translators/yaml/yaml.h"

struct reader {
    struct arena *arena;
    struct problems *problems;
};

/* Read one word's value into `self`, which the table's caller knows. */
typedef void (*reader_fn)(struct reader *r, const struct yaml *value,
                          void *self);

struct reader_word {
    const char *name;
    reader_fn read;
    bool required;
};

/* Read `map` by `words`; `what` names it in problems ("a pool"). */
void reader_map(struct reader *r, const struct yaml *map, const char *what,
                const struct reader_word *words, size_t n, void *self);

/* Each answers whether *out was set. */
bool reader_text(struct reader *r, const struct yaml *node, span *out);
bool reader_bool(struct reader *r, const struct yaml *node, bool *out);
bool reader_count(struct reader *r, const struct yaml *node, uint64_t max,
                  uint64_t *out);
bool reader_ms(struct reader *r, const struct yaml *node, uint32_t *out);
bool reader_bytes(struct reader *r, const struct yaml *node, uint64_t *out);
bool reader_share(struct reader *r, const struct yaml *node, uint32_t *out);

/* Is it a list (a map)? If not, that is a problem: "`what` is a list, ...". */
bool reader_is_list(struct reader *r, const struct yaml *node,
                    const char *what);
bool reader_is_map(struct reader *r, const struct yaml *node, const char *what);

/* May it be a field's name (RFC 9110 §5.6.2)? */
bool reader_is_token(span s);

/* Zeroed room for `n` things; the limit reached is a problem and gives NULL. */
void *reader_array(struct reader *r, const struct yaml *at, size_t n,
                   size_t size);

/* `path`, taken from the folder of the file that `node` stands in; NULL at the limit. */
const char *reader_path(struct reader *r, const struct yaml *node, span path);
