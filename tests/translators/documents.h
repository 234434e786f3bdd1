/* SPDX-License-Identifier: Apache-2.0 */
/*
 * documents: the pairs of real documents beside the checkout, and how two of
 * them are compared (../shared/examples/README.md): as values, members in any
 * order, 10 as 10.0, and JSON inside an annotation as JSON.
 */
#pragma once

#include "translators/json/tree.h"
#include "translators/lens/lens.h"
#include "translators/translation.h"

#include "tests/test.h"

#define DOCUMENT_ROOM ((size_t)512 * 1024 * 1024)

/* Parse a file, failing the test if it is not there. */
struct json *document_read(struct arena *a, const char *path);

/* Where two documents first differ, as "/spec/rules: ..."; empty if they do not. */
span document_difference(struct arena *a, const struct json *is,
                         const struct json *should);

/* The translator of the example API in config/examples/NAME. */
const struct translator *document_api(struct arena *a, const char *name,
                                      const struct lens_api **api);

/* The translator of an api in texts; *api is what was loaded. */
const struct translator *document_texts(struct arena *a, const char *api_yaml,
                                        const struct lens_text *changes,
                                        size_t n_changes,
                                        const struct lens_api **api);

/* Translate a whole body; fails the test, naming `what`, if that fails. */
span document_translate(struct arena *a, const struct translator *t,
                        const struct message *m, size_t from, size_t to,
                        span body, const char *what);
