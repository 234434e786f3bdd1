# SPDX-License-Identifier: Apache-2.0
"""symbols: no two rooms give a function one name: whoever is linked first would answer for both.

usage: symbols.py BUILD
"""
import collections
import pathlib
import subprocess
import sys


def names_of(library):
    out = subprocess.run(["nm", "-g", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    return {words[2] for words in map(str.split, out.splitlines()) if len(words) == 3 and not words[2].startswith("__")}


def main():
    rooms = sorted(pathlib.Path(sys.argv[1]).glob("libstile_*.a"))  # libstile.a is some of them over again
    of = collections.defaultdict(list)
    for library in rooms:
        for name in names_of(library):
            of[name].append(library.stem[len("libstile_"):])
    faults = [f"{name} is of {' and of '.join(who)}" for name, who in sorted(of.items()) if len(who) > 1]
    print("\n".join(faults) if faults else f"{len(of)} names in {len(rooms)} rooms, each of one")
    return 1 if faults or len(of) < 1000 else 0


if __name__ == "__main__":
    sys.exit(main())
