# SPDX-License-Identifier: Apache-2.0
"""Streams of records between versions: each is translated by itself and delivered as soon as it is complete.

Nothing here measures: who sends the next record waits until the last one came out at the other end, so a record that waited for
anything behind it would never come.
"""
import queue
import subprocess
import zlib

from peers import WAIT_S, Gone, answering, message
from test_h2 import Client
from test_versions import MANIFEST, shop

API = """
api: shop
versions: {v1: {}, v2: {}}
detect: [{header: Api-Version}]
missing: v1
unknown: refuse
types:
  Order: {at: ["* /orders", object of event order.*], version_at: schema}
"""
MONEY = MANIFEST + """change: money
from: v1
to: v2
Order:
  map:
    customer: customer_id
    cents: {to: total, as: minor(2) <> decimal(2)}
  cases:
    - {newer: {kind: ghost}, hide: drop}
"""
EVENT = 'id: %d\nevent: order.paid\ndata: {"object":{"%s":%d}}\n\n'
# media type, a record as the pool writes it, as the client reads it
FRAMINGS = {
    "application/x-ndjson": (lambda i: '{"customer_id":%d}\n' % i, lambda i: '{"customer":%d}\n' % i),
    "application/json-seq": (lambda i: '\x1e{"customer_id":%d}\n' % i, lambda i: '\x1e{"customer":%d}\n' % i),
    "text/event-stream": (lambda i: EVENT % (i, "customer_id", i), lambda i: EVENT % (i, "customer", i)),
}


def records_shop(t, backend, **more):
    return shop(t, backend, text=API, changes=(MONEY,), **more)


def chunk(text):
    return f"{len(text):x}\r\n{text}\r\n".encode()


class Feed:
    """A backend that answers with a stream, a piece whenever it is told to; None ends it, `False` breaks it."""

    def __init__(self, t, media):
        self.pieces, self.media, self.backend = queue.Queue(), media, t.backend(self.serve)

    def serve(self, conn, backend):
        backend.requests.put(conn.request())
        conn.send(f"HTTP/1.1 200 OK\r\nContent-Type: {self.media}\r\nTransfer-Encoding: chunked\r\n\r\n")
        while (piece := self.pieces.get(timeout=WAIT_S)) is not None:
            conn.send(chunk(piece))
        conn.send(b"0\r\n\r\n")


def test_each_record_is_delivered_before_the_next_is_sent(t):
    for media, (sent, read) in FRAMINGS.items():
        feed = Feed(t, media)
        w = records_shop(t, feed.backend)
        c = t.connect(w.port).send(b"GET /orders HTTP/1.1\r\nHost: a\r\nApi-Version: v1\r\n\r\n")
        head = c.head()  # before there is any record
        assert head.status == 200 and head.get("content-type") == media and head.get("transfer-encoding") == "chunked", head
        for i in range(5):
            half = len(sent(i)) // 2
            feed.pieces.put(sent(i)[:half])
            feed.pieces.put(sent(i)[half:])
            c.until(read(i).encode())
        feed.pieces.put(None)
        c.until(b"0\r\n\r\n")


def test_each_record_is_delivered_at_once_over_h2(t):
    for media, (sent, read) in FRAMINGS.items():
        feed = Feed(t, media)
        w = records_shop(t, feed.backend)
        c = Client(t.connect(w.port))
        s = c.ask(path="/orders", fields=[("api-version", "v1")])
        c.until(lambda: c.streams[s]["head"])
        expected = ""
        for i in range(5):
            feed.pieces.put(sent(i))
            expected += read(i)
            c.until(lambda: c.streams[s]["body"] == expected.encode())
        feed.pieces.put(None)
        c.until(lambda: c.streams[s]["ended"])


def test_curl_prints_each_event_as_it_comes(t):
    for way in (["--http1.1"], ["--http2-prior-knowledge"]):
        feed = Feed(t, "text/event-stream")
        w = records_shop(t, feed.backend)
        with subprocess.Popen(["curl", "-sSN", "--fail", *way, "-H", "Api-Version: v1", f"http://127.0.0.1:{w.port}/orders"],
                              stdout=subprocess.PIPE) as curl:
            feed.pieces.put(": awake\n\n")
            assert curl.stdout.read(len(": awake\n\n")) == b": awake\n\n"
            for i in range(3):
                feed.pieces.put(EVENT % (i, "customer_id", i))
                expected = (EVENT % (i, "customer", i)).encode()
                assert curl.stdout.read(len(expected)) == expected
            feed.pieces.put(None)
            assert curl.stdout.read() == b""
        assert curl.returncode == 0


def test_each_record_of_a_coded_stream_is_delivered_before_the_next_is_sent(t):
    pieces, media = queue.Queue(), "application/x-ndjson"
    sent, read = FRAMINGS[media]

    def serve(conn, backend):
        conn.request()
        conn.send(f"HTTP/1.1 200 OK\r\nContent-Type: {media}\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")
        coder = zlib.compressobj(wbits=31)
        while (piece := pieces.get(timeout=WAIT_S)) is not None:
            coded = coder.compress(piece.encode()) + coder.flush(zlib.Z_SYNC_FLUSH)
            conn.send(b"%x\r\n%s\r\n" % (len(coded), coded))
        coded = coder.flush()
        conn.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(coded), coded))

    w = records_shop(t, t.backend(serve))
    c = t.connect(w.port).send(b"GET /orders HTTP/1.1\r\nHost: a\r\nApi-Version: v1\r\nAccept-Encoding: gzip\r\n\r\n")
    assert c.head().get("content-encoding") == "gzip"
    decoder, plain, chunks = zlib.decompressobj(wbits=31), b"", c.chunks()
    for i in range(4):
        pieces.put(sent(i))
        expected = plain + read(i).encode()
        while plain != expected:
            plain += decoder.decompress(next(chunks))
    pieces.put(None)
    assert plain + b"".join(map(decoder.decompress, chunks)) == expected and decoder.eof


