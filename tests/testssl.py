#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""testssl.sh against a worker with a development certificate: nothing above LOW, but what is said of that certificate itself, and of
the fields in the backend's answer.

usage: testssl.py --build DIR        takes about two minutes; `./run tls` calls it
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "e2e"))
import peers  # noqa: E402

BAD = ("MEDIUM", "HIGH", "CRITICAL", "FATAL")


class Backend(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, *words):
        pass


def findings(build, folder):
    backend = HTTPServer(("127.0.0.1", 0), Backend)
    threading.Thread(target=backend.serve_forever, daemon=True).start()
    port = peers.free_port()
    worker = build / "bench/bench_worker"
    subprocess.run([worker, "--dev-cert", folder], check=True, capture_output=True)
    config = folder / "stile.yaml"
    config.write_text(f'listen:\n  - {{at: "127.0.0.1:{port}", tls: {{certs: [{{chain: localhost.pem, key: localhost.key}}]}}}}\n'
                      f"workers: 1\nstate: {folder}/state\nadmin: {{socket: {folder}/admin.sock}}\n"
                      f'pools:\n  b: {{endpoints: ["http://127.0.0.1:{backend.server_port}"]}}\nroutes:\n  - {{name: all, match: {{path: "/**"}}, pool: b}}\n')
    process = peers.Process([worker, config], folder / "worker.log", cwd=folder)
    process.says("worker_serves")
    out = folder / "findings.json"
    try:
        subprocess.run(["testssl", "--quiet", "--warnings", "off", "--fast", "--color", "0", "--add-ca", folder / "ca.pem", "--jsonfile", out, f"127.0.0.1:{port}"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=900)
    finally:
        wrong = process.close()
        backend.shutdown()
    if wrong:
        sys.exit(wrong)
    return json.loads(out.read_text())


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", required=True, type=pathlib.Path)
    args = p.parse_args()
    if not shutil.which("testssl"):
        sys.exit("testssl.sh is not installed")
    with tempfile.TemporaryDirectory(prefix="stile-tls-") as folder:
        found = findings(args.build.resolve(), pathlib.Path(folder))
    ours = [f for f in found if not f["id"].startswith(("cert_", "security_headers"))]
    bad = [f for f in ours if f["severity"] in BAD]
    for f in bad:
        print(f"{f['severity']}: {f['id']}: {f['finding']}")
    print(f"{len(ours)} findings, {len(bad)} above LOW")
    sys.exit(1 if bad or len(ours) < 50 else 0)


if __name__ == "__main__":
    main()
