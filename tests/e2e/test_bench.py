# SPDX-License-Identifier: MIT
"""velocity bench: every test runs to its end and says what it measured; no figure is judged."""
import contextlib
import http.server
import json
import pathlib
import socketserver
import ssl
import subprocess
import tempfile
import threading

import harness
from harness import Server, expect, velocity

QUICK = ("--time", "20ms", "--rounds", "2", "--streams", "20", "--connections", "50")
OF_A_URL = ("download", "requests", "latency", "handshakes")
TESTS = ("download", "upload", "streams", "datagrams", "requests", "latency", "handshakes", "idle")


def measures_everything():
    found = json.loads(velocity("bench", *QUICK, "--json").stdout)
    expect(tuple(found["results"]) == TESTS and found["network"] is None, found)
    for name, result in found["results"].items():
        expect(0 < result["min"] <= result["median"] <= result["max"] or name == "idle", name, result)
        expect(("client_cpu" in result) == (name != "idle"), name, result)
    expect(0 < found["results"]["datagrams"]["arrived"] <= 1.01, found)


def measures_what_is_asked_for():
    text = velocity("bench", *QUICK, "requests", "download", "--profile", "light", "--congestion",
                    "newreno").stdout.decode()
    expect("profile light" in text and "one stream, to the client" in text, text)
    expect("requests of 1 kB, 16 at a time" in text and "datagrams" not in text, text)


def a_network_can_be_bad():
    found = json.loads(velocity("bench", *QUICK, "latency", "download", "datagrams", "--loss", "20%", "--delay",
                                "5ms", "--rate", "50", "--seed", "3", "--json").stdout)
    expect(found["network"] == {"loss": 0.2, "delay_ms": 5, "rate_bit_s": 50000000, "seed": 3}, found)
    expect(found["results"]["latency"]["min"] >= 10000, found)  # microseconds: there and back
    expect(found["results"]["download"]["max"] < 0.05, found)
    expect(found["results"]["datagrams"]["arrived"] < 1, found)


def tells_what_is_wrong():
    for part, *arguments in (("no such test: tcp", "tcp"), ("--loss", "--loss", "51"), ("--loss", "--loss", "x"),
                             ("--congestion", "--congestion", "none"), ("--rounds", "--rounds", "0"),
                             ("--alpn is of a URL", "latency", "--alpn", "h3"), ("--insecure is of a URL", "-k"),
                             ("--cacert is of a URL", "--cacert=file")):
        result = velocity("bench", *arguments, status=2)
        expect(part in result.stderr.decode(), arguments, result.stderr)


def of_url(server, path, *options, **how):
    return velocity("bench", server.url(path), "--cacert", server.cacert, "--time", "20ms", "--rounds", "2", *options,
                    **how)


def measures_a_server_over_each_protocol():
    with Server(SITE, BASE / "server") as server:
        for alpn, version in (("velocity/1", "velocity/1"), ("h3", "quic-"), ("h2", "tls1.3"), ("http/1.1", "tls1.3")):
            found = json.loads(of_url(server, "/small", "--alpn", alpn, "--json").stdout)
            expect(found["protocol"] == alpn and found["version"].startswith(version), found)
            expect(tuple(found["results"]) == OF_A_URL and "network" not in found, found)
            for name, result in found["results"].items():
                expect(0 <= result["min"] <= result["median"] <= result["max"], alpn, name, result)
                expect("client_cpu" in result and result["server_cpu"] is None, alpn, name, result)
                expect(result["refused"] == 0, alpn, name, result)
            expect(found["results"]["requests"]["max"] > 0, found)
            latency = found["results"]["latency"]
            expect(0 < latency["min"] <= latency["p99"] <= latency["max"], latency)


