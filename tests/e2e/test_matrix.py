# SPDX-License-Identifier: Apache-2.0
"""Which client versions a pool can serve: yes is proven by cases, traffic may refute it, and unknown is never shown as yes."""
import json

from peers import answering, message
from stile import Stile, until
from test_rollouts import MANIFEST, say, state

API = """api: a
versions: {v1: {date: 2024-01-01}, v2: {date: 2025-01-01}}
detect: [{header: Api-Version}]
missing: v1
types: {Thing: {at: ["* /t"]}}
"""
CHANGE = """change: names
from: v1
to: v2
manifest: {title: Names, owner: us, guarantee: full}
Thing:
  map:
    a: b
    at: {to: at, as: unix_s <> rfc3339}
"""
CASE = """- case: a thing reads the same
  type: Thing
  older: {a: x, at: 1700000000}
  newer: {b: x, at: "2023-11-14T22:13:20Z"}
"""
OLD = {"a": "x", "at": 1700000000}
THING = {"b": "x", "at": "2023-11-14T22:13:20Z"}


def things(t, cases=CASE):
    t.write("a/api.yaml", API)
    t.write("a/changes/1.yaml", CHANGE)
    t.write("a/cases/1.yaml", cases)
    return t.folder / "a/api.yaml"


def scene(t, more="", cases=CASE, new=THING, old=OLD):
    """v1 in front, v2 its canary."""
    blue, green = t.backend(answering(message(body=old))), t.backend(answering(message(body=new)))
    return Stile(t, apis={"a": things(t, cases)}, more=more,
                 pools={"blue": {"api": "a", "version": "v1", "endpoints": blue}, "green": {"api": "a", "version": "v2", "endpoints": green}},
                 routes=[{"name": "things", "match": {"path": "/t"}, "api": "a", "pool": "blue", "subject": ["header:X-Account"]}])


def rollout(require, more=""):
    return f"""rollouts:
  ios:
    manifest: {MANIFEST}
    match: {{routes: [things]}}
    baseline: blue
    canary: green
    salt: ios-2026
    require: {require}
    steps: [{{weight: 50%, hold: 1h}}, {{weight: 100%, hold: 1h}}]
    gates: {{errors: {{ratio: 5, alpha: 1e-4}}, translate: {{max_rate: 50%}}}}
{more}"""


def matrix(s, *words, code):
    done = s.cli("matrix", s.config, "--json", *words, code=code)
    return {(c["client"], c["pool"]): c for c in json.loads(done.stdout)["matrix"]}


def verdicts(cells):
    return {key: c["verdict"] for key, c in cells.items()}


def test_yes_is_proven_and_what_no_case_shows_is_unknown(t):
    s = scene(t)
    both = {("v1", "blue"): "yes", ("v2", "blue"): "yes", ("v1", "green"): "yes", ("v2", "green"): "yes"}
    assert verdicts(matrix(s, code=0)) == both
    text = s.cli("matrix", s.config).stdout
    assert "blue v1" in text and "unknown" not in text and max(map(len, text.splitlines())) <= 100
    assert "both ways" in s.cli("can-i", "v1", "green", "-c", s.config).stdout
    things(t, CASE.replace("{a: x, at: 1700000000}", "{at: 1700000000}").replace("{b: x, at: ", "{at: "))
    cells = matrix(s, code=3)
    assert verdicts(cells) == {**both, ("v1", "green"): "unknown", ("v2", "blue"): "unknown"}
    assert "no case shows upwards what" in cells["v1", "green"]["why"] and "changes/1.yaml:7" in cells["v1", "green"]["why"]
    things(t, CASE + "  only: up\n")
    assert "no case shows downwards" in s.cli("can-i", "v1", "green", "-c", s.config, code=3).stdout
    things(t, CASE.replace("22:13:20Z", "22:13:21Z"))
    assert verdicts(matrix(s, code=1)) == {**both, ("v1", "green"): "no", ("v2", "blue"): "no"}
    s.cli("can-i", "v1", "green", "-c", s.config, code=1)
    assert "no pool `teal`" in s.cli("can-i", "v1", "teal", "-c", s.config, code=2).stderr


