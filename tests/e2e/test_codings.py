# SPDX-License-Identifier: Apache-2.0
"""Content codings around a translated body: taken off, put on again, asked for only where they can be; bombs are stopped."""
import gzip
import json
import zlib

from codings import NAMES, brotli, decode, encode, zstd
from peers import answering, message
from test_h2 import Client
from test_versions import NEW, OLD, shop


def big(n):
    """An order with much in it that no change touches."""
    return json.dumps({**json.loads(OLD), "more": ["abcdefghij" * 10 + str(i) for i in range(n)]}).encode()


def echo(coding=None):
    def script(conn, backend):
        while True:
            m = conn.request()
            backend.requests.put(m)
            name = coding or m.get("content-encoding")
            conn.send(message(body=m.body if not coding else encode(coding, NEW), **({"Content_Encoding": name} if name else {}), ETag='"e"',
                              Vary="Accept-Encoding"))
    return script


def test_a_coded_body_is_translated_both_ways(t):
    b = t.backend(echo())
    w = shop(t, b)
    for name in NAMES:
        a = t.ask(w.port, "PUT", "/orders/1", body=encode(name, OLD), Api_Version="v1", Content_Encoding=name)
        r = b.seen()
        assert r.get("content-encoding") == name and decode(name, r.body) == NEW, (name, r)
        assert r.get("content-length") == str(len(r.body)), name
        assert a.status == 200 and a.get("content-encoding") == name and decode(name, a.body) == OLD, (name, a.status, a.body)
        assert a.get("etag").startswith('"e;v1.') and a.get("content-length") == str(len(a.body)), (name, a.fields)
        assert "Accept-Encoding" in a.get("vary") and "Api-Version" in a.get("vary"), a.fields
        c = Client(t.connect(w.port))
        s = c.ask("PUT", "/orders/1", fields=[("api-version", "v1"), ("content-encoding", name)], ends=False)
        c.send(s, encode(name, OLD), ends=True)
        a = c.answer(s)
        assert decode(name, a["body"]) == OLD and decode(name, b.seen().body) == NEW, name


def test_large_coded_bodies_stream_at_any_cut(t):
    b = t.backend(echo())
    w = shop(t, b)
    body = big(3000)
    for name in NAMES:
        coded = encode(name, body)
        conn = t.connect(w.port)
        conn.send(f"PUT /orders/1 HTTP/1.1\r\nHost: a\r\nApi-Version: v2\r\nContent-Encoding: {name}\r\nTransfer-Encoding: chunked\r\n\r\n")
        for i in range(0, len(coded), 997):
            conn.send(b"%x\r\n%b\r\n" % (len(coded[i:i + 997]), coded[i:i + 997]))
        a = conn.send(b"0\r\n\r\n").answer()
        assert a.body == coded and b.seen().body == coded, "same version: the very bytes"
    w = shop(t, t.backend(echo()))
    for name in NAMES:
        a = t.ask(w.port, "PUT", "/orders/1", body=encode(name, big(5000)), Api_Version="v1", Content_Encoding=name)
        assert a.status == 200, (name, a.status, a.body[:300])
        assert json.loads(decode(name, a.body))["more"][4999].endswith("4999"), name


def test_only_what_can_be_taken_off_is_asked_for(t):
    b = t.backend(answering(message(body=NEW)))
    w = shop(t, b)
    for said, asked in ((None, "identity"), ("gzip", "gzip"), ("compress, gzip;q=0.5, br, zstd;q=0.1, sdch", "gzip;q=0.5, br, zstd;q=0.1"),
                        ("*", "identity"), ("gzip, *;q=0", "gzip, *;q=0"), ("*;q=0.5, x-gzip", "x-gzip"), ("identity;q=0", "identity;q=0"),
                        ("bzip2", "identity"), ("", "identity")):
        fields = {} if said is None else {"Accept_Encoding": said}
        assert t.ask(w.port, path="/orders/1", Api_Version="v1", **fields).status == 200
        assert b.seen().get("accept-encoding") == asked, said
        t.ask(w.port, path="/orders/1", Api_Version="v2", **fields)
        assert b.seen().get("accept-encoding") == said, "untouched where nothing is translated"


