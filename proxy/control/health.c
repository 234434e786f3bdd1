/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/health.h"

static bool
becomes(struct health *h, enum endpoint_health is, uint64_t now_ms)
{
    *h = (struct health){.is = is, .since_ms = now_ms};
    return true;
}

bool
health_saw(struct health *h, bool passed, uint64_t now_ms)
{
    switch (h->is) {
    case HEALTH_UNKNOWN:
        if (passed)
            return becomes(h, HEALTH_UP, now_ms);
        h->row++;
        return h->row >= HEALTH_FALL && becomes(h, HEALTH_DOWN, now_ms);
    case HEALTH_UP:
        h->row = passed ? 0 : h->row + 1;
        return h->row >= HEALTH_FALL && becomes(h, HEALTH_DOWN, now_ms);
    case HEALTH_DOWN:
        h->row = passed ? h->row + 1 : 0;
        return h->row >= HEALTH_RISE && becomes(h, HEALTH_UP, now_ms);
    case HEALTH_DRAINED: /* an operator's word, and never a check's */
        break;
    }
    return false;
}

/* How many went down before this one, the order of the pool deciding a tie. */
static size_t
down_before(const struct health *const *of, size_t n, size_t i)
{
    size_t before = 0;

    for (size_t k = 0; k < n; k++)
        before += of[k]->is == HEALTH_DOWN &&
                  (of[k]->since_ms < of[i]->since_ms ||
                   (of[k]->since_ms == of[i]->since_ms && k < i));
    return before;
}

void
health_cap(const struct health *const *of, size_t n, enum endpoint_health *out)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = of[i]->is;
        if (of[i]->is == HEALTH_DOWN && down_before(of, n, i) >= n / 2)
            out[i] = HEALTH_UNKNOWN;
    }
}
