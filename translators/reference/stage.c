/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/reference/stage.h"

#include "translators/reference/spot.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as a literal of a file */

/* A copy shares the notes of what it was copied from: these are not ours. */
static void
forget_notes(struct json *node)
{
    node->note = NULL;
    node->offset = 0;
    for (size_t i = 0; json_is_container(node) && i < node->n; i++)
        forget_notes(node->members[i].value);
}

struct json *
stage_literal(struct run *r, const struct json *literal, size_t at)
{
    struct json *copy = json_clone(r->arena, literal);
    if (!copy) {
        run_full(r);
        return NULL;
    }
    forget_notes(copy);
    return run_derive(r, copy, at) ? copy : NULL;
}

/* ---- enum ---------------------------------------------------------------- */

static bool
enum_image(struct run *r, const struct json *to, const struct json *value,
           struct image *out)
{
    if (!to) {
        out->kind = IMAGE_HIDDEN;
        return true;
    }
    out->value = stage_literal(r, to, run_origin(value));
    return out->value != NULL;
}

static void
show(const struct json *value, char *text, size_t size)
{
    if (json_is_container(value))
        snprintf(text, size, "%s", json_kind_word(value->kind));
    else if (value->kind == JSON_TEXT)
        snprintf(text, size, "\"%.*s\"",
                 (int)(value->text.len > 60 ? 60 : value->text.len),
                 value->text.at ? value->text.at : "");
    else if (value->kind == JSON_NUMBER)
        snprintf(text, size, "%.*s",
                 (int)(value->text.len > 60 ? 60 : value->text.len),
                 value->text.at);
    else
        snprintf(text, size, "%s",
                 value->kind == JSON_NULL ? "null"
                 : value->truth           ? "true"
                                          : "false");
}

static bool
unlisted(struct run *r, const struct lens_symbols *s,
         const struct stage_asker *asker, struct json *value, struct image *out)
{
    char text[80];
    if (s->unlisted == LENS_UNLISTED_IS)
        return run_notice(r, NOTICE_LOSSY, asker->origin, value) &&
               enum_image(r, s->image, value, out);
    show(value, text, sizeof(text));
    if (s->unlisted == LENS_UNLISTED_FAIL)
        return run_fail(r, FAULT_CARRY, value, asker->origin,
                        "%s is no symbol of this version", text);
    for (size_t i = 0; i < s->n_foreign; i++)
        if (json_alike(value, s->foreign[i]))
            return run_fail(r, FAULT_CARRY, value, asker->origin,
                            "%s is a symbol of the other version only", text);
    out->value = value;
    return !s->passes_lossy ||
           run_notice(r, NOTICE_LOSSY, asker->origin, value);
}

static bool
run_enum(struct run *r, const struct lens_symbols *s,
         const struct stage_asker *asker, struct json *value, struct image *out)
{
    if (!spot_is_readable(r, value))
        return false;
    for (size_t i = 0; i < s->n_rows; i++) {
        const struct lens_symbol *row = &s->rows[i];
        if (!json_alike(value, row->from))
            continue;
        if (row->to && row->lossy &&
            !run_notice(r, NOTICE_LOSSY, asker->origin, value))
            return false;
        return enum_image(r, row->to, value, out);
    }
    return unlisted(r, s, asker, value, out);
}

/* ---- one <> list ----------------------------------------------------------- */

static bool
wrap(struct run *r, struct json *value, struct image *out)
{
    out->value = json_new_list(r->arena);
    if (!out->value || !run_derive(r, out->value, run_origin(value)))
        return run_full(r);
    if (value->kind == JSON_NULL)
        return true;
    return json_list_append(r->arena, out->value, value) || run_full(r);
}

static bool
pick(struct run *r, const struct lens_stage *stage,
     const struct stage_asker *asker, struct json *list, struct image *out)
{
    size_t n = list->n;
    if (n == 0 && stage->empty_absent) {
        out->kind = IMAGE_ABSENT;
        return true;
    }
    if (n == 0) {
        size_t at = run_origin(list);
        out->value = json_new_null(r->arena);
        return (out->value && run_derive(r, out->value, at)) || run_full(r);
    }
    if (n > 1 &&
        (stage->pick == LENS_PICK_ONLY || asker->rest == LENS_REST_REFUSE))
        return run_fail(r, FAULT_CARRY, list, asker->origin,
                        "the list has %zu elements, and this version takes one",
                        n);
    /* Unsaid is as occupied: a request is refused, an answer loses them. */
    if (n > 1 && r->is_request &&
        (asker->rest == LENS_REST_UNSAID || asker->rest == LENS_REST_KEEP))
        return run_fail(r, FAULT_CARRY, list, asker->origin,
                        "the list has %zu elements, and this version takes one",
                        n);
    if (n > 1 && asker->rest != LENS_REST_STASH &&
        !run_notice(r, NOTICE_LOSSY, asker->origin, list))
        return false;
    out->value = json_remove(list, stage->pick == LENS_PICK_LAST ? n - 1 : 0);
    /* [null] would come back as []. */
    return out->value->kind != JSON_NULL ||
           run_notice(r, NOTICE_LOSSY, asker->origin, out->value);
}

