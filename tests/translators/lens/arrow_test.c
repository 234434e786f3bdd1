/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/lens/help.h"

#define MAP(text) "Order:\n  map:\n" text

TEST(a_rename_is_an_arrow_with_one_way)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_arrow *r =
        arrow_of(load_shop(a, MAP("    ship_name: shipping/name\n")));

    assert_int_equal(r->kind, LENS_MAP);
    assert_int_equal(r->n_ways, 1);
    assert_false(r->has_cases);
    assert_true(r->ways[0].has[LENS_OLDER] && r->ways[0].has[LENS_NEWER]);
    assert_span(r->ways[0].place[LENS_OLDER].text, "ship_name");
    assert_int_equal(r->ways[0].place[LENS_NEWER].n, 2);
    assert_span(r->ways[0].place[LENS_NEWER].steps[1].key, "name");
    assert_int_equal(r->ways[0].stages.n, 0);
    assert_span(r->origin.change->name, "c");
    assert_int_equal(r->origin.line, 7);
    assert_int_equal(r->origin.column, 5);
    arena_free(&a);
}

TEST(without_to_an_arrow_leads_to_the_same_place)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_arrow *r =
        arrow_of(load_shop(a, MAP("    capture: {absent: {older: true}}\n")));

    assert_true(lens_place_same(&r->ways[0].place[0], &r->ways[0].place[1]));
    assert_int_equal(r->absent[LENS_OLDER].kind, LENS_VALUE_LITERAL);
    assert_span(shown(a, r->absent[LENS_OLDER].literal), "true");
    assert_int_equal(r->absent[LENS_NEWER].kind, LENS_VALUE_UNSAID);
    arena_free(&a);
}

/* Steps of a place as the IR has them, in a line of their own spelling. */
static span
steps(struct arena *a, const char *text)
{
    const struct lens_arrow *r = arrow_of(load_shop(
        a, arena_fmt(a, MAP("    \"%s\": {enum: {a: b}}\n"), text).at));
    const struct lens_place *p = &r->ways[0].place[0];
    span out = SPAN("");
    for (size_t i = 0; i < p->n; i++)
        out = arena_fmt(a, "%.*s%d:%.*s:%zu:%zu ", SPAN_FMT(out),
                        (int)p->steps[i].kind, SPAN_FMT(p->steps[i].key),
                        p->steps[i].index, p->steps[i].n_finds);
    return out;
}

TEST(a_place_is_read_step_by_step)
{
    struct arena *a = arena_new(ROOM);

    assert_span(steps(a, "a/b"), "0:a:0:0 0:b:0:0 ");
    assert_span(steps(a, "a~1b~0c"), "0:a/b~c:0:0 ");
    assert_span(steps(a, "'*'/'[0]'/'.'/''"),
                "0:*:0:0 0:[0]:0:0 0:.:0:0 0::0:0 ");
    assert_span(steps(a, "l/*/x"), "0:l:0:0 1::0:0 0:x:0:0 ");
    assert_span(steps(a, "l/[12]/x"), "0:l:0:0 2::12:0 0:x:0:0 ");
    assert_span(steps(a, "l/[last]/x"), "0:l:0:0 3::0:0 0:x:0:0 ");
    assert_span(steps(a, "l/[only]"), "0:l:0:0 4::0:0 ");
    assert_span(steps(a, "l/[ kind = gift , !a/b, c ]/x"),
                "0:l:0:0 5::0:3 0:x:0:0 ");
    assert_span(steps(a, "l/*[kind=gift]/x"), "0:l:0:0 6::0:1 0:x:0:0 ");
    assert_span(steps(a, "l/['last']"), "0:l:0:0 5::0:1 ");
    arena_free(&a);
}

