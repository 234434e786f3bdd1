# SPDX-License-Identifier: Apache-2.0
"""The examples of docs/configuration.md and README.md load as they stand: each is put among what it leaves out, and `stile check` finds nothing."""
import re
import shutil
import textwrap

SECTIONS = {
    "listen": 'listen: [{at: "127.0.0.1:18080"}]\n',
    "admin": "admin: {socket: admin.sock}\n",
    "state": "state: state\n",
    "apis": "apis: {shop: shop/api.yaml}\n",
    "pools": 'pools:\n  blue: {api: shop, version: v2, endpoints: ["http://127.0.0.1:9001"]}\n  green: {api: shop, version: v3, endpoints: ["http://127.0.0.1:9002"]}\n',
    "routes": 'routes:\n  - {name: orders, match: {path: "/orders/**"}, api: shop, pool: POOL, subject: ["header:X-Account"], platform: {header: X-Platform}MORE}\n',
}


def blocks(text):
    """What is indented by four, or more in a fence, and begins with a word of the configuration."""
    fenced = re.findall(r"^( *)```yaml\n(.*?)^\1```", text, re.M | re.S)
    plain = re.findall(r"(?:\A|\n)\n((?: {4}.*\n)(?:(?: {4}.*)?\n)*)", text)
    found = [textwrap.dedent(b).strip() + "\n" for b in [b for _, b in fenced] + plain]
    return [b for b in found if re.match(r"(listen|pools|routes|canary|rollouts|admin|limits):", b) and "include:" not in b]


def certificates(t, text):
    for name in re.findall(r"[\w-]+\.(?:pem|key)", text):
        like = "localhost.key" if name.endswith("key") else "ca.pem" if "ca." in name else "localhost.pem"
        shutil.copy(t.certs() / like, t.folder / name)


def whole(block):
    """A configuration with this block in it, and what it needs from elsewhere."""
    more = ", " + block.strip() if block.startswith("canary:") else ""
    own = set(re.findall(r"^(\w+):", block, re.M)) if not more else set()
    pool = "blue" if "pools" not in own or re.search(r"^  blue:", block, re.M) else "green"
    return (block if not more else "") + "".join(text.replace("POOL", pool).replace("MORE", more) for name, text in SECTIONS.items() if name not in own)


def test_the_examples_of_the_documents_load(t):
    shutil.copytree(t.source / "config/examples/shop", t.folder / "shop")
    (t.folder / "state").mkdir()
    n = 0
    for page in ("docs/configuration.md", "README.md"):
        for block in blocks((t.source / page).read_text()):
            certificates(t, block)
            text = whole(block)
            done = t.command(t.build / "stile", "check", t.write("stile.yaml", text))
            assert done.returncode == 0, f"{page}:\n{text}\n{done.stdout[-2000:]}{done.stderr}"
            n += 1
    assert n >= 8, f"only {n} examples were found"
