/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/view_traffic.h"

#include "proxy/observe/metrics_table.h"
#include "translators/lens/lens.h"

struct metrics_sum *
traffic_sum(const struct control *c)
{
    struct metrics_sum *sum = metrics_sum_new();

    for (size_t i = 0; sum && i < c->crew.n; i++)
        metrics_sum_add(sum, c->crew.at[i].stats);
    if (sum)
        metrics_sum_add(sum, c->totals);
    return sum;
}

static uint64_t
count_of(const struct metrics_sum *sum, enum metric metric, span api, span from,
         span to, const char *kind)
{
    const span labels[] = {api, from, to, span_str(kind)};
    char room[METRIC_NAME_MAX];

    return metrics_sum_get(sum,
                           metric_name(metric, labels, COUNT(labels), room));
}

struct traffic
traffic_of(const struct metrics_sum *sum, const struct gen_api *api,
           size_t client, size_t pool)
{
    static const char *const kinds[] = {"request", "answer"};
    span from = api->lens->versions[client].label;
    span to = api->lens->versions[pool].label;
    struct traffic t = {0};

    for (size_t i = 0; i < COUNT(kinds); i++) {
        t.translated[i] =
            count_of(sum, METRIC_TRANSLATIONS, api->name, from, to, kinds[i]);
        t.failed[i] =
            count_of(sum, METRIC_UNTRANSLATED, api->name, from, to, kinds[i]);
    }
    return t;
}

static json_t *
pair_of(const struct gen_api *api, size_t client, size_t pool,
        const struct traffic *t)
{
    span from = api->lens->versions[client].label;
    span to = api->lens->versions[pool].label;

    return json_pack(
        "{s:s%, s:s%, s:s%, s:I, s:I, s:I, s:I}", "api", api->name.at,
        api->name.len, "client", from.at, from.len, "version", to.at, to.len,
        "requests", (json_int_t)t->translated[0], "requests_failed",
        (json_int_t)t->failed[0], "answers", (json_int_t)t->translated[1],
        "answers_failed", (json_int_t)t->failed[1]);
}

static void
add_api(json_t *list, const struct metrics_sum *sum, const struct gen_api *api)
{
    for (size_t from = 0; api->lens && from < api->lens->n_versions; from++)
        for (size_t to = 0; to < api->lens->n_versions; to++) {
            struct traffic t = traffic_of(sum, api, from, to);
            if (t.translated[0] || t.translated[1] || t.failed[0] ||
                t.failed[1])
                (void)json_array_append_new(list, pair_of(api, from, to, &t));
        }
}

json_t *
view_traffic(const struct control *c)
{
    struct metrics_sum *sum = traffic_sum(c);
    json_t *list = sum ? json_array() : NULL;

    for (size_t i = 0; list && i < c->gen->n_apis; i++)
        add_api(list, sum, &c->gen->apis[i]);
    metrics_sum_free(&sum);
    return list ? json_pack("{s:o}", "traffic", list) : NULL;
}
