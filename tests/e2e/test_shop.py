# SPDX-License-Identifier: Apache-2.0
"""The example shop through the whole proxy: every source of a version, what its http blocks do, routes, canaries, and writes."""
import datetime
import hashlib
import json

from peers import answering, message
from stile import Stile
from test_cli import V1, V2, V3

VERSIONS = {"v1": V1, "v2": V2, "v3": V3}


def recording(*answers):
    """Answers in turn, the last one again and again, whichever connection asks."""
    left = list(answers)

    def script(conn, backend):
        while True:
            backend.requests.put(conn.request())
            conn.send(left.pop(0) if len(left) > 1 else left[0])
    return script


def shop(t, backend, version="v2", text=None, **route):
    """One pool of the shop at this version; `text` is another api.yaml beside the shop's changes."""
    api = t.source / "config/examples/shop"
    if text:
        for change in (api / "changes").iterdir():
            t.write(f"shop/changes/{change.name}", change.read_text())
        t.write("shop/api.yaml", text((api / "api.yaml").read_text()))
        api = t.folder / "shop"
    return Stile(t, apis={"shop": api / "api.yaml"}, routes=[{"name": "orders", "match": {"path": "/orders/**"}, "api": "shop", "pool": "b", **route}],
                 pools={"b": {"api": "shop", "version": version, "endpoints": backend}})


def test_each_source_tells_the_version_and_is_rewritten(t):
    b = t.backend(answering(message(body=V2)))
    s = shop(t, b)
    # fields, query -> version, source, and what of it the pool sees
    cases = [({"Api-Version": "v1"}, "", "v1", "header", ("api-version", "v2")),
             ({"Api-Version": "v3"}, "", "v3", "header", ("api-version", "v2")),
             ({"Api-Version": "2025-12-24"}, "", "v2", "header", ("api-version", "2025-12-24")),
             ({"Api-Version": "2024-02-01"}, "", "v1", "header", ("api-version", "2025-03-01")),
             ({"Accept": "application/vnd.shop.v1+json"}, "", "v1", "media", ("accept", "application/vnd.shop.v2+json")),
             ({"Accept": "application/vnd.shop.v3+json"}, "", "v3", "media", ("accept", "application/vnd.shop.v2+json")),
             ({"Accept": "application/json; version=v3"}, "", "v3", "media_param", ("accept", "application/json; version=v2")),
             ({"X-Client": "ios/3.9.1"}, "", "v1", "client", None), ({"X-Client": "ios/7.11.9"}, "", "v2", "client", None),
             ({"X-Client": "ios/7.12"}, "", "v3", "client", None), ({"X-Client": "android/119"}, "", "v1", "client", None),
             ({"X-Client": "android/120.0.1"}, "", "v3", "client", None), ({}, "?api_version=v3", "v3", "query", None), ({}, "", "v1", "default", None),
             ({"Api-Version": "v3", "Accept": "application/vnd.shop.v1+json"}, "", "v3", "header", ("api-version", "v2"))]
    for fields, query, version, source, seen in cases:
        a = t.ask(s.port, path=f"/orders/o-1{query}", **{n.replace("-", "_"): v for n, v in fields.items()})
        r = b.seen()
        assert a.status == 200 and a.get("api-version") == version, (fields, query, a)
        body = {k: v for k, v in a.json().items() if k != "legacy_code"}
        assert body == {**VERSIONS[version], **({"capture": True} if version == "v1" else {})}, (fields, body)
        assert s.process.line(id=a.get("x-request-id"))["version_source"] == source, (fields, source)
        if seen:
            assert r.get(seen[0]) == seen[1], (fields, r)
        if query:
            assert r.start == "GET /orders/o-1?api_version=v2 HTTP/1.1", r


def test_an_unknown_version_is_400_from_each_source(t):
    b = t.backend(answering(message(body=V2)))
    s = shop(t, b)
    for fields, query in (({"Api_Version": "v9"}, ""), ({"Api_Version": "v2a"}, ""), ({"Api_Version": "2020-01-01"}, ""),
                          ({"Accept": "application/vnd.shop.v9+json"}, ""), ({"Accept": "application/json; version=v9"}, ""), ({}, "?api_version=v9")):
        a = t.ask(s.port, path=f"/orders/o-1{query}", **fields)
        assert a.status == 400 and a.json()["versions"] == ["v1", "v2", "v3"], (fields, query, a)
    assert b.connections == 0


def test_sources_that_differ_are_400_if_they_must_agree(t):
    b = t.backend(answering(message(body=V2)))
    s = shop(t, b, text=lambda text: text + "agree: true\n")
    assert t.ask(s.port, path="/orders/1?api_version=v1", Api_Version="v1").status == 200
    a = t.ask(s.port, path="/orders/1?api_version=v3", Api_Version="v1")
    assert a.status == 400 and a.get("content-type") == "application/problem+json", a


