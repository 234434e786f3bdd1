# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 and TLS towards clients: prior knowledge, ALPN, streams side by side; curl, nghttp and a client of frames."""
import re
import socket
import ssl
import subprocess
import threading
import time

import h2.config
import h2.connection
import h2.events
import h2.settings
from peers import WAIT_S, Conn, Gone, answering, counting, free_port, message
from test_faults import rss
from test_versions import NEW, OLD, shop

BIG = bytes(range(256)) * 4096


class Connection(h2.connection.H2Connection):
    """What h2 has, but GOAWAY does not end what was begun before it (RFC 9113 §6.8)."""

    def _receive_goaway_frame(self, frame):
        event = h2.events.ConnectionTerminated()
        event.error_code, event.last_stream_id = frame.error_code, frame.last_stream_id
        return [], [event]


class Client:
    """An HTTP/2 client over a Conn: streams are asked for by number, events gathered by stream."""

    def __init__(self, conn, window=None):
        self.conn = conn
        self.h2 = Connection(h2.config.H2Configuration(client_side=True, validate_outbound_headers=False,
                                                       normalize_outbound_headers=False))
        self.h2.initiate_connection()
        if window:
            self.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window})
        self.streams, self.gone, self.last, self.consumes = {}, None, None, True
        self.flush()

    def flush(self):
        self.conn.send(self.h2.data_to_send())

    def ask(self, method="GET", path="/", fields=(), ends=True, authority="a.example", scheme="http"):
        stream = self.h2.get_next_available_stream_id()
        self.streams[stream] = {"head": None, "body": b"", "ended": False, "reset": None, "interim": [], "trailers": []}
        self.h2.send_headers(stream, [(":method", method), (":scheme", scheme), (":authority", authority), (":path", path), *fields],
                             end_stream=ends)
        self.flush()
        return stream

    def send(self, stream, data, ends=False):
        while data or ends:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            if room == 0 and data:
                self.step()
                continue
            part, data = data[:room], data[room:]
            self.h2.send_data(stream, part, end_stream=ends and not data)
            self.flush()
            if not data:
                return

    def step(self):
        data = self.conn.sock.recv(65536)
        if not data:
            raise Gone("closed")
        for e in self.h2.receive_data(data):
            s = self.streams.get(getattr(e, "stream_id", None))
            if isinstance(e, h2.events.ResponseReceived):
                s["head"] = {(n if isinstance(n, str) else n.decode()): (v if isinstance(v, str) else v.decode()) for n, v in e.headers}
            elif isinstance(e, h2.events.InformationalResponseReceived):
                s["interim"].append(dict(e.headers))
            elif isinstance(e, h2.events.DataReceived):
                s["body"] += e.data
                if self.consumes and e.flow_controlled_length:
                    self.h2.acknowledge_received_data(e.flow_controlled_length, e.stream_id)
            elif isinstance(e, h2.events.TrailersReceived):
                s["trailers"] = e.headers
            elif isinstance(e, h2.events.StreamEnded):
                s["ended"] = True
            elif isinstance(e, h2.events.StreamReset):
                s["reset"] = int(e.error_code)
            elif isinstance(e, h2.events.ConnectionTerminated):
                self.gone, self.last = int(e.error_code), e.last_stream_id
        self.flush()

    def until(self, done):
        while not done():
            self.step()

    def answer(self, stream):
        s = self.streams[stream]
        self.until(lambda: s["ended"] or s["reset"] is not None)
        return s


def client(t, w, **more):
    return Client(t.connect(w.port), **more)


def test_many_streams_are_answered_side_by_side(t):
    go = threading.Event()

    def script(conn, backend):
        while True:
            m = conn.request()
            if "slow" in m.start:
                go.wait(10)
            conn.send(message(body=m.start.split()[1].encode()))

    w = t.worker(t.backend(script))
    c = client(t, w)
    slow = c.ask(path="/slow")
    streams = [c.ask(path=f"/{i}") for i in range(50)]
    for i, s in enumerate(streams):
        a = c.answer(s)
        assert a["head"][":status"] == "200" and a["body"] == b"/%d" % i
    assert not c.streams[slow]["ended"]
    go.set()
    assert c.answer(slow)["body"] == b"/slow"


def test_large_bodies_go_both_ways(t):
    def echo(conn, backend):
        while True:
            m = conn.request()
            backend.requests.put(m)
            conn.send(message(body=m.body))

    b = t.backend(echo)
    w = t.worker(b)
    c = client(t, w)
    s = c.ask("POST", fields=[("content-length", str(len(BIG)))], ends=False)
    c.send(s, BIG, ends=True)
    assert c.answer(s)["body"] == BIG
    assert b.seen().get("content-length") == str(len(BIG))
    s = c.ask("PUT", ends=False)
    c.send(s, BIG, ends=True)
    assert c.answer(s)["body"] == BIG
    assert b.seen().get("transfer-encoding") == "chunked", "no length said: chunks"


