# SPDX-License-Identifier: Apache-2.0
"""Limits of one worker, reached: memory, descriptors, rates; and doors that are not TCP."""
import socket
import subprocess
import threading
import time

from peers import WAIT_S, Conn, Gone, answering, message
from stile import Stile, until
from test_faults import ASK, rss
from soaking import Client
from test_h2 import Client as H2Client


def test_a_request_that_needs_more_memory_than_it_may_have_ends_visibly(t):
    b = t.backend(answering(message(body=b"ok", **{f"X-{i}": "y" * 200 for i in range(20)})))
    outcomes, told = set(), ""
    for size in (256, 1500, 2500, 4000, 6000, 9000, 14000, 20000, 65536):
        w = t.worker(b, limits=f"request_arena: {size}")
        try:
            outcomes.add(t.ask(w.port, **{f"X_{i}": "z" * 200 for i in range(20)}).status)
        except (Gone, OSError):
            outcomes.add("closed")
        t.conns.pop().close()
        w.signal(15)
        assert w.wait() == 0
        told += w.text()
    assert "limit_reached limit=request_arena" in told
    assert 200 in outcomes and outcomes <= {200, 500, 502, 503, "closed"} and len(outcomes) > 1, outcomes


def test_without_descriptors_it_answers_503_and_goes_on(t):
    w = t.worker(t.backend(answering(message(body=b"ok"))))
    limit = len(subprocess.run(["ls", f"/proc/{w.pid}/fd"], capture_output=True, text=True, check=True).stdout.split()) + 6
    subprocess.run(["prlimit", "--pid", str(w.pid), f"--nofile={limit}:{limit}"], check=True)
    kept = [t.connect(w.port) for _ in range(5)]
    for c in kept:
        assert c.send(ASK).answer().status in (200, 503)
    more = [t.connect(w.port) for _ in range(8)]
    turned = 0
    for c in more:
        try:
            turned += c.send(ASK).answer().status == 503
        except (Gone, OSError):
            turned += 1
    assert turned >= 6, "it did not say that it is full"
    for c in kept + more:
        c.close()
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        try:
            if t.connect(w.port).send(ASK).answer().status == 200:
                return
        except (Gone, OSError):
            pass
        time.sleep(0.05)
    raise AssertionError("it never served again")


def test_a_worker_that_cannot_keep_up_says_so_and_serves_those_it_can_and_then_everybody(t):
    more = "routes:\n  - {name: probe, match: {path: /alive}, answer: {status: 200, body: yes}}\n  - {name: all, match: {path: /**}, pool: b}\n"
    w = t.worker(t.fast_backend(), routes=more, limits="late: 1ms")
    kept, answers = t.connect(w.port), []
    crowd = Client(t, w.port, "--connections", 300, "--path", "/1k")
    until(lambda: crowd.report()["total"]["refused"] > 1000, "it refuses")
    while sum(a.status == 503 for a in answers) < 3:
        answers.append(kept.send(ASK).answer())
    a, told = answers[-1], [a for a in answers if a.status == 503]
    assert all(a.json()["request_id"] == a.get("x-request-id") and a.get("date") and a.get("cache-control") == "no-store" for a in told), told
    assert len({a.get("x-request-id") for a in told}) == 3, "the words are made once, each request is itself"
    assert a.json()["type"].endswith("overloaded") and a.get("retry-after") == "1" and a.get("connection") != "close", a
    for _ in range(20):
        assert kept.send(ASK.replace(b"/ ", b"/alive ")).answer().status == 200, "what costs nothing is answered as ever"
    served = crowd.report()["total"]["ok"]
    until(lambda: crowd.report()["total"]["ok"] > served + 100, "others are served meanwhile")
    crowd.process.signal(15)
    total = crowd.last()["total"]
    assert total["wrong"] + total["lost"] == 0, total
    w.says("late waited_us=").says("limit_reached limit=late_ms")
    until(lambda: kept.send(ASK).answer().status == 200, "and then everybody")
    assert [kept.send(ASK).answer().status for _ in range(50)] == [200] * 50
    w.says("in_time_again")