def cuts_off_what_is_larger_than_a_round():
    with Server(SITE, BASE / "large") as server:
        for alpn in "velocity/1", "h3", "h2", "http/1.1":
            found = json.loads(of_url(server, "/large", "download", "--alpn", alpn, "--json").stdout)
            expect(found["results"]["download"]["max"] > 0, alpn, found)
        text = of_url(server, "/large", "download").stdout.decode()
        expect("/large over velocity/1 (velocity/1), 2 round(s) each" in text, text)


class Tired(http.server.BaseHTTPRequestHandler):
    """Says goodbye after five answers, or before the first."""
    protocol_version = "HTTP/1.1"
    answers = 5

    def do_GET(self):
        self.asked = getattr(self, "asked", 0) + 1
        if self.answers == 0:
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Content-Length", "2")
        if self.asked == self.answers:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def running(server, scheme):
    """Its URL."""
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"{scheme}://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()


def tired(answers):
    kind = type("Tired", (Tired,), {"answers": answers})
    return running(http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind), "http")


def goes_on_when_a_server_ends_connections():
    with tired(5) as url:
        found = json.loads(velocity("bench", url, "--time", "200ms", "--rounds", "2", "requests", "download",
                                    "--json").stdout)
        expect(all(result["min"] > 0 for result in found["results"].values()), found)
    with tired(0) as url:
        result = velocity("bench", url, "requests", status=1)
        expect("ends connections without an answer" in result.stderr.decode(), result.stderr)


class Refusing(socketserver.BaseRequestHandler):
    """HTTP/2 that resets requests and stays: all, or every other one before or within its answer; or one that
    answers a request and goes, while others are under way."""
    refuses = "all"

    def frame(self, kind, flags, stream, payload=b""):
        self.request.sendall(len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload)

    def handle(self):
        with contextlib.suppress(OSError):  # the client goes when it has seen enough
            self.talk()

    def talk(self):
        refused_stream = (7).to_bytes(4, "big")
        headers, reset, settings, goaway, ack, end_stream, end_headers, status_200 = 1, 3, 4, 7, 1, 1, 4, b"\x88"
        asked = 0
        came = self.request.makefile("rb")
        came.read(24)
        self.frame(settings, 0, 0)
        while len(head := came.read(9)) == 9:
            came.read(int.from_bytes(head[:3], "big"))
            if head[3] == settings and head[4] != ack:
                self.frame(settings, ack, 0)
            elif head[3] == headers:
                stream, asked = int.from_bytes(head[5:], "big"), asked + 1
                if self.refuses == "all" or self.refuses == "some" and asked % 2 == 0:
                    self.frame(reset, 0, stream, refused_stream)
                elif self.refuses == "within" and asked % 2 == 0:
                    self.frame(headers, end_headers, stream, status_200)
                    self.frame(reset, 0, stream, refused_stream)
                else:
                    self.frame(headers, end_headers | end_stream, stream, status_200)
                if self.refuses == "goes":
                    self.frame(goaway, 0, 0, stream.to_bytes(4, "big") + bytes(4))
                    return


def refusing(what):
    key, cert = BASE / "refusing.key", BASE / "refusing.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", cert, "-subj", "/CN=localhost"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    context.set_alpn_protocols(["h2"])
    kind = type("Refusing", (Refusing,), {"refuses": what})
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), kind)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return running(server, "https")


def of_refusing(url, test, *options, **how):
    return velocity("bench", url, test, "--insecure", "--alpn", "h2", "--time", "50ms", *options, **how)


def a_server_that_refuses_all_requests_is_no_fast_one():
    with refusing("all") as url:
        for test in "download", "requests", "latency":
            result = of_refusing(url, test, status=1)
            expect("answers no request" in result.stderr.decode(), test, result.stderr)


def requests_that_are_refused_are_counted():
    for what in "some", "within":
        with refusing(what) as url:
            for test in "requests", "latency":
                result = of_refusing(url, test, "--json", status=1)
                found = json.loads(result.stdout)["results"][test]
                expect(found["refused"] > 0 and found["max"] > 0, what, test, found)
                expect(f'refused or cut off {found["refused"]} requests' in result.stderr.decode(), what, result.stderr)
            expect(" refused" in of_refusing(url, "requests", status=1).stdout.decode(), what)


