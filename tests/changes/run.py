#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Real breaking changes, each said in the change language: docs/changes.md lists them, and every folder here passes `stile check`.

The page has 213 lines, 188 of them with a folder and 25 declared; no folder is without a line. Where the list of changes itself is at hand
($STILE_SHARED or ../shared), the page has its lines, in its order.

usage: run.py STILE
"""
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SAID, DECLARED = 188, 25

Row = collections.namedtuple("Row", "operation source change where")


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


def rows_of(page):
    """The lines of the page's table, behind its head."""
    lines = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("|")][2:]
    return [Row(*(cell.strip() for cell in line.strip("|").split("|"))) for line in lines]


def list_of(text):
    """The list as it came: an operation a line, its sources parted by a double bar, their changes by semicolons."""
    for head, changes in re.findall(r"^- \*\*(.+?) — \d+\.\*\* (.*)$", text, re.M):
        for part in changes.split(" ‖ "):
            source, items = part.split(": ", 1)
            for item in items.split("; "):
                yield head.split(" (")[0], source.strip(), item.strip()


def faults_of_page(rows, folders):
    named = {m.group(1) for row in rows if (m := re.fullmatch(r"\[([a-z0-9-]+)\]\(\.\./tests/changes/\1\)", row.where))}
    said = sum(row.where.startswith("[") for row in rows)
    declared = sum(bool(re.match(r"declared: \w+", row.where)) for row in rows)
    if (said, declared, len(rows)) != (SAID, DECLARED, SAID + DECLARED):
        yield f"docs/changes.md: {len(rows)} lines, {said} said and {declared} declared; {SAID} and {DECLARED} are wanted"
    for name in sorted(named ^ {folder.name for folder in folders}):
        yield f"{name}: " + ("named in docs/changes.md, and not there" if name in named else "not named in docs/changes.md")
    source = pathlib.Path(os.environ.get("STILE_SHARED") or ROOT.parent / "shared") / "design/real-changes.md"
    if source.exists():
        wanted = list(list_of(source.read_text(encoding="utf-8")))
        for row, want in zip(rows, wanted):
            if row[:3] != want:
                yield f"docs/changes.md: {row[:3]} should be {want}"


def main():
    stile = sys.argv[1]
    folders = sorted(p for p in HERE.iterdir() if p.is_dir() and p.name != "__pycache__")
    rows = rows_of(ROOT / "docs/changes.md")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda folder: check(stile, folder), folders))
    faults = [fault for found, _ in results for fault in found] + list(faults_of_page(rows, folders))
    print("\n".join(faults))
    print(f"{len(rows)} changes, {len(folders)} folders, {sum(n for _, n in results)} cases, {len(faults)} problems")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
