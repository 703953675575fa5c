# SPDX-License-Identifier: MIT
"""The cases of the QUIC interop runner, driven by our own wire: who plays, and how a case is judged.

A cell is one client against one server in one case. It passes when every body is right and the
capture of the server's end shows what the case is about. Where an implementation's options are a
Lacks, it has no way to take that part, and that says why.
"""
import dataclasses
import os
import pathlib
import subprocess

import harness
import peers
import quic_trace
from harness import expect
from quic_crypto import V1, V2

PORT, PREFERRED_PORT = 4433, 4434
CLIENT_HOST, SERVER_HOST, SERVER_HOST6 = "10.0.0.2", "10.0.0.3", "fd00::3"
KIB, MIB = 1 << 10, 1 << 20

CLIENTS = ("velocity", "gtlsclient", "curl-openssl", "curl-ngtcp2")
SERVERS = {"velocity": peers.Velocity, "gtlsserver": peers.Gtlsserver, "nginx": peers.Nginx,
           "caddy": peers.Caddy}


class Lacks(str):
    """Why an implementation cannot play."""


@dataclasses.dataclass
class Case:
    name: str
    what: str
    check: object = None  # called with the Run
    wire: tuple = ()
    sizes: tuple = (KIB,)
    runs: int = 1  # clients one beside the other
    host: str = SERVER_HOST
    clients: dict = dataclasses.field(default_factory=dict)  # options by name; none: no options
    servers: dict = dataclasses.field(default_factory=dict)
    long_chain: bool = False
    seconds: int = 60


