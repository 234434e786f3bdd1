#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every #include points down: into its own room or a room below it, never above, never beside.

Also: each library has its one door, paths start at the root, a .c includes its own header first.
Usage: layers.py ROOT. Prints each wrong arrow with file and line; exits 1 if there is one.
"""
import os
import re
import sys

# room -> what it may include besides itself
BELOW = {
    "proxy/base": [],
    "translators/yaml": ["proxy/base"],
    "translators/json": ["proxy/base"],
    "translators/msgpack": ["proxy/base", "translators/json"],
    "translators/records": ["proxy/base"],
    "translators/lens": ["proxy/base", "translators/yaml", "translators/json"],
    "translators/reference": ["proxy/base", "translators/json", "translators/lens"],
    "translators/patch": ["proxy/base", "translators/json", "translators/lens", "translators/reference"],
    "translators/engine": ["proxy/base", "translators/json", "translators/msgpack"],
    "translators/plan": ["proxy/base", "translators/json", "translators/msgpack", "translators/lens", "translators/reference",
                         "translators/engine", "translators/compose"],
    "translators/compose": ["proxy/base", "translators/json", "translators/lens", "translators/reference",
                            "translators/engine"],
    "translators": ["proxy/base", "translators/json", "translators/msgpack", "translators/records", "translators/lens", "translators/reference",
                    "translators/patch", "translators/engine", "translators/plan"],
    "translators/libstile": ["proxy/base", "translators/json", "translators/lens", "translators"],
    "translators/cases": ["proxy/base", "translators/yaml", "translators/json", "translators/lens", "translators"],
    "routing": ["proxy/base"],
    "routing/rollout": ["proxy/base"],
    "certs": ["proxy/base"],
    "proxy/http": ["proxy/base"],
    "proxy/observe": ["proxy/base"],
}
LEVEL2 = list(BELOW)
BELOW["config"] = LEVEL2
BELOW["proxy/server"] = LEVEL2 + ["config"]
BELOW["proxy/control"] = BELOW["proxy/server"] + ["proxy/server"]
BELOW["proxy/super"] = ["proxy/base", "proxy/observe", "config", "proxy/server", "proxy/control"]
BELOW["proxy/cli"] = BELOW["proxy/control"] + ["proxy/control", "proxy/super"]
BELOW["proxy"] = ["proxy/base", "proxy/cli"]

# library header -> the files or rooms that are its door
DOORS = {
    r"event2/|event\.h": ["proxy/server/loop"],
    r"nghttp2/": ["proxy/http/h2"],
    r"msgpack": ["translators/msgpack"],
    r"yaml\.h": ["translators/yaml"],
    r"openssl/": ["certs", "proxy/server/tls"],
    r"sqlite3\.h": ["proxy/control/store"],
    r"jansson\.h": ["proxy/control", "proxy/cli"],
    r"seccomp\.h": ["proxy/super/sandbox"],
    r"zlib\.h|zstd|brotli/": ["proxy/server/coding"],
    r"xxhash\.h": ["proxy/base/hash"],
}


def room_of(path):
    room = os.path.dirname(path)
    while room and room not in BELOW:
        room = os.path.dirname(room)
    return room


def faults_of(root, path):
    room = room_of(path)
    own = path[:-2] + ".h"
    first = None
    for number, line in enumerate(open(os.path.join(root, path), encoding="utf-8"), 1):
        m = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
        if not m:
            continue
        where, target = f"{path}:{number}", m.group(2)
        if m.group(1) == "<":
            for pattern, doors in DOORS.items():
                if re.match(pattern, target) and not any(path.startswith(d) for d in doors):
                    yield f"{where}: <{target}> is known to {' and '.join(doors)} alone"
            continue
        first = first or target
        if not os.path.exists(os.path.join(root, target)):
            yield f'{where}: "{target}" does not start at the root'
        elif room_of(target) != room and room_of(target) not in BELOW[room]:
            yield f'{where}: {room} may not know {room_of(target) or "the root"} ("{target}")'
    if path.endswith(".c") and os.path.exists(os.path.join(root, own)) and first != own:
        yield f"{path}: its own header comes first"


def main():
    root = sys.argv[1]
    n, faults = 0, []
    for top in ("proxy", "translators", "routing", "certs", "config"):
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    n += 1
                    faults += faults_of(root, os.path.relpath(os.path.join(folder, name), root))
    print("\n".join(faults) if faults else f"{n} files, every arrow points down")
    return 1 if faults or not n else 0


if __name__ == "__main__":
    sys.exit(main())
