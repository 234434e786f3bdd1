# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 through one worker, passed through untouched."""
import contextlib
import re
import ssl
import threading
import time

from peers import Gone, answering, counting, message

BIG = bytes(range(256)) * 4096  # 1 MiB that is no text


def test_a_body_passes_untouched_and_its_head_says_the_same(t):
    b = t.backend(answering(message(body=b'{ "a":1.0,\n "b" : [ ] }', X_Own="kept", ETag='"e1"')))
    w = t.worker(b)
    a = t.ask(w.port, path="/x/y?q=%20a&b", X_Mine="v", Accept_Encoding="gzip")
    assert a.status == 200 and a.body == b'{ "a":1.0,\n "b" : [ ] }', a
    assert a.get("x-own") == "kept" and a.get("etag") == '"e1"' and a.get("via") == "1.1 stile" and a.get("content-length") == str(len(a.body)), a
    r = b.seen()
    assert r.start == "GET /x/y?q=%20a&b HTTP/1.1", r
    assert r.get("host") == "a.example" and r.get("x-mine") == "v" and r.get("accept-encoding") == "gzip", r
    assert r.get("content-length") is None and r.get("transfer-encoding") is None, r


def test_who_the_client_is_is_told_and_not_believed(t):
    b = t.backend(answering(message()))
    w = t.worker(b)
    t.ask(w.port, X_Forwarded_For="6.6.6.6", Forwarded="for=6.6.6.6", X_Real_IP="6.6.6.6", X_Forwarded_Proto="https")
    r = b.seen()
    assert r.all("x-forwarded-for") == ["127.0.0.1"] and r.all("x-forwarded-proto") == ["http"], r
    assert r.all("forwarded") == ['for=127.0.0.1;host="a.example";proto=http'] and r.get("x-real-ip") is None, r
    assert r.get("x-forwarded-host") == "a.example" and r.get("via") == "1.1 stile", r


def test_a_trusted_peer_is_believed_and_added_to(t):
    b = t.backend(answering(message()))
    w = t.worker(b, more="trust: [127.0.0.0/8]\n")
    t.ask(w.port, X_Forwarded_For="6.6.6.6", Forwarded="for=6.6.6.6", X_Forwarded_Proto="https")
    r = b.seen()
    assert r.get("x-forwarded-for") == "6.6.6.6, 127.0.0.1" and r.get("x-forwarded-proto") == "https", r
    assert r.get("forwarded").startswith("for=6.6.6.6, for=127.0.0.1;"), r


def test_a_request_id_is_kept_if_sane_and_made_if_not(t):
    b = t.backend(answering(message()))
    w = t.worker(b)
    a = t.ask(w.port, X_Request_ID="abc-123")
    assert a.get("x-request-id") == "abc-123" and b.seen().get("x-request-id") == "abc-123"
    a = t.ask(w.port, X_Request_ID='in"sane')
    made = b.seen().get("x-request-id")
    assert re.fullmatch(r"[0-9a-f]{24}", made) and a.get("x-request-id") == made
    assert w.line(id="abc-123")["status"] == 200


def test_bodies_of_every_kind_arrive_whole(t):
    def echo(conn, backend):
        while True:
            m = conn.request()
            backend.requests.put(m)
            conn.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for i in range(0, len(m.body), 50000):
                part = m.body[i:i + 50000]
                conn.send(b"%x\r\n" % len(part) + part + b"\r\n")
            conn.send(b"0\r\n\r\n")

    b = t.backend(echo)
    w = t.worker(b)
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        a = t.ask(w.port, method=method, body=BIG)
        assert a.body == BIG, (method, len(a.body))
        assert b.seen().get("content-length") == str(len(BIG)), method
    c = t.connect(w.port).send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    for i in range(0, len(BIG), 100000):
        part = BIG[i:i + 100000]
        c.send(b"%x;ext=1\r\n" % len(part) + part + b"\r\n")
    c.send(b"0\r\nX-Trail: er\r\n\r\n")
    assert c.answer().body == BIG
    r = b.seen()
    assert r.get("transfer-encoding") == "chunked" and r.body == BIG


