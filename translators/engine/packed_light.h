/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packed_light: members of MessagePack that stand as they did last time (learn.h), and
 * whose key alone is edited, if that; with short values, or with what is light: objects
 * of such members, and lists of those. The room's own, for a processor with AVX2.
 *
 * Each key goes out as the last one like it did, and its value behind it, both as they
 * are looked at, 32 bytes at once. So a member that gets another key costs what one does
 * that keeps its own, and what lies between two edits is nobody's to remember.
 */
#pragma once

#include "translators/engine/edit.h"
#include "translators/engine/lesson.h"
#include "translators/engine/wide_avx2.h"

/* Bytes of output that a key and a short value may take. */
#define MEMBER ((size_t)64)

/* How long a scalar is that is no short text, by its first byte; 0: it is none. */
static const uint8_t sizes[256] = {
    [0x00 ... 0x7F] = 1, [0xC0] = 1, [0xC2] = 1, [0xC3] = 1,
    [0xE0 ... 0xFF] = 1, [0xCA] = 5, [0xCB] = 9, [0xCC] = 2,
    [0xCD] = 3,          [0xCE] = 5, [0xCF] = 9, [0xD0] = 2,
    [0xD1] = 3,          [0xD2] = 5, [0xD3] = 9,
};

/* Behind the short scalar at `v`, of which 32 bytes may be read; NULL: it is none, or a
 * text with more than ASCII. */
ALWAYS const char *
behind_short(const char *v)
{
    /* What kind a member has is guessed well, how long its text is not: so no table is
     * waited for by what comes next. */
    unsigned text = (unsigned char)*v - 0xA0u;
    if (text < 32)
        return _bzhi_u32(bits_of(load32(v)) >> 1, text) ? NULL : v + text + 1;
    unsigned size = sizes[(unsigned char)*v];
    return size ? v + size : NULL;
}

ALWAYS void
store32(char *to, __m256i v)
{
    _mm256_storeu_si256((__m256i *)(void *)to, v);
}

/* Does what begins with these bytes begin with that key? */
ALWAYS bool
is_key(const struct engine_learnt *l, __m256i bytes)
{
    uint64_t same = bits_of(_mm256_cmpeq_epi8(bytes, load32(l->text)));
    return !(~same & l->mask);
}

/* ---- objects and members ------------------------------------------------------------ */

/* Where we are, in the object or list of `f`. */
struct run {
    struct engine_frame *f;
    const char *p; /* before its next key or element */
    char *o;
    struct engine_learnt *last; /* key */
    struct engine_learnt *l;    /* LEFT_MEMBER: the one that comes */
    uint64_t left;
    uint64_t seen; /* the first word of it */
};

/* Why a run is left. */
enum left {
    LEFT_DONE,   /* the object or list ends, or there is no room */
    LEFT_KEY,    /* another key, or not all of it */
    LEFT_MEMBER, /* more is to be done with it */
    LEFT_ELEMENT
};

/* Its frame, inside of `f`, for `n` members or elements behind the head at `v`. */
ALWAYS struct engine_frame *
enter(const struct engine *m, struct engine_frame *f, unsigned n,
      struct engine_learnt *head, bool is_object, const char *v)
{
    const struct engine_state *state = f->entry->child;
    uint32_t depth = f->depth + 1;
    f++;
    f->state = state;
    f->entry = NULL;
    memset(f->seen, 0, sizeof(f->seen));
    f->start = engine_offset(m, v);
    f->position = 0;
    f->depth = depth;
    f->is_object = is_object;
    f->wrote = true;
    f->mode = MODE_PLAIN;
    f->left = f->written = n;
    f->hole = (struct engine_hole){0};
    f->learns = true;
    f->head = head;
    f->learnt = is_object ? head : NULL;
    return f;
}

/*
 * Members whose key alone is edited, if that, with short values or with what is light:
 * most there are. Here nothing is called, so that all of it is in registers.
 */
