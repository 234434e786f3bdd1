/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: this process becomes the supervisor; `loader` is what it starts.
 */
#include "proxy/cli/cli.h"

#include "certs/keys.h"
#include "certs/tickets.h"
#include "config/generation.h"
#include "proxy/control/control.h"
#include "proxy/observe/log.h"
#include "proxy/server/worker.h"
#include "proxy/super/loader.h"
#include "proxy/super/supervisor.h"

#include <assert.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BINARY_MAX 4096

/* Only root can become somebody else, and has no use for becoming root. */
static bool
find_user(struct supervisor_options *o)
{
    const struct passwd *who = getpwnam(o->user);
    const char *why = !who               ? "there is no such user"
                      : geteuid() != 0   ? "only root can become somebody else"
                      : who->pw_uid == 0 ? "it is whom root becomes"
                                         : NULL;

    if (why) {
        fprintf(stderr, "stile run: --user %s: %s\n", o->user, why);
        return false;
    }
    o->user_uid = who->pw_uid;
    return true;
}

int
cmd_run(int argc, char **argv)
{
    struct supervisor_options o = {.config = CLI_CONFIG_PRESET};
    const struct option options[] = {
        {'c', OPTION_TEXT, "config", "FILE", &o.config,
         "the configuration (" CLI_CONFIG_PRESET ")"},
        {0, OPTION_TEXT, "log", "FILE", &o.log,
         "log there and reopen it at SIGUSR1; stderr without"},
        {0, OPTION_TEXT, "user", "NAME", &o.user,
         "started by root: all but the supervisor become this user"},
    };
    const struct command_usage usage = {
        .name = "run",
        .operands = "",
        .summary = "run the proxy",
        .text =
            "Runs in the foreground until it is told to stop. This process "
            "supervises; it starts a\nloader, which checks the configuration "
            "and forks one worker a core and one control\nprocess.\n\n"
            "  SIGHUP   load the configuration anew; a bad one changes "
            "nothing\n"
            "  SIGTERM  finish what is under way (at most limits.drain), then "
            "stop; twice: stop now\n"
            "  SIGUSR1  reopen the log files\n"
            "  SIGUSR2  end and leave all processes to the next `stile run` "
            "of this configuration\n",
        .options = options,
        .n_options = COUNT(options),
        .examples = "  stile check stile.yaml && stile run -c stile.yaml\n",
    };
    char binary[BINARY_MAX];
    char **operands;
    size_t n;
    int code;

    if (!options_read(&usage, argc, argv, &operands, &n, &code))
        return code;
    if (o.user && !find_user(&o))
        return CLI_REFUSED;
    if (n) {
        fprintf(stderr,
                "stile run: what is `%s`? The configuration is named "
                "with --config\n",
                operands[0]);
        return CLI_USAGE;
    }
    /* The path, not the open file: a reload starts the binary on disk. */
    ssize_t len = readlink("/proc/self/exe", binary, sizeof(binary) - 1);
    if (len < 0) {
        perror("stile run: /proc/self/exe");
        return CLI_REFUSED;
    }
    binary[len] = '\0';
    o.binary = binary;
    return supervisor_main(&o);
}

/* Two rooms that may not know each other: the segment's keys, as certs reads them. */
static enum err_code
load(const char *path, const struct tickets *tickets, struct problems *problems,
     struct generation **out)
{
    static struct certs_tickets keys; /* TLS contexts keep its address */

    if (!keys_open())
        log_warn("keys_not_locked", "why=\"no memory may be locked\"");
    static_assert(TICKET_KEYS == CERTS_TICKET_KEYS, "one layout");
    static_assert(TICKET_BYTES == CERTS_TICKET_BYTES, "one layout");
    if (!tickets)
        return generation_load(path, NULL, problems, out);
    keys = (struct certs_tickets){
        /* Copied under the sequence lock, so that a torn read is seen. */
        .keys =
            (const unsigned char *)tickets + offsetof(struct tickets, words),
        .sequence = &tickets->sequence,
    };
    return generation_load(path, &keys, problems, out);
}

int
cmd_loader(int argc, char **argv)
{
    const char *fd_text = "", *config = NULL, *user = NULL;
    const struct option options[] = {
        {0, OPTION_TEXT, "fd", "N", &fd_text, "socket to the supervisor"},
        {0, OPTION_TEXT, "config", "FILE", &config, "the configuration"},
        {0, OPTION_TEXT, "user", "NAME", &user, "whom to become first"},
    };
    const struct command_usage usage = {
        .name = "loader",
        .operands = "",
        .summary = "a generation's parent",
        .text = "Started by `stile run`, not by people.\n",
        .options = options,
        .n_options = COUNT(options),
    };
    char **operands;
    size_t n;
    int code;
    uint64_t fd;

    if (!options_read(&usage, argc, argv, &operands, &n, &code))
        return code;
    if (!config || !span_to_u64(span_str(fd_text), &fd) || fd > INT32_MAX) {
        fprintf(stderr,
                "stile loader: started by `stile run`, not by people\n");
        return CLI_USAGE;
    }

    const struct loader_options o = {
        .fd = (int)fd,
        .config = config,
        .user = user,
        .roles = {.load = load, .worker = worker_main, .control = control_main},
    };
    return loader_main(&o);
}
