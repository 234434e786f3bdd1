/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of SEMANTICS.md's table of compositions that are about stashes. */
#include "tests/translators/compose/rows.h"

#define UP(...)    .up = {__VA_ARGS__}
#define DOWN(...)  .down = {__VA_ARGS__}
#define STEPS(...) .changes = {__VA_ARGS__}

ROW(two_stashes_at_different_places_are_independent,
    STEPS("T: {drop: {a: {stash: bag/a, as: json <> json_text, down: null, "
          "write: ignore}}}",
          "T: {drop: {b: {stash: bag/b, as: json <> json_text, down: 7, write: "
          "ignore}}}"),
    UP("{\"a\":{\"x\":[1]},\"b\":2}", "{\"a\":null}", "{\"b\":7}",
       "{\"a\":1,\"bag\":{\"a\":\"1\"}}", "{\"a\":1,\"bag\":{\"a\":\"2\"}}",
       "{\"bag\":{\"z\":1},\"b\":\"q\"}", "{\"bag\":3,\"a\":1}", "{}"),
    DOWN("{\"bag\":{\"a\":\"{\\\"x\\\":1}\",\"b\":\"2\"}}",
         "{\"bag\":{\"a\":\"{\"}}", "{\"bag\":{\"a\":\"1\",\"z\":1}}",
         "{\"bag\":{\"a\":1}}", "{\"a\":5,\"bag\":{\"a\":\"1\"}}",
         "{\"a\":1,\"bag\":{\"a\":\"1\"}}", "{\"bag\":{\"a\":\"\\ud800\"}}",
         "{\"bag\":{\"a\":\"1\",\"a\":\"2\"}}", "{\"bag\":{\"a\":null}}",
         "{\"bag\":3,\"b\":1}", "{}"))

ROW(a_bag_that_moves_and_is_renamed,
    STEPS("T: {drop: {a: {stash: bag/a, as: json <> json_text, down: null, "
          "write: ignore}}}",
          "T: {map: {bag: x/bag}}", "T: {map: {x/bag/a: x/bag/b}}"),
    UP("{\"a\":[1,{\"b\":null}]}", "{\"a\":\"t\",\"bag\":{\"z\":1}}",
       "{\"a\":1,\"x\":{}}", "{\"a\":null,\"bag\":{}}"),
    DOWN("{\"x\":{\"bag\":{\"b\":\"[1]\"}}}"))

ROW(what_was_stashed_changes_further_down_the_chain,
    STEPS("T: {map: {a: {to: k, enum: {p: q}}}}",
          "T: {drop: {k: {stash: bag/k, as: json <> json_text, down: null, "
          "write: ignore}}}",
          "T: {add: {k: {up: 1, write: lose}}}"),
    UP("{\"a\":\"p\"}", "{\"a\":\"z\"}", "{\"k\":1}", "{\"a\":{\"b\":1}}",
       "{}"),
    DOWN("{\"k\":1,\"bag\":{\"k\":\"\\\"q\\\"\"}}"))

ROW(a_stash_in_a_stash_is_escaped_twice,
    STEPS("T: {drop: {a: {stash: bag/a, as: json <> json_text, down: null, "
          "write: ignore}}}",
          "T: {drop: {bag: {stash: outer, as: json <> json_text, down: null, "
          "write: ignore}}}"),
    UP("{\"a\":\"q\"}", "{\"a\":{\"b\":\"c\"},\"bag\":{\"z\":[]}}",
       "{\"bag\":1}", "{\"a\":null}"),
    DOWN("{\"outer\":\"{\\\"a\\\":\\\"1\\\"}\"}"),
    .again = true) /* it is looked for in what is made of a text */

ROW(a_stash_comes_back_and_its_value_changes,
    STEPS("T: {map: {n: m}}",
          "T: {add: {g: {stash: bag/g, as: json_text <> json, up: 5}}}",
          "T: {map: {g: {to: h, enum: {5: five}}, bag: box}}"),
    UP("{\"bag\":{\"g\":\"5\"}}", "{\"bag\":{\"g\":\"[5]\",\"x\":1},\"n\":1}",
       "{\"bag\":{\"g\":5}}", "{\"bag\":{}}", "{\"g\":1}", "{\"n\":2}",
       "{\"bag\":{\"g\":\"{\\\"a\\\":1}\"},\"h\":1}"),
    DOWN("{\"h\":\"five\",\"m\":1}", "{\"h\":{\"a\":[]},\"box\":{\"x\":1}}",
         "{\"h\":5,\"box\":{\"g\":1}}", "{\"box\":{\"g\":\"5\"}}"))

ROW(a_stash_as_it_is_and_one_of_the_newer_side,
    STEPS("T: {add: {g: {up: 1, stash: bag/g, write: lose}}}",
          "T: {drop: {h: {stash: bag/h, down: absent, write: refuse}}}"),
    UP("{\"h\":1}", "{\"bag\":{\"g\":2}}"),
    DOWN("{\"g\":2}", "{\"g\":1}", "{\"bag\":{\"h\":1},\"g\":{\"a\":1}}"))
