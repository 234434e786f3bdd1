# SPDX-License-Identifier: Apache-2.0
"""A machine in trouble: its clock is set, its disk is full, its names are gone. (Descriptors: test_limits; memory: test_limits, test_held,
test_starve; a hung worker: test_processes.)"""
import struct
import threading

from peers import answering, message
from stile import Stile, until
from test_names import Names, ask_again
from test_processes import ASK, arm, arms, two_pools, waiting

YEAR_S = 365 * 86400


class Machine:
    """What the tests/machine of this build says of clock and disk, to every process of a Stile at once."""

    def __init__(self, t):
        self.file = t.folder / "machine"
        self.file.write_bytes(bytes(16))
        self.env = {"LD_PRELOAD": str(t.plain / "tests/machine.so"), "STILE_MACHINE": str(self.file)}

    def say(self, off_s=0, is_full=False):
        with open(self.file, "r+b") as f:
            f.write(struct.pack("<qq", off_s, is_full))



def test_nothing_waits_by_a_clock_that_is_set_back_or_forward(t):
    m = Machine(t)
    s = two_pools(t, plain=True, env=m.env)
    s.weight("orders", "30%")
    accounts = [f"a{i}" for i in range(30)]
    before, workers, conn = arms(t, s, accounts), s.workers(), t.connect(s.port)
    revision = s.weight("orders")["revision"]
    for years, share in ((-1, "40%"), (1, "50%")):
        m.say(off_s=years * YEAR_S)
        assert arm(conn, "a0")[0] == before["a0"] and arms(t, s, accounts) == before, "the same, on connections that are kept and on new ones"
        moved = s.weight("orders", share)["revision"]
        assert moved > revision, "revisions go by their sequence"
        revision = moved
        assert all(now == "green" for a, now in arms(t, s, accounts).items() if before[a] == "green")
        before = arms(t, s, accounts)
        s.kill(s.control())
        until(s.is_ready, "control is back")
    assert s.workers() == workers and s.status()["deaths"] == 0, "and no heart was taken for dead"
    s.reload()
    assert arms(t, s, accounts) == before
    s.kill(s.workers()[0])
    until(lambda: len(s.workers()) == 2, "a worker that is killed is replaced")
    assert s.cli("audit", "verify", "--socket", s.socket).returncode == 0
    conn.close()


def test_a_request_is_not_late_because_the_clock_was_set(t):
    m, go = Machine(t), threading.Event()
    b = waiting(t, go)
    s = Stile(t, pools={"b": b}, routes=[{"name": "all", "pool": "b"}], plain=True, env=m.env)
    c = t.connect(s.port).send(ASK.replace(b"/", b"/slow", 1))
    b.seen()
    m.say(off_s=YEAR_S)
    assert t.ask(s.port).body == b"done"
    go.set()
    assert c.answer().body == b"done"
    assert int(s.process.line(path="/slow")["time"][:4]) > int(s.process.text()[:4]), "the worker had the other clock"


def test_on_a_full_disk_changes_are_refused_and_traffic_goes_on_until_there_is_room_again(t):
    m = Machine(t)
    s = two_pools(t, plain=True, env=m.env)
    s.weight("orders", "100%")
    m.say(is_full=True)
    refused = s.cli("weight", "--socket", s.socket, "orders", "0", "--reason", "no room", code=1)
    assert "full" in refused.stderr, refused
    conn = t.connect(s.port)
    assert all(arm(conn, "7")[0] == "green" for _ in range(20)), "what was acknowledged holds"
    m.say()
    again = s.cli("weight", "--socket", s.socket, "orders", "0", "--reason", "not yet", code=1)
    assert "changes are refused until `stile reload` has started control anew" in " ".join(again.stderr.split()), again
    s.reload()
    conn = t.connect(s.port)
    assert s.weight("orders")["effective_ppm"] == 1000000 and arm(conn, "7")[0] == "green"
    s.weight("orders", "0")
    assert arm(conn, "7")[0] == "blue"
    assert s.cli("audit", "verify", "--socket", s.socket).returncode == 0


def test_without_names_the_last_addresses_are_asked(t):
    b = t.backend(answering(message(body=b"1")))
    names = Names(t, api=["127.0.0.1"])
    s = Stile(t, pools={"b": f"http://api:{b.port}", "never": f"http://nobody:{b.port}"}, workers=1, env=names.env,
              routes=[{"name": "never", "match": {"path": "/never"}, "pool": "never"}, {"name": "all", "pool": "b"}])
    until(lambda: t.ask(s.port).status == 200, "the name is resolved")
    names.say()
    s.kill(s.workers()[0])
    ask_again(s)
    until(lambda: s.is_ready() and s.workers(), "ready")
    assert [t.ask(s.port).status for _ in range(10)] == [200] * 10
    assert [t.ask(s.port, path="/never").status for _ in range(3)] == [502] * 3, "a pool that never had an address"
    s.reload()
    assert [t.ask(s.port).status for _ in range(10)] == [200] * 10, "a new generation has them, too"
