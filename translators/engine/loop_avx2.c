/* SPDX-License-Identifier: Apache-2.0 */
#if defined(__x86_64__)
#include "translators/engine/scan_avx2.h"

#include "translators/engine/loop.h"
#include "translators/engine/walk.h"
#else
/* No such processor, no such loop. */
typedef int engine_has_no_avx2;
#endif
