#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run the benchmarks one after the other; print them and write build/bench.json.

bench.py [--quick] [--mib N] [--repeat N] [NAME...]

The file is one object: key to {min, median, max, unit}. Figures of one machine at one time compare
with nothing but figures of the same machine and hour.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
PROGRAMS = BUILD / "release" / "bin"

# name: arguments of a --quick run, which only shows that the benchmark works.
BENCHMARKS = {
    "packet": ["--packets", "20000", "--repeat", "2"],
    "handshake": ["--count", "20", "--repeat", "2"],
    "transfer": ["--mib", "32", "--repeat", "2"],
    "many": ["--mib", "32", "--repeat", "1"],
    "idle": ["--connections", "200", "--settle", "2"],
    "requests": ["--requests", "2000", "--repeat", "1"],
    "peers": ["--mib", "64", "--requests", "200", "--repeat", "1"],
    "workers": ["--requests", "2000", "--repeat", "1"],
}
SIZED = ("transfer", "many", "peers")  # those that --mib is for
REPEATED = tuple(name for name in BENCHMARKS if "--repeat" in BENCHMARKS[name])
LIMIT = 1800  # seconds a benchmark may take


def arguments(name, options):
    chosen = list(BENCHMARKS[name]) if options.quick else []
    for flag, value, takers in (("--mib", options.mib, SIZED), ("--repeat", options.repeat, REPEATED)):
        if value is not None and name in takers:
            if flag in chosen:
                at = chosen.index(flag)
                del chosen[at:at + 2]
            chosen += [flag, str(value)]
    return chosen


def measure(name, options):
    """{key: result} of one program, whose lines are: key, min, median, max, unit."""
    script = ROOT / "scripts" / f"bench_{name}.py"
    program = script if script.exists() else PROGRAMS / f"bench_{name}"
    command = [str(program), *arguments(name, options)]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=LIMIT)
    if run.returncode != 0:
        sys.exit(f"bench: {' '.join(command)} ended with status {run.returncode}")
    results = {}
    for line in run.stdout.splitlines():
        key, low, median, high, unit = line.split("\t")
        results[key] = {"min": float(low), "median": float(median), "max": float(high),
                        "unit": unit}
        print(f"{key:44} {float(median):>12,.6g}  ({float(low):,.6g} to {float(high):,.6g})  {unit}",
              flush=True)
    return results


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--quick", action="store_true", help="seconds instead of minutes; no figures")
parser.add_argument("--mib", type=int, help="size of a transfer, of those that move bytes")
parser.add_argument("--repeat", type=int, help="rounds of each benchmark")
parser.add_argument("names", nargs="*", metavar="NAME", help="of: " + ", ".join(BENCHMARKS))
options = parser.parse_args()
unknown = set(options.names) - set(BENCHMARKS)
if unknown:
    parser.error("no such benchmark: " + ", ".join(sorted(unknown)))
if len(os.sched_getaffinity(0)) < 2:
    print("bench: only one core, so both sides of a transfer share it", file=sys.stderr)

found, began = {}, time.monotonic()
chosen = options.names or list(BENCHMARKS)
for number, benchmark in enumerate(chosen, 1):
    print(f"bench: {number} of {len(chosen)}: {benchmark} (after {time.monotonic() - began:.0f} s)",
          file=sys.stderr, flush=True)
    found.update(measure(benchmark, options))
print(f"bench: {time.monotonic() - began:.0f} s in all", file=sys.stderr)
if options.quick or options.names:
    print("bench: not a whole run, so build/bench.json stays as it was")
else:
    (BUILD / "bench.json").write_text(json.dumps(found, indent=2) + "\n")
    print("bench: written to build/bench.json")
