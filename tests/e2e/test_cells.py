# SPDX-License-Identifier: Apache-2.0
"""A gate that halts its cell alone (`halt: cell`): one platform on one route goes back, and nobody else."""
import json
import os
import signal

from peers import message
from stile import Stile, until
from test_rollouts import MANIFEST, rollout, say, state, tell

ROUTES = [{"name": name, "match": {"path": f"/{name}"}, "pool": "blue", "subject": ["header:X-Account"], "platform": {"header": "X-Platform"}}
          for name in ("orders", "carts")]
PLAN = f"""rollouts:
  ios:
    manifest: {MANIFEST}
    match: {{routes: [orders, carts], platform: [ios, android]}}
    baseline: blue
    canary: green
    salt: ios-2026
    steps: [{{weight: 25%, hold: 1h}}, {{weight: 100%, hold: 1h}}]
    gates: {{errors: {{ratio: 5, alpha: 1e-4}}, halt: cell}}
"""
CELLS = [(path, platform) for path in ("/orders", "/carts") for platform in ("ios", "android")]


class Green:
    """The canary: it fails for the cells it is told."""

    def __init__(self, t):
        self.fails, self.backend = set(), t.backend(self.serve)

    def serve(self, conn, _):
        while True:
            r = conn.request()
            broken = (r.start.split()[1], r.get("x-platform")) in self.fails
            conn.send(message(status=500, body=b"broken") if broken else message(body=b"green"))


def blue(conn, _):
    while True:
        conn.request()
        conn.send(message(body=b"blue"))


def ask_all(t, s, cell, subjects):
    """One request of each of these subjects to a cell; how many came of blue, of green and failed."""
    seen, conn = {}, t.connect(s.port)
    for i in subjects:
        a = conn.send(f"GET {cell[0]} HTTP/1.1\r\nHost: a\r\nX-Account: account-{i}\r\nX-Platform: {cell[1]}\r\n\r\n").answer()
        word = a.body.decode() if a.status == 200 else "failed"
        seen[word] = seen.get(word, 0) + 1
    conn.close()
    return seen


def scene(t):
    green = Green(t)
    s = Stile(t, pools={"blue": t.backend(blue), "green": green.backend}, routes=ROUTES, more=PLAN)
    until(lambda: state(s) == "approved", "approved")
    tell(s, "start")
    before = {cell: ask_all(t, s, cell, range(120)) for cell in CELLS}
    assert all(seen["green"] > 15 and seen["blue"] > 60 for seen in before.values()), before
    return s, green, before


def is_back(t, s, before, halted):
    """Those of `halted` are all on the baseline, and the others where they were: the same subjects."""
    for cell in CELLS:
        seen = ask_all(t, s, cell, range(120))
        assert seen == ({"blue": 120} if cell in halted else before[cell]), (cell, seen)


def halted(s):
    return [(c["cell"], c["gate"]) for c in rollout(s).get("halted_cells", [])]


def test_a_cell_that_fails_goes_back_alone_with_control_dead_and_stays_back(t):
    s, green, before = scene(t)
    control = s.control()
    os.kill(control, signal.SIGSTOP)  # as good as dead: it sees and does nothing
    bad = CELLS[0]
    green.fails = {bad}
    seen = ask_all(t, s, bad, range(120, 400))
    assert 11 <= seen["failed"] <= 20 and "green" not in seen, seen
    is_back(t, s, before, {bad})
    s.kill(control)
    until(lambda: state(s) == "step" and halted(s) == [("orders, any version, ios", "errors")], "journalled by the next control")
    events = [(r["after"]["event"], r["reason"]) for r in rollout(s, "history")["revisions"]]
    assert events[0] == ("halt_cell", "errors: orders, any version, ios"), events
    cells = {c["cell"]: c for c in rollout(s, "history")["revisions"][0]["after"]["evidence"]}
    cell = cells["orders, any version, ios"]
    assert cell["halted"] == "errors" and cell["sum"] >= cell["bound"] and cell["canary"]["errors"] == seen["failed"], cell
    assert all("halted" not in c for name, c in cells.items() if c is not cell), cells
    is_back(t, s, before, {bad})
    s.reload()
    is_back(t, s, before, {bad})
    s.stop()
    s.start()
    until(lambda: state(s) == "step", "as it was")
    is_back(t, s, before, {bad})
    assert halted(s) == [("orders, any version, ios", "errors")] and "is whole" in say(s, "audit", "verify")


