/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segments: what processes share while they live.
 *
 * Each is a sealed memfd made by the supervisor; it outlives generations, so an
 * old draining worker and a new one see the same words. Tables have fixed
 * sizes; a slot is found by name and holds no pointer. The first bytes are
 * magic, kind, layout and size: a foreign or damaged one is refused. Who writes
 * is said beside each; all words that cross processes are atomic.
 */
#pragma once

#include "proxy/base/err.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

#define SEGMENT_MAGIC    0x5354494c45534547u /* "STILESEG" */
#define SEGMENT_NAME_MAX 64                  /* a name and its NUL */
#define SEGMENT_NO_SLOT  UINT32_MAX

/* One table: kinds, C types, layout versions (raised with any change of it). */
#define SEGMENT_KINDS(X)                                                       \
    X(SEGMENT_WEIGHTS, weights, 1)                                             \
    X(SEGMENT_LATCHES, latches, 1)                                             \
    X(SEGMENT_ENDPOINTS, endpoints, 1)                                         \
    X(SEGMENT_STATS, stats, 1)                                                 \
    X(SEGMENT_TICKETS, tickets, 1)                                             \
    X(SEGMENT_RECORDS, records, 1)                                             \
    X(SEGMENT_GATES, gates, 1)

enum segment_kind {
#define X(kind, type, layout) kind,
    SEGMENT_KINDS(X)
#undef X
};

struct segment_head {
    uint64_t magic;
    uint32_t kind;
    uint32_t layout;
    uint64_t size;
    uint64_t unused;
};
static_assert(sizeof(struct segment_head) == 32, "layout");

/* ------------------------------------------------------------------ weights
 * Writer: control alone; workers map it read-only. A slot belongs to a canary
 * or rollout by name (gen_canary.slot_name) and is never reused while a living
 * generation may know it. Run numbers begin at 1. */
#define WEIGHTS_SLOTS 1024u
#define WEIGHT_ALL    1000000u /* parts per million */

struct weight_slot {
    char name[SEGMENT_NAME_MAX];
    _Atomic uint32_t live; /* set after the name, cleared before it */
    uint32_t unused;
    _Atomic uint64_t
        generation;        /* newest that uses it; control's book-keeping */
    _Atomic uint64_t word; /* run << 32 | weight_ppm */
};
static_assert(sizeof(struct weight_slot) == 88, "layout");

struct weights {
    struct segment_head head;
    struct weight_slot slots[WEIGHTS_SLOTS];
};

/* What one slot says. */
struct weight {
    uint32_t ppm;
    uint32_t run;
};

/*
 * The slot called `name`, or SEGMENT_NO_SLOT. Walks the table: a worker asks
 * when it gets GO (control has reconciled by then) and keeps the answer.
 */
uint32_t weights_find(const struct weights *w, span name);

/*
 * Control: the slot called `name`, made at weight 0, run 1, latch open if there
 * is none.
 * ERR_LIMIT: the table is full. ERR_INVALID: the name is empty or over 63 bytes.
 */
struct latches;
MUST_CHECK enum err_code weights_claim(struct weights *w, struct latches *l,
                                       span name, uint64_t generation,
                                       uint32_t *slot, struct err *e);

/* Control: free the slots whose newest user is older than `oldest_alive`. */
void weights_sweep(struct weights *w, uint64_t oldest_alive);

/* Control: one store; every worker sees it at its next look. */
static inline void
weights_set(struct weights *w, uint32_t slot, struct weight weight)
{
    assert(slot < WEIGHTS_SLOTS);
    assert(weight.ppm <= WEIGHT_ALL);
    atomic_store_explicit(&w->slots[slot].word,
                          (uint64_t)weight.run << 32 | weight.ppm,
                          memory_order_release);
}

static inline struct weight
weights_get(const struct weights *w, uint32_t slot)
{
    assert(slot < WEIGHTS_SLOTS);
    uint64_t word =
        atomic_load_explicit(&w->slots[slot].word, memory_order_acquire);

    return (struct weight){(uint32_t)word, (uint32_t)(word >> 32)};
}

/* ------------------------------------------------------------------ latches
 * Anyone may set, control alone clears. Slots are those of weights. */
#define LATCH_REASONS(X)                                                       \
    X(LATCH_NONE, "none")                                                      \
    X(LATCH_OPERATOR, "operator")                                              \
    X(LATCH_ERRORS, "errors")                                                  \
    X(LATCH_LATENCY, "latency")                                                \
    X(LATCH_CONTRACT, "contract")                                              \
    X(LATCH_TRANSLATE, "translate")                                            \
    X(LATCH_BURST, "burst")

