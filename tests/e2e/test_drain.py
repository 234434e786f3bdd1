# SPDX-License-Identifier: Apache-2.0
"""An endpoint that an operator takes out of use while the file keeps it: what is under way ends there, nothing new goes there, whatever is loaded,
started anew or killed, until it is taken back."""
import collections
import json
import threading

from origin import Origin
from peers import answering, message
from stile import Stile, until

ACCOUNTS = [f"k{i}" for i in range(20)]


def named(t, n):
    return [t.backend(answering(message(body=b"%d" % i))) for i in range(n)]


def running(t, backends, workers=2, **more):
    return Stile(t, pools={"b": {"endpoints": [b.url for b in backends], "balance": "round_robin", **more}},
                 routes=[{"name": "all", "pool": "b"}], workers=workers)


def endpoint(s, *words, code=0):
    """`stile endpoint ...`: what the admin API says, or the command if it failed."""
    done = s.cli("endpoint", *words, "--json", "--socket", s.socket, code=code)
    return done if code else json.loads(done.stdout)


def drain(s, backend, *words, code=0, verb="drain"):
    return endpoint(s, verb, "b", backend.url, "--reason", "a new kernel", *words, code=code)


def shown(s, backend):
    return next(e for e in endpoint(s, "list", "b")["endpoints"] if e["url"] == backend.url)


def served(t, s, n=20):
    return collections.Counter(int(t.ask(s.port).body) for _ in range(n))


def test_a_drained_endpoint_has_no_new_request_and_what_is_under_way_ends_there(t):
    go = threading.Event()

    def waits(conn, backend):
        while True:
            backend.requests.put(conn.request())
            go.wait(20)
            conn.send(message(body=b"1"))

    slow, other = t.backend(waits), t.backend(answering(message(body=b"0")))
    s = running(t, [slow, other], workers=1)
    conns = [t.connect(s.port).send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(4)]
    for _ in range(2):
        slow.seen()
    told = drain(s, slow)
    assert [(e["url"], e["drained"]) for e in told["endpoints"]] == [(slow.url, True), (other.url, False)] and told["revision"] > 0
    assert served(t, s) == {0: 20} and slow.requests.empty()
    until(lambda: shown(s, slow)["under_way"] == 2, "those that were there are counted")
    go.set()
    assert sorted(c.answer().body for c in conns) == [b"0", b"0", b"1", b"1"]
    until(lambda: shown(s, slow)["under_way"] == 0, "they are done")
    for conn in slow.conns:
        until(lambda conn=conn: conn.sock.fileno() < 0, "its connections are closed")
    text = s.cli("endpoint", "list", "b", "--socket", s.socket).stdout
    assert f"{slow.url} " in text and text.count("DRAINED") == 1 and "DRAINED" in s.cli("status", "--socket", s.socket).stdout
    assert not drain(s, slow, verb="undrain")["endpoints"][0]["drained"]
    until(lambda: served(t, s).get(1), "it is in use again")


def test_what_is_kept_alive_there_is_closed_though_nobody_asks(t):
    for http in ("h1", "h2"):
        def over_h2(conn, backend):
            o = Origin(conn)
            while True:
                o.answer(o.request().stream, body=b"x")

        b = [t.backend(over_h2 if http == "h2" else answering(message(body=b"x"))) for _ in range(2)]
        s = running(t, b, workers=1, http=http)
        assert all(t.ask(s.port).status == 200 for _ in range(4)) and s.metric("stile_upstream_connections", pool="b") == 2
        drain(s, b[0])
        until(lambda s=s: s.metric("stile_upstream_connections", pool="b") == 1, f"the one over {http} is gone")
        until(lambda b=b: b[0].conns[0].sock.fileno() < 0, "its end has heard of it")
        s.stop()


def test_it_holds_over_reloads_deaths_and_restarts(t):
    b = named(t, 3)
    s = running(t, b)
    drain(s, b[1])
    for upset in (s.reload, lambda: s.kill(s.control()), lambda: [s.kill(pid) for pid in s.workers()], lambda: s.stop().start(),
                  lambda: (s.kill_all(), s.start())):
        upset()
        until(s.is_ready, "it serves")
        assert served(t, s, 30).keys() == {0, 2} and shown(s, b[1])["drained"]
    # The file loses it and has it again: it was never taken back.
    text = s.config.read_text()
    s.rewrite(lambda text: text.replace(f'"{b[1].url}", ', "")).reload()
    assert [(e["url"], e["in_file"]) for e in endpoint(s, "list", "b")["endpoints"] if e["drained"]] == [(b[1].url, False)]
    s.rewrite(lambda _: text).reload()
    assert served(t, s, 30).keys() == {0, 2}
    # What a reload that was refused leaves behind is as it was.
    s.rewrite(lambda text: text + "nonsense: true\n").reload(code=1)
    assert served(t, s, 30).keys() == {0, 2}
    s.rewrite(lambda _: text)
    drain(s, b[1], verb="undrain")
    s.reload()
    until(lambda: served(t, s, 30).keys() == {0, 1, 2}, "all are in use")


