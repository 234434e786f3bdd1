#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The engine's figures: bench_engine's rows as a table, Node beside them, instructions by callgrind.

usage: engine.py --build DIR [--rounds N] [--only JOB] [--no-callgrind] [--json FILE]

A cell is GB/s of input in the best round, and how many times that is of the same job's others in the same run. The ways of one job
take turns in each round, so they see the same machine; Node is a process of its own, right after.
"""
import argparse
import json
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
NODE = ["order_200", "orders_1k", "orders_10k", "orders_100k_1_version", "orders_1m", "github_100k", "stripe_100k"]
COUNTED = ["orders_100k", "orders_100k_1_version", "orders_100k_20_versions", "github_100k", "stripe_100k", "untouched_orders_1m"]


def lines_of(command):
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def node(program, args):
    where = shutil.which("node")
    if not where:
        print("node is not installed: its column is left out", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory() as folder:
        for job in NODE:
            if args.only in (None, job):
                subprocess.run([program, "--only", job, "--dump", folder], check=True)
        return lines_of([where, str(HERE / "engine" / "node.js"), folder, "7"])


def refs(program, job, rounds):
    with tempfile.NamedTemporaryFile() as out:
        told = subprocess.run(
            ["valgrind", "--tool=callgrind", "--toggle-collect=bench_plan", f"--callgrind-out-file={out.name}", program, "--only", job,
             "--way", "engine", "--rounds", str(rounds)], check=True, capture_output=True, text=True)
    return int(re.search(r"Collected : (\d+)", told.stderr).group(1)), json.loads(told.stdout)


def instructions(program, args):
    if args.no_callgrind or not shutil.which("valgrind"):
        return {}
    counts = {}
    for job in COUNTED:
        if args.only in (None, job):
            n, row = refs(program, job, 1)
            bodies = {"untouched_orders_1m": 4}.get(job, 16)
            counts[job] = n / bodies / row["bytes"]
    return counts


def table(rows, counts):
    by_job = {}
    for r in rows:
        by_job.setdefault(r["job"], {})[r["way"]] = r
    print("| body | bytes | GB/s | median | ns a call | plain C | AVX2 | 16 KiB pieces | 1460 B pieces | of a copy | x reference | x jansson "
          "| x msgpack-c | x Node | instructions a byte |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for job, of in by_job.items():
        if "engine" not in of:
            continue
        is_ = of["engine"]

        def ratio(way, form="{:.2f}", turned=False):
            if way not in of:
                return ""
            # MessagePack is shorter: what counts is the time for one document.
            times = of[way]["ns"] / is_["ns"]
            return form.format(1 / times if turned else times)

        median = is_["bytes"] / is_["median_ns"]
        print(f"| {job} | {is_['bytes']:.0f} | {is_['gbs']:.2f} | {median:.2f} | {is_['ns']:.0f} | {ratio('engine_plain', turned=True)} "
              f"| {ratio('engine_avx2', turned=True)} "
              f"| {ratio('engine_16k', turned=True)} | {ratio('engine_1460', turned=True)} | {ratio('copy', '{:.3f}')} "
              f"| {ratio('reference', '{:.0f}')} | {ratio('jansson', '{:.1f}')} | {ratio('msgpack_c', '{:.1f}')} "
              f"| {ratio('node', '{:.1f}')} | {counts.get(job, 0) and format(counts[job], '.1f') or ''} |")
    for r in rows:
        if r["way"] == "compile":
            print(f"\n{r['programs']} pairs of versions (200 changes, two pools, both ways) have their programs in {r['ns'] / 1e6:.0f} ms")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--only")
    parser.add_argument("--no-callgrind", action="store_true")
    parser.add_argument("--json")
    args = parser.parse_args()
    program = str(pathlib.Path(args.build) / "bench" / "bench_engine")
    rows = lines_of([program, "--rounds", str(args.rounds)] + (["--only", args.only] if args.only else []))
    rows += node(program, args)
    counts = instructions(program, args)
    table(rows, counts)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump({"machine": platform.processor() or platform.machine(), "kernel": platform.release(), "rows": rows,
                       "instructions_per_byte": counts}, f, indent=1)


if __name__ == "__main__":
    main()
