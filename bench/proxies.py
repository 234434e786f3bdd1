# SPDX-License-Identifier: Apache-2.0
"""proxies: each peer with one worker, as its own documentation sets it up; who is asked to rewrite does these edits to every order:

rename customer -> customer_id, created -> created_at, lines/*/sku -> lines/*/code; nest total_cents -> amounts/total; add channel; map
status; drop note. Stile says it as one change, or as twenty of which each does a part or goes there and back.
"""
import pathlib
import signal
import socket
import subprocess
import sys
import time

ENUM = {"open": "pending", "paid": "succeeded", "void": "canceled"}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, who, log=None, seconds=20):
    for _ in range(20 * seconds):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"bench: {who} does not listen\n" + (log.read_text()[-600:] if log else ""))


class Proxy:
    """One running peer: `port` speaks HTTP/1.1 and, where it can, h2c; `tls_port` TLS."""

    def __init__(self, name, folder, core="0"):
        self.name, self.folder, self.core = name, pathlib.Path(folder) / name, core
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, self.h2_port, self.tls_port, self.process = free_port(), free_port(), free_port(), None

    def start(self, *command, seconds=20):
        log = open(self.folder / "log", "w")
        self.process = subprocess.Popen(["taskset", "-c", self.core, *map(str, command)], stdout=log, stderr=log)
        wait_for(self.port, self.name, self.folder / "log", seconds)
        return self

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def write(self, name, text):
        (self.folder / name).write_text(text)
        return self.folder / name


# ---- Stile ----------------------------------------------------------------------------------------------------------

ONE_CHANGE = """change: all
from: {a}
to: {b}
manifest: {{title: bench, owner: bench, guarantee: none}}
Order:
  map:
    customer: customer_id
    created: created_at
    total_cents: amounts/total
    status: {{enum: {{open: pending, paid: succeeded, void: canceled}}}}
  add:
    channel: {{up: web, write: lose}}
  drop:
    note: {{down: null, write: ignore}}
Line:
  map:
    sku: code
"""

THERE_AND_BACK = """change: step-{a}
from: {a}
to: {b}
manifest: {{title: bench, owner: bench, guarantee: none}}
Order:
  map:
    {x}: {y}
    currency: {{enum: {{{p}: {q}}}}}
  add:
    extra_{n}: {{up: {n}, write: lose}}
"""


def stile_api(folder, versions):
    """An API of so many steps; however many, the edits of the last are those of ONE_CHANGE and the rest undo each other."""
    labels = [f"v{i + 1}" for i in range(versions + 1)]
    (folder / "changes").mkdir(exist_ok=True)
    for i in range(versions - 1):
        odd = (versions - 1) % 2  # then the first has none that brings it back, and leaves its names as they are
        there, back = i % 2 == odd and i >= odd, i % 2 != odd and i >= odd
        (folder / "changes" / f"{i:02}.yaml").write_text(THERE_AND_BACK.format(
            a=labels[i], b=labels[i + 1], n=i, x="key" if back else "id", y="key" if there else "id",
            p="EUR" if back else "eur", q="EUR" if there else "eur") + (
                f"  drop:\n    extra_{i - 1}: {{down: {i - 1}, write: ignore}}\n" if i else ""))
    text = ONE_CHANGE.format(a=labels[-2], b=labels[-1])
    if versions > 1:
        text = text.replace("    note: ", f"    extra_{versions - 2}: {{down: {versions - 2}, write: ignore}}\n    note: ")
    (folder / "changes" / "last.yaml").write_text(text)
    (folder / "api.yaml").write_text(
        "api: shop\nversions: {" + ", ".join(f"{x}: {{}}" for x in labels) + "}\n"
        "detect: [{header: Api-Version}]\nmissing: " + labels[-1] + "\n"
        'types:\n  Order: {at: ["data/* of * /**"]}\n  Line: {at: "lines/* of Order"}\n')


def stile(build, folder, backend, name="stile", versions=0, media="", more_pool=""):
    p = Proxy(name, folder)
    api = "apis: {shop: api.yaml}\n" if versions else ""
    speaks = "api: shop, version: v1, " if versions else ""
    speaks += f"media: {media}, " if media else ""
    if versions:
        stile_api(p.folder, versions)
    config = p.write("stile.yaml", f"""listen:
  - {{at: "127.0.0.1:{p.port}"}}
  - {{at: "127.0.0.1:{p.h2_port}"}}
  - {{at: "127.0.0.1:{p.tls_port}", tls: {{certs: [{{chain: {tls_files(folder)[0]}, key: {tls_files(folder)[1]}}}]}}}}
workers: 1
limits: {{head: 10m, handshake: 10m, idle_h1: 10m, idle_h2: 10m, late: 10m}} # as patient as the others are
state: state
admin: {{socket: admin.sock}}
{api}pools:
  b: {{{speaks}endpoints: ["http://127.0.0.1:{backend}"]{more_pool}}}
routes:
  - {{name: all, match: {{path: "/**"}}, {'api: shop, ' if versions else ''}pool: b}}
""")
    return p.start(f"{build}/stile", "run", "--config", config)


