# SPDX-License-Identifier: Apache-2.0
"""Real documents through the running proxy: what a pool keeps at one version and a client reads and writes at another.

The documents are read where they are, beside the checkout (../shared/examples, or $STILE_SHARED); without them these tests fail. Each
is compared as JSON values, as the README there says: `10` and `10.0` are one number, null is not absent, and the annotations of
an autoscaler that hold JSON are compared as JSON.
"""
import json

from peers import message
from stile import Stile

ANNOTATIONS = "autoscaling.alpha.kubernetes.io/"
MADE_UP = ("has_downloads", "master_branch", "use_squash_pr_title_as_default", "assignee", "merge_commit_sha", "rate",
           "authorizations_url", "hub_url")

# name in the files -> label in the API
INGRESS = {"extensions-v1beta1": "extensions/v1beta1", "networking-v1beta1": "networking.k8s.io/v1beta1",
           "networking-v1": "networking.k8s.io/v1"}
HPA = {"v1": "v1", "v2beta1": "v2beta1", "v2beta2": "v2beta2"}
GITHUB = ("2022-11-28", "2026-03-10")

# What each document of GitHub's is the answer of.
GITHUB_MESSAGES = {
    "01-full-repository": [("POST", "/orgs/octo/repos"), ("PATCH", "/repos/octo/hello"), ("POST", "/repos/octo/hello/forks")],
    "02-minimal-repository": [("POST", "/repos/octo/hello/transfer")],
    "03-repository-paginated": [("GET", "/orgs/octo/actions/permissions/repositories")],
    "04-repo-search-result-item-paginated": [("GET", "/search/repositories?q=x")],
    "05-team-repository-alternative-response-with-reposito": [("GET", "/orgs/octo/teams/cats/repos/octo/hello")],
    "06-starred-repository-items-alternative-response-with": [("GET", "/user/starred")],
    "07-issue": [("POST", "/repos/octo/hello/issues")],
    "08-issue-items": [("GET", "/repos/octo/hello/issues")],
    "09-issue-event": [("GET", "/repos/octo/hello/issues/events/1")],
    "10-issue-with-repo-items": [("GET", "/issues")],
    "11-pull-request": [("POST", "/repos/octo/hello/pulls")],
    "12-pull-request-simple-items": [("GET", "/repos/octo/hello/pulls"), ("GET", "/repos/octo/hello/commits/c0ffee/pulls")],
    "13-pull-request-review-request": [("POST", "/repos/octo/hello/pulls/1/requested_reviewers")],
    "14-check-suite": [("POST", "/repos/octo/hello/check-suites")],
    "15-rate-limit-overview": [("GET", "/rate_limit")],
    "16-root": [("GET", "/")],
}


# ── comparing ──


