# SPDX-License-Identifier: Apache-2.0
"""SAFETY.md's table of limits as a whole: each is a setting with the default that stands there, has a counter of its name from the beginning, and is
told in the log. Then those that test_bounds and test_time_limits do not reach: each is reached, and stayed one under."""
import re
import socket
import threading

from frames import CALM, COMPRESSION, CONTINUATION, DATA, END_HEADERS, END_STREAM, GET, HEADERS, PING, POST, REFUSED, Frames, block, frame
from origin import Origin
from peers import Gone, answering, message
from stile import Stile, until
from test_h2 import Client

KIB, MIB = 1 << 10, 1 << 20

DEFAULTS = {
    "request_line": 8 * KIB, "field_line": 8 * KIB, "head_bytes": 32 * KIB, "head_fields": 100, "answer_head_bytes": 64 * KIB,
    "h2_continuations": 8, "h2_header_table": 4096, "h2_streams": 100, "h2_resets_burst": 200, "h2_resets_a_second": 20,
    "h2_glitches_burst": 1000, "h2_glitches_a_second": 100, "h2_acks": 100, "requests_a_connection": 0, "h2_stream_window": 64 * KIB,
    "h2_window": MIB, "stream_high": 64 * KIB, "stream_low": 32 * KIB, "held_request": MIB, "held_answer": 4 * MIB, "held_percent": 25, "memory": 0,
    "memory_high_percent": 90, "memory_full_percent": 95, "connection_names": 32,
    "head_ms": 10000, "body_ms": 60000, "body_rate": KIB, "stream_idle_ms": 300000, "send_ms": 10000, "send_rate": KIB, "send_window_ms": 30000,
    "idle_h1_ms": 10000, "idle_h2_ms": 60000, "handshake_ms": 5000, "interim_answers": 8, "chunk_line": 256, "chunk_extensions": 16 * KIB,
    "chunk_size_digits": 16, "trailer_bytes": 8 * KIB, "trailer_fields": 16, "json_depth": 128, "output_ratio": 4, "connections": 0,
    "connections_per_client": 0, "accepts_a_second": 0, "upstream_kept": 64, "upstream_idle_ms": 4000, "retry_percent": 20, "retry_floor": 3,
}
TIMEOUTS = {"connect_ms": 1000, "answer_head_ms": 15000, "idle_ms": 15000, "total_ms": 60000}
OF_ROUTES = (*TIMEOUTS, "rate", "pool_requests")


def test_each_is_a_setting_with_its_default_and_has_a_counter_from_the_beginning(t):
    s = Stile(t, pools={"b": t.backend(answering(message()))}, routes=[{"name": "all", "pool": "b"}], workers=1)
    told = s.cli("check", "--defaults").stdout
    said = {name: int(value) for name, value in re.findall(r"^  (\w+): +(\d+)", told, re.M)}
    assert {name: said.get(name) for name in DEFAULTS} == DEFAULTS
    assert {name: int(value) for name, value in re.findall(r"^#   (\w+): +(\d+)", told, re.M)} == TIMEOUTS
    parts = set(re.findall(r"^#   (\w+)$", told, re.M))
    shown = dict(re.findall(r'^stile_limits_total\{limit="(\w+)"\} (\d+)$', s.get_observe("/metrics")[1], re.M))
    assert set(said) - parts | set(OF_ROUTES) <= set(shown), (set(said) - parts) - set(shown)
    assert not parts & set(shown) and set(shown.values()) == {"0"}, shown
    words = [f"{name[:-3] if name.endswith('_ms') else name}: {value}{'ms' if name.endswith('_ms') else ''}" for name, value in said.items()]
    s.rewrite(lambda text: text + f"limits: {{{', '.join(words)}}}\n").reload()


def one_worker(t, script, limits, **more):
    return Stile(t, pools={"b": t.backend(script)}, routes=[{"name": "all", "pool": "b", **more}], limits=limits, workers=1)