def test_an_answer_is_the_same_whatever_windows_let_go_of_it_at_once(t):
    sizes = (1, 20000, 3, 16384, 70000, 1)
    parts = [BIG[i:i + n] for i, n in enumerate(sizes)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(x), x) for x in parts)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    w = t.worker(t.backend(answering(head + chunks + b"0\r\nX-Sum: 9\r\n\r\n")))
    for window in (4096, 16385, 65535, 1 << 20):
        c = client(t, w, window=window)
        asked = [c.ask(fields=[("te", "trailers")]) for _ in range(3)]
        for s in asked:
            a = c.answer(s)
            assert a["body"] == b"".join(parts) and len(a["trailers"]) == 1, (window, len(a["body"]))


def test_a_client_that_takes_all_at_once_is_never_too_slow(t):
    w = t.worker(t.fast_backend(), limits="send: 1s")
    out = subprocess.run(["h2load", "-c8", "-m10", "-D2", f"http://127.0.0.1:{w.port}/10k"],
                         capture_output=True, text=True, timeout=WAIT_S, check=True).stdout
    # What was under way at the end counts as errored.
    assert int(re.search(r"(\d+) errored", out).group(1)) <= 80 and "limit=send" not in t.logs(), out


def test_an_http2_client_is_translated_like_any_other(t):
    b = t.backend(answering(message(body=NEW)))
    w = shop(t, b)
    c = client(t, w)
    s = c.ask("PUT", "/orders/1", fields=[("api-version", "v1"), ("content-type", "application/json")], ends=False)
    c.send(s, OLD, ends=True)
    a = c.answer(s)
    assert a["body"] == OLD and a["head"]["content-length"] == str(len(OLD)) and a["head"]["api-version"] == "v1", a
    assert b.seen().body == NEW
    s = c.ask("PUT", "/orders/1", fields=[("api-version", "v1")], ends=False)
    c.send(s, b"no json", ends=True)
    a = c.answer(s)
    assert a["head"][":status"] == "400" and a["head"]["content-type"] == "application/problem+json", a
    assert c.answer(c.ask(path="/orders/1", fields=[("api-version", "v9")]))["head"][":status"] == "400"
    assert c.answer(c.ask("HEAD", "/orders/1", fields=[("api-version", "v1")]))["body"] == b""


def test_a_broken_backend_resets_its_stream_alone(t):
    def script(conn, backend):
        while True:
            m = conn.request()
            if "bad" in m.start:
                conn.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
                return
            conn.send(message(body=b"good"))

    w = t.worker(t.backend(script))
    c = client(t, w)
    bad, good = c.ask(path="/bad"), c.ask(path="/good")
    a = c.answer(bad)
    assert a["reset"] == 2 and not a["ended"], a  # INTERNAL_ERROR, never END_STREAM
    assert c.answer(good)["body"] == b"good"
    dead = t.worker(t.backend(answering(b"", keep=False)))
    a = Client(t.connect(dead.port))
    assert a.answer(a.ask("POST"))["head"][":status"] == "502"


def test_a_stream_that_is_reset_ends_its_upstream_request(t):
    gone = threading.Event()

    def waits(conn, backend):
        backend.requests.put(conn.request())
        try:
            conn.more()
        except (Gone, OSError):
            gone.set()

    b = t.backend(waits)
    w = t.worker(b)
    c = client(t, w)
    s = c.ask(path="/reset")
    b.seen()
    c.h2.reset_stream(s, 8)
    c.flush()
    assert gone.wait(10)
    assert w.line(path="/reset")["status"] == 0


def test_a_slow_stream_holds_its_backend_and_nobody_else(t):
    sent = []

    def script(conn, backend):
        while True:
            m = conn.request()
            if "fire" not in m.start:
                conn.send(message(body=b"quick"))
                continue
            conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (40 << 20))
            for _ in range(640):
                conn.send(b"x" * 65536)
                sent.append(65536)

    w = t.worker(t.backend(script))
    c = client(t, w)
    before = rss(w.pid)
    c.consumes = False
    fire = c.ask(path="/fire")
    c.until(lambda: len(c.streams[fire]["body"]) >= 65535)
    c.h2.increment_flow_control_window(1 << 20)  # the connection's: others may go on
    c.flush()
    last = -1
    while len(sent) != last:
        last = len(sent)
        time.sleep(0.3)
    assert sum(sent) < 20 << 20 and rss(w.pid) - before < 8 << 20
    assert c.answer(c.ask(path="/quick"))["body"] == b"quick"


