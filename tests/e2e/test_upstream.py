# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 and TLS towards pools: every combination of protocols, streams that share a connection, what may be sent again."""
import random
import socket
import threading

from origin import Origin, serving
from peers import Gone, answering, message
from test_faults import must_break, rss
from test_h2 import Client
from test_protocol import WAYS, Curl
from stile import Stile, until

BIG = random.Random(7).randbytes(3_000_000)
KINDS = ("h1", "h2c", "tls-h1", "tls-h2")


def echo_h1(conn, backend):
    while True:
        m = conn.request()
        backend.requests.put(m)
        if m.start.startswith("HEAD"):
            conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Own: 1\r\n\r\n")
        else:
            conn.send(message(body=m.body, X_Own="1"))


def echo_h2(o, r):
    if r.head[":method"] == "HEAD":
        o.answer(r.stream, 200, fields=[("content-length", "5"), ("x-own", "1")])
    else:
        o.answer(r.stream, 200, r.body, [("x-own", "1")])


def pool_of(t, kind, script1=echo_h1, answer2=echo_h2, **more):
    """A backend of this kind, and what a pool says of it."""
    tls = t.server_tls("h2" if kind == "tls-h2" else "http/1.1") if "tls" in kind else None
    b = t.backend(serving(answer2) if "h2" in kind else script1, tls=tls)
    pool = {"endpoints": [b.url], **more}
    if tls:
        pool["tls"] = {"ca": str(t.certs() / "ca.pem")}
    if kind == "h2c":
        pool["http"] = "h2"
    return b, pool


def broken(t, w, path):
    """An answer over HTTP/1.1 that begins and does not end well."""
    return must_break(t.connect(w.port).send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()))


def h2_worker(t, script, **more):
    b = t.backend(script)
    return b, t.worker(b, pools=f'pools:\n  b: {{endpoints: ["{b.url}"], http: h2}}\n', **more)


def test_every_client_reaches_every_kind_of_pool(t):
    big = t.folder / "big"
    big.write_bytes(BIG)
    for kind in KINDS:
        b, pool = pool_of(t, kind)
        s = Stile(t, pools={"b": pool}, routes=[{"name": "all", "pool": "b"}], tls=True, workers=1)
        for way in WAYS:
            ask = Curl(t, s, way)
            a = ask("/a?q=%20")
            assert a.status == 200 and a.body == b"" and a.fields["x-own"] == "1", (kind, way, a.status, a.fields)
            assert a.fields["via"] == ("2.0 stile" if "h2" in kind else "1.1 stile"), "how it was received (RFC 9110 7.6.3)"
            a = ask("/big", "--data-binary", f"@{big}", "-H", "Content-Type: application/octet-stream")
            assert a.status == 200 and a.body == BIG, (kind, way, a.status, len(a.body))
            a = ask("/head", "-I")
            assert a.status == 200 and a.fields["content-length"] == "5", (kind, way, a.fields)
            told = [b.seen() for _ in range(3)]
            via = "2.0 stile" if "h2" in way else "1.1 stile"
            assert (told[0].head["via"] if "h2" in kind else told[0].get("via")) == via, (kind, way)
            if "h2" in kind:
                assert told[0].head[":path"] == "/a?q=%20" and told[0].head[":scheme"] == ("https" if "tls" in kind else "http"), told[0].head
                assert told[1].head["content-length"] == str(len(BIG)) and told[1].body == BIG
                assert not {"connection", "host", "transfer-encoding", "keep-alive"} & set(told[1].head), told[1].head
            else:
                assert told[0].start == "GET /a?q=%20 HTTP/1.1" and told[1].body == BIG
        assert b.connections <= (1 if "h2" in kind else 4), (kind, b.connections)
        s.stop()


def test_streams_share_one_connection(t):
    go = threading.Event()

    def script(conn, backend):
        o, held = Origin(conn), []
        while len(held) < 50:
            held.append(o.request())
            backend.requests.put(held[-1])
        go.wait(10)
        for r in reversed(held):
            o.answer(r.stream, 200, r.head[":path"].encode())
        o.until(lambda: False)

    b, w = h2_worker(t, script)
    c = Client(t.connect(w.port))
    streams = [c.ask(path=f"/{i}") for i in range(50)]
    for _ in streams:
        b.seen()
    go.set()
    for i, s in enumerate(streams):
        assert c.answer(s)["body"] == b"/%d" % i
    assert b.connections == 1


