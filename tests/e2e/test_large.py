# SPDX-License-Identifier: MIT
"""A large file passes through both programs without staying in either, and a reader that stops
reading stops the sender."""
import contextlib
import hashlib
import itertools
import pathlib
import subprocess
import tempfile
import threading
import time

import harness
from harness import SANITIZED, Server, expect, memory

TEMPORARY = tempfile.TemporaryDirectory(prefix="velocity-e2e-")
BASE = pathlib.Path(TEMPORARY.name)
SITE = BASE / "site"

# Sanitized programs are slow and keep freed memory: a smaller file, and no bound on memory.
SIZE = 64 << 20 if SANITIZED else 1 << 30
MEMORY = 64 << 20   # for either program, from the issue: RssAnon and RssShmem
STALLED = 4 << 20   # what either may grow by while nobody reads
RESTED = 48 << 20   # more than both windows and a pipe hold
SECONDS = 400


def blocks():
    """The content of the file, block by block: cheap to make, and no two blocks are equal."""
    block = hashlib.shake_256(b"large").digest(1 << 20)
    for number in range(SIZE >> 20):
        yield number.to_bytes(8, "big") + block[8:]


def prepare():
    sha = hashlib.sha256()
    SITE.mkdir()
    with open(SITE / "rested.bin", "wb") as file:
        for block in itertools.islice(blocks(), RESTED >> 20):
            file.write(block)
    with open(SITE / "large.bin", "wb") as file:
        for block in blocks():
            file.write(block)
            sha.update(block)
    return sha.hexdigest()


class Watch:
    """Samples the memory of processes until it is left; `most` keeps the largest of each."""

    def __init__(self, **processes):
        self.processes = processes
        self.most = dict.fromkeys(processes, 0)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)

    def work(self):
        while not self.over.wait(0.01):
            for name, process in self.processes.items():
                # An ended process has no memory, or no entry in /proc.
                with contextlib.suppress(FileNotFoundError, ProcessLookupError, TypeError):
                    self.most[name] = max(self.most[name], memory(process.pid))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.over.set()
        self.thread.join()
        for name, most in self.most.items():
            print(f"# {name}: at most {most >> 10} KiB", flush=True)
            if kind is None:
                expect(most > 0, f"{name} was not seen")
                expect(SANITIZED or most < MEMORY, f"{name} held {most >> 10} KiB")


@contextlib.contextmanager
def serving(folder, *options):
    (BASE / folder).mkdir()
    with Server(SITE, BASE / folder, *options) as server:
        yield server


@contextlib.contextmanager
def client_of(server, *options, path="/large.bin"):
    """A client whose output comes through a pipe."""
    client = subprocess.Popen(
        [harness.program(), "client", "get", *harness.ONLY_VELOCITY, server.url(path), "--cacert", server.cacert,
         "--output", "-", *options], stdout=subprocess.PIPE)
    try:
        yield client
    finally:
        client.kill()
        client.wait()
        client.stdout.close()


def drain(client, sha):
    while block := client.stdout.read(1 << 20):
        sha.update(block)
    expect(client.wait(60) == 0, "exit status", client.returncode)
    return sha.hexdigest()


def a_large_file_leaves_no_traces_in_memory():
    with serving("large") as server, client_of(server, "--max-time", f"{SECONDS}s") as client:
        with Watch(server=server.process, client=client):
            started = time.monotonic()
            expect(drain(client, hashlib.sha256()) == DIGEST, "other bytes")
            print(f"# {SIZE >> 20} MiB in {time.monotonic() - started:.1f} s")


def settled(server, client):
    """Wait until nothing moves any more: neither program used the processor for a while. What they
    hold then."""
    def spent():
        return [pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
                for process in (server.process, client)]

    deadline = time.monotonic() + 120
    last, quiet = None, 0
    while quiet < 5:
        expect(time.monotonic() < deadline, "the sender does not stop")
        time.sleep(0.2)
        now = spent()
        quiet = quiet + 1 if now == last else 0
        last = now
    return [memory(process.pid) for process in (server.process, client)]


def a_reader_that_stops_stops_the_sender():
    with serving("stalled") as server, client_of(server, "--max-time", f"{SECONDS}s") as client:
        sha = hashlib.sha256()
        with Watch(server=server.process, client=client):
            sha.update(client.stdout.read(3 << 20))
            before = settled(server, client)
            time.sleep(3)  # nobody reads: nothing may grow meanwhile, however long it is
            after = settled(server, client)
            for name, was, now in zip(("server", "client"), before, after):
                print(f"# {name}: {was >> 10} KiB when stalled, then {now >> 10} KiB")
                expect(SANITIZED or now < was + STALLED, f"{name} grew from {was} to {now}")
            expect(client.poll() is None, "the client ended", client.returncode)
            expect(drain(client, sha) == DIGEST, "other bytes")


def a_reader_that_rests_longer_than_the_idle_timeout():
    with serving("rested", "--idle-timeout", "2s") as server:
        with client_of(server, path="/rested.bin") as client:
            sha = hashlib.sha256(client.stdout.read(1 << 20))
            time.sleep(6)
            expect(client.poll() is None, "the client ended", client.returncode)
            expect(drain(client, sha) == harness.digest(SITE / "rested.bin"), "other bytes")


if __name__ == "__main__":
    DIGEST = prepare()
    harness.run(a_large_file_leaves_no_traces_in_memory, a_reader_that_stops_stops_the_sender,
                a_reader_that_rests_longer_than_the_idle_timeout)
