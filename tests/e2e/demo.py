#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""demo: Stile before two small shops, and a tour of what it does.

blue speaks v2 of the shop's API and has all the traffic; green speaks v3 and has none yet. Clients of v1, v2 and v3 read and
write the same order, over HTTP/1.1, HTTP/2 and TLS; a weight is moved under load; one request is explained. In the second act a
rollout goes from 1 % to 100 % by itself, and one that breaks takes itself back.

usage: ./run demo [--once]     --once walks the tour, checks every answer, and exits 0 or 1
"""
import argparse
import http.client
import http.server
import json
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from peers import free_port  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
COLOUR = sys.stdout.isatty()

BLUE = [
    {"id": "o-1", "customer_id": "cus_42", "shipping": {"name": "Ada Lovelace", "phone": None}, "created_at": "2026-01-05T10:00:00Z",
     "status": "pending", "express": True, "capture": True, "notes": ["ring twice", "or knock"], "channel": "api",
     "total_cents": 123456789012345678901299, "currency": "EUR", "coupon": "SPRING", "legacy_code": "L-7",
     "labels": "{\"gift\":true}", "delivery": {"window_s": 3600}, "source": "tok_visa", "tags": ["urgent", "internal"],
     "payments": [{"kind": "card", "last4": "4242"}, {"kind": "transfer", "iban": "DE02"}],
     "lines": [{"sku": {"code": "A-1"}, "quantity": 2}, {"sku": {"code": "B-2"}, "quantity": 1, "kind": "gift", "code": "G-9"}]},
]
GREEN = [
    {"id": "o-1", "customer_id": "cus_42", "shipping": {"name": "Ada Lovelace", "phone": None}, "created_at": "2026-01-05T10:00:00Z",
     "status": "pending", "express": True, "capture": True, "notes": ["ring twice", "or knock"], "channel": "api",
     "amounts": {"total": "1234567890123456789012.99", "currency": "EUR"}, "discounts": [{"coupon": "SPRING"}],
     "metadata": {"gift": True}, "delivery_window": "PT1H", "source": {"type": "token", "id": "tok_visa"}, "tags": ["urgent"],
     "payments": [{"type": "card", "card": {"last4": "4242"}}, {"type": "bank_transfer", "bank": {"iban": "DE02"}}],
     "gift_wrap": None, "title": "order o-1 of cus_42", "line_count": 2, "contact": "Ada Lovelace",
     "lines": [{"sku": {"code": "A-1"}, "quantity": 2}, {"sku": {"code": "B-2"}, "quantity": 1, "kind": "gift",
                                                         "gift": {"code": "G-9"}}]},
]

CONFIG = """# made by ./run demo from config/examples/shop/stile.yaml
listen:
  - {{at: "127.0.0.1:{http}"}}
  - {{at: "127.0.0.1:{https}", tls: {{certs: [{{chain: certs/localhost.pem, key: certs/localhost.key}}]}}}}
observe: 127.0.0.1:{observe}
admin: {{socket: admin.sock}}
state: state
workers: 2
apis: {{shop: "{api}"}}
pools:
  blue: {{api: shop, version: v2, endpoints: ["http://127.0.0.1:{blue}"], check: {{path: /healthz, every: 500ms}}}}
  green: {{api: shop, version: v3, endpoints: ["http://127.0.0.1:{green}"], check: {{path: /healthz, every: 500ms}}}}
routes:
  - name: orders
    match: {{path: "/orders/**"}}
    api: shop
    pool: blue
    subject: [header:X-Account]
    canary: {{pool: green, weight: 0, salt: orders-2026}}
  - {{name: rest, match: {{path: "/**"}}, pool: blue}}
log: {{access: access.json}}
"""


CANARY = "    canary: {pool: green, weight: 0, salt: orders-2026}\n"
ROLLOUT = """rollouts:
  {name}:
    manifest: {{why: {why}, owner: team-orders, guarantee: full, backout: weights to 0}}
    match: {{routes: [orders]}}
    baseline: blue
    canary: {canary}
    salt: {name}-2026
    steps: [{{weight: 1%, hold: 500ms, min_requests: 20}}, {{weight: 25%, hold: {hold}}}, {{weight: 100%, hold: 500ms}}]
    gates: {{errors: {{ratio: 5, alpha: 1e-4}}, burst: {{errors: 20, within: 1s}}}}
