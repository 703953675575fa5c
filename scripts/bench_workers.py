#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Requests for each CPU second of our server's workers: two workers over one, round by round.

worker_scaling_2 is twice that ratio: 2 means that the second worker costs nothing. bench/load asks for
a 1 kB file over 480 connections; CPU time is that of the workers, from the first request to the last,
so neither the handshakes nor what else runs on the machine is in it. worker_share_2 is the larger
part of that time, of the two workers.

Prints lines as the other benchmarks do (bench/measure.h).
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

from measure import PROGRAMS, children, cpu_seconds, peers, report

LIMIT = 300  # seconds for one round
CONNECTIONS = 480  # each lands on a worker as a coin falls: 60:40 is four times the deviation


def workers_of(server, count):
    """Their process ids; one worker has no parent."""
    return children(server.process.pid) if count > 1 else [server.process.pid]


def seconds_used(server, count, requests):
    """CPU seconds of each worker for so many requests."""
    command = [PROGRAMS / "load", "--connect", f"127.0.0.1:{server.port}", "--alpn", "h3", "--path",
               "/small", "--connections", str(CONNECTIONS), "--requests", str(requests)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as load:
        for line in load.stdout:
            if line.startswith("load_connected"):
                pids = workers_of(server, count)
                before = [cpu_seconds(pid) for pid in pids]
        if load.wait(LIMIT) != 0:
            sys.exit("bench_workers: requests failed")
    return [cpu_seconds(pid) - start for pid, start in zip(pids, before)]


def measure(folder, count, requests):
    cert, key = folder / "hybrid" / "fullchain.pem", folder / "hybrid" / "privkey.pem"
    with peers.Velocity(folder / "site", folder / f"workers-{count}", cert, key, "--quiet", "--workers",
                        str(count)) as server:
        used = seconds_used(server, count, requests)
    if len(used) != count:
        sys.exit(f"bench_workers: {len(used)} workers, wanted {count}")
    return requests / sum(used), max(used) / sum(used)


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--requests", type=int, default=200000)
parser.add_argument("--repeat", type=int, default=5)
options = parser.parse_args()
with tempfile.TemporaryDirectory(prefix="velocity-bench-") as scratch:
    base = pathlib.Path(scratch)
    (base / "site").mkdir()
    (base / "site" / "small").write_bytes(os.urandom(1024))
    peers.hybrid(base / "hybrid")
    rounds = [[measure(base, count, options.requests) for count in (1, 2)] for _ in range(options.repeat)]
report("worker_scaling_2", [2 * two[0] / one[0] for one, two in rounds], "of 2, round by round")
report("worker_share_2", [two[1] for _, two in rounds], "of the CPU time, the busier worker")
