/* SPDX-License-Identifier: Apache-2.0 */
/*
 * estate: what the supervisor holds for life and hands to every loader.
 *
 * Segments (those that control alone writes twice: to write, and to read), the
 * socket pair on which workers report to control, log files. Sockets are in
 * sockets.h.
 */
#pragma once

#include "proxy/observe/segments.h"
#include "proxy/super/home.h"
#include "proxy/super/messages.h"

#define ESTATE_FILES_MAX 16u
#define ESTATE_PATH_MAX  4096u

struct estate_file {
    char path[ESTATE_PATH_MAX]; /* "" is free */
    int fd;
};

struct estate {
    int hello[HELLO_FDS];     /* enum hello_fd */
    char home[HOME_NAME_MAX]; /* where orphans come */
    struct tickets *tickets;
    const char *log_path; /* NULL: stderr */
    struct estate_file files[ESTATE_FILES_MAX];
};

MUST_CHECK enum err_code estate_open(struct estate *s, const char *log_path,
                                     struct err *e);
void estate_close(struct estate *s);

/*
 * What an orphan brought instead of ours, and the log that stays ours. The
 * descriptors that are kept are taken from the array.
 */
void estate_adopt(struct estate *s, int *fds, size_t n);
/* A log file of its; `fd` becomes ours. ERR_LIMIT: too many. */
MUST_CHECK enum err_code estate_adopt_file(struct estate *s, span path, int fd,
                                           struct err *e);

/*
 * The access log at `path` ("stdout" is ours), opened to append once and kept;
 * *out stays the estate's.
 */
MUST_CHECK enum err_code estate_file(struct estate *s, span path, int *out,
                                     struct err *e);

/* Its place in `files`; -1: none is open. */
int estate_find_file(const struct estate *s, span path);

/* Open all files again by their paths; one that fails stays as it was, logged. */
void estate_reopen(struct estate *s);

/* A new TLS ticket key; false (and logged) without random bytes. */
bool estate_rotate(struct estate *s);
