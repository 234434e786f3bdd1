#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""libstile as others meet it: installed into an empty folder, found through pkg-config, used from C and C++.

The example program is built against nothing but the installed tree, with the shared and with the static library, and translates
a document of the shop there and back. Then the symbols: the shared library shows stile_* alone, each with a version, and the
static one has no other name that could meet one of its host's.
"""
import argparse
import json
import os
import pathlib
import re
import shlex
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "translators/libstile/example/translate.c"
SHOP = ROOT / "config/examples/shop"
ORDER = {"id": "o-1", "customer": "42", "total_cents": 1299, "currency": "EUR", "status": "open"}
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def run(*command, stdin="", env=None, code=0):
    done = subprocess.run([str(c) for c in command], input=stdin, capture_output=True, text=True, env=env, timeout=300)
    assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


class Installed:
    def __init__(self, args, folder):
        self.args, self.folder, self.prefix = args, folder, folder / "tree"
        run(args.cmake, "--install", args.build, "--prefix", self.prefix, "--component", "library")
        self.pc = next(self.prefix.rglob("libstile.pc"))
        self.library = self.pc.parent.parent
        self.env = dict(os.environ, PKG_CONFIG_PATH=str(self.pc.parent))

    def config(self, *words):
        return shlex.split(run("pkg-config", *words, "libstile", env=self.env))

    def build(self, name, compiler, *words, static=False):
        """The example, from a copy that stands alone: no header of ours but the installed one is near."""
        source = self.folder / "translate.c"
        source.write_bytes(EXAMPLE.read_bytes())
        libs = self.config("--static", "--libs") if static else self.config("--libs")
        if static:
            libs = [str(self.library / "libstile.a") if w == "-lstile" else w for w in libs]
        run(compiler, *words, *STRICT, *shlex.split(self.args.flags), *self.config("--cflags"), source, "-x", "none", *libs, "-o",
            self.folder / name)
        return self.folder / name

    def translate(self, program, *words, stdin, code=0):
        env = dict(self.env, LD_LIBRARY_PATH=str(self.library))
        return run(program, SHOP, *words, stdin=stdin, env=env, code=code)


def check_program(tree, program):
    up = json.loads(tree.translate(program, "v1", "v3", "Order", stdin=json.dumps(ORDER)))
    assert up["customer_id"] == "cus_42" and up["amounts"]["total"] == "12.99", up
    down = json.loads(tree.translate(program, "v3", "v1", "Order", stdin=json.dumps(up)))
    assert {k: down[k] for k in ORDER} == ORDER, down
    tree.translate(program, "v1", "v3", "Order", stdin="{", code=1)
    tree.translate(program, "v1", "v9", "Order", stdin="{}", code=2)
    tree.translate(program, "v1", "v3", "Nothing", stdin="{}", code=2)


def symbols(library, *words):
    lines = run("nm", "--defined-only", *words, library).splitlines()
    return [fields[-1] for line in lines if len(fields := line.split()) == 3 and fields[1] != "A"]


def declared():
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "translators/libstile/stile.h").read_text(), flags=re.S)
    return set(re.findall(r"\b(stile_\w+)\s*\(", text))


def check_symbols(tree):
    shown = symbols(next(tree.library.glob("libstile.so")), "-D")
    assert shown and all(re.fullmatch(r"stile_\w+@@STILE_\d+\.\d+", s) for s in shown), shown
    assert {s.split("@")[0] for s in shown} == declared(), {s.split("@")[0] for s in shown} ^ declared()
    static = [s for s in symbols(tree.library / "libstile.a", "-g")]
    assert set(static) == declared(), set(static) ^ declared()


def main():
    parser = argparse.ArgumentParser()
    for word in ("cmake", "build", "cc"):
        parser.add_argument(f"--{word}", required=True)
    parser.add_argument("--flags", default="")
    args = parser.parse_args()
    cxx = "clang++" if "clang" in pathlib.Path(args.cc).name else "g++"
    with tempfile.TemporaryDirectory() as folder:
        tree = Installed(args, pathlib.Path(folder))
        assert [p.name for p in (tree.prefix / "include").iterdir()] == ["stile.h"]
        programs = [tree.build("c", args.cc, "-std=c11", "-x", "c"), tree.build("cxx", cxx, "-std=c++11", "-x", "c++"),
                    tree.build("static", args.cc, "-x", "c", static=True)]
        for program in programs:
            check_program(tree, program)
        if not args.flags:  # a sanitizer has names of its own
            check_symbols(tree)
    print(f"[  PASSED  ] {len(programs) + 1} test(s).")


if __name__ == "__main__":
    main()
