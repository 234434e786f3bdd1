/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of SEMANTICS.md's table of compositions, in its order.
 */
#include "tests/translators/compose/rows.h"

#define UP(...)    .up = {__VA_ARGS__}
#define DOWN(...)  .down = {__VA_ARGS__}
#define STEPS(...) .changes = {__VA_ARGS__}

ROW(rename_after_rename_is_one_key,
    STEPS("T: {map: {a: b}}", "T: {map: {b: c}}"),
    UP("{\"a\":1}", "{\"x\":0,\"a\":{\"b\":2},\"y\":0}", "{\"b\":1}",
       "{\"c\":1}", "{\"a\":1,\"c\":1}", "{\"a\":1,\"b\":1}", "{}"),
    DOWN("{\"c\":1}", "{\"x\":0,\"c\":1,\"y\":2}", "{\"b\":1}", "{\"a\":7}"))

ROW(rename_there_and_back_leaves_nothing_but_a_reserved_name,
    STEPS("T: {map: {a: b}}", "T: {map: {b: a}}"),
    UP("{\"x\":1,\"a\":1,\"y\":2}", "{\"b\":1}", "{\"a\":1,\"b\":1}"),
    DOWN("{\"x\":1,\"a\":1,\"y\":2}", "{\"b\":1}"))

ROW(a_rename_then_a_move_is_one_move,
    STEPS("T: {map: {a: b}}", "T: {map: {b: x/c}}"),
    UP("{\"a\":1}", "{\"a\":1,\"x\":{\"y\":1}}", "{\"x\":{\"c\":1}}",
       "{\"a\":1,\"x\":5}", "{\"a\":1,\"x\":null}", "{\"b\":1}", "{\"x\":{}}"),
    DOWN("{\"x\":{\"c\":1}}", "{\"x\":{\"c\":1,\"d\":2},\"y\":1}", "{\"x\":{}}",
         "{\"x\":3}", "{\"a\":1,\"x\":{\"c\":1}}"))

ROW(what_is_nested_and_hoisted_back_comes_last,
    STEPS("T: {map: {a: x/b}}", "T: {map: {x/b: a}}"),
    UP("{\"a\":1,\"z\":2}", "{\"x\":{\"b\":1}}", "{\"a\":1,\"x\":{}}",
       "{\"a\":1,\"x\":{\"b\":1}}", "{\"x\":1,\"a\":1}"),
    DOWN("{\"a\":1,\"z\":2}", "{\"x\":{\"q\":1},\"a\":2}", "{\"x\":[]}"))

ROW(a_leaf_out_of_a_host_that_then_moves,
    STEPS("T: {map: {h/a: a}}", "T: {map: {h: k/h}}"),
    UP("{\"h\":{\"a\":1}}", "{\"h\":{\"a\":1,\"b\":2}}", "{\"h\":{}}",
       "{\"h\":5,\"k\":{}}", "{\"a\":1,\"h\":{\"b\":1}}", "{\"k\":{\"h\":1}}"),
    DOWN("{\"k\":{\"h\":{\"b\":2}},\"a\":1}", "{\"a\":1}", "{\"k\":{\"h\":{}}}",
         "{\"h\":{}}"))

ROW(a_host_that_is_emptied_and_then_renamed,
    STEPS("T: {map: {h/a: a, h/b: h/c}}", "T: {map: {h: g}}"),
    UP("{\"h\":{\"a\":1}}", "{\"h\":{\"a\":1,\"b\":2}}",
       "{\"h\":{\"b\":2,\"z\":1,\"a\":1}}"),
    DOWN("{\"g\":{\"c\":2},\"a\":1}", "{\"a\":1}", "{\"g\":{}}"))

ROW(into_a_host_that_then_moves,
    STEPS("T: {map: {a: h/a}}", "T: {map: {h: k/g}}"),
    UP("{\"a\":1,\"h\":{\"z\":0,\"y\":1}}", "{\"a\":1}", "{\"h\":{\"a\":1}}",
       "{\"h\":{}}", "{\"a\":1,\"k\":{\"q\":1}}"),
    DOWN("{\"k\":{\"g\":{\"z\":0,\"a\":1}}}", "{\"k\":{\"g\":{\"a\":1}}}",
         "{\"k\":{\"g\":{}}}", "{\"k\":{}}"))

ROW(two_names_are_swapped_at_once,
    STEPS("T: {map: {a: b, b: a}}", "T: {map: {a: b, b: c}}"),
    UP("{\"a\":1,\"b\":2}", "{\"a\":1}", "{\"b\":2}", "{\"c\":1,\"a\":1}"),
    DOWN("{\"b\":1,\"c\":2}", "{\"c\":2}", "{\"b\":2}", "{\"a\":2}"))

