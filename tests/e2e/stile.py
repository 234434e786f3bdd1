# SPDX-License-Identifier: Apache-2.0
"""stile: the whole proxy in a test, as `stile run` starts it: supervisor, loader, workers and control.

    def test_something(t):                       # t is peers.Test
        s = Stile(t, pools={"b": t.backend(answering(message(body=b"x")))}, routes=[{"name": "all", "pool": "b"}])
        assert t.ask(s.port).body == b"x"        # ready when the constructor returns; stopped when the test ends
        s.weight("orders", "25%")                # a command of the binary; s.cli(...) is any of them
        s.rewrite(lambda text: text.replace("a", "b")).reload()

A pool is a Backend, a port, a URL, a list of these, or a dict of what the configuration says. `plain=True` takes the build
whose workers run in the sandbox. Ports: s.port, s.tls_port (with tls=True), s.observe. At the end it must stop within its time, with exit
code 0, leave no process behind, and have written no sanitizer's report.
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

from peers import WAIT_S, Backend, Conn, free_port, session


def until(what, claim, timeout=WAIT_S):
    """Ask `what` again and again until it is true; its value."""
    end = time.monotonic() + timeout
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < end, f"it never happened within {timeout} s: {claim}"
        time.sleep(0.01)


def is_alive(pid):
    """Does this process run (a dead one that nobody reaped does not)?"""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def yaml(value):
    """A value of a configuration on one line; texts are quoted, so they mean what they say."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k if k.isidentifier() else json.dumps(k)}: {yaml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(yaml(v) for v in value) + "]"
    if isinstance(value, Backend):
        return yaml(value.url)
    return json.dumps(value) if isinstance(value, (str, bool)) else str(value)


def pool(value):
    """What the configuration says of a pool that the test names in short."""
    if isinstance(value, dict):
        more = {k: v for k, v in value.items() if k != "endpoints"}
        return {**more, **pool(value["endpoints"])}
    values = value if isinstance(value, (list, tuple)) else [value]
    return {"endpoints": [v.url if isinstance(v, Backend) else v if isinstance(v, str) else f"http://127.0.0.1:{v}" for v in values]}


