/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout_print: what the admin API says of rollouts, for people: a fact a line.
 */
#pragma once

#include <jansson.h>

#include <stddef.h>

/* "" if it is not there. */
const char *rollout_text(const json_t *object, const char *name);

/* Where it stands, in a line without its end and without its name. */
#define ROLLOUT_LINE_MAX 1024
void rollout_line(const json_t *r, char out[ROLLOUT_LINE_MAX]);

void rollout_print_line(const json_t *r);
void rollout_print_list(const json_t *answer);
void rollout_print_whole(const json_t *r);
/* Its halted cells, a line each, behind a word of `width`. */
void rollout_print_halted(const json_t *list, size_t width);
void rollout_print_plan(const json_t *r);
void rollout_print_history(const json_t *answer);
void rollout_print_evidence(const json_t *answer);

/* One revision of the journal. */
void revision_print(const json_t *revision);
