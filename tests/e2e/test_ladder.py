# SPDX-License-Identifier: MIT
"""The client's ladder against real servers: which rung it takes, why it left the ones above, what it
remembers of that, redirections, plain HTTP, and `client probe`."""
import contextlib
import http.server
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading

import harness
from harness import Server, expect, velocity

TEMPORARY = tempfile.TemporaryDirectory(prefix="velocity-e2e-")
BASE = pathlib.Path(TEMPORARY.name)
SITE = BASE / "site"
SITE.mkdir()
BODY = os.urandom(300_000)
(SITE / "index.html").write_bytes(BODY)
PROTOCOLS = {"velocity/1": "velocity/1", "h3": "quic-", "h2": "tls1.3", "http/1.1": "tls1.3"}


def get(*arguments, **options):
    return velocity("client", "get", *arguments, **options)


def facts_of(result):
    return json.loads(result.stdout)


def rungs(facts):
    return {step["rung"]: step for step in facts["ladder"]}


def errors(result):
    return result.stderr.decode(errors="replace")


# ---- a server that knows TCP only, in Python ----

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen = []

    def log_message(self, *_):
        pass

    def answer(self):
        Handler.seen.append((self.command, self.path, dict(self.headers)))
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        where = self.server.redirects.get(self.path)
        body = b"" if where else BODY
        self.send_response(where[0] if where else 200)
        if where:
            self.send_header("Location", where[1])
        self.send_header("Content-Length", str(len(body)))
        if self.server.closes:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            with contextlib.suppress(OSError):
                self.wfile.write(body)

    do_GET = do_POST = do_HEAD = answer


@contextlib.contextmanager
def tcp_server(cert=None, key=None, redirects=None, port=0, closes=False):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.redirects = redirects if redirects is not None else {}
    server.closes = closes  # after each answer
    if cert is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1], server.redirects
    finally:
        server.shutdown()
        server.server_close()


def classical_certificate():
    folder = BASE / "classical"
    if not folder.exists():
        folder.mkdir()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-days", "5",
                        "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


# ---- one server, every rung ----

def every_protocol_brings_the_same_bytes():
    for alpn, version in PROTOCOLS.items():
        out = BASE / "out"
        facts = facts_of(SERVER.get(SERVER.url(), "--alpn", alpn, "--json", "--no-state", "-o", out))
        expect(out.read_bytes() == BODY, alpn, "bytes differ")
        handshake = facts["handshake"]
        expect(handshake["protocol"] == alpn, handshake)
        expect(handshake["version"].startswith(version), handshake)
        expect(handshake["group"] == "X25519MLKEM768", handshake)
        kind = "hybrid" if alpn == "velocity/1" else "classical"
        expect(handshake["certificate_kind"] == kind, handshake)


def was_slow(facts):
    """On a machine that is busy a lower rung may be first, and then it says so."""
    return rungs(facts)["velocity/1"]["reason"] in ("timeout", "udp_blocked")


def the_best_rung_is_taken():
    facts = facts_of(get(SERVER.url(), "--cacert", SERVER.cacert, "--json", "--no-state"))
    won = [step["rung"] for step in facts["ladder"] if step["state"] == "won"]
    expect(won == ["velocity/1"] or was_slow(facts), facts)


def several_requests_share_a_connection_on_every_rung():
    for alpn in PROTOCOLS:
        folder = BASE / "many"
        urls = [SERVER.url("/index.html")] * 5
        facts = facts_of(SERVER.get(*urls, "--alpn", alpn, "--json", "--no-state", "--output-dir", folder))
        expect(all(t["complete"] and t["bytes"] == len(BODY) for t in facts["transfers"]), facts)
        shutil.rmtree(folder)


