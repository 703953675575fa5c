# SPDX-License-Identifier: MIT
"""What the benchmarks in Python share: where programs run, their CPU time, and the lines they print."""
import os
import pathlib
import statistics
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


def report(key, samples, unit):
    """One line as bench/measure.h has it."""
    print(f"{key}\t{min(samples):.6g}\t{statistics.median(samples):.6g}\t{max(samples):.6g}\t{unit}",
          flush=True)


def skipped(key, why):
    print(f"bench: skipped: {key}: {why}", file=sys.stderr, flush=True)
