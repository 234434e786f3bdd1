/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/rollout/plan.h"

#include "proxy/base/quantity.h"

#include <math.h>
#include <stdio.h>

#define DAY_MS ((double)86400000)

enum err_code
plan_check(const struct rollout_plan *p, struct err *e)
{
    uint32_t forbidden = 0;

    if (p->n_steps == 0)
        return err_set(e, ERR_INVALID, "a rollout has at least one step");
    for (uint32_t i = 0; i < p->n_steps; i++)
        if (plan_step_check(p, i, e))
            return e->code;
    for (uint32_t i = 0; i < p->n_forbidden; i++)
        forbidden +=
            (p->forbidden[i].to + WEEK_MINUTES - p->forbidden[i].from) %
            WEEK_MINUTES;
    if (forbidden >= WEEK_MINUTES)
        return err_set(e, ERR_INVALID,
                       "the forbidden windows may leave no hour of the week");
    return OK;
}

enum err_code
plan_step_check(const struct rollout_plan *p, uint32_t i, struct err *e)
{
    const struct rollout_step *s = &p->steps[i];

    if (s->weight_ppm == 0 || s->weight_ppm > SHARE_ALL)
        return err_set(e, ERR_INVALID,
                       "step %u has a weight of nobody or of more than all",
                       i + 1);
    if (i > 0 && s->weight_ppm <= p->steps[i - 1].weight_ppm)
        return err_set(e, ERR_INVALID,
                       "step %u goes nowhere: its weight is not above step "
                       "%u's",
                       i + 1, i);
    if (s->at_most_ms && s->at_most_ms < s->hold_ms)
        return err_set(e, ERR_INVALID,
                       "step %u cannot conclude: `at_most` ends before `hold`",
                       i + 1);
    return OK;
}

uint32_t
plan_step_at(const struct rollout_plan *p, uint32_t weight_ppm)
{
    for (uint32_t i = 0; i < p->n_steps; i++)
        if (p->steps[i].weight_ppm == weight_ppm)
            return i + 1;
    return 0;
}

uint64_t
plan_step_takes_ms(const struct rollout_plan *p, uint32_t i,
                   uint64_t requests_a_day)
{
    const struct rollout_step *s = &p->steps[i];
    double canary_a_day =
        (double)requests_a_day * s->weight_ppm / (double)SHARE_ALL;

    if (s->min_requests == 0)
        return s->hold_ms;
    if (canary_a_day <= 0)
        return UINT64_MAX;
    double ms = (double)s->min_requests / canary_a_day * DAY_MS;
    if (ms >= 1e18)
        return UINT64_MAX;
    return ms > (double)s->hold_ms ? (uint64_t)ceil(ms) : s->hold_ms;
}

enum err_code
plan_step_concludes(const struct rollout_plan *p, uint32_t i,
                    uint64_t requests_a_day, struct err *e)
{
    const struct rollout_step *s = &p->steps[i];
    uint64_t ms = plan_step_takes_ms(p, i, requests_a_day);
    char takes[32], most[32], share[16];

    if (ms != UINT64_MAX && (s->at_most_ms == 0 || ms <= s->at_most_ms))
        return OK;
    plan_duration_text(ms, takes, sizeof(takes));
    plan_duration_text(s->at_most_ms, most, sizeof(most));
    quantity_share_text(s->weight_ppm, share, sizeof(share));
    return err_set(
        e, ERR_INVALID,
        "step %u cannot conclude: it needs %llu canary requests; %.3g a "
        "minute at %s make that %s%s%s",
        i + 1, (unsigned long long)s->min_requests,
        (double)requests_a_day / 1440 * s->weight_ppm / (double)SHARE_ALL,
        share, takes, s->at_most_ms ? ", more than `at_most` " : "",
        s->at_most_ms ? most : "");
}

void
plan_duration_text(uint64_t ms, char *out, size_t size)
{
    static const struct {
        double ms;
        const char *unit;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}};

    if (ms == UINT64_MAX) {
        (void)snprintf(out, size, "for ever");
        return;
    }
    for (size_t i = 0; i < COUNT(units); i++)
        if ((double)ms >= 2 * units[i].ms) {
            (void)snprintf(out, size, "%.3g %s", (double)ms / units[i].ms,
                           units[i].unit);
            return;
        }
    (void)snprintf(out, size, "%llu ms", (unsigned long long)ms);
}