def a_refused_profile_is_a_reason_or_an_end():
    result = SERVER.get(SERVER.url(), "--profile", "secure", "--no-fallback", "--no-state", status=120)
    expect("profile" in errors(result), errors(result))
    facts = facts_of(get(SERVER.url(), "--cacert", SERVER.cacert, "--profile", "secure", "--json",
                         "--no-state"))
    expect(rungs(facts)["velocity/1"]["reason"] == "client_profile_unsupported" or was_slow(facts), facts)
    expect(facts["handshake"]["protocol"] != "velocity/1", facts)


def a_certificate_error_never_falls_back():
    for alpn in ("velocity/1,h3,h2", "h3,h2", "h2", "http/1.1"):
        facts = facts_of(get(SERVER.url(), "--alpn", alpn, "--json", "--no-state", status=60))
        expect(facts["error"]["check"] == "unknown-issuer", facts)
        states = [step["state"] for step in facts["ladder"]]
        expect(states.count("failed") == 1 and "won" not in states, alpn, facts["ladder"])
    for alpn in PROTOCOLS:
        get(SERVER.url(), "--alpn", alpn, "--insecure", "--no-state")


# ---- rungs that are missing ----

def a_server_without_udp_is_reached_over_tcp():
    cert, key = classical_certificate()
    with tcp_server(cert, key) as (port, _):
        result = get(f"https://localhost:{port}/", "--cacert", cert, "--json", "--no-state")
        facts = facts_of(result)
        expect(facts["handshake"]["protocol"] == "http/1.1", facts)
        for rung in ("velocity/1", "h3"):
            expect(rungs(facts)[rung]["reason"] == "udp_blocked", facts)
        text = errors(get(f"https://localhost:{port}/", "--cacert", cert, "-v", "--no-state", "-o", BASE / "x"))
        expect("* not over velocity/1: udp_blocked" in text and "protocol http/1.1" in text, text)
        expect((BASE / "x").read_bytes() == BODY, "bytes differ")
        get(f"https://localhost:{port}/", "--cacert", cert, "--no-fallback", "--no-state", status=7)
        get(f"https://localhost:{port}/", "--cacert", cert, "--alpn", "h3", "--no-state", status=7)


def silence_over_udp_does_not_stop_the_client():
    cert, key = classical_certificate()
    with tcp_server(cert, key) as (port, _), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", port))
        facts = facts_of(get(f"https://127.0.0.1:{port}/", "--cacert", cert, "--json", "--no-state"))
        expect(facts["handshake"]["protocol"] == "http/1.1", facts)
        for rung in ("velocity/1", "h3"):
            expect(rungs(facts)[rung]["reason"] == "udp_blocked", facts)
        expect(rungs(facts)["tcp"]["started_ms"] >= 500, facts)


def what_failed_is_not_tried_first_again():
    cert, key = classical_certificate()
    with tcp_server(cert, key) as (port, _):
        url = f"https://localhost:{port}/"
        first = facts_of(get(url, "--cacert", cert, "--json"))
        second = facts_of(get(url, "--cacert", cert, "--json"))
        third = facts_of(get(url, "--cacert", cert, "--json", "--no-state"))
    expect(rungs(first)["velocity/1"]["state"] == "failed", first)
    expect(rungs(second)["velocity/1"]["state"] == "unused", second)
    expect(rungs(second)["velocity/1"]["reason"] == "udp_blocked", second)
    expect(rungs(second)["velocity/1"]["remembered"], second)
    expect(rungs(third)["velocity/1"]["state"] == "failed", third)


def a_spoiled_memory_is_only_forgotten():
    path = pathlib.Path(os.environ["XDG_STATE_HOME"]) / "velocity" / "outcomes"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("velocity-outcomes 1\nlocalhost nonsense\n")
    SERVER.get(SERVER.url())
    expect(path.read_text().startswith(f"velocity-outcomes 1\nlocalhost {SERVER.port} "), path.read_text())
    expect(path.stat().st_mode & 0o777 == 0o600, oct(path.stat().st_mode))


