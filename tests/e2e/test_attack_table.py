# SPDX-License-Identifier: Apache-2.0
"""SAFETY.md's table of attacks, row by row against one worker: a client who behaves is served all the while, the attacker's connection ends,
and memory comes back. One function is one row; it says what the attacker saw in the end. The backend is one that takes a thousand connections
at once: where its queue of them overflows, the kernel tries again after 1, 3 and 7 seconds, and whoever waits for it is told 504, rightly."""
import os
import select
import threading
import time

from frames import (CALM, CONTINUATION, DATA, END_HEADERS, END_STREAM, GET, GOAWAY, HEADERS, PING, PREFACE, PRIORITY, PROTOCOL_ERROR, RST, SETTINGS,
                    STREAM_CLOSED, WINDOW, block, frame)
import hpack
from peers import WAIT_S, Gone
from stile import until
from test_faults import rss
from test_h2 import Client
from test_attacks import small

LIMITS = "head: 1500ms, body: 2s, body_rate: 0, send: 1s, send_window: 1s, connections: 500"
GROWS = 16 * 1024 * 1024


class Attacker:
    """A raw connection that sends without reading, and remembers whether it was ended."""

    def __init__(self, t, w, h2=True):
        self.conn = t.connect(w.port)
        self.conn.sock.settimeout(WAIT_S)
        if h2:
            self.conn.send(PREFACE + frame(SETTINGS))
        self.is_h2 = h2

    def send(self, data):
        """False: the other side takes nothing more."""
        try:
            self.conn.sock.sendall(data)
        except OSError:
            return False
        return True

    def is_over(self):
        """GOAWAY, an end or a reset has come; what else has come is read."""
        while select.select([self.conn.sock], [], [], 0)[0]:
            if not self.read():
                return True
        return False

    def read(self):
        try:
            data = self.conn.sock.recv(1 << 20)
        except TimeoutError:
            raise AssertionError("nothing ends it") from None
        except OSError:
            return False
        self.conn.data += data
        return bool(data)

    def flood(self, make, n, unread=False):
        """`make(i)` again and again; True when the connection was ended for it."""
        for i in range(n):
            if not self.send(make(i)) or (not unread and self.is_over()):
                break
        while self.read():  # what still came was taken, and thrown away
            pass
        return self.why() if self.is_h2 else True

    def why(self):
        """GOAWAY's code, if it is not the one of who does too much; a reset may have lost it."""
        data, code = self.conn.data, None
        while len(data) >= 9:
            n, kind = int.from_bytes(data[:3], "big"), data[3]
            if kind == GOAWAY and len(data) >= 17:
                code = int.from_bytes(data[13:17], "big")
            data = data[9 + n:]
        return code in (None, CALM) or code


def streams(i):
    return 2 * i + 1


# ── over HTTP/2 ──


def rapid_reset(t, w):
    a = Attacker(t, w)
    return a.flood(lambda i: frame(HEADERS, END_HEADERS | END_STREAM, streams(i), block()) + frame(RST, 0, streams(i), b"\0\0\0\x08"), 5000)


def made_to_reset(bad):
    """A stream that we have to reset, in each of the ways that leave its request under way."""
    def attack(t, w):
        a = Attacker(t, w)
        ends, fields = (0, [*GET, ("content-length", "1")]) if bad == "length" else (END_STREAM, GET)

        def one(i):
            return frame(HEADERS, END_HEADERS | ends, streams(i), block(fields)) + {
                "window": frame(WINDOW, 0, streams(i), b"\0\0\0\0"), "overflow": frame(WINDOW, 0, streams(i), b"\x7f\xff\xff\xff"),
                "closed": frame(DATA, 0, streams(i), b"x"), "length": frame(DATA, END_STREAM, streams(i), b"xyz"),
                "itself": frame(PRIORITY, 0, streams(i), streams(i).to_bytes(4, "big") + b"\x10")}[bad]

        code = a.flood(one, 5000)
        return code is True or code == {"window": PROTOCOL_ERROR, "closed": STREAM_CLOSED}.get(bad)  # the first one ends it
    attack.__qualname__ = f"made_to_reset({bad})"
    return attack


def continuation_flood(t, w):
    a = Attacker(t, w)
    a.send(frame(HEADERS, END_STREAM, 1, block()))
    return a.flood(lambda i: frame(CONTINUATION, 0, 1, b"\x40\x01x\x01y" * 100), 3000)


