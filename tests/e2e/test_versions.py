# SPDX-License-Identifier: Apache-2.0
"""A client at one version and a pool at another, through one worker: LANGUAGE.md, Failure, and HTTP around a translated body."""
import base64
import gzip
import random
import socket
import threading

from peers import WAIT_S, Gone, answering, message
from test_faults import rss

API = """
api: shop
versions:
  v0: {date: 2020-01-01, deprecated: 2021-01-01, sunset: 2022-01-01, link: "https://dev.example/v0"}
  v1: {date: 2024-01-15, deprecated: 2025-06-01, sunset: 2999-12-31, link: "https://dev.example/v1"}
  v2: {date: 2025-03-01}
detect:
  - header: Api-Version
  - query: api_version
  - body
missing: v1
unknown: refuse
echo: Api-Version
types:
  Order:
    at: ["* /orders/{id}", POST /orders, "data/* of GET /orders"]
    marker: schema
  Line: {at: "lines/* of Order"}
"""
MANIFEST = "manifest: {title: x, owner: y, guarantee: none}\n"
NOTHING = MANIFEST + "change: nothing\nfrom: v0\nto: v1\nOrder:\n  map:\n    a: b\n"
MONEY = MANIFEST + """change: money
from: v1
to: v2
Line:
  map: {sku: article}
Order:
  map:
    customer: customer_id
    cents: {to: total, as: minor(2) <> decimal(2)}
    note: {to: notes, as: one <> list, rest: lose}
    line: {to: lines, as: one <> list, rest: lose}         # objects of a type among them: no program of the machine has it, the document is held
    state: {enum: {open: pending, paid: done}, other: fail}
http:
  GET /orders: {map: {query/cust: query/customer}}
"""
PATHS = """
api: shop
versions: {v1: {}, v2: {}}
detect: [{path: "/apis/{version}/"}]
missing: refuse
types:
  Order: {at: ["* /apis/{version}/orders/{id}"]}
  Line: {at: "lines/* of Order"}
"""
OLD = b'{"customer":"c","cents":1299,"state":"open","keep":1.0}'
NEW = b'{"customer_id":"c","total":"12.99","state":"pending","keep":1.0}'


def api(t, text=API, *changes):
    t.write("shop/api.yaml", text)
    for i, change in enumerate(changes or (NOTHING, MONEY)):
        t.write(f"shop/changes/{i}.yaml", change)
    return f"apis: {{shop: {t.folder}/shop/api.yaml}}\n"


def shop(t, backend, *, text=API, changes=(), version="v2", more="", limits="", canary=None, weight="100%", route="", tls=False, env=(),
         pool=""):
    pools = f'pools:\n  blue: {{api: shop, version: {version}, endpoints: ["{backend.url}"]{pool}}}\n'
    extra = ""
    if canary:
        pools += f'  green: {{api: shop, version: v2, endpoints: ["{canary if isinstance(canary, str) else canary.url}"]}}\n'
        extra = f', subject: ["header:X-Account"], canary: {{pool: green, weight: {weight}, salt: s}}'
    routes = f'routes:\n  - {{name: orders, match: {{path: "/**"}}, api: shop, pool: blue{extra}{route}}}\n'
    return t.worker(backend, apis=api(t, text, *changes), pools=pools, routes=routes, more=more, limits=limits, tls=tls, env=env)


def test_a_request_goes_up_and_its_answer_comes_down(t):
    b = t.backend(answering(message(body=NEW)))
    w = shop(t, b)
    a = t.ask(w.port, method="PUT", path="/orders/1", body=OLD, Api_Version="v1", Accept_Encoding="gzip, br")
    assert a.status == 200 and a.body == OLD, a.body
    assert a.get("content-length") == str(len(a.body))
    r = b.seen()
    assert r.body == NEW and r.get("content-length") == str(len(NEW)), r
    assert r.get("api-version") == "v2" and r.get("accept-encoding") == "gzip, br", r
    assert a.get("api-version") == "v1" and "Api-Version" in a.get("vary"), a
    assert a.get("deprecation") == "@1748736000" and a.get("sunset").endswith("2999 00:00:00 GMT"), a
    assert "https://dev.example/v1" in a.get("link"), a
    line = w.line(path="/orders/1")
    assert (line["version_from"], line["version_source"], line["version_to"]) == ("v1", "header", "v2"), line
    assert line["translation_us"] > 0


