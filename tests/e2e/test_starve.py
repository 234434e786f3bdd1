# SPDX-License-Identifier: Apache-2.0
"""Each allocation of a whole exchange fails once, alone and with all behind it, ours and every library's (tests/starve): the client gets an answer
or a connection that ends, what it takes for whole is whole, nothing leaks, and the next one is served."""
import mmap
import queue
import socket
import struct

from codings import NAMES, decode, encode
from h2.exceptions import ProtocolError
from origin import serving
from peers import Gone, answering, message, sanitized
from test_h2 import Client
from test_records import FRAMINGS, records_shop
from test_versions import NEW, OLD, dead_canary, shop
from test_websocket import H1Socket
from test_websocket_messages import TEXT, frame, pool, socket_shop, told

PATIENCE_S = 5
FEWEST = 8  # allocations of an exchange that begins with its connection


class Heap:
    """The orders that tests/starve/starve.c reads: countdown, goes on, is empty, failed."""

    def __init__(self, t):
        self.file = t.folder / "heap"
        self.file.write_bytes(bytes(32))
        with open(self.file, "r+b") as f:
            self.at = mmap.mmap(f.fileno(), 32)
        asan = sanitized(t.folder)["ASAN_OPTIONS"] + ":verify_asan_link_order=0:handle_abort=1"
        self.env = {"LD_PRELOAD": str(t.build / "tests/starve.so"), "STILE_STARVE": str(self.file), "ASAN_OPTIONS": asan}.items()

    def fail(self, n, goes_on):
        self.at[8:] = struct.pack("QQQ", goes_on, 0, 0)
        self.at[:8] = struct.pack("Q", n)

    def recover(self):
        """How many failed."""
        self.at[:24] = bytes(24)
        return struct.unpack("Q", self.at[24:])[0]


def outcome(t, ask, what=""):
    """What ask() takes for whole; None if it saw the end of its connection instead."""
    try:
        return ask()
    except TimeoutError as e:
        raise AssertionError(f"neither an answer nor an end {what}") from e
    except (Gone, OSError):
        return None
    finally:
        while t.conns:
            t.conns.pop().close()


def starve(t, heap, ask, whole, refused=(500, 502, 503, 504), step=1):
    """ask() gives `whole`, or a status and a document; every n-th allocation of it is made to fail (of many, each `step`-th)."""
    assert outcome(t, ask) == whole, "it is not even well"
    for goes_on in (0, 1):
        n, well, seen = 1 - step, 0, set()
        while well < 3:  # the last ones may be behind what the client sees
            n += step
            heap.fail(n, goes_on)
            got = outcome(t, ask, (n, goes_on))
            failed = heap.recover()
            well = 0 if failed else well + 1
            assert got is None or got == whole or got[0] in refused, (n, goes_on, got)
            assert failed or got == whole, (n, goes_on, got)
            seen.add(got if got is None else got[0])
            got = outcome(t, ask, ("after", n, goes_on))
            assert got == whole, (n, goes_on, "it does not recover", got)
        print(f"{n} allocations, {seen}")
        assert n > FEWEST, n


def h1(t, w, method="GET", path="/", body=b"", tls=False, **fields):
    c = t.connect_tls(w.tls_port) if tls else t.connect(w.port, PATIENCE_S)
    c.sock.settimeout(PATIENCE_S)
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n" + "".join(f"{n.replace('_', '-')}: {v}\r\n" for n, v in fields.items())
    c.send(head.encode() + b"\r\n" + body)
    a = c.answer()
    return a.status, a.body if a.status == 200 else b""


def h2(t, w, method="GET", path="/", body=b"", tls=False, **fields):
    conn = t.connect_tls(w.tls_port, ["h2"]) if tls else t.connect(w.port, PATIENCE_S)
    conn.sock.settimeout(PATIENCE_S)
    c = Client(conn)
    s = c.ask(method, path, authority="localhost", fields=[(n.replace("_", "-").lower(), v) for n, v in fields.items()], ends=not body)
    if body:
        c.send(s, body, ends=True)
    a = c.answer(s)
    if not a["ended"]:
        return None
    status = int(a["head"][":status"])
    return status, a["body"] if status == 200 else b""


BODY = b"0123456789" * 2000
CLOSES = {"Connection": "close"}


def closing(body, **fields):
    """A backend whose every connection ends with its answer, so that the next request dials."""
    return answering(message(body=body, **fields, **CLOSES), keep=False)


def test_what_passes(t):
    heap = Heap(t)
    w = t.worker(t.backend(closing(BODY)), env=heap.env)
    for ask in (h1, h2):
        starve(t, heap, lambda ask=ask: ask(t, w, "PUT", body=BODY), (200, BODY))


PUT = {"method": "PUT", "path": "/orders/1", "Api_Version": "v1", "Content_Type": "application/json"}


