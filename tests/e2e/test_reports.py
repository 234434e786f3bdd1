# SPDX-License-Identifier: Apache-2.0
"""After a rollback: what the report says, which writes it lists, and a repair plan that is run, and run again."""
import email.utils
import hashlib
import json
import os
import signal
import threading
import time

import test_shadow as shadow
from peers import answering, message
from stile import Stile, until
from test_rollouts import load, plan, rollout, say, scene, state, tell


class Store:
    """A pool that keeps documents, says how old they are, and writes only where its guard holds. It breaks when told to."""

    def __init__(self, t):
        self.documents, self.fails, self.puts, self.lock = {}, False, [], threading.Lock()
        self.backend = t.backend(self.serve)

    def keep(self, path, document, age_s=0):
        self.documents[path] = (document, time.time() - age_s)

    def head_of(self, path):
        document, at = self.documents[path]
        tag = hashlib.sha256(json.dumps(document).encode()).hexdigest()[:16]
        return {"ETag": f'"{tag}"', "Last_Modified": email.utils.formatdate(at, usegmt=True)}

    def holds(self, m, path):
        if path not in self.documents:
            return m.get("if-match") is None
        if m.get("if-none-match") == "*":
            return False
        return m.get("if-match") in (None, self.head_of(path)["ETag"])

    def answer(self, m):
        method, path, _ = m.start.split(" ")
        if self.fails:
            return message(status=500, body=b'{"broken": true}')
        if method == "GET":
            return message(body=self.documents[path][0], **self.head_of(path)) if path in self.documents else message(status=404)
        if not self.holds(m, path):
            return message(status=412)
        self.puts.append((method, path))
        if method == "DELETE":
            del self.documents[path]
            return message(status=204)
        if method == "POST":
            path = f"/orders/made-{len(self.puts)}"
            self.keep(path, json.loads(m.body))
            return message(status=201, body=self.documents[path][0], Location=f"https://shop.example{path}?x=1")
        self.keep(path, json.loads(m.body))
        return message(body=self.documents[path][0])

    def serve(self, conn, _):
        while True:
            m = conn.request()
            with self.lock:
                reply = self.answer(m)
            conn.send(reply)


def send(t, s, method, path, account, document=None, **fields):
    body = b"" if document is None else json.dumps(document).encode()
    return t.ask(s.port, path=path, method=method, body=body, X_Account=account, Content_Type="application/json", **fields)


def on_canary(t, s, n):
    """Accounts of which the canary is asked: those whom explain's record says so of."""
    found, conn = [], t.connect(s.port)
    for i in range(400):
        a = conn.send(f"GET /orders/none HTTP/1.1\r\nHost: a\r\nX-Account: a-{i}\r\nApi-Version: v3\r\n\r\n").answer()
        line = s.process.line(id=a.get("x-request-id"))
        if line["arm"] == "canary":
            found.append(f"a-{i}")
        if len(found) == n:
            return found
    raise AssertionError(f"only {len(found)} of 400 accounts are on the canary")


def started(t, s):
    until(lambda: state(s) == "approved", "approved")
    tell(s, "start")


def report(s, *words, code=0):
    return say(s, "report", "ios", *words, code=code)


def break_it(t, s, green):
    green.fails = True
    load(t, s, range(1000, 1200))
    until(lambda: state(s) == "reported", "taken back")
    green.fails = False


def stores(t, steps="[{weight: 25%, hold: 1h}, {weight: 100%, hold: 1h}]"):
    """The shop at v2 and, as its canary, at v3."""
    blue, green = Store(t), Store(t)
    s = Stile(t, apis={"shop": t.source / "config/examples/shop/api.yaml"}, more=plan(steps),
              pools={"blue": {"api": "shop", "version": "v2", "endpoints": blue.backend},
                     "green": {"api": "shop", "version": "v3", "endpoints": green.backend}},
              routes=[{"name": "orders", "match": {"path": "/**"}, "api": "shop", "pool": "blue", "subject": ["header:X-Account"],
                       "write": {"PUT /orders/{id}": "lose", "PATCH /orders/{id}": "lose"}}])
    return s, blue, green


