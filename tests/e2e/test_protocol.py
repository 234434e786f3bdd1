# SPDX-License-Identifier: Apache-2.0
"""The four ways to the whole proxy (HTTP/1.1 and HTTP/2, in clear and over TLS): the same requests, the same answers on each."""
import json
import random
import socket
import subprocess
import threading
import time

from peers import WAIT_S, Gone, answering, message
from stile import Stile, until
from test_cli import V1, V2, V3
from test_faults import must_break, rss
from test_h2 import Client as H2Client

WAYS = {"h1": ("--http1.1",), "h2c": ("--http2-prior-knowledge",), "tls-h1": ("--http1.1",), "tls-h2": ("--http2",)}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
ODD = b'{ "id" :\t"o-1",\r\n  "customer_id":"cus_42" , "total_cents": 1.0e2,"a":[ ],"a":{ },"\\u0061\\/":1e400 }\n\n'


def echo(t):
    """Answers what it was sent, in chunks if the path ends so; with trailers if it was sent some."""
    def script(conn, backend):
        while True:
            m = conn.request()
            backend.requests.put(m)
            path = m.start.split()[1]
            if path.endswith("chunked") and m.start.split()[0] != "HEAD":
                head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                parts = [m.body[i:i + 30000] for i in range(0, len(m.body), 30000)]
                tail = b"".join(f"{n}: {v}\r\n".encode() for n, v in getattr(m, "trailers", []))
                conn.send(head + b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in parts) + b"0\r\n" + tail + b"\r\n")
            else:
                a = message(body=m.body)
                conn.send(a[:a.index(b"\r\n\r\n") + 4] if m.start.startswith("HEAD") else a)
    return t.backend(script)


class Curl:
    """curl on one of the ways: status, HTTP version, connections made, fields and body of the last answer."""

    def __init__(self, t, s, way):
        self.t, self.way = t, way
        self.base = f"https://localhost:{s.tls_port}" if "tls" in way else f"http://127.0.0.1:{s.port}"
        self.version = "2" if "h2" in way else "1.1"
        self.words = [*WAYS[way], "--cacert", t.certs() / "ca.pem"]

    def __call__(self, path, *words, ok=(0,)):
        head, body = self.t.folder / "curl.head", self.t.folder / "curl.body"
        body.write_bytes(b"")
        told = self.t.curl(*self.words, "-D", head, "-o", body, "-w", "%{http_code} %{http_version} %{num_connects}", *words,
                           self.base + path, ok=ok).decode().split()
        assert told[1] == self.version or ok != (0,), (self.way, told)
        lines = [line for line in head.read_bytes().decode().split("\r\n\r\n")[-2].split("\r\n")[1:] if line]
        self.fields = {n.lower(): v.strip() for n, v in (line.split(":", 1) for line in lines)}
        self.status, self.connects, self.body = int(told[0]), int(told[2]), body.read_bytes()
        return self


def plain_proxy(t, backend, **more):
    return Stile(t, pools={"b": backend}, routes=[{"name": "all", "pool": "b"}], tls=True, **more)


def shop_proxy(t, backend, version="v2", route=None, **more):
    route = {"name": "orders", "match": {"path": "/orders/**"}, "api": "shop", "pool": "b", **(route or {})}
    return Stile(t, apis={"shop": t.source / "config/examples/shop/api.yaml"}, pools={"b": {"api": "shop", "version": version, "endpoints": backend}},
                 routes=[route], tls=True, **more)


def test_the_log_tells_by_which_way_a_request_came(t):
    s = plain_proxy(t, echo(t))
    for way, word in (("h1", "h1"), ("h2c", "h2"), ("tls-h1", "tls_h1"), ("tls-h2", "tls_h2")):
        assert Curl(t, s, way)(f"/{way}").status == 200
        assert s.process.line(path=f"/{way}")["protocol"] == word


