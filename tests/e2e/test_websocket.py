# SPDX-License-Identifier: Apache-2.0
"""WebSocket connections (RFC 6455, RFC 8441) through the proxy, on every pair of protocols; gRPC and its trailers."""
import base64
import hashlib
import random
import threading

import h2.settings
from origin import Origin, serving
from peers import Gone, answering, message
from stile import until
from test_faults import rss
from test_h2 import Client
from test_versions import shop

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
BIG = random.Random(3).randbytes(3_000_000)
CONNECT = h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL


def accept(key):
    return base64.b64encode(hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()


def switched(conn, backend, **more):
    """The server's side over HTTP/1.1, up to its 101."""
    m = conn.head()
    backend.requests.put(m)
    fields = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept(m.get("sec-websocket-key") or ""), **more}
    conn.send("HTTP/1.1 101 Switching Protocols\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields.items() if v) + "\r\n")
    return m


def echo_h1(conn, backend):
    switched(conn, backend)
    while True:
        data, conn.data = conn.data, b""
        if data:
            conn.send(data)
        conn.more()


class TunnelOrigin(Origin):
    def __init__(self, conn, connect=True):
        super().__init__(conn, begin=False)
        if connect:
            self.h2.local_settings.update({CONNECT: 1})
            self.h2.local_settings.acknowledge()
        self.h2.initiate_connection()
        self.flush()


def echo_h2(conn, backend):
    o = TunnelOrigin(conn)
    while True:
        for r in [r for r in o.requests.values() if r.reset is None]:
            if r.stream not in o.answered:
                o.answered.add(r.stream)
                backend.requests.put(r)
                o.head(r.stream, 200)
            data, r.body = r.body, b""
            if data or (r.ended and r.head):
                o.data(r.stream, data, ends=r.ended)
            if r.ended:
                r.reset = 0
        o.step()


class H1Socket:
    """A client's side over HTTP/1.1."""

    def __init__(self, conn, early=b"", path="/ws", **more):
        fields = {"Host": "localhost", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13", **more}
        self.conn = conn
        conn.send((f"GET {path} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields.items() if v) + "\r\n").encode() + early)
        self.head = conn.head()
        self.status = self.head.status

    def send(self, data):
        self.conn.send(data)

    def take(self, n):
        return self.conn.exactly(n)

    def is_gone(self):
        return self.conn.is_closed()


class H2Socket:
    """A client's side over HTTP/2."""

    def __init__(self, conn, early=b"", path="/ws", **more):
        self.c = Client(conn)
        self.c.until(lambda: self.c.h2.remote_settings.get(CONNECT) is not None or self.c.h2.remote_settings.initial_window_size)
        self.stream = self.c.h2.get_next_available_stream_id()
        self.s = self.c.streams[self.stream] = {"head": None, "body": b"", "ended": False, "reset": None, "interim": [], "trailers": []}
        self.c.h2.send_headers(self.stream, [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":authority", "localhost"),
                                             (":path", path), ("sec-websocket-version", "13"), *((n.lower(), v) for n, v in more.items())])
        self.c.flush()
        if early:
            self.send(early)
        self.c.until(lambda: self.s["head"] or self.s["reset"] is not None)
        self.head = self.s["head"]
        self.status = int(self.head[":status"]) if self.head else None

    def send(self, data):
        self.c.send(self.stream, data)

    def take(self, n):
        self.c.until(lambda: len(self.s["body"]) >= n or self.s["ended"] or self.s["reset"] is not None)
        data, self.s["body"] = self.s["body"][:n], self.s["body"][n:]
        return data

    def is_gone(self):
        self.c.until(lambda: self.s["ended"] or self.s["reset"] is not None)
        return True


CLIENTS = {"h1": lambda t, w, **more: H1Socket(t.connect(w.port), **more), "h2c": lambda t, w, **more: H2Socket(t.connect(w.port), **more),
           "tls-h1": lambda t, w, **more: H1Socket(t.connect_tls(w.tls_port), **more),
           "tls-h2": lambda t, w, **more: H2Socket(t.connect_tls(w.tls_port, ("h2",)), **more)}


def ws_worker(t, b, http="", **more):
    tls = f", tls: {{ca: {t.certs() / 'ca.pem'}}}" if b.tls else ""
    return t.worker(b, pools=f'pools:\n  b: {{endpoints: ["{b.url}"]{tls}{http}}}\n', route=", websocket: true", **more)


def test_bytes_pass_both_ways_on_every_pair_of_protocols(t):
    kinds = {"h1": (echo_h1, None, ""), "tls": (echo_h1, t.server_tls("h2", "http/1.1"), ""), "h2c": (echo_h2, None, ", http: h2"),
             "tls-h2": (echo_h2, t.server_tls("h2"), ", http: h2")}
    for kind, (script, tls, http) in kinds.items():
        b = t.backend(script, tls=tls)
        w = ws_worker(t, b, http, tls=True)
        for way, connect in CLIENTS.items():
            s = connect(t, w, early=b"early")
            assert s.status == (101 if "h1" in way else 200), (kind, way, s.status)
            if "h1" in way:
                assert s.head.get("sec-websocket-accept") == accept(KEY) and s.head.get("upgrade") == "websocket", s.head.fields
            else:
                assert "sec-websocket-accept" not in s.s["head"] and "upgrade" not in s.s["head"], s.s["head"]
            assert s.take(5) == b"early", (kind, way)
            for n in (1, 100, 70000):
                s.send(BIG[:n])
                assert s.take(n) == BIG[:n], (kind, way, n)
            r = b.seen()
            if "h2" in kind:
                assert (r.head[":method"], r.head[":protocol"]) == ("CONNECT", "websocket") and "sec-websocket-key" not in r.head, r.head
            else:
                assert r.start == "GET /ws HTTP/1.1" and len(r.get("sec-websocket-key")) == 24 and r.get("sec-websocket-version") == "13", r.fields
                assert ("h1" in way) == (r.get("sec-websocket-key") == KEY)


def test_an_end_of_either_side_ends_the_other(t):
    def ends(conn, backend):
        switched(conn, backend)
        conn.send(b"bye")

    w = ws_worker(t, t.backend(ends), tls=True)
    for way, connect in CLIENTS.items():
        s = connect(t, w)
        assert s.take(3) == b"bye" and s.is_gone(), way

    def until_end(conn, backend):
        switched(conn, backend)
        data = conn.rest()
        conn.send(b"%d" % len(data))

    w = ws_worker(t, t.backend(until_end))
    s = CLIENTS["h1"](t, w)
    s.send(BIG)
    s.conn.shut()
    assert s.conn.rest() == b"%d" % len(BIG), "a half-closed tunnel still brings what comes"
    assert w.line(status=101)["bytes_in"] == len(BIG)


def test_a_reset_is_no_end(t):
    def resets(conn, backend):
        switched(conn, backend)
        conn.exactly(1)
        conn.reset()

    w = ws_worker(t, t.backend(resets))
    s = CLIENTS["h1"](t, w)
    s.send(b"x")
    try:
        s.conn.rest()
        raise AssertionError("a reset looks like an end")
    except Gone:
        pass
    s = CLIENTS["h2c"](t, w)
    s.send(b"x")
    assert s.is_gone() and s.s["reset"] == 2 and not s.s["ended"], s.s


def test_only_the_right_101_opens_a_tunnel(t):
    wrong = [{"Sec-WebSocket-Accept": accept("AAAAAAAAAAAAAAAAAAAAAA==")}, {"Sec-WebSocket-Accept": None}, {"Upgrade": "h2c"},
             {"Upgrade": None, "Connection": None}]
    for fields in wrong:
        w = ws_worker(t, t.backend(lambda conn, backend, fields=fields: (switched(conn, backend, **fields), conn.is_closed())))
        for way in ("h1", "h2c"):
            assert CLIENTS[way](t, w).status == 502, (fields, way)
    w = ws_worker(t, t.backend(answering(message(status=200, body=b"plain"))))
    s = CLIENTS["h1"](t, w)
    assert s.status == 200 and s.conn.body_of(s.head).body == b"plain"
    assert CLIENTS["h2c"](t, w).status == 502, "a 2xx would look like a tunnel"
    w = ws_worker(t, t.backend(answering(message(status=403, body=b"no"))))
    s = CLIENTS["h1"](t, w)
    assert s.status == 403 and s.conn.body_of(s.head).body == b"no"
    assert CLIENTS["h2c"](t, w).status == 403
    w = ws_worker(t, t.backend(lambda conn, backend: TunnelOrigin(conn, connect=False).until(lambda: False)), ", http: h2")
    assert CLIENTS["h1"](t, w).status == 502, "the server offers no extended CONNECT"
    w = t.worker(t.backend(lambda conn, backend: (switched(conn, backend), conn.is_closed())))
    a = t.ask(w.port)
    assert a.status == 502, "a 101 that nobody asked for"


def test_who_may_not_is_answered_plainly(t):
    b = t.backend(answering(message(body=b"plain")))
    w = t.worker(b)
    s = CLIENTS["h1"](t, w)
    assert s.status == 200 and b.seen().get("upgrade") is None
    w = t.worker(b, routes='routes:\n  - {name: ws, match: {path: "/ws"}, pool: b, websocket: true}\n  - {name: all, match: {path: "/**"}, pool: b}\n')
    assert CLIENTS["h2c"](t, w, path="/other").status == 501
    for fields in ({"Sec-WebSocket-Key": None}, {"Sec-WebSocket-Key": "short"}, {"Sec-WebSocket-Key": KEY[:-2] + "xx"}, {"Content-Length": "3"}):
        assert H1Socket(t.connect(w.port), **fields).status == 400, fields
    b = t.backend(echo_h1)
    w = shop(t, b, route=", websocket: true")
    s = H1Socket(t.connect(w.port), path="/orders/1", **{"Api-Version": "v2"})
    s.send(b"same version")
    assert s.status == 101 and s.take(12) == b"same version"


def test_a_silent_tunnel_ends_at_its_limit(t):
    ended = threading.Event()

    def silent(conn, backend):
        switched(conn, backend)
        conn.is_closed()
        ended.set()

    w = ws_worker(t, t.backend(silent), limits="stream_idle: 300ms")
    s = CLIENTS["h1"](t, w)
    assert s.status == 101 and s.is_gone() and ended.wait(10)

    def talks(conn, backend):
        switched(conn, backend)
        for _ in range(8):
            conn.exactly(1)
            conn.send(b"y")

    w = ws_worker(t, t.backend(talks), limits="stream_idle: 2s", more="")
    s = CLIENTS["h2c"](t, w)
    for _ in range(8):
        s.send(b"x")
        assert s.take(1) == b"y"


def test_a_tunnel_that_is_not_read_holds_its_sender(t):
    go = threading.Event()
    total = 12_000_000

    def sends(conn, backend):
        switched(conn, backend)
        backend.requests.put("open")
        conn.send(bytes(total))
        go.set()
        conn.is_closed()

    w = ws_worker(t, t.backend(sends))
    for way in ("h1", "h2c"):
        go.clear()
        s = CLIENTS[way](t, w)
        before = rss(w.pid)
        assert not go.wait(0.5) and rss(w.pid) - before < 20_000_000, way
        assert len(s.take(total)) == total and go.wait(10)


def test_grpc_passes_with_its_trailers(t):
    def answer(o, r):
        if "fails" in r.head[":path"]:
            o.answer(r.stream, 200, fields=[("content-type", "application/grpc"), ("grpc-status", "5"), ("grpc-message", "none")])
        else:
            o.answer(r.stream, 200, b"\0\0\0\0\x03abc", [("content-type", "application/grpc")], trailers=[("grpc-status", "0"), ("grpc-message", "ok")])

    b = t.backend(serving(answer))
    w = t.worker(b, pools=f'pools:\n  b: {{endpoints: ["{b.url}"], http: h2}}\n')
    c = Client(t.connect(w.port))
    fields = [("te", "trailers"), ("content-type", "application/grpc"), ("grpc-timeout", "1S")]
    s = c.ask("POST", "/pkg.Service/Call", fields=fields, ends=False)
    c.send(s, b"\0\0\0\0\x02hi", ends=True)
    a = c.answer(s)
    assert a["body"] == b"\0\0\0\0\x03abc" and [tuple(x.decode() if isinstance(x, bytes) else x for x in f) for f in a["trailers"]] == [
        ("grpc-status", "0"), ("grpc-message", "ok")], a
    r = b.seen()
    assert r.body == b"\0\0\0\0\x02hi" and r.head["te"] == "trailers" and r.head["grpc-timeout"] == "1S", r.head
    a = c.answer(c.ask("POST", "/pkg.Service/fails", fields=fields))
    assert a["ended"] and a["head"]["grpc-status"] == "5" and a["body"] == b"", a


def test_a_grpc_stream_goes_both_ways_at_once_and_outlives_deadlines(t):
    def script(conn, backend):
        o = Origin(conn)
        r = o.request(whole=False)
        o.head(r.stream, 200, [("content-type", "application/grpc")])
        for i in range(5):
            o.until(lambda: len(r.body) > i)
            o.data(r.stream, r.body[i:i + 1].upper())
        o.until(lambda: r.ended)
        o.h2.send_headers(r.stream, [("grpc-status", "0")], end_stream=True)
        o.flush()
        o.until(lambda: False)

    b = t.backend(script)
    w = t.worker(b, pools=f'pools:\n  b: {{endpoints: ["{b.url}"], http: h2}}\n', limits="body: 200ms", route=", timeouts: {total: 200ms, idle: 200ms}")
    c = Client(t.connect(w.port))
    s = c.ask("POST", "/pkg.Service/Chat", fields=[("te", "trailers"), ("content-type", "application/grpc")], ends=False)
    for i in range(5):
        threading.Event().wait(0.15)  # longer than the deadlines, all in all
        c.send(s, b"abcde"[i:i + 1])
        c.until(lambda: len(c.streams[s]["body"]) > i)
    c.send(s, b"", ends=True)
    a = c.answer(s)
    assert a["body"] == b"ABCDE" and a["ended"] and a["reset"] is None, a
    until(lambda: w.lines(), "logged")
