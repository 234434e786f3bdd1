/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of SEMANTICS.md's table of compositions that turn a list into a map or a map
 * into a list.
 */
#include "tests/translators/compose/rows.h"

#define UP(...)    .up = {__VA_ARGS__}
#define DOWN(...)  .down = {__VA_ARGS__}
#define STEPS(...) .changes = {__VA_ARGS__}

ROW(a_list_as_a_map, STEPS("T: {map: {l: {to: m, as: list(k) <> map}}}"),
    UP("{\"l\":[{\"k\":\"p\",\"v\":1},{\"v\":2,\"k\":\"q\"}]}",
       "{\"l\":[{\"k\":\"p\"},{\"k\":\"p\"}]}", "{\"l\":[{\"k\":1}]}",
       "{\"l\":[{\"v\":1}]}", "{\"l\":[3]}", "{\"l\":null}", "{\"l\":{}}",
       "{\"l\":[]}", "{\"l\":[{\"k\":\"p\",\"k\":1}]}", "{\"m\":{}}",
       "{\"l\":[{\"k\":\"\\ud800\"}]}"),
    DOWN("{\"m\":{\"p\":{\"v\":1},\"q\":{}}}", "{\"m\":{\"p\":{\"k\":1}}}",
         "{\"m\":{\"p\":1}}", "{\"m\":{}}", "{\"m\":null}", "{\"m\":[]}",
         "{\"m\":{\"p\":{},\"p\":{}}}", "{\"m\":{\"p\":{\"a\":1,\"b\":[]}}}"))

ROW(a_list_as_a_map_and_its_elements_change,
    STEPS("T: {map: {l: {to: m, as: list(k) <> map}}}",
          "T: {map: {\"m/*/a\": {to: \"m/*/b\", enum: {p: q}}}}"),
    UP("{\"l\":[{\"k\":\"p\",\"a\":\"p\"},{\"a\":1,\"k\":\"q\"},{\"k\":\"r\"}]"
       "}",
       "{\"l\":[{\"k\":\"p\",\"b\":1}]}",
       "{\"l\":[{\"k\":\"p\"},{\"k\":\"p\"}]}"),
    DOWN("{\"m\":{\"p\":{\"b\":\"q\"},\"q\":{\"z\":1}}}",
         "{\"m\":{\"p\":{\"a\":1}}}", "{\"m\":{\"p\":{\"k\":1}}}"))

ROW(elements_change_and_then_their_list_is_a_map,
    STEPS("T: {map: {\"l/*/a\": \"l/*/k\", \"l/*/c\": \"l/*/x/c\"}}",
          "T: {map: {l: {to: m, as: list(k) <> map}}}"),
    UP("{\"l\":[{\"a\":\"p\",\"c\":1},{\"a\":\"q\"}]}", "{\"l\":[{\"k\":1}]}",
       "{\"l\":[{\"a\":\"p\"},{\"a\":\"p\"}]}", "{\"l\":[{}]}", "{\"l\":3}"),
    DOWN("{\"m\":{\"p\":{\"x\":{\"c\":1}},\"q\":{}}}",
         "{\"m\":{\"p\":{\"x\":1}}}", "{\"m\":{\"p\":{\"k\":1}}}"))

ROW(a_list_as_a_map_and_a_known_key_of_it,
    STEPS("T: {map: {l: {to: m, as: list(k) <> map}}}",
          "T: {map: {m/p: q, m/r: m/s}}"),
    UP("{\"l\":[{\"k\":\"p\",\"v\":1},{\"k\":\"r\"},{\"k\":\"t\"}]}",
       "{\"l\":[{\"k\":\"p\",\"v\":1}]}", "{\"l\":[{\"k\":\"s\"}]}",
       "{\"l\":[{\"k\":\"r\"},{\"k\":\"s\"}]}",
       "{\"l\":[{\"k\":\"p\"},{\"k\":\"p\"}]}", "{\"l\":[]}",
       "{\"q\":1,\"l\":[{\"k\":\"z\"}]}", "{\"l\":null}",
       "{\"l\":[{\"k\":\"p\"},{\"k\":\"r\"}]}"),
    DOWN("{\"q\":{\"v\":1},\"m\":{\"z\":{},\"s\":{\"a\":1}}}", "{\"q\":{}}",
         "{\"q\":1}", "{\"m\":{\"p\":{}}}", "{\"m\":{\"r\":{}}}",
         "{\"q\":{\"k\":1}}", "{\"m\":null}", "{\"m\":null,\"q\":{}}",
         "{\"m\":{}}"))

