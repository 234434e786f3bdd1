/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/rollout/cell.h"

#include <assert.h>

#define SHARE_MS 100u /* how long a share that was added up is good */
#define ALL      1000000u

static uint64_t
load(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static uint64_t
add_one(_Atomic uint64_t *word)
{
    return atomic_fetch_add_explicit(word, 1, memory_order_relaxed) + 1;
}

/* Nobody's tag is 0: that is what fresh memory has. */
static uint32_t
window_of(const struct cell_law *law, const struct cell_event *v)
{
    return (uint32_t)(v->now_ms / law->window_ms) + 1;
}

/* Who came is asked for one window at one weight: a step begins a new count. */
static uint32_t
visit_tag(const struct cell_law *law, const struct cell_event *v)
{
    return window_of(law, v) ^ v->weight_ppm * 2654435761u;
}

static _Atomic uint64_t *
visitors(_Atomic uint64_t *cell, bool is_canary)
{
    return cell + CELL_VISITED + (is_canary ? MARKS_WORDS : 0);
}

void
cell_answer(_Atomic uint64_t *cell, const struct cell_law *law,
            const struct cell_event *v, uint64_t us)
{
    _Atomic uint64_t *stripe =
        cell + CELL_STRIPE +
        (size_t)(v->stripe % CELL_STRIPES) * CELL_STRIPE_WORDS +
        (v->is_canary ? 1 + SKETCH_BUCKETS : 0);

    (void)add_one(stripe);
    /* One sample a subject and window: nobody's requests outvote others'. */
    if (marks_put(visitors(cell, v->is_canary), visit_tag(law, v), v->subject))
        (void)add_one(stripe + 1 + sketch_bucket(us));
}

/* ------------------------------------------------------------------- the share */

/*
 * The canary's share of the subjects that came. Where too many came to be
 * counted, chance is small and the weight says it.
 */
static uint32_t
share_counted(_Atomic uint64_t *cell, const struct cell_law *law,
              const struct cell_event *v)
{
    uint32_t tag = visit_tag(law, v);
    uint64_t canary = marks_count(visitors(cell, true), tag);
    uint64_t baseline = marks_count(visitors(cell, false), tag);

    if (v->weight_ppm == 0 || v->weight_ppm >= ALL)
        return v->weight_ppm;
    if (canary == UINT32_MAX || baseline == UINT32_MAX)
        return v->weight_ppm;
    /* The weight counts as the word of 20 subjects: few say little. */
    uint64_t ppm = (canary * ALL + UINT64_C(20) * v->weight_ppm) /
                   (canary + baseline + 20);
    return ppm < 1 ? 1 : ppm >= ALL ? ALL - 1 : (uint32_t)ppm;
}

/* Added up by whoever sees it stale; two who do so at once agree. */
static uint32_t
share_of(_Atomic uint64_t *cell, const struct cell_law *law,
         const struct cell_event *v)
{
    uint64_t now = (uint32_t)(v->now_ms / SHARE_MS) + UINT64_C(1);
    uint64_t word = load(&cell[CELL_SHARE]);

    if (word >> 32 == now)
        return (uint32_t)word;
    uint32_t share = share_counted(cell, law, v);
    atomic_store_explicit(&cell[CELL_SHARE], now << 32 | share,
                          memory_order_relaxed);
    return share;
}

/* ------------------------------------------------------------------- the gates */

/* Has this subject not erred in this window or the one before? */
static bool
counts(_Atomic uint64_t *cell, const struct cell_law *law,
       const struct cell_event *v)
{
    uint32_t now = window_of(law, v);
    _Atomic uint64_t *seen = cell + CELL_SEEN;
    size_t at = (size_t)MARKS_WORDS * (now % 2), before = MARKS_WORDS - at;

    return !marks_has(seen + before, now - 1, v->erring) &&
           marks_put(seen + at, now, v->erring);
}

/* Errors of one span of time: its tag in 24 bits, the arms in 20 each. They are one
 * word, as who is held up between two would compare counts of different spans. */
#define SPAN_MOST UINT64_C(0xfffff)
#define SPAN_TAGS 0xffffffu
#define SPAN_LATE 1024u /* what is further ahead was left there a round ago */

static uint32_t
span_tag(uint64_t word)
{
    return (uint32_t)(word >> 40);
}

static uint32_t
span_errors(uint64_t word, bool of_canary)
{
    return (uint32_t)(word >> (of_canary ? 20 : 0) & SPAN_MOST);
}

/* Where one arm's count is full, neither counts: their ratio is what matters. */
static uint64_t
span_add(uint64_t word, bool to_canary)
{
    if (span_errors(word, false) == SPAN_MOST ||
        span_errors(word, true) == SPAN_MOST)
        return word;
    return word + (to_canary ? UINT64_C(1) << 20 : 1);
}

/* Add one to this span, and tell it with the last one: errors by arm. */
static void
burst_count(_Atomic uint64_t *spans, uint32_t tag, bool is_canary,
            uint64_t errors[2])
{
    _Atomic uint64_t *at = &spans[tag % 2];
    uint64_t was = load(at), is;

    do {
        /* Who comes late, by a clock he read before others, counts with them. */
        if (was && ((span_tag(was) - tag) & SPAN_TAGS) < SPAN_LATE)
            tag = span_tag(was);
        is = span_add(span_tag(was) == tag ? was : (uint64_t)tag << 40,
                      is_canary);
    } while (!atomic_compare_exchange_weak(at, &was, is));
    uint64_t before = load(&spans[(tag - 1) % 2]);
    bool follows = span_tag(before) == ((tag - 1) & SPAN_TAGS);
    for (int arm = 0; arm < 2; arm++)
        errors[arm] = (uint64_t)span_errors(is, arm) +
                      (follows ? span_errors(before, arm) : 0);
}

/*
 * Many at once, and more of them the canary's than its share would have with
 * the ratio that the sum looks for: an outage behind both arms is no burst.
 */
static bool
bursts(_Atomic uint64_t *cell, const struct cell_law *law,
       const struct cell_event *v, uint32_t share_ppm)
{
    uint64_t errors[2];
    if (law->burst_errors == 0)
        return false;
    uint32_t tag = (uint32_t)(v->now_ms / law->burst_ms + 1) & SPAN_TAGS;
    burst_count(cell + CELL_BURST, tag, v->is_canary, errors);
    double fair = (double)errors[0] * share_ppm / (ALL + 1 - share_ppm);

    return errors[1] >= law->burst_errors &&
           (double)errors[1] >= law->errors.ratio * fair;
}

/*
 * Nobody halts a rollout alone: one who fails again in each window would, over a
 * baseline without errors. So a sum that has reached its bound waits until
 * enough subjects have erred since it was last zero.
 */
static bool
witnessed(_Atomic uint64_t *cell, const struct cell_event *v, uint32_t cycle)
{
    _Atomic uint64_t *at = &cell[CELL_WITNESSES];
    uint64_t was = load(at), is;
    bool is_new =
        v->is_canary && marks_put(cell + CELL_WITNESSED, cycle + 1, v->erring);

    do {
        is = was >> 32 == cycle ? was : (uint64_t)cycle << 32;
        is += is_new;
    } while (!atomic_compare_exchange_weak(at, &was, is));
    return (uint32_t)is >= CELL_WITNESS_N;
}

/* Has more than one subject met answers that cannot be translated? */
static bool
strange_to_two(_Atomic uint64_t *cell, uint64_t subject)
{
    uint64_t none = 0, who = subject ? subject : 1;

    return !atomic_compare_exchange_strong(&cell[CELL_TRANSLATE_WHO], &none,
                                           who) &&
           none != who;
}

static bool
untranslated(_Atomic uint64_t *cell, const struct cell_law *law,
             const struct cell_event *v)
{
    if (!v->is_untranslated || !v->is_canary || !law->translate)
        return false;
    uint64_t n = add_one(&cell[CELL_TRANSLATE]);
    return strange_to_two(cell, v->erring) &&
           n * ALL > cell_answers(cell, true) * law->translate_ppm;
}

enum cell_verdict
cell_error(_Atomic uint64_t *cell, const struct cell_law *law,
           const struct cell_event *v)
{
    assert(law->window_ms > 0 && (law->burst_errors == 0 || law->burst_ms > 0));
    (void)add_one(&cell[CELL_FAILED + v->is_canary]);
    if (!counts(cell, law, v))
        return CELL_FINE;
    (void)add_one(&cell[CELL_COUNTED + v->is_canary]);
    uint32_t share = share_of(cell, law, v);
    struct cusum_state sum;
    bool over =
        cusum_add(&cell[CELL_SUM], &law->errors, share, v->is_canary, &sum);
    bool halts = witnessed(cell, v, sum.cycle) && over;
    bool burst = bursts(cell, law, v, share);
    /* What broke it is the first cause that can be named most exactly. */
    if (untranslated(cell, law, v))
        return CELL_UNTRANSLATED;
    if (halts)
        return CELL_ERRORS;
    return burst ? CELL_BURSTS : CELL_FINE;
}

const char *
cell_verdict_word(enum cell_verdict v)
{
    static const char *const words[] = {
#define X(id, word) word,
        CELL_VERDICTS(X)
#undef X
    };

    return words[v];
}

/* --------------------------------------------------------------- what it was sent */

void
cell_expose(_Atomic uint64_t *cell, uint64_t subject)
{
    (void)add_one(&cell[CELL_EXPOSED]);
    crowd_put(cell + CELL_CROWD, subject);
}

void
cell_late(_Atomic uint64_t *cell, uint64_t ms)
{
    uint64_t was = load(&cell[CELL_LATE_MS]);

    (void)add_one(&cell[CELL_LATE]);
    while (was < ms &&
           !atomic_compare_exchange_weak(&cell[CELL_LATE_MS], &was, ms))
        ;
}

void
cell_write(_Atomic uint64_t *cell, enum cell_write what)
{
    (void)add_one(&cell[CELL_WRITES + what]);
}

const char *
cell_write_word(enum cell_write what)
{
    static const char *const words[] = {
#define X(id, word) word,
        CELL_WRITE_COUNTS(X)
#undef X
    };

    return words[what];
}

void
cell_exposure_add(const _Atomic uint64_t *cell, struct cell_exposure *sum)
{
    uint64_t late_ms = load(&cell[CELL_LATE_MS]);

    sum->requests += load(&cell[CELL_EXPOSED]);
    sum->late += load(&cell[CELL_LATE]);
    if (late_ms > sum->late_ms)
        sum->late_ms = late_ms;
    for (size_t i = 0; i < CELL_WRITES_N; i++)
        sum->writes[i] += load(&cell[CELL_WRITES + i]);
    crowd_add(&sum->crowd, cell + CELL_CROWD);
}

/* --------------------------------------------------------------------- reading */

static void
read_stripe(const _Atomic uint64_t *stripe, struct cell_arm *out)
{
    out->answers += load(stripe);
    for (size_t i = 0; i < SKETCH_BUCKETS; i++)
        out->times[i] += load(&stripe[1 + i]);
}

void
cell_read(const _Atomic uint64_t *cell, const struct cell_law *law,
          struct cell_view *out)
{
    *out = (struct cell_view){
        .sum = cusum_read(&cell[CELL_SUM], &law->errors),
        .untranslated = load(&cell[CELL_TRANSLATE]),
        .share_ppm = (uint32_t)load(&cell[CELL_SHARE]),
    };
    for (size_t arm = 0; arm < 2; arm++) {
        out->arms[arm].failed = load(&cell[CELL_FAILED + arm]);
        out->arms[arm].counted = load(&cell[CELL_COUNTED + arm]);
        for (size_t i = 0; i < CELL_STRIPES; i++)
            read_stripe(cell + CELL_STRIPE + i * CELL_STRIPE_WORDS +
                            arm * (1 + SKETCH_BUCKETS),
                        &out->arms[arm]);
    }
}

void
cell_asked(_Atomic uint64_t *cell, uint32_t stripe)
{
    (void)add_one(cell + CELL_ASKED + (size_t)(stripe % CELL_STRIPES) * 8);
}

uint64_t
cell_asked_n(const _Atomic uint64_t *cell)
{
    uint64_t n = 0;

    for (size_t i = 0; i < CELL_STRIPES; i++)
        n += load(&cell[CELL_ASKED + i * 8]);
    return n;
}

void
cell_visitors(const _Atomic uint64_t *cell, const struct cell_law *law,
              uint64_t now_ms, uint32_t weight_ppm,
              uint32_t bits[2][MARKS_WORDS])
{
    const struct cell_event v = {.now_ms = now_ms, .weight_ppm = weight_ppm};
    uint32_t tag = visit_tag(law, &v);

    for (size_t arm = 0; arm < 2; arm++)
        marks_add(cell + CELL_VISITED + arm * MARKS_WORDS, tag, bits[arm]);
}

uint64_t
cell_answers(const _Atomic uint64_t *cell, bool of_canary)
{
    uint64_t n = 0;

    for (size_t i = 0; i < CELL_STRIPES; i++)
        n += load(&cell[CELL_STRIPE + i * CELL_STRIPE_WORDS +
                        (of_canary ? 1 + SKETCH_BUCKETS : 0)]);
    return n;
}

static void
clear(_Atomic uint64_t *cell, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (load(&cell[i])) /* pages that nobody writes take no memory */
            atomic_store_explicit(&cell[i], 0, memory_order_relaxed);
}

void
cell_clear(_Atomic uint64_t *cell)
{
    clear(cell, CELL_ASKED);
}

void
cell_restart(_Atomic uint64_t *cell)
{
    clear(cell, CELL_EXPOSED);
}