def test_an_account_may_be_pinned(t):
    key = "Bearer secret"
    keys = [key] + [f"Bearer {i}" for i in range(20000)]  # more than a megabyte of them
    t.write("shop/pins.yaml", "".join(f'"{hashlib.sha256(k.encode()).hexdigest()}": v3\n' for k in keys))
    b = t.backend(answering(message(body=V2)))
    s = shop(t, b, text=lambda text: text.replace("  - query: api_version\n",
                                                  '  - query: api_version\n  - pin: {key: "header:Authorization", table: pins.yaml}\n'))
    assert t.ask(s.port, path="/orders/1", Authorization=key).get("api-version") == "v3"
    assert t.ask(s.port, path="/orders/1", Authorization=keys[-1]).get("api-version") == "v3"
    assert t.ask(s.port, path="/orders/1", Authorization="Bearer other").get("api-version") == "v1"
    assert t.ask(s.port, path="/orders/1", Authorization=key, Api_Version="v2").get("api-version") == "v2", "the first that speaks"
    assert key not in s.process.text()


def test_a_deprecated_version_is_told_and_one_past_its_sunset_is_gone(t):
    b = t.backend(answering(message(body=V2)))
    s = shop(t, b)
    a = t.ask(s.port, path="/orders/o-1", Api_Version="v1")
    stamp = int(datetime.datetime(2025, 6, 1, tzinfo=datetime.timezone.utc).timestamp())
    assert a.get("deprecation") == f"@{stamp}" and a.get("sunset") == "Wed, 31 Dec 2031 00:00:00 GMT", a
    assert "https://shop.example/docs/v1" in a.get("link") and "Api-Version" in a.get("vary"), a
    a = t.ask(s.port, path="/orders/o-1", Api_Version="v3")
    assert a.get("deprecation") is None and a.get("sunset") is None and a.get("link") is None, a
    s = shop(t, b, text=lambda text: text.replace("2031-12-31", "2025-12-31"))
    a = t.ask(s.port, path="/orders/o-1", Api_Version="v1")
    assert a.status == 410 and "https://shop.example/docs/v1" in a.get("link") and a.json()["status"] == 410, a
    assert t.ask(s.port, path="/orders/o-1", Api_Version="v2").status == 200


def test_what_is_around_the_body_is_translated_too(t):
    listed = {"data": [V2, V2], "next": None}
    b = t.backend(recording(message(body=listed), message(404, {"error": {"message": "m", "code": 7}}), message(451, {"error": {"message": "m"}}),
                            message(422, {"error": {"message": "m"}}), message(503, b"<html>", media="text/html"), message(body=V2, Request_Id="r-2")))
    s = shop(t, b)
    a = t.ask(s.port, path="/orders?cust=7&x=%20&cust2=1", Api_Version="v1", X_Shop_Req="r-1")
    r = b.seen()
    assert r.start == "GET /orders?customer_id=7&x=%20&cust2=1 HTTP/1.1" and r.get("request-id") == "r-1" and r.get("x-shop-req") is None, r
    assert [d["customer"] for d in a.json()["data"]] == ["42", "42"] and a.json()["next"] is None, a.body
    a = t.ask(s.port, path="/orders/o-2", Api_Version="v1")
    assert a.status == 404 and a.json() == {"error": {"msg": "m", "code": 7}}, a
    a = t.ask(s.port, method="POST", path="/orders", body=V1, Api_Version="v1")
    assert a.status == 422 and a.json() == {"error": {"msg": "m"}}, a
    a = t.ask(s.port, method="POST", path="/orders", body=V1, Api_Version="v1")
    assert a.status == 422, a
    a = t.ask(s.port, path="/orders/o-2", Api_Version="v1")
    assert a.status == 503 and a.body == b"<html>", a
    a = t.ask(s.port, path="/orders/o-2", Api_Version="v1")
    assert a.get("x-shop-req") == "r-2" and a.get("request-id") is None, a


def test_a_media_type_with_a_version_comes_back_as_it_was_asked_for(t):
    b = t.backend(answering(message(body=V2, media="application/vnd.shop.v2+json; charset=utf-8")))
    s = shop(t, b)
    a = t.ask(s.port, path="/orders/o-1", Accept="application/vnd.shop.v1+json")
    assert a.get("content-type") == "application/vnd.shop.v1+json; charset=utf-8" and a.json()["customer"] == "42", a
    a = t.ask(s.port, method="PUT", path="/orders/o-1", body=V1, Content_Type="application/vnd.shop.v1+json")
    b.seen()
    r = b.seen()
    assert a.status == 200 and r.get("content-type") == "application/vnd.shop.v2+json" and json.loads(r.body) == V2, r


