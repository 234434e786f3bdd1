# SPDX-License-Identifier: Apache-2.0
"""The commands of docs/operating.md are those of this build: each is run against a Stile with a rollout, and none is misspelt."""
import re
import shlex

from peers import answering, message
from stile import Stile, until
from test_rollouts import MANIFEST

# What a command may say: done, refused (nothing is there to do), not known. Never 2: its words are off.
FINE = (0, 1, 3)
LEFT_OUT = ("stile run", "stile reload", "stile top")  # the first is running, the others are tested by themselves
PLAN = f"""rollouts:
  ios-orders:
    manifest: {MANIFEST}
    match: {{routes: [moved]}}
    baseline: blue
    canary: green
    salt: ios-2026
    steps: [{{weight: 25%, hold: 1h}}, {{weight: 100%, hold: 1h}}]
    gates: {{errors: {{ratio: 5, alpha: 1e-4}}}}
"""


def commands(text):
    """Indented lines that begin with `stile`; "a|b" is each of them."""
    for line in text.splitlines():
        if not line.startswith("    stile "):
            continue
        for part in re.sub(r"\s#.*", "", line).split(";"):
            words = shlex.split(part.split(">")[0])
            many = next((w for w in words if re.fullmatch(r"[a-z]+(\|[a-z]+)+", w)), None)
            for one in many.split("|") if many else [None]:
                yield [one if w == many else w for w in words]


def run(s, words, request_id):
    places = {"/etc/stile/stile.yaml": s.config, "FILE": s.config, "ID": request_id, "...": "a test", "<request id>": request_id}
    words = [places.get(w, w) for w in words[1:]]
    offline = words[0] == "check" or "-c" in words
    words += {"matrix": [s.config], "can-i": ["-c", s.config]}.get(words[0], [])  # there is no /etc/stile here
    return s.cli(*words, *([] if offline else ["--socket", s.socket]), code=None)


def test_every_command_of_the_runbook_is_one_of_this_build(t):
    text = (t.source / "docs/operating.md").read_text()
    blue, green = t.backend(answering(message(body={}))), t.backend(answering(message(body={})))
    s = Stile(t, apis={"shop": t.source / "config/examples/shop/api.yaml"}, more=PLAN,
              pools={"blue": {"api": "shop", "version": "v2", "endpoints": blue}, "green": {"api": "shop", "version": "v3", "endpoints": green}},
              routes=[{"name": "orders", "match": {"path": "/orders/**"}, "api": "shop", "pool": "blue", "subject": ["header:X-Account"],
                       "write": {"PUT /orders/{id}": "lose", "PATCH /orders/{id}": "lose"},
                       "canary": {"pool": "green", "weight": "0", "salt": "s", "shadow": {"share": "1%"}}},
                      {"name": "moved", "match": {"path": "/moved/**"}, "pool": "blue", "subject": ["header:X-Account"]}])
    request_id = t.ask(s.port, path="/orders/o-1", X_Account="a").get("x-request-id")
    until(lambda: s.cli("rollout", "show", "ios-orders", "--socket", s.socket, code=None).returncode == 0, "control is up")
    seen = set()
    for words in commands(text):
        if " ".join(words[:2]) in LEFT_OUT or "watch" in words or "--follow" in words:  # the last two wait
            continue
        done = run(s, words, request_id)
        assert done.returncode in FINE, (words, done.returncode, done.stdout, done.stderr)
        assert "there is no" not in done.stderr or done.returncode != 2, (words, done.stderr)
        seen.add(words[1])
    assert {"status", "weight", "rollout", "report", "audit", "check", "explain", "matrix", "can-i", "shadow"} <= seen, seen


def test_every_alert_has_a_page_with_a_command(t):
    text = (t.source / "docs/operating.md").read_text()
    pages = text.split("## What wakes you")[1].split("### What needs nobody")[0].split("\n### ")[1:]
    assert len(pages) >= 13
    for page in pages:
        assert list(commands(page)), f"no command on the page {page.splitlines()[0]}"
    # A metric that a page names is one that we have.
    metrics = (t.source / "proxy/observe/metrics.h").read_text()
    for name in re.findall(r"stile_[a-z_]+", "".join(pages)):
        assert f'"{name}"' in metrics, name


def test_every_command_that_run_tells_of_is_one_of_its(t):
    run = t.source / "run"
    told = set(re.findall(r"^  ([a-z]+) ", t.command(run, "--help").stdout, re.M))
    assert told == set(re.findall(r"^cmd_([a-z]+)\(\)", run.read_text(), re.M)) and "kills" in told, told
    assert "--n N or --seed S" in t.command(run, "kills", "--many").stderr and "no command" in t.command(run, "kils").stderr
