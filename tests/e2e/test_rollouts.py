# SPDX-License-Identifier: Apache-2.0
"""Rollouts: by their plan up, by themselves down; what is told them, by whom, and what the journal says of it."""
import json
import os
import re
import signal

from peers import message
from stile import Stile, until

MANIFEST = "{why: one customer many orders, owner: team-orders, guarantee: full, backout: weights to 0}"


def plan(steps, gates="{errors: {ratio: 5, alpha: 1e-4}}", more=""):
    return f"""rollouts:
  ios:
    manifest: {MANIFEST}
    match: {{routes: [orders]}}
    baseline: blue
    canary: green
    salt: ios-2026
    steps: {steps}
    gates: {gates}
{more}"""


class Arm:
    """The pool of one arm: it answers its name, and fails while it is told to."""

    def __init__(self, t, name):
        self.name, self.fails, self.n, self.builds = name.encode(), False, 0, []
        self.backend = t.backend(self.serve)

    def serve(self, conn, _):
        while True:
            conn.request()
            self.n += 1
            fields = {"X_Build": self.builds[self.n % len(self.builds)]} if self.builds else {}
            conn.send(message(status=500, body=b"broken") if self.fails else message(body=self.name, **fields))


def scene(t, text, green_more=None, **more):
    blue, green = Arm(t, "blue"), Arm(t, "green")
    s = Stile(t, pools={"blue": blue.backend, "green": {"endpoints": green.backend, **(green_more or {})}}, more=text,
              routes=[{"name": "orders", "pool": "blue", "subject": ["header:X-Account"]}], **more)
    return s, blue, green


def say(s, *words, code=0):
    """A command to the daemon; all that it said."""
    done = s.cli(*words, "--socket", s.socket, code=code)
    return done.stdout + done.stderr


def rollout(s, what="show"):
    return json.loads(say(s, "rollout", what, "ios", "--json"))


def state(s):
    done = s.cli("rollout", "show", "ios", "--json", "--socket", s.socket, code=None)
    return json.loads(done.stdout)["state"] if done.returncode == 0 else None


def tell(s, word, code=0):
    return say(s, "rollout", word, "ios", "--reason", f"test: {word}", code=code)


def load(t, s, subjects):
    """One request of each of these subjects; what came, by status."""
    seen, conn = {}, t.connect(s.port)
    for i in subjects:
        a = conn.send(f"GET /x HTTP/1.1\r\nHost: a\r\nX-Account: account-{i}\r\n\r\n").answer()
        seen[a.status] = seen.get(a.status, 0) + 1
    conn.close()
    return seen


def test_a_rollout_goes_up_by_its_plan_and_its_journal_tells_it(t):
    s, blue, green = scene(t, plan("[{weight: 10%, hold: 100ms, min_requests: 3}, {weight: 50%, hold: 100ms}, {weight: 100%, hold: 200ms}]"))
    until(lambda: state(s) == "approved", "nobody has to approve it")
    assert rollout(s)["effective_ppm"] == 0 and load(t, s, range(20)) == {200: 20} and green.n == 0
    tell(s, "start")
    assert rollout(s)["weight_ppm"] == 100000
    until(lambda: state(s) == "holding", "no data")
    assert rollout(s)["waits"].startswith("no data: "), rollout(s)
    assert load(t, s, range(60)) == {200: 60} and 3 <= green.n <= 20, green.n
    until(lambda: state(s) == "done", "done")
    assert rollout(s)["effective_ppm"] == 1000000
    before = blue.n
    assert load(t, s, range(20)) == {200: 20} and blue.n == before
    events = [r["after"]["event"] for r in rollout(s, "history")["revisions"]]
    assert events == ["finish", "advance", "advance", "wait", "start", "approve", "check"], events
    assert "is whole" in say(s, "audit", "verify") and "rollout.start" in say(s, "audit", "tail")
    tell(s, "rollback")
    assert rollout(s)["effective_ppm"] == 0 and load(t, s, range(20)) == {200: 20}


def broken(t, s, green):
    """A canary at 25 % that breaks: every subject once, until nobody is sent to it any more."""
    until(lambda: state(s) == "approved", "approved")
    tell(s, "start")
    assert load(t, s, range(100)) == {200: 100} and green.n > 10
    green.fails = True


