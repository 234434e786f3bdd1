/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/exposures.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE_BYTES ((size_t)1 << 20)
#define TAIL_BYTES ((uint64_t)64 << 20) /* what is looked through for a halt */

static int
open_file(const char *dir)
{
    char path[4096];
    int n = 0;

    if (!dir) { /* there is no state directory */
        errno = ENOENT;
        return -1;
    }
    n = snprintf(path, sizeof(path), "%s/%s", dir, EXPOSURES_FILE);
    if (n < 0 || (size_t)n >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static uint64_t
end_of(int fd)
{
    struct stat st;

    return fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0
               ? (uint64_t)st.st_size
               : 0;
}

uint64_t
exposures_end(const char *dir)
{
    int fd = open_file(dir);
    uint64_t end = end_of(fd);

    if (fd >= 0)
        close(fd);
    return end;
}

static bool
is_ours(const json_t *line, span rollout, uint32_t run)
{
    const char *name = json_string_value(json_object_get(line, "rollout"));

    return name && span_is(rollout, name) &&
           json_integer_value(json_object_get(line, "run")) == (json_int_t)run;
}

/* Most lines are of no interest to who looks for a halt, and are not parsed. */
static bool
may_matter(span text, const json_t *writes)
{
    static const char halted[] = "\"halted";

    return writes || memmem(text.at, text.len, halted, sizeof(halted) - 1);
}

/* Absent: `at` is NULL. */
static span
text_of(const json_t *line, const char *name)
{
    const json_t *value = json_object_get(line, name);

    return json_is_string(value)
               ? span_of(json_string_value(value), json_string_length(value))
               : (span){0};
}

/* False: it is no line of a halt. */
static bool
read_halt(const json_t *line, struct exposures_halt *out)
{
    span of_run = text_of(line, "halted"),
         of_cell = text_of(line, "halted_cell");
    json_int_t opened = json_integer_value(json_object_get(line, "opened"));

    *out = (struct exposures_halt){.reason = of_run.at ? of_run : of_cell,
                                   .of_cell = !of_run.at,
                                   .opened = opened < 0 ? 0 : (uint64_t)opened,
                                   .route = text_of(line, "route"),
                                   .version = text_of(line, "version"),
                                   .platform = text_of(line, "platform")};
    return out->reason.at != NULL;
}

static void
take_line(span text, span rollout, uint32_t run, json_t *writes,
          exposures_halt_fn fn, void *arg)
{
    json_t *line = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, NULL);
    struct exposures_halt halt;

    if (!is_ours(line, rollout, run))
        ; /* another's, or no line at all */
    else if (fn && read_halt(line, &halt))
        fn(arg, &halt);
    else if (writes && json_is_string(json_object_get(line, "path")))
        (void)json_array_append(writes, line);
    json_decref(line);
}

size_t
exposures_scan(span text, span rollout, uint32_t run, json_t *writes,
               exposures_halt_fn fn, void *arg)
{
    span rest = text;

    while (rest.len) {
        const char *end = memchr(rest.at, '\n', rest.len);
        if (!end)
            break;
        size_t len = (size_t)(end - rest.at);
        if (len && may_matter(span_take(rest, len), writes))
            take_line(span_take(rest, len), rollout, run, writes, fn, arg);
        rest = span_skip(rest, len + 1);
    }
    return text.len - rest.len;
}

/* As much as there is; false: it cannot be read. */
static bool
read_page(int fd, uint64_t from, char *page, size_t *len)
{
    *len = 0;
    while (*len < PAGE_BYTES) {
        ssize_t n =
            pread(fd, page + *len, PAGE_BYTES - *len, (off_t)(from + *len));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (n == 0)
            break;
        *len += (size_t)n;
    }
    return true;
}

/* A line longer than a page is nobody's: it is passed over. */
static uint64_t
taken(size_t whole, size_t len)
{
    return whole == 0 && len == PAGE_BYTES ? len : whole;
}

static enum err_code
read_writes(int fd, span rollout, uint32_t run, uint64_t from,
            struct exposures_page *out, struct err *e)
{
    char *page = malloc(PAGE_BYTES);
    uint64_t end = end_of(fd);
    size_t len = 0;

    out->writes = json_array();
    if (!page || !out->writes) {
        free(page);
        json_decref(out->writes);
        return err_set(e, ERR_LIMIT, "no memory for the exposure file");
    }
    from = from > end ? 0 : from;
    if (!read_page(fd, from, page, &len)) {
        free(page);
        json_decref(out->writes);
        return err_set(e, ERR_IO, "the exposure file cannot be read: %s",
                       strerror(errno));
    }
    uint64_t n = taken(exposures_scan(span_of(page, len), rollout, run,
                                      out->writes, NULL, NULL),
                       len);
    free(page);
    out->next = from + n;
    out->is_last = len < PAGE_BYTES;
    return OK;
}

enum err_code
exposures_read(const char *dir, span rollout, uint32_t run, uint64_t from,
               struct exposures_page *out, struct err *e)
{
    int fd = open_file(dir);

    *out = (struct exposures_page){.is_last = true};
    if (fd < 0 && errno != ENOENT)
        return err_set(e, ERR_IO, "the exposure file cannot be read: %s",
                       strerror(errno));
    if (fd < 0) { /* nobody has written one */
        out->writes = json_array();
        return out->writes ? OK : err_set(e, ERR_LIMIT, "no memory for a list");
    }
    enum err_code code = read_writes(fd, rollout, run, from, out, e);
    close(fd);
    return code;
}

void
exposures_halts(const char *dir, span rollout, uint32_t run,
                exposures_halt_fn fn, void *arg)
{
    int fd = open_file(dir);
    char *page = fd < 0 ? NULL : malloc(PAGE_BYTES);
    uint64_t end = end_of(fd), at = end > TAIL_BYTES ? end - TAIL_BYTES : 0;
    size_t len;

    while (page && at < end && read_page(fd, at, page, &len) && len) {
        uint64_t n = taken(
            exposures_scan(span_of(page, len), rollout, run, NULL, fn, arg),
            len);
        if (n == 0) /* the last line is not whole */
            break;
        at += n;
    }
    free(page);
    if (fd >= 0)
        close(fd);
}