def container(text):
    """The object or list that a text holds as JSON, or None."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, (dict, list)) else None


def kind(value):
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def difference(is_, should, at=""):
    """Where two documents differ first, in words; None if nowhere."""
    if kind(is_) != kind(should):
        return f"{at}: {kind(is_)}, should be {kind(should)}"
    if isinstance(should, list):
        if len(is_) != len(should):
            return f"{at}: {len(is_)} elements, should be {len(should)}"
        return next((d for i, s in enumerate(should) if (d := difference(is_[i], s, f"{at}/{i}"))), None)
    if not isinstance(should, dict):
        return None if is_ == should else f"{at}: {is_!r}, should be {should!r}"
    for key in {**should, **is_}:
        if key not in is_ or key not in should:
            return f"{at}/{key}: " + ("missing" if key not in is_ else "too much")
        a, b = is_[key], should[key]
        if key.startswith(ANNOTATIONS) and isinstance(a, str) and isinstance(b, str) and container(b) is not None:
            a, b = container(a), container(b)
        if found := difference(a, b, f"{at}/{key}"):
            return found
    return None


def read(path):
    assert path.is_file(), f"{path} is not there: the example documents belong beside the checkout (or at $STILE_SHARED)"
    return json.loads(path.read_text())


def test_the_comparison_itself_sees_what_differs(t):
    same = [({"a": 1, "b": [1.0]}, {"b": [1], "a": 1.0}), ({ANNOTATIONS + "metrics": '[{"a":1,"b":2}]'}, {ANNOTATIONS + "metrics": '[{"b":2,"a":1}]'})]
    other = [({"a": None}, {}), ({}, {"a": None}), ({"a": 1}, {"a": True}), ([1, 2], [2, 1]), ({"a": "1"}, {"a": 1}), ([1], [1, 1]),
             ({"x": '{"a":1,"b":2}'}, {"x": '{"b":2,"a":1}'}), ({ANNOTATIONS + "metrics": '[{"a":1}]'}, {ANNOTATIONS + "metrics": '[{"a":2}]'})]
    assert [p for p in same if difference(*p)] == [] and [p for p in other if not difference(*p)] == []


# ── the proxy between ──


class Store:
    """The backend behind every pool: it answers what was put into it last, and keeps what it was asked."""

    def __init__(self, t):
        self.document, self.backend = b"", t.backend(self.serve)

    def serve(self, conn, backend):
        while True:
            backend.requests.put(conn.request())
            conn.send(message(body=self.document, media="application/json; charset=utf-8"))


def host(api, version):
    return f"{version}.{api}.example".lower()


def proxy(t, store, api, folder, versions, limits=None, **route):
    """One pool for each version, told apart by Host."""
    pools = {f"{api}-{i}": {"api": api, "version": label, "endpoints": store.backend} for i, label in enumerate(versions.values())}
    routes = [{"name": f"r{i}", "match": {"host": host(api, name), "path": "/**"}, "api": api, "write": {"PUT /**": "lose"}, "pool": f"{api}-{i}", **route}
              for i, name in enumerate(versions)]
    return Stile(t, apis={api: t.source / "config/examples" / folder / "api.yaml"}, pools=pools, routes=routes, limits=limits)


class Client:
    """One kept connection, as a client of `version` to the pool of another."""

    def __init__(self, t, s, api):
        self.conn, self.api = t.connect(s.port), api

    def ask(self, pool_version, method, path, body=b"", fields=""):
        head = f"{method} {path} HTTP/1.1\r\nHost: {host(self.api, pool_version)}\r\n{fields}"
        if body or method != "GET":
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self.conn.send(head.encode() + b"\r\n" + body)
        return self.conn.answer()


def parsed(what, a):
    assert a.status == 200, f"{what}: {a}"
    return json.loads(a.body)


def check_kubernetes(t, folder, api, versions, path, n_documents):
    """Every document, every direction: written at A to a pool at B, and what that pool answers read back at A."""
    examples = t.shared / "examples" / folder
    store = Store(t)
    s = proxy(t, store, api, f"kubernetes/{'ingress' if api == 'ingress' else 'hpa'}", versions)
    client, manifest, wrong, n = Client(t, s, api), read(examples / "manifest.json"), [], 0
    assert len(manifest) == n_documents
    for entry in manifest:
        def document(name):
            return read(examples / entry["id"] / name)

        def expected(a, b):
            name = entry["lossy"].get(f"{a} -> {b}")
            assert bool(name) != (b in entry["exact"].get(a, [])), f"{entry['id']}: is {a} -> {b} exact or lossy?"
            return document(name or f"{b}.json")

        for a in versions:
            for b in versions:
                what, same = f"{entry['id']}, client at {a}, pool at {b}", a == b
                mine, theirs = json.dumps(document(f"{a}.json")).encode(), json.dumps(document(f"{b}.json")).encode()
                store.document = theirs
                answer = parsed(what, client.ask(b, "PUT", path(versions[a]), mine))
                came = store.backend.seen()
                assert came.start == f"PUT {path(versions[b])} HTTP/1.1", (what, came.start)
                read_back = parsed(what, client.ask(b, "GET", path(versions[a])))
                store.backend.seen()
                for way, is_, should in (("request", json.loads(came.body), document(f"{b}.json") if same else expected(a, b)),
                                         ("answer to PUT", answer, document(f"{a}.json") if same else expected(b, a)),
                                         ("answer to GET", read_back, document(f"{a}.json") if same else expected(b, a))):
                    n += 1
                    if found := difference(is_, should):
                        wrong.append(f"{what}: {way}: {found}")
                if same and came.body != mine:
                    wrong.append(f"{what}: the same version, and other bytes")
    assert not wrong, "\n".join(wrong[:20]) + f"\n{len(wrong)} of {n}"
    assert n == n_documents * 9 * 3


def test_every_ingress_comes_out_as_its_owner_converts_it(t):
    check_kubernetes(t, "kubernetes-ingress", "ingress", INGRESS, lambda v: f"/apis/{v}/namespaces/default/ingresses/web", 38)


def test_every_autoscaler_comes_out_as_its_owner_converts_it(t):
    check_kubernetes(t, "kubernetes-hpa", "autoscaling", HPA,
                     lambda v: f"/apis/autoscaling/{v}/namespaces/default/horizontalpodautoscalers/web", 24)


def test_a_document_is_made_at_one_version_and_kept_at_another(t):
    store = Store(t)
    s = proxy(t, store, "ingress", "kubernetes/ingress", INGRESS)
    folder = t.shared / "examples/kubernetes-ingress/01-cookie-samesite-none"
    old, new = read(folder / "extensions-v1beta1.json"), read(folder / "networking-v1.json")
    store.document = json.dumps(new).encode()
    a = Client(t, s, "ingress").ask("networking-v1", "POST", "/apis/extensions/v1beta1/namespaces/default/ingresses", json.dumps(old).encode())
    came = store.backend.seen()
    assert came.start == "POST /apis/networking.k8s.io/v1/namespaces/default/ingresses HTTP/1.1", came
    assert difference(json.loads(came.body), new) is None and difference(parsed("POST", a), old) is None


def test_a_document_that_says_another_version_than_its_path_is_refused(t):
    store = Store(t)
    s = proxy(t, store, "ingress", "kubernetes/ingress", INGRESS)
    new = read(t.shared / "examples/kubernetes-ingress/01-cookie-samesite-none/networking-v1.json")
    a = Client(t, s, "ingress").ask("networking-v1", "PUT", "/apis/extensions/v1beta1/namespaces/default/ingresses/web", json.dumps(new).encode())
    assert a.status == 400 and "networking.k8s.io/v1" in a.json()["detail"] and "extensions/v1beta1" in a.json()["detail"], a.body
    assert store.backend.requests.empty()


# ── GitHub ──


def stripped(value):
    """Without the members that only the older version has."""
    if isinstance(value, dict):
        return {k: stripped(v) for k, v in value.items() if k not in MADE_UP}
    return [stripped(v) for v in value] if isinstance(value, list) else value


def declared(key, newer):
    """What the change file says an old client is shown at `key` of this object, made from the newer one."""
    return {
        "has_downloads": lambda: True,
        "use_squash_pr_title_as_default": lambda: newer.get("squash_merge_commit_title") == "PR_TITLE",
        "assignee": lambda: (newer.get("assignees") or [None])[0],
        "merge_commit_sha": lambda: None,
        "rate": lambda: newer["resources"]["core"],
        "authorizations_url": lambda: "https://api.github.com/authorizations",
        "hub_url": lambda: "https://api.github.com/hub",
    }[key]()


def made_up(is_, older, at=""):
    """Walk what came down beside GitHub's own older document: what is made up must be there, and be what is declared."""
    if isinstance(older, list):
        return [f for i, o in enumerate(older) for f in made_up(is_[i], o, f"{at}/{i}")]
    if not isinstance(older, dict):
        return []
    found = [f"{at}/master_branch: declared absent"] if "master_branch" in is_ else []
    for key, value in older.items():
        if key not in MADE_UP:
            found += made_up(is_[key], value, f"{at}/{key}")
        elif key != "master_branch":
            if key not in is_:
                found.append(f"{at}/{key}: missing")
            elif d := difference(stripped(is_[key]), stripped(declared(key, is_)), f"{at}/{key}"):
                found.append(d)
    return found


