#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""h1: CPU time per request of Stile and of HAProxy, passing a body through over HTTP/1.1.

Both proxies run with one worker on core 0; the backend and the load (wrk) share core 1. They take turns
in every round, and a ratio is taken inside a round, since the machine drifts by more than they differ. The figure is what the
kernel accounts to all of a proxy's processes, user and system, divided by the requests that wrk counted.

usage: ./run bench h1 [--rounds N] [--seconds S] [--body 1k|10k|100k] [--json FILE]
"""
import argparse
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, who):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"bench: {who} does not listen")


def family(pid):
    """The process and all its descendants."""
    found, todo = [], [pid]
    while todo:
        p = todo.pop()
        found.append(p)
        try:
            for task in os.listdir(f"/proc/{p}/task"):
                todo += map(int, pathlib.Path(f"/proc/{p}/task/{task}/children").read_text().split())
        except OSError:
            pass
    return found


def cpu_seconds(pid):
    """User and system time of a family, from the scheduler's nanoseconds where the kernel gives them."""
    total = 0.0
    for p in family(pid):
        try:
            for task in os.listdir(f"/proc/{p}/task"):
                total += int(pathlib.Path(f"/proc/{p}/task/{task}/schedstat").read_text().split()[0]) / 1e9
        except (OSError, IndexError):
            try:
                fields = pathlib.Path(f"/proc/{p}/stat").read_text().rsplit(")", 1)[1].split()
                total += (int(fields[11]) + int(fields[12])) / TICK
            except OSError:
                pass
    return total


def on_core(core, *command, **more):
    return subprocess.Popen(["taskset", "-c", str(core), *command], **more)


def load(port, path, seconds):
    out = subprocess.run(
        ["taskset", "-c", "1", "wrk", "-t1", "-c32", f"-d{seconds}s", "-H", "Accept: application/json",
         "-H", "User-Agent: bench/1", "-H", "Accept-Language: en", "-H", "X-Account: 42", "-H", "Accept-Encoding: identity",
         f"http://127.0.0.1:{port}{path}"],
        capture_output=True, text=True, check=True).stdout
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out) or re.search(r"Socket errors: (.*)", out)
    if bad:
        sys.exit(f"bench: the load saw failures: {bad.group(0)}")
    return int(re.search(r"(\d+) requests in", out).group(1))


HAPROXY = """
global
    nbthread 1
    maxconn 4096
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    http-reuse always
frontend f
    bind 127.0.0.1:{port}
    default_backend b
backend b
    server s 127.0.0.1:{backend}
"""

STILE = """
listen:
  - {{at: "127.0.0.1:{port}"}}
workers: 1
state: "{folder}/state"
admin: {{socket: "{folder}/admin.sock"}}
pools:
  b: {{endpoints: ["http://127.0.0.1:{backend}"]}}
routes:
  - {{name: all, match: {{path: "/**"}}, pool: b}}
"""


def start(folder, build, backend):
    """The two peers: name -> (process, port)."""
    peers = {}
    port = free_port()
    (folder / "haproxy.cfg").write_text(HAPROXY.format(port=port, backend=backend))
    peers["haproxy"] = (on_core(0, "haproxy", "-f", str(folder / "haproxy.cfg"), stderr=subprocess.DEVNULL), port)
    port = free_port()
    (folder / "state").mkdir()
    (folder / "stile.yaml").write_text(STILE.format(port=port, backend=backend, folder=folder))
    peers["stile"] = (on_core(0, f"{build}/stile", "run", "--config", str(folder / "stile.yaml"),
                              stderr=open(folder / "stile.log", "w")), port)
    for name, (_, p) in peers.items():
        wait_for(p, name)
    return peers


def spread(values):
    q = statistics.quantiles(values, n=4) if len(values) > 1 else [values[0]] * 3
    return {"median": q[1], "q1": q[0], "q3": q[2], "n": len(values)}


def measure(args):
    rows = []
    with tempfile.TemporaryDirectory() as tmp:
        folder = pathlib.Path(tmp)
        backend_port = free_port()
        backend = on_core(1, f"{args.build}/bench/bench_backend", "--port", str(backend_port))
        wait_for(backend_port, "the backend")
        peers = start(folder, args.build, backend_port)
        try:
            for name, (_, port) in peers.items():
                load(port, f"/{args.body}", 1)
            for number in range(args.rounds):
                row = {}
                for name in sorted(peers, reverse=number % 2 == 1):
                    process, port = peers[name]
                    before = cpu_seconds(process.pid)
                    requests = load(port, f"/{args.body}", args.seconds)
                    row[name] = (cpu_seconds(process.pid) - before) / requests * 1e6
                    row[name + "_rps"] = requests / args.seconds
                row["ratio"] = row["stile"] / row["haproxy"]
                rows.append(row)
                print(f"round {number + 1:2}: stile {row['stile']:6.2f} us  haproxy {row['haproxy']:6.2f} us  "
                      f"ratio {row['ratio']:.3f}", file=sys.stderr)
        finally:
            for process in [p for p, _ in peers.values()] + [backend]:
                process.send_signal(signal.SIGTERM)
            for process in [p for p, _ in peers.values()] + [backend]:
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
    return rows


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default="build/release")
    p.add_argument("--rounds", type=int, default=12)
    p.add_argument("--seconds", type=int, default=3)
    p.add_argument("--body", default="1k", choices=["1k", "10k", "100k"])
    p.add_argument("--json")
    args = p.parse_args()
    rows = measure(args)
    result = {k: spread([r[k] for r in rows]) for k in ("stile", "haproxy", "ratio", "stile_rps", "haproxy_rps")}
    for name in ("stile", "haproxy"):
        s = result[name]
        print(f"{name:8} {s['median']:7.2f} us of CPU a request [{s['q1']:.2f}-{s['q3']:.2f}]   "
              f"{result[name + '_rps']['median']:9.0f} requests/s")
    s = result["ratio"]
    print(f"h1 GET {args.body}: stile / haproxy = {s['median']:.2f} [{s['q1']:.2f}-{s['q3']:.2f}] n={s['n']}")
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps({"cell": f"h1 GET {args.body}", **result}, indent=1))


if __name__ == "__main__":
    main()