TEST(a_step_tests_members_with_typed_values)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_arrow *r = arrow_of(
        load_shop(a, MAP("    'l/[kind=gift, n=3, t=\"3\", !a/b, c]/x': y\n")));
    const struct lens_step *s = &r->ways[0].place[0].steps[1];

    assert_int_equal(s->n_finds, 5);
    assert_int_equal(s->finds[0].kind, LENS_EQUALS);
    assert_span(shown(a, s->finds[0].value), "\"gift\"");
    assert_span(shown(a, s->finds[1].value), "3");
    assert_span(shown(a, s->finds[2].value), "\"3\"");
    assert_int_equal(s->finds[3].kind, LENS_LACKS);
    assert_int_equal(s->finds[3].member.n, 2);
    assert_int_equal(s->finds[4].kind, LENS_HAS);
    arena_free(&a);
}

TEST(a_form_has_its_kind_and_parameter)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_arrow *r = arrow_of(
        load_shop(a, MAP("    a: {as: [json_text <> json, 'keys(pascal, 1) <> "
                         "keys(camel, 1)'], outside: absent}\n")));
    const struct lens_way *w = &r->ways[0];

    assert_int_equal(w->stages.n, 2);
    assert_int_equal(w->outside, LENS_OUTSIDE_ABSENT);
    assert_int_equal(w->stages.at[0].form[LENS_OLDER].kind, LENS_AS_JSON_TEXT);
    assert_int_equal(w->stages.at[0].form[LENS_NEWER].kind, LENS_AS_JSON);
    assert_int_equal(w->stages.at[1].form[LENS_OLDER].spelling, LENS_PASCAL);
    assert_int_equal(w->stages.at[1].form[LENS_OLDER].depth, 1);
    assert_int_equal(w->stages.at[1].form[LENS_NEWER].spelling, LENS_CAMEL);
    assert_int_equal(w->stages.at[1].form[LENS_NEWER].depth, 1);
    arena_free(&a);
}

static void
check_pair(const char *as, enum lens_form_kind older, enum lens_form_kind newer)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_arrow *r =
        arrow_of(load_shop(a, arena_fmt(a, MAP("    a: {as: '%s'}\n"), as).at));
    const struct lens_stage *s = &r->ways[0].stages.at[0];

    assert_int_equal(s->form[LENS_OLDER].kind, older);
    assert_int_equal(s->form[LENS_NEWER].kind, newer);
    arena_free(&a);
}

TEST(a_form_of_two_kinds_is_told_by_its_partner)
{
    check_pair("string <> number", LENS_AS_NUMBER_TEXT, LENS_AS_NUMBER);
    check_pair("string <> int", LENS_AS_NUMBER_TEXT, LENS_AS_INT);
    check_pair("bool <> string", LENS_AS_BOOL, LENS_AS_BOOL_TEXT);
    check_pair("int <> bool", LENS_AS_BOOL_INT, LENS_AS_BOOL);
    check_pair("unix_ms <> date", LENS_AS_UNIX_MS, LENS_AS_DATE);
    check_pair("suffix(s) <> iso", LENS_AS_SUFFIX, LENS_AS_ISO);
    check_pair("base64 <> hex", LENS_AS_BASE64, LENS_AS_HEX);
    check_pair("text <> prefix(\"a <> b\")", LENS_AS_TEXT, LENS_AS_PREFIX);
    check_pair("times(0.001) <> number", LENS_AS_TIMES, LENS_AS_NUMBER);
}

/* What an enum makes of a symbol, "hide", "pass", "fail", or its image. */
static span
image(struct arena *a, const struct lens_symbols *s, const char *symbol)
{
    for (size_t i = 0; i < s->n_rows; i++)
        if (span_is(shown(a, s->rows[i].from), symbol)) {
            span to = s->rows[i].to ? shown(a, s->rows[i].to) : SPAN("hide");
            return arena_fmt(a, "%.*s%s", SPAN_FMT(to),
                             s->rows[i].lossy ? "!" : "");
        }
    for (size_t i = 0; i < s->n_foreign; i++)
        if (s->unlisted == LENS_UNLISTED_PASS &&
            span_is(shown(a, s->foreign[i]), symbol))
            return SPAN("fail");
    if (s->unlisted == LENS_UNLISTED_IS)
        return shown(a, s->image);
    return s->unlisted == LENS_UNLISTED_PASS ? SPAN("pass") : SPAN("fail");
}

