#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run the QUIC interop runner's cases, clients against servers, and print the matrix.

Ours and other people's programs (scripts/peers.sh), in network namespaces with a wire of our own
between them. Needs root. A cell is P (passed), F (failed) or - (the program has no way to play it).
Exit status 1 when a cell failed. Resumption and 0-RTT are left out.
"""
import argparse
import json
import os
import pathlib
import shutil
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
os.environ.setdefault("VELOCITY_BIN", str(ROOT / "build/release/bin"))

import harness  # noqa: E402  (the folder had to be named first)
import interop  # noqa: E402
import peers  # noqa: E402

JOBS = 6  # most of a cell is waiting


def chosen(options):
    for case in interop.CASES:
        for client in options.client:
            for server in options.server:
                if case.name in options.case and (client == "velocity" or server == "velocity"
                                                  or not options.ours):
                    yield case, client, server


class Matrix:
    def __init__(self, keep, keep_all):
        self.keep = keep  # folder for what failed
        self.keep_all = keep_all
        self.results = {}
        self.reasons = {}
        self.lock = threading.Lock()

    def play(self, case, client, server, material, folder):
        key = case.name, client, server
        if reason := interop.lacking(case, client, server):
            self.results[key], self.reasons[key] = "-", reason
            return
        try:
            interop.run_cell(case, client, server, material, folder)
            result, reason = "P", ""
        except harness.Skip as skip:
            result, reason = "-", str(skip)
        except Exception as error:  # whatever it is, the other cells still run
            result, reason = "F", f"{type(error).__name__}: {error}"
        with self.lock:
            self.results[key] = result
            self.reasons[key] = reason
            if result != "P":
                print(f"{result} {case.name}, {client} to {server}: {reason}", flush=True)
        if result == "F" or self.keep_all:
            kept = self.keep / "-".join(key)
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(folder, kept, symlinks=True)
        shutil.rmtree(folder, ignore_errors=True)

    def lines(self, options):
        """One table: a row a case, a column a pair."""
        servers, clients = options.server, options.client
        yield "| case | " + " | ".join(f"{c} to {s}" for s in servers for c in clients) + " |"
        yield "|---|" + "---|" * (len(servers) * len(clients))
        for name in options.case:
            row = [self.results.get((name, c, s), " ") for s in servers for c in clients]
            yield f"| {name} | " + " | ".join(row) + " |"


def main():
    cases = [case.name for case in interop.CASES]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="cases:\n" + "\n".join(f"  {case.name:<20} {case.what}" for case in interop.CASES))
    parser.add_argument("--case", action="append", choices=cases, metavar="NAME")
    parser.add_argument("--client", action="append", choices=interop.CLIENTS)
    parser.add_argument("--server", action="append", choices=interop.SERVERS)
    parser.add_argument("--ours", action="store_true", help="only pairs with ours at one end or both")
    parser.add_argument("--keep", action="store_true", help="keep captures and logs of what passed, too")
    parser.add_argument("--jobs", type=int, default=JOBS, help=f"cells at a time ({JOBS})")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build/artefacts/interop",
                        help="where the matrix and what failed go (build/artefacts/interop)")
    options = parser.parse_args()
    options.case = options.case or cases
    options.client = options.client or interop.CLIENTS
    options.server = options.server or interop.SERVERS

    options.output.mkdir(parents=True, exist_ok=True)
    matrix = Matrix(options.output, options.keep)
    with tempfile.TemporaryDirectory(prefix="velocity-interop-") as scratch:
        base = pathlib.Path(scratch)
        material = interop.Material(base)
        cells = list(chosen(options))
        for case in interop.CASES:
            material.site(case)
        with peers.at_once(options.jobs) as pool:
            for case, client, server in cells:
                pool.submit(matrix.play, case, client, server, material,
                            base / "-".join((case.name, client, server)))
    lines = list(matrix.lines(options))
    print("\n".join(lines))
    (options.output / "matrix.md").write_text("\n".join(lines) + "\n")
    (options.output / "matrix.json").write_text(json.dumps(
        [{"case": c, "client": a, "server": b, "result": r, "reason": matrix.reasons.get((c, a, b), "")}
         for (c, a, b), r in sorted(matrix.results.items())], indent=1))
    return 1 if "F" in matrix.results.values() else 0


if __name__ == "__main__":
    sys.exit(main())
