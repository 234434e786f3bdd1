/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loss: what each arrow loses, in words.
 */
#include "translators/lens/build.h"
#include "translators/lens/report.h"

#define MISSING_ROWS_MAX 8 /* of one table, told of one side */

struct gathering {
    struct lens_builder b; /* for its memory alone */
    const struct lens_table *table;
    struct lens_vec losses;
};

static void
lose(struct gathering *g, enum lens_loss_kind kind,
     const struct lens_origin *origin, span what)
{
    struct lens_loss *slot = lens_vec_add(&g->b, &g->losses, sizeof(*slot));
    if (slot)
        *slot = (struct lens_loss){kind, *origin, what};
}

/* By the side that is read: its failures are those of reading or writing clients. */
static enum lens_loss_kind
fails(enum lens_side read)
{
    return read == LENS_NEWER ? LENS_READ_FAILS : LENS_WRITE_FAILS;
}

static enum lens_loss_kind
needs(enum lens_side read)
{
    return read == LENS_NEWER ? LENS_READ_IF : LENS_WRITE_IF;
}

/* ---- enum ---- */

static void
lose_symbol(struct gathering *g, const struct lens_way *w, enum lens_side read,
            const struct lens_symbol *row)
{
    if (!row->lossy)
        return;
    span what = lens_fmt(&g->b, "%.*s=%.*s", SPAN_FMT(w->place[read].text),
                         SPAN_FMT(lens_literal_show(&g->b, row->from)));
    bool hides = read == LENS_NEWER && !row->to;
    lose(g, hides ? LENS_READ_HIDES : LENS_WRITE_LOSES, &w->origin, what);
}

static void
lose_symbols(struct gathering *g, const struct lens_way *w,
             const struct lens_stage *s)
{
    for (size_t side = 0; side < 2; side++) {
        enum lens_side read = (enum lens_side)side;
        const struct lens_symbols *one = &s->symbols[read];
        for (size_t i = 0; i < one->n_rows; i++)
            lose_symbol(g, w, read, &one->rows[i]);
        span place = w->place[read].text;
        if (one->unlisted == LENS_UNLISTED_FAIL)
            lose(g, needs(read), &w->origin,
                 lens_fmt(&g->b, "%.*s is a listed symbol", SPAN_FMT(place)));
        if (one->unlisted == LENS_UNLISTED_IS)
            lose(g, LENS_WRITE_LOSES, &w->origin,
                 lens_fmt(&g->b, "%.*s not listed", SPAN_FMT(place)));
        if (one->unlisted == LENS_UNLISTED_PASS && one->n_foreign > 0)
            lose(g, needs(read), &w->origin,
                 lens_fmt(&g->b, "%.*s is no symbol of the other side",
                          SPAN_FMT(place)));
    }
}

/* ---- forms and lists ---- */

static void
lose_form(struct gathering *g, const struct lens_way *w,
          const struct lens_stage *s)
{
    for (size_t side = 0; side < 2; side++) {
        enum lens_side read = (enum lens_side)side;
        enum lens_form_kind kind = s->form[read].kind;
        if (kind == LENS_AS_JSON || kind == LENS_AS_KEYS)
            continue;
        span what =
            lens_fmt(&g->b, "%.*s reads as %s", SPAN_FMT(w->place[read].text),
                     lens_form_word(kind));
        if (w->outside == LENS_OUTSIDE_FAIL)
            lose(g, needs(read), &w->origin, what);
        else if (w->outside != LENS_OUTSIDE_PASS)
            lose(g, read == LENS_NEWER ? LENS_READ_HIDES : LENS_WRITE_LOSES,
                 &w->origin,
                 lens_fmt(&g->b, "%.*s that is no %s",
                          SPAN_FMT(w->place[read].text), lens_form_word(kind)));
    }
}

static void
lose_list(struct gathering *g, const struct lens_way *w,
          const struct lens_stage *s)
{
    enum lens_side list = lens_other(s->one);
    span place = w->place[list].text;
    bool refuses =
        s->pick == LENS_PICK_ONLY || w->rest.kind == LENS_REST_REFUSE;
    if (refuses)
        lose(g, fails(list), &w->origin,
             lens_fmt(&g->b, "%.*s of several", SPAN_FMT(place)));
    else if (w->rest.kind == LENS_REST_KEEP)
        lose(g, LENS_WRITE_FAILS, &w->origin,
             lens_fmt(&g->b, "a whole document, for %.*s but one",
                      SPAN_FMT(place)));
    else if (w->rest.kind != LENS_REST_STASH)
        lose(g, LENS_WRITE_LOSES, &w->origin,
             lens_fmt(&g->b, "%.*s but one", SPAN_FMT(place)));
}

