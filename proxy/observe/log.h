/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: one event and its fields a line, for people.
 *
 *   2026-11-25T01:02:03.456Z warn worker.3.0 upstream_refused pool=pay tries=3
 *
 * A line is one write(2) to an inherited descriptor, at most LOG_LINE_MAX bytes
 * (a longer one is cut); control bytes are escaped, so a line is a line. It never
 * waits: what a stuck reader does not take is dropped and counted. Never
 * payloads, header values or keys. Allocates nothing. One per process.
 */
#pragma once

#include "proxy/base/span.h"

#define LOG_LINE_MAX 2048 /* below PIPE_BUF: lines of processes do not mix */

#define LOG_LEVELS(X)                                                          \
    X(LOG_AT_ERROR, "error", "act now")                                        \
    X(LOG_AT_WARN, "warn", "act today")                                        \
    X(LOG_AT_INFO, "info", "the state changed")                                \
    X(LOG_AT_DEBUG, "debug", "for us")

enum log_level {
#define X(name, text, doc) name,
    LOG_LEVELS(X)
#undef X
};

/*
 * Say where lines go and who writes them ("worker.3.0", "control.3"; copied, cut
 * to 31 bytes). The descriptor stays the caller's. Before it: stderr, "stile".
 */
void log_open(int fd, const char *who);

/* Another descriptor from now on, after a SIGUSR1; the old one is not closed. */
void log_reopen(int fd);

/* What is said: this level and graver ones; LOG_AT_INFO at first. */
void log_set_level(enum log_level level);

/* "error" ... "debug"; false if `word` is none of them. */
MUST_CHECK bool log_level_of(span word, enum log_level *out);

/* Lines that could not be written since the process began. */
uint64_t log_dropped(void);

/* The format is a literal of fields: log_info("worker_ready", "index=%u", i). */
#define log_error(event, ...) log_event(LOG_AT_ERROR, event, " " __VA_ARGS__)
#define log_warn(event, ...)  log_event(LOG_AT_WARN, event, " " __VA_ARGS__)
#define log_info(event, ...)  log_event(LOG_AT_INFO, event, " " __VA_ARGS__)
#define log_debug(event, ...) log_event(LOG_AT_DEBUG, event, " " __VA_ARGS__)

/*
 * The same at most once a second for each (event, key); the line that gets
 * through says dropped=N of those that did not. `now_ms` is any monotonic clock.
 */
#define log_warn_limited(now_ms, event, key, ...)                              \
    log_event_limited(now_ms, LOG_AT_WARN, event, key, " " __VA_ARGS__)
#define log_info_limited(now_ms, event, key, ...)                              \
    log_event_limited(now_ms, LOG_AT_INFO, event, key, " " __VA_ARGS__)
#define log_error_limited(now_ms, event, key, ...)                             \
    log_event_limited(now_ms, LOG_AT_ERROR, event, key, " " __VA_ARGS__)
#define log_debug_limited(now_ms, event, key, ...)                             \
    log_event_limited(now_ms, LOG_AT_DEBUG, event, key, " " __VA_ARGS__)

/* A value from outside, quoted if it would read as more than one word. */
#define LOG_QUOTED_MAX 256
struct log_quoted {
    char text[LOG_QUOTED_MAX];
};
/* log_warn("x", "name=%s", log_quote(name, &(struct log_quoted){0})) */
const char *log_quote(span value, struct log_quoted *room);

/* What the macros above call. */
void log_event(enum log_level level, const char *event, const char *fmt, ...)
    PRINTF(3, 4);
void log_event_limited(uint64_t now_ms, enum log_level level, const char *event,
                       span key, const char *fmt, ...) PRINTF(5, 6);
