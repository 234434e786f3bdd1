/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/cli/cli.h"

#include "proxy/base/quantity.h"
#include "proxy/cli/ask.h"
#include "proxy/cli/page.h"
#include "proxy/cli/rollout_print.h"

#include <stdio.h>
#include <string.h>

/* X(word, how it is asked) */
#define WORDS(X)                                                               \
    X("show", LOOK)                                                            \
    X("plan", LOOK)                                                            \
    X("watch", LOOK)                                                           \
    X("history", LOOK)                                                         \
    X("evidence", LOOK)                                                        \
    X("approve", TELL)                                                         \
    X("shadow", TELL)                                                          \
    X("start", TELL)                                                           \
    X("pause", TELL)                                                           \
    X("resume", TELL)                                                          \
    X("promote", TELL)                                                         \
    X("flip", TELL)                                                            \
    X("reopen", TELL)                                                          \
    X("abort", TELL)                                                           \
    X("rollback", TELL)                                                        \
    X("withdraw", TELL)                                                        \
    X("again", TELL)                                                           \
    X("acknowledge", TELL)

enum how { LOOK, TELL };

static const struct word {
    const char *text;
    enum how how;
} words[] = {
#define X(text, how) {text, how},
    WORDS(X)
#undef X
};

static const struct word *
find(const char *text)
{
    for (size_t i = 0; i < COUNT(words); i++)
        if (strcmp(words[i].text, text) == 0)
            return &words[i];
    return NULL;
}

static int
look(struct ask *ask, void (*print)(const json_t *))
{
    int code = ask_daemon(ask, "rollout");

    if (code != CLI_OK)
        return code;
    if (ask->as_json)
        ask_print_json(ask);
    else
        print(ask->answer.body);
    return CLI_OK;
}

/* How it is told. */
struct telling {
    const char *reason;
    const char *if_match;
    bool dry;
    bool breaks_glass;
    bool no_way_back;
    bool without_halted;
    const char *cell; /* NULL: all */
};

static void
print_told(const json_t *r)
{
    if (json_is_true(json_object_get(r, "dry_run")))
        page_line(
            4, "%s: %s would make it %s, step %lld, %s (nothing was changed)",
            rollout_text(r, "name"), rollout_text(r, "event"),
            rollout_text(r, "state"),
            (long long)json_integer_value(json_object_get(r, "step")),
            rollout_text(r, "weight"));
    else
        rollout_print_line(r);
}

static int
tell(struct ask *ask, const struct telling *t)
{
    char key[ASK_KEY_CHARS];

    if (!t->reason) {
        fprintf(stderr, "stile rollout: say why, with --reason TEXT; it is "
                        "kept in the journal\n");
        return CLI_USAGE;
    }
    json_t *body = json_pack(
        "{s:s, s:b, s:b, s:b, s:b, s:s*}", "reason", t->reason, "dry_run",
        t->dry, "break_glass", t->breaks_glass, "no_way_back", t->no_way_back,
        "without_halted", t->without_halted, "cell", t->cell);
    if (!body) {
        fprintf(stderr, "stile rollout: the reason is no UTF-8 text\n");
        return CLI_USAGE;
    }
    ask->request.method = "POST";
    ask->request.body = body;
    ask->request.if_match = t->if_match;
    ask_once(ask, key);
    int code = look(ask, print_told);
    ask->request.key = NULL;
    json_decref(body);
    return code;
}

/* 0: done. 1: it was taken back. 3: it waits for a person. -1: it goes on. */
static int
verdict(const json_t *r)
{
    const char *state = rollout_text(r, "state");
    bool takes_itself_back =
        strcmp(rollout_text(r, "on_fail"), "rollback") == 0;

    if (strcmp(state, "done") == 0)
        return CLI_OK;
    if (strcmp(state, "reported") == 0 || strcmp(state, "withdrawn") == 0)
        return CLI_REFUSED;
    if (strcmp(state, "halted") == 0)
        return takes_itself_back ? -1 : CLI_UNKNOWN;
    if (strcmp(state, "paused") == 0 || strcmp(state, "rollback_blocked") == 0)
        return CLI_UNKNOWN;
    return -1;
}

struct watching {
    struct ask *ask;
    char last[ROLLOUT_LINE_MAX]; /* the line that was printed last */
    int code;
};

/* One that is printed is not printed again. */
static void
print_change(struct watching *w)
{
    const json_t *r = w->ask->answer.body;
    char line[ROLLOUT_LINE_MAX];

    rollout_line(r, line);
    if (strcmp(line, w->last) == 0)
        return;
    memcpy(w->last, line, sizeof(w->last));
    if (w->ask->as_json)
        ask_put_json_line(r);
    else
        rollout_print_line(r);
    (void)fflush(stdout);
}

/* What it waits for counts on without an event, so a quiet second is a reason
 * to look, too. */
static bool
look_again(void *arg, const struct feed_event *ev)
{
    struct watching *w = arg;
    struct err e;

    (void)ev;
    client_answer_fini(&w->ask->answer);
    if (client_ask(&w->ask->request, &w->ask->answer, &e))
        return true; /* it restarts; the events say whether it comes back */
    if (w->ask->answer.status != 200) {
        page_error("stile rollout: %s", client_answer_says(&w->ask->answer));
        w->code = w->ask->answer.status == 404 ? CLI_UNKNOWN : CLI_REFUSED;
        return false;
    }
    print_change(w);
    w->code = verdict(w->ask->answer.body);
    return w->code < 0;
}

