# SPDX-License-Identifier: MIT
"""velocity client get --local: several paths at a time, over real sockets; a network that fails."""
import contextlib
import json
import os
import pathlib
import subprocess
import tempfile

import harness
from harness import Fetch, Server, Skip, expect

TEMPORARY = tempfile.TemporaryDirectory(prefix="velocity-e2e-")
BASE = pathlib.Path(TEMPORARY.name)
SITE = BASE / "site"
BIG = os.urandom(1 << 20) * 48
CERT = None
BOTH = ("--local", "127.0.0.2", "--local", "127.0.0.3")


def serve(name, *options, **more):
    return Server(SITE, BASE / name, *options, cert=CERT[0], key=CERT[1], **more)


def fetch(server, *options):
    """The facts of a download whose bytes are right."""
    body = BASE / "body"
    facts = server.facts("-o", body, *options, server.url("/big.bin"))
    expect(body.read_bytes() == BIG, "the bytes differ")
    return facts["connection"]


def carried(path, least=1 << 20):
    """It may be silent at the end, on a machine that had no time for the last acknowledgement."""
    return path["state"] in ("working", "silent") and path["bytes_received"] > least


def a_download_takes_both_paths():
    """On every worker: a path's packets find the one that has its connection."""
    with serve("both", "--workers", "2", "--paths", "2", "--scheduler", "round-robin") as server:
        for _ in range(6):
            connection = fetch(server, *BOTH)
            paths = connection["multipath"]
            expect([path["path"] for path in paths] == [0, 1], paths)
            expect(all(carried(path) for path in paths), paths)
            expect([path["local"].split(":")[0] for path in paths] == ["127.0.0.2", "127.0.0.3"], paths)


def every_copy_is_as_good_as_another():
    with serve("copies", "--paths", "3", "--scheduler", "redundant") as server:
        connection = fetch(server, *BOTH, "--local", "127.0.0.4", "--scheduler", "redundant")
        expect(len(connection["multipath"]) == 3, connection)


def over_quic_as_well():
    with serve("quic", "--paths", "2", "--scheduler", "round-robin") as server:
        paths = fetch(server, *BOTH, "--alpn", "h3")["multipath"]
        expect(len(paths) == 2 and all(carried(path) for path in paths), paths)


def a_server_that_takes_one_path_gets_one():
    with serve("one") as server:
        connection = fetch(server, *BOTH)
        expect(connection["multipath"] is None, connection)
        expect(connection["local"].startswith("127.0.0.2:"), connection)
        told = server.get("-v", "-o", BASE / "body", *BOTH, server.url("/big.bin")).stderr.decode()
        expect("the server takes one path only" in told, told)


def an_address_that_is_not_ours_is_no_harm():
    with serve("foreign", "--paths", "4") as server:
        paths = fetch(server, "--local", "127.0.0.2", "--local", "192.0.2.1", "--local", "::1")["multipath"]
        expect(len(paths) == 1 and carried(paths[0]), paths)
        connection = fetch(server, "--local", "192.0.2.1", "--local", "127.0.0.2")
        expect(connection["local"].startswith("127.0.0.2:"), connection)


def without_one_that_is_ours_nothing_is_sent_or_remembered():
    """TCP, which would take any address, does not stand in, and the next one tries velocity/1 again."""
    every = ("--alpn", "velocity/1,h3,h2,http/1.1")
    with serve("absent") as server:
        server.host = "127.0.0.1"
        for local in ("192.0.2.1", "::1"):
            server.get(*every, "--local", local, "-o", BASE / "body", server.url("/big.bin"), status=7)
        handshake = server.facts(*every, "-o", BASE / "body", server.url("/big.bin"))["handshake"]
        expect(handshake["protocol"] == "velocity/1", handshake)


# ---- two networks

def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=60)


def inside(namespace):
    return ("ip", "netns", "exec", namespace)


def wire(client, server, number):
    """A network between two namespaces; in the client's one what it sends from its address stays on it."""
    near, far, net = f"vc{number}", f"vs{number}", f"10.77.{number}"
    ip("-n", client, "link", "add", "name", near, "type", "veth", "peer", "name", far, "netns", server)
    for namespace, name, address in ((client, near, f"{net}.2"), (server, far, f"{net}.1")):
        ip("-n", namespace, "addr", "add", f"{address}/24", "dev", name)
        ip("-n", namespace, "link", "set", name, "up")
    table = str(100 + number)
    ip("-n", client, "route", "add", "default", "via", f"{net}.1", "dev", near, "table", table)
    ip("-n", client, "rule", "add", "from", f"{net}.2", "table", table)


def loose(namespace):
    """Packets to an address may come by any interface."""
    for which in ("all", "default"):
        subprocess.run([*inside(namespace), "sh", "-c",
                        f"echo 0 > /proc/sys/net/ipv4/conf/{which}/rp_filter"],
                       check=True, capture_output=True, timeout=60)


@contextlib.contextmanager
def two_networks():
    names = [f"velocity-{os.getpid()}-{side}" for side in ("client", "server")]
    with contextlib.ExitStack() as stack:
        try:
            for name in names:
                ip("netns", "add", name)
                stack.callback(ip, "netns", "del", name)
                loose(name)
            for number in (1, 2):
                wire(*names, number)
        except (OSError, subprocess.CalledProcessError) as error:
            raise Skip(f"no network namespaces: {getattr(error, 'stderr', None) or error}") from None
        yield names


def arrived(client, number):
    """Bytes that came by a network."""
    shown = subprocess.run([*inside(client), "cat", f"/sys/class/net/vc{number}/statistics/rx_bytes"],
                           check=True, capture_output=True, timeout=60)
    return int(shown.stdout)


def read_until_both_are_used(client, download):
    """Most has not left then: the client takes no more than what is read."""
    while min(arrived(client, number) for number in (1, 2)) < 500_000:
        expect(len(download.begun) < len(BIG) // 2, "half of it came by one path")
        download.begun += download.process.stdout.read(256 << 10)


def a_network_fails(number):
    """In the middle of a download: the rest comes by the other one."""
    with two_networks() as (client, far):
        with serve(f"fails-{number}", "--paths", "2", "--scheduler", "round-robin", listen="10.77.1.1:0",
                   under=inside(far)) as server:
            server.host = "10.77.1.1"
            with Fetch(server, "--json", "--output", "-", "--local", "10.77.1.2", "--local", "10.77.2.2",
                       under=inside(client)) as download:
                read_until_both_are_used(client, download)
                ip("-n", client, "link", "set", f"vc{number}", "down")
                status, body, told = download.end()
                expect(status == 0, told)
                expect(body == BIG, "the bytes differ")
                paths = json.loads(told)["connection"]["multipath"]
                expect([path["path"] for path in paths] == [0, 1], paths)
                expect(carried(paths[2 - number]), paths)
                expect(paths[number - 1]["bytes_received"] > 100_000, paths)


def the_first_network_fails():
    a_network_fails(1)


def the_second_network_fails():
    a_network_fails(2)


if __name__ == "__main__":
    SITE.mkdir()
    (SITE / "big.bin").write_bytes(BIG)
    CERT = harness.issue(BASE / "certs", "--ip", "10.77.1.1")
    harness.run(a_download_takes_both_paths, every_copy_is_as_good_as_another, over_quic_as_well,
                a_server_that_takes_one_path_gets_one, an_address_that_is_not_ours_is_no_harm,
                without_one_that_is_ours_nothing_is_sent_or_remembered,
                the_first_network_fails, the_second_network_fails)