TEST(an_enum_is_a_table_for_each_direction)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_arrow *r = arrow_of(load_shop(
        a, MAP("    s: {enum: {open: pending, paid: done, settled: done, 1: "
               "true}, newer: {waiting: open, gone: hide}, older: {odd: "
               "pending}}\n")));
    const struct lens_stage *s = &r->ways[0].stages.at[0];
    const struct lens_symbols *up = &s->symbols[LENS_OLDER];
    const struct lens_symbols *down = &s->symbols[LENS_NEWER];

    assert_int_equal(s->kind, LENS_STAGE_ENUM);
    assert_span(image(a, up, "\"open\""), "\"pending\"");
    assert_span(image(a, up, "\"paid\""), "\"done\"");
    assert_span(image(a, up, "\"settled\""), "\"done\"!"); /* comes back paid */
    assert_span(image(a, up, "\"odd\""), "\"pending\"!");
    assert_span(image(a, up, "1"), "true");
    assert_span(image(a, up, "\"1\""), "pass");
    assert_span(image(a, up, "\"else\""), "pass");
    assert_span(image(a, up, "\"pending\""), "fail"); /* the newer side's own */
    assert_span(image(a, down, "\"pending\""), "\"open\"");
    assert_span(image(a, down, "\"done\""), "\"paid\"");
    assert_span(image(a, down, "\"waiting\""), "\"open\"!");
    assert_span(image(a, down, "\"gone\""), "hide!");
    assert_span(image(a, down, "\"open\""), "fail");
    arena_free(&a);
}

TEST(what_an_enum_does_not_list_may_become_a_symbol)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_arrow *r = arrow_of(load_shop(
        a, MAP("    s: {enum: {open: pending, x: other}, other: other}\n")));
    const struct lens_symbols *s = r->ways[0].stages.at[0].symbols;

    assert_span(image(a, &s[LENS_OLDER], "\"new\""), "\"other\"");
    assert_span(image(a, &s[LENS_NEWER], "\"new\""), "pass");
    arena_free(&a);
}

/* Does `first` beside `second`, of a text, load without a word? */
static bool
told_apart(const char *first, const char *second)
{
    struct arena *a = arena_new(ROOM);
    span change =
        arena_fmt(a,
                  "%sOrder:\n"
                  "  map:\n"
                  "    a:\n"
                  "      cases:\n"
                  "        - {older: {t: %s, v: .}, newer: {k: x, v: .}}\n"
                  "        - {older: {t: %s, v: .}, newer: {k: y, v: .}}\n",
                  change_head, first, second);
    struct lens_text file = {SPAN("changes/c.yaml"), change};
    struct lens_text api = {SPAN("api.yaml"), span_str(shop_api)};
    const struct lens_api *out = NULL;
    struct problems p;
    problems_init(&p, a);
    bool apart = lens_load_text(a, api, &file, 1, &p, &out) == OK;
    assert_true(apart || (p.n == 1 && says(p.at[0].text, "may both fit")));
    arena_free(&a);
    return apart;
}

TEST(cases_are_told_apart_by_how_a_text_starts_and_by_its_lines)
{
    assert_true(told_apart("{starts: \"# \"}", "{starts: \"## \"}"));
    assert_true(told_apart("{lines: 1}", "{lines: 2}"));
    assert_false(told_apart("{starts: \"#\"}", "{starts: \"## \"}"));
    assert_false(told_apart("{starts: \"# \"}", "{lines: 1}"));
    assert_false(told_apart("{lines: 2}", "{lines: 2}"));
}

TEST(a_quoted_hide_is_a_symbol)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_arrow *r =
        arrow_of(load_shop(a, MAP("    s: {enum: {shown: \"hide\"}}\n")));
    const struct lens_symbols *s = r->ways[0].stages.at[0].symbols;

    assert_span(image(a, &s[LENS_OLDER], "\"shown\""), "\"hide\"");
    arena_free(&a);
}

