/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: what holds of a type between two versions, in a few lines.
 */
#include "translators/lens/report.h"

#include "translators/lens/build.h"

/* ---- what must wait while a document streams ---- */

struct weighing {
    enum lens_class class;
    struct lens_place held;
};

static void
weigh(struct weighing *w, enum lens_class class, const struct lens_place *held)
{
    if (class <= w->class)
        return;
    w->class = class;
    w->held = *held;
}

static bool
same_object(const struct lens_place *a, const struct lens_place *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i + 1 < a->n; i++)
        if (!lens_step_same(&a->steps[i], &b->steps[i]))
            return false;
    return true;
}

static void
weigh_value(struct weighing *w, const struct lens_value *v,
            const struct lens_place *place)
{
    if (v->kind == LENS_VALUE_COUNT || v->kind == LENS_VALUE_POSITION)
        weigh(w, LENS_HOLDS_LIST, place);
    else if (v->kind > LENS_VALUE_LITERAL)
        weigh(w, LENS_HOLDS_VALUE, place);
}

static bool
finds_elements(const struct lens_place *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->steps[i].kind == LENS_FIND || p->steps[i].kind == LENS_LAST ||
            p->steps[i].kind == LENS_EACH_FIND)
            return true;
    return false;
}

static void
weigh_way(struct weighing *w, const struct lens_arrow *a,
          const struct lens_way *way)
{
    const struct lens_place *place =
        &way->place[way->has[LENS_OLDER] ? LENS_OLDER : LENS_NEWER];
    bool both = way->has[0] && way->has[1];
    if (both && !same_object(&way->place[0], &way->place[1]))
        weigh(w, LENS_HOLDS_VALUE, place);
    if (a->has_cases || a->when[0].said || a->when[1].said || a->has_stash ||
        a->joint)
        weigh(w, LENS_HOLDS_VALUE, place);
    for (size_t i = 0; i < way->stages.n; i++)
        if (way->stages.at[i].kind == LENS_STAGE_INDEX)
            weigh(w, LENS_HOLDS_VALUE, place);
        else if (way->stages.at[i].kind == LENS_STAGE_ORDER ||
                 way->stages.at[i].kind == LENS_STAGE_LOOKUP ||
                 (way->stages.at[i].kind == LENS_STAGE_LIST &&
                  way->stages.at[i].pick == LENS_PICK_LAST))
            weigh(w, LENS_HOLDS_LIST, place);
    for (size_t side = 0; side < 2; side++)
        if (way->has[side] && finds_elements(&way->place[side]))
            weigh(w, LENS_HOLDS_LIST, &way->place[side]);
}

/* Cases nest as deep as the file does. */
/* NOLINTBEGIN(misc-no-recursion) */
static void
weigh_block(struct weighing *w, const struct lens_block *block)
{
    for (size_t i = 0; i < block->n_arrows; i++) {
        const struct lens_arrow *a = &block->arrows[i];
        for (size_t k = 0; k < a->n_ways; k++)
            weigh_way(w, a, &a->ways[k]);
        enum lens_side has = a->kind == LENS_ADD ? LENS_NEWER : LENS_OLDER;
        weigh_value(w, &a->fill, &a->ways[0].place[has]);
        for (size_t side = 0; side < 2; side++)
            weigh_value(w, &a->absent[side], &a->ways[0].place[side]);
    }
    for (size_t i = 0; i < block->n_choices; i++)
        for (size_t k = 0; k < block->choices[i].n_cases; k++) {
            const struct lens_case *c = &block->choices[i].cases[k];
            for (size_t side = 0; side < 2; side++)
                if (c->shape[side].n_tags > 0)
                    weigh(w, LENS_HOLDS_VALUE, &c->shape[side].tags[0].place);
            weigh_block(w, c->block);
        }
}