def test_a_request_is_explained_with_its_bucket_and_the_step_it_met(t):
    s, _, _ = scene(t, plan("[{weight: 10%, hold: 1h}, {weight: 100%, hold: 1h}]"))
    until(lambda: state(s) == "approved", "approved")

    def explained(account):
        """As it was, and as it would be: the same words."""
        id_ = t.ask(s.port, X_Account=account).get("x-request-id")
        until(lambda: s.cli("explain", id_, "--socket", s.socket, code=None).returncode == 0, "its record has come")
        words = (["--socket", s.socket, id_], ["-c", s.config, "-H", f"X-Account: {account}", "GET", "/"])
        was, is_ = (json.loads(s.cli("explain", "--json", *w).stdout) for w in words)
        told = [{k: r[k] for k in ("rollout", "step", "bucket", "weight_ppm", "pool")} for r in (was, is_)]
        assert told[0] == told[1] and 0 <= was["bucket"] < 1000000, told
        assert re.search(r"^bucket +\d+$", s.cli("explain", *words[0]).stdout, re.M), "for people, too"
        return was

    assert explained("a")["step"] == 0 and explained("a")["rollout"] == "ios"
    tell(s, "start")
    first = explained("a")
    assert (first["step"], first["weight_ppm"]) == (1, 100000), first
    tell(s, "promote")
    assert (explained("a")["step"], explained("a")["pool"]) == (2, "green")
    tell(s, "abort")
    assert (explained("a")["step"], explained("a")["pool"]) == (0, "blue")


def test_a_canary_that_fails_is_halted_and_told_why(t):
    s, _, green = scene(t, plan("[{weight: 25%, hold: 1h}, {weight: 100%, hold: 1h}]"))
    broken(t, s, green)
    seen = load(t, s, range(100, 300))
    assert 11 <= seen[500] <= 16, seen
    until(lambda: state(s) == "reported", "rolled back")
    r = rollout(s)
    assert r["halted"] and r["effective_ppm"] == 0 and r["weight_ppm"] == 0 and r["cause"].startswith("errors: orders"), r
    assert load(t, s, range(300)) == {200: 300}, "all are on the baseline"
    halt = next(e for e in rollout(s, "history")["revisions"] if e["after"]["event"] == "halt")
    cell = halt["after"]["evidence"][0]
    assert halt["reason"].startswith("errors: orders") and cell["canary"]["errors"] == seen[500] and cell["sum"] >= cell["bound"], halt
    assert cell["baseline"]["errors"] == 0 and halt["after"]["generation"] == 1 and halt["after"]["version"], halt
    tell(s, "again")
    until(lambda: state(s) == "approved", "a new run")
    green.fails = False
    tell(s, "start")
    assert rollout(s)["run"] == 2 and rollout(s)["effective_ppm"] == 250000 and not rollout(s)["halted"]
    assert load(t, s, range(40)) == {200: 40}


def test_it_is_halted_with_control_dead_and_journalled_when_it_is_back(t):
    s, _, green = scene(t, plan("[{weight: 25%, hold: 1h}, {weight: 100%, hold: 1h}]"))
    broken(t, s, green)
    control = s.control()
    os.kill(control, signal.SIGSTOP)  # as good as dead: it sees and does nothing
    seen = load(t, s, range(100, 300))
    assert 11 <= seen[500] <= 16, seen
    assert load(t, s, range(300)) == {200: 300}
    s.kill(control)
    until(lambda: state(s) == "reported", "another control has journalled it")
    assert rollout(s)["effective_ppm"] == 0 and "is whole" in say(s, "audit", "verify")


def test_clients_that_err_and_one_subject_that_fails_halt_nothing(t):
    s, _, green = scene(t, plan("[{weight: 25%, hold: 1h}, {weight: 100%, hold: 1h}]"))
    until(lambda: state(s) == "approved", "approved")
    tell(s, "start")
    load(t, s, range(100))
    one = next(i for i in range(100) if t.ask(s.port, X_Account=f"account-{i}").body == b"green")
    green.fails = True
    assert load(t, s, [one] * 50) == {500: 50}
    green.fails = False
    for i in range(60):  # bad requests of all sorts of subjects
        assert t.ask(s.port, path="/%zz", X_Account=f"bad-{i}").status == 400
    assert state(s) == "step" and not rollout(s)["halted"]
    assert t.ask(s.port, X_Account=f"account-{one}").body == b"green"