TEST(cases_at_a_place_are_ways)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_arrow *r = arrow_of(load_shop(
        a, MAP("    source:\n"
               "      cases:\n"
               "        - {older: string, newer: {type: token, id: .}}\n"
               "        - {older: object, newer: {type: card, card: .}}\n"
               "        - {older: null, newer: {type: none}}\n"
               "        - {newer: {type: wallet}, hide: drop}\n"
               "      else: hide\n")));

    assert_true(r->has_cases);
    assert_int_equal(r->otherwise, LENS_ELSE_HIDE);
    assert_int_equal(r->n_ways, 4);
    const struct lens_way *w = &r->ways[0];
    assert_int_equal(w->shape[LENS_OLDER].types, LENS_STRING);
    assert_int_equal(w->shape[LENS_NEWER].types, LENS_OBJECT);
    assert_int_equal(w->shape[LENS_NEWER].n_tags, 1);
    assert_span(shown(a, w->shape[LENS_NEWER].tags[0].value), "\"token\"");
    assert_true(w->shape[LENS_NEWER].has_inside);
    assert_span(w->shape[LENS_NEWER].inside.text, "id");
    assert_span(shown(a, r->ways[2].shape[LENS_OLDER].constant), "null");
    assert_false(r->ways[3].has[LENS_OLDER]);
    assert_true(r->ways[3].has[LENS_NEWER]);
    assert_int_equal(r->ways[3].hide, LENS_HIDE_DROP);
    arena_free(&a);
}

TEST(a_quoted_type_word_is_a_constant)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_arrow *r = arrow_of(load_shop(
        a, MAP("    a: {cases: [{older: \"string\", newer: {is: list}}]}\n")));
    const struct lens_way *w = &r->ways[0];

    assert_span(shown(a, w->shape[LENS_OLDER].constant), "\"string\"");
    assert_span(shown(a, w->shape[LENS_NEWER].constant), "\"list\"");
    arena_free(&a);
}

TEST(lists_of_constants_pair_by_position)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_arrow *r = arrow_of(load_shop(
        a, MAP("    a: {cases: [{older: [x, y], newer: [p, q]}, {older: "
               "number, newer: number}]}\n")));

    assert_int_equal(r->n_ways, 3);
    assert_span(shown(a, r->ways[1].shape[LENS_OLDER].constant), "\"y\"");
    assert_span(shown(a, r->ways[1].shape[LENS_NEWER].constant), "\"q\"");
    arena_free(&a);
}

TEST(a_case_at_a_type_has_a_block_of_its_own)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_api *api = load_shop(
        a, "Line:\n"
           "  map: {a: b}\n"
           "  cases:\n"
           "    - {both: {kind: [gift, toy]}, map: {code: gift/code}}\n"
           "    - older: {kind: note, level: 1}\n"
           "      newer: {kind: text, body: {starts: \"# \", lines: 1}}\n");
    const struct lens_block *block = block_of(api, "Line");
    const struct lens_choice *choice = &block->choices[0];

    assert_int_equal(block->n_choices, 1);
    assert_int_equal(choice->n_cases, 3);
    assert_ptr_equal(choice->cases[0].block, choice->cases[1].block);
    assert_span(shown(a, choice->cases[1].shape[0].tags[0].value), "\"toy\"");
    assert_int_equal(choice->cases[0].block->n_arrows, 1);
    assert_int_equal(choice->cases[2].shape[LENS_OLDER].n_tags, 2);
    assert_int_equal(choice->cases[2].shape[LENS_NEWER].n_conditions, 1);
    assert_int_equal(choice->cases[2].shape[LENS_NEWER].conditions[0].n_tests,
                     2);

    /* `gift` is made while the case holds, and not without it. */
    const struct lens_place *gift = &choice->cases[0].block->prefixes[1][0];
    const struct lens_block *both[] = {block, choice->cases[0].block};
    assert_span(gift->text, "gift");
    assert_true(lens_is_made(both, 2, LENS_NEWER, gift));
    assert_false(lens_is_made(both, 1, LENS_NEWER, gift));
    arena_free(&a);
}

