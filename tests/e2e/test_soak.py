# SPDX-License-Identifier: Apache-2.0
"""The short form of `./run soak`: whatever is changed under load, no request is lost; and of `./run overload`."""
import soaking
from soaking import CHANGES, Load, house, kill_supervisor, settled
from stile import until

ASK = b"GET /1k HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_nothing_that_is_changed_under_load_loses_a_request(t):
    s = house(t)
    with Load(t, s) as load:
        load.until(20)
        for change in CHANGES:
            window = load.during(lambda c=change: c(s))
            assert not window["failed"], (change.__name__, window)
            load.until(5)
    total = load.total()
    assert not total["failed"] and total["ok"] > 500, total
    settled(s)


def test_who_comes_too_fast_is_refused_on_a_connection_that_is_kept(t):
    s = house(t, workers=1, limits={"late": "2ms"})
    client = soaking.Client(t, s.port, "--connections", 200, "--turns", 10, "--rate", 200000, "--path", "/1k")
    until(lambda: client.report()["total"]["refused"] > 3000, "they come too fast", timeout=60)
    client.process.signal(15)
    last = client.last()
    total = last["total"]
    assert sum(total.values()) >= 9 * (last["opened"] - 200), "ten requests on each, whatever the answers were"
    assert total["ok"] and not total["lost"] + total["wrong"] + total["unconnected"], last
    assert t.ask(s.port, path="/1k").status == 200, "and then it is in time again"


def test_a_new_supervisor_takes_over_without_losing_a_request_or_a_connection(t):
    s = house(t, limits={"head": "90s"})  # a connection that has said nothing waits through all of it
    s.weight("all", "40%")
    conn = t.connect(s.port)
    workers, number = s.workers(), s.status()["generation"]["number"]
    with Load(t, s) as load:
        load.until(20)
        for leave in (kill_supervisor, soaking.leave):
            leave(s)
            assert s.status()["supervisor"] is False
            load.until(20)
            s.start()
            until(lambda: s.status()["supervisor"], "control has come home")
            load.until(20)
        assert s.workers() == workers and s.status()["generation"]["number"] == number
        assert conn.send(ASK).answer().status == 200
        s.reload()
        assert s.status()["generation"]["number"] > number and s.weight("all")["effective_ppm"] == 400000
        load.until(20)
    total = load.total()
    assert not total["failed"], total
    conn.close()
    settled(s)


def test_whoever_is_killed_but_a_worker_no_request_is_lost(t):
    s = house(t)
    s.weight("all", "40%")
    kills = [soaking.kill_control, soaking.kill_loader, soaking.kill_supervisor_and_control, soaking.kill_supervisor_and_loader]
    with Load(t, s) as load:
        load.until(20)
        for kill in kills:
            window = load.during(lambda k=kill: k(s))
            assert not window["failed"], (kill.__name__, window)
            load.until(5)
    assert s.weight("all")["effective_ppm"] == 400000
    settled(s)


def test_a_supervisor_killed_in_the_middle_of_a_reload_is_followed_by_another(t):
    s = house(t)
    with Load(t, s) as load:
        load.until(20)
        for after_s in (0, 0.02, 0.04, 0.06, 0.09):
            window = load.during(lambda a=after_s: soaking.kill_supervisor_in_a_reload(s, a))
            assert not window["failed"], (after_s, window)
    assert not load.total()["failed"]
