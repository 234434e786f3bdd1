/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/program.h"

#include "translators/lines.h"

#include <assert.h>

static bool
is_events(span media)
{
    return program_media_kind(media) == MEDIA_RECORDS &&
           program_framing(media) == RECORDS_EVENTS;
}

/* Is the site in this message; of a stream of events, in any that may come? */
static bool
fits(const struct lens_site *site, const struct lens_occasion *o,
     bool is_any_event)
{
    if (is_any_event && o->is_event && site->message.is_event)
        return o->is_answer;
    return lens_message_fits(&site->message, o);
}

bool
translator_is_typed(const struct translator *t, const struct message *m)
{
    struct arena *scratch = arena_new(65536 + m->media.len + 8 * m->path.len);
    span media = {0};
    bool typed = false;
    if (!scratch || !program_media(scratch, m->media, &media)) {
        arena_free(&scratch);
        return true; /* then nobody passes it on unread */
    }
    for (size_t v = 0; v < t->api->n_versions && !typed; v++) {
        struct lens_occasion o = program_occasion(m, media);
        o.is_event = is_events(media);
        if (!lines_newest(scratch, t->api, v, &o))
            typed = true;
        for (size_t i = 0; i < t->api->n_sites[v] && !typed; i++)
            typed = fits(&t->api->sites[v][i], &o, true);
    }
    typed = typed && program_media_kind(media) != MEDIA_OTHER;
    arena_free(&scratch);
    return typed;
}

/* ---- finding a program ------------------------------------------------------------- */

struct finder {
    const struct translator *t;
    struct arena *a;
    struct lens_occasion occasion; /* as the client names it */
    struct lines lines;
    bool is_any_event; /* it is a stream that is asked for, no event of it */
    struct program *p;
    struct reference_sites *sites;
    struct reference_heads *heads;
};

static bool
can_change(const struct finder *f, size_t from, size_t to, size_t type)
{
    const struct lens_api *api = f->t->api;
    size_t table = from < to ? from : to;
    return f->t->changes[from < to ? 0 : 1][table * api->n_types + type];
}

/* A client names its request and what is answered. */
static bool
find_lines(struct finder *f, const struct message *m, size_t from, size_t to)
{
    bool is_request = m->side == MESSAGE_REQUEST;
    return lines_find(f->a, f->t->api, &f->occasion, is_request ? from : to,
                      is_request ? to : from, &f->lines);
}

/* The types in the body at version `at`. */
static bool
find_sites(struct finder *f, size_t at)
{
    const struct lens_api *api = f->t->api;
    const struct lens_site **fit =
        arena_array(f->a, api->n_sites[at], sizeof(struct lens_site *));
    struct lens_occasion o = f->occasion;
    size_t n = 0;
    if (!fit)
        return false;
    o.method = f->lines.newest.method;
    o.path = f->lines.newest.path;
    for (size_t i = 0; i < api->n_sites[at]; i++)
        if (fits(&api->sites[at][i], &o, f->is_any_event))
            fit[n++] = &api->sites[at][i];
    f->sites[at] = (struct reference_sites){fit, n};
    return true;
}

/* Can one of them change on the way to the next version? */
static bool
has_body(const struct finder *f, size_t at, size_t next)
{
    const struct reference_sites *s = &f->sites[at];
    for (size_t i = 0; at != next && i < s->n; i++)
        if (can_change(f, at, next, s->at[i]->type))
            return true;
    return false;
}

/* May a record say its own version, or an element of a list in a document? */
static bool
reads_versions(const struct finder *f, size_t at)
{
    const struct lens_api *api = f->t->api;
    const struct reference_sites *s = &f->sites[at];
    for (size_t i = 0; f->t->has_version_at && i < s->n; i++) {
        size_t type = s->at[i]->type;
        bool own = api->types[type].has_version_at;
        if (f->p->is_stream ? own
                            : (own && s->at[i]->place.n > 0) ||
                                  f->t->says_below[at * api->n_types + type])
            return true;
    }
    return false;
}

/* The types in the body at every version on the way, the last one's too if there is
 * no other. */
static bool
find_all_sites(struct finder *f, size_t from, size_t to)
{
    size_t at = from;
    do {
        size_t next = from < to ? at + 1 : from > to ? at - 1 : at;
        size_t before = from < to ? at - 1 : at + 1;
        if (at != from && f->t->same_sites[at < before ? at : before])
            f->sites[at] = f->sites[before];
        else if (!find_sites(f, at))
            return false;
        f->p->has_body = f->p->has_body || has_body(f, at, next);
        at = next;
    } while (at != to);
    f->p->chain.reads_versions = reads_versions(f, from);
    f->p->has_body = f->p->has_body || f->p->chain.reads_versions;
    return true;
}