enum latch_reason {
#define X(name, text) name,
    LATCH_REASONS(X)
#undef X
};

struct latches {
    struct segment_head head;
    _Atomic uint64_t words[WEIGHTS_SLOTS]; /* run << 32 | reason; 0: open */
};

struct latch {
    uint32_t run; /* 0: none was ever halted */
    enum latch_reason reason;
};

/* Halt `run`; a later run that is halted already stays. Safe from any process. */
void latches_set(struct latches *l, uint32_t slot, uint32_t run,
                 enum latch_reason reason);
/* Control, after an edge in the journal. */
void latches_clear(struct latches *l, uint32_t slot);
struct latch latches_get(const struct latches *l, uint32_t slot);
const char *latch_reason_name(enum latch_reason reason);
/* By that name; LATCH_ERRORS for one that is none: a halt is a halt. */
enum latch_reason latch_reason_of(span name);

/* What holds: 0 if the slot's present run is halted, else its weight. */
static inline uint32_t
weights_effective(const struct weights *w, const struct latches *l,
                  uint32_t slot)
{
    struct weight weight = weights_get(w, slot);
    uint64_t latch =
        atomic_load_explicit(&l->words[slot], memory_order_acquire);

    return (uint32_t)(latch >> 32) == weight.run ? 0 : weight.ppm;
}

/* -------------------------------------------------------------------- gates
 * Writers: all, word by word (routing/rollout/cell.h says which words). Control
 * claims a place by the rollout's name and its shape: a generation that keeps
 * its cells apart in another way has another place, so that no two mean different
 * things by one word. Pages that nobody writes take no memory. */
#define GATES_PLACES     256u
#define GATES_CELLS      32u    /* of one rollout */
#define GATES_CELL_WORDS 16384u /* of one cell, at most */

struct gates_place {
    char name[SEGMENT_NAME_MAX];
    uint64_t shape;
    _Atomic uint64_t live;       /* set after the name, cleared before it */
    _Atomic uint64_t generation; /* newest that uses it; control's */
    _Atomic uint64_t armed;      /* the run that is judged; 0: none is */
    _Atomic uint64_t cause;      /* of the halt: gates_cause; 0: none */
    _Atomic uint64_t error_ms;   /* wall clock of the canary's first error */
    _Atomic uint64_t halt_ms;    /* wall clock of the latch; 0: none */
    _Atomic uint64_t halt_at_ms; /* the same by CLOCK_MONOTONIC */
    _Atomic uint64_t cells[GATES_CELLS][GATES_CELL_WORDS];
};

/*
 * Words of the place itself. They stand at the end of its first cell's room, where a segment that an older
 * supervisor made has them, too.
 */
enum gates_word {
    GATES_BASELINE_N, /* its endpoints when the run began */
    GATES_BLOCKED,    /* run << 32 | reason: a gate broke, and the baseline
                         could not carry what the canary has */
    GATES_EXPOSED,    /* the run whose writes are listed; 0: none is */
    GATES_CLEARED,    /* the era in which the cells were cleared last */
    GATES_MARKED_MS,  /* two wall clocks: when its cells' requests were noted */
    GATES_MARKED_MS_1,
    GATES_BUILDS = 16,       /* routing/rollout/builds.h */
    GATES_CELL_LATCHES = 96, /* of each cell, as struct cell_latch */
    GATES_WORDS = GATES_CELL_LATCHES + GATES_CELLS
};
static_assert(GATES_WORDS == 128, "older supervisors have as many");

struct gates {
    struct segment_head head;
    struct gates_place places[GATES_PLACES];
};

/* Which cell broke, and why; another's word only once there was one. */
static inline uint64_t
gates_cause(uint32_t cell, enum latch_reason reason)
{
    return ((uint64_t)cell + 1) << 32 | (uint32_t)reason;
}

/* Word of one moment, by whoever is first. */
static inline void
gates_once(_Atomic uint64_t *word, uint64_t ms)
{
    uint64_t none = 0;

    if (atomic_load_explicit(word, memory_order_relaxed) == 0)
        (void)atomic_compare_exchange_strong(word, &none, ms);
}

static inline _Atomic uint64_t *
gates_word(struct gates_place *p, enum gates_word word)
{
    return &p->cells[0][GATES_CELL_WORDS - GATES_WORDS + word];
}

