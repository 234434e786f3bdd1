#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""peers: what Stile costs beside the proxies that anyone can install, cell by cell.

Every proxy has one worker, on core 0; the backend and the load share core 1. In every round the peers of a cell take turns, in an
order that turns round, and a ratio is taken inside a round, since the machine drifts by more than they differ. The figure is CPU
time per request: what the kernel accounts to all of a proxy's processes, user and system, divided by the requests that were
answered. Beside it: requests a second, as fast as they come; p50 and p99 at a rate that is half of what the slowest peer of the cell
served, the same for all, from when a request was sent; system calls (strace); and, where no cell is named, memory of idle connections.
Bodies vary from request to request. Differences under 10 % are nothing.

usage: ./run bench peers [--only CELL]... [--rounds N] [--seconds S] [--quick] [--json FILE] [--list]
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
import memory
import proxies

BUILD = "build/release"
JSON, PACK = "application/json", "application/msgpack"
STREAMS = 10  # of a connection over HTTP/2
HEADERS = ("User-Agent: bench/1", "Accept-Language: en", "X-Account: 42", "Accept-Encoding: identity")


def h(flag, accept):
    return [x for text in (f"Accept: {accept}", *HEADERS) for x in (flag, text)]


# ---- loads --------------------------------------------------------------------------------------------------------------

def fail(what, out):
    sys.exit(f"bench: {what}: {out.strip()[-600:]}")


def on_core_1(*command, check=False):
    return subprocess.run(["taskset", "-c", "1", *map(str, command)], capture_output=True, text=True, check=check).stdout


class Fresh:
    """Each request on a connection of its own: how many were answered. There is no rate to be held."""

    def __init__(self, *more):
        self.more = more

    def run(self, p, seconds, folder):
        port = p.tls_port if self.more else p.port
        out = on_core_1(f"{BUILD}/bench/bench_load", "--port", port, "--seconds", seconds, *self.more, check=True)
        answered, resumed, failed = map(int, re.findall(r"\d+", out))
        if failed or ("resumed" in self.more and resumed + 32 < answered):
            fail(f"{p.name}: {' '.join(self.more)}", out)
        return answered

    at_rate = None


class Kept:
    """Clients that keep their connections: as fast as they can (wrk; over HTTP/2 h2load), or at a rate (h2load)."""

    def __init__(self, size, tls=False, h2=False, posts=False, connections=32, accept=None):
        self.size, self.tls, self.h2, self.posts, self.connections, self.accept = size, tls, h2, posts, connections, accept

    def url(self, p):
        port = p.tls_port if self.tls else p.h2_port if self.h2 else p.port
        return f"http{'s' if self.tls else ''}://127.0.0.1:{port}/{'orders' if self.posts else self.size}"

    def h2load(self, p, folder, *more, connections=8):
        body = ["-d", post(folder, self.size)[1], "-H", f"Content-Type: {JSON}"] if self.posts else []
        out = on_core_1("h2load", f"-c{connections}", "--warm-up-time=0", *h("-H", self.accept or JSON), *body, *more, self.url(p))
        found = re.search(r"requests: (\d+) total.*?(\d+) succeeded, (\d+) failed, (\d+) errored", out)
        if not found or int(found.group(4)) > connections * STREAMS:  # what was under way at the end counts as errored
            fail(self.url(p), out)
        return int(found.group(2))

    def run(self, p, seconds, folder):
        """How many requests were answered."""
        if self.accept:
            comes_as(self.url(p), self.accept)
        if self.h2:
            return self.h2load(p, folder, f"-D{seconds}", f"-m{STREAMS}")
        script = ["-s", post(folder, self.size)[0]] if self.posts else []
        out = on_core_1("wrk", "-t1", f"-c{self.connections}", f"-d{seconds}s", *h("-H", self.accept or JSON), *script, self.url(p))
        if re.search(r"Non-2xx or 3xx responses: [1-9]|Socket errors: ", out):
            fail(self.url(p), out)
        found = re.search(r"(\d+) requests in", out)
        return int(found.group(1)) if found else fail(self.url(p), out)

    def at_rate(self, p, rate, seconds, folder):
        """Microseconds that each request took, in order, at so many a second; from when it was sent."""
        log = pathlib.Path(folder) / "h2load.log"
        log.unlink(missing_ok=True)
        connections = 8 if rate >= 80 else 1
        self.h2load(p, folder, f"-D{seconds}", f"--rps={max(rate // connections, 1)}", f"--log-file={log}",
                    *([f"-m{STREAMS}"] if self.h2 else ["--h1"]), connections=connections)
        # 0: h2load reads no status where the reason phrase is empty, as HAProxy writes what came over HTTP/2.
        took = sorted(int(line.split()[2]) for line in log.read_text().splitlines() if line.split()[1] in ("200", "0"))
        return took or fail(self.url(p), "nothing was answered at this rate")


