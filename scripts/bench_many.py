#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""CPU per byte with a thousand streams, and with a thousand connections, over that with one.

bench_many.py [--mib N] [--repeat N]

Runs bench_transfer in turn for each load, so that what the machine does meanwhile meets all of
them, and prints lines as every benchmark does: key, min, median, max, unit.
"""
import argparse
import pathlib
import statistics
import subprocess
import sys

PROGRAM = pathlib.Path(__file__).resolve().parent.parent / "build/release/bin/bench_transfer"
LOADS = {"one": [], "1000_streams": ["--streams", "1000"],
         "1000_connections": ["--connections", "1000"]}
SIDES = ("send", "receive")


def measure(load, mib):
    """{side: CPU seconds per GB} of one round."""
    command = [str(PROGRAM), "--mib", str(mib), "--repeat", "1", *LOADS[load]]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if run.returncode != 0:
        sys.exit(f"bench_many: {' '.join(command)} ended with status {run.returncode}")
    rows = dict(line.split("\t")[:2] for line in run.stdout.splitlines())
    return {side: float(rows[f"{side}_cpu_s_per_gb"]) for side in SIDES}


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--mib", type=int, default=1024)
parser.add_argument("--repeat", type=int, default=5)
options = parser.parse_args()

rounds = [{load: measure(load, options.mib) for load in LOADS} for _ in range(options.repeat)]
for load in list(LOADS)[1:]:
    for side in SIDES:
        ratios = [costs[load][side] / costs["one"][side] for costs in rounds]
        print(f"{side}_cpu_{load}_over_1", f"{min(ratios):.4g}",
              f"{statistics.median(ratios):.4g}", f"{max(ratios):.4g}",
              "CPU per byte, times that of one", sep="\t")