static void
lose_index(struct gathering *g, const struct lens_way *w,
           const struct lens_stage *s)
{
    span list = w->place[s->list].text;
    span map = w->place[lens_other(s->list)].text;
    span key = s->key.n ? s->key.text : SPAN("for a key");
    lose(g, needs(s->list), &w->origin,
         lens_fmt(&g->b,
                  "%.*s to have a text %.*s in each element, no two "
                  "alike",
                  SPAN_FMT(list), SPAN_FMT(key)));
    if (s->twice != LENS_TWICE_FAIL)
        lose(g, LENS_WRITE_LOSES, &w->origin,
             lens_fmt(&g->b, "%.*s with one key, but one", SPAN_FMT(list)));
    if (s->held == LENS_HELD_VALUE)
        lose(g,
             w->rest.kind == LENS_REST_REFUSE ? fails(s->list)
                                              : LENS_WRITE_LOSES,
             &w->origin,
             lens_fmt(&g->b, "%.*s/* but %.*s", SPAN_FMT(list),
                      SPAN_FMT(s->value.text)));
    if (s->held == LENS_HELD_NONE)
        lose(g, needs(lens_other(s->list)), &w->origin,
             lens_fmt(&g->b, "%.*s to hold %.*s", SPAN_FMT(map),
                      SPAN_FMT(lens_literal_show(&g->b, s->unit))));
}

static void
lose_lookup(struct gathering *g, const struct lens_way *w,
            const struct lens_lookup *lookup)
{
    static const char *const reads[] = {"a number in", "a key in",
                                        "an element with a key for"};
    enum lens_side list = lookup->is_alone ? lookup->list : LENS_OLDER;
    for (size_t side = 0; side < 2; side++)
        lose(g, needs((enum lens_side)side), &w->origin,
             lens_fmt(&g->b, "%.*s to be %s %.*s",
                      SPAN_FMT(w->place[side].text), reads[lookup->how[side]],
                      SPAN_FMT(lookup->in[list].text)));
    if (!lookup->is_alone)
        return;
    lose(g, w->rest.kind == LENS_REST_REFUSE ? fails(list) : LENS_WRITE_LOSES,
         &w->origin,
         lens_fmt(&g->b, "elements of %.*s that nothing points at",
                  SPAN_FMT(lookup->in[list].text)));
    lose(g, LENS_WRITE_LOSES, &w->origin,
         lens_fmt(&g->b, "the order of %.*s", SPAN_FMT(lookup->in[list].text)));
}

/* Fields that one side alone has: a path that names one has no image. */
static span
without_image(struct gathering *g, size_t type, enum lens_side read)
{
    const struct lens_block *block = g->table->blocks[type];
    span out = {0};
    for (size_t i = 0; block && i < block->n_arrows; i++) {
        const struct lens_arrow *a = &block->arrows[i];
        enum lens_side own = a->kind == LENS_ADD ? LENS_NEWER : LENS_OLDER;
        if (a->kind != LENS_MAP && own == read)
            out = lens_fmt(&g->b, "%.*s%s%.*s", SPAN_FMT(out),
                           out.len ? ", " : "; not ",
                           SPAN_FMT(a->ways[0].place[read].text));
    }
    return out;
}

static void
lose_paths(struct gathering *g, const struct lens_way *w,
           const struct lens_stage *s)
{
    for (size_t side = 0; side < 2; side++) {
        enum lens_side read = (enum lens_side)side;
        span without = without_image(g, s->type, read);
        lose(g, needs(read), &w->origin,
             lens_fmt(&g->b, "%.*s to name fields that both versions have%.*s",
                      SPAN_FMT(w->place[read].text), SPAN_FMT(without)));
    }
}

/* ---- boxes and cases ---- */

