# SPDX-License-Identifier: MIT
"""velocity serve: the certificate it makes, what it prints and logs, how it starts and ends."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile

import harness
from harness import expect, velocity

TEMPORARY = tempfile.TemporaryDirectory(prefix="velocity-e2e-")
BASE = pathlib.Path(TEMPORARY.name)
SITE, STATE = BASE / "site", BASE / "state"
SITE.mkdir()
(SITE / "index.html").write_bytes(b"<h1>hello</h1>\n")
(SITE / "big.bin").write_bytes(os.urandom(1 << 20) * 64)


class SelfSigned(harness.Server):
    """`velocity serve` with a certificate of its own making, in the folder `state`."""

    count = 0

    def __init__(self, *options, state=STATE, listen="127.0.0.1:0"):
        SelfSigned.count += 1
        self.log = BASE / f"server-{SelfSigned.count}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [harness.program(), "serve", "--root", str(SITE), "--listen", listen, "--state",
                 str(state), *options], stdout=log, stderr=log)
        self.port = self.wait_for_port()

    def hint(self):
        """The command that the server says will fetch it."""
        found = re.search(r"^fetch it: velocity client get (\S+) --cacert (.+)$", self.text(),
                          re.MULTILINE)
        expect(found, self.text())
        self.cacert = found[2]
        return found[1]


def the_printed_command_works():
    with SelfSigned() as server:
        url = server.hint()
        expect(server.get(url).stdout == b"<h1>hello</h1>\n")
        expect("self-signed" in server.text(), server.text())


def the_wildcards_serve_both_versions_of_ip():
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).bind(("::1", 0))
    except OSError:
        raise harness.Skip("this machine has no IPv6") from None
    with SelfSigned(listen="[::]:0") as server:
        server.hint()
        for host in ("localhost", "127.0.0.1", "[::1]"):
            server.get(f"https://{host}:{server.port}/")
        server.get(f"https://127.0.0.2:{server.port}/", status=60)
        server.get(f"https://127.0.0.2:{server.port}/", "--insecure")


def an_address_to_listen_on_is_certified():
    with SelfSigned(listen="127.0.0.3:0") as server:
        server.get(server.hint())


def the_certificate_is_kept():
    chain, key = STATE / "balanced" / "fullchain.pem", STATE / "balanced" / "privkey.pem"
    with SelfSigned():
        pass
    expect(key.stat().st_mode & 0o777 == 0o600, oct(key.stat().st_mode))
    before = chain.read_bytes()
    with SelfSigned() as server:
        expect("made a self-signed" not in server.text(), server.text())
    expect(chain.read_bytes() == before, "it changed")
    key.write_text("rubbish")
    with SelfSigned() as server:
        expect("made a self-signed" in server.text(), server.text())
        server.get(server.hint())


def a_profile_list_gets_the_certificate_for_its_strongest():
    with SelfSigned("--profile", "light,balanced,secure") as server:
        server.hint()
        for profile, group in (("light", "X25519MLKEM512"), ("balanced", "X25519MLKEM768"),
                               ("secure", "SecP384r1MLKEM1024")):
            handshake = server.facts(server.url(), "--profile", profile)["handshake"]
            expect(handshake["profile"] == profile and handshake["group"] == group, handshake)


def the_request_log_has_a_line_for_each():
    with SelfSigned() as server:
        server.hint()
        server.get(server.url("/") + "?x=%0a%22")
        server.get(server.url("/none"))
    lines = [line for line in server.text().splitlines() if '"' in line]
    expect(len(lines) == 2, server.text())
    form = (r'\d{4}-\d\d-\d\dT[\d:.]+Z [0-9a-f]{16} "GET (\S+)" (\d+) (\d+) bytes [\d.]+ ms '
            r"velocity/1$")
    for line, path, code in zip(lines, ("/?x=%0a%22", "/none"), ("200", "404")):
        match = re.match(form, line)
        expect(match and match[1] == path and match[2] == code, line)


def clients_are_hashes_unless_addresses_are_wanted():
    def clients(*options):
        names = []
        with SelfSigned("--log-connections", "--workers", "2", *options) as server:
            server.hint()
            for protocol in ("velocity/1", "h3", "h2", "http/1.1") * 2:
                server.get(server.url("/"), "--alpn", protocol)
            server.stop()
            lines = server.text().splitlines()
            names += [line.split()[1] for line in lines if '"GET' in line]
            names += [json.loads(line)["remote"] for line in lines if line.startswith("{")]
        expect(len(names) == 16, server.text())
        return names

    plain = clients("--log-addresses")
    expect(all(re.fullmatch(r"127\.0\.0\.1:\d+", name) for name in plain), plain)
    runs = [set(clients()), set(clients())]
    expect([len(run) for run in runs] == [1, 1], "one client has several names", runs)
    expect(runs[0] != runs[1], "the salt stays", runs)
    expect(all(re.fullmatch("[0-9a-f]{16}", name) for run in runs for name in run), runs)


def ordinary(name, *key):
    """A certificate and key as others make them; returns their files."""
    chain, private = BASE / f"{name}.pem", BASE / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", *key, "-nodes", "-keyout", private, "-out", chain,
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True,
                   stderr=subprocess.DEVNULL)
    return str(chain), str(private)


def ordinary_pair(option):
    chain, private = ordinary("ordinary", "ed25519")
    return chain, option, private


def one_certificate_serves_velocity_and_h3():
    with SelfSigned() as server:
        url = server.hint()
        for protocol in ("velocity/1", "h3"):
            expect(server.get(url, "--alpn", protocol).stdout == b"<h1>hello</h1>\n")
            server.wait_for(f" ms {protocol}\n")


def an_ordinary_certificate_goes_in_front():
    for name, *key in (("rsa", "rsa:2048"), ("p256", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
                       ("p384", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"), ("ed25519", "ed25519")):
        chain, private = ordinary(name, *key)
        with SelfSigned("--tls-cert", chain, "--tls-key", private) as server:
            server.hint()
            url = f"https://localhost:{server.port}/"
            server.get(url)
            server.get(url, "--alpn", "h3", status=60)
            server.cacert = chain
            expect(server.get(url, "--alpn", "h3").stdout == b"<h1>hello</h1>\n")


def keys_may_be_in_the_forms_of_others():
    for name, *key in (("rsa", "rsa:2048"), ("p256", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")):
        chain, private = ordinary(name, *key)
        old = BASE / f"{name}-traditional.key"
        subprocess.run(["openssl", "pkey", "-traditional", "-in", private, "-out", old], check=True)
        expect(f"BEGIN {'RSA' if name == 'rsa' else 'EC'} PRIVATE KEY" in old.read_text())
        with SelfSigned("--tls-cert", chain, "--tls-key", old) as server:
            server.hint()
            server.cacert = chain
            url = f"https://localhost:{server.port}/"
            expect(server.get(url, "--alpn", "h3").stdout == b"<h1>hello</h1>\n")
        sealed = BASE / f"{name}-sealed.key"
        subprocess.run(["openssl", "pkey", "-in", private, "-aes256", "-passout", "pass:x", "-out", sealed], check=True)
        said = velocity("serve", "--root", SITE, "--tls-cert", chain, "--tls-key", sealed, status=1).stderr
        expect(b"openssl pkey" in said and b"passphrase" in said, said)


def the_connection_log_has_a_line_for_each():
    protocols = ("velocity/1", "h3", "h2", "http/1.1")
    with harness.Server(SITE, BASE / "connections", "--quiet", "--log-connections") as server:
        for protocol in protocols:
            server.get(server.url(), "--alpn", protocol, "-k")
            server.wait_for(f'"protocol":"{protocol}"')
        server.stop()
        lines = [json.loads(line) for line in server.text().splitlines() if line.startswith("{")]
    expect([line["protocol"] for line in lines] == list(protocols), lines)
    size = (SITE / "index.html").stat().st_size
    for line in lines:
        expect(line["event"] == "connection-closed" and re.fullmatch("[0-9a-f]{16}", line["remote"]), line)
        expect(line["requests"] == 1 and line["body_bytes"] == size and line["duration_ms"] >= 0, line)
    for line in lines[:2]:
        expect(line["closed_by"] == "client" and line["code"] == 256, line)
        expect(line["bytes_sent"] > size and line["packets_sent"] > 0 and line["smoothed_rtt_ms"] > 0, line)
    for line in lines[2:]:
        expect("bytes_sent" not in line and line["closed_by"] == "finished", line)


def quiet_logs_nothing():
    with SelfSigned("--quiet") as server:
        server.hint()
        server.get(server.url())
    expect('"' not in server.text(), server.text())


def fetch_big(server, protocol, *options):
    """The facts of the connection, and what was said of it."""
    fetched = BASE / "preferred"
    result = server.get(f"https://127.0.0.1:{server.port}/big.bin", "--alpn", protocol, "--json", "-v", "-o",
                        fetched, *options)
    expect(fetched.read_bytes() == (SITE / "big.bin").read_bytes(), protocol, "bytes differ")
    return json.loads(result.stdout)["connection"], result.stderr.decode()


def clients_go_on_where_the_server_prefers():
    with SelfSigned("--preferred-address", "127.0.0.3:0") as server:
        server.hint()
        there = re.search(r"^clients go on at (127\.0\.0\.3:\d+) over UDP$", server.text(), re.MULTILINE)[1]
        for protocol in ("velocity/1", "h3"):
            connection, said = fetch_big(server, protocol)
            expect(connection["at_preferred_address"] and connection["remote"] == there, connection)
            expect(f"* went on at {there}, which the server prefers\n" in said, said)
        connection, said = fetch_big(server, "h3", "--migrate", "1ms")
        expect(connection["remote"] == there and "* migrated to " in said, said)
        connection, _ = fetch_big(server, "h2")
        expect(not connection["at_preferred_address"], connection)
        port = server.port
    # A wildcard's socket is there already.
    with SelfSigned("--preferred-address", f"127.0.0.3:{port}", listen=f"0.0.0.0:{port}") as server:
        server.hint()
        connection, _ = fetch_big(server, "velocity/1")
        expect(connection["remote"] == f"127.0.0.3:{port}", connection)


def tells_what_is_wrong():
    with SelfSigned() as server:
        for part, status, *arguments in (
                ("--root", 2), ("--root", 1, "--root", "/nonexistent"),
                ("--cert and --key", 2, "--root", SITE, "--cert", "x"),
                ("not an address", 1, "--root", SITE, "--listen", "localhost"),
                ("in use", 1, "--root", SITE, "--listen", f"127.0.0.1:{server.port}"),
                ("not an address of this machine", 1, "--root", SITE, "--listen", "192.0.2.1:0"),
                ("not an address and port", 1, "--root", SITE, "--preferred-address", "localhost:1"),
                ("no wildcard", 1, "--root", SITE, "--preferred-address", "0.0.0.0:0"),
                ("address of --listen", 1, "--root", SITE, "--listen", f"127.0.0.2:{server.port}",
                 "--preferred-address", f"127.0.0.2:{server.port}"),
                ("one of each version", 1, "--root", SITE, "--preferred-address", "127.0.0.1:0",
                 "--preferred-address", "127.0.0.3:0"),
                ("in use", 1, "--root", SITE, "--preferred-address", f"127.0.0.1:{server.port}"),
                ("not an address of this machine", 1, "--root", SITE, "--preferred-address", "192.0.2.1:0"),
                ("/nonexistent", 1, "--root", SITE, "--cert", "/nonexistent", "--key", "/none"),
                ("PEM", 1, "--root", SITE, "--cert", "/dev/null", "--key", "/dev/null"),
                ("--tls-cert and --tls-key", 2, "--root", SITE, "--tls-cert", "x"),
                ("--tls-cert", 1, "--root", SITE, "--cert", *ordinary_pair("--key")),
                ("PEM", 1, "--root", SITE, "--tls-cert", "/dev/null", "--tls-key", "/dev/null"),
                ("--state", 1, "--root", SITE, "--state", "/proc/none")):
            result = velocity("serve", "--listen", "127.0.0.1:0", *arguments, status=status)
            expect(part in result.stderr.decode(), arguments, result.stderr)


def survives_junk():
    with SelfSigned() as server:
        url = server.hint()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for size in (0, 1, 2, 5, 20, 21, 60, 1199, 1200, 1452, 9000, 65000):
                for first in (0x00, 0x40, 0x80, 0xc0, 0xff):
                    sender.sendto(bytes([first]) + os.urandom(size), ("127.0.0.1", server.port))
        server.get(url)


def running_requests_finish_after_a_signal():
    with SelfSigned() as server:
        url = server.hint() + "big.bin"
        # A reader that is held back until the signal was sent: the transfer cannot end before.
        client = subprocess.Popen(
            [harness.program(), "client", "get", *harness.ONLY_VELOCITY, url, "--cacert", server.cacert],
            stdout=subprocess.PIPE, bufsize=0)
        first = client.stdout.read(1000)
        server.process.send_signal(signal.SIGTERM)
        rest = client.communicate(timeout=harness.CLIENT_SECONDS)[0]
        expect(first + rest == (SITE / "big.bin").read_bytes(), "bytes differ")
        expect(client.returncode == 0, client.returncode)
        server.stop()


def a_second_signal_ends_at_once():
    with SelfSigned("--grace", "1000s") as server:
        client = subprocess.Popen(
            [harness.program(), "client", "get", *harness.ONLY_VELOCITY, server.hint() + "big.bin", "--cacert",
             server.cacert], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        client.stdout.read(1000)  # and then no more: the request cannot finish
        server.process.send_signal(signal.SIGINT)
        server.wait_for("a second signal ends at once")
        server.stop(signal.SIGINT)
        _, errors = client.communicate(timeout=harness.CLIENT_SECONDS)
        expect(client.returncode in (18, 56, 95), client.returncode, errors)


def the_time_of_grace_ends():
    with SelfSigned("--grace", "100ms") as server:
        client = subprocess.Popen(
            [harness.program(), "client", "get", *harness.ONLY_VELOCITY, server.hint() + "big.bin", "--cacert",
             server.cacert], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        client.stdout.read(1000)
        server.stop()
        expect("still running" in server.text(), server.text())
        client.communicate(timeout=harness.CLIENT_SECONDS)
        expect(client.returncode in (18, 56, 95), client.returncode)


if __name__ == "__main__":
    harness.run(
        the_printed_command_works, the_wildcards_serve_both_versions_of_ip,
        an_address_to_listen_on_is_certified, the_certificate_is_kept,
        a_profile_list_gets_the_certificate_for_its_strongest,
        the_request_log_has_a_line_for_each, clients_are_hashes_unless_addresses_are_wanted,
        one_certificate_serves_velocity_and_h3, an_ordinary_certificate_goes_in_front,
        keys_may_be_in_the_forms_of_others, clients_go_on_where_the_server_prefers,
        the_connection_log_has_a_line_for_each,
        quiet_logs_nothing, tells_what_is_wrong,
        survives_junk, running_requests_finish_after_a_signal, a_second_signal_ends_at_once,
        the_time_of_grace_ends)