ROW(a_list_as_a_map_and_a_known_key_that_goes,
    STEPS("T: {map: {l: {to: m, as: list(k) <> map}}}",
          "T: {drop: {m/p: {down: {value: {v: 1}}, write: ignore}}}"),
    UP("{\"l\":[{\"k\":\"p\",\"v\":1},{\"k\":\"r\"}]}",
       "{\"l\":[{\"k\":\"p\"}]}", "{\"l\":[{\"k\":\"p\",\"v\":2}]}", "{}"),
    DOWN("{\"m\":{\"r\":{}}}", "{\"m\":{\"p\":{}}}", "{}"))

ROW(a_list_as_a_map_as_a_list,
    STEPS("T: {map: {l: {to: m, as: list(k) <> map}}}",
          "T: {map: {m: {to: n, as: map <> list(id)}}}"),
    UP("{\"l\":[{\"k\":\"p\",\"v\":1},{\"k\":\"q\",\"id\":1}]}",
       "{\"l\":[{\"k\":\"p\",\"v\":1},{\"v\":2,\"k\":\"q\"}]}",
       "{\"l\":[{\"k\":\"p\"},{\"k\":\"p\"}]}", "{\"l\":[1]}", "{\"l\":[{}]}"),
    DOWN("{\"n\":[{\"id\":\"p\",\"v\":1},{\"k\":1,\"id\":\"q\"}]}",
         "{\"n\":[{\"id\":\"p\",\"v\":1},{\"a\":1,\"id\":\"q\"}]}",
         "{\"n\":[{\"id\":\"p\"},{\"id\":\"p\"}]}", "{\"n\":[{\"id\":2}]}"))

ROW(a_map_as_a_list_as_a_map,
    STEPS("T: {map: {m: {to: n, as: map <> list(id)}}}",
          "T: {map: {\"n/*/id\": \"n/*/k\"}}",
          "T: {map: {n: {to: m, as: list(k) <> map}}}"),
    UP("{\"m\":{\"p\":{\"a\":1},\"q\":{}}}", "{\"m\":{\"p\":{\"id\":1}}}",
       "{\"m\":{\"p\":{\"k\":1}}}", "{\"m\":{\"p\":{}}}", "{\"m\":{}}"),
    DOWN("{\"m\":{\"p\":{}}}", "{\"m\":{\"q\":{\"id\":1}}}",
         "{\"m\":{\"q\":{\"k\":1}}}"))

ROW(a_map_as_a_list_as_a_map_and_a_known_key_of_it,
    STEPS("T: {map: {m: {to: n, as: map <> list(id)}}}",
          "T: {map: {n: {to: m, as: list(id) <> map}}}", "T: {map: {m/p: z}}"),
    UP("{\"m\":{\"p\":{\"a\":1},\"q\":{}}}", "{\"m\":{\"p\":{\"id\":1}}}",
       "{\"m\":{\"p\":{\"k\":1}}}", "{\"m\":{\"p\":{}}}", "{\"m\":{}}"))

ROW(every_element_and_one_by_its_key,
    STEPS("T: {map: {l: {to: m, as: list(k) <> map}}}",
          "T: {map: {m/p: z, \"m/*/a\": \"m/*/b\"}}"),
    UP("{\"l\":[{\"k\":\"q\",\"a\":1}]}"), .again = true)

ROW(a_map_of_one_value_each,
    STEPS("T: {map: {l: {to: m, as: list(k) <> map(v), rest: lose}}}",
          "T: {map: {m: x/m}}"),
    UP("{\"l\":[{\"k\":\"p\",\"v\":1},{\"k\":\"q\",\"v\":{\"a\":1},\"w\":1}]}",
       "{\"l\":[{\"k\":\"p\"}]}", "{\"l\":[{\"v\":\"p\",\"k\":\"v\"}]}"),
    DOWN("{\"x\":{\"m\":{\"p\":1,\"q\":[1]}}}", "{\"x\":{\"m\":{}}}"))

ROW(a_map_of_whole_elements,
    STEPS("T: {map: {l: {to: m, as: list(a/k) <> map(.)}}}",
          "T: {map: {\"m/*/a/k\": \"m/*/id\"}}"),
    UP("{\"l\":[{\"a\":{\"k\":\"p\"},\"v\":1}]}", "{\"l\":[{\"a\":{\"k\":1}}]}",
       "{\"l\":[{\"a\":1}]}",
       "{\"l\":[{\"a\":{\"k\":\"p\"}},{\"a\":{\"k\":\"p\"}}]}"),
    DOWN("{\"m\":{\"p\":{\"id\":\"p\"}}}", "{\"m\":{\"p\":{\"id\":\"q\"}}}",
         "{\"m\":{\"p\":{}}}", "{\"m\":{\"p\":{\"id\":1}}}",
         "{\"m\":{\"p\":1}}"))