NEW = {"id": "o-1", "customer_id": "cus_8", "shipping": {"name": "Edsger"}, "created_at": "2026-01-01T00:00:00Z",
       "status": "requires_action", "amounts": {"total": "0.05", "currency": "EUR"}, "lines": []}


def test_a_report_says_why_whom_it_met_how_soon_it_was_seen_and_what_it_was_not(t):
    s, _, green = scene(t, plan("[{weight: 25%, hold: 1h}, {weight: 100%, hold: 1h}]"))
    started(t, s)
    assert "no such report" in report(s, code=3)
    assert load(t, s, range(100)) == {200: 100}
    before = green.n
    break_it(t, s, green)
    r = json.loads(report(s, "--json"))
    assert r["cause"]["gate"] == "errors" and r["cause"]["says"].startswith("errors: orders") and r["weight_ppm"] == 250000, r["cause"]
    e = r["exposure"]
    assert e["requests"] == green.n and e["errors"] == green.n - before and e["after_halt"] == 0, (e, green.n, before)
    # Every request was another subject's.
    assert abs(e["subjects"] - green.n) <= 2 and e["writes"] == e["doubtful"] == e["untold"] == e["unlisted"] == 0, e
    times = r["times"]
    assert times["began_ms"] <= times["first_error_ms"] <= times["halted_ms"] and times["to_halt_ms"] == 0
    assert times["to_detect_ms"] == times["halted_ms"] - times["first_error_ms"]
    others = {one["what"]: one["verdict"] for one in r["not_the_cause"]}
    assert others == {"an outage behind both": "not", "latency": "unknown", "translation": "not"}, r["not_the_cause"]
    assert 1 <= len(r["samples"]) <= 3 and all(x["pool_status"] == 500 and x["route"] == "orders" for x in r["samples"]), r["samples"]
    assert r["next"][-1].startswith("fix pool green")
    text = report(s)
    assert max(map(len, text.splitlines())) <= 100, text
    for claim in ("taken back from 25%", "cause", "at once: no request began", "not         an outage behind both", "unknown     latency"):
        assert claim in text, (claim, text)
    # It is in the journal, so it outlives everybody.
    s.stop()
    s.start()
    assert json.loads(report(s, "--json")) == r
    tell(s, "again")
    assert json.loads(report(s, "--json", "--run", "1")) == r
    assert "no such report" in report(s, "--run", "2", code=3)


