# SPDX-License-Identifier: Apache-2.0
"""What a route says before a pool is asked: addresses, rates, maintenance, redirects, answers of its own; and how it rewrites a target."""
import json

from peers import answering, message
from stile import Stile
from test_h2 import Client


def routes(*texts):
    return "routes:\n" + "".join(f"  - {{name: r{i}, {text}}}\n" for i, text in enumerate(texts))


def test_a_redirect_keeps_what_it_does_not_change(t):
    w = t.worker(t.backend(answering(message())), tls=True, routes=routes(
        'match: {path: "/s/**"}, redirect: https', 'match: {path: "/h/**"}, redirect: {host: "new.example:8443", status: 302}',
        'match: {path: "/p/**"}, redirect: {path: /there, status: 307}, headers: {answer: {set: {X-Own: "1"}}}'))
    for path, status, place in (("/s/a%20b?q=1&r", 308, "https://a.example/s/a%20b?q=1&r"), ("/s/", 308, "https://a.example/s/"),
                                ("/h/x?", 302, "http://new.example:8443/h/x?"), ("/p/x?y", 307, "http://a.example/there?y")):
        for method in ("GET", "HEAD", "POST"):
            a = t.ask(w.port, method, path)
            assert (a.status, a.get("location")) == (status, place) and a.body == b"" and a.get("x-request-id"), (path, a.status, a.fields)
            assert a.get("x-own") == ("1" if path.startswith("/p") else None) and a.get("content-length") == "0", a.fields
    conn = t.connect(w.port).send(b"GET /p/x HTTP/1.1\r\nHost: A.example:8080\r\n\r\n")
    assert conn.answer().get("location") == "http://A.example:8080/there", "the port is one of the scheme, which stays"
    c = Client(t.connect(w.port))
    a = c.answer(c.ask(path="/s/x", authority="[::1]:8080"))
    assert a["head"][":status"] == "308" and a["head"]["location"] == "https://[::1]/s/x" and a["ended"], a
    conn = t.connect(w.port)
    assert conn.send(b"GET /s/x HTTP/1.0\r\n\r\n").answer().status == 400
    conn = t.connect(w.port)
    conn.send(b"POST /s/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /s/y HTTP/1.1\r\nHost: a\r\n\r\n")
    assert conn.answer().get("location") == "https://a/s/x" and conn.answer().get("location") == "https://a/s/y", "the body is passed over"


def test_what_came_in_clear_is_sent_to_https_and_what_came_by_it_is_served(t):
    b = t.backend(answering(message(body=b"served")))
    s = Stile(t, pools={"b": b}, tls=True, workers=1, more="trust: [127.0.0.2]\n", routes=[
        {"name": "secure", "redirect": "https"}, {"name": "acme", "match": {"scheme": "http", "path": "/.well-known/**"}, "answer": {"status": 200, "body": "token"}},
        {"name": "orders", "match": {"path": "/orders/**", "host": "localhost"}, "pool": "b"}])
    a = t.ask(s.port, path="/orders/1?x")
    assert (a.status, a.get("location")) == (308, "https://a.example/orders/1?x"), a
    assert t.ask(s.port, path="/.well-known/x").body == b"token", "what is said of clear requests alone"
    secure = ("--cacert", t.certs() / "ca.pem")
    assert t.curl(*secure, f"https://localhost:{s.tls_port}/orders/1") == b"served"
    assert t.curl("-H", "Host: localhost", "-o", "/dev/null", "-w", "%{http_code}", f"http://127.0.0.1:{s.port}/orders/1") == b"308", "no longer path walks around it"
    assert t.curl(*secure, "-o", "/dev/null", "-w", "%{http_code}", f"https://localhost:{s.tls_port}/.well-known/x") == b"404"
    ask = ("--interface", "127.0.0.2", "-H", "Host: localhost", "-o", "/dev/null", "-w", "%{http_code}")
    for fields, status in ((("X-Forwarded-Proto: https",), b"200"), (("X-Forwarded-Proto: http",), b"308"), (('Forwarded: for=x;proto=http, for="[::1]";Proto=HTTPS',), b"200"),
                           (("X-Forwarded-Proto: http", "Forwarded: proto=https"), b"308")):
        words = [w for f in fields for w in ("-H", f)]
        assert t.curl(*ask, *words, f"http://127.0.0.1:{s.port}/orders/1") == status, fields
    assert t.curl("-H", "Host: localhost", "-H", "X-Forwarded-Proto: https", "-o", "/dev/null", "-w", "%{http_code}",
                  f"http://127.0.0.1:{s.port}/orders/1") == b"308", "nobody's word is not believed"
    explain = ("explain", "--config", s.config, "--socket", s.socket, "GET")
    assert "secure" in s.cli(*explain, "http://localhost/orders/1").stdout and "orders" in s.cli(*explain, "https://localhost/orders/1").stdout


