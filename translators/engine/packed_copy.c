/* SPDX-License-Identifier: Apache-2.0 */
/* MessagePack as it comes and as it goes. */
#define PACKED_RUN engine_run_packed
#define SPELLS     0
#include "translators/engine/packed_loop.h"
