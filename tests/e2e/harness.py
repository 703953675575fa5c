# SPDX-License-Identifier: MIT
"""What the end-to-end tests share: a server of ours on a free port, the client, and TAP output.

Programs come from $VELOCITY_BIN (a folder or the program itself). A test is a function passed to
run(); it fails by raising, and skips by raising Skip(reason).
"""
import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.parse

# What our client remembers of servers stays inside of one test program.
STATE = tempfile.TemporaryDirectory(prefix="velocity-state-")
os.environ["XDG_STATE_HOME"] = STATE.name

# Tests that are not about the ladder stay off it: on a slow machine a lower rung may be first. A later
# --alpn counts instead.
ONLY_VELOCITY = ("--alpn", "velocity/1")

# Who runs in the background of a shell ignores SIGINT, and so would all that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
START_SECONDS = 30
CLIENT_SECONDS = 300
SANITIZED = os.environ.get("VELOCITY_PRESET") in ("asan", "tsan")


def program():
    given = pathlib.Path(os.environ.get("VELOCITY_BIN", ROOT / "build/release/bin"))
    return str(given / "velocity" if given.is_dir() else given)


class Skip(Exception):
    pass


def run(*tests):
    """Run test functions, printing TAP; exit status 1 when one failed."""
    print(f"1..{len(tests)}", flush=True)
    failed = False
    for number, test in enumerate(tests, 1):
        name = test.__name__.replace("_", " ")
        try:
            test()
            print(f"ok {number} - {name}", flush=True)
        except Skip as reason:
            print(f"ok {number} - {name} # SKIP {reason}", flush=True)
        except Exception:  # a test may fail in any way; the next one still runs
            failed = True
            print(f"not ok {number} - {name}", flush=True)
            for line in traceback.format_exc().splitlines():
                print(f"# {line}", flush=True)
    sys.exit(failed)


def skip_all(reason):
    """Instead of run()."""
    print(f"1..0 # SKIP {reason}", flush=True)
    sys.exit(0)


def velocity(*arguments, status=0, timeout=CLIENT_SECONDS, **options):
    """Run the program to its end, expect an exit status, return the finished process."""
    done = subprocess.run([program(), *map(str, arguments)], capture_output=True, timeout=timeout,
                          check=False, **options)
    if done.returncode != status:
        raise AssertionError(f"velocity {' '.join(map(str, arguments))}\nexit status "
                             f"{done.returncode}, wanted {status}\n{done.stdout[-2000:].decode(errors='replace')}"
                             f"{done.stderr[-4000:].decode(errors='replace')}")
    return done


def expect(condition, *details):
    if not condition:
        raise AssertionError(" ".join(str(detail) for detail in details))


@contextlib.contextmanager
def scratch():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="velocity-e2e-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def issue(folder, *options):
    """A hybrid certificate for localhost and 127.0.0.1 in folder; returns (chain, key)."""
    velocity("cert", "issue", "--dns", "localhost", "--ip", "127.0.0.1", "--out", folder, *options)
    return folder / "fullchain.pem", folder / "privkey.pem"


def memory(pid):
    """Bytes of memory of its own that a process holds now: anonymous and shared, not files."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return sum(int(re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)[1]) * 1024
               for field in ("RssAnon", "RssShmem"))


def children(pid):
    """Process ids of the children of a process, in the order in which they were started."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rsplit(")", 1)[1].split()
            if int(fields[1]) == pid and fields[0] != "Z":
                found.append((int(fields[19]), int(stat.parent.name)))
    return [child for _, child in sorted(found)]


class Server:
    """`velocity serve` on 127.0.0.1, a free port of it by default; ended by its process id. One
    process, unless the options say --workers. `under`: a program and its options that becomes it."""

    killed = False
    host = "localhost"

    def __init__(self, root, folder, *options, cert=None, key=None,
                 listen="127.0.0.1:0", under=()):
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "server.log"
        if cert is None:
            cert, key = issue(folder / "certs")
        self.cacert = cert
        if "--workers" not in options:
            options = ("--workers", "1", *options)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [*under, program(), "serve", "--root", str(root), "--listen", listen, "--cert",
                 str(cert), "--key", str(key), *map(str, options)], stdout=log, stderr=log)
        self.port = self.wait_for_port()

    def wait_for_port(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            found = re.search(r"^serving .* on \S*:(\d+),", self.text(), re.MULTILINE)
            if found and "\nfetch it: " in self.text():  # the last line of what it says at the start
                return int(found[1])
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"the server did not start:\n{self.text()}")

    def wait_for(self, text):
        """Until the server has said it."""
        deadline = time.monotonic() + START_SECONDS
        while text not in self.text():
            if time.monotonic() > deadline:
                raise AssertionError(f"it does not say '{text}':\n{self.text()[-4000:]}")
            time.sleep(0.02)

    def text(self):
        return self.log.read_text(errors="replace")

    def url(self, path="/"):
        return f"https://{self.host}:{self.port}{urllib.parse.quote(path)}"

    def get(self, *arguments, status=0, **options):
        return velocity("client", "get", *ONLY_VELOCITY, "--cacert", self.cacert, *arguments, status=status,
                        **options)

    def facts(self, *arguments, **options):
        return json.loads(self.get("--json", *arguments, **options).stdout)

    def stop(self, how=signal.SIGTERM, status=0, timeout=60):
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            got = self.process.wait(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the server did not end:\n{self.text()[-4000:]}") from None
        if got != status:
            raise AssertionError(f"the server ended with {got}, wanted {status}:\n{self.text()[-8000:]}")

    def kill(self):
        """Without a chance to say goodbye; leaving the block does not ask for a clean end then."""
        self.killed = True
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is None and not self.killed:
            self.stop()
        elif self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Fetch:
    """A client in the middle of a transfer: some bytes have arrived, and most have not left."""

    def __init__(self, server, *options, path="/big.bin", under=()):
        self.process = subprocess.Popen(
            [*under, program(), "client", "get", *ONLY_VELOCITY, server.url(path), "--cacert", server.cacert,
             *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        self.begun = self.process.stdout.read(1000)
        expect(self.begun, "nothing arrived", self.process.poll())

    def end(self):
        """Read the rest; returns exit status, bytes and message."""
        rest, errors = self.process.communicate(timeout=CLIENT_SECONDS)
        return self.process.returncode, self.begun + rest, errors.decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def digest(path):
    sha = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            sha.update(block)
    return sha.hexdigest()


def files(root):
    """Relative paths of all files under root, sorted."""
    return sorted(path.relative_to(root) for path in root.rglob("*") if path.is_file())


def compare(site, fetched):
    """Every file of site is in fetched with the same bytes, and nothing else is."""
    if files(site) != files(fetched):
        raise AssertionError(f"files differ: {set(files(site)) ^ set(files(fetched))}")
    for name in files(site):
        if digest(site / name) != digest(fetched / name):
            raise AssertionError(f"{name}: bytes differ")
