# SPDX-License-Identifier: Apache-2.0
"""At the edges: the PROXY header, the environment, trace ids, the access log at a log daemon, IPv6."""
import os
import socket
import struct

from peers import answering, free_port, message
from stile import Stile, until
from test_h2 import Client

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def header(address=None, command=1, family=None, more=b"", version=2):
    body = b""
    if address:
        packed = socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)
        family = family if family is not None else 0x21 if ":" in address else 0x11
        body = packed + packed + struct.pack(">HH", 4711, 80)
    body += more
    return SIGNATURE + bytes([version << 4 | command, family or 0]) + struct.pack(">H", len(body)) + body


def proxied(t, b, trust="127.0.0.1", **more):
    port, tls_port = free_port(), free_port()
    c = t.certs()
    listen = (f'listen:\n  - {{at: "127.0.0.1:{port}", proxy_protocol: true}}\n'
              f'  - {{at: "127.0.0.1:{tls_port}", proxy_protocol: true, tls: {{certs: [{{chain: {c}/localhost.pem, key: {c}/localhost.key}}]}}}}\n')
    text = (f"{listen}trust: [{trust}]\nworkers: 1\nstate: {t.folder}/state\nadmin: {{socket: {t.folder}/admin.sock}}\n"
            f'pools: {{b: {{endpoints: ["{b.url}"]}}}}\nroutes: [{{name: all, pool: b}}]\nlog: {{access: stdout}}\n')
    w = t.start(t.build / "bench/bench_worker", t.write(f"stile-{port}.yaml", text))
    w.says("worker_serves")
    w.port, w.tls_port = port, tls_port
    return w


ASK = b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"


def test_the_proxy_header_says_who_the_client_is(t):
    b = t.backend(answering(message(body=b"x")))
    w = proxied(t, b)
    for says, told in ((header("192.0.2.7"), "192.0.2.7"), (header("2001:db8::7"), "2001:db8::7"), (header("192.0.2.8", more=b"\x04\0\x01\0" * 9), "192.0.2.8"),
                       (header(command=0), "1.2.3.4, 127.0.0.1"), (header(), "1.2.3.4, 127.0.0.1"), (header(command=0, more=b"junk"), "1.2.3.4, 127.0.0.1")):
        conn = t.connect(w.port)
        assert conn.send(says + ASK).answer().status == 200
        assert b.seen().get("x-forwarded-for") == told, told
        conn = t.connect(w.port)
        for i in range(len(says)):
            conn.send(says[i:i + 1])
        assert conn.send(ASK).answer().status == 200 and b.seen().get("x-forwarded-for") == told
    assert w.line(client="192.0.2.7") and w.line(client="2001:db8::7")
    c = t.connect(w.port)
    c.send(header("192.0.2.9"))
    c = Client(c)
    assert c.answer(c.ask())["body"] == b"x" and b.seen().get("x-forwarded-for") == "192.0.2.9"
    raw = t.connect(w.tls_port)
    raw.send(header("192.0.2.10"))
    import ssl
    context = ssl.create_default_context(cafile=str(t.certs() / "ca.pem"))
    raw.sock = context.wrap_socket(raw.sock, server_hostname="localhost")
    assert raw.send(ASK.replace(b"Host: a", b"Host: localhost")).answer().status == 200 and b.seen().get("x-forwarded-for") == "192.0.2.10"


def test_what_is_no_proxy_header_ends_the_connection(t):
    b = t.backend(answering(message(body=b"x")))
    w = proxied(t, b)
    for bad in (ASK, b"PROXY TCP4 1.2.3.4 1.2.3.5 1 2\r\n" + ASK, header("192.0.2.7", version=1), header("192.0.2.7", command=2), header("192.0.2.7", family=0x12),
                header("192.0.2.7", family=0x41), header(family=0x11, more=b"short"), header("192.0.2.7", more=bytes(5000)), header(family=0x21, more=bytes(12))):
        assert t.connect(w.port).send(bad + ASK).is_closed(), bad
    assert b.requests.empty() and b.connections == 0
    stranger = proxied(t, b, trust="192.0.2.0/24")
    assert t.connect(stranger.port).is_closed(), "nobody who is not trusted may speak for others"
    stranger.says("proxy_header_refused")
    assert t.connect(w.port).send(header("192.0.2.7", more=bytes(4096 - 16 - 12)) + ASK).answer().status == 200, "4096 bytes and no more"
    assert t.connect(w.port).send(header("192.0.2.7", more=bytes(4096 - 16 - 12 + 1)) + ASK).is_closed()


