/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as HTTP/1 requests, one after the other, cut anyhow.
 */
#include "tests/fuzz/h1_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    return fuzz_h1(H1_REQUESTS, bytes, len);
}