/* Has the block anything to say of a message of this kind? */
static bool
speaks(const struct lens_http *h, enum lens_message_kind kind)
{
    bool is_request = kind == LENS_OF_REQUEST;
    const struct lens_block *part = h->parts[kind];
    return part->n_arrows || part->n_choices || (h->moved && is_request) ||
           (h->n_bodies > 0 && !is_request);
}

/* Blocks are keyed as the older version names a message. */
static bool
find_heads(struct finder *f, size_t table)
{
    const struct lens_table *t = &f->t->api->tables[table];
    assert(f->lines.route); /* lines were found first, or there is no program */
    f->heads[table] = (struct reference_heads){.route = f->lines.route[table]};
    if (t->n_http == 0)
        return true;
    const struct lens_http **fit =
        arena_array(f->a, t->n_http, sizeof(struct lens_http *));
    enum lens_message_kind kind = f->p->chain.kind;
    struct lens_occasion o = f->occasion;
    size_t n = 0;
    if (!fit)
        return false;
    o.method = f->lines.at[table].method;
    o.path = f->lines.at[table].path;
    for (size_t i = 0; i < t->n_http; i++) {
        const struct lens_http *h = &t->http[i];
        bool is_other_route = h->moved && h != f->lines.route[table];
        if (is_other_route || !lens_http_fits(h, &o) || !speaks(h, kind))
            continue;
        fit[n++] = h;
        f->p->is_joint = f->p->is_joint || h->joins[kind];
        f->p->crosses = f->p->crosses || h->crosses[kind];
    }
    f->heads[table] = (struct reference_heads){fit, n, f->lines.route[table]};
    f->p->has_head = f->p->has_head || n > 0;
    return true;
}

/* Is it declared of this message? Of both directions the request tells it. */
static bool
is_declared(const struct lens_declared *d, const struct lens_occasion *o)
{
    return d->is_message &&
           !(o->is_answer && (d->message.ways & LENS_REQUEST)) &&
           lens_message_fits(&d->message, o);
}

/* *unmet: one that the message cannot do without; NULL: none. */
static bool
find_declared(struct finder *f, size_t from, size_t to,
              const struct lens_declared **unmet)
{
    const struct lens_api *api = f->t->api;
    size_t low = from < to ? from : to, high = from < to ? to : from, room = 0;
    *unmet = NULL;
    for (size_t at = low; at < high; at++)
        room += api->tables[at].n_declared;
    if (room == 0)
        return true;
    const struct lens_declared **all =
        arena_array(f->a, room, sizeof(struct lens_declared *));
    f->p->declared = all;
    for (size_t at = low; all && at < high; at++) {
        struct lens_occasion o = f->occasion;
        o.method = f->lines.at[at].method;
        o.path = f->lines.at[at].path;
        for (size_t i = 0; i < api->tables[at].n_declared; i++) {
            const struct lens_declared *d = &api->tables[at].declared[i];
            if (!is_declared(d, &o))
                continue;
            all[f->p->n_declared++] = d;
            *unmet = !*unmet && d->fails ? d : *unmet;
        }
    }
    return all != NULL;
}

static bool
find_all_heads(struct finder *f, size_t from, size_t to)
{
    for (size_t at = from < to ? from : to; at < (from < to ? to : from); at++)
        if (!find_heads(f, at))
            return false;
    return true;
}

static enum lens_message_kind
kind_of(const struct message *m)
{
    if (m->side == MESSAGE_REQUEST)
        return LENS_OF_REQUEST;
    return m->status / 100 == 2 ? LENS_OF_ANSWER : LENS_OF_FAILURE;
}

