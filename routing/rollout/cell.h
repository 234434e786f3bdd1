/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cell: what the gates know of one platform, client version and route.
 *
 * Words that all workers share and that outlive them. A worker tells of each
 * answer; only a subject's first answer and first error in a window write
 * anything that others write too. The worker whose error breaks a gate is told so
 * and acts: no other process takes part, so control may be dead.
 *
 * An error is one that the client did not cause; who calls says which they are.
 * A request without a subject is in no arm and is not told here.
 */
#pragma once

#include "routing/rollout/crowd.h"
#include "routing/rollout/cusum.h"
#include "routing/rollout/marks.h"
#include "routing/rollout/sketch.h"

#define CELL_STRIPES   8u /* workers share counters by eights */
#define CELL_WITNESS_N 3u /* so many subjects must err, however long it takes */

/* X(id, word): what is counted of writes (methods that are not safe) on the canary. */
#define CELL_WRITE_COUNTS(X)                                                   \
    X(CELL_WRITE_SENT, "sent")         /* before anything is known of it */    \
    X(CELL_WRITE_DONE, "done")         /* answered with less than 400 */       \
    X(CELL_WRITE_DOUBTFUL, "doubtful") /* no answer, or 5xx: maybe done */     \
    X(CELL_WRITE_REFUSED, "refused")   /* 4xx: it changed nothing */           \
    X(CELL_WRITE_UNLISTED,                                                     \
      "unlisted") /* done or doubtful, and not in the file */

enum cell_write {
#define X(id, word) id,
    CELL_WRITE_COUNTS(X)
#undef X
        CELL_WRITES_N
};

/* Where in a cell's words things are. */
enum cell_word {
    CELL_SUM,           /* cusum */
    CELL_SHARE,         /* 100 ms << 32 | ppm: the share as last added up */
    CELL_TRANSLATE,     /* canary answers that could not be translated */
    CELL_TRANSLATE_WHO, /* the first subject of such an answer */
    CELL_WITNESSES,     /* cycle << 32 | subjects who erred in it */
    CELL_FAILED,        /* errors, by arm: all of them */
    CELL_COUNTED = CELL_FAILED + 2, /* and those that counted */
    CELL_BURST =
        CELL_COUNTED + 2,       /* two spans: which, and errors of each arm */
    CELL_SEEN = CELL_BURST + 2, /* who erred: two windows */
    CELL_VISITED = CELL_SEEN + 2 * MARKS_WORDS, /* who came: by arm */
    CELL_WITNESSED =
        CELL_VISITED + 2 * MARKS_WORDS, /* who erred in this cycle */
    CELL_STRIPE = CELL_WITNESSED + MARKS_WORDS,
    CELL_STRIPE_WORDS = 2 * (1 + SKETCH_BUCKETS), /* by arm: answers, sketch */
    /* What the canary was sent. It stands last: an older build's words stay. */
    CELL_EXPOSED =
        CELL_STRIPE + CELL_STRIPES * CELL_STRIPE_WORDS, /* requests */
    CELL_LATE,    /* of these, begun after the halt */
    CELL_LATE_MS, /* the longest after it */
    CELL_WRITES,  /* by enum cell_write */
    CELL_CROWD = CELL_WRITES + CELL_WRITES_N, /* whose requests they were */
    /* What comes, on the canary or not, before it begins, too: no run's. */
    CELL_ASKED = CELL_CROWD + CROWD_WORDS, /* by stripe, a cache line each */
    CELL_MARKED = CELL_ASKED + CELL_STRIPES * 8, /* control's: at two times */
    CELL_WORDS = CELL_MARKED + 2
};

struct cell_law {
    struct cusum_law errors;
    uint32_t window_ms;    /* one error a subject in it */
    uint32_t burst_errors; /* 0: no such gate */
    uint32_t burst_ms;
    bool translate;         /* is that gate asked for? */
    uint32_t translate_ppm; /* canary answers that may fail so */
};

/* X(id, word): what a gate says. */
#define CELL_VERDICTS(X)                                                       \
    X(CELL_FINE, "fine")                                                       \
    X(CELL_ERRORS, "errors")                                                   \
    X(CELL_UNTRANSLATED, "translate")                                          \
    X(CELL_BURSTS, "burst")

enum cell_verdict {
#define X(id, word) id,
    CELL_VERDICTS(X)
#undef X
};

/* One answer, or the want of one. */
struct cell_event {
    uint64_t now_ms;  /* of a clock that all processes share */
    uint64_t subject; /* its hash */
    uint64_t erring;  /* by what errors are told apart: the subject's hash, or
                            its network's */
    uint32_t weight_ppm; /* in force when the arm was chosen */
    uint32_t stripe;     /* the worker's index */
    bool is_canary;
    bool is_untranslated; /* the error is an answer that cannot be translated */
};

/* Count an answer and, if it is the subject's first in the window, its time. */
void cell_answer(_Atomic uint64_t *cell, const struct cell_law *law,
                 const struct cell_event *v, uint64_t us);

/* Count an error, besides its answer. What is not FINE halts the canary. */
MUST_CHECK enum cell_verdict cell_error(_Atomic uint64_t *cell,
                                        const struct cell_law *law,
                                        const struct cell_event *v);

const char *cell_verdict_word(enum cell_verdict v);

/* The canary is sent a request of this subject. */
void cell_expose(_Atomic uint64_t *cell, uint64_t subject);

/* One that began so long after the halt. */
void cell_late(_Atomic uint64_t *cell, uint64_t ms);

/* One more of these. */
void cell_write(_Atomic uint64_t *cell, enum cell_write what);
const char *cell_write_word(enum cell_write what);

/* What the canary was sent: of one cell, or the sum of several. */
struct cell_exposure {
    uint64_t requests;
    uint64_t late;
    uint64_t late_ms; /* the longest */
    uint64_t writes[CELL_WRITES_N];
    struct crowd_sum crowd;
};

/* Add what this cell knows. */
void cell_exposure_add(const _Atomic uint64_t *cell, struct cell_exposure *sum);

/* One arm's answers and how long they took, over all workers. */
struct cell_arm {
    uint64_t answers;
    uint64_t failed;  /* errors */
    uint64_t counted; /* errors of different subjects, by window */
    uint64_t times[SKETCH_BUCKETS];
};

/* For control and evidence. [0] is the baseline, [1] the canary. */
struct cell_view {
    struct cell_arm arms[2];
    struct cusum_state sum;
    uint64_t untranslated;
    uint32_t share_ppm; /* of subjects on the canary, as last used; 0: never */
};

void cell_read(const _Atomic uint64_t *cell, const struct cell_law *law,
               struct cell_view *out);

/* A request of those that the rollout covers, whatever becomes of it; and how many there were. */
void cell_asked(_Atomic uint64_t *cell, uint32_t stripe);
uint64_t cell_asked_n(const _Atomic uint64_t *cell);

/*
 * Add those who came in this window at this weight to `bits`, by arm (the baseline's first): who meets several cells
 * is one of them.
 */
void cell_visitors(const _Atomic uint64_t *cell, const struct cell_law *law,
                   uint64_t now_ms, uint32_t weight_ppm,
                   uint32_t bits[2][MARKS_WORDS]);

/* One arm's answers, without the rest of the view. */
uint64_t cell_answers(const _Atomic uint64_t *cell, bool of_canary);

/* Begin anew, for the next run. Not while workers still tell of the last. */
void cell_clear(_Atomic uint64_t *cell);

/* The gates begin anew, in the same run: what the canary was sent is kept. */
void cell_restart(_Atomic uint64_t *cell);
