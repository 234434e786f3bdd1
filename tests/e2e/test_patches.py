# SPDX-License-Identifier: Apache-2.0
"""Patches between versions: a client changes a document that a pool of another version keeps, over HTTP/1.1 and HTTP/2."""
import copy
import json
import threading

from peers import message
from stile import Stile
from test_cli import V3
from test_protocol import WAYS, ask_raw

MERGE, OPERATIONS = "application/merge-patch+json", "application/json-patch+json"


# ---- RFC 7396 and RFC 6902, as their texts have them ----

def merged(target, patch):
    if not isinstance(patch, dict):
        return patch
    target = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        else:
            target[key] = merged(target.get(key), value)
    return target


def operated(document, patch):
    document = copy.deepcopy(document)

    def find(pointer):
        *way, last = [p.replace("~1", "/").replace("~0", "~") for p in pointer.split("/")[1:]]
        at = document
        for key in way:
            at = at[int(key)] if isinstance(at, list) else at[key]
        return at, (len(at) if last == "-" else int(last)) if isinstance(at, list) else last

    def add(pointer, value):
        at, key = find(pointer)
        if isinstance(at, list):
            at.insert(key, value)
        else:
            at[key] = value

    for o in patch:
        if o["op"] in ("move", "copy"):
            at, key = find(o["from"])
            value = copy.deepcopy(at[key])
            if o["op"] == "move":
                del at[key]
            add(o["path"], value)
            continue
        at, key = find(o["path"])
        if o["op"] == "add":
            add(o["path"], o["value"])
        elif o["op"] == "replace":
            at[key]
            at[key] = o["value"]
        elif o["op"] == "remove":
            del at[key]
        elif at[key] != o["value"]:
            raise KeyError("test")
    return document


class Store:
    """A backend that keeps one order and knows both kinds of patches; 409 for one that does not apply."""

    def __init__(self, document):
        self.document, self.lock, self.bodies = document, threading.Lock(), []

    def __call__(self, conn, backend):
        while True:
            r = conn.request()
            with self.lock:
                status = 200
                if r.start.startswith("PATCH"):
                    self.bodies.append(r.body)
                    kind = (r.get("content-type") or "").split(";")[0]
                    apply = operated if kind == OPERATIONS else merged
                    try:
                        self.document = apply(self.document, json.loads(r.body))
                    except (KeyError, IndexError):
                        status = 409
                body = self.document if status == 200 else {"error": {"message": "it does not apply"}}
                conn.send(message(status=status, body=body))


def proxy(t, store, **route):
    api = t.source / "config/examples/shop/api.yaml"
    b = t.backend(store)
    return Stile(t, apis={"shop": api}, routes=[{"name": "orders", "match": {"path": "/orders/**"}, "api": "shop", "pool": "b", **route}],
                 pools={"b": {"api": "shop", "version": "v3", "endpoints": b}}, tls=True)


def ask(t, s, way, method, body=None, media="application/json", version="v1"):
    fields = (f"Api-Version: {version}", f"Content-Type: {media}")
    status, _, text = ask_raw(t, s, way, method, "/orders/o-1", fields, None if body is None else json.dumps(body).encode())
    return status, json.loads(text)


# what a v1 client sends; each is translated through v2 and v2a to the v3 pool
PATCHES = [
    (MERGE, {"status": "paid"}),
    ("application/json", {"status": "void", "capture": None, "note": "leave at the door"}),
    (MERGE, {"total_cents": 4200, "currency": "CHF", "delivery": {"window_s": 60}}),
    (MERGE, {"created": 1767225600, "express": True, "tags": ["rush", "x"], "unknown": {"a": None, "b": [None]}}),
    (MERGE, {"note": None, "express": None, "tags": None}),
    (OPERATIONS, [{"op": "replace", "path": "/status", "value": "paid"}, {"op": "test", "path": "/status", "value": "paid"}]),
    (OPERATIONS, [{"op": "replace", "path": "/total_cents", "value": 1}, {"op": "add", "path": "/seen", "value": {"by": 1}}]),
    (OPERATIONS, [{"op": "add", "path": "/own/x/-", "value": {"sku": "Z"}}, {"op": "remove", "path": "/own/x/0"}]),
    (OPERATIONS, [{"op": "replace", "path": "/source", "value": "tok_2"}, {"op": "copy", "from": "/id", "path": "/first_id"}]),
    (OPERATIONS, [{"op": "remove", "path": "/capture"}, {"op": "move", "from": "/own/x", "path": "/x"}]),
    (OPERATIONS, [{"op": "add", "path": "/tags", "value": ["rush"]}, {"op": "add", "path": "/express", "value": True}]),
]

# and what needs the stored document: member or operation, change, reason
FALLS = [
    (MERGE, {"status": "paid", "coupon": "X"}, "/coupon", "money", "a part of an element"),
    (MERGE, {"ship_name": None}, "/ship_name", "customer-ref", "an empty object around"),
    (OPERATIONS, [{"op": "replace", "path": "/status", "value": "paid"}, {"op": "remove", "path": "/ship_name"}], "/1/path", "customer-ref", "an empty object around"),
    (MERGE, {"lines": []}, "/lines", "shapes", "is made of what this changes"),  # the pool's line_count
    (MERGE, {"source": "tok_2"}, "/source", "shapes", "cannot replace as a whole"),
    (OPERATIONS, [{"op": "replace", "path": "/tags/0", "value": "rush"}, {"op": "replace", "path": "/coupon", "value": "X"}], "/1/value", "money", "a part of an element"),
]