ROW(a_list_of_names_as_a_map_of_one_value,
    STEPS("T: {map: {l: {to: m, as: list(.) <> map, value: {on: true}}}}",
          "T: {map: {m: n}}"),
    UP("{\"l\":[\"a\",\"b\"]}", "{\"l\":[\"a\",\"a\"]}", "{\"l\":[1]}",
       "{\"l\":[]}"),
    DOWN("{\"n\":{\"a\":{\"on\":true},\"b\":{\"on\":true}}}",
         "{\"n\":{\"a\":{\"on\":false}}}", "{\"n\":{}}"),
    .unlowered = true)

ROW(objects_of_a_type_in_what_waits,
    .types = "T: {at: \"* /t\"}\nU: {at: \"w/l/* of T\"}\n",
    STEPS("T: {map: {w/c: {absent: {older: {from: z}}}}}\n"
          "U: {map: {a: b}, drop: {d: {down: 1, write: ignore}}}",
          "U: {map: {b: {to: c, enum: {p: q}}}}"),
    UP("{\"z\":5,\"w\":{\"l\":[{\"a\":1,\"d\":2},{\"a\":\"p\",\"d\":1},3]}}",
       "{\"w\":{\"c\":1,\"l\":[{\"a\":1,\"b\":2}]}}",
       "{\"w\":{\"l\":[{\"x\":{},\"a\":1,\"a\":2}]},\"z\":1}", "{\"z\":1}",
       "{\"w\":{\"l\":[{\"d\":[]},{\"y\":[1],\"d\":{}}],\"k\":1},\"z\":{}}",
       "{\"w\":{\"l\":{\"m\":{\"a\":1}}},\"z\":1}"),
    DOWN("{\"w\":{\"c\":1,\"l\":[{\"c\":\"q\"},{}]},\"z\":2}", "{}",
         "{\"w\":{\"l\":[{\"a\":1}]}}"))

ROW(doubles_of_which_the_first_stays,
    STEPS("T: {map: {l: {to: m, as: list(k) <> map, double: first}}}",
          "T: {map: {\"m/*/a\": \"m/*/b\"}}"),
    UP("{\"l\":[{\"k\":\"p\",\"a\":1},{\"k\":\"p\",\"a\":2},{\"k\":\"q\"},{"
       "\"k\":\"p\"}]}",
       "{\"l\":[{\"k\":\"p\"}]}"),
    DOWN("{\"m\":{\"p\":{\"b\":1}}}"))

ROW(types_in_a_list_that_becomes_a_map,
    .types = "T: {at: \"* /t\"}\nU: {at: \"m/* of T\"}\n",
    STEPS("T: {map: {l: {to: m, as: list(k) <> map}}}\nU: {map: {a: b}}",
          "U: {map: {b: {to: c, enum: {p: q}}}}"),
    UP("{\"l\":[{\"k\":\"p\",\"a\":\"p\"},{\"k\":\"q\",\"b\":1}]}",
       "{\"l\":[{\"k\":\"p\",\"a\":\"p\"},{\"a\":2,\"k\":\"q\"}]}"),
    DOWN("{\"m\":{\"p\":{\"c\":\"q\"},\"r\":{\"z\":1}}}",
         "{\"m\":{\"p\":{\"a\":\"q\"}}}"))

ROW(an_element_becomes_an_object_and_moves_in_it,
    STEPS("T: {map: {\"l/*\": {to: \"l/*/e\", rest: lose}}}",
          "T: {map: {\"l/*/e\": \"m/*/x/f\", l: m}}"),
    UP("{\"l\":[\"a\",{\"e\":1},null,[]]}", "{\"l\":[]}", "{\"l\":3}",
       "{\"l\":{\"k\":1}}", "{\"m\":1}"),
    DOWN("{\"m\":[{\"x\":{\"f\":1}},{\"x\":{\"f\":1,\"g\":1},\"h\":1},{\"x\":{}"
         "},3,{}]}",
         "{\"m\":[{\"x\":{\"f\":\"a\"}}]}", "{\"m\":[]}",
         "{\"m\":{\"k\":{\"x\":{\"f\":1}}}}"))

ROW(elements_that_a_drop_empties_go,
    STEPS("T: {drop: {\"l/*/a\": {down: absent, write: ignore}}}",
          "T: {map: {l: m}}"),
    UP("{\"l\":[{\"a\":1},{\"a\":1,\"b\":2},{},{\"b\":1}]}",
       "{\"l\":[{\"a\":1}]}", "{\"l\":[{\"a\":1},{\"a\":2}]}", "{\"l\":[]}",
       "{\"l\":{\"k\":{\"a\":1}}}", "{\"l\":[{}]}", "{\"l\":[1]}"),
    DOWN("{\"m\":[{\"a\":1},{}]}", "{\"m\":[]}"))