static size_t
count_block(const struct lens_block *block)
{
    size_t n = block->n_arrows;
    for (size_t i = 0; i < block->n_choices; i++)
        for (size_t k = 0; k < block->choices[i].n_cases; k++) {
            const struct lens_case *c = &block->choices[i].cases[k];
            if (k == 0 || c->block != c[-1].block)
                n += count_block(c->block);
        }
    return n;
}
/* NOLINTEND(misc-no-recursion) */

/* ---- gathering over a chain ---- */

static bool
add_losses(struct lens_builder *b, const struct lens_api *api, size_t table,
           size_t type, struct lens_vec *out)
{
    const struct lens_loss *losses;
    size_t n;
    if (lens_losses_of(b->arena, api, table, type, &losses, &n))
        return false;
    for (size_t i = 0; i < n; i++) {
        struct lens_loss *slot = lens_vec_add(b, out, sizeof(*slot));
        if (!slot)
            return false;
        *slot = losses[i];
    }
    return true;
}

enum err_code
lens_report_of(struct arena *a, const struct lens_api *api, size_t type,
               size_t older, size_t newer, struct lens_report *out)
{
    struct lens_builder b = {.arena = a};
    struct lens_vec losses = {0};
    struct weighing w = {0};
    *out = (struct lens_report){.type = type, .older = older, .newer = newer};
    for (size_t t = older; t < newer; t++) {
        const struct lens_block *block = api->tables[t].blocks[type];
        if (!block)
            continue;
        if (!add_losses(&b, api, t, type, &losses))
            return ERR_LIMIT;
        out->n_arrows += count_block(block);
        weigh_block(&w, block);
    }
    out->losses = losses.at;
    out->n_losses = losses.n;
    out->class = w.class;
    out->held = w.held;
    out->keeps = lens_guarantee_of(out->losses, out->n_losses);
    return lens_reserved_find(&b, api, out, LENS_OLDER) &&
                   lens_reserved_find(&b, api, out, LENS_NEWER)
               ? OK
               : ERR_LIMIT;
}

static bool
block_is_of(const struct lens_block *block, const struct lens_change *c)
{
    for (size_t i = 0; block && i < block->n_arrows; i++)
        if (block->arrows[i].origin.change == c)
            return true;
    for (size_t i = 0; block && i < block->n_choices; i++)
        if (block->choices[i].origin.change == c)
            return true;
    return false;
}

bool
lens_change_is_unused(const struct lens_api *api, const struct lens_change *c)
{
    const struct lens_table *t = &api->tables[c->table];
    bool used = false;
    for (size_t i = 0; i < api->n_types; i++)
        used = used || block_is_of(t->blocks[i], c);
    for (size_t i = 0; i < t->n_http; i++)
        used = used || t->http[i].origin.change == c;
    for (size_t i = 0; i < t->n_declared; i++)
        used = used || t->declared[i].origin.change == c;
    for (size_t i = 0; i < t->n_events; i++)
        used = used || t->events[i].origin.change == c;
    return !used;
}

enum err_code
lens_keeps_of(struct arena *a, const struct lens_api *api,
              const struct lens_change *c, enum lens_guarantee *out)
{
    struct lens_builder b = {.arena = a};
    struct lens_vec losses = {0};
    if (!lens_losses_of_change(&b, api, c, &losses))
        return ERR_LIMIT;
    *out = lens_guarantee_of(losses.at, losses.n);
    return OK;
}

/* ---- printing ---- */

#define SHOWN_MAX 12 /* losses of one kind on a line */

static size_t
count_kind(const struct lens_report *r, enum lens_loss_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_losses; i++)
        n += r->losses[i].kind == kind;
    return n;
}

/* Is it said already, by an arrow before? */
static bool
is_said(const struct lens_report *r, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (r->losses[k].kind == r->losses[i].kind &&
            span_eq(r->losses[k].what, r->losses[i].what))
            return true;
    return false;
}