static void
lose_rest(struct gathering *g, const struct lens_way *w, enum lens_side side)
{
    if (!lens_way_boxes(w, side) || w->rest.kind == LENS_REST_STASH)
        return;
    const struct lens_place *p = &w->place[side];
    struct lens_place box;
    size_t element = lens_way_element(p);
    if (!lens_place_make(&g->b, p->steps, element ? element : p->n - 1, &box))
        return;
    span what =
        lens_fmt(&g->b, "%.*s but %.*s", SPAN_FMT(box.text), SPAN_FMT(p->text));
    if (w->rest.kind == LENS_REST_KEEP)
        lose(g, LENS_WRITE_FAILS, &w->origin,
             lens_fmt(&g->b, "a whole document, for %.*s", SPAN_FMT(what)));
    else
        lose(g,
             w->rest.kind == LENS_REST_REFUSE ? fails(side) : LENS_WRITE_LOSES,
             &w->origin, what);
}

static span
show_shape(struct gathering *g, const struct lens_shape *s)
{
    if (s->constant)
        return lens_literal_show(&g->b, s->constant);
    if (s->n_tags == 0)
        return SPAN("one case");
    return lens_fmt(&g->b, "%.*s=%.*s", SPAN_FMT(s->tags[0].place.text),
                    SPAN_FMT(lens_literal_show(&g->b, s->tags[0].value)));
}

/* A case that only `side` has. */
static void
lose_case(struct gathering *g, const struct lens_origin *origin,
          enum lens_side side, enum lens_hide hide, span what)
{
    if (hide == LENS_HIDE_FAIL)
        lose(g, fails(side), origin, what);
    else
        lose(g, side == LENS_NEWER ? LENS_READ_HIDES : LENS_WRITE_LOSES, origin,
             what);
}

static void
lose_stages(struct gathering *g, const struct lens_way *w)
{
    for (size_t i = 0; i < w->stages.n; i++) {
        const struct lens_stage *s = &w->stages.at[i];
        if (s->kind == LENS_STAGE_ENUM)
            lose_symbols(g, w, s);
        else if (s->kind == LENS_STAGE_FORM)
            lose_form(g, w, s);
        else if (s->kind == LENS_STAGE_INDEX)
            lose_index(g, w, s);
        else if (s->kind == LENS_STAGE_LOOKUP)
            lose_lookup(g, w, s->lookup);
        else if (s->kind == LENS_STAGE_PATHS)
            lose_paths(g, w, s);
        else if (s->kind == LENS_STAGE_FLAT)
            lose(g, LENS_WRITE_LOSES, &w->origin,
                 lens_fmt(&g->b, "where one list of %.*s ends",
                          SPAN_FMT(w->place[s->nested].text)));
        else if (s->kind == LENS_STAGE_ORDER)
            lose(g, LENS_WRITE_LOSES, &w->origin,
                 lens_fmt(&g->b, "the order of %.*s",
                          SPAN_FMT(w->place[lens_other(s->sorted)].text)));
        else
            lose_list(g, w, s);
    }
}

static void
lose_way(struct gathering *g, const struct lens_way *w)
{
    for (size_t side = 0; side < 2; side++) {
        if (!w->has[side]) {
            enum lens_side only = lens_other((enum lens_side)side);
            span what =
                lens_fmt(&g->b, "%.*s: %.*s", SPAN_FMT(w->place[only].text),
                         SPAN_FMT(show_shape(g, &w->shape[only])));
            lose_case(g, &w->origin, only, w->hide, what);
            return;
        }
        lose_rest(g, w, (enum lens_side)side);
        if (w->open)
            lose(g, needs((enum lens_side)side), &w->origin,
                 lens_fmt(&g->b, "members of %.*s without a meaning at %.*s",
                          SPAN_FMT(w->place[side].text),
                          SPAN_FMT(w->place[1 - side].text)));
    }
    lose_stages(g, w);
}

/* ---- several places ---- */

static void
lose_rows(struct gathering *g, const struct lens_arrow *a, enum lens_side read)
{
    size_t from = 0;
    span what = lens_rows_missing(&g->b, a->joint, read, &from);
    for (size_t n = 0; what.len && n < MISSING_ROWS_MAX; n++) {
        lose(g, needs(read), &a->origin,
             lens_fmt(&g->b, "not %.*s", SPAN_FMT(what)));
        what = lens_rows_missing(&g->b, a->joint, read, &from);
    }
    lose(g, needs(read), &a->origin,
         lens_fmt(&g->b, "%.*s%s in a row of its table",
                  SPAN_FMT(a->joint->places[read][0].text),
                  a->joint->n[read] > 1 ? ", ..." : ""));
}

