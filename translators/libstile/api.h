/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api: what stile.h's opaque API is made of; this room's own.
 */
#pragma once

#include "translators/lens/lens.h"
#include "translators/libstile/stile.h"
#include "translators/translation.h"

/* Whoever has loaded an API otherwise may put it into one of these: lens and
 * translator are enough to open translations with. */
struct stile_api {
    struct arena *arena;
    const struct lens_api *lens;
    const struct translator *translator;
    const char *name;
    const char *const *versions; /* labels as C strings */
    const char *const *types;
};

/* A message in the words of translation.h; its texts are borrowed. */
struct message libstile_message(const struct stile_message *m);

enum stile_code libstile_code(enum err_code code);
