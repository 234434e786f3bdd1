# SPDX-License-Identifier: Apache-2.0
"""Processes that die, are stopped and are replaced; weights that move and stay. The whole proxy, as `stile run` starts it."""
import contextlib
import json
import signal
import socket
import subprocess
import threading
import time

from peers import Gone, answering, message
import soaking
from soaking import Client
from stile import Stile, is_alive, until
from test_h2 import Client as H2Client

ASK = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"  # the name in our certificate


def named(t, name):
    """A backend that answers its own name."""
    return t.backend(answering(message(body=name.encode(), media="text/plain")))


def one_pool(t, backend=None, **more):
    return Stile(t, pools={"b": backend or named(t, "b")}, routes=[{"name": "all", "pool": "b"}], **more)


def two_pools(t, weight="0", **more):
    route = {"name": "orders", "pool": "blue", "subject": ["header:X-Account"], "canary": {"pool": "green", "weight": weight, "salt": "s-1"}}
    return Stile(t, pools={"blue": named(t, "blue"), "green": named(t, "green")}, routes=[route], **more)


def ask_as(conn, account):
    a = conn.send(f"GET / HTTP/1.1\r\nHost: a\r\nX-Account: {account}\r\n\r\n").answer()
    assert a.status == 200, a
    return a


def arm(conn, account):
    """Which pool answers this account; and the request's id."""
    a = ask_as(conn, account)
    return a.body.decode(), a.get("x-request-id")


def arms(t, s, accounts):
    """Of all of these; a worker that begins to drain may be the one that took the connection, and says so."""
    conn, answers = t.connect(s.port), {}
    for account in accounts:
        a = ask_as(conn, account)
        answers[account] = a.body.decode()
        if a.get("connection") == "close":
            conn.close()
            conn = t.connect(s.port)
    conn.close()
    return answers


def to_every_worker(t, s, n_workers):
    """Kept connections, at least one of which every worker serves: the kernel chooses, the decision records tell."""
    conns, seen = [], set()
    for _ in range(100):
        conns.append(t.connect(s.port))
        _, request = arm(conns[-1], "probe")
        done = until(lambda r=request: (d := s.cli("explain", "--json", "--socket", s.socket, r, code=None)).returncode == 0 and d, "a record")
        seen.add(json.loads(done.stdout)["worker"])
        if len(seen) == n_workers:
            return conns
    raise AssertionError(f"100 connections, and only the workers {seen}")


# ── workers ──


def test_a_killed_worker_is_replaced_at_once_and_nobody_else_notices(t):
    s = one_pool(t)
    before = s.workers()
    conns = [t.connect(s.port) for _ in range(40)]
    assert all(c.send(ASK).answer().body == b"b" for c in conns)
    s.kill(before[0])
    for _ in range(20):  # also those that the dead one's socket was given
        assert t.ask(s.port).body == b"b"
    kept, lost = 0, 0
    for c in conns:
        try:
            kept += c.send(ASK).answer().body == b"b"
        except (Gone, OSError):
            lost += 1
    assert kept and lost and kept + lost == 40, (kept, lost)
    after = until(lambda: len(w := s.workers()) == 2 and w, "two workers again")
    assert before[1] in after and before[0] not in after and s.status()["deaths"] == 1
    assert s.metric("stile_worker_deaths_total") == 1


def test_a_worker_that_hangs_is_killed_and_replaced(t):
    s = one_pool(t, workers=1)
    hung = s.workers()[0]
    subprocess.run(["kill", "-STOP", str(hung)], check=True)
    c = t.connect(s.port).send(ASK)  # its socket has it, and it will not be lost with the worker
    until(lambda: not is_alive(hung), "the hung worker is killed", timeout=15)
    assert until(lambda: (w := s.workers()) and w[0] != hung and w, "another worker")
    assert c.answer().body == b"b"
    assert s.process.text().count("worker_killed") == 1


def test_a_hung_worker_whose_loader_is_dead_is_ended_with_its_generation(t):
    s = one_pool(t, limits={"drain": "500ms"})
    soaking.kill_and_replace_supervisor(s)  # whose child the worker never becomes
    hung = s.workers()[0]
    subprocess.run(["kill", "-STOP", str(hung)], check=True)
    soaking.kill_loader(s)
    until(lambda: not is_alive(hung), "the hung worker is killed", timeout=20)
    assert t.ask(s.port).body == b"b"


