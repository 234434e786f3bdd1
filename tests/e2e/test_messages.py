# SPDX-License-Identifier: Apache-2.0
"""Whole messages through one worker: routes that moved, arrows between the parts of a message, bodies that come and go with a status."""
import gzip
import json
import threading

from origin import serving
from peers import WAIT_S, answering, message

API = """
api: shop
versions: {v1: {}, v2: {}}
detect: [{header: Api-Version}, {path: "/apis/{version}/"}]
missing: v1
unknown: refuse
types:
  Payment: {at: [POST /payments, "GET /payments/{id}"]}
"""
CHANGE = """
change: c
from: v1
to: v2
manifest: {title: x, owner: y, guarantee: none}
Payment:
  map: {sum: amount}
http:
  POST /orders/{id}/pay: {to: POST /payments, map: {path/id: body/order_id}}
  GET /pays/{id}: {to: "GET /payments/{id}", map: {query/full: query/view}}
  GET /search: {to: POST /queries, map: {query/q: body/query, query/tag: {to: body/tags, style: repeat}}}
  GET /pages: {map: {body/next: header/X-Next}}
  DELETE /things/{id}: {map: {status: {enum: {204: {to: 200, body: {up: {}, down: none}}}}}}
  GET /apis/{version}/old/{id}: {to: "GET /apis/{version}/new/{id}"}
  GET /gone: gone
  GET /is/{id}: {to: "HEAD /things/{id}"}
event: {order.paid: order.settled, order.lost: gone}
effect:
  - {at: "DELETE /things/{id}", note: no mail is sent, ack: mail is sent by another service}
fetch:
  - {at: GET /report, from: GET /lines, note: a report without its lines, ack: nobody asks for one}
"""


def worker(t, *pools, route="", pool=""):
    """A worker before these backends, each a pool of a version: the first the route's, the second its canary."""
    t.write("shop/api.yaml", API)
    t.write("shop/changes/1.yaml", CHANGE)
    text = "pools:\n" + "".join(f'  p{i}: {{api: shop, version: {version}, endpoints: ["{b if isinstance(b, str) else b.url}"]{pool}}}\n'
                                for i, (b, version) in enumerate(pools))
    routes = f'routes:\n  - {{name: all, match: {{path: "/**"}}, api: shop, pool: p0{route}}}\n'
    return t.worker([], apis=f"apis: {{shop: {t.folder}/shop/api.yaml}}\n", pools=text, routes=routes)


def before(t, answer, version="v2"):
    b = t.backend(answering(answer))
    return worker(t, (b, version)), b


def test_a_route_that_moved_is_asked_by_its_newer_name(t):
    w, b = before(t, message(201, {"amount": 5}))
    a = t.ask(w.port, "POST", "/orders/7%2F8/pay?x=1", {"sum": 5})
    r = b.seen()
    assert r.start == "POST /payments?x=1 HTTP/1.1" and r.json() == {"amount": 5, "order_id": "7/8"}, r
    assert r.get("content-length") == str(len(r.body)) and r.get("api-version") == "v2", r
    assert a.status == 201 and a.json() == {"sum": 5}, a
    line = w.line(path="/orders/7%2F8/pay")
    assert line["version_from"] == "v1" and line["status"] == 201, line


def test_and_by_its_older_name(t):
    w, b = before(t, message(body={"sum": 5}), version="v1")
    a = t.ask(w.port, "POST", "/payments", {"amount": 5, "order_id": "a b"}, Api_Version="v2")
    assert (r := b.seen()).start == "POST /orders/a%20b/pay HTTP/1.1" and r.json() == {"sum": 5}, r
    assert a.json() == {"amount": 5}, a
    for order, says in (("..", "is no part of a path"), ("", "is no part of a path"), ({}, "cannot hold"), (None, "needs {id}")):
        a = t.ask(w.port, "POST", "/payments", {"amount": 5, "order_id": order}, Api_Version="v2")
        assert a.status == 422 and says in a.json()["detail"], (order, a)
    assert b.requests.empty(), "nothing of it reached the backend"