def test_every_method_and_body_passes_every_way(t):
    b = echo(t)
    s = plain_proxy(t, b)
    small, large = t.folder / "small", t.folder / "large"
    small.write_bytes(ODD)
    large.write_bytes(random.Random(1).randbytes(2_000_000))
    for way in WAYS:
        ask = Curl(t, s, way)
        for method in METHODS:
            bodies = [None, small] if method in ("GET", "HEAD") else [None, small, large]
            for i, body in enumerate(bodies if method != "HEAD" else [None]):
                for coding in ("sized", "chunked"):
                    what, words = (way, method, body, coding), []
                    if body:
                        words = ["--data-binary", f"@{body}", "-H", "Content-Type: application/octet-stream"]
                        words += ["-H", "Transfer-Encoding: chunked"] if coding == "chunked" and "h1" in way else []
                    words += ["-I"] if method == "HEAD" else ["-X", method]
                    a = ask(f"/p{i}?q=%20&{coding}", *words)
                    r, sent = b.seen(), body.read_bytes() if body else b""
                    assert a.status == 200 and r.start == f"{method} /p{i}?q=%20&{coding} HTTP/1.1", (what, r.start)
                    assert r.body == sent and (a.body == sent or method == "HEAD"), (what, len(r.body), len(a.body))
                    assert r.get("content-type") == ("application/octet-stream" if body else None), what
                    if not body:
                        assert r.get("transfer-encoding") is None and r.get("content-length") in (None, "0"), (what, r)


def test_nghttp_is_served_in_clear_and_over_tls(t):
    b = echo(t)
    s = plain_proxy(t, b)
    body = t.write("body", json.dumps(V1))
    # By number: nghttp asks the system for names, and a bare machine does not know `localhost`.
    for base in (f"http://127.0.0.1:{s.port}", f"https://127.0.0.1:{s.tls_port}"):
        done = subprocess.run(["nghttp", "-H:method: PUT", "-d", body, f"{base}/one"], capture_output=True, timeout=WAIT_S, check=True)
        assert done.stdout == body.read_bytes() and b.seen().body == body.read_bytes(), base
        done = subprocess.run(["nghttp", "-ns", "-m", "40", f"{base}/many"], capture_output=True, text=True, timeout=WAIT_S, check=True)
        assert done.stdout.count(" 200 ") == 40, done.stdout
        for _ in range(40):
            b.seen()
        done = subprocess.run(["nghttp", "--no-content-length", "--trailer", "x-sum: 9", "-d", body, f"{base}/trailers"], capture_output=True, timeout=WAIT_S, check=True)
        assert b.seen().trailers == [("x-sum", "9")], base


def test_connections_are_kept_every_way(t):
    s = plain_proxy(t, echo(t))
    for way in ("h1", "tls-h1", "tls-h2"):  # curl 7.88 cannot reuse a connection of prior knowledge, not even nghttpd's
        ask = Curl(t, s, way)
        told = t.curl(*ask.words, *["-o", "/dev/null", "-o", "/dev/null", "-w", "%{num_connects},"], f"{ask.base}/a", f"{ask.base}/b")
        assert told == b"1,0,", (way, told)
    c = H2Client(t.connect(s.port))
    assert [c.answer(c.ask(path=f"/{i}"))["head"][":status"] for i in range(3)] == ["200"] * 3


def test_old_http_is_served_and_closed(t):
    b = t.backend(answering(message(body=V2)))
    s = shop_proxy(t, b)
    out = t.curl("--http1.0", "-i", "-H", "Api-Version: v1", f"http://127.0.0.1:{s.port}/orders/o-1").decode()
    head, body = out.split("\r\n\r\n", 1)
    assert head.startswith("HTTP/1.1 200") and "transfer-encoding" not in head.lower() and json.loads(body)["customer"] == "42", out


