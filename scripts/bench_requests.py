#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Requests for a 1 kB file over HTTP/3, for each CPU second of the server: ours and nginx in turn.

Both serve the same folder with the same P-256 certificate on one core; bench/load asks from another
(100 connections, 10 requests at a time on each). CPU time is taken from /proc from the first request to
the last, when handshakes are over. nginx is set up for speed as its documentation advises: one worker, no
access log, no limit of requests a connection, GSO, and open files kept.

Prints lines as the other benchmarks do (cli/bench_measure.h).
"""
import argparse
import contextlib
import os
import pathlib
import tempfile

from measure import CLIENT_SIDE, Nginx, SERVER_SIDE, TICK, ask_all, cpu_seconds, load, peers, report, skipped
import harness

LIMIT = 600  # seconds for one round
CONNECTIONS = 100
OLD = (1e9, 1e9)  # when the file changed last: nobody has to expect that it changes again

# name: its server, and what that is told besides
SERVERS = {
    "": (peers.Velocity, ("--tls-cert", "{cert}", "--tls-key", "{key}", "--quiet", "--workers", "1")),
    "nginx_": (Nginx, ("open_file_cache max=1000 inactive=60s;", "open_file_cache_valid 60s;")),
}


def start(stack, folder):
    """{name: server} of those that can be had."""
    ours, theirs = peers.hybrid(folder / "hybrid"), peers.classical(folder / "classical")
    servers = {}
    for name, (kind, options) in SERVERS.items():
        cert, key = theirs if kind is Nginx else ours
        told = [option.format(cert=theirs[0], key=theirs[1]) for option in options]
        try:
            servers[name] = stack.enter_context(
                kind(folder / "site", folder / kind.__name__, cert, key, *told, place=SERVER_SIDE))
        except harness.Skip as reason:
            skipped("h3_requests_over_nginx", reason)
    return servers


def rate(server, requests):
    with load(CLIENT_SIDE, server, "/1k.bin", CONNECTIONS, requests) as generator:
        before = cpu_seconds(server.process.pid)
        ask_all([generator], LIMIT)
        return requests / max(cpu_seconds(server.process.pid) - before, 1 / TICK)


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--requests", type=int, default=400000, help="of a round (400000)")
parser.add_argument("--repeat", type=int, default=5, help="rounds (5)")
options = parser.parse_args()
with tempfile.TemporaryDirectory(prefix="velocity-bench-") as scratch, contextlib.ExitStack() as stack:
    base = pathlib.Path(scratch)
    (base / "site").mkdir()
    (base / "site" / "1k.bin").write_bytes(os.urandom(1024))
    os.utime(base / "site" / "1k.bin", OLD)
    running = start(stack, base)
    rounds = [{name: rate(server, options.requests) for name, server in running.items()}
              for _ in range(options.repeat)]
    for name in running:
        report(f"{name}h3_requests_per_cpu_second", [row[name] for row in rounds], "requests/s of server CPU")
    if "nginx_" in running:
        report("h3_requests_over_nginx", [row[""] / row["nginx_"] for row in rounds], "times nginx, round by round")
