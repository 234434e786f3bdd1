# SPDX-License-Identifier: Apache-2.0
"""The messages of a WebSocket between a client of one version and a pool of another, and how a tunnel ends."""
import struct

from peers import Gone
from test_versions import API, MANIFEST, MONEY, NEW, NOTHING, OLD, api
from test_websocket import CLIENTS, TunnelOrigin, switched, ws_worker

MASK = b"\x01\x80\xff\x00"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
OTHERS = {"h1": "", "h2": ", http: h2"}
STRANGE = OLD.replace(b"open", b"strange")
HEADS = MANIFEST + """change: heads
from: v1
to: v2
http:
  "*": {map: {header/X-Old: header/X-New}}
"""
HIDES = MANIFEST + """change: hides
from: v1
to: v2
Order:
  cases:
    - {newer: {kind: ghost}, hide: drop}
"""


def frame(opcode, payload=b"", mask=None, fin=True, head=0):
    n = len(payload)
    size = bytes([n]) if n < 126 else b"\x7e" + struct.pack(">H", n) if n < 65536 else b"\x7f" + struct.pack(">Q", n)
    if mask:
        payload = bytes(c ^ mask[i % 4] for i, c in enumerate(payload))
        size = bytes([size[0] | 0x80]) + size[1:]
    return bytes([(0x80 if fin else 0) | head | opcode]) + size + (mask or b"") + payload


def close(code, reason=b""):
    return struct.pack(">H", code) + reason


def read(take):
    """One frame: (opcode, payload, was it masked?)."""
    a, b = take(2)
    n = b & 127
    if n > 125:
        n = struct.unpack(">H" if n == 126 else ">Q", take(2 if n == 126 else 8))[0]
    mask = take(4) if b & 128 else None
    payload = take(n) if n else b""
    assert a & 0x80 and not a & 0x70, "what we write is whole, without extensions"
    return a & 15, bytes(c ^ mask[i % 4] for i, c in enumerate(payload)) if mask else payload, bool(mask)


class PoolSide:
    """The server's side of an open tunnel, over either HTTP."""

    def __init__(self, conn, backend, kind, **more):
        self.conn, self.o = conn, None
        if kind == "h1":
            switched(conn, backend, **more)
            return
        self.o = TunnelOrigin(conn)
        self.o.until(lambda: self.o.requests)
        self.r = next(iter(self.o.requests.values()))
        backend.requests.put(self.r)
        self.o.head(self.r.stream, 200, [(n.lower(), v) for n, v in more.items()])

    def send(self, data):
        if self.o:
            self.o.data(self.r.stream, data)
        else:
            self.conn.send(data)

    def take(self, n):
        if not self.o:
            return self.conn.exactly(n)
        self.o.until(lambda: len(self.r.body) >= n or self.r.ended or self.r.reset is not None)
        data, self.r.body = self.r.body[:n], self.r.body[n:]
        if len(data) < n:
            raise Gone("ended")
        return data

    def frame(self):
        opcode, payload, masked = read(self.take)
        assert masked, "a server must be sent masked frames"
        return opcode, payload

    def until_end(self):
        """Frames to the end of the client's side."""
        frames = []
        try:
            while True:
                frames.append(self.frame())
        except (Gone, ValueError):
            return frames


def pool(t, play, kind="h1", **more):
    return t.backend(lambda conn, backend: play(PoolSide(conn, backend, kind, **more), backend))


def socket_shop(t, b, kind="h1", changes=(), **more):
    return t.worker(b, apis=api(t, API, *changes), pools=f'pools:\n  blue: {{api: shop, version: v2, endpoints: ["{b.url}"]{OTHERS[kind]}}}\n',
                    routes='routes:\n  - {name: orders, match: {path: "/**"}, api: shop, pool: blue, websocket: true}\n', **more)


def client(t, w, way="h1", **more):
    s = CLIENTS[way](t, w, path="/orders/1?api_version=v1", **more)
    assert s.status in (101, 200), s.status
    return s


def told(s):
    opcode, payload, masked = read(s.take)
    assert not masked, "a client must be sent no masked frames"
    return opcode, payload


def closed(s):
    """The code of the Close that comes next, and its reason."""
    opcode, payload = told(s)
    assert opcode == CLOSE, (opcode, payload)
    return struct.unpack(">H", payload[:2])[0], payload[2:]


