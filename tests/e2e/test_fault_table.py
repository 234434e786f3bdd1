# SPDX-License-Identifier: Apache-2.0
"""SAFETY.md's faults of a backend, row by row, as a client of either protocol sees them: a 502 or 504 that is whole, or an answer that looks
broken; never one that is cut and looks whole, and never a request that may be sent again though the backend had seen it."""
import threading

from peers import Gone
from test_h2 import Client

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
TIMES = ", timeouts: {answer_head: 700ms, idle: 700ms}"
REFUSED_STREAM = 7


def sends(data, then="close"):
    def script(conn, m):
        conn.send(data)
        if then == "reset":
            conn.reset()
        elif then == "stay":
            conn.is_closed()
    return script


def endless_interim(conn, m):
    try:
        while True:
            conn.send(b"HTTP/1.1 102 Processing\r\n\r\n")
            threading.Event().wait(0.05)
    except (Gone, OSError):
        pass


# what the backend does, and what the client is told: a status, or that it breaks
ROWS = {
    "dies in a chunked body": (sends(CHUNKED + b"5\r\nfirst\r\n"), "broken"),
    "is reset in a chunked body": (sends(CHUNKED + b"5\r\nfirst\r\n", "reset"), "broken"),
    "closes a chunked body without its end": (sends(CHUNKED + b"5\r\nfirst\r\n0\r\n"), "broken"),
    "sends a bad chunk": (sends(CHUNKED + b"5\r\nfirst\r\nxyz\r\n", "stay"), "broken"),
    "sends a lone LF behind a chunk": (sends(CHUNKED + b"5\r\nfirst\n0\r\n\r\n", "stay"), "broken"),
    "is short of its length": (sends(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst"), "broken"),
    "stops in its body": (sends(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst", "stay"), "broken"),
    "resets what its close would end": (sends(b"HTTP/1.1 200 OK\r\n\r\nfirst", "reset"), "broken"),
    "says nothing": (sends(b"", "stay"), 504),
    "closes at once": (sends(b""), 502),
    "resets at once": (sends(b"", "reset"), 502),
    "says 102 without end": (endless_interim, (502, 504)),
    "stops in its head": (sends(b"HTTP/1.1 200 OK\r\nContent-", "stay"), 504),
    "says 101 unasked": (sends(b"HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nbytes", "stay"), 502),
    "says two lengths": (sends(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nfirst", "stay"), 502),
    "says a list of lengths": (sends(b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nfirst", "stay"), 502),
    "says a negative length": (sends(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nfirst", "stay"), 502),
    "says a length and chunks": (sends(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" + CHUNKED[17:] + b"0\r\n\r\n", "stay"), 502),
    "says an unknown coding": (sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\nfirst", "stay"), 502),
    "says version 3.0": (sends(b"HTTP/3.0 200 OK\r\nContent-Length: 0\r\n\r\n", "stay"), 502),
    "says status 2000": (sends(b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", "stay"), 502),
    "says status 099": (sends(b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n", "stay"), 502),
    "says no HTTP": (sends(b"garbage\r\n\r\n", "stay"), 502),
}


def over_h1(t, w, method, path):
    conn = t.connect(w.port).send(f"{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
    head = conn.head()
    try:
        conn.body_of(head)
        return head.status
    except (Gone, OSError):
        return "broken"


def over_h2(t, w, method, path):
    c = Client(t.connect(w.port))
    s = c.answer(c.ask(method, path))
    assert s["reset"] != REFUSED_STREAM, "the backend saw it: it is not to be sent again"
    return "broken" if s["reset"] is not None else int(s["head"][":status"])


def test_every_fault_of_the_table_is_seen_as_one(t):
    asked = []
    names = list(ROWS)

    def script(conn, backend):
        m = conn.request()
        asked.append(m.start)
        ROWS[names[int(m.start.split()[1].rpartition("/")[2])]][0](conn, m)

    w = t.worker(t.backend(script), route=TIMES)
    for i, (name, (_, want)) in enumerate(ROWS.items()):
        for ask in (over_h1, over_h2):
            for method in ("GET", "POST"):
                before = len(asked)
                got = ask(t, w, method, f"/{i}")
                # A head and a break that come in one read may be told as one: that is a 502, and whole.
                assert got in (want if isinstance(want, tuple) else (want, 502) if want == "broken" else (want,)), (name, ask.__name__, method, got)
                assert len(asked) == before + 1, (name, ask.__name__, method, "asked twice")
