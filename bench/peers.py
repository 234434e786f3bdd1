#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""peers: what Stile costs beside the proxies that anyone can install, cell by cell.

Every proxy has one worker, on core 0; the backend and the load share core 1. In every round the peers of a cell take turns, in an
order that turns round, and a ratio is taken inside a round, since the machine drifts by more than they differ. The figure is CPU
time per request: what the kernel accounts to all of a proxy's processes, user and system, divided by the requests that were
answered. Bodies vary from request to request. Differences under 10 % are nothing.

usage: ./run bench peers [--only CELL]... [--rounds N] [--seconds S] [--calls] [--json FILE] [--list]
"""
import argparse
import contextlib
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import urllib.request

import account
import proxies

JSON, PACK = "application/json", "application/msgpack"
HEADERS = ("User-Agent: bench/1", "Accept-Language: en", "X-Account: 42", "Accept-Encoding: identity")


def h(flag, accept=JSON):
    return [x for text in (f"Accept: {accept}", *HEADERS) for x in (flag, text)]


# ---- loads: each answers how many requests were answered ----------------------------------------------------------------

def fail(what, out):
    sys.exit(f"bench: {what}: {out.strip()[-600:]}")


def comes_as(url, media):
    """Before it is measured: a proxy that answers in another form would look fast."""
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": media})) as answer:
        body, got = answer.read(), answer.headers["Content-Type"]
    if got != media or b"customer_id" not in body or (body[:1] == b"{") != (media == JSON):
        fail(url, f"{got}, and not {media}")


def wrk(url, seconds, connections=32, script=None, accept=JSON):
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", *h("-H", accept), *(["-s", script] if script else []), url]
    out = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    if re.search(r"Non-2xx or 3xx responses: [1-9]|Socket errors: ", out):
        fail(url, out)
    found = re.search(r"(\d+) requests in", out)
    return int(found.group(1)) if found else fail(url, out)


def h2load(url, seconds, connections=8, streams=10, body=None):
    command = ["taskset", "-c", "1", "h2load", f"-D{seconds}", f"-c{connections}", f"-m{streams}", "--warm-up-time=0", *h("-H"),
               *(["-d", body] if body else []), url]
    out = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.search(r"requests: (\d+) total.*?(\d+) succeeded, (\d+) failed, (\d+) errored", out)
    if not found or int(found.group(4)) > connections * streams:  # what was under way at the end counts as errored
        fail(url, out)
    return int(found.group(2))


def post(folder, size):
    """A wrk script that posts an order list, one of several in turn, and h2load's one file."""
    orders = {"1k": 5, "10k": 58, "100k": 585}[size]
    path = pathlib.Path(folder) / f"post-{size}.lua"
    if not path.exists():
        path.write_text(f"""
local bodies = {{}}
for v = 1, 16 do
  local t = {{}}
  for i = 1, {orders} do
    t[i] = string.format('{{"id":"ord_%06d","customer_id":"cus_%05d","status":"succeeded","amounts":{{"total":%d}},"currency":"eur",' ..
      '"created_at":%d,"lines":[{{"code":"tea-%03d","quantity":%d}}],"channel":"web"}}', math.random(1000000), math.random(100000),
      math.random(100000), 1700000000 + math.random(90000000), math.random(512), math.random(20))
  end
  bodies[v] = '{{"data":[' .. table.concat(t, ',') .. ']}}'
end
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local n = 0
request = function() n = n + 1 return wrk.format(nil, nil, nil, bodies[n % 16 + 1]) end
""")
    return path


def fresh(build, *more):
    def run(p, seconds, folder):
        port = p.tls_port if more else p.port
        out = subprocess.run(["taskset", "-c", "1", f"{build}/bench/bench_load", "--port", str(port), "--seconds", str(seconds), *more],
                             capture_output=True, text=True, check=True).stdout
        answered, resumed, failed = map(int, re.findall(r"\d+", out))
        if failed or ("resumed" in more and resumed + 32 < answered):
            fail(f"{p.name}: {' '.join(more)}", out)
        return answered
    return run


def h1(size, **more):
    return lambda p, s, folder: wrk(f"http://127.0.0.1:{p.port}/{size}", s, **more)


def h1_as(size, accept):
    """A rewritten body in this form."""
    def run(p, seconds, folder):
        comes_as(f"http://127.0.0.1:{p.port}/{size}", accept)
        return wrk(f"http://127.0.0.1:{p.port}/{size}", seconds, accept=accept)
    return run


def h1_post(size):
    return lambda p, s, folder: wrk(f"http://127.0.0.1:{p.port}/orders", s, script=post(folder, size))


def h1_tls(size):
    return lambda p, s, folder: wrk(f"https://127.0.0.1:{p.tls_port}/{size}", s)


def by_peer(loads):
    return lambda p, s, folder: loads[p.name](p, s, folder)


def h2c(size):
    return lambda p, s, folder: h2load(f"http://127.0.0.1:{p.h2_port}/{size}", s)