static void
lose_joint(struct gathering *g, const struct lens_arrow *a)
{
    const struct lens_joint *j = a->joint;
    enum lens_side many = lens_other(j->one);
    span one = j->places[j->one][0].text;
    switch (j->kind) {
    case LENS_JOINT_COPY:
        lose(g, j->differ_refuse ? fails(many) : LENS_WRITE_LOSES, &a->origin,
             lens_fmt(&g->b, "%.*s that differs from %.*s",
                      SPAN_FMT(j->places[many][1].text),
                      SPAN_FMT(j->places[many][0].text)));
        lose_stages(g, &a->ways[0]);
        return;
    case LENS_JOINT_CONCAT:
        lose(g, needs(many), &a->origin,
             lens_fmt(&g->b, "elements of %.*s, ... that come back to it",
                      SPAN_FMT(j->places[many][0].text)));
        lose(g, LENS_WRITE_LOSES, &a->origin,
             lens_fmt(&g->b, "the order of %.*s, where its kinds are mixed",
                      SPAN_FMT(one)));
        return;
    case LENS_JOINT_EACH:
        lose(g,
             j->unequal == LENS_UNEQUAL_FAIL   ? fails(many)
             : j->unequal == LENS_UNEQUAL_KEEP ? LENS_READ_HIDES
                                               : LENS_WRITE_LOSES,
             &a->origin,
             lens_fmt(&g->b, "%.*s that are not all equal",
                      SPAN_FMT(j->places[many][0].text)));
        lose(g, j->none_refuse ? fails(j->one) : LENS_WRITE_LOSES, &a->origin,
             lens_fmt(&g->b, "%.*s without an element", SPAN_FMT(one)));
        lose_stages(g, &a->ways[0]);
        return;
    case LENS_JOINT_SPLIT:
        lose(g, needs(j->one), &a->origin,
             lens_fmt(&g->b, "%.*s matches \"%.*s\"", SPAN_FMT(one),
                      SPAN_FMT(j->pattern->text)));
        lose(g, needs(many), &a->origin,
             lens_fmt(&g->b, "parts of %.*s that do not hold what parts them",
                      SPAN_FMT(one)));
        return;
    case LENS_JOINT_TABLE:
        lose_rows(g, a, LENS_OLDER);
        lose_rows(g, a, LENS_NEWER);
        return;
    }
}

static void
lose_map(struct gathering *g, const struct lens_arrow *a)
{
    if (a->joint) {
        lose_joint(g, a);
        return;
    }
    for (size_t i = 0; i < a->n_ways; i++)
        lose_way(g, &a->ways[i]);
    if (!a->has_cases || a->otherwise == LENS_ELSE_PASS)
        return;
    for (size_t side = 0; side < 2; side++) {
        enum lens_side read = (enum lens_side)side;
        span what = lens_fmt(&g->b, "%.*s is one of its cases",
                             SPAN_FMT(a->ways[0].place[read].text));
        lose(g, needs(read), &a->origin, what);
    }
}

/* ---- add and drop ---- */

/* Does an expression of the other side say what stands there? Then the place holds
 * nothing of its own. */
static bool
is_derived(const struct lens_value *v)
{
    return v->kind > LENS_VALUE_LITERAL;
}

static void
lose_add(struct gathering *g, const struct lens_arrow *a)
{
    span place = a->ways[0].place[LENS_NEWER].text;
    if (a->has_stash)
        return;
    if (a->write == LENS_WRITE_REFUSE)
        lose(g, LENS_WRITE_FAILS, &a->origin,
             lens_fmt(&g->b, "a whole document, for %.*s", SPAN_FMT(place)));
    else if (a->write == LENS_WRITE_LOSE)
        lose(g, LENS_WRITE_ERASES, &a->origin, place);
    else if (!is_derived(&a->fill))
        lose(g, LENS_WRITE_WOULD_ERASE, &a->origin, place);
    else
        lose(g, LENS_WRITE_IF, &a->origin,
             lens_fmt(&g->b, "%.*s is what `up:` gives", SPAN_FMT(place)));
}

