# SPDX-License-Identifier: MIT
"""Ours with other people's programs (scripts/peers.sh), over HTTP/3, HTTP/2 and HTTP/1.1.

Every body is compared. Other people's programs with each other come first: when that fails, the
fault is not ours.
"""
import os
import pathlib
import tempfile

import harness
import peers

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
    cert, key = peers.classical(BASE / "classical")
    for kind in (peers.Gtlsserver, peers.Nginx, peers.Caddy):
        with kind(SITE, BASE / kind.__name__, cert, key) as server:
            fetched_by(f"gtlsclient-{kind.__name__}",
                       lambda to: peers.gtlsclient("127.0.0.1", server.port, paths(), to))
            for which in ("curl-openssl", "curl-ngtcp2"):
                fetched_by(f"{which}-{kind.__name__}", lambda to: peers.curl(
                    which, "3", "localhost", server.port, paths(), to, cert))


if __name__ == "__main__":
    build_site()
    harness.run(packaged_programs_agree)
