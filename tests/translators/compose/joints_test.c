/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of SEMANTICS.md's table of compositions that are of arrows over several
 * places: tables, parts of a text, copies, one value in every element.
 */
#include "tests/translators/compose/rows.h"

#define UP(...)    .up = {__VA_ARGS__}
#define DOWN(...)  .down = {__VA_ARGS__}
#define STEPS(...) .changes = {__VA_ARGS__}

/* A row of a table, or a pattern, runs over two lines of text. */
/* NOLINTBEGIN(bugprone-suspicious-missing-comma) */

#define HANDLING                                                               \
    "T: {map: {? [express, fragile] : {to: handling, table: [[false, false, "  \
    "normal], [true, false, express], [[false, absent], true, fragile], "      \
    "[true, true, both]]}}}"

ROW(a_table_and_then_an_enum_of_its_result,
    STEPS(HANDLING, "T: {map: {handling: {to: x/h, enum: {normal: n, express: "
                    "e, fragile: n}, other: fail}}}"),
    UP("{\"express\":true,\"fragile\":false}",
       "{\"z\":1,\"fragile\":true,\"y\":2}",
       "{\"express\":false,\"fragile\":false}",
       "{\"express\":true,\"fragile\":true}", "{\"express\":1,\"fragile\":2}",
       "{\"express\":true}", "{}", "{\"handling\":\"normal\"}",
       "{\"express\":true,\"fragile\":false,\"handling\":\"express\"}",
       "{\"express\":true,\"fragile\":{},\"x\":{}}"),
    DOWN("{\"x\":{\"h\":\"n\"}}", "{\"x\":{\"h\":\"e\",\"k\":1}}",
         "{\"x\":{\"h\":\"z\"}}", "{\"x\":{\"h\":null}}", "{\"express\":true}",
         "{\"x\":{}}"))

ROW(an_enum_and_then_a_table_of_it,
    STEPS("T: {map: {s: {enum: {p: m, q: m, r: o}}}}",
          "T: {map: {? [s, t] : {to: [u, t], table: [[m, 1, one, absent], [m, "
          "any, two, any], [o, same, three, same], [absent, absent, none, "
          "absent]]}}}"),
    UP("{\"s\":\"p\",\"t\":1}", "{\"s\":\"q\",\"t\":\"1\"}", "{\"s\":\"p\"}",
       "{\"s\":\"r\",\"t\":{\"k\":1}}", "{\"s\":\"r\"}", "{\"t\":1}", "{}",
       "{\"t\":[],\"k\":0,\"s\":\"r\"}", "{\"u\":1}", "{\"s\":\"z\",\"t\":1}",
       "{\"s\":\"p\",\"t\":1.0}"),
    DOWN("{\"u\":\"one\"}", "{\"u\":\"two\",\"t\":4}",
         "{\"u\":\"three\",\"t\":{}}", "{\"u\":\"three\"}", "{\"t\":5}",
         "{\"u\":\"none\"}", "{\"u\":\"one\",\"t\":1}", "{\"s\":1}"))

ROW(a_table_and_then_a_table,
    STEPS("T: {map: {? [a, b] : {to: [c, d], table: [[1, 1, p, q], [1, 2, p, "
          "r], [2, same, x, same], {row: [3, any, p, q], only: up}]}}}",
          "T: {map: {? [c, d] : {to: e, table: [[p, q, pq], [p, r, pr], [x, "
          "[1, 2], small], [x, any, x]]}}}"),
    UP("{\"a\":1,\"b\":1}", "{\"a\":1,\"b\":2}", "{\"a\":2,\"b\":1}",
       "{\"a\":2,\"b\":\"w\"}", "{\"a\":2}", "{\"a\":3,\"b\":7}", "{\"a\":1}",
       "{\"b\":1}", "{\"c\":1}", "{\"a\":1,\"b\":1,\"d\":\"q\"}"),
    DOWN("{\"e\":\"pq\"}", "{\"e\":\"pr\"}", "{\"e\":\"small\"}",
         "{\"e\":\"x\"}", "{\"e\":1}", "{}", "{\"a\":1}"))

ROW(a_table_of_one_place_keeps_its_slot,
    STEPS("T: {map: {? [a] : {to: [b], table: [[1, one], [same, same]]}}}",
          "T: {map: {b: c}}"),
    UP("{\"x\":1,\"a\":1,\"y\":2}", "{\"x\":1,\"a\":\"1\",\"y\":2}", "{}"),
    DOWN("{\"x\":1,\"c\":\"one\",\"y\":2}", "{\"c\":1}", "{\"c\":{\"k\":[]}}"))