TEST(a_guard_may_tell_the_sides_apart)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_api *api = load_shop(
        a, MAP("    a: {to: b, when: {kind: gift}, for: {platform: ios}}\n"
               "    c: {to: d, when: {older: {k: {not: {in: [1, 2]}}}, newer: "
               "{j: absent}}}\n"));
    const struct lens_block *block = block_of(api, "Order");
    const struct lens_arrow *both = &block->arrows[0];
    const struct lens_arrow *own = &block->arrows[1];

    assert_true(both->when[0].said && both->when[1].said);
    assert_span(both->when[1].conditions[0].place.text, "kind");
    assert_int_equal(both->n_facts, 1);
    assert_span(both->facts[0].value, "ios");
    const struct lens_test *not_in = own->when[0].conditions[0].tests;
    assert_int_equal(not_in->kind, LENS_TEST_NOT);
    assert_int_equal(not_in->inner[0].kind, LENS_TEST_IN);
    assert_int_equal(not_in->inner[0].n_values, 2);
    assert_int_equal(own->when[1].conditions[0].tests[0].types, LENS_ABSENT);
    arena_free(&a);
}

TEST(guards_that_part_may_share_a_place)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_api *api =
        load_shop(a, MAP("    a: {to: c, when: {kind: gift}}\n"
                         "    b: {to: c, when: {kind: toy}}\n"));

    assert_int_equal(block_of(api, "Order")->n_arrows, 2);
    arena_free(&a);
}

static const struct lens_value *
fill(struct arena *a, const char *value)
{
    const struct lens_arrow *r = arrow_of(load_shop(
        a,
        arena_fmt(a, "Order:\n  add: {x: {up: %s, write: lose}}\n", value).at));
    assert_int_equal(r->kind, LENS_ADD);
    assert_int_equal(r->write, LENS_WRITE_LOSE);
    assert_false(r->ways[0].has[LENS_OLDER]);
    return &r->fill;
}

TEST(every_kind_of_value_is_read)
{
    struct arena *a = arena_new(ROOM);

    assert_span(shown(a, fill(a, "api")->literal), "\"api\"");
    assert_span(shown(a, fill(a, "{value: {a: [1, x]}}")->literal),
                "{\"a\":[1,\"x\"]}");
    assert_int_equal(fill(a, "absent")->kind, LENS_VALUE_ABSENT);
    assert_int_equal(fill(a, "\"absent\"")->kind, LENS_VALUE_LITERAL);

    const struct lens_value *from =
        fill(a, "{from: a/b, enum: {x: true}, other: false, else: null}");
    assert_int_equal(from->kind, LENS_VALUE_FROM);
    assert_span(from->places[0].text, "a/b");
    const struct lens_symbols *up = &from->stages.at[0].symbols[LENS_OLDER];
    assert_span(image(a, up, "\"x\""), "true");
    assert_span(image(a, up, "\"y\""), "false");
    assert_span(shown(a, from->otherwise->literal), "null");

    const struct lens_value *which = fill(a, "{which: {card: c, 1: d}}");
    assert_int_equal(which->n_places, 2);
    assert_span(shown(a, which->tags[1]), "1");
    assert_span(which->places[1].text, "d");
    assert_int_equal(fill(a, "{first: [a, b]}")->n_places, 2);
    assert_int_equal(fill(a, "{count: lines}")->kind, LENS_VALUE_COUNT);

    const struct lens_value *position =
        fill(a, "{position_of: item, in: items, by: id}");
    assert_span(position->in.text, "items");
    assert_span(position->by.text, "id");
    arena_free(&a);
}

TEST(a_text_is_cut_into_parts)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_value *v = fill(a, "{text: \"{{{a/b}-{index:000}}}\"}");

    assert_int_equal(v->n_parts, 5);
    assert_span(v->parts[0].text, "{");
    assert_int_equal(v->parts[1].kind, LENS_PART_PLACE);
    assert_span(v->parts[1].place.text, "a/b");
    assert_span(v->parts[2].text, "-");
    assert_int_equal(v->parts[3].kind, LENS_PART_INDEX);
    assert_int_equal(v->parts[3].digits, 3);
    assert_span(v->parts[4].text, "}");
    arena_free(&a);
}