def test_the_same_version_is_the_same_bytes_every_way(t):
    b = echo(t)
    s = shop_proxy(t, b)
    odd = t.folder / "odd"
    odd.write_bytes(ODD)
    for way in WAYS:
        for path in ("/orders/sized", "/orders/chunked"):
            a = Curl(t, s, way)(path, "-X", "PUT", "-H", "Api-Version: v2", "-H", "Content-Type: application/json", "--data-binary", f"@{odd}")
            assert a.status == 200 and a.body == ODD and b.seen().body == ODD, (way, path, a.body)


def test_another_version_is_translated_the_same_every_way(t):
    def store(conn, backend):
        while True:
            backend.requests.put(conn.request())
            conn.send(message(body=V3, ETag='"e"'))

    b = t.backend(store)
    s = shop_proxy(t, b, version="v3")
    path = t.write("order.json", json.dumps(V1))
    seen, got = set(), set()
    for way in WAYS:
        for words in ((), ("-H", "Transfer-Encoding: chunked"), ("-H", "Expect: 100-continue")):
            if words and "h2" in way and "Expect" not in words[1]:
                continue
            a = Curl(t, s, way)("/orders/o-1", "-X", "PUT", "-H", "Api-Version: v1", "-H", "Content-Type: application/json", *words, "--data-binary", f"@{path}")
            r = b.seen()
            assert a.status == 200 and a.fields["api-version"] == "v1" and a.fields["etag"].startswith('"e;v1.'), (way, a.fields)
            assert r.get("api-version") == "v3" and r.get("content-length") == str(len(r.body)) and r.get("expect") is None, (way, r)
            seen.add(r.body)
            got.add(a.body)
    assert len(seen) == len(got) == 1 and json.loads(seen.pop()) == V3, seen
    assert json.loads(got.pop()) == {**V1, "capture": True, "legacy_code": ""}


REFUSED = [
    # fields, method, body -> status, words of the problem document
    (("Api-Version: v9",), "GET", None, 400, {"versions": ["v1", "v2", "v3"]}),
    (("Api-Version: v2a",), "GET", None, 400, {"versions": ["v1", "v2", "v3"]}),
    (("Api-Version: v1",), "PUT", '{"customer":', 400, {}),
    (("Api-Version: v1",), "PUT", '{"customer":"a","customer":"b"}', 400, {"pointer": "/customer"}),
    (("Api-Version: v1",), "PUT", "[" * 200 + "]" * 200, 400, {}),
    (("Api-Version: v1",), "PUT", '{"status":"lost"}', 422, {"pointer": "/status", "change": "states", "line": 11, "from": "v1", "to": "v2"}),
    (("Api-Version: v1",), "PUT", '{"x":"' + "y" * 20000 + '"}', 413, {}),
    (("Api-Version: v1", "Content-Encoding: compress"), "PUT", "{}", 415, {}),
    (("Api-Version: v1", "Content-Encoding: gzip"), "PUT", "{}", 400, {}),
    (("Api-Version: v1", "Content-Type: application/json-patch+json"), "PATCH", "{}", 400, {}),
    (("Api-Version: v1", "Content-Type: application/json-patch+json"), "PATCH", '[{"op":"add","path":"a","value":1}]', 400, {"pointer": "/0/path"}),
    (("Api-Version: v1", "Content-Type: application/merge-patch+json"), "PATCH", '{"ship_name":null}', 422,
     {"change": "customer-ref", "pointer": "/ship_name", "line": 14}),
    (("Api-Version: v1", "Content-Type: application/json"), "PATCH", '{"status":"lost"}', 422, {"pointer": "/status", "change": "states"}),
    (("Api-Version: v1", "Content-Type: application/msgpack"), "POST", "\x01\x02", 400, {}),
]


