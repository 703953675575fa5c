# SPDX-License-Identifier: MIT
"""Attackers on the path between a client and a server that speak Velocity/1: they drop, forge and
rewrite datagrams, or hold a classical certificate for the server's name. What they must not reach is
that the client speaks something weaker without saying so (spec/fallback.md, section 3).

The server is on 127.0.0.2 and the attacker on 127.0.0.1, which is localhost, on ports of the same
number: a record and a pin are for a port. VEL-FB-30 to VEL-FB-36, VEL-FB-41.
"""
import contextlib
import itertools
import json
import os
import pathlib
import ssl
import subprocess
import tempfile

import harness
from harness import Server, expect, velocity
from relay import Relay, TcpListener, TcpRelay

TEMPORARY = tempfile.TemporaryDirectory(prefix="velocity-e2e-")
BASE = pathlib.Path(TEMPORARY.name)
SITE = BASE / "site"
PAGE = b"<h1>the real page</h1>\n"
SERVER_HOST = "127.0.0.2"
RECORD_PATH = "/.well-known/velocity-fallback"
VELOCITY = 0x56553102.to_bytes(4, "big")
QUIC_V1, QUIC_V2 = bytes([0, 0, 0, 1]), 0x6B3343CF.to_bytes(4, "big")
PORTS_TRIED = 20


# ---- the world ----

def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


def classical_certificates(folder):
    """A CA of the old kind, whom the client trusts for TLS, and what it signed for localhost."""
    folder.mkdir()
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *key, "-keyout", folder / "ca.key", "-out", folder / "ca.pem", "-days", 2,
            "-subj", "/CN=Compromised CA", "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", *key, "-keyout", folder / "leaf.key", "-out", folder / "leaf.csr",
            "-subj", "/CN=localhost")
    (folder / "ext").write_text("subjectAltName=DNS:localhost\nkeyUsage=critical,digitalSignature\n"
                                "extendedKeyUsage=serverAuth\n")
    openssl("x509", "-req", "-in", folder / "leaf.csr", "-CA", folder / "ca.pem", "-CAkey",
            folder / "ca.key", "-CAcreateserial", "-days", 1, "-out", folder / "leaf.pem",
            "-extfile", folder / "ext")
    return folder / "leaf.pem", folder / "leaf.key"


def hybrid_certificates(name):
    velocity("ca", "init", "--out", BASE / f"{name}-ca")
    velocity("cert", "issue", "--ca", BASE / f"{name}-ca", "--dns", "localhost", "--out", BASE / name)
    return BASE / name / "fullchain.pem", BASE / name / "privkey.pem"


def prepare():
    SITE.mkdir()
    (SITE / "index.html").write_bytes(PAGE)
    real, stranger = hybrid_certificates("real"), hybrid_certificates("stranger")
    classical = classical_certificates(BASE / "classical")
    trust = BASE / "trust.pem"
    trust.write_bytes((BASE / "real-ca" / "ca.pem").read_bytes() +
                      (BASE / "classical" / "ca.pem").read_bytes())
    return real, stranger, classical, trust


# ---- attackers ----

def is_long(datagram):
    return len(datagram) > 6 and datagram[0] & 0x80


def version_of(datagram):
    return datagram[1:5] if is_long(datagram) else None


def drop(_datagram, _number):
    return []


def without_velocity(datagram, _number):
    """Velocity/1's packets with long headers are lost, so its handshake never ends."""
    return [] if version_of(datagram) == VELOCITY else [datagram]


def version_negotiation(hello):
    """What a server answers that speaks QUIC v1 and v2 alone (RFC 9000, 17.2.1)."""
    dcid = hello[6:6 + hello[5]]
    rest = hello[6 + hello[5]:]
    scid = rest[1:1 + rest[0]]
    return (bytes([0x80 | 0x40]) + bytes(4) + bytes([len(scid)]) + scid + bytes([len(dcid)]) + dcid +
            QUIC_V1 + QUIC_V2)


class TlsAttacker(TcpListener):
    """Ends TLS with its own certificate and answers HTTP/1.1: `answer` gets a path and returns status
    and body."""

    def __init__(self, port, certificate, answer):
        super().__init__(port)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*certificate)
        self.context.set_alpn_protocols(["http/1.1"])
        self.answer = answer
        self.asked = []

    def serve(self, connection):
        with self.context.wrap_socket(connection, server_side=True) as stream:
            head = b""
            while chunk := stream.recv(4096):
                head += chunk
                while b"\r\n\r\n" in head:
                    request, head = head.split(b"\r\n\r\n", 1)
                    self.respond(stream, request.split()[1].decode())

    def respond(self, stream, path):
        self.asked.append(path)
        status, body = self.answer(path)
        stream.sendall(f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)


