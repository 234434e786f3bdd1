/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pins: accounts tied to a version: a map of hashed keys (hex) to labels.
 */
#include "translators/lens/build.h"

static void
read_table(struct lens_builder *b, const struct yaml *doc,
           struct lens_source *out)
{
    if (doc->kind != YAML_MAP) {
        yaml_problem(b->problems, doc, "a table of pins is a map");
        problem_remedy(b->problems, "write the key's SHA-256 in hex: v1");
        return;
    }
    struct lens_pin *pins = lens_array(b, doc->n, sizeof(*pins));
    size_t n = 0;
    for (size_t i = 0; pins && i < doc->n; i++) {
        int v = lens_version_read(b, doc->entries[i].value);
        pins[n].key = doc->entries[i].key->text;
        pins[n].version = v < 0 ? 0 : (size_t)v;
        n += v >= 0;
    }
    out->pins = pins;
    out->n_pins = n;
}

void
lens_pins_read(struct lens_builder *b, span folder)
{
    for (size_t i = 0; i < b->api->detect.n_sources; i++) {
        struct lens_source *s = &b->sources[i];
        if (s->kind != LENS_SOURCE_PIN)
            continue;
        bool whole = span_starts(s->pin_file, SPAN("/"));
        span path =
            lens_fmt(b, "%.*s%.*s", SPAN_FMT(whole ? (span){0} : folder),
                     SPAN_FMT(s->pin_file));
        span text;
        if (b->full || !lens_file_read(b, path, LENS_PINS_BYTES_MAX, &text))
            continue;
        const struct yaml *doc =
            yaml_parse(b->arena, path, text, LENS_PINS_BYTES_MAX, b->problems);
        if (doc)
            read_table(b, doc, s);
    }
}