ROW(enum_after_enum_is_one_table,
    STEPS("T: {map: {s: {enum: {p: q, r: q}, newer: {z: p}}}}",
          "T: {map: {s: {to: t, enum: {q: 1}, other: fail}}}"),
    UP("{\"s\":\"p\"}", "{\"s\":\"r\"}", "{\"s\":\"q\"}", "{\"s\":\"z\"}",
       "{\"s\":\"other\"}", "{\"s\":{\"p\":1}}", "{\"s\":null}",
       "{\"s\":\"\\u0070\"}"),
    DOWN("{\"t\":1}", "{\"t\":\"1\"}", "{\"t\":1.0}", "{\"t\":\"x\"}",
         "{\"s\":\"p\"}"))

ROW(many_enums_after_one_another_stay_one_table,
    STEPS("T: {map: {s: {enum: {a: b}, newer: {c: a}}}}",
          "T: {map: {s: {enum: {b: c, x: d}, other: c}}}",
          "T: {map: {s: {enum: {c: a, d: e}}}}",
          "T: {map: {s: {enum: {a: p, e: q}, other: fail}}}"),
    UP("{\"s\":\"a\"}", "{\"s\":\"b\"}", "{\"s\":\"c\"}", "{\"s\":\"d\"}",
       "{\"s\":\"z\"}", "{\"s\":[1]}", "{\"s\":null}"),
    DOWN("{\"s\":\"p\"}", "{\"s\":\"q\"}", "{\"s\":\"a\"}"))

ROW(a_hidden_symbol_is_gone_for_all_that_follow,
    STEPS("T: {map: {s: {enum: {p: q}, older: {gone: hide}}}}",
          "T: {map: {s: t}, add: {n: {up: 1, write: lose}}}"),
    UP("{\"s\":\"gone\",\"t\":1}", "{\"s\":\"gone\"}", "{\"s\":\"p\"}"),
    DOWN("{\"t\":\"q\",\"n\":2}", "{\"t\":\"gone\"}", "{\"t\":\"p\"}"))

ROW(codec_after_codec_is_a_term,
    STEPS("T: {map: {n: {as: minor(2) <> decimal(2)}}}",
          "T: {map: {n: {to: m, as: decimal(2) <> number}}}"),
    UP("{\"n\":1299}", "{\"n\":\"1299\"}", "{\"n\":null}", "{\"n\":12.5}",
       "{\"n\":0}", "{\"n\":{}}", "{\"n\":123456789012345678901234567890}"),
    DOWN("{\"m\":12.99}", "{\"m\":1e1}", "{\"m\":12.999}", "{\"m\":null}"))

ROW(a_cancelled_codec_still_has_its_domain,
    STEPS("T: {map: {n: {as: minor(2) <> decimal(2)}}}",
          "T: {map: {n: {as: decimal(2) <> minor(2)}}}"),
    UP("{\"n\":5}", "{\"n\":\"5\"}", "{\"n\":1.5}", "{\"n\":[]}", "{}"),
    DOWN("{\"n\":5}", "{\"n\":\"5\"}", "{\"n\":1e2}"))

ROW(an_enum_on_what_a_codec_made,
    STEPS("T: {map: {n: {as: int <> string}}}",
          "T: {map: {n: {enum: {\"1\": one}, other: fail}}}"),
    UP("{\"n\":1}", "{\"n\":2}", "{\"n\":\"1\"}", "{\"n\":true}"),
    DOWN("{\"n\":\"one\"}", "{\"n\":\"two\"}", "{\"n\":1}"))

ROW(a_guard_on_what_a_codec_made,
    STEPS(
        "T: {map: {n: {as: int <> string}}}",
        "T: {map: {a: {to: b, when: {older: {n: \"1\"}, newer: {n: \"1\"}}}}}"),
    UP("{\"n\":1,\"a\":1}", "{\"n\":2,\"a\":1}", "{\"a\":1}",
       "{\"n\":1,\"a\":1,\"b\":2}", "{\"n\":2,\"b\":2}"),
    DOWN("{\"n\":\"1\",\"b\":1}", "{\"n\":\"2\",\"b\":1}", "{\"b\":1}"))

ROW(an_enum_travels_with_its_value,
    STEPS("T: {map: {s: {enum: {p: q}}}}", "T: {map: {s: x/y/s}}"),
    UP("{\"s\":\"p\"}", "{\"s\":\"q\"}", "{\"s\":[\"p\"]}",
       "{\"x\":{\"y\":{}},\"s\":1}", "{\"x\":{\"y\":1},\"s\":1}"),
    DOWN("{\"x\":{\"y\":{\"s\":\"q\"}}}", "{\"x\":{\"y\":{\"s\":\"p\"}}}",
         "{\"x\":{\"y\":{}}}", "{\"x\":{\"y\":{\"s\":1,\"t\":1},\"z\":1}}"))

ROW(add_then_drop_is_nothing,
    STEPS("T: {add: {n: {up: 1, write: lose}}}",
          "T: {drop: {n: {down: 1, write: ignore}}}"),
    UP("{\"a\":1}", "{\"n\":1}", "{\"n\":2}"), DOWN("{\"a\":1}", "{\"n\":1}"))

