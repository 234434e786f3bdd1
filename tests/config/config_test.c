/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "config/generation.h"
#include "proxy/base/buf.h"
#include "routing/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder of its own for each test; what is written there ends with it. */
struct folder {
    char path[64];
    struct arena *a;
    struct problems problems;
    struct generation *g;
    struct buf said;
    const char *text; /* what was said */
};

static void
folder_make(struct folder *f)
{
    memcpy(f->path, "/tmp/stile-config-XXXXXX",
           sizeof("/tmp/stile-config-XXXXXX"));
    if (!mkdtemp(f->path))
        fail();
    f->a = arena_new(1 << 24);
    f->g = NULL;
    problems_init(&f->problems, f->a);
    buf_init(&f->said, 1 << 20);
}

static void
folder_end(struct folder *f)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -rf %s", f->path);
    if (system(command)) /* NOLINT(cert-env33-c): a folder that we made */
        fail();
    generation_free(&f->g);
    buf_fini(&f->said);
    arena_free(&f->a);
}

static void
folder_write(const struct folder *f, const char *name, const char *text)
{
    char path[160];

    snprintf(path, sizeof(path), "%s/%s", f->path, name);
    FILE *file = fopen(path, "w");
    if (!file)
        fail();
    fputs(text, file);
    fclose(file);
}

/* Load stile.yaml; what was said, without the folder's name. */
static enum err_code
folder_load(struct folder *f, const char *text)
{
    char path[160];

    folder_write(f, "stile.yaml", text);
    snprintf(path, sizeof(path), "%s/stile.yaml", f->path);
    enum err_code code = generation_load(path, NULL, &f->problems, &f->g);
    problems_print(&f->problems, &f->said);
    buf_byte(&f->said, '\0');
    f->text = buf_span(&f->said).at ? buf_span(&f->said).at : "";
    return code;
}

#define PLAIN                                                                  \
    "listen: [{at: \"127.0.0.1:8080\"}]\n"                                     \
    "pools: {b: {endpoints: [\"http://127.0.0.1:9001\", "                      \
    "\"http://[::1]:9002\"]}}\n"                                               \
    "routes: [{name: all, match: {path: \"/**\"}, pool: b}]\n"

TEST(a_plain_proxy_is_three_lines)
{
    struct folder f;

    folder_make(&f);
    assert_int_equal(folder_load(&f, PLAIN), OK);
    assert_int_equal(f.g->n_listeners, 1);
    assert_int_equal(f.g->listeners[0].at.port, 8080);
    assert_int_equal(f.g->n_endpoints, 2);
    assert_span(f.g->pools[0].endpoints[1].host, "::1");
    assert_span(f.g->pools[0].endpoints[1].authority, "[::1]:9002");
    assert_int_equal(f.g->routes[0].timeouts.answer_head_ms, 15000);
    assert_null(f.g->routes[0].canary);
    assert_true(f.g->limits.json_depth == 128);

    const struct route_request r = {
        .host = SPAN("x"), .method = SPAN("GET"), .path = SPAN("/a/b")};
    assert_int_equal(route_find(f.g->router, &r, NULL), 0);
    folder_end(&f);
}

