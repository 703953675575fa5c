# SPDX-License-Identifier: MIT
"""velocity client get: what it fetches, what it tells, and its exit statuses."""
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import time

import harness
import peers
from harness import Server, expect, velocity

TEMPORARY = tempfile.TemporaryDirectory(prefix="velocity-e2e-")
BASE = pathlib.Path(TEMPORARY.name)
SITE = BASE / "site"
FILES = {
    "index.html": b"<h1>hello</h1>\n",
    "empty.txt": b"",
    "big.bin": os.urandom(1 << 20) * 24,
    "a folder/\u00e4 \u6f22.txt": "gr\u00fc\u00df\n".encode(),
    "deep/er/page.html": b"<p>deep</p>\n",
}
for name, content in FILES.items():
    (SITE / name).parent.mkdir(parents=True, exist_ok=True)
    (SITE / name).write_bytes(content)


def get(*arguments, **options):
    """Without a certificate to trust."""
    return velocity("client", "get", *harness.ONLY_VELOCITY, *arguments, **options)


def errors(result):
    return result.stderr.decode(errors="replace")


def fetches_a_page():
    result = SERVER.get(SERVER.url())
    expect(result.stdout == FILES["index.html"], result.stdout)
    expect(result.stderr == b"", result.stderr)


def fetches_a_big_file_unharmed():
    SERVER.get(SERVER.url("/big.bin"), "-o", BASE / "big")
    expect((BASE / "big").read_bytes() == FILES["big.bin"], "bytes differ")


def fetches_many_over_one_connection():
    urls = [SERVER.url("/" + name) for name in FILES]
    facts = SERVER.facts(*urls, "--output-dir", BASE / "tree")
    harness.compare(SITE, BASE / "tree")
    expect(len(facts["transfers"]) == len(FILES), facts)
    expect(all(t["complete"] and t["status"] == 200 for t in facts["transfers"]), facts)


def letters_and_spaces_need_no_encoding():
    result = SERVER.get(f"https://localhost:{SERVER.port}/a folder/\u00e4 \u6f22.txt")
    expect(result.stdout == FILES["a folder/\u00e4 \u6f22.txt"], result.stdout)


def tells_the_facts_as_json():
    facts = SERVER.facts(SERVER.url())
    handshake = facts["handshake"]
    want = {"version": "velocity/1", "alpn": "velocity/1", "profile": "balanced",
            "group": "X25519MLKEM768", "classical_signature": "ECDSA P-256",
            "post_quantum_signature": "ML-DSA-65", "authenticated": True, "trusted": True,
            "round_trips": 1, "hello_retry": False, "certificates": 1}
    for key, value in want.items():
        expect(handshake[key] == value, key, handshake[key])
    expect(5000 < handshake["certificate_bytes"] < 7000, handshake)
    expect(handshake["datagrams_sent"] >= 4 and handshake["bytes_received"] > 9000, handshake)
    connection = facts["connection"]
    for key in ("packets_sent", "packets_received", "mtu", "congestion_window", "streams", "paths",
                "min_rtt_ms", "smoothed_rtt_ms", "latest_rtt_ms", "rtt_variance_ms"):
        expect(connection[key] > 0, key, connection)
    for key in ("packets_lost", "packets_spurious", "packets_dropped", "probe_timeouts", "ecn_ce",
                "key_updates", "path_changes", "bytes_in_flight"):
        expect(connection[key] >= 0, key, connection)
    expect(connection["mtu"] >= 1200 and connection["paths"] == 1, connection)
    expect(facts["exit"] == 0 and facts["error"] is None, facts)
    expect(facts["transfers"][0]["bytes"] == len(FILES["index.html"]), facts)


def tells_the_facts_to_people():
    result = SERVER.get(SERVER.url(), "-v")
    for part in ("* connected to 127.0.0.1:", "1 round trip", "profile balanced", "X25519MLKEM768",
                 "ECDSA P-256 and ML-DSA-65, both verified", "> GET /", "< 200",
                 "content-type: text/html", ": 200, 15 bytes; first byte at "):
        expect(part in errors(result), part, errors(result))
    expect(result.stdout == FILES["index.html"], result.stdout)


def read_slowly(pipe):
    """All of it; the first parts without haste."""
    parts = []
    with open(pipe, "rb") as reader:
        while part := reader.read(1 << 16):
            parts.append(part)
            if len(parts) < 100:
                time.sleep(0.005)
    return b"".join(parts)


def goes_on_from_another_port():
    """The body goes into a pipe that fills up: else the transfer may be over before the client has moved."""
    for protocol in ("velocity/1", "h3"):
        options = ("--alpn", protocol, "--json", "-v")
        pipe, end = os.pipe()
        with peers.at_once(1) as pool:
            body = pool.submit(read_slowly, pipe)
            try:
                result = SERVER.get(SERVER.url("/big.bin"), *options, "--migrate", "1ms", "-o", f"/dev/fd/{end}",
                                    pass_fds=(end,))
            finally:
                os.close(end)
        expect(body.result() == FILES["big.bin"], protocol, "bytes differ")
        local = json.loads(result.stdout)["connection"]["local"]
        expect(json.loads(result.stdout)["connection"]["migrated"], protocol, errors(result))
        expect(f"* migrated to {local}\n" in errors(result), errors(result))
        expect(f" from {local}: handshake" not in errors(result), errors(result))
        SERVER.wait_for(f" {local} \"GET /big.bin\" 200 ")
        result = SERVER.get(SERVER.url(), *options)
        expect(not json.loads(result.stdout)["connection"]["migrated"], protocol, errors(result))


