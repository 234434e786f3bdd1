/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/http/fault.h"

static const struct {
    const char *name, *limit, *text;
    int status;
} faults[] = {[FAULT_NONE] = {"FAULT_NONE", "", "", 0},
#define X(name, status, limit, sentence)                                       \
    [name] = {#name, limit, sentence, status},
              FAULTS(X)
#undef X
};

int
fault_status(enum fault f)
{
    return faults[f].status;
}

const char *
fault_limit(enum fault f)
{
    return faults[f].limit;
}

const char *
fault_text(enum fault f)
{
    return faults[f].text;
}

const char *
fault_name(enum fault f)
{
    return faults[f].name;
}
