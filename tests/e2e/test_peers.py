# SPDX-License-Identifier: MIT
"""Ours with other people's programs (scripts/peers.sh), over HTTP/3, HTTP/2 and HTTP/1.1.

Every body is compared. Other people's programs with each other come first: where they do not agree, the
skipped test names them, and what fails after that may be theirs.
"""
import os
import pathlib
import re
import subprocess
import tempfile

import harness
import peers
from harness import Skip

TEMPORARY = tempfile.TemporaryDirectory(prefix="velocity-e2e-")
BASE = pathlib.Path(TEMPORARY.name)
SITE = BASE / "site"
SIZES = {"empty": 0, "one": 1, "small": 1000, "packet": 1200, "medium": 100_000, "large": 3_000_000}


def build_site():
    SITE.mkdir()
    for name, size in SIZES.items():
        (SITE / name).write_bytes(os.urandom(size))
    for number in range(40):
        (SITE / f"many{number}").write_bytes(os.urandom(number * 97))


def paths():
    return [str(path) for path in harness.files(SITE)]


def fetched_by(name, fetch):
    """Run a client into a new folder and compare all files."""
    target = BASE / name
    fetch(target)
    harness.compare(SITE, target)


def packaged_programs_agree():
    """They fail nothing here: curl on OpenSSL's QUIC, stopped for a moment, now and then waits forever."""
    cert, key = peers.classical(BASE / "classical")
    clients = {
        "gtlsclient": lambda port, to: peers.gtlsclient("127.0.0.1", port, paths(), to, seconds=20),
        **{which: lambda port, to, which=which: peers.curl(
            which, "3", "localhost", port, paths(), to, cert, seconds=20)
           for which in ("curl-openssl", "curl-ngtcp2")}}
    failed = []
    for kind in (peers.Gtlsserver, peers.Nginx, peers.Caddy):
        with kind(SITE, BASE / kind.__name__, cert, key) as server:
            for client, fetch in clients.items():
                try:
                    fetched_by(f"{client}-{kind.__name__}", lambda to: fetch(server.port, to))
                except AssertionError as error:
                    failed.append(f"{client} with {kind.__name__}: {str(error).splitlines()[0][-100:]}")
    if failed:
        raise Skip("; ".join(failed))


# ---- our server, their clients ----------------------------------------------------------------


def with_curl(which, protocol):
    target = BASE / f"{which}-{protocol}"
    for name in ("localhost", "127.0.0.1"):
        fetched_by(f"{target.name}-{name}", lambda to: peers.curl(
            which, protocol, name, OURS.port, paths(), to, OURS.cert))


def curl_on_openssl_over_http3():
    with_curl("curl-openssl", "3")


def curl_on_ngtcp2_over_http3():
    with_curl("curl-ngtcp2", "3")


def curl_over_http2():
    with_curl("curl-ngtcp2", "2")
    with_curl("curl-openssl", "2")


def curl_over_http1():
    with_curl("curl-ngtcp2", "1.1")
    with_curl("curl-openssl", "1.1")


def curl_finds_http3_by_alt_svc():
    """First over TCP, then where the answer's Alt-Svc pointed: the same port, over UDP.

    curl begins TCP too when UDP has not answered within a quarter of the happy-eyeballs time, and takes
    what is first: 50 ms by default, which is a race on a busy machine.
    """
    command = [peers.command("curl-ngtcp2"), "--silent", "--show-error", "--fail", "--cacert", str(OURS.cert),
               "--alt-svc", str(BASE / "alt-svc"), "--happy-eyeballs-timeout-ms", "40000", "--write-out",
               "%{http_version}\n", "--output", str(BASE / "alt-svc-body"), peers.url("localhost", OURS.port, "medium")]
    versions = []
    for _ in range(2):
        versions.append(peers.HERE.run(command, BASE / "alt-svc.log").strip())
        harness.expect(harness.digest(BASE / "alt-svc-body") == harness.digest(SITE / "medium"), versions)
    harness.expect(versions == ["2", "3"], versions)