def empty_continuations(t, w):
    a = Attacker(t, w)
    a.send(frame(HEADERS, END_STREAM, 1, block()))
    return a.flood(lambda i: frame(CONTINUATION, 0, 1), 3000)


def hpack_bomb(t, w):
    encoder = hpack.Encoder()
    first = encoder.encode([*GET, ("x-bomb", "v" * 3900)])
    again = encoder.encode([("x-bomb", "v" * 3900)])
    assert len(again) < 4
    a = Attacker(t, w)
    return a.flood(lambda i: frame(HEADERS, END_HEADERS | END_STREAM, streams(i), (first if i == 0 else block()) + again * 4000), 2000)


def large_header_list(t, w):
    a = Attacker(t, w)
    rest = hpack.Encoder().encode([(f"x-{i}", "v" * 4000) for i in range(262)], huffman=False)
    a.send(frame(HEADERS, END_STREAM, 1, block()))
    return a.flood(lambda i: frame(CONTINUATION, 0, 1, rest[i * 16000:(i + 1) * 16000]), 66)


def settings_flood(t, w):
    return Attacker(t, w).flood(lambda i: frame(SETTINGS, 0, 0, b"\0\x04\0\0\xff\xff") * 50, 3000, unread=True)


def ping_flood(t, w):
    return Attacker(t, w).flood(lambda i: frame(PING, 0, 0, b"12345678") * 50, 3000, unread=True)


def empty_data(t, w):
    a = Attacker(t, w)
    a.send(frame(HEADERS, END_HEADERS, 1, block([(":method", "POST"), *GET[1:]])))
    return a.flood(lambda i: frame(DATA, 0, 1) * 20, 3000)


def refused_requests(t, w):
    a = Attacker(t, w)
    return a.flood(lambda i: frame(HEADERS, END_HEADERS | END_STREAM, streams(i), block(GET[:3])), 5000)


def stalled_streams(t, w):
    """A thousand answers of 10 MB that nobody takes; each is given up, the connection goes on."""
    clients = []
    for _ in range(10):
        a = Attacker(t, w, h2=False)
        a.send(PREFACE + frame(SETTINGS, 0, 0, b"\0\x04\0\0\0\0"))  # a window of nothing
        a.send(b"".join(frame(HEADERS, END_HEADERS | END_STREAM, streams(i), block([*GET[:3], (":path", "/10m")])) for i in range(100)))
        clients.append(a)
    for a in clients:
        resets = 0
        while resets < 100 and a.read():
            resets = a.conn.data.count(b"\0\0\x04\x03\0")
        assert resets >= 100, resets
    return True


# ── over HTTP/1.1 ──


