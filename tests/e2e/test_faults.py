# SPDX-License-Identifier: Apache-2.0
"""Backends that die, stall and lie; clients that are slow. Broken must look broken."""
import socket
import threading
import time

from peers import Gone, answering, message

ASK = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def must_break(conn):
    """The answer begins, and does not end well."""
    head = conn.head()
    try:
        conn.body_of(head)
        if head.get("content-length") is None and head.get("transfer-encoding") is None:
            conn.rest()
    except (Gone, OSError):
        return head
    raise AssertionError(f"it looks whole: {head}")


def test_a_backend_that_dies_in_the_middle_breaks_the_answer_visibly(t):
    for script in (
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfir",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\n",
    ):
        w = t.worker(t.backend(answering(script, keep=False)))
        assert must_break(t.connect(w.port).send(ASK)).status == 200, script


def test_a_close_delimited_answer_cut_by_a_reset_is_not_taken_for_whole(t):
    def resets(conn, backend):
        conn.request()
        conn.send(b"HTTP/1.1 200 OK\r\n\r\nsome of it")
        backend.requests.get(timeout=10)
        conn.reset()

    b = t.backend(resets)
    w = t.worker(b)
    c = t.connect(w.port).send(ASK)
    head = c.head()
    assert head.get("transfer-encoding") == "chunked"
    assert c.until(b"some of it") is not None
    b.requests.put("now")
    try:
        c.until(b"0\r\n\r\n")
        raise AssertionError("it looks whole")
    except (Gone, OSError):
        pass


def test_a_backend_that_dies_before_its_head_is_a_502_with_a_reason(t):
    for script in (b"", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nContent-"):
        w = t.worker(t.backend(answering(script, keep=False)))
        a = t.ask(w.port, method="POST", body=b"{}")
        assert a.status == 502 and a.json()["type"] == "urn:stile:problem:backend-failed", (script, a)
        assert a.json()["request_id"] == a.get("x-request-id")


def test_a_lying_backend_is_a_502(t):
    lies = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nabcdef",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabcdef",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\nabc",
        b"HTTP/3.0 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 099 OK\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\r\n folded\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 2000 + b"\r\n",
    ]

    def lie(conn, backend):
        m = conn.request()
        conn.send(lies[int(m.get("x-lie"))])
        conn.rest()

    w = t.worker(t.backend(lie))
    for i, what in enumerate(lies):
        assert t.ask(w.port, X_Lie=i).status == 502, what


def test_a_dead_pool_is_told_at_once(t):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
        w = t.worker(port, route=", timeouts: {connect: 60s}")  # who waited for that would be too late for the test
        for _ in range(3):
            assert t.ask(w.port).status in (502, 503)


def test_a_pool_that_comes_back_serves_at_once(t):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
        w = t.worker(port)
        assert t.ask(w.port).status == 502
    listener = socket.create_server(("127.0.0.1", port))

    def serve():
        conn, _ = listener.accept()
        conn.recv(4096)
        conn.sendall(message(body=b"back"))

    threading.Thread(target=serve, daemon=True).start()
    assert t.ask(w.port).body == b"back"


def test_another_endpoint_takes_what_a_dead_one_refuses(t):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        b = t.backend(answering(message(body=b"alive")))
        w = t.worker([s.getsockname()[1], b])
        for i in range(20):
            assert t.ask(w.port, method="POST", body=b"{}").body == b"alive", i


def test_a_connection_that_nobody_takes_is_a_504(t):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fill = [socket.socket() for _ in range(4)]  # the queue is full: more connections hang
    for s in fill:
        s.setblocking(False)
        s.connect_ex(listener.getsockname())
    w = t.worker(listener.getsockname()[1], route=", timeouts: {connect: 300ms}")
    assert t.ask(w.port).status == 504


def test_a_head_that_does_not_come_is_a_504_however_many_interim_answers_do(t):
    def trickles(conn, backend):
        conn.request()
        while True:
            conn.send(b"HTTP/1.1 102 Processing\r\n\r\n")
            time.sleep(0.1)

    w = t.worker(t.backend(trickles), route=", timeouts: {answer_head: 400ms}")
    assert t.ask(w.port).status == 504


def test_a_body_that_stops_is_broken_after_the_idle_time(t):
    def stops(conn, backend):
        conn.request()
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
        conn.rest()

    w = t.worker(t.backend(stops), route=", timeouts: {idle: 300ms}")
    must_break(t.connect(w.port).send(ASK))


def test_the_total_time_is_a_limit_on_a_trickling_answer(t):
    def trickles(conn, backend):
        conn.request()
        conn.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            conn.send(b"1\r\nx\r\n")
            time.sleep(0.05)

    w = t.worker(t.backend(trickles), route=", timeouts: {total: 500ms}")
    must_break(t.connect(w.port).send(ASK))


def test_a_get_that_met_a_dead_connection_is_sent_again_and_a_post_is_not(t):
    def one_then_silent(conn, backend):
        conn.request()
        conn.send(message(body=b"first"))
        m = conn.head()  # the second request on a connection is never answered: it dies
        backend.requests.put(m)
        if m.start.startswith("POST"):
            conn.body_of(m)
        conn.reset()

    b = t.backend(one_then_silent)
    w = t.worker(b)
    assert t.ask(w.port).body == b"first"
    assert t.ask(w.port).body == b"first", "GET: again, on a new connection"
    assert t.ask(w.port, method="POST", body=b"{}").status == 502, "POST: never twice"
    posts = []
    while not b.requests.empty():
        m = b.requests.get()
        posts += [m] if m.start.startswith("POST") else []
    assert len(posts) == 1
    assert w.line(status=200, retried=True)