static void
print_kind(const struct lens_report *r, enum lens_loss_kind kind,
           const char *words, struct buf *to)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_losses; i++) {
        const struct lens_loss *l = &r->losses[i];
        if (l->kind != kind || is_said(r, i) || n++ >= SHOWN_MAX)
            continue;
        buf_str(to, n == 1 ? words : ", ");
        buf_add(to, l->what);
    }
    if (n > SHOWN_MAX)
        buf_fmt(to, ", and %zu more", n - SHOWN_MAX);
}

/*
 * "total, exact", "not total: fails on ...; loses ...". What nothing proves is an
 * "if", never a yes.
 */
static void
print_way(const struct lens_report *r, enum lens_loss_kind fails,
          enum lens_loss_kind needs, bool is_exact, struct buf *to)
{
    if (!count_kind(r, fails))
        buf_str(to, "total");
    print_kind(r, fails, "not total, fails on ", to);
    if (is_exact)
        buf_str(to, ", exact");
    print_kind(r, needs, ", if ", to);
}

static void
print_label(const struct lens_api *api, size_t version, struct buf *to)
{
    buf_add(to, api->versions[version].label);
}

/* What a PUT by an older client takes from a newer document. */
static void
print_erased(const struct lens_api *api, const struct lens_report *r,
             enum lens_loss_kind kind, const char *verb, const char *word,
             struct buf *to)
{
    size_t n = count_kind(r, kind);
    if (n == 0)
        return;
    buf_str(to, "  ");
    print_label(api, r->older, to);
    buf_fmt(to, " PUT  %s %zu field%s of a ", verb, n, n == 1 ? "" : "s");
    print_label(api, r->newer, to);
    buf_str(to, " document");
    print_kind(r, kind, ": ", to);
    buf_str(to, word);
    buf_byte(to, '\n');
}

/* What a client of one side may not have. */
static void
print_reserved(const struct lens_api *api, const struct lens_report *r,
               enum lens_side read, struct buf *to)
{
    size_t n = r->n_reserved[read];
    if (n == 0)
        return;
    buf_str(to, "  reserved in ");
    print_label(api, read == LENS_OLDER ? r->older : r->newer, to);
    for (size_t i = 0; i < n && i < SHOWN_MAX; i++)
        buf_fmt(to, "%s%.*s", i ? ", " : ": ",
                SPAN_FMT(r->reserved[read][i].text));
    if (n > SHOWN_MAX)
        buf_fmt(to, ", and %zu more", n - SHOWN_MAX);
    buf_byte(to, '\n');
}

static void
print_held(const struct lens_report *r, struct buf *to)
{
    if (r->cost.len) {
        buf_add(to, r->cost);
        return;
    }
    buf_str(to, "one pass, ");
    if (r->class == LENS_STREAMS) {
        buf_str(to, "nothing need be held");
        return;
    }
    buf_fmt(to, "may hold a %s, for `%.*s`",
            r->class == LENS_HOLDS_LIST ? "list" : "value",
            SPAN_FMT(r->held.text));
}

static void
print_cost(const struct lens_report *r, struct buf *to)
{
    buf_fmt(to, "  %zu arrow%s, ", r->n_arrows, r->n_arrows == 1 ? "" : "s");
    print_held(r, to);
    if (r->packed.len)
        buf_fmt(to, "; MessagePack: %.*s", SPAN_FMT(r->packed));
    buf_fmt(to, "; guarantee: %s\n", lens_guarantee_word(r->keeps));
}

void
lens_report_print(const struct lens_api *api, const struct lens_report *r,
                  struct buf *to)
{
    buf_add(to, api->types[r->type].name);
    buf_str(to, "  ");
    print_label(api, r->older, to);
    buf_str(to, " -> ");
    print_label(api, r->newer, to);

    buf_str(to, "\n  read:  ");
    print_way(r, LENS_READ_FAILS, LENS_READ_IF, !count_kind(r, LENS_READ_HIDES),
              to);
    print_kind(r, LENS_READ_HIDES, "; leaves out ", to);

