/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings: the sections that describe the process, not its traffic.
 */
#include "config/loader.h"

#include <arpa/inet.h>
#include <string.h>

#define WORKERS_MAX 256

struct limit_word {
    const char *name;
    size_t offset;
    uint64_t preset;
    uint64_t most;
};

static const struct limit_word limit_words[] = {
#define X(name, preset, most, counted, doc)                                    \
    {#name, offsetof(struct gen_limits, name), preset, most},
    GEN_LIMITS(X)
#undef X
};

static uint64_t *
limit_of(struct gen_limits *limits, const struct limit_word *w)
{
    return (uint64_t *)(void *)((char *)limits + w->offset);
}

static bool
is_time(const char *name)
{
    return span_ends(span_str(name), SPAN("_ms"));
}

/* `head_ms: 10s` would say the unit twice, so the word for it is `head`. */
static bool
is_word_of(span word, const char *name)
{
    span s = span_str(name);

    return span_eq(word, is_time(name) ? span_take(s, s.len - 3) : s);
}

static void
read_limit_value(struct loader *l, const struct limit_word *w,
                 const struct yaml *value)
{
    uint64_t n = 0;
    uint32_t ms;

    if (!is_time(w->name)) {
        if (!reader_bytes(&l->r, value, &n))
            return;
    } else if (reader_ms(&l->r, value, &ms)) {
        n = ms;
    } else {
        return;
    }
    if (n > w->most) {
        yaml_problem(l->r.problems, value, "`%.*s` is more than %s may be",
                     SPAN_FMT(value->text), w->name);
        problem_remedy(l->r.problems, "at most %llu%s",
                       (unsigned long long)w->most,
                       is_time(w->name) ? " ms" : "");
        return;
    }
    *limit_of(&l->g->limits, w) = n;
}

static void
read_limit(struct loader *l, const struct yaml *key, const struct yaml *value)
{
    struct map known;

    map_init(&known, l->r.arena);
    for (size_t i = 0; i < COUNT(limit_words); i++) {
        const struct limit_word *w = &limit_words[i];
        span s = span_str(w->name);
        span word = is_time(w->name) ? span_take(s, s.len - 3) : s;

        if (!is_word_of(key->text, w->name)) {
            if (!map_put(&known, word, l, NULL))
                return;
            continue;
        }
        read_limit_value(l, w, value);
        return;
    }
    yaml_problem(l->r.problems, key, "there is no limit `%.*s`",
                 SPAN_FMT(key->text));
    span near = map_nearest(&known, key->text);
    if (near.len)
        problem_remedy(l->r.problems, "did you mean `%.*s`?", SPAN_FMT(near));
    else
        problem_remedy(l->r.problems, "`stile check --defaults` lists them");
}

static void
load_limits(struct loader *l)
{
    struct section s;

    for (size_t i = 0; i < COUNT(limit_words); i++)
        *limit_of(&l->g->limits, &limit_words[i]) = limit_words[i].preset;
    if (!section_map(l, "limits", &s))
        return;
    for (size_t i = 0; i < s.n; i++)
        read_limit(l, s.keys[i], s.values[i]);
    if (l->g->limits.upstream_streams < 1) {
        problem_add(l->r.problems, l->g->file, 0, 0,
                    "the limit upstream_streams is not 1 to 10000");
        problem_remedy(l->r.problems, "say 100, or nothing");
    }
    if (l->g->limits.h2_stream_window > l->g->limits.h2_window) {
        problem_add(l->r.problems, l->g->file, 0, 0,
                    "the limit h2_stream_window is above h2_window");
        problem_remedy(l->r.problems, "lower h2_stream_window");
    }
    if (l->g->limits.stream_low > l->g->limits.stream_high) {
        problem_add(l->r.problems, l->g->file, 0, 0,
                    "the limit stream_low is above stream_high");
        problem_remedy(l->r.problems, "lower stream_low");
    }
    if (l->g->limits.memory_high_percent > l->g->limits.memory_full_percent) {
        problem_add(l->r.problems, l->g->file, 0, 0,
                    "the limit memory_high_percent is above "
                    "memory_full_percent");
        problem_remedy(l->r.problems, "lower memory_high_percent");
    }
}

static bool
parse_network(span text, struct gen_network *out)
{
    span bits = text;
    span host = span_cut(&bits, '/');
    char name[64];
    uint64_t n;

    if (host.len >= sizeof(name))
        return false;
    memcpy(name, host.at, host.len);
    name[host.len] = '\0';

    bool is_v4 = inet_pton(AF_INET, name, out->bytes + 12) == 1;
    if (is_v4) {
        memset(out->bytes, 0, 10);
        memset(out->bytes + 10, 0xff, 2);
    } else if (inet_pton(AF_INET6, name, out->bytes) != 1) {
        return false;
    }
    n = is_v4 ? 32 : 128;
    if (host.len < text.len &&
        (!span_to_u64(bits, &n) || n > (is_v4 ? 32 : 128)))
        return false;
    out->prefix_bits = (uint8_t)(is_v4 ? n + 96 : n);
    return true;
}

bool
loader_network(struct loader *l, const struct yaml *node,
               struct gen_network *out)
{
    span text;

    if (!reader_text(&l->r, node, &text))
        return false;
    if (parse_network(text, out))
        return true;
    yaml_problem(l->r.problems, node, "`%.*s` is no network", SPAN_FMT(text));
    problem_remedy(l->r.problems, "write it like 10.0.0.0/8");
    return false;
}

static void
load_trust(struct loader *l)
{
    struct section s;

    if (!section_list(l, "trust", &s) || s.n == 0)
        return;
    struct gen_network *networks =
        reader_array(&l->r, s.values[0], s.n, sizeof(*networks));
    if (!networks)
        return;
    for (size_t i = 0; i < s.n; i++)
        loader_network(l, s.values[i], &networks[i]);
    l->g->trust = networks;
    l->g->n_trust = s.n;
}

static void
read_path_into(struct reader *r, const struct yaml *value, span *out)
{
    span text;

    if (reader_text(r, value, &text))
        *out = span_str(reader_path(r, value, text));
}

const span *
loader_names(struct loader *l, const struct yaml *node, const char *what,
             size_t *n)
{
    *n = 0;
    if (!reader_is_list(&l->r, node, what))
        return NULL;
    span *names = reader_array(&l->r, node, node->n, sizeof(*names));
    for (size_t i = 0; names && i < node->n; i++)
        *n += reader_text(&l->r, node->items[i], &names[*n]);
    return names;
}

/* Another socket than the system's. */
static void
read_syslog(struct reader *r, const struct yaml *value, span path,
            struct generation *g)
{
    const char *whole = reader_path(r, value, path);

    if (path.len == 0 || !whole || strlen(whole) > 100) {
        yaml_problem(r->problems, value,
                     "a syslog socket's path has 1 to 100 bytes");
        problem_remedy(r->problems, "say syslog, or syslog:/run/log.sock");
        return;
    }
    g->access_log = arena_fmt(r->arena, "syslog:%s", whole);
}

static void
read_access(struct reader *r, const struct yaml *value, void *self)
{
    struct generation *g = self;
    span text;

    if (!reader_text(r, value, &text))
        return;
    if (span_is(text, "stdout"))
        g->access_log = text;
    else if (span_is(text, "syslog"))
        g->access_log = SPAN("syslog:/dev/log");
    else if (span_starts(text, SPAN("syslog:")))
        read_syslog(r, value, span_skip(text, 7), g);
    else
        read_path_into(r, value, &g->access_log);
}

static void
read_level(struct reader *r, const struct yaml *value, void *self)
{
    struct generation *g = self;
    span text;

    if (!reader_text(r, value, &text) || log_level_of(text, &g->log_level))
        return;
    yaml_problem(r->problems, value, "`%.*s` is no level of a log",
                 SPAN_FMT(text));
    problem_remedy(r->problems, "say error, warn, info or debug");
}

static void
load_process(struct loader *l)
{
    static const struct reader_word log_words[] = {
        {"access", read_access, false}, {"level", read_level, false}};
    const struct yaml *node;
    uint64_t n;

    l->g->log_level = LOG_AT_INFO;
    if ((node = section_single(l, "admin")))
        load_admin(l, node);
    if ((node = section_single(l, "log")))
        reader_map(&l->r, node, "`log`", log_words, COUNT(log_words), l->g);
    if ((node = section_single(l, "state")))
        read_path_into(&l->r, node, &l->g->state_dir);
    if ((node = section_single(l, "workers")) &&
        reader_count(&l->r, node, WORKERS_MAX, &n))
        l->g->n_workers = (unsigned)n;
    if (l->g->admin_socket.len == 0)
        l->g->admin_socket = SPAN("/run/stile/admin.sock");
    if (l->g->state_dir.len == 0)
        l->g->state_dir = SPAN("/var/lib/stile");
}

void
load_settings(struct loader *l)
{
    load_limits(l);
    load_trust(l);
    load_process(l);
}
