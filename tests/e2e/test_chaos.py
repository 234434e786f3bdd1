# SPDX-License-Identifier: Apache-2.0
"""Everything at once: clients that cut, stall, reset and lie before backends that do the same, over every protocol. Nothing may crash,
leak or hang, and a well-behaved client in the middle of it is always answered."""
import os
import random
import socket
import ssl
import threading
import time

from peers import Conn, Gone, message
from test_h2 import Client
from test_versions import NEW, OLD, shop

SECONDS = float(os.environ.get("STILE_CHAOS_SECONDS", "5"))


def moody(seed):
    """A backend of many moods, by the request's X-Mood."""
    def script(conn, backend):
        dice = random.Random(f"{seed}{id(conn)}")
        while True:
            m = conn.head()
            mood = m.get("x-mood", "good")
            if mood == "early":
                conn.send(message(413, b"no"))
                return
            conn.body_of(m)
            if m.start.startswith("HEAD"):
                conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
                continue
            if mood == "silent":
                return
            if mood == "reset":
                conn.reset()
                return
            if mood == "half":
                conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + NEW[:dice.randrange(40)])
                return
            if mood == "lies":
                conn.send(dice.choice([b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", b"nonsense\r\n\r\n", b"\x00" * 50]))
                return
            if mood == "chunks":
                conn.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                for i in range(0, len(NEW), 7):
                    conn.send(b"%x\r\n%s\r\n" % (len(NEW[i:i + 7]), NEW[i:i + 7]))
                conn.send(b"0\r\n\r\n")
                continue
            if mood == "large":
                conn.send(message(body=b'{"x":"' + b"y" * 300000 + b'"}'))
                continue
            conn.send(message(body=NEW))
            if mood == "closes":
                return
    return script


MOODS = ("good", "good", "good", "silent", "reset", "half", "lies", "chunks", "large", "closes", "early")


def connect(t, port, tls, alpn):
    """A connection of this thread's alone."""
    sock = socket.create_connection(("127.0.0.1", port), 3)
    if tls:
        context = ssl.create_default_context(cafile=str(t.certs() / "ca.pem"))
        context.set_alpn_protocols([alpn])
        sock = context.wrap_socket(sock, server_hostname="localhost")
    conn = Conn(sock)
    sock.settimeout(3)
    return conn


def wild_h1(t, port, dice, tls):
    conn = connect(t, port, tls, "http/1.1")
    try:
        for _ in range(dice.randrange(1, 6)):
            version = dice.choice(("v1", "v2", "v9", "v1"))
            body = dice.choice((b"", OLD, OLD, b"no json", b'{"cents":' + b"1" * dice.randrange(3000) + b"}"))
            head = f"{dice.choice(('GET', 'PUT', 'POST', 'HEAD', 'DELETE'))} /orders/{dice.randrange(9)} HTTP/1.{dice.choice('1110')}\r\n"
            head += f"Host: a\r\nApi-Version: {version}\r\nX-Mood: {dice.choice(MOODS)}\r\nX-Account: {dice.randrange(99)}\r\n"
            if dice.random() < 0.5:
                head += f"Content-Length: {len(body)}\r\n\r\n"
            else:
                head += "Transfer-Encoding: chunked\r\n\r\n"
                body = (b"%x\r\n%s\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
            data = head.encode() + body
            if dice.random() < 0.15:
                data = data[:dice.randrange(len(data))]
            if dice.random() < 0.1:
                at = dice.randrange(len(data))
                data = data[:at] + os.urandom(dice.randrange(1, 5)) + data[at:]
            while data:
                n = dice.choice((len(data), len(data), dice.randrange(1, 50)))
                conn.send(data[:n])
                data = data[n:]
            if dice.random() < 0.2:
                break
            if dice.random() < 0.7:
                conn.sock.settimeout(0.5)
                conn.answer(bodyless=head.startswith("HEAD"))
    except (Gone, OSError, ValueError, IndexError, AssertionError):
        pass
    if dice.random() < 0.3:
        conn.sock.settimeout(0.1)
        try:
            conn.more()
        except (Gone, OSError):
            pass
    conn.close() if tls or dice.random() < 0.5 else conn.reset()


def wild_h2(t, port, dice, tls):
    conn = connect(t, port, tls, "h2")
    conn.sock.settimeout(0.5)
    try:
        c = Client(conn)
        for _ in range(dice.randrange(1, 20)):
            body = dice.choice((b"", OLD, b"no json", b"z" * 30000))
            s = c.ask(dice.choice(("GET", "PUT", "POST", "HEAD")), f"/orders/{dice.randrange(9)}",
                      fields=[("api-version", dice.choice(("v1", "v2", "v9"))), ("x-mood", dice.choice(MOODS))], ends=not body)
            if body:
                c.send(s, body[:dice.randrange(len(body) + 1)], ends=dice.random() < 0.8)
            if dice.random() < 0.2:
                c.h2.reset_stream(s, 8)
                c.flush()
        if dice.random() < 0.1:
            conn.send(os.urandom(200))
        for _ in range(dice.randrange(20)):
            c.step()
    except Exception:  # the client's library gives up on what it made itself
        pass
    conn.close() if tls or dice.random() < 0.5 else conn.reset()


def test_chaos_around_it_hurts_nobody_who_behaves(t):
    seed = int(os.environ.get("STILE_CHAOS_SEED", "1"))
    blue, green = t.backend(moody(f"b{seed}")), t.backend(moody(f"g{seed}"))
    t.certs()
    w = shop(t, blue, canary=green, weight="30%", limits="body: 800ms, head: 800ms, send: 1s, held_answer: 200000",
             route=", timeouts: {answer_head: 1s, idle: 1s, total: 3s}", tls=True)
    stop, failures, served = time.monotonic() + SECONDS, [], [0]

    def wild(number):
        dice = random.Random(f"{seed}-{number}")
        while time.monotonic() < stop:
            tls = dice.random() < 0.3
            try:
                (wild_h1 if dice.random() < 0.6 else wild_h2)(t, w.tls_port if tls else w.port, dice, tls)
            except (OSError, Gone):
                pass

    def good():
        while time.monotonic() < stop:
            try:
                conn = connect(t, w.port, False, "")
                a = conn.send(b"PUT /orders/1 HTTP/1.1\r\nHost: a\r\nApi-Version: v1\r\nX-Account: %d\r\nContent-Length: %d\r\n\r\n"
                              % (served[0], len(OLD)) + OLD).answer()
                conn.close()
            except (Gone, OSError) as e:
                a = e
            if getattr(a, "body", None) != OLD:
                failures.append(a)
            served[0] += 1

    threads = [threading.Thread(target=wild, args=(i,)) for i in range(8)] + [threading.Thread(target=good)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, (len(failures), served, [getattr(f, "body", f) for f in failures[:3]])
    assert served[0] > 20, served
    for c in t.conns:
        c.close()
    assert t.ask(w.port, path="/orders/1", Api_Version="v1").body == OLD
