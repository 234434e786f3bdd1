/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/observe/log.h"

#include "proxy/base/hash.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define WHO_MAX     32
#define LIMIT_SLOTS 256u /* keys that share a slot share its second */
#define LIMIT_MS    1000u

struct limit_slot {
    uint64_t until_ms; /* 0: never used */
    uint64_t dropped;
};

static struct {
    int fd;
    enum log_level level;
    char who[WHO_MAX];
    uint64_t dropped;
    struct limit_slot limits[LIMIT_SLOTS];
} log_of_process = {.fd = 2, .level = LOG_AT_INFO, .who = "stile"};

void
log_open(int fd, const char *who)
{
    log_of_process.fd = fd;
    snprintf(log_of_process.who, WHO_MAX, "%s", who);
}

void
log_reopen(int fd)
{
    log_of_process.fd = fd;
}

void
log_set_level(enum log_level level)
{
    log_of_process.level = level;
}

static const char *
level_name(enum log_level level)
{
    static const char *const names[] = {
#define X(name, text, doc) text,
        LOG_LEVELS(X)
#undef X
    };

    return names[level];
}

bool
log_level_of(span word, enum log_level *out)
{
    static const enum log_level levels[] = {
#define X(name, text, doc) name,
        LOG_LEVELS(X)
#undef X
    };

    for (size_t i = 0; i < COUNT(levels); i++) {
        if (span_is(word, level_name(levels[i]))) {
            *out = levels[i];
            return true;
        }
    }
    return false;
}

uint64_t
log_dropped(void)
{
    return log_of_process.dropped;
}

/* `n` bytes of `c`, escaped, into `out`; it holds at least four. */
static size_t
escape(unsigned char c, char *out)
{
    if (c >= 0x20 && c != 0x7f) {
        out[0] = (char)c;
        return 1;
    }
    return (size_t)snprintf(out, 5, "\\x%02x", c);
}

/*
 * A line cut short must still end in '\n' and not inside an escape, so the text
 * is escaped byte by byte into what is left.
 */
static size_t
append(char *line, size_t len, const char *text)
{
    char one[5];

    for (; *text; text++) {
        size_t n = escape((unsigned char)*text, one);
        if (len + n > LOG_LINE_MAX - 1)
            break;
        memcpy(line + len, one, n);
        len += n;
    }
    return len;
}

static void
put(const char *line, size_t len)
{
    struct pollfd p = {.fd = log_of_process.fd, .events = POLLOUT};

    /* A pipe that is ready takes PIPE_BUF whole; one that is not is left be. */
    if (poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT) ||
        write(log_of_process.fd, line, len) != (ssize_t)len)
        log_of_process.dropped++;
}

static size_t
head(char *line, enum log_level level, const char *event)
{
    struct timespec now;
    struct tm tm;
    char stamp[40];
    char text[LOG_LINE_MAX];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text, sizeof(text), "%s.%03ldZ %s %s %s", stamp,
             now.tv_nsec / 1000000, level_name(level), log_of_process.who,
             event);
    return append(line, 0, text);
}

static void write_line(enum log_level level, const char *event, const char *fmt,
                       va_list args, uint64_t dropped) PRINTF(3, 0);

static void
write_line(enum log_level level, const char *event, const char *fmt,
           va_list args, uint64_t dropped)
{
    char line[LOG_LINE_MAX];
    char text[LOG_LINE_MAX];
    size_t len = head(line, level, event);

    vsnprintf(text, sizeof(text), fmt, args);
    if (text[0] == ' ' && text[1] != '\0')
        len = append(line, len, text);
    if (dropped) {
        snprintf(text, sizeof(text), " dropped=%lu", (unsigned long)dropped);
        len = append(line, len, text);
    }
    line[len++] = '\n';
    put(line, len);
}

void
log_event(enum log_level level, const char *event, const char *fmt, ...)
{
    va_list args;

    if (level > log_of_process.level)
        return;
    va_start(args, fmt);
    write_line(level, event, fmt, args, 0);
    va_end(args);
}

void
log_event_limited(uint64_t now_ms, enum log_level level, const char *event,
                  span key, const char *fmt, ...)
{
    struct limit_slot *slot;
    va_list args;

    if (level > log_of_process.level)
        return;
    slot =
        &log_of_process.limits[hash64_pair(span_str(event), key) % LIMIT_SLOTS];
    if (now_ms < slot->until_ms) {
        slot->dropped++;
        return;
    }
    va_start(args, fmt);
    write_line(level, event, fmt, args, slot->dropped);
    va_end(args);
    *slot = (struct limit_slot){.until_ms = now_ms + LIMIT_MS};
}

static bool
is_plain(span value)
{
    if (value.len == 0 || value.len >= LOG_QUOTED_MAX)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.at[i];
        if (c <= 0x20 || c == 0x7f || c == '"' || c == '\\' || c == '=')
            return false;
    }
    return true;
}

const char *
log_quote(span value, struct log_quoted *room)
{
    char *out = room->text;
    size_t len = 0;

    if (is_plain(value)) {
        memcpy(out, value.at, value.len);
        out[value.len] = '\0';
        return out;
    }
    out[len++] = '"';
    for (size_t i = 0; i < value.len && len < LOG_QUOTED_MAX - 6; i++) {
        if (value.at[i] == '"' || value.at[i] == '\\')
            out[len++] = '\\';
        len += escape((unsigned char)value.at[i], out + len);
    }
    out[len++] = '"';
    out[len] = '\0';
    return out;
}