static void
lose_drop(struct gathering *g, const struct lens_arrow *a)
{
    span place = a->ways[0].place[LENS_OLDER].text;
    if (a->has_stash)
        return;
    if (a->write == LENS_WRITE_REFUSE)
        lose(g, LENS_WRITE_FAILS, &a->origin, place);
    else if (a->write == LENS_WRITE_SAME)
        lose(g, LENS_WRITE_FAILS, &a->origin,
             lens_fmt(&g->b, "a changed %.*s", SPAN_FMT(place)));
    else if (!is_derived(&a->fill))
        lose(g, LENS_WRITE_IGNORED, &a->origin, place);
    else
        lose(g, LENS_WRITE_IF, &a->origin,
             lens_fmt(&g->b, "%.*s is what `down:` gives", SPAN_FMT(place)));
}

/* ---- blocks ---- */

/* Cases nest as deep as the file does. */
/* NOLINTBEGIN(misc-no-recursion) */
static void
lose_block(struct gathering *g, const struct lens_block *block)
{
    for (size_t i = 0; i < block->n_arrows; i++) {
        const struct lens_arrow *a = &block->arrows[i];
        if (a->kind == LENS_MAP)
            lose_map(g, a);
        else if (a->kind == LENS_ADD)
            lose_add(g, a);
        else
            lose_drop(g, a);
    }
    for (size_t i = 0; i < block->n_choices; i++) {
        const struct lens_choice *choice = &block->choices[i];
        for (size_t k = 0; k < choice->n_cases; k++) {
            const struct lens_case *c = &choice->cases[k];
            enum lens_side only = c->has[LENS_OLDER] ? LENS_OLDER : LENS_NEWER;
            if (!c->has[0] || !c->has[1])
                lose_case(g, &c->origin, only, c->hide,
                          show_shape(g, &c->shape[only]));
            if (k == 0 || c->block != c[-1].block)
                lose_block(g, c->block);
        }
    }
}
/* NOLINTEND(misc-no-recursion) */

enum err_code
lens_losses_of(struct arena *a, const struct lens_api *api, size_t table,
               size_t type, const struct lens_loss **out, size_t *n)
{
    const struct lens_table *t = &api->tables[table];
    struct gathering g = {.b = {.arena = a}, .table = t};
    if (type == api->n_types)
        for (size_t i = 0; i < t->n_http; i++)
            lose_block(&g, t->http[i].block);
    else if (t->blocks[type])
        lose_block(&g, t->blocks[type]);
    *out = g.losses.at;
    *n = g.losses.n;
    return g.b.full ? ERR_LIMIT : OK;
}

/* ---- what they leave of a guarantee ---- */

/*
 * Ours to decide: `read` holds unless a word says that reading fails; `write`
 * unless a word says that a write fails, is ignored, or erases. Symbols shown
 * as others and the rest of a box are declared and reported, and break neither.
 */
static bool
breaks(const struct lens_loss *l, bool read)
{
    if (read)
        return l->kind == LENS_READ_FAILS;
    return l->kind == LENS_WRITE_FAILS || l->kind == LENS_WRITE_IGNORED ||
           l->kind == LENS_WRITE_ERASES;
}

enum lens_guarantee
lens_guarantee_of(const struct lens_loss *losses, size_t n)
{
    bool read = true, write = true;
    for (size_t i = 0; i < n; i++) {
        read = read && !breaks(&losses[i], true);
        write = write && !breaks(&losses[i], false);
    }
    if (read && write)
        return LENS_KEEPS_FULL;
    if (read)
        return LENS_KEEPS_READ;
    return write ? LENS_KEEPS_WRITE : LENS_KEEPS_NONE;
}

const struct lens_loss *
lens_guarantee_breaker(const struct lens_loss *losses, size_t n,
                       enum lens_guarantee claimed)
{
    for (size_t i = 0; i < n; i++) {
        bool read = claimed == LENS_KEEPS_FULL || claimed == LENS_KEEPS_READ;
        bool write = claimed == LENS_KEEPS_FULL || claimed == LENS_KEEPS_WRITE;
        if ((read && breaks(&losses[i], true)) ||
            (write && breaks(&losses[i], false)))
            return &losses[i];
    }
    return NULL;
}
