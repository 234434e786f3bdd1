/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options: a command's words, read and explained from one table.
 *
 * "--name VALUE", "--name=VALUE", "-n VALUE", flags, and what stands free. "--"
 * ends the options. The same table is the command's --help, so no option is
 * without a sentence.
 */
#pragma once

#include "proxy/base/span.h"

enum option_kind {
    OPTION_FLAG, /* sets *(bool *)at */
    OPTION_TEXT, /* sets *(const char **)at; the last one holds */
    OPTION_LIST, /* appends to *(struct option_list *)at */
};

#define OPTION_LIST_MAX 100

struct option_list {
    const char *at[OPTION_LIST_MAX];
    size_t n;
};

struct option {
    char letter; /* 0: none */
    enum option_kind kind;
    const char *name;
    const char *value; /* what --help calls it; NULL for a flag */
    void *at;
    const char *help;
};

struct command_usage {
    const char *name;     /* "weight" */
    const char *operands; /* "[ROUTE [SHARE]]"; may be empty */
    const char *summary;  /* one line */
    const char *text;     /* what it does, taught; ends with a newline */
    const struct option *options;
    size_t n_options;
    const char *examples; /* lines; may be NULL */
};

/*
 * Read argv[1..] by the table. True: go on; *operands are what stood free, in
 * order, inside argv. False: return *code, since --help was asked and printed
 * (0), or the words are off and one sentence was printed to stderr (2).
 */
MUST_CHECK bool options_read(const struct command_usage *u, int argc,
                             char **argv, char ***operands, size_t *n_operands,
                             int *code);

/* Print the command's help. */
void options_help(const struct command_usage *u);