def h2_tls(size):
    return lambda p, s, folder: h2load(f"https://127.0.0.1:{p.tls_port}/{size}", s)


# ---- cells ------------------------------------------------------------------------------------------------------------------

BUILD = "build/release"
PLAIN = ("stile", "haproxy", "nginx")
REWRITE = ("rewrite", "nginx-lua")
# What comes from a pool in one form and goes to the client in this one; beside it "rewrite" answers the same client, in JSON.
FORMS = {"msgpack": ("packed", PACK), "msgpack as JSON": ("packed", JSON), "JSON as msgpack": ("json", PACK)}


class Cell:
    """The first peer is measured against the best of `best`; must and aim are ratios (PERFORMANCE.md's table)."""

    def __init__(self, name, load, peers, best, must=None, aim=None):
        self.name, self.load, self.peers, self.best, self.must, self.aim = name, load, peers, best, must, aim


CELLS = [
    Cell("h1 GET 1k", h1("1k"), PLAIN + ("nghttpx", "h2o", "varnish"), ("haproxy",), 1.10, 0.95),
    Cell("h1 GET 10k", h1("10k"), PLAIN + ("nghttpx", "h2o"), ("haproxy",), 1.10, 0.95),
    Cell("h1 POST 1k", h1_post("1k"), PLAIN + ("nghttpx",), ("haproxy",), 1.10, 0.95),
    Cell("h1 POST 10k", h1_post("10k"), PLAIN + ("nghttpx",), ("haproxy",), 1.10, 0.95),
    Cell("h1 GET 100k", h1("100k"), PLAIN, ("nginx",), 1.05, 0.80),
    Cell("h1 GET 1m", h1("1m"), PLAIN + ("varnish",), ("varnish", "haproxy"), 1.2, 0.9),
    Cell("h2c GET 1k", h2c("1k"), PLAIN + ("nghttpx", "h2o"), ("nghttpx",), 1.10, 0.95),
    Cell("h2c GET 10k", h2c("10k"), PLAIN + ("nghttpx", "h2o"), ("nghttpx",), 1.10, 0.95),
    Cell("h2 TLS GET 1k", h2_tls("1k"), PLAIN + ("nghttpx", "h2o"), ("haproxy",), 1.10, 1.0),
    Cell("h1 TLS GET 1k", h1_tls("1k"), PLAIN + ("nghttpx", "h2o"), ("haproxy",), 1.10, 0.97),
    Cell("h1 TLS GET 10k", h1_tls("10k"), PLAIN + ("nghttpx", "h2o"), ("haproxy",), 1.10, 0.97),
    Cell("h1 TLS GET 100k", h1_tls("100k"), PLAIN, ("nginx",), 1.05, 0.95),
    Cell("fresh connection", fresh(BUILD), PLAIN + ("nghttpx", "h2o"), ("haproxy",), 1.10, 1.0),
    Cell("full handshake", fresh(BUILD, "--tls", "full"), PLAIN + ("h2o",), ("haproxy", "nginx", "h2o"), 1.05, 0.92),
    Cell("resumed handshake", fresh(BUILD, "--tls", "resumed"), PLAIN + ("h2o",), ("haproxy", "nginx", "h2o"), 1.05, 0.92),
    Cell("rewrite 1k", h1("1k"), REWRITE + ("nginx-njs", "node"), ("nginx-lua",), 0.65, 0.56),
    Cell("rewrite 10k", h1("10k"), REWRITE + ("nginx-njs", "node"), ("nginx-lua",), 0.22, 0.16),
    Cell("rewrite 100k", h1("100k"), REWRITE + ("nginx-njs", "node"), ("nginx-lua",), 0.12, 0.08),
    Cell("rewrite 1m", h1("1m", connections=4), REWRITE, ("nginx-lua",), 0.10, 0.06),
    Cell("rewrite 1k, passed", h1("1k"), ("rewrite", "stile"), ("stile",), 1.08, 1.05),
    Cell("rewrite 10k, passed", h1("10k"), ("rewrite", "stile"), ("stile",), 1.45, 1.30),
    Cell("rewrite POST 1k, passed", h1_post("1k"), ("rewrite", "stile"), ("stile",), 1.08, 1.05),
    Cell("rewrite POST 10k, passed", h1_post("10k"), ("rewrite", "stile"), ("stile",), 1.45, 1.30),
    Cell("chain of 20, 10k", h1("10k"), ("chain20", "rewrite"), ("rewrite",), 1.05, 1.00),
    *(Cell(f"rewrite {size}, {form}", by_peer({peer: h1_as(size, accept), "rewrite": h1_as(size, JSON)}), (peer, "rewrite"),
           ("rewrite",), 1.00, 0.70) for form, (peer, accept) in FORMS.items() for size in ("1k", "10k", "100k")),
]

