# SPDX-License-Identifier: Apache-2.0
"""TLS as who runs it meets it: certificates by name, renewed, stapled; tickets over workers and reloads; clients known by their certificate."""
import hashlib
import re
import socket
import ssl
import subprocess

from peers import Conn, answering, free_port, message
from stile import Stile, until
from test_versions import MONEY, api


class Authority:
    """A CA of its own in the test's folder, by the openssl command."""

    def __init__(self, t, name="ca"):
        self.t, self.folder = t, t.folder / name
        self.folder.mkdir()
        self.run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", f"/CN={name}",
                 "-out", "ca.pem", "-keyout", "ca.key")
        self.ca, self.index = self.folder / "ca.pem", {}

    def run(self, *words):
        done = subprocess.run(["openssl", *map(str, words)], cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def issue(self, name, days=30):
        """A leaf for this name: its chain, with the CA in it, and its key."""
        chain, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        self.run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-addext",
                 f"subjectAltName=DNS:{name}", "-out", "leaf.csr", "-keyout", key)
        self.run("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", days, "-copy_extensions", "copyall", "-out", chain)
        serial = self.run("x509", "-in", chain, "-noout", "-serial").strip().partition("=")[2]
        self.index[name] = f"V\t991231235959Z\t\t{serial}\tunknown\t/CN={name}\n"
        chain.write_text(chain.read_text() + self.ca.read_text())
        return chain, key

    def word(self, name, days=7):
        """What an OCSP responder says of the leaf: a DER file."""
        (self.folder / "index.txt").write_text("".join(self.index.values()))
        staple = self.folder / f"{name}.ocsp"
        self.run("ocsp", "-issuer", "ca.pem", "-cert", f"{name}.pem", "-no_nonce", "-reqout", "ask.der")
        self.run("ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", "ca.pem", "-rkey", "ca.key", "-reqin", "ask.der", "-respout", staple,
                 "-ndays", days)
        return staple

    def context(self, **more):
        context = ssl.create_default_context(cafile=str(self.ca))
        context.check_hostname = False
        for name, value in more.items():
            setattr(context, name, value)
        return context


def over_tls(s, certs, clients=None):
    """The configuration with a TLS listener of these certificates."""
    port = free_port()
    more = f", clients: {clients}" if clients else ""
    s.rewrite(lambda text: text.replace("listen:\n", f'listen:\n  - {{at: "127.0.0.1:{port}", tls: {{certs: [{certs}]{more}}}}}\n')).reload()
    return port


def dial(t, port, context, name, session=None):
    raw = socket.create_connection(("127.0.0.1", port), 10)
    conn = Conn(context.wrap_socket(raw, server_hostname=name, session=session))
    t.conns.append(conn)
    return conn


def stapled(port, name, ca):
    """Until when the word holds that s_client is shown, and verified; or None."""
    said = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", name, "-status", "-CAfile", str(ca), "-verify_return_error"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20).stdout
    assert "Verify return code: 0 (ok)" in said, said
    return re.search(r"Cert Status: good.*?Next Update: ([^\n]+)", said, re.DOTALL)[1] if "OCSP Response Status: successful" in said else None


def test_the_authoritys_word_is_stapled_by_name_and_renewed_by_a_reload(t):
    ca = Authority(t)
    a, b = ca.issue("a.example"), ca.issue("b.example")
    word = ca.word("a.example")
    s = Stile(t, pools={"b": t.backend(answering(message(body=b"x")))}, routes=[{"name": "all", "pool": "b"}], workers=1)
    port = over_tls(s, f"{{chain: {b[0]}, key: {b[1]}}}, {{chain: {a[0]}, key: {a[1]}, staple: {word}}}")
    assert stapled(port, "a.example", ca.ca) and not stapled(port, "b.example", ca.ca)

    # One that another certificate has is refused, and nothing changes.
    ca.word("b.example").rename(word)
    told = s.reload(code=1)
    assert f"{word}: this answer is about another certificate" in told.stdout + told.stderr, told
    assert stapled(port, "a.example", ca.ca)
    before = stapled(port, "a.example", ca.ca)
    ca.word("a.example", days=6)
    s.reload()
    until(lambda: stapled(port, "a.example", ca.ca) not in (None, before), "the new word is shown")