TEST(everything_a_route_can_say_is_read)
{
    struct folder f;

    folder_make(&f);
    assert_int_equal(
        folder_load(
            &f,
            "listen: [{at: \"[::]:80\"}, {at: \"unix:run/x.sock\"}]\n"
            "observe: 127.0.0.1:9900\n"
            "state: state\n"
            "workers: 3\n"
            "trust: [10.0.0.0/8, \"fc00::/7\"]\n"
            "limits: {request_line: 4KiB, head: 2s, head_bytes: 64KiB}\n"
            "log: {access: stdout}\n"
            "pools:\n"
            "  a: {endpoints: [\"http://a.internal\"], check: {path: /up}}\n"
            "  b: {endpoints: [\"http://b.internal:81/\"], balance: p2c}\n"
            "routes:\n"
            "  - name: orders\n"
            "    match: {host: \"*.example\", path: \"/orders/{id}\", method: "
            "[GET, PUT]}\n"
            "    pool: a\n"
            "    subject: [header:X-Account, cookie:sid]\n"
            "    platform: {header: X-Platform}\n"
            "    canary: {pool: b, weight: 12.5%, salt: s}\n"
            "    timeouts: {connect: 250ms, total: 5m}\n"
            "    headers: {request: {set: {X-Env: prod}, remove: [X-Debug]}}\n"
            "    write: {\"PUT /orders/{id}\": refuse}\n"
            "    kind: whole\n"
            "    stream: true\n"),
        OK);

    const struct gen_route *r = generation_route(f.g, SPAN("orders"));
    assert_non_null(r);
    assert_int_equal(r->canary->weight_ppm, 125000);
    assert_span(r->canary->slot_name, "route/orders");
    assert_int_equal(r->timeouts.connect_ms, 250);
    assert_int_equal(r->timeouts.idle_ms, 15000);
    assert_int_equal(r->timeouts.total_ms, 300000);
    assert_span(r->request.set[0].value, "prod");
    assert_int_equal(r->n_writes, 1);
    assert_int_equal(r->writes[0].word, GEN_WRITE_REFUSE);
    assert_true(r->whole && r->stream);
    assert_int_equal(f.g->pools[0].check_every_ms, 2000);
    assert_int_equal(f.g->pools[1].endpoints[0].port, 81);
    assert_int_equal(f.g->trust[0].prefix_bits, 104);
    assert_int_equal(f.g->trust[1].prefix_bits, 7);
    assert_true(f.g->limits.request_line == 4096);
    assert_true(f.g->limits.head_ms == 2000);
    assert_true(f.g->limits.head_bytes == 65536); /* the most it may be */
    assert_true(span_ends(f.g->listeners[1].at.path, SPAN("/run/x.sock")));
    folder_end(&f);
}

/* ---- writes by older clients ---- */

#define SHOP_API                                                               \
    "api: shop\nmissing: v1\n"                                                 \
    "versions: {v1: {}, v1a: {internal: true}, v2: {}}\n"                      \
    "types:\n"                                                                 \
    "  Order: {at: [\"* /orders/{id}\"]}\n"                                    \
    "  Line: {at: \"lines/* of Order\"}\n"
#define SHOP_CHANGE(arrow)                                                     \
    "change: more\nfrom: v1a\nto: v2\n"                                        \
    "manifest: {title: t, owner: o, guarantee: none}\n"                        \
    "Line:\n  add:\n    batch: " arrow "\n"
#define SHOP_ROUTE(pools, more)                                                \
    "listen: [{at: \"127.0.0.1:8080\"}]\n"                                     \
    "apis: {shop: shop/api.yaml}\n"                                            \
    "pools:\n"                                                                 \
    "  old: {api: shop, version: v1, endpoints: [\"http://127.0.0.1:1\"]}\n"   \
    "  new: {api: shop, version: v2, endpoints: [\"http://127.0.0.1:2\"]}\n"   \
    "routes: [{name: orders, api: shop, " pools more "}]\n"

static enum err_code
load_shop(struct folder *f, const char *change, const char *text)
{
    char path[160];

    folder_make(f);
    snprintf(path, sizeof(path), "%s/shop", f->path);
    if (mkdir(path, 0700))
        fail();
    snprintf(path, sizeof(path), "%s/shop/changes", f->path);
    if (mkdir(path, 0700))
        fail();
    folder_write(f, "shop/api.yaml", SHOP_API);
    folder_write(f, "shop/changes/more.yaml", change);
    return folder_load(f, text);
}

TEST(a_route_on_which_an_old_put_would_erase_a_field_needs_a_word)
{
    static const struct {
        const char *change;
        const char *text;
        bool loads;
    } cases[] = {
        {SHOP_CHANGE("{up: x}"), SHOP_ROUTE("pool: new", ""), false},
        {SHOP_CHANGE("{up: x, write: lose}"), SHOP_ROUTE("pool: new", ""),
         true},
        {SHOP_CHANGE("{up: x, write: refuse}"), SHOP_ROUTE("pool: new", ""),
         true},
        {SHOP_CHANGE("{up: x}"),
         SHOP_ROUTE("pool: new", ", write: {\"PUT /orders/{id}\": refuse}"),
         true},
        {SHOP_CHANGE("{up: x}"),
         SHOP_ROUTE("pool: new", ", write: {\"PUT /orders/**\": lose}"), true},
        {SHOP_CHANGE("{up: x}"),
         SHOP_ROUTE("pool: new", ", write: {\"PUT /orders/1\": lose}"), false},
        {SHOP_CHANGE("{up: x}"),
         SHOP_ROUTE("pool: new", ", write: {\"PATCH /orders/{id}\": lose}"),
         false},
        /* No such message comes this way. */
        {SHOP_CHANGE("{up: x}"),
         SHOP_ROUTE("pool: new", ", match: {method: [GET, POST, PATCH]}"),
         true},
        {SHOP_CHANGE("{up: x}"),
         SHOP_ROUTE("pool: new", ", match: {path: \"/carts/**\"}"), true},
        /* A PATCH is one only if the route says so. */
        {SHOP_CHANGE("{up: x}"),
         SHOP_ROUTE("pool: new", ", match: {method: PATCH}, kind: whole"),
         false},
        /* An older pool has nothing to erase; a canary has. */
        {SHOP_CHANGE("{up: x}"), SHOP_ROUTE("pool: old", ""), true},
        {SHOP_CHANGE("{up: x}"),
         SHOP_ROUTE("pool: old", ", subject: [header:X-A], canary: {pool: new, "
                                 "weight: 0, salt: s}"),
         false},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct folder f;
        enum err_code code = load_shop(&f, cases[i].change, cases[i].text);

        if ((code == OK) != cases[i].loads)
            fail_msg("case %zu: %s", i, f.text);
        if (!cases[i].loads && !strstr(f.text, "would erase 1 field of a v2"))
            fail_msg("case %zu: %s", i, f.text);
        assert_null(strstr(f.text, "v1a client"));
        folder_end(&f);
    }
}

