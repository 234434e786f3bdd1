# SPDX-License-Identifier: Apache-2.0
"""What published attacks send over HTTP/1.1, beyond SAFETY.md's own list: each is refused and closed, or means one thing and arrives as that thing.
The backend keeps every byte it was sent; what stood behind the attack is never among them."""
from peers import Gone, message
from test_framing import HOST, POISON, head

CHUNKED = b"Transfer-Encoding: chunked"
GET, CL = b"GET / HTTP/1.1", b"Content-Length: 5"
LAST = b"0\r\n\r\n"


def coded(line, *more):
    return head(line, *more) + LAST


REFUSED = {
    # TE.TE: the spellings of published lists of permutations
    "a space before the coding's colon": coded(b"Transfer-Encoding : chunked"),
    "a tab before the coding's colon": coded(b"Transfer-Encoding\t: chunked"),
    "a colon on the next line": coded(b"Transfer-Encoding\r\n : chunked"),
    "a coding on the next line": coded(b"Transfer-Encoding:\r\n chunked"),
    "a line that begins with the coding's blank": coded(b" Transfer-Encoding: chunked"),
    "a control before the coding's name": coded(b"\x0bTransfer-Encoding: chunked"),
    "a null behind the coding": coded(CHUNKED + b"\x00"),
    "a carriage return behind the coding": coded(CHUNKED + b"\r"),
    "a carriage return before the coding": coded(b"Transfer-Encoding:\rchunked"),
    "a form feed behind the coding": coded(CHUNKED + b"\x0c"),
    "a no-break space before the coding": coded(b"Transfer-Encoding:\xa0chunked"),
    "a coding with a parameter": coded(CHUNKED + b";q=1"),
    "a coding and identity": coded(CHUNKED + b", identity"),
    "identity and a coding": coded(b"Transfer-Encoding: identity, chunked"),
    "identity alone": head(b"Transfer-Encoding: identity"),
    "an empty coding": head(b"Transfer-Encoding:"),
    "an empty member of codings": coded(b"Transfer-Encoding: ,chunked"),
    "a comma behind the coding": coded(b"Transfer-Encoding: chunked,"),
    "a quoted coding": coded(b"Transfer-Encoding: 'chunked'"),
    "half a coding": coded(b"Transfer-Encoding: chunk"),
    "two codings of two lines": coded(CHUNKED, b"Transfer-Encoding: x"),
    "an underscore in the coding's name": coded(b"Transfer_Encoding: chunked"),
    "a coding hidden by a line feed": coded(b"X: x\nTransfer-Encoding: chunked"),
    "a coding hidden by a carriage return": coded(b"X: x\rTransfer-Encoding: chunked"),
    "a length hidden by an underscore": head(b"Content_Length: 5", CL) + b"abcde",
    "a length and then a coding in another case": head(CL, b"tRANSFER-eNCODING: chunked") + LAST,
    # lengths
    "a length with an exponent": head(b"Content-Length: 1e1") + b"0123456789",
    "a length with an underscore": head(b"Content-Length: 1_0") + b"0123456789",
    "a length with a point": head(b"Content-Length: 5.0") + b"abcde",
    "a length in two words": head(b"Content-Length: 5 5") + b"abcde",
    "a length with a control": head(b"Content-Length: 5\x0b") + b"abcde",
    "a length of other digits": head("Content-Length: \u0665".encode()) + b"abcde",
    "a length that wraps to five": head(b"Content-Length: 18446744073709551621") + b"abcde",
    "a length of half the range": head(b"Content-Length: 9223372036854775808"),
    # chunks
    "a chunk size with a blank before it": head(CHUNKED) + b" 5\r\nabcde\r\n" + LAST,
    "a chunk size with a blank behind it": head(CHUNKED) + b"5 \r\nabcde\r\n" + LAST,
    "a chunk size with a sign": head(CHUNKED) + b"+5\r\nabcde\r\n" + LAST,
    "a chunk size with an underscore": head(CHUNKED) + b"1_0\r\nabcde\r\n" + LAST,
    "a chunk size that wraps to five": head(CHUNKED) + b"10000000000000005\r\nabcde\r\n" + LAST,
    "a chunk size beyond what is signed": head(CHUNKED) + b"ffffffffffffffff\r\nabcde\r\n" + LAST,
    "an empty chunk size": head(CHUNKED) + b"\r\nabcde\r\n" + LAST,
    "an extension without a size": head(CHUNKED) + b";a=b\r\nabcde\r\n" + LAST,
    "an extension without a name": head(CHUNKED) + b"5;\r\nabcde\r\n" + LAST,
    "an extension with a carriage return": head(CHUNKED) + b"5;a\rb\r\nabcde\r\n" + LAST,
    "a carriage return for the end of a size": head(CHUNKED) + b"5\rabcde\r\n" + LAST,
    "two ends behind a chunk": head(CHUNKED) + b"5\r\nabcde\r\n\r\n" + LAST,
    "no end behind a chunk": head(CHUNKED) + b"5\r\nabcde" + LAST,
    "a line feed for the end of the last chunk": head(CHUNKED) + b"0\n\n",
    "a line feed behind the last size": head(CHUNKED) + b"0\r\n\n",
    "a trailer with a line feed": head(CHUNKED) + b"0\r\nX: 1\n\r\n",
    "a trailer that is folded": head(CHUNKED) + b"0\r\nX: 1\r\n 2\r\n\r\n",
    "a trailer with a blank before its colon": head(CHUNKED) + b"0\r\nX : 1\r\n\r\n",
    # lines
    "a carriage return too many": GET + b"\r\r\n" + HOST + b"\r\n",
    "a carriage return too many behind a field": GET + b"\r\nHost: a\r\r\n\r\n",
    "line feeds first": b"\n\n" + head(start=GET),
    "two empty lines first": b"\r\n\r\n" + head(start=GET),
    "a head that ends with line feeds": GET + b"\r\nHost: a\n\n",
    "a head that ends with one line feed": GET + b"\r\nHost: a\r\n\n",
    "a blank line that is none": GET + b"\r\nHost: a\r\n \r\n\r\n",
    "a field without a colon": head(b"Foo", start=GET),
    "a name with a bracket": head(b"X(Y): 1", start=GET),
    "a name of 8 bits": head(b"X\xe4: 1", start=GET),
    "a name with a null": head(b"X\x00Y: 1", start=GET),
    # the request line
    "a version with a blank behind it": head(start=b"GET / HTTP/1.1 "),
    "a version of two digits": head(start=b"GET / HTTP/1.10"),
    "a version with a leading zero": head(start=b"GET / HTTP/01.1"),
    "a version in small letters": head(start=b"GET / http/1.1"),
    "a version of another protocol": head(start=b"GET / ICY/1.1"),
    "a blank in the target": head(start=b"GET /a b HTTP/1.1"),
    "a tab in the target": head(start=b"GET /a\tb HTTP/1.1"),
    "a null in the target": head(start=b"GET /\x00 HTTP/1.1"),
    "a carriage return in the target": head(start=b"GET /a\rb HTTP/1.1"),
    "a target without a slash": head(start=b"GET a HTTP/1.1"),
    "a target with a dot first": head(start=b"GET ./a HTTP/1.1"),
    "a target of another scheme": head(start=b"GET ftp://a/ HTTP/1.1"),
    "a target with userinfo": head(start=b"GET http://u@a/ HTTP/1.1"),
    "a target with an at before its host": head(start=b"GET @a/ HTTP/1.1"),
    "a target without authority": head(start=b"GET http:///x HTTP/1.1"),
    "a star that is no option": head(start=b"GET * HTTP/1.1"),
    "a method with a colon": head(start=b"GET: / HTTP/1.1"),
    "an absolute target and another port": head(start=b"GET http://a:81/ HTTP/1.1"),
    "the preface of HTTP/2 with a host": head(start=b"PRI * HTTP/2.0"),
    # Host
    "an empty host": GET + b"\r\nHost:\r\n\r\n",
    "a host with a blank": GET + b"\r\nHost: a b\r\n\r\n",
    "a host with a tab": GET + b"\r\nHost: a\tb\r\n\r\n",
    "a host with a fragment": GET + b"\r\nHost: a#b\r\n\r\n",
    "a host with a query": GET + b"\r\nHost: a?b\r\n\r\n",
    "a host with a backslash": GET + b"\r\nHost: a\\b\r\n\r\n",
    "a host with two ports": GET + b"\r\nHost: a:80:80\r\n\r\n",
    "a host with a port too high": GET + b"\r\nHost: a:65536\r\n\r\n",
    "a host with half a bracket": GET + b"\r\nHost: [::1\r\n\r\n",
    "a host behind a blank line": GET + b"\r\n Host: b\r\nHost: a\r\n\r\n",
    "a host of two names of one": GET + b"\r\nHost: a\r\nhOST: b\r\n\r\n",
    # what may not be named
    "connection names host": head(b"Connection: host", start=GET),
    "connection names the coding": coded(CHUNKED, b"Connection: Transfer-Encoding"),
    "connection names who is forwarded for": head(b"Connection: close, X-Forwarded-For", start=GET),
    "connection names a cookie": head(b"Connection: cookie", b"Cookie: a=b", start=GET),
    "connection names no token": head(b"Connection: a b", start=GET),
    # 0.CL: what is expected
    "an expectation with a word before it": head(b"Expect: y 100-continue", CL) + b"abcde",
    "an expectation on the next line": head(b"Expect:\r\n 100-continue", CL) + b"abcde",
    "an expectation in a list": head(b"Expect: 100-continue, x", CL) + b"abcde",
}


