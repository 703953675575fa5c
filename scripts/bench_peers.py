#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One stream, and one request at a time: ours beside nginx, ngtcp2's server and TLS over TCP.

Real programs over loopback, the server's side on one core and the client's on another. All servers
stay up; each round downloads the same file from each in turn, so what the machine does meanwhile
meets all of them, and a ratio is of one round. Goodput is the file's size over the time of the
client's whole process; CPU time is the system's own account of both processes. What the packaged
programs are: scripts/peers.sh --list. The keys are explained in docs/performance.md.

Prints lines as the other benchmarks do (cli/bench_measure.h). A peer that is not there is skipped, and
stderr says so.
"""
import argparse
import contextlib
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

from measure import BOTH_SIDES, CLIENT_SIDE, Nginx, PROGRAMS, SERVER_SIDE, cpu_seconds, peers, report, skipped
import harness

LIMIT = 900  # seconds for one download
SPARE_MIB = 1024  # of memory for the programs, beside the file

# Datagrams of 1,452 bytes, with the headers of UDP and IPv4: nginx finds out that loopback takes 64 kB and
# sends datagrams as long as that, which no network carries.
LINK_MTU = 1452 + 8 + 20
IN_NAMESPACE = "VELOCITY_BENCH_NAMESPACE"


def enter_namespace():
    """Go on in a network namespace whose loopback takes what a network does."""
    if IN_NAMESPACE in os.environ:
        return
    if os.getuid() != 0 or not (shutil.which("unshare") and shutil.which("ip")):
        print("bench: no namespace of our own: nginx may send larger datagrams than others", file=sys.stderr)
        return
    script = f'ip link set lo mtu {LINK_MTU} up && exec "$@"'
    os.environ[IN_NAMESPACE] = "1"
    os.execvp("unshare", ["unshare", "--net", "sh", "-c", script, "sh", sys.executable, *sys.argv])


# ---- downloads --------------------------------------------------------------------------------


def with_velocity(server):
    return [PROGRAMS / "velocity", "client", "get", "--alpn", "velocity/1", "--no-state", "--cacert",
            server.cert, "--output", "/dev/null", peers.url("localhost", server.port, "body")]


def with_curl(flag):
    def command(server):
        return [peers.command("curl-ngtcp2"), "--silent", "--show-error", "--fail", flag, "--cacert",
                server.cert, "--output", "/dev/null", peers.url("localhost", server.port, "body")]
    return command


# name: the server and the client's command
PAIRS = {
    "velocity": (peers.Velocity, with_velocity),
    "velocity_h3_to_curl": (peers.Velocity, with_curl("--http3-only")),
    "ngtcp2_to_curl": (peers.Gtlsserver, with_curl("--http3-only")),
    "nginx_h3_to_curl": (Nginx, with_curl("--http3-only")),
    "nginx_tls_tcp_to_curl": (Nginx, with_curl("--http1.1")),
}
# key: whose goodput over whose
RATIOS = {
    "goodput_over_nginx_h3": ("velocity", "nginx_h3_to_curl"),
    "goodput_over_ngtcp2_curl": ("velocity", "ngtcp2_to_curl"),
    "goodput_over_nginx_tls_tcp": ("velocity", "nginx_tls_tcp_to_curl"),
    "h3_server_over_ngtcp2_to_curl": ("velocity_h3_to_curl", "ngtcp2_to_curl"),
}


def download(server, command, size):
    """(Gbit/s, the server's CPU seconds a GB, the client's) of one download."""
    sending, used = cpu_seconds(server.process.pid), resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    CLIENT_SIDE.run(command(server), server.folder / "client.log", seconds=LIMIT)
    seconds = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    receiving = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    sending = cpu_seconds(server.process.pid) - sending
    return size * 8 / seconds / 1e9, sending / size * 1e9, receiving / size * 1e9


# ---- requests ---------------------------------------------------------------------------------


def measured(*command):
    """{key: median} of what a program of ours prints."""
    done = subprocess.run([*map(str, command)], stdout=subprocess.PIPE, text=True, timeout=LIMIT, check=True)
    return {key: float(median) for key, _, median, *_ in (line.split("\t") for line in done.stdout.splitlines()
                                                         if line.count("\t") == 4)}


def asked_by_load(server, size, requests):
    """Microseconds of one request after another over one connection: (median, 99th of a hundred)."""
    rows = measured(*CLIENT_SIDE.prefix, PROGRAMS / "load", "--connect", f"127.0.0.1:{server.port}", "--alpn", "h3",
                    "--path", f"/{size}", "--connections", "1", "--streams", "1", "--requests", requests)
    return rows["load_latency_median_us"], rows["load_latency_p99_us"]


def asked_of_nobody(requests):
    """The same of two processes that only answer each other's datagrams: what no server can be faster than."""
    rows = measured(*BOTH_SIDES.prefix, PROGRAMS / "bench_echo", "--requests", requests, "--repeat", 1)
    return rows["request_latency_floor"], rows["request_latency_floor_p99"]