TEST(included_files_are_read_as_if_they_stood_there)
{
    struct folder f;
    char conf_d[96];

    folder_make(&f);
    snprintf(conf_d, sizeof(conf_d), "%s/conf.d", f.path);
    assert_int_equal(mkdir(conf_d, 0700), 0);
    folder_write(&f, "conf.d/1.yaml",
                 "pools: {c: {endpoints: [\"http://127.0.0.1:9003\"]}}\n");
    folder_write(&f, "conf.d/2.yaml",
                 "routes: [{name: more, match: {path: /more}, pool: c}]\n");
    assert_int_equal(folder_load(&f, "include: [conf.d/*.yaml]\n" PLAIN), OK);
    assert_int_equal(f.g->n_routes, 2);
    assert_ptr_equal(f.g->routes[1].pool, generation_pool(f.g, SPAN("c")));
    folder_end(&f);
}

/* What is wrong, and a part of what must be said, with its place. */
static const struct {
    const char *text;
    const char *says;
} faults[] = {
    {"lisen: []\n" PLAIN, "stile.yaml:1:1: there is no section `lisen`; did "
                          "you mean `listen`?"},
    {"listen: [{at: \"localhost:80\"}]\n",
     ":1:15: `localhost:80` is no address to listen at"},
    {"listen: [{at: \"127.0.0.1:0\"}]\n", "is no address to listen at"},
    {"listen: [{at: \"127.0.0.1:1\"}, {at: \"127.0.0.1:1\"}]\n",
     "`127.0.0.1:1` is listened at twice"},
    {"listen: {}\n", ":1:9: listen is a list, and here is a map"},
    {"listen: [{at: \"127.0.0.1:1\", tls: {certs: []}}]\n",
     "`certs` lists no certificate"},
    {"listen: [{at: \"127.0.0.1:1\", tls: {certs: [{chain: no.pem, key: "
     "no.key}]}}]\n",
     "no.pem"},
    {"pools: {b: {endpoints: []}}\n", "a pool has at least one endpoint"},
    {"pools: {b: {}}\n", ":1:12: a pool needs `endpoints`"},
    {"pools: {b: {endpoints: [\"https://x\"], tls: {ca: no.pem}}}\n",
     ":1:44: "},
    {"pools: {b: {endpoints: [\"https://x\"], tls: {name: \"a b\"}}}\n",
     "`a b` is no host name"},
    {"pools: {b: {endpoints: [\"https://x\"], tls: {cert: {chain: c.pem}}}}\n",
     "`cert` needs `key`"},
    {"pools: {b: {endpoints: [\"http://x\"], tls: {ca: ca.pem}}}\n",
     "`tls`, but none of the endpoints is https://"},
    {"pools: {b: {endpoints: [\"http://x\"], http: h3}}\n",
     ":1:44: `h3` is not h1 or h2"},
    {"pools: {b: {endpoints: [\"http://x\"], media: xml}}\n",
     ":1:45: `xml` is not json or msgpack"},
    {"pools: {b: {endpoints: [\"http://x\"], media: json}}\n",
     ":1:45: `media` of a plain pool, whose bodies are not read"},
    {"pools: {b: {endpoints: [\"unix:\"]}}\n",
     "a Unix socket's path has 1 to 100 bytes"},
    {"pools: {b: {endpoints: [\"ftp://x\"]}}\n", "`ftp://x` is no endpoint"},
    {"pools: {b: {endpoints: [\"http://x\"], balance: least}}\n",
     ":1:47: `least` is no way to balance"},
    {"pools: {b: {endpoints: [\"http://x\"], balance: {ring_hash: "
     "[certificate], hash: [certificate]}}}\n",
     "hash"},
    {"pools: {b: {endpoints: [\"http://x\"], balance: {hash: [x]}}}\n",
     ":1:55: a subject is header:NAME"},
    {"pools: {b: {endpoints: [\"http://x\"], eject: {most: 50}}}\n",
     "`50` is not a share"},
    {"pools: {b: {endpoints: [\"http://x\"], eject: {fails: 5}}}\n",
     "`eject` has no word `fails`"},
    {"limits: {upstream_streams: 0}\n", "upstream_streams is not 1 to 10000"},
    {"pools: {b: {endpoints: [\"http://x:99999\"]}}\n", "is no host and port"},
    {"pools: {b: {endpoints: [\"http://x\"], api: shop, version: v1}}\n",
     "there is no api `shop`"},
    {"pools: {b: {endpoints: [\"http://x\"], version: v1}}\n",
     "`api` and `version` go together"},
    {"routes: [{name: a, pool: blu}]\npools: {blue: {endpoints: "
     "[\"http://x\"]}}\n",
     ":1:26: there is no pool `blu`; did you mean `blue`?"},
    {"routes: [{name: a}]\n", "a route needs `pool`"},
    {"routes: [{name: a, pool: b, answer: {status: 200}}]\n",
     ":1:10: a route has one of `pool`, `redirect` and `answer`"},
    {"routes: [{name: a, redirect: ftp}]\n", "`ftp` is not http or https"},
    {"routes: [{name: a, redirect: {}}]\n", "a redirect says where to"},
    {"routes: [{name: a, redirect: {host: x, status: 300}}]\n",
     "300 is no status of a redirect"},
    {"routes: [{name: a, redirect: {path: \"/a?b\"}}]\n", "`/a?b` is no path"},
    {"routes: [{name: a, answer: {}}]\n", "`answer` needs `status`"},
    {"routes: [{name: a, answer: {status: 99}}]\n", "a status is 200 to 599"},
    {"routes: [{name: a, answer: {status: 204, body: x}}]\n",
     "an answer of 204 has no body"},
    {"routes: [{name: a, pool: b, allow: [10.0.0.0/99]}]\n",
     "`10.0.0.0/99` is no network"},
    {"routes: [{name: a, pool: b, allow: []}]\n", "`allow` lists nobody"},
    {"routes: [{name: a, pool: b, rate: {requests: 0}}]\n",
     "a rate lets at least one pass"},
    {"routes: [{name: a, pool: b, rate: {requests: 1, per: 10ms}}]\n",
     "a rate is per 1s to 24h"},
    {"routes: [{name: a, pool: b, rate: {requests: 1, burst: 0}}]\n",
     "a burst is at least 1"},
    {"routes: [{name: a, pool: b, rewrite: {host: \"a/b\"}}]\n",
     "`a/b` is no host"},
    {"routes: [{name: a, pool: b, rewrite: {strip: api}}]\n",
     "`api` is no path"},
    {"routes: [{name: a, pool: b, websocket: perhaps}]\n",
     "`perhaps` is not true or false"},
    {"routes: []\n", "there are no routes"},
    {PLAIN "state: a\nstate: b\n", "state"},
    {"trust: [10.0.0.0/33]\n", ":1:9: `10.0.0.0/33` is no network"},
    {"limits: {request_lines: 1}\n",
     "there is no limit `request_lines`; did you mean `request_line`?"},
    {"limits: {head: 10}\n", "`10` is not a duration"},
    {"limits: {head_bytes: 65537}\n",
     ":1:22: `65537` is more than head_bytes may be; at most 65536"},
    {"limits: {answer_head_bytes: 1GiB}\n", "than answer_head_bytes may be"},
    {"limits: {json_depth: 1001}\n", "than json_depth may be"},
    {"limits: {head: 25h}\n", "head_ms may be; at most 86400000 ms"},
    {"limits: {stream_low: 1MiB}\n", "stream_low is above stream_high"},
    {"limits: {memory_high_percent: 96}\n",
     "memory_high_percent is above memory_full_percent"},
    {"limits: {memory_full_percent: 101}\n", "more than memory_full_percent"},
    {"limits: {h2_window: 1KiB}\n", "h2_stream_window is above h2_window"},
    {"limits: {h2_header_table: 4097}\n", "than h2_header_table may be"},
    {"limits: {chunk_size_digits: 17}\n", "than chunk_size_digits may be"},
    {"log: {level: loud}\n", "`loud` is no level of a log"},
    {"workers: 1000\n", "a whole number from 0 to 256"},
    {"apis: {s: none}\npools: {b: {endpoints: [\"http://x\"], api: s, "
     "version: v1}}\n",
     "none"},
    {"include: [nowhere.yaml]\n" PLAIN, "there is no such file"},
};

