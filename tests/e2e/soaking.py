# SPDX-License-Identifier: Apache-2.0
"""soaking: what is done to Stile under load, and what the clients of tests/soak lost meanwhile.

    with Load(t, s) as load:                     # clients of every kind, at full speed
        quiet = load.window(1)                   # a second of nothing: what the next is compared with
        event = load.during(s.reload)            # what happened from its first moment to its last
    load.total()                                 # of all requests; `failed` is what must be 0

A window is a dict of outcomes over all clients (ok, refused, wrong, lost, unconnected, again), with `failed`, `p99_ms` of the worst
kind and `p99` by kind.
"""
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import time

from peers import Conn, Gone
from stile import Stile, until

# `turns`: clients that leave and come, so that every moment has a fresh connection in it. Streams are spread over many connections: chance shares
# connections out to workers, and of four it gives all to one worker every eighth time, which a p99 then tells as if a reload had done it.
KINDS = (
    ("h1", ("--connections", 12)),
    ("h1-short", ("--connections", 4, "--turns", 10)),
    ("h2", ("--h2", "--connections", 16, "--streams", 2)),
    ("h1-tls", ("--tls", "--connections", 8)),
    ("h2-tls", ("--tls", "--h2", "--connections", 16, "--streams", 2)),
    ("h2-tls-short", ("--tls", "--h2", "--connections", 4, "--streams", 2, "--turns", 100)),
)
UNDER_WAY = 12 + 4 + 16 * 2 + 8 + 16 * 2 + 4 * 2  # at most, over all of them
FAILED = ("refused", "wrong", "lost", "unconnected")


class Client:
    """One process of tests/soak, and the lines it reports."""

    def __init__(self, t, port, *words):
        self.process = t.start(t.build / "tests/soak", "--port", port, *words)
        self.n_read = len(until(self.lines, "its first line: it takes signals"))

    def lines(self):
        text = self.process.text()
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines() if line.startswith("{")]

    def report(self):
        """End a window: what was in it."""
        if self.process.process.poll() is None:
            try:
                self.process.signal(signal.SIGUSR1)
            except ProcessLookupError:
                pass
        lines = until(lambda: len(lines := self.lines()) > self.n_read and lines or
                      self.process.process.poll() is not None and self.lines(), "a report")
        self.n_read = len(lines)
        return lines[-1]

    def is_running(self):
        return self.process.process.poll() is None

    def last(self, timeout=60):
        self.process.wait(timeout)
        last = self.lines()[-1]
        assert last["last"], self.process.text()
        return last


def summed(by_kind, part):
    """Outcomes of all clients as one; reports by kind of client."""
    out = dict.fromkeys(("ok", *FAILED, "again"), 0)
    for report in by_kind.values():
        for word, n in report[part].items():
            out[word] += n
    out["failed"] = sum(out[word] for word in FAILED)
    return out


class Load:
    def __init__(self, t, s, kinds=KINDS, post=200, path="/1k"):
        self.t, self.s, self.clients, self.reports = t, s, {}, {}
        for name, words in kinds:
            port = s.tls_port if "--tls" in words else s.port
            self.clients[name] = Client(t, port, *words, "--post", post, "--path", path)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.finish()

    def finish(self):
        """No new requests; those under way are answered."""
        for client in self.clients.values():
            if client.is_running():
                client.process.signal(signal.SIGTERM)
        self.reports = {name: client.last() for name, client in self.clients.items()}

    def take(self):
        """What was since the last one."""
        reports = {name: client.report() for name, client in self.clients.items()}
        window = summed(reports, "window")
        window["p99"] = {name: report["ok_ms"]["p99"] for name, report in reports.items() if report["ok_ms"]["n"]}
        window["p99_ms"] = max(window["p99"].values(), default=0)
        self.reports = reports
        return window

    def window(self, seconds):
        self.take()
        time.sleep(seconds)
        return self.take()

    def during(self, event):
        self.take()
        event()
        return self.take()

    def until(self, n):
        """Until every client has had n more good answers: the load is on."""
        goals = {name: client.report()["total"]["ok"] + n for name, client in self.clients.items()}
        until(lambda: all(client.report()["total"]["ok"] >= goals[name] for name, client in self.clients.items()), f"{n} more answers each",
              timeout=60)

    def total(self):
        return summed(self.reports, "total")


def house(t, *, backends=1, workers=2, more="", canary=True, limits=None, plain=False):
    """Stile from a copy of the binary that may be replaced, with certificates that may, before fast backends."""
    folder = t.folder / "installed"
    folder.mkdir()
    binary = folder / "stile"
    shutil.copy2((t.plain if plain else t.build) / "stile", binary)
    t.certs()
    pools = {name: t.fast_backend() for name in ("blue", "green")[:2 if canary else 1]}
    route = {"name": "all", "pool": "blue"}
    if canary:
        route |= {"subject": ["header:X-Account"], "canary": {"pool": "green", "weight": "0", "salt": "s-1"}}
    limits = {"late": "60s", **(limits or {})}  # a sanitized worker on a busy machine is late all the time
    s = SoakStile(t, pools=pools, routes=[route], tls=True, workers=workers, more=more, binary=binary, limits=limits)
    return s