def test_the_environment_is_put_into_the_configuration(t):
    b = t.backend(answering(message(body=b"x")))
    os.environ.update(STILE_TEST_PORT=str(b.port), STILE_TEST_TEXT="a: {b} $c", STILE_TEST_ON="true", STILE_TEST_N="2")
    try:
        s = Stile(t, pools={"b": "http://127.0.0.1:${STILE_TEST_PORT}"}, workers=1, routes=[
            {"name": "all", "pool": "b", "headers": {"request": {"set": {"X-Text": "${STILE_TEST_TEXT}|$${STILE_TEST_N}|$"}}}}])
        s.rewrite(lambda text: text.replace("workers: 1", "workers: ${STILE_TEST_N}").replace('"match":', '"stream": "${STILE_TEST_ON}", "match":').replace("match:", 'stream: "${STILE_TEST_ON}", match:')).reload()
        assert t.ask(s.port).status == 200 and b.seen().get("x-text") == "a: {b} $c|${STILE_TEST_N}|$"
        assert len(s.workers()) == 2
        told = s.rewrite(lambda text: text.replace("${STILE_TEST_N}", "${STILE_TEST_MISSING}", 1)).reload(code=1)
        said = told.stdout + told.stderr
        assert "the environment has no `STILE_TEST_MISSING`" in said and "stile.yaml:" in said, said
        assert t.ask(s.port).status == 200
    finally:
        for name in ("PORT", "TEXT", "ON", "N"):
            del os.environ[f"STILE_TEST_{name}"]


def test_a_trace_is_kept_if_it_is_one(t):
    b = t.backend(answering(message(body=b"x")))
    w = t.worker(b)
    good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    t.ask(w.port, path="/good", traceparent=good, tracestate="a=b")
    r = b.seen()
    assert r.get("traceparent") == good and r.get("tracestate") == "a=b" and w.line(path="/good")["trace"] == good[3:35]
    later = "cc" + good[2:] + "-more"
    t.ask(w.port, traceparent=later)
    assert b.seen().get("traceparent") == later
    for bad in (good[:-1], good + "-x", "ff" + good[2:], good.upper(), good.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32), good.replace("00f067aa0ba902b7", "0" * 16), "x"):
        t.ask(w.port, traceparent=bad, tracestate="a=b")
        r = b.seen()
        assert r.get("traceparent") is None and r.get("tracestate") is None, bad
    conn = t.connect(w.port)
    conn.send(f"GET / HTTP/1.1\r\nHost: a\r\nTraceparent: {good}\r\nTraceparent: {good}\r\n\r\n").answer()
    assert b.seen().get("traceparent") is None


def test_the_access_log_goes_to_a_log_daemon(t):
    def daemon():
        path.unlink(missing_ok=True)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sock.bind(str(path))
        sock.settimeout(10)
        return sock

    path = t.folder / "log.sock"
    sock = daemon()
    b = t.backend(answering(message(body=b"x")))
    s = Stile(t, pools={"b": b}, routes=[{"name": "all", "pool": "b"}], workers=1)
    s.rewrite(lambda text: text.replace("access: stdout", f"access: syslog:{path}")).reload()
    for i in range(3):
        t.ask(s.port, path=f"/{i}")
        line = sock.recv(65536).decode()
        assert line.startswith('<30>stile: {"time":') and f'"path":"/{i}"' in line and line.endswith("}"), line
    sock.close()
    t.ask(s.port, path="/lost")
    until(lambda: s.metric("stile_log_dropped_total", log="access") == 1, "what was lost is counted")
    sock = daemon()
    t.ask(s.port, path="/again")
    until(lambda: '"/again"' in sock.recv(65536).decode(), "the daemon is found again")


def test_ipv6_on_both_sides(t):
    with socket.socket(socket.AF_INET6) as listener:
        listener.bind(("::1", 0))
        listener.listen()
        port = free_port()
        s = Stile(t, pools={"b": f"http://[::1]:{listener.getsockname()[1]}"}, routes=[{"name": "all", "pool": "b", "allow": ["::1"]}], workers=1)
        s.rewrite(lambda text: text.replace("listen:\n", f'listen:\n  - {{at: "[::1]:{port}"}}\n')).reload()
        until(lambda: sum("control" in name for name in s.family().values()) == 1, "the old control is gone")
        with socket.create_connection(("::1", port)) as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            server, _ = listener.accept()
            head = server.recv(65536).decode()
            assert f"Host: [::1]:{listener.getsockname()[1]}\r\n" in head and 'Forwarded: for="[::1]"' in head and "X-Forwarded-For: ::1\r\n" in head, head
            server.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
            assert client.recv(65536).endswith(b"x")
            server.close()
