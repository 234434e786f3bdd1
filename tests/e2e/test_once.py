# SPDX-License-Identifier: Apache-2.0
"""Law 6: a message is translated once, and whatever comes after is told its version."""
from peers import answering, message
from test_versions import NEW, shop


def test_a_pool_is_told_its_version_when_the_client_said_none(t):
    b = t.backend(answering(message(body=NEW)))
    w = shop(t, b)
    assert t.ask(w.port, path="/orders/1").status == 200
    assert b.seen().get("api-version") == "v2", "assumed to be v1, translated to v2, and told so"
