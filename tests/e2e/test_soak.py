# SPDX-License-Identifier: Apache-2.0
"""The short form of `./run soak`: whatever is changed under load, no request is lost."""
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


def test_a_new_supervisor_takes_over_without_losing_a_request_or_a_connection(t):
    s = house(t)
    s.weight("all", "40%")
    conn = t.connect(s.port)
    workers, number = s.workers(), s.status()["generation"]["number"]
    with Load(t, s) as load:
        load.until(20)
        for _ in range(2):
            kill_supervisor(s)
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