# ---- peers ----------------------------------------------------------------------------------------------------------

def tls_files(folder):
    """An ECDSA P-256 certificate that all peers share: certificate, key, both in one file."""
    folder = pathlib.Path(folder)
    cert, key, both = folder / "cert.pem", folder / "key.pem", folder / "both.pem"
    if not cert.exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert],
                       check=True, capture_output=True)
        both.write_text(cert.read_text() + key.read_text())
    return cert, key, both


def haproxy(build, folder, backend, name="haproxy", server=""):
    p = Proxy(name, folder)
    config = p.write("haproxy.cfg", f"""global
    nbthread 1
    maxconn 9900
defaults
    mode http
    timeout connect 5s
    timeout client 600s
    timeout server 600s
    http-reuse always
frontend f
    bind 127.0.0.1:{p.port}
    bind 127.0.0.1:{p.h2_port} proto h2
    bind 127.0.0.1:{p.tls_port} ssl crt {tls_files(folder)[2]} alpn h2,http/1.1
    default_backend b
backend b
    server s 127.0.0.1:{backend} {server}
""")
    return p.start("haproxy", "-f", config)


NGINX = """daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
{modules}events {{ worker_connections 20000; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    client_body_buffer_size 2m;
    client_max_body_size 64m;
    client_header_timeout 600s;
    keepalive_timeout 600s;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    {http}
    upstream b {{ server 127.0.0.1:{backend}; keepalive 64; keepalive_requests 100000000; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        listen 127.0.0.1:{h2_port} http2;
        listen 127.0.0.1:{tls_port} ssl http2;
        ssl_certificate {cert};
        ssl_certificate_key {key};
        ssl_session_tickets on;
        ssl_protocols TLSv1.2 TLSv1.3; # as the others speak; 1.22 leaves the second out
        location / {{
            proxy_pass http://b;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            {location}
        }}
    }}
}}
"""


def nginx_with(name, folder, backend, modules="", http="", location=""):
    p = Proxy(name, folder)
    config = p.write("nginx.conf", NGINX.format(folder=p.folder, port=p.port, h2_port=p.h2_port, tls_port=p.tls_port, backend=backend,
                                                cert=tls_files(folder)[0], key=tls_files(folder)[1], modules=modules,
                                                http=http.replace("FOLDER", str(p.folder)), location=location))
    return p, ("nginx", "-c", config, "-p", p.folder)


def nginx(build, folder, backend):
    p, command = nginx_with("nginx", folder, backend)
    return p.start(*command)


def modules(*names):
    return "".join(f"load_module /usr/lib/nginx/modules/{n}.so;\n" for n in names)


LUA = """
local cjson = require "cjson.safe"
local states = {open = "pending", paid = "succeeded", void = "canceled"}
local M = {}
function M.head() ngx.header.content_length = nil end
function M.body()
    local chunk, last = ngx.arg[1], ngx.arg[2]
    local c = ngx.ctx
    c.parts = c.parts or {}
    c.parts[#c.parts + 1] = chunk
    if not last then ngx.arg[1] = nil return end
    local d = cjson.decode(table.concat(c.parts))
    if not d then ngx.arg[1] = nil return end
    for _, o in ipairs(d.data) do
        o.customer_id, o.customer = o.customer, nil
        o.created_at, o.created = o.created, nil
        o.amounts, o.total_cents = {total = o.total_cents}, nil
        o.status = states[o.status] or o.status
        o.channel = "web"
        o.note = nil
        for _, l in ipairs(o.lines) do l.code, l.sku = l.sku, nil end
    end
    ngx.arg[1] = cjson.encode(d)
end
return M
"""


def nginx_lua(build, folder, backend):
    p, command = nginx_with("nginx-lua", folder, backend, modules("ndk_http_module", "ngx_http_lua_module"),
                            'lua_package_path "FOLDER/?.lua;;";\n    init_by_lua_block { rewrite = require "rewrite" }',
                            "header_filter_by_lua_block { rewrite.head() }\n            body_filter_by_lua_block { rewrite.body() }")
    p.write("rewrite.lua", LUA)
    return p.start(*command)


JS = """
const states = {open: 'pending', paid: 'succeeded', void: 'canceled'};
function edit(text) {
    const d = JSON.parse(text);
    d.data.forEach((o) => {
        o.customer_id = o.customer; delete o.customer;
        o.created_at = o.created; delete o.created;
        o.amounts = {total: o.total_cents}; delete o.total_cents;
        o.status = states[o.status] || o.status;
        o.channel = 'web';
        delete o.note;
        o.lines.forEach((l) => { l.code = l.sku; delete l.sku; });
    });
    return JSON.stringify(d);
}
"""