ROW(drop_then_add_is_a_constant_that_comes_last,
    STEPS("T: {drop: {n: {down: 1, write: ignore}}}",
          "T: {add: {n: {up: 2, write: lose}, m: {up: 3, write: lose}}}"),
    UP("{\"n\":1,\"a\":2}", "{\"n\":5,\"a\":2}", "{\"a\":2}", "{\"m\":1}",
       "{\"m\":3}"),
    DOWN("{\"n\":2,\"m\":3}", "{\"n\":1,\"a\":2}", "{\"m\":3,\"a\":1}"))

ROW(what_was_added_is_renamed_mapped_and_moved,
    STEPS("T: {add: {n: {up: p, write: lose}}}",
          "T: {map: {n: {to: m, enum: {p: q}}}}", "T: {map: {m: x/m}}"),
    UP("{}", "{\"n\":1}", "{\"m\":1}", "{\"x\":{}}", "{\"x\":1}",
       "{\"n\":\"p\"}"),
    DOWN("{\"x\":{\"m\":\"q\"}}", "{\"x\":{\"m\":\"z\"}}",
         "{\"x\":{\"m\":\"q\",\"k\":1}}", "{}"))

ROW(an_expression_reads_what_its_change_saw,
    STEPS("T: {add: {n: {up: {from: p}, write: lose}}}",
          "T: {map: {p: {enum: {a: b}}, n: m}}"),
    UP("{\"p\":\"a\"}", "{\"p\":{\"q\":1}}", "{}", "{\"n\":\"a\",\"p\":\"a\"}"),
    DOWN("{\"m\":\"b\",\"p\":\"b\"}", "{\"m\":\"a\",\"p\":\"b\"}",
         "{\"m\":{\"q\":1},\"p\":{\"q\":1}}", "{\"m\":1}", "{\"p\":1}"))

ROW(the_first_fill_wins,
    STEPS("T: {map: {c: {absent: {older: true}}}}",
          "T: {map: {c: {to: d, absent: {older: false}}}}"),
    UP("{}", "{\"c\":false}", "{\"c\":null}", "{\"d\":1}"),
    DOWN("{\"d\":true}", "{}", "{\"d\":false}"))

ROW(omit_after_a_fill_of_the_same_constant,
    STEPS("T: {map: {c: {absent: {older: x}}}}",
          "T: {map: {c: {omit: {newer: x}}}}"),
    UP("{}", "{\"c\":\"x\"}", "{\"c\":\"y\"}"), DOWN("{}", "{\"c\":\"x\"}"))

ROW(a_fill_goes_through_what_follows,
    STEPS("T: {map: {c: {absent: {older: p}}}}",
          "T: {map: {c: {to: x/c, enum: {p: q}}}}"),
    UP("{}", "{\"c\":\"p\"}", "{\"x\":{}}", "{\"x\":3}", "{\"x\":{\"c\":1}}"),
    DOWN("{\"x\":{\"c\":\"q\"}}", "{}", "{\"x\":{\"c\":\"q\",\"d\":1}}"))

ROW(a_fill_in_a_host_that_is_missing_stays_unmade,
    STEPS("T: {add: {x/n: {up: 1, write: lose}}}", "T: {map: {x/n: x/m}}"),
    UP("{}", "{\"x\":{}}", "{\"x\":1}", "{\"x\":{\"n\":1}}", "{\"x\":null}"),
    DOWN("{\"x\":{\"m\":1}}", "{\"x\":{\"m\":2,\"k\":1}}", "{}"))

ROW(a_fill_that_makes_its_host,
    STEPS("T: {add: {x/n: {up: 1, write: lose, host: make}}}",
          "T: {map: {x/n: m, y: x/y}}"),
    UP("{}", "{\"x\":{}}", "{\"x\":1}", "{\"y\":1}",
       "{\"x\":{\"k\":1},\"y\":2}"),
    DOWN("{\"m\":1}", "{\"x\":{\"y\":1},\"m\":2}", "{\"x\":{\"k\":1}}"))

ROW(omit_then_a_fill_of_the_same_field,
    STEPS("T: {map: {c: {omit: {newer: x}}}}",
          "T: {map: {c: {absent: {older: y}}}}"),
    UP("{}", "{\"c\":\"x\"}", "{\"c\":\"y\"}", "{\"c\":\"z\"}"),
    DOWN("{}", "{\"c\":\"x\"}", "{\"c\":\"y\"}"))

ROW(null_absent_and_omit_in_a_chain,
    STEPS("T: {map: {c: {null: {newer: none}}}}",
          "T: {map: {c: {absent: {older: none}, omit: {older: none}}}}",
          "T: {map: {c: {absent: {older: null}, omit: {older: null}}}}"),
    UP("{}", "{\"c\":null}", "{\"c\":\"none\"}", "{\"c\":1}"),
    DOWN("{}", "{\"c\":null}", "{\"c\":\"none\"}", "{\"c\":1}"))

