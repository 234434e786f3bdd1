/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout_require: what `require` asks before the first step, judged when somebody says start.
 *
 * Unknown is not met: too few answers compared, a version that no case shows. What traffic has refuted is not met
 * whatever the cases say.
 */
#pragma once

#include "proxy/control/state.h"

/* Is it all met? If not, `why` says what is not; `size` >= 512. */
bool rollout_is_met(const struct control *c, const struct rollout *r, char *why,
                    size_t size);
