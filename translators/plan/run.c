/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: a program over the bytes of one body.
 *
 * A token loop with its own stack. `at` is always the start of a token that is
 * not yet done, `copied` what of the body is in the output or cut out of it, so
 * a run may stop anywhere and go on with more bytes. What no key of a program
 * names is never looked at twice: its bytes are copied with those around them.
 */
#include "translators/plan/program.h"

#include "proxy/base/utf8.h"
#include "translators/json/tree.h"

#include <assert.h>

enum wanted {
    WANT_VALUE,
    WANT_FIRST_VALUE, /* or `]` */
    WANT_FIRST_KEY,   /* or `}` */
    WANT_KEY,
    WANT_COLON,
    WANT_AFTER, /* a comma, a closing bracket, or the end */
};

struct level {
    const struct plan_state *state; /* OBJECT: its own; LIST: its elements' */
    const struct plan_key *key;     /* of the member at hand, or NULL */
    uint64_t seen;
    size_t start;
    bool is_object;
    bool wrote; /* a member is in the output */
};

struct plan_run {
    const struct plan_entry *entry;
    struct buf *out;
    size_t *counts; /* by tell */
    size_t *firsts;
    size_t depth_max;
    size_t depth; /* levels in use; levels[0] is around the document */
    size_t at;
    size_t copied;
    size_t last_end; /* of the last value, or behind the opening bracket */
    enum wanted wanted;
    bool started;
    struct level levels[];
};

struct plan_run *
plan_run_new(struct arena *a, const struct plan_entry *entry, size_t depth_max,
             struct buf *out)
{
    size_t depth = depth_max < JSON_DEPTH_MAX ? depth_max : JSON_DEPTH_MAX;
    struct plan_run *r =
        arena_alloc(a, sizeof(*r) + (depth + 1) * sizeof(r->levels[0]));
    if (!r)
        return NULL;
    r->counts = arena_array(a, entry->n_tells + 1, sizeof(*r->counts));
    r->firsts = arena_array(a, entry->n_tells + 1, sizeof(*r->firsts));
    if (!r->counts || !r->firsts)
        return NULL;
    r->entry = entry;
    r->out = out;
    r->depth_max = depth;
    return r;
}

bool
plan_run_notice(const struct plan_run *r, size_t i, struct plan_notice *out)
{
    if (i >= r->entry->n_tells)
        return false;
    *out = (struct plan_notice){.is_filled = r->entry->tells[i].is_filled,
                                .origin = r->entry->tells[i].origin,
                                .at = r->firsts[i],
                                .n = r->counts[i]};
    return true;
}

static void
tell(struct plan_run *r, size_t i, size_t at)
{
    if (!r->counts[i]++ || at < r->firsts[i])
        r->firsts[i] = at;
}

/* ---- tokens ------------------------------------------------------------------
 * Each returns where the token ends, SHORT if the bytes end first, or WRONG. */

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "the lowest byte of a word is the first");

#define SHORT ((size_t)-1)
#define WRONG ((size_t)-2)
#define ONES  0x0101010101010101u
#define TOPS  0x8080808080808080u

/* A bit in the top of each byte that is a quote, a backslash, a control or not
 * ASCII; bytes above the lowest such one may be told too many. */
static inline uint64_t
special(uint64_t w)
{
    uint64_t quote = w ^ (ONES * '"');
    uint64_t slash = w ^ (ONES * '\\');
    return (((quote - ONES) | (slash - ONES) | (w - ONES * 0x20)) | w) & TOPS;
}

static inline size_t
skip_plain(const char *b, size_t i, size_t len)
{
    while (i + 8 <= len) {
        uint64_t w;
        memcpy(&w, b + i, 8);
        uint64_t s = special(w);
        if (s)
            return i + (size_t)__builtin_ctzll(s) / 8;
        i += 8;
    }
    return i;
}

static size_t
skip_escape(const char *b, size_t i, size_t len)
{
    if (i >= len)
        return SHORT;
    if (b[i] != 'u')
        return b[i] && strchr("\"\\/bfnrt", b[i]) ? i + 1 : WRONG;
    for (size_t k = 1; k <= 4; k++) {
        if (i + k >= len)
            return SHORT;
        char c = b[i + k];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
              (c >= 'A' && c <= 'F')))
            return WRONG;
    }
    return i + 5;
}

