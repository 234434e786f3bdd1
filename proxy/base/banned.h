/* SPDX-License-Identifier: Apache-2.0 */
/*
 * banned: what no file of ours may call. The build puts this header first, so
 * that libc's own declarations come before the names are poisoned.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__GNUC__)
#undef alloca
#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi alloca gmtime    \
    localtime
#endif
