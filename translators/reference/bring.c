/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bring: f↑ and f↓, with the absence words around them: what each take brings.
 */
#include "translators/reference/frame.h"

/* ---- shapes of place cases: what is around the value ------------------------------ */

/* Beside what a case holds stands something else. */
static bool
rest_beside(struct frame *f, const struct lens_way *way, struct json *rest)
{
    struct run *r = f->run;
    if (spot_count(rest) == 0)
        return true;
    bool refuse = way->rest.kind == LENS_REST_REFUSE ||
                  ((way->rest.kind == LENS_REST_UNSAID ||
                    way->rest.kind == LENS_REST_KEEP) &&
                   r->is_request);
    if (refuse)
        return run_fail(r, FAULT_CARRY, rest, &way->origin,
                        "the object has members that this case has no form "
                        "for");
    return run_notice(r, NOTICE_LOSSY, &way->origin, rest);
}

/* Take tags away, and the value out of its shape. */
static bool
unwrap(struct frame *f, const struct lens_way *way, struct json **value)
{
    const struct lens_shape *shape = &way->shape[f->leg->read];
    for (size_t i = 0; i < shape->n_tags; i++) {
        struct json *tag = NULL;
        if (!place_get(f->run, *value, &shape->tags[i].place, &tag))
            return false;
        if (tag && tag != *value)
            json_detach(tag);
    }
    if (!shape->has_inside || shape->inside.n == 0)
        return true;
    struct json *inside = NULL;
    struct json *rest = *value;
    if (!place_get(f->run, rest, &shape->inside, &inside))
        return false;
    if (!inside)
        return true;
    json_detach(inside);
    *value = inside;
    return rest_beside(f, way, rest);
}

/* Put `value` at a place of keys in `object`, which is being built. */
static bool
build_at(struct frame *f, struct json *object, const struct lens_place *place,
         struct json *value)
{
    struct run *r = f->run;
    for (size_t i = 0; i + 1 < place->n; i++) {
        struct json *next = json_get(object, place->steps[i].key);
        if (!next) {
            next = json_new_object(r->arena);
            if (!next ||
                !json_append(r->arena, object, place->steps[i].key, next))
                return run_full(r);
        }
        object = next;
    }
    span key = place->steps[place->n - 1].key;
    if (object->kind != JSON_OBJECT || json_get(object, key))
        return run_fail(r, FAULT_CARRY, object, NULL,
                        "the tag \"%.*s\" of a case finds its place taken",
                        SPAN_FMT(key));
    return json_append(r->arena, object, key, value) || run_full(r);
}

/* Write tags, and the value into its shape. */
static bool
wrap(struct frame *f, const struct lens_way *way, size_t at,
     struct image *image)
{
    struct run *r = f->run;
    const struct lens_shape *shape = &way->shape[f->leg->write];
    bool inside = shape->has_inside && shape->inside.n > 0;
    struct json *value = image->value;
    if (shape->constant) {
        image->kind = IMAGE_VALUE;
        image->value = stage_literal(r, shape->constant, at);
        return image->value != NULL;
    }
    if (shape->said && shape->types == LENS_ABSENT) {
        *image = (struct image){IMAGE_ABSENT, NULL};
        return true;
    }
    if (shape->n_tags == 0 && !inside)
        return true;

    struct json *object = value;
    if (inside || !value || value->kind != JSON_OBJECT) {
        object = json_new_object(r->arena);
        if (!object || !run_derive(r, object, at))
            return run_full(r);
    }
    for (size_t i = 0; i < shape->n_tags; i++) {
        struct json *tag = stage_literal(r, shape->tags[i].value, at);
        if (!tag || !build_at(f, object, &shape->tags[i].place, tag))
            return false;
    }
    *image = (struct image){IMAGE_VALUE, object};
    return !inside || !value || build_at(f, object, &shape->inside, value);
}

/* ---- absence -------------------------------------------------------------------------- */

/* The side being written has no null: this stands for it. */
static bool
null_word(struct frame *f, const struct lens_arrow *arrow,
          const struct lens_way *way, struct image *image)
{
    struct run *r = f->run;
    size_t at = run_origin(image->value);
    if (!run_notice(r, NOTICE_LOSSY, &arrow->origin, image->value))
        return false;
    struct json *word = stage_literal(r, arrow->null[f->leg->write], at);
    image->value = form_literal(r, &way->stages, f->leg->write, word);
    return image->value != NULL;
}