# ── reload ──


def test_a_bad_configuration_changes_nothing_and_all_that_is_wrong_is_told(t):
    s = one_pool(t)
    conn, number = t.connect(s.port), s.status()["generation"]["number"]
    good = s.config.read_text()
    s.rewrite(lambda text: text.replace('pool: "b"', 'pool: "c"').replace("workers: 2", "workers: many"))
    done = s.reload(code=1)
    assert "stile.yaml:6:10: a whole number" in done.stderr and "stile.yaml:10:47: there is no pool `c`" in done.stderr, done.stderr
    assert t.ask(s.port).body == b"b" and conn.send(ASK).answer().get("connection") != "close"
    status = s.status()
    assert status["generation"]["number"] == number and status["ready"] and status["reload"]["ok"] is False, status
    s.process.signal(signal.SIGHUP)  # the same, told to the log
    until(lambda: s.status()["reload"]["generation"] > status["reload"]["generation"], "the second verdict")
    assert s.status()["reload"]["ok"] is False and "no pool `c`" in s.status()["reload"]["said"] and s.process.text().count("no pool `c`") == 2
    assert t.ask(s.port).body == b"b" and s.status()["generation"]["number"] == number
    s.rewrite(lambda _: good)
    s.process.signal(signal.SIGHUP)
    until(lambda: s.status()["generation"]["number"] > number, "the good one")
    assert s.status()["reload"]["ok"] is True and t.ask(s.port).body == b"b"


def test_a_reload_brings_what_the_file_says_now(t):
    old, other = named(t, "b"), named(t, "other")
    s = one_pool(t, old)
    s.rewrite(lambda text: text.replace(old.url, other.url))
    assert "serves" in s.reload().stdout
    until(lambda: len(s.status()["processes"]["generations"]) == 1, "the old generation has gone")
    assert all(t.ask(s.port).body == b"other" for _ in range(20))


