# SPDX-License-Identifier: Apache-2.0
"""peers: what stands before and behind the proxy in a test, and the proxy itself.

Conn is a raw connection with deadlines; Backend a scripted server, one thread a connection; Test starts and ends it
all. Nothing sleeps: whoever waits, waits for an event and has a deadline.
"""
import json
import os
import pathlib
import queue
import random
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time

WAIT_S = 20


class Gone(Exception):
    """The peer closed or reset the connection where more was expected."""


class Answer:
    """A message as it came: its start line, its fields (names lower-case), its body."""

    def __init__(self, start, fields, body=b"", trailers=()):
        self.start, self.fields, self.body, self.trailers = start, fields, body, list(trailers)

    @property
    def status(self):
        return int(self.start.split()[1])

    def get(self, name, default=None):
        return next((v for n, v in self.fields if n == name.lower()), default)

    def all(self, name):
        return [v for n, v in self.fields if n == name.lower()]

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.start!r} {self.fields} {self.body[:200]!r}>"


class Conn:
    """One connection, either end of it."""

    def __init__(self, sock):
        self.sock, self.data = sock, b""
        sock.settimeout(WAIT_S)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data):
        self.sock.sendall(data.encode("latin-1") if isinstance(data, str) else data)
        return self

    def more(self):
        data = self.sock.recv(65536)
        if not data:
            raise Gone("closed")
        self.data += data

    def until(self, mark):
        while mark not in self.data:
            self.more()
        head, self.data = self.data.split(mark, 1)
        return head

    def exactly(self, n):
        while len(self.data) < n:
            self.more()
        out, self.data = self.data[:n], self.data[n:]
        return out

    def head(self):
        lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        fields = [(n.strip().lower(), v.strip()) for n, v in (line.split(":", 1) for line in lines[1:])]
        return Answer(lines[0], fields)

    def chunks(self):
        """The chunks of a body, one by one; its trailers are left in self.trailers."""
        while True:
            size = int(self.until(b"\r\n").split(b";")[0], 16)
            if size == 0:
                break
            yield self.exactly(size)
            assert self.exactly(2) == b"\r\n"
        self.trailers = []
        while line := self.until(b"\r\n"):
            self.trailers.append(tuple(s.strip().lower() for s in line.decode().split(":", 1)))

    def body_of(self, m, bodyless=False):
        if bodyless:
            return m
        if m.get("transfer-encoding"):
            assert m.get("transfer-encoding") == "chunked" and m.get("content-length") is None, m
            m.body = b"".join(self.chunks())
            m.trailers = self.trailers
        elif m.get("content-length"):
            m.body = self.exactly(int(m.get("content-length")))
        return m

    def request(self):
        """A whole request."""
        return self.body_of(self.head())

    def answer(self, bodyless=False):
        """A whole final answer; one that ends with its connection is read to the end."""
        m = self.head()
        while m.start.split()[1][0] == "1":
            m = self.head()
        if not bodyless and not m.get("transfer-encoding") and not m.get("content-length") and m.status not in (204, 304):
            m.body = self.rest()
            return m
        return self.body_of(m, bodyless or m.status in (204, 304))

    def rest(self):
        """All until the peer ends in good order; a reset raises Gone."""
        try:
            while True:
                self.more()
        except Gone:
            out, self.data = self.data, b""
            return out
        except OSError as e:
            raise Gone(f"reset: {e}") from e

    def is_closed(self):
        """Wait until the peer has gone, in whatever way; bytes that come before are dropped."""
        try:
            while self.sock.recv(65536):
                pass
        except (ConnectionError, ssl.SSLError):
            pass
        return True

    def shut(self):
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()


