#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""growth: does a request cost more because there is more of everything else?

Two of our own stand side by side, one with few and one with many: routes, pins, versions, changes, rollouts, idle connections. They
take turns in each round; the figure is the ratio of CPU time per request, many to few, and requests go to all of the many in turn, so
that no cache makes them few. Beside it: how long each took to start, and the private memory of all of its processes then.

usage: ./run bench growth [--only ROW]... [--rounds N] [--seconds S] [--json FILE]
"""
import argparse
import contextlib
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

import account
import memory
import peers
import proxies

HEAD = """listen: [{{at: "127.0.0.1:{port}"}}]
workers: 1
state: state
admin: {{socket: admin.sock}}
{more}pools:
  b: {{{speaks}endpoints: ["http://127.0.0.1:{backend}"]}}
  c: {{{speaks}endpoints: ["http://127.0.0.1:{backend}"]}}
routes:
"""

API = """api: {name}
versions: {{{versions}}}
detect: [{detect}]
missing: {missing}
types:
  Order: {{at: ["data/* of * /**"]}}
  Line: {{at: "lines/* of Order"}}
{types}"""

OTHER = """change: c{number}
from: {a}
to: {b}
manifest: {{title: bench, owner: bench, guarantee: none}}
{type}:
  map:
    name_{step}: name_{next}
    state: {{enum: {{{p}: {q}}}}}
"""


def write_api(folder, name, versions, types, at_once=1, detect="{header: Api-Version}"):
    """The edits of peers' "rewrite" in the last step; and in each step changes to so many, in turn, of the types that occur elsewhere."""
    folder.mkdir()
    (folder / "changes").mkdir()
    labels = [f"v{i}" for i in range(versions)]
    (folder / "changes" / "orders.yaml").write_text(proxies.ONE_CHANGE.format(a=labels[-2], b=labels[-1]))
    for step in range(versions - 1):
        for t in {(step * at_once + k) % types for k in range(at_once)} if types else ():
            (folder / "changes" / f"{step:04}-{t:04}.yaml").write_text(OTHER.format(
                number=f"{step}-{t}", a=labels[step], b=labels[step + 1], type=f"T{t}", step=step, next=step + 1, p=f"s{step}", q=f"s{step + 1}"))
    (folder / "api.yaml").write_text(API.format(
        name=name, versions=", ".join(f"{v}: {{}}" for v in labels), detect=detect, missing=labels[-1],
        types="".join(f"  T{t}: {{at: \"* /other/{t}\"}}\n" for t in range(types))))
    return labels


class Row:
    """One kind of thing: `few` and `many` of it, and a wrk script whose requests go to all of them."""

    def __init__(self, name, few, many, config, script="", holds=None):
        self.name, self.counts, self.config, self.script, self.holds = name, (few, many), config, script, holds


def plain(folder, n, port, backend):
    return HEAD.format(port=port, backend=backend, more="", speaks="") + '  - {name: all, match: {path: "/**"}, pool: b}\n'


def routes(folder, n, port, backend):
    return HEAD.format(port=port, backend=backend, more="", speaks="") + "".join(
        f'  - {{name: r{i}, match: {{host: h{i}.example, path: "/**"}}, pool: b}}\n' for i in range(n))


def pins(folder, n, port, backend):
    pin = '{pin: {key: "header:X-Account", table: pins.yaml}}'
    labels = write_api(folder / "shop", "shop", 2, 0, detect=pin)
    (folder / "shop" / "pins.yaml").write_text("".join(f'"{hashlib.sha256(f"account-{i}".encode()).hexdigest()}": {labels[1]}\n' for i in range(n)))
    return HEAD.format(port=port, backend=backend, more="apis: {shop: shop/api.yaml}\n", speaks="api: shop, version: v0, ") + (
        '  - {name: all, match: {path: "/**"}, api: shop, pool: b}\n')


def versions(folder, n, port, backend):
    labels = write_api(folder / "shop", "shop", n, 1)
    return HEAD.format(port=port, backend=backend, more="apis: {shop: shop/api.yaml}\n", speaks=f"api: shop, version: {labels[0]}, ") + (
        '  - {name: all, match: {path: "/**"}, api: shop, pool: b}\n')


