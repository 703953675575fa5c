# SPDX-License-Identifier: MIT
"""What a capture of QUIC v1 and v2 shows: datagrams, packets, and frames where the keys are known."""
import dataclasses
import struct

import quic_crypto
from quic_crypto import V1, V2

LONG_TYPES = {V1: ("initial", "0-rtt", "handshake", "retry"),
              V2: ("retry", "initial", "0-rtt", "handshake")}
PADDING, PING, ACK, ACK_ECN, CRYPTO, NEW_TOKEN = 0x00, 0x01, 0x02, 0x03, 0x06, 0x07
NEW_CONNECTION_ID, PATH_CHALLENGE, PATH_RESPONSE, HANDSHAKE_DONE = 0x18, 0x1A, 0x1B, 0x1E
# Frames that are a row of varints (RFC 9000 19): type and how many.
VARINT_FRAMES = {0x04: 3, 0x05: 2, 0x10: 1, 0x11: 2, 0x12: 1, 0x13: 1, 0x14: 1, 0x15: 2, 0x16: 1,
                 0x17: 1, 0x19: 1}


@dataclasses.dataclass
class Datagram:
    time: float
    up: bool  # from the client's side
    source: tuple  # address as bytes, port
    target: tuple
    ecn: int  # of the IP header: 0 none, 1 ECT(1), 2 ECT(0), 3 CE
    payload: bytes


@dataclasses.dataclass
class Packet:
    datagram: Datagram
    kind: str  # initial, 0-rtt, handshake, retry, negotiation, 1-rtt
    version: int = 0
    dcid: bytes = b""
    scid: bytes = b""
    number: int = -1  # -1: not decrypted
    phase: int = 0  # how many key updates before this packet
    frames: list = dataclasses.field(default_factory=list)  # (type, details)

    @property
    def up(self):
        return self.datagram.up

    def has(self, kind):
        return any(frame[0] == kind for frame in self.frames)


def read_capture(path, server_port):
    """The UDP datagrams of a pcap file of raw IP packets."""
    data, at, found = path.read_bytes(), 24, []
    while at + 16 <= len(data):
        seconds, nanoseconds, size, _ = struct.unpack_from("=IIII", data, at)
        packet = data[at + 16:at + 16 + size]
        at += 16 + size
        if len(packet) < size:
            break  # whoever wrote it was killed
        if packet[0] >> 4 == 4:
            header, ecn, end = 20, packet[1] & 3, 16
            addresses = packet[12:16], packet[16:20]
            protocol = packet[9]
        else:
            header, ecn = 40, packet[1] >> 4 & 3
            addresses = packet[8:24], packet[24:40]
            protocol = packet[6]
        if protocol != 17:
            continue
        ports = struct.unpack_from("!HH", packet, header)
        source, target = zip(addresses, ports)
        found.append(Datagram(seconds + nanoseconds / 1e9, ports[1] in server_port, source, target, ecn,
                              packet[header + 8:]))
    return found


