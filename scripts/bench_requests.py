#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Requests for a 1 kB file over HTTP/3, for each CPU second of the server: ours and nginx in turn.

Both serve the same folder with the same P-256 certificate on one core; bench/load asks from another
(100 connections, 10 requests at a time on each). CPU time is taken from /proc while requests run and
handshakes are over: the load generator says when. nginx is set up for speed as its documentation
advises: one worker, no access log, no limit of requests a connection, GSO, and open files kept.

Prints lines as the other benchmarks do (bench/measure.h).
"""
import argparse
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / "build" / "release" / "bin"
PEERS = pathlib.Path(os.environ.get("VELOCITY_PEERS", ROOT / "build" / "peers"))
START_SECONDS = 20
TICK = os.sysconf("SC_CLK_TCK")

NGINX = """
daemon off; master_process off; worker_processes 1;
pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{
    access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
    open_file_cache max=1000 inactive=60s; open_file_cache_valid 60s;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    server {{
        listen 127.0.0.1:{port} quic reuseport; http3 on; quic_gso on;
        ssl_protocols TLSv1.3; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
        root {folder}/site;
    }}
}}
"""


def cores():
    """One for the server, one for the load; the same when there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[-1], allowed[0]


def free_port():
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def load(port, requests, server=None):
    """Run the generator; CPU seconds of the server from its first request to its last."""
    command = [PROGRAMS / "load", "--connect", f"127.0.0.1:{port}", "--alpn", "h3",
               "--path", "/1k.bin", "--requests", str(requests)]
    _, core = cores()
    with subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True,
                          preexec_fn=lambda: os.sched_setaffinity(0, {core})) as run:
        before = None
        for line in run.stdout:
            if line.startswith("load_connected"):
                before = cpu_seconds(server) if server else 0
        status = run.wait()
    return status, (cpu_seconds(server) - before) if server and before is not None else 0


@contextlib.contextmanager
def served(command, port):
    """A server, once it answers."""
    core, _ = cores()
    server = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL,
                              preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    try:
        deadline = time.monotonic() + START_SECONDS
        while load(port, 1)[0] != 0:
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"bench_requests: {command[0]} does not serve")
        yield server.pid
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def make_folder(folder):
    (folder / "site").mkdir()
    (folder / "site" / "1k.bin").write_bytes(os.urandom(1024))
    os.utime(folder / "site" / "1k.bin", (1e9, 1e9))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / "key.pem", "-out",
                    folder / "cert.pem", "-days", "30", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost"], check=True, stderr=subprocess.DEVNULL)


def ours(folder, port):
    return [PROGRAMS / "velocity", "serve", "--root", folder / "site", "--listen",
            f"127.0.0.1:{port}", "--state", folder / "state", "--tls-cert", folder / "cert.pem",
            "--tls-key", folder / "key.pem", "--quiet", "--workers", "1"]


def nginx(folder, port):
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
    return [PEERS / "bin" / "nginx", "-c", folder / "nginx.conf"]


def rate(server, folder, requests):
    port = free_port()
    with served(server(folder, port), port) as pid:
        status, seconds = load(port, requests, pid)
        if status != 0:
            sys.exit("bench_requests: requests failed")
        return requests / max(seconds, 1 / TICK)


def report(key, samples, unit):
    print(f"{key}\t{min(samples):.6g}\t{statistics.median(samples):.6g}\t{max(samples):.6g}\t{unit}",
          flush=True)


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--requests", type=int, default=400000)
parser.add_argument("--repeat", type=int, default=5)
options = parser.parse_args()
scratch = pathlib.Path(tempfile.mkdtemp(prefix="velocity-bench-"))
try:
    make_folder(scratch)
    peer = (PEERS / "bin" / "nginx").exists()
    mine, theirs = [], []
    for _ in range(options.repeat):
        mine.append(rate(ours, scratch, options.requests))
        if peer:
            theirs.append(rate(nginx, scratch, options.requests))
    report("h3_requests_per_cpu_second", mine, "requests/s of server CPU")
    if peer:
        report("nginx_h3_requests_per_cpu_second", theirs, "requests/s of server CPU")
        report("h3_requests_over_nginx", [a / b for a, b in zip(mine, theirs)],
               "times nginx, round by round")
    else:
        print("bench_requests: no nginx to compare with (make peers)", file=sys.stderr)
finally:
    shutil.rmtree(scratch)
