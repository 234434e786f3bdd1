/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/super/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Through the kernel's own call: the library for it would be for this alone. */
static bool
keep_alone(uint32_t capabilities)
{
    struct __user_cap_header_struct head = {.version =
                                                _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct has[_LINUX_CAPABILITY_U32S_3] = {0};

    if (syscall(SYS_capget, &head, has))
        return false;
    for (size_t i = 0; i < COUNT(has); i++) {
        has[i].permitted &= i ? 0 : capabilities;
        has[i].effective = has[i].permitted;
        has[i].inheritable = 0;
    }
    return syscall(SYS_capset, &head, has) == 0;
}

enum err_code
privileges_become(const char *user, struct err *e)
{
    const struct passwd *who = getpwnam(user);

    if (!who)
        return err_set(e, ERR_NOT_FOUND, "there is no user %s", user);
    /* What is permitted stays so; a drop says what of it is used. */
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) ||
        initgroups(who->pw_name, who->pw_gid) ||
        setresgid(who->pw_gid, who->pw_gid, who->pw_gid) ||
        setresuid(who->pw_uid, who->pw_uid, who->pw_uid))
        return err_set(e, ERR_IO, "this process cannot become %s: %s", user,
                       strerror(errno));
    return OK;
}

static uint32_t
capabilities_of(enum privileges p)
{
    switch (p) {
    case PRIVILEGES_NONE:
        break;
    case PRIVILEGES_READ:
        return CAP_TO_MASK(CAP_DAC_READ_SEARCH);
    case PRIVILEGES_FILES:
        return geteuid() == 0 ? CAP_TO_MASK(CAP_DAC_OVERRIDE) : 0;
    }
    return 0;
}

enum err_code
privileges_drop(enum privileges keep, struct err *e)
{
    const struct rlimit no_core = {0, 0};

    /* Ambient ones are gone with the inheritable ones. */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        !keep_alone(capabilities_of(keep)) || setrlimit(RLIMIT_CORE, &no_core))
        return err_set(e, ERR_IO, "privileges cannot be given up: %s",
                       strerror(errno));
    return OK;
}
