# SPDX-License-Identifier: Apache-2.0
"""What commands print for people fits 100 columns whatever the names' length, and what they print for programs is JSON."""
import json
import os
import re

from peers import message
from stile import Stile, until
from test_reports import Store

COLUMNS = 100
LONG = "a-name-that-somebody-thought-would-be-nice-to-read"  # 50 bytes, as long as a slot takes
ROLLOUT, ROUTE, BLUE, GREEN = (f"{LONG[:-len(end)]}{end}" for end in ("-ios", "-orders", "-blue", "-green"))
POOL = "-and-then-some" * 4  # a pool's name is in no slot
WHY = "so that one customer can have many orders and nobody has to ask " * 4
REASON = "said with so many words that no line could ever hold them all, and a-word-" + "without-any-blank-" * 8 + "ü\u0007"
VERSION = "v2026-02-01-with-a-label-that-is-long"
API = f"""api: {LONG}
versions: {{v1: {{}}, {VERSION}: {{}}}}
detect: [{{header: V}}]
missing: v1
unknown: refuse
types: {{Order: {{at: "* /orders/{{id}}"}}}}
"""
CHANGE = f"""change: {LONG}
from: v1
to: {VERSION}
manifest: {{title: t, owner: o, guarantee: none}}
Order: {{map: {{a_member_{"of_an_order_" * 5}: b_member_{"of_an_order_" * 5}}}}}
"""


def scene(t):
    t.write("a/api.yaml", API)
    t.write("a/changes/1.yaml", CHANGE)
    blue, green = Store(t), Store(t)
    users = [{"name": f"{LONG}-anna-a-user", "uid": os.getuid(), "roles": ["operator", "approver", "break-glass"], "groups": ["release"]}]
    more = f"""rollouts:
  {ROLLOUT}:
    manifest: {{why: {WHY}, owner: {LONG}, guarantee: full, backout: {WHY}}}
    match: {{routes: [{ROUTE}]}}
    baseline: {BLUE}{POOL}
    canary: {GREEN}{POOL}
    salt: ios-2026
    approvals: {{need: 1}}
    shadow: {{share: 100%, answers: 1}}
    steps: [{{weight: 25%, hold: 1h, min_requests: 1000000, at_most: 30d, approve: true}}, {{weight: 30%, hold: 1h}}, {{weight: 100%, hold: 1h}}]
    gates: {{errors: {{ratio: 5, alpha: 1e-4}}, translate: {{max_rate: 50%}}}}
"""
    s = Stile(t, apis={LONG: t.folder / "a/api.yaml"},
              pools={BLUE + POOL: {"api": LONG, "version": "v1", "endpoints": blue.backend},
                     GREEN + POOL: {"api": LONG, "version": VERSION, "endpoints": green.backend}},
              routes=[{"name": ROUTE, "api": LONG, "pool": BLUE + POOL, "subject": ["header:X-Account"],
                       "write": {"PUT /orders/{id}": "lose"}},
                      {"name": f"{ROUTE[:-1]}2", "match": {"path": "/other/**"}, "pool": BLUE + POOL, "subject": ["header:X-Account"],
                       "canary": {"pool": GREEN + POOL, "weight": "12.5%", "salt": "s"}}],
              more=more)
    s.rewrite(lambda text: text.replace("admin: {socket: admin.sock}", "admin: {socket: admin.sock, users: " + json.dumps(users) + "}")).reload()
    return s, blue, green


class Printed:
    """Runs commands, for people and for programs, and looks at what they print."""

    def __init__(self, s):
        self.s, self.seen = s, set()

    def fits(self, done, words):
        for line in (done.stdout + done.stderr).splitlines():
            if not re.match(r"\S+:\d+:\d+: (error|warning): ", line):  # which editors read
                assert len(line) <= COLUMNS, (words, len(line), line)
            assert "\u0007" not in line, (words, "it rings the bell")
        assert not re.search(r" +$", done.stdout, re.M), (words, "blanks at an end")

    def people(self, *words, socket=True, codes=(0, 1, 3)):
        done = self.s.cli(*words, *(["--socket", self.s.socket] if socket else []), code=None)
        assert done.returncode in codes and done.stdout + done.stderr, (words, done)
        self.fits(done, words)
        self.seen.add(words[0])
        return done

    def look(self, *words, socket=True):
        """A command that changes nothing: both ways, and the second way twice."""
        done = self.people(*words, socket=socket)
        more = ["--json", *(["--socket", self.s.socket] if socket else [])]
        texts = [self.s.cli(*words, *more, code=done.returncode).stdout for _ in range(2)]
        if done.returncode == 3 and not texts[0]:
            return done
        shapes = [shape(json.loads(text)) if text.startswith(("{\n", "[\n", "[]")) else [shape(json.loads(line)) for line in text.splitlines()]
                  for text in texts]
        assert shapes[0] == shapes[1] and shapes[0], (words, texts)
        return done


