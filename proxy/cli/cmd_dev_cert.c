/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/cli/cli.h"

#include "certs/dev.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

int
cmd_dev_cert(int argc, char **argv)
{
    const char *days = "30";
    const struct option options[] = {
        {'d', OPTION_TEXT, "days", "N", &days, "how long it holds (30)"}};
    const struct command_usage usage = {
        .name = "dev-cert",
        .operands = "FOLDER",
        .summary = "make certificates to try things with",
        .text =
            "Writes " CERTS_DEV_CA ", " CERTS_DEV_CHAIN " and " CERTS_DEV_KEY
            " into FOLDER (made if it is not there): a\ncertificate for "
            "localhost, 127.0.0.1 and ::1, and the authority to trust for it. "
            "The\nauthority's key is thrown away at once.\n",
        .options = options,
        .n_options = COUNT(options),
        .examples =
            "  stile dev-cert certs\n"
            "  curl --cacert certs/" CERTS_DEV_CA " https://localhost:8443/\n",
    };
    char **operands;
    size_t n;
    int code;
    uint64_t n_days;
    struct err e;

    if (!options_read(&usage, argc, argv, &operands, &n, &code))
        return code;
    if (n != 1 || !span_to_u64(span_str(days), &n_days) || n_days > 3650) {
        fprintf(stderr, "stile dev-cert: one FOLDER and 1 to 3650 days; see "
                        "stile dev-cert --help\n");
        return CLI_USAGE;
    }
    if (mkdir(operands[0], 0700) && errno != EEXIST) {
        fprintf(stderr, "stile dev-cert: %s: %s\n", operands[0],
                strerror(errno));
        return CLI_REFUSED;
    }
    if (certs_dev_write(operands[0], (unsigned)n_days, (int64_t)time(NULL),
                        &e)) {
        fprintf(stderr, "stile dev-cert: %s\n", e.text);
        return CLI_REFUSED;
    }
    printf("wrote %s/" CERTS_DEV_CA ", " CERTS_DEV_CHAIN ", " CERTS_DEV_KEY
           "\n",
           operands[0]);
    return CLI_OK;
}