/* `i` is behind the opening quote. */
static inline size_t
skip_text(const char *b, size_t i, size_t len, bool *escaped)
{
    for (;;) {
        i = skip_plain(b, i, len);
        if (i >= len)
            return SHORT;
        unsigned char c = (unsigned char)b[i];
        if (c == '"')
            return i + 1;
        if (c == '\\') {
            *escaped = true;
            i = skip_escape(b, i + 1, len);
            if (i >= WRONG)
                return i;
            continue;
        }
        if (c < 0x20)
            return WRONG;
        size_t n = c < 0x80 ? 1 : utf8_char(span_of(b + i, len - i));
        if (n == 0) /* not whole yet, or not UTF-8: with 4 bytes it is known */
            return len - i < 4 ? SHORT : WRONG;
        i += n;
    }
}

static inline size_t
skip_digits(const char *b, size_t i, size_t len)
{
    while (i < len && b[i] >= '0' && b[i] <= '9')
        i++;
    return i;
}

/* One digit at least. */
static inline size_t
need_digits(const char *b, size_t i, size_t len)
{
    size_t end = skip_digits(b, i, len);
    if (end > i)
        return end;
    return i >= len ? SHORT : WRONG;
}

/* Whether a number that reaches the end of the bytes is whole, the caller says. */
static size_t
skip_number(const char *b, size_t i, size_t len)
{
    i += b[i] == '-';
    i = i < len && b[i] == '0' ? i + 1 : need_digits(b, i, len);
    if (i < len && b[i] == '.')
        i = need_digits(b, i + 1, len);
    if (i < len && (b[i] == 'e' || b[i] == 'E')) {
        i++;
        i += i < len && (b[i] == '+' || b[i] == '-');
        i = need_digits(b, i, len);
    }
    return i;
}

static size_t
skip_word(const char *b, size_t i, size_t len)
{
    span word = b[i] == 't'   ? SPAN("true")
                : b[i] == 'f' ? SPAN("false")
                              : SPAN("null");
    size_t n = len - i < word.len ? len - i : word.len;
    if (memcmp(b + i, word.at, n) != 0)
        return WRONG;
    return n < word.len ? SHORT : i + n;
}

