#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Instructions that a packet of bulk data costs on each side, compared with bench/baseline.json.

instructions.py [--save] [--top N] [--streams N] [--connections N]

bench_transfer runs under callgrind twice, with different amounts of data; the difference is what
the data cost, without handshakes and start. The kernel's part is not in it. Counts hardly depend on
the machine's load, so a change can be judged where times mean nothing; they do depend on compiler,
flags and libraries, so compare builds of one machine. --save makes this run the baseline. With many
streams or connections more data are moved, and the baseline is still that of one.
"""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build" / "release" / "bin" / "bench_transfer"
BASELINE = ROOT / "bench" / "baseline.json"
SMALL, LARGE = 8, 24  # MiB; with many streams or connections eight times that
STREAM_BYTES = 1411   # of a packet in a datagram of 1,452 bytes
# Signing tries until it likes the result, so its cost is a draw: left out.
HANDSHAKE = re.compile(r"ml_dsa|ml_kem|Keccak|sha3|^poly_|_ecp_|^bn_|^BN_")
LINE = re.compile(r"(ob|fl|fi|fe|fn|cfn|cob|cfi|cfl)=(?:\((\d+)\))?(?: ?(.*))?")


def part_of(binary, file):
    """What a function belongs to: a layer of ours, or a library."""
    layer = re.search(r"/src/([a-z]+)/", file)
    if layer:
        return layer[1]
    if binary.endswith("bench_transfer"):
        return "bench" if "/bench/" in file else "libcrypto"
    return pathlib.Path(binary).name.split(".")[0]


def read_profile(path):
    """{(part, function): instructions spent in it} of one callgrind file."""
    names = collections.defaultdict(dict)
    now = {"ob": "", "fl": "", "fn": ""}
    costs = collections.Counter()
    skip = False
    for line in path.read_text(errors="replace").splitlines():
        if line.startswith("calls="):
            skip = True  # the next line is the callee's cost
            continue
        found = LINE.match(line)
        if found:
            key = found[1]
            kind = "ob" if key.endswith("ob") else "fn" if key.endswith("fn") else "file"
            if found[2] and found[3]:
                names[kind][found[2]] = found[3]
            name = names[kind].get(found[2], found[3])
            if key in ("fl", "fi", "fe"):
                now["fl"] = name
            elif not key.startswith("c"):
                now[key] = name
        elif line and line[0] in "0123456789+-*":
            if not skip:
                costs[part_of(now["ob"], now["fl"]), now["fn"]] += int(line.split()[-1])
            skip = False
    return costs


def profile(folder, mib, load):
    """The costs of both processes: the child is the server, which sends."""
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/{mib}.%p",
               str(PROGRAM), "--mib", str(mib), "--repeat", "1", *load]
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if run.wait() != 0:
        sys.exit(f"instructions: {' '.join(command)} ended with status {run.returncode}")
    sides = {}
    for path in pathlib.Path(folder).glob(f"{mib}.*"):
        sides["receive" if path.suffix == f".{run.pid}" else "send"] = read_profile(path)
    return sides


def measure(load):
    """{side: {(part, function): instructions of one packet}}"""
    factor = 8 if load else 1
    with tempfile.TemporaryDirectory() as folder:
        small, large = (profile(folder, factor * mib, load) for mib in (SMALL, LARGE))
    packets = factor * (LARGE - SMALL) * 2**20 / STREAM_BYTES
    for side, costs in large.items():
        costs.subtract(small[side])
    return {side: {key: count / packets for key, count in costs.items()
                   if not HANDSHAKE.search(key[1])}
            for side, costs in large.items()}


def by_part(costs):
    """Parts that cost at least one instruction a packet; their sum is `all`."""
    parts = collections.Counter()
    for (part, _), count in costs.items():
        parts[part] += count
    parts["all"] = sum(parts.values())
    return {part: round(count) for part, count in parts.most_common() if round(count) >= 1}


options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
options.add_argument("--save", action="store_true", help="write bench/baseline.json")
options.add_argument("--top", type=int, default=0, metavar="N", help="also the N dearest functions")
options.add_argument("--streams", metavar="N", help="on each connection")
options.add_argument("--connections", metavar="N")
options = options.parse_args()
load = [f"--{name}={value}" for name, value in vars(options).items()
        if name in ("streams", "connections") and value]
if load and options.save:
    sys.exit("instructions: the baseline is that of one stream of one connection")
load = [part for option in load for part in option.split("=")]

costs = measure(load)
found = {side: by_part(costs[side]) for side in ("send", "receive")}
before = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
print(f"{'instructions a packet':24}{'baseline':>10}{'now':>10}{'change':>9}")
for side, parts in found.items():
    was = before.get(side, {})
    for part in sorted(set(parts) | set(was), key=lambda name: -parts.get(name, 0)):
        old, new = was.get(part), parts.get(part, 0)
        change = f"{100 * (new - old) / old:+8.1f}%" if old else ""
        print(f"{side + ' ' + part:24}{old if old is not None else '-':>10}{new:>10}{change}")
    for (part, function), count in sorted(costs[side].items(), key=lambda i: -i[1])[:options.top]:
        print(f"    {part:12}{function:40}{count:10.0f}")
if options.save:
    BASELINE.write_text(json.dumps(found, indent=2) + "\n")
    print(f"instructions: written to {BASELINE.relative_to(ROOT)}")