def test_what_is_translated(t):
    heap = Heap(t)
    w = shop(t, t.backend(closing(NEW)), env=heap.env)
    for ask in (h1, h2):
        starve(t, heap, lambda ask=ask: ask(t, w, body=OLD, **PUT), (200, OLD))


def test_what_is_translated_and_coded(t):
    heap = Heap(t)
    for name in NAMES:
        w = shop(t, t.backend(closing(encode(name, NEW), Content_Encoding=name)), env=heap.env)

        def ask(w=w, name=name):
            status, body = h1(t, w, body=encode(name, OLD), Content_Encoding=name, **PUT)
            return status, decode(name, body) if body else b""

        starve(t, heap, ask, (200, OLD), step=3)
        w.signal(15)
        w.wait()


def test_what_a_pool_of_http2_is_asked(t):
    heap = Heap(t)

    def answer(o, r):
        try:
            o.answer(r.stream, 200, NEW if r.head[":path"].startswith("/orders") else BODY)
        except ProtocolError:
            pass  # it was reset: there is nobody to answer
        o.goaway(r.stream)

    b = t.backend(serving(answer))
    w = shop(t, b, pool=", http: h2", env=heap.env)
    for ask in (h1, h2):
        starve(t, heap, lambda ask=ask: ask(t, w, body=OLD, **PUT), (200, OLD))
        starve(t, heap, lambda ask=ask: ask(t, w, "PUT", "/else", BODY, Api_Version="v2"), (200, BODY))


def test_what_goes_over_tls_on_both_sides(t):
    heap = Heap(t)
    b = t.backend(closing(BODY), tls=t.server_tls())
    pools = f'pools:\n  b: {{endpoints: ["{b.url}"], tls: {{ca: {t.certs()}/ca.pem, name: localhost}}}}\n'
    w = t.worker(b, pools=pools, tls=True, env=heap.env)
    for ask in (h1, h2):
        starve(t, heap, lambda ask=ask: ask(t, w, "PUT", body=BODY, tls=True), (200, BODY), step=11)  # OpenSSL asks for some 1400


def test_the_messages_of_a_websocket(t):
    heap = Heap(t)
    b = pool(t, lambda p, backend: (p.frame(), p.send(frame(TEXT, NEW)), p.until_end()))
    w = socket_shop(t, b, env=heap.env)

    def ask():
        conn = t.connect(w.port, PATIENCE_S)
        s = H1Socket(conn, path="/orders/1?api_version=v1")
        if s.status != 101:
            return s.status, b""
        s.send(frame(TEXT, OLD, b"abcd"))
        opcode, payload = told(s)
        return (200, payload) if opcode == TEXT else None

    starve(t, heap, ask, (200, OLD))


def test_a_stream_of_records(t):
    def echoes(conn, backend):
        r = conn.request()
        assert r.body.startswith(b'{"customer_id"'), r.body
        conn.send(message(body=r.body, media="application/x-ndjson", **CLOSES))

    heap = Heap(t)
    w = records_shop(t, t.backend(echoes), env=heap.env)
    lines = b"".join(b'{"customer":%d}\n' % i for i in range(40))
    for ask in (h1, h2):
        starve(t, heap, lambda ask=ask: ask(t, w, "POST", "/orders", lines, Api_Version="v1", Content_Type="application/x-ndjson"), (200, lines))


def test_a_stream_of_records_that_is_asked_for(t):
    heap = Heap(t)
    record, read = FRAMINGS["application/x-ndjson"]
    stream = message(body="".join(map(record, range(3))).encode(), media="application/x-ndjson", **CLOSES)
    w = records_shop(t, t.backend(answering(stream, keep=False)), env=heap.env)
    for ask in (h1, h2):
        starve(t, heap, lambda ask=ask: ask(t, w, path="/orders", Api_Version="v1"), (200, "".join(map(read, range(3))).encode()))


def test_what_a_dead_canary_leaves_to_the_baseline(t):
    heap = Heap(t)
    with socket.socket() as dead:
        w = dead_canary(t, dead, t.backend(closing(OLD)), env=heap.env)
        for ask in (h1, h2):
            starve(t, heap, lambda ask=ask: ask(t, w, body=OLD, X_Account="42", **PUT), (200, OLD))


def test_what_is_asked_again_for_comparison(t):
    heap = Heap(t)
    blue, green = t.backend(closing(OLD)), t.backend(closing(NEW))
    w = shop(t, blue, version="v1", canary=green, weight="0, shadow: {share: 100%}", env=heap.env)
    mirrored = 0

    def ask():
        nonlocal mirrored
        got = h1(t, w, path="/orders/1", Api_Version="v1", X_Account="7")
        try:  # all of it is behind the client's answer
            for b, n in ((blue, 2), (green, 1)):
                for _ in range(n):
                    b.requests.get(timeout=0.03)
            mirrored += 1
        except queue.Empty:
            pass
        return got

    starve(t, heap, ask, (200, OLD), step=3)
    assert mirrored > FEWEST, mirrored
