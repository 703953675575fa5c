#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run the benchmarks one after the other; print them and write build/bench.json.

bench.py [--quick] [--mib N] [--repeat N] [NAME...]

The file is one object: key to {min, median, max, unit}, and for a key that has a goal {goal, met} as well:
the median has to reach it. Figures of one machine at one time compare with nothing but figures of
the same machine and hour.
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
# Only when they are named: minutes each.
ON_REQUEST = {"accept": ["--connections", "200"]}
ALL = {**BENCHMARKS, **ON_REQUEST}
SIZED = ("transfer", "many", "peers")  # those that --mib is for
REPEATED = tuple(name for name in BENCHMARKS if "--repeat" in BENCHMARKS[name])
LIMIT = 3600  # seconds a benchmark may take

# key: what its median has to reach.
GOALS = {
    "goodput_over_nginx_h3": (">=", 3),
    "goodput_over_ngtcp2_curl": (">=", 1.5),
    "goodput_over_nginx_tls_tcp": (">=", 1),
    "h3_server_over_ngtcp2_to_curl": (">=", 1),
    "cpu_s_per_gb_send": ("<=", 0.45),
    "cpu_s_per_gb_receive": ("<=", 0.45),
    "request_latency_over_nginx_h3": ("<=", 0.2),
    "worker_scaling_2": (">=", 1.8),
    "worker_share_2": ("<=", 0.6),
    "send_cpu_1000_streams_over_1": ("<=", 1.2),
    "receive_cpu_1000_streams_over_1": ("<=", 1.2),
    "send_cpu_1000_connections_over_1": ("<=", 1.2),
    "receive_cpu_1000_connections_over_1": ("<=", 1.2),
    "idle_connection_bytes": ("<=", 20000),
    "accept_leaked_bytes": ("<=", 1),
}
# key: the one that says how far it could go on this machine.
BOUNDED_BY = {"request_latency_over_nginx_h3": "request_latency_floor_over_nginx_h3"}


def arguments(name, options):
    chosen = list(ALL[name]) if options.quick else []
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
        print(f"bench: {' '.join(command)} ended with status {run.returncode}", file=sys.stderr)
        failed.append(name)
    results = {}
    for line in run.stdout.splitlines():
        key, low, median, high, unit = line.split("\t")
        results[key] = {"min": float(low), "median": float(median), "max": float(high),
                        "unit": unit}
        print(f"{key:44} {float(median):>12,.6g}  ({float(low):,.6g} to {float(high):,.6g})  {unit}",
              flush=True)
    return results


def judge(found):
    """Say of each result that has a goal whether it was met."""
    for key in GOALS.keys() & found.keys():
        sign, goal = GOALS[key]
        median = found[key]["median"]
        found[key] |= {"goal": f"{sign} {goal:.6g}", "met": median >= goal if sign == ">=" else median <= goal}


def verdict(key, found):
    result, bound = found[key], found.get(BOUNDED_BY.get(key))
    remark = f", and the least here is {bound['median']:.3g}" if bound and not result["met"] else ""
    return ("met" if result["met"] else "missed") + remark


def show_goals(found, whole):
    """A row for each goal; of a part of the benchmarks, for those that it measured."""
    print(f"\n{'':40} {'goal':>10} {'minimum':>10} {'median':>10} {'maximum':>10}")
    for key, (sign, goal) in GOALS.items():
        row = f"{key:40} {sign + f' {goal:,.6g}':>10}"
        if key in found:
            figures = " ".join(f"{found[key][rank]:>10,.5g}" for rank in ("min", "median", "max"))
            print(f"{row} {figures}  {verdict(key, found)}")
        elif whole:
            print(f"{row} {'':32}  not measured")


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--quick", action="store_true", help="seconds instead of minutes; no figures")
parser.add_argument("--mib", type=int, help="size of a transfer, of those that move bytes")
parser.add_argument("--repeat", type=int, help="rounds of each benchmark")
parser.add_argument("names", nargs="*", metavar="NAME",
                    help="of: " + ", ".join(ALL) + "; without one all but " + ", ".join(ON_REQUEST))
options = parser.parse_args()
unknown = set(options.names) - set(ALL)
if unknown:
    parser.error("no such benchmark: " + ", ".join(sorted(unknown)))
if len(os.sched_getaffinity(0)) < 2:
    print("bench: only one core, so both sides of a transfer share it", file=sys.stderr)

found, failed, began = {}, [], time.monotonic()
chosen = options.names or list(BENCHMARKS)
for number, benchmark in enumerate(chosen, 1):
    print(f"bench: {number} of {len(chosen)}: {benchmark} (after {time.monotonic() - began:.0f} s)",
          file=sys.stderr, flush=True)
    found.update(measure(benchmark, options))
print(f"bench: {time.monotonic() - began:.0f} s in all", file=sys.stderr)
judge(found)
show_goals(found, whole=not options.names)
if options.quick or options.names:
    print("bench: not a whole run, so build/bench.json stays as it was")
else:
    (BUILD / "bench.json").write_text(json.dumps(found, indent=2) + "\n")
    print("bench: written to build/bench.json")
if failed:
    sys.exit("bench: failed: " + ", ".join(failed))