def test_every_write_on_the_canary_is_listed_and_mended_once(t):
    s, blue, green = stores(t)
    started(t, s)
    who = on_canary(t, s, 6)
    old = {"id": "o-2", "customer_id": "cus_1", "status": "paid"}
    blue.keep("/orders/o-2", {**old}, age_s=3600)
    green.keep("/orders/o-2", {"id": "o-2", "customer_id": "cus_1", "status": "succeeded"}, age_s=3600)
    blue.keep("/orders/o-3", {**old, "id": "o-3"}, age_s=3600)
    green.keep("/orders/o-3", {**NEW, "id": "o-3"}, age_s=3600)
    blue.keep("/orders/o-4", {**old, "id": "o-4"}, age_s=3600)
    assert send(t, s, "PUT", "/orders/o-1", who[0], NEW, Api_Version="v3").status == 200
    assert send(t, s, "PUT", "/orders/o-2", who[1], {**NEW, "id": "o-2"}, Api_Version="v3").status == 200
    assert send(t, s, "DELETE", "/orders/o-3", who[2], Api_Version="v3").status == 204
    assert send(t, s, "PUT", "/orders/o-4", who[3], {**NEW, "id": "o-4"}, Api_Version="v3").status == 200
    assert send(t, s, "POST", "/orders", who[4], {**NEW, "id": "o-5"}, Api_Version="v3").status == 201
    assert send(t, s, "DELETE", "/orders/none", who[5], Api_Version="v3", If_Match='"x"').status == 412, "it changed nothing"
    break_it(t, s, green)
    r = json.loads(report(s, "--json"))
    assert {k: r["exposure"][k] for k in ("writes", "doubtful", "untold", "unlisted")} == {
        "writes": 5, "doubtful": 0, "untold": 0, "unlisted": 0}, r["exposure"]
    listed = [json.loads(line) for line in report(s, "--writes", "--json").splitlines()]
    assert [(w["method"], w["path"], w["status"]) for w in listed] == [
        ("PUT", "/orders/o-1", 200), ("PUT", "/orders/o-2", 200), ("DELETE", "/orders/o-3", 204), ("PUT", "/orders/o-4", 200),
        ("POST", "/orders", 201)], listed
    assert len({w["subject"] for w in listed}) == 5 and not any(w in json.dumps(listed) for w in who)
    # o-4 is newer on the baseline: it is for a person.
    blue.keep("/orders/o-4", {**old, "id": "o-4", "status": "refunded"}, age_s=-5)
    script = t.write("repair.sh", report(s, "--repair"))

    def run(*more):
        return t.command("env", f"STILE={s.binary}", *more, "sh", script)

    puts = list(blue.puts)
    done = run("STILE=no-such-program")
    assert (done.returncode, done.stdout) == (2, "") and "there is no no-such-program" in done.stderr and blue.puts == puts, done.stderr
    done = run("DRY=yes")
    assert done.returncode == 1 and "0 mended" in done.stdout and blue.puts == puts, (done.stdout, done.stderr)
    done = run()
    assert done.returncode == 1 and "4 mended, 0 were so already, 1 by hand" in done.stdout, (done.stdout, done.stderr)
    assert "it was written on the baseline since" in done.stdout and blue.documents["/orders/o-4"][0]["status"] == "refunded"
    assert blue.documents["/orders/o-1"][0]["total_cents"] == 5 and "amounts" not in blue.documents["/orders/o-1"][0], "told at v2"
    assert "/orders/o-3" not in blue.documents and any(p.startswith("/orders/made-") for p in blue.documents)
    puts = list(blue.puts)
    done = run()
    assert "0 mended, 4 were so already, 1 by hand" in done.stdout and blue.puts == puts, (done.stdout, done.stderr)


MOVED = """change: names
from: v1
to: v2
manifest: {title: Names, owner: us, guarantee: full}
Thing:
  map: {a: b}
http:
  GET /things/{id}: {to: "GET /goods/{id}"}
  PUT /things/{id}: {to: "PUT /goods/{id}"}
  DELETE /things/{id}: {to: "DELETE /goods/{id}"}
  PUT /parts/{id}: {to: "PUT /pieces/{id}"}
"""


def test_what_was_written_where_a_route_moved_is_mended_under_its_name_on_the_baseline(t):
    t.write("a/api.yaml", """api: a
versions: {v1: {date: 2024-01-01}, v2: {date: 2025-01-01}}
detect: [{header: Api-Version}]
missing: v1
types: {Thing: {at: ["* /goods/{id}", "* /parts/{id}", "* /pieces/{id}", "* /same/{id}"]}}
""")
    t.write("a/changes/1.yaml", MOVED)
    blue, green = Store(t), Store(t)
    s = Stile(t, apis={"a": t.folder / "a/api.yaml"}, more=plan("[{weight: 100%, hold: 1h}]"),
              pools={"blue": {"api": "a", "version": "v1", "endpoints": blue.backend}, "green": {"api": "a", "version": "v2", "endpoints": green.backend}},
              routes=[{"name": "orders", "match": {"path": "/**"}, "api": "a", "pool": "blue", "subject": ["header:X-Account"]}])
    started(t, s)
    until(lambda: rollout(s)["effective_ppm"] == 1000000, "all are on the canary")
    blue.keep("/things/2", {"a": "old"}, age_s=3600)
    blue.keep("/goods/1", {"a": "another's"}, age_s=3600)  # what is called so on the baseline is something else
    for path, version in (("/goods/1", "v2"), ("/things/2", "v1"), ("/same/3", "v2"), ("/pieces/4", "v2")):
        document = {"b": path} if version == "v2" else {"a": path}
        assert send(t, s, "PUT", path, "x", document, Api_Version=version).status == 200, path
    assert sorted(green.documents) == ["/goods/1", "/goods/2", "/pieces/4", "/same/3"], green.documents
    tell(s, "abort")
    until(lambda: state(s) == "reported", "taken back")
    script = t.write("repair.sh", report(s, "--repair"))
    done = t.command("env", f"STILE={s.binary}", "sh", script)
    assert done.returncode == 1 and "3 mended, 0 were so already, 1 by hand" in done.stdout, (done.stdout, done.stderr)
    assert {p: d[0] for p, d in blue.documents.items()} == {
        "/things/1": {"a": "/goods/1"}, "/things/2": {"a": "/things/2"}, "/same/3": {"a": "/same/3"}, "/goods/1": {"a": "another's"}}, blue.documents
    assert "/pieces/4  its route moved" in done.stdout, done.stdout
    done = t.command("env", f"STILE={s.binary}", "sh", script)
    assert "0 mended, 3 were so already, 1 by hand" in done.stdout, (done.stdout, done.stderr)


