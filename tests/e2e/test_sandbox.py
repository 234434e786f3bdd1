# SPDX-License-Identifier: Apache-2.0
"""What the processes may not: the sandbox, as the kernel answers from inside a live one; users, capabilities, the memory of keys."""
import os
import pathlib
import pwd
import re
import signal
import subprocess

from peers import answering, message
import soaking
from stile import Stile, until
from test_processes import one_pool, two_pools


def status_of(pid):
    return dict(line.split(":\t") for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)


def loader_of(s):
    return s.status()["processes"]["generations"][0]["loader"]


def below(s):
    """Everybody below the supervisor."""
    return [loader_of(s), s.control(), *s.workers()]


def test_in_the_sandbox_everything_works(t):
    s = two_pools(t, tls=True, plain=True)
    for pid in s.workers():
        with open(f"/proc/{pid}/status") as status:
            assert "Seccomp:\t2" in status.read(), "no sandbox in this build"
    ca = ("--cacert", t.certs() / "ca.pem")
    secure, clear = f"https://localhost:{s.tls_port}/", f"http://127.0.0.1:{s.port}/"
    for words, version in ((("--http1.1", clear), b"1.1"), (("--http2-prior-knowledge", clear), b"2"), (("--http1.1", *ca, secure), b"1.1"),
                           (("--http2", *ca, secure), b"2"), (("--tls-max", "1.2", *ca, secure), b"2")):
        assert t.curl("-w", " %{http_version} %{http_code}", *words) == b"blue " + version + b" 200", words
    s.reload()
    s.weight("orders", "100%")
    assert t.curl("--http2", *ca, "-H", "X-Account: 1", secure) == b"green"
    s.kill(s.workers()[0])
    assert all(t.curl("--http2", *ca, "-H", "X-Account: 1", secure) == b"green" for _ in range(5))
    s.process.signal(signal.SIGUSR1)  # logs are opened by others and handed in
    assert t.ask(s.port, X_Account="1").body == b"green"
    assert s.process.line(pool="green", arm="canary")


def test_from_inside_a_worker_that_serves_nothing_is_opened_executed_traced_or_called(t):
    s = one_pool(t, plain=True, workers=1)

    def probe(*words):
        done = t.command(t.plain / "tests/probe", s.workers()[0], *words)
        return (done.stdout + done.stderr).strip()

    worker = s.workers()
    assert probe("getpid") == f"value {worker[0]}", "the worker itself makes the calls"
    for call in (("open", "/etc/passwd"), ("open", s.config), ("mmap",), ("socket",)):  # the last one is the way to the admin socket
        assert probe(*call) == "error EPERM", call
    assert s.workers() == worker and t.ask(s.port).body == b"b", "and serves on"
    for call in (("exec", "/bin/true"), ("ptrace",), ("fork",)):
        assert (said := probe(*call)) == "killed Bad system call", (call, said)
        until(lambda: (w := s.workers()) and w != worker and s.is_ready(), "another worker")
        worker = s.workers()
        assert t.ask(s.port).body == b"b"


def test_below_the_supervisor_nobody_has_a_privilege_beyond_opening_files(t):
    s = one_pool(t, plain=True)
    granted = lambda pid: dict(line.split(":\t") for line in open(f"/proc/{pid}/status").read().splitlines() if line.startswith(("Cap", "NoNew")))
    loader = s.status()["processes"]["generations"][0]["loader"]
    for pid, may in [(w, 0) for w in s.workers()] + [(loader, 1 << 1), (s.control(), 1 << 1)]:  # CAP_DAC_OVERRIDE, of root alone
        of = granted(pid)
        assert int(of["CapPrm"], 16) & ~may == int(of["CapEff"], 16) & ~may == int(of["CapInh"], 16) == int(of["CapAmb"], 16) == 0, (pid, of)
        assert of["NoNewPrivs"] == "1", (pid, of)
    if os.geteuid() == 0:
        assert int(granted(s.process.pid)["CapPrm"], 16) > 2, "the supervisor has them, so they were given up"


def test_in_the_sandbox_documents_are_translated(t):
    new = {"id": "o-1", "customer_id": "cus_42", "total_cents": 5, "status": "pending"}
    b = t.backend(answering(message(body=new)))
    s = Stile(t, apis={"shop": t.source / "config/examples/shop/api.yaml"}, pools={"b": {"api": "shop", "version": "v2", "endpoints": b}},
              routes=[{"name": "orders", "api": "shop", "pool": "b"}], plain=True)
    a = t.ask(s.port, path="/orders/o-1", Api_Version="v1")
    assert a.json()["customer"] == "42" and a.json()["status"] == "open", a.body
    a = t.ask(s.port, method="PUT", path="/orders/o-1", body={"id": "o-1", "status": "lost"}, Api_Version="v1")
    assert a.status == 422 and a.json()["pointer"] == "/status", a.body