static struct program *
new_program(struct finder *f, const struct message *m, size_t from, size_t to)
{
    const struct lens_api *api = f->t->api;
    struct program *p = f->p = arena_alloc(f->a, sizeof(*p));
    f->sites = arena_array(f->a, api->n_versions, sizeof(*f->sites));
    f->heads = arena_array(f->a, api->n_versions, sizeof(*f->heads));
    if (!p || !f->sites || !f->heads)
        return NULL;
    *p = (struct program){
        .translator = f->t,
        .chain = {.api = api,
                  .from = from,
                  .to = to,
                  .sites = f->sites,
                  .kind = kind_of(m),
                  .heads = f->heads},
        .facts = {.is_request = m->side == MESSAGE_REQUEST,
                  .replaces = m->side == MESSAGE_REQUEST &&
                              (span_is(m->method, "PUT") ||
                               (span_is(m->method, "PATCH") && m->whole)),
                  .may_erase = m->write == MESSAGE_WRITE_LOSE,
                  .never_erase = m->write == MESSAGE_WRITE_REFUSE,
                  .method = m->method,
                  .platform = m->platform},
        .id = translator_identity(f->t, from, to),
    };
    return p;
}

/* Its plan, if one type at one place is all there is in the body all the way. */
static const struct plan_entry *
planned(const struct program *p)
{
    const struct reference_chain *c = &p->chain;
    const struct plan *plan =
        p->translator->plans[c->from * c->api->n_versions + c->to];
    const struct lens_site *first =
        c->sites[c->from].n ? c->sites[c->from].at[0] : NULL;
    if (!plan || !first)
        return NULL;
    for (size_t at = c->from; at != c->to; c->from < c->to ? at++ : at--) {
        const struct lens_site *s =
            c->sites[at].n == 1 ? c->sites[at].at[0] : NULL;
        if (s == first && at != c->from)
            continue;
        if (!s || s->when.said || s->type != first->type ||
            !lens_place_same(&s->place, &first->place))
            return NULL;
    }
    const struct plan_entry *entry =
        plan_find(plan, &first->place, first->type, p->facts.is_request);
    bool asks = p->facts.replaces && !p->facts.may_erase;
    if (entry && asks && (p->facts.never_erase || plan_entry_guards(entry)))
        return NULL; /* what a PUT would erase is the reference's to say */
    return entry;
}

/* What its records will be looked for by. */
static void
make_stream(struct finder *f, const struct message *m, span media)
{
    f->p->is_stream = true;
    f->p->framing = m->is_messages ? RECORDS_MESSAGES : program_framing(media);
    f->p->message = *m;
    f->p->message.media = media;
    f->occasion.is_event = f->p->framing == RECORDS_EVENTS;
    f->is_any_event = true;
}

/* Does a name of an event change on the way? Then each is looked at. */
static bool
renames_events(const struct finder *f, size_t from, size_t to)
{
    size_t low = from < to ? from : to, high = from < to ? to : from;
    for (size_t at = low; at < high; at++)
        if (f->t->api->tables[at].n_events && f->occasion.is_answer)
            return true;
    return false;
}

static enum program_need
full(struct err *e)
{
    err_set(e, ERR_LIMIT, "no room for a program");
    return PROGRAM_UNSUPPORTED;
}

/* RFC 5789 leaves open what a PATCH with plain JSON means: a merge patch, unless the
 * route says that it is a document. Of MessagePack the same holds. */
static enum patch_kind
patch_kind(const struct message *m, enum media_kind media)
{
    if (media == MEDIA_MERGE_PATCH)
        return PATCH_MERGE;
    if (media == MEDIA_JSON_PATCH)
        return PATCH_JSON;
    bool is_plain = media == MEDIA_JSON || media == MEDIA_MSGPACK;
    return is_plain && m->side == MESSAGE_REQUEST &&
                   span_is(m->method, "PATCH") && !m->whole
               ? PATCH_MERGE
               : PATCH_NONE;
}

/* The body would change: is it in a form that is offered? */
static enum program_need
offered(struct program *p, const struct message *m, span media, struct err *e)
{
    enum media_kind kind = program_media_kind(media);
    switch (kind) {
    case MEDIA_OTHER:
        return PROGRAM_PASS;
    case MEDIA_MERGE_PATCH:
    case MEDIA_JSON_PATCH:
        if (m->side == MESSAGE_REQUEST)
            break;
        err_set(e, ERR_UNSUPPORTED,
                "a patch (%.*s) is translated as a request alone",
                SPAN_FMT(media));
        return PROGRAM_UNSUPPORTED;
    case MEDIA_RECORDS:
    case MEDIA_MSGPACK:
    case MEDIA_JSON:
        break;
    }
    p->patch = (struct patch_options){patch_kind(m, kind), m->strict};
    return PROGRAM_TRANSLATE;
}