def test_a_redirect_to_itself_is_refused(t):
    s = Stile(t, pools={"b": 1}, routes=[{"name": "all", "pool": "b"}], workers=1)
    s.rewrite(lambda text: text.replace('"pool": "b"', "").replace("routes:\n", 'routes:\n  - {name: r, match: {path: /r, scheme: https}, redirect: https}\n'
                                                                   '  - {name: f, match: {path: /f, scheme: ftp}, pool: b}\n'))
    told = s.cli("check", s.config, code=1).stdout
    assert "a request that came by https is sent to itself" in told and "`ftp` is not http or https" in told, told


def test_whom_a_trusted_proxy_asks_for_is_who_may_come_and_is_counted(t):
    w = t.worker(t.backend(answering(message(body=b"x"))), more="trust: [127.0.0.1, 10.0.0.0/8]\n", routes=routes(
        'match: {path: "/in/**"}, pool: b, allow: ["192.0.2.0/24", "2001:db8::/32"]', 'match: {path: "/rate/**"}, pool: b, rate: {requests: 1, per: 60s}',
        'match: {path: "/**"}, pool: b'))
    for status, fields in ((403, {}), (200, {"X_Forwarded_For": "192.0.2.7"}), (403, {"X_Forwarded_For": "192.0.2.7, 198.51.100.1"}),
                           (200, {"X_Forwarded_For": "198.51.100.1, 192.0.2.7, 10.1.2.3"}), (200, {"X_Forwarded_For": "192.0.2.7:4711"}),
                           (200, {"X_Forwarded_For": "2001:DB8::7"}), (200, {"X_Forwarded_For": "[2001:db8::7]:80"}), (403, {"X_Forwarded_For": "192.0.2.7, unknown"}),
                           (200, {"Forwarded": 'for="[2001:db8::7]:80";proto=https, for=10.0.0.1;by=10.0.0.2'}), (403, {"Forwarded": "for=_x"}),
                           (403, {"Forwarded": 'host="x;for=192.0.2.7";for=198.51.100.1'}), (403, {"Forwarded": "for=192.0.2.7", "X_Forwarded_For": "198.51.100.1"}),
                           (200, {"X_Forwarded_For": ", ".join(["198.51.100.1"] * 40 + ["192.0.2.7"])}), (403, {"X_Forwarded_For": "192.0.2.7.8"})):
        assert t.ask(w.port, path="/in/x", **fields).status == status, (status, fields)
    assert [t.ask(w.port, path="/rate/x", X_Forwarded_For=who).status for who in ("192.0.2.1", "192.0.2.2", "192.0.2.1, 10.0.0.1", "192.0.2.2")] == [200, 200, 429, 429]
    assert w.line(client="2001:db8::7") and w.line(client="192.0.2.2", path="/rate/x") and w.line(client="127.0.0.1", path="/in/x")


