# SPDX-License-Identifier: Apache-2.0
"""Control is killed at random moments of its work, and everybody is moved back and forth: nothing that was acknowledged is lost, nothing is
done twice, and no client notices. `./run kills` is the long form: rounds with other moments (STILE_KILLS in each, STILE_SEED)."""
import json
import os
import random
import signal
import socket
import threading
import time

from peers import Conn, Gone
from stile import Stile, is_alive, until
from test_rollouts import Arm, plan, rollout, say, state, tell

KILLS, SEED = int(os.environ.get("STILE_KILLS", 8)), int(os.environ.get("STILE_SEED", 1))


class Clients:
    """Accounts that ask without a pause, each connection on its own thread; what failed, and whom each met last."""

    def __init__(self, t, s, n=4):
        self.t, self.s, self.failed, self.n, self.last, self.stop = t, s, [], 0, {}, threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(n)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def run(self, i):
        conn, k = self.t.connect(self.s.port), 0
        while not self.stop.is_set():
            k += 1
            account = f"account-{i}-{k % 60}"
            try:
                answer = conn.send(f"GET /x HTTP/1.1\r\nHost: a\r\nX-Account: {account}\r\n\r\n").answer()
                if answer.status != 200:
                    self.failed.append(answer.status)
                self.last[account] = answer.body
                if answer.get("connection") == "close":
                    conn.close()
                    conn = self.t.connect(self.s.port)
            except (Gone, OSError) as e:
                self.failed.append(repr(e))
                conn = self.t.connect(self.s.port)
            self.n += 1
        conn.close()

    def all_meet(self, arm):
        until(lambda: self.failed or set(self.last.values()) == {arm}, f"everybody is on {arm}")
        self.last.clear()
        self.more()
        assert self.failed or set(self.last.values()) == {arm}, "and stays there"

    def more(self, n=300, or_failed=True):
        before = self.n
        until(lambda: self.n >= before + n or or_failed and self.failed, "clients ask on")


def scene(t, steps, more_routes=(), workers=2):
    blue, green = Arm(t, "blue"), Arm(t, "green")
    s = Stile(t, pools={"blue": blue.backend, "green": green.backend}, more=plan(steps), workers=workers,
              routes=[*more_routes, {"name": "orders", "pool": "blue", "subject": ["header:X-Account"]}])
    until(lambda: state(s) == "approved", "approved")
    return s, blue, green


def admin(s, method, path, body=None, **fields):
    """One request to the admin socket; None if nobody lived to answer it."""
    data = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: admin\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n"
    head += "".join(f"{n.replace('_', '-')}: {v}\r\n" for n, v in fields.items())
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10)
            sock.connect(str(s.socket))
            answer = Conn(sock).send(head.encode() + b"\r\n" + data).answer()
            return answer if answer.status != 503 else None
    except (Gone, OSError, ValueError, IndexError):
        return None


