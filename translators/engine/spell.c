/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/engine/spell.h"

#include "translators/engine/packed.h"

#include "proxy/base/utf8.h"
#include "translators/json/text.h"
#include "translators/json/tree.h"
#include "translators/msgpack/number.h"
#include "translators/msgpack/plain.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

const char *
engine_find_bad_part(const char *p, size_t n)
{
    size_t good = utf8_good(span_of(p, n));
    return good < n ? p + good : NULL;
}

/* Room for `n` more bytes. */
MUST_CHECK static inline bool
has_room(struct engine *m, size_t n)
{
    return LIKELY((size_t)(m->o_end - m->o) >= n + ENGINE_SLACK) ||
           engine_grow(m, n);
}

/* ---- JSON ------------------------------------------------------------------------ */

static bool
escape(struct engine *m, span text)
{
    struct buf *b = &m->scratch[0];
    buf_clear(b);
    json_escape(b, text);
    if (buf_failed(b))
        return engine_fail(m, ENGINE_NO_ROOM, text.at);
    return engine_put_exactly(m, b->bytes + b->start, buf_len(b));
}

bool
engine_spell_part(struct engine *m, span text)
{
    if (plain_text(text, PLAIN_UTF8) < text.len)
        return escape(m, text);
    return engine_put_exactly(m, text.at, text.len);
}

/* Does a text of at most 32 bytes, of which 32 may be read, stand as it is? */
static inline bool
is_short_plain(span text)
{
#if defined(__SSE2__)
    const __m128i control = _mm_set1_epi8(0x1F);
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i slash = _mm_set1_epi8('\\');
    uint64_t special = 0;
    for (unsigned i = 0; i < 32; i += 16) {
        __m128i v = _mm_loadu_si128((const void *)(text.at + i));
        __m128i is = _mm_or_si128(
            _mm_cmpeq_epi8(_mm_min_epu8(v, control), v),
            _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)));
        special |= (uint64_t)(uint32_t)_mm_movemask_epi8(is) << i;
    }
    return !(special & (((uint64_t)1 << text.len) - 1));
#else
    return plain_text(text, PLAIN_UTF8) == text.len;
#endif
}

bool
engine_spell_text(struct engine *m, span text)
{
    if (LIKELY(text.len <= 32 && text.at <= m->last && is_short_plain(text))) {
        if (!has_room(m, 34))
            return false;
        *m->o = '"';
        memcpy(m->o + 1, text.at, 32);
        m->o[text.len + 1] = '"';
        m->o += text.len + 2;
        return true;
    }
    if (UNLIKELY(plain_text(text, PLAIN_UTF8) < text.len))
        return engine_spell_byte(m, '"') && escape(m, text) &&
               engine_spell_byte(m, '"');
    if (!has_room(m, text.len + 2))
        return false;
    *m->o++ = '"';
    if (text.len)
        memcpy(m->o, text.at, text.len);
    m->o += text.len;
    *m->o++ = '"';
    return true;
}

bool
engine_spell_key(struct engine *m, bool has_others, span text)
{
    return (!has_others || engine_spell_byte(m, ',')) &&
           engine_spell_text(m, text) && engine_spell_byte(m, ':');
}

bool
engine_spell_to(struct engine *m, bool has_others, span to)
{
    return (!has_others || engine_spell_byte(m, ',')) &&
           engine_put(m, to.at, to.len) && engine_spell_byte(m, ':');
}

bool
engine_spell_scalar(struct engine *m, const char *p, bool is_written)
{
    unsigned char c = (unsigned char)*p;
    if (c >= 0xC0 && c <= 0xC3) {
        static const char words[][ENGINE_PAD] = {"null", "", "false", "true"};
        return !is_written ||
               engine_put(m, words[c - 0xC0], strlen(words[c - 0xC0]));
    }
    if (!has_room(m, NUMBER_TEXT_MAX))
        return false;
    size_t n = number_unpack(p, m->o);
    if (!n)
        return engine_fail(m, ENGINE_NO_FORM, p);
    m->o += is_written ? n : 0;
    return true;
}

/* ---- MessagePack ----------------------------------------------------------------- */

static bool
pack_decoded(struct engine *m, span raw)
{
    bool clean = true;
    if (!has_room(m, raw.len + MSGPACK_HEAD_MAX))
        return false;
    char *text = m->o + MSGPACK_HEAD_MAX;
    size_t len = json_text_decode(raw, text, &clean);
    if (!clean)
        return engine_fail(m, ENGINE_SURROGATE, raw.at);
    m->o += msgpack_put_head(m->o, MSGPACK_TEXT, (uint32_t)len);
    memmove(m->o, text, len);
    m->o += len;
    return true;
}

bool
engine_pack_text(struct engine *m, const char *p, const char *q, bool escaped)
{
    span raw = span_of(p + 1, (size_t)(q - p) - 2);
    if (raw.len > m->held_max)
        return engine_fail(m, ENGINE_TOO_LONG, p);
    if (UNLIKELY(escaped))
        return pack_decoded(m, raw);
    if (!has_room(m, raw.len + MSGPACK_HEAD_MAX))
        return false;
    m->o += msgpack_put_head(m->o, MSGPACK_TEXT, (uint32_t)raw.len);
    memcpy(m->o, raw.at, raw.len);
    m->o += raw.len;
    return true;
}

bool
engine_pack_token(struct engine *m, const char *p, const char *q, bool escaped)
{
    size_t n = 1;
    if (!has_room(m, MSGPACK_HEAD_MAX))
        return false;
    switch (*p) {
    case '"':
        return engine_pack_text(m, p, q, escaped);
    case 'n':
        *m->o = (char)0xC0;
        break;
    case 'f':
        *m->o = (char)0xC2;
        break;
    case 't':
        *m->o = (char)0xC3;
        break;
    default:
        if (!number_pack(span_of(p, (size_t)(q - p)), m->o, &n))
            return engine_fail(m, ENGINE_NO_FORM, p);
    }
    m->o += n;
    return true;
}

/* ---- a scalar that was read ------------------------------------------------------ */

bool
engine_spell_read(struct engine *m, span json, const char *p)
{
    if (!m->program->is_packed)
        return engine_put_exactly(m, json.at, json.len);
    struct buf *b = &m->scratch[0];
    buf_clear(b);
    if (!engine_pack_scalar(json, b))
        return engine_fail(m, ENGINE_NO_FORM, p);
    if (buf_failed(b))
        return engine_fail(m, ENGINE_NO_ROOM, p);
    return engine_put_exactly(m, b->bytes + b->start, buf_len(b));
}