ROW(a_guard_then_a_change_of_what_it_asks,
    STEPS("T: {map: {a: {to: b, when: {older: {k: p}, newer: {k: p}}}}}",
          "T: {map: {k: {to: kind, enum: {p: P, q: Q}}}}"),
    UP("{\"k\":\"p\",\"a\":1}", "{\"k\":\"q\",\"a\":1}", "{\"a\":1}",
       "{\"k\":\"p\",\"b\":1}", "{\"k\":\"q\",\"b\":1,\"a\":2}"),
    DOWN("{\"kind\":\"P\",\"b\":1}", "{\"kind\":\"Q\",\"b\":1}", "{\"b\":1}",
         "{\"kind\":\"p\",\"b\":1}"))

ROW(a_change_and_then_a_guard_on_what_it_made,
    STEPS("T: {map: {k: {to: x/kind, enum: {p: q, r: q}}}}",
          "T: {map: {a: {to: b, when: {older: {x/kind: q}, newer: {x/kind: "
          "q}}}}}"),
    UP("{\"k\":\"p\",\"a\":1}", "{\"k\":\"r\",\"a\":1}",
       "{\"k\":\"z\",\"a\":1}", "{\"a\":1}", "{\"k\":\"p\",\"a\":1,\"b\":1}"),
    DOWN("{\"x\":{\"kind\":\"q\"},\"b\":1}", "{\"b\":1}",
         "{\"x\":{\"kind\":\"z\"},\"b\":1}"))

ROW(a_box_and_then_a_rename_inside,
    STEPS("T: {map: {sku: {to: sku/code, rest: lose}}}",
          "T: {map: {sku/code: sku/id}}"),
    UP("{\"sku\":1}", "{\"sku\":{\"code\":1}}", "{}", "{\"sku\":null}"),
    DOWN("{\"sku\":{\"id\":1}}", "{\"sku\":{\"id\":1,\"x\":2}}",
         "{\"sku\":{\"x\":2}}", "{\"sku\":{}}", "{\"sku\":4}",
         "{\"sku\":{\"code\":1}}"))

ROW(one_to_list_then_back_to_the_first,
    STEPS("T: {map: {v: {to: l, as: one <> list, rest: lose}}}",
          "T: {map: {l: {to: w, as: list <> one, rest: lose}}}"),
    UP("{\"v\":1}", "{\"v\":null}", "{}", "{\"v\":[1]}"),
    DOWN("{\"w\":1}", "{\"w\":null}", "{}"))

ROW(one_to_list_and_a_move,
    STEPS("T: {map: {v: {to: l, as: one <> list, rest: lose}}}",
          "T: {map: {l: x/l}}"),
    UP("{\"v\":1}", "{\"v\":null}", "{}", "{\"v\":{\"a\":1}}"),
    DOWN("{\"x\":{\"l\":[1]}}", "{\"x\":{\"l\":[]}}", "{\"x\":{\"l\":[1,2]}}",
         "{\"x\":{\"l\":[null]}}", "{\"x\":{\"l\":5}}", "{\"x\":{}}"))

ROW(elements_change_twice,
    STEPS("T: {map: {\"l/*/a\": \"l/*/b\"}}",
          "T: {map: {\"l/*/b\": \"l/*/x/b\"}}"),
    UP("{\"l\":[{\"a\":1},{},{\"b\":1},3]}", "{\"l\":[{\"a\":1},{\"z\":1}]}",
       "{\"l\":{\"k\":{\"a\":1}}}", "{\"l\":5}", "{}",
       "{\"l\":[{\"a\":1,\"x\":{}}]}", "{\"l\":[{\"a\":1,\"x\":1}]}"),
    DOWN("{\"l\":[{\"x\":{\"b\":1}},{\"x\":{\"b\":1,\"c\":1}},{\"x\":{}}]}",
         "{\"l\":[]}", "{\"l\":[[{\"x\":{\"b\":1}}]]}"))

ROW(elements_change_and_their_list_moves,
    STEPS("T: {map: {\"l/*/a\": \"m/*/b\", l: m}}", "T: {map: {m: x/m}}"),
    UP("{\"l\":[{\"a\":1},2,{\"c\":1}]}", "{\"m\":[]}", "{\"x\":{}}",
       "{\"l\":[{\"a\":1,\"b\":2}]}"),
    DOWN("{\"x\":{\"m\":[{\"b\":1},{\"a\":1}]}}", "{\"x\":{}}"))

ROW(symbols_in_a_list,
    STEPS("T: {map: {\"l/*\": {enum: {p: q}, older: {h: hide}}}}",
          "T: {map: {\"l/*\": {enum: {q: r}, other: fail}}}"),
    UP("{\"l\":[\"p\",\"h\",\"p\"]}", "{\"l\":[\"z\"]}", "{\"l\":[]}",
       "{\"l\":\"p\"}", "{\"l\":{\"k\":\"p\"}}", "{\"l\":[{\"p\":1}]}"),
    DOWN("{\"l\":[\"r\",\"r\"]}", "{\"l\":[\"p\"]}"))

