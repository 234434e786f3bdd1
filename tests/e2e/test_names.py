# SPDX-License-Identifier: Apache-2.0
"""Endpoints by name: all addresses of a name have work, one that takes no connection costs nobody a request, and one that the name has no more
is asked by nobody."""
import collections
import socket

from origin import serving
from peers import answering, message, sanitized
from stile import Stile, until


class Names:
    """What DNS says, as the tests/resolver of this build puts it."""

    def __init__(self, t, **names):
        self.file = t.folder / "names"
        self.say(**names)
        asan = sanitized(t.folder)["ASAN_OPTIONS"] + ":verify_asan_link_order=0"
        self.env = {"LD_PRELOAD": str(t.build / "tests/resolver.so"), "STILE_RESOLVER": str(self.file), "ASAN_OPTIONS": asan}

    def say(self, **names):
        aside = self.file.with_suffix(".new")
        aside.write_text("".join(f"{name} {address}\n" for name, addresses in names.items() for address in addresses))
        aside.rename(self.file)


def ask_again(s):
    """A new control asks at its start; the workers stay."""
    before = s.control()
    s.kill(before)
    until(lambda: s.cli("status", "--json", "--socket", s.socket, code=None).stdout.startswith("{") and s.control() != before, "another control")


def named(t, n, script=lambda i: answering(message(body=b"%d" % i, Connection="close"), keep=False)):
    """As many backends, at one port of so many addresses."""
    first = t.backend(script(0), at=("127.0.1.1", 0))
    return [first] + [t.backend(script(i), at=(f"127.0.1.{i + 1}", first.port)) for i in range(1, n)]


def shut(backend):
    """It takes no more connections."""
    backend.listener.shutdown(socket.SHUT_RDWR)
    backend.listener.close()


def asks(t, s, n):
    return collections.Counter(int(a.body) if a.status == 200 else a.status for a in (t.ask(s.port) for _ in range(n)))


def test_all_addresses_of_a_name_have_work_and_a_dead_one_costs_nobody_a_request(t):
    b = named(t, 3)
    names = Names(t, api=["127.0.1.1", "127.0.1.2", "127.0.1.3"])
    s = Stile(t, pools={"b": f"http://api:{b[0].port}"}, routes=[{"name": "all", "pool": "b"}], workers=1, env=names.env)
    until(lambda: t.ask(s.port).status == 200, "the name is resolved")
    assert asks(t, s, 30) == {0: 10, 1: 10, 2: 10}
    shut(b[1])
    told = asks(t, s, 60)
    assert set(told) == {0, 2} and sum(told.values()) == 60, told
    shut(b[0])
    assert asks(t, s, 20) == {2: 20}


def test_a_server_that_has_one_of_localhosts_two_addresses_is_served(t):
    b = t.backend(answering(message(body=b"1", Connection="close"), keep=False), at=("::1", 0))
    s = Stile(t, pools={"b": f"http://localhost:{b.port}"}, routes=[{"name": "all", "pool": "b"}], workers=1)
    until(lambda: s.status()["pools"][0]["endpoints"][0]["addresses"], "the name is resolved")
    assert asks(t, s, 20) == {1: 20}


def test_connections_to_an_address_that_a_name_has_no_more_are_left(t):
    def script(i):
        return answering(message(body=b"%d" % i))

    b = named(t, 2, script)
    h2 = named(t, 2, lambda i: serving(lambda o, r: o.answer(r.stream, 200, b"%d" % i)))
    names = Names(t, api=["127.0.1.1"])
    s = Stile(t, pools={"b": f"http://api:{b[0].port}", "h2": {"endpoints": [f"http://api:{h2[0].port}"], "http": "h2"}}, workers=1, env=names.env,
              routes=[{"name": "h2", "match": {"path": "/h2/**"}, "pool": "h2"}, {"name": "all", "pool": "b"}])
    until(lambda: t.ask(s.port).status == t.ask(s.port, path="/h2/").status == 200, "the name is resolved")
    workers = s.workers()
    for path in ("/", "/h2/"):
        assert [t.ask(s.port, path=path).body for _ in range(5)] == [b"0"] * 5
    names.say(api=["127.0.1.2"])
    ask_again(s)
    for path, old in (("/", b[0]), ("/h2/", h2[0])):
        # Never idle for long: a connection that goes on being used does not hold on to the old address.
        until(lambda path=path: t.ask(s.port, path=path).body == b"1", "the new address is asked")
        assert [t.ask(s.port, path=path).body for _ in range(5)] == [b"1"] * 5
        until(lambda old=old: all(conn.sock.fileno() < 0 for conn in old.conns), "the old one's connections are closed")
    assert s.workers() == workers
