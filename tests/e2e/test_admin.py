# SPDX-License-Identifier: Apache-2.0
"""The admin API over TLS: tokens, certificates, roles; and what is said to those who are nobody."""
import json
import os
import signal
import socket
import ssl

from peers import Conn, answering, free_port, message
from stile import Stile
from test_tls import Authority


def new_token(s):
    made = json.loads(s.cli("token", "new", "--json").stdout)
    return made["token"], made["sha256"]


class Remote:
    """A Stile whose admin API is on a TCP port, too, with users who have a token each, and two with certificates."""

    def __init__(self, t, roles):
        self.t, self.ca, self.port = t, Authority(t), free_port()
        self.server = self.ca.issue("admin.example")
        self.s = Stile(t, pools={"blue": t.backend(answering(message(body=b"b"))), "green": t.backend(answering(message(body=b"g")))},
                       routes=[{"name": "orders", "pool": "blue", "subject": ["header:X-A"], "canary": {"pool": "green", "weight": "0%", "salt": "s"}}])
        self.tokens = {name: new_token(self.s) for name in roles}
        self.users = [{"name": name, "tokens": [self.tokens[name][1]], "roles": roles[name]} for name in roles]

    def listen(self, users=None, clients=True):
        chain, key = self.server
        tls = {"certs": [{"chain": str(chain), "key": str(key)}], **({"clients": str(self.ca.ca)} if clients else {})}
        admin = {"socket": "admin.sock", "listen": {"at": f"127.0.0.1:{self.port}", "tls": tls}, "users": users or self.users}
        self.s.rewrite(lambda text: "\n".join(f"admin: {json.dumps(admin)}" if line.startswith("admin:") else line for line in text.splitlines()) + "\n")
        self.s.reload()
        return self

    def dial(self, certificate=None, alpn=("h2", "http/1.1")):
        context = self.ca.context()
        context.set_alpn_protocols(list(alpn))
        if certificate:
            context.load_cert_chain(*certificate)
        conn = Conn(context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), 10), server_hostname="admin.example"))
        self.t.conns.append(conn)
        return conn

    def ask(self, method, path, token=None, certificate=None, body=None, **fields):
        conn, text = self.dial(certificate), "" if body is None else json.dumps(body)
        assert conn.sock.selected_alpn_protocol() == "http/1.1"
        if token:
            fields["Authorization"] = f"Bearer {token}"
        if body is not None:
            fields = {"Content_Type": "application/json", "Content_Length": len(text), **fields}
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
        return conn.send(f"{method} {path} HTTP/1.1\r\nHost: admin.example\r\n{lines}\r\n{text}").answer()

    def move(self, share, **who):
        return self.ask("PUT", "/v1/weights/orders", body={"weight": share, "reason": "a test"}, If_Match="*", **who)


