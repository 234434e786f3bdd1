/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status: the code of an answer and the words that go with it.
 */
#pragma once

#include "proxy/base/span.h"

/* "Not Found" for 404; empty for a code outside the registry. */
span http_reason(int status);

/* 1xx, 204 and 304 never have a body (RFC 9110 §6.4.1), whatever the head says. */
static inline bool
http_status_is_bodyless(int status)
{
    return (status >= 100 && status < 200) || status == 204 || status == 304;
}
