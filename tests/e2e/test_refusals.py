# SPDX-License-Identifier: MIT
"""What a client refuses, and what it says: certificates with one thing wrong, and profiles."""
import base64
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import break_cert
import harness
from harness import Server, expect, velocity

TEMPORARY = tempfile.TemporaryDirectory(prefix="velocity-e2e-")
BASE = pathlib.Path(TEMPORARY.name)
SITE, CA, LEAF = BASE / "site", BASE / "ca", BASE / "leaf"
SEAL = pathlib.Path(harness.program()).parent / "seal_cert"

SERVER_AUTH = bytes.fromhex("2b06010505070301")
CLIENT_AUTH = bytes.fromhex("2b06010505070302")


def prepare():
    SITE.mkdir()
    (SITE / "index.html").write_bytes(b"<h1>hello</h1>\n")
    velocity("ca", "init", "--out", CA)
    velocity("cert", "issue", "--ca", CA, "--dns", "localhost", "--out", LEAF)


def decode(path):
    body = re.search("-----BEGIN CERTIFICATE-----(.*?)-----END", path.read_text(), re.DOTALL)[1]
    return base64.b64decode(body)


def write(der, path):
    text = base64.encodebytes(der).decode()
    path.write_text(f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n")
    return path


def edited(name, old, new, chain=LEAF / "fullchain.pem"):
    """A certificate with some bytes replaced by as many others; its signatures do not verify."""
    der = decode(chain)
    expect(old in der and len(old) == len(new), old, new)
    return write(der.replace(old, new), BASE / f"{name}.pem")


def sealed(chain, ca=CA):
    """The same contents with both signatures of the CA."""
    out = chain.with_suffix(".sealed.pem")
    subprocess.run([SEAL, chain, ca / "ca.pem", ca / "privkey.pem", out], check=True, timeout=60)
    return out


def validity():
    """The Validity element of the leaf: two UTCTimes."""
    tbs = next(break_cert.children(decode(LEAF / "fullchain.pem")))
    return list(break_cert.children(tbs))[4]


def with_validity(name, start, end):
    times = b"".join(break_cert.wrap(0x17, time) for time in (start, end))
    return sealed(edited(name, validity(), break_cert.wrap(0x30, times)))


def broken(how, chain, keys):
    out = BASE / f"{how}-{chain.parent.name}.pem"
    subprocess.run([sys.executable, harness.ROOT / "tests/e2e/break_cert.py", how, chain, keys, out],
                   check=True, timeout=60)
    return out


class Attempt:
    """A server with a certificate, and a client that refuses it with exit status 60."""

    count = 0

    def __init__(self, chain, key=LEAF / "privkey.pem", trust=CA / "ca.pem"):
        Attempt.count += 1
        self.folder = BASE / f"attempt-{Attempt.count}"
        self.folder.mkdir()
        self.trust = ["--cacert", trust] if trust else []
        self.chain, self.key = chain, key

    def expect(self, check, *options, host="localhost", depth=0):
        with Server(SITE, self.folder, cert=self.chain, key=self.key) as server:
            url = f"https://{host}:{server.port}/"
            got = velocity("client", "get", *harness.ONLY_VELOCITY, url, "--json", *self.trust, *options, status=60)
            facts, message = json.loads(got.stdout), got.stderr.decode()
            error = facts["error"]
            expect(facts["exit"] == 60 and error["name"] == "certificate", facts)
            expect(error["check"] == check and error["certificate"] == depth, error)
            expect(error["message"] in message and f"[{check}]" in message, message)
            expect(not facts["transfers"][0]["complete"], facts)
            expect("hello" not in got.stdout.decode(), got.stdout)
        log = server.text()
        expect('"GET' not in log, "a request was answered", log)
        expect(re.search(r"handshake failed: the client says: .*\(0x", log), "the server's log", log)


def a_good_one_is_accepted():
    """The tools of this test make certificates that are refused for what they are meant to be."""
    good = sealed(edited("good", validity(), validity()))
    with Server(SITE, BASE, cert=good, key=LEAF / "privkey.pem") as server:
        velocity("client", "get", *harness.ONLY_VELOCITY, server.url(), "--cacert", CA / "ca.pem")


def an_expired_one():
    Attempt(with_validity("expired", b"250101000000Z", b"250111000000Z")).expect("expired")


def one_that_is_not_valid_yet():
    Attempt(with_validity("early", b"480101000000Z", b"480111000000Z")).expect("not-yet-valid")


def one_for_another_name():
    Attempt(LEAF / "fullchain.pem").expect("name", host="127.0.0.1")


def one_of_an_unknown_issuer():
    velocity("ca", "init", "--out", BASE / "other-ca")  # of the same name
    Attempt(LEAF / "fullchain.pem", trust=None).expect("unknown-issuer")
    other = Attempt(LEAF / "fullchain.pem", trust=BASE / "other-ca" / "ca.pem")
    other.expect("classical-signature")


def one_with_a_broken_classical_half():
    Attempt(broken("classical", LEAF / "fullchain.pem", CA / "privkey.pem")).expect(
        "classical-signature")


def one_with_a_broken_post_quantum_half():
    Attempt(broken("alternative", LEAF / "fullchain.pem", CA / "privkey.pem")).expect(
        "alternative-signature")


def one_without_a_classical_half():
    Attempt(broken("unclassical", LEAF / "fullchain.pem", CA / "privkey.pem")).expect(
        "classical-signature")


def one_without_a_post_quantum_half():
    Attempt(broken("unsigned", LEAF / "fullchain.pem", CA / "privkey.pem")).expect(
        "alternative-missing")


def one_without_post_quantum_keys_is_not_even_served():
    chain = broken("missing", LEAF / "fullchain.pem", CA / "privkey.pem")
    got = velocity("serve", "--root", SITE, "--listen", "127.0.0.1:0", "--cert", chain, "--key",
                   LEAF / "privkey.pem", status=1)
    expect(chain.name in got.stderr.decode(), got.stderr)


def a_classical_root_anchors_nothing():
    root = broken("missing", CA / "ca.pem", CA / "privkey.pem")
    Attempt(LEAF / "fullchain.pem", trust=root).expect("alternative-missing", depth=1)


def a_tampered_one():
    victim = BASE / "victim"
    velocity("cert", "issue", "--ca", CA, "--dns", "localh0st", "--out", victim)
    chain = edited("tampered", b"localh0st", b"localhost", victim / "fullchain.pem")
    Attempt(chain, key=victim / "privkey.pem").expect("classical-signature")


def one_for_another_use():
    Attempt(sealed(edited("client", SERVER_AUTH, CLIENT_AUTH))).expect("usage")


def one_of_an_issuer_weaker_than_the_profile():
    weak = BASE / "weak-ca"
    velocity("ca", "init", "--out", weak, "--profile", "light", "--name", "Velocity CA")
    Attempt(sealed(edited("weak", validity(), validity()), ca=weak),
            trust=weak / "ca.pem").expect("level", depth=1)


def a_profile_that_the_server_does_not_permit():
    for number, (permitted, offered) in enumerate((("balanced", "secure"), ("light", "balanced"))):
        folder = BASE / f"profile-{number}"
        folder.mkdir()
        with Server(SITE, folder, "--profile", permitted, cert=LEAF / "fullchain.pem",
                    key=LEAF / "privkey.pem") as server:
            got = velocity("client", "get", *harness.ONLY_VELOCITY, server.url(), "--cacert", CA / "ca.pem", "--profile",
                           offered, "--alpn", "velocity/1", "--json", status=120)
            error = json.loads(got.stdout)["error"]
            expect(error["name"] == "profile", error)
            for told in got.stderr.decode(), error["message"]:
                expect("no profile that both sides permit" in told, told)
                expect("the server says" in told, told)
        log = server.text()
        expect(re.search(r"Z [0-9a-f]{16} handshake failed: .*no profile that both sides permit"
                         r".*PROFILE_POLICY_VIOLATION", log), "the server's log:", log)


if __name__ == "__main__":
    prepare()
    harness.run(
        a_good_one_is_accepted, an_expired_one, one_that_is_not_valid_yet, one_for_another_name,
        one_of_an_unknown_issuer, one_with_a_broken_classical_half,
        one_with_a_broken_post_quantum_half, one_without_a_classical_half,
        one_without_a_post_quantum_half, one_without_post_quantum_keys_is_not_even_served,
        a_classical_root_anchors_nothing, a_tampered_one, one_for_another_use,
        one_of_an_issuer_weaker_than_the_profile, a_profile_that_the_server_does_not_permit)