def test_a_halted_cell_is_shown_and_reopened_by_a_word_of_its_own(t):
    s, green, before = scene(t)
    bad = CELLS[3]
    green.fails = {bad}
    ask_all(t, s, bad, range(120, 400))
    until(lambda: halted(s) == [("carts, any version, android", "errors")], "halted")
    green.fails = set()
    assert s.metric("stile_rollout_halted_cells", rollout="ios") == 1
    assert s.metric("stile_split_total", route="carts", arm="halted") > 0
    for words in (("rollout",), ("status",), ("rollout", "show", "ios"), ("rollout", "evidence", "ios")):
        assert "HALTED" in say(s, *words), words
    assert "carts, any version, android: by errors" in say(s, "rollout", "show", "ios")
    # A request that was, and the same one described: kept from the canary by the cell's halt, at the rollout's weight.
    account = next(f"account-{i}" for i in range(99) if t.ask(s.port, path="/carts", X_Account=f"account-{i}", X_Platform="ios").body == b"green")
    id_ = t.ask(s.port, path="/carts", X_Account=account, X_Platform="android").get("x-request-id")
    until(lambda: s.cli("explain", id_, "--socket", s.socket, code=None).returncode == 0, "its record has come")
    for words in ([id_], ["-c", s.config, "-H", f"X-Account: {account}", "-H", "X-Platform: android", "GET", "/carts"]):
        told = json.loads(say(s, "explain", "--json", *words))
        assert (told["cell"], told["cell_halted"], told["weight_ppm"], told["step"], told["pool"]) == ("carts, any version, android", 1, 250000, 1, "blue"), told

    assert "cells: 1 halted" in tell(s, "promote", code=1)
    assert "it has no cell" in say(s, "rollout", "reopen", "ios", "--cell", "carts", "--reason", "x", code=3)
    assert "is not halted" in say(s, "rollout", "reopen", "ios", "--cell", "orders, any version, ios", "--reason", "x", code=1)
    assert "is of promote and flip" in say(s, "rollout", "pause", "ios", "--without-halted", "--reason", "x", code=1)
    assert state(s) == "step" and len(halted(s)) == 1
    say(s, "rollout", "promote", "ios", "--without-halted", "--reason", "android waits")
    for cell in CELLS:
        assert ask_all(t, s, cell, range(60)) == {"blue" if cell == bad else "green": 60}, cell
    say(s, "rollout", "reopen", "ios", "--cell", "carts, any version, android", "--reason", "mended")
    assert halted(s) == [] and ask_all(t, s, bad, range(60)) == {"green": 60}
    assert s.metric("stile_rollout_halted_cells", rollout="ios") == 0
    assert [r["after"]["event"] for r in rollout(s, "history")["revisions"]][:3] == ["reopen", "promote", "halt_cell"]
    tell(s, "abort")
    until(lambda: state(s) == "reported", "taken back")
    assert all(ask_all(t, s, cell, range(30)) == {"blue": 30} for cell in CELLS)


def test_a_platform_that_fails_goes_back_on_all_its_routes_and_the_report_tells_it(t):
    s, green, before = scene(t)
    bad = [cell for cell in CELLS if cell[1] == "android"]
    green.fails = set(bad)
    for cell in bad:
        assert ask_all(t, s, cell, range(120, 400))["failed"] <= 20, cell
    green.fails = set()
    is_back(t, s, before, bad)
    until(lambda: len(halted(s)) == 2, "both are journalled")
    tell(s, "rollback")
    until(lambda: state(s) == "reported", "reported")
    told = json.loads(say(s, "report", "ios", "--json"))
    assert [c["cell"] for c in told["halted_cells"]] == ["orders, any version, android", "carts, any version, android"], told
    assert "halted alone, by errors" in say(s, "report", "ios")
