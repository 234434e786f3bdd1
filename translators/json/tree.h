/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree: a JSON document that can be changed and still prints as it came.
 *
 * Nodes live in an arena and never move: keep pointers to them, detach them,
 * put them elsewhere. What is not touched prints byte for byte as it was read,
 * inner whitespace and escapes included; a container in which anything changed
 * prints compactly, its untouched children still verbatim. The text that was
 * parsed is borrowed: it must live as long as the tree.
 *
 * Always true: a node is in at most one place; a touched node has only touched
 * ancestors. Read the fields freely; write only `mark` and `note`, the rest
 * through the functions here. Functions that return NULL or false do so at the
 * arena's limit (or for text that is not UTF-8), and then nothing has changed.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/buf.h"
#include "proxy/base/err.h"

#define JSON_DEPTH_DEFAULT 128
#define JSON_DEPTH_MAX                                                         \
    1024 /* what any limit is cut down to: printing recurses */
#define JSON_NONE SIZE_MAX /* "no such member" */

/* One table: enum and the words of the change language. */
#define JSON_KINDS(X)                                                          \
    X(JSON_NULL, "null")                                                       \
    X(JSON_BOOL, "bool")                                                       \
    X(JSON_NUMBER, "number")                                                   \
    X(JSON_TEXT, "string")                                                     \
    X(JSON_LIST, "list")                                                       \
    X(JSON_OBJECT, "object")

enum json_kind {
#define X(name, word) name,
    JSON_KINDS(X)
#undef X
};

/* A member of an object, or an item of a list (then key and raw are empty). */
struct json_member {
    span key; /* decoded, as json.text */
    span raw; /* as spelled between the quotes */
    struct json *value;
};

struct json_index; /* finds members of a big object; tree.c's own */

struct json {
    enum json_kind kind;
    bool
        touched; /* made or changed by code: `source` is not what it says now */
    bool truth;  /* BOOL */
    bool unclean;  /* TEXT: holds a lone surrogate; see json_text_is_clean */
    uint32_t mark; /* the user's; json_clone copies it */
    void *note;    /* the user's; json_clone copies it */
    size_t offset; /* of its first byte in the text it was read from; else 0 */
    struct json *parent; /* NULL: the root, or in no place */
    span source; /* the bytes it was read from, while untouched; the root's
                    include the whitespace around it */
    union {
        struct {       /* NUMBER, TEXT */
            span text; /* NUMBER: as spelled. TEXT: decoded (a lone surrogate as
                          the three bytes that UTF-8 would have for it) */
            span raw;  /* TEXT: as spelled between the quotes */
        };
        struct {                         /* LIST, OBJECT */
            struct json_member *members; /* in order */
            size_t n;
            size_t room;
            struct json_index *index;
        };
    };
};

/* ---- reading and printing ---- */

/*
 * One JSON text (RFC 8259, strictly) and nothing after it. Refused with the
 * offset where it went wrong: ERR_INVALID for bad grammar, invalid UTF-8, a
 * byte order mark, an empty text; ERR_LIMIT for more than `depth_max` nested
 * containers and for a full arena. Doubled keys are kept as they came. No
 * recursion. `text` is borrowed by the tree.
 */
MUST_CHECK enum err_code json_parse(struct arena *a, span text,
                                    size_t depth_max, struct json **out,
                                    struct err *e);

/* Append the document; ask buf_failed(b) at the end. */
void json_print(const struct json *node, struct buf *b);

/* "object", "string", ...: the words of the change language; never NULL. */
const char *json_kind_word(enum json_kind kind);

/* ---- asking ---- */

static inline bool
json_is_container(const struct json *node)
{
    return node->kind == JSON_LIST || node->kind == JSON_OBJECT;
}

/* No lone surrogate in a text: it may be read, compared, converted. True of all else. */
static inline bool
json_text_is_clean(const struct json *node)
{
    return !node->unclean;
}

/* Position of the first member with this (decoded) key, or JSON_NONE; also of
 * anything that is no object. A key spelled with escapes is the same key. */
size_t json_find(const struct json *object, span key);

/* Its value, or NULL. */
struct json *json_get(const struct json *object, span key);

/* The second member with this key, or NULL if it is not doubled. */
struct json *json_duplicate_of(const struct json *object, span key);

/* Position of the first member whose key an earlier one has (under an open set
 * every key is read), or JSON_NONE. */
size_t json_first_duplicate(const struct json *object);

/* Position in the parent, or JSON_NONE if it has none. Linear. */
size_t json_position(const struct json *node);

