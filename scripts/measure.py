# SPDX-License-Identifier: MIT
"""What the benchmarks in Python share: where programs run, who asks them, their CPU time, and the lines they print."""
import contextlib
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = pathlib.Path(os.environ.setdefault("VELOCITY_BIN", str(ROOT / "build" / "release" / "bin")))
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import peers  # noqa: E402  (the folder and the programs had to be named first)

TICK = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))


class Core(peers.Place):
    """What starts there stays on that core, or those."""

    def __init__(self, *cores):
        super().__init__()
        self.prefix = ["taskset", "--cpu-list", ",".join(map(str, cores))]


SERVER_SIDE, CLIENT_SIDE = Core(CORES[-1]), Core(CORES[0])
BOTH_SIDES = Core(CORES[0], CORES[-1])  # for programs that pin their two processes themselves


def children(pid):
    return [int(child) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()]


def cpu_seconds(pid):
    """Of one process, threads included, since it began."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Nginx(peers.Nginx):
    """Set up for speed, as its documentation advises: GSO, no access log, no limit of requests a connection."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, "quic_gso on;", "keepalive_requests 1000000000;", **named)


@contextlib.contextmanager
def load(place, server, path, connections, requests):
    """bench/load with its HTTP/3 connections there, waiting for ask_all."""
    command = [*place.prefix, PROGRAMS / "load", "--connect", f"127.0.0.1:{server.port}", "--alpn", "h3", "--path",
               path, "--connections", str(connections), "--requests", str(requests), "--hold", "1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as generator:
        if not generator.stdout.readline().startswith("load_connected"):
            sys.exit("bench: a load generator could not connect")
        yield generator


def ask_all(loads, seconds):
    """Let them ask, and wait until they have their answers."""
    for generator in loads:
        print("go", file=generator.stdin, flush=True)
    if any(generator.wait(seconds) != 0 for generator in loads):
        sys.exit("bench: requests failed")


def report(key, samples, unit):
    """One line as cli/bench_measure.h has it."""
    print(f"{key}\t{min(samples):.6g}\t{statistics.median(samples):.6g}\t{max(samples):.6g}\t{unit}",
          flush=True)


def skipped(key, why):
    print(f"bench: skipped: {key}: {why}", file=sys.stderr, flush=True)
