# SPDX-License-Identifier: Apache-2.0
"""The short form of `./run soak`: whatever is changed under load, no request is lost."""
from soaking import CHANGES, Load, house, settled


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
