# SPDX-License-Identifier: MIT
"""Packet protection of QUIC v1 and v2 (RFC 9001 5, RFC 9369 3.3), for reading captures in tests.

Secrets come from key log files. The ciphers are libcrypto's, called through ctypes.
"""
import ctypes
import ctypes.util
import hashlib
import hmac

V1, V2 = 1, 0x6B3343CF
SALTS = {V1: bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"),
         V2: bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9")}
PREFIXES = {V1: "quic", V2: "quicv2"}
# suite: hash, key length, AEAD, cipher of the header mask
SUITES = {
    0x1301: (hashlib.sha256, 16, "EVP_aes_128_gcm", "EVP_aes_128_ecb"),
    0x1302: (hashlib.sha384, 32, "EVP_aes_256_gcm", "EVP_aes_256_ecb"),
    0x1303: (hashlib.sha256, 32, "EVP_chacha20_poly1305", "EVP_chacha20"),
}
TAG = 16
SET_TAG = 0x11  # EVP_CTRL_AEAD_SET_TAG

library = ctypes.CDLL(ctypes.util.find_library("crypto") or "libcrypto.so.3")
for name in ("EVP_CIPHER_CTX_new", *{n for suite in SUITES.values() for n in suite[2:]}):
    getattr(library, name).restype = ctypes.c_void_p
POINTER = ctypes.c_void_p


def expand_label(hash_function, secret, label, length):
    """HKDF-Expand-Label with an empty context (RFC 8446 7.1)."""
    label = b"tls13 " + label.encode()
    info = length.to_bytes(2, "big") + bytes([len(label)]) + label + b"\0"
    block, out, counter = b"", b"", 1
    while len(out) < length:
        block = hmac.new(secret, block + info + bytes([counter]), hash_function).digest()
        out += block
        counter += 1
    return out[:length]


class Context:
    """A decryption with one key, used again and again."""

    def __init__(self, cipher, key, encrypts):
        self.handle = POINTER(library.EVP_CIPHER_CTX_new())
        self.encrypts = encrypts
        library.EVP_CipherInit_ex(self.handle, POINTER(getattr(library, cipher)()), None, key, None,
                                  int(encrypts))

    def __del__(self):
        library.EVP_CIPHER_CTX_free(self.handle)

    def update(self, data):
        out = ctypes.create_string_buffer(len(data) + 32)
        written = ctypes.c_int()
        library.EVP_CipherUpdate(self.handle, out, ctypes.byref(written), data, len(data))
        return out.raw[:written.value]

    def open(self, nonce, associated, sealed):
        """The plain text, or None when it is not authentic."""
        written = ctypes.c_int()
        library.EVP_CipherInit_ex(self.handle, None, None, None, nonce, 0)
        library.EVP_CipherUpdate(self.handle, None, ctypes.byref(written), associated, len(associated))
        plain = self.update(sealed[:-TAG])
        library.EVP_CIPHER_CTX_ctrl(self.handle, SET_TAG, TAG, sealed[-TAG:])
        rest = ctypes.create_string_buffer(32)
        good = library.EVP_CipherFinal_ex(self.handle, rest, ctypes.byref(written))
        return plain if good == 1 else None


class Keys:
    """What opens the packets of one direction and encryption level."""

    def __init__(self, secret, version, suite, mask=None):
        self.secret, self.version, self.suite = secret, version, suite
        self.hash, length, aead, mask_cipher = SUITES[suite]
        prefix = PREFIXES[version]
        self.iv = int.from_bytes(expand_label(self.hash, secret, prefix + " iv", 12), "big")
        self.context = Context(aead, expand_label(self.hash, secret, prefix + " key", length), False)
        self.mask_key = mask or expand_label(self.hash, secret, prefix + " hp", length)
        self.mask_cipher = mask_cipher
        self.mask_context = Context(mask_cipher, self.mask_key, True)

    def updated(self):
        """After a key update; the header key stays (RFC 9001 6.1)."""
        secret = expand_label(self.hash, self.secret, PREFIXES[self.version] + " ku", len(self.secret))
        return Keys(secret, self.version, self.suite, self.mask_key)

    def mask(self, sample):
        if self.mask_cipher == "EVP_chacha20":
            library.EVP_CipherInit_ex(self.mask_context.handle, None, None, None, sample, 1)
            return self.mask_context.update(bytes(5))
        return self.mask_context.update(sample)[:5]

    def open(self, number, associated, sealed):
        nonce = (self.iv ^ number).to_bytes(12, "big")
        return self.context.open(nonce, associated, sealed)


def initial_keys(version, dcid):
    """Of the client and of the server, from the client's Destination Connection ID."""
    root = hmac.new(SALTS[version], dcid, hashlib.sha256).digest()
    return [Keys(expand_label(hashlib.sha256, root, f"{side} in", 32), version, 0x1301)
            for side in ("client", "server")]


def read_key_log(path):
    """{label: [secrets]} of a key log file (RFC 9850), {} when there is none."""
    secrets = {}
    if path.exists():
        for line in path.read_text().splitlines():
            words = line.split()
            if len(words) == 3 and not line.startswith("#"):
                secrets.setdefault(words[0], []).append(bytes.fromhex(words[2]))
    return secrets