def test_a_line_that_is_uploaded_reaches_the_pool_before_the_next(t):
    came = queue.Queue()

    def collect(conn, backend):
        backend.requests.put(conn.head())
        for part in conn.chunks():
            came.put(part)
        conn.send(message(body=b"{}"))

    b = t.backend(collect)
    w = records_shop(t, b)
    c = t.connect(w.port).send(b"POST /orders HTTP/1.1\r\nHost: a\r\nApi-Version: v1\r\nContent-Type: application/x-ndjson\r\n"
                               b"Transfer-Encoding: chunked\r\n\r\n")
    for i in range(4):
        c.send(chunk('{"cents":%d}\n' % (100 + i)))
        assert came.get(timeout=WAIT_S) == b'{"total":"1.0%d"}\n' % i
    c.send(b"0\r\n\r\n")
    assert c.answer().status == 200 and came.empty()
    assert b.seen().get("transfer-encoding") == "chunked"


def test_a_bad_record_ends_an_answer_visibly_behind_the_good_ones(t):
    for media, (sent, read) in FRAMINGS.items():
        feed = Feed(t, media)
        w = records_shop(t, feed.backend)
        c = t.connect(w.port).send(b"GET /orders HTTP/1.1\r\nHost: a\r\nApi-Version: v1\r\n\r\n")
        assert c.head().status == 200
        feed.pieces.put(sent(1) + sent(7).replace("{", "{{") + sent(2))
        c.until(read(1).encode())
        try:
            rest = c.rest()
        except Gone:
            rest = b""
        assert b"0\r\n\r\n" not in rest and b"customer" not in rest, rest
        feed.pieces.put(None)
        assert w.says("answer_untranslatable")


def test_a_bad_record_resets_a_stream_of_h2_behind_the_good_ones(t):
    for media, (sent, read) in FRAMINGS.items():
        feed = Feed(t, media)
        c = Client(t.connect(records_shop(t, feed.backend).port))
        s = c.ask(path="/orders", fields=[("api-version", "v1")])
        feed.pieces.put(sent(1) + sent(7).replace("{", "{{") + sent(2))
        c.until(lambda: c.streams[s]["reset"] is not None)
        assert c.streams[s]["body"] == read(1).encode() and not c.streams[s]["ended"]
        feed.pieces.put(None)


def test_a_bad_record_in_a_request_is_a_400_that_says_which(t):
    def collect(conn, backend):
        try:
            conn.request()
            backend.requests.put("a whole request")
        except Gone:
            backend.requests.put("torn")

    b = t.backend(collect)
    w = records_shop(t, b)
    c = t.connect(w.port).send(b"POST /orders HTTP/1.1\r\nHost: a\r\nApi-Version: v1\r\nContent-Type: application/x-ndjson\r\n"
                               b"Transfer-Encoding: chunked\r\n\r\n")
    c.send(chunk('{"cents":1}\n')).send(chunk('{"cents":"x"}\n'))
    a = c.answer()
    assert a.status == 422 and a.json()["detail"].startswith("record 2: ") and a.json()["pointer"] == "/cents", a.body
    assert b.seen() == "torn"


def test_a_replayed_record_is_read_in_the_version_it_says(t):
    b = t.backend(answering(message(body=b"{}")))
    w = records_shop(t, b)
    lines = b'{"schema":"v1","cents":100}\n{"schema":"v2","total":"2.00"}\n{"total":"3.00"}\n'
    a = t.ask(w.port, "POST", "/orders", lines, Api_Version="v2", Content_Type="application/x-ndjson")
    assert a.status == 200, a
    assert b.seen().body == b'{"schema":"v2","total":"1.00"}\n{"schema":"v2","total":"2.00"}\n{"total":"3.00"}\n'
    a = t.ask(w.port, "POST", "/orders", b'{"schema":"v7"}\n', Api_Version="v2", Content_Type="application/x-ndjson")
    assert a.status == 400 and "record 1" in a.json()["detail"], a


def test_a_hidden_record_goes_and_the_stream_goes_on(t):
    b = t.backend(answering(message(body=b'{"kind":"ghost"}\n{"customer_id":1}\n', media="application/x-ndjson")))
    w = records_shop(t, b)
    assert t.ask(w.port, path="/orders", Api_Version="v1").body == b'{"customer":1}\n'
    assert w.line(path="/orders")["notices"] == 1


def test_a_record_larger_than_may_be_held_breaks_the_stream(t):
    b = t.backend(answering(message(body=b'{"customer_id":1}\n{"a":"' + b"x" * 70000 + b'"}\n', media="application/x-ndjson")))
    w = records_shop(t, b, limits="held_answer: 65536")
    c = t.connect(w.port).send(b"GET /orders HTTP/1.1\r\nHost: a\r\nApi-Version: v1\r\n\r\n")
    assert c.head().status == 200
    c.until(b'{"customer":1}\n')
    assert c.is_closed()


def test_a_stream_of_many_records_is_more_than_may_be_held_at_once(t):
    n = 20000
    b = t.backend(answering(message(body=b"".join(b'{"customer_id":%d}\n' % i for i in range(n)), media="application/x-ndjson")))
    w = records_shop(t, b, limits="held_answer: 4096")
    assert t.ask(w.port, path="/orders", Api_Version="v1").body == b"".join(b'{"customer":%d}\n' % i for i in range(n))