def test_the_same_version_passes_byte_for_byte(t):
    strange = b'{ "customer_id" :"c", "total": "1" , "total": "2", "x":1e400 }'
    b = t.backend(answering(message(body=strange, Accept_Ranges="bytes", Digest="x")))
    w = shop(t, b)
    a = t.ask(w.port, method="PUT", path="/orders/1", body=strange, Api_Version="v2", Accept_Encoding="gzip", Range="bytes=0-1")
    assert a.body == strange and a.get("accept-ranges") == "bytes" and a.get("digest") == "x", a
    r = b.seen()
    assert r.body == strange and r.get("accept-encoding") == "gzip" and r.get("range") == "bytes=0-1", r
    assert a.get("deprecation") is None and a.get("api-version") == "v2"


def test_chunked_bodies_are_translated_at_any_cut(t):
    def chunked(conn, backend):
        while True:
            backend.requests.put(conn.request())
            conn.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
            for byte in NEW:
                conn.send(b"1\r\n" + bytes([byte]) + b"\r\n")
            conn.send(b"0\r\n\r\n")

    b = t.backend(chunked)
    w = shop(t, b)
    c = t.connect(w.port).send(b"POST /orders HTTP/1.1\r\nHost: a\r\nApi-Version: v1\r\nTransfer-Encoding: chunked\r\n\r\n")
    for byte in OLD:
        c.send(b"1\r\n" + bytes([byte]) + b"\r\n")
    assert c.send(b"0\r\n\r\n").answer().body == OLD
    assert b.seen().body == NEW


def test_the_version_is_found_assumed_or_refused(t):
    b = t.backend(answering(message(body=NEW)))
    w = shop(t, b)
    assert t.ask(w.port, path="/orders/1").get("api-version") == "v1", "missing: v1"
    assert t.ask(w.port, path="/orders/1?api_version=v2").get("api-version") == "v2"
    assert t.ask(w.port, path="/orders/1", Api_Version="2025-12-24").get("api-version") == "v2"
    a = t.ask(w.port, path="/orders/1", Api_Version="v9")
    assert a.status == 400 and a.json()["versions"] == ["v0", "v1", "v2"], a.body
    assert a.get("content-type") == "application/problem+json" and "v9" in a.json()["detail"]
    a = t.ask(w.port, path="/orders/1", Api_Version="v0")
    assert a.status == 410 and "https://dev.example/v0" in a.get("link"), a
    for _ in range(3):
        b.seen()
    assert b.requests.empty(), "what was refused was not forwarded"


def test_a_body_is_held_until_its_marker_tells_the_version(t):
    b = t.backend(answering(message(body=b'{"schema":"v2",' + NEW[1:])))
    w = shop(t, b)
    document = b'{"schema":"v1",' + OLD[1:]
    c = t.connect(w.port).send(b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(document) + document[:8])
    c.send(document[8:])
    a = c.answer()
    assert a.body == document and a.get("api-version") == "v1", a
    assert b.seen().body == b'{"schema":"v2",' + NEW[1:]
    assert w.line(path="/orders")["version_source"] == "body"


