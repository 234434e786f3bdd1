# SPDX-License-Identifier: Apache-2.0
"""What is asked wrongly of the admin API is refused with a sentence, and neither the journal nor any weight moves."""
import json
import os

from stile import until
from test_rollouts import plan, rollout, scene, state, tell

CANARY = '  - {name: items, match: {path: "/items/**"}, pool: blue, subject: ["header:X-Account"], canary: {pool: green, weight: "12.5%", salt: s}}'
STEPS = "[{weight: 10%, hold: 1h}, {weight: 50%, hold: 1h}]"
ITEMS, IOS, LAST = "/v1/weights/items", "/v1/rollouts/ios", "/v1/snapshots/1"


def arranged(t, more=""):
    """A rollout under way, a route whose weight moves by hand, and two keys that were used."""
    s, _, _ = scene(t, plan(STEPS, more=more))
    s.rewrite(lambda text: text.replace("routes:\n", f"routes:\n{CANARY}\n", 1)).reload()
    until(lambda: state(s) == "approved", "approved")
    tell(s, "start")
    for path, method, body in ((ITEMS, "PUT", {"weight": "20%", "reason": "a test"}), (f"{IOS}/promote", "POST", {"reason": "a test"})):
        assert s.admin(method, path, body, If_Match="*", Idempotency_Key=f"key of {path}")[0] == 200
    return s


def held(s):
    """The whole journal, and what every worker goes by."""
    journal, weights = s.admin("GET", "/v1/revisions?limit=500"), s.admin("GET", "/v1/weights")
    assert journal[0] == weights[0] == 200 and len(weights[1]["weights"]) == 2, weights
    return journal[1], weights[1], {k: v for k, v in rollout(s).items() if k not in ("waits", "canary_answers")}


def why(body=None, **more):
    return {"reason": "a test", **(body or {}), **more}


# method, path, body, fields, status, what is said
REFUSED = (
    ("PUT", ITEMS, why(weight="101%"), {}, 400, "share"),
    ("PUT", ITEMS, why(weight="-1%"), {}, 400, "share"),
    ("PUT", ITEMS, why(weight="12.55555%"), {}, 400, "share"),
    ("PUT", ITEMS, why(weight="many"), {}, 400, "share"),
    ("PUT", ITEMS, why(weight=1000001), {}, 400, "weight"),
    ("PUT", ITEMS, why(weight=-1), {}, 400, "weight"),
    ("PUT", ITEMS, why(weight=0.5), {}, 400, "weight"),
    ("PUT", ITEMS, why(weight=None), {}, 400, "weight"),
    ("PUT", ITEMS, why(), {}, 400, "weight"),
    ("PUT", ITEMS, {"weight": "1%"}, {}, 400, "reason"),
    ("PUT", ITEMS, {"weight": "1%", "reason": ""}, {}, 400, "reason"),
    ("PUT", ITEMS, {"weight": "1%", "reason": "x" * 1025}, {}, 400, "reason"),
    ("PUT", ITEMS, why(weight="1%", pool="teal"), {}, 400, "pool"),
    ("PUT", ITEMS, why(weight="1%", dry_run="yes"), {}, 400, "dry_run"),
    ("PUT", ITEMS, [], {}, 400, "object"),
    ("PUT", ITEMS, why(weight="1%"), {"Content_Type": "text/plain"}, 415, "application/json"),
    ("PUT", ITEMS, why(weight="1%"), {"If_Match": None}, 428, "If-Match"),
    ("PUT", ITEMS, why(weight="1%"), {"If_Match": "1"}, 412, "revision"),
    ("PUT", ITEMS, why(weight="1%"), {"If_Match": "99999"}, 412, "revision"),
    ("PUT", ITEMS, why(weight="1%"), {"If_Match": "yesterday"}, 400, "If-Match"),
    ("PUT", ITEMS, why(weight="1%"), {"Idempotency_Key": f"key of {ITEMS}"}, 409, "another change"),
    ("PUT", ITEMS, why(weight="1%"), {"Idempotency_Key": "x" * 129}, 400, "128"),
    ("PUT", "/v1/weights/none", why(weight="1%"), {}, 404, "none"),
    ("PUT", "/v1/weights/orders", why(weight="1%"), {}, 404, "orders"),
    ("PUT", "/v1/weights/rollout%2Fios", why(weight="1%"), {}, 409, "rollout"),
    ("DELETE", ITEMS, None, {}, 405, ""),
    ("POST", f"{IOS}/start", why(), {}, 409, "start"),
    ("POST", f"{IOS}/resume", why(), {}, 409, "resume"),
    ("POST", f"{IOS}/frobnicate", why(), {}, 404, ""),
    ("POST", "/v1/rollouts/android/pause", why(), {}, 404, "android"),
    ("POST", f"{IOS}/pause", why(), {"If_Match": "1"}, 412, "revision"),
    ("POST", f"{IOS}/pause", why(), {"If_Match": None}, 428, "If-Match"),
    ("POST", f"{IOS}/pause", {}, {}, 400, "reason"),
    ("POST", f"{IOS}/pause", why(to="green"), {}, 400, "to"),
    ("POST", f"{IOS}/pause", why(), {"Idempotency_Key": f"key of {IOS}/promote"}, 409, "another change"),
    ("POST", f"{IOS}/approve", why(), {}, 403, "approve"),
    ("GET", f"{IOS}/pause", None, {}, 404, "history"),
    ("POST", LAST, why(), {"If_Match": "1"}, 412, "revision"),
    ("POST", "/v1/snapshots/99999", why(), {}, 404, "99999"),
    ("POST", "/v1/snapshots/first", why(), {}, 404, ""),
    ("POST", LAST, {}, {}, 400, "reason"),
    ("PUT", ITEMS, why(weight="1%", reason="x" * 20000), {}, 413, ""),
    ("PUT", ITEMS, why(weight="1%"), {"X_Long": "x" * 9000}, 431, ""),
)