ROW(a_table_into_what_another_arrow_makes_up,
    STEPS("T: {map: {? [a/g, g] : {to: [d/a, b], table: [[p, p, p, q], "
          "[absent, absent, z, z]]}}, add: {d: {up: p, write: lose}}}",
          "T: {map: {d/a: e}}"),
    UP("{}", "{\"a\":{\"g\":\"p\"},\"g\":\"p\"}", "{\"d\":{}}",
       "{\"d\":\"p\"}"),
    DOWN("{\"e\":\"z\",\"b\":\"z\"}", "{\"e\":\"p\",\"b\":\"q\"}", "{}",
         "{\"e\":\"p\",\"d\":{\"k\":1}}"))

ROW(a_split_and_then_a_rename_and_a_codec_of_parts,
    STEPS("T: {map: {t: {split: \"{a}:{b:digits}\"}}}",
          "T: {map: {a: x/a, b: {to: n, as: string <> int}}}"),
    UP("{\"t\":\"p:1\"}", "{\"t\":\"p:q:12\"}", "{\"t\":\":0\"}",
       "{\"t\":\"p\"}", "{\"t\":\"p:01\"}", "{\"t\":null}", "{\"t\":5}",
       "{\"t\":{}}", "{}", "{\"a\":1}", "{\"t\":\"p:1\",\"b\":\"1\"}"),
    DOWN("{\"x\":{\"a\":\"p\"},\"n\":1}", "{\"x\":{\"a\":\"p:1:\"},\"n\":12}",
         "{\"n\":1}", "{\"x\":{\"a\":null},\"n\":null}",
         "{\"x\":{\"a\":1},\"n\":1}", "{\"x\":{\"a\":\"p\"},\"n\":\"1\"}"))

ROW(a_split_and_a_join_by_the_same_form_cancel,
    STEPS("T: {map: {t: {split: \"{a}-{b}\"}}}",
          "T: {map: {? [a, b] : {to: u, split: \"{a}-{b}\"}}}"),
    UP("{\"t\":\"p-q\"}", "{\"t\":\"p\"}", "{\"t\":\"p-q-r\"}", "{\"t\":null}",
       "{\"a\":\"p\"}", "{\"t\":\"p-\\u0071\"}", "{\"t\":\"\\ud800-q\"}"),
    DOWN("{\"u\":\"p-q\"}", "{\"u\":\"p\"}", "{\"u\":null}", "{\"t\":1}"))

ROW(a_split_and_a_join_by_another_form,
    STEPS("T: {map: {t: {split: \"{a}-{b}\", outside: absent}}}",
          "T: {map: {? [a, b] : {to: u, split: \"{b}/{a}\"}}}"),
    UP("{\"t\":\"p-q\"}", "{\"t\":\"p\"}", "{\"t\":\"p-q/r\"}", "{\"t\":null}",
       "{\"t\":true}"),
    DOWN("{\"u\":\"p/q\"}", "{\"u\":\"p\"}", "{\"u\":\"p/q-r\"}",
         "{\"u\":\"-/q\"}", "{\"u\":null}", "{\"u\":[]}"))

ROW(a_join_and_then_a_split_by_another_form,
    STEPS("T: {map: {? [a, b] : {to: t, split: \"{a}.{b}\"}}}",
          "T: {map: {t: {split: \"{c:digits}.{d}.{e}\"}}}"),
    UP("{\"a\":\"1\",\"b\":\"2.3\"}", "{\"a\":\"1.2\",\"b\":\"3\"}",
       "{\"a\":\"x\",\"b\":\"2.3\"}", "{\"a\":\"1\"}", "{\"b\":null}",
       "{\"a\":null,\"b\":null}", "{\"a\":1,\"b\":\"2.3\"}", "{}"),
    DOWN("{\"c\":\"1\",\"d\":\"2\",\"e\":\"3\"}", "{\"c\":\"1\",\"d\":\"2\"}",
         "{\"c\":\"x\",\"d\":\"2\",\"e\":\"3\"}",
         "{\"c\":null,\"d\":null,\"e\":null}"))

