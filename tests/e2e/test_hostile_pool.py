# SPDX-License-Identifier: Apache-2.0
"""A pool that would poison its clients: answers that could be read in two ways, bytes behind them, floods. Over HTTP/1.1 and HTTP/2 the client sees
one answer that means one thing, a 502, or a break; and the next request, of whoever, gets its own answer."""
from frames import CONTINUATION, DATA, END_HEADERS, END_STREAM, GET, GOAWAY, HEADERS, PING, PUSH, RST, SETTINGS, WINDOW, Frames, block, frame
from peers import Gone
from test_fault_table import over_h2
from test_h2 import Client

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Poison: 1\r\n\r\nPOISON"

# what an answer says; how it must end for its client
ANSWERS = {
    # which could be read in two ways
    "two codings": (OK + CHUNKED + CHUNKED + b"\r\n0\r\n\r\n", 502),
    "a coding of two": (OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 502),
    "an empty coding": (OK + b"Transfer-Encoding:\r\nContent-Length: 2\r\n\r\nok", 502),
    "a coding in HTTP/1.0": (b"HTTP/1.0 200 OK\r\n" + CHUNKED + b"\r\n0\r\n\r\n", 502),
    "a coding behind a blank": (OK + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 502),
    "a coding that is folded": (OK + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 502),
    "a length with a sign": (OK + b"Content-Length: +2\r\n\r\nok", 502),
    "a length with a point": (OK + b"Content-Length: 2.0\r\n\r\nok", 502),
    "a length in hexadecimal": (OK + b"Content-Length: 0x2\r\n\r\nok", 502),
    "an empty length": (OK + b"Content-Length:\r\n\r\n", 502),
    "a length that wraps": (OK + b"Content-Length: 18446744073709551618\r\n\r\nok", 502),
    "an underscore twin": (OK + b"Content_Length: 5\r\nContent-Length: 2\r\n\r\nok", 502),
    # which would be two answers
    "a line feed in a value": (OK + b"X: a\nContent-Length: 0\r\nContent-Length: 2\r\n\r\nok", 502),
    "a carriage return in a value": (OK + b"X: a\rContent-Length: 0\r\nContent-Length: 2\r\n\r\nok", 502),
    "a null in a value": (OK + b"X: a\x00\r\nContent-Length: 2\r\n\r\nok", 502),
    "a null in a name": (OK + b"X\x00: a\r\nContent-Length: 2\r\n\r\nok", 502),
    "a name with a blank": (OK + b"X Y: a\r\nContent-Length: 2\r\n\r\nok", 502),
    "a line without a colon": (OK + b"X\r\nContent-Length: 2\r\n\r\nok", 502),
    "a folded first line": (OK + b" X: a\r\nContent-Length: 2\r\n\r\nok", 502),
    "a bare line feed": (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 502),
    "a carriage return too many": (b"HTTP/1.1 200 OK\r\r\nContent-Length: 2\r\n\r\nok", 502),
    # status lines
    "a status of two digits": (b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok", 502),
    "a status with a sign": (b"HTTP/1.1 +200 OK\r\nContent-Length: 2\r\n\r\nok", 502),
    "a status with a letter": (b"HTTP/1.1 20x OK\r\nContent-Length: 2\r\n\r\nok", 502),
    "a status of 600": (b"HTTP/1.1 600 OK\r\nContent-Length: 2\r\n\r\nok", 502),
    "two blanks before the status": (b"HTTP/1.1  200 OK\r\nContent-Length: 2\r\n\r\nok", 502),
    "a reason with a control": (b"HTTP/1.1 200 \x01\r\nContent-Length: 2\r\n\r\nok", 502),
    "another protocol": (b"ICY 200 OK\r\nContent-Length: 2\r\n\r\nok", 502),
    "an empty line first": (b"\r\n" + OK + b"Content-Length: 2\r\n\r\nok", 502),
    "connection names the length": (OK + b"Connection: content-length\r\nContent-Length: 2\r\n\r\nok", 502),
    # bodies
    "a chunk size that wraps": (OK + CHUNKED + b"\r\n10000000000000002\r\nok\r\n0\r\n\r\n", "broken"),
    "a chunk size with a sign": (OK + CHUNKED + b"\r\n+2\r\nok\r\n0\r\n\r\n", "broken"),
    "a chunk size behind a blank": (OK + CHUNKED + b"\r\n 2\r\nok\r\n0\r\n\r\n", "broken"),
    "a chunk size and a blank": (OK + CHUNKED + b"\r\n2 \r\nok\r\n0\r\n\r\n", "broken"),
    "a line feed in an extension": (OK + CHUNKED + b"\r\n2;a\nb\r\nok\r\n0\r\n\r\n", "broken"),
    "a long extension": (OK + CHUNKED + b"\r\n2;" + b"a" * 300 + b"\r\nok\r\n0\r\n\r\n", "broken"),
    "a longer chunk than its size": (OK + CHUNKED + b"\r\n2\r\nokay\r\n0\r\n\r\n", "broken"),
    "a trailer without a colon": (OK + CHUNKED + b"\r\n2\r\nok\r\n0\r\nX\r\n\r\n", "broken"),
    "a trailer with a line feed": (OK + CHUNKED + b"\r\n2\r\nok\r\n0\r\nX: a\nb: c\r\n\r\n", "broken"),
    "trailers without end": (OK + CHUNKED + b"\r\n2\r\nok\r\n0\r\n" + b"X: y\r\n" * 100 + b"\r\n", "broken"),
    # before the answer
    "100 and then nothing": (b"HTTP/1.1 100 Continue\r\n\r\n", 504),
    "nine hints": (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 9 + OK + b"Content-Length: 2\r\n\r\nok", 502),
    "101 with an upgrade": (b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + POISON, 502),
    "a hint that is malformed": (b"HTTP/1.1 103 Early Hints\r\nX : y\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok", 502),
}

# what is allowed, and what it means: status and body
MEANT = {
    "bytes behind a length": (OK + b"Content-Length: 2\r\n\r\nok" + POISON, 200, b"ok"),
    "bytes behind the last chunk": (OK + CHUNKED + b"\r\n2\r\nok\r\n0\r\n\r\n" + POISON, 200, b"ok"),
    "bytes behind 204": (b"HTTP/1.1 204 No Content\r\n\r\n" + POISON, 204, b""),
    "204 with a length": (b"HTTP/1.1 204 No Content\r\nContent-Length: %d\r\n\r\n" % len(POISON) + POISON, 204, b""),
    "204 in chunks": (b"HTTP/1.1 204 No Content\r\n" + CHUNKED + b"\r\n2\r\nok\r\n0\r\n\r\n" + POISON, 204, b""),
    "bytes behind 304": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\nPOISON" + POISON, 304, b""),
    "100 first": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok", 200, b"ok"),
    "eight hints": (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 8 + OK + b"Content-Length: 2\r\n\r\nok", 200, b"ok"),
    "100 behind its answer": (OK + b"Content-Length: 2\r\n\r\nok" + b"HTTP/1.1 100 Continue\r\n\r\n" + POISON, 200, b"ok"),
    "trailers that frame and route": (OK + CHUNKED + b"\r\n2\r\nok\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\nSet-Cookie: a=b\r\n\r\n", 200, b"ok"),
    "no reason": (b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
    "its end for its length": (OK + b"\r\nok", 200, b"ok"),
}
ROWS = {**{n: a for n, (a, _) in ANSWERS.items()}, **{n: a for n, (a, _, _) in MEANT.items()}}
NAMES = list(ROWS)


def hostile(conn, backend):
    """/N is answered with row N, and then the connection stays, as far as the answer lets it; anything else with itself."""
    while True:
        m = conn.request()
        path = m.start.split()[1]
        if not path[1:].isdigit():
            conn.send(OK + b"Content-Length: %d\r\n\r\n" % len(path) + path.encode())
            continue
        name = NAMES[int(path[1:])]
        conn.send(ROWS[name])
        if name == "its end for its length":
            return


def over_h1(t, w, method, path):
    conn = t.connect(w.port).send(f"{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
    head = conn.head()
    while head.status < 200:
        assert head.status == 103, head
        head = conn.head()
    try:
        conn.body_of(head)
        return head.status
    except (Gone, OSError):
        return "broken"


def own(t, port, h2_client):
    """The next requests, of this client and of others, get their own answers."""
    for i in range(3):
        path = f"/own-{i}"
        assert t.ask(port, path=path).body == path.encode()
        assert h2_client.answer(h2_client.ask(path=path))["body"] == path.encode()


def test_an_answer_that_could_be_two_is_502_or_breaks_and_poisons_nobody(t):
    w = t.worker(t.backend(hostile), route=", timeouts: {answer_head: 700ms, idle: 700ms}")
    other = Client(t.connect(w.port))
    for name, (_, want) in ANSWERS.items():
        for ask in (over_h1, over_h2):
            got = ask(t, w, "GET", f"/{NAMES.index(name)}")
            assert got == want or (want == "broken" and got == 502), (name, ask.__name__, got)
        own(t, w.port, other)


def test_what_is_behind_an_answer_is_nobodys(t):
    w = t.worker(t.backend(hostile))
    other = Client(t.connect(w.port))
    for name, (_, status, body) in MEANT.items():
        for method in ("GET", "POST"):
            c = t.connect(w.port).send(f"{method} /{NAMES.index(name)} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            a = c.answer()
            assert (a.status, a.body) == (status, body) and a.get("x-poison") is None, (name, a)
            assert not a.trailers or all(n == "x" for n, _ in a.trailers), (name, a.trailers)
            a = c.send(b"GET /same HTTP/1.1\r\nHost: a\r\n\r\n").answer()
            assert a.body == b"/same", (name, a)
            a = other.answer(other.ask(method, f"/{NAMES.index(name)}"))
            assert a["ended"] and int(a["head"][":status"]) == status and a["body"] == body and not a["trailers"], (name, a)
        own(t, w.port, other)


def test_the_answer_to_head_has_no_body_whatever_the_pool_sends(t):
    def bodies(conn, backend):
        while True:
            m = conn.request()
            path = m.start.split()[1]
            if m.start.startswith("HEAD"):
                conn.send(OK + {"/sized": b"Content-Length: 6\r\n\r\nPOISON", "/chunked": CHUNKED + b"\r\n6\r\nPOISON\r\n0\r\n\r\n", "/none": b"\r\nPOISON"}[path] + POISON)
            else:
                conn.send(OK + b"Content-Length: %d\r\n\r\n" % len(path) + path.encode())

    w = t.worker(t.backend(bodies))
    other = Client(t.connect(w.port))
    for path in ("/sized", "/chunked", "/none"):
        c = t.connect(w.port).send(f"HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n")
        assert c.answer(bodyless=True).status == 200
        a = c.send(b"GET /same HTTP/1.1\r\nHost: a\r\n\r\n").answer()
        assert a.body == b"/same", (path, a)
        a = other.answer(other.ask("HEAD", path))
        assert a["ended"] and a["body"] == b"", (path, a)
        own(t, w.port, other)


# ── over HTTP/2 ──


def head(*fields, stream=1, ends=False, status="200"):
    return frame(HEADERS, END_HEADERS | (END_STREAM if ends else 0), stream, block([(":status", status), *fields]))


def data(bytes_, stream=1, ends=True):
    return frame(DATA, END_STREAM if ends else 0, stream, bytes_)


H2_ANSWERS = {
    "one that is well": (head() + data(b"ok"), 200),
    "eight hints and trailers": (head(status="103") * 8 + head(("content-length", "2")) + data(b"ok", ends=False) +
                                 frame(HEADERS, END_HEADERS | END_STREAM, 1, block([("x-sum", "1")])), 200),
    "a value with a line's end": (head(("x", "a\r\nContent-Length: 0\r\n\r\nPOISON")) + data(b"ok"), 502),
    "a value with a line feed": (head(("x", "a\nb: c")) + data(b"ok"), 502),
    "a value with a null": (head(("x", "a\0")) + data(b"ok"), 502),
    "a name with a line's end": (head(("x\r\ny", "z")) + data(b"ok"), 502),
    "a name with a colon": (head(("x:", "z")) + data(b"ok"), 502),
    "a coding": (head(("transfer-encoding", "chunked")) + data(b"0\r\n\r\n"), 502),
    "an upgrade": (head(("upgrade", "h2c")) + data(b"ok"), 502),
    "an underscore twin": (head(("content_length", "9"), ("content-length", "2")) + data(b"ok"), 502),
    "two statuses": (head((":status", "500")) + data(b"ok"), 502),
    "a status of two digits": (head(status="20") + data(b"ok"), 502),
    "a status with a letter": (head(status="2xx") + data(b"ok"), 502),
    "a body before its head": (data(b"ok"), 502),
    "a longer body than its length": (head(("content-length", "2")) + data(b"okay"), "broken"),
    "a shorter body than its length": (head(("content-length", "9")) + data(b"ok"), "broken"),
    "a length and nothing": (head(("content-length", "2"), ends=True), (502, "broken")),
    "two heads": (head() + head() + data(b"ok"), "broken"),
    "a pseudo field in trailers": (head() + data(b"ok", ends=False) + head(ends=True), "broken"),
    "101": (head(status="101") + head() + data(b"ok"), 502),
    "nine hints": (head(status="103") * 9 + head() + data(b"ok"), 502),
    "a hint that ends": (head(status="103", ends=True), 502),
    "a push": (frame(PUSH, END_HEADERS, 1, b"\0\0\0\2" + block(GET)), 502),
    "a table of its own": (frame(HEADERS, END_HEADERS, 1, b"\x3f\xe2\x1f" + block([(":status", "200")])) + data(b"ok"), 502),
    "a bomb of HPACK": (frame(HEADERS, END_HEADERS, 1, block([(":status", "200")]) + b"\x40\x01x\x7f\xa1\x1e" + b"v" * 4000 + b"\xbe" * 4000), 502),
    "continuations without end": (frame(HEADERS, 0, 1, block([(":status", "200")])) + frame(CONTINUATION, 0, 1, b"") * 100, 502),
    "a frame that is too long": (head() + frame(DATA, END_STREAM, 1, b"x" * 16385), ("broken", 502)),
    "more than its window": (head() + data(b"x" * 16384, ends=False) * 90, "broken"),
    "nothing but SETTINGS": (frame(SETTINGS, 0, 0, b"\0\4\0\0\xff\xff") * 20000, 502),
    "nothing but PING": (frame(PING, 0, 0, bytes(8)) * 20000, 502),
    "nothing but empty DATA": (head() + data(b"", ends=False) * 20000, "broken"),
    "a window that wraps": (frame(WINDOW, 0, 1, b"\x7f\xff\xff\xff"), 502),
    "a reset without error": (frame(RST, 0, 1, bytes(4)), 502),
    "a reset behind a part": (head() + data(b"ok", ends=False) + frame(RST, 0, 1, bytes(4)), "broken"),
}
H2_NAMES = list(H2_ANSWERS)


def hostile_h2(conn, backend):
    """The first stream of each connection is answered with a row, and is the last."""
    f = Frames(conn, begin=b"")
    assert conn.exactly(24).startswith(b"PRI")
    f.until(lambda: 1 in f.heads)
    f.send(H2_ANSWERS[H2_NAMES[int(f.heads[1][0][":path"][1:])]][0] + frame(GOAWAY, 0, 0, b"\0\0\0\1" + bytes(4))).rest()


def test_answers_over_http2_that_are_none_are_502_or_break(t):
    b = t.backend(hostile_h2)
    w = t.worker(b, pools=f'pools:\n  b: {{endpoints: ["{b.url}"], http: h2, eject: {{failures: 0}}}}\n', route=", timeouts: {answer_head: 2s, idle: 2s}")
    for i, name in enumerate(H2_NAMES):
        want = H2_ANSWERS[name][1]
        for ask in (over_h1, over_h2):
            got = ask(t, w, "POST", f"/{i}")
            assert got in (want if isinstance(want, tuple) else (want, 502) if want == "broken" else (want,)), (name, ask.__name__, got)
        assert b.connections == 2 * (i + 1), (name, "asked twice")
