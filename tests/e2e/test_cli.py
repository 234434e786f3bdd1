# SPDX-License-Identifier: Apache-2.0
"""The command line: what each command prints, where it prints it, and with which code it exits."""
import fcntl
import json
import os
import re
import shutil
import struct
import subprocess
import termios

from peers import answering, message
from stile import Stile

OK, REFUSED, USAGE, UNKNOWN = 0, 1, 2, 3
COMMANDS = ("run", "check", "translate", "plan", "explain", "shadow", "weight", "endpoint", "rollout", "audit", "snapshot", "status", "top", "reload", "token",
            "dev-cert", "version")

V1 = {"id": "o-1", "customer": "42", "ship_name": "Ada", "ship_phone": "555", "created": 1767607200, "status": "open", "note": "ring",
      "tags": ["rush"], "total_cents": 1299, "currency": "EUR", "coupon": "SPRING", "labels": "{\"gift\":true}",
      "delivery": {"window_s": 3600}, "source": "tok", "payments": [{"kind": "card", "last4": "4242"}, {"kind": "transfer", "iban": "DE"}],
      "lines": [{"sku": "A-1", "quantity": 2}, {"sku": "B", "kind": "gift", "code": "G"}], "own": {"x": [1.0, {}]}}
V2 = {"id": "o-1", "customer_id": "cus_42", "shipping": {"name": "Ada", "phone": "555"}, "created_at": "2026-01-05T10:00:00Z",
      "status": "pending", "notes": ["ring"], "tags": ["urgent"], "total_cents": 1299, "currency": "EUR", "coupon": "SPRING",
      "labels": "{\"gift\":true}", "delivery": {"window_s": 3600}, "source": "tok",
      "payments": [{"kind": "card", "last4": "4242"}, {"kind": "transfer", "iban": "DE"}],
      "lines": [{"sku": {"code": "A-1"}, "quantity": 2}, {"sku": {"code": "B"}, "kind": "gift", "code": "G"}], "own": {"x": [1.0, {}]},
      "express": False, "channel": "api", "capture": True}
V3 = {"id": "o-1", "customer_id": "cus_42", "shipping": {"name": "Ada", "phone": "555"}, "created_at": "2026-01-05T10:00:00Z",
      "status": "pending", "notes": ["ring"], "tags": ["urgent"], "amounts": {"total": "12.99", "currency": "EUR"},
      "discounts": [{"coupon": "SPRING"}], "metadata": {"gift": True}, "delivery_window": "PT1H", "source": {"type": "token", "id": "tok"},
      "payments": [{"type": "card", "card": {"last4": "4242"}}, {"type": "bank_transfer", "bank": {"iban": "DE"}}],
      "lines": [{"sku": {"code": "A-1"}, "quantity": 2}, {"sku": {"code": "B"}, "kind": "gift", "gift": {"code": "G"}}],
      "own": {"x": [1.0, {}]}, "express": False, "channel": "api", "capture": True, "gift_wrap": None, "title": "order o-1 of cus_42",
      "line_count": 2, "contact": "555"}


def run(t, *words, code=OK, stdin=None):
    done = t.command(t.build / "stile", *words, stdin=stdin)
    assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
    return done


def shop(t):
    return t.source / "config/examples/shop"


# ── words ──


def test_every_command_teaches_itself_and_names_its_options(t):
    text = run(t, "--help").stdout
    for command in COMMANDS:
        assert re.search(rf"^  {command} +\S", text, re.M), command
        help_ = run(t, command, "--help").stdout
        assert help_.startswith(f"usage: stile {command}") and run(t, command, "-h").stdout == help_, command
        source = (t.source / f"proxy/cli/cmd_{command.replace('-', '_')}.c").read_text().split("\ncmd_loader(")[0]
        names = set(re.findall(r'OPTION_[A-Z]+,\s+"([a-z-]+)"', source)) | ({"socket", "json"} if "ASK_OPTIONS" in source else set())
        assert names or command == "version", command
        for name in names:
            assert f"--{name}" in help_, (command, name)
    for code in range(4):
        assert re.search(rf"^  {code}  \S", text, re.M), f"exit code {code} is not told"


def test_wrong_words_are_2_and_say_what_is_near(t):
    assert "did you mean `status`" in run(t, "statsu", code=USAGE).stderr
    assert "stile --help" in run(t, "frobnicate", code=USAGE).stderr
    assert "stile --help" in run(t, code=USAGE).stderr
    for words, says in ((("check", "--jsn"), "--json"), (("translate", "--api"), "needs FOLDER"), (("check", "a", "b"), "one FILE"),
                        (("translate", "-f", "v1"), "translate --help"), (("plan", "shop", "v1"), "plan --help"), (("run", "stile.yaml"), "--config"), (("weight", "a", "1%", "b"), "ROUTE"),
                        (("endpoint", "drain", "b"), "drain POOL ENDPOINT"), (("endpoint", "drain", "b", "http://x"), "--reason"),
                        (("version", "--json=yes"), "no value"), (("explain",), "REQUEST-ID"), (("dev-cert",), "FOLDER"), (("loader",), "stile run")):
        assert says in run(t, *words, code=USAGE).stderr, words


def test_the_version_is_told_three_ways(t):
    text = run(t, "version").stdout
    assert re.match(r"stile \d+\.\d+\.\d+ \(\w+", text) and run(t, "--version").stdout == text
    told = json.loads(run(t, "version", "--json").stdout)
    assert told["version"] in text and told["compiler"] in text


