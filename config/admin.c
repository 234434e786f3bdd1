/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin: where the admin API is, and who may use it.
 */
#include "config/loader.h"

static void
read_socket(struct reader *r, const struct yaml *value, void *self)
{
    struct loader *l = self;
    span text;

    if (!reader_text(r, value, &text))
        return;
    l->g->admin_socket = span_str(reader_path(r, value, text));
    if (l->g->admin_socket.len <= 100)
        return;
    yaml_problem(r->problems, value,
                 "the admin socket's path is longer than 100 bytes");
    problem_remedy(r->problems, "the kernel allows no more; shorten it");
}

static void
read_users(struct reader *r, const struct yaml *value, void *self)
{
    (void)r;
    load_users(self, value);
}

static void
read_at(struct reader *r, const struct yaml *value, void *self)
{
    struct loader *l = self;

    (void)r;
    l->g->has_remote = loader_address(l, value, false, &l->g->remote);
}

static void
read_tls(struct reader *r, const struct yaml *value, void *self)
{
    struct loader *l = self;

    (void)r;
    l->g->remote_tls = load_tls(l, value, true);
}

static void
read_listen(struct reader *r, const struct yaml *value, void *self)
{
    static const struct reader_word words[] = {{"at", read_at, true},
                                               {"tls", read_tls, true}};

    reader_map(r, value, "`admin.listen`", words, COUNT(words), self);
}

/* Who comes over the network is nobody until a user is known by a token or a
 * certificate. */
static void
check_somebody(struct loader *l, const struct yaml *node)
{
    const struct generation *g = l->g;

    for (size_t i = 0; i < g->n_users; i++)
        if (g->users[i].n_tokens || g->users[i].certificate.len)
            return;
    yaml_problem(l->r.problems, node,
                 "nobody could use it: no user has a token or a certificate");
    problem_remedy(l->r.problems,
                   "make a token with `stile token new`, and say "
                   "users: [{name: ci, tokens: [\"sha256:...\"], "
                   "roles: [operator]}]");
}

void
load_admin(struct loader *l, const struct yaml *node)
{
    static const struct reader_word words[] = {{"socket", read_socket, true},
                                               {"listen", read_listen, false},
                                               {"users", read_users, false}};
    const struct yaml *listen = yaml_get(node, "listen");

    reader_map(&l->r, node, "`admin`", words, COUNT(words), l);
    if (listen)
        check_somebody(l, listen);
}
