/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/engine/scan_plain.h"

#define ENGINE_RUN engine_run_plain
#define PACKS      0
#include "translators/engine/loop.h"