def test_a_route_answers_by_itself(t):
    w = t.worker(t.backend(answering(message())), routes=routes(
        'match: {path: "/robots.txt"}, answer: {status: 200, body: "User-agent: *\\nDisallow: /\\n"}',
        'match: {path: "/gone/**"}, answer: {status: 410, body: "{}", type: application/json}, headers: {answer: {set: {Cache-Control: "max-age=60"}}}',
        'match: {path: "/empty"}, answer: {status: 204}'))
    a = t.ask(w.port, path="/robots.txt")
    assert (a.status, a.body, a.get("content-type")) == (200, b"User-agent: *\nDisallow: /\n", "text/plain; charset=utf-8") and a.get("date"), a.fields
    a = t.ask(w.port, path="/gone/x")
    assert (a.status, a.body, a.get("content-type"), a.get("cache-control")) == (410, b"{}", "application/json", "max-age=60"), a.fields
    a = t.ask(w.port, "HEAD", path="/gone/x")
    assert (a.status, a.body, a.get("content-length")) == (410, b"", "2"), a.fields
    a = t.ask(w.port, path="/empty")
    assert (a.status, a.body, a.get("content-length"), a.get("content-type")) == (204, b"", None, None), a.fields
    assert t.ask(w.port, path="/other").status == 404
    assert w.line(path="/gone/x")["route"] == "r1"


def test_maintenance_is_a_problem_document(t):
    b = t.backend(answering(message(body=b"x")))
    w = t.worker(b, routes=routes('match: {path: "/a/**"}, pool: b, maintenance: {detail: "back at noon", retry_after: 10m}',
                                  'match: {path: "/b/**"}, pool: b, maintenance: soon', 'match: {path: "/**"}, pool: b'))
    a = t.ask(w.port, path="/a/x")
    doc = json.loads(a.body)
    assert a.status == 503 and a.get("retry-after") == "600" and a.get("content-type") == "application/problem+json", a.fields
    assert doc["detail"] == "back at noon" and doc["type"] == "urn:stile:problem:maintenance" and doc["request_id"], doc
    assert t.ask(w.port, path="/b/x").get("retry-after") is None and b.connections == 0
    assert t.ask(w.port, path="/c").body == b"x"


def test_only_listed_addresses_may_come(t):
    b = t.backend(answering(message(body=b"x")))
    w = t.worker(b, routes=routes('match: {path: "/in/**"}, pool: b, allow: [10.0.0.0/8, 127.0.0.1]', 'match: {path: "/out/**"}, pool: b, allow: ["192.0.2.0/24", "::1"]',
                                  'match: {path: "/edge/**"}, pool: b, allow: [127.0.0.2/31]', 'match: {path: "/wide/**"}, pool: b, allow: [127.0.0.2/30]'))
    assert t.ask(w.port, path="/in/x").body == b"x" and t.ask(w.port, path="/wide/x").body == b"x"
    for path in ("/out/x", "/edge/x"):
        a = t.ask(w.port, path=path, X_Forwarded_For="192.0.2.1")
        assert a.status == 403 and json.loads(a.body)["type"] == "urn:stile:problem:address-not-allowed", a.body


def test_a_rate_lets_its_burst_pass_and_not_one_more(t):
    b = t.backend(answering(message(body=b"x")))
    w = t.worker(b, routes=routes('match: {path: "/a/**"}, pool: b, rate: {requests: 3, per: 1h}',
                                  'match: {path: "/k/**"}, pool: b, rate: {requests: 1, per: 1h, burst: 2, by: ["header:X-Key"]}',
                                  'match: {path: "/**"}, pool: b'))
    assert [t.ask(w.port, path="/a/x").status for _ in range(5)] == [200, 200, 200, 429, 429]
    a = t.ask(w.port, path="/a/y")
    assert 0 < int(a.get("retry-after")) <= 1200 and json.loads(a.body)["type"] == "urn:stile:problem:rate", a.fields
    assert t.ask(w.port, path="/free").status == 200, "a route's rate is its own"
    for key in ("one", "two"):
        assert [t.ask(w.port, path="/k/x", X_Key=key).status for _ in range(3)] == [200, 200, 429], key
    assert [t.ask(w.port, path="/k/x").status for _ in range(3)] == [200, 200, 429], "without a key, by address"


