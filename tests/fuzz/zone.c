/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A zone file, whatever it says: it is refused, or its changes are in order and
 * no clock is further from UTC than a day and two hours.
 */
#include "routing/rollout/zone.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(1 << 20);
    struct zone z;

    if (!a)
        return 0;
    if (zone_parse(a, span_of((const char *)data, size), &z, NULL) == OK)
        for (uint32_t i = 0; i < z.n_changes; i++) {
            const struct zone_change *c = &z.changes[i];
            if (c->east < -1560 || c->east > 1560 ||
                (i && c->from_s <= z.changes[i - 1].from_s) ||
                zone_east(&z, (uint64_t)c->from_s * 1000) != c->east)
                abort();
        }
    arena_free(&a);
    return 0;
}
