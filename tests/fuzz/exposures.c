/* SPDX-License-Identifier: Apache-2.0 */
/* The exposure file: whatever is in it, whole lines are taken and nothing else. */
#include "proxy/control/exposures.h"

#include <assert.h>
#include <stdlib.h>

static void
halted(void *arg, const struct exposures_halt *halt)
{
    assert(halt->reason.at && halt->reason.at[halt->reason.len] == '\0');
    *(size_t *)arg += 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *writes = json_array();
    size_t halts = 0, again = 0;
    span text = span_of((const char *)data, size);
    size_t n = exposures_scan(text, SPAN("ios"), 1, writes, halted, &halts);

    assert(n <= size);
    assert(n == 0 || data[n - 1] == '\n');
    assert(exposures_scan(text, SPAN("ios"), 1, NULL, halted, &again) == n);
    assert(again <= halts); /* a name that is escaped is not looked for */
    json_decref(writes);
    return 0;
}