def test_a_certificate_is_renewed_by_a_reload_and_its_end_is_told(t):
    ca = Authority(t)
    chain, key = ca.issue("a.example")
    s = Stile(t, pools={"b": t.backend(answering(message(body=b"x")))}, routes=[{"name": "all", "pool": "b"}], workers=1)
    port = over_tls(s, f"{{chain: {chain}, key: {key}}}")

    def serial():
        conn = dial(t, port, ca.context(), "a.example")
        number = conn.sock.getpeercert()["serialNumber"]
        assert conn.send("GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n").answer().status == 200
        return number

    before = serial()
    ca.issue("a.example", days=3)
    assert serial() == before, "files are read at a reload alone"
    told = s.reload()
    assert f"warning: {chain}: the certificate ends at" in told.stdout + told.stderr, told
    until(lambda: serial() != before, "the new one is shown")


def test_tickets_are_good_with_every_worker_and_over_reloads(t):
    s = Stile(t, pools={"b": t.backend(answering(message(body=b"x")))}, routes=[{"name": "all", "pool": "b"}], workers=2, tls=True)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=str(t.certs() / "ca.pem"))
        context.minimum_version = context.maximum_version = version
        session, resumed = None, []

        def ask():
            nonlocal session
            conn = dial(t, s.tls_port, context, "localhost", session)
            resumed.append(conn.sock.session_reused)
            assert conn.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").answer().status == 200
            session = conn.sock.session  # of TLS 1.3, once something was read
            conn.close()

        for _ in range(12):  # by both workers, as the kernel deals
            ask()
        s.reload()
        for _ in range(4):
            ask()
        assert resumed == [False] + [True] * 15, (version, resumed)


def test_who_shows_a_certificate_is_known_by_its_name(t):
    ca, other = Authority(t), Authority(t, "other")
    server, ann, bob, eve = ca.issue("a.example"), ca.issue("ann"), ca.issue("bob"), other.issue("ann")
    described = api(t, """
api: shop
versions: {v1: {}, v2: {}}
detect: [{pin: {key: certificate, table: pins.yaml}}]
missing: v2
types:
  Order: {at: ["* /orders/{id}"]}
  Line: {at: "lines/* of Order"}
""", MONEY.partition("http:")[0])
    t.write("shop/pins.yaml", f"{hashlib.sha256(b'ann').hexdigest()}: v1\n")
    two = [t.backend(answering(message(body=b'{"customer_id":"%d","total":"12.99","state":"pending"}' % i))) for i in range(2)]
    s = Stile(t, pools={"b": {"api": "shop", "version": "v2", "endpoints": [b.url for b in two], "balance": {"hash": ["certificate"]}}},
              routes=[{"name": "all", "pool": "b", "api": "shop", "rate": {"requests": 6, "per": "1h", "by": ["certificate"]}}],
              apis={"shop": described.split(": ", 2)[2].rstrip("}\n")}, workers=1)
    port = over_tls(s, f"{{chain: {server[0]}, key: {server[1]}}}", clients=ca.ca)

    def ask(who):
        context = ca.context()
        if who:
            context.load_cert_chain(*who)
        conn = dial(t, port, context, "a.example")
        return conn.send("GET /orders/1 HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n").answer()

    answers = {name: [ask(who) for _ in range(6)] for name, who in (("ann", ann), ("bob", bob))}
    assert all("cents" in a.json() for a in answers["ann"]), "the version that is pinned to ann"
    assert all("total" in a.json() for a in answers["bob"])
    assert [len({a.json()[key] for a in answers[name]}) for name, key in (("ann", "customer"), ("bob", "customer_id"))] == [1, 1]
    assert ask(ann).status == 429 and ask(bob).status == 429
    for stranger in (None, eve):
        try:
            ask(stranger)
            raise AssertionError("a stranger was served")
        except (ssl.SSLError, OSError, EOFError):
            pass
    s.process.says("handshake_failed listener=127.0.0.1")
    assert 'why="peer did not return a certificate"' in s.process.text(), "and the operator is told why"