class Operator:
    """Moves a weight, pauses and resumes, as fast as it is answered; what was acknowledged, in order."""

    def __init__(self, s):
        self.s, self.acked, self.tried, self.stop = s, [], 0, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.stop.is_set():
            i = self.tried
            self.tried += 1
            word = ("pause", "resume")[i // 2 % 2]
            if i % 2:
                self.until_told(word, f"op-{i}")
            else:
                answer = admin(self.s, "PUT", "/v1/weights/hand", {"weight": 1000 + i, "reason": f"op-{i}"}, If_Match="*")
                if answer and answer.status == 200:
                    self.acked.append((f"op-{i}", answer.json()["revision"], 1000 + i))

    def until_told(self, word, reason):
        """The same key again, until it is said what came of it."""
        while not self.stop.is_set():
            answer = admin(self.s, "POST", f"/v1/rollouts/ios/{word}", {"reason": reason}, If_Match="*", Idempotency_Key=reason)
            if answer:
                assert answer.status == 200, (answer.status, answer.body)
                self.acked.append((reason, None, word))
                return


def revisions(s):
    """All of them, oldest first."""
    found, before = [], 0
    while page := json.loads(admin(s, "GET", f"/v1/revisions?limit=500&before={before}").body)["revisions"]:
        found += page
        before = page[-1]["revision"]
        if before == 1:
            break
    return found[::-1]


def kill_control(s, dice):
    pid = until(lambda: (a := admin(s, "GET", "/v1/status")) and a.json()["pid"], "control answers")
    time.sleep(dice.uniform(0, 0.05))  # the moment is what is random
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    until(lambda: not is_alive(pid), "it is dead")


def test_kill_9_at_random_moments_loses_nothing_that_was_acknowledged(t):
    dice = random.Random(SEED)
    s, _, _ = scene(t, "[{weight: 25%, hold: 1h}, {weight: 100%, hold: 1h}]",
                    [{"name": "hand", "match": {"path": "/hand"}, "pool": "blue", "subject": ["header:X-Account"],
                      "canary": {"pool": "green", "weight": "0", "salt": "hand"}}])
    tell(s, "start")
    operator = Operator(s)
    with Clients(t, s, 2) as clients:
        operator.thread.start()
        for i in range(KILLS):
            kill_control(s, dice)
            if i % 4 == 3:  # the supervisor waits longer for each that dies young; a reload is part of a life
                s.reload(code=None)
        before = len(operator.acked)
        until(lambda: len(operator.acked) > before + 4, "it is answered again")
        operator.stop.set()
        operator.thread.join()
    assert not clients.failed and clients.n > 100, (clients.failed[:5], clients.n)
    assert "is whole" in say(s, "audit", "verify")
    journal = revisions(s)
    assert [r["revision"] for r in journal] == list(range(1, len(journal) + 1))
    by_reason = {}
    for r in journal:
        by_reason.setdefault(r["reason"], []).append(r)
    for reason, revision, _ in operator.acked:
        entries = by_reason.get(reason, [])
        assert len(entries) == 1 and revision in (None, entries[0]["revision"]), (reason, revision, entries)
    assert all(len(by_reason.get(f"op-{i}", [])) <= 1 for i in range(operator.tried)), "nothing was done twice"
    # What holds is what the newest entry of each says.
    weights = [r for r in journal if r["kind"] == "weight.set"]
    assert s.weight("hand")["weight_ppm"] == weights[-1]["after"]["weight_ppm"] >= max(w for _, _, w in operator.acked if isinstance(w, int))
    states = [r for r in journal if r["kind"].startswith("rollout.")]
    assert state(s) == states[-1]["after"]["state"] and rollout(s)["effective_ppm"] == 250000


def test_a_rollout_a_rollback_and_a_flip_lose_no_request(t):
    s, blue, green = scene(t, "[{weight: 10%, hold: 100ms, min_requests: 5}, {weight: 50%, hold: 100ms, min_requests: 5}, {weight: 100%, hold: 200ms}]")
    with Clients(t, s) as clients:
        clients.more()
        assert green.n == 0
        tell(s, "start")
        until(lambda: state(s) == "done", "to the end")
        clients.all_meet(b"green")
        tell(s, "rollback")
        clients.all_meet(b"blue")
        until(lambda: state(s) == "reported", "reported")
        tell(s, "again")
        until(lambda: state(s) == "approved", "approved")
        tell(s, "flip")
        assert rollout(s)["effective_ppm"] == 1000000
        clients.all_meet(b"green")
        tell(s, "rollback")
        clients.all_meet(b"blue")
    assert not clients.failed and clients.n > 1200, (clients.failed[:5], clients.n)


def test_a_canary_that_breaks_is_halted_in_every_worker_with_control_dead(t):
    s, _, green = scene(t, "[{weight: 25%, hold: 1h}, {weight: 100%, hold: 1h}]", workers=4)
    tell(s, "start")
    with Clients(t, s) as clients:
        clients.more()
        control = s.control()
        os.kill(control, signal.SIGSTOP)
        green.fails = True
        until(lambda: len(clients.failed) >= 11, "it fails")
        until(lambda: not_asked(green, clients), "nobody asks it any more")
        asked, failed = green.n, len(clients.failed)
        for i in range(60):  # connections of their own: every worker has some
            assert t.ask(s.port, X_Account=f"account-{i}").body == b"blue"
        assert green.n == asked and len(clients.failed) == failed
        s.kill(control)
    until(lambda: state(s) == "reported", "journalled")
    r = json.loads(say(s, "report", "ios", "--json"))
    assert r["exposure"]["after_halt"] == 0 and r["times"]["to_halt_ms"] == 0 and r["cause"]["gate"] == "errors", r
    assert r["exposure"]["errors"] == failed and r["exposure"]["requests"] == green.n, (r["exposure"], failed, green.n)


def not_asked(green, clients):
    before = green.n, len(clients.failed)
    clients.more(100, or_failed=False)
    return before == (green.n, len(clients.failed))
