/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/detect.h"

#include "routing/detect_parts.h"

#include <assert.h>

int
detect_find(const struct detect *d, span label)
{
    const struct detect_told *t = map_get(&d->labels, label);

    return t ? (int)(t - d->versions) : DETECT_NONE;
}

int
detect_labelled(const struct detect *d, span label, bool nocase)
{
    int version = detect_find(d, label);

    for (size_t i = 0; nocase && version < 0 && i < d->n_versions; i++)
        if (span_eq_nocase(d->versions[i].label, label))
            version = (int)i;
    if (version >= 0 && d->versions[version].is_internal)
        return DETECT_NONE;
    return version;
}

int
detect_dated(const struct detect *d, int32_t date)
{
    int best = DETECT_NONE;

    for (size_t i = 0; i < d->n_versions; i++) {
        const struct detect_told *t = &d->versions[i];
        if (t->is_internal || t->date == DETECT_NO_DATE || t->date > date)
            continue;
        if (best < 0 || t->date >= d->versions[best].date)
            best = (int)i;
    }
    return best;
}

bool
detect_media_label(const struct detect_way *way, span type, span *label)
{
    if (type.len <= way->before.len + way->after.len ||
        !span_eq_nocase(span_take(type, way->before.len), way->before) ||
        !span_eq_nocase(span_skip(type, type.len - way->after.len), way->after))
        return false;
    *label = span_take(span_skip(type, way->before.len),
                       type.len - way->before.len - way->after.len);
    return true;
}

span
detect_label(const struct detect *d, int version)
{
    assert(version >= 0 && (size_t)version < d->n_versions);
    return d->versions[version].label;
}

span
detect_known(const struct detect *d)
{
    return d->known;
}

const char *
detect_kind_name(enum detect_kind kind)
{
    switch (kind) {
#define X(name, word)                                                          \
    case DETECT_##name:                                                        \
        return word;
        DETECT_KINDS(X)
#undef X
    }
    return "";
}

const char *
detect_outcome_name(enum detect_outcome outcome)
{
    switch (outcome) {
#define X(name, doc)                                                           \
    case DETECT_##name:                                                        \
        return #name;
        DETECT_OUTCOMES(X)
#undef X
    }
    return "";
}

span
detect_spoken_field(const struct detect *d, const struct detect_result *r)
{
    bool is_mute = r->outcome == DETECT_ASSUMED ||
                   (r->outcome == DETECT_SPOKEN &&
                    (r->kind == DETECT_CLIENT || r->kind == DETECT_PIN));

    for (size_t i = 0; is_mute && i < d->n_ways; i++)
        if (d->ways[i].kind == DETECT_HEADER)
            return d->ways[i].name;
    return (span){0};
}

span
detect_echo(const struct detect *d)
{
    return d->echo;
}

span
detect_vary(const struct detect *d, const struct detect_result *r)
{
    size_t i = d->n_ways;

    if (d->n_ways == 0 || r->outcome == DETECT_PREFLIGHT)
        return (span){0};
    /* Where all must agree, all were looked at; and where nothing spoke. */
    if (r->source >= 0 && !d->agree)
        i = (size_t)r->source + 1;
    return d->ways[i - 1].vary;
}

void
detect_notice(const struct detect *d, int version, int64_t now_s,
              struct detect_notice *out)
{
    assert(version >= 0 && (size_t)version < d->n_versions);

    const struct detect_told *t = &d->versions[version];
    *out = t->notice;
    out->is_gone = t->sunset != DETECT_NO_DATE &&
                   now_s >= (int64_t)t->sunset * DETECT_DAY_S;
}