class Load:
    """Clients of every kind in loops, and what went wrong for them."""

    def __init__(self, t, s):
        self.t, self.s, self.stop, self.wrong, self.n = t, s, threading.Event(), [], {}
        kinds = [self.h1, self.h1, self.tls, self.short, self.h2]
        self.threads = [threading.Thread(target=self.run, args=(k, i), daemon=True) for i, k in enumerate(kinds)]
        for thread in self.threads:
            thread.start()

    def run(self, loop, i):
        key = f"{i} {loop.__name__}"
        self.n[key] = 0
        try:
            loop(key)
        except Exception as e:
            self.wrong.append(f"{key}, after {self.n[key]}: {e!r}")

    def loop_h1(self, key, connect):
        conn = connect()
        while not self.stop.is_set():
            body = b"x" * 1000 if self.n[key] % 3 == 0 else b""
            conn.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body if body else ASK)
            a = conn.answer()
            assert a.status == 200 and a.body == b"b", a
            self.n[key] += 1
            if a.get("connection") == "close":
                conn.close()
                conn = connect()

    def h1(self, key):
        self.loop_h1(key, lambda: self.t.connect(self.s.port))

    def tls(self, key):
        self.loop_h1(key, lambda: self.t.connect_tls(self.s.tls_port))

    def short(self, key):
        while not self.stop.is_set():
            assert self.t.ask(self.s.port).body == b"b"
            self.n[key] += 1

    def h2(self, key):
        client = H2Client(self.t.connect(self.s.port))
        while not self.stop.is_set():
            stream = client.ask()
            try:
                a = client.answer(stream)
            except (Gone, OSError):
                # RFC 9113 §6.8: what is above the last stream was not processed and may be sent again
                assert client.last is not None and stream > client.last, f"stream {stream} was lost, GOAWAY said {client.last}"
                client = H2Client(self.t.connect(self.s.port))
                continue
            assert a["ended"] and a["head"][":status"] == "200" and a["body"] == b"b", a
            self.n[key] += 1
            if client.gone is not None:
                client = H2Client(self.t.connect(self.s.port))

    def until(self, more):
        """Until every loop has made so many rounds more."""
        goals = {key: n + more for key, n in self.n.items()}
        until(lambda: self.wrong or all(self.n[key] >= goal for key, goal in goals.items()), f"the load goes on ({self.n})")

    def finish(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(20)
        assert not self.wrong, self.wrong


def test_reloads_under_load_lose_no_request(t):
    s = one_pool(t, tls=True)
    load = Load(t, s)
    for workers in (2, 1, 3, 2):
        load.until(10)
        s.rewrite(lambda text, n=workers: text.replace(text[text.index("workers:"):].split("\n")[0], f"workers: {n}"))
        s.reload()
        until(lambda n=workers: len(s.workers()) == n, f"{workers} workers")
    load.until(10)
    load.finish()
    until(lambda: len(s.status()["processes"]["generations"]) == 1, "the old generations have gone")


# ── the end ──


def waiting(t, go):
    def script(conn, backend):
        while True:
            m = conn.request()
            backend.requests.put(m)
            if "/slow" in m.start:
                assert go.wait(20)
            conn.send(message(body=b"done"))
    return t.backend(script)


def test_sigterm_finishes_what_is_under_way(t):
    go = threading.Event()
    b = waiting(t, go)
    s = one_pool(t, b, tls=True)
    h1 = t.connect(s.port).send(ASK.replace(b"/", b"/slow", 1))
    tls = t.connect_tls(s.tls_port).send(ASK.replace(b"/", b"/slow", 1))
    h2 = H2Client(t.connect(s.port))
    stream = h2.ask(path="/slow")
    idle = t.connect(s.port).send(ASK)
    assert idle.answer().body == b"done"
    for _ in range(4):
        b.seen()
    s.process.signal(signal.SIGTERM)
    s.process.says("worker_drains")
    ask = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
    until(lambda: idle.send(ask).answer().get("connection") == "close", "its turn to go comes")
    assert s.process.process.poll() is None
    go.set()
    assert h1.answer().body == b"done" and tls.answer().body == b"done" and h2.answer(stream)["body"] == b"done"
    for c in (h1, tls, h2.conn, idle):
        c.close()
    assert s.process.wait() == 0
    try:
        socket.create_connection(("127.0.0.1", s.port), 2)
        raise AssertionError("somebody still listens")
    except OSError:
        pass


def test_a_drain_has_an_end(t):
    go = threading.Event()
    b = waiting(t, go)
    s = one_pool(t, b, limits={"drain": "500ms"})
    c = t.connect(s.port).send(ASK.replace(b"/", b"/slow", 1))
    b.seen()
    began = time.monotonic()
    s.stop()
    assert time.monotonic() - began < 10
    assert "limit_reached limit=drain_ms" in s.process.text()
    try:
        c.answer()
        raise AssertionError("an answer from nowhere")
    except (Gone, OSError):
        pass
    finally:
        go.set()


def test_a_second_sigterm_does_not_wait(t):
    go = threading.Event()
    b = waiting(t, go)
    s = one_pool(t, b)
    c = t.connect(s.port).send(ASK.replace(b"/", b"/slow", 1))
    b.seen()
    s.process.signal(signal.SIGTERM)
    s.process.says("worker_drains")
    family = s.family()
    began = time.monotonic()
    s.process.signal(signal.SIGTERM)
    assert s.process.wait() == 0 and time.monotonic() - began < 10
    until(lambda: not any(is_alive(pid) for pid in family), "all of them have gone")
    go.set()
    c.close()


def test_a_bad_first_configuration_is_told_and_ends_the_start(t):
    s = one_pool(t)
    s.stop()
    s.rewrite(lambda text: text.replace("pools:", "pouls:"))
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    told.bind(str(t.folder / "notify"))
    process = t.start(s.binary, "run", "--config", s.config, cwd=s.folder, ok=(1,), env={"NOTIFY_SOCKET": str(t.folder / "notify")})
    assert process.wait() == 1
    assert "stile.yaml:" in process.text() and "did you mean `pools`" in process.text(), process.text()
    said = []
    with contextlib.suppress(BlockingIOError):
        while True:
            said.append(told.recv(1000))
    assert not [x for x in said if b"READY" in x], "systemd would call it started"


def test_two_cannot_serve_one_address(t):
    s = one_pool(t)
    other = t.write("other/stile.yaml", s.config.read_text().replace(f"127.0.0.1:{s.observe}", "127.0.0.1:0"))
    process = t.start(s.binary, "run", "--config", other, cwd=other.parent, ok=(1, 2))
    assert process.wait() != 0
    assert all(t.ask(s.port).body == b"b" for _ in range(10))


# ── weights ──


def test_a_moved_weight_is_with_every_worker_before_the_command_returns(t):
    s = two_pools(t, workers=3)
    conns = to_every_worker(t, s, 3)
    for share, expected in (("100%", "green"), ("0", "blue"), ("100%", "green")):
        moved = s.weight("orders", share)
        assert [arm(c, "7")[0] for c in conns] == [expected] * len(conns), share
        assert moved["effective_ppm"] == (1000000 if share == "100%" else 0)


def test_every_worker_sees_a_weight_while_it_is_moved(t):
    s = two_pools(t, workers=2)
    conns = to_every_worker(t, s, 2)
    process = subprocess.Popen([s.binary, "weight", "--socket", s.socket, "orders", "100%", "--reason", "timing"], stdout=subprocess.DEVNULL)
    until(lambda: any(arm(c, "7")[0] == "green" for c in conns), "green somewhere")
    assert [arm(c, "7")[0] for c in conns] == ["green"] * len(conns), "where one has seen it, all have"
    assert process.wait(20) == 0


def test_weights_and_arms_are_kept_across_reload_restart_and_a_dead_worker(t):
    s = two_pools(t)
    accounts = [f"a{i}" for i in range(200)]
    revision = s.weight("orders", "30%")["revision"]
    before = arms(t, s, accounts)
    assert 30 < sum(a == "green" for a in before.values()) < 90, before
    s.reload()
    assert arms(t, s, accounts) == before, "after a reload"
    s.kill(s.workers()[0])
    assert arms(t, s, accounts) == before, "after a worker's death"
    s.stop().start()
    assert arms(t, s, accounts) == before, "after a restart"
    w = s.weight("orders")
    assert w["effective_ppm"] == 300000 and w["file_ppm"] == 0 and w["revision"] == revision, w
    s.weight("orders", "60%")
    after = arms(t, s, accounts)
    assert all(after[a] == "green" for a in accounts if before[a] == "green"), "raising it sends nobody back"
    assert sum(a == "green" for a in after.values()) > sum(a == "green" for a in before.values())


def test_a_new_value_in_the_file_wins_and_an_old_one_does_not(t):
    s = two_pools(t, weight="10%")
    s.weight("orders", "30%")
    s.rewrite(lambda text: text + "# only a word\n").reload()
    assert s.weight("orders")["effective_ppm"] == 300000
    s.rewrite(lambda text: text.replace('"10%"', '"20%"')).reload()
    w = s.weight("orders")
    assert w["effective_ppm"] == 200000 and w["file_ppm"] == 200000, w
    journal = json.loads(t.curl("--unix-socket", s.socket, "http://admin/v1/revisions"))["revisions"]
    assert [r["kind"] for r in journal] == ["weight.file", "weight.set", "weight.new"], journal
    assert journal[0]["actor"] == "config" and journal[1]["actor"].startswith("uid:") and journal[1]["reason"] == "a test", journal


def test_a_restart_after_a_kill_of_everybody_has_the_acknowledged_weight(t):
    s = two_pools(t)
    s.weight("orders", "100%")
    s.kill_all()
    s.start()
    assert s.weight("orders")["effective_ppm"] == 1000000 and arms(t, s, ["x"]) == {"x": "green"}


# ── control and supervisor ──


def test_a_dead_control_is_replaced_and_traffic_goes_on(t):
    s = two_pools(t)
    s.weight("orders", "100%")
    conn, dead = t.connect(s.port), s.control()
    assert arm(conn, "7")[0] == "green"
    s.kill(dead)
    for _ in range(50):
        assert arm(conn, "7")[0] == "green" and t.ask(s.port, X_Account="7").body == b"green"
    until(lambda: s.cli("status", "--socket", s.socket, code=None).returncode == 0, "ready again")
    assert s.control() != dead and s.weight("orders")["effective_ppm"] == 1000000
    s.weight("orders", "0")
    assert arm(conn, "7")[0] == "blue"
    assert s.metric("stile_requests_total") >= 52, "counters go on"


def test_traffic_goes_on_without_a_supervisor(t):
    s = two_pools(t)
    conn = t.connect(s.port)
    assert arm(conn, "7")[0] == "blue"
    s.process.ok = (-signal.SIGKILL,)
    s.kill(s.process.pid)
    s.process.wait()
    try:
        for _ in range(20):
            assert arm(conn, "7")[0] == "blue" and t.ask(s.port).body == b"blue"
        s.weight("orders", "100%")
        assert arm(conn, "7")[0] == "green" and s.status()["supervisor"] is False
        assert "supervisor" in s.reload(code=1).stderr
    finally:
        s.kill_all()


def test_counters_never_go_back_over_a_reload(t):
    s = one_pool(t)
    for _ in range(30):
        t.ask(s.port)
    assert until(lambda: s.metric("stile_requests_total") == 30, "all are counted")
    s.reload()
    until(lambda: len(s.status()["processes"]["generations"]) == 1, "the old generation has gone")
    assert s.metric("stile_requests_total") == 30
    t.ask(s.port)
    until(lambda: s.metric("stile_requests_total") == 31, "and one more")


def test_a_generation_that_ends_while_nobody_supervises_is_forgotten_and_its_counters_stay(t):
    go = threading.Event()

    def waits(conn, backend):
        while backend.requests.put(conn.request()) is None:
            go.wait(20)
            conn.send(message())

    b = t.backend(waits)
    s = one_pool(t, backend=b)
    slow = t.connect(s.port).send(ASK)
    b.seen()
    s.reload()
    first = next(g for g in soaking.processes(s)["generations"] if g["number"] == 1)
    soaking.leave(s)
    go.set()
    assert slow.answer().status == 200
    until(lambda: not is_alive(first["loader"]), "the old generation has ended")
    soaking.take_over(s)
    until(lambda: {w["generation"] for w in s.status()["workers"]} == {2}, "nobody of it is listed")
    assert s.metric("stile_requests_total") == 1


# ── records, logs, sockets ──


def test_a_request_is_explained_after_a_reload_and_after_control_was_killed(t):
    b = t.backend(answering(message()))
    s = Stile(t, pools={"b": b}, routes=[{"name": "all", "pool": "b"}])
    t.ask(s.port, X_Request_ID="before-all-that")
    explained = lambda: s.cli("explain", "--json", "--socket", s.socket, "before-all-that", code=None)
    until(lambda: explained().returncode == 0, "it is explained")
    s.reload()
    assert json.loads(explained().stdout)["route"] == "all"
    old = s.control()
    s.kill(old)
    until(lambda: s.is_ready() and s.control() != old, "another control")
    assert json.loads(explained().stdout)["route"] == "all"


def test_with_a_full_disk_traffic_goes_on_and_what_the_log_lost_is_counted(t):
    s = one_pool(t, t.fast_backend())
    s.rewrite(lambda text: text.replace("access: stdout", "access: /dev/full")).reload()
    done = Client(t, s.port, "--requests", 8000, "--path", "/" + "x" * 500).last()  # what waits for room has an end
    assert done["total"]["ok"] == 8000, done
    until(lambda: s.metric("stile_log_dropped_total", log="access"), "what was lost is counted")
    assert s.is_ready()


GIVE = """
import os, socket, sys
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"""


def test_sockets_of_systemd_are_served_by_all_workers_and_outlive_a_reload(t):
    s = one_pool(t)
    s.stop()
    s.process = t.start("/usr/bin/python3", "-c", GIVE, s.port, s.binary, "run", "--config", s.config, cwd=s.folder)
    t.at_end(s.end)
    until(s.is_ready, "ready")
    assert "socket_given" in s.process.text() and all(t.ask(s.port).body == b"b" for _ in range(20))
    s.rewrite(lambda text: text.replace("workers: 2", "workers: 3")).reload()
    until(lambda: len(s.workers()) == 3, "three workers")
    s.kill(s.workers()[0])
    assert all(t.ask(s.port).body == b"b" for _ in range(20))
