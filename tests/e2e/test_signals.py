# SPDX-License-Identifier: MIT
"""One end goes away in the middle of a transfer: the other one says so, or goes on."""
import os
import pathlib
import signal
import tempfile

import harness
from harness import Fetch, Server, expect

TEMPORARY = tempfile.TemporaryDirectory(prefix="velocity-e2e-")
BASE = pathlib.Path(TEMPORARY.name)
SITE = BASE / "site"
BIG = os.urandom(1 << 20) * 48
FETCHES = 0


def serve(name, *options):
    (BASE / name).mkdir()
    return Server(SITE, BASE / name, *options)


def both_signals_let_running_requests_finish():
    for how in signal.SIGINT, signal.SIGTERM:
        with serve(how.name, "--grace", "1000s") as server, Fetch(server) as fetch:
            server.process.send_signal(how)
            status, got, errors = fetch.end()
            expect(status == 0 and got == BIG, status, len(got), errors)
            server.stop(how)  # which it does not need any more


def nobody_new_gets_in_meanwhile():
    with serve("closing", "--grace", "1000s") as server, Fetch(server) as fetch:
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("a second signal ends at once")
        refused = server.get(server.url("/"), status=7)
        expect("could not connect" in refused.stderr.decode(), refused.stderr)
        status, got, errors = fetch.end()
        expect(status == 0 and got == BIG, status, len(got), errors)


def a_server_that_is_killed():
    """Nothing tells the client: it notices the silence after the idle time-out."""
    with serve("killed", "--idle-timeout", "2s") as server, Fetch(server, "--json", "-o", "-") as fetch:
        server.kill()
        status, got, errors = fetch.end()
        expect(status in (18, 28), status, errors)
        expect(len(got) < len(BIG) and BIG.startswith(got), "bytes that the server did not send")
        expect(f"velocity client get: ({status}) " in errors and '"error"' in errors, errors)


def a_server_that_is_killed_leaves_a_closed_port():
    """Long before the idle time-out, its probes tell the client that nobody is there any more."""
    with serve("gone") as server, Fetch(server) as fetch:
        server.kill()
        status, got, errors = fetch.end()
        expect(status == 18 and "nobody listens there any more" in errors, status, errors)
        expect(len(got) < len(BIG) and BIG.startswith(got), "bytes that the server did not send")


def a_client_that_is_killed():
    with serve("left", "--idle-timeout", "2s") as server:
        for _ in range(3):
            with Fetch(server) as fetch:
                fetch.process.kill()
        expect(server.get(server.url("/big.bin")).stdout == BIG)
        server.stop()  # it does not wait for those who have gone: they time out


def a_client_that_is_interrupted():
    """It has nothing to finish: the default action ends it, and the server goes on."""
    with serve("interrupted") as server:
        for how in signal.SIGINT, signal.SIGTERM:
            with Fetch(server) as fetch:
                fetch.process.send_signal(how)
                status, _, errors = fetch.end()
                expect(status == -how, status, errors)
        expect(server.get(server.url("/big.bin")).stdout == BIG)


def a_reader_that_closes_its_end():
    """As in `velocity client get URL | head`."""
    with serve("closed-pipe") as server:
        with Fetch(server) as fetch:
            fetch.process.stdout.close()
            errors = fetch.process.stderr.read().decode()
            status = fetch.process.wait(harness.CLIENT_SECONDS)
            expect(status == 23 and "(23)" in errors, status, errors)
            fetch.process.stdout = None
        expect(server.get(server.url("/big.bin")).stdout == BIG)


if __name__ == "__main__":
    SITE.mkdir()
    (SITE / "big.bin").write_bytes(BIG)
    harness.run(
        both_signals_let_running_requests_finish, nobody_new_gets_in_meanwhile,
        a_server_that_is_killed, a_server_that_is_killed_leaves_a_closed_port,
        a_client_that_is_killed, a_client_that_is_interrupted,
        a_reader_that_closes_its_end)