def test_trailers_and_103_pass_both_ways(t):
    def answer(o, r):
        o.head(r.stream, 103, [("link", "</a.css>; rel=preload")])
        o.answer(r.stream, 200, b"abc", [("trailer", "x-sum")], trailers=[("x-sum", "9"), ("content-length", "3")])

    b, w = h2_worker(t, serving(answer))
    c = Client(t.connect(w.port))
    s = c.ask("POST", fields=[("te", "trailers")], ends=False)
    c.h2.send_data(s, b"body")
    c.h2.send_headers(s, [("x-in", "7")], end_stream=True)
    c.flush()
    a = c.answer(s)
    assert a["body"] == b"abc" and dict(a["trailers"]) in ({b"x-sum": b"9"}, {"x-sum": "9"}), a
    assert len(a["interim"]) == 1
    r = b.seen()
    assert r.body == b"body" and r.trailers == [("x-in", "7")] and r.head["te"] == "trailers", (r.head, r.trailers)
    conn = t.connect(w.port)
    conn.send(b"POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\nTransfer-Encoding: chunked\r\n\r\n"
              b"2\r\nhi\r\n0\r\nX-In: 8\r\n\r\n")
    assert conn.head().status == 103
    a = conn.body_of(conn.head())
    assert a.body == b"abc" and a.trailers == [("x-sum", "9")], a.trailers
    r = b.seen()
    assert r.body == b"hi" and r.trailers == [("x-in", "8")]


def test_answers_without_a_body_are_told_as_such(t):
    def answer(o, r):
        status = int(r.head[":path"][1:])
        o.answer(r.stream, status, fields=[("etag", '"e"')])

    b, w = h2_worker(t, serving(answer))
    for status in (200, 204, 304, 404):
        a = t.ask(w.port, path=f"/{status}")
        assert a.status == status and a.body == b"" and a.get("etag") == '"e"'
        assert a.get("content-length") == ("0" if status in (200, 404) else None), (status, a.fields)
        c = Client(t.connect(w.port))
        a = c.answer(c.ask(path=f"/{status}"))
        assert a["head"][":status"] == str(status) and a["ended"] and a["body"] == b""


def test_a_refused_stream_is_asked_again_whatever_its_method(t):
    seen = []

    def script(conn, backend):
        o = Origin(conn)
        while True:
            r = o.request()
            seen.append(r.body)
            if len(seen) == 1 or "always" in r.head[":path"]:
                o.reset(r.stream, 7)
            else:
                o.answer(r.stream, 200, b"second")

    b, w = h2_worker(t, script)
    a = t.ask(w.port, "POST", body=b"once")
    assert a.status == 200 and a.body == b"second" and seen == [b"once"] * 2, (a.status, seen)
    a = t.ask(w.port, "POST", path="/always", body=b"twice")
    assert a.status == 503 and a.get("retry-after") == "1" and seen[2:] == [b"twice"] * 2, (a.status, seen)


def test_what_may_have_had_an_effect_is_not_asked_again(t):
    seen = []

    def script(conn, backend):
        o = Origin(conn)
        while True:
            r = o.request()
            seen.append(r.head[":path"])
            o.reset(r.stream, int(r.head[":path"][1:]))

    b, w = h2_worker(t, script)
    for code in (0, 1, 2, 8, 11):
        for method, body in (("GET", None), ("POST", b"x")):
            a = t.ask(w.port, method, path=f"/{code}", body=body)
            assert a.status == 502 and seen == [f"/{code}"], (code, method, a.status, seen)
            seen.clear()


def test_what_goaway_leaves_behind_is_asked_again(t):
    first = threading.Event()

    def script(conn, backend):
        o = Origin(conn)
        if first.is_set():
            while True:
                r = o.request()
                backend.requests.put(r)
                o.answer(r.stream, 200, b"new " + r.body)
        first.set()
        o.until(lambda: len(o.requests) == 6 and all(r.ended for r in o.requests.values()))
        o.goaway(3)
        for stream in (1, 3):
            o.answer(stream, 200, b"old " + o.requests[stream].body)
        o.until(lambda: False)

    b, w = h2_worker(t, script)
    c = Client(t.connect(w.port))
    streams = []
    for i in range(6):
        streams.append(c.ask("POST", ends=False))
        c.send(streams[-1], b"%d" % i, ends=True)
    got = [c.answer(s)["body"] for s in streams]
    assert sorted(got)[:4] == [b"new 2", b"new 3", b"new 4", b"new 5"] and sorted(got)[4:] == [b"old 0", b"old 1"], got
    assert b.connections == 2


