/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout_require: what `require` asks before the first step, judged when somebody says start.
 *
 * Unknown is not met: too few answers compared, a version that no case shows. What traffic has refuted is not met
 * whatever the cases say.
 */
#pragma once

#include "proxy/control/state.h"

/*
 * Is it all met? If not, `why` says what is not; `size` >= 512. Who breaks the glass may leave a baseline that nobody
 * could go back to; what cases and shadows do not show is asked of him, too.
 */
bool rollout_is_met(const struct control *c, const struct rollout *r,
                    bool breaks_glass, char *why, size_t size);

/*
 * Which of the client versions that come could not come back to the baseline, as cases (of `require: matrix`) or answers
 * of the baseline that could not be translated say; how many. `out` has their names; `size` >= 64.
 */
size_t rollout_lost(const struct control *c, const struct rollout *r, char *out,
                    size_t size);