def test_without_a_daemon_the_answer_is_3_and_says_so(t):
    for words in (("status",), ("weight",), ("weight", "orders", "1%", "--reason", "x"), ("endpoint",), ("endpoint", "drain", "b", "http://x", "--reason", "x"),
                  ("reload",), ("explain", "abc")):
        done = run(t, *words, "--socket", t.folder / "none.sock", code=UNKNOWN)
        assert "is Stile running" in done.stderr and not done.stdout, (words, done)


def test_an_output_that_cannot_be_written_is_no_success(t):
    done = t.command("sh", "-c", f"{t.build / 'stile'} version >/dev/full")
    assert done.returncode == REFUSED and "cannot write" in done.stderr, done


# ── check ──


def test_the_examples_are_well_and_say_what_they_keep(t):
    for name in ("shop", "github", "kubernetes/ingress", "kubernetes/hpa"):
        folder = t.source / "config/examples" / name
        assert run(t, "check", folder).stdout.splitlines()[-1] == "ok", name
        told = json.loads(run(t, "check", "--json", folder).stdout)
        assert told["ok"] and told["problems"] == [] and told["apis"][0]["pairs"], name
    for name in ("shop", "github", "kubernetes"):
        assert run(t, "check", t.source / "config/examples" / name / "stile.yaml").stdout.splitlines()[-1] == "ok", name
    pairs = {(p["type"], p["older"], p["newer"]): p for p in json.loads(run(t, "check", "--json", shop(t)).stdout)["apis"][0]["pairs"]}
    order = pairs["Order", "v1", "v2"]
    assert "shipping/name" in order["reserved"]["older"] and "ship_name" in order["reserved"]["newer"]
    changes = {c["change"]: c for c in json.loads(run(t, "check", "--json", shop(t)).stdout)["apis"][0]["changes"]}
    assert changes["customer-ref"]["claims"] == changes["customer-ref"]["holds"] == "read" and not changes["customer-ref"]["unused"]
    assert order["guarantee"] == "read" and {"what": "channel", "kind": "writing a whole document erases", "file": "changes/1-customer.yaml",
                                             "line": 20} in order["losses"], order


# ── plan ──


def test_a_plan_says_what_becomes_of_a_type_there_and_back(t):
    text = run(t, "plan", shop(t), "--type", "Order", "v1", "v2").stdout
    there, back = text.split("\n\n")
    assert re.match(r"Order  v1 -> v2: [^\n]+; MessagePack: [^\n]+\nstate 0: Order, v1 to v2, class D", there) and back.startswith("Order  v2 -> v1: "), text
    for line in (r"^  shipping/name +ship_name  last, by customer-ref$", r"^  capture +true  last, by states  when capture is not there$",
                 r"^  lines/\* +lines/\*  through state 1$", r"^  tell defaulted .*changes/1-states.yaml:15$", r"^state 2: Payment, v1 to v2, class S$"):
        assert re.search(line, there, re.M), line
    assert "again" not in text


SORTED = {
    "api.yaml": "api: c\nversions: {v1: {}, v2: {}}\ndetect: [{header: V}]\nmissing: v1\nunknown: refuse\n"
                "types: {Order: {at: POST /orders}, Line: {at: \"lines/* of Order\"}}\n",
    "changes/1.yaml": "change: c\nfrom: v1\nto: v2\nmanifest: {title: t, owner: o, guarantee: none}\n"
                      "Order: {map: {a: b}}\nLine: {map: {z: {order: by k}}, add: {n: {up: {count: parts}, write: lose}}}\n"}


def write_sorted(t):
    for name, text in SORTED.items():
        (t.folder / "c" / name).parent.mkdir(parents=True, exist_ok=True)
        (t.folder / "c" / name).write_text(text)


def test_a_plan_names_what_does_not_compose(t):
    write_sorted(t)
    text = run(t, "plan", t.folder / "c", "--type", "Line", "v1", "v2").stdout
    assert re.search(r"^  again +\S.*changes/\S+:\d+$", text, re.M) and "one after another" in text


def test_values_that_go_through_the_versions_by_themselves_are_named_with_what_is_held_and_why(t):
    write_sorted(t)
    plan = ("plan", t.folder / "c", "--type", "Order", "v1", "v2")
    held = r"one pass, nothing else need be held; holds each `lines/\*`, which goes through the versions one after another \(.+, changes/1.yaml:6\)"
    assert re.match("Order  v1 -> v2: " + held, run(t, *plan).stdout)
    there = json.loads(run(t, *plan, "--json").stdout)[0]
    again = there["again"][0]
    assert there["class"] == "B" and (again["place"], again["type"], again["from"], again["to"]) == ("lines/*", "Line", "v1", "v2"), there
    assert again["why"] and again["line"] == 6, again
    assert re.search(held, run(t, "check", t.folder / "c").stdout)
    pairs = {p["type"]: p for p in json.loads(run(t, "check", "--json", t.folder / "c").stdout)["apis"][0]["pairs"]}
    assert pairs["Order"]["class"] == "B" and pairs["Order"]["held"] == "lines/*", pairs


def test_a_plan_is_told_as_json(t):
    there, back = json.loads(run(t, "plan", shop(t), "--type", "Line", "v1", "v2", "--json").stdout)
    assert (there["type"], there["from"], there["to"], there["class"], there["again"]) == ("Line", "v1", "v2", "D", []), there
    assert there["messagepack"] == "held until it ends", there
    assert (back["from"], back["to"]) == ("v2", "v1") and back["program"][0].startswith("state 0: Line"), back


