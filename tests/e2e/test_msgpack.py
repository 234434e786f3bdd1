# SPDX-License-Identifier: Apache-2.0
"""MessagePack at the client, at the pool, or at both: translated between versions, and brought over where the two differ."""
import json

from packed import Raw, dumps, loads
from peers import answering, message
from test_faults import rss
from test_h2 import Client
from test_versions import NEW, OLD, shop

PACKED = "application/msgpack"
# A program of the machine has this one whole; `test_versions` has one that the reference translates.
RENAMED = """change: renamed
from: v1
to: v2
manifest: {title: x, owner: y, guarantee: none}
Order:
  map: {customer: customer_id, state: {enum: {open: pending}}}
"""
NOTHING = "change: nothing\nfrom: v0\nto: v1\nmanifest: {title: x, owner: y, guarantee: none}\nOrder:\n  map:\n    a: b\n"


def forms(text):
    """A document as JSON and as MessagePack, with their media types."""
    return {"application/json": text, PACKED: dumps(json.loads(text))}


def ask(t, port, way, method, body, fields):
    fields = {"Api-Version": "v1", **fields}
    if way == "h1":
        a = t.ask(port, method, "/orders/1", body=body or None, **{k.replace("-", "_"): v for k, v in fields.items()})
        return a.status, a.get("content-type"), a.get("content-length"), a.body
    c = Client(t.connect(port))
    s = c.ask(method, "/orders/1", fields=[(k.lower(), v) for k, v in fields.items()], ends=not body)
    if body:
        c.send(s, body, ends=True)
    a = c.answer(s)
    got = a["head"]
    return int(got[":status"]), got.get("content-type"), got.get("content-length"), a["body"]


def test_each_form_at_each_end_over_each_protocol(t):
    old, new = forms(OLD), forms(NEW)
    for pool in (PACKED, "application/json"):
        b = t.backend(answering(message(body=new[pool], media=pool)))
        w = shop(t, b, pool=", media: " + ("msgpack" if pool == PACKED else "json"))
        for client in (PACKED, "application/json"):
            for way in ("h1", "h2"):
                which = (pool, client, way)
                status, media, length, body = ask(t, w.port, way, "PUT", old[client], {"Content-Type": client})
                assert (status, media, length, body) == (200, client, str(len(body)), old[client]), (which, status, media, body)
                r = b.seen()
                assert r.body == new[pool] and r.get("content-type") == pool and r.get("content-length") == str(len(r.body)), (which, r)
                status, media, length, body = ask(t, w.port, way, "GET", b"", {"Accept": client})
                assert (status, media, body) == (200, client, old[client]), (which, status, media, body)
                r = b.seen()
                assert not r.body and r.get("content-type") is None, (which, r)
                assert r.get("accept") == (client if client == pool else f"{pool}, {client}"), (which, r.get("accept"))


def test_the_form_alone_changes_where_versions_are_the_same(t):
    new = forms(NEW)
    b = t.backend(answering(message(body=new[PACKED], media=PACKED, ETag='"e"')))
    w = shop(t, b, pool=", media: msgpack")
    a = t.ask(w.port, "PUT", "/orders/1", body=NEW, Api_Version="v2", Content_Type="application/json")
    assert a.status == 200 and a.body == NEW and a.get("content-type") == "application/json", a
    assert "Accept" in [v.strip().title() for v in a.get("vary").split(",")], a.get("vary")
    assert b.seen().body == new[PACKED]
    tag = a.get("etag")
    assert tag.startswith('"e;v2.'), tag
    a = t.ask(w.port, "GET", "/orders/1", Api_Version="v2", Accept="application/x-msgpack", If_None_Match=tag)
    assert a.body == new[PACKED] and a.get("content-type") == PACKED and a.get("etag") == '"e"', "as it came"
    assert b.seen().get("if-none-match") == tag, "that is another representation's"
    a = t.ask(w.port, "GET", "/orders/1", Api_Version="v2", If_None_Match=tag)
    assert a.body == NEW and b.seen().get("if-none-match") == '"e"', "who says nothing gets JSON"


def test_accept_decides_by_quality_then_by_name(t):
    new = forms(NEW)
    b = t.backend(answering(message(body=new[PACKED], media=PACKED)))
    w = shop(t, b, pool=", media: msgpack")
    for accept, media in (("*/*", "application/json"), ("application/msgpack;q=0.5, application/json;q=0.4", PACKED),
                          ("application/msgpack;q=0.5, */*", "application/json"), ("application/vnd.msgpack, */*", PACKED),
                          ("application/*;q=0.9, application/msgpack;q=0", "application/json"), ("text/html", PACKED)):
        a = t.ask(w.port, "GET", "/orders/1", Api_Version="v2", Accept=accept)
        assert a.get("content-type") == media and a.body == new[media], (accept, a)
    b = t.backend(answering(message(body=NEW)))
    w = shop(t, b, pool=", media: json")
    a = t.ask(w.port, "GET", "/orders/1", Api_Version="v2", Accept="application/x-msgpack")
    assert a.get("content-type") == "application/x-msgpack" and a.body == new[PACKED], a