def there_is_no_migration_over_tcp():
    text = errors(SERVER.get(SERVER.url(), "--alpn", "h2", "--migrate", "1ms", "-v"))
    expect("* not migrated, as --migrate asked\n" in text, text)


def head_prints_the_header():
    text = SERVER.get(SERVER.url("/big.bin"), "--head").stdout.decode()
    expect(text.startswith("HTTP/3 200\n"), text)
    expect(f"content-length: {len(FILES['big.bin'])}\n" in text, text)


def error_statuses_fail_only_when_asked():
    SERVER.get(SERVER.url("/none"))
    result = SERVER.get(SERVER.url("/none"), "--fail", "-o", BASE / "none", status=22)
    expect("404" in errors(result) and not (BASE / "none").exists(), errors(result))


def data_is_posted():
    text = errors(SERVER.get(SERVER.url(), "--data", "a=b", "-v"))
    expect("> POST /" in text and "< 405" in text, text)


def header_lines_are_sent():
    text = errors(SERVER.get(SERVER.url("/big.bin"), "-H", "Range: bytes=0-9", "-v", "-o", "-"))
    expect("> range: bytes=0-9" in text and "< 206" in text, text)


def insecure_skips_trust_and_name():
    get(SERVER.url(), "--insecure")


def an_unknown_issuer_is_refused():
    text = errors(get(SERVER.url(), status=60))
    expect("[unknown-issuer]" in text and "--cacert" in text, text)
    facts = json.loads(get(SERVER.url(), "--json", status=60).stdout)
    expect(facts["error"]["check"] == "unknown-issuer" and facts["exit"] == 60, facts)


def a_wrong_name_is_refused():
    chain, key = BASE / "other" / "fullchain.pem", BASE / "other" / "privkey.pem"
    velocity("cert", "issue", "--dns", "other.example", "--out", BASE / "other")
    folder = BASE / "wrong-name"
    folder.mkdir()
    with Server(SITE, folder, cert=chain, key=key) as server:
        text = errors(server.get(server.url(), status=60))
        expect("[name]" in text, text)
        get(server.url(), "--insecure")


def an_unpermitted_profile_is_refused():
    folder = BASE / "strict"
    folder.mkdir()
    chain, key = harness.issue(folder / "certs", "--profile", "secure")
    with Server(SITE, folder, "--profile", "secure", cert=chain, key=key) as server:
        text = errors(server.get(server.url(), "--profile", "light", "--no-fallback", status=120))
        expect("profile" in text, text)
        facts = server.facts(server.url(), "--profile", "light,secure")
        expect(facts["handshake"]["profile"] == "secure", facts)


def a_closed_port_is_told_at_once():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    get(f"https://127.0.0.1:{port}/", "--insecure", "--connect-timeout", "1000s", status=7)
    get(f"https://localhost:{port}/", "--insecure", "--connect-timeout", "1000s", status=7)


def silence_ends_at_the_connect_time_out():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
        text = errors(get(url, "--insecure", "--connect-timeout", "300ms", status=28))
        expect("no answer" in text, text)
        text = errors(get(url, "--insecure", "--max-time", "300ms", status=28))
        expect("--max-time" in text, text)


def garbage_is_no_answer():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as junk:
        junk.bind(("127.0.0.1", 0))
        client = subprocess.Popen(
            [harness.program(), "client", "get", *harness.ONLY_VELOCITY, "--insecure", "--connect-timeout", "1s",
             f"https://127.0.0.1:{junk.getsockname()[1]}/"], stderr=subprocess.PIPE)
        _, peer = junk.recvfrom(2048)
        for size in (0, 1, 20, 21, 100, 1200, 1452):
            junk.sendto(os.urandom(size), peer)
        client.communicate(timeout=harness.CLIENT_SECONDS)
        expect(client.returncode == 28, client.returncode)


def wrong_usage_has_statuses_of_curl():
    url, trust = SERVER.url(), ("--cacert", SERVER.cacert)
    for status, *arguments in (
            (2,), (2, "--nothing", url), (2, url, "--alpn", "spdy/3"), (2, url, "--alpn", "h3,h3"), (2, url, "--profile", "strong"),
            (2, url, url, "-o", "x"), (2, url, "--head", "-d", "x"), (2, url, "-H", "nonsense"),
            (2, url, "https://other.example/"),
            (2, SERVER.url("/../x"), "--output-dir", BASE / "x"),
            (3, "localhost"), (3, "ftp://localhost/"), (3, "https://"), (3, "https://h:99999/"),
            (6, "https://no-such-host.invalid/"),
            (26, url, *trust, "--data", "@/nonexistent"), (77, url, "--cacert", "/nonexistent"),
            (77, url, "--cacert", "/dev/null"), (23, url, *trust, "-o", "/nonexistent/file"),
            (23, SERVER.url("/big.bin"), *trust, "-o", "/dev/full")):
        result = get(*arguments, status=status)
        expect(result.stderr != b"", arguments)


if __name__ == "__main__":
    with Server(SITE, BASE, "--log-addresses") as SERVER:
        harness.run(
            fetches_a_page, fetches_a_big_file_unharmed, fetches_many_over_one_connection,
            letters_and_spaces_need_no_encoding, tells_the_facts_as_json,
            tells_the_facts_to_people, goes_on_from_another_port, there_is_no_migration_over_tcp,
            head_prints_the_header,
            error_statuses_fail_only_when_asked, data_is_posted, header_lines_are_sent,
            insecure_skips_trust_and_name, an_unknown_issuer_is_refused, a_wrong_name_is_refused,
            an_unpermitted_profile_is_refused, a_closed_port_is_told_at_once,
            silence_ends_at_the_connect_time_out, garbage_is_no_answer,
            wrong_usage_has_statuses_of_curl)
