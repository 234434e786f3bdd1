/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_print: the report of a rollback, for people: lines of at most 100 columns.
 */
#pragma once

#include <jansson.h>

void report_print(const json_t *report);

/* One write of the exposure file: when, what, whose, how it ended. */
void report_print_write(const json_t *write);