def test_a_body_is_made_of_a_query_and_a_request_without_one_has_one_then(t):
    w, b = before(t, message(body={"hits": []}))
    assert t.ask(w.port, "GET", "/search?q=red+shoes&tag=a&tag=b").status == 200
    r = b.seen()
    assert r.start == "POST /queries HTTP/1.1" and r.json() == {"query": "red shoes", "tags": ["a", "b"]}, r
    assert r.get("content-type") == "application/json" and r.get("content-length") == str(len(r.body)), r
    assert t.ask(w.port, "GET", "/search").status == 200
    assert (r := b.seen()).start == "POST /queries HTTP/1.1" and r.body == b"", r


def test_a_body_goes_where_an_older_version_has_a_query(t):
    w, b = before(t, message(body={"hits": []}), version="v1")
    assert t.ask(w.port, "POST", "/queries", {"query": "red", "tags": ["a", "b"]}, Api_Version="v2").status == 200
    r = b.seen()
    assert r.start == "GET /search?q=red&tag=a&tag=b HTTP/1.1" and r.body == b"" and not r.get("content-type"), r
    assert not r.get("transfer-encoding") and r.get("content-length") in (None, "0"), r
    a = t.ask(w.port, "POST", "/queries", {"query": "red", "page": 2}, Api_Version="v2")
    r = b.seen()
    assert a.status == 200 and r.start == "GET /search?q=red HTTP/1.1" and r.json() == {"page": 2}, "what no arrow names stays"


def test_what_comes_out_of_a_body_is_no_longer_than_a_head_may_be(t):
    """A pool would end the connection for it, and all that others ask on it; ours to a client would, too."""
    for http, backend in (("h1", answering(message(body=b"{}"))), ("h2", serving(lambda o, r: o.answer(r.stream, 200, b"{}")))):
        w = worker(t, (b := t.backend(backend), "v1"), pool=f", http: {http}")
        for n, status in ((30000, 200), (33000, 413), (300000, 413), (30000, 200)):
            a = t.ask(w.port, "POST", "/queries", {"query": "r" * n}, Api_Version="v2")
            assert a.status == status, (http, n, a)
        w.says("limit_reached limit=head_bytes")
        assert b.connections == 1
    for n, status in ((60000, 200), (70000, 502), (300000, 502)):
        w, b = before(t, message(body={"page": 1, "next": "n" * n}), version="v1")
        a = t.ask(w.port, "GET", "/pages", Api_Version="v2")
        assert a.status == status and (status == 502 or len(a.get("x-next")) == n), (n, a)
    w.says("limit_reached limit=answer_head_bytes")


def test_what_comes_out_of_a_body_stays_on_its_line_of_a_head(t):
    for text in ("a\r\nX-Other: b", "a\0b", "a\x7fb"):
        w, b = before(t, message(body={"next": text}), version="v1")
        a = t.ask(w.port, "GET", "/pages", Api_Version="v2")
        assert a.status == 502 and a.json()["type"].endswith("answer-untranslatable"), (text, a)