def test_a_rollout_lives_across_a_reload_and_a_restart(t):
    s, _, _ = scene(t, plan("[{weight: 10%, hold: 1h}, {weight: 50%, hold: 1h}]"))
    until(lambda: state(s) == "approved", "approved")
    tell(s, "start")
    tell(s, "promote")
    before = rollout(s)
    assert before["effective_ppm"] == 500000 and before["state"] == "baking"
    s.reload()
    assert {k: rollout(s)[k] for k in ("state", "step", "run", "revision", "since_ms")} == {
        k: before[k] for k in ("state", "step", "run", "revision", "since_ms")}
    s.stop()
    s.start()
    until(lambda: rollout(s)["state"] == "baking", "as it was")
    assert rollout(s)["effective_ppm"] == 500000 and rollout(s)["revision"] == before["revision"]
    # Another plan is another rollout: somebody has to look.
    s.rewrite(lambda text: text.replace("weight: 10%", "weight: 20%")).reload()
    until(lambda: state(s) == "paused", "paused")
    assert rollout(s)["effective_ppm"] == 500000


def test_what_happens_is_told_to_those_who_watch_across_a_reload(t):
    s, _, _ = scene(t, plan("[{weight: 10%, hold: 1h}, {weight: 100%, hold: 1h}]"))
    until(lambda: state(s) == "approved", "approved")
    watch = t.start(s.binary, "rollout", "watch", "ios", "--socket", s.socket, cwd=s.folder, ok=(1,))
    tail = t.start(s.binary, "audit", "tail", "--follow", "--lines", "1", "--json", "--socket", s.socket, cwd=s.folder, ok=(-signal.SIGINT,))
    until(lambda: "approved" in watch.text(), "it is shown")
    tell(s, "start")
    until(lambda: "step 1 of 2" in watch.text() and "10%" in watch.text(), "the step is shown")
    s.reload()
    tell(s, "promote")
    until(lambda: "100%" in watch.text(), "the next is shown by the next control")
    tell(s, "abort")
    assert watch.wait() == 1, watch.text()
    until(lambda: "rollout.report" in tail.text(), "and followed")
    tail.signal(signal.SIGINT)
    tail.wait()
    told = [json.loads(line) for line in tail.text().splitlines()]
    last = told[-1]["revision"]
    assert [r["revision"] for r in told] == list(range(told[0]["revision"], last + 1)), told
    assert [r["after"]["event"] for r in told[1:]][:2] == ["start", "promote"], told


def test_what_is_not_allowed_changes_nothing(t):
    s, _, _ = scene(t, plan("[{weight: 10%, hold: 1h}, {weight: 50%, hold: 1h}]", more="    approvals: {need: 1}\n"))
    until(lambda: state(s) == "checked", "it waits for somebody")
    assert rollout(s)["waits"] == "approval: 0 of 1"
    revision = rollout(s)["revision"]
    assert "cannot 'start'" in tell(s, "start", code=1)
    assert "may not approve" in tell(s, "approve", code=1)
    assert "at revision" in say(s, "rollout", "withdraw", "ios", "--reason", "x", "--if-match", "999", code=1)
    assert "say why" in say(s, "rollout", "withdraw", "ios", code=2)
    assert "no rollout" in say(s, "rollout", "start", "android", "--reason", "x", code=3)
    assert "moves this weight" in say(s, "weight", "rollout/ios", "5%", "--reason", "x", code=1)
    assert rollout(s)["revision"] == revision and rollout(s)["effective_ppm"] == 0
    who = {"users": [{"name": "anna", "uid": os.getuid(), "roles": ["operator", "approver"], "groups": ["release"]}]}
    s.rewrite(lambda text: text.replace("admin: {socket: admin.sock}", "admin: {socket: admin.sock, users: " + json.dumps(who["users"]) + "}")).reload()
    tell(s, "approve")
    assert "already" in tell(s, "approve", code=1)
    until(lambda: state(s) == "approved", "approved")
    assert rollout(s)["approvals"] == [{"actor": "anna", "step": 0}]
    tell(s, "start")
    assert rollout(s)["effective_ppm"] == 100000


def test_a_change_with_a_key_is_made_once_and_the_key_is_no_other_change_s(t):
    s, _, _ = scene(t, plan("[{weight: 10%, hold: 1h}, {weight: 50%, hold: 1h}]"))
    until(lambda: state(s) == "approved", "approved")

    def post(word, key):
        return s.admin("POST", f"/v1/rollouts/ios/{word}", {"reason": "a test"}, If_Match="*", Idempotency_Key=key)

    assert post("start", "k-1")[:1] == (200,)
    revision = rollout(s)["revision"]
    status, again = post("start", "k-1")
    assert status == 200 and again["revision"] == revision == rollout(s)["revision"], again
    status, why = post("pause", "k-1")
    assert status == 409 and "another change" in why["detail"] and rollout(s)["revision"] == revision, why
    assert post("start", "k-2")[0] == 409 and post("pause", "x" * 129)[0] == 400
    assert rollout(s)["revision"] == revision