def test_neither_loader_nor_control_executes_or_traces(t):
    s = one_pool(t, plain=True, workers=1)
    for who, call in ((loader_of, "exec"), (Stile.control, "exec"), (loader_of, "ptrace"), (Stile.control, "ptrace")):
        pid = who(s)
        done = t.command(t.plain / "tests/probe", pid, call, *(["/bin/true"] if call == "exec" else []))
        assert done.stdout.strip() == "killed Bad system call", (call, done)
        until(lambda w=who, p=pid: s.is_ready() and w(s) != p, "another in its place")
        assert t.ask(s.port).body == b"b"
    soaking.settled(s)


def test_below_a_root_supervisor_all_are_the_user_that_it_is_told(t):
    if os.geteuid() != 0:
        done = t.command(t.plain / "stile", "run", "--user", "nobody")
        assert done.returncode == 1 and "--user nobody: only root can become somebody else" in done.stderr, done
        return
    key = t.certs() / "localhost.key"
    os.chown(key, 0, 0)
    key.chmod(0o400)  # root's alone, as keys often are
    s = two_pools(t, tls=True, plain=True, user="nobody")
    uid = str(pwd.getpwnam("nobody").pw_uid)
    assert status_of(s.process.pid)["Uid"].split()[0] == "0"

    def check():
        for pid in below(s):
            try:
                of = status_of(pid)
            except FileNotFoundError:  # of a generation that is on its way out
                continue
            assert set(of["Uid"].split()) == {uid} and set(of["Gid"].split()) != {"0"} and "0" not in of["Groups"].split(), (pid, of)
            assert not any(int(of[of_kind], 16) for of_kind in ("CapPrm", "CapEff", "CapInh", "CapAmb")), (pid, of)
            assert os.stat(f"/proc/{pid}/environ").st_uid == 0, "its memory is not even its own user's to see"

    check()
    assert os.stat(s.socket).st_uid == int(uid), "and it may ask the admin side"
    curl = lambda: t.curl("--cacert", t.certs() / "ca.pem", "-H", "X-Account: 1", f"https://localhost:{s.tls_port}/")
    assert curl() == b"blue"
    s.weight("orders", "100%")
    assert curl() == b"green"
    s.reload()  # the key is read again
    check()
    assert curl() == b"green"
    soaking.settled(s)
    s.kill(s.workers()[0])
    soaking.kill_and_replace_supervisor(s)
    check()
    assert curl() == b"green" and s.status()["supervisor"]
    s.stop().start()
    assert curl() == b"green"


def test_a_user_that_is_none_is_told_at_once(t):
    for user, why in (("nobody-there", "there is no such user"), ("root", "it is whom root becomes" if os.geteuid() == 0 else "only root")):
        done = t.command(t.plain / "stile", "run", "--user", user)
        assert done.returncode == 1 and f"--user {user}: {why}" in done.stderr, done


def test_private_keys_are_locked_and_out_of_dumps_in_every_worker(t):
    s = one_pool(t, tls=True, plain=True)
    for pid in [loader_of(s), *s.workers()]:
        maps = pathlib.Path(f"/proc/{pid}/smaps").read_text().split("VmFlags:")
        locked = [m for m, flags in zip(maps, maps[1:]) if {"lo", "dd"} <= set(flags.split("\n")[0].split())]
        assert len(locked) == 1 and "Size:               1024 kB" in locked[0], (pid, locked)


def holds(pid, what):
    """Do these bytes lie anywhere in a process's own memory?"""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            places, may = line.split()[:2]
            if may != "rw-p":
                continue
            begin, end = (int(x, 16) for x in places.split("-"))
            mem.seek(begin)
            if what in mem.read(end - begin):
                return True
    return False


def test_control_has_no_key_of_a_listener(t):
    s = one_pool(t, tls=True, plain=True)
    if os.geteuid() != 0:
        return  # nobody else may look
    text = subprocess.run(["openssl", "pkey", "-in", t.certs() / "localhost.key", "-noout", "-text"], capture_output=True, text=True, check=True).stdout
    number = bytes.fromhex("".join(re.search(r"priv:((?:\s+[0-9a-f:]+)+)\n", text)[1].split()).replace(":", ""))[-32:]
    there = number[::-1]  # as OpenSSL keeps it: words, the least first
    assert all(holds(pid, there) for pid in [loader_of(s), *s.workers()]), "a key is found where it is"
    assert not any(holds(pid, number) for pid in [loader_of(s), *s.workers()]), "and not as it was read"
    assert not holds(s.control(), there) and not holds(s.control(), number)
    s.kill(dead := s.control())
    until(lambda: s.is_ready() and s.control() != dead, "another control")
    assert not holds(s.control(), there)
