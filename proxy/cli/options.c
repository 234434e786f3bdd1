/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/cli/options.h"

#include "proxy/base/map.h"

#include <stdio.h>

static const struct option *
by_name(const struct command_usage *u, span name)
{
    for (size_t i = 0; i < u->n_options; i++)
        if (span_is(name, u->options[i].name))
            return &u->options[i];
    return NULL;
}

static const struct option *
by_letter(const struct command_usage *u, char letter)
{
    for (size_t i = 0; i < u->n_options; i++)
        if (u->options[i].letter == letter)
            return &u->options[i];
    return NULL;
}

static bool
unknown(const struct command_usage *u, span word)
{
    const char *near = NULL;
    unsigned best = 3;

    for (size_t i = 0; i < u->n_options; i++) {
        unsigned d = edit_distance(word, span_str(u->options[i].name));

        if (d < best) {
            best = d;
            near = u->options[i].name;
        }
    }
    fprintf(stderr, "stile %s: there is no option --%.*s", u->name,
            SPAN_FMT(word));
    if (near)
        fprintf(stderr, "; did you mean --%s?\n", near);
    else
        fprintf(stderr, "; see stile %s --help\n", u->name);
    return false;
}

static bool
set(const struct command_usage *u, const struct option *o, const char *value)
{
    struct option_list *list;

    switch (o->kind) {
    case OPTION_FLAG:
        *(bool *)o->at = true;
        return true;
    case OPTION_TEXT:
        *(const char **)o->at = value;
        return true;
    case OPTION_LIST:
        list = o->at;
        if (list->n == OPTION_LIST_MAX) {
            fprintf(stderr, "stile %s: more than %d of --%s\n", u->name,
                    OPTION_LIST_MAX, o->name);
            return false;
        }
        list->at[list->n++] = value;
        return true;
    }
    return false;
}

/* One option at argv[*i]; *i is moved over its value if that stands apart. */
static bool
read_option(const struct command_usage *u, int argc, char **argv, int *i)
{
    span word = span_str(argv[*i]);
    bool is_long = word.at[1] == '-';
    span value = span_skip(word, is_long ? 2 : 1);
    span name = is_long ? span_cut(&value, '=') : span_take(value, 1);
    const struct option *o =
        is_long ? by_name(u, name) : by_letter(u, name.at[0]);
    const char *text = NULL;

    if (!o)
        return unknown(u, name);
    if (is_long && value.at)
        text = value.at;
    else if (!is_long && word.len > 2)
        text = word.at + 2;
    if (o->kind == OPTION_FLAG && text) {
        fprintf(stderr, "stile %s: --%s takes no value\n", u->name, o->name);
        return false;
    }
    if (o->kind != OPTION_FLAG && !text) {
        if (*i + 1 >= argc) {
            fprintf(stderr, "stile %s: --%s needs %s\n", u->name, o->name,
                    o->value);
            return false;
        }
        text = argv[++*i];
    }
    return set(u, o, text);
}

bool
options_read(const struct command_usage *u, int argc, char **argv,
             char ***operands, size_t *n_operands, int *code)
{
    size_t n = 0;
    bool only_operands = false;

    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];

        if (only_operands || arg[0] != '-' || arg[1] == '\0') {
            argv[1 + n++] = argv[i]; /* n < i: never over what is to be read */
            continue;
        }
        if (strcmp(arg, "--") == 0) {
            only_operands = true;
            continue;
        }
        if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
            options_help(u);
            *code = 0;
            return false;
        }
        if (!read_option(u, argc, argv, &i)) {
            *code = 2;
            return false;
        }
    }
    *operands = argv + 1;
    *n_operands = n;
    return true;
}

void
options_help(const struct command_usage *u)
{
    printf("usage: stile %s%s%s%s\n\n%s", u->name,
           u->n_options ? " [OPTION...]" : "", u->operands[0] ? " " : "",
           u->operands, u->text);
    if (u->n_options)
        puts("\nOptions");
    for (size_t i = 0; i < u->n_options; i++) {
        const struct option *o = &u->options[i];
        char left[64];

        snprintf(left, sizeof(left), "%c%c%s--%s%s%s", o->letter ? '-' : ' ',
                 o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name,
                 o->value ? " " : "", o->value ? o->value : "");
        printf("  %-26s %s\n", left, o->help);
    }
    printf("  %-26s %s\n", "-h, --help", "this text");
    if (u->examples)
        printf("\nExamples\n%s", u->examples);
}
