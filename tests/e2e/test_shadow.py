# SPDX-License-Identifier: Apache-2.0
"""Mirrored requests: asked of the baseline once more and of the canary, compared in the client's version, and nobody's business but the operator's."""
import gzip
import json

from peers import answering, message
from stile import Stile, until

API = """api: shop
versions: {v1: {}, v2: {}}
detect:
  - {header: Api-Version}
types: {Order: {at: "* /orders/{id}"}}
"""
CHANGE = """change: c
from: v1
to: v2
manifest: {title: x, owner: y, guarantee: none}
Order:
  map: {sum: amount}
http:
  GET /cancel/{id}: {to: "POST /cancellations/{id}"}
"""


def mirroring(t, blue, green, *, share="100%", answers=1, more=None, canary=None):
    """A proxy with a baseline of v1 and a canary of v2 that gets no client but every mirrored request."""
    t.write("shop/api.yaml", API)
    t.write("shop/changes/1.yaml", CHANGE)
    shadow = {"share": share, "answers": answers, **(more or {})}
    route = {"name": "orders", "api": "shop", "pool": "blue", "subject": ["header:X-Account"],
             "canary": {"pool": "green", "weight": "0", "salt": "s", "shadow": shadow, **(canary or {})}}
    return Stile(t, apis={"shop": t.folder / "shop/api.yaml"}, routes=[route],
                 pools={"blue": {"api": "shop", "version": "v1", "endpoints": blue}, "green": {"api": "shop", "version": "v2", "endpoints": green}})


def shadow(s, code=None):
    return json.loads(s.cli("shadow", "orders", "--json", "--socket", s.socket, code=code).stdout)


def after(s, n, what="compared"):
    """The counts, once `n` of each pair were compared (skipped)."""
    return until(lambda: (lambda told: told if told[what] == {"noise": n, "raw": n} else None)(shadow(s)), f"{n} {what}")


def get(t, s, path="/orders/1", method="GET", **fields):
    return t.ask(s.port, method, path, Api_Version="v1", X_Account="7", **fields)


def test_the_same_in_the_clients_version_is_clean(t):
    blue, green = t.backend(answering(message(body={"sum": 5}))), t.backend(answering(message(body={"amount": 5})))
    s = mirroring(t, blue, green)
    a = get(t, s, X_Request_Id="r-1")
    assert a.json() == {"sum": 5}
    first, second, canary = blue.seen(), blue.seen(), green.seen()
    assert first.get("x-stile-shadow") is None and second.get("x-stile-shadow") == canary.get("x-stile-shadow") == "1"
    assert {m.get("x-request-id") for m in (first, second, canary)} == {"r-1"} and canary.get("api-version") == "v2"
    assert {m.get("x-forwarded-for") for m in (first, second, canary)} == {"127.0.0.1"}
    told = after(s, 1)
    assert told["verdict"] == "clean" and told["differences"] == [] and told["skipped"] == {"noise": 0, "raw": 0}, told
    assert "orders  clean" in s.cli("shadow", "--socket", s.socket, code=0).stdout
    assert s.process.line(id="r-1")["route"] == "orders"
    assert len([1 for line in s.process.text().splitlines() if '"r-1"' in line]) == 1, "one line of the log, the client's"
    assert s.metric("stile_shadow_total", route="orders", outcome="same") == 1
    assert s.metric("stile_requests_total") == 1


def test_what_the_canary_would_be_asked_by_a_method_that_is_not_mirrored_is_not_asked(t):
    blue, green = t.backend(answering(message(body={"sum": 5}))), t.backend(answering(message(body={"amount": 5})))
    s = mirroring(t, blue, green)
    assert get(t, s, "/cancel/1").status == 200
    until(lambda: s.metric("stile_shadow_total", route="orders", outcome="skipped") == 1, "it is skipped")
    assert get(t, s).status == 200
    assert green.seen().start == "GET /orders/1 HTTP/1.1", "the first that it was asked"


def test_what_differs_is_told_by_place_and_type_and_never_by_value(t):
    blue = t.backend(answering(message(body={"sum": 5, "card": "4242", "lines": [{"id": 1}, {"id": 2}]})))
    green = t.backend(answering(message(body={"amount": "5", "card": "4242", "lines": [{"id": 2}, {"id": 1, "x": 1}], "more": True})))
    s = mirroring(t, blue, green, more={"keys": {"/lines": "id"}})
    assert get(t, s).status == 200
    told = after(s, 1)
    assert told["verdict"] == "differs" and told["new_differences"] == 3, told
    assert [(d["place"], d["kind"], d["new"], d["baseline"], d["canary"]) for d in told["differences"]] == [
        ("/sum", "type", True, "number", "string of 1 bytes"), ("/lines/*/x", "extra", True, "nothing", "number"),
        ("/more", "extra", True, "nothing", "bool")], told
    out = s.cli("shadow", "orders", "--socket", s.socket, code=1).stdout
    assert "3 new differences" in out and "/lines/*/x" in out and "4242" not in out, out
    assert all(len(line) <= 100 for line in out.splitlines()), out
    assert s.cli("shadow", "else", "--socket", s.socket, code=3).stderr