def test_a_plan_of_what_is_not_there_says_what_is(t):
    assert "it has v1 v2 v2a v3" in run(t, "plan", shop(t), "--type", "Order", "v1", "v9", code=USAGE).stderr
    assert "it has Order" in run(t, "plan", shop(t), "--type", "Ordr", "v1", "v2", code=USAGE).stderr
    assert "from v1 to itself" in run(t, "plan", shop(t), "--type", "Order", "v1", "v1", code=USAGE).stderr
    assert run(t, "plan", t.folder / "none", "--type", "Order", "v1", "v2", code=REFUSED).stderr


def test_check_says_what_a_pass_holds(t):
    text = run(t, "check", shop(t)).stdout
    assert "  1 arrow, down: one pass, holds `sku/code` until its object ends; up: one pass, holds `sku` until its object ends" in text
    pairs = {(p["type"], p["older"], p["newer"]): p for p in json.loads(run(t, "check", "--json", shop(t)).stdout)["apis"][0]["pairs"]}
    assert pairs["Line", "v1", "v2"]["class"] == "D" and "holds" in pairs["Line", "v1", "v2"]["cost"]
    assert "; MessagePack: held until it ends; guarantee" in text
    assert pairs["Line", "v1", "v2"]["messagepack"], pairs


BROKEN = """listen:
  - {at: "127.0.0.1:8080"}
  - {at: "127.0.0.1:8443", tls: {certs: [{chain: none.pem, key: none.key}]}}
  - {at: nowhere}
workers: many
stat: state
apis: {shop: shop}
pools:
  blue: {api: shop, version: v2, endpoints: ["http://127.0.0.1:9001"]}
  green: {api: shap, version: v3, endpoints: ["ftp://127.0.0.1:9001"]}
  empty: {endpoints: []}
routes:
  - {name: b, match: {path: "/**"}, pool: bleu, timeouts: {connect: soon}}
  - {name: b, match: {path: "/*/c"}, pool: blue, subject: ["header:X"], canary: {pool: green, weight: 12, salt: s}}
limits: {head: 10s, hed: 1s, json_depth: -1}
"""
# where the finding points, in BROKEN, and words of it
FINDINGS = [("{chain", 0, "none.pem: No such file"), ("nowhere", 0, "127.0.0.1:8080"), ("many", 0, "whole number"), ("stat:", 0, "did you mean `state`"),
            ("shap", 0, "did you mean `shop`"), ('"ftp', 0, "http://"), ("[]", 0, "at least one endpoint"), ("bleu", 0, "did you mean `blue`"),
            ("soon", 0, "15s"), ("b, match", 1, "two routes named `b`"), ("12,", 0, "12.5%"), ("hed", 0, "did you mean `head`"), ("-1", 0, "64KiB")]

API = """api: shop
versions: {v1: {}, v2: {}, v3: {}}
detect: [{header: Api-Version}]
missing: v1
unknown: refuse
types:
  Order: {at: "* /orders/{id}"}
"""
CHANGE = "change: one\nfrom: v1\nto: v2\nmanifest: {title: x, owner: y, guarantee: none}\nOrder:\n  map:\n"


def position(text, words, nth):
    """Line and column, from 1, of the n-th of these words."""
    at = -1
    for _ in range(nth + 1):
        at = text.index(words, at + 1)
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def test_every_finding_is_listed_with_its_place_and_a_remedy(t):
    t.write("shop/api.yaml", API)
    change = CHANGE + "    a: b\n    c: b\n    d: {to: e, as: minor(2) <> rfc3339}\n    f: {to: g, renaime: 1}\n"
    t.write("shop/changes/1.yaml", change)
    path = t.write("stile.yaml", BROKEN)
    told = json.loads(run(t, "check", "--json", path, code=REFUSED).stdout)
    found = {(p["file"].rsplit("/", 1)[-1], p["line"], p["column"]): p["text"] + "; " + p["remedy"] for p in told["problems"]}
    wanted = [("stile.yaml", *position(BROKEN, words, nth), says) for words, nth, says in FINDINGS]
    wanted += [("1.yaml", *position(change, words, nth), says)
               for words, nth, says in (("c: b", 0, "1.yaml:7:5"), ("minor", 0, "rfc3339"), ("renaime", 0, "`rest`"))]
    for file, line, column, says in wanted:
        assert says in found.get((file, line, column), ""), (file, line, column, says, found)
    assert told["ok"] is False and told["total"] == len(told["problems"]) == len(wanted), found.keys() - {w[:3] for w in wanted}
    text = run(t, "check", path, code=REFUSED).stdout
    for p in told["problems"]:
        assert f'{p["file"]}:{p["line"]}:{p["column"]}: {p["text"]}' in text, p
    assert text.splitlines()[-1] == f"{len(wanted)} problems"
    begin = t.start(t.build / "stile", "run", "--config", path, ok=(1,))
    assert begin.wait() == 1
    assert all(line in begin.text() for line in text.splitlines()[:-1]), "run says what check says"


def test_what_this_build_does_not_translate_is_refused_by_name(t):
    t.write("shop/api.yaml", API)
    for arrow, name in (("a: {to: b, patch: fail}", "`patch`"),):
        t.write("shop/changes/1.yaml", CHANGE + f"    {arrow}\n")
        text = run(t, "check", t.folder / "shop", code=REFUSED).stdout
        assert "changes/1.yaml:7:" in text and name in text and "this build" in text, (arrow, text)