def github_fields(version):
    return f"X-GitHub-Api-Version: {version}\r\n"


def test_githubs_documents_come_up_exactly_and_down_as_declared(t):
    examples, (old, new) = t.shared / "examples/github-rest", GITHUB
    store = Store(t)
    s = proxy(t, store, "github", "github", {v: v for v in GITHUB}, kind="whole")  # its PATCHes are documents
    client, wrong, n = Client(t, s, "github"), [], 0
    assert [e["id"] for e in read(examples / "manifest.json")] == list(GITHUB_MESSAGES)
    for document, messages in GITHUB_MESSAGES.items():
        older, newer = read(examples / document / f"{old}.json"), read(examples / document / f"{new}.json")
        for method, path in messages:
            what = f"{document}, {method} {path}"
            store.document = json.dumps(older).encode()
            a = client.ask(old, method, path, fields=github_fields(new))
            up = parsed(what, a)
            assert a.get("x-github-api-version-selected") == new, what
            assert store.backend.seen().get("x-github-api-version") == old, what
            store.document = json.dumps(newer).encode()
            down = parsed(what, client.ask(new, method, path, fields=github_fields(old)))
            assert store.backend.seen().get("x-github-api-version") == new, what
            assumed = parsed(what, client.ask(new, method, path))  # a client that names no version speaks the oldest
            store.backend.seen()
            assert difference(assumed, down) is None, what
            n += 1
            if found := difference(up, newer):
                wrong.append(f"{what}: up: {found}")
            if found := difference(stripped(down), stripped(older)):
                wrong.append(f"{what}: down: {found}")
            else:
                wrong += [f"{what}: down: {f}" for f in made_up(down, older)]
    assert not wrong, "\n".join(wrong)
    assert n == sum(map(len, GITHUB_MESSAGES.values())) == 19