def test_what_the_baseline_differs_in_from_itself_is_noise(t):
    blue = t.backend(answering(*[message(body={"sum": 5, "at": n}) for n in range(40)]))
    green = t.backend(answering(*[message(body={"amount": 5, "at": 100 + n}) for n in range(40)]))
    s = mirroring(t, blue, green, answers=5)
    for n in range(4):
        get(t, s)
    told = after(s, 4)
    assert told["verdict"] == "unknown", "four of five"
    assert s.cli("shadow", "orders", "--socket", s.socket, code=3).stdout
    get(t, s)
    told = after(s, 5)
    assert told["verdict"] == "clean" and [(d["place"], d["new"], d["answers"]) for d in told["differences"]] == [
        ("/at", False, {"noise": 5, "raw": 5})], told
    assert "/at" not in s.cli("shadow", "orders", "--socket", s.socket).stdout
    assert "/at" in s.cli("shadow", "orders", "--all", "--socket", s.socket).stdout


def test_only_what_is_safe_and_the_baselines_is_mirrored(t):
    blue, green = t.backend(answering(message(body={"sum": 5}))), t.backend(answering(message(body={"amount": 5})))
    s = mirroring(t, blue, green)
    assert get(t, s, method="POST").status == 200 and get(t, s, method="DELETE").status == 200
    assert get(t, s, X_Stile_Shadow="1").status == 200
    s.weight("orders", "100%")
    assert get(t, s).json() == {"sum": 5}
    assert green.seen().get("x-stile-shadow") is None, "it was a client's"
    s.weight("orders", "0")
    assert get(t, s, method="HEAD").status == 200
    told = after(s, 1)
    assert told["verdict"] == "clean" and [blue.seen().start.split()[0] for _ in range(5)] == ["POST", "DELETE", "GET", "HEAD", "HEAD"], told
    assert green.seen().start.startswith("HEAD ") and green.requests.empty() and blue.requests.empty()


def test_a_coded_answer_is_compared_without_its_coding(t):
    coded = message(body=gzip.compress(b'{"sum":5}'), Content_Encoding="gzip")
    blue = t.backend(answering(coded))
    green = t.backend(answering(message(body={"amount": 5})))
    s = mirroring(t, blue, green)
    assert get(t, s, Accept_Encoding="gzip").get("content-encoding") == "gzip"
    told = after(s, 1)
    # Printed otherwise, and the same document.
    assert told["verdict"] == "clean", told


def test_a_canary_that_fails_is_a_difference_and_one_that_streams_or_is_too_long_is_skipped(t):
    blue = t.backend(answering(message(body={"sum": 5})))

    def script(conn, backend):
        conn.request()
        conn.send(b"HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n:\n\r\n")
        backend.requests.put("asked")
        assert conn.is_closed(), "it is let go of at once"
    green = t.backend(script)
    s = mirroring(t, blue, green, more={"body": "64"})
    assert get(t, s).status == 200
    assert green.seen() == "asked"
    told = until(lambda: (lambda told: told["skipped"]["raw"] == 1 and told)(shadow(s)), "skipped")
    assert told["compared"] == {"noise": 1, "raw": 0} and told["verdict"] == "unknown", told
    answers = iter([message(body={"amount": 5, "more": "x" * 100}), message(500, body={})])

    def in_turn(conn, backend):
        while True:
            conn.request()
            conn.send(next(answers))
    green.script = in_turn
    assert get(t, s).status == 200
    told = until(lambda: (lambda told: told["skipped"]["raw"] == 2 and told)(shadow(s)), "skipped")
    assert get(t, s).status == 200
    told = until(lambda: (lambda told: told["compared"]["raw"] == 1 and told)(shadow(s)), "compared")
    assert told["verdict"] == "differs" and told["differences"][0]["place"] == "status", told
    assert (told["differences"][0]["baseline"], told["differences"][0]["canary"]) == ("200", "500"), told


def test_a_client_waits_for_no_mirror_and_a_stop_ends_them(t):
    blue = t.backend(answering(message(body={"sum": 5})))

    def script(conn, backend):
        backend.requests.put(conn.request())
        conn.is_closed()
    green = t.backend(script)
    s = mirroring(t, blue, green)
    conn = t.connect(s.port)
    for n in range(3):
        conn.send(b"GET /orders/1 HTTP/1.1\r\nHost: a\r\nApi-Version: v1\r\nX-Account: 7\r\n\r\n")
        assert conn.answer().json() == {"sum": 5}
    assert [green.seen().get("x-stile-shadow") for _ in range(3)] == ["1"] * 3
    # Nobody waits for what is mirrored: the stop at the end of the test has its time.
    assert shadow(s)["compared"]["raw"] == 0


def test_what_a_shadow_may_not_say(t):
    for shadow_text, sentence in (("{share: 1%, methods: [POST]}", "`POST` is no method to mirror"), ("{methods: [GET]}", "share"),
                                  ("{share: 200%}", "200%"), ("{share: 1%, body: 2MiB}", "`body` is 1 byte to 1 MiB"),
                                  ("{share: 1%, keys: {lines: id}}", "`lines` is no place of a list"), ("{share: 1%, place: 3}", "place")):
        t.write("s.yaml", "listen: [{at: \"127.0.0.1:1\"}]\npools: {a: {endpoints: [\"http://127.0.0.1:1\"]}, b: {endpoints: [\"http://127.0.0.1:2\"]}}\n"
                          "routes: [{name: r, match: {path: \"/**\"}, pool: a, subject: [\"header:X\"], "
                          f"canary: {{pool: b, weight: 0, salt: s, shadow: {shadow_text}}}}}]\n")
        done = t.command(t.build / "stile", "check", t.folder / "s.yaml")
        assert done.returncode == 1 and sentence in done.stdout + done.stderr, (shadow_text, done.stdout, done.stderr)
