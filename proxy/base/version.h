/* SPDX-License-Identifier: Apache-2.0 */
/*
 * version: what this build calls itself. The number is CMakeLists.txt's.
 */
#pragma once

/* "0.1.0" */
const char *version_number(void);

/* "gcc 12.2.0" */
const char *version_compiler(void);
