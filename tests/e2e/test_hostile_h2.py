# SPDX-License-Identifier: Apache-2.0
"""What published attacks send over HTTP/2: heads that would be more than one in HTTP/1.1, bodies that are not what was said, frames that are none.
Each is a 400, a reset stream or the end of the connection; the backend, which keeps every byte, never hears of it."""
from frames import (ACK, COMPRESSION, CONTINUATION, DATA, END_HEADERS, END_STREAM, FLOW_CONTROL, FRAME_SIZE, GET, GOAWAY, HEADERS, PADDED, PING, POST,
                    PRIORITY, PROTOCOL_ERROR, PUSH, RST, SETTINGS, STREAM_CLOSED, WINDOW, Frames, block, frame)
from test_framing import POISON
from test_hostile_h1 import Keeping

INJECTED = "x\r\nTransfer-Encoding: chunked\r\nX: "


def instead(name, value, fields=None):
    return [(n, value if n == name else v) for n, v in fields or GET]


def more(*fields):
    return [*GET, *fields]


def posted(*fields):
    return [*POST, *fields]


# heads of requests without a body
HEADS = {
    "a coding": more(("transfer-encoding", "chunked")),
    "a connection": more(("connection", "close")),
    "a connection that names the length": more(("connection", "content-length")),
    "keep-alive": more(("keep-alive", "timeout=5")),
    "proxy-connection": more(("proxy-connection", "close")),
    "an upgrade": more(("upgrade", "h2c")),
    "a te that is more than trailers": more(("te", "chunked")),
    "a value with a line's end": more(("x", INJECTED + "y")),
    "a value with a line feed": more(("x", "a\nb")),
    "a value with a carriage return": more(("x", "a\rb")),
    "a value with a null": more(("x", "a\0b")),
    "a value with a blank before it": more(("x", " a")),
    "a value with a tab behind it": more(("x", "a\t")),
    "a name with a line's end": more(("x: y\r\ntransfer-encoding", "chunked")),
    "a name with a colon": more(("transfer-encoding: chunked", "x")),
    "a name with a blank": more(("transfer-encoding ", "chunked")),
    "a name with a null": more(("x\0", "y")),
    "a name of 8 bits": more(("x\xe4", "y")),
    "an empty name": more(("", "y")),
    "a name in capitals": more(("Transfer-Encoding", "chunked")),
    "an underscore twin": more(("content_length", "5")),
    "a cookie with a line's end": more(("cookie", "a=b\r\nx: y")),
    "a path with a head in it": instead(":path", "/ HTTP/1.1\r\nHost: b\r\n\r\nGET /smuggled"),
    "a path with a blank": instead(":path", "/a b"),
    "a path with a tab": instead(":path", "/a\tb"),
    "a path with a null": instead(":path", "/a\0b"),
    "a path with a fragment": instead(":path", "/a#b"),
    "a path of 8 bits": instead(":path", "/\xe4"),
    "a path without a slash": instead(":path", "a"),
    "a path that is a URL": instead(":path", "http://b/"),
    "an empty path": instead(":path", ""),
    "a star": instead(":path", "*"),
    "a method with a head in it": instead(":method", "GET / HTTP/1.1\r\nX: y\r\n\r\nGET"),
    "a method with a blank": instead(":method", "GET /smuggled"),
    "an empty method": instead(":method", ""),
    "CONNECT": [(":method", "CONNECT"), (":authority", "a:80")],
    "CONNECT with a path": instead(":method", "CONNECT"),
    "TRACE": instead(":method", "TRACE"),
    "a scheme with a path": instead(":scheme", "http://b/smuggled?"),
    "a scheme with a line's end": instead(":scheme", "http\r\nx: y"),
    "another scheme": instead(":scheme", "ftp"),
    "an authority with a path": instead(":authority", "a/smuggled"),
    "an authority with userinfo": instead(":authority", "u@a"),
    "an authority with a line's end": instead(":authority", "a\r\nx: y"),
    "an authority with a blank": instead(":authority", "a b"),
    "an authority that is a list": instead(":authority", "a,b"),
    "an authority with two ports": instead(":authority", "a:80:80"),
    "an authority and another host": more(("host", "b")),
    "two hosts": more(("host", "a"), ("host", "a")),
    "no authority and no host": [GET[0], GET[1], GET[3]],
    "an empty authority and no host": instead(":authority", ""),
    "no path": GET[:3],
    "no scheme": [GET[0], *GET[2:]],
    "no method": GET[1:],
    "two paths": [*GET, (":path", "/b")],
    "two methods": [(":method", "POST"), *GET],
    "two authorities": [*GET[:3], (":authority", "b"), GET[3]],
    "a pseudo field behind others": [*GET[:3], ("x", "y"), GET[3]],
    "an unknown pseudo field": [*GET, (":x", "y")],
    "an answer's pseudo field": [*GET, (":status", "200")],
    "a protocol without CONNECT": [*GET, (":protocol", "websocket")],
    "an extended CONNECT where no route has it": [(":method", "CONNECT"), (":protocol", "websocket"), *GET[1:]],
    "a length that is none": more(("content-length", "x")),
    "a length with a sign": more(("content-length", "+0")),
    "a length of nothing": more(("content-length", "5")),
    "an expectation": posted(("expect", "magic"), ("content-length", "0")),
    "a head that forwards itself by an underscore": more(("x_forwarded_for", "1.2.3.4")),
}

