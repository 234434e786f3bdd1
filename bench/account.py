# SPDX-License-Identifier: Apache-2.0
"""account: what a family of processes has used, as the kernel tells it."""
import os
import pathlib
import re
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")


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


def memory_kb(pid, what="VmRSS"):
    """Of a family: VmRSS now, or VmHWM, the most it ever was. Pages that are shared count once for each process."""
    total = 0
    for p in family(pid):
        try:
            found = re.search(rf"^{what}:\s+(\d+) kB", pathlib.Path(f"/proc/{p}/status").read_text(), re.M)
            total += int(found.group(1)) if found else 0
        except OSError:
            pass
    return total


def private_kb(pid):
    """Memory of a family that no other process shares."""
    total = 0
    for p in family(pid):
        try:
            text = pathlib.Path(f"/proc/{p}/smaps_rollup").read_text()
            total += sum(int(n) for n in re.findall(r"^Private_(?:Clean|Dirty):\s+(\d+) kB", text, re.M))
        except OSError:
            pass
    return total


def system_calls(pid, run):
    """How many system calls a family makes while run() runs, by name. Counting slows it down: take no times meanwhile."""
    out = f"/tmp/stile-bench-strace.{os.getpid()}"
    pids = [x for p in family(pid) for x in ("-p", str(p))]
    tracer = subprocess.Popen(["strace", "-f", "-c", "-o", out, *pids], stderr=subprocess.DEVNULL)
    try:
        time.sleep(1)
        run()
    finally:
        tracer.terminate()
        tracer.wait()
    calls = {}
    for line in pathlib.Path(out).read_text().splitlines():
        fields = line.split()
        if len(fields) >= 5 and fields[3].isdigit() and fields[-1] != "total":
            calls[fields[-1]] = int(fields[3])
    os.unlink(out)
    return calls
