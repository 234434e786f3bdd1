/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/limit.h"

#include "proxy/observe/log.h"
#include "proxy/server/worker.h"

void
limit_came(struct worker *w, span name)
{
    metrics_count(w->metrics, METRIC_LIMITS, 1, name);
}

void
limit_reached(struct worker *w, span name)
{
    limit_came(w, name);
    log_warn_limited(loop_now_ms(w->loop), "limit_reached", name, "limit=%.*s",
                     SPAN_FMT(name));
}
