/* SPDX-License-Identifier: Apache-2.0 */
/*
 * records: the decision records of the last requests, by request id.
 *
 * A ring: the newest pushes out the oldest. What comes in are bytes from
 * outside; what is no record is dropped. It lives as long as this control.
 */
#pragma once

#include "proxy/observe/record.h"

#define RECORDS_KEPT 10000u

struct records;

/* NULL if the heap is empty. */
MUST_CHECK struct records *records_new(void);
void records_free(struct records **r);

/* Keep every record of a datagram; how many there were. */
size_t records_take(struct records *r, span datagram);

/* The newest record of a request; its texts are valid until the next take. */
MUST_CHECK bool records_find(const struct records *r, span id,
                             struct record *out);
