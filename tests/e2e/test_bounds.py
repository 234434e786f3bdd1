# SPDX-License-Identifier: Apache-2.0
"""Each limit is reached, and stayed one under: what is answered, that it is counted under its name, and that the log says so."""
import threading
import time

from peers import Gone, answering, message
from stile import Stile, until
from test_h2 import Client
from test_versions import MANIFEST, NEW, NOTHING, shop


def chunked(*chunks, trailers=b""):
    return b"POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(chunks) + b"0\r\n" + trailers + b"\r\n"


def fields(n):
    return b"".join(b"x-%d: 1\r\n" % i for i in range(n))


GET = b"GET / HTTP/1.1\r\nHost: a\r\n"

# limit, its value, bytes of a request that needs `n` of it, the status beyond it
HEADS = [
    ("request_line", 100, lambda n: b"GET /" + b"x" * (n - 14) + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    ("field_line", 60, lambda n: GET + b"X-Long: " + b"y" * (n - 8) + b"\r\n\r\n", 431),
    ("head_bytes", 300, lambda n: GET + b"".join(b"x-%d: %b\r\n" % (i, b"y" * 40) for i in range(4)) + b"x-z: " + b"z" * (n - 25 - 4 * 47 - 9) + b"\r\n\r\n", 431),
    ("head_fields", 10, lambda n: GET + fields(n - 1) + b"\r\n", 431),
    ("chunk_line", 20, lambda n: chunked(b"1;" + b"x" * (n - 2) + b"\r\na\r\n"), 400),
    ("chunk_extensions", 30, lambda n: chunked(*[b"1;" + b"x" * 9 + b"\r\na\r\n"] * 2, b"1;" + b"x" * (n - 21) + b"\r\na\r\n"), 400),
    ("trailer_bytes", 60, lambda n: chunked(trailers=b"x-t: " + b"y" * (n - 9) + b"\r\n"), 400),
    ("trailer_fields", 3, lambda n: chunked(trailers=fields(n)), 400),
]


def test_the_limits_of_a_request(t):
    b = t.backend(answering(message(body=b"x")))
    for limit, value, make, status in HEADS:
        s = Stile(t, pools={"b": b}, routes=[{"name": "all", "pool": "b"}], limits={limit: value}, workers=1)
        reached = None
        for n in range(value - 3, value + 4):  # where exactly it is reached may count a line's end: it is found, and is sharp
            conn = t.connect(s.port)
            a = conn.send(make(n)).answer()
            assert a.status in (200, status), (limit, n, a.status)
            if a.status == status:
                assert conn.is_closed(), (limit, n)
                reached = reached or n
            else:
                assert reached is None, f"{limit}: {n} passes and {reached} does not"
        assert reached and abs(reached - value) <= 3, (limit, reached)
        until(lambda limit=limit: s.metric("stile_limits_total", limit=limit) == value + 4 - reached, f"{limit} is counted")
        assert s.process.text().count(f"limit_reached limit={limit}") in (1, 2), "the log says so once a second"
        s.stop()


def test_the_same_over_http2(t):
    b = t.backend(answering(message(body=b"x")))
    cases = [("request_line", 100, lambda n: ("/" + "x" * (n - 1), []), 414), ("field_line", 60, lambda n: ("/", [("x-long", "y" * (n - 6))]), 431),
             ("head_fields", 10, lambda n: ("/", [(f"x-{i}", "1") for i in range(n)]), 431)]
    for limit, value, make, status in cases:
        w = t.worker(b, limits=f"{limit}: {value}")
        c = Client(t.connect(w.port))
        for n in (value - 1, value, value + 1):
            path, more = make(n)
            a = c.answer(c.ask(path=path, fields=more))
            assert a["head"][":status"] == ("200" if n <= value else str(status)), (limit, n, a)
        w.says(f"limit={limit}")


def test_the_limits_of_an_answer(t):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
    for limit, value, make in (("answer_head_bytes", 200, lambda n: head + b"x: " + b"y" * (n - len(head) - 7) + b"\r\n\r\nx"),
                               ("interim_answers", 3, lambda n: b"HTTP/1.1 103 Early Hints\r\n\r\n" * n + head + b"\r\nx")):
        told = []
        for n in (value - 3, value - 1, value, value + 1, value + 3):
            w = t.worker(t.backend(answering(make(n))), limits=f"{limit}: {value}")
            conn = t.connect(w.port).send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            told.append(conn.answer().status)
            if told[-1] == 502:
                w.says(f"limit={limit}")
        assert told[0] == 200 and told[-1] == 502 and sorted(told) == told, (limit, told)


def test_what_may_be_held_and_how_deep(t):
    b = t.backend(answering(message(body=NEW)))
    w = shop(t, b, limits="held_request: 1000, json_depth: 10")

    def sized(n):
        return b'{"x":"' + b"y" * (n - 8) + b'"}'

    for body, status, limit in ((sized(1000), 200, ""), (sized(1001), 413, "held_request"), (b'{"x":' + b"[" * 9 + b"]" * 9 + b"}", 200, ""),
                                (b'{"x":' + b"[" * 10 + b"]" * 10 + b"}", 400, "json_depth")):
        a = t.ask(w.port, "PUT", "/orders/1", body=body, Api_Version="v1")
        assert a.status == status, (limit, a.status, a.body)
        assert not limit or w.says(f"limit={limit}")


FILLS = MANIFEST + """change: fills
from: v1
to: v2
Order:
  add: {fill: {up: %s, write: lose}}
"""


def test_what_is_written_may_be_so_many_times_what_came(t):
    b = t.backend(answering(message(body=b"{}")))
    for n, status in ((65527, 200), (65528, 413)):  # {"fill":"xx..."} is 11 bytes more than its text, {} is 2, and 65536 are free
        w = shop(t, b, changes=(NOTHING, FILLS % ("x" * n)), limits="output_ratio: 1")
        a = t.ask(w.port, "PUT", "/orders/1", body=b"{}", Api_Version="v1")
        assert a.status == status, (n, a.status, a.body[:200])
        assert status == 200 or w.says("limit_reached limit=output_ratio")


MOVES = MANIFEST + """change: moves
from: v1
to: v2
Order:
  map: {a: b}
"""


def test_texts_and_numbers_that_nobody_touches_may_be_longer_than_what_may_be_held(t):
    for long in (b'"' + b"y" * 1500000 + b'"', b"1" * 1500000, b"0." + b"3" * 1500000):
        body = b'{"b":1,"x":' + long + b"}"
        b = t.backend(answering(message(body=body)))
        w = shop(t, b, changes=(NOTHING, MOVES), limits="held_request: 100KiB, held_answer: 100KiB, request_commit: 64KiB")
        a = t.ask(w.port, "PUT", "/orders/1", body=body.replace(b'"b"', b'"a"'), Api_Version="v1")
        assert a.status == 200 and a.body == body.replace(b'"b"', b'"a"') and b.seen().body == body, (a.status, long[:9])


LOOKS = MANIFEST + """change: looks
from: v1
to: v2
Order:
  map: {s: {enum: {a: b}, other: pass}}
"""


def test_a_text_that_is_looked_at_may_be_as_long_as_what_may_be_held(t):
    for n, status in ((100000, 200), (300000, 413), (600000, 413), (3000000, 413)):
        b, text = t.backend(answering(message(body=b"{}"))), b"y" * n
        w = shop(t, b, changes=(NOTHING, LOOKS), limits="held_request: 100KiB, request_commit: 4KiB")
        a = t.ask(w.port, "PUT", "/orders/1", body=b'{"s":"' + text + b'"}', Api_Version="v1")
        assert a.status == status, (n, a.status, a.body[:200])
        assert status == 200 or w.says("limit_reached limit=held_request")


def test_what_an_answer_may_have_held_and_how_deep(t):
    def sized(n):
        return b'{"note":"a","x":"' + b"y" * (n - 19) + b'"}'

    def deep(n):
        return b'{"x":' + b"[" * (n - 1) + b"]" * (n - 1) + b"}"

    for limit, value, make in (("held_answer", 1000, sized), ("json_depth", 10, deep)):
        for n in (value, value + 1):
            body = make(n)
            b = t.backend(answering(message(body=body)))
            w = shop(t, b, limits=f"{limit}: {value}, answer_commit: 1MiB")
            a = t.ask(w.port, path="/orders/1", Api_Version="v1")
            assert a.status == (200 if n == value else 502), (limit, n, a.status, a.body[:200])
            assert a.status == 200 or w.says(f"limit_reached limit={limit}")


def test_after_any_400_the_connection_closes(t):
    b = t.backend(answering(message(body=NEW)))
    w = shop(t, b)
    get = b"GET /orders/1 HTTP/1.1\r\nHost: a\r\nApi-Version: "
    put = b"PUT /orders/1 HTTP/1.1\r\nHost: a\r\nApi-Version: v1\r\nContent-Length: 1\r\n\r\n{"
    for data in (get + b"v9\r\n\r\n", put, b"GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"):
        c = t.connect(w.port).send(data + get + b"v2\r\n\r\n")
        a = c.answer()
        assert a.status == 400 and a.get("connection") == "close" and c.rest() == b"", (data, a)
    assert b.requests.empty(), "what came behind it is dropped"


def test_connections_of_one_address(t):
    b = t.backend(answering(message(body=b"x")))
    w = t.worker(b, limits="connections_per_client: 3")
    held = [t.connect(w.port) for _ in range(3)]
    for c in held:
        assert c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").answer().status == 200
    try:
        assert t.connect(w.port).is_closed()
    except (Gone, OSError):
        pass
    w.says("limit=connections_per_client")
    held.pop().close()

    def is_let_in():  # the proxy may hear of the one that left behind the one that comes
        try:
            return t.connect(w.port).send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n").rest().startswith(b"HTTP/1.1 200")
        except (Gone, OSError):
            return False

    until(is_let_in, "one that leaves makes room")


def test_new_connections_a_second(t):
    b = t.backend(answering(message(body=b"x")))
    w = t.worker(b, limits="accepts_a_second: 5")
    told = []
    for _ in range(12):
        conn = t.connect(w.port)
        told.append(conn.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").answer().status)
    assert told[:5] == [200] * 5 and 503 in told, told
    w.says("limit=accepts_a_second")


def holding(t, s, n):
    """Of `n` new connections those that are served; they stay."""
    held = []
    for _ in range(n):
        conn = t.connect(s.port)
        try:
            if conn.send(b"GET /fast HTTP/1.1\r\nHost: a\r\n\r\n").answer().status == 200:
                held.append(conn)
        except (Gone, OSError):
            pass
    return held


def test_what_is_limited_for_all_is_counted_over_all_workers_that_live(t):
    go = threading.Event()

    def script(conn, backend):
        while True:
            r = conn.request()
            if not r.start.startswith("GET /fast"):
                backend.requests.put(r)
                go.wait(20)
            conn.send(message(body=b"x"))

    b = t.backend(script)
    routes = [{"name": "slow", "match": {"path": "/slow"}, "pool": "few"}, {"name": "all", "pool": "b"}]
    s = Stile(t, pools={"b": b, "few": {"endpoints": [b.url], "requests": 2}}, routes=routes, workers=3, limits={"connections_per_client": 4})
    held = holding(t, s, 16)
    assert len(held) == 4, len(held)
    slow = b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"
    for conn in held[:2]:
        conn.send(slow)
        assert b.seen().start.startswith("GET /slow")
    assert [conn.send(slow).answer().status for conn in held[2:]] == [503, 503]

    # Whoever dies takes its counts along: as many as it had are let in again, of connections and of requests.
    for pid in s.workers():
        s.kill(pid)
    until(lambda: len(s.workers()) == 3 and s.is_ready(), "others are in their places")
    go.set()
    until(lambda: not [c for c in held if not c.is_closed()], "their connections are gone")
    assert len(holding(t, s, 16)) == 4


def test_new_connections_a_second_are_those_of_all_workers(t):
    b = t.backend(answering(message(body=b"x")))
    s = Stile(t, pools={"b": b}, routes=[{"name": "all", "pool": "b"}], workers=3)
    s.rewrite(lambda text: text + "limits: {accepts_a_second: 5}\n").reload()
    begun = time.monotonic()
    n = len(holding(t, s, 40))
    assert 5 <= n <= 5 + 5 * (time.monotonic() - begun) + 1, n


def frames(n, kind, flags=0, stream=0, payload=b""):
    return (len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload) * n


def test_http2_buckets_and_continuations(t):
    b = t.backend(answering(message(body=b"x")))
    w = t.worker(b, limits="h2_glitches_burst: 50, h2_glitches_a_second: 0, h2_resets_burst: 10, h2_resets_a_second: 0, h2_continuations: 4")

    def survives(send):
        c = Client(t.connect(w.port))
        c.answer(c.ask())
        try:
            send(c)
            return c.answer(c.ask())["head"][":status"] == "200" and c.gone is None
        except (Gone, OSError):
            return False

    def pings(n):
        return lambda c: c.conn.send(frames(n, 6, payload=bytes(8)))

    def resets(n):
        def send(c):
            for _ in range(n):  # in one piece, so that no answer comes before its reset
                stream = c.h2.get_next_available_stream_id()
                c.streams[stream] = {"head": None, "body": b"", "ended": False, "reset": None, "interim": [], "trailers": []}
                c.h2.send_headers(stream, [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/x")], end_stream=True)
                c.h2.reset_stream(stream, 8)
            c.flush()
        return send

    def continued(n):
        def send(c):
            stream = c.h2.get_next_available_stream_id()
            block = c.h2.encoder.encode([(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/")])
            c.h2._begin_new_stream(stream, 1)
            c.streams[stream] = {"head": None, "body": b"", "ended": False, "reset": None, "interim": [], "trailers": []}
            parts = [block[i:i + 1] for i in range(n)] + [block[n:]]
            c.conn.send(frames(1, 1, 1, stream, parts[0]) + b"".join(frames(1, 9, 0, stream, p) for p in parts[1:-1]) + frames(1, 9, 4, stream, parts[-1]))
        return send

    assert survives(pings(40)) and not survives(pings(60))
    w.says("limit=h2_glitches_burst")
    assert survives(resets(9)) and not survives(resets(12))
    w.says("limit=h2_resets_burst")
    assert not survives(continued(6))
    w.says("limit=h2_continuations")
