# SPDX-License-Identifier: Apache-2.0
"""Requests that two readers could read in two ways: 400, closed, and nothing forwarded."""
from peers import answering, message

HOST = b"Host: a\r\n"
POISON = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


def head(*lines, start=b"POST / HTTP/1.1", host=HOST):
    return start + b"\r\n" + host + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


ATTACKS = {
    "length and coding": head(b"Content-Length: 4", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "coding and length": head(b"Transfer-Encoding: chunked", b"Content-Length: 4") + b"0\r\n\r\n",
    "two lengths": head(b"Content-Length: 4", b"Content-Length: 5") + b"abcde",
    "two equal lengths": head(b"Content-Length: 4", b"Content-Length: 4") + b"abcd",
    "a listed length": head(b"Content-Length: 4, 4") + b"abcd",
    "a signed length": head(b"Content-Length: +4") + b"abcd",
    "a negative length": head(b"Content-Length: -1"),
    "a hex length": head(b"Content-Length: 0x4") + b"abcd",
    "an empty length": head(b"Content-Length:"),
    "an endless length": head(b"Content-Length: 99999999999999999999999"),
    "an unknown coding": head(b"Transfer-Encoding: xchunked"),
    "two codings": head(b"Transfer-Encoding: gzip, chunked"),
    "chunked twice": head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "a quoted coding": head(b'Transfer-Encoding: "chunked"'),
    "a vertical tab in a coding": head(b"Transfer-Encoding: \x0bchunked"),
    "a coding in HTTP/1.0": head(b"Transfer-Encoding: chunked", start=b"POST / HTTP/1.0") + b"0\r\n\r\n",
    "a space before a colon": head(b"Content-Length : 4") + b"abcd",
    "a folded line": head(b"X: a", b" b"),
    "a folded first line": head(b" X: a"),
    "a bare line feed": b"GET / HTTP/1.1\nHost: a\n\n",
    "a line feed in a value": head(b"X: a\nTransfer-Encoding: chunked"),
    "a carriage return in a value": head(b"X: a\rb"),
    "a null in a value": head(b"X: a\x00b"),
    "a control in a value": head(b"X: a\x01b"),
    "an empty name": head(b": a"),
    "a name with a space": head(b"X Y: a"),
    "an underscore twin": head(b"Content_Length: 4"),
    "no host": head(host=b"", start=b"GET / HTTP/1.1"),
    "two hosts": head(b"Host: b", start=b"GET / HTTP/1.1"),
    "two equal hosts": head(b"Host: a", start=b"GET / HTTP/1.1"),
    "a host with userinfo": head(host=b"Host: u@a\r\n", start=b"GET / HTTP/1.1"),
    "a host with a path": head(host=b"Host: a/b\r\n", start=b"GET / HTTP/1.1"),
    "a host that is a list": head(host=b"Host: a, b\r\n", start=b"GET / HTTP/1.1"),
    "a host with a bad port": head(host=b"Host: a:b\r\n", start=b"GET / HTTP/1.1"),
    "a target that differs from the host": head(start=b"GET http://b/ HTTP/1.1"),
    "two spaces in the line": head(start=b"GET  / HTTP/1.1"),
    "a tab in the line": head(start=b"GET\t/ HTTP/1.1"),
    "a fragment": head(start=b"GET /#x HTTP/1.1"),
    "an 8-bit target": head(start=b"GET /\xc3\xa9 HTTP/1.1"),
    "CONNECT": head(start=b"CONNECT a:80 HTTP/1.1"),
    "TRACE": head(start=b"TRACE / HTTP/1.1"),
    "a chunk size that is none": head(b"Transfer-Encoding: chunked") + b"zz\r\n",
    "a negative chunk size": head(b"Transfer-Encoding: chunked") + b"-1\r\n",
    "a chunk size with 0x": head(b"Transfer-Encoding: chunked") + b"0x3\r\nabc\r\n0\r\n\r\n",
    "a chunk size too long": head(b"Transfer-Encoding: chunked") + b"0" * 20 + b"3\r\nabc\r\n0\r\n\r\n",
    "a chunk size that wraps": head(b"Transfer-Encoding: chunked") + b"ffffffffffffffff1\r\n",
    "a line feed after a chunk size": head(b"Transfer-Encoding: chunked") + b"3\nabc\r\n0\r\n\r\n",
    "a line feed in an extension": head(b"Transfer-Encoding: chunked") + b"3;a\nb\r\nabc\r\n0\r\n\r\n",
    "a line feed after a chunk": head(b"Transfer-Encoding: chunked") + b"3\r\nabc\n0\r\n\r\n",
    "a chunk longer than its size": head(b"Transfer-Encoding: chunked") + b"3\r\nabcd\r\n0\r\n\r\n",
    "a null in an extension": head(b"Transfer-Encoding: chunked") + b"3;\x00\r\nabc\r\n0\r\n\r\n",
    "a long extension": head(b"Transfer-Encoding: chunked") + b"3;" + b"a" * 300 + b"\r\nabc\r\n0\r\n\r\n",
    "a malformed trailer": head(b"Transfer-Encoding: chunked") + b"0\r\nX\r\n\r\n",
    "connection names length": head(b"Connection: content-length", b"Content-Length: 0"),
    "connection names authorization": head(b"Connection: authorization", b"Authorization: x", b"Content-Length: 0"),
}

OTHERS = {
    "a version of its own": (head(start=b"GET / HTTP/3.0"), (400, 505)),
    "no version": (b"GET /\r\n\r\n", (400, 505)),
    "a long target": (head(start=b"GET /" + b"a" * 9000 + b" HTTP/1.1"), (414,)),
    "a long line": (head(b"X: " + b"a" * 9000), (431,)),
    "a large head": (head(*[b"X%d: " % i + b"a" * 4000 for i in range(12)]), (431,)),
    "many fields": (head(*[b"X%d: a" % i for i in range(200)]), (431,)),
    "an expectation": (head(b"Expect: magic", b"Content-Length: 0"), (417,)),
    "an endless method": (head(start=b"A" * 100 + b" / HTTP/1.1"), (400, 501)),
}


def attack(t, w, b, name, data, statuses):
    c = t.connect(w.port)
    c.send(data + POISON)
    a = c.answer()
    assert a.status in statuses, (name, a)
    assert a.get("connection") == "close", (name, a)
    assert a.get("content-type") == "application/problem+json", (name, a)
    rest = c.rest()
    assert b"HTTP/1.1" not in rest, (name, rest)
    while not b.requests.empty():
        m = b.requests.get()
        assert b"smuggled" not in m.start.encode(), (name, m)


def test_nothing_ambiguous_is_forwarded_or_answered_twice(t):
    b = t.backend(answering(message()))
    w = t.worker(b)
    for name, data in ATTACKS.items():
        attack(t, w, b, name, data, (400,))
    for name, (data, statuses) in OTHERS.items():
        attack(t, w, b, name, data, statuses)


def test_the_same_holds_however_the_bytes_are_cut(t):
    b = t.backend(answering(message()))
    w = t.worker(b)
    for name in ("length and coding", "a folded line", "a bare line feed", "a chunk longer than its size", "two hosts"):
        c = t.connect(w.port)
        for byte in ATTACKS[name]:
            try:
                c.send(bytes([byte]))
            except OSError:
                break
        assert c.answer().status == 400, name


def test_framing_and_routing_fields_in_trailers_are_dropped(t):
    b = t.backend(answering(message()))
    w = t.worker(b)
    c = t.connect(w.port)
    c.send(head(b"Transfer-Encoding: chunked") + b"1\r\na\r\n0\r\nContent-Length: 9\r\nHost: evil\r\nAuthorization: x\r\nX-Sum: 1\r\n\r\n")
    assert c.answer().status == 200
    m = b.seen()
    assert all(n == "x-sum" for n, _ in m.trailers), m.trailers