def nobody_anywhere_is_told_at_once():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    facts = facts_of(get(f"https://localhost:{port}/", "--connect-timeout", "1000s", "--json", status=7))
    expect(all(step["state"] == "failed" for step in facts["ladder"]), facts)


# ---- redirections and plain HTTP ----

def redirections_are_followed_on_request():
    cert, key = classical_certificate()
    trust = ("--cacert", cert, "--no-state")
    with tcp_server(redirects={}) as (plain, _), tcp_server(cert, key) as (port, where):
        home = f"https://localhost:{port}"
        where.update({"/a": (302, "/b"), "/b": (301, "c?x=1"), "/loop": (302, "/loop"),
                      "/away": (307, f"https://127.0.0.1:{port}/there"),
                      "/down": (302, "http://example.com/"),
                      "/local": (302, f"http://127.0.0.1:{plain}/plain"), "/post": (303, "/got")})
        expect(get(f"{home}/a", *trust).stdout == b"", "followed without being asked")
        facts = facts_of(get(f"{home}/a", *trust, "-L", "--json"))["transfers"][0]
        expect(facts["redirects"] == 2 and facts["effective_url"] == f"{home}/c?x=1", facts)
        expect(facts["bytes"] == len(BODY), facts)
        get(f"{home}/loop", *trust, "-L", "--max-redirs", "3", status=47)
        expect("from https to http" in errors(get(f"{home}/down", *trust, "-L", status=3)), "no reason")

        Handler.seen.clear()
        secrets = ("-H", "Authorization: Bearer x", "-H", "Cookie: a=b", "-H", "X-Api-Key: y")
        expect(get(f"{home}/away", *trust, "-L", *secrets).stdout == BODY, "bytes differ")
        get(f"{home}/a", *trust, "-L", *secrets)
        sent = {path: {name.lower() for name in fields} for _, path, fields in Handler.seen}
        expect({"authorization", "cookie", "x-api-key"} <= sent["/away"], sent)
        expect({"authorization", "cookie", "x-api-key"} <= sent["/b"], sent)
        expect(not {"authorization", "cookie", "x-api-key"} & sent["/there"], sent)

        Handler.seen.clear()
        get(f"{home}/post", *trust, "-L", "--data", "a=b")
        expect([(m, p) for m, p, _ in Handler.seen] == [("POST", "/post"), ("GET", "/got")], Handler.seen)
        expect(get(f"{home}/local", *trust, "-L").stdout == BODY, "bytes differ")


def a_server_that_closes_after_each_answer_is_asked_again():
    cert, key = classical_certificate()
    folder = BASE / "one-by-one"
    shutil.rmtree(folder, ignore_errors=True)
    with tcp_server(cert, key, closes=True) as (port, _):
        urls = [f"https://localhost:{port}/{name}" for name in ("a", "b", "c")]
        get(*urls, "--cacert", cert, "--alpn", "http/1.1", "--no-state", "--output-dir", folder)
        bodies = {path.name: path.read_bytes() for path in folder.iterdir()}
        expect(sorted(bodies) == ["a", "b", "c"] and len(set(bodies.values())) == 1, bodies)
        # What is not safe to repeat is not repeated.
        get(*urls, "--cacert", cert, "--alpn", "http/1.1", "--no-state", "--data", "x", status=52)


def plain_http_has_no_ladder():
    with tcp_server() as (port, _):
        result = get(f"http://127.0.0.1:{port}/", "--json", "-o", BASE / "plain")
        facts = facts_of(result)
        expect((BASE / "plain").read_bytes() == BODY, "bytes differ")
        expect(facts["handshake"]["version"] == "none", facts)
        expect([s["rung"] for s in facts["ladder"] if s["state"] != "unused"] == ["tcp"], facts)


# ---- names, outputs ----

def localhost_needs_no_resolver():
    for name in ("localhost", "LocalHost", "site.localhost"):
        SERVER.get(f"https://{name}:{SERVER.port}/", "--insecure", "--no-state")