def test_messages_are_told_in_the_others_version_on_every_pair_of_protocols(t):
    def play(side, backend):
        backend.requests.put([side.frame() for _ in range(4)])
        side.send(frame(TEXT, NEW[:9], fin=False) + frame(PONG, b"in between") + frame(0, NEW[9:], fin=False) + frame(0))
        side.send(frame(TEXT, b"[DONE") + frame(TEXT) + frame(TEXT, b'["free"]'))
        backend.requests.put(side.frame())
        side.send(frame(CLOSE, close(1000)))

    for kind in OTHERS:
        b = pool(t, play, kind)
        w = socket_shop(t, b, kind, tls=True)
        for way in CLIENTS:
            s = client(t, w, way)
            r = b.seen()
            assert ("api_version=v2" in (r.start if kind == "h1" else r.head[":path"])), "the head is translated, too"
            sent = frame(TEXT, OLD[:20], MASK, fin=False) + frame(PING, b"soon", MASK) + frame(0, OLD[20:], MASK) + frame(TEXT, b"ping", MASK) + frame(TEXT, OLD, MASK)
            for i in range(0, len(sent), 7):
                s.send(sent[i:i + 7])
            assert b.seen() == [(PING, b"soon"), (TEXT, NEW), (TEXT, b"ping"), (TEXT, NEW)], (kind, way)
            assert [told(s) for _ in range(5)] == [(PONG, b"in between"), (TEXT, OLD), (TEXT, b"[DONE"), (TEXT, b""), (TEXT, b'["free"]')], (kind, way)
            s.send(frame(CLOSE, close(1000, b"bye"), MASK))
            assert b.seen() == (CLOSE, close(1000, b"bye")) and told(s) == (CLOSE, close(1000)), (kind, way)
            assert s.is_gone(), (kind, way)
    line = w.line(path="/orders/1")
    assert line["translation_us"] > 0 and line["status"] in (101, 200), line


def test_heads_are_told_in_the_others_version_and_a_101_is_a_success(t):
    def play(side, backend):
        backend.requests.put(side.frame())
        side.send(frame(TEXT, NEW))

    for kind in OTHERS:
        b = pool(t, play, kind, **{"X-New": "theirs"})
        w = socket_shop(t, b, kind, (NOTHING, MONEY, HEADS), tls=True)
        for way in CLIENTS:
            s = client(t, w, way, **{"X-Old": "ours"})
            r = b.seen()
            assert (r.get("x-new") if kind == "h1" else r.head.get("x-new")) == "ours", (kind, way)
            s.send(frame(TEXT, OLD, MASK))
            assert b.seen() == (TEXT, NEW) and told(s) == (TEXT, OLD), (kind, way)
            assert s.head.get("x-old") == "theirs", (kind, way)


def test_a_message_that_cannot_be_told_closes_both_sides_with_its_reason(t):
    def play(side, backend):
        backend.requests.put(side.until_end())

    for kind in OTHERS:
        b = pool(t, play, kind)
        w = socket_shop(t, b, kind)
        for way in ("h1", "h2c"):
            s = client(t, w, way)
            b.seen()
            s.send(frame(TEXT, OLD, MASK) + frame(TEXT, STRANGE, MASK) + frame(TEXT, OLD, MASK))
            code, reason = closed(s)
            assert code == 1007 and b"record 2" in reason and b"strange" in reason, (code, reason)
            assert s.is_gone() and b.seen() == [(TEXT, NEW), (CLOSE, close(1001, reason))], (kind, way)

    def bad(side, backend):
        side.send(frame(TEXT, NEW) + frame(TEXT, NEW.replace(b'"12.99"', b'"secret"')))
        backend.requests.put(side.until_end())

    for kind in OTHERS:
        b = pool(t, bad, kind)
        w = socket_shop(t, b, kind)
        s = client(t, w)
        b.seen()
        assert told(s) == (TEXT, OLD)
        code, reason = closed(s)
        assert code == 1011 and b"secret" not in reason, reason
        (opcode, payload), = b.seen()
        assert opcode == CLOSE and payload[:2] == close(1007), payload
        assert s.is_gone()


def test_what_is_no_frame_or_of_no_kind_ends_the_tunnel(t):
    cases = [(frame(BINARY, b"\x81", MASK), 1003), (frame(TEXT, b"not masked"), 1002), (frame(TEXT, b"x", MASK, head=0x40), 1002),
             (frame(3, b"", MASK), 1002), (frame(TEXT, b"\xff", MASK), 1007), (frame(0, b"x", MASK), 1002), (frame(PING, b"x" * 126, MASK), 1002),
             (frame(CLOSE, close(1005), MASK), 1002), (frame(TEXT, b'{"a":', MASK), 1007)]
    b = pool(t, lambda side, backend: backend.requests.put(side.until_end()))
    w = socket_shop(t, b)
    for data, code in cases:
        for way in ("h1", "h2c"):
            s = client(t, w, way)
            b.seen()
            s.send(data + frame(TEXT, OLD, MASK))
            assert closed(s)[0] == code and s.is_gone(), (data, way)
            (opcode, payload), = b.seen()
            assert opcode == CLOSE and payload[:2] == close(1001), (data, payload)
    b = pool(t, lambda side, backend: (side.send(frame(TEXT, NEW, MASK)), backend.requests.put(side.until_end())))
    s = client(t, socket_shop(t, b))
    b.seen()
    assert closed(s)[0] == 1011 and b.seen()[0][1][:2] == close(1002)


