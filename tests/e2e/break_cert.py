#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Break one half of a hybrid certificate, for tests of those who must refuse it.

    break_cert.py HOW CERTIFICATE ISSUER_KEYS OUT

HOW is what is wrong with the certificate in OUT:
    classical     the classical signature does not verify; the alternative one does
    alternative   the other way round: changed, and signed again with the issuer's classical key
    unclassical   no classical signature: an empty one; the alternative one verifies
    unsigned      no alternative signature (extension 74 left out), signed again
    missing       no alternative extensions at all (72, 73, 74), signed again
All files are PEM. ISSUER_KEYS is the privkey.pem of the issuer: the CA's, or the certificate's own
when it is self-signed. Needs openssl; the classical key is ECDSA or Ed25519.
"""
import base64
import pathlib
import re
import subprocess
import sys
import tempfile


def element(data, at):
    """(header size, whole size) of the DER element at `at`."""
    first = data[at + 1]
    if first < 0x80:
        return 2, 2 + first
    size = first & 0x7F
    return 2 + size, 2 + size + int.from_bytes(data[at + 2:at + 2 + size], "big")


def children(data):
    """The elements inside the one element that `data` is."""
    at, _ = element(data, 0)
    while at < len(data):
        _, size = element(data, at)
        yield data[at:at + size]
        at += size


def wrap(tag, contents):
    length = len(contents)
    if length < 0x80:
        return bytes([tag, length]) + contents
    digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(digits)]) + digits + contents


def number_of(extension):
    """n of an extension 2.5.29.n, else 0."""
    oid = next(children(extension))
    return oid[4] if len(oid) == 5 and oid[2:4] == b"\x55\x1d" else 0


def edit(tbs, drop, change):
    """The TBSCertificate without the extensions `drop`, a bit in each of `change` changed."""
    *fields, last = children(tbs)
    kept = []
    for extension in children(next(children(last))):
        if number_of(extension) in drop:
            continue
        if number_of(extension) in change:
            extension = extension[:-100] + bytes([extension[-100] ^ 1]) + extension[-99:]
        kept.append(extension)
    return wrap(0x30, b"".join(fields) + wrap(0xA3, wrap(0x30, b"".join(kept))))


def sign(tbs, algorithm, keys):
    digest = {b"\x2a\x86\x48\xce\x3d\x04\x03\x02": "-sha256",
              b"\x2a\x86\x48\xce\x3d\x04\x03\x03": "-sha384"}.get(next(children(algorithm))[2:])
    with tempfile.TemporaryDirectory() as folder:
        message = pathlib.Path(folder, "tbs")
        message.write_bytes(tbs)
        command = (["openssl", "dgst", digest, "-sign", keys, message] if digest else
                   ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", keys, "-in", message])
        return subprocess.run(command, check=True, capture_output=True).stdout


def main(how, certificate, keys, out):
    body = re.search("-----BEGIN CERTIFICATE-----(.*?)-----END",
                     pathlib.Path(certificate).read_text(), re.DOTALL)[1]
    tbs, algorithm, signature = children(base64.b64decode(body))
    if how == "classical":
        signature = signature[:-1] + bytes([signature[-1] ^ 1])
    elif how == "unclassical":
        signature = wrap(0x03, b"\0")
    else:
        drop, change = {"alternative": ((), (74,)), "unsigned": ((74,), ()),
                        "missing": ((72, 73, 74), ())}[how]
        tbs = edit(tbs, drop, change)
        signature = wrap(0x03, b"\0" + sign(tbs, algorithm, keys))
    text = base64.encodebytes(wrap(0x30, tbs + algorithm + signature)).decode()
    pathlib.Path(out).write_text(
        f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