def is_counted(s, limit, n, logged=True):
    until(lambda: s.metric("stile_limits_total", limit=limit) == n, f"{limit} is counted {n} times")
    assert f"limit_reached limit={limit}" in s.process.text() or not logged, limit


# ── of a connection of HTTP/2 ──


def opened(f, n, first=1):
    for stream in range(first, first + 2 * n, 2):
        f.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, block()))
    return list(range(first, first + 2 * n, 2))


def test_one_stream_too_many_is_refused_and_the_others_go_on(t):
    go = threading.Event()

    def waits(conn, backend):
        while True:
            backend.requests.put(conn.request())
            go.wait(20)
            conn.send(message(body=b"x"))

    s = one_worker(t, waits, {"h2_streams": 3})
    f = Frames(t.connect(s.port))
    assert f.until(lambda: f.acks) and f.settings[3] == 3
    mine = opened(f, 3)
    f.send(frame(PING, 0, 0, bytes(8)))
    assert f.until(lambda: PING in f.kinds) and not f.resets, "three are within it"
    assert s.metric("stile_limits_total", limit="h2_streams") == 0
    opened(f, 2, 7)
    assert f.until(lambda: len(f.resets) == 2) and f.resets == {7: REFUSED, 9: REFUSED}
    is_counted(s, "h2_streams", 2)
    go.set()
    assert f.until(lambda: f.ended == set(mine)) and f.goaway is None
    opened(f, 1, 11)
    assert f.until(lambda: f.status(11) == 200), "the connection goes on"


def test_a_client_that_has_not_heard_of_the_limit_is_held_to_it_all_the_same(t):
    go = threading.Event()
    s = one_worker(t, lambda conn, backend: (conn.request(), go.wait(20), conn.send(message(body=b"x"))), {"h2_streams": 3})
    f = Frames(t.connect(s.port), acknowledges=False)
    opened(f, 5)
    assert f.until(lambda: len(f.resets) == 2) and set(f.resets.values()) == {REFUSED} and f.goaway is None
    go.set()
    assert f.until(lambda: len(f.ended) == 3)


def test_the_windows_say_how_much_of_a_body_comes_ahead(t):
    got = threading.Event()
    s = one_worker(t, lambda conn, backend: (conn.head(), got.wait(20), conn.reset()), {"h2_stream_window": "20000", "h2_window": "30000", "stream_high": "10000",
                                                                                        "stream_low": "5000"})
    for sizes, ends in (([16384, 3616], False), ([16384, 3617], True), ([16384, 3616, 10000], False), ([16384, 3616, 10001], True)):
        f = Frames(t.connect(s.port))
        assert f.until(lambda f=f: f.acks) and f.settings[4] == 20000
        for i, size in enumerate(sizes):  # the third frame is another stream's
            stream = 1 if i < 2 else 3
            if i != 1:
                f.send(frame(HEADERS, END_HEADERS, stream, block(POST)))
            f.send(frame(DATA, 0, stream, b"x" * size))
        f.send(frame(PING, 0, 0, bytes(8)))
        f.until(lambda f=f: PING in f.kinds or f.goaway or f.resets)
        # What was taken in between opens the windows again: then there is more room, not less.
        assert ends or (not f.goaway and not f.resets), (sizes, f.goaway, f.resets)
        f.conn.close()
    got.set()