/* The other version has no such route. */
static enum program_need
no_route(const struct finder *f, struct err *e)
{
    bool gone = f->lines.state == LENS_ROUTE_GONE;
    err_set(e, ERR_NOT_FOUND,
            gone ? "%.*s %.*s is gone: the API offers it in older versions only"
                 : "this version of the API has no %.*s %.*s",
            SPAN_FMT(f->occasion.method), SPAN_FMT(f->occasion.path));
    return gone ? PROGRAM_GONE : PROGRAM_UNKNOWN;
}

static enum program_need
not_met(const struct lens_declared *d, struct err *e)
{
    err_set(e, ERR_UNSUPPORTED,
            "this message needs %s, which is not done here: %.*s",
            d->kind == LENS_FETCH ? "an extra read" : "code of its own",
            SPAN_FMT(d->note));
    return PROGRAM_UNMET;
}

static enum program_need
not_json(span media, struct err *e)
{
    err_set(e, ERR_UNSUPPORTED,
            "a body that is no JSON (%.*s) cannot be told in another version "
            "here",
            SPAN_FMT(media));
    return PROGRAM_UNSUPPORTED;
}

/* An arrow leads between the body and the rest of the message. */
static enum program_need
no_patch(struct err *e)
{
    err_set(e, ERR_UNSUPPORTED,
            "a patch cannot be told where the body is not all that changes");
    return PROGRAM_UNSUPPORTED;
}

static enum program_need
find_program(const struct translator *t, struct arena *a,
             const struct message *m, span media, size_t from, size_t to,
             struct program **out, struct err *e)
{
    bool is_stream =
        m->is_messages || program_media_kind(media) == MEDIA_RECORDS;
    if (from == to && !is_stream && !t->has_version_at)
        return PROGRAM_PASS;

    struct finder f = {.t = t, .a = a, .occasion = program_occasion(m, media)};
    struct program *p = new_program(&f, m, from, to);
    if (!p || !find_lines(&f, m, from, to))
        return full(e);
    if (f.lines.state != LENS_ROUTE_HERE)
        return no_route(&f, e);
    if (is_stream)
        make_stream(&f, m, media);
    if (!find_all_sites(&f, from, to) || !find_all_heads(&f, from, to))
        return full(e);
    if (is_stream && p->framing == RECORDS_EVENTS)
        p->has_body = p->has_body || renames_events(&f, from, to);
    if (is_stream && p->is_joint && !p->crosses) {
        p->joins_records = p->has_body = true;
        p->is_joint = false;
    }
    const struct lens_declared *unmet;
    if (!find_declared(&f, from, to, &unmet))
        return full(e);
    if (unmet)
        return not_met(unmet, e);
    bool asks = p->has_body || p->is_joint;
    enum program_need need = asks ? offered(p, m, media, e) : PROGRAM_PASS;
    if (p->is_joint && need == PROGRAM_TRANSLATE && p->patch.kind)
        return no_patch(e);
    if (p->is_joint && (need == PROGRAM_PASS || p->is_stream))
        return not_json(media, e);
    p->has_body = need == PROGRAM_TRANSLATE;
    if (need == PROGRAM_UNSUPPORTED ||
        (!p->has_body && !p->has_head && !p->n_declared))
        return need;
    bool may_plan = p->has_body && !p->is_stream && !p->is_joint &&
                    !p->patch.kind && !p->chain.reads_versions;
    p->plan = may_plan ? planned(p) : NULL;
    *out = p;
    return PROGRAM_TRANSLATE;
}

enum program_need
translator_program(const struct translator *t, struct arena *a,
                   const struct message *m, size_t from, size_t to,
                   const struct program **out, struct err *e)
{
    span media = {0};
    struct program_forms forms;
    struct program *p = NULL;
    *out = NULL;
    if (from == to && !t->has_version_at && m->to.len == 0)
        return PROGRAM_PASS;
    if (!program_media(a, m->media, &media) ||
        !program_find_forms(a, m, media, &forms))
        return full(e);
    enum program_need need = PROGRAM_PASS;
    if (from != to || t->has_version_at)
        need = find_program(t, a, m, media, from, to, &p, e);
    if (need == PROGRAM_PASS && forms.to.len) {
        struct finder f = {.t = t, .a = a};
        need = PROGRAM_TRANSLATE;
        if (!(p = new_program(&f, m, from, to)))
            return full(e);
    }
    if (need == PROGRAM_TRANSLATE && !program_take_forms(a, &forms, p))
        return full(e);
    *out = p;
    return need;
}

