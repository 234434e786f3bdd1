#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Real breaking changes, each said in the change language: every folder here passes `stile check` with its cases.

usage: run.py STILE
"""
import concurrent.futures
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def check(stile, folder):
    """What is wrong with one folder, and how many cases it has."""
    done = subprocess.run([stile, "check", "--json", folder], capture_output=True, text=True, timeout=120)
    if done.returncode not in (0, 1) or done.stderr:
        return [f"{folder.name}: {done.stderr or done.returncode}"], 0
    told = json.loads(done.stdout)
    faults = [f'{p["file"]}:{p["line"]}: {p["text"]}' for p in told["problems"]]
    if not faults and not told["cases"]:
        faults = [f"{folder.name}: no case"]
    return faults, told.get("cases", 0)


def main():
    stile = sys.argv[1]
    folders = sorted(p for p in HERE.iterdir() if (p / "api.yaml").exists())
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda folder: check(stile, folder), folders))
    faults = [fault for found, _ in results for fault in found]
    print("\n".join(faults))
    print(f"{len(folders)} folders, {sum(n for _, n in results)} cases, {len(faults)} problems")
    return 1 if faults or not folders else 0


if __name__ == "__main__":
    sys.exit(main())
