/* SPDX-License-Identifier: Apache-2.0 */
/* The PROXY header: whatever comes, it is read or refused, and within its bytes. */
#include "proxy/http/proxy.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    span all = span_of((const char *)data, size);
    struct sockaddr_storage from;
    enum proxy_says says;
    size_t n = proxy_length(span_take(all, PROXY_HEAD));

    if (n > PROXY_MAX)
        abort();
    if (n && n <= size) {
        /* A copy of just these bytes, so that one read beyond them is seen. */
        char *whole = malloc(n);
        if (whole) {
            memcpy(whole, data, n);
            if (!proxy_read(span_of(whole, n), &says, &from))
                says = PROXY_OWN;
        }
        free(whole);
    }
    return 0;
}