/* What an event of version `from` is called in `to`; *gone: by nobody, and why. */
static span
event_at(const struct lens_api *api, span name, size_t from, size_t to,
         const struct lens_event **gone)
{
    bool up = from < to;
    for (size_t at = from; at != to; at = up ? at + 1 : at - 1) {
        const struct lens_event *e = lens_event_of(
            &api->tables[up ? at : at - 1], up ? LENS_OLDER : LENS_NEWER, name);
        if (!e)
            continue;
        if (e->gone && gone)
            *gone = e;
        if (e->gone)
            break;
        name = e->name[up ? LENS_NEWER : LENS_OLDER];
    }
    return name;
}

span
program_event(const struct program *stream, span event, size_t from,
              const struct lens_event **gone)
{
    *gone = NULL;
    return event_at(stream->translator->api, event, from, stream->chain.to,
                    gone);
}

enum program_need
program_of_record(const struct program *stream, struct arena *a, span event,
                  size_t from, const struct program **out, struct err *e)
{
    const struct message *m = &stream->message;
    size_t to = stream->chain.to;
    struct finder f = {.t = stream->translator,
                       .a = a,
                       .occasion = program_occasion(m, m->media)};
    *out = NULL;
    if (from == to)
        return PROGRAM_PASS;
    f.occasion.is_event = stream->framing == RECORDS_EVENTS;
    f.occasion.event =
        event_at(f.t->api, event, from, f.t->api->n_versions - 1, NULL);
    struct program *p = new_program(&f, m, from, to);
    if (!p || !find_lines(&f, m, stream->chain.from, to) ||
        !find_all_sites(&f, from, to) ||
        (stream->joins_records && !find_all_heads(&f, from, to)))
        return full(e);
    if (!p->has_body && !p->is_joint)
        return PROGRAM_PASS;
    p->plan = p->chain.reads_versions || p->is_joint ? NULL : planned(p);
    *out = p;
    return PROGRAM_TRANSLATE;
}

enum program_need
translator_program_of_type(const struct translator *t, struct arena *a,
                           span type, const struct message *m, size_t from,
                           size_t to, const struct program **out, struct err *e)
{
    int index = lens_type_of(t->api, type);
    *out = NULL;
    if (index < 0) {
        err_set(e, ERR_NOT_FOUND, "there is no type %.*s", SPAN_FMT(type));
        return PROGRAM_UNSUPPORTED;
    }
    span media = {0};
    struct program_forms forms;
    if (!program_media(a, m->media, &media) ||
        !program_find_forms(a, m, media, &forms))
        return full(e);
    struct finder f = {.t = t, .a = a};
    struct program *p = new_program(&f, m, from, to);
    struct lens_site *site = arena_alloc(a, sizeof(*site));
    const struct lens_site **list =
        arena_array(a, 1, sizeof(struct lens_site *));
    if (!p || !site || !list)
        return full(e);
    site->type = (size_t)index;
    list[0] = site;
    for (size_t at = from; at != to;) {
        size_t next = from < to ? at + 1 : at - 1;
        f.sites[at] = (struct reference_sites){list, 1};
        p->has_body = p->has_body || can_change(&f, at, next, site->type);
        at = next;
    }
    if (!p->has_body && !forms.to.len)
        return PROGRAM_PASS;
    if (p->has_body) {
        p->patch = (struct patch_options){
            patch_kind(m, program_media_kind(media)), m->strict};
        p->plan = p->patch.kind ? NULL : planned(p);
    }
    if (!program_take_forms(a, &forms, p))
        return full(e);
    *out = p;
    return PROGRAM_TRANSLATE;
}

bool
program_is_stream(const struct program *p)
{
    return p->is_stream;
}

bool
program_has_head(const struct program *p)
{
    return p->has_head;
}

bool
program_has_body(const struct program *p)
{
    return p->has_body;
}

bool
program_is_joint(const struct program *p)
{
    return p->is_joint;
}

span
program_new_media(const struct program *p)
{
    return p->new_media;
}

const char *
program_body_word(const struct program *p)
{
    if (p->is_stream)
        return "a stream of records";
    return p->patch.kind == PATCH_MERGE  ? "a merge patch"
           : p->patch.kind == PATCH_JSON ? "a JSON Patch"
                                         : "a document";
}

uint64_t
program_id(const struct program *p)
{
    return p->id;
}