TEST(a_stash_is_a_place_on_the_side_that_lacks_the_field)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_api *api = load_shop(
        a, "Order:\n"
           "  add: {x: {stash: bag/x, as: json_text <> json, up: null}}\n"
           "  drop: {y: {stash: bag/y, wins: stash}}\n");
    const struct lens_block *block = block_of(api, "Order");

    assert_true(block->arrows[0].has_stash);
    assert_span(block->arrows[0].ways[0].place[LENS_OLDER].text, "bag/x");
    assert_int_equal(block->arrows[0].ways[0].stages.n, 1);
    assert_span(block->arrows[1].ways[0].place[LENS_NEWER].text, "bag/y");
    assert_true(block->arrows[1].stash_wins);
    arena_free(&a);
}

TEST(a_stashed_rest_may_win)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_arrow *box = arrow_of(load_shop(
        a, MAP("    a: {to: a/k, rest: {stash: bag/a, wins: stash}}\n")));

    assert_int_equal(box->ways[0].rest.kind, LENS_REST_STASH);
    assert_span(box->ways[0].rest.stash.text, "bag/a");
    assert_true(box->ways[0].rest.wins);
    arena_free(&a);
}

TEST(one_and_list_may_stand_either_way_round)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_arrow *one = arrow_of(load_shop(
        a, MAP("    a: {to: b, as: one <> list, pick: last, rest: {stash: "
               "more}, empty: absent}\n")));
    const struct lens_stage *s = &one->ways[0].stages.at[0];
    assert_int_equal(s->kind, LENS_STAGE_LIST);
    assert_int_equal(s->one, LENS_OLDER);
    assert_int_equal(s->pick, LENS_PICK_LAST);
    assert_true(s->empty_absent);
    assert_int_equal(one->ways[0].rest.kind, LENS_REST_STASH);
    assert_int_equal(lens_rest_side(&one->ways[0]), LENS_OLDER);

    const struct lens_arrow *list = arrow_of(
        load_shop(a, MAP("    a: {to: b, as: list <> one, pick: only}\n")));
    assert_int_equal(list->ways[0].stages.at[0].one, LENS_NEWER);
    arena_free(&a);
}

TEST(arrows_stand_by_the_names_of_changes_then_as_written)
{
    struct arena *a = arena_new(ROOM);
    struct problems p;
    const struct lens_api *api = NULL;
    struct lens_text files[] = {
        {SPAN("changes/1.yaml"),
         SPAN("change: b\nfrom: v1\nto: v2\nmanifest: {title: t, owner: o, "
              "guarantee: full}\nOrder: {map: {z: zz, y: yy}}\n")},
        {SPAN("changes/2.yaml"),
         SPAN("change: a\nfrom: v1\nto: v2\nmanifest: {title: t, owner: o, "
              "guarantee: full}\n\"Order, Line\": {map: {x: xx}}\n")},
    };

    problems_init(&p, a);
    assert_int_equal(
        lens_load_text(a,
                       (struct lens_text){SPAN("api.yaml"), span_str(shop_api)},
                       files, COUNT(files), &p, &api),
        OK);
    const struct lens_block *block = block_of(api, "Order");
    assert_int_equal(block->n_arrows, 3);
    static const char *const order[] = {"x", "z", "y"};
    for (size_t i = 0; i < 3; i++) {
        assert_span(block->arrows[i].ways[0].place[0].text, order[i]);
        assert_true(i == 0 || block->arrows[i].origin.order >
                                  block->arrows[i - 1].origin.order);
    }
    assert_span(block->arrows[0].origin.change->file, "changes/2.yaml");
    assert_int_equal(block_of(api, "Line")->n_arrows, 1);
    arena_free(&a);
}