def ask_raw(t, s, way, method, path, fields, body):
    """A request in frames or lines: curl 7.88 loses an answer that comes before its own body has gone."""
    fields = [f.split(": ") for f in fields]
    conn = t.connect_tls(s.tls_port, alpn=("h2" if "h2" in way else "http/1.1",)) if "tls" in way else t.connect(s.port)
    if "h2" in way:
        c = H2Client(conn)
        stream = c.ask(method, path, [(n.lower(), v) for n, v in fields], ends=body is None, authority="localhost")
        if body is not None:
            c.send(stream, body, ends=True)
        a = c.answer(stream)
        assert a["ended"], a
        return int(a["head"][":status"]), a["head"], a["body"]
    lines = "".join(f"{n}: {v}\r\n" for n, v in fields) + (f"Content-Length: {len(body)}\r\n" if body is not None else "")
    a = conn.send(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n".encode() + (body or b"")).answer()
    return a.status, dict(a.fields), a.body


def test_what_is_refused_is_refused_the_same_every_way(t):
    b = echo(t)
    s = shop_proxy(t, b, limits={"held_request": "16KiB"})
    for way in WAYS:
        for fields, method, body, status, told in REFUSED:
            body = body if body is None else body.encode("latin-1")
            if body and not any("Content-Type" in f for f in fields):
                fields += ("Content-Type: application/json",)
            got, head, text = ask_raw(t, s, way, method, "/orders" if method == "POST" else "/orders/o-1", fields, body)
            problem = json.loads(text)
            assert got == problem["status"] == status and head["content-type"] == "application/problem+json", (way, fields, body, problem)
            assert problem["detail"] and problem["request_id"] == head["x-request-id"], (way, problem)
            assert {k: problem.get(k) for k in told} == told, (way, problem)
        assert ask_raw(t, s, way, "GET", "/elsewhere", (), None)[0] == 404
    assert b.requests.empty() and b.connections == 0, "nothing of it was forwarded"


def test_a_backend_that_dies_in_the_middle_never_looks_whole(t):
    def dies(conn, backend):
        m = conn.request()
        size = b"Content-Length: 100000\r\n\r\n" + b"x" * 50000 if "sized" in m.start else b"Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"
        conn.send(b"HTTP/1.1 200 OK\r\n" + size)
        backend.requests.put("sent")
        if "reset" in m.start:
            conn.reset()

    b = t.backend(dies)
    s = plain_proxy(t, b)
    for kind in ("sized-fin", "sized-reset", "chunked-fin", "chunked-reset"):
        for connect, port in ((t.connect, s.port), (t.connect_tls, s.tls_port)):
            c = connect(port).send(f"GET /{kind} HTTP/1.1\r\nHost: localhost\r\n\r\n")
            try:
                assert must_break(c).status in (200, 502), kind
            except (Gone, OSError):
                pass  # before its head: visible as well
        for conn in (t.connect(s.port), t.connect_tls(s.tls_port, alpn=("h2",))):
            h2 = H2Client(conn)
            a = h2.answer(h2.ask(path=f"/{kind}", authority="localhost"))
            assert a["reset"] is not None or a["head"][":status"] == "502", (kind, a)
        for way, broken in (("h1", (18, 56)), ("h2c", (92, 18, 56)), ("tls-h1", (18, 56)), ("tls-h2", (92, 18, 56))):
            a = Curl(t, s, way)
            done = t.command("curl", "-sS", *a.words, "-o", "/dev/null", "-w", "%{http_code}", f"{a.base}/{kind}")
            assert done.returncode in broken or (done.returncode, done.stdout) == (0, "502"), (kind, way, done)


def test_ten_megabytes_go_both_ways_in_little_memory(t):
    b = echo(t)
    s = plain_proxy(t, b, plain=True)
    data = t.folder / "ten"
    data.write_bytes(random.Random(2).randbytes(10_000_000))
    for way in WAYS:  # once, so that each way has what it keeps
        Curl(t, s, way)("/warm", "-T", data)
        b.seen()
    workers, most, done = s.workers(), [0], threading.Event()
    before = {pid: rss(pid) for pid in workers}

    def watch():
        while not done.wait(0.02):
            most[0] = max(most[0], *(rss(pid) - before[pid] for pid in workers))

    threading.Thread(target=watch, daemon=True).start()
    for way in WAYS:
        for path in ("/sized", "/chunked"):
            a = Curl(t, s, way)(path, "-T", data, "--limit-rate", "20M")
            assert a.body == data.read_bytes() and b.seen().body == data.read_bytes(), (way, path)
    done.set()
    assert most[0] < 8 * 1024 * 1024, f"{most[0]} bytes more"


def test_a_reader_who_stops_holds_the_backend_every_way(t):
    sent = {}

    def firehose(conn, backend):
        m = conn.request()
        key, total = m.start.split()[1], 32 * 1024 * 1024
        sent[key] = 0
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        while sent[key] < total:
            conn.send(b"x" * 65536)
            sent[key] += 65536

    s = plain_proxy(t, t.backend(firehose), plain=True)
    workers = s.workers()
    before = {pid: rss(pid) for pid in workers}
    conns = {"/h1": t.connect(s.port), "/tls-h1": t.connect_tls(s.tls_port), "/h2c": t.connect(s.port), "/tls-h2": t.connect_tls(s.tls_port, alpn=("h2",))}
    for key, conn in conns.items():
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        if "h1" in key:
            conn.send(f"GET {key} HTTP/1.1\r\nHost: localhost\r\n\r\n")
        else:
            H2Client(conn).ask(path=key, authority="localhost")
    last = None
    while last != (last := dict(sent)) or len(sent) < 4:  # until nobody can send more
        time.sleep(0.4)
    assert all(n < 16 * 1024 * 1024 for n in sent.values()), sent
    assert all(rss(pid) - before[pid] < 8 * 1024 * 1024 for pid in workers)


def test_trailers_pass_both_ways_over_http2(t):
    b = echo(t)
    s = plain_proxy(t, b)
    for conn in (t.connect(s.port), t.connect_tls(s.tls_port, alpn=("h2",))):
        c = H2Client(conn)
        stream = c.ask("POST", "/chunked", fields=[("te", "trailers")], ends=False, authority="localhost")
        c.h2.send_data(stream, b"body")
        c.h2.send_headers(stream, [("x-sum", "9")], end_stream=True)
        c.flush()
        a = c.answer(stream)
        assert a["body"] == b"body" and [(bytes(n).decode() if isinstance(n, bytes) else n) for n, _ in a["trailers"]] == ["x-sum"], a
        assert b.seen().trailers == [("x-sum", "9")]


def test_a_dead_pool_is_told_in_time_every_way(t):
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))
        s = plain_proxy(t, dead.getsockname()[1])
        for way in WAYS:
            a = Curl(t, s, way)("/x")
            assert a.status in (502, 503), (way, a.status)
            assert json.loads(a.body)["status"] == a.status