static bool
run_list(struct run *r, const struct lens_stage *stage, enum lens_side read,
         const struct stage_asker *asker, struct json *value, struct image *out)
{
    if (read == stage->one)
        return wrap(r, value, out);
    spot_purge(value);
    if (value->kind != JSON_LIST)
        return run_fail(r, FAULT_CARRY, value, asker->origin,
                        "a list was expected, not %s",
                        json_kind_word(value->kind));
    return pick(r, stage, asker, value, out);
}

/* ---- form --------------------------------------------------------------------- */

static bool
is_outside(struct run *r, const struct stage_asker *asker, struct json *whole,
           const struct lens_form *from, const struct lens_form *to,
           struct image *out)
{
    char text[80];
    char read[40];
    char write[40];
    switch (asker->outside) {
    case LENS_OUTSIDE_FAIL:
        show(whole, text, sizeof(text));
        form_show(from, read, sizeof(read));
        form_show(to, write, sizeof(write));
        return run_fail(r, FAULT_CARRY, whole, asker->origin,
                        "%s cannot be read as %s and written as %s", text, read,
                        write);
    case LENS_OUTSIDE_PASS:
        out->value = whole;
        return true;
    case LENS_OUTSIDE_NULL:
        out->value = json_new_null(r->arena);
        if (!out->value || !run_derive(r, out->value, run_origin(whole)))
            return run_full(r);
        return run_notice(r, NOTICE_LOSSY, asker->origin, whole);
    case LENS_OUTSIDE_ABSENT:
        out->kind = IMAGE_ABSENT;
        return run_notice(r, NOTICE_LOSSY, asker->origin, whole);
    }
    return true;
}

/* ---- the pipeline ----------------------------------------------------------------- */

static bool
run_one(struct run *r, const struct lens_stage *stage, enum lens_side read,
        const struct stage_asker *asker, struct json *value, struct image *out,
        bool *outside)
{
    bool respelt = false;
    const struct lens_form *from = &stage->form[read];
    const struct lens_form *to = &stage->form[lens_other(read)];
    switch (stage->kind) {
    case LENS_STAGE_ENUM:
        return run_enum(r, &stage->symbols[read], asker, value, out);
    case LENS_STAGE_LIST:
        return run_list(r, stage, read, asker, value, out);
    case LENS_STAGE_INDEX:
        return stage_index(r, stage, read, asker, value, out);
    case LENS_STAGE_PATHS:
        return stage_paths(r, stage, read, asker, value, outside);
    case LENS_STAGE_ORDER:
        return stage_order(r, stage, read, asker, value);
    case LENS_STAGE_FLAT:
        return stage_flat(r, stage, read, asker, value, out);
    case LENS_STAGE_LOOKUP: /* it needs the object: lookup.c */
        return true;
    case LENS_STAGE_FORM:
        break;
    }
    switch (form_convert(r, from, to, value, &out->value, &respelt)) {
    case FORM_FAILED:
        return false;
    case FORM_OUTSIDE:
        *outside = true;
        return true;
    case FORM_DONE:
        break;
    }
    return !respelt || run_notice(r, NOTICE_RESPELT, asker->origin, value);
}

static bool
is_changed_in_place(const struct lens_stage *stage)
{
    return stage->kind == LENS_STAGE_PATHS ||
           (stage->kind == LENS_STAGE_FORM &&
            stage->form[LENS_OLDER].kind == LENS_AS_KEYS);
}

bool
stage_run(struct run *r, const struct lens_stages *stages, enum lens_side read,
          const struct stage_asker *asker, struct json *value,
          struct image *out)
{
    *out = (struct image){IMAGE_VALUE, value};
    if (stages->n == 0)
        return true;
    /* `outside: pass` gives back the whole value, not one half converted. */
    struct json *whole = value;
    if (stages->n > 1 || is_changed_in_place(&stages->at[0]))
        whole = json_clone(r->arena, value);
    if (!whole)
        return run_full(r);

    for (size_t i = 0; i < stages->n && out->kind == IMAGE_VALUE; i++) {
        size_t at = read == LENS_OLDER ? i : stages->n - 1 - i;
        const struct lens_stage *stage = &stages->at[at];
        bool outside = false;
        if (!run_one(r, stage, read, asker, out->value, out, &outside))
            return false;
        if (outside)
            return is_outside(r, asker, whole, &stage->form[read],
                              &stage->form[lens_other(read)], out);
    }
    if (out->kind != IMAGE_VALUE)
        out->value = NULL;
    return true;
}
/* NOLINTEND(misc-no-recursion) */