def test_files_that_are_no_configuration_are_told_so(t):
    for text, says in (("listen:\n\t- x\n", ":2:1: "), ("listen: [\n", ":2:1: "), ("a: 1\na: 2\n", ":2:1: `a` is a key twice, first on line 1"),
                       ("", ":1:1: the file is empty"), ("a: &x 1\n", ":1:4: "), ("a: ~\n", ":1:4: "), ("a: 0x1F\n", ":1:4: ")):
        path = t.write("stile.yaml", text)
        assert f"stile.yaml{says}" in run(t, "check", path, code=REFUSED).stdout, text
    (t.folder / "stile.yaml").write_bytes(b"a: \xff\n")
    assert ":1:4: byte 0xff is not UTF-8" in run(t, "check", t.folder / "stile.yaml", code=REFUSED).stdout
    assert "No such file" in run(t, "check", t.folder / "none.yaml", code=REFUSED).stdout


def test_the_limits_are_printed_with_their_defaults(t):
    text = run(t, "check", "--defaults").stdout
    all_ = re.findall(r"X\((\w+), (\d+),", (t.source / "config/generation.h").read_text())
    assert len(all_) > 60
    for name, value in all_:
        assert re.search(rf"^(  |#   ){name}: +{value}  # ", text, re.M), name


# ── translate ──


def translate(t, from_, to, document, *words, api=None, code=OK):
    stdin = document if isinstance(document, str) else json.dumps(document)
    return run(t, "translate", "--api", api or shop(t), "--from", from_, "--to", to, *words, stdin=stdin, code=code)


def test_every_type_of_the_shop_comes_out_as_its_changes_say(t):
    cases = [("Order", "v1", "v2", V1, V2), ("Order", "v1", "v3", V1, V3), ("Order", "v3", "v1", V3, {**V1, "capture": True, "legacy_code": ""}),
             ("Order", "v2", "v1", V2, {**V1, "capture": True}), ("Order", "v2", "v3", V2, V3), ("Order", "v3", "v2", V3, {**V2, "legacy_code": ""}),
             ("Line", "v1", "v3", V1["lines"][1], V3["lines"][1]), ("Line", "v3", "v1", V3["lines"][1], V1["lines"][1]),
             ("Payment", "v1", "v3", V1["payments"][1], V3["payments"][1]), ("Payment", "v3", "v1", V3["payments"][0], V1["payments"][0]),
             ("Error", "v1", "v3", {"msg": "m", "code": 7}, {"message": "m", "code": 7}), ("Error", "v3", "v1", {"message": "m"}, {"msg": "m"})]
    for type_, from_, to, document, expected in cases:
        done = translate(t, from_, to, document, "--type", type_)
        assert json.loads(done.stdout) == expected, (type_, from_, to, done.stdout)


def test_the_same_version_is_the_same_bytes(t):
    text = '{ "customer" : "42" ,\n "total_cents":1.0e2}\n\n'
    assert translate(t, "v1", "v1", text, "--type", "Order").stdout == text
    assert translate(t, "v1", "v3", text, "--message", "GET /elsewhere").stdout == text


def test_what_a_message_is_decides_what_its_body_is(t):
    bare = {"express": False, "channel": "api", "capture": True}
    for word, document, expected in (("GET /orders/1", {"customer": "1"}, {"customer_id": "cus_1", **bare}),
                                     ("request POST /orders", {"customer": "1"}, {"customer_id": "cus_1", **bare}),
                                     ("GET /orders", {"data": [{"customer": "1"}], "next": None}, {"data": [{"customer_id": "cus_1", **bare}], "next": None}),
                                     ("404 GET /orders/1", {"error": {"msg": "x"}}, {"error": {"message": "x"}}),
                                     ("503 PUT /orders/1", {"error": {"msg": "x"}}, {"error": {"message": "x"}}),
                                     ("201 POST /orders", {"customer": "1"}, {"customer_id": "cus_1", **bare})):
        assert json.loads(translate(t, "v1", "v2", document, "--message", word).stdout) == expected, word
    for word in ("GET", "GET orders", "999 GET /x", "request", "GET /a /b", ""):
        translate(t, "v1", "v2", "{}", "--message", word, code=USAGE)


def test_a_patch_is_translated_as_what_it_is(t):
    order = ("--type", "Order")
    for kind, patch, expected in (("merge", {"status": "paid", "note": None}, {"status": "succeeded", "notes": None}),
                                  ("json", [{"op": "replace", "path": "/status", "value": "paid"}], [{"op": "replace", "path": "/status", "value": "succeeded"}])):
        assert json.loads(translate(t, "v1", "v2", patch, "--patch", kind, *order).stdout) == expected, kind
        assert json.loads(translate(t, "v1", "v2", patch, "--patch", kind, "--message", "request PATCH /orders/1").stdout) == expected, kind
    assert json.loads(translate(t, "v1", "v2", {"status": "paid"}, "--message", "request PATCH /orders/1").stdout) == {"status": "succeeded"}
    falls = translate(t, "v1", "v2", {"ship_name": None}, "--patch", "merge", *order, code=REFUSED).stderr
    assert "at      /ship_name" in falls and "customer-ref" in falls and "needs the stored document" in falls, falls
    assert "needs" not in translate(t, "v1", "v2", {"status": "lost"}, "--patch", "merge", *order, code=REFUSED).stderr
    assert "list of operations" in translate(t, "v1", "v2", {}, "--patch", "json", *order, code=REFUSED).stderr
    translate(t, "v1", "v2", {}, "--patch", "diff", *order, code=USAGE)
    traced = translate(t, "v1", "v3", [{"op": "add", "path": "/total_cents", "value": 5}], "--patch", "json", "--trace", *order, code=REFUSED).stderr
    assert "-- v1 -> v2\n" in traced and "amounts/total" in traced, traced


