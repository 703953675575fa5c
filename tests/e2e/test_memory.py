# SPDX-License-Identifier: MIT
"""Memory stays bounded: a large file under a small limit, and a reader that does not read."""
import os
import pathlib
import signal
import subprocess
import tempfile
import time

import harness
from harness import Server

LIMIT = 64 << 20  # bytes of memory that is not file pages, for each process
SIZE = 1 << 30
TEMPORARY = tempfile.TemporaryDirectory(prefix="velocity-e2e-")
BASE = pathlib.Path(TEMPORARY.name)
SITE = BASE / "site"


def resident(pid):
    """Bytes of RssAnon and RssShmem; 0 when the process is gone."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    rows = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return sum(int(rows[name].split()[0]) << 10 for name in ("RssAnon", "RssShmem") if name in rows)


def check_limit(**processes):
    for name, process in processes.items():
        used = resident(process.pid)
        if used > LIMIT:
            raise AssertionError(f"the {name} holds {used >> 20} MiB")


def client(**options):
    return subprocess.Popen([harness.program(), "client", "get", "--cacert", str(SERVER.cacert),
                             SERVER.url("/large.bin")], **options)


def a_gibibyte_under_64_mebibytes():
    with open(os.devnull, "wb") as nowhere:
        reader = client(stdout=nowhere)
        while reader.poll() is None:
            check_limit(client=reader, server=SERVER.process)
            time.sleep(0.05)
    if reader.returncode != 0:
        raise AssertionError(f"exit status {reader.returncode}")


def a_stopped_reader_stops_the_sender():
    reader = client(stdout=subprocess.PIPE, bufsize=0)
    left = SIZE - len(reader.stdout.read(1))  # it has begun; nothing more is read
    for _ in range(30):
        check_limit(client=reader, server=SERVER.process)
        time.sleep(0.1)
    while block := reader.stdout.read(1 << 20):  # reading on brings the rest, whole
        left -= len(block)
    reader.wait(harness.CLIENT_SECONDS)
    if left != 0 or reader.returncode != 0:
        raise AssertionError(f"{left} bytes are missing, exit status {reader.returncode}")


def a_frozen_client_costs_the_server_nothing():
    reader = client(stdout=subprocess.PIPE, bufsize=0)
    reader.stdout.read(1)
    reader.send_signal(signal.SIGSTOP)
    for _ in range(20):
        check_limit(server=SERVER.process)
        time.sleep(0.1)
    reader.kill()
    reader.communicate()


if __name__ == "__main__":
    if os.environ.get("VELOCITY_PRESET") == "asan":
        print("1..0 # SKIP the sanitizer's memory is not ours")
    else:
        SITE.mkdir()
        with open(SITE / "large.bin", "wb") as large:
            large.truncate(SIZE)
        with Server(SITE, BASE, "--grace", "0") as SERVER:
            harness.run(a_gibibyte_under_64_mebibytes, a_stopped_reader_stops_the_sender,
                        a_frozen_client_costs_the_server_nothing)
