/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/base/version.h"

const char *
version_number(void)
{
    return STILE_VERSION;
}

const char *
version_compiler(void)
{
#ifdef __clang__
    return "clang " __clang_version__;
#else
    return "gcc " __VERSION__;
#endif
}