class Bytes:
    """A reader of one packet's payload."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def left(self):
        return len(self.data) - self.at

    def take(self, count):
        if count > self.left():
            raise ValueError("cut off")
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def varint(self):
        first = self.number(1)
        value = first & 0x3F
        for _ in range((1 << (first >> 6)) - 1):
            value = value << 8 | self.number(1)
        return value


def read_ack(r, kind):
    largest, _, count, first = (r.varint() for _ in range(4))
    for _ in range(2 * count):
        r.varint()
    marks = [r.varint() for _ in range(3)] if kind == ACK_ECN else None
    return largest, first, marks


def read_frame(r):
    kind = r.varint()
    if kind in (PADDING, PING, HANDSHAKE_DONE):
        return kind, None
    if kind in (ACK, ACK_ECN):
        return kind, read_ack(r, kind)
    if kind in VARINT_FRAMES:
        return kind, [r.varint() for _ in range(VARINT_FRAMES[kind])]
    if kind == CRYPTO:
        offset = r.varint()
        return kind, (offset, r.take(r.varint()))
    if kind == NEW_TOKEN:
        return kind, r.take(r.varint())
    if 0x08 <= kind <= 0x0F:
        stream = r.varint()
        offset = r.varint() if kind & 4 else 0
        return kind, (stream, offset, r.take(r.varint() if kind & 2 else r.left()))
    if kind == NEW_CONNECTION_ID:
        r.varint(), r.varint()
        cid = r.take(r.number(1))
        r.take(16)
        return kind, cid
    if kind in (PATH_CHALLENGE, PATH_RESPONSE):
        return kind, r.take(8)
    if kind in (0x1C, 0x1D):
        code = r.varint()
        if kind == 0x1C:
            r.varint()
        return kind, (code, r.take(r.varint()))
    if kind in (0x30, 0x31):
        return kind, r.take(r.varint() if kind & 1 else r.left())
    raise ValueError(f"frame type {kind:#x}")


def read_frames(data):
    r, frames = Bytes(data), []
    while r.left() > 0:
        frame = read_frame(r)
        if frame[0] != PADDING:
            frames.append(frame)
    return frames


def preferred_cids(flight):
    """The connection id of a server's preferred_address: a set of one or none."""
    r = Bytes(flight)
    if r.number(1) != 8:  # EncryptedExtensions
        return set()
    r.take(3 + 2)
    while r.left() > 0:
        kind, body = r.number(2), Bytes(r.take(r.number(2)))
        while kind == 0x39 and body.left() > 0:  # quic_transport_parameters
            name, value = body.varint(), Bytes(body.take(body.varint()))
            if name == 0x0D:
                value.take(4 + 2 + 16 + 2)
                return {value.take(value.number(1))}
    return set()