class Keeping:
    """A script of a backend that keeps all bytes of all its connections."""

    def __init__(self, answer=message(body=b"ok")):
        self.kept, self.answer, self.heads = [], answer, []

    def __call__(self, conn, backend):
        mine = len(self.kept)
        self.kept.append(b"")
        receive = conn.more

        def more():
            before = len(conn.data)
            receive()
            self.kept[mine] += conn.data[before:]

        conn.more = more
        while True:
            m = conn.request()
            self.heads.append(m)
            conn.send(self.answer)


def test_what_published_attacks_send_is_refused_whole(t):
    kept = Keeping()
    w = t.worker(t.backend(kept))
    for name, data in REFUSED.items():
        c = t.connect(w.port).send(data + POISON)
        a = c.answer()
        assert a.status in (400, 417, 505) and a.get("connection") == "close", (name, a)
        assert b"HTTP/1.1" not in c.rest(), name
    told = b"".join(kept.kept)
    assert b"smuggled" not in told, told
    for m in kept.heads:  # a head that was right may have gone out before its body was not
        assert m.start == "POST / HTTP/1.1" and m.get("transfer-encoding") == "chunked" and m.get("content-length") is None, m


# what is allowed, and what it means: the body that arrives, and what is answered behind it
MEANT = {
    "a coding behind a tab": (coded(b"Transfer-Encoding:\tchunked"), b""),
    "a coding in capitals": (head(b"TRANSFER-ENCODING: CHUNKED") + b"3\r\nabc\r\n" + LAST, b"abc"),
    "a length behind blanks": (head(b"Content-Length:   3\t ") + b"abc", b"abc"),
    "a length with zeros before it": (head(b"Content-Length: 003") + b"abc", b"abc"),
    "a chunk size with zeros before it": (head(CHUNKED) + b"0003\r\nabc\r\n" + b"000\r\n\r\n", b"abc"),
    "an extension in quotes that hold an end": (head(CHUNKED) + b'3;a="\r\nabc\r\n' + LAST, b"abc"),
    "a GET with a body": (head(b"Content-Length: %d" % len(POISON), start=GET) + POISON, POISON),
    "a body that looks like a request": (head(b"Content-Length: %d" % len(POISON)) + POISON, POISON),
    "an upgrade to h2c": (head(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__", start=GET), b""),
    "an upgrade to a websocket without a route": (head(b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13",
                                                        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", start=GET), b""),
    "a field that Connection names": (head(b"Connection: X-Secret", b"X-Secret: 1", start=GET), b""),
    "an absolute target that agrees": (head(start=b"GET http://A/ HTTP/1.1"), b""),
    "an empty line first": (b"\r\n" + head(start=GET), b""),
}


def test_what_is_allowed_arrives_as_the_one_thing_that_it_means(t):
    kept = Keeping()
    w = t.worker(t.backend(kept))
    for name, (data, body) in MEANT.items():
        before = len(kept.heads)
        c = t.connect(w.port).send(data + b"GET /behind HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert c.answer().status == 200 and c.answer().status == 200 and c.rest() == b"", name
        first, second = kept.heads[before:]
        assert first.start.split()[1] == "/" and first.body == body and second.start.startswith("GET /behind "), (name, first, second)
        assert first.get("host") in ("a", "A") and not (first.get("content-length") and first.get("transfer-encoding")), (name, first)
        for gone in ("upgrade", "http2-settings", "x-secret", "keep-alive", "te"):
            assert first.get(gone) is None, (name, first)
        assert (first.get("connection") or "").lower() in ("", "keep-alive"), (name, first)


def test_a_body_that_comes_behind_its_early_answer_is_no_request(t):
    """CL.0, and the early answers of redirects and refusals: what was announced as a body stays one."""
    kept = Keeping()
    w = t.worker(t.backend(kept), routes='routes:\n  - {name: own, match: {path: /own}, redirect: https}\n  - {name: none, match: {path: /ok}, pool: b}\n')
    for path in ("/own", "/nowhere"):
        for n in (len(POISON), 60000, 200000):
            c = t.connect(w.port).send(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {n}\r\n\r\n")
            assert c.answer().status in (308, 404), path
            try:
                rest = c.send((POISON * (n // len(POISON) + 1))[:n] + b"GET /ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").rest()
            except (Gone, OSError):
                rest = b""
            assert rest.count(b"HTTP/1.1 ") <= 1 and b"404" not in rest, (path, n, rest)
    assert b"smuggled" not in b"".join(kept.kept)
    assert all(m.start == "GET /ok HTTP/1.1" for m in kept.heads), kept.heads


def test_an_early_answer_of_the_pool_leaves_its_connection_to_nobody(t):
    """The rest of a body that the pool did not wait for is never read as the next request of that connection."""
    conns = []

    def early(conn, backend):
        conns.append(conn)
        while True:
            m = conn.head()
            backend.requests.put(m)
            conn.send(message(body=b"early" if m.start.startswith("POST") else b"ok"))
            if m.start.startswith("POST"):
                conn.rest()
                backend.requests.put("gone")
                return

    b = t.backend(early)
    w = t.worker(b)
    for n in (100, 60000, 300000):
        c = t.connect(w.port).send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % n)
        assert c.answer().body == b"early"
        assert b.seen().start == "POST / HTTP/1.1"
        try:
            c.send((POISON * 10000)[:n])
        except OSError:
            pass
        assert b.seen() == "gone"
        assert t.ask(w.port).body == b"ok" and b.seen().start == "GET / HTTP/1.1"


UPGRADE = (b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: %b\r\n"
           b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")


def test_what_stands_behind_an_upgrade_that_is_not_made_is_no_tunnel(t):
    """A pool that says 200, 426 or a 101 without the right key opens nothing: what follows is the next request, or garbage."""
    wrong = b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"
    for version, answer, status in ((b"13", message(body=b"ok"), 200), (b"99", message(status=426), 426), (b"13", wrong, 502)):
        for behind in (POISON, b"\x81\x85\0\0\0\0hello"):
            kept = Keeping(answer)
            w = t.worker(t.backend(kept), route=", websocket: true")
            c = t.connect(w.port).send(UPGRADE % version + behind)
            assert c.answer().status == status, (version, behind)
            c.shut()
            c.rest()
            told = b"".join(kept.kept)
            assert b"hello" not in told and b"smuggled HTTP/1.1\r\nHost: a\r\n\r\n" not in told, told
            assert all(m.get("via") == "1.1 stile" for m in kept.heads), kept.heads