def test_an_old_client_patches_what_a_new_pool_keeps(t):
    store = Store(V3)
    s = proxy(t, store)
    for way in WAYS:
        for media, patch in PATCHES:
            store.document = V3
            shown = ask(t, s, way, "GET")[1]
            apply = operated if media == OPERATIONS else merged
            status, answer = ask(t, s, way, "PATCH", patch, media)
            assert status == 200, (way, patch, answer)
            wanted = apply(shown, patch)
            if "capture" not in wanted:
                wanted["capture"] = True  # left out it means so, and so it is stored
            told = {k: v for k, v in answer.items() if k != "express" or v}
            assert told == {k: v for k, v in wanted.items() if k != "express" or v}, (way, patch, answer, wanted)
            assert ask(t, s, way, "GET")[1] == answer, (way, patch)
            assert ask(t, s, way, "GET", version="v3")[1] == store.document


def test_members_of_an_open_set_are_patched_one_by_one(t):
    api, store = t.folder / "bag", Store({})
    t.write("bag/api.yaml", "api: bag\nversions: {v1: {}, v2: {}}\ndetect: [{header: Api-Version}]\nmissing: v1\nunknown: refuse\n"
                            'types: {Order: {at: "* /orders/{id}"}}\n')
    t.write("bag/changes/bag.yaml", "change: bag\nfrom: v1\nto: v2\nmanifest: {title: t, owner: o, guarantee: none}\n"
                                    'Order: {map: {id: id, "*": "bag/*"}}\n')
    s = Stile(t, apis={"bag": api / "api.yaml"}, pools={"b": {"api": "bag", "version": "v2", "endpoints": t.backend(store)}}, tls=True,
              routes=[{"name": "orders", "match": {"path": "/orders/**"}, "api": "bag", "pool": "b"}])
    for way in WAYS:
        store.document = {"id": "o-1", "bag": {"color": "red", "size": 4}}
        assert ask(t, s, way, "PATCH", {"color": "blue", "x": 1}, MERGE) == (200, {"id": "o-1", "color": "blue", "size": 4, "x": 1}), way
        assert store.document == {"id": "o-1", "bag": {"color": "blue", "size": 4, "x": 1}}, way
        status, p = ask(t, s, way, "PATCH", {"size": None}, MERGE)
        assert status == 422 and "is there is not known" in p["detail"], (way, p)


def test_a_new_pools_own_client_is_not_touched(t):
    store = Store(V3)
    s = proxy(t, store)
    body = [{"op": "add", "path": "/discounts/-", "value": {"coupon": "N"}}]
    assert ask(t, s, "h2c", "PATCH", body, OPERATIONS, version="v3")[0] == 200
    assert store.bodies == [json.dumps(body).encode()]


def test_what_needs_the_stored_document_is_422_and_says_what_and_why(t):
    store = Store(V3)
    s = proxy(t, store)
    for way in WAYS:
        for media, patch, pointer, change, why in FALLS:
            status, p = ask(t, s, way, "PATCH", patch, media)
            assert status == 422 and p["type"].endswith("patch-needs-document"), (way, patch, p)
            assert p["pointer"] == pointer and p["change"] == change and p["line"] > 0, (way, patch, p)
            assert p["detail"] and why in p["detail"], (way, patch, p)
    assert not store.bodies and store.document == V3


def test_what_is_no_patch_is_400(t):
    store = Store(V3)
    s = proxy(t, store)
    for body in ({}, [1], [{"op": "add"}], [{"op": "rename", "path": "/a"}], [{"op": "add", "path": "/a"}], [{"op": "add", "path": "a", "value": 1}],
                 [{"op": "remove", "path": "/a~2"}], [{"op": "move", "path": "/a/b", "from": "/a"}], [{"op": "copy", "path": "/a"}], [{"op": 1, "path": "/a"}]):
        status, p = ask(t, s, "h2c", "PATCH", body, OPERATIONS)
        assert status == 400 and p["detail"], (body, p)
    assert not store.bodies


def test_what_does_not_apply_is_the_pools_to_say(t):
    store = Store(V3)
    s = proxy(t, store)
    status, p = ask(t, s, "h2c", "PATCH", [{"op": "test", "path": "/status", "value": "open"}, {"op": "remove", "path": "/none"}], OPERATIONS)
    assert status == 409 and p == {"error": {"msg": "it does not apply"}}, p


def test_a_strict_route_refuses_what_would_fail_for_its_client(t):
    store = Store(V3)
    s = proxy(t, store, patch="strict")
    status, p = ask(t, s, "h2c", "PATCH", [{"op": "remove", "path": "/capture"}], OPERATIONS)
    assert status == 422 and "strict" in p["detail"] and not store.bodies, p