def test_what_one_version_writes_each_other_reads(t):
    """Orders kept by the real shop backend at v2, written and read at each version."""
    port = t.shop("v2")
    s = shop(t, port)
    for writer in VERSIONS:
        document = {**VERSIONS[writer], "id": f"o-{writer}"}
        if writer == "v3":
            document["title"] = f"order o-{writer} of cus_42"
        assert t.ask(s.port, method="PUT", path=f"/orders/o-{writer}", body=document, Api_Version=writer).status in (200, 201), writer
        for reader in VERSIONS:
            got = t.ask(s.port, path=f"/orders/o-{writer}", Api_Version=reader).json()
            wanted = {**VERSIONS[reader], "id": f"o-{writer}"}
            if reader == "v3":
                wanted["title"] = f"order o-{writer} of cus_42"
            if reader == "v1":
                wanted["capture"] = True
            assert {k: v for k, v in got.items() if k != "legacy_code"} == wanted, (writer, reader, got)


def test_a_write_that_would_erase_what_its_client_cannot_see_is_refused_if_the_route_says_so(t):
    b = t.backend(answering(message(body=V2)))
    s = shop(t, b, write={"PUT /orders/{id}": "refuse"})
    a = t.ask(s.port, method="PUT", path="/orders/o-1", body=V1, Api_Version="v1")
    assert a.status == 409 and a.get("content-type") == "application/problem+json" and b.requests.empty(), a
    assert t.ask(s.port, method="PUT", path="/orders/o-1", body=V2, Api_Version="v2").status == 200, "its own version may"
    assert t.ask(s.port, path="/orders/o-1", Api_Version="v1").status == 200, "reading may"


def test_of_two_arms_each_gets_its_own_version_and_an_account_stays_on_its_arm(t):
    blue, green = t.backend(answering(message(body=V2))), t.backend(answering(message(body=V3)))
    route = {"name": "orders", "match": {"path": "/orders/**"}, "api": "shop", "pool": "blue", "subject": ["header:X-Account", "cookie:sid"],
             "canary": {"pool": "green", "weight": "40%", "salt": "s"}}
    s = Stile(t, apis={"shop": t.source / "config/examples/shop/api.yaml"}, routes=[route],
              pools={"blue": {"api": "shop", "version": "v2", "endpoints": blue}, "green": {"api": "shop", "version": "v3", "endpoints": green}})

    def arm(**fields):
        a = t.ask(s.port, path="/orders/o-1", Api_Version="v1", **fields)
        assert a.json()["customer"] == "42" and a.json()["total_cents"] == 1299, a.body
        return s.process.line(id=a.get("x-request-id"))

    arms = {i: arm(X_Account=f"a{i}")["arm"] for i in range(60)}
    assert 10 < sum(a == "canary" for a in arms.values()) < 40, arms
    assert all(arm(X_Account=f"a{i}")["arm"] == a for i, a in list(arms.items())[:10]), "again the same"
    assert all(arm(Cookie=f"x=1; sid=a{i}")["arm"] == arms[i] for i in range(5)), "a cookie is as good as a header"
    assert arm()["arm"] == "no_subject" and arm()["pool"] == "blue"
    versions = {"blue": "v2", "green": "v3"}
    for _ in range(20):
        line = arm(X_Account="a1")
        assert line["version_to"] == versions[line["pool"]]
    while not blue.requests.empty():
        assert blue.seen().get("api-version") == "v2"
    while not green.requests.empty():
        assert green.seen().get("api-version") == "v3"


def test_the_most_specific_route_is_taken(t):
    names = ("exact", "star", "any", "items", "item", "rest", "get")
    pools = {n: t.backend(answering(message(body=n.encode(), media="text/plain"))) for n in names}
    match = {"exact": {"host": "a.shop.example", "path": "/**"}, "star": {"host": "*.shop.example", "path": "/**"}, "any": {"path": "/other/**"},
             "items": {"path": "/items"}, "item": {"path": "/items/{id}"}, "rest": {"path": "/items/**"}, "get": {"path": "/items/new", "method": ["GET"]}}
    s = Stile(t, pools=pools, routes=[{"name": n, "match": m, "pool": n} for n, m in match.items()])
    for host, method, path, name in (("a.shop.example", "GET", "/x", "exact"), ("A.Shop.Example:80", "GET", "/x", "exact"), ("b.shop.example", "GET", "/x", "star"),
                                     ("b.c.shop.example", "GET", "/x", "star"), ("shop.example", "GET", "/x", None), ("x.example", "GET", "/other/a/b", "any"),
                                     ("x", "GET", "/items", "items"), ("x", "GET", "/items/7", "item"), ("x", "GET", "/items/7/a", "rest"),
                                     ("x", "GET", "/items/new", "get"), ("x", "HEAD", "/items/new", "get"), ("x", "POST", "/items/new", "item"), ("x", "GET", "/", None)):
        conn = t.connect(s.port).send(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")
        a = conn.head()
        line = s.process.line(id=a.get("x-request-id"))
        conn.close()
        assert (a.status, line.get("route")) == ((200, name) if name else (404, None)), (host, method, path, a)