def shape(value):
    """What does not depend on the moment: members in their order, and the types of what they hold."""
    if isinstance(value, dict):
        return [(name, shape(member)) for name, member in value.items()]
    return [shape(value[0])] if isinstance(value, list) and value else type(value).__name__


def waits(p, state):
    until(lambda: json.loads(p.s.cli("rollout", "show", ROLLOUT, "--json", "--socket", p.s.socket).stdout)["state"] == state, state)


def tell(p, word):
    p.look("rollout", word, ROLLOUT, "--reason", REASON, "--dry-run")
    return p.people("rollout", word, ROLLOUT, "--reason", REASON, codes=(0,))


def test_every_command_fits_100_columns_and_its_json_is_json(t):
    s, _, green = scene(t)
    p = Printed(s)
    waits(p, "checked")
    for words in (["rollout", "start", ROLLOUT, "--reason", REASON], ["rollout", "start", LONG * 3, "--reason", REASON],
                  ["rollout", LONG * 3, ROLLOUT], ["weight", ROUTE, LONG * 3, "--reason", "x"], ["report", ROLLOUT], ["shadow", LONG],
                  ["explain", "x" * 128], ["snapshot", "show", "9" * 18], ["can-i", "v1", LONG * 2, "-c", s.config]):
        p.people(*words, codes=(1, 2, 3))
    tell(p, "approve")
    waits(p, "approved")
    ask = lambda i, method="GET": t.ask(s.port, path=f"/orders/{i}{'x' * 90}", method=method, body=b"{}" if method == "PUT" else b"",
                                        X_Account=f"a-{i}", X_Request_Id=f"{'r' * 120}{i}", Content_Type="application/json").status
    ask(0)
    until(lambda: p.s.cli("shadow", ROUTE, "--socket", s.socket, code=None).returncode != 3, "it was compared")
    tell(p, "start")
    statuses = {ask(i, "PUT") for i in range(40)}
    assert 200 in statuses, statuses
    tell(p, "pause")
    tell(p, "resume")
    p.people("rollout", "promote", ROLLOUT, "--reason", REASON, codes=(1,))
    p.people("rollout", "promote", ROLLOUT, "--reason", REASON, "--break-glass", codes=(0,))
    p.people("rollout")
    for word in ("show", "plan", "history", "evidence"):
        p.look("rollout", word, ROLLOUT)
    green.fails = True
    for i in range(100, 250):
        ask(i)
    waits(p, "reported")
    for words in (["rollout"], ["rollout", "show", ROLLOUT], ["rollout", "watch", ROLLOUT], ["rollout", "history", ROLLOUT], ["rollout", "evidence", ROLLOUT],
                  ["report", ROLLOUT], ["report", ROLLOUT, "--writes"], ["weight"], ["weight", f"{ROUTE[:-1]}2"],
                  ["weight", f"{ROUTE[:-1]}2", "20%", "--reason", REASON, "--dry-run"],
                  ["status"], ["endpoint", "list"], ["top", "--once"], ["shadow"], ["shadow", ROUTE, "--all"], ["audit", "verify"], ["audit", "tail"],
                  ["explain", f"{'r' * 120}0"], ["snapshot", "list"], ["snapshot", "show", "8"], ["snapshot", "diff", "2"]):
        p.look(*words)
    for words in (["matrix", s.config], ["can-i", "v1", GREEN + POOL, "-c", s.config], ["explain", "-c", s.config, "-H", "V: v1", "-H", "X-Account: a", "GET", "/orders/1"]):
        p.look(*words)
        p.look(*words, *([] if words[0] == "explain" else ["--live"]))
    p.look("token", "new", socket=False)
    p.people("weight", f"{ROUTE[:-1]}2", "20%", "--reason", REASON)
    p.look("snapshot", "restore", "8", "--reason", REASON, "--dry-run")
    p.people("snapshot", "restore", "8", "--reason", REASON)
    p.people("endpoint", "drain", GREEN + POOL, green.backend.url, "--reason", REASON, codes=(1,))
    p.people("endpoint", "drain", GREEN + POOL, green.backend.url, "--reason", REASON, "--last", "--dry-run", codes=(0,))
    tell(p, "again")
    p.people("reload")
    assert p.seen >= {"rollout", "report", "weight", "status", "top", "shadow", "audit", "explain", "snapshot", "matrix", "can-i", "token", "reload"}


def test_every_help_fits_100_columns(t):
    words = re.findall(r"^  ([a-z-]+) +\S", t.command(t.build / "stile", "--help").stdout.split("Exit codes")[0], re.M)
    assert len(words) >= 20
    for word in (None, *words):
        text = t.command(t.build / "stile", *([word] if word else []), "--help").stdout
        long = [line for line in text.splitlines() if len(line) > COLUMNS]
        assert text and not long, (word, long)
