/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forms: JSON or MessagePack, as a body comes and as it goes.
 */
#include "translators/program.h"

#include "proxy/base/hash.h"

bool
program_media_recodes(span media)
{
    enum media_kind kind = program_media_kind(media);
    /* A problem stays the JSON that it says it is (RFC 9457). */
    return kind == MEDIA_MSGPACK ||
           (kind == MEDIA_JSON && !span_is(media, "application/problem+json"));
}

bool
program_find_forms(struct arena *a, const struct message *m, span media,
                   struct program_forms *out)
{
    span to = {0};
    /* Of a stream of records none is MessagePack. */
    bool is_packed =
        !m->is_messages && program_media_kind(media) == MEDIA_MSGPACK;
    *out = (struct program_forms){is_packed, is_packed, {0}};
    if (m->to.len == 0 || m->is_messages || !program_media_recodes(media))
        return true;
    if (!program_media(a, m->to, &to))
        return false;
    if (!program_media_recodes(to))
        return true;
    out->goes_packed = program_media_kind(to) == MEDIA_MSGPACK;
    return out->goes_packed == is_packed || span_dup(a, m->to, &out->to);
}

bool
program_take_forms(struct arena *a, const struct program_forms *f,
                   struct program *p)
{
    bool recodes = f->comes_packed != f->goes_packed;
    bool changes = p->has_body || p->is_joint;
    if (!recodes && !(f->comes_packed && changes))
        return true;
    if (changes) {
        struct program *json = arena_alloc(a, sizeof(*json));
        if (!json)
            return false;
        *json = *p;
        /* These are told, and done, once. */
        json->n_declared = 0;
        json->has_head = p->is_joint;
        json->facts.comes_packed = f->comes_packed;
        json->facts.goes_packed = f->goes_packed;
        json->plan = NULL; /* it knows nothing of what is carried */
        p->json = json;
    }
    p->has_body = true;
    p->comes_packed = f->comes_packed;
    p->goes_packed = f->goes_packed;
    p->new_media = f->to;
    if (recodes)
        p->id = hash64_seeded(f->to, p->id);
    return true;
}