def test_a_write_is_listed_by_what_the_canary_was_asked(t):
    t.write("shop/api.yaml", shadow.API)
    t.write("shop/changes/1.yaml", shadow.CHANGE)
    blue, green = (t.backend(answering(message(body={}))) for _ in range(2))
    s = Stile(t, apis={"shop": t.folder / "shop/api.yaml"}, more=plan("[{weight: 100%, hold: 1h}]"),
              pools={name: {"api": "shop", "version": version, "endpoints": b} for name, version, b in (("blue", "v1", blue), ("green", "v2", green))},
              routes=[{"name": "orders", "api": "shop", "pool": "blue", "subject": ["header:X-Account"]}])
    started(t, s)
    for path in ("/cancel/1", "/orders/1"):
        assert t.ask(s.port, path=path, Api_Version="v1", X_Account="7").status == 200
    assert [green.seen().start.split()[0] for _ in range(2)] == ["POST", "GET"]
    tell(s, "rollback")
    until(lambda: state(s) == "reported", "taken back")
    listed = [json.loads(line) for line in report(s, "--writes", "--json").splitlines()]
    assert [(w["method"], w["path"]) for w in listed] == [("POST", "/cancellations/1")], listed


def test_a_halt_holds_though_everybody_died_before_it_was_journalled(t):
    s, _, green = scene(t, plan("[{weight: 25%, hold: 1h}, {weight: 100%, hold: 1h}]"))
    started(t, s)
    assert load(t, s, range(100)) == {200: 100} and green.n > 10
    os.kill(s.control(), signal.SIGSTOP)  # so that nothing is journalled
    green.fails = True
    seen = load(t, s, range(100, 300))
    assert 11 <= seen[500] <= 16, seen
    s.kill_all()
    asked = green.n
    s.start()
    assert load(t, s, range(300)) == {200: 300} and green.n == asked
    until(lambda: state(s) == "reported", "it was journalled after all")
    assert rollout(s)["effective_ppm"] == 0 and rollout(s, "history")["revisions"][0]["after"]["report"]["cause"]["gate"] == "errors"


def test_a_write_that_nothing_is_known_of_is_told_as_such(t):
    s, _, green = stores(t)
    started(t, s)
    who = on_canary(t, s, 1)[0]
    held, lock = threading.Event(), threading.Event()
    answer = green.answer

    def hang(m):
        if m.start.startswith("PUT /orders/held"):
            held.set()
            lock.wait(20)
        return answer(m)
    green.answer = hang
    client = threading.Thread(target=lambda: put_and_lose(t, s, who))
    client.start()
    assert held.wait(10)
    for pid in s.workers():
        s.kill(pid)
    client.join()
    lock.set()
    until(lambda: len(s.workers()) == 2, "other workers")
    tell(s, "rollback")
    until(lambda: state(s) == "reported", "taken back")
    r = json.loads(report(s, "--json"))
    assert r["cause"]["gate"] == "operator" and r["exposure"]["untold"] == 1, r
    assert "1 more are NOT in the list" in report(s)


def put_and_lose(t, s, who):
    try:
        send(t, s, "PUT", "/orders/held", who, NEW, Api_Version="v3")
    except Exception:
        pass