ENGINE_AVX2_TARGET static __attribute__((noinline)) enum left
light_members(struct engine *m, struct run *r, const char *end)
{
    struct engine_frame *f = r->f;
    struct engine_frame *const deepest =
        m->frames_last - m->frames < (ptrdiff_t)m->depth_max
            ? m->frames_last
            : m->frames + m->depth_max;
    const char *p = r->p;
    char *o = r->o;
    const char *const full = m->o_end - 2 * MEMBER;
    struct engine_learnt *last = r->last;
    struct engine_learnt *l = NULL;
    struct engine_learnt *head = NULL;
    uint64_t left = r->left;
    uint64_t seen = r->seen | ENGINE_UNUSUAL;
    enum left why = LEFT_DONE;
    unsigned n = 0;

member:
    l = last->next;
    __m256i key = load32(p);
    if (UNLIKELY(!is_key(l, key))) {
        l = l->next;
        why = LEFT_KEY;
        if (!is_key(l, key))
            goto out;
    }
    const char *v = p + l->len;
    why = LEFT_MEMBER;
    if (UNLIKELY(seen & l->stops))
        goto out;
    size_t size = (unsigned char)*v - (size_t)0xA0;
    __m256i value = load32(v);
    if (size < 32) {
        if (UNLIKELY(_bzhi_u32(bits_of(value) >> 1, (unsigned)size)))
            goto out;
        size++;
    } else {
        /* How long it was last time is known at once: what comes next need not wait
         * for the table. */
        size = l->size;
        __asm__("" : "+r"(size));
        if (UNLIKELY(sizes[(unsigned char)*v] != size)) {
            size = sizes[(unsigned char)*v];
            if (!size)
                goto container;
            l->size = (uint8_t)size;
        }
    }
    if (UNLIKELY(v + size > end))
        goto out;
    seen |= l->stops;
    store32(o, load32(l->to));
    o += l->to_len;
    store32(o, value);
    o += size;
    p = v + size;
    last = l;
    why = LEFT_DONE;
    left--;
    if (left == 0)
        goto ended;
    if (LIKELY(o <= full))
        goto member;
    goto out;

container:
    n = (unsigned char)*v - 0x80u;
    if (n - 1 >= 31 || n == 16 || f == deepest || v >= end)
        goto out;
    head = n < 16 ? l->object : l->elements;
    if (!head)
        goto out;
    store32(o, load32(l->to));
    o += l->to_len;
    *o++ = *v;
    engine_at_member(f, l);
    f->left = left - 1;
    f->seen[0] |= (seen | l->stops) & ~ENGINE_UNUSUAL;
    f->wrote = true;
    f = enter(m, f, n & 15, head, n < 16, v);
    p = v + 1;
    left = n & 15;
    if (n >= 16) {
        last = NULL;
        goto element;
    }
opened:
    last = head;
    seen = ENGINE_UNUSUAL;
    if (LIKELY(p <= end && o <= full))
        goto member;
    why = LEFT_DONE;
    goto out;

element:
    n = (unsigned char)*p - 0x80u;
    why = LEFT_ELEMENT;
    if (n - 1 >= 15 || f == deepest || p >= end || o > full)
        goto out;
    f->left = left - 1;
    f->entry = f->state->each;
    f->position++;
    f->wrote = true;
    *o++ = *p;
    f = enter(m, f, n, head, true, p);
    p++;
    left = n;
    goto opened;

ended:
    if (!f->head->is_light || f[-1].mode != MODE_PLAIN || f - 1 == m->frames)
        goto out;
    if (f[-1].is_object) {
        if (!f[-1].learnt)
            goto out;
        f--;
        left = f->left;
        seen = f->seen[0] | ENGINE_UNUSUAL;
        last = f->learnt;
    } else {
        head = f[-1].head;
        if (!head)
            goto out;
        f--;
        left = f->left;
        last = NULL;
        seen = 0;
        if (left)
            goto element;
        if (!f[-1].is_object || !f[-1].learnt)
            goto out;
        f--;
        left = f->left;
        seen = f->seen[0] | ENGINE_UNUSUAL;
        last = f->learnt;
    }
    if (left == 0)
        goto ended;
    if (LIKELY(p <= end))
        goto member;
    why = LEFT_DONE;

out:
    if (last != r->last || f != r->f)
        f->wrote = true;
    r->f = f;
    r->p = p;
    r->o = o;
    r->last = last;
    r->l = l;
    r->left = left;
    r->seen = (seen & ~ENGINE_UNUSUAL) | (f->seen[0] & ENGINE_UNUSUAL);
    return why;
}