def test_traffic_refutes_what_cases_have_proven(t):
    s = scene(t, rollout("{matrix: proven}"), new={"b": "x", "at": "never"})

    def live(code):
        return matrix(s, "--live", "--socket", s.socket, code=code)
    assert set(verdicts(live(0)).values()) == {"yes"}
    until(lambda: state(s) == "approved", "approved")
    say(s, "rollout", "start", "ios", "--reason", "all are proven")
    statuses = [t.ask(s.port, path="/t", X_Account=f"a-{i}").status for i in range(12)]
    assert set(statuses) == {200, 502}, statuses
    cells = live(1)
    assert verdicts(cells)["v1", "green"] == "no" and verdicts(cells)["v1", "blue"] == "yes"
    assert cells["v1", "green"]["traffic"]["answers_failed"] == statuses.count(502) and "could not be translated" in cells["v1", "green"]["why"]
    until(lambda: state(s) == "reported", "three subjects met it, so it took itself back")
    say(s, "rollout", "again", "ios", "--reason", "and again")
    until(lambda: state(s) == "approved", "approved")
    assert "matrix: clients at v1: no" in say(s, "rollout", "start", "ios", "--reason", "still", code=1)
    assert state(s) == "approved"


def test_clients_that_could_not_come_back_are_somebody_s_to_accept(t):
    s = scene(t, rollout("{baseline_capacity: 100%}"), old={**OLD, "at": "never"})
    until(lambda: state(s) == "approved", "approved")
    assert "start would make it" in say(s, "rollout", "start", "ios", "--reason", "x", "--dry-run"), "nobody at v2 has come"
    assert t.ask(s.port, path="/t", X_Account="a", Api_Version="v2").status == 502
    assert "clients at v2 could not come back" in say(s, "rollout", "start", "ios", "--reason", "x", code=1)
    assert state(s) == "approved"
    say(s, "rollout", "start", "ios", "--reason", "they are ours", "--no-way-back")
    done = json.loads(say(s, "rollout", "history", "ios", "--json"))["revisions"][0]["after"]
    assert done["event"] == "start" and done["story"]["lost"] == "v2", done


def test_a_case_that_does_not_hold_says_who_could_not_come_back_though_nobody_asked_for_proof(t):
    s = scene(t, rollout("{baseline_capacity: 100%}"), cases=CASE.replace("1700000000", "1700000001"))
    until(lambda: state(s) == "approved", "approved")
    assert t.ask(s.port, path="/t", X_Account="a").status == 200, "v1 needs no translation"
    assert "start would make it" in say(s, "rollout", "start", "ios", "--reason", "x", "--dry-run"), "nobody at v2 has come"
    assert t.ask(s.port, path="/t", X_Account="a", Api_Version="v2").status == 200, "and nothing has failed so far"
    assert "clients at v2 could not come back" in say(s, "rollout", "start", "ios", "--reason", "x", code=1)
    say(s, "rollout", "start", "ios", "--reason", "they are ours", "--no-way-back")


def test_a_matrix_that_is_not_proven_starts_nothing(t):
    s = scene(t, rollout("{matrix: proven}"), cases=CASE + "  only: up\n")
    until(lambda: state(s) == "approved", "approved")
    assert "matrix: clients at v1: unknown, no case shows downwards" in say(s, "rollout", "start", "ios", "--reason", "x", code=1)
    assert "it would not start" in s.cli("check", s.config).stdout
    things(t)
    s.reload()
    say(s, "rollout", "start", "ios", "--reason", "now it is proven")
    assert state(s) == "step"


def test_a_shadow_that_differs_or_says_nothing_starts_nothing(t):
    s = scene(t, rollout("{shadow: {new_differences: 0}}", "    shadow: {share: 100%, answers: 10}\n"))
    until(lambda: state(s) == "approved", "approved")
    say(s, "rollout", "shadow", "ios", "--reason", "compare first")
    assert state(s) == "shadowing"
    assert "shadow: route things: unknown" in say(s, "rollout", "start", "ios", "--reason", "x", code=1)

    def compared():
        t.ask(s.port, path="/t", X_Account="a")
        return json.loads(s.cli("shadow", "things", "--json", "--socket", s.socket, code=None).stdout)["verdict"] != "unknown"
    until(compared, "enough was compared")
    say(s, "rollout", "start", "ios", "--reason", "nothing differs")
    assert state(s) == "step"


def test_a_new_difference_keeps_a_rollout_from_starting(t):
    s = scene(t, rollout("{shadow: {new_differences: 0}}", "    shadow: {share: 100%, answers: 10}\n"), new={**THING, "b": "y"})
    until(lambda: state(s) == "approved", "approved")

    def refused():
        t.ask(s.port, path="/t", X_Account="a")
        return "1 new differences" in say(s, "rollout", "start", "ios", "--reason", "x", code=1)
    until(refused, "it differs")
    assert state(s) == "approved"
