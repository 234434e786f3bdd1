/* SPDX-License-Identifier: Apache-2.0 */
/* MessagePack as it comes, JSON as it goes. */
#define PACKED_RUN engine_run_unpacking
#define SPELLS     1
#include "translators/engine/packed_loop.h"
