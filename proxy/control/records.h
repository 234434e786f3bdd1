/* SPDX-License-Identifier: Apache-2.0 */
/*
 * records: the decision records of the last requests, by request id.
 *
 * A ring in a segment of the supervisor's: the newest pushes out the oldest, so
 * the last RECORDS_KEPT are there, or those that fit RECORDS_BYTES. They outlive
 * this control. What comes in, and what a control that died in the middle left,
 * are bytes from outside; what is no record is dropped.
 */
#pragma once

#include "proxy/observe/record.h"
#include "proxy/observe/segments.h"

/* Keep every record of a datagram; how many there were. */
size_t records_take(struct records *r, span datagram);

/* The newest record of a request; its texts are valid until the next take. */
MUST_CHECK bool records_find(const struct records *r, span id,
                             struct record *out);

/* The record that came `back` records before the newest (0); false: it is gone, or never was. */
MUST_CHECK bool records_nth(const struct records *r, uint64_t back,
                            struct record *out);
