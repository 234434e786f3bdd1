/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate: a document on standard input, from a version of an API to another.
 *
 *     cc translate.c $(pkg-config --cflags --libs libstile) -o translate
 *     translate shop v1 v3 Order < order.json
 *
 * All it needs is the installed library; it is C and C++ alike.
 */
#include <stile.h>

#include <stdio.h>
#include <string.h>

static int
complain(const struct stile_translation *t)
{
    const struct stile_fault *f = stile_translation_fault(t);

    fprintf(stderr, "%s", f->text);
    if (f->pointer[0])
        fprintf(stderr, " at %s", f->pointer);
    if (f->change[0])
        fprintf(stderr, ", by %s (%s:%u)", f->change, f->file, f->line);
    fputc('\n', stderr);
    return 1;
}

/* What is written is sent on only if it is whole, or a record of a stream. */
static void
send_on(struct stile_translation *t)
{
    size_t len;
    const char *out = stile_translation_output(t, &len);

    fwrite(out, 1, len, stdout);
    stile_translation_taken(t, len);
}

static int
translate(struct stile_translation *t)
{
    char bytes[65536];
    size_t len;

    while ((len = fread(bytes, 1, sizeof(bytes), stdin)) > 0) {
        if (stile_translation_feed(t, bytes, len) != STILE_OK)
            return complain(t);
        if (stile_translation_is_stream(t))
            send_on(t);
    }
    if (stile_translation_end(t) != STILE_OK)
        return complain(t);
    send_on(t);
    for (size_t i = 0; i < stile_translation_n_notices(t); i++) {
        struct stile_notice n;

        if (stile_translation_notice(t, i, &n))
            fprintf(stderr, "%s %s, by %s\n", n.kind, n.pointer, n.change);
    }
    return 0;
}

static int
open_and_translate(const struct stile_api *api, char **words)
{
    struct stile_message m;
    struct stile_translation *t = NULL;
    struct stile_error e;
    size_t from, to;

    memset(&m, 0, sizeof(m));
    m.side = STILE_ANSWER;
    m.type = words[2];
    if (!stile_api_find_version(api, words[0], &from) ||
        !stile_api_find_version(api, words[1], &to)) {
        fprintf(stderr, "%s has no such version\n", stile_api_name(api));
        return 2;
    }
    if (stile_translation_open(api, &m, from, to, NULL, &t, &e) != STILE_OK) {
        fprintf(stderr, "%s\n", e.text);
        return 2;
    }
    int code = translate(t);
    stile_translation_free(&t);
    return code;
}

int
main(int argc, char **argv)
{
    struct stile_findings *found = NULL;

    if (argc != 5) {
        fprintf(stderr, "usage: translate FOLDER FROM TO TYPE\n");
        return 2;
    }
    struct stile_api *api = stile_api_load(argv[1], &found);
    if (!api) {
        fputs(stile_findings_text(found), stderr);
        stile_findings_free(&found);
        return 2;
    }
    int code = open_and_translate(api, argv + 2);
    stile_api_free(&api);
    return code;
}
