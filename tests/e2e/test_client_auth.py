# SPDX-License-Identifier: MIT
"""Servers that ask clients for a certificate, over velocity/1 and every version of HTTP."""
import pathlib
import subprocess
import tempfile

import harness
from harness import Server, expect, velocity

TEMPORARY = tempfile.TemporaryDirectory(prefix="velocity-e2e-")
BASE = pathlib.Path(TEMPORARY.name)
SITE = BASE / "site"
PAGE = b"<h1>hello</h1>\n"
PROTOCOLS = ("velocity/1", "h3", "h2", "http/1.1")


def authority(name):
    """A hybrid CA and a client of it: the CA's certificate, and the client's options."""
    velocity("ca", "init", "--out", BASE / name)
    chain, key = harness.issue(BASE / f"client-of-{name}", "--ca", BASE / name)
    return BASE / name / "ca.pem", ("--cert", chain, "--key", key)


def ordinary_authority():
    """The same of openssl's making, with an ordinary certificate."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, stderr=subprocess.DEVNULL, cwd=BASE)

    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *new, "-keyout", "oca.key", "-out", "oca.pem", "-subj", "/CN=CA")
    openssl("req", *new, "-keyout", "own.key", "-out", "own.csr", "-subj", "/CN=client")
    openssl("x509", "-req", "-in", "own.csr", "-CA", "oca.pem", "-CAkey", "oca.key", "-out", "own.pem")
    return BASE / "oca.pem", ("--cert", BASE / "own.pem", "--key", BASE / "own.key")


def get(server, protocol, own):
    return ("client", "get", "--no-state", "--alpn", protocol, "--no-fallback", server.url(), "--cacert",
            server.cacert, *own)


def fetch(server, protocol, own=()):
    return velocity(*get(server, protocol, own))


def is_refused(server, protocol, own=()):
    """The client is connected before the server has seen what it shows (RFC 8446 4.4.2.4), so how it learns of it,
    and with which exit status, is a matter of chance; but it gets nothing."""
    done = subprocess.run([harness.program(), *map(str, get(server, protocol, own))], capture_output=True,
                          timeout=harness.CLIENT_SECONDS, check=False)
    expect(done.returncode in (18, 35, 52, 56, 95), protocol, done.returncode, done.stderr)
    expect(done.stdout == b"", protocol, "it was served")


def served(server):
    return server.text().count('"GET')


def who_must_have_a_certificate_gets_nothing_without():
    for workers in ("1", "2"):
        with Server(SITE, BASE / f"require-{workers}", "--client-auth", "require", "--client-ca", CA, "--workers",
                    workers) as server:
            for protocol in PROTOCOLS:
                expect(fetch(server, protocol, CLIENT).stdout == PAGE, protocol)
            before = served(server)
            expect(before == len(PROTOCOLS), server.text())
            for protocol in PROTOCOLS:
                is_refused(server, protocol)
                is_refused(server, protocol, STRANGER)
            expect(served(server) == before, server.text())


def who_is_asked_may_have_none_but_no_wrong_one():
    with Server(SITE, BASE / "request", "--client-auth", "request", "--client-ca", CA) as server:
        for protocol in PROTOCOLS:
            expect(fetch(server, protocol).stdout == PAGE, protocol)
            expect(fetch(server, protocol, CLIENT).stdout == PAGE, protocol)
            is_refused(server, protocol, STRANGER)


def nobody_is_asked_by_default():
    with Server(SITE, BASE / "none") as server:
        for protocol in PROTOCOLS:
            expect(fetch(server, protocol, STRANGER).stdout == PAGE, protocol)


def an_ordinary_certificate_is_good_for_tls():
    ca, own = ordinary_authority()
    with Server(SITE, BASE / "ordinary", "--client-auth", "require", "--client-ca", ca) as server:
        for protocol in PROTOCOLS[1:]:
            expect(fetch(server, protocol, own).stdout == PAGE, protocol)
            is_refused(server, protocol, CLIENT)
        is_refused(server, "velocity/1", own)
        curl = ["curl", "-sS", "--max-time", "60", "--cacert", server.cacert, server.url()]
        with_one = subprocess.run([*curl, *map(str, own)], capture_output=True, check=False)
        expect(with_one.stdout == PAGE, with_one.stderr)
        without = subprocess.run(curl, capture_output=True, check=False)
        expect(without.returncode != 0 and without.stdout == b"", without)


def what_is_wrong_is_told():
    serve = ("serve", "--root", SITE, "--listen", "127.0.0.1:0")
    (BASE / "nothing.pem").write_text("nothing\n")
    for word, status, *options in (
            ("go together", 2, "--client-auth", "require"),
            ("go together", 2, "--client-ca", CA),
            ("--http", 2, "--client-auth", "require", "--client-ca", CA, "--http", "127.0.0.1:0"),
            ("--client-auth", 2, "--client-auth", "perhaps", "--client-ca", CA),
            ("no certificate", 1, "--client-auth", "request", "--client-ca", BASE / "nothing.pem"),
            ("no such", 1, "--client-auth", "request", "--client-ca", BASE / "missing.pem")):
        said = velocity(*serve, *options, status=status).stderr.decode()
        expect(word in said, options, said)
    get = ("client", "get", "https://localhost:1/", "--no-state")
    for word, status, *options in (
            ("go together", 2, "--cert", CLIENT[1]),
            ("do not belong", 58, "--cert", CLIENT[1], "--key", STRANGER[3]),
            ("no such", 58, "--cert", CLIENT[1], "--key", BASE / "missing.pem")):
        said = velocity(*get, *options, status=status).stderr.decode()
        expect(word in said, options, said)


if __name__ == "__main__":
    SITE.mkdir()
    (SITE / "index.html").write_bytes(PAGE)
    CA, CLIENT = authority("ca")
    _, STRANGER = authority("another")
    harness.run(
        who_must_have_a_certificate_gets_nothing_without, who_is_asked_may_have_none_but_no_wrong_one,
        nobody_is_asked_by_default, an_ordinary_certificate_is_good_for_tls, what_is_wrong_is_told)