def test_what_a_burst_has_left_serves_the_next_one_and_then_goes_down_to_the_limit(t):
    together = threading.Barrier(5)

    def script(conn, backend):
        try:
            while True:
                if "/together" in conn.request().start:
                    together.wait(20)
                conn.send(message(body=b"x"))
        except Gone:
            backend.requests.put("left")
            raise

    b = t.backend(script)
    w = t.worker(b, limits="upstream_kept: 2")
    clients = [t.connect(w.port) for _ in range(5)]
    for _ in range(2):
        for c in clients:
            c.send(b"GET /together HTTP/1.1\r\nHost: a\r\n\r\n")
        assert [c.answer().body for c in clients] == [b"x"] * 5
    assert b.connections == 5, b.connections
    assert [b.seen() for _ in range(3)] == ["left"] * 3
    for c in clients[:2]:
        assert c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").answer().body == b"x"
    assert b.connections == 5 and b.requests.empty(), "the limit is kept"


def test_a_connection_that_died_idle_costs_no_get_and_repeats_no_post(t):
    seen = []

    def script(conn, backend):
        o = Origin(conn)
        r = o.request()
        seen.append(r.head[":path"])
        o.answer(r.stream, 200, b"1")
        o.until(lambda: len(o.requests) == 2)  # what comes next is lost with the connection
        seen.append([r.head[":path"] for r in o.requests.values()][1])
        conn.reset()

    b, w = h2_worker(t, script)
    assert t.ask(w.port, path="/a").body == b"1"
    assert t.ask(w.port, path="/b").body == b"1" and seen == ["/a", "/b", "/b"], seen
    a = t.ask(w.port, "POST", path="/c", body=b"x")
    assert a.status == 502 and seen == ["/a", "/b", "/b", "/c"], (a.status, seen)


def test_a_broken_answer_looks_broken(t):
    def answer(o, r):
        o.head(r.stream, 200, [("content-length", "10")] if "sized" in r.head[":path"] else [])
        o.data(r.stream, b"first")
        if "close" in r.head[":path"]:
            o.conn.close()
        elif "end" in r.head[":path"]:
            o.raw(0, 1, r.stream, b"")
        else:
            o.reset(r.stream, 0 if "calm" in r.head[":path"] else 2)

    b, w = h2_worker(t, serving(answer))
    for path in ("/reset", "/sized/reset", "/calm", "/close", "/sized/close", "/sized/end"):
        broken(t, w, path)
        c = Client(t.connect(w.port))
        a = c.answer(c.ask(path=path))
        assert (a["reset"] == 2 and not a["ended"]) or a["head"][":status"] == "502", (path, a)


BAD = {
    "connection": [(":status", "200"), ("connection", "close")],
    "no status": [("x", "1")],
    "status 20": [(":status", "20")],
    "status 600": [(":status", "600")],
    "status 101": [(":status", "101")],
    "two lengths": [(":status", "200"), ("content-length", "5"), ("content-length", "6")],
    "a bad length": [(":status", "200"), ("content-length", "x")],
    "capitals": [(":status", "200"), ("X-Own", "1")],
    "a request's word": [(":status", "200"), (":path", "/")],
    "a control byte": [(":status", "200"), ("x", "a\x01b")],
    "many fields": [(":status", "200"), *[(f"x{i}", "1") for i in range(300)]],
    "a long line": [(":status", "200"), ("x", "y" * 40000)],
}


def test_malformed_answers_are_502_and_harm_no_other_stream(t):
    def answer(o, r):
        if r.head[":path"] == "/good":
            o.answer(r.stream, 200, b"good")
            return
        o.h2._headers_sent = None
        block = o.h2.encoder.encode([(n.encode(), v.encode("latin-1")) for n, v in BAD[r.head["x-case"]]])
        first, rest = block[:16000], block[16000:]
        o.raw(1, 0 if rest else 4, r.stream, first)
        while rest:
            part, rest = rest[:16000], rest[16000:]
            o.raw(9, 0 if rest else 4, r.stream, part)

    b, w = h2_worker(t, serving(answer))
    c = Client(t.connect(w.port))
    for case in BAD:
        a = c.answer(c.ask(fields=[("x-case", case)]))
        assert a["head"] and a["head"][":status"] == "502", (case, a)
        assert c.answer(c.ask(path="/good"))["body"] == b"good", case
    assert b.connections == 1, b.connections


