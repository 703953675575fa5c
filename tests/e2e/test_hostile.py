# SPDX-License-Identifier: MIT
"""Strangers against a running server: it drops what they send, goes on serving, its memory stays
bounded, and it ends with status 0 when asked to."""
import contextlib
import os
import pathlib
import random
import socket
import tempfile

import harness
from harness import SANITIZED, Server, expect, memory, velocity
from relay import Relay

TEMPORARY = tempfile.TemporaryDirectory(prefix="velocity-e2e-")
BASE = pathlib.Path(TEMPORARY.name)
SITE = BASE / "site"
SMALL, BIG = b"<h1>hello</h1>\n", os.urandom(1 << 20) * 2
SEED = int(os.environ.get("VELOCITY_SEED", random.randrange(1 << 32)))
CHANCE = random.Random(SEED)

FLIGHTS = 2_000 if SANITIZED else 20_000  # first flights of the flood
SOURCES = 500 if SANITIZED else 5_000     # loopback addresses that they seem to come from
BATCH = 500                               # flights between two good clients

# What a server may hold at most while strangers do all this. 1,024 half-open handshakes (then every
# newcomer must answer a Retry first) of about 50 kB each, and what it held before.
MEMORY = 96 << 20


def get(server, path="/", port=None, **options):
    return velocity("client", "get", *harness.ONLY_VELOCITY, f"https://localhost:{port or server.port}{path}", "--cacert",
                    server.cacert, "--connect-timeout", "60s", **options).stdout


def record(server):
    """What a client sent for one request, datagram by datagram."""
    with Relay(server.port) as relay:
        expect(get(server, port=relay.port) == SMALL)
        expect(len(relay.passed["up"]) > 4, "too little passed")
        return list(relay.passed["up"])


@contextlib.contextmanager
def stranger(server, address="127.0.0.1"):
    """A function that sends a datagram to the server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((address, 0))

        def send(datagram):
            with contextlib.suppress(ConnectionRefusedError):
                sender.sendto(datagram, ("127.0.0.1", server.port))

        yield send


@contextlib.contextmanager
def unharmed():
    """The server serves, its memory is bounded, and it ends well."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=BASE))
    with Server(SITE, folder) as server:
        yield server
        expect(get(server) == SMALL)
        held = memory(server.process.pid)
        expect(SANITIZED or held < MEMORY, f"it holds {held >> 10} KiB")


class Initial:
    """The parts of a client's first packet that stand in the clear (RFC 9000, 17.2.2)."""

    def __init__(self, datagram):
        self.first, self.version = datagram[:1], datagram[1:5]
        at = 5
        ids = []
        for _ in range(2):
            ids.append(datagram[at + 1:at + 1 + datagram[at]])
            at += 1 + datagram[at]
        self.dcid, self.scid = ids
        expect(datagram[at] == 0, "the first flight has a token")
        self.rest = datagram[at + 1:]  # begins with Length, in two bytes

    def head(self, dcid=None, scid=None):
        dcid, scid = self.dcid if dcid is None else dcid, self.scid if scid is None else scid
        return self.first + self.version + dcid + scid


def with_size(value, size=None):
    """A connection id with its length, which may lie."""
    return bytes([len(value) if size is None else size]) + value


def random_bytes():
    with unharmed() as server, stranger(server) as send:
        version = bytes.fromhex("56553102")
        for size in (0, 1, 4, 5, 6, 7, 20, 21, 22, 60, 255, 1199, 1200, 1452, 9000, 65000):
            for first in (0x00, 0x40, 0x4F, 0x80, 0xC0, 0xC3, 0xD0, 0xE0, 0xF0, 0xFF):
                noise = CHANCE.randbytes(size)
                send(bytes([first]) + noise)
                send(bytes([first]) + version + noise)
                send(bytes([first]) + version + b"\x08" + noise)


def truncated_datagrams():
    with unharmed() as server:
        flight = record(server)
        with stranger(server) as send:
            for datagram in flight:
                for size in range(0, len(datagram), 7):
                    send(datagram[:size])
                    send(datagram[:size].ljust(1200, b"\0"))