START = {
    "stile": proxies.stile,
    "rewrite": lambda build, folder, backend: proxies.stile(build, folder, backend, name="rewrite", versions=1),
    "chain20": lambda build, folder, backend: proxies.stile(build, folder, backend, name="chain20", versions=20),
    "packed": lambda build, folder, backend: proxies.stile(build, folder, backend, name="packed", versions=1, media="msgpack"),
    "json": lambda build, folder, backend: proxies.stile(build, folder, backend, name="json", versions=1, media="json"),
    "haproxy": proxies.haproxy, "nginx": proxies.nginx, "nginx-lua": proxies.nginx_lua, "nginx-njs": proxies.nginx_njs,
    "node": proxies.node, "nghttpx": proxies.nghttpx, "h2o": proxies.h2o, "varnish": proxies.varnish,
}


def spread(values):
    q = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    return {"median": q[1], "q1": q[0], "q3": q[2], "n": len(values)}


def measure(cell, running, args, folder):
    rows = []
    for name in cell.peers:
        cell.load(running[name], 1, folder)
    for number in range(args.rounds):
        row = {}
        turn = cell.peers[number % len(cell.peers):] + cell.peers[:number % len(cell.peers)]
        for name in turn:
            before = account.cpu_seconds(running[name].process.pid)
            requests = cell.load(running[name], args.seconds, folder)
            if not requests:
                fail(f"{cell.name}: {name}", "nothing was answered in this time; say more --seconds")
            row[name] = (account.cpu_seconds(running[name].process.pid) - before) / requests * 1e6
            row[name, "rps"] = requests / args.seconds
        row["ratio"] = row[cell.peers[0]] / min(row[name] for name in cell.best)
        rows.append(row)
        print(f"  {cell.name}, round {number + 1}: " + "  ".join(f"{n} {row[n]:.1f}" for n in cell.peers) + f"  ratio {row['ratio']:.2f}",
              file=sys.stderr, flush=True)
    result = {"cell": cell.name, "best": cell.best, "must": cell.must, "aim": cell.aim, "ratio": spread([r["ratio"] for r in rows])}
    result["us"] = {n: spread([r[n] for r in rows]) for n in cell.peers}
    result["rps"] = {n: spread([r[n, "rps"] for r in rows])["median"] for n in cell.peers}
    if args.calls:
        result["calls"] = {}
        for name in cell.peers:
            counted = {}
            calls = account.system_calls(running[name].process.pid, lambda n=name: counted.update(n=cell.load(running[n], 2, folder)))
            result["calls"][name] = sum(calls.values()) / counted["n"]
    return result


def show(result):
    s = result["ratio"]
    verdict = "-" if result["must"] is None else "aim" if s["median"] <= result["aim"] else "must" if s["median"] <= result["must"] else "SHORT"
    print(f"| {result['cell']} | " + ", ".join(f"{n} {v['median']:.1f}" for n, v in result["us"].items())
          + f" | {'/'.join(result['best'])} | **{s['median']:.2f}** [{s['q1']:.2f}-{s['q3']:.2f}] n={s['n']} | {result['must']} | {result['aim']} | {verdict} |"
          + (" " + ", ".join(f"{n} {c:.1f}" for n, c in result["calls"].items()) + " |" if "calls" in result else ""), flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default=BUILD)
    p.add_argument("--rounds", type=int, default=12)
    p.add_argument("--seconds", type=int, default=2, help="of load in each turn")
    p.add_argument("--only", action="append", metavar="CELL", help="cells whose name begins so; may be said again")
    p.add_argument("--calls", action="store_true", help="count system calls a request, too (under strace)")
    p.add_argument("--json", metavar="FILE")
    p.add_argument("--list", action="store_true", help="name the cells")
    args = p.parse_args()
    cells = [c for c in CELLS if not args.only or any(c.name.startswith(o) for o in args.only)]
    if not cells or args.list:
        print("\n".join(c.name for c in CELLS))
        sys.exit(0 if args.list else 2)
    results = []
    with tempfile.TemporaryDirectory(prefix="stile-bench-") as folder, contextlib.ExitStack() as running:
        pathlib.Path(folder).chmod(0o755)
        backends = {}
        for form in ((), ("--msgpack",)):
            port = proxies.free_port()
            backend = subprocess.Popen(["taskset", "-c", "1", f"{args.build}/bench/bench_backend", "--port", str(port), *form],
                                       stdout=subprocess.DEVNULL)
            running.callback(backend.kill)
            proxies.wait_for(port, "the backend")
            backends[bool(form)] = port
        peers = {}
        for name in dict.fromkeys(n for c in cells for n in c.peers):
            peers[name] = START[name](args.build, folder, backends[name == "packed"])
            running.callback(peers[name].stop)
        print("| cell | us of CPU a request | best peer | ratio, median [quartiles] | must | aim | reached |"
              + (" system calls a request |" if args.calls else ""))
        print("|---|---|---|---|---:|---:|---|" + ("---|" if args.calls else ""), flush=True)
        for cell in cells:
            results.append(measure(cell, peers, args, folder))
            show(results[-1])
            if args.json:
                pathlib.Path(args.json).write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