# ── notebooks ──

NOTEBOOKS = {"v3": "v3", "v4.0": "v4.0", "v4.5": "v4.5"}

# (from, to): the file that nbformat's own conversion gives, and how many documents have both
NOTEBOOK_WAYS = {("v4.0", "v4.5"): ("v4.5.json", 10), ("v4.5", "v4.0"): ("v4.0.json", 10), ("v4.5", "v3"): ("v3.json", 11),
                 ("v3", "v4.5"): ("v4.5.from-v3.json", 10)}


def without_ids(notebook):
    """nbformat gives no ids on its way from v3; ours must be there, and be its own kind."""
    assert [c.pop("id") for c in notebook["cells"]] == [f"cell-{i:03}" for i in range(len(notebook["cells"]))]
    return notebook


def test_every_notebook_comes_out_as_nbformat_converts_it(t):
    examples, store, wrong, n = t.shared / "examples/jupyter-notebook", Store(t), [], dict.fromkeys(NOTEBOOK_WAYS, 0)
    s = proxy(t, store, "notebook", "jupyter", NOTEBOOKS, limits={"detect_bytes": "256KiB"})  # some tell their version last
    client = Client(t, s, "notebook")
    for folder in sorted(p for p in examples.iterdir() if p.is_dir()):
        for (a, b), (name, _) in NOTEBOOK_WAYS.items():
            if not (folder / f"{a}.json").exists() or not (folder / name).exists():
                continue
            what, mine, should = f"{folder.name}, {a} -> {b}", (folder / f"{a}.json").read_bytes(), read(folder / name)
            # A client at `a` writes to a pool at `b`, which answers with what it keeps, at `b`: that is brought back.
            store.document = json.dumps(should).encode()
            parsed(what, client.ask(b, "PUT", "/notebooks/x", mine))
            came = json.loads(store.backend.seen().body)
            n[a, b] += 1
            if found := difference(without_ids(came) if name == "v4.5.from-v3.json" else came, should):
                wrong.append(f"{what}: {found}")
    assert not wrong, "\n".join(wrong)
    assert n == {way: count for way, (_, count) in NOTEBOOK_WAYS.items()}


# ── Stripe ──

STRIPE = {"acacia": "2025-02-24.acacia", "basil": "2025-03-31.basil"}
STRIPE_PATHS = {"01-subscription": "/v1/subscriptions/1", "02-subscription_item": "/v1/subscription_items/1",
                "03-subscription_schedule": "/v1/subscription_schedules/1", "04-invoice": "/v1/invoices/1",
                "05-line_item": "/v1/invoices/1/lines/1", "06-invoiceitem": "/v1/invoiceitems/1", "07-credit_note": "/v1/credit_notes/1",
                "09-checkout-session": "/v1/checkout/sessions/1", "10-charge": "/v1/charges/1", "11-payment_intent": "/v1/payment_intents/1",
                "12-price": "/v1/prices/1", "13-plan": "/v1/plans/1", "14-customer_balance_transaction": "/v1/customers/1/balance_transactions/1"}


def members(value, listed, at=""):
    """The paths of all members, but below a listed one: the manifest's own spelling, `.items.data[].price`."""
    if at in listed or not isinstance(value, (dict, list)):
        return set()
    if isinstance(value, list):
        return {p for v in value[:1] for p in members(v, listed, f"{at}[]")}
    return {f"{at}.{k}" for k in value} | {p for k, v in value.items() for p in members(v, listed, f"{at}.{k}")}