TEST(whatever_is_wrong_is_said_with_its_place_and_a_remedy)
{
    for (size_t i = 0; i < COUNT(faults); i++) {
        struct folder f;

        folder_make(&f);
        assert_int_equal(folder_load(&f, faults[i].text), ERR_INVALID);
        assert_null(f.g);
        if (!strstr(f.text, faults[i].says))
            fail_msg("row %zu: \"%s\" is not in:\n%s", i, faults[i].says,
                     f.text);
        folder_end(&f);
    }
}

static const struct {
    const char *route;
    const char *says;
} route_faults[] = {
    {"match: {path: orders}", "a path begins with /"},
    {"match: {method: CONNECT}", "`CONNECT` is no method to route"},
    {"subject: [X-Account]", "X-Account"},
    {"canary: {pool: b, weight: 5, salt: x}", "`5` is not a share"},
    {"canary: {pool: b, weight: 5%, salt: x}",
     "a canary needs to know who sticks together"},
    {"canary: {pool: b, weight: 5%}", "a canary needs `salt`"},
    {"headers: {request: {set: {Host: x}}}",
     "`Host` is no field that a route may edit"},
    {"headers: {request: {set: {X-A: \"a\\nb\"}}}",
     "has no control characters"},
    {"write: {\"PUT /x\": merge}", "`merge` is not offered yet"},
    {"write: {PUT: refuse}", "`PUT` is no method and path"},
    {"kind: half", "`half` is no kind"},
    {"timeout: {}", "a route has no word `timeout`; did you mean `timeouts`?"},
};