def nginx_njs(build, folder, backend):
    p, command = nginx_with("nginx-njs", folder, backend, modules("ngx_http_js_module"),
                            'js_path "FOLDER";\n    js_import rewrite from rewrite.js;',
                            "js_header_filter rewrite.head;\n            js_body_filter rewrite.body;")
    p.write("rewrite.js", JS + """
function head(r) { delete r.headersOut['Content-Length']; }
let kept = '';
function body(r, data, flags) {
    kept += data;
    if (flags.last) r.sendBuffer(edit(kept), flags);
}
export default {head, body};
""")
    return p.start(*command)


def node(build, folder, backend):
    p = Proxy("node", folder)
    script = p.write("proxy.js", JS + f"""
const http = require('http');
const agent = new http.Agent({{keepAlive: true, maxSockets: 64}});
http.createServer((req, res) => {{
    const up = http.request({{host: '127.0.0.1', port: {backend}, path: req.url, method: req.method, headers: req.headers, agent}}, (a) => {{
        const parts = [];
        a.on('data', (x) => parts.push(x));
        a.on('end', () => {{
            const out = Buffer.from(edit(Buffer.concat(parts).toString()));
            res.writeHead(a.statusCode, {{'content-type': 'application/json', 'content-length': out.length}});
            res.end(out);
        }});
    }});
    req.pipe(up);
}}).listen({p.port}, '127.0.0.1');
""")
    return p.start("node", script)


def nghttpx(build, folder, backend, name="nghttpx", server=""):
    p = Proxy(name, folder)
    return p.start("nghttpx", "--conf=/dev/null", f"-f127.0.0.1,{p.port};no-tls", f"-f127.0.0.1,{p.h2_port};no-tls", f"-f127.0.0.1,{p.tls_port}",
                   f"-b127.0.0.1,{backend}{server}", "--workers=1", "--no-ocsp", "--accesslog-file=/dev/null", "--errorlog-file=/dev/null",
                   tls_files(folder)[1], tls_files(folder)[0])


def h2o(build, folder, backend):
    p = Proxy("h2o", folder)
    config = p.write("h2o.conf", f"""num-threads: 1
listen: {{host: 127.0.0.1, port: {p.port}}}
hosts:
  default:
    listen:
      host: 127.0.0.1
      port: {p.h2_port}
    paths:
      /: {{proxy.reverse.url: "http://127.0.0.1:{backend}/", proxy.timeout.keepalive: 60000}}
  "localhost:{p.tls_port}":
    listen:
      host: 127.0.0.1
      port: {p.tls_port}
      ssl: {{certificate-file: {tls_files(folder)[0]}, key-file: {tls_files(folder)[1]}}}
    paths:
      /: {{proxy.reverse.url: "http://127.0.0.1:{backend}/", proxy.timeout.keepalive: 60000}}
""")
    return p.start("h2o", "-c", config)


def varnish(build, folder, backend):
    p = Proxy("varnish", folder)
    vcl = p.write("all.vcl", f"""vcl 4.1;
backend b {{ .host = "127.0.0.1"; .port = "{backend}"; }}
sub vcl_recv {{ return (pass); }}
""")
    return p.start("varnishd", "-F", "-n", p.folder / "work", "-a", f"127.0.0.1:{p.port}", "-f", vcl, "-s", "malloc,64m",
                   "-p", "feature=+http2", "-T", "none")


# ---- by name ------------------------------------------------------------------------------------------------------------

H2 = {"stile-h2": lambda *where: stile(*where, name="stile-h2", more_pool=", http: h2"),
      "haproxy-h2": lambda *where: haproxy(*where, name="haproxy-h2", server="proto h2"),
      "nghttpx-h2": lambda *where: nghttpx(*where, name="nghttpx-h2", server=";;proto=h2")}
PACKED = {"packed": lambda *where: stile(*where, name="packed", versions=1, media="msgpack")}
JSON = {"stile": stile, "haproxy": haproxy, "nginx": nginx, "nginx-lua": nginx_lua, "nginx-njs": nginx_njs, "node": node,
        "nghttpx": nghttpx, "h2o": h2o, "varnish": varnish,
        "rewrite": lambda *where: stile(*where, name="rewrite", versions=1),
        "chain20": lambda *where: stile(*where, name="chain20", versions=20),
        "json": lambda *where: stile(*where, name="json", versions=1, media="json")}


def start(name, build, folder, backends):
    """The proxy of this name in front of the backend it needs, of those at these ports."""
    for form, known in (("h2", H2), ("msgpack", PACKED), ("json", JSON)):
        if name in known:
            return known[name](build, folder, backends[form])
    raise KeyError(name)
