/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/engine/scan_plain.h"

#include "translators/engine/loop.h"