def test_empty_bodies_and_bodyless_answers_keep_their_shape(t):
    b = t.backend(answering(b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
                            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", message()))
    w = t.worker(b)
    c = t.connect(w.port)
    ask = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    assert c.send(ask).answer().status == 204
    assert c.send(ask).answer().get("etag") == '"x"'
    a = c.send(ask).answer()
    assert a.get("content-length") == "0" and a.body == b""
    a = c.send(ask.replace(b"GET", b"HEAD")).answer(bodyless=True)
    assert a.get("content-length") == "7"
    assert c.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").answer().status == 200
    for _ in range(4):
        b.seen()
    assert b.seen().get("content-length") == "0"
    assert b.connections == 1, "one connection, kept alive"


def test_one_connection_serves_many_requests_in_order_even_pipelined(t):
    def numbered(conn, backend):
        while True:
            m = conn.request()
            conn.send(message(body=m.start.split()[1].encode()))

    w = t.worker(t.backend(numbered))
    c = t.connect(w.port)
    c.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % i for i in range(50)))
    assert [c.answer().body for _ in range(50)] == [b"/%d" % i for i in range(50)]
    c.send(b"".join(b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" % i for i in range(20)))
    assert [c.answer().body for _ in range(20)] == [b"/%d" % i for i in range(20)]


def test_bytes_may_come_one_by_one(t):
    b = t.backend(answering(message(body=b"ok")))
    w = t.worker(b)
    c = t.connect(w.port)
    for byte in b"POST /slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n":
        c.send(bytes([byte]))
    assert c.answer().body == b"ok" and b.seen().body == b"abc"


def test_an_old_client_gets_no_chunks_and_a_close(t):
    b = t.backend(answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))
    w = t.worker(b)
    c = t.connect(w.port).send(b"GET / HTTP/1.0\r\n\r\n")
    a = c.answer()
    assert b.seen().get("via") == "1.0 stile"
    assert a.body == b"abc" and a.get("transfer-encoding") is None, a
    c = t.connect(w.port).send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert c.answer().body == b"abc"


def test_connection_close_is_honoured(t):
    w = t.worker(t.backend(answering(message(body=b"x"))))
    c = t.connect(w.port).send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    a = c.answer()
    assert a.get("connection") == "close" and c.rest() == b""


def test_who_says_close_is_waited_for_only_if_more_of_him_may_come(t):
    def late_bytes_are_refused(request):
        c = t.connect(w.port).send(request)
        assert c.answer().body == b"x" and c.rest() == b""
        try:
            for _ in range(20):
                c.send(b"\r\n")
                time.sleep(0.01)  # for a reset to come back
        except (Gone, OSError):
            return True
        return False

    w = t.worker(t.backend(answering(message(body=b"x"))))
    assert late_bytes_are_refused(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert not late_bytes_are_refused(b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx"), \
        "an old client ends a body with a line, and a reset would overtake its answer"


def test_a_hundred_is_answered_by_us_and_not_asked_of_the_backend(t):
    b = t.backend(answering(message(body=b"ok")))
    w = t.worker(b)
    c = t.connect(w.port).send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    assert c.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100")
    assert c.send(b"abc").answer().body == b"ok"
    r = b.seen()
    assert r.get("expect") is None and r.body == b"abc"


def test_early_hints_pass_and_other_interim_answers_do_not(t):
    w = t.worker(t.backend(answering(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + message(body=b"x"))))
    c = t.connect(w.port).send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert c.until(b"\r\n\r\n").startswith(b"HTTP/1.1 103")
    assert c.head().status == 200


def test_endless_interim_answers_are_a_502(t):
    w = t.worker(t.backend(answering(b"HTTP/1.1 102 Processing\r\n\r\n" * 50)))
    a = t.ask(w.port)
    assert a.status == 502 and a.get("content-type") == "application/problem+json", a


def test_an_answer_may_come_before_the_request_has_ended(t):
    def early(conn, backend):
        m = conn.head()
        conn.send(message(413, b"too much"))
        backend.requests.put(m)
        conn.rest()

    w = t.worker(t.backend(early))
    c = t.connect(w.port).send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
    a = c.answer()
    assert a.status == 413 and a.body == b"too much"


def test_a_half_closed_client_still_gets_its_answer(t):
    go = threading.Event()

    def slow(conn, backend):
        conn.request()
        go.wait(10)
        conn.send(message(body=b"late"))

    w = t.worker(t.backend(slow))
    c = t.connect(w.port).send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    c.shut()
    go.set()
    assert c.answer().body == b"late"
    assert c.rest() == b""


def test_trailers_reach_a_client_that_takes_them(t):
    b = t.backend(answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 9\r\n\r\n"))
    w = t.worker(b)
    c = t.connect(w.port).send(b"GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n")
    assert c.answer().trailers == [("x-sum", "9")]
    c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert c.answer().trailers == []


def test_a_body_that_ends_with_its_connection_is_whole(t):
    w = t.worker(t.backend(answering(b"HTTP/1.1 200 OK\r\n\r\nall of it", keep=False)))
    c = t.connect(w.port).send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    a = c.answer()
    assert a.get("transfer-encoding") == "chunked" and a.body == b"all of it", a
    assert c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").answer().body == b"all of it"


def test_what_the_route_says_of_heads_is_done(t):
    b = t.backend(answering(message(Server="secret", X_Old="1")))
    w = t.worker(b, route=', headers: {request: {set: {X-Env: prod}, remove: [X-Debug]}, answer: {set: {X-New: "2"}, remove: [Server]}}')
    a = t.ask(w.port, X_Debug="1", X_Env="dev")
    assert a.get("server") is None and a.get("x-new") == "2" and a.get("x-old") == "1"
    r = b.seen()
    assert r.all("x-env") == ["prod"] and r.get("x-debug") is None


def test_no_route_is_a_404_that_says_so(t):
    w = t.worker(t.backend(answering(message())), routes="routes:\n  - {name: some, match: {host: b.example, path: /x}, pool: b}\n")
    a = t.ask(w.port)
    assert a.status == 404 and a.json()["type"] == "urn:stile:problem:no-route", a


def test_a_path_that_takes_other_methods_answers_405_with_these(t):
    b = t.backend(answering(message()))
    routes = """routes:
  - {name: read, match: {path: "/orders/**", method: GET}, pool: b}
  - {name: write, match: {path: "/orders/{id}", method: [PUT, PURGE]}, pool: b}
"""
    w = t.worker(b, routes=routes)
    for method, path, status, allow in (("DELETE", "/orders/1", 405, "PUT, PURGE, GET, HEAD"), ("PUT", "/orders/1/lines", 405, "GET, HEAD"),
                                        ("HEAD", "/orders/1", 200, None), ("PURGE", "/orders/1", 200, None), ("GET", "/x", 404, None),
                                        ("OPTIONS", "/orders", 405, "GET, HEAD")):
        a = t.ask(w.port, method, path)
        told = a.get("allow") and set(a.get("allow").split(", "))
        assert (a.status, told) == (status, allow and set(allow.split(", "))), (method, path, a)
        assert status != 405 or a.json()["type"] == "urn:stile:problem:method-not-allowed", a
    assert b.seen().start.startswith("HEAD ") and b.seen().start.startswith("PURGE ") and b.requests.empty()


def test_dot_segments_cannot_walk_around_a_route(t):
    b = t.backend(answering(message()))
    w = t.worker(b)
    for path in ("/a/../b", "/a/%2e%2e/b", "/..", "/a/./b"):
        assert t.ask(w.port, path=path).status == 400, path
    assert b.connections == 0


def test_curl_gets_and_posts(t):
    w = t.worker(t.backend(counting(BIG)))
    assert t.curl(f"http://127.0.0.1:{w.port}/") == BIG
    big = t.folder / "big"
    big.write_bytes(BIG * 4)
    assert t.curl("--data-binary", f"@{big}", f"http://127.0.0.1:{w.port}/x") == b'{"received":%d}' % (len(BIG) * 4)
    assert t.curl("-H", "Transfer-Encoding: chunked", "--data-binary", f"@{big}", f"http://127.0.0.1:{w.port}/x") == b'{"received":%d}' % (len(BIG) * 4)


def test_the_log_line_tells_all_of_a_request(t):
    w = t.worker(t.backend(answering(message(body=b"12345"))))
    t.ask(w.port, method="POST", path="/p", body=b"abc")
    line = w.line(path="/p")
    assert line["method"] == "POST" and line["status"] == 200 and line["bytes_in"] == 3 and line["bytes_out"] == 5, line
    assert line["route"] == "all" and line["pool"] == "b" and line["duration_us"] > 0 and line["client"] == "127.0.0.1", line


def test_a_client_that_leaves_takes_its_upstream_request_with_it(t):
    gone = threading.Event()

    def waits(conn, backend):
        backend.requests.put(conn.request())
        try:
            conn.more()
        except (Gone, OSError):
            gone.set()

    b = t.backend(waits)
    w = t.worker(b)
    c = t.connect(w.port).send(b"GET /leaves HTTP/1.1\r\nHost: a\r\n\r\n")
    b.seen()
    c.reset()
    assert gone.wait(10), "the backend's connection was not closed"
    assert w.line(path="/leaves")["status"] == 0


def test_what_was_asked_before_the_end_of_tls_is_answered(t):
    """Both requests and the word for the end come in one read."""
    w = t.worker(t.backend(answering(message(body=b"one"), message(body=b"other"))), tls=True)
    came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ssl.create_default_context(cafile=t.certs() / "ca.pem").wrap_bio(came, goes, server_hostname="localhost")
    sock = t.connect(w.tls_port).sock

    def until_done(step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                sock.sendall(goes.read())
                came.write(sock.recv(65536)) or came.write_eof()

    until_done(tls.do_handshake)
    tls.write(b"GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\nGET /2 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.unwrap()
    data = b""
    with contextlib.suppress(ssl.SSLError):
        while piece := until_done(lambda: tls.read(65536)):
            data += piece
    assert data.index(b"\r\n\r\none") < data.index(b"\r\n\r\nother"), data
