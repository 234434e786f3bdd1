#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""memory: what an idle connection costs, what four bodies of 10 MB rewritten at once cost, and whom they make wait.

Idle: private memory of all of a proxy's processes before and while so many clients hold a connection on which they say nothing (h1, TLS) or
their preface and SETTINGS (h2), divided by their number. Kernel buffers are in neither.

usage: ./run bench memory [--connections N] [--json FILE]
"""
import argparse
import contextlib
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import account
import proxies


def idle(build, proxy, port, n, *how):
    before = account.private_kb(proxy.process.pid)
    clients = subprocess.Popen([f"{build}/bench/bench_load", "--port", str(port), "--idle", str(n), *how], stdout=subprocess.PIPE, text=True)
    try:
        if not clients.stdout.readline():
            sys.exit(f"bench: {proxy.name} let idle connections go")
        time.sleep(0.5)
        return (account.private_kb(proxy.process.pid) - before) / n
    finally:
        clients.kill()
        clients.wait()
        time.sleep(1)


def ask(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        return len(answer.read())


def waits(port, seconds):
    """Sorted times, in ms, of small requests that come at a fixed rate of 200 a second, whether or not the one before was answered."""
    times, threads, start = [], [], time.monotonic()

    def one():
        begin = time.monotonic()
        ask(port, "/1k")
        times.append((time.monotonic() - begin) * 1000)

    for i in range(int(seconds * 200)):
        time.sleep(max(0, start + i / 200 - time.monotonic()))
        threads.append(threading.Thread(target=one))
        threads[-1].start()
    for t in threads:
        t.join()
    return sorted(times)


def big_bodies(proxy):
    """Peak memory of four rewrites of 10 MB at once, and the p99 of small requests with and without them."""
    alone = waits(proxy.port, 2)
    four = [threading.Thread(target=lambda: [ask(proxy.port, "/10m") for _ in range(3)]) for _ in range(4)]
    for t in four:
        t.start()
    during = waits(proxy.port, 2)
    for t in four:
        t.join()
    p99 = lambda v: statistics.quantiles(v, n=100)[98]
    return {"peak_mb": account.memory_kb(proxy.process.pid, "VmHWM") / 1024, "p99_ms": p99(during), "p99_alone_ms": p99(alone)}


@contextlib.contextmanager
def backend_in_folder(build):
    with tempfile.TemporaryDirectory(prefix="stile-bench-") as folder:
        pathlib.Path(folder).chmod(0o755)
        port = proxies.free_port()
        backend = subprocess.Popen([f"{build}/bench/bench_backend", "--port", str(port)], stdout=subprocess.DEVNULL)
        try:
            proxies.wait_for(port, "the backend")
            yield folder, {"json": port}
        finally:
            backend.kill()
            backend.wait()


def print_idle(build, connections):
    rows = {}
    print(f"| {connections} idle connections, kB each | h1 | TLS | TLS h2 |\n|---|---:|---:|---:|", flush=True)
    ways = (("port",), ("tls_port", "--tls", "full"), ("tls_port", "--tls", "full", "--h2"))
    for name in ("stile", "nginx", "haproxy"):
        rows[name] = []
        for port, *how in ways:  # a fresh proxy each time: what the one before gave back would be taken first
            with backend_in_folder(build) as (folder, backends):
                proxy = proxies.start(name, build, folder, backends)
                try:
                    rows[name].append(idle(build, proxy, getattr(proxy, port), connections, *how))
                finally:
                    proxy.stop()
        print(f"| {name} | " + " | ".join(f"{v:.1f}" for v in rows[name]) + " |", flush=True)
    return rows


def print_big(build):
    rows = {}
    print("| four bodies of 10 MB rewritten at once | peak memory, MB | p99 of small requests, ms | without them, ms |\n|---|---:|---:|---:|", flush=True)
    for name in ("rewrite", "nginx-lua"):
        with backend_in_folder(build) as (folder, backends):
            proxy = proxies.start(name, build, folder, backends)
            try:
                row = rows[name] = big_bodies(proxy)
            finally:
                proxy.stop()
        print(f"| {name} | {row['peak_mb']:.0f} | {row['p99_ms']:.1f} | {row['p99_alone_ms']:.1f} |", flush=True)
    return rows


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default="build/release")
    p.add_argument("--connections", type=int, default=9000)
    p.add_argument("--json", metavar="FILE")
    args = p.parse_args()
    result = {"idle_kb": print_idle(args.build, args.connections)}
    print()
    result["big"] = print_big(args.build)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