ROW(a_copy_and_then_changes_of_one_of_the_two,
    STEPS("T: {map: {a: {to: [b, c], differ: first}}}",
          "T: {map: {b: {enum: {p: q}}, c: {to: x/c, as: int <> string, "
          "outside: pass}}}"),
    UP("{\"z\":0,\"a\":\"p\",\"y\":1}", "{\"a\":1}", "{\"a\":{\"k\":1}}",
       "{\"a\":[1]}", "{}", "{\"b\":1}", "{\"a\":1,\"b\":1}",
       "{\"a\":null,\"x\":{}}", "{\"a\":1,\"x\":1}"),
    DOWN("{\"b\":\"q\",\"x\":{\"c\":\"p\"}}", "{\"b\":\"q\"}",
         "{\"x\":{\"c\":\"1\"}}", "{\"b\":1,\"x\":{\"c\":\"1\"}}",
         "{\"b\":\"p\",\"x\":{\"c\":2}}", "{\"b\":{},\"x\":{\"c\":{}}}",
         "{\"a\":1}", "{\"b\":\"\\ud800\",\"x\":{\"c\":\"p\"}}"))

ROW(a_look_into_one_copy_of_an_object,
    STEPS("T: {map: {a: {to: [b, c], differ: first}}}",
          "T: {map: {b/k: b/l, c/k: d}}"),
    UP("{\"a\":{\"k\":1,\"m\":2}}", "{\"a\":{\"k\":1}}", "{\"a\":{}}",
       "{\"a\":3}", "{\"a\":{\"l\":1}}", "{\"a\":{\"k\":1,\"k\":2}}"),
    DOWN("{\"b\":{\"l\":1,\"m\":2},\"c\":{\"m\":2},\"d\":1}",
         "{\"b\":{\"l\":1},\"d\":1}", "{\"b\":{},\"c\":{}}", "{\"d\":1}",
         "{\"b\":{\"l\":1}}"))

ROW(copies_are_compared_before_a_codec,
    STEPS("T: {map: {? [a, b] : {to: c, differ: refuse, as: int <> string}}}",
          "T: {map: {c: {as: string <> int}}}"),
    UP("{\"a\":1,\"b\":1}", "{\"a\":1,\"b\":\"1\"}", "{\"a\":1}",
       "{\"b\":1,\"z\":0}", "{\"a\":1,\"b\":1.0}", "{\"a\":null,\"b\":null}",
       "{}", "{\"a\":{},\"b\":{}}", "{\"c\":1}"),
    DOWN("{\"z\":1,\"c\":1,\"y\":2}", "{\"c\":\"x\"}", "{\"c\":null}", "{}",
         "{\"a\":1}"))

ROW(copies_that_are_absent_mean_something,
    STEPS("T: {map: {? [a, h/b] : {to: c, differ: first, enum: {p: q}, absent: "
          "{older: p}, omit: {newer: z}}}}",
          "T: {map: {c: d}}"),
    UP("{}", "{\"a\":\"p\",\"h\":{\"b\":\"p\"}}", "{\"h\":{\"b\":\"p\"}}",
       "{\"a\":\"z\"}", "{\"a\":\"p\",\"h\":{\"b\":\"r\",\"k\":1}}",
       "{\"a\":\"q\"}", "{\"a\":\"p\",\"h\":{\"b\":1}}"),
    DOWN("{\"d\":\"q\"}", "{}", "{\"d\":\"z\"}", "{\"d\":1,\"h\":{}}",
         "{\"h\":1,\"d\":\"q\"}"))

/* The list and its elements are the same on both sides: they are not made. */
#define SHARED_LIST "T: {at: \"* /t\", keep: [l, \"l/*\"]}\n"

ROW(one_in_each_and_then_elements_change, .types = SHARED_LIST,
    STEPS("T: {map: {a: {to: \"l/*/a\", as: one <> each, unequal: null, none: "
          "lose}}}",
          "T: {map: {\"l/*/a\": {to: \"l/*/x/c\", as: int <> string}}}"),
    UP("{\"a\":1,\"l\":[{},{\"z\":1}]}", "{\"a\":1,\"l\":[]}", "{\"a\":1}",
       "{\"a\":\"x\",\"l\":[{}]}", "{\"a\":\"x\",\"l\":[]}", "{\"l\":[{}]}",
       "{\"a\":1,\"l\":[{\"a\":1}]}", "{\"a\":1,\"l\":[{\"a\":2}]}",
       "{\"a\":1,\"l\":[{},3]}", "{\"a\":1,\"l\":{\"k\":{}}}",
       "{\"a\":1,\"l\":{}}", "{\"l\":[{\"a\":2},{}],\"a\":1}"),
    DOWN("{\"l\":[{\"x\":{\"c\":\"1\"}},{\"x\":{\"c\":\"1\"}}]}",
         "{\"l\":[{\"x\":{\"c\":\"1\"}},{}]}",
         "{\"l\":[{\"x\":{\"c\":\"1\"}},{\"x\":{\"c\":\"2\"}}]}", "{\"l\":[]}",
         "{\"l\":[{}]}", "{\"l\":[{\"x\":{\"c\":null}}]}", "{}",
         "{\"l\":{\"k\":{\"x\":{\"c\":\"7\"}}}}"))