def test_what_is_not_in_its_coding_is_refused(t):
    b = t.backend(echo())
    w = shop(t, b)
    for name in NAMES:
        coded = encode(name, OLD)
        for body in (b"", b"{}", coded[:-1], coded[:len(coded) // 2], coded + b"x", b"\xff" * 40, OLD):
            a = t.ask(w.port, "PUT", "/orders/1", body=body, Api_Version="v1", Content_Encoding=name)
            assert a.status == 400 and b.requests.empty(), (name, body, a.status, a.body)
    for name in ("compress", "gzip, br", "gzip, gzip", "xz"):
        assert t.ask(w.port, "PUT", "/orders/1", body=OLD, Api_Version="v1", Content_Encoding=name).status == 415, name
    for name in NAMES:
        for body in (b"{}", encode(name, NEW)[:-1], encode(name, NEW) + b"x"):
            w = shop(t, t.backend(answering(message(body=body, Content_Encoding=name))))
            a = t.ask(w.port, path="/orders/1", Api_Version="v1")
            assert a.status == 502 and a.get("content-encoding") is None, (name, a.status)


def test_members_follow_each_other_and_raw_deflate_is_read(t):
    b = t.backend(echo())
    w = shop(t, b)
    half = len(OLD) // 2
    raw = zlib.compressobj(wbits=-15)
    for name, body in (("gzip", gzip.compress(OLD[:half]) + gzip.compress(OLD[half:])), ("zstd", zstd(OLD[:half]) + zstd(OLD[half:])),
                       ("x-gzip", gzip.compress(OLD)), ("deflate", raw.compress(OLD) + raw.flush()), ("GZip", gzip.compress(OLD))):
        a = t.ask(w.port, "PUT", "/orders/1", body=body, Api_Version="v1", Content_Encoding=name)
        assert a.status == 200 and decode({"x-gzip": "gzip", "GZip": "gzip"}.get(name, name), b.seen().body) == NEW, (name, a.body)


def padded(plain, size):
    """gzip of `plain` that is exactly `size` bytes: a comment fills it up."""
    z = zlib.compressobj(9, zlib.DEFLATED, -15)
    deflated = z.compress(plain) + z.flush()
    room = size - len(deflated) - 18 - 1
    assert room >= 0, room
    return (b"\x1f\x8b\x08\x10\0\0\0\0\0\xff" + b"c" * room + b"\0" + deflated + zlib.crc32(plain).to_bytes(4, "little") +
            len(plain).to_bytes(4, "little"))


def test_a_bomb_is_stopped_at_its_ratio_and_not_one_under_it(t):
    b = t.backend(echo())
    w = shop(t, b, limits="inflated_ratio: 20")
    for over in (0, 1):
        plain = b'{"x":"' + b"y" * (20 * 2000 + 65536 + over - 8) + b'"}'
        a = t.ask(w.port, "PUT", "/orders/1", body=padded(plain, 2000), Api_Version="v1", Content_Encoding="gzip")
        assert a.status == (413 if over else 200), (over, a.status, a.body[:300])
        assert not over or (b"inflates" in a.body and w.says("limit_reached limit=inflated_ratio")), a.body
    assert b.seen() and b.requests.empty()


def test_so_is_one_of_the_pool(t):
    for over in (0, 1):
        plain = b'{"x":"' + b"y" * (20 * 2000 + 65536 + over - 8) + b'"}'
        w = shop(t, t.backend(answering(message(body=padded(plain, 2000), Content_Encoding="gzip"))), limits="inflated_answer_ratio: 20")
        a = t.ask(w.port, path="/orders/1", Api_Version="v1", Accept_Encoding="gzip")
        assert a.status == (502 if over else 200), (over, a.status, a.body[:300])
        assert not over or w.says("limit_reached limit=inflated_answer_ratio")


def test_what_may_be_held_counts_inflated(t):
    b = t.backend(echo())
    w = shop(t, b, limits="held_request: 100KiB, held_answer: 100KiB, inflated_ratio: 10000")
    for name in NAMES:
        plain = b'{"x":"' + b"y" * 150_000 + b'"}'
        a = t.ask(w.port, "PUT", "/orders/1", body=encode(name, plain), Api_Version="v1", Content_Encoding=name)
        assert a.status == 413 and b.requests.empty(), (name, a.status)
    w = shop(t, t.backend(answering(message(body=gzip.compress(plain), Content_Encoding="gzip"))), limits="held_answer: 100KiB, inflated_ratio: 10000")
    assert t.ask(w.port, path="/orders/1", Api_Version="v1").status == 502


def test_a_window_that_is_too_large_is_refused(t):
    b = t.backend(echo())
    w = shop(t, b)
    # RFC 8878 §3.1.1.1.2: a frame that declares a window of 1 GiB, and an empty last block.
    huge = b"\x28\xb5\x2f\xfd\x00" + bytes([20 << 3]) + b"\x01\x00\x00"
    a = t.ask(w.port, "PUT", "/orders/1", body=huge, Api_Version="v1", Content_Encoding="zstd")
    assert a.status == 413, (a.status, a.body)
    assert t.ask(w.port, "PUT", "/orders/1", body=brotli(OLD), Api_Version="v1", Content_Encoding="br").status == 200
