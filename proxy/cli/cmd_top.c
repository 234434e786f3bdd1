/* SPDX-License-Identifier: Apache-2.0 */
/*
 * top: where everything stands, redrawn as it moves.
 *
 * Plain ANSI: a frame is printed from the corner, each line is cut at the width
 * of the terminal and cleared to its end, so nothing flickers. A change of size
 * is met at the next frame. Without a terminal one frame is printed.
 */
#include "proxy/cli/cli.h"

#include "proxy/base/buf.h"
#include "proxy/base/quantity.h"
#include "proxy/cli/ask.h"
#include "proxy/cli/page.h"
#include "proxy/cli/rollout_print.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define FRAME_MS    1000
#define FRAME_BYTES ((size_t)1 << 20)
#define ROWS        1000
#define NAME        ((size_t)20) /* columns */
#define WORD        ((size_t)10)

struct top {
    struct ask ask;
    bool once;
    struct buf frame;
    struct termios before; /* as the terminal was */
};

static volatile sig_atomic_t stopped;

static void
on_signal(int number)
{
    (void)number;
    stopped = 1;
}

/* ------------------------------------------------------------------- one frame */

static long long
number_of(const json_t *object, const char *name)
{
    return (long long)json_integer_value(json_object_get(object, name));
}

static void
put_head(struct buf *b, const json_t *s)
{
    const json_t *generation = json_object_get(s, "generation");
    const json_t *store = json_object_get(s, "store");
    const json_t *worker;
    long long oldest_ms = 0;
    size_t i;

    json_array_foreach(json_object_get(s, "workers"), i, worker)
    {
        long long ms = number_of(worker, "heartbeat_ms");
        oldest_ms = ms > oldest_ms ? ms : oldest_ms;
    }
    buf_fmt(b,
            "stile %s  %s  generation %lld  revision %lld  %zu workers, oldest "
            "heartbeat %lld ms\n",
            rollout_text(s, "version"),
            json_is_true(json_object_get(s, "ready")) ? "ready" : "NOT READY",
            number_of(generation, "number"), number_of(store, "revision"), i,
            oldest_ms);
    if (rollout_text(store, "refuses")[0])
        buf_fmt(b, "CHANGES ARE REFUSED: %s\n", rollout_text(store, "refuses"));
}

/* A column of a table: the whole name, or both its ends. */
static void
put_cell(struct buf *b, const char *text, size_t columns)
{
    char cell[PAGE_CELL_MAX];

    page_cell(span_str(text), columns, cell);
    buf_str(b, cell);
    buf_byte(b, ' ');
}

static void
put_pools(struct buf *b, const json_t *pools)
{
    const json_t *pool, *endpoint;
    size_t i, j;

    buf_str(b, "\nPOOL                 VERSION    ENDPOINTS\n");
    json_array_foreach(pools, i, pool)
    {
        put_cell(b, rollout_text(pool, "name"), NAME);
        put_cell(b, rollout_text(pool, "version"), WORD);
        json_array_foreach(json_object_get(pool, "endpoints"), j, endpoint)
        {
            buf_fmt(b, "%s%s %s", j ? ", " : "",
                    rollout_text(endpoint, "health"),
                    rollout_text(endpoint, "url"));
        }
        buf_byte(b, '\n');
    }
}

static void
put_routes(struct buf *b, const json_t *routes)
{
    const json_t *route;
    size_t i;

    buf_str(b, "\nROUTE                BASELINE   CANARY         SHARE\n");
    json_array_foreach(routes, i, route)
    {
        const json_t *canary = json_object_get(route, "canary");
        char share[16] = "";

        if (json_is_object(canary))
            quantity_share_text((uint32_t)number_of(canary, "effective_ppm"),
                                share, sizeof(share));
        put_cell(b, rollout_text(route, "name"), NAME);
        put_cell(b, rollout_text(route, "pool"), WORD);
        put_cell(b, rollout_text(canary, "canary"), WORD);
        buf_fmt(b, "%9s%s\n", share,
                json_is_true(json_object_get(canary, "halted")) ? " HALTED"
                                                                : "");
    }
}

static void
put_rollouts(struct buf *b, const json_t *rollouts)
{
    const json_t *rollout;
    char line[ROLLOUT_LINE_MAX];
    size_t i;

    if (json_array_size(rollouts) == 0)
        return;
    buf_str(b, "\nROLLOUT              STATE        STEP            SHARE\n");
    json_array_foreach(rollouts, i, rollout)
    {
        rollout_line(rollout, line);
        put_cell(b, rollout_text(rollout, "name"), NAME);
        buf_fmt(b, "%s\n", line);
    }
}

static int
ask_for(struct top *t, const char *path)
{
    ask_fini(&t->ask);
    t->ask.request.path = path;
    return ask_daemon(&t->ask, "top");
}

/* All that a frame is made of; CLI_OK, and both are the caller's. */
static int
ask_all(struct top *t, json_t **status, json_t **rollouts)
{
    int code = ask_for(t, "/v1/status");

    *status = json_incref(t->ask.answer.body);
    *rollouts = NULL;
    if (code == CLI_OK)
        code = ask_for(t, "/v1/rollouts");
    if (code == CLI_OK)
        *rollouts =
            json_incref(json_object_get(t->ask.answer.body, "rollouts"));
    else
        json_decref(*status);
    return code;
}