def test_an_idle_connection_that_ends_is_not_used_again(t):
    closed = threading.Event()

    def closes(conn, backend):
        conn.request()
        conn.send(message(body=b"x"))
        conn.close()
        closed.set()

    w = t.worker(t.backend(closes))
    for _ in range(10):
        closed.clear()
        assert t.ask(w.port, method="POST", body=b"{}").status == 200
        assert closed.wait(10)


def test_bytes_nobody_asked_for_poison_nobody(t):
    def too_much(conn, backend):
        conn.request()
        conn.send(message(body=b"mine") + message(body=b"POISON"))
        conn.rest()

    w = t.worker(t.backend(too_much))
    c = t.connect(w.port)
    for _ in range(5):
        assert c.send(ASK).answer().body == b"mine"


def test_a_slow_client_holds_the_backend_and_not_our_memory(t):
    sent = []

    def firehose(conn, backend):
        conn.request()
        total = 40 * 1024 * 1024
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        for _ in range(total // 65536):
            conn.send(b"x" * 65536)
            sent.append(65536)

    w = t.worker(t.backend(firehose))
    c = t.connect(w.port)
    c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    before = rss(w.pid)
    c.send(ASK)
    head = c.head()
    last = -1
    while len(sent) != last:  # until the backend can send no more
        last = len(sent)
        time.sleep(0.3)
    assert sum(sent) < 20 * 1024 * 1024, "the backend was not held"
    assert rss(w.pid) - before < 8 * 1024 * 1024
    n = len(c.data)
    while n < int(head.get("content-length")):
        n += len(c.sock.recv(1 << 20))
    assert n == 40 * 1024 * 1024


def test_a_slow_backend_holds_the_client_and_not_our_memory(t):
    go = threading.Event()

    def slow(conn, backend):
        conn.head()
        go.wait(15)
        n = len(conn.data)
        while n < 40 * 1024 * 1024:
            n += len(conn.sock.recv(1 << 20))
        conn.send(message(body=b"%d" % n))

    w = t.worker(t.backend(slow))
    c = t.connect(w.port).send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (40 * 1024 * 1024))
    before = rss(w.pid)
    done = threading.Event()
    threading.Thread(target=lambda: (c.sock.sendall(b"y" * (40 * 1024 * 1024)), done.set()), daemon=True).start()
    assert not done.wait(1.5), "the client was not held"
    assert rss(w.pid) - before < 8 * 1024 * 1024
    go.set()
    assert c.answer().body == b"%d" % (40 * 1024 * 1024)


def rss(pid):
    """Anonymous memory of a process in bytes."""
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no RssAnon")


def test_a_slow_head_is_a_408(t):
    b = t.backend(answering(message()))
    w = t.worker(b, limits="head: 300ms")
    c = t.connect(w.port).send(b"GET / HTTP/1.1\r\nHo")
    a = c.answer()
    assert a.status == 408 and a.get("connection") == "close" and b.connections == 0, a


def test_a_slow_body_is_a_408(t):
    w = t.worker(t.backend(answering(message())), limits="body: 400ms")
    c = t.connect(w.port).send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
    assert c.answer().status == 408


def test_a_body_that_is_not_whole_in_the_total_time_is_no_fault_of_the_backend(t):
    b = t.backend(lambda conn, backend: conn.request() and conn.more())
    w = t.worker(b, route=", timeouts: {total: 400ms}")
    c = t.connect(w.port).send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
    assert c.answer().status == 408
    c = t.connect(w.port).send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
    assert c.answer().status == 504


def test_a_client_that_takes_nothing_is_closed(t):
    w = t.worker(t.backend(answering(message(body=b"x" * (32 << 20)))), limits="send: 400ms")
    t.connect(w.port).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert w.line(broken=True, timeout=10)
    w.says("limit_reached limit=send_ms")


def test_an_idle_connection_is_closed(t):
    w = t.worker(t.backend(answering(message())), limits="idle_h1: 300ms")
    c = t.connect(w.port).send(ASK)
    c.answer()
    began = time.monotonic()
    assert c.rest() == b"" and time.monotonic() - began < 9, "the default's time"


def test_beyond_the_limit_of_connections_a_client_is_told_503(t):
    w = t.worker(t.backend(answering(message())), limits="connections: 3")
    kept = [t.connect(w.port) for _ in range(3)]
    assert kept[2].send(ASK).answer().status == 200
    a = t.connect(w.port).answer()
    assert a.status == 503 and len(a.body) == int(a.get("content-length")), a
    w.says("limit_reached limit=connections")
    kept[0].close()
    kept[1].close()
    for _ in range(100):
        try:
            if t.connect(w.port).send(ASK).answer().status == 200:
                return
        except (Gone, OSError):
            pass
        time.sleep(0.05)
    raise AssertionError("room was never made again")


def test_draining_loses_no_request(t):
    go = threading.Event()

    def slow(conn, backend):
        while True:
            m = conn.request()
            backend.requests.put(m)
            if m.start.startswith("GET /slow"):
                go.wait(10)
            conn.send(message(body=b"done"))

    b = t.backend(slow)
    w = t.worker(b)
    idle = t.connect(w.port).send(ASK)
    assert idle.answer().body == b"done"
    busy = t.connect(w.port).send(ASK.replace(b"/", b"/slow", 1))
    b.seen(), b.seen()
    w.signal(15)
    w.says("worker_drains")
    a = idle.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}").answer()
    assert a.body == b"done" and a.get("connection") == "close", a
    go.set()
    a = busy.answer()
    assert a.body == b"done" and idle.rest() == b"" and busy.rest() == b""
    idle.close(), busy.close()
    assert w.wait(10) == 0