/* A line for each change, until it is over or waits for a person. */
static int
watch(struct ask *ask)
{
    struct watching w = {.ask = ask, .code = -1};
    int code =
        ask_events(ask, "rollout", "/v1/events?beat_ms=1000", look_again, &w);

    return w.code >= 0 ? w.code : code;
}

static int
run(struct ask *ask, const struct word *word, const struct telling *t)
{
    if (word->how == TELL)
        return tell(ask, t);
    if (strcmp(word->text, "watch") == 0)
        return watch(ask);
    if (strcmp(word->text, "plan") == 0)
        return look(ask, rollout_print_plan);
    if (strcmp(word->text, "history") == 0)
        return look(ask, rollout_print_history);
    if (strcmp(word->text, "evidence") == 0)
        return look(ask, rollout_print_evidence);
    return look(ask, rollout_print_whole);
}

/* "/v1/rollouts/NAME", and what of it. */
static const char *
path_of(struct arena *a, const struct word *word, const char *name)
{
    bool is_part = word->how == TELL || strcmp(word->text, "history") == 0 ||
                   strcmp(word->text, "evidence") == 0;
    span whole = arena_fmt(a, "%s%s%s", name, is_part ? "/" : "",
                           is_part ? word->text : "");

    return whole.at ? client_path(a, "/v1/rollouts/", whole.at) : NULL;
}

static int
ask_all(struct ask *ask)
{
    ask->request.path = "/v1/rollouts";
    return look(ask, rollout_print_list);
}

static int
ask_one(struct ask *ask, char **operands, const struct telling *t)
{
    const struct word *word = find(operands[0]);
    struct arena *a = arena_new(65536);
    int code = CLI_USAGE;

    if (!word)
        page_error("stile rollout: there is no word `%s`; see --help",
                   operands[0]);
    else if (!a || !(ask->request.path = path_of(a, word, operands[1])))
        fprintf(stderr, "stile rollout: the name is too long\n");
    else
        code = run(ask, word, t);
    arena_free(&a);
    return code;
}

/* For a shell that completes them. */
static int
list_words(void)
{
    for (size_t i = 0; i < COUNT(words); i++)
        puts(words[i].text);
    return CLI_OK;
}

int
cmd_rollout(int argc, char **argv)
{
    struct ask ask = ASK_PRESET;
    struct telling t = {.if_match = "*"};
    bool only_words = false;
    const struct option options[] = {
        {'r', OPTION_TEXT, "reason", "TEXT", &t.reason,
         "why; needed to tell it something"},
        {0, OPTION_TEXT, "if-match", "REVISION", &t.if_match,
         "only if it is still at this revision"},
        {'n', OPTION_FLAG, "dry-run", NULL, &t.dry,
         "say what it would come to; change nothing"},
        {0, OPTION_FLAG, "break-glass", NULL, &t.breaks_glass,
         "start, promote or flip over approvals and windows"},
        {0, OPTION_FLAG, "no-way-back", NULL, &t.no_way_back,
         "start, though some clients could not come back"},
        {0, OPTION_FLAG, "without-halted", NULL, &t.without_halted,
         "promote or flip; cells that are halted stay on the baseline"},
        {0, OPTION_TEXT, "cell", "CELL", &t.cell,
         "reopen this one, as it is shown; all, if none is named"},
        {0, OPTION_FLAG, "words", NULL, &only_words,
         "what it is told, a word a line, and nothing else"},
        ASK_OPTIONS(ask),
    };
    const struct command_usage usage = {
        .name = "rollout",
        .operands = "[WORD NAME]",
        .summary = "show a rollout, or tell it what to do",
        .text =
            "Without words, every rollout and what it waits for. To look:\n"
            "  show      where it stands, and why it is made\n"
            "  plan      its steps, how long they take, how soon they halt\n"
            "  watch     a line for each change, until it is over (0), was "
            "taken back (1)\n            or waits for a person (3)\n"
            "  history   every edge it took, by whom and why\n"
            "  evidence  what was counted\n"
            "To tell it, with a reason: approve, shadow (compare first), "
            "start, pause, resume, promote\n(to the next step now), flip (to "
            "the last: blue-green), reopen (cells that a gate halted),\nabort "
            "(nobody is on the canary from now on), rollback, withdraw (before "
            "the start), again (a\nnew run). It is durable before the command "
            "returns. What --break-glass forced is shown until\nsomebody says "
            "acknowledge.\n",
        .options = options,
        .n_options = COUNT(options),
        .examples =
            "  stile rollout\n"
            "  stile rollout plan ios-orders\n"
            "  stile rollout start ios-orders --reason \"as planned\"\n",
    };
    char **operands;
    size_t n;
    int code;

    if (!options_read(&usage, argc, argv, &operands, &n, &code))
        return code;
    if (only_words)
        return list_words();
    if (n != 0 && n != 2) {
        fprintf(stderr, "stile rollout: a word and a name; see --help\n");
        return CLI_USAGE;
    }
    code = n == 0 ? ask_all(&ask) : ask_one(&ask, operands, &t);
    ask_fini(&ask);
    return code;
}