static int
make_frame(struct top *t)
{
    json_t *status, *rollouts;
    int code = ask_all(t, &status, &rollouts);

    buf_clear(&t->frame);
    if (code != CLI_OK)
        return code;
    put_head(&t->frame, status);
    put_pools(&t->frame, json_object_get(status, "pools"));
    put_routes(&t->frame, json_object_get(status, "routes"));
    put_rollouts(&t->frame, rollouts);
    json_decref(status);
    json_decref(rollouts);
    return CLI_OK;
}

static int
show_json(struct top *t)
{
    json_t *status, *rollouts;
    int code = ask_all(t, &status, &rollouts);

    if (code == CLI_OK)
        ask_put_json(
            json_pack("{s:o, s:o}", "status", status, "rollouts", rollouts));
    return code;
}

/* -------------------------------------------------------------------- the screen */

static void
print_line(span line, size_t columns, const char *end)
{
    size_t i = 0;

    while (line.len > 0 && line.at[line.len - 1] == ' ')
        line.len--;
    for (size_t n = 0; n < columns && i < line.len; n++) {
        span letter = page_letter(line, &i);
        (void)fwrite(letter.at, 1, letter.len, stdout);
    }
    (void)fputs(end, stdout);
}

static void
print_frame(const struct buf *frame, const struct winsize *size, bool is_screen)
{
    span rest = buf_span(frame);

    if (is_screen)
        (void)fputs("\033[H", stdout);
    /* The last row stays empty: an end of line there would scroll. */
    for (size_t row = 1; rest.len > 0 && row < size->ws_row; row++)
        print_line(span_cut(&rest, '\n'), size->ws_col,
                   is_screen ? "\033[K\n" : "\n");
    if (is_screen)
        (void)fputs("\033[J", stdout);
    (void)fflush(stdout);
}

static void
measure(struct winsize *size)
{
    *size = (struct winsize){.ws_row = ROWS, .ws_col = PAGE_COLUMNS};
    struct winsize w;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_row && w.ws_col)
        *size = w;
}

/* A key, or a second: false once somebody has had enough. */
static bool
wait_for_key(void)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    char key = 0;
    int n = poll(&p, 1, FRAME_MS);

    if (n < 0)
        return errno == EINTR && !stopped; /* it was resized, or told to end */
    if (n > 0 && read(STDIN_FILENO, &key, 1) <= 0)
        return false;
    return !stopped && key != 'q' && key != 'Q';
}

static int
show(struct top *t, bool is_screen)
{
    struct winsize size;

    for (;;) { /* ends: 'q', a signal, or the daemon has gone */
        int code = make_frame(t);
        if (code != CLI_OK)
            return code;
        measure(&size);
        print_frame(&t->frame, &size, is_screen);
        if (!is_screen || !wait_for_key())
            return CLI_OK;
    }
}

/* The other screen, no echo, keys as they come; and all as it was at the end. */
static int
show_on_screen(struct top *t)
{
    const struct sigaction act = {.sa_handler = on_signal};
    struct termios raw;

    if (tcgetattr(STDIN_FILENO, &t->before) != 0)
        return show(t, false);
    (void)sigaction(SIGINT, &act, NULL);
    (void)sigaction(SIGTERM, &act, NULL);
    raw = t->before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    (void)fputs("\033[?1049h\033[?25l\033[2J", stdout);
    int code = show(t, true);
    (void)fputs("\033[?25h\033[?1049l", stdout);
    (void)fflush(stdout);
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &t->before);
    return code;
}

int
cmd_top(int argc, char **argv)
{
    struct top t = {.ask = ASK_PRESET};
    const struct option options[] = {
        {'1', OPTION_FLAG, "once", NULL, &t.once, "one frame, and no more"},
        ASK_OPTIONS(t.ask),
    };
    const struct command_usage usage = {
        .name = "top",
        .operands = "",
        .summary = "watch where everything stands; q ends it",
        .text = "Workers, pools and the health of their endpoints, routes and "
                "the shares in use, rollouts and\nwhat they wait for, anew "
                "each second. q ends it. Where the output is no terminal, or "
                "with\n--once, one frame is printed. Exits 3 if nobody runs, "
                "or when it ends.\n",
        .options = options,
        .n_options = COUNT(options),
        .examples = "  stile top\n  stile top --once\n",
    };
    char **operands;
    size_t n;
    int code;

    if (!options_read(&usage, argc, argv, &operands, &n, &code))
        return code;
    if (n > 0) {
        fprintf(stderr, "stile top: it takes no words; see --help\n");
        return CLI_USAGE;
    }
    bool is_screen = !t.once && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
    buf_init(&t.frame, FRAME_BYTES);
    code = t.ask.as_json ? show_json(&t)
           : is_screen   ? show_on_screen(&t)
                         : show(&t, false);
    buf_fini(&t.frame);
    ask_fini(&t.ask);
    return code;
}