def test_stripes_resources_are_shown_in_the_shape_that_the_client_speaks(t):
    examples, store, wrong = t.shared / "examples/stripe", Store(t), []
    s = proxy(t, store, "stripe", "stripe", STRIPE)
    client = Client(t, s, "stripe")
    listed = {e["id"]: e for e in read(examples / "manifest.json")}
    for document, path in STRIPE_PATHS.items():
        for a, b, own in (("basil", "acacia", "added"), ("acacia", "basil", "removed")):
            store.document = json.dumps(read(examples / document / f"{b}.json")).encode()
            answer = client.ask(b, "GET", path, fields=f"Stripe-Version: {STRIPE[a]}\r\n")
            assert store.backend.seen().get("stripe-version") == STRIPE[b] and answer.get("stripe-version") == STRIPE[a]
            is_, should = (members(d, listed[document][own]) for d in (parsed(document, answer), read(examples / document / f"{a}.json")))
            # What tells a line's origin is null in the newer fixtures; there is nothing to make it from.
            origin = {p for p in should if p.rpartition(".")[2] in ("type", "invoice_item", "proration", "proration_details") and a == "acacia"}
            if is_ - should or should - is_ - (origin & set(listed[document][own])):
                wrong.append(f"{document} at {a}: too much {is_ - should}, missing {should - is_}")
    assert not wrong, "\n".join(wrong)


# ── large lists ──


def check_list(t, ways, api, folder, versions, name, path, exact_down=True, fields=lambda v: {}):
    """A list of hundreds of documents, at each pair of versions, over HTTP/1.1 and HTTP/2. A proxy a pool: our certificate has one name."""
    files, order = {v: t.shared / "examples/lists" / f"{name}.{v}.json" for v in versions}, list(versions)
    for b in order:
        store = Store(t)
        store.document = files[b].read_bytes()
        s = Stile(t, apis={api: t.source / "config/examples" / folder / "api.yaml"}, routes=[{"name": "r", "api": api, "write": {"PUT /**": "lose"}, "pool": "p"}],
                  pools={"p": {"api": api, "version": versions[b], "endpoints": store.backend}}, tls=True)
        for a in order if exact_down else order[order.index(b):]:
            for way in ways if a != b else ():
                words = [w for n, v in fields(versions[a]).items() for w in ("-H", f"{n}: {v}")]
                to = f"https://localhost:{s.tls_port}" if "tls" in way else f"http://127.0.0.1:{s.port}"
                body = t.curl("--fail", *CURL_WAYS[way], "--cacert", t.certs() / "ca.pem", *words, f"{to}{path(versions[a])}")
                found = difference(json.loads(body), read(files[a]))
                assert not found, f"{name}, client at {a}, pool at {b}, {way}: {found}"
        s.stop()


CURL_WAYS = {"h1": ["--http1.1"], "h2": ["--http2-prior-knowledge"], "tls-h1": ["--http1.1"], "tls-h2": ["--http2"]}


def test_large_lists_of_ingresses_come_out_element_by_element(t):
    check_list(t, ("h1", "tls-h2"), "ingress", "kubernetes/ingress", INGRESS, "kubernetes-ingress-list-100k", lambda v: f"/apis/{v}/ingresses")


def test_a_megabyte_of_ingresses_comes_out_element_by_element(t):
    versions = {v: INGRESS[v] for v in ("extensions-v1beta1", "networking-v1")}
    check_list(t, ("h1", "h2"), "ingress", "kubernetes/ingress", versions, "kubernetes-ingress-list-1m", lambda v: f"/apis/{v}/ingresses")


def test_large_lists_of_autoscalers_come_out_element_by_element(t):
    check_list(t, ("tls-h1", "h2"), "autoscaling", "kubernetes/hpa", HPA, "kubernetes-hpa-list-100k",
               lambda v: f"/apis/autoscaling/{v}/horizontalpodautoscalers")


def test_large_lists_of_githubs_come_up_exactly(t):
    for name, path in (("github-pulls-100k", "/repos/octo/hello/pulls"), ("github-issues-100k", "/issues")):
        check_list(t, ("h1", "tls-h2"), "github", "github", {v: v for v in GITHUB}, name, lambda v, path=path: path, exact_down=False,
                   fields=lambda v: {"X-GitHub-Api-Version": v})