def asked_by_curl(name):
    """The same by that curl, as it tells the time of each transfer that found its connection open."""
    def ask(server, size, requests):
        wanted = server.folder / "urls"
        wanted.write_text(f'url = "{peers.url("localhost", server.port, size)}"\noutput = "/dev/null"\n'
                          * (min(requests, CURL_REQUESTS) + 1))
        said = CLIENT_SIDE.run(
            [peers.command(name), "--silent", "--show-error", "--fail", "--http3-only", "--cacert", server.cert,
             "--write-out", "%{num_connects} %{time_total}\n", "--config", wanted],
            server.folder / "client.log", seconds=LIMIT)
        times = sorted(float(line.split()[1]) * 1e6 for line in said.splitlines() if line.startswith("0 "))
        return times[len(times) // 2], times[len(times) * 99 // 100]
    return ask


CURL_REQUESTS = 1000  # of a round: they are on its command line, in a way
# What comes behind the keys of latency: who asks, and for how many bytes.
ASKERS = {
    "": (asked_by_load, 1000),
    "_64k": (asked_by_load, 64000),
    "_curl_ngtcp2": (asked_by_curl("curl-ngtcp2"), 1000),
    "_curl_openssl": (asked_by_curl("curl-openssl"), 1000),
    "_curl_openssl_64k": (asked_by_curl("curl-openssl"), 64000),
}


# ---- the run ----------------------------------------------------------------------------------


def start(stack, folder):
    """{kind: server} of those that can be had."""
    ours, theirs = peers.hybrid(folder / "hybrid"), peers.classical(folder / "classical")
    servers = {}
    for kind in (peers.Velocity, peers.Gtlsserver, Nginx):
        cert, key = ours if kind is peers.Velocity else theirs
        options = ("--quiet", "--workers", "1") if kind is peers.Velocity else ()
        try:
            servers[kind] = stack.enter_context(
                kind(folder / "site", folder / kind.__name__, cert, key, *options, place=SERVER_SIDE))
        except harness.Skip as reason:
            skipped(f"what needs {kind.__name__}", reason)
    return servers


def write_body(path, mib):
    """The file that is downloaded: it has to stay in memory, or the disk is what is measured."""
    if shutil.disk_usage(path.parent).free < mib << 20:
        sys.exit(f"bench_peers: no room for {mib} MiB in {path.parent}: TMPDIR may name another folder, or give --mib")
    available = re.search(r"MemAvailable: *(\d+) kB", pathlib.Path("/proc/meminfo").read_text())
    if available and int(available[1]) >> 10 < mib + SPARE_MIB:
        print("bench: too little memory to hold the file, so the disk is in the figures: give --mib", file=sys.stderr)
    block = os.urandom(1 << 20)
    with open(path, "wb") as body:
        for _ in range(mib):
            body.write(block)
        os.fsync(body.fileno())  # nothing is written any more while it is measured


def playing(servers):
    for name, (kind, command) in PAIRS.items():
        if kind not in servers:
            continue
        try:
            command(servers[kind])
        except harness.Skip as reason:
            skipped(name, reason)
            continue
        yield name


def compare_downloads(servers, mib, repeat):
    results = {name: [] for name in playing(servers)}
    for number in range(1, repeat + 1):
        print(f"bench: downloads of {mib} MiB, round {number} of {repeat}", file=sys.stderr, flush=True)
        for name, rows in results.items():
            kind, command = PAIRS[name]
            rows.append(download(servers[kind], command, mib << 20))
    for key, (mine, theirs) in RATIOS.items():
        if mine in results and theirs in results:
            report(key, [a[0] / b[0] for a, b in zip(results[mine], results[theirs])],
                   "times, round by round")
        else:
            skipped(key, "a peer is missing")
    report("cpu_s_per_gb_send", [row[1] for row in results["velocity"]], "CPU s/GB")
    report("cpu_s_per_gb_receive", [row[2] for row in results["velocity"]], "CPU s/GB")
    for name, rows in results.items():
        report(f"goodput_{name}", [row[0] for row in rows], "Gbit/s")
        if name != "velocity":
            report(f"cpu_s_per_gb_send_{name}", [row[1] for row in rows], "CPU s/GB")
            report(f"cpu_s_per_gb_receive_{name}", [row[2] for row in rows], "CPU s/GB")


FLOOR = "floor"  # among the servers of a round


def report_floor(rounds):
    if Nginx in rounds[0]:
        report("request_latency_floor_over_nginx_h3", [row[FLOOR][0] / row[Nginx][0] for row in rounds],
               "times, round by round: the least that anyone could have")
    report("request_latency_floor", [row[FLOOR][0] for row in rounds], "us")
    report("request_latency_floor_p99", [row[FLOOR][1] for row in rounds], "us")


def compare_latency(servers, requests, repeat):
    kinds = [kind for kind in (peers.Velocity, Nginx) if kind in servers]
    for suffix, (ask, size) in ASKERS.items():
        key = f"request_latency_over_nginx_h3{suffix}"
        try:
            rounds = []
            for _ in range(repeat):
                rounds.append({kind: ask(servers[kind], size, requests) for kind in kinds})
                if suffix == "":
                    rounds[-1][FLOOR] = asked_of_nobody(requests)
        except harness.Skip as reason:
            skipped(key, reason)
            continue
        if Nginx in servers:
            report(key, [row[peers.Velocity][0] / row[Nginx][0] for row in rounds], "times, round by round")
        else:
            skipped(key, "nginx is missing")
        if suffix == "":
            report_floor(rounds)
        for kind in kinds:
            whose = "_nginx_h3" if kind is Nginx else ""
            report(f"request_latency_median{whose}{suffix}", [row[kind][0] for row in rounds], "us")
            report(f"request_latency_p99{whose}{suffix}", [row[kind][1] for row in rounds], "us")


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--mib", type=int, default=7680, help="size of a download (7680, which is 8 GB)")
parser.add_argument("--requests", type=int, default=20000, help="one after another (20000)")
parser.add_argument("--repeat", type=int, default=5, help="rounds (5)")
options = parser.parse_args()
enter_namespace()
with tempfile.TemporaryDirectory(prefix="velocity-bench-") as scratch, contextlib.ExitStack() as stack:
    base = pathlib.Path(scratch)
    (base / "site").mkdir()
    write_body(base / "site" / "body", options.mib)
    for size in {size for _, size in ASKERS.values()}:
        (base / "site" / str(size)).write_bytes(os.urandom(size))
    running = start(stack, base)
    compare_downloads(running, options.mib, options.repeat)
    compare_latency(running, options.requests, options.repeat)
