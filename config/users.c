/* SPDX-License-Identifier: Apache-2.0 */
/*
 * users: who may do what on the admin socket, by the kernel's word for who asks.
 */
#include "config/loader.h"

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

    if (reader_count(r, value, UINT32_MAX - 1, &uid))
        reading->user->uid = (uint32_t)uid;
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
        else if (!span_is(roles[i], "viewer"))
            yaml_problem(r->problems, value->items[i],
                         "`%.*s` is not viewer, operator or approver",
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

static void
check_twice(struct loader *l, const struct yaml *node,
            const struct gen_user *users, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (users[j].uid == users[i].uid ||
            span_eq(users[j].name, users[i].name))
            yaml_problem(l->r.problems, node,
                         "two users have the same name or uid");
}

void
load_users(struct loader *l, const struct yaml *node)
{
    static const struct reader_word words[] = {{"name", read_name, true},
                                               {"uid", read_uid, true},
                                               {"roles", read_roles, true},
                                               {"groups", read_groups, false}};

    if (!node || !reader_is_list(&l->r, node, "`users`"))
        return;
    struct gen_user *users = reader_array(&l->r, node, node->n, sizeof(*users));
    for (size_t i = 0; users && i < node->n; i++) {
        struct user_reading reading = {.l = l, .user = &users[i]};
        reader_map(&l->r, node->items[i], "a user", words, COUNT(words),
                   &reading);
        check_twice(l, node->items[i], users, i);
    }
    l->g->users = users;
    l->g->n_users = users ? node->n : 0;
}