def test_without_a_word_of_the_pool_a_body_keeps_its_form(t):
    old, new = forms(OLD), forms(NEW)
    b = t.backend(answering(message(body=new[PACKED], media=PACKED)))
    w = shop(t, b)
    a = t.ask(w.port, "PUT", "/orders/1", body=old[PACKED], Api_Version="v1", Content_Type=PACKED, Accept="application/json")
    assert a.body == old[PACKED] and a.get("content-type") == PACKED and b.seen().body == new[PACKED], a


def test_what_has_no_form_there_is_refused_with_its_place(t):
    b = t.backend(answering(message(body=dumps({"customer_id": "c", "blob": Raw(b"\xc4\x01\x00")}), media=PACKED)))
    w = shop(t, b, pool=", media: json")
    for bad, status, pointer in ((Raw(b"\xc4\x01\x00"), 422, "/keep/0"), (Raw(b"\xcb\x7f\xf8" + 6 * b"\x00"), 422, "/keep/0"),
                                 (Raw(b"\xc1"), 400, "/keep/0"), (Raw(b"\xdf\xff\xff\xff\xff"), 400, None)):
        a = t.ask(w.port, "PUT", "/orders/1", body=dumps({"customer": "c", "keep": [bad]}), Api_Version="v1", Content_Type=PACKED)
        assert a.status == status and (not pointer or a.json()["pointer"] == pointer), (bad, a, a.body)
    assert b.requests.empty()
    a = t.ask(w.port, "GET", "/orders/1", Api_Version="v1", Accept="application/json")
    assert a.status == 502 and a.get("content-type") == "application/problem+json", a
    b = t.backend(answering(message(body=b"\x80", media=PACKED)))
    w = shop(t, b, pool=", media: msgpack")
    for body, status in ((b'{"keep":1e999}', 422), (b'{"keep":"\\ud800"}', 422), (b'{"keep":01}', 400)):
        a = t.ask(w.port, "PUT", "/orders/1", body=body, Api_Version="v2", Content_Type="application/json")
        assert a.status == status, (body, a, a.body)
        assert status == 400 or a.json()["pointer"] == "/keep", a.body


def test_a_large_body_crosses_in_both_directions(t):
    big = {"customer": "c", "more": [{"n": i, "text": "abc" * (i % 50), "deep": [[i, -i, i / 4]]} for i in range(4000)]}
    text = json.dumps(big, separators=(",", ":")).encode()

    def echo(conn, backend):
        while True:
            m = conn.request()
            backend.requests.put(m)
            conn.send(message(body=m.body, media=m.get("content-type")))

    for form, media in ((", media: msgpack", PACKED), (", media: json", "application/json")):
        for changes in ((), (NOTHING, RENAMED)):
            b = t.backend(echo)
            w = shop(t, b, pool=form, changes=changes)
            a = t.ask(w.port, "PUT", "/orders/1", body=text, Api_Version="v1", Content_Type="application/json")
            there = json.dumps({"customer_id": "c", **{k: v for k, v in big.items() if k != "customer"}}, separators=(",", ":")).encode()
            body = b.seen().body  # a head before much is wider than it has to be
            assert (loads(body) == json.loads(there) if media == PACKED else body == there), (form, changes)
            assert a.status == 200 and a.body == text, (form, changes)
            a = t.ask(w.port, "PUT", "/orders/1", body=dumps(big), Api_Version="v1", Content_Type=PACKED)
            assert a.status == 200 and loads(a.body) == big, (form, changes)


def test_what_declares_more_than_it_brings_or_goes_too_deep_is_a_400_and_holds_nothing(t):
    def deep(n):
        return Raw(b"\x91" * n + b"\x00")

    for pool in ("msgpack", "json"):
        b = t.backend(answering(message(body=dumps({"customer_id": "c"}) if pool == "msgpack" else b"{}", media=PACKED if pool == "msgpack" else "application/json")))
        w = shop(t, b, pool=f", media: {pool}", limits="json_depth: 20")
        before = rss(w.pid)
        for bad in (b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff\xa1a", b"\xdb\xff\xff\xff\xffab", b"\xc6\xff\xff\xff\xffab", b"\xc9\xff\xff\xff\xff\x01ab",
                    b"\xdd\x00\x00\x00\x03\x01\x02", b"\xdc\xff\xff" * 15, deep(30)):
            for way in ("h1", "h2"):
                status = ask(t, w.port, way, "PUT", dumps({"customer": "c", "keep": Raw(bad)}), {"Content-Type": PACKED})[0]
                assert status == 400 or (status == 422 and bad[0] in (0xc6, 0xc9)), (pool, bad, way, status)  # bytes have no form here
        assert rss(w.pid) - before < 4 << 20 and b.requests.empty()
        assert ask(t, w.port, "h1", "PUT", dumps({"customer": "c", "keep": deep(19)}), {"Content-Type": PACKED})[0] == 200
        assert ask(t, w.port, "h1", "PUT", dumps({"customer": "c", "keep": deep(20)}), {"Content-Type": PACKED})[0] == 400
        w.says("limit_reached limit=json_depth")
