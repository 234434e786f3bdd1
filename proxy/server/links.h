/* SPDX-License-Identifier: Apache-2.0 */
/*
 * links: what an answer points at, in the names of the client's version.
 *
 * A Location, a Content-Location and the targets of Link name something that
 * can be got: each is translated as the line of a GET. One of another host, one
 * that has no name in the client's version, and one whose name needs more than
 * its line, stay as they came.
 */
#pragma once

#include "proxy/http/head.h"

struct exchange;

/* False: no memory is left for the message. */
MUST_CHECK bool links_rewrite(struct exchange *x, struct http_head *h);