class SoakStile(Stile):
    """Without an access log: at full speed it would only fill the disk."""

    def describe(self, *words):
        return super().describe(*words).replace("log: {access: stdout}\n", "")


# ── what is done to it ──


def processes(s):
    """What the supervisor says of them; nothing in the first moments of a new control. (A command for each look would take more of the
    machine than what is looked at.)"""
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(5)
            sock.connect(str(s.socket))
            conn = Conn(sock)
            conn.send(b"GET /v1/status HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n")
            said = conn.answer().json().get("processes")
    except (OSError, Gone, ValueError):
        said = None
    return said or {"reloading": True, "generations": []}


def settled(s, timeout=60):
    until(lambda: len(processes(s)["generations"]) == 1, "the old generations have gone", timeout=timeout)


def reload(s):
    s.reload()


def bad_reload(s):
    good = s.config.read_text()
    s.rewrite(lambda text: text.replace("pools:", "pouls:"))
    s.reload(code=1)
    s.rewrite(lambda _: good)


def reload_twice(s):
    """Two callers at once: one of them is told of the reload it asked for, the other of its own or that it waits its turn."""
    number = s.status()["generation"]["number"]
    words = [str(s.binary), "reload", "--socket", str(s.socket)]
    callers = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(2)]
    s.process.signal(signal.SIGHUP)
    for caller in callers:
        caller.communicate(timeout=60)
    until(lambda: not processes(s)["reloading"], "all is done", timeout=60)
    assert s.status()["generation"]["number"] > number


def new_certificate(s):
    folder = s.t.certs()
    before = (folder / "localhost.pem").read_bytes()
    aside = s.t.folder / "new-certs"
    aside.mkdir(exist_ok=True)
    subprocess.run([s.t.build / "bench/bench_worker", "--dev-cert", aside], check=True, capture_output=True)
    for name in ("localhost.key", "localhost.pem", "ca.pem"):
        (aside / name).rename(folder / name)
    assert (folder / "localhost.pem").read_bytes() != before
    s.reload()


def new_binary(s):
    """As a package manager does it: another file by the same name. Workers run it after the reload."""
    aside = s.binary.with_suffix(".new")
    shutil.copy2(s.binary, aside)
    aside.rename(s.binary)
    s.reload()
    inode = s.binary.stat().st_ino
    assert all(pathlib.Path(f"/proc/{pid}/exe").stat().st_ino == inode for pid in s.workers())


def new_weights(s):
    for share in ("10%", "100%", "35%", "0"):
        s.weight("all", share)


def kill_supervisor(s):
    s.process.ok = (-signal.SIGKILL,)
    s.kill(s.process.pid)
    s.process.wait()


def leave(s):
    """As an upgrade of the supervisor itself does."""
    s.process.signal(signal.SIGUSR2)
    assert s.process.wait() == 0


def loader(s):
    number = s.status()["generation"]["number"]
    return next(g["loader"] for g in until(lambda: processes(s)["generations"], "generations") if g["number"] == number)


def take_over(s):
    """Another `stile run` where one was killed, with whoever is left; until all is as it should be."""
    number = s.status()["generation"]["number"] if s.is_ready() else 0
    s.start()
    until(lambda: (p := processes(s)).get("supervisor") == s.process.pid and not p["reloading"]
          and [g["state"] for g in p["generations"]] == ["live"] and s.is_ready(), "one generation lives", timeout=60)
    assert s.status()["supervisor"] and s.status()["generation"]["number"] >= number


def kill_supervisor_and_loader(s):
    """Nobody is left who could replace a worker: those that are, drain when a new generation serves."""
    dead = loader(s)
    kill_supervisor(s)
    s.kill(dead)
    take_over(s)


def kill_supervisor_and_control(s):
    dead = s.control()
    kill_supervisor(s)
    s.kill(dead)
    take_over(s)


def kill_loader(s):
    number = s.status()["generation"]["number"]
    s.kill(loader(s))
    until(lambda: s.is_ready() and s.status()["generation"]["number"] > number, "another generation")


def kill_control(s):
    dead, weight = s.control(), s.weight("all")["effective_ppm"]
    s.kill(dead)
    until(lambda: s.is_ready() and s.control() != dead, "another control")
    assert s.weight("all")["effective_ppm"] == weight


def kill_supervisor_in_a_reload(s, after_s):
    s.process.signal(signal.SIGHUP)
    time.sleep(after_s)
    kill_supervisor(s)
    take_over(s)


def kill_and_replace_supervisor(s):
    kill_supervisor(s)
    take_over(s)


# All of them leave every worker alone.
KILLS = (kill_control, kill_loader, kill_and_replace_supervisor, kill_supervisor_and_control, kill_supervisor_and_loader,
         lambda s: kill_supervisor_in_a_reload(s, 0.03))
KILLS[-1].__name__ = "kill_in_a_reload"

CHANGES = (reload, bad_reload, reload_twice, new_certificate, new_binary, new_weights)