def test_a_message_may_be_as_large_as_may_be_held(t):
    b = pool(t, lambda side, backend: [backend.requests.put(side.frame()) for _ in range(3)] and side.until_end())
    w = socket_shop(t, b, limits="held_request: 1000, held_answer: 900")
    fits = OLD[:-1] + b',"fill":"' + b"x" * (1000 - len(OLD) - 10) + b'"}'
    assert len(fits) == 1000
    s = client(t, w)
    b.seen()
    s.send(frame(TEXT, fits, MASK) + frame(TEXT, fits[:500], MASK, fin=False) + frame(0, fits[500:], MASK))
    assert b.seen()[1] == b.seen()[1] == NEW[:-1] + b"," + fits[len(OLD):]
    s.send(frame(TEXT, fits[:500], MASK, fin=False) + frame(0, fits[500:] + b" ", MASK))
    assert closed(s)[0] == 1009 and s.is_gone() and b.seen()[0] == CLOSE
    w.says("limit_reached limit=held_request")
    b = pool(t, lambda side, backend: (side.send(frame(TEXT, b"[" + b" " * 898 + b"]") + frame(TEXT, b"[" + b" " * 899 + b"]")), backend.requests.put(side.until_end())))
    w = socket_shop(t, b, limits="held_request: 1000, held_answer: 900")
    s = client(t, w)
    b.seen()
    assert len(told(s)[1]) == 900 and closed(s)[0] == 1011 and b.seen()[0][1][:2] == close(1009)
    w.says("limit_reached limit=held_answer")


def test_extensions_are_agreed_on_only_where_nothing_is_read(t):
    wish = {"Sec-WebSocket-Extensions": "permessage-deflate"}
    b = pool(t, lambda side, backend: side.until_end())
    w = socket_shop(t, b)
    s = client(t, w, **wish)
    assert b.seen().get("sec-websocket-extensions") is None
    b = pool(t, lambda side, backend: side.until_end(), **wish)
    w = socket_shop(t, b)
    assert CLIENTS["h1"](t, w, path="/orders/1?api_version=v1", **wish).status == 502, "what was not offered cannot be agreed on"
    b.seen()
    s = CLIENTS["h1"](t, w, path="/orders/1?api_version=v2", **wish)
    assert s.status == 101 and s.head.get("sec-websocket-extensions") == "permessage-deflate"
    assert b.seen().get("sec-websocket-extensions") == "permessage-deflate"


def test_a_message_without_a_form_there_is_not_sent(t):
    ghost = b'{"kind":"ghost","a":1}'
    b = pool(t, lambda side, backend: (side.send(frame(TEXT, ghost) + frame(TEXT, b'{"kind":"seen"}')), side.until_end()))
    w = socket_shop(t, b, changes=(NOTHING, HIDES))
    s = client(t, w)
    assert told(s) == (TEXT, b'{"kind":"seen"}')


def test_the_end_of_a_drain_says_1001_to_both_sides(t):
    for kind, way in (("h1", "h1"), ("h1", "h2c"), ("h2", "h1")):
        for version in ("v1", "v2"):
            b = pool(t, lambda side, backend: (side.send(frame(TEXT, b"[1]")), backend.requests.put(side.until_end())), kind)
            w = socket_shop(t, b, kind, limits="drain: 200ms")
            s = CLIENTS[way](t, w, path=f"/orders/1?api_version={version}")
            b.seen()
            assert told(s) == (TEXT, b"[1]")
            s.send(frame(PING, b"", MASK))
            w.signal(15)
            code, reason = closed(s)
            assert code == 1001 and reason and s.is_gone(), (kind, way, version)
            assert b.seen() == [(PING, b""), (CLOSE, close(1001, reason))], (kind, way, version)
            (s.conn if way == "h1" else s.c.conn).close()
            assert w.wait(10) == 0


def test_in_the_middle_of_a_frame_a_drain_looks_broken(t):
    b = pool(t, lambda side, backend: (side.send(frame(TEXT, b"x" * 50)[:20]), side.until_end()))
    w = ws_worker(t, b, limits="drain: 100ms")
    s, other = CLIENTS["h1"](t, w), CLIENTS["h2c"](t, w)
    assert len(s.take(20)) == len(other.take(20)) == 20
    w.signal(15)
    try:
        assert s.conn.rest() is None, "half a frame and an end look like an end"
    except Gone:
        pass
    assert other.is_gone() and other.s["reset"] == 2, other.s
    other.c.conn.close()
    assert w.wait(10) == 0


def test_silence_ends_a_tunnel_with_1001(t):
    b = pool(t, lambda side, backend: backend.requests.put(side.until_end()))
    for way in ("h1", "h2c"):
        for version in ("v1", "v2"):
            w = socket_shop(t, b, limits="stream_idle: 200ms")
            s = CLIENTS[way](t, w, path=f"/orders/1?api_version={version}")
            b.seen()
            assert closed(s)[0] == 1001 and s.is_gone()
            assert b.seen()[0][1][:2] == close(1001)
            w.says("limit_reached limit=stream_idle_ms")