def comes_as(url, media):
    """Before it is measured: a proxy that answers in another form would look fast."""
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": media})) as answer:
        body, got = answer.read(), answer.headers["Content-Type"]
    if got != media or b"customer_id" not in body or (body[:1] == b"{") != (media == JSON):
        fail(url, f"{got}, and not {media}")


def post(folder, size):
    """A wrk script that posts an order list, one of several in turn; and one such list, for h2load."""
    orders = {"1k": 5, "10k": 58, "100k": 585}[size]
    script, body = pathlib.Path(folder) / f"post-{size}.lua", pathlib.Path(folder) / f"post-{size}.json"
    if not script.exists():
        script.write_text(f"""
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
        body.write_text(json.dumps({"data": [
            {"id": f"ord_{i:06}", "customer_id": f"cus_{i * 7919 % 100000:05}", "status": "succeeded", "amounts": {"total": i * 997 % 100000},
             "currency": "eur", "created_at": 1700000000 + i * 104729 % 90000000,
             "lines": [{"code": f"tea-{i % 512:03}", "quantity": i % 20}], "channel": "web"} for i in range(orders)]}, separators=(",", ":")))
    return script, body


class ByPeer:
    """A load of each peer's own."""

    def __init__(self, loads):
        self.loads = loads

    def run(self, p, seconds, folder):
        return self.loads[p.name].run(p, seconds, folder)

    def at_rate(self, p, rate, seconds, folder):
        return self.loads[p.name].at_rate(p, rate, seconds, folder)


# ---- cells ------------------------------------------------------------------------------------------------------------------

PLAIN = ("stile", "haproxy", "nginx")
REWRITE = ("rewrite", "nginx-lua")
# What comes from a pool in one form and goes to the client in this one; beside it "rewrite" answers the same client, in JSON.
FORMS = {"msgpack": ("packed", PACK), "msgpack as JSON": ("packed", JSON), "JSON as msgpack": ("json", PACK)}


class Cell:
    """The first peer is measured against the best of `best`; must and aim are ratios (PERFORMANCE.md's table)."""

    def __init__(self, name, load, peers, best, must=None, aim=None):
        self.name, self.load, self.peers, self.best, self.must, self.aim = name, load, peers, best, must, aim


CELLS = [
    Cell("h1 GET 1k", Kept("1k"), PLAIN + ("nghttpx", "h2o", "varnish"), ("haproxy",), 1.10, 0.95),
    Cell("h1 GET 10k", Kept("10k"), PLAIN + ("nghttpx", "h2o"), ("haproxy",), 1.10, 0.95),
    Cell("h1 POST 1k", Kept("1k", posts=True), PLAIN + ("nghttpx",), ("haproxy",), 1.10, 0.95),
    Cell("h1 POST 10k", Kept("10k", posts=True), PLAIN + ("nghttpx",), ("haproxy",), 1.10, 0.95),
    Cell("h1 GET 100k", Kept("100k"), PLAIN, ("nginx",), 1.05, 0.80),
    Cell("h1 GET 1m", Kept("1m"), PLAIN + ("varnish",), ("varnish", "haproxy"), 1.2, 0.9),
    Cell("h2c GET 1k", Kept("1k", h2=True), PLAIN + ("nghttpx", "h2o"), ("nghttpx",), 1.10, 0.95),
    Cell("h2c GET 10k", Kept("10k", h2=True), PLAIN + ("nghttpx", "h2o"), ("nghttpx",), 1.10, 0.95),
    Cell("h2 TLS GET 1k", Kept("1k", tls=True, h2=True), PLAIN + ("nghttpx", "h2o"), ("haproxy",), 1.10, 1.0),
    Cell("h1 TLS GET 1k", Kept("1k", tls=True), PLAIN + ("nghttpx", "h2o"), ("haproxy",), 1.10, 0.97),
    Cell("h1 TLS GET 10k", Kept("10k", tls=True), PLAIN + ("nghttpx", "h2o"), ("haproxy",), 1.10, 0.97),
    Cell("h1 TLS GET 100k", Kept("100k", tls=True), PLAIN, ("nginx",), 1.05, 0.95),
    Cell("fresh connection", Fresh(), PLAIN + ("nghttpx", "h2o"), ("haproxy",), 1.10, 1.0),
    Cell("full handshake", Fresh("--tls", "full"), PLAIN + ("h2o",), ("haproxy", "nginx", "h2o"), 1.05, 0.92),
    Cell("resumed handshake", Fresh("--tls", "resumed"), PLAIN + ("h2o",), ("haproxy", "nginx", "h2o"), 1.05, 0.92),
    Cell("h2 upstream, h1 GET 1k", Kept("1k"), ("stile-h2", "haproxy-h2", "nghttpx-h2"), ("haproxy-h2", "nghttpx-h2"), 1.0, 0.85),
    Cell("rewrite 1k", Kept("1k"), REWRITE + ("nginx-njs", "node"), ("nginx-lua",), 0.65, 0.56),
    Cell("rewrite 10k", Kept("10k"), REWRITE + ("nginx-njs", "node"), ("nginx-lua",), 0.22, 0.16),
    Cell("rewrite 100k", Kept("100k"), REWRITE + ("nginx-njs", "node"), ("nginx-lua",), 0.12, 0.08),
    Cell("rewrite 1m", Kept("1m", connections=4), REWRITE, ("nginx-lua",), 0.10, 0.06),
    Cell("rewrite 1k, passed", Kept("1k"), ("rewrite", "stile"), ("stile",), 1.08, 1.05),
    Cell("rewrite 10k, passed", Kept("10k"), ("rewrite", "stile"), ("stile",), 1.45, 1.30),
    Cell("rewrite POST 1k, passed", Kept("1k", posts=True), ("rewrite", "stile"), ("stile",), 1.08, 1.05),
    Cell("rewrite POST 10k, passed", Kept("10k", posts=True), ("rewrite", "stile"), ("stile",), 1.45, 1.30),
    Cell("chain of 20, 10k", Kept("10k"), ("chain20", "rewrite"), ("rewrite",), 1.05, 1.00),
    *(Cell(f"rewrite {size}, {form}", ByPeer({peer: Kept(size, accept=accept), "rewrite": Kept(size, accept=JSON)}), (peer, "rewrite"),
           ("rewrite",), 1.00, 0.70) for form, (peer, accept) in FORMS.items() for size in ("1k", "10k", "100k")),
]


def spread(values):
    q = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    return {"median": q[1], "q1": q[0], "q3": q[2], "n": len(values)}


def turns(cell, rounds):
    """Each round begins with another peer."""
    for number in range(rounds):
        first = number % len(cell.peers)
        yield number + 1, cell.peers[first:] + cell.peers[:first]


def measure_cost(cell, running, args, folder):
    rows = []
    for number, turn in turns(cell, args.rounds):
        row = {}
        for name in turn:
            before = account.cpu_seconds(running[name].process.pid)
            requests = cell.load.run(running[name], args.seconds, folder)
            if not requests:
                fail(f"{cell.name}: {name}", "nothing was answered in this time; say more --seconds")
            row[name] = (account.cpu_seconds(running[name].process.pid) - before) / requests * 1e6
            row[name, "rps"] = requests / args.seconds
        row["ratio"] = row[cell.peers[0]] / min(row[name] for name in cell.best)
        rows.append(row)
        print(f"  {cell.name}, round {number}: " + "  ".join(f"{n} {row[n]:.1f}" for n in cell.peers) + f"  ratio {row['ratio']:.2f}",
              file=sys.stderr, flush=True)
    return {"ratio": spread([r["ratio"] for r in rows]), "us": {n: spread([r[n] for r in rows]) for n in cell.peers},
            "rps": {n: spread([r[n, "rps"] for r in rows])["median"] for n in cell.peers}}


def measure_waits(cell, running, args, folder, rate):
    """p50 and p99 in ms of each peer at the same rate, the medians of a few rounds in turn."""
    seen = {name: [] for name in cell.peers}
    for _, turn in turns(cell, min(args.rounds, 3)):
        for name in turn:
            took = cell.load.at_rate(running[name], rate, args.seconds, folder)
            seen[name].append((took[len(took) // 2] / 1000, took[min(len(took) * 99 // 100, len(took) - 1)] / 1000))
    return {name: [statistics.median(column) for column in zip(*rows)] for name, rows in seen.items()}


def measure_calls(cell, proxy, folder):
    counted = {}
    calls = account.system_calls(proxy.process.pid, lambda: counted.update(n=cell.load.run(proxy, 2, folder)))
    return sum(calls.values()) / counted["n"]


def measure(cell, running, args, folder):
    for name in cell.peers:
        cell.load.run(running[name], 1, folder)
    result = {"cell": cell.name, "best": cell.best, "must": cell.must, "aim": cell.aim} | measure_cost(cell, running, args, folder)
    if args.quick:
        return result
    if cell.load.at_rate:
        result["rate"] = max(int(min(result["rps"].values()) / 2), 8)
        result["ms"] = measure_waits(cell, running, args, folder, result["rate"])
    result["calls"] = {name: measure_calls(cell, running[name], folder) for name in cell.peers}
    return result


def show(result):
    def by_peer(values, form):
        return ", ".join(f"{n} {form(v)}" for n, v in values.items())
    s = result["ratio"]
    verdict = "aim" if s["median"] <= result["aim"] else "must" if s["median"] <= result["must"] else "SHORT"
    row = [result["cell"], by_peer(result["us"], lambda v: f"{v['median']:.1f}"), "/".join(result["best"]),
           f"**{s['median']:.2f}** [{s['q1']:.2f}-{s['q3']:.2f}] n={s['n']}", result["must"], result["aim"], verdict,
           by_peer(result["rps"], lambda v: f"{v:.0f}")]
    if "calls" in result:
        row += [result.get("rate", "-"), by_peer(result["ms"], lambda v: f"{v[0]:.2f}/{v[1]:.2f}") if "ms" in result else "-",
                by_peer(result["calls"], lambda v: f"{v:.1f}")]
    print("| " + " | ".join(map(str, row)) + " |", flush=True)


def start_backends(build, folder, running):
    """What answers behind the proxies: our own in JSON and in MessagePack, and nghttpd over HTTP/2."""
    ports = {form: proxies.free_port() for form in ("json", "msgpack", "h2")}
    files = pathlib.Path(folder) / "files"
    files.mkdir()
    (files / "1k").write_text(post(folder, "1k")[1].read_text())
    ours = f"{build}/bench/bench_backend"
    for command in ([ours, "--port", ports["json"]], [ours, "--port", ports["msgpack"], "--msgpack"],
                    ["nghttpd", "--no-tls", "-d", files, ports["h2"]]):
        backend = subprocess.Popen(["taskset", "-c", "1", *map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        running.callback(backend.kill)
    for form, port in ports.items():
        proxies.wait_for(port, f"the backend ({form})")
    return ports


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default=BUILD)
    p.add_argument("--rounds", type=int, default=12)
    p.add_argument("--seconds", type=int, default=2, help="of load in each turn")
    p.add_argument("--only", action="append", metavar="CELL", help="cells whose name begins so; may be said again")
    p.add_argument("--quick", action="store_true", help="CPU and throughput alone")
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
        backends = start_backends(args.build, folder, running)
        peers = {}
        for name in dict.fromkeys(n for c in cells for n in c.peers):
            peers[name] = proxies.start(name, args.build, folder, backends)
            running.callback(peers[name].stop)
        print("| cell | us of CPU a request | best peer | ratio, median [quartiles] | must | aim | reached | requests a second |"
              + ("" if args.quick else " at a rate of | p50/p99, ms | system calls a request |"))
        print("|---|---|---|---|---:|---:|---|---|" + ("" if args.quick else "---:|---|---|"), flush=True)
        for cell in cells:
            results.append(measure(cell, peers, args, folder))
            show(results[-1])
            if args.json:
                pathlib.Path(args.json).write_text(json.dumps(results, indent=1))
    if not args.only and not args.quick:
        print()
        memory.print_idle(args.build, 9000)


if __name__ == "__main__":
    main()