ROW(translated_elements_become_one, .types = SHARED_LIST,
    STEPS("T: {map: {\"l/*/s\": {to: \"l/*/t\", enum: {p: m, q: m}}}}",
          "T: {map: {\"l/*/t\": {to: t, as: each <> one, unequal: fail, none: "
          "lose}}}"),
    UP("{\"l\":[{\"s\":\"p\"},{\"s\":\"q\"}]}",
       "{\"l\":[{\"s\":\"p\"},{\"s\":\"r\"}]}", "{\"l\":[{\"s\":\"p\"},{}]}",
       "{\"l\":[{},{\"s\":\"p\"}]}", "{\"l\":[]}", "{\"l\":[{}]}",
       "{\"l\":[{\"s\":\"p\"},3]}", "{\"t\":1,\"l\":[{}]}",
       "{\"l\":[{\"s\":\"\\ud800\"},{\"s\":{}}]}"),
    DOWN("{\"t\":\"m\",\"l\":[{},{}]}", "{\"l\":[{}]}", "{\"t\":\"m\"}",
         "{\"t\":\"z\",\"l\":[{\"k\":1}]}",
         "{\"t\":\"m\",\"l\":[{\"t\":\"m\"},{}]}"))

ROW(the_least_the_most_the_sum_and_the_first_of_all, .types = SHARED_LIST,
    STEPS("T: {map: {\"l/*/a\": {to: a, as: each <> one, unequal: min, none: "
          "lose}, \"l/*/b\": {to: b, as: each <> one, unequal: max, none: "
          "refuse}}}",
          "T: {map: {\"l/*/c\": {to: c, as: each <> one, unequal: sum, none: "
          "lose}, \"l/*/d\": {to: d, as: each <> one, unequal: first, none: "
          "lose}, a: {to: x/a, as: int <> string, outside: pass}}}"),
    UP("{\"l\":[{\"a\":2,\"b\":1.5,\"c\":1,\"d\":1},{\"a\":1,\"b\":2,\"c\":"
       "0.50,\"d\":2}]}",
       "{\"l\":[{\"c\":1},{\"c\":1}]}",
       "{\"l\":[{\"a\":\"z\"},{\"a\":\"y\"},"
       "{}]}",
       "{\"l\":[{\"a\":1},{\"a\":\"y\"}]}", "{\"l\":[{\"c\":1},{\"c\":\"1\"}]}",
       "{\"l\":[{},{\"d\":1}]}"),
    DOWN("{\"x\":{\"a\":\"1\"},\"b\":2,\"c\":3,\"d\":4,\"l\":[{},{}]}",
         "{\"b\":2}", "{\"c\":3,\"l\":[{\"c\":1}]}"))

ROW(one_in_each_and_out_again_by_another_field, .types = SHARED_LIST,
    STEPS("T: {map: {a: {to: \"l/*/b\", as: one <> each, unequal: first, none: "
          "lose}}}",
          "T: {map: {\"l/*/b\": {to: c, as: each <> one, unequal: null, none: "
          "refuse}}}"),
    UP("{\"a\":1,\"l\":[{},{}]}", "{\"a\":1,\"l\":[]}", "{\"a\":1}",
       "{\"l\":[{}]}", "{\"a\":{\"k\":1},\"l\":[{}]}"),
    DOWN("{\"c\":1,\"l\":[{},{}]}", "{\"c\":1}", "{\"l\":[]}"))

ROW(what_every_element_lacks_is_filled_in_each, .types = SHARED_LIST,
    STEPS("T: {map: {a: {to: \"l/*/b\", as: one <> each, unequal: null, none: "
          "lose, absent: {older: 7}}}}",
          "T: {map: {\"l/*/b\": \"l/*/c\"}}"),
    UP("{\"l\":[{},{\"k\":1}]}", "{\"a\":1,\"l\":[{}]}", "{\"l\":[3,{}]}",
       "{}"),
    DOWN("{\"l\":[{\"c\":7},{\"c\":7}]}", "{\"l\":[{\"c\":7},{}]}", "{}"))
/* NOLINTEND(bugprone-suspicious-missing-comma) */