ROW(json_in_a_text_and_a_move,
    STEPS("T: {map: {t: {as: json_text <> json}}}", "T: {map: {t: x/t}}"),
    UP("{\"t\":\"{\\\"a\\\":1}\"}", "{\"t\":\"{\"}", "{\"t\":5}",
       "{\"t\":\"[ 1]\"}", "{\"t\":null}"),
    DOWN("{\"x\":{\"t\":{\"a\":[1]}}}", "{\"x\":{\"t\":\"s\"}}",
         "{\"x\":{\"t\":null}}"))

ROW(a_look_inside_what_was_a_text,
    STEPS("T: {map: {t: {as: json_text <> json}}}", "T: {map: {t/a: t/b}}"),
    UP("{\"t\":\"{\\\"a\\\":1}\"}", "{\"t\":\"{}\"}"),
    DOWN("{\"t\":{\"b\":1}}"), .again = true)

ROW(keys_in_another_spelling,
    STEPS("T: {map: {m: {as: keys(snake) <> keys(camel)}}}",
          "T: {map: {m: x}}"),
    UP("{\"m\":{\"a_b\":{\"c_d\":1}}}", "{\"m\":{\"aB\":1}}", "{\"m\":3}",
       "{\"m\":{\"a_b\":1,\"a_b\":2}}"),
    DOWN("{\"x\":{\"aB\":{\"cD\":1}}}", "{\"x\":{\"a_b\":1}}"))

ROW(facts_of_the_request_are_asked_once,
    STEPS("T: {map: {a: {to: b, for: {platform: ios}}}}",
          "T: {map: {c: {to: d, for: {platform: android}}}}"),
    UP("{\"a\":1,\"c\":1}", "{\"b\":1}", "{\"d\":1}"),
    DOWN("{\"b\":1,\"d\":1}", "{\"a\":1}"),
    .unlowered = true) /* the machine knows no facts */

ROW(what_collides_is_kept_dropped_or_refused_as_each_change_says,
    STEPS("T: {map: {a: {to: b, collide: keep}}}",
          "T: {map: {b: {to: c, collide: drop}}}",
          "T: {map: {c: {to: d, collide: refuse}}}"),
    UP("{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":1}", "{\"a\":1,\"c\":2}",
       "{\"a\":1,\"d\":1}", "{\"b\":2,\"c\":3}", "{\"d\":3}", "{\"c\":1}"),
    DOWN("{\"d\":1,\"c\":2}", "{\"d\":1,\"b\":2}", "{\"d\":1,\"a\":2}",
         "{\"d\":1,\"a\":1}", "{\"a\":1}"))

ROW(types_below_a_place_that_moves,
    .types = "T: {at: \"* /t\"}\nU: {at: \"x/us/* of T\"}\n",
    STEPS("T: {map: {us: vs}}\nU: {map: {a: b}}",
          "T: {map: {vs: x/us}}\nU: {map: {b: {to: c, enum: {p: q}}}}"),
    UP("{\"us\":[{\"a\":\"p\"},{\"a\":1,\"b\":2},4]}",
       "{\"us\":{\"k\":{\"a\":1}}}", "{\"us\":3}",
       "{\"us\":[{\"a\":\"p\"},{\"a\":\"z\"}]}", "{\"us\":[],\"us\":[]}"),
    DOWN("{\"x\":{\"us\":[{\"c\":\"q\"},{\"c\":\"p\"}]}}",
         "{\"x\":{\"us\":1}}"))

ROW(an_outer_arrow_into_an_inner_type,
    .types = "T: {at: \"* /t\"}\nU: {at: \"u of T\"}\n",
    STEPS("T: {map: {u/a: a}}\nU: {map: {c: d}}",
          "T: {map: {a: u/e}}\nU: {map: {d: f}}"),
    UP("{\"u\":{\"a\":1,\"c\":2}}", "{\"u\":{\"c\":2}}", "{\"u\":{\"a\":1}}",
       "{\"u\":5}", "{\"a\":1}", "{\"u\":{\"d\":1}}",
       "{\"u\":{\"f\":1,\"a\":2}}"),
    DOWN("{\"u\":{\"e\":1,\"f\":2}}", "{\"u\":{\"f\":2}}", "{\"a\":1}"))

ROW(markers_are_read_at_every_version,
    .types = "T: {at: \"* /t\", marker: v}\n",
    STEPS("T: {map: {a: b}}", "T: {map: {b: c}}"),
    UP("{\"v\":\"v1\",\"a\":1}", "{\"v\":\"v2\",\"a\":1}", "{\"a\":1}",
       "{\"v\":1}"),
    DOWN("{\"c\":1,\"v\":\"v3\"}", "{\"v\":\"v1\"}"))

