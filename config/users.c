/* SPDX-License-Identifier: Apache-2.0 */
/*
 * users: who may do what on the admin API, and how he is known: on the socket by
 * the kernel's word, over TLS by a token or a certificate's name.
 */
#include "config/loader.h"

#include "proxy/base/hex.h"

#define NAME_MAX_BYTES 63u /* an approval has room for so many */
#define TOKENS_MAX                                                             \
    8u /* of one user: the old one while the new one goes round */

struct user_reading {
    struct loader *l;
    struct gen_user *user;
};

static void
read_name(struct reader *r, const struct yaml *value, void *self)
{
    struct user_reading *reading = self;

    reader_text(r, value, &reading->user->name);
}

static void
read_uid(struct reader *r, const struct yaml *value, void *self)
{
    struct user_reading *reading = self;
    uint64_t uid;

    if (!reader_count(r, value, UINT32_MAX - 1, &uid))
        return;
    reading->user->uid = (uint32_t)uid;
    reading->user->has_uid = true;
}

static void
read_certificate(struct reader *r, const struct yaml *value, void *self)
{
    struct user_reading *reading = self;

    reader_text(r, value, &reading->user->certificate);
}

static bool
read_token(const struct user_reading *reading, const struct yaml *value,
           uint8_t out[GEN_TOKEN_BYTES])
{
    static const span prefix = {"sha256:", 7};
    span text;

    if (!reader_text(&reading->l->r, value, &text))
        return false;
    if (span_starts(text, prefix) &&
        hex_take(span_skip(text, prefix.len), out, GEN_TOKEN_BYTES))
        return true;
    /* It may be a token: it is not repeated here. */
    yaml_problem(reading->l->r.problems, value,
                 "a token stands here as its SHA-256: `sha256:` and 64 "
                 "hexadecimal digits in lower case");
    problem_remedy(reading->l->r.problems,
                   "make one with `stile token new`, which prints both");
    return false;
}

static void
read_tokens(struct reader *r, const struct yaml *value, void *self)
{
    struct user_reading *reading = self;
    uint8_t(*tokens)[GEN_TOKEN_BYTES];

    if (!reader_is_list(r, value, "`tokens`"))
        return;
    if (value->n > TOKENS_MAX) {
        yaml_problem(r->problems, value, "a user has at most %u tokens",
                     TOKENS_MAX);
        return;
    }
    tokens = reader_array(r, value, value->n, sizeof(*tokens));
    for (size_t i = 0; tokens && i < value->n; i++)
        if (read_token(reading, value->items[i],
                       tokens[reading->user->n_tokens]))
            reading->user->n_tokens++;
    reading->user->tokens = (const uint8_t(*)[GEN_TOKEN_BYTES])tokens;
}

static void
read_roles(struct reader *r, const struct yaml *value, void *self)
{
    struct user_reading *reading = self;
    size_t n;
    const span *roles = loader_names(reading->l, value, "`roles`", &n);

    for (size_t i = 0; roles && i < n; i++) {
        if (span_is(roles[i], "operator"))
            reading->user->is_operator = true;
        else if (span_is(roles[i], "approver"))
            reading->user->is_approver = true;
        else if (span_is(roles[i], "break-glass"))
            reading->user->may_break_glass = true;
        else if (!span_is(roles[i], "viewer"))
            yaml_problem(r->problems, value->items[i],
                         "`%.*s` is not viewer, operator, approver or "
                         "break-glass",
                         SPAN_FMT(roles[i]));
    }
}

static void
read_groups(struct reader *r, const struct yaml *value, void *self)
{
    struct user_reading *reading = self;

    (void)r;
    reading->user->groups =
        loader_names(reading->l, value, "`groups`", &reading->user->n_groups);
}

static bool
share_a_token(const struct gen_user *a, const struct gen_user *b)
{
    for (size_t i = 0; i < a->n_tokens; i++)
        for (size_t j = 0; j < b->n_tokens; j++)
            if (memcmp(a->tokens[i], b->tokens[j], GEN_TOKEN_BYTES) == 0)
                return true;
    return false;
}

static bool
is_twice(const struct gen_user *a, const struct gen_user *b)
{
    return span_eq(a->name, b->name) ||
           (a->has_uid && b->has_uid && a->uid == b->uid) ||
           (a->certificate.len && span_eq(a->certificate, b->certificate)) ||
           share_a_token(a, b);
}

static void
check_user(struct loader *l, const struct yaml *node,
           const struct gen_user *users, size_t i)
{
    const struct gen_user *user = &users[i];

    for (size_t j = 0; j < i; j++)
        if (is_twice(&users[j], user)) {
            yaml_problem(l->r.problems, node,
                         "two users have the same name, uid, token or "
                         "certificate");
            return;
        }
    /* The journal has these names for what nobody asked for. */
    if (span_is(user->name, "control") || span_is(user->name, "config"))
        yaml_problem(l->r.problems, node, "`%.*s` is no name for a user",
                     SPAN_FMT(user->name));
    if (user->name.len > NAME_MAX_BYTES)
        yaml_problem(l->r.problems, node, "a user's name has at most %u bytes",
                     NAME_MAX_BYTES);
    if (user->may_break_glass && !user->is_operator)
        yaml_problem(l->r.problems, node,
                     "who may break the glass is an operator: say both");
    if (!user->has_uid && !user->n_tokens && !user->certificate.len)
        yaml_problem(l->r.problems, node,
                     "nothing says who this is: a user has a uid, tokens or a "
                     "certificate");
}

void
load_users(struct loader *l, const struct yaml *node)
{
    static const struct reader_word words[] = {
        {"name", read_name, true},
        {"uid", read_uid, false},
        {"tokens", read_tokens, false},
        {"certificate", read_certificate, false},
        {"roles", read_roles, true},
        {"groups", read_groups, false}};

    if (!node || !reader_is_list(&l->r, node, "`users`"))
        return;
    struct gen_user *users = reader_array(&l->r, node, node->n, sizeof(*users));
    for (size_t i = 0; users && i < node->n; i++) {
        struct user_reading reading = {.l = l, .user = &users[i]};
        reader_map(&l->r, node->items[i], "a user", words, COUNT(words),
                   &reading);
        check_user(l, node->items[i], users, i);
    }
    l->g->users = users;
    l->g->n_users = users ? node->n : 0;
}
