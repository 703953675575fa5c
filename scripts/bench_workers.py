#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Requests for each CPU second of our server's workers: two workers of one server over one, pair by pair.

worker_scaling_2 is twice that ratio: 2 means that the second worker costs nothing. What is compared differs
in nothing but that: in turn, two servers of one worker each, and one server of two. Each worker stays on a
core of its own, beside two load generators (bench/load, a 1 kB file) of which each asks one of the two
servers, or the one; so a worker has the same number of connections and requests under way, half of them from
its own core, and the same neighbours to share the machine's caches with. (One server of one worker alone
would have a whole machine for itself, and batches of another size.) CPU time is that of the workers, from the
first request to the last: no handshake is in it, and neither is what else runs.

A ratio is of a round and the one before it, whichever was first. worker_share_2 is the larger part of the
time, of the two workers of one server.

Prints lines as the other benchmarks do (cli/bench_measure.h).
"""
import argparse
import contextlib
import itertools
import os
import pathlib
import sys
import tempfile

from measure import CORES, Core, TICK, ask_all, children, cpu_seconds, load, peers, report

LIMIT = 300  # seconds for one round
CONNECTIONS = 480  # each lands on a worker as a coin falls: 60:40 is four times the deviation
SIDES = (CORES[0], CORES[-1])  # a worker on each


def start(stack, folder, workers):
    cert, key = folder / "hybrid" / "fullchain.pem", folder / "hybrid" / "privkey.pem"
    name = tempfile.mkdtemp(prefix="server-", dir=folder)
    return stack.enter_context(peers.Velocity(folder / "site", pathlib.Path(name), cert, key, "--quiet",
                                              "--workers", str(workers)))


def one_each(stack, folder):
    """A server for either side, each of one worker."""
    return [start(stack, folder, 1) for _ in SIDES]


def two_of_one(stack, folder):
    return [start(stack, folder, len(SIDES))] * len(SIDES)


def workers_of(servers):
    """Their process ids; one worker has no parent."""
    return [worker for server in dict.fromkeys(servers)
            for worker in children(server.process.pid) or [server.process.pid]]


def measure(folder, kind, requests):
    """(requests for each CPU second of the workers, the larger part of that time)."""
    with contextlib.ExitStack() as stack:
        servers = kind(stack, folder)
        parts = len(SIDES) ** 2
        loads = [stack.enter_context(load(Core(core), server, "/small", CONNECTIONS // parts, requests // parts))
                 for core in SIDES for server in servers]
        workers = workers_of(servers)
        if len(workers) != len(SIDES):
            sys.exit(f"bench_workers: {len(workers)} workers, wanted {len(SIDES)}")
        for worker, core in zip(workers, SIDES):
            os.sched_setaffinity(worker, {core})
        before = [cpu_seconds(worker) for worker in workers]
        ask_all(loads, LIMIT)
        used = [cpu_seconds(worker) - start for worker, start in zip(workers, before)]
    total = max(sum(used), 1 / TICK)
    return requests / total, max(used) / total


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--requests", type=int, default=1200000, help="of a round, for both workers (1200000)")
parser.add_argument("--repeat", type=int, default=5, help="rounds of each kind (5)")
options = parser.parse_args()
with tempfile.TemporaryDirectory(prefix="velocity-bench-") as scratch:
    base = pathlib.Path(scratch)
    (base / "site").mkdir()
    (base / "site" / "small").write_bytes(os.urandom(1024))
    peers.hybrid(base / "hybrid")
    rounds = []
    for number, kind in zip(range(2 * options.repeat), itertools.cycle((one_each, two_of_one))):
        print(f"bench: requests to {kind.__name__.replace('_', ' ')}, round {number + 1} of {2 * options.repeat}",
              file=sys.stderr, flush=True)
        rounds.append((kind, *measure(base, kind, options.requests)))
ratios = []
for (kind, rate, _), (_, next_rate, _) in itertools.pairwise(rounds):
    ratios.append(2 * (next_rate / rate if kind is one_each else rate / next_rate))
report("worker_scaling_2", ratios, "of 2, each round with the next")
report("worker_share_2", [share for kind, _, share in rounds if kind is two_of_one],
       "of the CPU time, the busier worker")
for kind, key in (one_each, "worker_requests_1"), (two_of_one, "worker_requests_2"):
    report(key, [rate for of, rate, _ in rounds if of is kind], "requests/s of a worker's CPU")
