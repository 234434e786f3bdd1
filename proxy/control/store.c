/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store is opened once, by who has its lock: the database is read and checked
 * against itself and against the small file. Where they do not agree, it goes on
 * with the last good weights and refuses every change.
 */
#include "proxy/control/store.h"

#include "proxy/control/store_chain.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

void
store_refuse(struct store *s, const char *remedy, const struct err *e)
{
    if (s->refuses)
        return;
    s->refuses = true;
    (void)snprintf(s->why, sizeof(s->why), "%s; %s", e->text, remedy);
}

/* ---------------------------------------------------------------- open, close */

static enum err_code
take_lock(struct store *s, unsigned lock_ms, struct err *e)
{
    struct timespec nap = {.tv_nsec = 5000000};

    s->lock_fd = openat(s->dir_fd, "stile.lock",
                        O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->lock_fd < 0)
        return err_set(e, ERR_IO, "stile.lock: %s", strerror(errno));
    for (unsigned waited = 0; flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0;
         waited += 5) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_set(e, ERR_IO, "stile.lock: %s", strerror(errno));
        if (waited >= lock_ms)
            return err_set(e, ERR_CONFLICT,
                           "another process has the store (stile.lock is "
                           "held)");
        (void)nanosleep(&nap, NULL);
    }
    return OK;
}

static enum err_code
open_dir(struct store *s, const char *dir, struct err *e)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return err_set(e, ERR_IO, "%s: %s", dir, strerror(errno));
    s->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->dir_fd < 0)
        return err_set(e, ERR_IO, "%s: %s", dir, strerror(errno));
    return OK;
}

/* The database, read and checked against itself and against weights.last. */
static enum err_code
load(struct store *s, const char *path, const struct store_last *last,
     struct err *e)
{
    if (sql_open(path, &s->sql, e) ||
        sql_head(s->sql, &s->sequence, s->hash, e) ||
        sql_weights(s->sql, store_weights_load_one, s, e) ||
        sql_records(s->sql, store_records_load_one, s, e))
        return e->code;
    return store_chain_walk(s, last, e);
}

/* Go on with the last good weights, and refuse to change them. */
static enum err_code
fall_back(struct store *s, const struct store_last *last, struct err *e)
{
    if (!last)
        return err_wrap(e, "no weights.last to go on with, so somebody must "
                           "decide which weights hold");
    store_refuse(
        s,
        "the weights are those of weights.last, and changes are refused "
        "until stile.db is restored or, with weights.last, moved away",
        e);
    sql_close(&s->sql);
    s->sequence = last->sequence;
    memcpy(s->hash, last->hash, STORE_HASH_BYTES);
    s->n_weights = 0;
    store_records_free(s);
    for (size_t i = 0; i < last->n_weights; i++)
        if (!store_weights_load_one(s, &last->weights[i]))
            return err_set(e, ERR_LIMIT, "no memory for the weights");
    return OK;
}

/* weights.last if there is one that can be read; `found` keeps its memory. */
static enum err_code
find_last(struct store *s, struct store_last *found,
          const struct store_last **last, struct err *e)
{
    struct err why;
    enum err_code code = store_last_read(s->dir_fd, found, &why);

    *last = code == OK ? found : NULL;
    if (code == ERR_INVALID)
        store_refuse(
            s, "changes are refused until it is restored or moved away", &why);
    return code == ERR_LIMIT ? err_set(e, code, "%s", why.text) : OK;
}

static enum err_code
open_in(struct store *s, const char *dir, unsigned lock_ms, struct err *e)
{
    struct store_last found = {0};
    const struct store_last *last = NULL;
    char path[PATH_MAX];

    if (open_dir(s, dir, e) || take_lock(s, lock_ms, e) ||
        find_last(s, &found, &last, e))
        return e->code;
    if (snprintf(path, sizeof(path), "%s/stile.db", dir) >= (int)sizeof(path))
        return err_set(e, ERR_INVALID, "%s: too long a path", dir);
    enum err_code code = load(s, path, last, e);
    if (code)
        code = fall_back(s, last, e);
    store_last_fini(&found);
    return code;
}

enum err_code
store_open(const char *dir, unsigned lock_ms, struct store **out, struct err *e)
{
    struct store *s = calloc(1, sizeof(*s));

    *out = NULL;
    if (!s)
        return err_set(e, ERR_LIMIT, "no memory for the store");
    s->dir_fd = s->lock_fd = -1;
    enum err_code code = open_in(s, dir, lock_ms, e);
    if (code)
        store_close(&s);
    *out = s;
    return code;
}

void
store_close(struct store **s)
{
    if (!*s)
        return;
    sql_close(&(*s)->sql);
    free((*s)->weights);
    store_records_free(*s);
    if ((*s)->lock_fd >= 0)
        close((*s)->lock_fd); /* which gives up the lock */
    if ((*s)->dir_fd >= 0)
        close((*s)->dir_fd);
    free(*s);
    *s = NULL;
}

/* ------------------------------------------------------------------- questions */

const char *
store_refuses(const struct store *s)
{
    return s->refuses ? s->why : NULL;
}

uint64_t
store_sequence(const struct store *s)
{
    return s->sequence;
}

enum err_code
store_key(struct store *s, span key, uint64_t *revision, struct err *e)
{
    if (!s->sql)
        return err_set(e, ERR_CONFLICT, "%s", s->why);
    return sql_key(s->sql, key, revision, e);
}

enum err_code
store_revisions(struct store *s, uint64_t before, size_t max,
                store_revision_fn fn, void *arg, struct err *e)
{
    if (!s->sql)
        return err_set(e, ERR_CONFLICT, "%s", s->why);
    return sql_revisions(s->sql, 0, before ? before : UINT64_MAX, true, max, fn,
                         arg, e);
}

enum err_code
store_revisions_after(struct store *s, uint64_t after, size_t max,
                      store_revision_fn fn, void *arg, struct err *e)
{
    if (!s->sql)
        return err_set(e, ERR_CONFLICT, "%s", s->why);
    return sql_revisions(s->sql, after + 1, UINT64_MAX, false, max, fn, arg, e);
}

enum err_code
store_verify(struct store *s, struct err *e)
{
    if (!s->sql)
        return err_set(e, ERR_INVALID, "%s", s->why);
    return store_chain_walk(s, NULL, e);
}
