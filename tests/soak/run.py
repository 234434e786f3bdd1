#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""soak: everything that is done to a running Stile is done to it under full load, and what the clients lost is counted.

usage: run.py --build DIR [--requests N] [--only SCENARIO]... [--seconds S]

changes   reload, a bad configuration, two reloads at once, certificates, the binary, weights; again and again until N requests
          (1000000) have been made: 0 may fail, p99 while something changes may be twice what it is otherwise
kills     SIGKILL of a worker (what it had under way may be lost, a replacement accepts within 200 ms), of control, of a loader, of the
          supervisor alone, together with either, and in the middle of a reload (0 may fail)
"""
import argparse
import datetime
import os
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
import peers  # noqa: E402
import soaking  # noqa: E402

QUIET_S = 2


def row(name, window, quiet_ms=None):
    ratio = f"  x{window['p99_ms'] / quiet_ms:.2f}" if quiet_ms else ""
    print(f"{name:16} {window['ok']:9} ok {window['failed']:6} failed {window['again']:5} again   p99 {window['p99_ms']:7.2f} ms{ratio}", flush=True)


def median(values):
    return sorted(values)[len(values) // 2]


def changes(t, args):
    """The windows of one change are compared with the quiet ones beside them: the machine is not always equally busy."""
    s = soaking.house(t, limits={"late": "40ms"})  # as it is without a word
    ratios = {change.__name__: [] for change in soaking.CHANGES}
    with soaking.Load(t, s) as load:
        load.until(100)
        while load.total()["ok"] < args.requests:
            for change in soaking.CHANGES:
                quiet = load.window(QUIET_S)
                # To the end of its drain: whoever has to come back has.
                window = load.during(lambda c=change: (c(s), time.sleep(0.3), soaking.settled(s)))
                ratios[change.__name__].append(window["p99_ms"] / quiet["p99_ms"])
                row(change.__name__, window, quiet["p99_ms"])
    total = load.total()
    print(f"\n{total['ok']} requests, {total['failed']} failed, {total['again']} asked again as GOAWAY allows")
    for name, of in ratios.items():
        print(f"  {name:16} p99 x{median(of):.2f} (median of {len(of)}; {min(of):.2f} to {max(of):.2f})")
    soaking.settled(s)
    return total["failed"] == 0


def replaced_ms(s, since):
    """From the kill of a worker until its replacement said that it accepts."""
    line = soaking.until(lambda: next((x for x in s.process.text().splitlines() if "worker_serves" in x and x > since), None), "a replacement")
    at = [datetime.datetime.fromisoformat(x[:23]) for x in (since, line)]
    return (at[1] - at[0]).total_seconds() * 1000


def kill_worker(s, took):
    victim = s.workers()[0]
    since = datetime.datetime.utcnow().isoformat(timespec="milliseconds") + "Z"
    s.kill(victim)
    took.append(replaced_ms(s, since))


def kills(t, args):
    """All that may be lost is what a killed worker had under way."""
    s = soaking.house(t, limits={"late": "40ms"})  # as it is without a word
    s.weight("all", "40%")
    took, fine = [], True
    plan = [("worker", lambda: kill_worker(s, took))] * 4
    plan += [(kill.__name__, lambda k=kill: k(s)) for kill in soaking.KILLS * 2]
    with soaking.Load(t, s) as load:
        load.until(100)
        for name, kill in plan:
            quiet = load.window(QUIET_S)
            window = load.during(lambda k=kill: (k(), time.sleep(0.5)))
            row(name, window, quiet["p99_ms"])
            may = soaking.UNDER_WAY if name == "worker" else 0
            fine &= window["failed"] <= may and not quiet["failed"]
    fine &= s.weight("all")["effective_ppm"] == 400000
    print(f"\na killed worker's place was taken after {min(took):.0f} to {max(took):.0f} ms (at most 200)")
    soaking.settled(s)
    return fine and max(took) <= 200


SCENARIOS = {"changes": changes, "kills": kills}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", required=True)
    p.add_argument("--requests", type=int, default=1000000)
    p.add_argument("--only", action="append", choices=SCENARIOS, default=[])
    args = p.parse_args()
    if os.getpid() != os.getsid(0):
        os.setsid()  # what is left at the end is ours alone
    fine = True
    for name in args.only or SCENARIOS:
        print(f"== {name}", flush=True)
        build = pathlib.Path(args.build).resolve()
        t = peers.Test(build, build)
        try:
            good = SCENARIOS[name](t, args)
        finally:
            stories = t.close()
        for story in stories:
            print(story)
        if stories or not good:
            print(f"{name}: FAILED\n{t.logs()[-3000:]}")
        fine &= good and not stories
        t.clean()
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