ROW(elements_and_their_list_and_its_host_that_are_emptied_go,
    STEPS("T: {drop: {\"x/l/*/h/*/a\": {down: absent, write: ignore}}}",
          "T: {map: {x: y}}"),
    UP("{\"x\":{\"l\":[{\"h\":[{\"a\":1}]}]}}",
       "{\"x\":{\"l\":[{\"h\":[{\"a\":1}]}],\"z\":1}}",
       "{\"x\":{\"l\":[{\"h\":[{\"a\":1},{}]},{\"h\":[{\"a\":1}]}]}}",
       "{\"x\":{\"l\":[]}}", "{\"x\":{\"l\":[{\"h\":[]}]}}",
       "{\"x\":{\"l\":[{\"h\":[{\"a\":1}],\"b\":1}]}}"),
    DOWN("{\"y\":{\"l\":[{\"h\":[{\"a\":1}]}]}}"))

ROW(how_many_there_are_is_asked_of_the_list_as_it_then_stands,
    STEPS("T: {map: {a: b}, add: {n: {up: {count: l}, write: lose}, m: {up: "
          "{count: o, else: 0}, write: lose}}}",
          "T: {map: {n: x/n, l: {as: one <> list, rest: lose}}, add: {p: {up: "
          "{count: l, else: none}, write: lose}}}"),
    UP("{\"a\":1,\"l\":[1,{},[]]}", "{\"l\":[]}", "{\"l\":{\"a\":1,\"b\":2}}",
       "{\"l\":{}}", "{\"l\":7}", "{\"o\":{\"k\":1},\"l\":null}", "{}",
       "{\"n\":3,\"l\":[1]}", "{\"o\":[1,2],\"x\":{\"k\":1}}"),
    DOWN("{\"b\":1,\"x\":{\"n\":2},\"l\":[1],\"p\":1,\"m\":0}",
         "{\"l\":[[1,2]]}", "{\"l\":[]}"))

ROW(elements_that_were_hidden_or_moved_are_not_counted,
    STEPS("T: {map: {\"l/*/a\": {to: \"l/*/b\", enum: {p: q}, other: fail, "
          "hide: drop}}}",
          "T: {add: {n: {up: {count: l}, write: lose}}}"),
    UP("{\"l\":[{\"a\":\"p\"},{\"a\":1},{}]}", "{\"l\":[]}", "{\"l\":[1]}",
       "{\"l\":3}"),
    DOWN("{\"l\":[{\"b\":\"q\"}],\"n\":1}"))

ROW(elements_of_a_type_are_counted,
    .types = "T: {at: \"* /t\"}\nU: {at: \"l/* of T\"}\n",
    STEPS("T: {map: {a: b}}\nU: {map: {k: x/k}}",
          "T: {add: {n: {up: {count: l}, write: lose}}}\nU: {map: {x: y}}"),
    UP("{\"a\":1,\"l\":[{\"k\":[1]},{\"s\":1},5]}", "{\"l\":[{\"k\":3}]}",
       "{\"l\":[]}", "{\"l\":2}"),
    DOWN("{\"b\":1,\"n\":4,\"l\":[{\"s\":1,\"y\":{\"k\":1}}]}"))

ROW(what_is_counted_may_be_asked,
    STEPS("T: {add: {n: {up: {count: l}, write: lose}}}",
          "T: {map: {n: {enum: {0: none, 1: one}, other: pass}}}",
          "T: {map: {a: {to: z, when: {n: none}}}}"),
    UP("{\"a\":1,\"l\":[1]}", "{\"a\":1,\"l\":[]}", "{\"a\":1}",
       "{\"a\":1,\"l\":[1,2]}", "{\"a\":1,\"z\":2,\"l\":[]}"),
    DOWN("{\"z\":1,\"n\":\"none\",\"l\":[]}", "{\"a\":1,\"n\":1}"))

ROW(symbols_that_become_one_are_there_once,
    STEPS("T: {map: {l/*: {enum: {js: jts, ts: jts, \"\": null}, double: "
          "drop}}}",
          "T: {map: {l/*: {to: m/*, enum: {jts: web}}, l: m}}"),
    UP("{\"l\":[\"js\",\"ts\",\"go\"]}",
       "{\"l\":[\"ts\",\"go\",\"js\",\"ts\",\"js\"]}",
       "{\"l\":[\"js\",\"js\"]}", "{\"l\":[\"jts\",\"js\"]}",
       "{\"l\":[null,\"\",{\"a\":1},{\"a\":1}]}",
       "{\"l\":{\"a\":\"js\",\"b\":\"ts\"}}", "{\"l\":\"js\"}", "{\"l\":[]}"),
    DOWN("{\"m\":[\"web\",\"jts\",\"go\",\"web\"]}", "{\"m\":[\"js\",\"web\"]}",
         "{\"m\":[null,\"\"]}"))