def test_workers_share_a_rate(t):
    b = t.backend(answering(message(body=b"x")))
    s = Stile(t, pools={"b": b}, routes=[{"name": "all", "pool": "b", "rate": {"requests": 20, "per": "1h"}}], workers=2)
    told = [t.ask(s.port).status for _ in range(60)]
    assert told.count(200) == 20 and told.count(429) == 40, told
    assert s.metric("stile_limits_total", limit="rate") == 40


def test_a_target_is_rewritten_for_the_pool(t):
    b = t.backend(answering(message(body=b"x")))
    w = t.worker(b, routes=routes('match: {path: "/api/**"}, pool: b, rewrite: {host: "internal:99", strip: /api/, prefix: /v2}',
                                  'match: {path: "/apis/**"}, pool: b, rewrite: {strip: /api}', 'match: {path: "/only/**"}, pool: b, rewrite: {strip: /only}',
                                  'match: {path: "/**"}, pool: b, rewrite: {prefix: /base}'))
    for path, told in (("/api/a%2Fb?q=1", "/v2/a%2Fb?q=1"), ("/api/", "/v2/"), ("/apis/x", "/apis/x"), ("/only/", "/"), ("/x?", "/base/x?"), ("/", "/base/")):
        assert t.ask(w.port, path=path).status == 200, path
        r = b.seen()
        assert r.start == f"GET {told} HTTP/1.1", (path, r.start)
        assert r.get("host") == ("internal:99" if path.startswith("/api/") else "a.example") and r.get("x-forwarded-host") == "a.example", r.fields


def test_what_an_answer_points_at_is_mapped_back(t):
    def script(conn, backend):
        while True:
            go = conn.request().get("x-go")
            conn.send(message(201, b"x", Location=go, Link=f'<{go}>; rel="next"', X_Own=go))

    b = t.backend(script)
    w = t.worker(b, routes=routes('match: {path: "/api/**"}, pool: b, rewrite: {host: "internal:99", strip: /api, prefix: /v2}',
                                  'match: {path: "/only/**"}, pool: b, rewrite: {strip: /only}', 'match: {path: "/plain/**"}, pool: b',
                                  'match: {path: "/**"}, pool: b, rewrite: {prefix: /base, strip: /gone}'))
    host = b.url
    for path, go, told in (
        ("/api/x", "/v2/orders/1?q#f", "/api/orders/1?q#f"), ("/api/x", "/v2", "/api"), ("/api/x", "/v2?q", "/api?q"), ("/api/x", "/v2/", "/api/"),
        ("/api/x", "/v22/x", "/v22/x"), ("/api/x", "/other", "/other"), ("/api/x", "https://internal:99/v2/1", "http://a.example/api/1"),
        ("/api/x", "http://internal:99/other", "http://a.example/other"), ("/api/x", host + "/v2/1", host + "/api/1"),
        ("/api/x", "https://elsewhere.example/v2/1", "https://elsewhere.example/v2/1"), ("/api/x", "//internal:99/v2/1", "//internal:99/v2/1"),
        ("/api/x", "2", "2"), ("/only/x", "/y", "/only/y"), ("/plain/x", "/y", "/y"), ("/x", "/base/y", "/y"), ("/x", "/base", "/"), ("/x", "/base?q", "/?q"),
    ):
        a = t.ask(w.port, path=path, X_Go=go)
        assert (a.get("location"), a.get("link"), a.get("x-own")) == (told, f'<{told}>; rel="next"', go), (path, go, a)