def test_the_trace_shows_each_version_and_the_change_that_touched_each_place(t):
    done = translate(t, "v1", "v3", V1, "--type", "Order", "--trace")
    assert json.loads(done.stdout) == V3
    steps = re.findall(r"^-- (.*)$", done.stderr, re.M)
    assert steps == ["v1, as it came", "v1 -> v2", "v2 -> v2a", "v2a -> v3"], done.stderr
    assert re.search(r"moved customer_id +customer-ref, changes/1-customer.yaml:13", done.stderr), done.stderr
    assert re.search(r"amounts/total +money, changes/3-money.yaml:12", done.stderr), done.stderr
    shown = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert shown[0] == V1 and shown[1] == V2 and shown[-1] == V3
    assert "notice: defaulted" in done.stderr and "changes/1-customer.yaml:20" in done.stderr


def test_what_has_no_image_is_refused_whole_with_pointer_change_and_line(t):
    for document, message_, pointer, change in (
            ({"id": "1", "status": "lost"}, "GET /orders/1", "/status", "states, changes/1-states.yaml:11"),
            ({"total_cents": "12"}, "GET /orders/1", "/total_cents", "money, changes/3-money.yaml:12"),
            ({"customer": "a", "customer_id": "b"}, "request PUT /orders/1", "/customer_id", "customer-ref, changes/1-customer.yaml:13"),
            ({"data": [{"customer": "a"}, {"created": "soon"}]}, "GET /orders", "/data/1/created", "customer-ref, changes/1-customer.yaml:16")):
        done = translate(t, "v1", "v3", document, "--message", message_, code=REFUSED)
        assert done.stdout == "" and re.search(rf"^  at +{pointer}$", done.stderr, re.M), done
        assert re.search(rf"^  change +{re.escape(change)}$", done.stderr, re.M), done
    for text in ('{"id"', '{"a":1} x', '{"customer":"a","customer":"b"}', "[" * 200 + "]" * 200, '{"a":NaN}', "{'a':1}", '{"a":01}', '{"customer":"\\ud800"}'):
        done = translate(t, "v1", "v3", text, "--type", "Order", code=REFUSED)
        assert done.stdout == "" and done.stderr.startswith("stile translate: "), (text[:20], done)
    done = translate(t, "v3", "v1", {"type": "wallet"}, "--type", "Payment", code=REFUSED)
    assert done.stdout == ""


def test_a_chain_is_its_steps_one_after_another(t):
    up = step = translate(t, "v1", "v3", V1, "--type", "Order").stdout
    down = translate(t, "v3", "v1", up, "--type", "Order").stdout
    for from_, to in (("v3", "v2a"), ("v2a", "v2"), ("v2", "v1")):
        step = translate(t, from_, to, step, "--type", "Order").stdout
    assert json.loads(step) == json.loads(down)  # where members wait, an engine may write them in another order (LANGUAGE.md)
    step = json.dumps(V1)
    for from_, to in (("v1", "v2"), ("v2", "v2a"), ("v2a", "v3")):
        step = translate(t, from_, to, step, "--type", "Order").stdout
    assert json.loads(step) == json.loads(up)


def test_numbers_and_unknown_members_come_through_as_they_were_written(t):
    big, members = "123456789012345678901234567890", '"unknown":{"a":1.10,"b":[],"c":-0.0,"d":1E400},"text":"\\u00e9\\/"'
    out = translate(t, "v1", "v3", f'{{"id":"1","total_cents":{big},{members}}}', "--type", "Order").stdout
    assert members in out and f'"total":"{big[:-2]}.{big[-2:]}"' in out, out
    back = translate(t, "v3", "v1", out, "--type", "Order").stdout
    assert members in back and f'"total_cents":{big}' in back, back


def test_versions_and_types_that_are_not_there_are_told_with_those_that_are(t):
    assert "it has v1 v2 v2a v3" in translate(t, "v1", "v9", "{}", "--type", "Order", code=USAGE).stderr
    assert "it has Order Line Payment Error" in translate(t, "v1", "v2", "{}", "--type", "Ordr", code=USAGE).stderr
    assert "cannot be opened" in translate(t, "v1", "v2", "{}", "--type", "Order", api=t.folder / "none", code=REFUSED).stderr
    assert "No such file" in run(t, "translate", "-a", shop(t), "-f", "v1", "-t", "v2", "--type", "Order", t.folder / "none.json", code=REFUSED).stderr
    path = t.write("order.json", json.dumps(V1))
    assert json.loads(run(t, "translate", "-a", shop(t), "-f", "v1", "-t", "v2", "--type", "Order", path).stdout) == V2


# ── a running proxy ──


def running(t, weight="0"):
    b = {"blue": t.backend(answering(message(body=V2))), "green": t.backend(answering(message(body=V3)))}
    route = {"name": "orders", "match": {"path": "/orders/**"}, "api": "shop", "pool": "blue", "subject": ["header:X-Account"],
             "canary": {"pool": "green", "weight": weight, "salt": "orders-2026"}}
    return Stile(t, apis={"shop": shop(t) / "api.yaml"}, routes=[route, {"name": "rest", "pool": "blue"}],
                 pools={"blue": {"api": "shop", "version": "v2", "endpoints": b["blue"]}, "green": {"api": "shop", "version": "v3", "endpoints": b["green"]}})