/*
 * A cell that is halted while the rest of its rollout goes on. Anyone halts it, control alone opens it, and only after an
 * edge in the journal: that counts `opened` up, so a latch from before it, which a control that died left there, is known
 * as that.
 */
struct cell_latch {
    uint32_t run;
    uint16_t opened;          /* how often, in this run */
    enum latch_reason reason; /* LATCH_NONE: it is open */
};
struct cell_latch gates_cell_latch(struct gates_place *p, uint32_t cell);

/* Halt this cell in `run`. False: it was halted before, or a later run has it. Safe from any process. */
bool gates_halt_cell(struct gates_place *p, uint32_t cell, uint32_t run,
                     enum latch_reason reason);

/*
 * Control: so it stands in the journal. A latch that was set since it was opened last stays.
 */
void gates_show_cell(struct gates_place *p, uint32_t cell,
                     struct cell_latch journalled);

/* The rollout's place; NULL: there is none of this shape. */
struct gates_place *gates_find(struct gates *g, span name, uint64_t shape);

/* Control: the same, made if there is none. ERR_LIMIT: all are taken. */
MUST_CHECK enum err_code gates_claim(struct gates *g, span name, uint64_t shape,
                                     uint64_t generation,
                                     struct gates_place **out, struct err *e);

/* Control: free the places whose newest user is older than `oldest_alive`. */
void gates_sweep(struct gates *g, uint64_t oldest_alive);

/* ---------------------------------------------------------------- endpoints
 * Writer: control alone. A slot is named by endpoints_name(pool, url), not by
 * gen_endpoint.slot: two generations may live at once. Find it at GO; until it
 * holds addresses, a numeric endpoint may be dialled from the configuration. */
#define ENDPOINTS_SLOTS    4096u
#define ENDPOINT_ADDRESSES 8u
#define ENDPOINT_NAME_MAX  256

#define ENDPOINT_HEALTHS(X)                                                    \
    X(HEALTH_UNKNOWN, "unknown")                                               \
    X(HEALTH_UP, "up")                                                         \
    X(HEALTH_DOWN, "down")                                                     \
    X(HEALTH_DRAINED, "drained")

enum endpoint_health {
#define X(name, text) name,
    ENDPOINT_HEALTHS(X)
#undef X
};

/* A struct sockaddr_in or sockaddr_in6, port included. */
struct endpoint_address {
    uint32_t len; /* of the socket address; 0: none */
    uint8_t bytes[28];
};
static_assert(sizeof(struct endpoint_address) == 32, "layout");

struct endpoint_slot {
    char name[ENDPOINT_NAME_MAX];
    _Atomic uint32_t live;
    _Atomic uint32_t health; /* enum endpoint_health: checks, or an operator */
    _Atomic uint64_t generation;
    _Atomic uint64_t sequence; /* odd while the addresses are being written */
    _Atomic uint64_t n_addresses;
    _Atomic uint64_t
        addresses[ENDPOINT_ADDRESSES * sizeof(struct endpoint_address) / 8];
};

struct endpoints {
    struct segment_head head;
    _Atomic uint64_t version; /* raised by every change of any slot */
    struct endpoint_slot slots[ENDPOINTS_SLOTS];
};

struct endpoint_view {
    enum endpoint_health health;
    uint32_t n;
    struct endpoint_address addresses[ENDPOINT_ADDRESSES];
};

/* The slot's name for an endpoint of a pool, whatever their lengths. */
void endpoints_name(span pool, span url, char out[ENDPOINT_NAME_MAX]);

uint32_t endpoints_find(const struct endpoints *s, const char *name);

/*
 * A whole picture of one slot. False if it is free or its writer died in the
 * middle: keep what you had, control writes it again.
 */
MUST_CHECK bool endpoints_read(const struct endpoints *s, uint32_t index,
                               struct endpoint_view *out);

/* If it is what you saw last, nothing has changed: one load a request. */
static inline uint64_t
endpoints_version(const struct endpoints *s)
{
    return atomic_load_explicit(&s->version, memory_order_acquire);
}

/* Control: found or made with no address and health unknown. ERR_LIMIT: full. */
MUST_CHECK enum err_code endpoints_claim(struct endpoints *s, const char *name,
                                         uint64_t generation, uint32_t *slot,
                                         struct err *e);
/* Control. Of more than ENDPOINT_ADDRESSES the rest is left out. */
void endpoints_set_addresses(struct endpoints *s, uint32_t index,
                             const struct endpoint_address *addresses,
                             size_t n);
void endpoints_set_health(struct endpoints *s, uint32_t index,
                          enum endpoint_health health);
