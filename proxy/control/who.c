/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/who.h"

#include "certs/digest.h"

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

static_assert(DIGEST_SHA256 == GEN_TOKEN_BYTES, "what a token is known by");

static void
become(const struct gen_user *user, struct who *out)
{
    out->user = user;
    out->is_operator = user->is_operator;
    out->is_approver = user->is_approver;
    out->may_break_glass = user->may_break_glass;
    (void)snprintf(out->actor, sizeof(out->actor), "%.*s",
                   SPAN_FMT(user->name));
}

void
who_is_local(const struct generation *gen, uid_t uid, struct who *out)
{
    bool is_ours = uid == 0 || uid == geteuid();

    *out = (struct who){.is_operator = is_ours, .may_break_glass = is_ours};
    for (size_t i = 0; i < gen->n_users; i++)
        if (gen->users[i].has_uid && gen->users[i].uid == uid) {
            become(&gen->users[i], out);
            return;
        }
    (void)snprintf(out->actor, sizeof(out->actor), "uid:%u%s", (unsigned)uid,
                   uid == 0 ? " (root)" : "");
}

/* "Bearer TOKEN" (RFC 6750 §2.1). Empty: it is something else. */
static span
token_of(const struct field *authorization)
{
    span rest = authorization->value;
    span scheme = span_cut(&rest, ' ');

    return span_eq_nocase(scheme, SPAN("Bearer")) ? span_trim(rest) : (span){0};
}

/* All are compared, each whole: the time says nothing of which was near. */
static const struct gen_user *
user_of_token(const struct generation *gen, span token)
{
    uint8_t hash[DIGEST_SHA256];
    const struct gen_user *found = NULL;

    digest_sha256(token, hash);
    for (size_t i = 0; i < gen->n_users; i++)
        for (size_t j = 0; j < gen->users[i].n_tokens; j++)
            if (digest_equal(span_of((const char *)hash, sizeof(hash)),
                             span_of((const char *)gen->users[i].tokens[j],
                                     GEN_TOKEN_BYTES)))
                found = &gen->users[i];
    return found;
}

static const struct gen_user *
user_of_certificate(const struct generation *gen, span name)
{
    for (size_t i = 0; i < gen->n_users; i++)
        if (gen->users[i].certificate.len &&
            span_eq(gen->users[i].certificate, name))
            return &gen->users[i];
    return NULL;
}

static bool
refuse(struct who_refusal *no, int status, const char *text)
{
    *no = (struct who_refusal){.status = status, .text = text};
    return false;
}

static bool
by_token(const struct generation *gen, struct tries *tries,
         const struct who_ask *ask, const struct field *authorization,
         struct who *out, struct who_refusal *no)
{
    uint64_t wait_ms = tries_wait_ms(tries, ask->address, ask->now_ms);
    span token = token_of(authorization);

    if (wait_ms) {
        (void)refuse(no, 429, "five tokens from there were wrong: wait");
        no->retry_after_s = (unsigned)((wait_ms + 999) / 1000);
        return false;
    }
    const struct gen_user *user = token.len ? user_of_token(gen, token) : NULL;
    if (!user) {
        tries_wrong(tries, ask->address, ask->now_ms);
        return refuse(no, 401, "this is nobody's token");
    }
    become(user, out);
    return true;
}

bool
who_is_remote(const struct generation *gen, struct tries *tries,
              const struct who_ask *ask, struct who *out,
              struct who_refusal *no)
{
    const struct field *authorization =
        head_find(ask->head, FIELD_AUTHORIZATION);

    *out = (struct who){.actor = "nobody"};
    if (authorization)
        return by_token(gen, tries, ask, authorization, out, no);
    if (!ask->certificate.len)
        return refuse(no, 401, "who asks? show a token or a certificate");
    const struct gen_user *user = user_of_certificate(gen, ask->certificate);
    if (!user)
        return refuse(no, 403, "this certificate is no user's");
    become(user, out);
    return true;
}
