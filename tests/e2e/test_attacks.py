# SPDX-License-Identifier: Apache-2.0
"""Attacks on one worker: clients that take nothing, send half of something, or leave at the worst moment."""
import os
import signal
import socket
import time

from peers import Conn, answering, message
from test_h2 import Client
from test_versions import shop

ONE_ROUTE = 'routes:\n  - {name: all, match: {path: "/a/**"}, pool: b}\n'


def small(port):
    """A client whose kernel takes little."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", port))
    return Conn(sock)


def stop(pid):
    """Stop a process, and wait until it is: what comes from now on it finds all at once."""
    os.kill(pid, signal.SIGSTOP)
    while open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] != "T":
        time.sleep(0.001)


def sized_by_path(conn, _):
    """Answer GET /N with N bytes, again and again."""
    while True:
        n = int(conn.request().start.split()[1][1:])
        conn.send(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % n + b"x" * n + b"\r\n0\r\n\r\n")


def late(t, w, version, more=""):
    """Clients that read nothing before the proxy is done with them, and then for some seconds more: sizes around what kernels take."""
    clients = []
    for n in range(1000000, 5000000, 100000):
        c = small(w.port)
        t.conns.append(c)
        clients.append((n, c.send(f"GET /{n} HTTP/{version}\r\nHost: a\r\n{more}\r\n")))
    w.line(path="/1000000")
    time.sleep(4)
    done = {line["path"] for line in w.lines()}
    return [(n, c) for n, c in clients if f"/{n}" in done]


def test_a_client_that_pauses_at_the_end_gets_the_end(t):
    w = t.worker(t.backend(sized_by_path))
    for n, c in late(t, w, "1.0"):
        c.head()
        assert len(c.rest()) == n, n


def test_a_client_that_pauses_keeps_its_connection(t):
    w = t.worker(t.backend(sized_by_path), limits="idle_h1: 1s")
    for n, c in late(t, w, "1.1"):
        c.head()
        assert sum(map(len, c.chunks())) == n, n


def test_pipelined_requests_wait_for_a_client_that_takes_no_answers(t):
    w = t.worker(t.backend(answering(message())), routes=ONE_ROUTE)
    c = small(w.port)
    c.sock.settimeout(2)
    sent = 0
    try:
        while sent < 100 * 2 ** 20:
            sent += c.sock.send(b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n" * 2000)
    except TimeoutError:
        pass
    assert sent < 32 * 2 ** 20, sent


def test_pipelined_requests_go_on_once_answers_are_taken(t):
    w = t.worker(t.backend(answering(message())), routes=ONE_ROUTE)
    c = small(w.port)
    n = 12000
    c.sock.setblocking(False)
    todo, status = b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n" * n, 0
    end = time.monotonic() + 40
    while status < n and time.monotonic() < end:
        try:
            todo = todo[c.sock.send(todo[:65536]):] if todo else todo
        except BlockingIOError:
            pass
        try:
            c.data += c.sock.recv(65536)
        except BlockingIOError:
            time.sleep(0.001)
        got = c.data.count(b"HTTP/1.1 404 ")
        status, c.data = status + got, c.data[c.data.rfind(b"HTTP/1.1 404 ") + 13:] if got else c.data
    assert status == n, status


def test_a_client_that_resets_amid_large_hints_kills_nobody(t):
    listener = socket.create_server(("127.0.0.1", 0))
    w = t.worker(listener.getsockname()[1])
    hint = b"HTTP/1.1 103 X\r\n" + b"".join(b"Link: " + b"a" * 7900 + b"\r\n" for _ in range(8)) + b"\r\n"
    for _ in range(3):
        c = t.connect(w.port).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        backend, _ = listener.accept()
        backend.recv(65536)
        # A receive window that grew: all hints are read at once.
        body = b"x" * (16 * 2 ** 20)
        backend.setblocking(False)
        backend.send(b"HTTP/1.1 200 X\r\nContent-Length: %d\r\n\r\n" % len(body))
        c.head()
        left, size = body, len(body) - len(c.data)
        while size > 0:
            try:
                left = left[backend.send(left):] if left else left
            except BlockingIOError:
                pass
            size -= len(c.sock.recv(2 ** 20))
        c.data = b""
        c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        backend.settimeout(10)
        backend.recv(65536)
        backend.settimeout(0.2)
        stop(w.pid)
        try:
            backend.sendall(hint * 6)
        except TimeoutError:
            pass
        c.reset()
        os.kill(w.pid, signal.SIGCONT)
        w.line(path="/", broken=True)
        backend.close()
    listener.close()
    assert t.ask(w.port, path="/x").status == 502


def test_bytes_from_before_a_request_are_not_its_answer(t):
    script, conns = answering(message(body=b"{}")), []

    def kept(conn, backend):
        conns.append(conn)
        script(conn, backend)

    w = t.worker(t.backend(kept))
    for method, good in (("POST", (200, 502)), ("GET", (200,))) * 6:
        assert t.ask(w.port).status == 200
        c = t.connect(w.port).send("GET /warm HTTP/1.1\r\nHost: a\r\n\r\n")
        assert c.answer().status == 200
        stop(w.pid)
        c.send(f"{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        time.sleep(0.05)  # nothing tells that a stopped process has an event waiting
        conns[-1].send(message(status=408, body=b"too late"))
        time.sleep(0.05)
        os.kill(w.pid, signal.SIGCONT)
        status = c.answer().status
        assert status in good, (method, status)


def test_a_refused_request_whose_body_does_not_come_ends(t):
    w = t.worker(t.backend(answering(message())), routes=ONE_ROUTE, limits="body: 1s")
    c = t.connect(w.port, timeout=8).send("POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n")
    assert c.answer().status == 404
    assert c.is_closed()


def test_a_body_that_stops_after_an_early_answer_ends(t):
    def script(conn, _):
        conn.head()
        backend.requests.get()
        conn.send(message(body=b"{}"))
        conn.sock.settimeout(30)
        conn.until(b"never")

    backend = t.backend(script)
    w = t.worker(backend, limits="body: 2s")
    c = t.connect(w.port, timeout=1).send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n")
    try:
        while True:
            c.sock.send(b"x" * 65536)
    except TimeoutError:
        pass
    c.sock.settimeout(10)
    backend.requests.put("answer now")
    assert c.answer().status == 200
    assert c.is_closed()


def test_streams_that_take_nothing_are_reset(t):
    w = t.worker(t.backend(answering(message(body=b"x" * 60000))), limits="send: 1s", routes=ONE_ROUTE)
    c = Client(t.connect(w.port, timeout=10), window=1)
    c.consumes = False
    streams = [c.ask(path=path) for path in ("/a/1", "/nowhere") * 5]
    c.until(lambda: all(c.streams[s]["reset"] is not None for s in streams))


def test_an_http2_head_that_does_not_end_ends_the_connection(t):
    w = t.worker(t.backend(answering(message())), limits="head: 1s, send: 1s")
    begun = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\4\0" + bytes(4)
    part = b"\x82\x84\x86"  # :method, :path, :scheme
    for block in (b"\0\0\3\1\1\0\0\0\1" + part, b"\0\0\x20\1\5\0\0\0\1" + part):
        c = t.connect(w.port, timeout=10).send(begun + block)
        assert c.is_closed()
    c = Client(t.connect(w.port))
    assert c.answer(c.ask())["head"][":status"] == "200"


def test_every_vary_line_of_the_backend_is_told(t):
    answer = b"HTTP/1.1 200 X\r\nContent-Length: 2\r\nVary: Origin\r\nVary: Accept-Language\r\n\r\n{}"
    w = shop(t, t.backend(answering(answer)))
    told = ", ".join(t.ask(w.port, path="/elsewhere", Api_Version="v2").all("vary"))
    assert {s.strip() for s in told.split(",")} == {"Origin", "Accept-Language", "Api-Version"}, told


def test_every_condition_of_a_request_is_kept_but_the_tag_of_another_representation(t):
    b = t.backend(answering(message(body=b"{}", ETag='"abc"')))
    w = shop(t, b)
    tag = t.ask(w.port, path="/orders/1", Api_Version="v1").get("etag")
    b.seen()
    t.connect(w.port).send(f'GET /orders/1 HTTP/1.1\r\nHost: a\r\nApi-Version: v1\r\nIf-None-Match: "zz"\r\nIf-None-Match: *\r\n'
                           f'If-Match: "q", "r"\r\nIf-Match: {tag}\r\n\r\n').answer()
    m = b.seen()
    assert m.all("if-none-match") == ["*"] and m.all("if-match") == ['"q", "r", "abc"'], m


def test_a_request_without_host_names_no_forwarded_host(t):
    b = t.backend(answering(message(body=b"{}")))
    w = t.worker(b)
    t.connect(w.port).send("GET / HTTP/1.0\r\nX-Forwarded-Host: evil.example\r\n\r\n").answer()
    assert b.seen().get("x-forwarded-host") is None


def test_a_pool_of_many_endpoints_without_addresses_is_told_at_once(t):
    w = t.worker([f"http://nowhere{i}.invalid:1" for i in range(70)])
    assert t.ask(w.port).status in (502, 503)


def test_a_304_does_not_tell_the_length_of_another_version(t):
    w = shop(t, t.backend(answering(b'HTTP/1.1 304 X\r\nContent-Length: 500\r\nETag: "a"\r\n\r\n')))
    a = t.ask(w.port, path="/orders/1", Api_Version="v1")
    assert a.status == 304 and a.get("content-length") is None, a
    a = t.ask(w.port, path="/orders/1", Api_Version="v2")
    assert a.get("content-length") == "500", a
