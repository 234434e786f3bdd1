/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The twenty pitfalls of SEMANTICS.md, "Composition", in its order. Those of
 * arrows that do not compose say so (`again`).
 */
#include "tests/translators/compose/rows.h"

#define UP(...)    .up = {__VA_ARGS__}
#define DOWN(...)  .down = {__VA_ARGS__}
#define STEPS(...) .changes = {__VA_ARGS__}

ROW(pitfall_1_occupied_only_at_a_version_in_the_middle,
    STEPS("T: {map: {a: x/b}}", "T: {map: {x/b: c}}"),
    UP("{\"a\":1,\"x\":{\"b\":2}}", "{\"x\":{\"b\":2}}", "{\"a\":1,\"x\":{}}",
       "{\"a\":1,\"x\":{\"b\":1}}"),
    DOWN("{\"c\":1,\"x\":{\"b\":2}}", "{\"x\":{\"b\":2}}"))

ROW(pitfall_2_an_unknown_field_whose_name_later_means_something,
    STEPS("T: {map: {a: b}}",
          "T: {map: {z: y}, add: {w: {up: 1, write: lose}}}"),
    UP("{\"z\":1,\"w\":1}", "{\"z\":{\"k\":1},\"a\":2}", "{\"w\":2}"),
    DOWN("{\"y\":1,\"w\":5,\"b\":1}", "{\"z\":1}"))

ROW(pitfall_3_drop_and_add_of_one_name,
    STEPS("T: {drop: {f: {down: old, write: ignore}}}",
          "T: {add: {f: {up: new, write: lose}}}"),
    UP("{\"f\":\"x\",\"g\":1}", "{\"f\":\"old\"}", "{\"g\":1}",
       "{\"f\":\"new\"}"),
    DOWN("{\"f\":\"new\",\"g\":1}", "{\"f\":\"x\"}", "{\"g\":1}"))

ROW(pitfall_4_there_and_back_with_an_unknown_in_between,
    STEPS("T: {map: {a: b}}", "T: {map: {b: a}}"),
    UP("{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":2}", "{\"b\":2}"),
    DOWN("{\"a\":1,\"b\":2}", "{\"b\":2}"))

ROW(pitfall_5_a_guard_on_a_symbol_that_the_first_change_merged,
    STEPS("T: {map: {k: {enum: {p: m, q: m, r: s}}}}",
          "T: {map: {a: {to: b, when: {older: {k: m}, newer: {k: m}}}}}"),
    UP("{\"k\":\"p\",\"a\":1}", "{\"k\":\"q\",\"a\":1}",
       "{\"k\":\"r\",\"a\":1}", "{\"k\":\"m\",\"a\":1}", "{\"a\":1}"),
    DOWN("{\"k\":\"m\",\"b\":1}", "{\"k\":\"s\",\"b\":1}"))

ROW(pitfall_6_a_failing_check_on_a_value_that_is_dropped_later,
    STEPS("T: {map: {n: {as: minor(2) <> decimal(2)}, s: {enum: {p: q}, other: "
          "fail}}}",
          "T: {drop: {n: {write: ignore, down: absent}, s: {write: ignore, "
          "down: absent}}}"),
    UP("{\"n\":1}", "{\"n\":\"x\"}", "{\"s\":\"p\"}", "{\"s\":\"z\"}"),
    DOWN("{\"n\":1}", "{\"s\":2}", "{}"))

ROW(pitfall_7_a_host_emptied_by_one_change_and_filled_by_the_next,
    STEPS("T: {map: {h/a: a}}", "T: {map: {b: h/b}}"),
    UP("{\"h\":{\"a\":1},\"b\":2,\"z\":3}", "{\"b\":2,\"h\":{\"a\":1,\"c\":1}}",
       "{\"h\":{\"a\":1}}", "{\"h\":{},\"b\":1}", "{\"h\":{\"b\":1},\"b\":1}"),
    DOWN("{\"h\":{\"b\":2},\"a\":1,\"z\":0}",
         "{\"a\":1,\"h\":{\"b\":2,\"c\":1}}", "{\"a\":1}"))

ROW(pitfall_8_a_constant_after_an_erasure_goes_last,
    STEPS("T: {drop: {a: {write: ignore, down: absent}}}",
          "T: {add: {a: {up: 1, write: lose}}}"),
    UP("{\"a\":5,\"b\":1,\"c\":2}", "{\"b\":1}"),
    DOWN("{\"a\":1,\"b\":2}", "{\"b\":2}"))