# a head, then DATA frames and flags of the last one
BODIES = {
    "a length shorter than the body": (posted(("content-length", "0")), [POISON]),
    "a length one byte short": (posted(("content-length", "34")), [POISON]),
    "a length longer than the body": (posted(("content-length", "100")), [b"x" * 35]),  # which may have begun to arrive
    "two lengths": (posted(("content-length", "35"), ("content-length", "35")), [POISON]),
    "two other lengths": (posted(("content-length", "35"), ("content-length", "0")), [POISON]),
    "a list of lengths": (posted(("content-length", "35, 35")), [POISON]),
    "a length that wraps": (posted(("content-length", "18446744073709551651")), [POISON]),
    "a coding and chunks": (posted(("transfer-encoding", "chunked")), [b"0\r\n\r\n" + POISON]),
    "a coding that is none": (posted(("transfer-encoding", "identity")), [b"0\r\n\r\n" + POISON]),
}

HEAD_1 = frame(HEADERS, END_HEADERS, 1, block(POST))
WHOLE_1 = frame(HEADERS, END_HEADERS | END_STREAM, 1, block(instead(":path", "/ok")))

# frames that are none, and how the connection (or the stream, where it says so) ends
BROKEN = {
    "DATA on no stream": (frame(DATA, 0, 0, b"x"), PROTOCOL_ERROR),
    "HEADERS on no stream": (frame(HEADERS, END_HEADERS, 0, block()), PROTOCOL_ERROR),
    "a stream of even number": (frame(HEADERS, END_HEADERS | END_STREAM, 2, block()), PROTOCOL_ERROR),
    "DATA before HEADERS": (frame(DATA, END_STREAM, 1, b"x"), (PROTOCOL_ERROR, STREAM_CLOSED)),
    "padding longer than its frame": (HEAD_1 + frame(DATA, PADDED, 1, b"\x09x"), PROTOCOL_ERROR),
    "padding longer than its head": (frame(HEADERS, END_HEADERS | PADDED, 1, b"\xff" + block()), PROTOCOL_ERROR),
    "a head inside another": (frame(HEADERS, END_STREAM, 1, block()[:5]) + frame(HEADERS, END_HEADERS | END_STREAM, 3, block()), PROTOCOL_ERROR),
    "a PING inside a head": (frame(HEADERS, END_STREAM, 1, block()[:5]) + frame(PING, 0, 0, bytes(8)), PROTOCOL_ERROR),
    "a CONTINUATION of another stream": (frame(HEADERS, END_STREAM, 1, block()[:5]) + frame(CONTINUATION, END_HEADERS, 3, block()[5:]), PROTOCOL_ERROR),
    "a CONTINUATION of nothing": (frame(CONTINUATION, END_HEADERS, 1, block()), PROTOCOL_ERROR),
    "a lower stream that was never opened": (frame(HEADERS, END_HEADERS | END_STREAM, 5, block(instead(":path", "/ok")))
                                             + frame(HEADERS, END_HEADERS | END_STREAM, 3, block()), PROTOCOL_ERROR),
    "DATA on a lower stream that was never opened": (frame(HEADERS, END_HEADERS, 7, block(POST)) + frame(DATA, END_STREAM, 1, b"x"), PROTOCOL_ERROR),
    "a push by a client": (HEAD_1 + frame(PUSH, END_HEADERS, 1, b"\0\0\0\2" + block()), PROTOCOL_ERROR),
    "an index beyond the table": (frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\xff\xff\xff\x0f"), COMPRESSION),
    "an index of nothing": (frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x80"), COMPRESSION),
    "a number that wraps": (frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x7f" + b"\xff" * 12), COMPRESSION),
    "a text longer than its block": (frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x40\x7f\xff\xff\x7fx"), COMPRESSION),
    "an end in Huffman's code": (frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x40\x84\xff\xff\xff\xff\x01x"), COMPRESSION),
    "a table larger than we said": (frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x3f\xe2\x1f" + block()), COMPRESSION),
    "a table resized inside a block": (frame(HEADERS, END_HEADERS | END_STREAM, 1, block() + b"\x20"), COMPRESSION),
    "a frame longer than we said": (frame(DATA, 0, 1, b"x" * 16385), FRAME_SIZE),
    "a PING of seven bytes": (frame(PING, 0, 0, bytes(7)), FRAME_SIZE),
    "a PING of a stream": (frame(PING, 0, 1, bytes(8)), PROTOCOL_ERROR),
    "a reset of three bytes": (WHOLE_1 + frame(RST, 0, 1, bytes(3)), FRAME_SIZE),
    "a reset of nothing": (frame(RST, 0, 1, bytes(4)), PROTOCOL_ERROR),
    "SETTINGS of five bytes": (frame(SETTINGS, 0, 0, bytes(5)), FRAME_SIZE),
    "SETTINGS of a stream": (frame(SETTINGS, 0, 1), PROTOCOL_ERROR),
    "an acknowledgement with a payload": (frame(SETTINGS, ACK, 0, bytes(6)), FRAME_SIZE),
    "an acknowledgement too many": (frame(SETTINGS, ACK) * 3, PROTOCOL_ERROR),
    "a window too wide": (frame(SETTINGS, 0, 0, b"\0\4\x80\0\0\0"), FLOW_CONTROL),
    "a frame size too small": (frame(SETTINGS, 0, 0, b"\0\5\0\0\0\1"), PROTOCOL_ERROR),
    "a push switched to two": (frame(SETTINGS, 0, 0, b"\0\2\0\0\0\2"), PROTOCOL_ERROR),
    "an update of nothing": (frame(WINDOW, 0, 0, bytes(4)), PROTOCOL_ERROR),
    "an update that wraps": (frame(WINDOW, 0, 0, b"\x7f\xff\xff\xff"), FLOW_CONTROL),
    "an update of three bytes": (frame(WINDOW, 0, 0, bytes(3)), FRAME_SIZE),
    "a PRIORITY of four bytes": (frame(PRIORITY, 0, 1, bytes(4)), FRAME_SIZE),
    "more than the window": (HEAD_1 + frame(DATA, 0, 1, b"x" * 16384) * 80, FLOW_CONTROL),
}


def told_nothing(kept):
    for m in kept.heads:
        assert m.start.split()[1] == "/ok", m
    told = b"".join(kept.kept)
    assert b"smuggled" not in told and b"\r\nTransfer-Encoding: chunked\r\nX" not in told, told


def test_a_head_that_would_be_two_in_http1_is_refused(t):
    kept = Keeping()
    w = t.worker(t.backend(kept))
    for name, fields in HEADS.items():
        f = Frames(t.connect(w.port))
        f.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, block(fields)) + frame(HEADERS, END_HEADERS | END_STREAM, 3, block(instead(":path", "/ok"))))
        f.until(lambda f=f: f.status(3) or f.goaway)
        f.until(lambda f=f: f.status(1) or 1 in f.resets)
        assert f.status(1) in (400, 417, 501) or f.resets.get(1) == PROTOCOL_ERROR, (name, f.heads, f.resets, f.goaway)
        assert f.status(3) == 200, (name, "the other stream is served", f.goaway)
        f.conn.close()
    told_nothing(kept)


def test_no_byte_beyond_what_a_head_says_of_its_body_arrives(t):
    kept = Keeping()
    w = t.worker(t.backend(kept))
    for name, (fields, data) in BODIES.items():
        f = Frames(t.connect(w.port))
        f.send(frame(HEADERS, END_HEADERS, 1, block(fields)))
        for i, part in enumerate(data):
            f.send(frame(DATA, END_STREAM if i == len(data) - 1 else 0, 1, part))
        f.until(lambda f=f: f.status(1) == 400 or 1 in f.resets)
        assert f.status(1) == 400 or f.resets.get(1) == PROTOCOL_ERROR, (name, f.heads, f.resets)
        f.conn.close()
    for m in kept.heads:  # a length of nothing may have been told before the first byte of a body came
        assert m.start == "POST / HTTP/1.1" and m.get("content-length") == "0", m
    assert b"smuggled" not in b"".join(kept.kept)


def test_trailers_bring_nothing_that_frames_or_routes(t):
    kept = Keeping()
    w = t.worker(t.backend(kept))
    cases = {"content-length": "5", "transfer-encoding": "chunked", "host": "b", "authorization": "x", "x-forwarded-for": "1.2.3.4", ":path": "/smuggled",
             "x": "a\r\nb: c", "X": "y", "connection": "close", "content_length": "5"}
    for name, value in cases.items():
        f = Frames(t.connect(w.port))
        f.send(HEAD_1 + frame(DATA, 0, 1, b"x") + frame(HEADERS, END_HEADERS | END_STREAM, 1, block([(name, value), ("x-sum", "1")])))
        f.until(lambda f=f: f.status(1) or 1 in f.resets)
        assert f.status(1) in (200, 400) or f.resets.get(1) == PROTOCOL_ERROR, (name, f.heads, f.resets)
        f.conn.close()
    for m in kept.heads:
        assert m.start == "POST / HTTP/1.1" and m.body == b"x" and all(n == "x-sum" for n, _ in m.trailers), (m, m.trailers)
    assert b"smuggled" not in b"".join(kept.kept)


def test_frames_that_are_none_end_the_connection_or_their_stream(t):
    kept = Keeping()
    w = t.worker(t.backend(kept))
    for name, (data, code) in BROKEN.items():
        f = Frames(t.connect(w.port)).send(data)
        codes = code if isinstance(code, tuple) else (code,)
        f.until(lambda f=f: f.goaway or f.resets)
        assert f.goaway in codes or set(f.resets.values()) & set(codes), (name, f.goaway, f.resets)
        if f.goaway:
            assert f.rest().closed, name
        f.conn.close()
    assert t.ask(w.port, path="/ok").status == 200
    told_nothing(kept)


def test_a_stream_that_was_passed_over_is_never_answered(t):
    kept = Keeping()
    w = t.worker(t.backend(kept))
    f = Frames(t.connect(w.port)).send(frame(HEADERS, END_HEADERS | END_STREAM, 5, block(instead(":path", "/ok"))))
    assert f.until(lambda: f.status(5) == 200)
    f.send(frame(HEADERS, END_HEADERS | END_STREAM, 3, block()))
    assert f.until(lambda: f.goaway) and not f.status(3), "RFC 9113 5.1.1"
    told_nothing(kept)


def test_what_does_not_begin_as_http2_does_ends(t):
    w = t.worker(t.backend(Keeping()), limits="head: 600ms", tls=True)
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    for data in (preface[:-3] + b"XX\r\n", preface + frame(PING, 0, 0, bytes(8)), preface + frame(GOAWAY, 0, 0, bytes(8)), preface + b"GET / HTTP/1.1\r\n\r\n"):
        assert t.connect(w.port).send(data).is_closed(), data
        assert t.connect_tls(w.tls_port, alpn=("h2",)).send(data).is_closed(), data
    assert t.connect(w.port).send(preface[:10]).is_closed(), "half a preface has the time of a head"
    w.says("limit_reached limit=head_ms")