def test_a_body_is_searched_in_what_memory_one_piece_takes(t):
    w = shop(t, t.backend(answering(message(body=NEW))))
    text = b'{"x":"' + base64.b64encode(random.Random(1).randbytes(9000)) + b'","schema":"v1"}'
    for body, coding in ((text, b""), (gzip.compress(text), b"Content-Encoding: gzip\r\n")):
        c = t.connect(w.port).send(b"POST /orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n%s\r\n" % coding)
        before = rss(w.pid)
        assert c.send(b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n").answer().get("api-version") == "v1"
        assert rss(w.pid) - before < 32 * 1024 * 1024, coding


def test_a_marker_that_does_not_come_is_a_400(t):
    b = t.backend(answering(message(body=NEW)))
    w = shop(t, b, limits="detect_bytes: 256")
    late = b'","schema":"v1"}'
    for n, status in ((256 - len(late), 200), (500, 400)):
        a = t.ask(w.port, method="POST", path="/orders", body=b'{"x":"'.ljust(n, b"y") + late)
        assert a.status == status, (n, a)
    w.says("limit_reached limit=detect_bytes")
    assert b.seen() and b.requests.empty()
    a = t.ask(w.port, method="POST", path="/orders", body=b'{"schema":"v7"}')
    assert a.status == 400 and a.json()["versions"] == ["v0", "v1", "v2"], a.body


def test_a_request_that_cannot_be_translated_never_reaches_the_pool(t):
    b = t.backend(answering(message(body=NEW)))
    w = shop(t, b, limits="held_request: 4096")
    for body, status in (
        (b'{"customer":', 400), (b'{"customer":"c"} x', 400), (b"not json", 400), (b'{"customer":"a","customer":"b"}', 400),
        (b'{"cents":NaN}', 400), (b"[" * 200 + b"]" * 200, 400), (b'{"customer":"\xff"}', 400),
        (b'{"x":"' + b"y" * 5000 + b'"}', 413), (b'{"state":"gone"}', 422), (b'{"cents":12.345}', 422), (b'{"customer_id":"occupied"}', 422),
    ):
        a = t.ask(w.port, method="PUT", path="/orders/1", body=body, Api_Version="v1")
        assert a.status in (status, 400 if status == 422 else status), (body[:40], a)
        assert a.get("content-type") == "application/problem+json" and a.get("api-version") == "v1", a
        if status == 422:
            p = a.json()
            assert p["change"] == "money" and p["line"] > 0 and p["from"] == "v1" and p["to"] == "v2", p
            assert p["pointer"].startswith("/"), p
    assert b.connections == 0


def test_a_torn_request_never_reaches_the_pool(t):
    b = t.backend(answering(message(body=NEW)))
    w = shop(t, b)
    c = t.connect(w.port).send(b"PUT /orders/1 HTTP/1.1\r\nHost: a\r\nApi-Version: v1\r\nContent-Length: 100\r\n\r\n" + OLD)
    c.close()
    assert w.line(path="/orders/1")["status"] == 0 and b.connections == 0


def test_an_answer_that_cannot_be_translated_is_a_502_that_tells_nothing_of_it(t):
    b = t.backend(answering(message(body=b'{"customer_id":"c","total":"secret"}')))
    w = shop(t, b)
    a = t.ask(w.port, path="/orders/1", Api_Version="v1")
    assert a.status == 502 and a.json()["type"] == "urn:stile:problem:answer-untranslatable", a
    assert a.json()["change"] == "money" and b"secret" not in a.body and "pointer" not in a.json(), a.body
    b.script = answering(message(body=b"<html>", media="application/json"))
    w = shop(t, t.backend(b.script))
    assert t.ask(w.port, path="/orders/1", Api_Version="v1").status == 502


def test_a_backend_that_dies_in_the_middle_of_a_translated_answer_is_a_502(t):
    for script in (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + NEW,
                   b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n"):
        w = shop(t, t.backend(answering(script, keep=False)))
        a = t.ask(w.port, path="/orders/1", Api_Version="v1")
        assert a.status == 502 and a.get("content-type") == "application/problem+json", a


def test_coded_bodies_are_not_passed_untranslated(t):
    b = t.backend(answering(message(body=b"\x1f\x8b...", Content_Encoding="compress")))
    w = shop(t, b)
    a = t.ask(w.port, method="PUT", path="/orders/1", body=b"\x1f\x8b", Api_Version="v1", Content_Encoding="compress")
    assert a.status == 415 and b.connections == 0, a
    assert t.ask(w.port, path="/orders/1", Api_Version="v1").status == 502
    assert t.ask(w.port, path="/orders/1", Api_Version="v2").body == b"\x1f\x8b...", "same version: it passes"


def test_what_is_not_json_passes(t):
    b = t.backend(answering(message(body=b"pdf", media="application/pdf")))
    w = shop(t, b)
    a = t.ask(w.port, method="PUT", path="/orders/1", body=b"text", Api_Version="v1", Content_Type="text/plain")
    assert a.status == 200 and a.body == b"pdf" and b.seen().body == b"text", a


def test_ranges_and_digests_are_not_offered_for_another_version(t):
    b = t.backend(answering(message(body=NEW, Accept_Ranges="bytes", Digest="sha-256=x", Content_Digest="y")))
    w = shop(t, b)
    a = t.ask(w.port, path="/orders/1", Api_Version="v1", Range="bytes=0-3", If_Range='"x"')
    assert a.body == OLD and a.get("accept-ranges") is None and a.get("digest") is None and a.get("content-digest") is None, a
    r = b.seen()
    assert r.get("range") is None and r.get("if-range") is None, r


def test_an_entity_tag_names_the_version_and_is_taken_apart_again(t):
    def tagged(conn, backend):
        while True:
            m = conn.request()
            backend.requests.put(m)
            if m.get("if-none-match") == '"e1"':
                conn.send(b'HTTP/1.1 304 Not Modified\r\nETag: "e1"\r\n\r\n')
            else:
                conn.send(message(body=NEW, ETag='"e1"'))

    b = t.backend(tagged)
    w = shop(t, b)
    tag = t.ask(w.port, path="/orders/1", Api_Version="v1").get("etag")
    assert tag.startswith('"e1;v1.') and tag.endswith('"'), tag
    a = t.ask(w.port, path="/orders/1", Api_Version="v1", If_None_Match=f'"zz", {tag}')
    b.seen()
    assert b.seen().get("if-none-match") == '"e1"', "zz is of no body that this version was told"
    a = t.ask(w.port, path="/orders/1", Api_Version="v1", If_None_Match=tag)
    assert a.status == 304 and a.get("etag") == tag, a
    other = tag.replace("v1.", "v1.0")
    a = t.ask(w.port, path="/orders/1", Api_Version="v1", If_None_Match=other)
    assert a.status == 200 and a.body == OLD, "a tag of another program is not ours to take apart"
    for _ in range(2):
        b.seen()
    a = t.ask(w.port, path="/orders/1", Api_Version="v1", If_None_Match='"e1"', If_Modified_Since="Mon, 01 Jun 2026 00:00:00 GMT")
    assert a.status == 200 and a.body == OLD, "what was stored under the pool's own tag is a body of another version"
    r = b.seen()
    assert r.get("if-none-match") is None and r.get("if-modified-since") is None, "the date must not answer what the tag did not"
    assert t.ask(w.port, path="/orders/1", Api_Version="v2", If_None_Match='"e1"').status == 304 and b.seen().get("if-none-match") == '"e1"'
    t.ask(w.port, path="/orders/1", Api_Version="v1", If_None_Match=f"W/{tag}, *")
    assert b.seen().get("if-none-match") == 'W/"e1", *'
    t.ask(w.port, "PUT", "/orders/1", OLD, Api_Version="v1", If_None_Match='"e1"', If_Match='"e2"')
    r = b.seen()
    assert (r.get("if-none-match"), r.get("if-match")) == ('"e1"', '"e2"'), "a write is not let through by what it does not say"


def test_head_of_another_version_has_no_length_of_the_backends_form(t):
    digests = ("Digest", "Content-Digest", "Repr-Digest", "Content-MD5")
    b = t.backend(answering(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 64\r\n"
                            + b"".join(f"{name}: sha-256=:AAAA:\r\n".encode() for name in digests) + b"\r\n"))
    w = shop(t, b)
    a = t.ask(w.port, method="HEAD", path="/orders/1", Api_Version="v1")
    assert a.status == 200 and a.get("content-length") is None, a
    assert not any(a.get(name) for name in digests), "what GET would not have"
    assert all(t.ask(w.port, method="HEAD", path="/orders/1", Api_Version="v2").get(name) for name in digests), "of the same version it is true"


def test_a_preflight_has_no_version(t):
    b = t.backend(answering(b"HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: *\r\n\r\n"))
    w = shop(t, b)
    a = t.ask(w.port, method="OPTIONS", path="/orders/1", Origin="https://x.example", Access_Control_Request_Method="PUT", Api_Version="v9")
    assert a.status == 204 and a.get("api-version") is None and a.get("access-control-allow-origin") == "*", a
    assert b.seen().get("api-version") == "v9", "untouched"


def test_queries_are_mapped_and_lists_translated_each_by_each(t):
    b = t.backend(answering(message(body=b'{"data":[' + NEW + b"," + NEW + b"]}")))
    w = shop(t, b)
    a = t.ask(w.port, path="/orders?cust=7&x=%20&api_version=v1")
    assert a.body == b'{"data":[' + OLD + b"," + OLD + b"]}", a.body
    assert b.seen().start == "GET /orders?customer=7&x=%20&api_version=v2 HTTP/1.1"


def test_a_version_in_the_path_is_rewritten_there_and_in_locations(t):
    def made(conn, backend):
        m = conn.request()
        backend.requests.put(m)
        conn.send(message(201, NEW, Location="/apis/v2/orders/1", Content_Location="http://a.example/apis/v2/orders/1", X="/apis/v2/"))

    b = t.backend(made)
    w = shop(t, b, text=PATHS, changes=(MONEY.split("http:")[0],))
    a = t.ask(w.port, method="PUT", path="/apis/v1/orders/1", body=OLD)
    assert a.status == 201 and a.body == OLD and a.get("location") == "/apis/v1/orders/1", a
    assert a.get("content-location") == "http://a.example/apis/v1/orders/1" and a.get("x") == "/apis/v2/", a
    assert b.seen().start == "PUT /apis/v2/orders/1 HTTP/1.1"


def test_the_canary_gets_its_share_and_its_version(t):
    blue, green = t.backend(answering(message(body=OLD))), t.backend(answering(message(body=NEW)))
    w = shop(t, blue, version="v1", canary=green)
    a = t.ask(w.port, path="/orders/1", Api_Version="v1", X_Account="42")
    assert a.body == OLD and green.seen().get("api-version") == "v2"
    assert t.ask(w.port, path="/orders/1", Api_Version="v1").body == OLD, "no subject: the baseline"
    assert blue.seen().get("api-version") == "v1"
    arms = [w.line(arm="canary"), w.line(arm="no_subject")]
    assert arms[0]["pool"] == "green" and arms[0]["bucket"] < 10 ** 6 and arms[0]["weight_ppm"] == 10 ** 6, arms


def test_a_weight_of_nothing_is_nobody(t):
    blue, green = t.backend(answering(message(body=OLD))), t.backend(answering(message(body=NEW)))
    w = shop(t, blue, version="v1", canary=green, weight="0")
    for i in range(50):
        t.ask(w.port, path="/orders/1", Api_Version="v1", X_Account=i)
    assert green.connections == 0


def test_a_canary_that_is_down_falls_back_and_says_so(t):
    blue = t.backend(answering(message(body=OLD)))
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))
        w = shop(t, blue, version="v1", canary=f"http://127.0.0.1:{dead.getsockname()[1]}")
        for _ in range(4):
            assert t.ask(w.port, path="/orders/1", Api_Version="v1", X_Account="42").body == OLD
            assert blue.seen().get("api-version") == "v1"
        assert w.line(arm="fallback")["pool"] == "blue"
        assert t.ask(w.port, method="PUT", path="/orders/1", body=OLD, Api_Version="v1", X_Account="42").status == 200