ROW(pitfall_9_equality_is_asked_of_what_the_step_sees,
    STEPS("T: {map: {k: {enum: {p: m, q: m}}, l: {enum: {p: m, q: m}}}}",
          "T: {map: {a: {to: b, when: {older: {k: {same: l}}, newer: {k: "
          "{same: l}}}}}}"),
    UP("{\"k\":\"p\",\"l\":\"q\",\"a\":1}", "{\"k\":\"p\",\"l\":\"p\",\"a\":1}",
       "{\"k\":\"p\",\"l\":\"z\",\"a\":1}", "{\"k\":\"p\",\"a\":1}",
       "{\"a\":1}"),
    DOWN("{\"k\":\"m\",\"l\":\"m\",\"b\":1}", "{\"k\":\"m\",\"b\":1}"))

ROW(pitfall_10_spread_over_an_empty_list,
    STEPS("T: {map: {a: {to: \"l/*/a\", as: one <> each, unequal: null, none: "
          "lose}, b: {to: \"m/*/b\", as: one <> each, unequal: fail, none: "
          "refuse}}}",
          "T: {map: {\"l/*/a\": \"l/*/c\"}}"),
    UP("{\"a\":1,\"l\":[]}", "{\"a\":1}", "{\"b\":1,\"m\":[]}", "{\"b\":1}",
       "{\"a\":1,\"l\":[{},{\"z\":1}]}"),
    DOWN("{\"l\":[]}", "{\"l\":[{\"c\":1},{\"c\":1}]}",
         "{\"l\":[{\"c\":1},{}]}", "{\"m\":[{\"b\":1},{\"b\":2}]}"))

ROW(pitfall_10_where_elements_stay_whatever_is_taken_out_of_them,
    .types = "T: {at: \"* /t\", keep: [l, \"l/*\", m, \"m/*\"]}\n",
    STEPS("T: {map: {a: {to: \"l/*/a\", as: one <> each, unequal: null, none: "
          "lose}, b: {to: \"m/*/b\", as: one <> each, unequal: fail, none: "
          "refuse}}}",
          "T: {map: {\"l/*/a\": \"l/*/c\"}}"),
    UP("{\"a\":1,\"l\":[]}", "{\"a\":1}", "{\"b\":1,\"m\":[]}", "{\"b\":1}",
       "{\"a\":1,\"l\":[{},{\"z\":1}]}", "{\"b\":1,\"m\":{}}"),
    DOWN("{\"l\":[]}", "{\"l\":[{\"c\":1},{\"c\":1}]}",
         "{\"l\":[{\"c\":1},{}]}", "{\"m\":[{\"b\":1},{\"b\":2}]}"))

ROW(pitfall_11_a_host_that_is_null,
    STEPS("T: {map: {a: h/a}}", "T: {map: {h/b: b}}"),
    UP("{\"h\":null}", "{\"h\":null,\"a\":1}", "{\"h\":null,\"b\":1}"),
    DOWN("{\"h\":null}", "{\"h\":null,\"b\":1}", "{\"h\":null,\"a\":1}"))

ROW(pitfall_12_an_empty_object_as_the_only_thing_under_a_host,
    STEPS("T: {map: {h/k/a: a}}", "T: {map: {h: g}}"),
    UP("{\"h\":{\"k\":{}}}", "{\"h\":{\"k\":{\"a\":1}}}",
       "{\"h\":{\"k\":{\"a\":{}}}}", "{\"h\":{\"k\":{\"a\":1},\"l\":{}}}",
       "{\"h\":{}}"),
    DOWN("{\"g\":{\"k\":{}}}", "{\"g\":{\"k\":{}},\"a\":1}", "{\"a\":1}",
         "{\"g\":{},\"a\":{}}"))

ROW(pitfall_13_many_to_one_keys_after_an_open_set,
    STEPS(
        "T: {map: {\"h/*\": {to: \"*\", keys: any -> lower, except: [id, h]}}}",
        "T: {map: {b: c}}"),
    UP("{\"h\":{\"X-A\":1,\"B\":2}}", "{\"h\":{\"A\":1,\"a\":2}}",
       "{\"h\":{\"C\":1,\"B\":2}}", "{\"id\":1,\"h\":{\"ID\":2}}"),
    DOWN("{\"c\":1,\"z\":2}", "{\"b\":1}"), .again = true)

ROW(pitfall_14_an_escaped_spelling_of_a_known_key,
    STEPS("T: {map: {a: b}}", "T: {map: {b: x/c}}"),
    UP("{\"\\u0061\":1}", "{\"\\u0061\":1,\"a\":2}", "{\"x\":{\"\\u0063\":1}}",
       "{\"\\u0062\":1}"),
    DOWN("{\"\\u0078\":{\"\\u0063\":1}}", "{\"x\":{\"c\":1,\"\\u0063\":2}}"))

