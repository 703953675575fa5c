#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Recompute the published transcripts from spec/velocity-1.md alone, without our C code.

Randomness, transcript hashes, key schedule, packet keys, Finished and exporter (VEL-HS-30,
VEL-HS-31, VEL-HS-32, VEL-HS-33, VEL-HS-35), and a batch's tree (VEL-HS-46). Prints TAP.
"""
import hashlib
import hmac
import pathlib
import struct
import sys

FOLDER = pathlib.Path(__file__).resolve().parent.parent.parent / "spec" / "transcripts"
HASHES = {"SHA256": hashlib.sha256, "SHA384": hashlib.sha384, "SHA512": hashlib.sha512}
KEY_SIZES = {"AES_128_GCM": 16, "AES_256_GCM": 32, "CHACHA20_POLY1305": 32}
MESSAGE_HASH, HELLO_RETRY, SERVER_HELLO, FINISHED = 254, 6, 2, 20


class Differs(Exception):
    """A value of the transcript is not what the specification makes it."""


class Schedule:
    def __init__(self, suite):
        self.hash = HASHES[suite.rsplit("_", 1)[1]]
        self.size = self.hash().digest_size
        self.key_size = next(size for name, size in KEY_SIZES.items() if name in suite)

    def extract(self, salt, secret):
        return hmac.new(salt or bytes(self.size), secret, self.hash).digest()

    def expand(self, secret, info, size):
        out, block, i = b"", b"", 1
        while len(out) < size:
            block = hmac.new(secret, block + info + bytes([i]), self.hash).digest()
            out, i = out + block, i + 1
        return out[:size]

    def label(self, secret, label, context, size):
        full = b"vel1 " + label.encode()
        return self.expand(secret, struct.pack(">H", size) + bytes([len(full)]) + full
                           + bytes([len(context)]) + context, size)

    def derive(self, secret, label, transcript_hash):
        return self.label(secret, label, transcript_hash, self.size)


def read(path):
    """Settings by name, and the messages in order as (sender, bytes)."""
    values, messages = {}, []
    for line in path.read_text().splitlines():
        if line.startswith("#"):
            continue
        name, _, value = line.partition(": ")
        words = name.split()
        if len(words) == 3 and words[1] in ("Initial", "Handshake"):
            messages.append((words[0], bytes.fromhex(value)))
        else:
            values[name] = value
    return values, messages


def check(path):
    values, messages = read(path)
    s = Schedule(values["suite"])

    def same(name, got):
        if got.hex() != values[name]:
            raise Differs(f"{name}: {got.hex()} is not {values[name]}")

    for who in ("client", "server"):
        seed = values[f"{who} seed"].encode()
        position, n = 0, 1
        while f"{who} random {n}" in values:
            size = len(values[f"{who} random {n}"]) // 2
            stream = b"".join(hmac.new(seed, struct.pack(">Q", i), hashlib.sha256).digest()
                              for i in range((position + size) // 32 + 1))
            same(f"{who} random {n}", stream[position:position + size])
            position, n = position + size, n + 1

    def keys(name, secret):
        same(f"{name} key", s.label(secret, "quic key", b"", s.key_size))
        same(f"{name} iv", s.label(secret, "quic iv", b"", 12))
        same(f"{name} hp", s.label(secret, "quic hp", b"", s.key_size))

    nothing = s.hash(b"").digest()
    prologue = b"Velocity/1" + bytes.fromhex(values["wire version"])
    early = s.extract(b"", bytes(s.size))
    same("early secret", early)
    transcript, traffic, finished = prologue, {}, {}
    for sender, message in messages:
        kind = message[0]
        if kind == FINISHED:
            key = s.label(traffic[sender], "finished", b"", s.size)
            verify = hmac.new(key, s.hash(transcript).digest(), s.hash).digest()
            finished[sender] = True
            if message[4:] != verify:
                raise Differs(f"Finished of the {sender}")
        if kind == HELLO_RETRY:
            first = s.hash(transcript).digest()
            transcript = prologue + bytes([MESSAGE_HASH, 0, 0, s.size]) + first
        transcript += message
        if kind == SERVER_HELLO:
            point = s.hash(transcript).digest()
            same("transcript hash to ServerHello", point)
            handshake = s.extract(s.derive(early, "derived", nothing),
                                  bytes.fromhex(values["shared secret"]))
            same("handshake secret", handshake)
            for who in ("client", "server"):
                traffic[who] = s.derive(handshake, f"{who[0]} hs traffic", point)
                same(f"{who} handshake traffic secret", traffic[who])
                keys(f"{who} handshake", traffic[who])
        if kind == FINISHED and sender == "server":
            point = s.hash(transcript).digest()
            same("transcript hash to server Finished", point)
            master = s.extract(s.derive(handshake, "derived", nothing), bytes(s.size))
            for who in ("client", "server"):
                secret = s.derive(master, f"{who[0]} ap traffic", point)
                same(f"{who} application traffic secret", secret)
                keys(f"{who} application", secret)
            exporter = s.derive(master, "exp master", point)
            same("exporter secret", exporter)
    derived = s.derive(exporter, values["exporter label"], nothing)
    context = s.hash(values["exporter context"].encode()).digest()
    same("exported", s.label(derived, "exporter", context, len(values["exported"]) // 2))
    if len(finished) != 2:
        raise Differs("a Finished is missing")


def dual_message(label, use, message):
    """M' (VEL-HS-40)."""
    return (b"VelocityDualSignature2026" + label.encode() + bytes([len(use)]) + use.encode()
            + hashlib.sha512(message).digest())


def climb(leaf, index, count, path):
    """The root (VEL-HS-46), by halves from above: the last of the path is the root's other side."""
    if count == 1:
        if path:
            raise Differs("a path is too long")
        return leaf
    if not path:
        raise Differs("a path is too short")
    half = 1 << (count - 1).bit_length() - 1
    rest, sibling = path[:-1], path[-1]
    if index < half:
        return hashlib.sha512(b"\x01" + climb(leaf, index, half, rest) + sibling).digest()
    return hashlib.sha512(b"\x01" + sibling + climb(leaf, index - half, count - half, rest)).digest()


def check_batch(path):
    values, _ = read(path)
    count = sum(name.startswith("M ") for name in values)
    for i in range(count):
        value = {name: bytes.fromhex(values[f"{name} {i}"]) for name in ("M", "salt", "leaf", "path")}
        single = dual_message(values["signature suite"], values["use"], value["M"])
        if hashlib.sha512(b"\x00" + value["salt"] + single).digest() != value["leaf"]:
            raise Differs(f"leaf {i}")
        nodes = [value["path"][at:at + 64] for at in range(0, len(value["path"]), 64)]
        if climb(value["leaf"], i, count, nodes).hex() != values["root"]:
            raise Differs(f"root from leaf {i}")


def main():
    paths = sorted(FOLDER.glob("*.txt"))
    failed = 0
    print(f"1..{len(paths)}")
    for number, path in enumerate(paths, 1):
        try:
            (check_batch if path.stem == "batch" else check)(path)
            print(f"ok {number} - {path.stem}")
        except Differs as reason:
            failed += 1
            print(f"not ok {number} - {path.stem}: {reason}")
    sys.exit(bool(failed))


main()