    buf_str(to, "\n  write: ");
    print_way(r, LENS_WRITE_FAILS, LENS_WRITE_IF,
              !count_kind(r, LENS_WRITE_LOSES) &&
                  !count_kind(r, LENS_WRITE_WOULD_ERASE) &&
                  !count_kind(r, LENS_WRITE_IGNORED),
              to);
    print_kind(r, LENS_WRITE_LOSES, "; loses ", to);
    print_kind(r, LENS_WRITE_IGNORED, "; ignores ", to);
    buf_byte(to, '\n');
    print_erased(api, r, LENS_WRITE_ERASES, "erases", " (said: `write: lose`)",
                 to);
    print_erased(api, r, LENS_WRITE_WOULD_ERASE, "would erase",
                 "; say `write: refuse` or `write: lose`", to);
    print_reserved(api, r, LENS_OLDER, to);
    print_reserved(api, r, LENS_NEWER, to);
    print_cost(r, to);
}

static enum err_code
print_pair(struct arena *a, const struct lens_api *api, size_t type,
           size_t older, size_t newer, lens_weigh_fn better, void *arg,
           struct buf *to)
{
    struct lens_report r;
    enum err_code code = lens_report_of(a, api, type, older, newer, &r);
    if (code == OK && r.n_arrows > 0 && better)
        better(arg, &r);
    if (code == OK && r.n_arrows > 0)
        lens_report_print(api, &r, to);
    return code;
}

/* What is declared stands at the end: it holds whatever the arrows say. */
static void
print_declared(const struct lens_api *api, size_t table, struct buf *to)
{
    const struct lens_table *t = &api->tables[table];
    for (size_t i = 0; i < t->n_declared; i++) {
        const struct lens_declared *d = &t->declared[i];
        buf_fmt(to, "%s  %.*s  %.*s -> %.*s\n  %.*s\n  %s: %.*s (%.*s:%u)\n",
                lens_declared_word(d->kind), SPAN_FMT(d->at),
                SPAN_FMT(api->versions[table].label),
                SPAN_FMT(api->versions[table + 1].label), SPAN_FMT(d->note),
                d->fails ? "such a message is refused; acknowledged"
                         : "acknowledged",
                SPAN_FMT(d->ack), SPAN_FMT(d->origin.change->file),
                d->origin.line);
    }
}

/* A claim that says less than what holds; one that says more does not load. */
static enum err_code
print_claim(struct arena *a, const struct lens_api *api,
            const struct lens_change *c, struct buf *to)
{
    enum lens_guarantee keeps;
    if (lens_change_is_unused(api, c))
        buf_fmt(to, "%.*s changes nothing (%.*s)\n", SPAN_FMT(c->name),
                SPAN_FMT(c->file));
    if (lens_keeps_of(a, api, c, &keeps))
        return ERR_LIMIT;
    if (keeps != c->guarantee)
        buf_fmt(to, "%.*s claims `guarantee: %s`, and %s holds (%.*s:%u)\n",
                SPAN_FMT(c->name), lens_guarantee_word(c->guarantee),
                lens_guarantee_word(keeps), SPAN_FMT(c->file), c->line);
    return OK;
}

enum err_code
lens_report_all(struct arena *a, const struct lens_api *api,
                lens_weigh_fn better, void *arg, struct buf *to)
{
    size_t newest = api->n_versions - 1;
    buf_str(to, "total: but for requests with a member of their own where an "
                "arrow leads, which are refused\n");
    for (size_t type = 0; type < api->n_types; type++)
        for (size_t v = 0; v < newest; v++) {
            if (print_pair(a, api, type, v, v + 1, better, arg, to))
                return ERR_LIMIT;
            if (v + 1 < newest &&
                print_pair(a, api, type, v, newest, better, arg, to))
                return ERR_LIMIT;
        }
    for (size_t v = 0; v < newest; v++)
        print_declared(api, v, to);
    for (size_t i = 0; i < api->n_changes; i++)
        if (print_claim(a, api, &api->changes[i], to))
            return ERR_LIMIT;
    return OK;
}
