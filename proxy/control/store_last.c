/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file is two lines: an object of JSON, and the SHA-256 of that line in
 * hexadecimal. People may read it at 3 a.m.; nobody need write it.
 */
#include "proxy/control/store_last.h"

#include "certs/digest.h"
#include "proxy/base/buf.h"
#include "proxy/base/hex.h"

#include <jansson.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME      "weights.last"
#define NAME_OLD  "weights.last.old"
#define NAME_NEW  "weights.last.new"
#define BYTES_MAX (4u << 20)

static json_t *
weight_json(const struct store_weight *w)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:I}", "slot", w->slot, "weight_ppm",
                     (json_int_t)w->weight_ppm, "run", (json_int_t)w->run,
                     "file_ppm", (json_int_t)w->file_ppm, "revision",
                     (json_int_t)w->revision);
}

static json_t *
last_json(const struct store_last *last)
{
    char hex[DIGEST_SHA256_HEX];
    json_t *weights = json_array();

    for (size_t i = 0; weights && i < last->n_weights; i++)
        if (json_array_append_new(weights, weight_json(&last->weights[i]))) {
            json_decref(weights);
            weights = NULL;
        }
    hex_put(last->hash, STORE_HASH_BYTES, hex);
    /* `o` takes the list, and fails if it is NULL. */
    return json_pack("{s:i, s:I, s:s, s:o}", "layout", 1, "revision",
                     (json_int_t)last->sequence, "hash", hex, "weights",
                     weights);
}

/* Both lines in `b`; it fails if there is no memory. */
static void
last_text(const struct store_last *last, struct buf *b)
{
    char hex[DIGEST_SHA256_HEX];
    json_t *json = last_json(last);
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

    if (text) {
        digest_sha256_hex(span_str(text), hex);
        buf_str(b, text);
        buf_byte(b, '\n');
        buf_str(b, hex);
        buf_byte(b, '\n');
    } else {
        b->failed = true;
    }
    free(text);
    json_decref(json);
}

static bool
write_all(int fd, span s)
{
    while (s.len > 0) {
        ssize_t n = write(fd, s.at, s.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        s = span_skip(s, (size_t)n);
    }
    return true;
}

static bool
write_new(int dir_fd, span s)
{
    int fd =
        openat(dir_fd, NAME_NEW,
               O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return false;
    bool done = write_all(fd, s) && fsync(fd) == 0;
    /* close can lose what write took (a quota over NFS): it counts too. */
    return close(fd) == 0 && done;
}

/* The old file keeps its name until the new one has it: never a moment without. */
static bool
put_in_place(int dir_fd)
{
    if (unlinkat(dir_fd, NAME_OLD, 0) && errno != ENOENT)
        return false;
    if (linkat(dir_fd, NAME, dir_fd, NAME_OLD, 0) && errno != ENOENT)
        return false;
    return renameat(dir_fd, NAME_NEW, dir_fd, NAME) == 0 && fsync(dir_fd) == 0;
}

enum err_code
store_last_write(int dir_fd, const struct store_last *last, struct err *e)
{
    enum err_code code = OK;
    struct buf b;

    buf_init(&b, BYTES_MAX);
    last_text(last, &b);
    if (buf_failed(&b))
        code = err_set(e, ERR_IO, "no memory for " NAME);
    else if (!write_new(dir_fd, buf_span(&b)) || !put_in_place(dir_fd))
        code = err_set(e, ERR_IO, NAME ": %s", strerror(errno));
    buf_fini(&b);
    return code;
}

static enum err_code
read_text(int dir_fd, const char *name, struct buf *b, struct err *e)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = 0;

    if (fd < 0)
        return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s",
                       name, strerror(errno));
    do {
        char *at = buf_reserve(b, 65536);
        n = at ? read(fd, at, 65536) : 0;
        if (n > 0)
            buf_commit(b, (size_t)n);
    } while (n > 0 || (n < 0 && errno == EINTR)); /* `b` has an end */
    int error = n < 0 ? errno : 0;
    close(fd);
    if (error || buf_failed(b))
        return err_set(e, ERR_IO, "%s: %s", name,
                       error ? strerror(error) : "longer than it can be");
    return OK;
}

static bool
weight_of_json(const json_t *json, struct store_weight *w)
{
    const char *slot = json_string_value(json_object_get(json, "slot"));
    json_int_t ppm = json_integer_value(json_object_get(json, "weight_ppm"));
    json_int_t run = json_integer_value(json_object_get(json, "run"));
    json_int_t file = json_integer_value(json_object_get(json, "file_ppm"));
    json_int_t revision = json_integer_value(json_object_get(json, "revision"));

    if (!slot || strlen(slot) > STORE_SLOT_MAX || ppm < 0 || ppm > 1000000 ||
        run < 1 || run > UINT32_MAX || file < 0 || file > 1000000 ||
        revision < 1)
        return false;
    *w = (struct store_weight){.weight_ppm = (uint32_t)ppm,
                               .run = (uint32_t)run,
                               .file_ppm = (uint32_t)file,
                               .revision = (uint64_t)revision};
    memcpy(w->slot, slot, strlen(slot));
    return true;
}

static bool
last_of_json(const json_t *json, struct store_last *out)
{
    const json_t *weights = json_object_get(json, "weights");
    size_t n = json_array_size(weights);

    if (json_integer_value(json_object_get(json, "layout")) != 1 ||
        n > STORE_SLOTS_MAX ||
        !hex_take(span_str(json_string_value(json_object_get(json, "hash"))),
                  out->hash, STORE_HASH_BYTES))
        return false;
    out->sequence =
        (uint64_t)json_integer_value(json_object_get(json, "revision"));
    out->weights = calloc(n ? n : 1, sizeof(*out->weights));
    for (out->n_weights = 0; out->weights && out->n_weights < n;
         out->n_weights++)
        if (!weight_of_json(json_array_get(weights, out->n_weights),
                            &out->weights[out->n_weights]))
            return false;
    return out->weights != NULL;
}

static bool
last_of_text(span text, struct store_last *out)
{
    char hex[DIGEST_SHA256_HEX];
    span line = span_cut(&text, '\n');
    span sum = span_cut(&text, '\n');

    digest_sha256_hex(line, hex);
    if (!span_is(sum, hex) || text.len != 0)
        return false;
    json_t *json = json_loadb(line.at, line.len, 0, NULL);
    bool good = json && last_of_json(json, out);
    json_decref(json);
    if (!good)
        store_last_fini(out);
    return good;
}

static enum err_code
read_one(int dir_fd, const char *name, struct store_last *out, struct err *e)
{
    struct buf b;

    buf_init(&b, BYTES_MAX + 65536);
    enum err_code code = read_text(dir_fd, name, &b, e);
    if (code == OK && !last_of_text(buf_span(&b), out))
        code = err_set(e, ERR_INVALID, "%s is damaged", name);
    buf_fini(&b);
    return code;
}

enum err_code
store_last_read(int dir_fd, struct store_last *out, struct err *e)
{
    struct err old;

    *out = (struct store_last){0};
    enum err_code code = read_one(dir_fd, NAME, out, e);
    if (code == OK)
        return OK;
    enum err_code code_old = read_one(dir_fd, NAME_OLD, out, &old);
    if (code_old == OK)
        return OK;
    return code == ERR_NOT_FOUND && code_old == ERR_NOT_FOUND
               ? ERR_NOT_FOUND
               : err_set(e, ERR_INVALID, "%s is damaged or cannot be read",
                         NAME);
}

void
store_last_fini(struct store_last *last)
{
    free(last->weights);
    last->weights = NULL;
    last->n_weights = 0;
}