def test_ever_more_interim_answers_end_at_the_limit(t):
    def answer(o, r):
        for _ in range(int(r.head[":path"][1:])):
            o.head(r.stream, 103, [("link", "<x>")])
        o.answer(r.stream, 200, b"x")

    b, w = h2_worker(t, serving(answer))
    assert t.ask(w.port, path="/8").status == 200
    assert t.ask(w.port, path="/9").status == 502


def test_the_servers_limit_of_streams_is_kept(t):
    go, most, lock, now = threading.Event(), [0], threading.Lock(), [0]

    def script(conn, backend):
        o = Origin(conn, streams=2)
        while True:
            try:
                o.until(lambda: len([r for r in o.requests.values() if r.ended and r.reset is None and r.stream not in o.answered]) >= 1)
            except Gone:
                return
            open_now = [r for r in o.requests.values() if r.stream not in o.answered]
            with lock:
                most[0] = max(most[0], len(open_now))
            if go.is_set() or len(open_now) == 2:
                for r in open_now:
                    o.answered.add(r.stream)
                    o.answer(r.stream, 200, b"x")
            else:
                o.step()

    b, w = h2_worker(t, script)
    go.set()
    c = Client(t.connect(w.port))
    assert c.answer(c.ask())["body"] == b"x"  # the limit is known from here on
    streams = [c.ask(path=f"/{i}") for i in range(10)]
    for s in streams:
        assert c.answer(s)["body"] == b"x"
    assert most[0] <= 2, most


def test_an_answer_that_nobody_takes_is_held_and_holds_up_no_other(t):
    sent = [0]

    def script(conn, backend):
        o = Origin(conn)
        while True:
            r = o.request()
            if "big" not in r.head[":path"]:
                o.answer(r.stream, 200, b"small")
                continue
            o.head(r.stream)
            while o.h2.local_flow_control_window(r.stream):
                n = min(o.h2.local_flow_control_window(r.stream), 16384)
                o.h2.send_data(r.stream, bytes(n))
                sent[0] += n
                o.flush()

    b, w = h2_worker(t, script)
    held = []
    for _ in range(40):
        held.append(t.connect(w.port))
        held[-1].sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        held[-1].send(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
        held[-1].head()
    assert t.ask(w.port, path="/small").body == b"small"
    assert b.connections == 1 and sent[0] <= 40 * (65536 * 2 + 4_000_000), sent
    assert rss(w.pid) < 200_000_000
    for conn in held:
        conn.reset()


def test_a_body_that_the_backend_does_not_take_holds_its_client(t):
    go = threading.Event()

    def script(conn, backend):
        o = Origin(conn)
        o.consumes = False
        r = o.request(whole=False)
        o.until(lambda: len(r.body) >= 65535)
        backend.requests.put(len(r.body))
        go.wait(10)
        o.consumes = True
        o.h2.acknowledge_received_data(65535, r.stream)
        o.flush()
        o.until(lambda: r.ended)
        o.answer(r.stream, 200, b"%d" % len(r.body))
        o.until(lambda: False)

    b, w = h2_worker(t, script)
    size = 12_000_000
    before = rss(w.pid)
    conn = t.connect(w.port)
    conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    done = threading.Thread(target=lambda: conn.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size + bytes(size)))
    done.start()
    assert b.seen() == 65535
    done.join(0.3)
    assert done.is_alive() and rss(w.pid) - before < 20_000_000, rss(w.pid) - before
    go.set()
    assert conn.answer().body == b"%d" % size


def test_an_early_answer_ends_the_upload(t):
    resets = []

    def script(conn, backend):
        o = Origin(conn)
        r = o.request(whole=False)
        o.answer(r.stream, 413, b"too much")
        o.until(lambda: r.ended or r.reset is not None)
        resets.append(r.reset)
        backend.requests.put(r)

    b, w = h2_worker(t, script)
    conn = t.connect(w.port)
    conn.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n" + bytes(1000))
    a = conn.answer()
    assert a.status == 413 and a.body == b"too much"
    b.seen()
    assert resets == [8], resets


