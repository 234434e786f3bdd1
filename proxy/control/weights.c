/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/weights.h"

const char *
weight_verdict_word(enum weight_verdict v)
{
    static const char *const words[] = {
#define X(name, word, doc) word,
        WEIGHT_ACTIONS(X)
#undef X
    };

    return words[v];
}

static const struct store_weight *
find(const struct store_weight *stored, size_t n, span slot)
{
    for (size_t i = 0; i < n; i++)
        if (span_is(slot, stored[i].slot))
            return &stored[i];
    return NULL;
}

void
weights_reconcile(const struct store_weight *stored, size_t n_stored,
                  const struct weight_file *file, size_t n_file,
                  struct weight_action *out)
{
    for (size_t i = 0; i < n_file; i++) {
        const struct store_weight *w = find(stored, n_stored, file[i].slot);
        struct weight_action *a = &out[i];

        *a = (struct weight_action){.verdict = WEIGHT_NEW,
                                    .slot = file[i].slot,
                                    .weight_ppm = file[i].weight_ppm,
                                    .was_ppm = file[i].weight_ppm,
                                    .file_ppm = file[i].weight_ppm,
                                    .run = 1};
        if (!w)
            continue;
        a->run = w->run;
        a->was_ppm = w->weight_ppm;
        a->verdict = WEIGHT_FILE;
        if (w->file_ppm == file[i].weight_ppm) {
            a->verdict = WEIGHT_KEEP;
            a->weight_ppm = w->weight_ppm;
        }
    }
}
