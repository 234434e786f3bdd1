/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open sets: the members of an object that have no meaning there.
 */
#include "tests/translators/compose/rows.h"

#define UP(...)    .up = {__VA_ARGS__}
#define DOWN(...)  .down = {__VA_ARGS__}
#define STEPS(...) .changes = {__VA_ARGS__}

ROW(a_set_that_only_the_newer_version_has,
    STEPS("T: {map: {a: bag/a, \"bag/b\": c}, add: {\"bag/*\": {write: lose}}}",
          "T: {map: {k: l}}"),
    UP("{\"a\":1,\"k\":2}", "{\"a\":1,\"bag\":{\"b\":1}}",
       "{\"bag\":{\"x\":1}}", "{\"bag\":{\"x\":{},\"y\":[]}}",
       "{\"bag\":{\"b\":2,\"x\":{\"y\":1}},\"a\":3}", "{\"bag\":5}",
       "{\"bag\":{\"x\":{},\"x\":{}}}", "{\"bag\":{\"a\":1}}"),
    DOWN("{\"bag\":{\"a\":1,\"x\":2,\"y\":{\"z\":1}},\"l\":1}",
         "{\"bag\":{\"x\":2}}", "{\"bag\":{}}", "{\"bag\":[1]}",
         "{\"c\":1,\"bag\":{\"x\":1,\"x\":2}}", "{\"bag\":{\"b\":1}}",
         "{\"l\":1,\"bag\":{\"\\u0061\":1,\"\\u0078\":1}}"))

ROW(a_set_of_the_object_itself,
    STEPS("T: {map: {a: b}, drop: {\"*\": {down: absent, write: ignore, "
          "except: [id]}}}",
          "T: {map: {b: c}}"),
    UP("{\"a\":1,\"x\":2,\"id\":3}", "{\"b\":1}", "{\"x\":{},\"y\":[]}",
       "{\"x\":1,\"x\":1}"),
    DOWN("{\"c\":1,\"id\":2}", "{\"c\":1,\"x\":2}", "{\"c\":1,\"x\":{}}"))

ROW(a_set_and_then_one_of_its_names,
    STEPS("T: {add: {\"bag/*\": {write: lose}}}",
          "T: {map: {bag/x: y, bag/z: bag/w}}"),
    UP("{\"bag\":{\"x\":1}}", "{\"bag\":{\"x\":{}}}", "{\"bag\":{}}",
       "{\"bag\":{\"v\":{}}}", "{\"bag\":{\"w\":[]}}"),
    DOWN("{\"bag\":{\"v\":1,\"w\":2},\"y\":3}", "{\"bag\":{\"w\":2}}",
         "{\"y\":3}", "{\"bag\":{\"x\":1}}", "{\"bag\":{\"x\":1,\"v\":2}}"))

ROW(a_name_and_then_a_set_that_sweeps_it,
    STEPS("T: {map: {bag/x: bag/y, c: bag/d}}",
          "T: {drop: {\"bag/*\": {down: absent, write: ignore}}}",
          "T: {map: {k: l}}"),
    UP("{\"bag\":{\"x\":1,\"v\":2},\"c\":3}", "{\"c\":3}",
       "{\"bag\":{\"y\":1}}", "{\"bag\":{\"v\":1}}", "{\"bag\":{}}"),
    DOWN("{\"bag\":{\"y\":1}}", "{\"bag\":{\"d\":1,\"v\":{}}}",
         "{\"bag\":{\"v\":{}}}", "{\"l\":1}"))

ROW(what_goes_was_a_set_before_and_may_be_a_list,
    STEPS("T: {map: {b: {to: g, as: one <> list, rest: lose}, a: b/c/a}}",
          "T: {drop: {\"b/*\": {down: absent, write: ignore}}}"),
    UP("{\"a\":1,\"b\":2}", "{\"b\":{\"c\":1}}"),
    DOWN("{\"b\":[{\"x\":1}]}", "{\"b\":{\"x\":1,\"c\":{\"a\":1}}}",
         "{\"b\":{\"c\":{}}}", "{\"g\":[1],\"b\":{}}"))

ROW(sets_of_cases,
    STEPS(
        "T: {cases: [{both: {k: p}, map: {a: bag/a}, add: {\"bag/*\": {write: "
        "lose}}}, {both: {k: q}, map: {b: bag/b}, add: {\"bag/*\": {write: "
        "lose}}}]}"),
    UP("{\"k\":\"p\",\"a\":1}", "{\"k\":\"q\",\"a\":1,\"b\":2}",
       "{\"k\":\"r\",\"bag\":{\"x\":1}}", "{\"bag\":{\"x\":1},\"k\":\"p\"}"),
    DOWN("{\"k\":\"p\",\"bag\":{\"a\":1,\"x\":2,\"y\":3}}",
         "{\"k\":\"q\",\"bag\":{\"a\":1,\"b\":2}}",
         "{\"bag\":{\"a\":1,\"x\":2},\"k\":\"r\"}",
         "{\"bag\":{\"a\":1,\"x\":2},\"k\":\"q\"}"))