def test_whoever_is_turned_away_is_told_in_the_same_words(t):
    w = t.worker(t.fast_backend(), limits="late: 1ms")
    crowd, plain = Client(t, w.port, "--connections", 300, "--path", "/1k"), b"GET / HTTP/1.1\r\nHost: a\r\n"

    def told(ask):
        while (a := t.connect(w.port).send(ask).answer(bodyless=ask.startswith(b"HEAD"))).status != 503:
            t.conns.pop().close()
        return a

    def words(a, *but):
        return a.start.split(None, 1)[1], [(n, v) for n, v in a.fields if n not in ("date", "x-request-id", "content-length", *but)]

    until(lambda: crowd.report()["total"]["refused"] > 1000, "it refuses")
    first = told(plain + b"\r\n")
    for more in (b"", b"X-Request-ID: mine\r\n", b"X-Request-ID: " + b"m" * 128 + b"\r\n", b"Content-Length: 0\r\n", b"Connection: close\r\n"):
        a = told(plain + more + b"\r\n")
        assert words(a, "connection") == words(first) and (a.get("connection") == "close") == (b"close" in more), (more, a)
        assert a.json() | {"request_id": 0} == first.json() | {"request_id": 0}, (more, a)
        assert a.json()["request_id"] == a.get("x-request-id") and int(a.get("content-length")) == len(a.body), (more, a)
        assert b"Request-ID" not in more or a.get("x-request-id").encode() in more, (more, a)
    a = told(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")
    assert words(a) == words(first)
    assert t.conns[-1].send(plain + b"\r\n").answer().status in (200, 503), "what was sent with it is not taken for a request"
    a = told(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert words(a) == words(first) and a.body == b"" and t.conns[-1].send(plain + b"\r\n").answer().json()
    a = told(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
    assert a.get("connection") == "close" and a.json()["title"] == first.json()["title"], a


def test_without_memory_requests_and_then_connections_are_answered_503_until_there_is_some(t):
    t.build = t.plain  # a sanitizer's heap does not tell what is in use
    w = t.worker(t.backend(answering(message(body=b"ok"))), limits="memory: 32MiB, head: 60s")  # 5 % are more than comes between two looks
    half = b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"y" * 7000) for i in range(4))
    kept, crowd, seen = t.connect(w.port), [], None
    assert kept.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").answer().status == 200
    while seen is None:
        assert len(crowd) < 2000, "nothing was ever refused"
        crowd += [t.connect(w.port).send(half) for _ in range(20)]
        try:  # one that is kept from before everything
            a = kept.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").answer()
            seen = a if a.status == 503 else None
        except (Gone, OSError):
            seen = "closed while it was idle"
        time.sleep(0.01)  # the heap is looked at as often: neither mark is leapt over
    if seen != "closed while it was idle":
        assert seen.json()["type"].endswith("overloaded") and seen.get("retry-after") == "1", seen
    until(lambda: w.text().count("limit=memory_high_percent"), "the limit is named")
    for _ in range(120):  # beyond the second mark a new connection is told at once
        try:
            crowd.append(t.connect(w.port).send(half))
        except OSError:
            pass

    def told_by_the_second():
        assert t.connect(w.port).send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").answer().status == 503
        return "limit_reached limit=memory_full_percent" in w.text()

    until(told_by_the_second, "the heap is looked at each ten milliseconds")
    for c in crowd:
        c.close()
    until(lambda: t.ask(w.port).status == 200, "there is room again")


def test_a_body_that_trickles_is_a_408_after_its_grace_and_one_within_its_rate_is_not(t):
    w = t.worker(t.backend(answering(message())), limits="body: 60s")
    began = time.monotonic()
    stop = threading.Event()
    post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
    slow, fast = t.connect(w.port).send(post), t.connect(w.port).send(post)
    over_h2 = H2Client(t.connect(w.port))
    stream = over_h2.ask("POST", ends=False)

    def trickle():
        n = 0
        while not stop.wait(0.25):
            try:
                slow.send(b"x" * 50)  # 200 bytes a second
                fast.send(b"x" * 500)
                n += 500
                over_h2.send(stream, b"x" * 50)
            except OSError:
                break
        fast.send(b"x" * (100000 - n))

    feeder = threading.Thread(target=trickle, daemon=True)
    feeder.start()
    status = slow.answer().status
    assert status == 408 and time.monotonic() - began > 4.5, "not before its grace; its total would come too late for the test"
    stop.set()
    feeder.join()
    assert fast.answer().status == 200
    assert over_h2.answer(stream)["head"][":status"] == "408"
    w.says("limit_reached limit=body_rate")


def test_a_stream_may_last_longer_than_its_total(t):
    def events(conn, backend):
        conn.request()
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for i in range(12):
            conn.send(b"8\r\ndata: %d\n\r\n" % (i % 10))
            time.sleep(0.1)
        conn.send(b"0\r\n\r\n")

    w = t.worker(t.backend(events), route=", timeouts: {total: 400ms, idle: 10s}")
    a = t.ask(w.port)
    assert a.body.count(b"data:") == 12


def test_an_upload_on_a_stream_route_may_take_its_time(t):
    b = t.backend(answering(message(body=b"ok")))
    w = t.worker(b, route=", stream: true", limits="body: 300ms")
    c = t.connect(w.port).send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
    for byte in b"12345":
        time.sleep(0.15)
        c.send(bytes([byte]))
    assert c.answer().body == b"ok" and b.seen().body == b"12345"


def test_a_unix_socket_is_a_door_like_any_other(t):
    b = t.backend(answering(message(body=b"ok")))
    path = t.folder / "door.sock"
    config = t.write("unix.yaml", f'listen:\n  - {{at: "unix:{path}"}}\nworkers: 1\nstate: {t.folder}/state\n'
                     f'admin: {{socket: {t.folder}/admin.sock}}\npools:\n  b: {{endpoints: ["{b.url}"]}}\n'
                     'routes:\n  - {name: all, match: {path: "/**"}, pool: b}\nlog: {access: stdout}\n')
    w = t.start(t.build / "bench/bench_worker", config).says("worker_serves")
    s = socket.socket(socket.AF_UNIX)
    s.connect(str(path))
    assert Conn(s).send(ASK).answer().body == b"ok"
    m = b.seen()
    assert m.get("x-forwarded-for") == "unknown" and m.get("forwarded").startswith("for=unknown;"), m
    assert w.line(client="unix")["status"] == 200


def test_many_idle_connections_cost_little(t):
    w = t.worker(t.backend(answering(message(body=b"ok"))))
    conns = [t.connect(w.port) for _ in range(20)]
    for c in conns:
        assert c.send(ASK).answer().status == 200
    before = rss(w.pid)
    conns = [t.connect(w.port) for _ in range(400)]
    for c in conns:
        assert c.send(ASK).answer().status == 200
    assert (rss(w.pid) - before) / 400 < 16 * 1024, "under a sanitizer; 2 KiB without one"


def test_requests_that_leave_at_once_leave_nothing_behind(t):
    w = t.worker(t.fast_backend())
    fds = lambda: len(subprocess.run(["ls", f"/proc/{w.pid}/fd"], capture_output=True, text=True, check=True).stdout.split())
    t.ask(w.port, path="/1k")
    before = fds()
    for i in range(200):
        c = t.connect(w.port).send(b"GET /1m HTTP/1.1\r\nHost: a\r\n\r\n")
        c.reset()
    assert t.ask(w.port, path="/1k").status == 200
    end = time.monotonic() + WAIT_S
    while fds() > before + 66 and time.monotonic() < end:  # idle ones to the backend are kept for a while
        time.sleep(0.1)
    assert fds() <= before + 66, fds()


def with_big_answers(t, **limits):
    return Stile(t, pools={"b": t.backend(answering(message(body=b"x" * (32 << 20))))}, routes=[{"name": "all", "pool": "b"}],
                 limits={"send_rate": "4KiB", "send_window": "1s", **limits})


def narrow(t, port):
    """A connection that has little room for what it does not read."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.settimeout(WAIT_S)
    s.connect(("127.0.0.1", port))
    return Conn(s).send(ASK)


def test_a_client_that_reads_too_slowly_is_ended_and_counted(t):
    s = with_big_answers(t)
    slow, fast = narrow(t, s.port), narrow(t, s.port)
    ended = threading.Event()

    def trickle():
        try:
            while slow.sock.recv(50):
                time.sleep(0.05)
        except OSError:
            pass
        ended.set()

    threading.Thread(target=trickle, daemon=True).start()
    until(lambda: fast.sock.recv(65536) and ended.is_set(), "the slow one is ended, the fast one never")
    assert s.metric("stile_limits_total", limit="send_rate") == 1 and s.metric("stile_limits_total", limit="send_ms") == 0
    assert s.process.line(status=200, broken=True)
    fast.close()


def test_a_stream_whose_window_opens_too_slowly_is_reset_and_counted(t):
    s = with_big_answers(t)
    c = H2Client(t.connect(s.port), window=1000)
    c.consumes = False
    slow, fast = c.ask(), c.ask()
    c.conn.sock.settimeout(0.05)

    def turn():
        try:
            c.step()
        except TimeoutError:
            if c.streams[slow]["reset"] is None:
                c.h2.increment_flow_control_window(50, slow)
            c.h2.increment_flow_control_window(20000, fast)
            c.h2.increment_flow_control_window(20050)
            c.flush()
        return c.streams[slow]["reset"] is not None

    until(turn, "it is reset")
    assert c.streams[fast]["reset"] is None and s.metric("stile_limits_total", limit="send_rate") == 1
    c.conn.close()


def test_a_body_that_comes_too_slowly_is_counted_by_its_limit(t):
    s = Stile(t, pools={"b": t.backend(answering(message()))}, routes=[{"name": "all", "pool": "b"},
              {"name": "feed", "pool": "b", "stream": True, "match": {"path": "/feed"}}],
              limits={"body": "300ms", "stream_idle": "400ms"})
    for path, limit in (("/", "body_ms"), ("/feed", "stream_idle_ms")):
        c = t.connect(s.port).send(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345".encode())
        assert c.answer().status == 408
        assert s.metric("stile_limits_total", limit=limit) == 1, limit
        assert s.metric("stile_limits_total") == (1 if path == "/" else 2)
        c.close()


def test_the_largest_heads_that_may_be_pass_on_every_way(t):
    fields = {f"X-{i}": "y" * 625 for i in range(98)}  # nearly 64 KiB, with the 32 bytes a field that HTTP/2 counts
    b = t.backend(answering(message(body=b"ok", **fields)))
    w = t.worker(b, limits="head_bytes: 64KiB, head_fields: 200", tls=True)
    a = t.ask(w.port, **fields)
    assert a.status == 200 and a.body == b"ok" and all(a.get(n) == v for n, v in fields.items())
    assert all(b.seen().get(n) == v for n, v in list(fields.items())[-1:])
    c = H2Client(t.connect(w.port))
    stream = c.answer(c.ask(fields=[(n.lower(), v) for n, v in fields.items()]))
    assert stream["head"][":status"] == "200" and stream["body"] == b"ok" and stream["head"]["x-97"] == fields["X-97"]
    assert b.seen().get("x-97") == fields["X-97"]
