/* SPDX-License-Identifier: Apache-2.0 */
/*
 * repair_script: the program that a repair plan is, but for its steps. For sh(1), with curl(1) and GNU date.
 */
#pragma once

extern const char repair_script_title[];
extern const char repair_script_body[]; /* after its settings */
extern const char repair_script_end[];
