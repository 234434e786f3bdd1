#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""run: the end-to-end tests, each a function test_* of a file test_*.py here.

A test's name is a claim; its one argument is peers.Test, which starts the real binary between scripted clients and
backends on free ports and ends what it started. Every test is a process of its own, two at a time, and has a deadline. Processes
that end badly (a crash, a sanitizer's report) fail the test that started them.

usage: run.py --build DIR [--plain DIR] [NAME ...]     NAME: a part of a file's or a test's name
"""
import argparse
import concurrent.futures
import importlib
import inspect
import os
import pathlib
import signal
import subprocess
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import peers  # noqa: E402

DEADLINE_S = 90


def discover(names):
    for path in sorted(HERE.glob("test_*.py")):
        module = importlib.import_module(path.stem)
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if not name.startswith("test_") or function.__module__ != path.stem:
                continue
            if not names or any(n in name or n in path.stem for n in names):
                yield path.stem, name


def run_here(args):
    """One test, in this process: exit 0 or 1, the story on standard output."""
    module, name = args.one.split(":")
    test = peers.Test(pathlib.Path(args.build).resolve(), pathlib.Path(args.plain or args.build).resolve())
    try:
        getattr(importlib.import_module(module), name)(test)
        failed = False
    except BaseException:
        traceback.print_exc(file=sys.stdout)
        failed = True
    for story in test.close():
        print(story)
        failed = True
    if failed:
        print(test.logs())
    test.clean()
    sys.stdout.flush()
    os._exit(1 if failed else 0)  # threads of scripted peers may still wait


def end_session(leader):
    """What a failed test left behind: loaders lead groups of their own, so its session tells which processes are its."""
    for pid in peers.session(leader):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def run_one(args, module, name):
    command = [sys.executable, str(HERE / "run.py"), "--build", args.build, "--plain", args.plain or args.build, "--one",
               f"{module}:{name}"]
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        out, _ = process.communicate(timeout=DEADLINE_S)
        code = process.returncode
    except subprocess.TimeoutExpired:
        end_session(process.pid)
        out, code = process.communicate()[0] + f"\nover the deadline of {DEADLINE_S} s", 1
    end_session(process.pid)
    return code, out, time.monotonic() - began


def main():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background hands it down as ignored
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", required=True)
    p.add_argument("--plain")
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("--slow", action="store_true", help="say which tests took longest")
    p.add_argument("--one", help=argparse.SUPPRESS)
    p.add_argument("names", nargs="*")
    args = p.parse_args()
    if args.one:
        run_here(args)
    tests, failed, times = list(discover(args.names)), [], []
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        runs = {pool.submit(run_one, args, m, n): (m, n) for m, n in tests}
        for run in concurrent.futures.as_completed(runs):
            (module, name), (code, out, took) = runs[run], run.result()
            times.append((took, name))
            if code:
                failed.append(name)
                print(f"FAILED {module}: {name.removeprefix('test_').replace('_', ' ')}\n{out}", flush=True)
    if args.slow:
        for took, name in sorted(times, reverse=True)[:12]:
            print(f"{took:6.1f} s  {name}")
    print(f"{len(tests) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed or not (tests or args.names) else 0  # a name may be a unit test's alone


if __name__ == "__main__":
    sys.exit(main())