/*
 * The same value: members as a map, lists in order, numbers spelled alike byte
 * for byte, texts alike decoded. Objects with a doubled key are alike only in
 * the same order.
 */
bool json_alike(const struct json *a, const struct json *b);

/* json_alike, and members in the same order too. */
bool json_alike_strict(const struct json *a, const struct json *b);

/* ---- making ----
 * A made node is touched and in no place. Bytes given are copied. NULL at the
 * limit, and for a text or key that is not UTF-8 (what a tree has as text is
 * taken, lone surrogates too): ask utf8_good first of bytes from elsewhere. */

MUST_CHECK struct json *json_new_null(struct arena *a);
MUST_CHECK struct json *json_new_bool(struct arena *a, bool truth);
MUST_CHECK struct json *json_new_number(struct arena *a, span number);
MUST_CHECK struct json *json_new_text(struct arena *a, span utf8);
MUST_CHECK struct json *json_new_list(struct arena *a);
MUST_CHECK struct json *json_new_object(struct arena *a);

/* A deep copy, in no place. What was untouched still prints verbatim: the copy
 * borrows the same source. */
MUST_CHECK struct json *json_clone(struct arena *a, const struct json *node);

/* ---- changing ----
 * `value` must be in no place. Positions are 0 to n. */

/* A member at the end; at `at`. The key is copied, printed minimally escaped. */
MUST_CHECK bool json_append(struct arena *a, struct json *object, span key,
                            struct json *value);
MUST_CHECK bool json_insert(struct arena *a, struct json *object, size_t at,
                            span key, struct json *value);

/* The value of the first member with this key replaced in its slot, else appended. */
MUST_CHECK bool json_set(struct arena *a, struct json *object, span key,
                         struct json *value);

/* Another key for the member at `at`: it keeps its slot. */
MUST_CHECK bool json_rename(struct arena *a, struct json *object, size_t at,
                            span key);

/* An item at the end; at `at`. */
MUST_CHECK bool json_list_append(struct arena *a, struct json *list,
                                 struct json *value);
MUST_CHECK bool json_list_insert(struct arena *a, struct json *list, size_t at,
                                 struct json *value);

/* Take the member or item at `at` out; its value, now in no place. */
struct json *json_remove(struct json *container, size_t at);

/* Take out all values of which `goes` is true, in one pass; untouched if none is. */
void json_remove_if(struct json *container,
                    bool (*goes)(const struct json *value));

/* Take a node out of its parent; nothing happens if it has none. Linear. */
void json_detach(struct json *node);

/* Put `value` into the slot (and under the key) of `old`, which is then in no
 * place. `old` must have a parent. Linear in it. */
void json_replace(struct json *old, struct json *value);

/* The same for a known position; returns what was there. */
struct json *json_replace_at(struct json *container, size_t at,
                             struct json *value);

/* Make the node, where it is, another scalar; what it held is let go. */
void json_set_null(struct json *node);
void json_set_bool(struct json *node, bool truth);
MUST_CHECK bool json_set_number(struct arena *a, struct json *node,
                                span number);
MUST_CHECK bool json_set_text(struct arena *a, struct json *node, span utf8);

/* Forget the source of this node and so of all above it. The functions here do
 * it by themselves. */
void json_touch(struct json *node);

/* ---- spelling ---- */

/* Is all of `s` one number of RFC 8259 §6? json_new_number takes nothing else. */
bool json_is_number(span s);

/* Append `utf8` as it stands between quotes, escaping only what must be. The buf
 * fails if it is not UTF-8. */
void json_escape(struct buf *b, span utf8);

/*
 * Decode what stands between quotes of a text that json_parse accepted. Without
 * a backslash `*out` is `raw` itself. Lone surrogates: *clean is false and they
 * are three bytes each. False at the limit.
 */
MUST_CHECK bool json_unescape(struct arena *a, span raw, span *out,
                              bool *clean);

/* ---- places (RFC 6901) ---- */

/* Append "/" and the step, "~" and "/" escaped; "/" and the position. */
void json_pointer_step(struct buf *b, span key);
void json_pointer_position(struct buf *b, size_t at);

/* Append the pointer of a node from its root: nothing for the root itself. */
void json_pointer_of(struct buf *b, const struct json *node);

/*
 * Append the pointer of the innermost value that holds this offset of a text,
 * as where json_parse stopped: what is before the offset must be good so far.
 */
void json_pointer_at(struct buf *b, span text, size_t offset);

/* Line and column (in bytes), both from 1, of an offset in a text. */
void json_line_of(span text, size_t offset, size_t *line, size_t *column);