class Wire:
    """Two network namespaces and what is between them, while the block runs."""

    def __init__(self, *settings):
        self.settings = settings

    def __enter__(self):
        program = pathlib.Path(harness.program()).with_name("wire")
        self.process = subprocess.Popen([program, *self.settings], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        words = self.process.stdout.readline().split()
        if len(words) != 3:
            said = self.process.stderr.read().strip()
            if self.process.wait() == 77:
                raise harness.Skip(said)
            raise AssertionError(said)
        _, self.client, self.server = words
        return self

    def end(self):
        self.process.stdin.close()
        expect(self.process.wait(10) == 0, self.process.stderr.read())

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()


@dataclasses.dataclass
class Run:
    """What a cell left behind."""
    case: Case
    client: str
    server: str
    folder: pathlib.Path
    datagrams: list

    def trace(self):
        """With secrets: for cases of one connection."""
        logs = [self.folder / "client.keys", self.folder / "server.keys"]
        both = self.folder / "keys"
        both.write_text("\n".join(log.read_text() for log in logs if log.exists()))
        trace = quic_trace.Trace(self.datagrams, both)
        expect(trace.decrypted(True) and trace.decrypted(False), "the capture could not be decrypted")
        return trace

    def plain_trace(self):
        return quic_trace.Trace(self.datagrams)


# ---- judging ----------------------------------------------------------------------------------


def one_handshake(run):
    count = run.plain_trace().connections()
    expect(count == 1, count, "connections, wanted one")


def all_handshakes(run):
    count = run.plain_trace().connections()
    expect(count >= run.case.runs, count, "connections, wanted", run.case.runs)


def patient_handshake(run):
    trace = run.plain_trace()
    expect(trace.connections() == 1, trace.connections(), "connections")
    times = [p.datagram.time for p in trace.of("initial", True)]
    expect(times[-1] - times[0] > 0.5, "the client repeated nothing: the delay did not show")


def chacha_is_used(run):
    suite = run.plain_trace().suite
    expect(suite == 0x1303, f"cipher suite {suite or 0:#x}")


def streams_are_many(run):
    one_handshake(run)


def retry_is_seen(run):
    trace = run.plain_trace()
    retries = trace.of("retry", False)
    expect(retries, "no Retry packet")
    expect(any(p.dcid == retries[0].scid for p in trace.of("initial", True)), "the Retry was not followed")


def keys_change(run):
    trace = run.trace()
    for up in (True, False):
        expect(trace.key_updates(up) > 0, "no key update by the", "client" if up else "server")


def marks_are_counted(run):
    trace = run.trace()
    for up in (True, False):
        side = "client" if up else "server"
        expect(any(d.ecn in (1, 2) for d in run.datagrams if d.up == up), f"the {side} marks nothing")
        expect(any(p.has(quic_trace.ACK_ECN) for p in trace.decrypted(up)), f"the {side} reports no marks")


def threefold_is_kept(run):
    received = sent = most = 0
    for datagram in run.datagrams:
        if datagram.up:
            if any(p.kind == "handshake" for p in quic_trace.Trace([datagram]).packets):
                break
            received += len(datagram.payload)
        else:
            sent += len(datagram.payload)
            most = max(most, sent)
            expect(sent <= 3 * received, sent, "bytes sent for", received)
    expect(most > 2 * 1200, most, "bytes before the address was validated: the chain is too short to tell")


def addresses_change(run):
    sources = {d.source for d in run.datagrams if d.up}
    expect(len(sources) > 1, "the client's address did not change")
    if run.case.name == "rebind-addr":
        expect(len({address for address, _ in sources}) > 1, "the client's port changed alone")
    challenged = {p.datagram.target for p in run.trace().decrypted(False)
                  if p.has(quic_trace.PATH_CHALLENGE)}
    expect(challenged - {run.datagrams[0].source}, "the new path was not challenged")
    one_handshake(run)


def preferred_address_is_used(run):
    trace = run.trace()
    there = [p for p in trace.decrypted(True) if p.datagram.target[1] == PREFERRED_PORT]
    expect(len(there) > 10, len(there), "packets to the preferred address")
    expect(there[0].has(quic_trace.PATH_CHALLENGE), "the preferred address was used before it was tested")
    expect(any(p.has(quic_trace.PATH_RESPONSE) for p in trace.decrypted(False)
               if p.datagram.source[1] == PREFERRED_PORT), "the preferred address did not answer")
    before = {p.dcid for p in trace.decrypted(True) if p.datagram.target[1] == PORT}
    expect(not before & {p.dcid for p in there}, "the connection id did not change")
    one_handshake(run)


def client_moves(run):
    expect(len({d.source for d in run.datagrams if d.up}) > 1, "the client did not move")
    trace = run.trace()
    expect(any(p.has(quic_trace.PATH_RESPONSE) for p in trace.decrypted(False)), "no path was validated")
    expect(len({p.dcid for p in trace.decrypted(True)}) > 1, "the connection id did not change")
    one_handshake(run)


def version_two_is_agreed(run):
    trace = run.plain_trace()
    expect(trace.of("initial", True)[0].version == V1, "the client did not begin with version 1")
    for up in (True, False):
        expect({p.version for p in trace.of("handshake", up)} == {V2}, "the handshake is not version 2")


# ---- the cases --------------------------------------------------------------------------------

CURL = {name: Lacks("curl has no option for it") for name in ("curl-openssl", "curl-ngtcp2")}
CURL_MARKS = {name: Lacks("curl marks no datagram") for name in CURL}
FRAGILE = {"curl-openssl": Lacks("OpenSSL's QUIC hangs or gives up at such rates, with every server here")}
STARVED = {"nginx": Lacks("nginx lets data use up what it may send to a new path, so that now and then its "
                          "challenge never goes: gtlsclient's transfers stop as well")}
GNUTLS_CHACHA = "--ciphers=NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+CHACHA20-POLY1305"
OPENSSL_CHACHA = ("--tls13-ciphers", "TLS_CHACHA20_POLY1305_SHA256")
SLOW = ("delay=15", "rate=10000")

CASES = (
    Case("handshake", "one small file", one_handshake),
    Case("transfer", "three files over one connection", one_handshake, ("delay=5",),
         (2 * MIB, MIB, 500 * KIB)),
    Case("longrtt", "1.5 s there and back", patient_handshake, ("delay=750",)),
    Case("chacha20", "ChaCha20-Poly1305 alone is offered", chacha_is_used, clients={
        "gtlsclient": (GNUTLS_CHACHA,), "curl-openssl": OPENSSL_CHACHA, "curl-ngtcp2": OPENSSL_CHACHA,
        "velocity": OPENSSL_CHACHA}),
    Case("multiplexing", "200 small files over one connection", streams_are_many, ("delay=5",),
         (32,) * 200),
    Case("retry", "the server asks for a token", retry_is_seen, servers={
        "gtlsserver": ("--validate-addr",), "nginx": ("quic_retry on;",),
        "velocity": ("--retry",),
        "caddy": Lacks("a Caddyfile has no option for it")}),
    Case("http3", "files at once", one_handshake, ("delay=5",), (100 * KIB,) * 8),
    Case("blackhole", "nothing passes for two seconds", one_handshake, (*SLOW, "hole=500,2000"), (2 * MIB,)),
    Case("keyupdate", "the client updates its keys", keys_change, ("delay=5",), (3 * MIB,), clients={
        "gtlsclient": ("--key-update=1ms",), **CURL,
        "velocity": ("--key-update", "1ms")}),
    Case("ecn", "both ends mark and report", marks_are_counted, ("delay=5",), (MIB,), clients=CURL_MARKS,
         servers={"nginx": Lacks("nginx neither marks nor reports")}),
    Case("amplificationlimit", "a long chain before the address is validated", threefold_is_kept,
         ("delay=5",), long_chain=True, servers={
             "caddy": Lacks("quic-go sends 3,840 bytes for 1,200: up to a datagram too much")}),
    Case("handshakeloss", "ten handshakes, 30 % lost", all_handshakes, ("delay=15", "drop=30"), runs=10,
         seconds=90, clients={**FRAGILE, "velocity": ("--connect-timeout", "60s")}),
    Case("transferloss", "2 % lost", one_handshake, (*SLOW, "drop=2"), (2 * MIB,)),
    Case("handshakecorruption", "ten handshakes, 30 % damaged", all_handshakes, ("delay=15", "corrupt=30"),
         runs=10, seconds=90, clients={**FRAGILE, "velocity": ("--connect-timeout", "60s")}),
    Case("transfercorruption", "2 % damaged", one_handshake, (*SLOW, "corrupt=2"), (2 * MIB,)),
    Case("ipv6", "over IPv6", one_handshake, host=SERVER_HOST6),
    Case("v2", "from version 1 to version 2 in the handshake", version_two_is_agreed, clients={
        "gtlsclient": ("--available-versions=v2,v1", "--preferred-versions=v2,v1"),
        **CURL}, servers={
        "gtlsserver": ("--preferred-versions=v2,v1", "--available-versions=v2,v1"),
        "nginx": Lacks("nginx knows version 1 alone"),
        "caddy": Lacks("quic-go changes no version within a handshake")}),
    Case("rebind-port", "a NAT gives the client another port, twice", addresses_change,
         (*SLOW, "port=500,700,2"), (2 * MIB,), servers=STARVED),
    Case("rebind-addr", "a NAT gives the client another address, twice", addresses_change,
         (*SLOW, "addr=500,700,2"), (2 * MIB,), servers=STARVED),
    Case("connectionmigration", "the client moves to the server's preferred address",
         preferred_address_is_used, ("delay=5",), (2 * MIB,), clients={
             name: Lacks("curl stays where it is") for name in CURL}, servers={
             "gtlsserver": (f"--preferred-ipv4-addr={SERVER_HOST}:{PREFERRED_PORT}",),
             "velocity": ("--preferred-address", f"{SERVER_HOST}:{PREFERRED_PORT}"),
             "nginx": Lacks("nginx has no option for it"), "caddy": Lacks("caddy has no option for it")}),
    Case("clientmigration", "the client moves to another port on its own", client_moves, SLOW,
         (2 * MIB,), clients={"gtlsclient": ("--change-local-addr=300ms",), **CURL,
                              "velocity": ("--migrate", "300ms")}, servers={
             "nginx": Lacks("while nginx sends, it now and then acknowledges the challenges of a new path "
                            "and answers none")}),
)

# ---- running ----------------------------------------------------------------------------------


class Material:
    """Sites and certificates, made once for all cells."""

    def __init__(self, folder):
        self.folder = folder
        self.classical = peers.classical(folder / "classical")
        self.long = peers.classical_chain(folder / "long", 10)
        self.hybrid = peers.hybrid(folder / "hybrid")

    def site(self, case):
        site = self.folder / f"site-{case.name}"
        if not site.exists():
            site.mkdir()
            for number, size in enumerate(case.sizes):
                (site / f"file{number}").write_bytes(os.urandom(size))
        return site

    def identity(self, case, server):
        """(chain, key, what a client trusts)"""
        if server == "velocity":
            return (*self.hybrid, self.hybrid[0])
        return self.long if case.long_chain else (*self.classical, self.classical[0])


def fetch(case, client, paths, folder, cacert, place):
    options = case.clients.get(client, ())
    common = {"place": place, "seconds": case.seconds}
    if client == "gtlsclient":
        peers.gtlsclient(case.host, PORT, paths, folder, "--timeout=60s", *options, **common)
    elif client == "velocity":
        peers.velocity(case.host, PORT, paths, folder, cacert, "--alpn", "h3", *options, **common)
    else:
        peers.curl(client, "3", case.host, PORT, paths, folder, cacert, *options, **common)


def fetch_all(case, client, site, folder, cacert, place):
    """`runs` clients one beside the other, each its own process and folder."""
    paths = [str(path) for path in harness.files(site)]
    targets = [folder / f"fetched{number}" for number in range(case.runs)]
    with peers.at_once(case.runs) as pool:
        list(pool.map(lambda target: fetch(case, client, paths, target, cacert, place), targets))
    for target in targets:
        harness.compare(site, target)


def run_cell(case, client, server, material, folder):
    """Raises AssertionError when the cell fails, Skip when it cannot be played."""
    folder.mkdir(parents=True)
    site = material.site(case)
    cert, key, cacert = material.identity(case, server)
    capture = folder / "wire.pcap"
    with Wire(*case.wire, f"pcap={capture}", f"seed={len(case.name)}") as wire:
        inside = [peers.Place(namespace, {"SSLKEYLOGFILE": str(folder / f"{side}.keys")})
                  for side, namespace in (("client", wire.client), ("server", wire.server))]
        with SERVERS[server](site, folder, cert, key, *case.servers.get(server, ()), place=inside[1],
                             port=PORT):
            fetch_all(case, client, site, folder, cacert, inside[0])
        wire.end()
    datagrams = quic_trace.read_capture(capture, (PORT, PREFERRED_PORT))
    case.check(Run(case, client, server, folder, datagrams))


def lacking(case, client, server):
    """Why that cell cannot be played, or None."""
    for options in (case.clients.get(client), case.servers.get(server)):
        if isinstance(options, Lacks):
            return options
    return None
