/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scene: control as a whole process, forked as a loader would, with this test as
 * its supervisor and its workers, and the client of the commands as its caller.
 */
#pragma once

#include "proxy/control/client.h"
#include "proxy/control/control.h"
#include "proxy/observe/roles.h"
#include "tests/proxy/control/house.h"

struct scene {
    struct house house;
    struct control_env env;
    uint16_t observe_port;
    int report_fd; /* our end */
    int wire_fd;   /* our end of the control process that was started last */
    char socket[128];
    struct wire_in in;
};

void scene_make(struct scene *s, uint32_t weight_ppm);
void scene_remove(struct scene *s);

/* A control process of its own; our end of its wire is s->wire_fd. */
pid_t scene_start(struct scene *s);
/* The same, once it is ready. */
pid_t scene_start_ready(struct scene *s);
/* Stop it in good order. */
void scene_stop(struct scene *s, pid_t pid);
/* Its exit code, or its signal below 0; waits for it. */
int scene_ended(pid_t pid);

/* The next message of this kind, others passed over; fails after 10 s. */
void scene_hear(struct scene *s, int fd, enum wire_kind kind);
void scene_tell(int fd, enum wire_kind kind, uint64_t a, uint64_t b, span text);

/* What it answers; a body is taken, and then any revision will do. */
struct client_answer scene_ask(const struct scene *s, const char *method,
                               const char *path, json_t *body);
/* Ask for another weight of the route, and read the workers' word of it. */
void scene_move(const struct scene *s, const char *weight);
uint32_t scene_word(const struct scene *s);

/* By CLOCK_MONOTONIC. */
uint64_t scene_now_ms(void);
/* A listening socket at this path. */
int scene_listen(const char *path);