ROW(cases_at_a_place_and_a_rename,
    STEPS("T: {map: {s: {cases: [{older: string, newer: {type: a, id: .}}, "
          "{older: object, newer: {type: b, card: .}}, {newer: {type: w}, "
          "hide: drop}]}}}",
          "T: {map: {s: t}}"),
    UP("{\"s\":\"x\"}", "{\"s\":{\"k\":1}}", "{\"s\":3}", "{\"s\":null}", "{}",
       "{\"s\":{\"type\":\"a\",\"id\":\"x\"},\"z\":1}"),
    DOWN("{\"t\":{\"type\":\"a\",\"id\":\"x\"}}",
         "{\"q\":0,\"t\":{\"id\":\"x\",\"type\":\"a\",\"more\":1},\"z\":1}",
         "{\"t\":{\"type\":\"b\",\"card\":{\"k\":1}}}",
         "{\"t\":{\"type\":\"b\"}}", "{\"t\":{\"type\":\"w\",\"x\":1}}",
         "{\"t\":{\"type\":\"c\"}}", "{\"t\":1}"))

ROW(cases_at_several_places,
    STEPS("T: {map: {p: {cases: [{older: string, to: s/name}, {older: number, "
          "to: s/number}]}}}",
          "T: {map: {s/name: n, s: u}}"),
    UP("{\"p\":\"x\"}", "{\"p\":3}", "{\"p\":null}", "{}",
       "{\"p\":1,\"s\":{\"name\":1}}", "{\"p\":1,\"s\":{\"z\":1}}"),
    DOWN("{\"n\":\"x\"}", "{\"u\":{\"number\":1}}",
         "{\"n\":\"x\",\"u\":{\"number\":1}}", "{\"n\":5}",
         "{\"u\":{\"number\":\"5\",\"z\":1}}"))

ROW(cases_of_constants_and_of_absence,
    STEPS("T: {map: {a: {cases: [{older: [now, then], newer: {type: [now, "
          "then]}}, {older: number, newer: {type: at, at: .}}], else: hide}, "
          "b: {cases: [{older: null, newer: none}, {older: x, newer: y}], "
          "else: pass}}}",
          "T: {map: {a/type: k, b: c}}"),
    UP("{\"a\":\"now\"}", "{\"a\":3,\"b\":\"x\"}", "{\"a\":null,\"b\":1}", "{}",
       "{\"b\":\"none\"}"),
    DOWN("{\"k\":\"now\",\"c\":\"none\"}", "{\"a\":{\"at\":1},\"k\":\"at\"}",
         "{\"k\":\"zz\",\"c\":\"y\"}", "{\"c\":3}", "{}"))

ROW(cases_on_the_tag_that_cases_wrote,
    STEPS("T: {map: {s: {cases: [{older: string, newer: {type: a, id: .}}, "
          "{older: object, newer: {type: b, card: .}}]}}}",
          "T: {map: {s: {cases: [{older: {type: a}, newer: {kind: A}, rest: "
          "lose}, {older: "
          "{type: b, card: .}, newer: {kind: B, card: .}, rest: lose}]}}}"),
    UP("{\"s\":\"x\"}", "{\"s\":{\"k\":1}}", "{\"s\":{\"kind\":\"A\"}}"),
    DOWN("{\"s\":{\"kind\":\"A\",\"id\":\"x\"}}",
         "{\"s\":{\"kind\":\"B\",\"card\":{\"k\":1}}}",
         "{\"s\":{\"kind\":\"B\",\"card\":3}}", "{\"s\":{\"k\":1}}",
         "{\"s\":1}"))

/* One document in several literals. NOLINTBEGIN(bugprone-suspicious-missing-comma) */
ROW(cases_at_a_type_and_what_lies_below_them,
    .types = "T: {at: \"* /t\"}\nU: {at: \"l/* of T\"}\n",
    STEPS("U: {map: {a: b}, cases: [{older: {kind: card}, newer: {type: card}, "
          "map: {last4: card/last4}}, {older: {kind: t}, newer: {type: bank}, "
          "map: {iban: bank/iban}, drop: {x: {down: 1, write: ignore}}}, "
          "{newer: {type: wallet}, hide: drop}]}",
          "U: {map: {card/last4: l4, type: ty}}"),
    UP("{\"l\":[{\"kind\":\"card\",\"last4\":1,\"a\":2},{\"kind\":\"t\","
       "\"iban\":1,"
       "\"x\":5},{\"kind\":\"z\",\"a\":1},3]}",
       "{\"l\":[{\"kind\":\"card\",\"card\":{}}]}",
       "{\"l\":[{\"kind\":\"card\",\"type\":1}]}",
       "{\"l\":[{\"type\":\"bank\"}]}",
       "{\"l\":[{\"kind\":\"card\",\"last4\":1,\"iban\":1}]}"),
    DOWN("{\"l\":[{\"ty\":\"card\",\"l4\":1,\"b\":1},{\"ty\":\"wallet\",\"b\":"
         "1},{"
         "\"ty\":\"bank\",\"bank\":{\"iban\":2}}]}",
         "{\"l\":[{\"ty\":\"wallet\"}]}", "{\"l\":[{\"kind\":\"card\"}]}",
         "{\"l\":[{\"ty\":\"card\",\"card\":{\"x\":1}},{\"l4\":1}]}"),
    .unlowered = true)