# ---- the client and its surroundings ----

class Scene:
    """A server behind an attacker, and a client with a memory of its own."""

    def __init__(self, folder, *options, certificate=None, **keywords):
        cert, key = certificate or REAL
        self.folder = folder
        self.server = Server(SITE, folder / "server", *options, cert=cert, key=key,
                             listen=keywords.get("listen", f"{SERVER_HOST}:0"))
        self.port = self.server.port

    def get(self, *options, status=0, path="/"):
        """Facts of `client get`, and its output."""
        out = self.folder / "out"
        out.unlink(missing_ok=True)
        done = velocity("client", "get", "--json", "--cacert", TRUST, "-o", out, *options,
                        f"https://localhost:{self.port}{path}", status=status,
                        env={**os.environ, "XDG_STATE_HOME": str(self.folder / "state")})
        facts = json.loads(done.stdout)
        if status == 0:
            expect(out.read_bytes() == PAGE or path != "/", out.read_bytes())
        else:
            expect(not out.exists(), "something was written")
        return facts

    def relay(self, up=None, down=None):
        return Relay(self.port, up, down, server_host=SERVER_HOST, port=self.port)

    def tcp_relay(self):
        return TcpRelay(self.port, server_host=SERVER_HOST, port=self.port)

    def attacker(self, answer):
        return TlsAttacker(self.port, CLASSICAL, answer)

    def meet(self):
        """An authentic contact over Velocity/1, which the ladder would leave on a busy machine."""
        with self.relay():
            facts = self.get(*harness.ONLY_VELOCITY)
        expect(facts["handshake"]["version"] == "velocity/1", facts["handshake"])

    def pin(self):
        """A first authentic contact."""
        self.meet()
        expect(f"localhost {self.port} " in (self.folder / "state/velocity/pins").read_text(), "no pin")
        return self


@contextlib.contextmanager
def scene(*options, **keywords):
    """The attacker needs the server's port on another address: tried until it is free there."""
    with harness.scratch() as folder:
        for number in itertools.count():
            made = Scene(folder / str(number), *options, **keywords)
            try:
                with Relay(1, port=made.port), TcpRelay(1, port=made.port):
                    break
            except OSError:
                made.server.stop()
                expect(number < PORTS_TRIED, "no port is free on both addresses")
        try:
            yield made
        finally:
            made.server.stop()


def refused(facts, reason, **details):
    downgrade = facts["downgrade"]
    expect(downgrade["reason"] == reason and not downgrade["accepted"], facts)
    for name, value in details.items():
        expect(downgrade[name] == value, name, facts)
    expect(facts["error"]["message"], facts)


def accepted(facts, version, **details):
    expect(facts["handshake"]["version"].startswith(version), facts["handshake"])
    for name, value in details.items():
        expect(facts["downgrade"][name] == value, name, facts)


def step(facts, rung):
    return next(row for row in facts["ladder"] if row["rung"] == rung)


# ---- dropping ----

def a_pinned_client_falls_back_with_a_record():
    with scene("--pin-max-age", "1h") as s:
        s.pin()
        with s.relay(without_velocity, without_velocity):
            accepted(s.get(), "quic-v", pinned=True, record="valid", record_check="ok",
                     record_reason="none")


def without_udp_it_gets_the_record_over_tcp():
    with scene("--pin-max-age", "1h") as s:
        s.pin()
        with s.relay(drop, drop), s.tcp_relay():
            for alpn in ("h2", "http/1.1"):
                accepted(s.get("--alpn", f"velocity/1,h3,{alpn}"), "tls1.3", pinned=True,
                         record="valid", record_check="ok")


def a_classical_certificate_beside_is_vouched_for():
    """TLS has a certificate of another CA, as public sites do; the record is the hybrid one's."""
    options = ("--pin-max-age", "1h", "--tls-cert", CLASSICAL[0], "--tls-key", CLASSICAL[1])
    with scene(*options) as s:
        s.pin()
        with s.relay(drop, drop), s.tcp_relay():
            facts = s.get()
            accepted(facts, "tls1.3", pinned=True, record="valid", record_check="ok")
            expect(facts["handshake"]["certificate_bytes"] < 2000, facts["handshake"])


def dropping_everything_denies_service_and_no_more():
    with scene("--pin-max-age", "1h") as s:
        s.pin()
        with s.relay(drop, drop):
            facts = s.get("--alpn", "velocity/1,h3", "--connect-timeout", "2", status=28)
            expect(facts["handshake"] is None, facts)


# ---- an attacker with a classical certificate ----

def not_found(_path):
    return 404, b""