def test_a_dry_run_says_what_would_be_and_changes_nothing(t):
    s, _, _ = scene(t, plan("[{weight: 10%, hold: 1h}, {weight: 50%, hold: 1h}]"))
    until(lambda: state(s) == "approved", "approved")
    before = rollout(s)

    def dry(word, code=0, **more):
        return say(s, "rollout", word, "ios", "--reason", "x", "--dry-run", *(w for k, v in more.items() for w in (f"--{k}", v)), code=code)

    assert "start would make it step, step 1, 10%" in dry("start"), dry("start")
    assert "cannot 'promote'" in dry("promote", code=1)
    assert "not 999" in dry("start", code=1, **{"if-match": "999"})
    assert "may not approve" in dry("approve", code=1)
    assert rollout(s) == before and "start" not in say(s, "audit", "tail")
    tell(s, "start")
    told = json.loads(say(s, "rollout", "promote", "ios", "--reason", "x", "--dry-run", "--json"))
    assert (told["state"], told["weight_ppm"], told["was"]) == ("baking", 500000, "step") and rollout(s)["step"] == 1, told


def test_approvals_of_strangers_do_not_count(t):
    s, _, _ = scene(t, plan("[{weight: 10%, hold: 1h}, {weight: 50%, hold: 1h}]", more="    approvals: {need: 1, of: [release]}\n"))
    until(lambda: state(s) == "checked", "it waits for somebody")

    def be(roles, groups):
        users = json.dumps([{"name": "anna", "uid": os.getuid(), "roles": roles, "groups": groups}])
        s.rewrite(lambda text: "\n".join(f"admin: {{socket: admin.sock, users: {users}}}" if line.startswith("admin:") else line
                                         for line in text.splitlines()) + "\n")
        number = s.status()["generation"]["number"]  # who may not reload over the API sends the signal
        s.process.signal(signal.SIGHUP)
        until(lambda: s.status()["generation"]["number"] > number, "loaded")

    for roles, groups in ((["viewer"], ["release"]), (["operator"], ["release"]), (["approver"], ["sales"]), (["operator", "approver"], [])):
        be(roles, groups)
        assert "may" in tell(s, "approve", code=1)
        assert rollout(s)["approvals"] == [] and state(s) == "checked", (roles, groups)
    be(["approver"], ["sales", "release"])
    assert "approved" in tell(s, "approve"), "the last one that was needed: nobody waits for a tick"
    assert "may" in tell(s, "start", code=1) and state(s) == "approved", "who approves is no operator by that"


def test_subjects_and_platforms_that_a_client_invents_move_that_client_alone(t):
    text = plan("[{weight: 50%, hold: 1h}, {weight: 100%, hold: 1h}]").replace("match: {routes: [orders]}", "match: {routes: [orders], platform: ios}")
    blue, green = Arm(t, "blue"), Arm(t, "green")
    s = Stile(t, pools={"blue": blue.backend, "green": green.backend}, more=text,
              routes=[{"name": "orders", "pool": "blue", "subject": ["header:X-Account"], "platform": {"header": "X-Platform"}}])
    until(lambda: state(s) == "approved", "approved")
    tell(s, "start")

    def arms():
        return [t.ask(s.port, X_Account=f"account-{i}", X_Platform="ios").body for i in range(40)]

    before = arms()
    assert set(before) == {b"blue", b"green"}
    for i in range(60):  # each request another subject and another platform
        assert t.ask(s.port, X_Account=f"made-up-{i}", X_Platform=f"platform-{i}").body == b"blue"
        assert t.ask(s.port, X_Account="x" * 200 + str(i), X_Platform="ios").status == 200
    assert arms() == before and state(s) == "step"
    cells = {c["cell"] for c in rollout(s, "evidence")["evidence"]}
    assert len(cells) == 1 and "platform-" not in str(cells), cells