class Backend:
    """A scripted server: `script(conn, backend)` runs for every connection, in a thread of its own; with `tls`, an SSLContext,
    over TLS, and what a handshake failed with is in `refused`. `at`: an address of its own, with a port or any."""

    def __init__(self, script, tls=None, path=None, at=("127.0.0.1", 0)):
        self.script, self.requests, self.connections, self.failures = script, queue.Queue(), 0, []
        self.tls, self.path, self.refused = tls, path, queue.Queue()
        if path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(path))
            self.listener.listen(128)
        else:
            self.listener = socket.create_server(at, backlog=128, family=socket.AF_INET6 if ":" in at[0] else socket.AF_INET)
        self.port = None if path else self.listener.getsockname()[1]
        self.conns = []
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self):
        return f"unix:{self.path}" if self.path else f"{'https://127.0.0.1' if self.tls else 'http://127.0.0.1'}:{self.port}"

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            conn = Conn(sock)
            self.conns.append(conn)
            threading.Thread(target=self.run, args=(conn,), daemon=True).start()

    def run(self, conn):
        if self.tls:
            try:
                conn.sock = self.tls.wrap_socket(conn.sock, server_side=True)
            except (OSError, ssl.SSLError) as e:
                self.refused.put(e)
                return
        try:
            self.script(conn, self)
        except (Gone, OSError):
            pass
        except Exception as e:  # told by the test that looks
            self.failures.append(e)
        finally:
            conn.close()

    def seen(self):
        """The next request that came."""
        return self.requests.get(timeout=WAIT_S)

    def close(self):
        self.listener.close()
        for conn in self.conns:
            conn.close()


def answering(*answers, keep=True):
    """A script that answers each request with the next of these (the last one again and again)."""
    def script(conn, backend):
        for i in range(10 ** 6):
            m = conn.request()
            backend.requests.put(m)
            conn.send(answers[min(i, len(answers) - 1)])
            if not keep:
                return
    return script


def message(status=200, body=b"", media="application/json", **fields):
    """An HTTP/1.1 answer with a length."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {media}\r\nContent-Length: {len(body)}\r\n"
    head += "".join(f"{n.replace('_', '-')}: {v}\r\n" for n, v in fields.items())
    return head.encode() + b"\r\n" + body


def counting(body):
    """A script that answers GET with this body and anything else with how much it brought."""
    def script(conn, backend):
        while True:
            m = conn.request()
            conn.send(message(body=body if m.start.startswith("GET ") else b'{"received":%d}' % len(m.body)))
    return script


given = set()


def free_port():
    """A port to listen at, each given once. Not one of those that the kernel gives to clients: somebody's connection would take it
    before we listen."""
    for _ in range(200):
        port = random.randrange(16000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in given:
            given.add(port)
            return port
    raise AssertionError("no free port")


def session(leader=None):
    """Pid and (name, parent) of each process that this test (or the leader of a session) started, and that those started."""
    leader = leader or os.getsid(0)
    mine = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            head, rest = stat.read_text().rsplit(")", 1)
        except (FileNotFoundError, ProcessLookupError):
            continue
        fields = rest.split()
        if int(fields[3]) == leader and fields[0] != "Z":
            pid, name = head.split(" (", 1)
            mine[int(pid)] = name, int(fields[1])
    return mine


def sanitized(folder):
    """An environment in which sanitizers write what they find to folder/sanitizer.PID, whoever closed their standard error."""
    path = f"log_path={folder}/sanitizer"
    return dict(os.environ, ASAN_OPTIONS=f"detect_leaks=1:abort_on_error=0:{path}", UBSAN_OPTIONS=f"print_stacktrace=1:{path}",
                LSAN_OPTIONS=path)


class Process:
    """Something that runs; its output is in a file."""

    def __init__(self, command, log, cwd=None, ok=(0,), env=()):
        self.command, self.log, self.ok = [str(c) for c in command], log, ok
        self.out = open(log, "wb")
        self.process = subprocess.Popen(self.command, stdout=self.out, stderr=subprocess.STDOUT, cwd=cwd,
                                        env={**sanitized(cwd), **dict(env)})
        self.pid = self.process.pid

    def text(self):
        return pathlib.Path(self.log).read_text(errors="replace")

    def says(self, words, timeout=WAIT_S):
        """Wait until its output has these words."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if words in self.text():
                return self
            if self.process.poll() is not None and words not in self.text():
                raise AssertionError(f"{self.command[0]} ended with {self.process.returncode}:\n{self.text()}")
            time.sleep(0.02)
        raise AssertionError(f"{self.command[0]} never said {words!r}:\n{self.text()}")

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=WAIT_S):
        return self.process.wait(timeout)

    def lines(self):
        """Its access log, where that goes to standard output."""
        return [json.loads(line) for line in self.text().splitlines() if line.startswith("{")]

    def line(self, timeout=WAIT_S, **wanted):
        """Wait for a log line with these members."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            for line in self.lines():
                if all(line.get(k) == v for k, v in wanted.items()):
                    return line
            time.sleep(0.03)
        raise AssertionError(f"no log line with {wanted}:\n{self.text()}")

    def close(self):
        """End it; what it did wrong, or nothing."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                return f"{self.command[0]} did not end at SIGTERM"
        text = self.text()
        if "Sanitizer" in text or "runtime error" in text or "Assertion" in text:
            return f"{self.command[0]} reported:\n{text[-3000:]}"
        if self.process.returncode not in self.ok and self.process.returncode != -signal.SIGTERM:
            return f"{self.command[0]} ended with {self.process.returncode}:\n{text[-3000:]}"
        return None