class Stile:
    def __init__(self, t, *, pools=None, routes=None, apis=None, more="", limits=None, tls=False, workers=2, plain=False, config=None,
                 binary=None, env=(), user=None):
        self.env, self.words = env, ("--user", user) if user else ()
        self.t, self.binary = t, binary or (t.plain if plain else t.build) / "stile"
        self.folder = t.folder / f"stile-{len(t.processes)}"
        self.folder.mkdir()
        self.port, self.tls_port, self.observe = free_port(), free_port(), free_port()
        self.socket, self.process = self.folder / "admin.sock", None
        text = config or self.describe(pools or {}, routes or [], apis or {}, more, limits, tls, workers)
        self.config = t.write(f"{self.folder.name}/stile.yaml", text)
        if user:  # as a package leaves it: the folder can be passed, the state is the user's
            t.folder.chmod(0o711)
            self.folder.chmod(0o711)
            (self.folder / "state").mkdir(0o700)
            shutil.chown(self.folder / "state", user, user if user != "nobody" else "nogroup")
        self.start()

    def describe(self, pools, routes, apis, more, limits, tls, workers):
        lines = ["listen:", f'  - {{at: "127.0.0.1:{self.port}"}}']
        if tls:
            c = self.t.certs()
            lines.append(f'  - {{at: "127.0.0.1:{self.tls_port}", tls: {{certs: [{{chain: {c}/localhost.pem, key: {c}/localhost.key}}]}}}}')
        lines += [f"observe: 127.0.0.1:{self.observe}", "admin: {socket: admin.sock}", "state: state", f"workers: {workers}"]
        if apis:
            lines.append(f"apis: {yaml({n: str(p) for n, p in apis.items()})}")
        lines += ["pools:"] + [f"  {name}: {yaml(pool(p))}" for name, p in pools.items()]
        lines += ["routes:"] + [f"  - {yaml({'match': {'path': '/**'}, **r})}" for r in routes]
        if limits:
            lines.append(f"limits: {yaml(limits)}")
        return "\n".join(lines) + "\nlog: {access: stdout}\n" + more

    # ── its life ──

    def start(self):
        """Run it (again); returns when it is ready."""
        self.process = self.t.start(self.binary, "run", "--config", self.config, *self.words, cwd=self.folder, env=self.env)
        self.t.at_end(self.end)
        until(lambda: self.is_ready() or not is_alive(self.process.pid), "ready")
        assert is_alive(self.process.pid), f"it did not start:\n{self.process.text()}"
        return self

    def stop(self, timeout=WAIT_S):
        """As systemd stops it. Exit code 0, and nobody is left."""
        mine = self.family()
        self.process.signal(signal.SIGTERM)
        assert self.process.wait(timeout) == 0, self.process.text()
        left = {pid: name for pid, name in mine.items() if is_alive(pid)}
        assert not left, f"these are left: {left}"
        return self

    def end(self):
        """At the end of the test, by itself; what was wrong, or None."""
        try:
            if self.process.process.poll() is None:
                self.stop()
        except (AssertionError, subprocess.TimeoutExpired) as e:
            return f"{self.binary} did not stop well: {e}"
        return None

    def family(self):
        """Pid and name of the supervisor and all below it."""
        all_, mine = session(), {self.process.pid}
        while more := {pid for pid, (_, parent) in all_.items() if parent in mine} - mine:
            mine |= more
        return {pid: all_[pid][0] for pid in mine if pid in all_}

    def is_ready(self):
        return self.get_observe("/readyz")[0] == 200

    def get_observe(self, path):
        """Status and text of a page of the observe listener; 0 when nobody answers."""
        try:
            with socket.create_connection(("127.0.0.1", self.observe), 5) as sock:
                conn = Conn(sock)
                conn.send(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.observe}\r\nConnection: close\r\n\r\n")
                answer = conn.answer()
                return answer.status, answer.body.decode()
        except OSError:
            return 0, ""

    def metric(self, name, **labels):
        """The sum over the series of a metric with these labels."""
        total = 0.0
        for line in self.get_observe("/metrics")[1].splitlines():
            series, _, value = line.rpartition(" ")
            if series.partition("{")[0] == name and all(f'{k}="{v}"' in series for k, v in labels.items()):
                total += float(value)
        return total

    # ── its commands ──

    def cli(self, *words, code=0, stdin=None):
        """A command of the binary; the exit code must be as said (None: any)."""
        done = self.t.command(self.binary, *words, stdin=stdin, cwd=self.folder)
        assert code is None or done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
        return done

    def admin(self, method, path, body=None, **fields):
        """A question to the admin socket as anybody may ask it: status and what came as JSON."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(WAIT_S)
            sock.connect(str(self.socket))
            text = "" if body is None else json.dumps(body)
            if body is not None:
                fields = {"Content_Type": "application/json", "Content_Length": len(text), **fields}
            lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
            conn = Conn(sock)
            conn.send(f"{method} {path} HTTP/1.1\r\nHost: admin\r\n{lines}\r\n{text}")
            answer = conn.answer()
            return answer.status, json.loads(answer.body) if answer.body else None

    def status(self):
        return json.loads(self.cli("status", "--json", "--socket", self.socket, code=None).stdout)

    def weight(self, route=None, share=None, code=0, **options):
        """Show or move a weight. One: what the admin API says of it; all: a list of these."""
        words = [w for w in (route, share) if w is not None]
        if share is not None:
            options.setdefault("reason", "a test")
        for name, value in options.items():
            words += [f"--{name.replace('_', '-')}", str(value)]
        done = self.cli("weight", "--json", "--socket", self.socket, *words, code=code)
        if done.returncode:
            return done
        answer = json.loads(done.stdout)
        return answer if route else answer["weights"]

    def reload(self, code=0):
        return self.cli("reload", "--socket", self.socket, code=code)

    def rewrite(self, change):
        """The configuration, as a function of itself; replaced in one step."""
        text = change(self.config.read_text())
        aside = self.config.with_suffix(".new")
        aside.write_text(text)
        aside.rename(self.config)
        return self

    # ── its processes ──

    def workers(self):
        """Pids of the workers of the newest generation."""
        status = self.status()
        return [w["pid"] for w in status["workers"] if w["pid"] and w["generation"] == status["generation"]["number"]]

    def control(self):
        return self.status()["pid"]

    @staticmethod
    def kill(pid):
        """As the kernel does when memory is out; returns when it is gone."""
        os.kill(pid, signal.SIGKILL)
        until(lambda: not is_alive(pid), f"{pid} is gone")

    def kill_all(self):
        """Everybody at once, so that nobody replaces anybody: the power is cut. For tests with one Stile."""
        self.process.ok = (-signal.SIGKILL,)
        while mine := [pid for pid, (name, _) in session().items() if name.startswith("stile")]:
            for pid in mine:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        self.process.wait()