"""


class Broken(http.server.BaseHTTPRequestHandler):
    """A release that answers its health check and nothing else."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200 if self.path == "/healthz" else 500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def bold(text):
    return f"\033[1m{text}\033[0m" if COLOUR else text


class Tour:
    def __init__(self, build):
        self.build = pathlib.Path(build).resolve()
        # One of its own: two demos of one checkout know nothing of each other.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="demo-", dir=self.build.parent))
        self.processes, self.failures, self.checks = [], [], 0
        self.stile = str(self.build / "stile")

    def start(self):
        http, https, observe, blue, green = (free_port() for _ in range(5))
        self.http, self.https, self.observe = http, https, observe
        (self.folder / "state").mkdir()
        subprocess.run([self.stile, "dev-cert", str(self.folder / "certs")], check=True, stdout=subprocess.DEVNULL)
        for name, version, port, orders in (("blue", "v2", blue, BLUE), ("green", "v3", green, GREEN)):
            seed = self.folder / f"{name}.jsonl"
            seed.write_text("".join(json.dumps(o) + "\n" for o in orders))
            self.processes.append(subprocess.Popen(
                [str(self.build / "bench" / "bench_backend"), "--port", str(port), "--shop", version, "--seed", str(seed),
                 "--name", name]))
        self.blue = blue
        self.config = self.folder / "stile.yaml"
        self.config.write_text(CONFIG.format(http=http, https=https, observe=observe, blue=blue, green=green,
                                             api=ROOT / "config/examples/shop/api.yaml"))
        log = open(self.folder / "stile.log", "w")
        self.proxy = subprocess.Popen([self.stile, "run", "--config", str(self.config)], stderr=log)
        self.processes.append(self.proxy)
        deadline = time.time() + 20
        while time.time() < deadline:
            if self.proxy.poll() is not None:
                break
            try:
                with socket.create_connection(("127.0.0.1", observe), 1) as s:
                    s.sendall(f"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:{observe}\r\nConnection: close\r\n\r\n".encode())
                    if s.recv(64).startswith(b"HTTP/1.1 200"):
                        return
            except OSError:
                pass
            time.sleep(0.05)
        sys.exit("demo: Stile does not get ready; its log says:\n" + (self.folder / "stile.log").read_text())

    def stop(self):
        for p in reversed(self.processes):
            if p.poll() is None:
                p.send_signal(signal.SIGTERM)
        for p in self.processes:
            try:
                p.wait(10)
            except subprocess.TimeoutExpired:
                p.kill()
        if not self.failures:
            shutil.rmtree(self.folder, ignore_errors=True)

    def title(self, text):
        print(f"\n{bold(text)}")

    def run(self, *command):
        """Print the command as one would type it, run it, print what it says."""
        shown = [os.path.relpath(c) if c.startswith("/") and os.path.exists(c) else c for c in command]
        print("$ " + " ".join(shlex.quote(c) for c in shown))
        done = subprocess.run(command, capture_output=True, text=True)
        text = (done.stdout + done.stderr).strip()
        print("\n".join("  " + line[:400] for line in text.splitlines()))
        return done

    def check(self, claim, holds):
        self.checks += 1
        if not holds:
            self.failures.append(claim)
        print(f"  {'ok' if holds else bold('WRONG')}: {claim}")

    def curl(self, *words, tls=False):
        base = ["curl", "-s", "-w", "\nstatus %{http_code}, HTTP/%{http_version}\n"]
        if tls:
            base += ["--cacert", str(self.folder / "certs" / "ca.pem")]
        done = self.run(*base, *words)
        body, _, tail = done.stdout.rstrip().rpartition("\n")
        try:
            document = json.loads(body, parse_float=str, parse_int=int)
        except ValueError:
            document = None
        return document if isinstance(document, dict) else {}, body, tail

    # ---- the stations ----

    def read_three_ways(self):
        plain, secure = f"http://127.0.0.1:{self.http}", f"https://localhost:{self.https}"
        self.title("1. A v1 client reads an order that blue keeps at v2 (HTTP/1.1)")
        old, _, tail = self.curl("-H", "Api-Version: v1", f"{plain}/orders/o-1")
        self.check("v1 sees its own names", old.get("customer") == "42" and old.get("ship_name") == "Ada Lovelace")
        self.check("v1 sees its own forms", old.get("created") == 1767607200 and old.get("status") == "open")
        self.check("no digit of a long number was lost", old.get("total_cents") == 123456789012345678901299)
        self.check("what v1 is not shown is not there", old.get("tags") == ["rush"] and "channel" not in old)
        self.check("it came over HTTP/1.1", tail == "status 200, HTTP/1.1")

        self.title("2. A v2 client reads it (HTTP/2 in clear): the same version, so the very bytes pass")
        _, body, tail = self.curl("--http2-prior-knowledge", "-H", "Api-Version: v2", f"{plain}/orders/o-1")
        direct = http.client.HTTPConnection("127.0.0.1", self.blue)
        direct.request("GET", "/orders/o-1")
        self.check("byte for byte what blue sent", body == direct.getresponse().read().decode())
        self.check("it came over HTTP/2", tail == "status 200, HTTP/2")

        self.title("3. A v3 client reads it (HTTP/2 over TLS), two changes and a stepping stone further")
        new, _, tail = self.curl("-H", "Api-Version: 2026-02-01", f"{secure}/orders/o-1", tls=True)
        self.check("cents became a decimal text, exactly",
                   new.get("amounts") == {"total": "1234567890123456789012.99", "currency": "EUR"})
        self.check("a union says what it is", new.get("source") == {"type": "token", "id": "tok_visa"})
        self.check("JSON in a text became JSON", new.get("metadata") == {"gift": True})
        self.check("it came over HTTP/2", tail == "status 200, HTTP/2")

    def write_and_read_back(self):
        plain, secure = f"http://127.0.0.1:{self.http}", f"https://localhost:{self.https}"
        self.title("4. A v1 client writes an order (HTTP/1.1 over TLS), a v3 client reads it")
        mine = {"id": "o-7", "customer": "7", "ship_name": "Grace", "ship_phone": "", "created": 1767225600, "status": "paid",
                "note": "leave it", "total_cents": 995, "currency": "USD", "lines": [{"sku": "Z-1", "quantity": 3}]}
        back, _, tail = self.curl("--http1.1", "-X", "PUT", "-H", "Api-Version: v1", "-H", "Content-Type: application/json",
                                  "-d", json.dumps(mine), f"{secure}/orders/o-7", tls=True)
        self.check("the answer is what was written, at v1", mine.items() <= back.items())
        self.check("it went over HTTP/1.1", tail.endswith("HTTP/1.1"))
        new, _, _ = self.curl("-H", "Api-Version: v3", f"{plain}/orders/o-7")
        self.check("v3 reads what v1 wrote", new.get("amounts", {}).get("total") == "9.95" and new.get("notes") == ["leave it"]
                   and new.get("status") == "succeeded" and new.get("shipping") == {"name": "Grace", "phone": ""})

        self.title("5. A v3 client writes, a v1 client reads")
        fresh = {"id": "o-8", "customer_id": "cus_8", "shipping": {"name": "Edsger"}, "created_at": "2026-01-01T00:00:00Z",
                 "status": "requires_action", "amounts": {"total": "0.05", "currency": "EUR"}, "lines": []}
        self.curl("-X", "POST", "-H", "Api-Version: v3", "-H", "Content-Type: application/json", "-d", json.dumps(fresh),
                  f"{plain}/orders")
        old, _, _ = self.curl("-H", "Api-Version: v1", f"{plain}/orders/o-8")
        self.check("v1 reads what v3 wrote", old.get("total_cents") == 5 and old.get("customer") == "8"
                   and old.get("status") == "open")

    def refuse(self):
        self.title("6. What cannot be carried is refused, whole, and says where")
        problem, _, tail = self.curl("-X", "PUT", "-H", "Api-Version: v1", "-H", "Content-Type: application/json",
                                     "-d", '{"id": "o-7", "status": "lost"}', f"http://127.0.0.1:{self.http}/orders/o-7")
        self.check("422 with the pointer and the change", tail.startswith("status 422") and problem.get("pointer") == "/status"
                   and problem.get("change") == "states")
        problem, _, tail = self.curl("-H", "Api-Version: v9", f"http://127.0.0.1:{self.http}/orders/o-7")
        self.check("an unknown version is 400 with those that are known", tail.startswith("status 400")
                   and problem.get("versions") == ["v1", "v2", "v3"])

    def ask_as(self, connection, account):
        connection.request("GET", "/orders/o-1", headers={"Api-Version": "v3", "X-Account": account})
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, answer.getheader("X-Backend", ""), body

    def move_a_weight(self):
        self.title("7. A weight is moved while a client loop runs")
        arms, wrong, stop = {}, [], threading.Event()

        def loop():
            connection = http.client.HTTPConnection("127.0.0.1", self.http)
            while not stop.is_set():
                for account in range(200):
                    try:
                        status, backend, _ = self.ask_as(connection, str(account))
                    except (OSError, http.client.HTTPException) as e:
                        wrong.append(repr(e))
                        connection = http.client.HTTPConnection("127.0.0.1", self.http)
                        continue
                    if status != 200:
                        wrong.append(status)
                    arms.setdefault(account, []).append(backend)

        thread = threading.Thread(target=loop)
        thread.start()
        time.sleep(0.5)
        admin = ["--socket", str(self.folder / "admin.sock")]
        done = self.run(self.stile, "weight", *admin, "orders", "25%", "--reason", "demo: a first step")
        self.check("the weight was moved", done.returncode == 0)
        time.sleep(0.8)
        done = self.run(self.stile, "weight", *admin, "orders", "50%", "--reason", "demo: a second step")
        self.check("it was moved again", done.returncode == 0 and " 50% " in done.stdout)
        time.sleep(0.8)
        stop.set()
        thread.join()
        last = {a: seen[-1] for a, seen in arms.items()}
        share = sum(b == "green" for b in last.values()) / max(1, len(last))
        print(f"  {sum(map(len, arms.values()))} requests of {len(arms)} accounts, {share:.0%} of them on green now")
        self.check("no request failed", not wrong)
        self.check("about half of the accounts are on green", 0.35 < share < 0.65)
        self.check("nobody went back while it grew",
                   all("green" not in seen or "blue" not in seen[seen.index("green"):] for seen in arms.values()))

    def explain(self):
        self.title("8. What was done with one request, and why")
        done = subprocess.run(["curl", "-s", "-o", os.devnull, "-D", "-", "-H", "Api-Version: v1", "-H", "X-Account: 42",
                               f"http://127.0.0.1:{self.http}/orders/o-1"], capture_output=True, text=True)
        ids = [line.split(":", 1)[1].strip() for line in done.stdout.splitlines() if line.lower().startswith("x-request-id:")]
        self.check("the answer carries its request id", len(ids) == 1)
        time.sleep(0.3)
        done = self.run(self.stile, "explain", "--socket", str(self.folder / "admin.sock"), *ids)
        self.check("the record names version, route and pool", done.returncode == 0 and "v1" in done.stdout
                   and "orders" in done.stdout)
        self.title("9. The same, for a request that is only described")
        done = self.run(self.stile, "explain", "--config", str(self.config), "-H", "Api-Version: v1", "-H", "X-Account: 42",
                        "PUT", "/orders/o-9", "--body", '{"id": "o-9", "customer": "9", "status": "paid", "total_cents": 5}')
        self.check("it shows the body hop by hop", done.returncode == 0 and "cus_9" in done.stdout + done.stderr)

    def reload(self):
        self.title("10. A bad configuration changes nothing, a good one is loaded under load")
        good = self.config.read_text()
        self.config.write_text(good.replace("pool: blue", "pool: bleu"))
        done = self.run(self.stile, "reload", "--socket", str(self.folder / "admin.sock"))
        self.check("refused with file, line and a remedy", done.returncode == 1 and "did you mean `blue`" in done.stderr)
        self.config.write_text(good)
        done = self.run(self.stile, "reload", "--socket", str(self.folder / "admin.sock"))
        self.check("loaded", done.returncode == 0)
        done = self.run(self.stile, "weight", "--socket", str(self.folder / "admin.sock"))
        self.check("the moved weight is kept", " 50% " in done.stdout)

    # ── the second act: rollouts ──

    def ask_all(self, stop, seen):
        """A thousand accounts, again and again; what they were answered, by status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http)
        while not stop.is_set():
            for account in range(1000):
                status, _, _ = self.ask_as(connection, f"account-{account}")
                seen[status] = seen.get(status, 0) + 1
                if stop.is_set():
                    return

    def roll_out(self, name, canary, why, hold):
        """Load a configuration with this rollout, start it under load, watch it to its end; its exit code, and what clients saw."""
        admin = ["--socket", str(self.folder / "admin.sock")]
        self.config.write_text(self.first_act.replace(CANARY, "") + ROLLOUT.format(name=name, canary=canary, why=why, hold=hold))
        self.check("the rollout is loaded", self.run(self.stile, "reload", *admin).returncode == 0)
        time.sleep(0.3)
        self.run(self.stile, "rollout", "plan", name, *admin)
        stop, seen = threading.Event(), {}
        thread = threading.Thread(target=self.ask_all, args=(stop, seen))
        thread.start()
        done = self.run(self.stile, "rollout", "start", name, "--reason", "demo", *admin)
        self.check("it was started", done.returncode == 0)
        done = self.run(self.stile, "rollout", "watch", name, *admin)
        stop.set()
        thread.join()
        print(f"  what clients were answered meanwhile: {seen}")
        return done.returncode, seen

    def rollout(self):
        self.title("11. A rollout goes from 1 % to 100 % by its plan")
        code, seen = self.roll_out("orders-v3", "green", "money and lists", "500ms")
        self.check("it is done, and no request failed", code == 0 and set(seen) == {200})
        self.title("12. One that breaks takes itself back")
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Broken)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.first_act = self.first_act.replace("routes:\n", f"""  teal: {{api: shop, version: v3, endpoints: ["http://127.0.0.1:{server.server_port}"]}}
routes:
""", 1)
        code, seen = self.roll_out("orders-v4", "teal", "a new build", "1h")
        self.check("it was taken back", code == 1)
        self.check("a few requests failed, and no more", 1 <= seen.get(500, 0) <= 20)
        admin = ["--socket", str(self.folder / "admin.sock")]
        done = self.run(self.stile, "rollout", "show", "orders-v4", *admin)
        self.check("it says why", "errors: orders" in done.stdout)
        self.run(self.stile, "rollout", "evidence", "orders-v4", *admin)
        done = self.run(self.stile, "audit", "verify", *admin)
        self.check("the journal is whole", done.returncode == 0)
        self.title("13. What it leaves: the report")
        done = self.run(self.stile, "report", "orders-v4", *admin)
        self.check("it says why, whom it met, how soon it was seen, and what it was not",
                   all(f"\n  {word} " in done.stdout for word in ("cause", "exposure", "to detect", "to halt", "not", "next")))
        server.shutdown()

    def walk(self):
        self.first_act = self.config.read_text()
        for station in (self.read_three_ways, self.write_and_read_back, self.refuse, self.move_a_weight, self.explain, self.reload,
                        self.rollout):
            station()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default="build/release")
    p.add_argument("--once", action="store_true")
    args = p.parse_args()
    tour = Tour(args.build)
    try:
        tour.start()
        tour.walk()
        print(f"\n{tour.checks - len(tour.failures)} of {tour.checks} checks hold")
        for claim in tour.failures:
            print(f"  WRONG: {claim}")
        if tour.failures:
            print(f"Its log, configuration and state are in {os.path.relpath(tour.folder)}")
        if not args.once:
            print(f"\nStile is up until you interrupt it:\n  http://127.0.0.1:{tour.http}/orders/o-1\n"
                  f"  https://localhost:{tour.https}/orders/o-1\n  http://127.0.0.1:{tour.observe}/metrics\n"
                  f"  {os.path.relpath(tour.stile)} status --socket {os.path.relpath(tour.folder / 'admin.sock')}")
            tour.proxy.wait()
    except KeyboardInterrupt:
        print()
    finally:
        tour.stop()
    return 1 if tour.failures else 0


if __name__ == "__main__":
    sys.exit(main())