def a_stripped_record_is_a_downgrade():
    with scene("--pin-max-age", "1h") as s:
        s.pin()
        with s.relay(drop, drop), s.attacker(not_found) as attacker:
            refused(s.get(status=121), "pin_without_record", rung="tcp", record="missing")
            expect(attacker.asked == [RECORD_PATH], "the request itself went out", attacker.asked)


def without_a_pin_such_an_attacker_is_not_noticed():
    """What the threat model says in plain words."""
    with scene() as s:
        with s.relay(drop, drop), s.attacker(lambda path: (200, PAGE)):
            accepted(s.get(), "tls1.3", pinned=False, record="unasked")


def a_replayed_record_is_invalid():
    with scene("--pin-max-age", "1h") as s:
        s.pin()
        with s.relay():
            s.get("--alpn", "h3", path=RECORD_PATH)
        record = (s.folder / "out").read_bytes()
        with s.relay(drop, drop), s.attacker(lambda path: (200, record)):
            refused(s.get(status=122), "record_invalid", record="invalid", record_check="exporter")


def rubbish_and_endless_records_are_invalid():
    with scene("--pin-max-age", "1h") as s:
        s.pin()
        for body in (b"", b"<html>", bytes(200000)):
            with s.relay(drop, drop), s.attacker(lambda path, body=body: (200, body)):
                refused(s.get(status=122), "record_invalid", record_check="parse")


def a_strangers_record_is_invalid():
    """Bound to this very connection, by both keys of a certificate that nobody trusts."""
    with scene("--pin-max-age", "1h") as s:
        s.pin()
        with harness.scratch() as folder:
            attacker = Server(SITE, folder, "--tls-cert", CLASSICAL[0], "--tls-key", CLASSICAL[1],
                              cert=STRANGER[0], key=STRANGER[1], listen=f"127.0.0.1:{s.port}")
            try:
                refused(s.get("--alpn", "h3,h2", status=122), "record_invalid",
                        record_check="certificate")
            finally:
                attacker.stop()


# ---- clocks ----

def serve_with_clock(s, seconds):
    """The server again, by another date."""
    s.server.stop()
    shift = pathlib.Path(harness.program()).parent / "clock_shift.so"
    os.environ.update(LD_PRELOAD=str(shift), CLOCK_SHIFT=str(seconds))
    try:
        s.server = Server(SITE, s.folder / f"clock{seconds}", cert=REAL[0], key=REAL[1],
                          listen=f"{SERVER_HOST}:{s.port}")
    finally:
        del os.environ["LD_PRELOAD"], os.environ["CLOCK_SHIFT"]


def expired_and_early_records_are_invalid():
    with scene("--pin-max-age", "1h") as s:
        s.pin()
        for seconds, check in ((-900, "expired"), (900, "not-yet-valid")):
            serve_with_clock(s, seconds)
            with s.relay(without_velocity, without_velocity):
                refused(s.get(status=122), "record_invalid", record_check=check)


# ---- forging ----

def forging(relay_of):
    """Answers Velocity/1's hello with a Version Negotiation packet of its own."""
    def up(datagram, _number):
        if version_of(datagram) != VELOCITY:
            return [datagram]
        relay = relay_of()
        relay.front.sendto(version_negotiation(datagram), relay.client)
        return []
    return up


@contextlib.contextmanager
def forged_negotiation(s, then=lambda datagram: [datagram]):
    found = []
    forge = forging(lambda: found[0])

    def up(datagram, number):
        return [part for passed in forge(datagram, number) for part in then(passed)]
    with s.relay(up) as relay:
        found.append(relay)
        yield relay


def forged_version_negotiation_is_found_by_the_version_list():
    with scene() as s:
        with forged_negotiation(s):
            facts = s.get(status=121)
        refused(facts, "version_listed", rung="h3", version_list="with_velocity", pinned=False)
        expect(step(facts, "velocity/1")["reason"] == "version_negotiation", facts["ladder"])


def a_pin_does_not_change_that():
    with scene("--pin-max-age", "1h") as s:
        s.pin()
        with forged_negotiation(s):
            refused(s.get(status=121), "version_listed")


def forged_version_negotiation_without_a_list_needs_a_record():
    """QUIC is dropped after the forgery, and TLS ended by an attacker: an earlier success tells."""
    with scene() as s:
        s.meet()
        with forged_negotiation(s, then=lambda datagram: []), s.attacker(not_found):
            refused(s.get(status=121), "version_unproved", rung="tcp", expected=True)


def a_stripped_alt_svc_was_remembered():
    """The client learned of Velocity/1 over TCP alone; the attacker ends TLS, tells nothing of it, and
    denies it."""
    with scene() as s:
        with s.tcp_relay():
            expect(s.get("--alpn", "h2")["handshake"]["version"] == "tls1.3", "not over TCP")
        with forged_negotiation(s, then=lambda datagram: []), s.attacker(not_found):
            refused(s.get(status=121), "version_unproved", rung="tcp", expected=True)