def test_a_client_that_goes_resets_its_stream_alone(t):
    def script(conn, backend):
        o = Origin(conn)
        r = o.request()
        other = o.request()
        backend.requests.put("both")
        o.until(lambda: r.reset is not None or other.reset is not None)
        backend.requests.put(r.reset)
        o.answer(other.stream, 200, b"other")
        o.until(lambda: False)

    b, w = h2_worker(t, script)
    leaves, stays = t.connect(w.port), None
    leaves.send(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
    until(lambda: b.connections, "asked")
    stays = t.connect(w.port)
    stays.send(b"GET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b.seen() == "both"
    leaves.reset()
    assert b.seen() == 8
    assert stays.answer().body == b"other"


def test_a_backend_that_is_silent_is_pinged_and_given_up(t):
    def script(conn, backend):
        if backend.connections > 1:
            serving(lambda o, r: o.answer(r.stream, 200, b"alive"))(conn, backend)
        o = Origin(conn)
        o.request()
        backend.requests.put("asked")
        o.flush = lambda: None  # no word any more
        o.until(lambda: o.pings)
        backend.requests.put("pinged")
        conn.is_closed()
        backend.requests.put("closed")

    b, w = h2_worker(t, script, limits="upstream_ping: 500ms")
    conn = t.connect(w.port)
    conn.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert conn.answer().status == 504
    assert [b.seen() for _ in range(3)] == ["asked", "pinged", "closed"]
    assert t.ask(w.port).body == b"alive"


def test_idle_connections_are_left_in_good_order(t):
    def script(conn, backend):
        o = Origin(conn)
        r = o.request()
        o.answer(r.stream, 200, b"x")
        try:
            o.until(lambda: False)
        except Gone:
            backend.requests.put(o.gone)

    b, w = h2_worker(t, script)
    assert t.ask(w.port).status == 200
    w.signal(15)
    assert b.seen() == 0 and w.wait() == 0


# ── TLS ──────────────────────────────────────────────────────────────────────


def tls_worker(t, b, tls=None, http="", url=None, **more):
    words = ", ".join(f"{k}: {v}" for k, v in (tls or {"ca": t.certs() / "ca.pem"}).items())
    return t.worker(b, pools=f'pools:\n  b: {{endpoints: ["{url or b.url}"], tls: {{{words}}}{http}}}\n', **more)


def test_a_backend_must_prove_who_it_is(t):
    ok = answering(message(body=b"x"))
    b = t.backend(ok, tls=t.server_tls())
    other = t.folder / "other"
    other.mkdir()
    t.command(t.build / "bench/bench_worker", "--dev-cert", other)
    cases = [
        ({"ca": t.certs() / "ca.pem"}, None, 200, ""),
        ({"ca": other / "ca.pem"}, None, 502, "certificate"),
        ({"ca": t.certs() / "ca.pem", "name": "api.internal"}, None, 502, "hostname mismatch"),
        ({"ca": t.certs() / "ca.pem", "name": "localhost"}, None, 200, ""),
        ({"ca": t.certs() / "localhost.pem"}, None, 200, ""),  # the very certificate, trusted by itself
    ]
    for tls, url, status, why in cases:
        w = tls_worker(t, b, tls, url=url)
        a = t.ask(w.port)
        assert a.status == status, (tls, a.status, a.body)
        if why:
            w.says("upstream_tls_failed")
            assert why in w.text(), w.text()


def test_a_backend_may_ask_for_our_certificate(t):
    c = t.certs()
    t.command("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=proxy",
              "-keyout", t.folder / "own.key", "-out", t.folder / "own.pem")
    for alpn, script in (("http/1.1", answering(message(body=b"x"))), ("h2", serving(lambda o, r: o.answer(r.stream, 200, b"x")))):
        b = t.backend(script, tls=t.server_tls(alpn, clients=t.folder / "own.pem"))
        w = tls_worker(t, b, {"ca": c / "ca.pem", "cert": f"{{chain: {t.folder}/own.pem, key: {t.folder}/own.key}}"})
        assert t.ask(w.port).body == b"x", alpn
        w = tls_worker(t, b)
        assert t.ask(w.port).status == 502, alpn
        assert "certificate" in str(b.refused.get(timeout=5)), alpn


def test_alpn_says_what_is_spoken(t):
    def script(conn, backend):
        if conn.sock.selected_alpn_protocol() == "h2":
            serving(lambda o, r: o.answer(r.stream, 200, b"h2"))(conn, backend)
        answering(message(body=b"h1"))(conn, backend)

    for offered, http, body in ((("h2", "http/1.1"), "", b"h2"), (("http/1.1",), "", b"h1"), ((), "", b"h1"),
                                (("h2", "http/1.1"), ", http: h1", b"h1"), (("h2", "http/1.1"), ", http: h2", b"h2"),
                                (("http/1.1",), ", http: h2", None)):
        b = t.backend(script, tls=t.server_tls(*offered))
        w = tls_worker(t, b, http=http)
        a = t.ask(w.port)
        assert (a.body == body) if body else a.status == 502, (offered, http, a.status, a.body)
        assert body is None or t.ask(w.port).body == body


def test_sessions_are_resumed(t):
    def script(conn, backend):
        m = conn.request()
        backend.requests.put(conn.sock.session_reused)
        conn.send(message(body=m.start.encode(), Connection="close"))

    b = t.backend(script, tls=t.server_tls())
    w = tls_worker(t, b)
    for i in range(3):
        assert t.ask(w.port).status == 200
        reused = b.seen()
        assert bool(reused) == (i > 0), (i, reused)


def test_an_end_without_tls_word_for_it_is_no_end(t):
    def script(conn, backend):
        conn.request()
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhalf")
        if backend.connections == 1:
            conn.sock = conn.sock.unwrap()
        else:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.is_closed()

    b = t.backend(script, tls=t.server_tls())
    w = tls_worker(t, b)
    assert t.ask(w.port).body == b"half"
    broken(t, w, "/")


def test_a_pool_behind_a_unix_socket(t):
    b = t.backend(echo_h1, path=t.folder / "api.sock")
    w = t.worker(b)
    assert t.ask(w.port, "PUT", body=b"abc").body == b"abc"
    assert b.seen().get("host") == "a.example"
    conn = t.connect(w.port)
    conn.send(b"GET / HTTP/1.0\r\n\r\n")
    assert conn.answer().status == 200 and b.seen().get("host") == "localhost"


def test_active_checks_go_as_requests_do(t):
    for kind in KINDS:
        def h1(conn, backend):
            while True:
                m = conn.request()
                backend.requests.put(m.start.split()[1])
                conn.send(message(200))

        b, pool = pool_of(t, kind, script1=h1, answer2=lambda o, r: o.answer(r.stream, 200), check={"path": "/healthz", "every": "200ms"})
        s = Stile(t, pools={"b": pool}, routes=[{"name": "all", "pool": "b"}], workers=1)
        until(lambda: s.metric("stile_checks_total", pool="b", outcome="passed") >= 2, f"{kind} passes")
        assert s.metric("stile_checks_total", pool="b", outcome="failed") == 0, (kind, s.process.text())
        s.stop()
    b, pool = pool_of(t, "tls-h1", check={"path": "/healthz", "every": "200ms"})
    other = t.folder / "other"
    other.mkdir()
    t.command(t.build / "bench/bench_worker", "--dev-cert", other)
    s = Stile(t, pools={"b": {**pool, "tls": {"ca": str(other / "ca.pem")}}}, routes=[{"name": "all", "pool": "b"}], workers=1)
    until(lambda: s.metric("stile_checks_total", pool="b", outcome="failed") >= 1, "it fails")
    assert "certificate" in s.process.says("endpoint_health").text()


def test_a_client_that_takes_nothing_costs_a_small_window(t):
    sent = {}

    def script(conn, backend):
        o = Origin(conn)
        while True:
            r = o.request()
            o.head(r.stream)
            room = o.h2.local_flow_control_window(r.stream)
            sent[r.stream] = room
            if is_taken.is_set():
                o.data(r.stream, b"x" * 100000, ends=True)
            else:
                o.h2.send_data(r.stream, b"x" * (room // 2))
                o.h2.send_data(r.stream, b"x" * (room - room // 2))
                o.flush()
            backend.requests.put(r)

    is_taken = threading.Event()
    b, w = h2_worker(t, script)
    c = Client(t.connect(w.port), window=1)
    stalled = [c.ask() for _ in range(20)]
    for _ in stalled:
        b.seen()
    assert set(sent.values()) == {16384}, sent
    c.conn.close()
    is_taken.set()
    fine = Client(t.connect(w.port))
    a = fine.answer(fine.ask())
    assert len(a["body"]) == 100000 and a["ended"]
