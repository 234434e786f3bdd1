/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shadow_view: what was found about mirrored requests, as JSON (docs/admin-api.md).
 */
#pragma once

#include "proxy/control/state.h"

/* One route's; NULL without memory. */
MUST_CHECK json_t *shadow_view(const struct gen_route *route,
                               const struct shadow *counts);

/* `{"shadows": [...]}` without the differences: all routes that mirror. */
MUST_CHECK json_t *shadow_view_all(const struct shadows *s);
