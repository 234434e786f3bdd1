/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli: the commands, one file each, from one table.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/err.h"
#include "proxy/cli/options.h"

/* Exit codes, the same for every command. */
#define CLI_CODES(X)                                                           \
    X(CLI_OK, 0, "done; nothing to complain of")                               \
    X(CLI_REFUSED, 1, "refused or failed: the sentence says why")              \
    X(CLI_USAGE, 2, "the command's words are off")                             \
    X(CLI_UNKNOWN, 3, "no answer: the daemon is not there, or does not know")

enum cli_code {
#define X(name, code, doc) name = (code),
    CLI_CODES(X)
#undef X
};

#define CLI_CONFIG_PRESET "/etc/stile/stile.yaml"
#define CLI_SOCKET_PRESET "/run/stile/admin.sock"

/* X(word, function, summary); words that begin with "-" are not listed. */
#define CLI_COMMANDS(X)                                                        \
    X("run", cmd_run, "run the proxy")                                         \
    X("check", cmd_check, "check a configuration and say all that is wrong")   \
    X("translate", cmd_translate, "translate a document between two versions") \
    X("plan", cmd_plan, "show what becomes of a type between two versions")    \
    X("same", cmd_same, "say whether two files are the same document")         \
    X("explain", cmd_explain, "say what is done with a request, and why")      \
    X("shadow", cmd_shadow, "where the canary answers otherwise")              \
    X("matrix", cmd_matrix, "which client versions each pool can serve")       \
    X("can-i", cmd_can_i, "say whether a pool can serve a client's version")   \
    X("weight", cmd_weight, "show or move the canary's share of a route")      \
    X("endpoint", cmd_endpoint, "show endpoints, take one out of use or back") \
    X("rollout", cmd_rollout, "show a rollout, or tell it what to do")         \
    X("report", cmd_report, "what a rollback leaves: why, whom, what to mend") \
    X("audit", cmd_audit, "the journal: its end, and whether it is whole")     \
    X("snapshot", cmd_snapshot, "what held at a revision; weights put back")   \
    X("status", cmd_status, "say what the processes do now")                   \
    X("top", cmd_top, "watch where everything stands")                         \
    X("reload", cmd_reload, "load the configuration anew")                     \
    X("token", cmd_token, "make a token for the admin API")                    \
    X("dev-cert", cmd_dev_cert, "make certificates to try things with")        \
    X("version", cmd_version, "say which build this is")

/* NOLINTNEXTLINE(bugprone-macro-parentheses): a declared name takes none */
#define X(word, fn, summary) int fn(int argc, char **argv);
CLI_COMMANDS(X)
#undef X

/* A loader's life; started by the supervisor alone. */
int cmd_loader(int argc, char **argv);

/* argv[0] is the program, argv[1] the command; the exit code. */
int cli_main(int argc, char **argv);

/*
 * All of a file, or of standard input for "-", in `a`. ERR_IO, ERR_LIMIT (more
 * than `max` bytes).
 */
MUST_CHECK enum err_code cli_read(struct arena *a, const char *path, size_t max,
                                  span *out, struct err *e);

/* A JSON text with quotes, for output that is made by hand. */
void cli_print_json_text(span s);