def unread_answers(t, w):
    conns = [small(w.port).send(b"GET /10m HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(100)]
    t.conns.extend(conns)
    return all(is_reset(c) for c in conns)


def is_reset(c):
    """Without reading a byte of what waits."""
    poll = select.poll()
    poll.register(c.sock, 0)
    return bool(poll.poll(WAIT_S * 1000))


def trickles(head, piece):
    def attack(t, w):
        conns = [t.connect(w.port).send(head) for _ in range(50)]
        end = time.monotonic() + WAIT_S
        while conns and time.monotonic() < end:  # a byte at a time, which re-arms no deadline
            for c in list(conns):
                try:
                    c.sock.sendall(piece)
                    if select.select([c.sock], [], [], 0)[0] and not c.sock.recv(65536):
                        conns.remove(c)
                except OSError:
                    conns.remove(c)
            time.sleep(0.05)
        return not conns
    attack.__qualname__ = f"trickles({head[-20:]})"
    return attack


POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
slow_head = trickles(b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"y")
slow_body = trickles(POST + b"Content-Length: 100000\r\n\r\n", b"x")
slow_chunks = trickles(POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n")


def chunk_extensions(t, w):
    a = Attacker(t, w, h2=False)
    a.send(POST + b"Transfer-Encoding: chunked\r\n\r\n")
    return a.flood(lambda i: b"1;" + b"e" * 200 + b"\r\nx\r\n", 20000) and b" 400 " in a.conn.data


def endless_chunk_line(t, w):
    a = Attacker(t, w, h2=False)
    a.send(POST + b"Transfer-Encoding: chunked\r\n\r\n")
    return a.flood(lambda i: b"0" * 1000, 5000) and b" 400 " in a.conn.data


def endless_trailers(t, w):
    a = Attacker(t, w, h2=False)
    a.send(POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n")
    return a.flood(lambda i: b"x-t: " + b"y" * 1000 + b"\r\n", 16000) and b" 400 " in a.conn.data


def client_aborts(t, w):
    for _ in range(2000):
        t.connect(w.port).send(b"GET /10m HTTP/1.1\r\nHost: a\r\n\r\n").reset()
        t.conns.pop()
    return True


OVER_H2 = [rapid_reset, *(made_to_reset(bad) for bad in ("window", "overflow", "closed", "length", "itself")), continuation_flood, empty_continuations,
           hpack_bomb, large_header_list, settings_flood, ping_flood, empty_data, refused_requests]
OVER_H1 = [chunk_extensions, endless_chunk_line, endless_trailers, client_aborts]
SLOW = [stalled_streams, unread_answers, slow_head, slow_body, slow_chunks]


class Good(threading.Thread):
    """Someone who asks and is answered, over both protocols, until told to stop."""

    def __init__(self, t, w):
        super().__init__(daemon=True)
        self.h1, self.h2, self.n, self.wrong, self.goes_on = t.connect(w.port), Client(t.connect(w.port)), 0, [], True

    def run(self):
        try:
            while self.goes_on:
                a = self.h1.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\ngood").answer()
                b = self.h2.answer(self.h2.ask(path="/none"))
                if (a.status, a.body) != (200, b'{"received":4}') or b["body"] != b'{"received":0}' or not b["ended"]:
                    self.wrong.append((a, b))
                self.n += 1
        except (Gone, OSError) as e:
            self.wrong.append(repr(e))


def fds(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def replay(t, rows):
    w = t.worker(t.fast_backend(), limits=LIMITS, route=", timeouts: {connect: 10s}", plain=True)
    rapid_reset(t, w)  # what is allocated once
    for attack in rows:
        good = Good(t, w)
        good.start()
        until(lambda good=good: good.n > 1 or good.wrong, "the good one is served")
        before, open_before, n = rss(w.pid), fds(w.pid), good.n
        most, done, began = before, [], time.monotonic()
        row = threading.Thread(target=lambda attack=attack, done=done: done.append(attack(t, w)), daemon=True)
        row.start()
        while row.is_alive():
            row.join(0.02)
            most = max(most, rss(w.pid))
        name = attack.__qualname__
        print(f"{name}: {done} {time.monotonic() - began:.2f} s, {(most - before) >> 10} KiB, {good.n - n} good ones")
        assert done == [True], (name, done, "the attacker is not ended, or not for this")
        until(lambda good=good, n=n: good.n > n + 1 or good.wrong, "the good one is served after it")
        assert not good.wrong, (name, good.wrong)
        assert most - before < GROWS, (name, most - before)
        good.goes_on = False
        good.join(WAIT_S)
        for c in t.conns:
            c.close()
        t.conns.clear()
        until(lambda name=name, most=open_before + 70: fds(w.pid) <= most, f"{name} leaves no descriptor")  # 64 idle ones are kept for a while


def test_every_attack_over_http2_ends_and_hurts_nobody(t):
    replay(t, OVER_H2)


def test_every_attack_over_http1_ends_and_hurts_nobody(t):
    replay(t, OVER_H1)


def test_who_takes_nothing_or_brings_next_to_nothing_is_ended(t):
    replay(t, SLOW)


def test_the_backend_is_asked_no_more_than_the_buckets_let_pass(t):
    """A reset leaves nothing of ours to be worked on: the backend's connection ends with it, and the bucket says how often."""
    b = t.backend(lambda conn, backend: (backend.requests.put(conn.head().start), conn.is_closed(), backend.requests.put("gone")))
    w = t.worker(b, limits="h2_resets_burst: 20, h2_resets_a_second: 0")
    a = Attacker(t, w)
    for i in range(21):
        assert not a.is_over(), i
        a.send(frame(HEADERS, END_HEADERS | END_STREAM, streams(i), block()))
        assert b.seen() == "GET / HTTP/1.1"
        a.send(frame(RST, 0, streams(i), b"\0\0\0\x08"))
        assert b.seen() == "gone"
    while a.read():
        pass
    assert frame(GOAWAY)[3:4] in a.conn.data
    w.says("limit_reached limit=h2_resets_burst")
    assert b.requests.empty()
