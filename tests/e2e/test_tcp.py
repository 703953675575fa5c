# SPDX-License-Identifier: MIT
"""The TCP side of the server: HTTP/2 and HTTP/1.1 over TLS 1.3 with other people's clients, plain HTTP,
and what hostile clients get."""
import contextlib
import os
import pathlib
import random
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import time

import harness
from harness import SANITIZED, Server, Skip, expect

TEMPORARY = tempfile.TemporaryDirectory(prefix="velocity-e2e-")
BASE = pathlib.Path(TEMPORARY.name)
SITE = BASE / "site"
FILES = {
    "index.html": b"<h1>hello</h1>\n",
    "empty.txt": b"",
    "small.txt": b"x" * 1000,
    "deep/er/page.html": b"<p>deep</p>\n",
    "big.bin": random.Random(1).randbytes(1 << 20) * 8 + b"end",
}
HEAD_SECONDS = 10
PATIENCE = 60
for name, content in FILES.items():
    (SITE / name).parent.mkdir(parents=True, exist_ok=True)
    (SITE / name).write_bytes(content)


class Plain(Server):
    """With a port of plain HTTP."""

    def __init__(self, where, *options):
        super().__init__(SITE, BASE, "--http", where, *options, cert=SERVER.cacert,
                         key=SERVER.cacert.parent / "privkey.pem")
        self.http = int(re.search(r"^plain HTTP on \S*:(\d+),", self.text(), re.MULTILINE)[1])


def curl(*arguments, status=0, server=None):
    done = subprocess.run(["curl", "-sS", "--max-time", str(PATIENCE), "--cacert",
                           (server or SERVER).cacert, *map(str, arguments)],
                          capture_output=True, check=False)
    expect(done.returncode == status, done.returncode, done.stderr.decode(errors="replace"))
    return done.stdout


def tls(server=None, alpn=("http/1.1",), source=None, check=True):
    """A TLS connection of Python's own."""
    server = server or SERVER
    context = ssl.create_default_context(cafile=server.cacert)
    context.set_alpn_protocols(list(alpn))
    raw = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE,
                                   source_address=(source, 0) if source else None)
    return context.wrap_socket(raw, server_hostname="localhost" if check else None)


def read_all(connection):
    """Until the end, however it comes."""
    data = b""
    try:
        while block := connection.recv(1 << 16):
            data += block
    except (ConnectionResetError, ssl.SSLError):
        pass
    return data


def statuses(data):
    """Of all answers; bodies that look like one do not occur here."""
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d+) ", data)]


def talk(request, **options):
    """Send it, end our direction, return everything that comes."""
    with tls(**options) as connection:
        connection.sendall(request)
        socket.socket.shutdown(connection, socket.SHUT_WR)  # of TCP, while TLS goes on
        return read_all(connection)


GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\n"


def every_file_arrives_over_both_versions():
    for option, version in (("--http2", b"2"), ("--http1.1", b"1.1")):
        for name, content in FILES.items():
            got = curl(option, "--tlsv1.3", "-w", "\n%{http_version} %{response_code}",
                       SERVER.url("/" + name))
            body, _, facts = got.rpartition(b"\n")
            expect(body == content, option, name, "bytes differ")
            expect(facts == version + b" 200", option, name, facts)


def one_connection_serves_many_requests():
    for option in ("--http2", "--http1.1"):
        urls = [SERVER.url(f"/{name}") for name in FILES] * 3
        outputs = [word for _ in urls for word in ("-o", os.devnull)]
        connects = curl(option, "-w", "%{num_connects} ", *outputs, *urls).split()
        expect(sum(map(int, connects)) == 1, option, connects)


def alt_svc_leads_to_the_udp_port():
    want = f'alt-svc: velocity%2F1=":{SERVER.port}"; ma=86400, h3=":{SERVER.port}"; ma=86400'
    for option in ("--http2", "--http1.1"):
        for path in ("/", "/nowhere"):
            head = curl(option, "-o", os.devnull, "-D", "-", SERVER.url(path)).decode()
            expect(want in head.replace("\r", "").split("\n"), option, path, head)