def gtlsclient_fetches_one_many_and_large():
    for name, wanted in (("one", ["one"]), ("all", paths()), ("large", ["large"])):
        target = BASE / f"gtlsclient-{name}"
        peers.gtlsclient("127.0.0.1", OURS.port, wanted, target)
        for path in wanted:
            harness.expect(harness.digest(target / path) == harness.digest(SITE / path), path)


def our_load_generator_over_http3():
    """100 connections with 10 requests at a time on each: every body is compared, none may fail."""
    for name, requests in ("small", 20_000), ("medium", 2000):
        done = subprocess.run([pathlib.Path(harness.program()).parent / "load", "--connect", f"127.0.0.1:{OURS.port}", "--alpn", "h3",
                               "--path", f"/{name}", "--body", SITE / name, "--connections", "100",
                               "--streams", "10", "--requests", str(requests)],
                              capture_output=True, text=True, timeout=harness.CLIENT_SECONDS, check=False)
        harness.expect(done.returncode == 0, name, done.stdout, done.stderr)
        harness.expect(re.search(r"^load_failed\t0\t", done.stdout, re.MULTILINE), done.stdout)
        harness.expect("load_connected\t100\n" in done.stdout, done.stdout)


def h2load_over_http3():
    program = peers.command("h2load")
    if b"libngtcp2" not in pathlib.Path(program).resolve().read_bytes():
        raise Skip("Debian builds its h2load without HTTP/3")
    done = subprocess.run([program, "--alpn-list=h3", "-n1", peers.url("localhost", OURS.port, "one")],
                          capture_output=True, text=True, timeout=30, check=False)
    harness.expect("1 succeeded" in done.stdout, done.stdout, done.stderr)


def chromium_shows_the_example_site():
    """Pictures, a script and a fetch, all over h3, as the page itself found."""
    program = peers.browser()
    site = harness.ROOT / "examples/site"
    artefacts = harness.ROOT / "build/artefacts"
    artefacts.mkdir(parents=True, exist_ok=True)
    with peers.Velocity(site, BASE / "chromium", *HYBRID) as server:
        page = peers.browse(program, server, BASE / "profile", "--dump-dom")
        found = re.search(r'<p id="fetched">(.*?)</p>', page, re.DOTALL)
        harness.expect(found, page[:2000])
        lines = found[1].split("\n")
        harness.expect(lines[0] == "20 topics, 21 of 21 pictures", lines)
        harness.expect(lines[1:] == ["25 answers over h3"], lines)
        picture = artefacts / "chromium-h3.png"
        peers.browse(program, server, BASE / "profile-2", f"--screenshot={picture}", "--window-size=900,1200")
        harness.expect(picture.read_bytes()[:4] == b"\x89PNG", "no screenshot")


# ---- our client, their servers ----------------------------------------------------------------


def our_client_with(kind, protocols):
    cert, key = peers.classical(BASE / f"classical-{kind.__name__}")
    with kind(SITE, BASE / f"with-{kind.__name__}", cert, key) as server:
        for protocol in protocols:
            for name in ("localhost", "127.0.0.1"):
                fetched_by(f"velocity-{kind.__name__}-{protocol.replace('/', '-')}-{name}", lambda to: peers.velocity(
                    name, server.port, paths(), to, cert, "--alpn", protocol))


def our_client_and_nginx():
    our_client_with(peers.Nginx, ("h3", "h2", "http/1.1"))


def our_client_and_gtlsserver():
    our_client_with(peers.Gtlsserver, ("h3",))


def our_client_and_caddy():
    our_client_with(peers.Caddy, ("h3", "h2", "http/1.1"))


if __name__ == "__main__":
    build_site()
    HYBRID = peers.hybrid(BASE / "hybrid")
    with peers.Velocity(SITE, BASE / "ours", *HYBRID) as OURS:
        harness.run(packaged_programs_agree, curl_on_openssl_over_http3, curl_on_ngtcp2_over_http3,
                    curl_over_http2, curl_over_http1, curl_finds_http3_by_alt_svc,
                    gtlsclient_fetches_one_many_and_large, our_load_generator_over_http3, h2load_over_http3,
                    chromium_shows_the_example_site, our_client_and_nginx, our_client_and_gtlsserver,
                    our_client_and_caddy)