def test_each_path_of_the_api_s_description_is_there(t):
    s, _, _ = scene(t, plan("[{weight: 10%, hold: 1h}, {weight: 50%, hold: 1h}]"))
    until(lambda: state(s) == "approved", "approved")
    status, doc = s.admin("GET", "/openapi.json")
    assert status == 200 and doc["openapi"].startswith("3.1"), doc
    for path, methods in doc["paths"].items():
        if "{rollout}" not in path:
            continue
        for method, operation in methods.items():
            body = {"reason": "x"} if method == "post" else None
            status, said = s.admin(method.upper(), path.replace("{rollout}", "ios"), body, If_Match="999", Content_Type="application/json")
            assert status in ((403, 409, 412) if body else (200, 404)), (path, said)
            assert status != 404 or path.endswith("/report"), (path, said)
            assert {p["name"] for p in operation["parameters"] if p["in"] == "path"} == {"rollout"}
    assert state(s) == "approved"


def users(*roles, name="anna"):
    who = [{"name": name, "uid": os.getuid(), "roles": list(roles), "groups": ["release"]}]
    return "admin: {socket: admin.sock, users: " + json.dumps(who) + "}"


def become(s, *roles, name="anna"):
    """The caller has these roles from now on."""
    s.rewrite(lambda text: re.sub(r"admin: \{socket: admin.sock.*\}", users(*roles, name=name), text)).reload()


def test_an_operator_passes_over_nothing_and_who_breaks_the_glass_is_shown_until_acknowledged(t):
    s, _, _ = scene(t, plan("[{weight: 10%, hold: 1h, approve: true}, {weight: 50%, hold: 1h}]", more="    approvals: {need: 1}\n"))
    become(s, "operator")
    until(lambda: state(s) == "checked", "it waits for somebody")
    assert "unless the glass is broken" in tell(s, "start", code=1)
    assert "role break-glass" in say(s, "rollout", "start", "ios", "--reason", "x", "--break-glass", code=1)
    assert state(s) == "checked"
    become(s, "operator", "break-glass")
    would = say(s, "rollout", "start", "ios", "--reason", "x", "--break-glass", "--dry-run")
    assert "would make it step" in would and state(s) == "checked", would
    assert "start, promote and flip" in say(s, "rollout", "withdraw", "ios", "--reason", "x", "--break-glass", code=1)
    say(s, "rollout", "start", "ios", "--reason", "blue is burning", "--break-glass")
    assert "approval: 0 of 1" in tell(s, "promote", code=1) and rollout(s)["step"] == 1
    shown = say(s, "rollout", "show", "ios")
    assert "start to step 1 by anna: blue is burning" in shown and "over approval: 0 of 1; nobody has acknowledged it" in shown, shown
    for words in (("rollout",), ("top", "--once")):
        assert "GLASS BROKEN: anna" in say(s, *words), words
    forced = rollout(s)["break_glass"]
    assert forced["n"] == 1 and forced["acknowledged_by"] is None and forced["run"] == 1, forced
    last = rollout(s, "history")["revisions"][0]
    assert last["kind"] == "rollout.break_glass.start" and last["after"]["break_glass"]["reason"] == "blue is burning", last
    assert "evidence" in last["after"] and "rollout.break_glass.start" in say(s, "audit", "tail")
    become(s, "operator", name="ben")
    tell(s, "acknowledge")
    assert "GLASS BROKEN" not in say(s, "top", "--once") and "acknowledged by ben" in say(s, "rollout", "show", "ios")
    assert "already" in tell(s, "acknowledge", code=1)
    tell(s, "rollback")
    until(lambda: state(s) == "reported", "told")
    assert "start to step 1 by anna: blue is burning" in say(s, "report", "ios")


def builds(s):
    return [r["reason"] for r in reversed(rollout(s, "history")["revisions"]) if r["after"]["event"] in ("build", "rebuild")]


def test_a_new_build_in_mid_step_goes_back_to_step_1(t):
    s, _, green = scene(t, plan("[{weight: 30%, hold: 1h}, {weight: 50%, hold: 1h}, {weight: 100%, hold: 1h}]"), green_more={"build_header": "X-Build"})
    green.builds = ["1.4.1"]
    until(lambda: state(s) == "approved", "approved")
    tell(s, "start")
    assert load(t, s, range(40)) == {200: 40}
    until(lambda: rollout(s)["builds"] == ["1.4.1"], "the first is known")
    tell(s, "promote")
    # A client's header says nothing: only what the canary's pool answers does.
    for i in range(20):
        assert t.ask(s.port, X_Account=f"account-{i}", X_Build="6.6.6").status == 200
    assert rollout(s)["step"] == 2 and rollout(s)["canary_answers"] > 0
    green.builds = ["1.4.1", "1.4.2"]  # a deployment that rolls
    load(t, s, range(40))
    until(lambda: rollout(s)["step"] == 1, "back to step 1")
    assert rollout(s)["effective_ppm"] == 300000 and rollout(s)["canary_answers"] < 20, rollout(s)
    revision = rollout(s)["revision"]
    for _ in range(3):
        load(t, s, range(40))
    assert rollout(s)["revision"] == revision and sorted(rollout(s)["builds"]) == ["1.4.1", "1.4.2"], rollout(s)
    assert builds(s) == ["the canary answers as 1.4.1", "build 1.4.2 is new beside 1.4.1"], builds(s)
    s.reload()
    green.builds = ["1.4.2"]
    load(t, s, range(40))
    assert rollout(s)["revision"] == revision
    green.builds = ["1.4.3"]
    load(t, s, range(40))
    until(lambda: len(builds(s)) == 3, "another")
    assert "1.4.3" in say(s, "rollout", "show", "ios")