def answers_are_those_of_every_version():
    rows = (("/nowhere", 404), ("/deep", 308), ("/deep/er/", 403), ("/%zz", 400), ("/", 200))
    for option in ("--http2", "--http1.1"):
        for path, status in rows:
            got = curl(option, "--path-as-is", "-o", os.devnull, "-w", "%{response_code}",
                       f"https://localhost:{SERVER.port}{path}")
            expect(int(got) == status, option, path, got)
        part = curl(option, "-r", "100-199", SERVER.url("/big.bin"))
        expect(part == FILES["big.bin"][100:200], option, "range")
        head = curl(option, "-I", SERVER.url("/big.bin")).decode().lower()
        expect(f"content-length: {len(FILES['big.bin'])}" in head, option, head)
        post = curl(option, "--data", "x" * 100, "-o", os.devnull, "-w", "%{response_code}",
                    SERVER.url("/"))
        expect(int(post) == 405, option, post)


def the_log_names_the_protocol():
    for option, protocol in (("--http2", "h2"), ("--http1.1", "http/1.1")):
        curl(option, SERVER.url("/small.txt") + "?" + protocol)
        SERVER.wait_for("?" + protocol)
        line = next(line for line in SERVER.text().splitlines() if "?" + protocol in line)
        expect(line.endswith("ms " + protocol) and " 200 1000 bytes " in line, line)