def test_chunked_and_coded_bodies_are_held_to_their_end(t):
    w, b = before(t, message(body={"amount": 5}))
    c = t.connect(w.port).send(b"POST /orders/7/pay HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    for byte in b'{"sum":5}':
        c.send(b"1\r\n" + bytes([byte]) + b"\r\n")
    assert c.send(b"0\r\n\r\n").answer().json() == {"sum": 5}
    assert b.seen().json() == {"amount": 5, "order_id": "7"}
    a = t.ask(w.port, "POST", "/orders/7/pay", gzip.compress(b'{"sum":6}'), Content_Encoding="gzip")
    assert a.status == 200, a
    r = b.seen()
    assert r.get("content-encoding") == "gzip" and json.loads(gzip.decompress(r.body)) == {"amount": 6, "order_id": "7"}, r


def test_a_status_brings_a_body_and_takes_it_away(t):
    w, b = before(t, b"HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n", version="v1")
    a = t.ask(w.port, "DELETE", "/things/1", Api_Version="v2")
    assert a.status == 200 and a.body == b"{}" and a.get("content-type") == "application/json" and a.get("x-a") == "b", a
    assert a.get("content-length") == "2", a
    w, b = before(t, message(body={"deleted": True}))
    c = t.connect(w.port)
    for _ in range(2):  # the connection goes on
        a = c.send(b"DELETE /things/1 HTTP/1.1\r\nHost: a\r\nApi-Version: v1\r\n\r\n").answer(bodyless=True)
        assert a.status == 204 and a.get("content-type") is None and a.get("content-length") is None, a
        assert "lossy" in a.get("stile-notice"), a


def test_such_an_answer_to_http2_ends_as_it_should(t):
    w, b = before(t, b"HTTP/1.1 204 No Content\r\n\r\n", version="v1")
    out = t.curl("--http2-prior-knowledge", "-X", "DELETE", "-H", "Api-Version: v2", "-w", "%{http_code} %{content_type}",
                 f"http://127.0.0.1:{w.port}/things/1")
    assert out == b"{}200 application/json", out
    w, b = before(t, message(body={"deleted": True}))
    out = t.curl("--http2-prior-knowledge", "-X", "DELETE", "-w", "%{http_code}", f"http://127.0.0.1:{w.port}/things/1")
    assert out == b"204", out


def test_head_has_the_line_and_no_body(t):
    w, b = before(t, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n")
    a = t.ask(w.port, "HEAD", "/pays/1")
    assert b.seen().start == "HEAD /payments/1 HTTP/1.1", "HEAD is of the route of GET"
    assert a.status == 200 and a.body == b"", a
    w, b = before(t, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n", version="v1")
    c = t.connect(w.port).send(b"HEAD /payments/1 HTTP/1.1\r\nHost: a\r\nApi-Version: v2\r\n\r\n")
    assert c.answer(bodyless=True).status == 200 and b.seen().start == "HEAD /pays/1 HTTP/1.1"


def test_head_of_a_route_that_is_asked_by_post_takes_its_answer_whole(t):
    """What is left of it would be the answer to whoever has the connection next."""
    go_on = threading.Event()

    def script(conn, backend):
        if not conn.request().start.startswith("GET"):
            conn.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 57\r\n\r\n")
            assert go_on.wait(WAIT_S), "the connection was given away with an answer on it"
            conn.send(b'HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n{"hits":["poison"]}')
            conn.request()
        conn.send(message(body={"own": 1}))

    w = worker(t, (t.backend(script), "v2"))
    one, other = t.connect(w.port), t.connect(w.port)
    assert one.send(b"HEAD /search?q=red HTTP/1.1\r\nHost: a\r\n\r\n").answer(bodyless=True).status == 200
    assert other.send(b"GET /own HTTP/1.1\r\nHost: a\r\n\r\n").answer().json() == {"own": 1}
    go_on.set()
    assert one.send(b"GET /own HTTP/1.1\r\nHost: a\r\n\r\n").answer().json() == {"own": 1}


def test_and_nothing_of_its_body_comes_behind_the_head(t):
    b = t.backend(serving(lambda o, r: o.answer(r.stream, 200, b'{"hits":[]}' if r.body else b'{"own":1}')))
    w = worker(t, (b, "v2"), pool=", http: h2")
    c = t.connect(w.port).send(b"HEAD /search?q=red HTTP/1.1\r\nHost: a\r\n\r\n")
    assert c.answer(bodyless=True).status == 200 and b.seen().head[":method"] == "POST"
    assert c.send(b"GET /own HTTP/1.1\r\nHost: a\r\n\r\n").answer().json() == {"own": 1}


def test_what_is_asked_by_head_has_an_empty_body_for_who_wants_one(t):
    w, b = before(t, b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 57\r\n\r\n")
    c = t.connect(w.port)
    for _ in range(2):
        a = c.send(b"GET /is/1 HTTP/1.1\r\nHost: a\r\n\r\n").answer()
        assert a.status == 200 and a.get("content-length") == "0" and b.seen().start == "HEAD /things/1 HTTP/1.1", a


def test_a_post_that_was_a_get_is_not_sent_twice(t):
    def script(conn, backend):
        backend.requests.put(conn.request())
        conn.send(message(body={"hits": []}))
        backend.requests.put(conn.request())  # and gone, without a word

    b = t.backend(script)
    w = worker(t, (b, "v2"))
    assert t.ask(w.port, "GET", "/search?q=red").status == 200
    assert t.ask(w.port, "GET", "/search?q=red").status == 502
    assert [b.seen().start for _ in range(2)] == ["POST /queries HTTP/1.1"] * 2 and b.requests.empty()


def test_a_route_that_is_gone_is_410_and_a_name_of_another_version_404(t):
    w, b = before(t, message())
    a = t.ask(w.port, "GET", "/gone")
    assert a.status == 410 and a.get("content-type") == "application/problem+json" and "GET /gone is gone" in a.json()["detail"], a
    assert a.json()["type"].endswith("route-gone"), a
    for version, method, path in (("v1", "POST", "/payments"), ("v1", "GET", "/payments/1")):
        a = t.ask(w.port, method, path, {} if method == "POST" else None, Api_Version=version)
        assert a.status == 404 and a.json()["type"].endswith("no-route") and path in a.json()["detail"], a
    assert t.ask(w.port, "GET", "/gone", Api_Version="v2").status == 200, "between equal versions nothing is asked"
    w1, _ = before(t, message(), version="v1")
    assert t.ask(w1.port, "GET", "/gone", Api_Version="v2").status == 404
    assert t.ask(w1.port, "POST", "/orders/7/pay", {}, Api_Version="v2").status == 404
    assert t.ask(w1.port, "GET", "/gone", Api_Version="v1").status == 200


def test_what_an_answer_points_at_has_the_names_of_the_client(t):
    host = "http://a.example"
    answer = message(201, {"amount": 5}, Location=f"{host}/payments/9?view=1#x", Content_Location="/payments/9",
                     Link='</payments/8>; rel="prev", <https://other.example/payments/7>; rel="next"; title="</payments/6>"')
    w, b = before(t, answer)
    a = t.ask(w.port, "POST", "/orders/7/pay", {"sum": 5})
    assert a.get("location") == f"{host}/pays/9?full=1#x" and a.get("content-location") == "/pays/9", a
    assert a.get("link") == '</pays/8>; rel="prev", <https://other.example/payments/7>; rel="next"; title="</payments/6>"', a
    w, b = before(t, message(201, {}, Location="/payments"))
    assert t.ask(w.port, "POST", "/orders/7/pay", {}).get("location") == "/payments", "nothing that can be got there"


def test_a_version_in_the_path_stays_the_sources_to_rewrite(t):
    w, b = before(t, message(body={}, Location="/apis/v2/new/9"))
    a = t.ask(w.port, "GET", "/apis/v1/old/7")
    assert b.seen().start == "GET /apis/v2/new/7 HTTP/1.1"
    assert a.get("location") == "/apis/v1/old/9", a


def test_a_canary_that_is_down_leaves_the_message_as_it_came(t):
    b = t.backend(answering(message(body={"sum": 1})))
    w = worker(t, (b, "v1"), ("http://127.0.0.1:1", "v2"), route=', subject: ["header:X-Account"], canary: {pool: p1, weight: 100%, salt: s}')
    a = t.ask(w.port, "GET", "/search?q=a", X_Account="1")
    assert a.status == 200 and b.seen().start == "GET /search?q=a HTTP/1.1", a


def test_what_is_declared_is_counted_and_what_needs_it_is_refused(t):
    w, b = before(t, message(body={"deleted": True}))
    c = t.connect(w.port).send(b"DELETE /things/1 HTTP/1.1\r\nHost: a\r\nApi-Version: v1\r\n\r\n")
    assert 'declared;change="c";n=1' in c.answer(bodyless=True).get("stile-notice")
    assert w.line(path="/things/1")["notices"] == 2, "it, and the body that went"
    b.seen()
    a = t.ask(w.port, "GET", "/report")
    assert a.status == 501 and a.json()["type"].endswith("not-met"), a
    assert a.json()["detail"] == "this message needs an extra read, which is not done here: a report without its lines", a
    assert b.requests.empty() and t.ask(w.port, "GET", "/report", Api_Version="v2").status == 200


def test_events_change_their_names_and_one_that_is_gone_does_not_come(t):
    events = b"event: order.paid\ndata: {}\n\nevent: order.lost\nid: 7\ndata: {}\n\nevent: order.new\ndata: [DONE]\n\n"
    w, b = before(t, message(body=events, media="text/event-stream"), version="v1")
    a = t.ask(w.port, "GET", "/events", Api_Version="v2")
    assert b"event: order.settled\ndata: {}\n\n" in a.body and b"order.lost" not in a.body and b"order.new" in a.body, a.body
    w, b = before(t, message(body=b"event: order.settled\ndata: {}\n\n", media="text/event-stream"))
    assert t.ask(w.port, "GET", "/events").body == b"event: order.paid\ndata: {}\n\n"