/* NOLINTEND(bugprone-suspicious-missing-comma) */

ROW(cases_in_cases_and_an_object_that_is_replaced,
    STEPS(
        "T: {cases: [{both: {k: a}, map: {x: y/x}, cases: [{older: {j: p}, "
        "newer: {j: q}, map: {y/z: z}}]}, {older: {k: b}, hide: {value: {gone: "
        "1}}}, {older: {k: c}, hide: fail}]}",
        "T: {map: {j: i}}"),
    UP("{\"k\":\"a\",\"x\":1,\"j\":\"p\",\"y\":{\"z\":1}}",
       "{\"k\":\"a\",\"x\":1,\"y\":{\"z\":1}}", "{\"k\":\"b\",\"j\":2}",
       "{\"k\":\"c\"}", "{\"k\":1,\"x\":1}", "{\"k\":\"a\",\"j\":\"q\"}"),
    DOWN("{\"k\":\"a\",\"y\":{\"x\":1},\"i\":\"q\"}",
         "{\"k\":\"a\",\"y\":{\"x\":1},\"i\":\"q\",\"z\":2}", "{\"k\":\"b\"}",
         "{\"k\":\"a\",\"y\":{\"x\":1}}"),
    .unlowered = true)

ROW(only_what_does_not_compose_goes_through_the_versions_again,
    .types = "T: {at: \"* /t\"}\nU: {at: \"l/* of T\"}\n",
    STEPS("T: {map: {a: b}}\nU: {map: {z: {order: by k}}, add: {s: {up: "
          "{count: k}, write: lose}}}",
          "T: {map: {b: c}}"),
    UP("{\"a\":1,\"l\":[{\"k\":[1]},{\"s\":{\"k\":1}},5]}",
       "{\"l\":[{\"k\":3}]}"),
    DOWN("{\"c\":1,\"l\":[{\"s\":1,\"k\":[1]}]}"), .again = true)

ROW(an_element_that_a_step_finds,
    STEPS("T: {map: {a: \"l/[k=p]/a\"}}", "T: {map: {b: c}}"),
    UP("{\"a\":1,\"l\":[{\"k\":\"p\"}]}", "{\"a\":1}", "{\"a\":1,\"l\":[]}",
       "{\"a\":1,\"l\":[{\"k\":\"q\"},3]}", "{\"a\":1,\"l\":{}}",
       "{\"l\":[{\"k\":\"p\",\"a\":2}]}",
       "{\"l\":[{\"k\":\"p\"},{\"k\":\"p\",\"a\":1}]}"),
    DOWN("{\"l\":[{\"k\":\"p\",\"a\":1}],\"c\":1}",
         "{\"l\":[{\"k\":\"q\"},{\"k\":\"p\",\"a\":1,\"z\":1},{}]}",
         "{\"l\":[{\"k\":\"p\"}]}", "{\"l\":[{\"k\":\"p\",\"a\":1},3]}",
         "{\"l\":[{\"k\":\"p\",\"k\":1}]}"))

ROW(a_list_that_is_made_for_its_element,
    STEPS("T: {drop: {l: {down: absent, write: ignore}}}",
          "T: {map: {a: \"l/[k=p]/a\"}}"),
    UP("{\"a\":1}", "{\"a\":1,\"l\":[{\"k\":\"p\"}]}", "{\"l\":[]}"),
    DOWN("{\"l\":[{\"k\":\"p\",\"a\":1}]}", "{\"l\":[{\"k\":\"q\"}]}",
         "{\"l\":[]}"))

ROW(an_element_found_by_what_is_taken_is_a_box,
    STEPS("T: {map: {a: {to: \"l/[a]/a\", rest: lose}}}", "T: {map: {l: m}}"),
    UP("{\"a\":1}", "{\"a\":1,\"l\":[{\"b\":1}]}", "{\"l\":[{\"a\":1}]}"),
    DOWN("{\"m\":[{\"a\":1,\"b\":2},3]}", "{\"m\":[{\"a\":1}]}", "{\"m\":[]}",
         "{\"m\":[{\"b\":1}]}", "{\"m\":[{\"a\":1},{\"a\":2}]}"))