def test_metrics_and_access_log_tell_of_every_way(t):
    s = shop_proxy(t, t.backend(answering(message(body=V2))))
    for way in WAYS:
        a = Curl(t, s, way)("/orders/o-1", "-H", "Api-Version: v1", "-H", "X-Request-ID: way-" + way)
        line = s.process.line(id=f"way-{way}")
        assert line["protocol"] == {"h1": "h1", "h2c": "h2", "tls-h1": "tls_h1", "tls-h2": "tls_h2"}[way], line
        assert (line["route"], line["pool"], line["version_from"], line["version_source"], line["version_to"]) == ("orders", "b", "v1", "header", "v2"), line
        assert line["status"] == 200 and line["bytes_out"] == len(a.body) and 0 < line["translation_us"] <= line["duration_us"], line
    until(lambda: s.metric("stile_requests_total", route="orders", pool="b", client="v1") == 4, "four requests are counted")
    assert s.metric("stile_translations_total") >= 4 and s.metric("stile_detect_total", source="header") == 4
    assert s.metric("stile_translate_seconds_count") >= 4
    for line in s.get_observe("/metrics")[1].splitlines():
        series, _, value = line.rpartition(" ")
        assert line.startswith("# ") or (series and float(value) >= 0 and series.startswith("stile_")), line
    assert s.get_observe("/else")[0] == 404 and s.get_observe("/healthz") == (200, "ok\n")