def a_named_pipe_is_waited_for():
    pipe = BASE / "pipe"
    os.mkfifo(pipe)
    client = subprocess.Popen([harness.program(), "client", "get", "--cacert", SERVER.cacert, "--no-state",
                               SERVER.url(), "-o", pipe], stderr=subprocess.PIPE)
    with open(pipe, "rb") as reader:
        got = reader.read()
    _, text = client.communicate(timeout=harness.CLIENT_SECONDS)
    expect(client.returncode == 0 and got == BODY, client.returncode, len(got), text)


# ---- probe ----

def probe(*arguments, status=0):
    return velocity("client", "probe", *arguments, status=status)


def probe_tells_what_our_server_offers():
    found = json.loads(probe(SERVER.url(), "--cacert", SERVER.cacert, "--json", "--timeout", "60s").stdout)
    rows = {(row["protocol"], row["profile"], row["version"]): row for row in found["protocols"]}
    works = {key for key, row in rows.items() if row["works"]}
    expect(works == {("velocity/1", "light", "velocity/1"), ("velocity/1", "balanced", "velocity/1"),
                     ("h3", None, "quic-v1"), ("h3", None, "quic-v2"), ("h2", None, "tls1.3"),
                     ("http/1.1", None, "tls1.3")}, works)
    secure = rows["velocity/1", "secure", "velocity/1"]
    expect(secure["reason"] == "client_profile_unsupported", secure)
    names = {version["name"] for version in found["version_negotiation"]}
    expect({"velocity/1", "quic-v1", "quic-v2", "reserved"} <= names, names)
    for key in works:
        row = rows[key]
        expect(row["status"] == 200 and row["certificate"]["bytes"] > 5000, row)
        record = None if key[0] == "velocity/1" else "valid"
        expect((row["fallback_record"] or {"state": None})["state"] == record, row)
        offered = {service["protocol"] for service in row["alt_svc"]}
        expect(key[0] == "velocity/1" or {"velocity/1", "h3"} <= offered, row)
    table = probe(SERVER.url(), "--cacert", SERVER.cacert, "--timeout", "60s").stdout.decode()
    for part in ("PROTOCOL", "X25519MLKEM512", "hybrid, ", "Version Negotiation:", "light balanced",
                 "velocity/1=", "record valid"):
        expect(part in table, part, table)


def probe_of_a_plain_tls_server():
    cert, key = classical_certificate()
    with tcp_server(cert, key) as (port, _):
        url = f"https://localhost:{port}/"
        found = json.loads(probe(url, "--cacert", cert, "--json", "--timeout", "60s").stdout)
        works = [row["protocol"] for row in found["protocols"] if row["works"]]
        expect("http/1.1" in works and "h3" not in works, found)
        refused = json.loads(probe(url, "--json", "--timeout", "60s", status=7).stdout)
        row = [row for row in refused["protocols"] if row["protocol"] == "http/1.1"][0]
        expect(row["check"] == "unknown-issuer" and row["reason"] == "certificate", row)
    probe(url, status=7)
    probe("https://no-such-host.invalid/", status=6)
    probe("ftp://localhost/", status=3)


if __name__ == "__main__":
    with Server(SITE, BASE) as SERVER:
        harness.run(
            every_protocol_brings_the_same_bytes, the_best_rung_is_taken,
            several_requests_share_a_connection_on_every_rung,
            a_refused_profile_is_a_reason_or_an_end, a_certificate_error_never_falls_back,
            a_server_without_udp_is_reached_over_tcp, silence_over_udp_does_not_stop_the_client,
            what_failed_is_not_tried_first_again, a_spoiled_memory_is_only_forgotten,
            nobody_anywhere_is_told_at_once, redirections_are_followed_on_request,
            a_server_that_closes_after_each_answer_is_asked_again,
            plain_http_has_no_ladder, localhost_needs_no_resolver, a_named_pipe_is_waited_for,
            probe_tells_what_our_server_offers, probe_of_a_plain_tls_server)