def dead_canary(t, dead, blue, **more):
    """A worker that has not yet met the dead pool that every subject is sent to first."""
    dead.bind(("127.0.0.1", 0))
    return shop(t, blue, version="v1", canary=f"http://127.0.0.1:{dead.getsockname()[1]}", **more)


def test_a_body_that_the_dead_canary_did_not_see_goes_to_the_baseline(t):
    blue = t.backend(answering(message(body=OLD)))
    head = "PUT /orders/1 HTTP/1.1\r\nHost: a\r\nX-Account: 42\r\nContent-Type: application/json\r\n"
    sized = b"Content-Length: %d\r\n\r\n"
    # The client at the baseline's version (translated for the canary alone), and at the canary's (for the baseline alone).
    for version, body in (("v1", OLD), ("v2", NEW)):
        for way in ("whole", "parts", "chunked", "expects"):
            with socket.socket() as dead:
                w = dead_canary(t, dead, blue)
                c = t.connect(w.port).send(head + f"Api-Version: {version}\r\n")
                if way == "chunked":
                    c.send(b"Transfer-Encoding: chunked\r\n\r\n5\r\n" + body[:5] + b"\r\n%x\r\n" % len(body[5:]) + body[5:] + b"\r\n0\r\n\r\n")
                elif way == "expects":
                    c.send(b"Expect: 100-continue\r\n" + sized % len(body))
                    assert c.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
                    c.send(body)
                else:
                    c.send(sized % len(body) + (body if way == "whole" else body[:7]))
                    c.send(body[7:] if way == "parts" else b"")
                a = c.answer()
                assert (a.status, a.body) == (200, body), (version, way, a)
                r = blue.seen()
                assert r.body == OLD and r.get("api-version") == "v1", (version, way, r.body)
                line = w.line(arm="fallback")
                assert line["pool"] == "blue" and line["bytes_in"] == len(body), line
                c.close()
    assert blue.requests.empty()


