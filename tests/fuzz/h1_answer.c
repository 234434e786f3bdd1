/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the answers of an origin to GET, HEAD or an upgrade, cut anyhow.
 */
#include "tests/fuzz/h1_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    return fuzz_h1(H1_ANSWERS, bytes, len);
}