class Trace:
    """Packets of one connection, or of several whose secrets are not needed.

    `key_log` is a path or None. Without secrets only Initial packets have frames.
    """

    def __init__(self, datagrams, key_log=None):
        self.datagrams = datagrams
        self.packets = []
        self.secrets = quic_crypto.read_key_log(key_log) if key_log else {}
        self.initial = {}  # (version, dcid of the client's first): keys of both sides
        self.suite = None
        self.version = V1  # in use after negotiation
        self.levels = {}  # (kind, up): Keys
        self.phases = {True: [], False: []}  # of 1-RTT keys, one after the other
        self.largest = {}
        self.cids = {True: set(), False: set()}  # what packets in that direction are addressed to
        for datagram in datagrams:
            self.read_datagram(datagram)

    def read_datagram(self, datagram):
        r = Bytes(datagram.payload)
        while r.left() > 0:
            start = r.at
            try:
                packet = self.read_long(r, datagram) if r.data[r.at] & 0x80 else self.read_short(r, datagram)
            except ValueError:
                return
            if packet is None:
                return
            self.packets.append(packet)
            if r.at == start:
                return

    def read_long(self, r, datagram):
        start = r.at
        first, version = r.number(1), r.number(4)
        dcid = r.take(r.number(1))
        scid = r.take(r.number(1))
        if version == 0:
            r.take(r.left())
            return Packet(datagram, "negotiation", version, dcid, scid)
        if version not in LONG_TYPES:
            return None
        kind = LONG_TYPES[version][first >> 4 & 3]
        packet = Packet(datagram, kind, version, dcid, scid)
        self.cids[not datagram.up].add(scid)
        if kind == "retry":
            r.take(r.left())
            return packet
        if kind == "initial":
            r.take(r.varint())
        length = r.varint()
        before = r.at
        rest = r.take(length)
        header = r.data[start:before]
        for keys in self.keys_for(packet):
            if self.open(packet, keys, header, rest):
                break
        return packet

    def keys_for(self, packet):
        if packet.kind == "initial":
            if packet.up and (packet.version, packet.dcid) not in self.initial:
                self.initial[packet.version, packet.dcid] = quic_crypto.initial_keys(packet.version, packet.dcid)
            if not packet.up:  # compatible version negotiation keeps the id and changes the salt
                for version, dcid in list(self.initial):
                    if (packet.version, dcid) not in self.initial:
                        self.initial[packet.version, dcid] = quic_crypto.initial_keys(packet.version, dcid)
            return [keys[0 if packet.up else 1] for (version, _), keys in self.initial.items()
                    if version == packet.version]
        if packet.kind == "handshake" and self.suite:
            self.version = packet.version
            return self.level("handshake", "HANDSHAKE_TRAFFIC_SECRET", packet.up)
        return []

    def level(self, kind, label, up):
        if (kind, up) not in self.levels:
            side = "CLIENT" if up else "SERVER"
            self.levels[kind, up] = [
                quic_crypto.Keys(secret, self.version, self.suite)
                for secret in self.secrets.get(f"{side}_{label}", [])]
        return self.levels[kind, up]

    def read_short(self, r, datagram):
        start = r.at
        whole = r.take(r.left())
        packet = Packet(datagram, "1-rtt", self.version)
        cid = max((c for c in self.cids[datagram.up] if whole[1:1 + len(c)] == c), key=len, default=None)
        if cid is None:
            return packet
        packet.dcid = cid
        header = r.data[start:start + 1 + len(cid)]
        self.open_short(packet, header, whole[len(header):])
        return packet

    def open_short(self, packet, header, rest):
        phases = self.phases[packet.up]
        if not phases and self.suite:
            phases += self.level("1-rtt", "TRAFFIC_SECRET_0", packet.up)[-1:]
        for number, keys in reversed(list(enumerate(phases))):
            if self.open(packet, keys, header, rest, number):
                return
        if phases:
            following = phases[-1].updated()
            if self.open(packet, following, header, rest, len(phases)):
                phases.append(following)

    def open(self, packet, keys, header, rest, phase=0):
        """Take off the protection; fills number, phase and frames, and learns from the frames."""
        if len(rest) < 20:
            return False
        mask = keys.mask(rest[4:20])
        first = header[0] ^ mask[0] & (0x0F if header[0] & 0x80 else 0x1F)
        if packet.kind == "1-rtt" and first >> 2 & 1 != phase & 1:
            return False
        size = (first & 3) + 1
        short = bytes(a ^ b for a, b in zip(rest[:size], mask[1:]))
        space = packet.kind, packet.up
        number = self.whole_number(int.from_bytes(short, "big"), 8 * size, self.largest.get(space, -1))
        plain = keys.open(number, bytes([first]) + header[1:] + short, rest[size:])
        if plain is None:
            return False
        self.largest[space] = max(number, self.largest.get(space, -1))
        packet.number, packet.phase = number, phase
        packet.frames = read_frames(plain)
        self.learn(packet)
        return True

    @staticmethod
    def whole_number(short, bits, largest):
        """RFC 9000 A.3."""
        window = 1 << bits
        guess = (largest + 1) & ~(window - 1) | short
        if guess <= largest + 1 - window // 2 and guess < (1 << 62) - window:
            return guess + window
        if guess > largest + 1 + window // 2 and guess >= window:
            return guess - window
        return guess

    def learn(self, packet):
        for kind, details in packet.frames:
            if kind == NEW_CONNECTION_ID:
                self.cids[not packet.up].add(details)
            if kind == CRYPTO and packet.kind == "initial" and not packet.up and details[0] == 0:
                hello = Bytes(details[1])
                if hello.number(1) == 2 and hello.left() > 40:
                    hello.take(3 + 2 + 32)
                    hello.take(hello.number(1))
                    self.suite = hello.number(2)
            if kind == CRYPTO and packet.kind == "handshake" and not packet.up and details[0] == 0:
                self.cids[True] |= preferred_cids(details[1])

    # ---- what tests ask ----

    def of(self, kind, up=None):
        return [p for p in self.packets if p.kind == kind and (up is None or p.up == up)]

    def connections(self):
        """How many handshakes clients began: their own connection ids, and ports where these are empty."""
        return len({p.scid or p.datagram.source for p in self.of("initial", up=True)})

    def decrypted(self, up):
        return [p for p in self.of("1-rtt", up) if p.number >= 0]

    def key_updates(self, up):
        return max((p.phase for p in self.decrypted(up)), default=0)