def what_goes_with_its_connection_is_not_refused():
    with refusing("goes") as url:
        found = json.loads(of_refusing(url, "requests", "--json").stdout)["results"]["requests"]
        expect(found["refused"] == 0 and found["max"] > 0, found)


def tells_what_is_wrong_with_a_server():
    with Server(SITE, BASE / "wrong") as server:
        url = server.url("/small")
        for part, status, path, options in (
                ("the server answered 404", 1, "/nothing", ()), ("no such test of a URL: idle", 2, "/small", ("idle",)),
                *((f"{option} is of the test against itself", 2, "/small", (option, "1")) for option in
                  ("--loss", "--delay", "--rate", "--seed", "--streams", "--connections"))):
            result = of_url(server, path, *options, status=status)
            expect(part in result.stderr.decode(), path, options, result.stderr)
        result = velocity("bench", url, status=1)  # whose issuer is not known
        expect("certificate" in result.stderr.decode(), result.stderr)
    result = velocity("bench", url, "--alpn", "h2", status=1)
    expect("could not connect" in result.stderr.decode(), result.stderr)
    result = velocity("bench", "ftp://localhost/", status=1)
    expect("not a URL" in result.stderr.decode(), result.stderr)


def rows(*command, **how):
    """{key: median} of what a program of bench/ prints."""
    name, *arguments = map(str, command)
    done = subprocess.run([pathlib.Path(harness.program()).parent / name, *arguments], capture_output=True, text=True,
                          timeout=harness.CLIENT_SECONDS, **how)
    expect(done.returncode == 0, command, done.stdout, done.stderr)
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    return {key: float(median) for key, _, median, _, _ in (line for line in lines if len(line) == 5)}


def programs_of_make_bench_run():
    found = rows("bench_echo", "--requests", 100, "--repeat", 2)
    expect(0 < found["request_latency_floor"] <= found["request_latency_floor_p99"], found)
    found = rows("bench_idle", "--connections", 40, "--settle", 0)
    expect(found["idle_connections"] == 40 and found["idle_connection_bytes"] > 0, found)
    found = rows("bench_transfer", "--mib", 4, "--repeat", 1, "--connections", 3, "--streams", 5)
    expect(all(found[key] > 0 for key in ("goodput_gbit_s", "send_cpu_s_per_gb", "receive_cpu_s_per_gb")), found)


def load_waits_for_its_word():
    with Server(SITE, BASE / "held") as server:
        told = ("--connect", f"127.0.0.1:{server.port}", "--path", "/small", "--connections", 3, "--requests", 30)
        expect(rows("load", *told, "--hold", 1, input="go\n")["load_failed"] == 0)
        command = [pathlib.Path(harness.program()).parent / "load", *map(str, told), "--hold", "1"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as load:
            expect(load.stdout.readline() == "load_connected\t3\n")
            expect(load.poll() is None)
            said, _ = load.communicate("go\n", timeout=harness.CLIENT_SECONDS)
            expect("load_failed\t0" in said, said)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="velocity-e2e-") as temporary:
        BASE = pathlib.Path(temporary)
        SITE = BASE / "site"
        SITE.mkdir()
        (SITE / "small").write_bytes(b"x" * 1000)
        (SITE / "large").write_bytes(b"y" * (64 << 20))
        harness.run(measures_everything, measures_what_is_asked_for, a_network_can_be_bad, tells_what_is_wrong,
                    measures_a_server_over_each_protocol, cuts_off_what_is_larger_than_a_round,
                    goes_on_when_a_server_ends_connections, a_server_that_refuses_all_requests_is_no_fast_one,
                    requests_that_are_refused_are_counted, what_goes_with_its_connection_is_not_refused,
                    tells_what_is_wrong_with_a_server, programs_of_make_bench_run, load_waits_for_its_word)