ROW(elements_that_a_step_counts,
    STEPS("T: {map: {v: \"w/l/[0]/n\", s: \"w/l/[0]/s\", p: \"q/[only]/p\", z: "
          "\"y/[last]/z\"}}",
          "T: {map: {w: x}, drop: {e: {down: {from: \"r/[0]\", else: null}, "
          "write: same}}}"),
    UP("{\"v\":1,\"s\":2}", "{\"v\":1,\"w\":{\"l\":[]}}",
       "{\"s\":1,\"w\":{\"l\":[{\"k\":1},{\"n\":2}]}}",
       "{\"v\":1,\"w\":{\"l\":[5]}}", "{\"p\":1,\"q\":[{\"a\":1},2]}",
       "{\"p\":1,\"e\":{\"p\":1},\"r\":[{\"p\":1},2]}", "{\"z\":1,\"y\":[1]}",
       "{\"z\":1,\"y\":[{}]}", "{\"e\":null}"),
    DOWN("{\"x\":{\"l\":[{\"n\":1,\"s\":2}]}}",
         "{\"x\":{\"l\":[{\"n\":1},{}]}}",
         "{\"x\":{\"l\":[{\"n\":1,\"o\":1},3]}}", "{\"q\":[{\"p\":1},{}]}",
         "{\"q\":[{\"p\":1}],\"y\":[1,{\"z\":1}]}", "{\"y\":[{\"z\":1}]}"))

ROW(an_element_that_is_asked_again_when_others_have_gone,
    STEPS("T: {map: {a: \"l/[0]/a\"}}", "T: {map: {\"l/[0]/b\": c}}"),
    UP("{\"a\":1,\"l\":[{\"b\":2}]}"),
    DOWN("{\"l\":[{\"a\":1},{\"a\":2}],\"c\":1}"), .again = true)

ROW(what_is_beside_a_boxed_value_is_lost_or_refused,
    STEPS("T: {map: {a: {to: a/b, rest: lose}, k: {to: k/b/c, rest: refuse}}}",
          "T: {map: {a/b: x}}"),
    UP("{\"a\":1,\"k\":2}", "{\"a\":{\"b\":1}}", "{\"k\":{}}"),
    DOWN("{\"x\":1,\"k\":{\"b\":{\"c\":1}}}",
         "{\"k\":{\"b\":{\"c\":1},\"d\":1}}",
         "{\"k\":{\"b\":{\"c\":1,\"d\":2}}}", "{\"x\":1,\"a\":{\"q\":1}}",
         "{\"a\":{}}", "{\"k\":1}"))

ROW(what_fails_is_hidden,
    STEPS("T: {map: {n: {as: minor(2) <> decimal(2), hide: drop}, s: {enum: "
          "{p: q}, "
          "other: fail, hide: {value: none}}}}",
          "T: {map: {s: t}}"),
    UP("{\"n\":1,\"s\":\"p\"}", "{\"n\":\"x\",\"s\":\"z\"}",
       "{\"n\":{},\"s\":{}}"),
    DOWN("{\"n\":\"1.00\",\"t\":\"q\"}", "{\"n\":5,\"t\":1}"))

ROW(what_is_beside_a_value_is_kept_in_the_store,
    STEPS("T: {map: {a: {to: a/b, rest: keep}, v: {to: l, as: one <> list, "
          "rest: keep}}}",
          "T: {map: {a/b: x}}"),
    UP("{\"a\":1,\"v\":2}", "{\"a\":{\"b\":1}}"),
    DOWN("{\"x\":1,\"l\":[1]}", "{\"a\":{\"q\":1},\"x\":1}", "{\"l\":[1,2]}",
         "{\"a\":{\"q\":1}}", "{\"l\":[]}"))

ROW(what_a_form_cannot_read_fails_though_a_later_change_loses_it,
    STEPS("T: {map: {g: {to: g, as: json_text <> json}}}", "T: {map: {u: g}}"),
    UP("{\"g\":true}", "{\"g\":\"true\"}", "{\"g\":\"tru\"}", "{\"g\":null}",
       "{\"g\":\"1\",\"u\":1}", "{\"u\":1}"),
    DOWN("{\"g\":true}", "{\"u\":1}"))

ROW(a_form_is_read_and_told_of_though_a_later_change_drops_it,
    STEPS("T: {map: {g: {to: g, as: minor(2) <> decimal(2)}}}",
          "T: {drop: {g: {down: \"1.00\", write: ignore}}}"),
    UP("{\"g\":100}", "{\"g\":1.5}", "{\"g\":\"100\"}", "{\"g\":null}",
       "{\"g\":[100]}", "{\"g\":1e2}"),
    DOWN("{\"g\":\"2\"}", "{}"))

ROW(a_stranger_two_levels_down_is_told_though_what_it_is_in_goes,
    STEPS("T: {map: {d: a}}", "T: {map: {d/a/h: c/b}}"),
    UP("{\"d\":1}", "{\"d\":{\"a\":{\"h\":1}}}"),
    DOWN("{\"d\":{\"a\":{\"h\":1}}}",
         "{\"d\":{\"a\":{\"h\":1}},\"c\":{\"b\":2}}", "{\"c\":{\"b\":2}}",
         "{\"a\":{}}", "{\"d\":{\"a\":{}}}"))
