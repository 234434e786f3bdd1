/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/expose.h"

#include "proxy/base/hash.h"
#include "proxy/base/utf8.h"
#include "proxy/observe/log.h"
#include "proxy/server/worker.h"
#include "routing/rollout/cell.h"
#include "routing/split.h"
#include "translators/json/tree.h"

#include <errno.h>
#include <unistd.h>

#define LINE_MAX_BYTES ((size_t)512 * 1024) /* a path of 64 KiB, all escaped */

static struct gates_place *
place_of(const struct exchange *x)
{
    const struct gen_canary *canary = x->decision.canary;

    return canary && canary->rollout ? x->worker->places[canary->rollout->index]
                                     : NULL;
}

static _Atomic uint64_t *
cell_of(const struct exchange *x, struct gates_place *place)
{
    return place->cells[x->decision.cell];
}

/* By what its client said, or by what the pool is asked: a route that moved has both. */
static bool
is_write(const struct exchange *x)
{
    return !method_is_safe(x->request->method) ||
           !method_is_safe(x->asked.method);
}

void
expose_sent(struct exchange *x)
{
    struct gates_place *place = place_of(x);

    if (!place || x->decision.arm != ARM_CANARY || x->exposed_run ||
        exchange_is_mirrored(x))
        return;
    _Atomic uint64_t *cell = cell_of(x, place);
    uint64_t halt_at = atomic_load(&place->halt_at_ms);
    if (halt_at && x->began_ms > halt_at)
        cell_late(cell, x->began_ms - halt_at);
    x->exposed_run = (uint32_t)atomic_load(gates_word(place, GATES_EXPOSED));
    if (x->exposed_run == 0)
        return;
    cell_expose(cell, hash64(x->decision.subject));
    if (is_write(x))
        cell_write(cell, CELL_WRITE_SENT);
}

/* ── the file ────────────────────────────────────────────────────────────── */

static void
put_text(struct buf *b, const char *name, span value)
{
    buf_fmt(b, ",\"%s\":\"", name);
    json_escape(b, span_take(value, utf8_good(value)));
    buf_byte(b, '"');
}

static void
begin_line(struct buf *b, const struct exchange *x, uint32_t run)
{
    buf_init(b, LINE_MAX_BYTES);
    buf_fmt(b, "{\"time_ms\":%llu,\"run\":%u",
            (unsigned long long)loop_wall_ms(), run);
    put_text(b, "rollout", x->decision.canary->rollout->name);
}

/* One write: lines of several workers do not mix (O_APPEND). */
static bool
append(int fd, struct buf *b)
{
    buf_str(b, "}\n");
    span line = buf_span(b);
    ssize_t n;

    if (fd < 0 || buf_failed(b))
        return false;
    do
        n = write(fd, line.at, line.len);
    while (n < 0 && errno == EINTR);
    if (n > 0 && (size_t)n < line.len) /* the next one begins on its own line */
        (void)!write(fd, "\n", 1);
    return n == (ssize_t)line.len;
}

static bool
has_room(int fd)
{
    off_t end = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);

    return end >= 0 && (uint64_t)end < EXPOSURE_BYTES_MAX;
}

/* `Location` says what a POST made. */
static span
location_of(const struct exchange *x)
{
    return x->answer && x->pool_status / 100 == 2
               ? head_value(x->answer, FIELD_LOCATION)
               : (span){0};
}

static bool
list(struct exchange *x)
{
    const struct decision *d = &x->decision;
    const struct http_head *asked = &x->asked; /* as the canary knows it */
    int fd = x->worker->env->exposure_fd;
    span location = location_of(x);
    struct buf b;

    if (!has_room(fd))
        return false;
    begin_line(&b, x, x->exposed_run);
    put_text(&b, "route", d->route->name);
    put_text(&b, "method", asked->method_token);
    put_text(&b, "path", asked->path);
    if (d->api && d->client >= 0)
        put_text(&b, "client", detect_label(d->api->detect, d->client));
    if (location.len)
        put_text(&b, "location", location);
    buf_fmt(&b, ",\"status\":%u,\"subject\":\"%016llx\"", x->pool_status,
            (unsigned long long)split_hash(d->canary->split, d->subject));
    put_text(&b, "id", x->id);
    bool is_listed = append(fd, &b);
    buf_fini(&b);
    return is_listed;
}

/* What became of it. No answer does not say that nothing was done. */
static enum cell_write
outcome_of(const struct exchange *x)
{
    if (x->decision.arm != ARM_CANARY) /* it fell back: nothing was sent */
        return CELL_WRITE_REFUSED;
    if (x->pool_status == 0 || x->pool_status >= 500)
        return CELL_WRITE_DOUBTFUL;
    return x->pool_status < 400 ? CELL_WRITE_DONE : CELL_WRITE_REFUSED;
}

void
expose_told(struct exchange *x)
{
    struct gates_place *place = x->exposed_run ? place_of(x) : NULL;

    if (!place || x->is_exposure_told)
        return;
    x->is_exposure_told = true;
    if (!is_write(x))
        return;
    _Atomic uint64_t *cell = cell_of(x, place);
    enum cell_write outcome = outcome_of(x);
    cell_write(cell, outcome);
    if (outcome == CELL_WRITE_REFUSED || list(x))
        return;
    cell_write(cell, CELL_WRITE_UNLISTED);
    metrics_count(x->worker->metrics, METRIC_LOG_DROPPED, 1, SPAN("exposure"));
}

/* Once in a run, or for a cell: a disk that is slow costs this worker one wait. */
static void
keep_halt(struct exchange *x, uint32_t run, struct buf *b)
{
    int fd = x->worker->env->exposure_fd;

    if (!append(fd, b) || fdatasync(fd) != 0)
        log_warn("halt_not_kept", "rollout=%.*s run=%u",
                 SPAN_FMT(x->decision.canary->rollout->name), run);
    buf_fini(b);
}

void
expose_halt(struct exchange *x, uint32_t run, uint32_t cell, const char *reason)
{
    struct buf b;

    begin_line(&b, x, run);
    put_text(&b, "halted", span_str(reason));
    buf_fmt(&b, ",\"cell\":%u", cell);
    keep_halt(x, run, &b);
}

/* Only what the cell is of: another generation may count them otherwise. */
static void
put_name(struct buf *b, const char *name, span value)
{
    if (value.at)
        put_text(b, name, value);
}

void
expose_cell_halt(struct exchange *x, struct cell_latch latch, uint32_t cell)
{
    struct gen_cell names;
    struct buf b;

    gen_rollout_cell_names(x->decision.canary->rollout, cell, &names);
    begin_line(&b, x, latch.run);
    put_text(&b, "halted_cell", span_str(latch_reason_name(latch.reason)));
    buf_fmt(&b, ",\"opened\":%u", latch.opened);
    put_name(&b, "route", names.route);
    put_name(&b, "version", names.version);
    put_name(&b, "platform", names.platform);
    keep_halt(x, latch.run, &b);
}
