# SPDX-License-Identifier: Apache-2.0
"""Each limit of time is reached, and stayed within: what the client sees, and that it is counted under its name."""
import threading

from peers import message
from stile import Stile, until
from test_h2 import Client

HALF = 0.3  # of the limits here
LIMITS = {name: "600ms" for name in ("head", "body", "handshake", "idle_h1", "idle_h2", "stream_idle")}
ASK = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n"


def pause():
    """Less than a limit: the time that passes is what is tested."""
    threading.Event().wait(HALF)


def leave(t):
    """Who stays would be idle too long."""
    for c in t.conns:
        c.close()
    t.conns.clear()


def in_parts(data, cut):
    def ask(t, s):
        c = t.connect(s.port).send(data[:cut])
        pause()
        return c.send(data[cut:]).answer().status == 200
    return ask


def stops(data):
    def ask(t, s):
        c = t.connect(s.port).send(data)
        return c.answer().status == 408 and c.is_closed()
    return ask


def h2_head(t, s):
    c = t.connect(s.port).send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]) + bytes([0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82]))
    return c.rest() and True


def h2_body(t, s):
    c = Client(t.connect(s.port))
    a = c.answer(c.ask("POST", fields=[("content-length", "2")], ends=False))
    assert a["head"], a
    return a["head"][":status"] == "408"


def late_handshake(t, s):
    c = t.connect(s.tls_port)
    pause()
    from ssl import create_default_context
    context = create_default_context(cafile=str(t.certs() / "ca.pem"))
    return bool(context.wrap_socket(c.sock, server_hostname="localhost").version())


def idle_h1(t, s):
    c = t.connect(s.port)
    for _ in range(3):
        assert c.send(ASK).answer().status == 200
        pause()
    return True


def idle_h1_over(t, s):
    c = t.connect(s.port).send(ASK)
    return c.answer().status == 200 and c.is_closed()


def idle_h2(t, s):
    c = Client(t.connect(s.port))
    for _ in range(3):
        assert c.answer(c.ask())["head"][":status"] == "200"
        pause()
    return c.gone is None


def idle_h2_over(t, s):
    c = Client(t.connect(s.port))
    assert c.answer(c.ask())["head"][":status"] == "200"
    c.until(lambda: c.gone is not None)
    return c.gone == 0


def stream(path):
    def ask(t, s):
        c = t.connect(s.port).send(ASK.replace(b"/ ", path + b" "))
        head = c.head()
        try:
            return c.body_of(head).body == b"123"
        except Exception:
            return "broken"
    return ask


# the limit as it is counted, what stays within it, what does not
ROWS = [("head_ms", in_parts(ASK, 9), stops(ASK[:9])), ("head_ms", in_parts(ASK, -1), h2_head), ("body_ms", in_parts(POST + b"{}", -1), stops(POST + b"{")),
        ("body_ms", in_parts(POST + b"{}", -2), h2_body), ("handshake_ms", late_handshake, lambda t, s: t.connect(s.tls_port).is_closed()),
        ("idle_h1_ms", idle_h1, idle_h1_over), ("idle_h2_ms", idle_h2, idle_h2_over),
        ("stream_idle_ms", stream(b"/events"), lambda t, s: stream(b"/silent")(t, s) == "broken")]


def test_each_limit_of_time_is_reached_and_stayed_within(t):
    def script(conn, backend):
        while True:
            m = conn.request()
            if b"GET / " in m.start.encode() or "POST" in m.start:
                conn.send(message(body=b"x"))
                continue
            conn.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            for part in (b"1", b"2", b"3"):
                conn.send(b"1\r\n" + part + b"\r\n")
                if "silent" in m.start:
                    conn.is_closed()
                    return
                pause()
            conn.send(b"0\r\n\r\n")

    s = Stile(t, pools={"b": t.backend(script)}, routes=[{"name": "all", "pool": "b"}], limits=LIMITS, workers=1, tls=True)
    for limit, within, beyond in ROWS:
        before = s.metric("stile_limits_total", limit=limit)
        assert within(t, s) is True, limit
        leave(t)
        assert s.metric("stile_limits_total", limit=limit) == before, f"{limit} is not reached"
        assert beyond(t, s), limit
        until(lambda limit=limit, before=before: s.metric("stile_limits_total", limit=limit) == before + 1, f"{limit} is counted")
        leave(t)


def test_each_limit_of_time_of_a_pool_is_reached_and_stayed_within(t):
    def script(conn, backend):
        while True:
            path = conn.request().start.split()[1]
            if path == "/head":
                pause()
            if path == "/no-head":
                conn.is_closed()
                return
            conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n12")
            if path == "/idle":
                pause()
            if path == "/no-end":
                conn.is_closed()
                return
            conn.send(b"3")

    w = t.worker(t.backend(script), route=", timeouts: {answer_head: 600ms, idle: 600ms}")
    for path in ("/head", "/idle"):
        assert t.ask(w.port, path=path).body == b"123", path
        c = Client(t.connect(w.port))
        assert c.answer(c.ask(path=path))["body"] == b"123", path
    assert t.ask(w.port, path="/no-head").status == 504
    c = Client(t.connect(w.port))
    assert c.answer(c.ask(path="/no-head"))["head"][":status"] == "504"
    a = c.answer(c.ask(path="/no-end"))
    assert a["reset"] == 2 and not a["ended"], a
    assert stream(b"/no-end")(t, w) == "broken"