/* Is it what this side leaves out? */
static bool
is_left_out(struct frame *f, const struct lens_arrow *arrow,
            const struct lens_way *way, const struct json *value, bool *same)
{
    struct run *r = f->run;
    const struct json *omit = arrow->omit[f->leg->write];
    *same = false;
    if (!omit)
        return true;
    if (!form_is_carried(r, value))
        return spot_equal(r, value, omit, same);
    struct json *word = stage_literal(r, omit, run_origin(value));
    word = form_literal(r, &way->stages, f->leg->write, word);
    *same = word && json_alike(value, word);
    return word != NULL;
}

/* `null` and `omit` of the side being written. */
static bool
absence(struct frame *f, const struct lens_arrow *arrow,
        const struct lens_way *way, struct image *image)
{
    bool same = false;
    if (arrow->null[f->leg->write] && image->value->kind == JSON_NULL &&
        !null_word(f, arrow, way, image))
        return false;
    if (!is_left_out(f, arrow, way, image->value, &same))
        return false;
    if (same)
        *image = (struct image){IMAGE_ABSENT, NULL};
    return true;
}

/* What is written must be of the type its case has there, or it would come back as
 * another. */
static bool
has_shape(struct frame *f, const struct lens_way *way, const struct json *value)
{
    const struct lens_shape *shape = &way->shape[f->leg->write];
    if (!shape->said || !shape->types || shape->types & LENS_ABSENT ||
        shape->n_tags || shape->has_inside || test_types(value) & shape->types)
        return true;
    return run_fail(f->run, FAULT_CARRY, value, &way->origin,
                    "%s has no form in this case of the other version",
                    json_kind_word(value->kind));
}

/* Which of its two places are in the head of a message? */
static void
set_texts(struct frame *f, const struct lens_way *way)
{
    bool is_message = f->type_index == SIZE_MAX;
    f->run->texts_read =
        is_message && lens_place_is_text(&way->place[f->leg->read]);
    f->run->texts_write =
        is_message && lens_place_is_text(&way->place[f->leg->write]);
}

bool
bring_value(struct frame *f, const struct active *active,
            const struct lens_way *way, struct json *value, struct image *out)
{
    struct run *r = f->run;
    set_texts(f, way);
    struct stage_asker asker = {&way->origin, way->outside, way->rest.kind};
    size_t at = run_origin(value);
    *out = (struct image){IMAGE_VALUE, value};
    if (value->kind == JSON_NULL && active->arrow->null[f->leg->write])
        return absence(f, active->arrow, way,
                       out); /* no stage is asked of it */
    if (!unwrap(f, way, &out->value))
        return false;
    if (!open_bring(f, way, out->value) ||
        !(lens_way_lookup(way) ? lookup_bring(f, way, out->value, out)
                               : stage_run(r, &way->stages, f->leg->read,
                                           &asker, out->value, out)))
        return false;
    if (out->kind == IMAGE_HIDDEN)
        return run_notice(r, NOTICE_HIDDEN, &way->origin, value);
    if (out->kind == IMAGE_VALUE && !inner_through(f, way, &out->value))
        return false;
    if (out->kind == IMAGE_VALUE && !out->value)
        out->kind = IMAGE_HIDDEN;
    if (out->kind == IMAGE_VALUE && !has_shape(f, way, out->value))
        return false;
    if (out->kind == IMAGE_VALUE && !wrap(f, way, at, out))
        return false;
    return out->kind != IMAGE_VALUE || absence(f, active->arrow, way, out);
}

/* ---- one take --------------------------------------------------------------------------- */