def test_our_tables_and_theirs_stay_at_their_size(t):
    def answer(conn, backend):
        i = 0
        while True:
            conn.request()
            i += 1
            conn.send(message(body=b"x", **{f"X-{j}": f"{i}-{j}" + "y" * 400 for j in range(20)}))

    s = one_worker(t, answer, {})
    f = Frames(t.connect(s.port), settings=b"\0\1\x7f\xff\xff\xff")  # they may keep as much as they like
    f.decoder.max_allowed_table_size = 4096
    for stream in (1, 3, 5):
        f.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, block()))
        assert f.until(lambda stream=stream: stream in f.ended) and f.decoder.header_table_size <= 4096
    f = Frames(t.connect(s.port))
    f.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x3f\xe1\x1f" + block()))  # 4096
    assert f.until(lambda: f.status(1) == 200)
    f.send(frame(HEADERS, END_HEADERS | END_STREAM, 3, b"\x3f\xe2\x1f" + block()))  # 4097
    assert f.rest().goaway == COMPRESSION


def test_acknowledgements_that_nobody_reads_end_the_connection_and_are_counted(t):
    s = one_worker(t, answering(message(body=b"x")), {"h2_acks": 20, "h2_glitches_burst": 1000000})
    f = Frames(t.connect(s.port))
    f.send(frame(PING, 0, 0, bytes(8)) * 19)
    assert f.until(lambda: f.kinds.count(PING) == 19) and f.goaway is None
    assert s.metric("stile_limits_total", limit="h2_acks") == 0
    f.send(frame(PING, 0, 0, bytes(8)) * 200)
    f.rest()
    is_counted(s, "h2_acks", 1)


def test_a_block_may_have_so_many_continuations(t):
    s = one_worker(t, answering(message(body=b"x")), {"h2_continuations": 3})
    data = block()
    for n, within in ((3, True), (4, False)):
        f = Frames(t.connect(s.port))
        f.send(frame(HEADERS, END_STREAM, 1, data[:1]) + b"".join(frame(CONTINUATION, 0, 1, data[i:i + 1]) for i in range(1, n)) + frame(CONTINUATION, END_HEADERS, 1, data[n:]))
        f.until(lambda f=f: f.status(1) or f.closed)
        assert (f.status(1) == 200) == within, (n, f.goaway)
        assert s.metric("stile_limits_total", limit="h2_continuations") == (0 if within else 1)
        f.conn.close()
    is_counted(s, "h2_continuations", 1)


def test_sections_of_http2_have_their_limits(t):
    s = one_worker(t, answering(message(body=b"x")), {"head_bytes": 1000, "trailer_bytes": 200, "trailer_fields": 3})
    small = sum(len(n) + len(v) + 32 for n, v in GET)

    def head(n):
        return frame(HEADERS, END_HEADERS | END_STREAM, 1, block([*GET, ("x", "y" * (n - small - 33))]))

    def trailers(*fields):
        return frame(HEADERS, END_HEADERS, 1, block(POST)) + frame(DATA, 0, 1, b"x") + frame(HEADERS, END_HEADERS | END_STREAM, 1, block(fields))

    rows = [("head_bytes", head(1000), 200), ("head_bytes", head(1001), 431), ("head_bytes", head(2000), 431), ("head_bytes", head(2001), None),
            ("trailer_bytes", trailers(("x", "y" * 167)), 200), ("trailer_bytes", trailers(("x", "y" * 168)), 400),
            ("trailer_fields", trailers(*[(f"x-{i}", "") for i in range(3)]), 200), ("trailer_fields", trailers(*[(f"x-{i}", "") for i in range(4)]), 400)]
    for limit, data, status in rows:
        before = s.metric("stile_limits_total")
        f = Frames(t.connect(s.port)).send(data)
        f.until(lambda f=f: f.status(1) or f.goaway)
        assert f.settings[6] == 1000, "clients are told"
        assert f.status(1) == status and (status or f.goaway == CALM), (limit, len(data), f.heads, f.goaway)
        until(lambda limit=limit, before=before, status=status: s.metric("stile_limits_total") == before + (status != 200), limit)
        f.conn.close()
    for limit, n in (("head_bytes", 3), ("trailer_bytes", 1), ("trailer_fields", 1)):
        is_counted(s, limit, n)