def h2load_sees_no_failure():
    if shutil.which("h2load") is None:
        raise Skip("no h2load")
    requests = 300 if SANITIZED else 3000
    for protocol in ("h2", "http/1.1"):
        done = subprocess.run(["h2load", "-n", str(requests), "-c", "20", "-m", "10",
                               f"--npn-list={protocol}", SERVER.url("/small.txt")],
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        want = f"requests: {requests} total, {requests} started, {requests} done, " \
               f"{requests} succeeded, 0 failed, 0 errored, 0 timeout"
        expect(want in done.stdout, protocol, done.stdout, done.stderr)


def pipelined_requests_are_answered_in_order():
    data = talk(b"".join(b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % name for name in
                         (b"small.txt", b"index.html", b"nowhere", b"empty.txt")))
    expect(statuses(data) == [200, 200, 404, 200], data)
    expect(data.index(FILES["small.txt"]) < data.index(FILES["index.html"]), data)


def a_half_closed_client_gets_its_answer():
    data = talk(b"GET /big.bin HTTP/1.1\r\nHost: localhost\r\n\r\n")
    expect(data.endswith(FILES["big.bin"]), len(data))


def a_connection_without_alpn_is_http_1_1():
    with tls(alpn=()) as connection:
        connection.sendall(GET + b"Connection: close\r\n\r\n")
        expect(statuses(read_all(connection)) == [200], "no answer")


def oversized_requests_are_refused():
    rows = (
        (b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        (GET + b"X: " + b"a" * 70000 + b"\r\n\r\n", 431),
        (GET + b"".join(b"X%d: y\r\n" % i for i in range(500)) + b"\r\n", 431),
        (GET + b"X: " + b"a" * 2000000, 431),
    )
    for request, status in rows:
        data = talk(request)
        expect(statuses(data) in ([status], []), request[:40], data[:200])  # or cut by the reset
    expect(statuses(talk(rows[1][0])) == [431], "431 is told")


def what_is_refused_before_the_site_sees_it_has_the_fields_of_every_answer():
    """Those that are on an answer of the site, on a session's own as well."""
    def fields(data):
        lines = data.decode().lower().split("\r\n\r\n")[0].split("\r\n")[1:]
        return {line for line in lines if line.split(":")[0] not in own}

    own = ("date", "content-length", "content-type", "connection", "alt-svc", "allow")
    want = fields(talk(b"PUT / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
    expect("x-content-type-options: nosniff" in want and len(want) == 6, want)
    for request, status in ((b"what\r\n\r\n", 400), (b"GET / HTTP/1.1\r\n\r\n", 400),
                            (GET + b"Expect: much\r\n\r\n", 417), (GET + b"X: ", 400)):
        data = talk(request)
        expect(statuses(data) == [status], request, data)
        expect(fields(data) == want, request, data)


def smuggled_requests_are_never_seen():
    secret = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
    rows = (
        POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        POST + b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(secret),
        POST + b"Content-Length: 0, %d\r\n\r\n" % len(secret),
        POST + b"Content-Length: +0\r\n\r\n",
        POST + b"Content-Length : %d\r\n\r\n" % len(secret),
        POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        POST + b"X: y\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"X: y\r\n Content-Length: 0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n0;\n\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nab0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n0\n\n",
        GET + b"Host: other\r\n\r\n",
        b"GET / HTTP/1.1\nHost: localhost\n\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n",
        b"GET /\r\nHost: localhost\r\n\r\n",
    )
    for row in rows:
        got = statuses(talk(row + secret))
        # The site answers a POST before its body is read, and then closes.
        expect(len(got) == 1 and got[0] in (400, 405, 501), row, got)
    expect("/smuggled" not in SERVER.text(), "a hidden request was taken")


def only_tls_1_3_is_spoken():
    context = ssl.create_default_context(cafile=SERVER.cacert)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("127.0.0.1", SERVER.port), timeout=PATIENCE) as raw:
        try:
            context.wrap_socket(raw, server_hostname="localhost")
        except ssl.SSLError as error:
            expect("PROTOCOL_VERSION" in str(error).upper(), error)
        else:
            raise AssertionError("TLS 1.2 was accepted")


def rubbish_on_the_port_is_dropped():
    noise = random.Random(2)
    starts = (b"", GET + b"\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x80\x2e\x01",
              b"SSH-2.0-x\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    before = harness.memory(SERVER.process.pid)
    for start in starts * 20:
        with socket.create_connection(("127.0.0.1", SERVER.port), timeout=PATIENCE) as raw:
            try:
                raw.sendall(start + noise.randbytes(noise.randrange(2000)))
                raw.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            read_all(raw)
    grown = harness.memory(SERVER.process.pid) - before
    expect(grown < (64 << 20 if SANITIZED else 8 << 20), "memory grew by", grown)
    expect(curl(SERVER.url("/")) == FILES["index.html"], "the server no longer serves")


def slow_readers_hold_little_memory():
    before = harness.memory(SERVER.process.pid)
    connections = [tls() for _ in range(20)]
    for connection in connections:
        connection.sendall(b"GET /big.bin HTTP/1.1\r\nHost: localhost\r\n\r\n")
    time.sleep(0.5)
    grown = harness.memory(SERVER.process.pid) - before
    for connection in connections:
        connection.close()
    expect(grown < (200 << 20 if SANITIZED else 20 << 20), "memory grew by", grown)


def one_address_cannot_take_every_connection():
    with Server(SITE, BASE, "--max-per-address", "10", cert=SERVER.cacert,
                key=SERVER.cacert.parent / "privkey.pem") as server:
        connections = []
        for _ in range(30):
            try:
                connections.append(tls(server, check=True))
            except OSError:
                pass
        expect(len(connections) == 10, len(connections))
        with tls(server, source="127.0.0.2") as other:
            other.sendall(GET + b"Connection: close\r\n\r\n")
            expect(statuses(read_all(other)) == [200], "others are not served")
        for connection in connections:
            connection.close()
        again = None
        deadline = time.monotonic() + PATIENCE
        while again is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError):  # until the server has noticed
                again = tls(server)
        expect(again is not None, "no place became free")
        again.close()


def plain_http_on_a_loopback_address_serves_the_site():
    with Plain("127.0.0.1:0") as server:
        expect(curl(f"http://127.0.0.1:{server.http}/big.bin") == FILES["big.bin"], "bytes differ")
        head = curl("-o", os.devnull, "-D", "-", f"http://127.0.0.1:{server.http}/").decode().lower()
        expect("alt-svc" not in head and "strict-transport" not in head, head)
        expect("x-content-type-options: nosniff" in head, head)


def plain_http_elsewhere_leads_to_https():
    with Plain("0.0.0.0:0") as server:
        got = curl("-o", os.devnull, "-w", "%{response_code} %{redirect_url}",
                   f"http://localhost:{server.http}/a%20b?c=d").decode()
        expect(got == f"308 https://localhost:{server.port}/a%20b?c=d", got)
        with socket.create_connection(("127.0.0.1", server.http), timeout=PATIENCE) as raw:
            raw.sendall(b"GET //evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            data = read_all(raw)
        expect(f"location: https://localhost:{server.port}//evil.example/\r\n".encode() in data, data)


def what_runs_is_finished_at_the_end():
    with Server(SITE, BASE, cert=SERVER.cacert, key=SERVER.cacert.parent / "privkey.pem") as server:
        idle = tls(server)
        idle.sendall(GET + b"\r\n")
        idle.recv(1 << 16)
        running = {}
        for option in ("--http2", "--http1.1"):
            running[option] = subprocess.Popen(
                ["curl", "-sS", option, "--limit-rate", "6M", "--cacert", server.cacert, "-o",
                 BASE / option, server.url("/big.bin")])
        deadline = time.monotonic() + PATIENCE
        while not all((BASE / option).exists() and (BASE / option).stat().st_size > 0 for option in running):
            expect(time.monotonic() < deadline, "nothing has begun")
            time.sleep(0.02)
        server.stop()
        for option, process in running.items():
            expect(process.wait(PATIENCE) == 0, option, "was cut off")
            expect((BASE / option).read_bytes() == FILES["big.bin"], option, "bytes differ")
        expect(read_all(idle) == b"", "an idle connection was not closed cleanly")
        idle.close()


def a_taken_tcp_port_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = harness.velocity("serve", "--root", SITE, "--listen", f"127.0.0.1:{port}", "--cert",
                                SERVER.cacert, "--key", SERVER.cacert.parent / "privkey.pem", status=1)
    expect(b"TCP: the address is in use" in done.stderr, done.stderr)


class SlowLoris:
    """Opened first and looked at last, so that nobody waits for them."""

    def __init__(self):
        self.start = time.monotonic()
        self.silent = [socket.create_connection(("127.0.0.1", SERVER.port)) for _ in range(5)]
        self.slow = [tls() for _ in range(5)]
        self.two = tls(alpn=("h2",))
        for connection in self.slow:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: local")

    def __call__(self):
        for connection in self.silent + self.slow:
            connection.settimeout(PATIENCE)
        for connection in self.slow:
            expect(statuses(read_all(connection)) == [408], "no 408")
        for connection in self.silent:
            expect(read_all(connection) == b"", "it answered")
        expect(time.monotonic() - self.start >= HEAD_SECONDS - 1, "too early")
        for connection in (*self.silent, *self.slow, self.two):
            connection.close()

    __name__ = "slow_clients_are_cut_off"


with Server(SITE, BASE) as SERVER:
    LORIS = SlowLoris()
    harness.run(
        every_file_arrives_over_both_versions,
        one_connection_serves_many_requests,
        alt_svc_leads_to_the_udp_port,
        answers_are_those_of_every_version,
        the_log_names_the_protocol,
        h2load_sees_no_failure,
        pipelined_requests_are_answered_in_order,
        a_half_closed_client_gets_its_answer,
        a_connection_without_alpn_is_http_1_1,
        oversized_requests_are_refused,
        what_is_refused_before_the_site_sees_it_has_the_fields_of_every_answer,
        smuggled_requests_are_never_seen,
        only_tls_1_3_is_spoken,
        rubbish_on_the_port_is_dropped,
        slow_readers_hold_little_memory,
        one_address_cannot_take_every_connection,
        plain_http_on_a_loopback_address_serves_the_site,
        plain_http_elsewhere_leads_to_https,
        what_runs_is_finished_at_the_end,
        a_taken_tcp_port_is_named,
        LORIS,
    )
