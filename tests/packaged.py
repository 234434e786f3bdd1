#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The Debian package as dpkg meets it: built from a build, installed into an empty root, looked at, purged.

The binary runs, its pages have no warnings, completion knows every command, the unit says what the processes need, the
user is made, the configuration checks; and a build with hardening flags has them in the binary.
"""
import argparse
import gzip
import pathlib
import re
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def run(*command, code=0, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


class Package:
    def __init__(self, build, folder):
        self.built = pathlib.Path(build) / "stile"  # the same, with its names
        self.file = pathlib.Path(run(ROOT / "packaging/package.sh", build, folder / "out").strip())
        self.root = folder / "root"
        (self.root / "var/lib/dpkg/info").mkdir(parents=True)
        (self.root / "var/lib/dpkg/updates").mkdir()
        (self.root / "var/lib/dpkg/status").touch()
        (self.root / "etc").mkdir()
        self.dpkg("-i", self.file)
        self.binary = self.root / "usr/bin/stile"

    def dpkg(self, *words):
        return run("dpkg", f"--root={self.root}", "--force-depends", "--force-script-chrootless", "--force-not-root", "--log=/dev/null", *words)


def check_installed(p):
    assert re.match(r"stile \d+\.\d+\.\d+", run(p.binary, "version"))
    assert "stile:x:" in (p.root / "etc/passwd").read_text()
    run(p.binary, "check", p.root / "etc/stile/stile.yaml")
    run(p.binary, "check", p.root / "usr/share/doc/stile/examples/shop")


def check_unit(p):
    unit = (p.root / "usr/lib/systemd/system/stile.service").read_text()
    for line in ("Type=notify", "KillMode=process", "Restart=always", "RuntimeDirectoryPreserve=restart", "WatchdogSec=30s", "LimitCORE=0", "MemorySwapMax=0"):
        assert line in unit.splitlines(), line
    units = [p.root / "usr/lib/systemd/system/stile.service", p.root / "usr/share/doc/stile/examples/stile.socket"]
    if shutil.which("systemd-analyze"):
        told = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True)
        # Neither the binary nor the pages are where the unit says: they are in our root.
        odd = [x for x in told.stderr.splitlines() if "stile" in x and "not executable" not in x and "man stile" not in x]
        assert not odd, odd
    address = re.search(r"ListenStream=(.*)", units[1].read_text())[1]
    assert f'at: "{address}"' in (p.root / "etc/stile/stile.yaml").read_text(), "the example is for the configuration that is installed"


def check_pages(p):
    pages = sorted(x.name for x in p.root.glob("usr/share/man/man*/*"))
    assert pages == ["stile-changes.5.gz", "stile.1.gz", "stile.yaml.5.gz"], pages
    if shutil.which("man"):
        for page in p.root.glob("usr/share/man/man*/*"):
            done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", page], capture_output=True, text=True)
            assert done.returncode == 0 and not done.stderr and "Stile" in done.stdout, (page, done.stderr)
    if shutil.which("mandoc"):  # pages of one build are equal, so they have no date
        for page in p.root.glob("usr/share/man/man*/*"):
            odd = subprocess.run(["mandoc", "-Tlint", "-Wwarning"], input=gzip.decompress(page.read_bytes()), capture_output=True).stdout.decode()
            assert not [x for x in odd.splitlines() if "missing date" not in x], (page, odd)


def check_completion(p):
    script = p.root / "usr/share/bash-completion/completions/stile"
    ask = 'source "$1"; PATH="$2:$PATH"; COMP_WORDS=(stile "${@:3}"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _stile; echo "${COMPREPLY[@]}"'
    complete = lambda *words: run("bash", "-c", ask, "bash", script, p.binary.parent, *words).split()
    commands = re.findall(r"^  ([a-z-]+)  ", run(p.binary, "--help").split("stile COMMAND --help")[0], re.M)
    assert len(commands) >= 10 and complete("") == commands + ["--help"], complete("")
    assert complete("rel") == ["reload"] and "--socket" in complete("reload", "--s")


def check_hardened(p):
    """Position-independent, everything bound and read-only before main, checked copies, guarded stacks and (x86) CET."""
    head = run("readelf", "-hldnW", p.binary)
    for what in ("DYN (Position-Independent Executable", "GNU_RELRO", "BIND_NOW"):
        assert what in head, what
    assert re.search(r"GNU_STACK .* RW ", head)
    symbols = run("nm", "-D", p.binary)
    assert "__stack_chk_fail" in symbols and re.search(r"__\w+_chk@", symbols.replace("__stack_chk_fail@", "")), symbols
    if "X86-64" in head:
        assert re.search(r"x86 feature: .*SHSTK", head), head
        code = run("objdump", "-d", "--no-show-raw-insn", p.built)
        ours = {name: first for name, first in re.findall(r"<(worker_main|conn_h1_feed|on_read)>:\n +[0-9a-f]+:\t(\w+)", code)}
        assert ours and set(ours.values()) == {"endbr64"}, ours  # what is called through a pointer begins with a target


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--hardened", type=int, default=0)
    args = parser.parse_args()
    checks = [check_installed, check_unit, check_pages, check_completion] + ([check_hardened] if args.hardened else [])
    with tempfile.TemporaryDirectory() as folder:
        p = Package(args.build, pathlib.Path(folder))
        for check in checks:
            check(p)
        p.dpkg("-P", "stile")
        left = [x for x in p.root.rglob("*stile*")]
        assert not left, left
    print(f"[  PASSED  ] {len(checks) + 1} test(s).")


if __name__ == "__main__":
    main()