def test_a_connection_may_have_so_many_requests(t):
    s = one_worker(t, answering(message(body=b"x")), {"requests_a_connection": 3})
    s.rewrite(lambda text: text.replace("access: stdout", "access: stdout, level: debug")).reload()
    c = t.connect(s.port)
    told = [c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").answer() for _ in range(3)]
    assert [a.get("connection") for a in told] == [None, None, "close"] and c.is_closed()
    is_counted(s, "requests_a_connection", 1)
    c = Client(t.connect(s.port))
    for i in range(2):
        assert c.answer(c.ask())["ended"] and c.gone is None, i
    assert c.answer(c.ask())["ended"]
    c.until(lambda: c.gone is not None)
    assert c.gone == 0
    is_counted(s, "requests_a_connection", 2)


def test_connection_names_so_many_fields_both_ways(t):
    def names(n):
        return ", ".join(f"x-{i}" for i in range(n))

    def script(conn, backend):
        while True:
            n = int(conn.request().get("x-names") or 1)
            conn.send(message(body=b"x", Connection=names(n)))

    s = one_worker(t, script, {"connection_names": 4})
    assert t.ask(s.port, Connection=names(4)).status == 200 and t.ask(s.port, X_Names=4).body == b"x"
    assert s.metric("stile_limits_total", limit="connection_names") == 0
    c = t.connect(s.port).send(f"GET / HTTP/1.1\r\nHost: a\r\nConnection: {names(5)}\r\n\r\n")
    assert c.answer().status == 400 and c.is_closed()
    is_counted(s, "connection_names", 1)
    assert t.ask(s.port, X_Names=5).status == 502
    is_counted(s, "connection_names", 2)


# ── of a worker ──


def test_each_mark_of_the_memory_is_where_it_is_set(t):
    """What a worker has from its beginning is more than a hundredth of 64 MiB, and less than nine tenths."""
    backend = t.backend(answering(message(body=b"x")))
    for high, full, status, limit in ((90, 95, 200, None), (1, 100, 503, "memory_high_percent"), (1, 1, 503, "memory_full_percent")):
        s = Stile(t, plain=True, pools={"b": backend}, routes=[{"name": "all", "pool": "b"}],
                  limits={"memory": "64MiB", "memory_high_percent": high, "memory_full_percent": full}, workers=1)
        until(lambda s=s, status=status: t.ask(s.port).status == status, f"{high} and {full} come to {status}")
        shown = {name: s.metric("stile_limits_total", limit=name) for name in ("memory_high_percent", "memory_full_percent")}
        assert {name for name, n in shown.items() if n} <= {limit, "memory_high_percent"} and (not limit or shown[limit]), shown
        if limit:
            is_counted(s, limit, shown[limit])
        s.stop()


# ── of bodies ──


def test_a_chunk_size_has_so_many_digits_both_ways(t):
    def sizes(conn, backend):
        while True:
            n = int(conn.request().get("x-digits") or 1)
            conn.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1".rjust(n, b"0") + b"\r\nx\r\n0\r\n\r\n")

    s = one_worker(t, sizes, {"chunk_size_digits": 4})
    for n, status in ((4, 200), (5, 400)):
        c = t.connect(s.port).send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1".rjust(n, b"0") + b"\r\nx\r\n0\r\n\r\n")
        assert c.answer().status == status, n
    is_counted(s, "chunk_size_digits", 1)
    assert t.ask(s.port, X_Digits=4).body == b"x"
    try:
        assert t.ask(s.port, X_Digits=5).status == 502
    except Gone:
        pass
    is_counted(s, "chunk_size_digits", 2)


def test_more_than_may_be_buffered_holds_the_other_side_and_is_counted(t):
    go = threading.Event()

    def script(conn, backend):
        m = conn.head()
        go.wait(20)
        n = len(conn.data)
        while n < int(m.get("content-length")):
            n += len(conn.sock.recv(1 << 20))
        conn.send(message(body=b"%d" % n))

    s = one_worker(t, script, {})
    for n, held in ((1000, False), (16 * MIB, True)):
        go.clear()
        c = t.connect(s.port).send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % n)
        threading.Thread(target=c.send, args=(b"x" * n,), daemon=True).start()
        if held:
            until(lambda: s.metric("stile_limits_total", limit="stream_high") >= 1, "it is held")
        go.set()
        assert c.answer().body == b"%d" % n
        assert held or s.metric("stile_limits_total", limit="stream_high") == 0