def explained(text):
    """The first lines of what explain says, by their word."""
    return dict(re.split(r"  +", line, maxsplit=1) for line in text.splitlines() if re.match(r"\w+  +\S", line))


def test_a_described_request_is_decided_as_the_proxy_decides(t):
    s = running(t)

    def explain(*words, code=OK):
        return s.cli("explain", "--config", s.config, "--socket", s.socket, *words, code=code).stdout

    told = explained(explain("-H", "Api-Version: v1", "-H", "X-Account: 42", "GET", "/orders/1"))
    assert told["route"] == "orders" and told["api"] == "shop" and told["version"] == told["version_text"] == "v1", told
    assert told["version_source"] == "header" and told["split"] == "baseline" and told["pool"] == "blue" and told["pool_version"] == "v2", told
    told = explained(explain("-H", "Accept: application/vnd.shop.v2+json", "GET", "/orders/1"))
    assert (told["version"], told["version_source"]) == ("v2", "media") and told["request"] == "passes as it came", told
    assert told["split"] == "no_subject", told
    assert explained(explain("GET", "/orders/1?api_version=v3"))["version_source"] == "query"
    assert explained(explain("GET", "/orders/1"))["detected"] == "ASSUMED"
    told = explained(explain("-H", "Api-Version: v9", "GET", "/orders/1"))
    assert told["answer"] == "400" and told["known"] == "v1, v2, v3", told
    assert explained(explain("GET", "/else"))["route"] == "rest"
    s.weight("orders", "100%")
    told = json.loads(explain("--json", "-H", "Api-Version: v1", "-H", "X-Account: 42", "PUT", "/orders/1", "-d", '{"customer": "7"}'))
    assert told["split"] == "canary" and told["weight_ppm"] == 1000000 and told["pool_version"] == "v3", told
    assert [(step["from"], step["to"]) for step in told["steps"]] == [("v1", "v1"), ("v1", "v2"), ("v2", "v2a"), ("v2a", "v3")], told
    assert json.loads(told["steps"][-1]["document"])["customer_id"] == "cus_7", told


def test_a_described_body_is_shown_hop_by_hop(t):
    s = running(t, weight="100%")
    path = t.write("order.json", json.dumps(V1))
    raw = t.write("raw.http", f"PUT /orders/o-1 HTTP/1.1\r\nHost: a\r\nApi-Version: v1\r\nX-Account: 42\r\nContent-Type: application/json\r\n"
                              f"Content-Length: {len(json.dumps(V1))}\r\n\r\n{json.dumps(V1)}")
    described = ("-H", "Api-Version: v1", "-H", "X-Account: 42", "PUT", "/orders/o-1")
    for words in ((*described, "--body", json.dumps(V1)), (*described, "--body", f"@{path}"), ("--raw", raw)):
        done = s.cli("explain", "--config", s.config, "--socket", s.socket, *words)
        steps = re.findall(r"^-- (.*)$", done.stdout + done.stderr, re.M)
        assert steps == ["v1, as it came", "v1 -> v2", "v2 -> v2a", "v2a -> v3"], words
        assert json.loads([line for line in (done.stdout + done.stderr).splitlines() if line.startswith("{")][-1]) == V3, words
    done = s.cli("explain", "--config", s.config, *described, "--body", '{"status": "lost"}', code=REFUSED)
    assert "/status" in done.stderr and "changes/1-states.yaml:11" in done.stderr
    assert "not whole" in s.cli("explain", "--config", s.config, "--raw", t.write("cut.http", "GET / HTTP/1.1\r\n"), code=REFUSED).stderr


def test_a_described_request_is_explained_as_json_too(t):
    s = running(t, weight="100%")

    def explain(*words, code=OK):
        return json.loads(s.cli("explain", "--json", "--config", s.config, "--socket", s.socket, *words, code=code).stdout)

    told = explain("-H", "Api-Version: v1", "-H", "X-Account: 42", "PUT", "/orders/o-1", "--body", json.dumps(V1))
    assert (told["route"], told["api"], told["version"], told["version_source"], told["split"], told["pool"], told["pool_version"], told["weight_ppm"]) == (
        "orders", "shop", "v1", "header", "canary", "green", "v3", 1000000), told
    assert [(step["from"], step["to"]) for step in told["steps"]] == [("v1", "v1"), ("v1", "v2"), ("v2", "v2a"), ("v2a", "v3")], told
    assert json.loads(told["steps"][-1]["document"]) == V3
    moved = [touch for touch in told["steps"][1]["touches"] if touch["place"] == "customer_id"]
    assert moved and (moved[0]["what"], moved[0]["change"], moved[0]["line"]) == ("moved", "customer-ref", 13), told["steps"][1]
    assert explain("-H", "Api-Version: v9", "GET", "/orders/1")["answer"] == "400"
    explain("-H", "Api-Version: v1", "PUT", "/orders/1", "--body", '{"status": "lost"}', code=REFUSED)