static inline size_t
skip_space(const char *b, size_t i, size_t len)
{
    while (i < len &&
           (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t'))
        i++;
    return i;
}

/* ---- output ---------------------------------------------------------------- */

static inline void
copy_to(struct plan_run *r, const char *b, size_t to)
{
    if (to > r->copied)
        buf_add(r->out, span_of(b + r->copied, to - r->copied));
    r->copied = to;
}

/* What is written instead of the bytes from `start` to `end`. */
static inline void
replace(struct plan_run *r, const char *b, size_t start, size_t end, span with)
{
    copy_to(r, b, start);
    buf_add(r->out, with);
    r->copied = end;
}

/* ---- keys -------------------------------------------------------------------- */

static inline const struct plan_key *
find_key(const struct plan_state *s, const char *at, size_t len)
{
    for (uint64_t h = plan_hash(at, len);; h++) {
        uint16_t slot = s->slots[h & s->mask];
        if (!slot)
            return NULL;
        const struct plan_key *k = &s->keys[slot - 1];
        if (k->key.len == len && memcmp(k->key.at, at, len) == 0)
            return k;
    }
}

/* A key of a known object, from quote to quote. False: aside. */
static bool
take_key(struct plan_run *r, struct level *l, const char *b, size_t end)
{
    const struct plan_key *k =
        find_key(l->state, b + r->at + 1, end - r->at - 2);
    l->key = k;
    if (!k) {
        l->wrote = true;
        return true;
    }
    uint64_t bit = (uint64_t)1 << k->bit;
    if (k->aside || l->seen & bit)
        return false;
    l->seen |= bit;
    if (k->drop) {
        copy_to(r, b, l->wrote ? r->last_end : r->at);
        return true;
    }
    l->wrote = true;
    if (k->to.len)
        replace(r, b, r->at, end, k->to);
    return true;
}

/* ---- values ------------------------------------------------------------------ */

/* A scalar that a key speaks of. False: aside. */
static bool
take_scalar(struct plan_run *r, const struct plan_key *k, const char *b,
            size_t end, bool escaped)
{
    span is = span_of(b + r->at, end - r->at);
    if (escaped && (k->has_rows || k->has_same))
        return false;
    if (k->drop) {
        if (!k->has_same || !span_eq(is, k->same))
            tell(r, k->notice, r->at);
        r->copied = end;
        return true;
    }
    for (size_t i = 0; i < k->n_rows; i++) {
        if (!span_eq(is, k->rows[i].from))
            continue;
        if (k->rows[i].to.len)
            replace(r, b, r->at, end, k->rows[i].to);
        return k->rows[i].to.len != 0;
    }
    return !k->has_rows || k->passes;
}

/* What is known of the value that comes next. */
static inline const struct plan_state *
state_of_value(const struct level *l)
{
    if (l->is_object)
        return l->key ? l->key->child : NULL;
    return l->state;
}

/* Open a container. False: aside. */
static inline bool
push(struct plan_run *r, bool is_object)
{
    struct level *l = &r->levels[r->depth];
    const struct plan_state *s = state_of_value(l);
    if (r->depth == r->depth_max)
        return false;
    if (l->key && (l->key->has_rows ||
                   (l->key->has_same && strchr("[{", l->key->same.at[0]))))
        return false; /* a symbol, or a whole value to be compared with another */
    if (s && is_object && s->aside_object)
        return false;
    if (l->key && l->key->drop)
        tell(r, l->key->notice, r->at);
    l[1] = (struct level){.state = s && !is_object ? s->each : s,
                          .start = r->at,
                          .is_object = is_object};
    r->depth++;
    r->at++;
    r->last_end = r->at;
    r->wanted = is_object ? WANT_FIRST_KEY : WANT_FIRST_VALUE;
    return true;
}

/* A value has ended in front of r->at. */
static inline void
end_value(struct plan_run *r)
{
    struct level *l = &r->levels[r->depth];
    if (l->key && l->key->drop)
        r->copied = r->at;
    l->key = NULL;
    r->last_end = r->at;
    r->wanted = WANT_AFTER;
}

static void
write_fills(struct plan_run *r, struct level *l, const char *b)
{
    const struct plan_state *s = l->state;
    for (size_t i = 0; i < s->n_fills; i++) {
        const struct plan_fill *f = &s->fills[i];
        if (l->seen & f->unless)
            continue;
        for (size_t k = 0; k < f->n_notices; k++)
            tell(r, f->notices[k], l->start);
        if (!f->member.len)
            continue;
        copy_to(r, b, r->copied > r->last_end ? r->copied : r->last_end);
        if (l->wrote)
            buf_byte(r->out, ',');
        buf_add(r->out, f->member);
        l->wrote = true;
    }
}

static inline void
pop(struct plan_run *r, const char *b)
{
    struct level *l = &r->levels[r->depth];
    if (l->is_object && l->state && l->state->n_fills)
        write_fills(r, l, b);
    r->depth--;
    r->at++;
    end_value(r);
}

/* ---- the loop: each step returns PLAN_DONE for "go on" ------------------------- */

static inline enum plan_step
step_text(struct plan_run *r, const char *b, size_t len, bool is_end,
          size_t *end, bool *escaped)
{
    *end = skip_text(b, r->at + 1, len, escaped);
    if (*end == SHORT)
        return is_end ? PLAN_ASIDE : PLAN_MORE;
    return *end == WRONG ? PLAN_ASIDE : PLAN_DONE;
}

static inline enum plan_step
step_scalar(struct plan_run *r, const char *b, size_t len, bool is_end)
{
    bool escaped = false;
    size_t end = 0;
    char c = b[r->at];
    if (c == '"')
        end = skip_text(b, r->at + 1, len, &escaped);
    else if (c == '-' || (c >= '0' && c <= '9'))
        end = skip_number(b, r->at, len);
    else if (c == 't' || c == 'f' || c == 'n')
        end = skip_word(b, r->at, len);
    else
        return PLAN_ASIDE;
    if (end == WRONG)
        return PLAN_ASIDE;
    bool open_end = end == len && (c == '-' || (c >= '0' && c <= '9'));
    if (end == SHORT || (open_end && !is_end))
        return is_end ? PLAN_ASIDE : PLAN_MORE;
    const struct plan_key *k = r->levels[r->depth].key;
    if (k && !take_scalar(r, k, b, end, escaped))
        return PLAN_ASIDE;
    r->at = end;
    end_value(r);
    return PLAN_DONE;
}

static inline enum plan_step
step_value(struct plan_run *r, const char *b, size_t len, bool is_end)
{
    switch (b[r->at]) {
    case '{':
        return push(r, true) ? PLAN_DONE : PLAN_ASIDE;
    case '[':
        return push(r, false) ? PLAN_DONE : PLAN_ASIDE;
    case ']':
        if (r->wanted != WANT_FIRST_VALUE)
            return PLAN_ASIDE;
        pop(r, b);
        return PLAN_DONE;
    default:
        return step_scalar(r, b, len, is_end);
    }
}

static inline enum plan_step
step_key(struct plan_run *r, const char *b, size_t len, bool is_end)
{
    struct level *l = &r->levels[r->depth];
    bool escaped = false;
    size_t end = 0;
    if (b[r->at] == '}' && r->wanted == WANT_FIRST_KEY) {
        pop(r, b);
        return PLAN_DONE;
    }
    if (b[r->at] != '"')
        return PLAN_ASIDE;
    enum plan_step step = step_text(r, b, len, is_end, &end, &escaped);
    if (step != PLAN_DONE)
        return step;
    if (l->state && (escaped || !take_key(r, l, b, end)))
        return PLAN_ASIDE;
    r->at = end;
    r->wanted = WANT_COLON;
    return PLAN_DONE;
}

static inline enum plan_step
step_after(struct plan_run *r, const char *b)
{
    struct level *l = &r->levels[r->depth];
    char c = b[r->at];
    if (r->depth == 0)
        return PLAN_ASIDE; /* more behind the document */
    if (c == ',') {
        r->at++;
        if (l->is_object && l->state && !l->wrote)
            r->copied =
                r->at; /* those before it are dropped: so is the comma */
        r->wanted = l->is_object ? WANT_KEY : WANT_VALUE;
        return PLAN_DONE;
    }
    if (c != (l->is_object ? '}' : ']'))
        return PLAN_ASIDE;
    pop(r, b);
    return PLAN_DONE;
}

static inline enum plan_step
step_colon(struct plan_run *r, const char *b)
{
    if (b[r->at] != ':')
        return PLAN_ASIDE;
    r->at++;
    r->wanted = WANT_VALUE;
    return PLAN_DONE;
}

static inline enum plan_step
step(struct plan_run *r, const char *b, size_t len, bool is_end)
{
    switch (r->wanted) {
    case WANT_VALUE:
    case WANT_FIRST_VALUE:
        return step_value(r, b, len, is_end);
    case WANT_FIRST_KEY:
    case WANT_KEY:
        return step_key(r, b, len, is_end);
    case WANT_COLON:
        return step_colon(r, b);
    case WANT_AFTER:
        return step_after(r, b);
    }
    return PLAN_ASIDE;
}

enum plan_step
plan_run_feed(struct plan_run *r, span body, bool is_end)
{
    if (!r->started) {
        r->levels[0] = (struct level){.state = r->entry->state};
        r->started = true;
    }
    for (;;) {
        r->at = skip_space(body.at, r->at, body.len);
        if (r->at >= body.len)
            break;
        enum plan_step done = step(r, body.at, body.len, is_end);
        if (done != PLAN_DONE)
            return done;
    }
    if (buf_failed(r->out))
        return PLAN_ASIDE;
    if (!is_end)
        return PLAN_MORE;
    if (r->depth || r->wanted != WANT_AFTER)
        return PLAN_ASIDE;
    copy_to(r, body.at, body.len);
    return buf_failed(r->out) ? PLAN_ASIDE : PLAN_DONE;
}
