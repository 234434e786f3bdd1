/* SPDX-License-Identifier: Apache-2.0 */
/* The exposure file: whatever is in it, whole lines are taken and nothing else. */
#include "proxy/control/exposures.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *writes = json_array();
    char reason[32] = "";
    span text = span_of((const char *)data, size);
    size_t n =
        exposures_scan(text, SPAN("ios"), 1, writes, reason, sizeof(reason));

    assert(n <= size);
    assert(n == 0 || data[n - 1] == '\n');
    assert(memchr(reason, 0, sizeof(reason)));
    json_decref(writes);
    return 0;
}