void endpoints_sweep(struct endpoints *s, uint64_t oldest_alive);
const char *endpoint_health_name(enum endpoint_health health);

/* -------------------------------------------------------------------- stats
 * One per worker, written by it alone; a replaced worker goes on in its
 * predecessor's. Control reads them, and writes one of its own (the totals).
 * metrics.h is the way in; here is the layout. */
#define STATS_CELLS      2048u
#define STATS_WORDS      16384u
#define STATS_NAME_BYTES 262144u

struct stats_cell {
    uint32_t name_at; /* into names; the full name with labels */
    uint32_t name_len;
    uint32_t word_at; /* into words */
    uint32_t n_words; /* 1, or a histogram's METRIC_HISTOGRAM_WORDS */
    uint32_t type;    /* enum metric_type */
    uint32_t unused;
};
static_assert(sizeof(struct stats_cell) == 24, "layout");

struct stats {
    struct segment_head head;
    uint64_t generation;
    uint32_t index;           /* of the worker */
    _Atomic uint32_t n_cells; /* published: raised after the cell is whole */
    _Atomic uint64_t heartbeat_ms; /* CLOCK_MONOTONIC; 0: not running yet */
    struct stats_cell cells[STATS_CELLS];
    _Atomic uint64_t words[STATS_WORDS];
    char names[STATS_NAME_BYTES];
};

#define STATS_STALE_MS 5000 /* a heartbeat this old: killed and replaced */

/* The worker, each second or oftener, from its loop. */
static inline void
stats_beat(struct stats *s, uint64_t now_ms)
{
    atomic_store_explicit(&s->heartbeat_ms, now_ms, memory_order_relaxed);
}

/* ------------------------------------------------------------------ tickets
 * Writer: the supervisor; a new first key every 12 h, the last three decrypt. */
#define TICKET_KEYS  3u
#define TICKET_BYTES 80u /* 16 name, 32 AES, 32 HMAC */

struct tickets {
    struct segment_head head;
    _Atomic uint64_t sequence; /* odd while keys are being written */
    _Atomic uint64_t words[TICKET_KEYS * TICKET_BYTES / 8];
};

struct ticket_keys {
    uint64_t version;                       /* changes with every rotation */
    uint8_t key[TICKET_KEYS][TICKET_BYTES]; /* newest first */
};

/* Has it changed since? One load. */
static inline uint64_t
tickets_version(const struct tickets *t)
{
    return atomic_load_explicit(&t->sequence, memory_order_acquire);
}

/* False if the writer died in the middle: keep what you had. */
MUST_CHECK bool tickets_read(const struct tickets *t, struct ticket_keys *out);

/* Supervisor: `key` becomes the first, the oldest goes. */
void tickets_rotate(struct tickets *t, const uint8_t key[TICKET_BYTES]);

/* ------------------------------------------------------------------ records
 * Writer and reader: control alone, one after the other: what `explain` shows
 * outlives a reload and a control that died. control/records.h is the way in. */
#define RECORDS_KEPT  10000u
#define RECORDS_BYTES ((size_t)16 << 20)

struct record_place {
    uint64_t sequence; /* 0: nothing was ever here */
    uint64_t hash;     /* of the record's id */
    uint32_t at;       /* in bytes: the sequence again, then the record */
    uint32_t len;      /* of both */
};
static_assert(sizeof(struct record_place) == 24, "layout");

struct records {
    struct segment_head head;
    uint64_t sequence; /* of the newest record */
    uint64_t next;     /* where in bytes the next one begins */
    struct record_place places[RECORDS_KEPT]; /* by sequence */
    char bytes[RECORDS_BYTES];
};

/* ------------------------------------------------------------ make and map
 * A new segment: all zero but its head, grown and shrunk by nobody. */
MUST_CHECK enum err_code segment_create(enum segment_kind kind, int *fd,
                                        struct err *e);

/* A second descriptor that can only be mapped to read. Needs /proc. */
MUST_CHECK enum err_code segment_read_only(int fd, int *read_fd, struct err *e);

/* ERR_INVALID says in which way it is not a `kind` of this build. */
MUST_CHECK enum err_code segment_map(enum segment_kind kind, int fd, void **out,
                                     struct err *e);
MUST_CHECK enum err_code segment_map_read(enum segment_kind kind, int fd,
                                          const void **out, struct err *e);
void segment_unmap(enum segment_kind kind, const void *at);

/* Bytes of a segment of this kind; "weights". */
size_t segment_size(enum segment_kind kind);
const char *segment_name(enum segment_kind kind);