def test_a_slow_backend_holds_its_stream_and_nobody_else(t):
    go = threading.Event()

    def script(conn, backend):
        while True:
            m = conn.head()
            if m.start.startswith("POST"):
                go.wait(15)
            conn.body_of(m)
            conn.send(message(body=b"%d" % len(m.body)))

    w = t.worker(t.backend(script))
    c = client(t, w)
    slow = c.ask("POST", ends=False)
    before = rss(w.pid)
    data, sent = b"y" * (32 << 20), 0
    c.conn.sock.settimeout(1)
    try:
        while sent < len(data):
            room = min(c.h2.local_flow_control_window(slow), c.h2.max_outbound_frame_size)
            if room == 0:
                c.step()
                continue
            c.h2.send_data(slow, data[sent:sent + room])
            sent += room
            c.flush()
    except TimeoutError:
        pass
    assert sent < 24 << 20, "nothing held the client"
    assert rss(w.pid) - before < 8 << 20
    c.conn.sock.settimeout(WAIT_S)
    assert c.answer(c.ask(path="/"))["body"] == b"0"
    go.set()
    c.send(slow, data[sent:], ends=True)
    assert c.answer(slow)["body"] == b"%d" % len(data)


def test_interim_answers_and_trailers_pass(t):
    w = t.worker(t.backend(answering(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                     b"1\r\na\r\n0\r\nX-Sum: 9\r\n\r\n")))
    c = client(t, w)
    a = c.answer(c.ask(fields=[("te", "trailers")]))
    assert len(a["interim"]) == 1 and a["body"] == b"a" and len(a["trailers"]) == 1, a
    s = c.ask("POST", fields=[("expect", "100-continue")], ends=False)
    c.until(lambda: c.streams[s]["interim"])
    c.send(s, b"x", ends=True)
    assert c.answer(s)["head"][":status"] == "200"


def test_as_many_trailers_as_the_limit_allows_pass(t):
    many = b"".join(b"X-%d: 1\r\n" % i for i in range(200))
    w = t.worker(t.backend(answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n" + many + b"\r\n")),
                 limits="trailer_fields: 200")
    c = client(t, w)
    a = c.answer(c.ask(fields=[("te", "trailers")]))
    assert a["body"] == b"a" and len(a["trailers"]) == 200 and a["ended"], a


def test_rapid_resets_end_the_connection(t):
    w = t.worker(t.backend(answering(message())))
    c = client(t, w)
    try:
        for _ in range(3000):
            s = c.ask()
            c.h2.reset_stream(s, 8)
            c.flush()
        c.until(lambda: False)
    except (Gone, OSError, Exception):
        pass
    assert c.conn.is_closed()
    assert t.ask(w.port).status == 200


def test_draining_tells_clients_to_go_and_serves_what_was_begun(t):
    go = threading.Event()

    def slow(conn, backend):
        backend.requests.put(conn.request())
        go.wait(10)
        conn.send(message(body=b"done"))

    b = t.backend(slow)
    w = t.worker(b)
    c = client(t, w)
    s = c.ask()
    b.seen()
    w.signal(15)
    c.until(lambda: c.gone is not None)
    assert c.gone == 0
    go.set()
    while not c.streams[s]["ended"]:  # h2 refuses to look at more after GOAWAY: the frames are in the bytes
        data = c.conn.sock.recv(65536)
        if b"done" in data:
            break
        assert data, "closed before the answer"
    c.conn.close()
    assert w.wait(10) == 0


def test_curl_and_nghttp_speak_every_way(t):
    w = t.worker(t.backend(counting(BIG)), tls=True)
    plain, secure = f"http://127.0.0.1:{w.port}", f"https://localhost:{w.tls_port}"
    ca = ("--cacert", t.certs() / "ca.pem")
    big = t.folder / "big"
    big.write_bytes(BIG)
    for options, base in (((), plain), (("--http2-prior-knowledge",), plain), (("--http1.1", *ca), secure), (("--http2", *ca), secure)):
        assert t.curl(*options, f"{base}/") == BIG, options
        assert t.curl(*options, "--data-binary", f"@{big}", f"{base}/x") == b'{"received":%d}' % len(BIG), options
        assert t.curl(*options, "-o", "/dev/null", "-w", "%{http_version}", f"{base}/1k") == (b"2" if "2" in "".join(map(str, options[:1])) else b"1.1")
    # By number: nghttp asks the system for names, and a bare machine does not know `localhost`.
    for base in (plain, f"https://127.0.0.1:{w.tls_port}"):
        out = subprocess.run(["nghttp", "-ns", "-m", "30", f"{base}/10k"], capture_output=True, text=True, timeout=WAIT_S, check=True).stdout
        assert out.count(" 200 ") == 30, out


def test_tls_refuses_what_is_old_and_resumes_nothing_it_should_not(t):
    w = t.worker(t.fast_backend(), tls=True)
    c = t.connect_tls(w.tls_port, alpn=("h2", "http/1.1"))
    assert c.sock.selected_alpn_protocol() == "h2" and c.sock.version() == "TLSv1.3"
    c = Client(c)
    s = c.ask(path="/1k", authority=f"localhost:{w.tls_port}", scheme="https")
    assert c.answer(s)["head"][":status"] == "200"
    context = ssl.create_default_context(cafile=str(t.certs() / "ca.pem"))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with context.wrap_socket(socket.create_connection(("127.0.0.1", w.tls_port)), server_hostname="localhost") as s12:
        s12.sendall(b"GET /1k HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        data = b""
        while part := s12.recv(65536):
            data += part
        assert data.startswith(b"HTTP/1.1 200") and data.endswith(b"]}")
    context.set_alpn_protocols(["spdy/1"])
    try:
        context.wrap_socket(socket.create_connection(("127.0.0.1", w.tls_port)), server_hostname="localhost")
        raise AssertionError("an unknown protocol was agreed on")
    except ssl.SSLError:
        pass


def test_a_slow_handshake_is_ended_and_garbage_refused(t):
    w = t.worker(t.fast_backend(), tls=True, limits="handshake: 300ms")
    began = time.monotonic()
    assert t.connect(w.tls_port).is_closed() and time.monotonic() - began < 4.5, "the default's time"
    assert t.connect(w.tls_port).send(b"GET / HTTP/1.1\r\n\r\n").is_closed()


def test_tls_bodies_flow_both_ways_with_back_pressure(t):
    sent = []

    def firehose(conn, backend):
        m = conn.request()
        backend.requests.put(m)
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (40 << 20))
        for _ in range(640):
            conn.send(b"x" * 65536)
            sent.append(65536)

    b = t.backend(firehose)
    w = t.worker(b, tls=True)
    c = t.connect_tls(w.tls_port)
    before = rss(w.pid)
    c.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(BIG) + BIG)
    assert b.seen().body == BIG
    c.head()
    last = -1
    while len(sent) != last:
        last = len(sent)
        time.sleep(0.3)
    assert sum(sent) < 24 << 20 and rss(w.pid) - before < 10 << 20
    n = len(c.data)
    while n < 40 << 20:
        n += len(c.sock.recv(1 << 20))
    assert n == 40 << 20


