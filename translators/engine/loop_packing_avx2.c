/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as it comes, MessagePack as it goes. */
#if defined(__x86_64__)
#include "translators/engine/scan_avx2.h"

#define ENGINE_RUN engine_run_packing_avx2
#define PACKS      1
#include "translators/engine/loop.h"
#else
/* No such processor, no such loop. */
typedef int engine_has_no_packing_avx2;
#endif