def test_what_is_asked_wrongly_is_refused_with_a_sentence_and_moves_nothing(t):
    s = arranged(t)
    before = held(s)
    for method, path, body, fields, status, says in REFUSED:
        fields = {k: v for k, v in {**({"If_Match": "*"} if body is not None else {}), **fields}.items() if v is not None}
        got, problem = s.admin(method, path, body, **fields)
        assert got == status == problem["status"], (method, path, body, fields, got, problem)
        assert says in problem["detail"] and len(problem["detail"]) > 10, (method, path, body, problem)
        assert held(s) == before, (method, path, body, fields)
    assert s.cli("audit", "verify", "--socket", s.socket).returncode == 0


def test_a_key_that_comes_again_is_the_same_change_and_none_beside_it(t):
    s = arranged(t)
    before = held(s)
    for path, method, body in ((ITEMS, "PUT", {"weight": "20%", "reason": "a test"}), (f"{IOS}/promote", "POST", {"reason": "a test"})):
        for match in ("*", "1"):
            status, again = s.admin(method, path, body, If_Match=match, Idempotency_Key=f"key of {path}")
            assert status == 200 and again["revision"], (path, again)
            assert held(s) == before, path


def test_who_may_not_is_told_so_and_moves_nothing(t):
    s = arranged(t)
    viewer = [{"name": "vera", "uid": os.getuid(), "roles": ["viewer"]}]
    s.rewrite(lambda text: text.replace("admin: {socket: admin.sock}", "admin: {socket: admin.sock, users: " + json.dumps(viewer) + "}")).reload()
    before = held(s)
    for method, path, body in (("PUT", ITEMS, why(weight="1%")), ("POST", f"{IOS}/abort", why()), ("POST", f"{IOS}/approve", why()),
                               ("POST", LAST, why()), ("POST", "/v1/reload", {}), ("PUT", ITEMS, why(weight="1%", dry_run=True))):
        status, problem = s.admin(method, path, body, If_Match="*")
        assert status == 403 and "vera" in problem["detail"], (path, problem)
    assert held(s) == before and s.status()["generation"]["number"] == 3


def test_a_dry_run_of_every_write_moves_nothing(t):
    s = arranged(t)
    before = held(s)
    for words in (["weight", "items", "1%"], ["snapshot", "restore", "2"], *(["rollout", w, "ios"] for w in ("pause", "abort", "rollback"))):
        done = s.cli(*words, "--reason", "a test", "--dry-run", "--socket", s.socket)
        assert done.stdout and held(s) == before, (words, done)
    for words in (["weight", "items", "1%"], ["snapshot", "restore", "2"], ["rollout", "pause", "ios"]):
        done = s.cli(*words, "--reason", "a test", "--dry-run", "--if-match", "1", "--socket", s.socket, code=1)
        assert "revision" in done.stderr and held(s) == before, (words, done)