class Test:
    """What one test starts, and ends."""

    def __init__(self, build, plain):
        self.build, self.plain = build, plain
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stile-e2e-"))
        self.source = pathlib.Path(__file__).resolve().parents[2]
        self.shared = pathlib.Path(os.environ.get("STILE_SHARED", self.source.parent / "shared"))
        self.processes, self.backends, self.conns, self.ends = [], [], [], []

    # ── starting ──

    def at_end(self, story):
        """Call this at the end, before processes are ended; it returns what was wrong, or None. The last one first."""
        self.ends.insert(0, story)

    def command(self, *words, stdin=None, cwd=None, timeout=WAIT_S * 2):
        """Run something to its end: its exit code, output and errors (text)."""
        return subprocess.run([str(w) for w in words], input=stdin, capture_output=True, text=True, timeout=timeout,
                              cwd=cwd or self.folder, env=sanitized(self.folder))

    def start(self, *command, ok=(0,), cwd=None, env=()):
        log = self.folder / f"{len(self.processes)}-{pathlib.Path(str(command[0])).name}.log"
        process = Process(command, log, cwd=cwd or self.folder, ok=ok, env=env)
        self.processes.append(process)
        return process

    def backend(self, script, tls=None, path=None, **more):
        self.backends.append(Backend(script, tls, path, **more))
        return self.backends[-1]

    def server_tls(self, *alpn, clients=None, chain=None, key=None):
        """A backend's side of TLS, with the development certificate of localhost; `clients`: a CA file, and they must show one of its."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain or self.certs() / "localhost.pem", key or self.certs() / "localhost.key")
        if alpn:
            context.set_alpn_protocols(list(alpn))
        if clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(str(clients))
        return context

    def shop(self, version, *documents, name=None):
        """The fast backend in its shop mode, with these orders in it."""
        seed = self.folder / f"seed-{len(self.processes)}.ndjson"
        seed.write_text("".join(json.dumps(d) + "\n" for d in documents))
        process = self.start(self.build / "bench/bench_backend", "--port", 0, "--shop", version, "--seed", seed, "--name", name or version)
        return self.port_of(process)

    def fast_backend(self):
        return self.port_of(self.start(self.build / "bench/bench_backend", "--port", 0))

    @staticmethod
    def port_of(process):
        process.says("listening on")
        return int(re.search(r"listening on 127.0.0.1:(\d+)", process.text()).group(1))

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def certs(self):
        """Development certificates: folder with ca.pem, localhost.pem, localhost.key."""
        folder = self.folder / "certs"
        if not folder.exists():
            folder.mkdir()
            subprocess.run([self.build / "bench/bench_worker", "--dev-cert", folder], check=True, capture_output=True)
        return folder

    def worker(self, backends, *, route="", more="", limits="", tls=False, listen=None, apis="", pools=None, routes=None, plain=False, env=()):
        """One worker, alone, before these backends (one pool): fast to start. Its ports are in .port and .tls_port; `plain`: without sanitizers."""
        port, tls_port = free_port(), free_port()
        backends = backends if isinstance(backends, (list, tuple)) else [backends]
        urls = ", ".join(f'"{b.url if isinstance(b, Backend) else b if isinstance(b, str) else f"http://127.0.0.1:{b}"}"' for b in backends)
        text = f'listen:\n  - {{at: "127.0.0.1:{port}"}}\n'
        if tls:
            c = self.certs()
            text += f'  - {{at: "127.0.0.1:{tls_port}", tls: {{certs: [{{chain: {c}/localhost.pem, key: {c}/localhost.key}}]}}}}\n'
        text += f"workers: 1\nstate: {self.folder}/state\nadmin: {{socket: {self.folder}/admin.sock}}\n{apis}"
        text += pools or f"pools:\n  b: {{endpoints: [{urls}]}}\n"
        text += routes or f'routes:\n  - {{name: all, match: {{path: "/**"}}, pool: b{route}}}\n'
        text += f"log: {{access: stdout}}\n{more}"
        if limits:
            text += f"limits: {{{limits}}}\n"
        process = self.start((self.plain if plain else self.build) / "bench/bench_worker", self.write("stile.yaml", text), env=env)
        process.says("worker_serves")
        process.port, process.tls_port = port, tls_port
        return process

    # ── clients ──

    def connect(self, port, timeout=WAIT_S):
        conn = Conn(socket.create_connection(("127.0.0.1", port), timeout))
        conn.sock.settimeout(timeout)
        self.conns.append(conn)
        return conn

    def connect_tls(self, port, alpn=("http/1.1",)):
        context = ssl.create_default_context(cafile=str(self.certs() / "ca.pem"))
        context.set_alpn_protocols(list(alpn))
        raw = socket.create_connection(("127.0.0.1", port), WAIT_S)
        conn = Conn(context.wrap_socket(raw, server_hostname="localhost"))
        self.conns.append(conn)
        return conn

    def ask(self, port, method="GET", path="/", body=None, **fields):
        """One request on a connection of its own."""
        conn = self.connect(port)
        head = f"{method} {path} HTTP/1.1\r\nHost: a.example\r\n"
        head += "".join(f"{n.replace('_', '-')}: {v}\r\n" for n, v in fields.items())
        if body is not None:
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
            head += f"Content-Length: {len(body)}\r\n"
            if not any(n.lower() == "content_type" for n in fields):
                head += "Content-Type: application/json\r\n"
        conn.send(head.encode() + b"\r\n" + (body or b""))
        answer = conn.answer(bodyless=method == "HEAD")
        conn.close()  # an idle connection would hold up a drain
        return answer

    def curl(self, *args, ok=(0,)):
        done = subprocess.run(["curl", "-sS", "--max-time", str(WAIT_S), *map(str, args)], capture_output=True, timeout=WAIT_S + 5)
        assert done.returncode in ok, (done.returncode, done.stderr, done.stdout[:500])
        return done.stdout

    # ── the end ──

    def logs(self):
        return "\n".join(f"--- {p.command[0]}\n{p.text()[-1500:]}" for p in self.processes)

    def close(self):
        """What went wrong beside the test's own claims."""
        for conn in self.conns:
            conn.close()
        stories = [s for end in self.ends if (s := end())]
        stories += [s for p in self.processes if (s := p.close())]
        stories += [f"this was left: {name}, pid {pid}" for pid, (name, _) in session().items() if name.startswith("stile")]
        stories += [f"{report.name}:\n{report.read_text(errors='replace')[:4000]}" for report in self.folder.rglob("sanitizer.*")]
        for backend in self.backends:
            backend.close()
            stories += [f"the backend's script failed: {e!r}" for e in backend.failures]
        return stories

    def clean(self):
        shutil.rmtree(self.folder, ignore_errors=True)
