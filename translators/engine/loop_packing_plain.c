/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as it comes, MessagePack as it goes. */
#include "translators/engine/scan_plain.h"

#define ENGINE_RUN engine_run_packing_plain
#define PACKS      1
#include "translators/engine/loop.h"
