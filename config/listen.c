/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listen: where the proxy listens, with which certificates.
 */
#include "config/loader.h"

#include <arpa/inet.h>

static bool
is_numeric(struct loader *l, span host)
{
    unsigned char bytes[16];
    const char *name = arena_str(l->r.arena, host);

    return name && (inet_pton(AF_INET, name, bytes) == 1 ||
                    inet_pton(AF_INET6, name, bytes) == 1);
}

static bool
split_host_port(span text, span *host, span *port)
{
    if (span_starts(text, SPAN("["))) {
        span rest = span_skip(text, 1);

        *host = span_cut(&rest, ']');
        if (rest.len == 0 || rest.at[0] != ':')
            return false;
        *port = span_skip(rest, 1);
        return true;
    }
    *port = text;
    *host = span_cut(port, ':');
    return host->len && span_find(*port, ':') < 0;
}

bool
loader_address(struct loader *l, const struct yaml *node, bool unix_ok,
               struct gen_address *out)
{
    span text, port;
    uint64_t n;

    if (!reader_text(&l->r, node, &text))
        return false;
    *out = (struct gen_address){.text = text};
    if (unix_ok && span_starts(text, SPAN("unix:"))) {
        out->path = span_str(reader_path(&l->r, node, span_skip(text, 5)));
        if (out->path.len && out->path.len <= 100)
            return true;
        yaml_problem(l->r.problems, node,
                     "a Unix socket's path has 1 to 100 bytes");
        return false;
    }
    if (split_host_port(text, &out->host, &port) && is_numeric(l, out->host) &&
        span_to_u64(port, &n) && n > 0 && n <= 65535) {
        out->port = (uint16_t)n;
        return true;
    }
    yaml_problem(l->r.problems, node, "`%.*s` is no address to listen at",
                 SPAN_FMT(text));
    problem_remedy(l->r.problems,
                   "write it like \"127.0.0.1:8080\", \"[::]:80\"%s",
                   unix_ok ? " or \"unix:/path\"" : "");
    return false;
}

struct listener_reading {
    struct loader *l;
    struct gen_listener *listener;
};

static void
read_at(struct reader *r, const struct yaml *value, void *self)
{
    struct listener_reading *reading = self;

    (void)r;
    loader_address(reading->l, value, true, &reading->listener->at);
}

static void
read_tls(struct reader *r, const struct yaml *value, void *self)
{
    struct listener_reading *reading = self;

    (void)r;
    reading->listener->tls = load_tls(reading->l, value, false);
}

static void
read_proxy_protocol(struct reader *r, const struct yaml *value, void *self)
{
    struct listener_reading *reading = self;

    if (!reader_bool(r, value, &reading->listener->proxy_protocol) ||
        !reading->listener->proxy_protocol || reading->l->g->n_trust)
        return;
    yaml_problem(r->problems, value,
                 "nobody is trusted to send the PROXY header");
    problem_remedy(r->problems, "add `trust: [10.0.0.0/8]`, the networks of "
                                "the proxies before this one");
}

static void
check_doubles(struct loader *l, const struct section *s, size_t i)
{
    const struct gen_listener *all = l->g->listeners;

    for (size_t j = 0; j < i; j++)
        if (span_eq(all[i].at.text, all[j].at.text) && all[i].at.text.len) {
            yaml_problem(l->r.problems, s->values[i],
                         "`%.*s` is listened at twice",
                         SPAN_FMT(all[i].at.text));
            problem_remedy(l->r.problems, "keep one of the two");
        }
}

void
load_listeners(struct loader *l)
{
    static const struct reader_word words[] = {
        {"at", read_at, true},
        {"tls", read_tls, false},
        {"proxy_protocol", read_proxy_protocol, false},
    };
    const struct yaml *node = section_single(l, "observe");
    struct section s;

    if (node)
        l->g->has_observe = loader_address(l, node, false, &l->g->observe);
    if (!section_list(l, "listen", &s))
        return;
    if (s.n == 0) {
        problem_add(l->r.problems, l->g->file, 0, 0, "nothing is listened at");
        problem_remedy(l->r.problems,
                       "add `listen: [{at: \"127.0.0.1:8080\"}]`");
        return;
    }
    struct gen_listener *listeners =
        reader_array(&l->r, s.values[0], s.n, sizeof(*listeners));
    if (!listeners)
        return;
    l->g->listeners = listeners;
    l->g->n_listeners = s.n;
    for (size_t i = 0; i < s.n; i++) {
        struct listener_reading reading = {l, &listeners[i]};

        reader_map(&l->r, s.values[i], "a listener", words, COUNT(words),
                   &reading);
        check_doubles(l, &s, i);
    }
}