def flipped_bits():
    with unharmed() as server:
        flight = record(server)
        with stranger(server) as send:
            for datagram in flight:
                # Each bit of what stands in the clear, and some of the rest.
                places = [*range(8 * min(48, len(datagram))),
                          *(CHANCE.randrange(8 * len(datagram)) for _ in range(200))]
                for place in places:
                    changed = bytearray(datagram)
                    changed[place // 8] ^= 1 << place % 8
                    send(changed)


def replayed_datagrams():
    """Again and again, in order and not, from the same client's port and from others."""
    with unharmed() as server:
        with Relay(server.port) as relay:
            expect(get(server, port=relay.port) == SMALL)
            flight = list(relay.passed["up"])
            for _ in range(20):
                for datagram in CHANCE.sample(flight, len(flight)):
                    relay.back.send(datagram)
        for _ in range(20):
            with stranger(server) as send:
                for datagram in flight:
                    send(datagram)
    requests = server.text().count('"GET')
    expect(requests == 2, f"{requests} requests were answered: one, and one of a good client")


def replays_within_a_connection():
    """Each datagram three times, and an old one besides, while the connection lives."""
    with unharmed() as server:
        past = []

        def replay(datagram, _number):
            past.append(datagram)
            return [datagram, datagram, CHANCE.choice(past), datagram]

        with Relay(server.port, up=replay, down=replay) as relay:
            expect(get(server, "/big.bin", port=relay.port) == BIG, "other bytes")
    requests = server.text().count('"GET')
    expect(requests == 2, f"{requests} requests were answered: one, and one of a good client")


def lengths_that_lie():
    with unharmed() as server:
        first = Initial(record(server)[0])
        numbers = [bytes.fromhex(text) for text in (
            "00", "3f", "40ff", "7fff", "80000000", "bfffffff", "c000000000000000",
            "c0000000ffffffff", "ffffffffffffffff")]
        dcid, scid = with_size(first.dcid), with_size(first.scid)
        with stranger(server) as send:
            for number in numbers:
                for body in first.rest[2:], b"", bytes(1200):
                    send(first.head(dcid, scid) + number + body)                # token length
                    send(first.head(dcid, scid) + b"\0" + number + body)        # packet length
                    send(first.head(dcid, scid) + number + number + body)
            for size in range(256):
                send(first.head(with_size(first.dcid, size), scid) + b"\0" + first.rest)
                send(first.head(dcid, with_size(first.scid, size)) + b"\0" + first.rest)
                send(first.head(with_size(bytes(size)), with_size(bytes(size))) + bytes(1200))


def packets_that_only_servers_send():
    """Version Negotiation, Retry and stateless resets that a client or nobody asked for."""
    with unharmed() as server:
        first = Initial(record(server)[0])
        ids = with_size(first.dcid) + with_size(first.scid)
        with stranger(server) as send:
            for version in bytes(4), first.version, b"\0\0\0\1", b"\x1a\x2a\x3a\x4a":
                for kind in range(0x80, 0x100):
                    send(bytes([kind]) + version + ids + CHANCE.randbytes(CHANCE.randrange(1300)))
            for _ in range(1000):
                send(bytes([0x40 | CHANCE.randrange(64)]) + CHANCE.randbytes(CHANCE.randrange(1300)))


def a_client_is_not_led_astray():
    """Version Negotiation, Retry and noise towards a client, between the server's real answers: it
    completes, and with the right bytes."""
    with unharmed() as server:
        first = Initial(record(server)[0])
        forged = []

        def disturb(datagram, number):
            if number == 0 or number % 3 == 0:
                # The ids of the first packet that the server sent, long header.
                ids = datagram[5:6 + datagram[5]] + with_size(first.dcid)
                forged.append(number)
                return [datagram,
                        b"\xc0" + bytes(4) + ids + b"\0\0\0\1",             # Version Negotiation
                        b"\xf0" + first.version + ids + CHANCE.randbytes(80),  # Retry, wrong tag
                        CHANCE.randbytes(1200), datagram[:-1], datagram + b"\0", datagram]
            return [datagram]

        with Relay(server.port, down=disturb) as relay:
            expect(get(server, "/big.bin", port=relay.port) == BIG, "other bytes")
            expect(len(forged) > 3, "nothing was forged")


def damage_on_the_way_is_repaired():
    with unharmed() as server:
        def damage(datagram, _number):
            if CHANCE.random() < 0.05:
                place = CHANCE.randrange(8 * len(datagram))
                changed = bytearray(datagram)
                changed[place // 8] ^= 1 << place % 8
                return [bytes(changed)]
            return [datagram]

        with Relay(server.port, up=damage, down=damage) as relay:
            expect(get(server, "/big.bin", port=relay.port) == BIG, "other bytes")


def floods_of_first_flights():
    """Half-open handshakes from many addresses, with good clients in between: each is served. Later
    ones of the flood are asked for a Retry, so that they hold no memory."""
    with unharmed() as server:
        flight = [part for part in record(server)[:4] if part[0] & 0x80]
        most, retries = 0, 0
        for start in range(0, FLIGHTS, BATCH):
            with contextlib.ExitStack() as sockets:
                opened = []
                for number in range(start, start + BATCH):
                    source = number % SOURCES
                    sender = sockets.enter_context(
                        socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                    sender.bind((f"127.{1 + source % 7}.{source // 250}.{1 + source % 250}", 0))
                    for part in flight:
                        sender.sendto(part, ("127.0.0.1", server.port))
                    opened.append(sender)
                expect(get(server) == SMALL)
                most = max(most, memory(server.process.pid))
                retries += sum(was_retried(sender) for sender in opened)
        print(f"# {FLIGHTS} flights, {retries} answered with Retry, at most {most >> 10} KiB")
        expect(retries > 0, "nobody was asked for a Retry")
        expect(SANITIZED or most < MEMORY, f"it held {most >> 10} KiB")


def was_retried(sender):
    """A Retry is among the answers that have arrived."""
    sender.setblocking(False)
    with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
        while answer := sender.recv(2048):
            if answer[0] & 0xF0 == 0xF0:
                return True
    return False


if __name__ == "__main__":
    print(f"# VELOCITY_SEED={SEED}")
    SITE.mkdir()
    (SITE / "index.html").write_bytes(SMALL)
    (SITE / "big.bin").write_bytes(BIG)
    harness.run(
        random_bytes, truncated_datagrams, flipped_bits, replayed_datagrams,
        replays_within_a_connection, lengths_that_lie, packets_that_only_servers_send,
        a_client_is_not_led_astray, damage_on_the_way_is_repaired, floods_of_first_flights)