def test_a_write_that_the_canary_would_take_and_the_baseline_refuses_is_refused(t):
    blue = t.backend(answering(message(body=OLD)))
    with socket.socket() as dead:
        w = dead_canary(t, dead, blue, route=', write: {"PUT /orders/{id}": refuse}')
        a = t.ask(w.port, method="PUT", path="/orders/1", body=NEW, Api_Version="v2", X_Account="42")
        assert a.status == 409 and a.json()["type"] == "urn:stile:problem:write-refused", a
    assert blue.connections == 0


def test_losses_are_told_on_the_answer(t):
    lossy = MONEY.split("http:")[0] + "  add:\n    channel: {up: api, write: lose}\n"
    b = t.backend(answering(message(body=NEW[:-1] + b',"channel":"web"}', Access_Control_Expose_Headers="X-A")))
    w = shop(t, b, changes=(NOTHING, lossy))
    a = t.ask(w.port, path="/orders/1", Api_Version="v1")
    assert a.body == OLD and 'change="money"' in a.get("stile-notice"), a
    assert a.get("access-control-expose-headers") == "X-A, Stile-Notice", a


def test_the_routes_word_for_a_write_wins_over_an_arrows(t):
    careful = MONEY.split("http:")[0] + "  add:\n    channel: {up: api, write: refuse}\n"
    for route, status in (("", 422), (', write: {"PUT /orders/{id}": lose}', 200), (', write: {"PUT /orders/{id}": refuse}', 409)):
        b = t.backend(answering(message(body=NEW)))
        w = shop(t, b, changes=(NOTHING, careful), route=route)
        a = t.ask(w.port, method="PUT", path="/orders/1", body=OLD, Api_Version="v1")
        assert a.status == status, (route, a)