/* The way has no form on the other side, or its value fails: `hide`. */
static bool
hide(struct frame *f, struct take *t)
{
    struct pending value = {0};
    struct stage_asker asker = {t->origin, LENS_OUTSIDE_FAIL, LENS_REST_UNSAID};
    t->image = (struct image){IMAGE_HIDDEN, NULL};
    if (!run_notice(f->run, NOTICE_HIDDEN, t->origin, t->value))
        return false;
    if (t->way->hide != LENS_HIDE_VALUE)
        return true;
    if (!value_prepare(f, &t->way->hidden, &value) ||
        !value_give(f, &value, t->from.stars, t->from.n_stars, &asker,
                    &t->image.value))
        return false;
    if (!t->image.value)
        return true;
    t->image.kind = IMAGE_VALUE;
    t->image.value =
        form_literal(f->run, &t->way->stages, f->leg->write, t->image.value);
    return t->image.value != NULL;
}

static bool
bring_map(struct frame *f, size_t at)
{
    struct run *r = f->run;
    struct take *t = &f->takes[at];
    const struct lens_way *way = t->way;
    bool hides = way->hide == LENS_HIDE_DROP || way->hide == LENS_HIDE_VALUE;
    if (t->rest) {
        if (!rest_restore(f, at))
            return false;
        t = &f->takes[at];
        if (t->done)
            return true;
    }
    if (!t->value && !way->shape[f->leg->write].constant) {
        t->image.kind = IMAGE_ABSENT;
        return true;
    }
    if (t->value && !way->has[f->leg->write]) {
        if (hides)
            return hide(f, t);
        return run_fail(r, FAULT_CARRY, t->value, t->origin,
                        "the other version has no form for this case");
    }
    if (!t->value)
        return wrap(f, way, run_origin(f->root), &t->image);
    struct active active = f->actives[t->active];
    if (bring_value(f, &active, way, t->value, &t->image))
        return true;
    return hides && run_forgive(r) && hide(f, t);
}

/* What `add` or `drop` took goes into its stash, unless the other side makes it up. */
static bool
bring_own(struct frame *f, struct take *t)
{
    struct run *r = f->run;
    const struct lens_arrow *arrow = f->actives[t->active].arrow;
    struct stage_asker asker = {t->origin, t->way->outside, LENS_REST_UNSAID};
    bool same = false;
    t->image.kind = IMAGE_ABSENT;
    if (arrow->kind == LENS_DROP && r->is_request &&
        arrow->write == LENS_WRITE_REFUSE)
        return run_fail(r, FAULT_CARRY, t->as_it_came, t->origin,
                        "\"%.*s\" can no longer be written",
                        SPAN_FMT(t->from.place->text));
    if (!t->leads || !t->value)
        return true;
    if (arrow->fill.kind == LENS_VALUE_LITERAL &&
        !spot_equal(r, t->value, arrow->fill.literal, &same))
        return false;
    return same || stage_run(r, &t->way->stages, f->leg->read, &asker, t->value,
                             &t->image);
}

/* The stash's text becomes the value again; if it cannot be read, a notice. */
static bool
bring_stash(struct frame *f, struct take *t)
{
    struct run *r = f->run;
    struct stage_asker asker = {t->origin, LENS_OUTSIDE_FAIL, LENS_REST_UNSAID};
    if (stage_run(r, &t->way->stages, f->leg->read, &asker, t->value,
                  &t->image))
        return true;
    t->image = (struct image){IMAGE_ABSENT, NULL};
    return run_forgive(r) &&
           run_notice(r, NOTICE_UNREADABLE, t->origin, t->value);
}

bool
bring_all(struct frame *f)
{
    size_t n = f->n_takes; /* a box that comes back adds one: it is done */
    for (size_t i = 0; i < n; i++) {
        struct take *t = &f->takes[i];
        bool ok = true;
        if (t->done && t->kind != TAKE_PART)
            continue;
        switch (t->kind) {
        case TAKE_MAP:
            ok = bring_map(f, i);
            break;
        case TAKE_OWN:
            ok = bring_own(f, t);
            break;
        case TAKE_STASH:
            ok = bring_stash(f, t);
            break;
        case TAKE_PART:
            ok = t->part > 0 || joint_bring(f, i);
            break;
        case TAKE_JOINED: /* with its parts */
        case TAKE_ELEMENT:
        case TAKE_LIST: /* with what points at them */
        case TAKE_TAG:
        case TAKE_REST:
            break;
        }
        if (!ok)
            return false;
    }
    return lookup_finish(f);
}