ROW(pitfall_15_one_as_a_number_as_a_text_and_as_a_decimal,
    STEPS("T: {map: {n: {enum: {1: one}}}}",
          "T: {map: {a: {to: b, when: {older: {n: one}, newer: {n: one}}}}}"),
    UP("{\"n\":1,\"a\":0}", "{\"n\":\"1\",\"a\":0}", "{\"n\":1.0,\"a\":0}",
       "{\"n\":1e0,\"a\":0}", "{\"n\":\"one\",\"a\":0}"),
    DOWN("{\"n\":\"one\",\"b\":0}", "{\"n\":1,\"b\":0}",
         "{\"n\":\"1\",\"b\":0}"))

ROW(pitfall_16_recursion_three_deep,
    .types = "T: {at: [\"* /t\", \"kids/* of T\", kid of T]}\n",
    STEPS("T: {map: {a: b}, drop: {d: {write: ignore, down: absent}}}",
          "T: {map: {b: x/b}}"),
    UP("{\"a\":1,\"kids\":[{\"a\":2,\"kids\":[{\"a\":3,\"d\":1,\"kid\":{\"a\":"
       "4,"
       "\"b\":1}}]}]}",
       "{\"kid\":{\"kid\":{\"kid\":{\"a\":{\"a\":1},\"d\":2}}}}"),
    DOWN("{\"x\":{\"b\":1},\"kids\":[{\"x\":{\"b\":1},\"kid\":{\"x\":{\"b\":1,"
         "\"c\":2}}}]}"))

ROW(pitfall_16_an_arrow_from_a_type_into_its_own_child,
    .types = "T: {at: [\"* /t\", kid of T]}\n",
    STEPS("T: {map: {kid/a: b}}", "T: {map: {b: c}}"),
    UP("{\"kid\":{\"a\":1,\"kid\":{\"a\":2,\"kid\":{\"a\":3}}}}"),
    DOWN("{\"c\":1,\"kid\":{\"c\":2,\"kid\":{\"c\":3,\"kid\":{}}}}"),
    .again = true)

ROW(pitfall_17_two_guards_both_true,
    STEPS("T: {map: {a: {to: b, when: {older: {k: p}, newer: {k: p}}}, c: {to: "
          "d, when: {older: {l: p}, newer: {l: p}}}}}",
          "T: {map: {b: x, d: y}}"),
    UP("{\"k\":\"p\",\"l\":\"p\",\"a\":1,\"c\":2}",
       "{\"k\":\"p\",\"a\":1,\"c\":2}", "{\"l\":\"p\",\"a\":1,\"c\":2}",
       "{\"a\":1,\"c\":2,\"b\":3}", "{\"k\":\"p\",\"b\":3}"),
    DOWN("{\"k\":\"p\",\"l\":\"p\",\"x\":1,\"y\":2}", "{\"x\":1,\"y\":2}",
         "{\"k\":\"p\",\"x\":1,\"a\":2}"))

ROW(pitfall_18_a_list_with_doubles_that_becomes_a_map,
    STEPS("T: {map: {l: {to: m, as: list(k) <> map}}}", "T: {map: {m/p: q}}"),
    UP("{\"l\":[{\"k\":\"p\",\"v\":1},{\"k\":\"r\"}]}",
       "{\"l\":[{\"k\":\"p\"},{\"k\":\"p\"}]}", "{\"l\":[{\"v\":1}]}",
       "{\"l\":[]}"),
    DOWN("{\"q\":{\"v\":1},\"m\":{\"r\":{}}}", "{\"m\":{}}", "{\"q\":{}}"))

ROW(pitfall_19_notices_are_counted_once_for_each_change,
    STEPS("T: {drop: {a: {write: ignore, down: absent}}, add: {m: {up: 1, "
          "write: lose}}}",
          "T: {drop: {b: {write: ignore, down: absent}}, map: {m: {enum: {1: "
          "2}}}}",
          "T: {drop: {m: {write: ignore, down: absent}}}"),
    UP("{\"a\":1,\"b\":2}", "{\"m\":1}", "{}"), DOWN("{\"a\":1}", "{}"))

ROW(pitfall_20_a_cancelled_codec_whose_domain_still_matters,
    STEPS("T: {map: {t: {as: unix_s <> rfc3339}}}",
          "T: {map: {t: {as: rfc3339 <> unix_s}}}",
          "T: {drop: {t: {write: ignore, down: absent}}}"),
    UP("{\"t\":0}", "{\"t\":\"x\"}", "{\"t\":1700000000}", "{\"t\":-1}",
       "{\"t\":1.5}"),
    DOWN("{}", "{\"t\":0}"))
