# SPDX-License-Identifier: Apache-2.0
"""What the bodies that are rewritten hold together: a share of the worker's memory, reached and stayed one under, over h1, h2 and in a WebSocket."""
import select
import threading

from peers import WAIT_S, answering, message
from test_h2 import Client
from test_versions import NEW, OLD, shop
from test_websocket_messages import TEXT, close, client, frame, pool, socket_shop, told

LIMITS = "memory: 16MiB, held_percent: 25"  # 4 MiB
N = 600 << 10  # bytes of a body; its buffer takes 1 MiB, so three fit and a fourth does not
FIT = 3
LARGE = OLD[:-1] + b',"pad":"' + b"y" * (N - len(OLD) - 10) + b'"}'


class Put1:
    def __init__(self, t, w):
        self.c = t.connect(w.port)
        self.c.send(b"PUT /orders/1 HTTP/1.1\r\nHost: a\r\nApi-Version: v1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(LARGE))
        self.c.send(LARGE[:-1])

    def end(self):
        try:
            self.c.send(LARGE[-1:])
        except OSError:
            pass  # refused, and closed behind it
        a = self.c.answer()
        return a.status, a.get("retry-after")


class Put2:
    def __init__(self, t, w):
        self.c = Client(t.connect(w.port))
        self.s = self.c.ask("PUT", "/orders/1", [("api-version", "v1"), ("content-type", "application/json")], ends=False)
        at = self.c.streams[self.s]
        for i in range(0, len(LARGE) - 1, 16384):
            if at["head"] is None and at["reset"] is None:
                self.c.send(self.s, LARGE[i:min(i + 16384, len(LARGE) - 1)])

    def end(self):
        at = self.c.streams[self.s]
        if at["head"] is None and at["reset"] is None:
            self.c.send(self.s, LARGE[-1:], ends=True)
        head = self.c.answer(self.s)["head"]
        return int(head[":status"]), head.get("retry-after")


def test_requests_hold_a_share_together_and_small_ones_pass_beside_them(t):
    w = shop(t, t.backend(answering(message(body=NEW))), limits=LIMITS)
    for put in (Put1, Put2):
        for n in (FIT, FIT + 1):
            puts = [put(t, w) for _ in range(n)]
            assert t.ask(w.port, "PUT", "/orders/1", body=OLD, Api_Version="v1").status == 200, "a small one is not in the way of large ones"
            told_all = [p.end() for p in puts]
            assert sorted(s for s, _ in told_all) == [200] * FIT + [413] * (n - FIT), (put, told_all)
            assert all(after == "1" for s, after in told_all if s == 413), told_all
            assert w.text().count("limit_reached limit=held_percent") >= n - FIT
            for c in t.conns:
                c.close()


def test_answers_hold_the_same_share(t):
    body, go = NEW[:-1] + b',"pad":"' + b"y" * (N - len(NEW) - 10) + b'"}', threading.Semaphore(0)

    def script(conn, backend):
        m = message(body=body)
        while True:
            conn.request()
            conn.send(m[:-1])
            backend.requests.put(1)
            go.acquire()
            conn.send(m[-1:])

    b = t.backend(script)
    w = shop(t, b, limits=LIMITS + ", answer_commit: 1MiB")
    for ask in ("h1", "h2"):
        for n in (FIT, FIT + 1):
            if ask == "h1":
                cs = [t.connect(w.port).send(b"GET /orders/1 HTTP/1.1\r\nHost: a\r\nApi-Version: v1\r\n\r\n") for _ in range(n)]
            else:
                c = Client(t.connect(w.port))
                cs = [c.ask(path="/orders/1", fields=[("api-version", "v1")]) for _ in range(n)]
            for _ in range(n):
                b.seen()
            if n > FIT and ask == "h1":  # what came behind it may not be read yet: it is held, or refused
                assert select.select([c.sock for c in cs], [], [], WAIT_S)[0], "nobody is refused"
            elif n > FIT:
                c.until(lambda c=c: any(s["head"] for s in c.streams.values()))
            go.release(n)
            got = [c.answer().status for c in cs] if ask == "h1" else [int(c.answer(s)["head"][":status"]) for s in cs]
            assert sorted(got) == [200] * FIT + [502] * (n - FIT), (ask, got)
    assert "limit_reached limit=held_percent" in w.text()


def test_a_message_of_a_websocket_has_no_room_beside_others(t):
    b = pool(t, lambda p, backend: backend.requests.put(p.until_end()))
    w = socket_shop(t, b, limits=LIMITS)
    sides = [client(t, w) for _ in range(FIT + 1)]
    for s in sides:
        s.send(frame(TEXT, LARGE, b"abcd")[:-1])
    w.says("limit_reached limit=held_percent")
    ready = select.select([s.conn.sock for s in sides], [], [], WAIT_S)[0]
    assert len(ready) == 1, "three fit"
    one = next(s for s in sides if s.conn.sock in ready)
    assert told(one) == (8, close(1013, b"there is no room to translate so large a body just now"))
    for s in sides:
        s.conn.close()


def test_a_route_says_what_its_bodies_may_hold(t):
    b = t.backend(answering(message(body=NEW)))
    w = shop(t, b, limits="held_request: 1000, held_answer: 1", route=", held_request: 2000, held_answer: 1MiB")
    for n, status in ((1001, 200), (2000, 200), (2001, 413)):
        a = t.ask(w.port, "PUT", "/orders/1", body=b'{"x":"' + b"y" * (n - 8) + b'"}', Api_Version="v1")
        assert a.status == status, (n, a.status)