def test_a_gate_that_breaks_freezes_while_too_little_of_the_baseline_is_up(t):
    healthy = [True, True]

    def probe(i):
        def serve(conn, _):
            while True:
                up = "/up" not in conn.request().start or healthy[i]
                conn.send(message(status=200 if up else 503, body=b"blue"))
        return t.backend(serve)

    green = Arm(t, "green")
    blue = {"endpoints": [probe(0), probe(1)], "check": {"path": "/up", "every": "100ms"}}
    s = Stile(t, pools={"blue": blue, "green": green.backend}, routes=[{"name": "orders", "pool": "blue", "subject": ["header:X-Account"]}],
              more=plan("[{weight: 25%, hold: 1h}, {weight: 100%, hold: 1h}]", more="    require: {baseline_capacity: 100%}\n"))
    until(lambda: state(s) == "approved", "approved")
    tell(s, "start")
    assert load(t, s, range(100)) == {200: 100}
    healthy[1] = False
    until(lambda: [e["health"] for p in s.status()["pools"] if p["name"] == "blue" for e in p["endpoints"]] == ["up", "down"], "half is down")
    green.fails = True
    assert load(t, s, range(100, 300))[500] > 20, "nobody is sent where there is no room"
    until(lambda: state(s) == "rollback_blocked", "frozen")
    assert rollout(s)["effective_ppm"] == 250000 and rollout(s)["cause"].startswith("errors: orders"), rollout(s)
    healthy[1] = True
    until(lambda: all(e["health"] == "up" for p in s.status()["pools"] if p["name"] == "blue" for e in p["endpoints"]), "all are up")
    load(t, s, range(300, 400))
    until(lambda: state(s) == "reported", "the next error halts it")
    assert rollout(s)["effective_ppm"] == 0 and "errors: orders" in say(s, "report", "ios")


def test_what_comes_what_is_watched_and_the_share_are_shown(t):
    s, _, _ = scene(t, plan("[{weight: 20%, hold: 1h}, {weight: 100%, hold: 1h}]").replace("backout: weights to 0", "backout: weights to 0, watch: [errors, split]"))
    until(lambda: state(s) == "approved", "approved")
    assert rollout(s)["traffic"]["source"] in ("unknown", "live")
    load(t, s, range(60))
    until(lambda: rollout(s)["traffic"]["source"] == "live", "it was counted")
    told = rollout(s)["traffic"]
    assert told["requests_a_day"] > 60 and told["cells"][0]["cell"].startswith("orders"), told
    shown = say(s, "rollout", "plan", "ios")
    assert "requests a day (live, over " in shown, shown
    tell(s, "start")
    load(t, s, range(200))
    seen = rollout(s)["observed"]
    assert seen["subjects"] in range(195, 206) and seen["low_ppm"] < 200000 < seen["high_ppm"] and seen["canary"] > 10, seen
    shown = say(s, "rollout", "show", "ios")
    assert "subjects; chance allows " in shown, shown
    assert "errors (gate)" in shown and "split: 200 in this step, 260 in all" in shown, shown
    # Numbers are those of the step, over a control that dies and whatever was counted before.
    s.kill(s.control())
    until(lambda: state(s) == "step", "another control")
    load(t, s, range(50))

    def watched():
        r = rollout(s)
        return r["canary_answers"] - r["step_answers"], next(w["step"] for w in r["manifest"]["watch"] if w["name"] == "split")

    assert watched() == (0, 250), watched()
    tell(s, "promote")
    assert watched()[0] > 20 and watched()[1] == 0, watched()
    load(t, s, range(30))
    assert watched()[1] == 30 and rollout(s)["step_answers"] == 30, rollout(s)
