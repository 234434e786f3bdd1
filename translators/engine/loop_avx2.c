/* SPDX-License-Identifier: Apache-2.0 */
#if defined(__x86_64__)
#include "translators/engine/scan_avx2.h"

#define ENGINE_RUN engine_run_avx2
#define PACKS      0
#include "translators/engine/loop.h"
#include "translators/engine/walk.h"
#else
/* No such processor, no such loop. */
typedef int engine_has_no_avx2;
#endif