def test_a_translated_answer_waits_and_keeps_the_connection(t):
    b = t.backend(answering(message(body=NEW)))
    w = shop(t, b)
    c = t.connect(w.port)
    for _ in range(30):
        a = c.send(b"GET /orders/1 HTTP/1.1\r\nHost: a\r\nApi-Version: v1\r\n\r\n").answer()
        assert a.body == OLD
    assert b.connections == 1


def test_a_large_document_is_translated_whole(t):
    n = 3000
    b = t.backend(answering(message(body=b'{"data":[' + b",".join([NEW] * n) + b"]}")))
    w = shop(t, b)
    a = t.ask(w.port, path="/orders", Api_Version="v1")
    assert a.body == b'{"data":[' + b",".join([OLD] * n) + b"]}"


def test_an_answer_too_large_to_hold_is_a_502(t):
    b = t.backend(answering(message(body=b'{"x":"' + b"y" * 100000 + b'"}')))
    w = shop(t, b, limits="held_answer: 65536")
    assert t.ask(w.port, path="/orders/1", Api_Version="v1").status == 502


def test_a_client_may_expect_a_hundred_before_a_translated_body(t):
    b = t.backend(answering(message(body=NEW)))
    w = shop(t, b)
    c = t.connect(w.port).send(b"PUT /orders/1 HTTP/1.1\r\nHost: a\r\nApi-Version: v1\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(OLD))
    assert c.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100")
    assert c.send(OLD).answer().body == OLD


def test_a_client_that_stops_in_its_body_is_let_go(t):
    gone = threading.Event()
    b = t.backend(answering(message(body=NEW)))
    w = shop(t, b, limits="body: 300ms")
    c = t.connect(w.port).send(b"PUT /orders/1 HTTP/1.1\r\nHost: a\r\nApi-Version: v1\r\nContent-Length: 100\r\n\r\n{")
    a = c.answer()
    gone.set()
    assert a.status == 408 and b.connections == 0
    try:
        c.rest()
    except Gone:
        pass


def test_trailers_say_nothing_of_the_bytes_that_were_told_anew(t):
    begun = threading.Semaphore(0)

    def script(conn, backend):
        while True:
            m = conn.head()
            begun.release()
            backend.requests.put(conn.body_of(m))
            conn.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
            conn.send(b"%x\r\n%s\r\n0\r\nContent-Digest: sha-256=:abc=:\r\nETag: \"abc\"\r\nX-Own: 1\r\n\r\n" % (len(NEW), NEW))

    b = t.backend(script)
    streams = "\n".join(line for line in MONEY.split("\n") if "one <> list" not in line)
    w = shop(t, b, changes=(NOTHING, streams), limits="answer_commit: 1, request_commit: 1")
    for version, body, digest in ((b"v1", OLD, False), (b"v2", NEW, True)):
        c = t.connect(w.port).send(b"PUT /orders/1 HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\nApi-Version: %s\r\n"
                                   b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" % version)
        c.send(b"%x\r\n%s\r\n" % (len(body), body))
        assert begun.acquire(timeout=WAIT_S), "it goes out before it is whole"
        c.send(b"0\r\nContent-Digest: sha-256=:abc=:\r\nRepr-Digest: sha-256=:abc=:\r\nX-Mine: 1\r\n\r\n")
        a, r = c.answer(), b.seen()
        assert a.body == body and r.body == NEW
        assert sorted(n for n, _ in a.trailers) == (["content-digest", "etag", "x-own"] if digest else ["x-own"]), a.trailers
        assert sorted(n for n, _ in r.trailers) == (["content-digest", "repr-digest", "x-mine"] if digest else ["x-mine"]), r.trailers


def test_a_hint_points_where_the_client_may_go_and_tells_no_more_than_the_answer(t):
    hint = b"HTTP/1.1 103 Early Hints\r\nServer: own\r\nLink: </orders?customer=7>; rel=preload\r\n\r\n"
    w = shop(t, t.backend(answering(hint + message(body=NEW, Server="own"))), route=", headers: {answer: {remove: [Server], set: {X-Own: \"1\"}}}")
    c = t.connect(w.port).send(b"GET /orders/1 HTTP/1.1\r\nHost: a\r\nApi-Version: v1\r\n\r\n")
    a = c.head()
    assert a.status == 103 and a.fields == [("link", "</orders?cust=7>; rel=preload")], a
    assert c.answer().get("server") is None
