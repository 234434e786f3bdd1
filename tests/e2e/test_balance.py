# SPDX-License-Identifier: Apache-2.0
"""Which endpoint takes a request: round robin, by a key, without those that answer badly, slowly those that came back; and how many at a time."""
import collections
import socket
import threading

from peers import Backend, answering, message
from stile import Stile, until


def named(t, n):
    return [t.backend(answering(message(body=b"%d" % i))) for i in range(n)]


def pool(backends, more):
    urls = ", ".join(f'"{b if isinstance(b, str) else b.url}"' for b in backends)
    return f"pools:\n  b: {{endpoints: [{urls}], {more}}}\n"


def asks(t, w, n, **fields):
    return collections.Counter(int(t.ask(w.port, **fields).body) for _ in range(n))


def test_round_robin_takes_one_after_the_other(t):
    b = named(t, 3)
    w = t.worker(b, pools=pool(b, "balance: round_robin"))
    assert [int(t.ask(w.port).body) for _ in range(9)] == [0, 1, 2] * 3


def test_a_key_stays_with_its_endpoint_and_moves_only_if_that_goes(t):
    b = named(t, 5)
    more = 'balance: {hash: ["header:X-Account"]}'
    w = t.worker(b, pools=pool(b, more))
    where = {}
    for key in range(40):
        told = asks(t, w, 3, X_Account=f"k{key}")
        assert len(told) == 1, (key, told)
        where[key] = next(iter(told))
    assert len(set(where.values())) == 5, where
    assert len(asks(t, w, 30)) > 1, "without a key, by p2c"
    gone = where[0]
    w = t.worker(b, pools=pool([x for i, x in enumerate(b) if i != gone], more))
    alike = t.worker(b, pools=pool(b, 'balance: {ring_hash: ["header:X-Account"]}'))
    assert all(asks(t, alike, 1, X_Account=f"k{key}") == {i: 1} for key, i in where.items()), "its other name"
    for key, i in where.items():
        now = next(iter(asks(t, w, 1, X_Account=f"k{key}")))
        assert now == i or i == gone, (key, i, now)
    b[where[1]].listener.close()  # what is in use now ends, too
    for conn in b[where[1]].conns:
        conn.close()
    w = t.worker(b, pools=pool(b, more))
    assert t.ask(w.port, X_Account="k1").status == 200, "one that takes no connection is passed over"


def test_who_answers_badly_in_a_row_is_benched(t):
    def script(conn, backend):
        while True:
            backend.requests.put(conn.request())
            conn.send(message(status=backend.status, body=b"1"))

    bad, good = t.backend(script), t.backend(answering(message(body=b"0")))
    bad.status = 504
    w = t.worker([bad, good], pools=pool([bad, good], "balance: round_robin, eject: {failures: 3, for: 1h}"))
    told = [t.ask(w.port).status for _ in range(30)]
    assert told.count(504) == 3 and told.count(200) == 27, told
    w.says("endpoint_benched")
    # 500 and 503 are an application's own words.
    for status in (500, 503):
        bad.status = status
        w = t.worker([bad, good], pools=pool([bad, good], "balance: round_robin, eject: {failures: 3, for: 1h}"))
        told = [t.ask(w.port).status for _ in range(30)]
        assert told.count(status) == 15, told
    # Two bad ones between good ones are no row.
    answers = [message(status=504), message(status=504), message(body=b"1")]
    mixed = t.backend(lambda conn, backend: answering(*(answers * 20))(conn, backend))
    w = t.worker([mixed, good], pools=pool([mixed, good], "balance: round_robin, eject: {failures: 3, for: 1h}"))
    told = [t.ask(w.port).status for _ in range(30)]
    assert told.count(504) == 10, told


def test_the_bench_has_a_cap_and_the_last_is_never_on_it(t):
    backends = [t.backend(answering(message(status=502, body=b"x"))) for _ in range(4)]
    for most, n in (("50%", 2), ("100%", 1), ("20%", 4)):
        for b in backends:
            b.requests.queue.clear()
        w = t.worker(backends, pools=pool(backends, f"balance: round_robin, eject: {{failures: 1, for: 1h, most: {most}}}"))
        for _ in range(40):
            assert t.ask(w.port).status == 502
        counts = sorted(b.requests.qsize() for b in backends)
        assert sum(c > 1 for c in counts) == n, (most, counts)
    alone = t.backend(answering(message(status=502, body=b"x")))
    w = t.worker(alone, pools=pool([alone], "eject: {failures: 1, for: 1h, most: 100%}"))
    assert [t.ask(w.port).status for _ in range(5)] == [502] * 5 and "benched" not in w.text()


def test_who_comes_back_starts_slowly(t):
    b = named(t, 2)
    url, port = b[0].url, b[0].port
    b[0].listener.shutdown(socket.SHUT_RDWR)
    b[0].listener.close()
    w = t.worker(b, pools=pool([url, b[1]], "balance: round_robin, slow_start: 1h"))
    assert asks(t, w, 10) == {1: 10}

    again = Backend.__new__(Backend)
    again.__dict__.update(b[0].__dict__)
    again.listener = socket.create_server(("127.0.0.1", port), backlog=128)
    t.backends.append(again)
    threading.Thread(target=again.accept, daemon=True).start()
    until(lambda: asks(t, w, 20).get(0), "it is tried again")
    told = asks(t, w, 200)
    assert 1 <= told[0] <= 60, told  # a sixteenth of its half at first, and chance


def test_a_pool_takes_only_so_many_requests_at_a_time(t):
    go = threading.Event()

    def waits(conn, backend):
        while True:
            backend.requests.put(conn.request())
            go.wait(10)
            conn.send(message(body=b"0"))

    b = t.backend(waits)
    s = Stile(t, pools={"b": {"endpoints": [b.url], "requests": 2}}, routes=[{"name": "all", "pool": "b"}], workers=1)
    held = [t.connect(s.port).send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(2)]
    for _ in held:
        b.seen()
    a = t.ask(s.port)
    assert a.status == 503 and a.get("retry-after") == "1", a.fields
    go.set()
    assert [c.answer().status for c in held] == [200, 200] and t.ask(s.port).status == 200
    until(lambda: s.metric("stile_limits_total", limit="pool_requests") == 1, "it is counted")


def test_an_endpoint_that_is_taken_out_gets_nothing_new_and_finishes_what_it_has(t):
    go = threading.Event()

    def waits(conn, backend):
        while True:
            backend.requests.put(conn.request())
            go.wait(10)
            conn.send(message(body=b"0"))

    old, new = t.backend(waits), t.backend(answering(message(body=b"1")))
    s = Stile(t, pools={"b": [old]}, routes=[{"name": "all", "pool": "b"}], workers=2)
    held = [t.connect(s.port).send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(4)]
    for _ in held:
        old.seen()
    s.rewrite(lambda text: text.replace(old.url, new.url)).reload()
    assert asks(t, s, 20) == {1: 20}
    go.set()
    assert [conn.answer().body for conn in held] == [b"0"] * 4 and old.requests.empty()


def test_second_tries_have_a_budget(t):
    def once(conn, backend):
        m = conn.request()
        backend.requests.put(m)
        conn.send(message(body=b"0"))
        conn.request()
        conn.reset()

    for limit, status in (("retry_floor: 0, retry_percent: 0", 502), ("retry_floor: 1, retry_percent: 0", 200)):
        w = t.worker(t.backend(once), limits=limit)
        assert t.ask(w.port).status == 200
        assert t.ask(w.port).status == status, limit
        assert ("limit_reached limit=retry_percent" in w.text()) == (status == 502), limit