def test_over_tls_a_token_or_a_certificate_says_who_it_is_and_what_he_may(t):
    r = Remote(t, {"vera": ["viewer"], "otto": ["operator"]})
    anna, eve = r.ca.issue("anna.example"), r.ca.issue("eve.example")
    mallory = Authority(t, "other").issue("anna.example")
    r.listen(r.users + [{"name": "anna", "certificate": "anna.example", "roles": ["operator"]}])
    assert r.ask("GET", "/v1/weights", token=r.tokens["vera"][0]).status == 200
    no = r.move("1%", token=r.tokens["vera"][0])
    assert no.status == 403 and "vera may look" in no.json()["detail"], no
    assert r.move("1%", token=r.tokens["otto"][0]).json()["effective_ppm"] == 10000
    assert r.move("2%", certificate=anna).status == 200
    actors = [x["actor"] for x in r.ask("GET", "/v1/revisions?limit=2", certificate=anna).json()["revisions"]]
    assert actors == ["anna", "otto"], actors
    assert r.ask("GET", "/v1/weights", certificate=eve).status == 403
    nobody = r.ask("GET", "/v1/weights")
    assert nobody.status == 401 and nobody.get("www-authenticate") == "Bearer", nobody
    # A certificate of another authority does not come through the handshake; nor does who speaks in clear, or another protocol.
    for stranger in (lambda: r.ask("GET", "/v1/weights", certificate=mallory), lambda: r.dial(alpn=["h2"])):
        try:
            stranger()
            raise AssertionError("a stranger was served")
        except (ssl.SSLError, OSError, EOFError):
            pass
    with socket.create_connection(("127.0.0.1", r.port), 10) as clear:
        clear.sendall(b"GET /v1/weights HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"HTTP/1.1 200" not in clear.recv(4096)
    # Who is on the machine needs neither.
    assert r.s.weight("orders")["weight_ppm"] == 20000
    assert r.s.metric("stile_admin_requests_total", call="other", **{"class": "4xx"}) == 2


def test_five_wrong_tokens_a_minute_and_then_the_address_waits(t):
    r = Remote(t, {"otto": ["operator"]}).listen()
    right = r.tokens["otto"][0]
    for wrong in ("x", right[:-1], right + "0", right.upper(), r.tokens["otto"][1]):
        assert r.move("1%", token=wrong).status == 401, wrong
    for token in ("x", right):
        later = r.move("1%", token=token)
        assert later.status == 429 and 1 <= int(later.get("retry-after")) <= 60, later
    assert r.ask("GET", "/v1/status").status == 401, "who shows none tries none"
    assert r.s.weight("orders")["weight_ppm"] == 0 and r.s.weight("orders", "3%")["weight_ppm"] == 30000


def test_a_token_is_renewed_by_a_reload_and_events_come_over_tls(t):
    r = Remote(t, {"otto": ["operator"]}).listen()
    old, (new, kept) = r.tokens["otto"][0], new_token(r.s)
    watch = r.dial()
    watch.send(f"GET /v1/events?beat_ms=100 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {old}\r\n\r\n")
    watch.until(b": at revision")
    assert r.move("4%", token=old).status == 200
    watch.until(b"data: {")
    assert b'"weight_ppm":40000' in watch.until(b"\n\n")
    r.users[0]["tokens"].append(kept)
    r.listen()
    assert r.move("5%", token=old).status == 200 and r.move("6%", token=new).status == 200
    r.users[0]["tokens"] = [kept]
    r.listen()
    assert r.move("7%", token=old).status == 401 and r.move("7%", token=new).status == 200


def test_a_body_in_one_record_is_read_to_its_end(t):
    r = Remote(t, {"otto": ["operator"]}).listen()
    for n in (4000, 4096, 8192, 15000):
        text = '{"weight": "2%", "reason": "a test"' + " " * n + "}"
        head = f"PUT /v1/weights/orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {r.tokens['otto'][0]}\r\nIf-Match: *\r\n"
        done = r.dial().send(f"{head}Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}").answer()
        assert done.status == 200, (n, done)


def test_users_and_the_listener_are_checked(t):
    hash_ = "sha256:" + "0" * 64
    right = f'{{name: a, tokens: ["{hash_}"], roles: [viewer]}}'
    for users, says in ((f"[{right}]", None), ("[{name: a, uid: 1, roles: [viewer]}]", "nobody could use it"),
                        ("[{name: a, roles: [viewer]}]", "nothing says who this is"),
                        ("[{name: a, tokens: [stile_0123], roles: [viewer]}]", "stands here as its SHA-256"),
                        (f"[{right}, {{name: b, tokens: ['{hash_}'], roles: [operator]}}]", "two users have the same"),
                        (f"[{right}, {{name: b, certificate: x, roles: []}}, {{name: c, certificate: x, roles: []}}]", "two users have the same"),
                        (f"[{right.replace('a,', 'control,')}]", "no name for a user"), (f"[{right.replace('a,', 'a' * 64 + ',')}]", "at most 63 bytes"),
                        (f"[{right.replace('viewer', 'root')}]", "`root` is not viewer")):
        c = t.certs()
        path = t.write("stile.yaml", f"""
listen: [{{at: "127.0.0.1:8080"}}]
admin: {{socket: a.sock, listen: {{at: "127.0.0.1:9443", tls: {{certs: [{{chain: {c}/localhost.pem, key: {c}/localhost.key}}]}}}}, users: {users}}}
pools: {{b: {{endpoints: ["http://127.0.0.1:1"]}}}}
routes: [{{name: all, match: {{path: "/**"}}, pool: b}}]
""")
        done = t.command(t.build / "stile", "check", path)
        assert done.returncode == (1 if says else 0) and (says or "") in done.stdout + done.stderr, (users, done)
        assert "stile_0123" not in done.stdout, "what may be a token is not repeated"
    done = t.command(t.build / "stile", "check", t.write("clear.yaml", path.read_text().split("admin:")[0] + 'admin: {socket: a.sock, listen: {at: "127.0.0.1:9443"}}\n'))
    assert done.returncode == 1 and "needs `tls`" in done.stdout, done


def test_the_admin_side_answers_while_every_worker_is_held(t):
    r = Remote(t, {"otto": ["operator"]}).listen()
    s, held = r.s, r.s.workers()
    for pid in held:
        os.kill(pid, signal.SIGSTOP)
    try:
        waiting = [t.connect(s.port).send("GET /x HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n\r\n") for _ in range(100)]
        assert s.weight("orders", "100%")["effective_ppm"] == 1000000
        assert r.move("99.9999%", token=r.tokens["otto"][0]).json()["weight_ppm"] == 999999
        assert s.status()["store"]["revision"] == s.weight("orders")["revision"]
        assert "weight.set" in s.cli("audit", "tail", "--socket", s.socket).stdout
    finally:
        for pid in held:
            os.kill(pid, signal.SIGCONT)
    assert {c.answer().body for c in waiting} == {b"g"}, "and they do what was said meanwhile"