def test_a_host_of_another_certificate_is_misdirected(t):
    pairs = []
    for name in ("a", "b"):
        files = [t.folder / f"{name}.pem", t.folder / f"{name}.key"]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "20", "-subj",
                        f"/CN={name}.example", "-addext", f"subjectAltName=DNS:{name}.example", "-out", files[0], "-keyout", files[1]],
                       check=True, capture_output=True)
        pairs.append(f"{{chain: {files[0]}, key: {files[1]}}}")
    port = free_port()
    w = t.worker(t.fast_backend(), routes='routes:\n  - {name: all, match: {path: "/**"}, pool: b}\n')
    config = t.write("two.yaml", (t.folder / "stile.yaml").read_text().replace(
        f'  - {{at: "127.0.0.1:{w.port}"}}\n', f'  - {{at: "127.0.0.1:{port}", tls: {{certs: [{", ".join(pairs)}]}}}}\n').replace(
        "/state", "/state2").replace("admin.sock", "admin2.sock"))
    t.start(t.build / "bench/bench_worker", config).says("worker_serves")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for host, status in (("b.example", 200), ("a.example", 421)):
        c = Conn(context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="b.example"))
        assert c.send(f"GET /1k HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").answer().status == status, host
        c.close()


def test_a_client_that_has_shut_its_side_still_gets_its_answers(t):
    go = threading.Event()

    def late(conn, backend):
        while True:
            backend.requests.put(conn.request())
            assert go.wait(WAIT_S)
            conn.send(message(body=BIG[:10000]))

    go.set()
    b = t.backend(late)
    w = t.worker(b)
    c = Client(t.connect(w.port))
    c.answer(c.ask(path="/first"))
    b.seen()
    go.clear()
    whole = [c.ask(path=f"/{i}") for i in range(3)]
    half = c.ask("POST", "/half", ends=False)
    for _ in whole:
        b.seen()
    c.flush = lambda: None  # nothing can be sent any more
    c.conn.shut()
    c.until(lambda: c.streams[half]["reset"] is not None)
    go.set()
    c.until(lambda: all(c.streams[s]["ended"] for s in whole))
    assert all(c.streams[s]["body"] == BIG[:10000] for s in whole) and c.gone == 0
    assert c.conn.is_closed()
    w.line(path="/half", broken=True)
    c = Client(t.connect(w.port))
    c.conn.shut()
    assert c.conn.is_closed()