def test_the_last_one_in_use_is_drained_only_if_it_is_asked_for(t):
    b = named(t, 2)
    s = running(t, b)
    drain(s, b[0])
    done = drain(s, b[1], code=1)
    assert "last endpoint in use" in done.stderr and not shown(s, b[1])["drained"] and served(t, s) == {1: 20}
    assert "last endpoint" in drain(s, b[1], "--dry-run", code=1).stderr
    drain(s, b[1], "--last")
    until(lambda: t.ask(s.port).status == 503, "nobody is left")
    drain(s, b[0], verb="undrain")
    until(lambda: t.ask(s.port).status == 200, "one is")
    assert served(t, s) == {0: 20}


def test_a_drain_is_a_change_like_others(t):
    b = named(t, 3)
    s = running(t, b, workers=1)
    path, body = "/v1/endpoints/b/drain", {"endpoint": b[0].url, "reason": "r"}
    assert s.admin("POST", path, body)[0] == 428
    assert s.admin("POST", path, body, If_Match="7")[0] == 412
    assert s.admin("POST", path, {"endpoint": b[0].url}, If_Match="*")[0] == 400, "no reason"
    assert s.admin("POST", path, {"endpoint": "http://nobody", "reason": "r"}, If_Match="*")[0] == 404
    assert s.admin("POST", "/v1/endpoints/c/drain", body, If_Match="*")[0] == 404
    assert s.admin("POST", "/v1/endpoints/b/drown", body, If_Match="*")[0] == 404
    assert s.admin("POST", path, {**body, "dry_run": True}, If_Match="0") == (
        200, {"dry_run": True, "pool": "b", "endpoint": b[0].url, "was_drained": False, "drained": True})
    assert not shown(s, b[0])["drained"] and s.admin("GET", "/v1/revisions")[1] == {"revisions": []}
    status, told = s.admin("POST", path, body, If_Match="0", Idempotency_Key="one")
    assert status == 200 and told["revision"] == 1
    assert s.admin("POST", path, body, If_Match="0", Idempotency_Key="one")[1]["revision"] == 1, "asked again under its key"
    assert s.admin("POST", path, {**body, "endpoint": b[1].url}, If_Match="*", Idempotency_Key="one")[0] == 409, "its key is another change's"
    assert s.admin("POST", path, body, If_Match="1")[1]["revision"] == 1, "it is so already"
    assert s.admin("POST", path, {**body, "endpoint": b[1].url}, If_Match="0")[0] == 412
    assert not drain(s, b[0], verb="undrain")["endpoints"][0]["drained"]
    revisions = s.admin("GET", "/v1/revisions")[1]["revisions"]
    assert [(r["kind"], r["reason"], r["after"]["drained"]) for r in revisions] == [("drain.clear", "a new kernel", []), ("drain.set", "r", [b[0].url])]
    assert revisions[0]["before"] == revisions[1]["after"] and "drain.set" in s.cli("audit", "tail", "--socket", s.socket).stdout
    assert "whole" in s.cli("audit", "verify", "--socket", s.socket).stdout
    s.says = s.process.text()
    assert "endpoint_drained pool=b" in s.says and "endpoint_undrained pool=b" in s.says


def test_checks_hold_at_most_half_of_what_is_not_drained(t):
    """One of three is drained, and both others fail their checks: one of them stays in use."""
    b = [t.backend(answering(message(status=503, body=b"%d" % i))) for i in range(3)]
    s = running(t, b, workers=1, check={"path": "/healthz", "every": "100ms"})
    drain(s, b[0])
    until(lambda: [e["health"] for e in endpoint(s, "list", "b")["endpoints"]] == ["down"] * 3, "all are seen to be down")
    assert sorted(e["held"] for e in endpoint(s, "list", "b")["endpoints"]) == [False, False, True]
    told = served(t, s)
    assert len(told) == 1 and 0 not in told, told


def test_keys_of_a_drained_endpoint_move_and_come_back(t):
    b = named(t, 4)
    s = running(t, b, workers=1, balance={"hash": ["header:X-Account"]})
    first = {a: t.ask(s.port, X_Account=a).body for a in ACCOUNTS}
    assert len(set(first.values())) == 4
    drain(s, b[2])
    now = {a: t.ask(s.port, X_Account=a).body for a in ACCOUNTS}
    assert all(now[a] == first[a] if first[a] != b"2" else now[a] != b"2" for a in ACCOUNTS)
    drain(s, b[2], verb="undrain")
    until(lambda: {a: t.ask(s.port, X_Account=a).body for a in ACCOUNTS} == first, "all are where they were")