def changes(folder, n, port, backend):
    """APIs of a thousand changes each: 101 versions, ten of 50 types in each step; each API with a pool and a host of its own."""
    apis = max(n // 1000, 1)
    for i in range(apis):
        write_api(folder / f"api{i}", f"api{i}", *((101, 50, 10) if n >= 1000 else (2, 0)))
    out = HEAD.format(port=port, backend=backend, more="apis: {" + ", ".join(f"api{i}: api{i}/api.yaml" for i in range(apis)) + "}\n", speaks="")
    out = out.replace("routes:\n", "".join(
        f'  p{i}: {{api: api{i}, version: v0, endpoints: ["http://127.0.0.1:{backend}"]}}\n' for i in range(apis)) + "routes:\n")
    return out + "".join(f'  - {{name: r{i}, match: {{host: h{i}.example, path: "/**"}}, api: api{i}, pool: p{i}}}\n' for i in range(apis))


ROLLOUT = """  roll{i}:
    manifest: {{why: bench, owner: bench, guarantee: full, backout: weights to 0}}
    match: {{routes: [r{i}]}}
    baseline: b
    canary: c
    salt: s{i}
    approvals: {{need: 1, of: [all]}}
    steps: [{{weight: 50%, hold: 1h}}, {{weight: 100%, hold: 1h}}]
    gates: {{errors: {{ratio: 5}}}}
"""


def rollouts(folder, n, port, backend):
    head = HEAD.format(port=port, backend=backend, more="", speaks="").replace(
        "admin: {", f"admin: {{users: [{{name: me, uid: {os.getuid()}, roles: [operator, approver], groups: [all]}}], ")
    return head + "".join(
        f'  - {{name: r{i}, match: {{host: h{i}.example, path: "/**"}}, pool: b, subject: ["header:X-Account"]}}\n' for i in range(n)) + (
            "rollouts:\n" + "".join(ROLLOUT.format(i=i) for i in range(n)))


def tell_rollout(proxy, word, i, build):
    return subprocess.run([f"{build}/stile", "rollout", word, f"roll{i}", "--reason", "bench", "--socket", proxy.folder / "admin.sock"],
                          capture_output=True, text=True, check=False)


def start_rollouts(proxy, n, build):
    for i in range(n):
        tell_rollout(proxy, "approve", i, build)
    for i in range(n):
        for _ in range(100):  # control moves it on, a moment later
            out = tell_rollout(proxy, "start", i, build)
            if out.returncode == 0:
                break
            time.sleep(0.1)
        else:
            sys.exit(f"bench: rollout start roll{i}: {out.stderr or out.stdout}")


def hold_idle(proxy, n, build):
    clients = subprocess.Popen([f"{build}/bench/bench_load", "--port", str(proxy.port), "--idle", str(n)], stdout=subprocess.PIPE, text=True)
    clients.stdout.readline()
    return clients.kill


BY_HOST = 'local n = 0 request = function() n = n + 1 wrk.headers["Host"] = "h" .. (n * 7919 % COUNT) .. ".example" return wrk.format() end\n'
BY_ACCOUNT = 'local n = 0 request = function() n = n + 1 wrk.headers["X-Account"] = "account-" .. (n * 7919 % COUNT) return wrk.format() end\n'

ROWS = [
    Row("routes", 10, 10000, routes, BY_HOST),
    Row("pins", 10, 100000, pins, BY_ACCOUNT),
    Row("versions", 2, 200, versions),
    Row("changes", 1, 10000, changes, BY_HOST),
    Row("rollouts", 1, 128, rollouts, BY_HOST, start_rollouts),
    Row("idle connections", 1, 9000, plain, holds=hold_idle),
]


def start(row, n, build, folder, backend, running):
    p = proxies.Proxy(f"{row.name.split()[0]}-{n}", folder)
    config = p.write("stile.yaml", row.config(p.folder, n, p.port, backend))
    begin = time.monotonic()
    p.start(f"{build}/stile", "run", "--config", config, seconds=120)  # it is told how long that takes
    p.seconds = time.monotonic() - begin
    running.callback(p.stop)
    p.private_mb = account.private_kb(p.process.pid) / 1024
    if row.holds:
        stop = row.holds(p, n, build)
        if stop:
            running.callback(stop)
    p.script = p.write("load.lua", row.script.replace("COUNT", str(min(n, max(n // 1000, 1)) if row.config is changes else n)))
    return p


def load(row, proxy, seconds):
    script = ["-s", proxy.script] if row.script else []
    out = peers.on_core_1("wrk", "-t1", "-c32", f"-d{seconds}s", *script, f"http://127.0.0.1:{proxy.port}/1k")
    if re.search(r"Non-2xx or 3xx responses: [1-9]|Socket errors: ", out):
        peers.fail(row.name, out)
    return int(re.search(r"(\d+) requests in", out).group(1))


def measure(row, args, folder, backend):
    with contextlib.ExitStack() as running:
        pair = [start(row, n, args.build, folder, backend, running) for n in row.counts]
        for p in pair:
            load(row, p, 1)
        ratios = []
        for number in range(args.rounds):
            us = {}
            for p in pair[::1 if number % 2 else -1]:
                before = account.cpu_seconds(p.process.pid)
                requests = load(row, p, args.seconds)
                us[p.name] = (account.cpu_seconds(p.process.pid) - before) / requests * 1e6
            ratios.append(us[pair[1].name] / us[pair[0].name])
            print(f"  {row.name}, round {number + 1}: " + "  ".join(f"{n} {v:.1f}" for n, v in us.items()) + f"  ratio {ratios[-1]:.2f}",
                  file=sys.stderr, flush=True)
        return {"row": row.name, "counts": row.counts, "ratio": peers.spread(ratios), "start_s": [p.seconds for p in pair],
                "private_mb": [p.private_mb for p in pair]}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default="build/release")
    p.add_argument("--rounds", type=int, default=8)
    p.add_argument("--seconds", type=int, default=2, help="of load in each turn")
    p.add_argument("--only", action="append", metavar="ROW", choices=[r.name for r in ROWS])
    p.add_argument("--json", metavar="FILE")
    args = p.parse_args()
    results = []
    print("| of what | few, many | CPU a request, many to few, median [quartiles] | start, s | memory, MB |\n|---|---|---|---|---|", flush=True)
    with memory.backend_in_folder(args.build) as (folder, backends):
        for row in ROWS:
            if args.only and row.name not in args.only:
                continue
            r = measure(row, args, folder, backends["json"])
            results.append(r)
            s = r["ratio"]
            print(f"| {row.name} | {row.counts[0]}, {row.counts[1]} | **{s['median']:.2f}** [{s['q1']:.2f}-{s['q3']:.2f}] n={s['n']} | "
                  + ", ".join(f"{v:.1f}" for v in r["start_s"]) + " | " + ", ".join(f"{v:.0f}" for v in r["private_mb"]) + " |", flush=True)
            if args.json:
                pathlib.Path(args.json).write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