TEST(a_wrong_route_is_refused_by_its_word)
{
    for (size_t i = 0; i < COUNT(route_faults); i++) {
        struct folder f;
        char text[512];

        folder_make(&f);
        snprintf(text, sizeof(text),
                 "listen: [{at: \"127.0.0.1:1\"}]\n"
                 "pools: {b: {endpoints: [\"http://x\"]}}\n"
                 "routes:\n  - name: r\n    pool: b\n    %s\n",
                 route_faults[i].route);
        assert_int_equal(folder_load(&f, text), ERR_INVALID);
        if (!strstr(f.text, route_faults[i].says))
            fail_msg("row %zu: \"%s\" is not in:\n%s", i, route_faults[i].says,
                     f.text);
        folder_end(&f);
    }
}

TEST(all_faults_are_found_in_one_reading)
{
    struct folder f;

    folder_make(&f);
    assert_int_equal(folder_load(&f, "listen: [{at: x}]\n"
                                     "pools: {b: {endpoint: []}}\n"
                                     "routes: [{nam: a, pool: c}]\n"
                                     "trust: [x]\n"),
                     ERR_INVALID);
    assert_true(f.problems.total >= 6);
    folder_end(&f);
}

static const char *const examples[] = {"shop", "github", "kubernetes",
                                       "jupyter", "stripe"};

TEST(the_examples_load_as_they_are)
{
    for (size_t i = 0; i < COUNT(examples); i++) {
        struct folder f;
        char path[256];

        folder_make(&f);
        snprintf(path, sizeof(path), "%s/config/examples/%s/stile.yaml",
                 STILE_SOURCE, examples[i]);
        if (generation_load(path, NULL, &f.problems, &f.g)) {
            problems_print(&f.problems, &f.said);
            buf_byte(&f.said, '\0');
            fail_msg("%s", buf_span(&f.said).at);
        }
        assert_true(f.g->n_apis > 0);
        folder_end(&f);
    }
}

TEST(at_no_allocation_that_fails_is_a_generation_half_built)
{
    for (size_t n = 1; n < 400; n += 3) {
        struct folder f;

        folder_make(&f);
        arena_fail_after(n);
        enum err_code code = folder_load(&f, PLAIN);
        arena_fail_after(0);
        assert_true(code == OK ? f.g != NULL : f.g == NULL);
        folder_end(&f);
    }
}