def test_a_request_that_was_is_explained_by_its_id(t):
    s = running(t)
    a = t.ask(s.port, method="PUT", path="/orders/o-1", body=V1, Api_Version="v1", X_Account="42")
    assert a.status == 200, a
    request = a.get("x-request-id")
    s.process.line(id=request)
    told = json.loads(s.cli("explain", "--json", "--socket", s.socket, request).stdout)
    assert {k: told[k] for k in ("id", "method", "route", "version_from", "version_source", "version_to", "pool", "status", "canary")} == {
        "id": request, "method": "PUT", "route": "orders", "version_from": "v1", "version_source": "header", "version_to": "v2", "pool": "blue",
        "status": 200, "canary": 0}, told
    assert told["changes"].split(",") == ["customer-ref", "states"] and told["bucket"] > 0 and told["translate_us"] > 0, told
    text = s.cli("explain", "--socket", s.socket, request).stdout
    assert re.search(r"^version_from +v1$", text, re.M)
    done = s.cli("explain", "--socket", s.socket, "0123456789", code=UNKNOWN)
    assert "stile explain: " in done.stderr
    refused = t.ask(s.port, path="/orders/1", Api_Version="v9").get("x-request-id")
    s.process.line(id=refused)
    assert json.loads(s.cli("explain", "--json", "--socket", s.socket, refused).stdout)["status"] == 400


def test_status_tells_what_runs(t):
    s = running(t)
    told = s.status()
    assert told["ready"] and told["supervisor"] and told["deaths"] == 0 and told["generation"]["number"] == 1, told
    assert told["generation"]["file"] == str(s.config) and told["processes"]["supervisor"] == s.process.pid
    assert [(p["name"], p["api"], p["version"]) for p in told["pools"]] == [("blue", "shop", "v2"), ("green", "shop", "v3")]
    assert [(r["name"], r["pool"], r["canary"] and r["canary"]["canary"]) for r in told["routes"]] == [("orders", "blue", "green"), ("rest", "blue", None)]
    assert len(told["workers"]) == 2 and all(w["heartbeat_ms"] < 5000 for w in told["workers"])
    text = s.cli("status", "--socket", s.socket).stdout
    for words in ("ready", "generation 1 of", "workers", "blue", "green", "orders", "-> green at 0%"):
        assert words in text, (words, text)


def test_weights_are_shown_and_moved_by_who_says_why(t):
    s = running(t, weight="10%")
    told = s.weight("orders")
    assert (told["route"], told["pool"], told["canary"], told["file_ppm"], told["effective_ppm"]) == ("orders", "blue", "green", 100000, 100000), told
    assert [w["slot"] for w in s.weight()] == ["route/orders"]
    moved = s.weight("orders", "12.5%")
    assert moved["effective_ppm"] == 125000 and moved["revision"] == told["revision"] + 1, moved
    assert s.weight("orders", "100ppm")["effective_ppm"] == 100 and s.weight("route/orders", "0")["effective_ppm"] == 0
    text = s.cli("weight", "--socket", s.socket).stdout
    assert re.search(r"^route/orders|^orders", text, re.M) and "blue -> green" in text and "file 10%" in text, text
    before = s.weight("orders")
    for share in ("12", "101%", "x", "", "1e1%", "100.00001%", "0.00001%", "1000001ppm"):
        assert s.weight("orders", share, code=USAGE).stderr, share
    assert "--reason" in s.cli("weight", "--socket", s.socket, "orders", "1%", code=USAGE).stderr
    assert s.weight("nobody", code=UNKNOWN).stderr and s.weight("nobody", "1%", code=UNKNOWN).stderr and s.weight("rest", "1%", code=UNKNOWN).stderr
    assert "revision" in s.weight("orders", "1%", if_match=before["revision"] - 1, code=REFUSED).stderr
    s.weight("orders", "1%", reason="y" * 1025, code=REFUSED)
    assert "would be at 1%" in s.cli("weight", "--socket", s.socket, "orders", "1%", "--reason", "x", "--dry-run").stdout
    assert "not 1" in s.cli("weight", "--socket", s.socket, "orders", "1%", "--reason", "x", "--dry-run", "--if-match", "1", code=REFUSED).stderr
    assert s.weight("orders") == before, "nothing of that moved it"
    assert s.weight("orders", "1%", if_match=before["revision"])["effective_ppm"] == 10000


def test_a_snapshot_is_shown_compared_and_put_back(t):
    s = running(t, weight="10%")
    first = s.weight("orders")["revision"]
    s.weight("orders", "20%")
    last = s.weight("orders", "30%")["revision"]
    assert re.search(rf"^ +{last} .*weight.set", s.cli("snapshot", "list", "--socket", s.socket).stdout, re.M)
    assert re.search(r"^route/orders +20%$", s.cli("snapshot", "show", str(first + 1), "--socket", s.socket).stdout, re.M)
    assert re.search(r"^route/orders +10% -> 30%$", s.cli("snapshot", "diff", str(first), "--socket", s.socket).stdout, re.M)
    between = json.loads(s.cli("snapshot", "diff", str(first), str(first + 1), "--json", "--socket", s.socket).stdout)
    assert [(d["before"]["weight_ppm"], d["after"]["weight_ppm"]) for d in between] == [(100000, 200000)], between
    words = ("snapshot", "restore", str(first), "--socket", s.socket)
    assert "--reason" in s.cli(*words, code=USAGE).stderr
    assert "nothing was changed" in s.cli(*words, "--dry-run").stdout and s.weight("orders")["revision"] == last
    assert "revision" in s.cli(*words, "--reason", "x", "--if-match", str(first), code=REFUSED).stderr
    assert re.search(r"^route/orders +30% -> 10%$", s.cli(*words, "--reason", "as before").stdout, re.M)
    now = s.weight("orders")
    assert (now["effective_ppm"], now["revision"]) == (100000, last + 1), now
    assert "nothing was moved" in s.cli(*words, "--reason", "as before").stdout and s.weight("orders") == now
    assert s.cli("snapshot", "show", "999", "--socket", s.socket, code=UNKNOWN).stderr
    assert s.cli("snapshot", "show", "x", "--socket", s.socket, code=UNKNOWN).stderr and s.cli("snapshot", code=USAGE).stderr


