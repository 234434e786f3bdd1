/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forms: a form of the language as a function for the machine.
 */
#include "translators/compose/lowering.h"

#include "proxy/base/buf.h"
#include "translators/reference/form.h"

struct form_arg {
    struct lens_form from;
    struct lens_form to;
    const struct lens_api *api;
};

static enum engine_formed
run_form(const void *arg, span scalar, struct arena *scratch, struct buf *out)
{
    const struct form_arg *f = arg;
    struct run r = {.arena = scratch,
                    .scratch = scratch,
                    .api = f->api,
                    .depth_max = JSON_DEPTH_DEFAULT};
    struct json *value = NULL;
    struct json *image = NULL;
    struct err e;
    bool respelt = false;
    if (json_parse(scratch, scalar, 1, &value, &e) != OK ||
        form_convert(&r, &f->from, &f->to, value, &image, &respelt) !=
            FORM_DONE)
        return ENGINE_OUTSIDE;
    json_print(image, out);
    return respelt ? ENGINE_RESPELT : ENGINE_FORMED;
}

/* Those of one scalar that is written as one. */
static bool
is_of_scalars(enum lens_form_kind kind)
{
    return kind != LENS_AS_JSON && kind != LENS_AS_JSON_TEXT &&
           kind != LENS_AS_KEYS && kind != LENS_AS_PATTERN &&
           kind != LENS_AS_BIN;
}

bool
lower_form(struct lowering *l, uint32_t term, uint32_t source,
           struct engine_form *out)
{
    const struct term *t = &l->c->terms[term];
    if (t->kind != TERM_FORM || l->c->terms[t->of].kind != TERM_SOURCE ||
        !is_of_scalars(t->from->kind) || !is_of_scalars(t->to->kind))
        return lower_stop(l, "a form of more than one scalar");
    struct form_arg *arg = arena_alloc(l->to, sizeof(*arg));
    if (!arg)
        return lower_no_room(l);
    *arg = (struct form_arg){*t->from, *t->to, l->n->api};
    /* Outside must fail, and what is told of another spelling is told once. */
    struct value_class outside = {source, LENS_STRING, NULL, FORM_OUT};
    struct value_class bent = {source, LENS_STRING, NULL, FORM_BENT};
    const struct spot_of *s = &l->spots[source];
    bool fails = false;
    uint16_t told[8];
    size_t n = 0;
    for (size_t i = 0; i < s->checks.n; i++)
        fails = fails || class_truth(l, l->check_when[s->checks.at[i]],
                                     &outside) == IS_ALWAYS;
    for (size_t i = 0; i < s->notices.n; i++) {
        enum truth is = class_truth(l, l->notice_when[s->notices.at[i]], &bent);
        if (is == IS_OPEN || n == COUNT(told))
            return lower_stop(l, "a form whose notices wait");
        if (is == IS_ALWAYS)
            told[n++] = s->notices.at[i];
    }
    if (!fails)
        return lower_stop(l, "a form of what passes or goes where it fails");
    out->fn = run_form;
    out->arg = arg;
    return lower_notes(l, told, n, &out->notes);
}