def over_tcp_the_record_tells_of_the_forgery():
    with scene() as s:
        s.meet()
        with forged_negotiation(s, then=lambda datagram: []), s.tcp_relay():
            refused(s.get(status=121), "record_listed", rung="tcp", record="valid")


def an_honest_version_negotiation_is_believed():
    with scene("--velocity", "off") as s:
        with s.relay():
            accepted(s.get(), "quic-v", version_negotiation=True, version_list="without_velocity")


def a_server_that_switched_it_off_says_so_in_its_record():
    for word, reason in (("off", "policy_disabled"), ("maintenance", "maintenance_window")):
        with scene("--pin-max-age", "1h") as s:
            s.pin()
            s.server.stop()
            s.server = Server(SITE, s.folder / word, "--velocity", word, cert=REAL[0], key=REAL[1],
                              listen=f"{SERVER_HOST}:{s.port}")
            with s.relay():
                accepted(s.get(), "quic-v", pinned=True, record="valid", record_reason=reason)


# ---- rewriting ----

def with_version(version):
    def change(datagram, _number):
        if version_of(datagram) != VELOCITY:
            return [datagram]
        return [datagram[:1] + version + datagram[5:]]
    return change


def rewritten_initials_never_change_the_version():
    """Versions flipped on the way there, on the way back, and garbage: the attempt fails, and what
    comes instead is judged as always."""
    def garbage(datagram, _number):
        return [bytes(byte ^ 0x5A for byte in datagram)] if version_of(datagram) == VELOCITY else [datagram]
    for up, down in ((with_version(QUIC_V1), None), (None, with_version(QUIC_V2)), (garbage, garbage)):
        with scene("--pin-max-age", "1h") as s:
            s.pin()
            with s.relay(up, down):
                facts = s.get()
            accepted(facts, "quic-v", pinned=True, record="valid")
            expect(step(facts, "velocity/1")["state"] != "won", facts["ladder"])


# ---- pins ----

def insecure_connections_set_no_pin():
    with scene("--pin-max-age", "1h") as s, s.relay():
        s.get("--insecure")
        expect(not (s.folder / "state/velocity/pins").exists(), "a pin was kept")


def fallback_connections_set_no_pin():
    with scene("--pin-max-age", "1h") as s, s.relay():
        s.get("--alpn", "h3")
        expect(not (s.folder / "state/velocity/pins").exists(), "a pin was kept")


def a_server_withdraws_its_pin():
    with scene("--pin-max-age", "1h") as s:
        s.pin()
        s.server.stop()
        s.server = Server(SITE, s.folder / "again", "--pin-max-age", "0", cert=REAL[0], key=REAL[1],
                          listen=f"{SERVER_HOST}:{s.port}")
        s.meet()
        expect("localhost" not in (s.folder / "state/velocity/pins").read_text(), "still pinned")


def a_damaged_pin_file_is_told():
    with scene("--pin-max-age", "1h") as s:
        s.pin()
        pins = s.folder / "state/velocity/pins"
        pins.write_text("rubbish\n")
        with s.relay():
            facts = s.get(status=77)
        expect(str(pins) in facts["error"]["message"], facts["error"])
        expect(pins.read_text() == "rubbish\n", "it was changed")


def options_are_checked():
    for option in (("--velocity", "perhaps"), ("--pin-max-age", "721h"), ("--pin-max-age", "-1")):
        velocity("serve", "--root", SITE, *option, status=2)


REAL, STRANGER, CLASSICAL, TRUST = prepare()
harness.run(a_pinned_client_falls_back_with_a_record,
            without_udp_it_gets_the_record_over_tcp,
            a_classical_certificate_beside_is_vouched_for,
            dropping_everything_denies_service_and_no_more,
            a_stripped_record_is_a_downgrade,
            without_a_pin_such_an_attacker_is_not_noticed,
            a_replayed_record_is_invalid,
            rubbish_and_endless_records_are_invalid,
            a_strangers_record_is_invalid,
            expired_and_early_records_are_invalid,
            forged_version_negotiation_is_found_by_the_version_list,
            a_pin_does_not_change_that,
            forged_version_negotiation_without_a_list_needs_a_record,
            a_stripped_alt_svc_was_remembered,
            over_tcp_the_record_tells_of_the_forgery,
            an_honest_version_negotiation_is_believed,
            a_server_that_switched_it_off_says_so_in_its_record,
            rewritten_initials_never_change_the_version,
            insecure_connections_set_no_pin,
            fallback_connections_set_no_pin,
            a_server_withdraws_its_pin,
            a_damaged_pin_file_is_told,
            options_are_checked)