def test_development_certificates_serve_and_are_trusted(t):
    done = run(t, "dev-cert", t.folder / "mine", "--days", "2")
    assert all(name in done.stdout and (t.folder / "mine" / name).stat().st_size for name in ("ca.pem", "localhost.pem", "localhost.key"))
    assert (t.folder / "mine/localhost.key").stat().st_mode & 0o077 == 0, "the key is for its owner alone"
    for words in (("dev-cert", t.folder / "x", "--days", "many"), ("dev-cert", t.folder / "x", "y")):
        run(t, *words, code=USAGE)
    run(t, "dev-cert", t.folder / "none/deep", code=REFUSED)


def gap(text):
    """The shop's rules with builds between two ranges that none speaks for."""
    assert '">=4.0 <7.12": v2' in text
    return text.replace('">=4.0 <7.12": v2', '">=4.0 <7.11": v2')


def test_a_warning_is_shown_and_fails_only_where_it_is_asked_to(t):
    folder = shutil.copytree(shop(t), t.folder / "shop")
    config, api = folder / "stile.yaml", folder / "api.yaml"
    assert "warning" not in run(t, "check", config).stdout and run(t, "check", "--strict", config).stdout.endswith("ok\n")
    api.write_text(gap(api.read_text()))
    text = run(t, "check", config).stdout
    line = next(line for line in text.splitlines() if "warning" in line)
    assert re.match(r".*/shop/api\.yaml:13:\d+: warning: ios: ", line) and "\n1 warning\n" in text and text.endswith("ok\n"), text
    strict = run(t, "check", "--strict", config, code=REFUSED).stdout
    assert line in strict and strict.endswith("\n1 warning\n"), strict
    told = json.loads(run(t, "check", "--json", config).stdout)
    assert told["ok"] and told["total"] == 0 and told["warnings"] == 1 and told["problems"][0]["severity"] == "warning", told
    assert not json.loads(run(t, "check", "--json", "--strict", config, code=REFUSED).stdout)["ok"]


def test_a_reload_tells_what_it_warns_of(t):
    folder = shutil.copytree(shop(t), t.folder / "shop")
    b = t.backend(answering(message()))
    s = Stile(t, apis={"shop": folder / "api.yaml"}, pools={"b": {"api": "shop", "version": "v2", "endpoints": b}},
              routes=[{"name": "all", "api": "shop", "pool": "b"}])
    assert "warning" not in s.reload().stderr
    (folder / "api.yaml").write_text(gap((folder / "api.yaml").read_text()))
    told = s.reload()
    assert "generation 3 serves" in told.stdout and re.search(r"api\.yaml:13:\d+: warning: ", told.stderr), told


def test_a_change_that_was_cut_off_is_asked_for_again_under_its_key(t):
    keys, path = [], t.folder / "admin.sock"
    weight = b'{"route": "orders", "pool": "blue", "canary": "green", "effective_ppm": 10000, "file_ppm": 0, "revision": 7}'

    def daemon(conn, _):
        keys.append(conn.request().get("idempotency-key"))
        if len(keys) % 3 == 0:  # twice it dies with the change in its hands
            conn.send(message(body=weight, Connection="close"))
        conn.close()

    t.backend(daemon, path=str(path))
    for _ in range(2):
        assert "1%" in run(t, "weight", "orders", "1%", "--reason", "x", "--socket", path).stdout
    assert len(keys) == 6 and len(set(keys[:3])) == len(set(keys[3:])) == 1 and keys[0] != keys[3] and len(keys[0]) == 32, keys
    # A look has no key, and is not asked for again.
    assert "closed" in run(t, "weight", "orders", "--socket", path, code=UNKNOWN).stderr and keys[6:] == [None], keys


def test_top_is_one_frame_without_a_terminal_and_a_screen_on_one(t):
    s = running(t, weight="10%")
    text = s.cli("top", "--socket", s.socket).stdout
    assert re.search(r"^orders +blue +green +10%$", text, re.M) and "ready" in text and "\033" not in text, text
    assert all(len(line) <= 100 for line in text.splitlines()) and s.cli("top", "--once", "--socket", s.socket).stdout.count("ROUTE") == 1
    assert "no words" in s.cli("top", "x", code=USAGE).stderr
    main, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 16, 60, 0, 0))
    before = termios.tcgetattr(terminal)
    top = subprocess.Popen([s.binary, "top", "--socket", s.socket], stdin=terminal, stdout=terminal, stderr=terminal, cwd=s.folder)
    shown = b""
    while b"10%" not in shown:
        shown += os.read(main, 65536)
    assert shown.startswith(b"\033[?1049h") and all(len(re.sub(rb"\033\[[?0-9]*[A-Za-z]", b"", line).strip()) <= 60 for line in shown.split(b"\n")), shown
    s.weight("orders", "20%")
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    while b"20%" not in shown:
        shown += os.read(main, 65536)
    os.write(main, b"q")
    while b"\033[?1049l" not in shown:
        shown += os.read(main, 65536)
    assert top.wait(10) == OK and termios.tcgetattr(terminal) == before, "the terminal is as it was"
    os.close(main)
    os.close(terminal)