# ── of pools ──


def test_the_times_of_a_route_are_counted_by_name(t):
    def script(conn, backend):
        while True:
            path = conn.request().start.split()[1]
            if path == "/head":
                conn.is_closed()
                return
            conn.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
            if path == "/idle":
                conn.is_closed()
                return
            if path == "/total":
                try:
                    while True:
                        threading.Event().wait(0.05)
                        conn.send(b"1\r\nx\r\n")
                except OSError:
                    return
            conn.send(b"0\r\n\r\n")

    s = one_worker(t, script, {}, timeouts={"answer_head": "500ms", "idle": "500ms", "total": "1500ms"})
    for limit, path in (("answer_head_ms", "/head"), ("idle_ms", "/idle"), ("total_ms", "/total")):
        assert t.ask(s.port, path="/well").body == b"x" and s.metric("stile_limits_total", limit=limit) == 0
        c = t.connect(s.port).send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"\r\n0\r\n\r\n" not in c.rest()
        is_counted(s, limit, 1)


def test_the_time_to_connect_is_counted_by_name(t):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fill = [socket.socket() for _ in range(4)]  # the queue is full: more connections hang
    for f in fill:
        f.setblocking(False)
        f.connect_ex(listener.getsockname())
    s = Stile(t, pools={"b": listener.getsockname()[1]}, routes=[{"name": "all", "pool": "b", "timeouts": {"connect": "300ms"}}], workers=1)
    assert t.ask(s.port).status == 504
    is_counted(s, "connect_ms", 1)


def test_a_pool_keeps_so_many_idle_connections_for_so_long(t):
    go = threading.Event()

    def script(conn, backend):
        while True:
            backend.requests.put(conn.request())
            go.wait(20)
            conn.send(message(body=b"x"))

    b = t.backend(script)
    s = Stile(t, pools={"b": b}, routes=[{"name": "all", "pool": "b"}], limits={"upstream_kept": 2, "upstream_idle": "2500ms"}, workers=1)

    def at_once(n):
        """So many connections are needed; how many are kept then."""
        go.clear()
        conns = [t.connect(s.port).send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(n)]
        for _ in conns:
            b.seen()
        go.set()
        assert all(c.answer().status == 200 for c in conns)

    at_once(2)
    assert s.metric("stile_limits_total", limit="upstream_kept") == 0 and s.metric("stile_upstream_connections", pool="b") == 2
    at_once(3)
    is_counted(s, "upstream_kept", 1, logged=False)
    until(lambda: s.metric("stile_upstream_connections", pool="b") == 2, "two are kept")
    is_counted(s, "upstream_idle_ms", 2, logged=False)
    assert s.metric("stile_upstream_connections", pool="b") == 0
    before = b.connections
    assert t.ask(s.port).status == 200 and t.ask(s.port).status == 200 and b.connections == before + 1, "one that is not idle for long is used again"


def test_a_pool_that_is_silent_is_counted(t):
    def silent(conn, backend):
        o = Origin(conn)
        o.request()
        o.flush = lambda: None  # no word any more
        o.until(lambda: False)

    s = Stile(t, pools={"b": {"endpoints": [t.backend(silent).url], "http": "h2"}}, routes=[{"name": "all", "pool": "b"}],
              limits={"upstream_ping": "500ms"}, workers=1)
    assert t.ask(s.port).status == 504
    is_counted(s, "upstream_ping_ms", 1)
