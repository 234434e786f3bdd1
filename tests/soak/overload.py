#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""overload: twice as many requests as a worker can serve, whoever waits; what is served of them, and how soon the rest is told no.

usage: overload.py --build DIR [--rounds N] [--seconds S] [--pass-through]

A round is a window of clients that wait for their answers (the peak), then one of clients that do not, at twice the rate of the peak. The
worker has a core of its own; clients and backend share the other. Each request asks for a list of orders (10 KB) that is translated;
with --pass-through, for as many bytes as they are. Meanwhile the admin socket is asked a hundred times a second.

Where other processes want the worker's core, it has less of it in one window than in the other: what is said "for its time" is by the CPU that
it had, so goodput belongs to what was offered for its time.

Declared: goodput of 90 % of the peak; of what is refused 99 % within 50 ms; admin's 99 % within 50 ms; memory within `limits.memory`.
"""
import argparse
import os
import pathlib
import socket
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE.parents[1] / "bench")]
import peers  # noqa: E402
import proxies  # noqa: E402
import soaking  # noqa: E402

MEMORY = 256 << 20


def median(values):
    return sorted(values)[len(values) // 2]


class Admin:
    """Asks for the status a hundred times a second and notes how long each answer took."""

    def __init__(self, path):
        self.path, self.took, self.ends = str(path), [], threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def ask(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(self.path)
            s.sendall(b"GET /v1/status HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n")
            first = s.recv(65536)
            while s.recv(65536):
                pass
        assert first.startswith(b"HTTP/1.1 200"), first

    def run(self):
        while not self.ends.wait(0.01):
            began = time.monotonic()
            self.ask()
            self.took.append((time.monotonic() - began) * 1000)

    def p99(self):
        self.ends.set()
        self.thread.join()
        return sorted(self.took)[len(self.took) * 99 // 100]


def house(t, args):
    backend = t.start(t.build / "bench/bench_backend", "--port", 0)
    pools, route, apis = {"b": {"endpoints": t.port_of(backend)}}, {"name": "orders", "pool": "b"}, None
    if not args.pass_through:
        proxies.stile_api(t.folder, 1)
        apis = {"shop": t.folder / "api.yaml"}
        pools["b"] |= {"api": "shop", "version": "v1"}
        route["api"] = "shop"
    s = soaking.SoakStile(t, pools=pools, routes=[route], apis=apis, workers=1, limits={"memory": MEMORY, "answer_commit": 1 << 20})
    return s, backend.pid


def on_core(pid, core):
    if os.cpu_count() > 1:
        os.sched_setaffinity(pid, {core})


def memory_bytes(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(x.split()[1] for x in text.splitlines() if x.startswith("VmHWM"))) * 1024


def cpu_s(pid):
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def window(t, s, args, *words):
    """What such a client met within the seconds, past its first."""
    client = soaking.Client(t, s.port, "--path", args.path, *words)
    on_core(client.process.pid, 1)
    time.sleep(1)
    client.report()
    worked = cpu_s(s.worker)
    time.sleep(args.seconds)
    worked = cpu_s(s.worker) - worked
    report = client.report()
    report["cpu"] = worked
    client.process.signal(15)
    client.last()
    return report


def a_round(t, s, args):
    few, many = (("--h2", "--connections", 8), ("--h2", "--connections", 64, "--streams", 64)) if args.h2 else (("--connections", 64), ("--connections", 3000))
    peak = window(t, s, args, *few)
    rate, cost = peak["window"]["ok"] / peak["seconds"], peak["cpu"] / peak["window"]["ok"]
    admin = Admin(s.socket)
    over = window(t, s, args, *many, "--rate", int(2 * rate))
    got, p99 = over["window"], admin.p99()
    offered = sum(got.values()) / over["seconds"]
    of = {"good": got["ok"] * cost / over["cpu"], "refused_ms": over["refused_ms"]["p99"], "ok_ms": over["ok_ms"]["p99"], "admin_ms": p99,
          "request_us": cost * 1e6, "refusal_us": max(0, over["cpu"] - got["ok"] * cost) / max(1, got["refused"]) * 1e6,
          "offered": offered / rate, "offered_cpu": sum(got.values()) * cost / over["cpu"], "other": got["wrong"] + got["lost"] + got["unconnected"]}
    print(f"peak {rate:6.0f}/s  offered x{of['offered']:.2f}, x{of['offered_cpu']:.2f} for its time  served {got['ok'] / over['seconds']:6.0f}/s, x{of['good']:.2f} for its time"
          f"  p99 {of['ok_ms']:5.1f} ms  refused p99 {of['refused_ms']:5.1f} ms  admin p99 {p99:5.1f} ms"
          f"  us of CPU: request {of['request_us']:5.0f} refusal {of['refusal_us']:4.1f}", flush=True)
    return of


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", required=True)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=float, default=2)
    p.add_argument("--path", default="/100k", help="what is asked for: /1k, /10k, /100k")
    p.add_argument("--h2", action="store_true")
    p.add_argument("--pass-through", action="store_true")
    args = p.parse_args()
    build = pathlib.Path(args.build).resolve()
    t = peers.Test(build, build)
    try:
        s, backend = house(t, args)
        s.worker = s.workers()[0]
        on_core(s.worker, 0)
        on_core(backend, 1)
        rounds = [a_round(t, s, args) for _ in range(args.rounds)]
        most, of = memory_bytes(s.worker), {k: median([r[k] for r in rounds]) for k in rounds[0]}
        print(f"medians of {args.rounds}: {of}; the worker's memory was at most {most >> 20} MiB of {MEMORY >> 20}")
    finally:
        stories = t.close()
    for story in stories:
        print(story)
    fine = not stories and of["good"] >= 0.9 and of["refused_ms"] <= 50 and of["admin_ms"] <= 50 and most <= MEMORY and not of["other"]
    if not fine:
        print(f"overload: FAILED\n{t.logs()[-1500:]}")
    t.clean()
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
