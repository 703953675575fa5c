# SPDX-License-Identifier: MIT
"""Other people's clients and servers, from scripts/peers.sh, behind one interface each.

A client fetches paths of a server into a folder and raises when that fails; a server serves a
folder while its block runs. Both take the `place` they run in: HERE, or one side of a wire.
"""
import base64
import concurrent.futures
import contextlib
import hashlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time

import harness
from harness import Skip

FOLDER = pathlib.Path(os.environ.get("VELOCITY_PEERS", harness.ROOT / "build/peers"))
START_SECONDS = 20
CLIENT_SECONDS = 60
NAMES = ("DNS:localhost", "IP:127.0.0.1", "IP:::1", "IP:10.0.0.3", "IP:fd00::3")


def command(name):
    """The program, or a Skip that says why it is not there."""
    path = FOLDER / "bin" / name
    if not path.exists():
        missing = FOLDER / "missing"
        reason = missing.read_text().strip() if missing.exists() else "scripts/peers.sh was not run"
        raise Skip(f"{name}: {reason.splitlines()[0] if reason else 'not in its package'}")
    return str(path)


class Place:
    """Where a program runs: a network namespace, or here."""

    def __init__(self, namespace=None, environment=None):
        self.prefix = ["nsenter", f"--net={namespace}", "--"] if namespace else []
        self.environment = environment or {}

    def start(self, arguments, log, **options):
        with open(log, "ab") as output:
            return subprocess.Popen([*self.prefix, *map(str, arguments)], stdin=subprocess.DEVNULL,
                                    stdout=output, stderr=output,
                                    env={**os.environ, **self.environment}, **options)

    def run(self, arguments, log, seconds=CLIENT_SECONDS):
        """Run to the end; raises with what it said unless it succeeds."""
        started = pathlib.Path(log).stat().st_size if pathlib.Path(log).exists() else 0
        process = self.start(arguments, log)
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            status = f"none after {seconds} s"
        finally:
            process.kill()
            process.wait()
        said = pathlib.Path(log).read_bytes()[started:].decode(errors="replace")
        if status != 0:
            told = " ".join(map(str, arguments))
            raise AssertionError(f"{told[:300]}: exit status {status}\n{said[-3000:]}")
        return said


HERE = Place()


def at_once(count):
    return concurrent.futures.ThreadPoolExecutor(count)


def free_port():
    """A port that is free for UDP and TCP on every local address."""
    for _ in range(50):
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as tcp:
            tcp.bind(("::", 0))
            port = tcp.getsockname()[1]
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
                with contextlib.suppress(OSError):
                    udp.bind(("::", port))
                    return port
    raise AssertionError("no port is free")


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def classical(folder):
    """A P-256 certificate and key as an ordinary server has them; returns (chain, key)."""
    chain, key = folder / "cert.pem", folder / "key.pem"
    folder.mkdir(parents=True, exist_ok=True)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
            "-out", chain, "-subj", "/CN=localhost", "-days", "30", "-addext",
            "subjectAltName=" + ",".join(NAMES))
    return chain, key


def classical_chain(folder, length):
    """The same below a row of CAs with RSA keys, which make it long; returns (chain, key, root)."""
    folder.mkdir(parents=True, exist_ok=True)
    shared = folder / "ca.key"
    openssl("genrsa", "-out", shared, "2048")
    extensions = folder / "extensions"
    extensions.write_text("[ca]\nbasicConstraints=critical,CA:TRUE\n[leaf]\nsubjectAltName="
                          + ",".join(NAMES) + "\n")
    certificates = [folder / "0.pem"]
    openssl("req", "-x509", "-key", shared, "-out", certificates[0], "-subj", "/CN=CA 0", "-days", "30")
    for number in range(1, length):
        last = number == length - 1
        request, certificate = folder / f"{number}.csr", folder / f"{number}.pem"
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / "key.pem")
        openssl("req", "-new", *(key if last else ("-key", shared)), "-out", request,
                "-subj", "/CN=localhost" if last else f"/CN=CA {number}")
        openssl("x509", "-req", "-in", request, "-CA", certificates[-1], "-CAkey", shared, "-days", "30",
                "-extfile", extensions, "-extensions", "leaf" if last else "ca", "-out", certificate)
        certificates.append(certificate)
    chain = folder / "chain.pem"
    chain.write_text("".join(certificate.read_text() for certificate in reversed(certificates)))
    return chain, folder / "key.pem", certificates[0]


def hybrid(folder):
    """Our own certificate, for all names."""
    options = []
    for name in NAMES:
        kind, _, value = name.partition(":")
        options += ["--" + kind.lower(), value]
    harness.velocity("cert", "issue", "--out", folder, *options)
    return folder / "fullchain.pem", folder / "privkey.pem"


# ---- servers ----------------------------------------------------------------------------------


class PeerServer:
    """`arguments` starts it; ready when its port is in all tables of /proc/net that `sockets` names."""

    sockets = ("udp6", "tcp6")

    def __init__(self, site, folder, cert, key, *options, place=HERE, port=None, name="server"):
        folder.mkdir(parents=True, exist_ok=True)
        self.site, self.folder, self.cert, self.key = site, folder, cert, key
        self.place, self.port = place, port or free_port()
        self.log = folder / f"{name}.log"
        self.options = [*map(str, options)]
        self.process = place.start(self.arguments(), self.log)

    def wait(self):
        wanted = re.compile(rf"^ *\d+: [0-9A-F]+:{self.port:04X} [0-9A-F]+:0000 (07|0A) ", re.MULTILINE)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError):
                net = pathlib.Path(f"/proc/{self.process.pid}/net")
                if all(wanted.search((net / table).read_text()) for table in self.sockets):
                    return
            time.sleep(0.02)
        raise AssertionError(f"{self.arguments()} did not start:\n{self.text()[-3000:]}")

    def text(self):
        return self.log.read_text(errors="replace")

    def __enter__(self):
        try:
            self.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Gtlsserver(PeerServer):
    sockets = ("udp", "udp6")

    def arguments(self):
        return [command("gtlsserver"), "-q", "-d", self.site, *self.options, "*", self.port,
                self.key, self.cert]


class Nginx(PeerServer):
    """HTTP/3, HTTP/2 and HTTP/1.1 on one port. Options are lines of its configuration."""

    sockets = ("udp", "udp6", "tcp", "tcp6")

    def arguments(self):
        configuration = self.folder / "nginx.conf"
        bodies = "\n".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in (
            "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        configuration.write_text(f"""
            daemon off; master_process off; worker_processes 1; pid {self.folder}/nginx.pid;
            error_log stderr info;
            events {{ worker_connections 1024; }}
            http {{
                include {FOLDER}/sid/etc/nginx/mime.types; access_log off; {bodies}
                server {{
                    listen 0.0.0.0:{self.port} quic; listen [::]:{self.port} quic;
                    listen 0.0.0.0:{self.port} ssl; listen [::]:{self.port} ssl;
                    http2 on; quic_active_connection_id_limit 8;
                    ssl_certificate {self.cert}; ssl_certificate_key {self.key};
                    ssl_protocols TLSv1.3;
                    {' '.join(self.options)}
                    root {self.site};
                }}
            }}""")
        return [command("nginx"), "-c", configuration, "-p", self.folder, "-e", "stderr"]


class Caddy(PeerServer):
    """HTTP/3, HTTP/2 and HTTP/1.1 on one port."""

    def arguments(self):
        configuration = self.folder / "Caddyfile"
        configuration.write_text(f"""
            {{
                admin off
                auto_https off
                default_sni localhost
                skip_install_trust
                storage file_system {self.folder}/caddy
            }}
            https://:{self.port} {{
                tls {self.cert} {self.key}
                root * {self.site}
                file_server
            }}""")
        return [command("caddy"), "run", "--config", configuration, "--adapter", "caddyfile"]


class Velocity(PeerServer):
    """Ours, under the same interface."""

    def arguments(self):
        return [harness.program(), "serve", "--root", self.site, "--listen", f"[::]:{self.port}",
                "--cert", self.cert, "--key", self.key, *self.options]


# ---- clients ----------------------------------------------------------------------------------


def url(host, port, path):
    return f"https://{f'[{host}]' if ':' in host else host}:{port}/{path}"


def curl(which, protocol, host, port, paths, folder, cacert, *options, place=HERE, **limits):
    """One connection for all paths; protocol is 3, 2 or 1.1, and is what it must have been."""
    flag = {"3": "--http3-only", "2": "--http2", "1.1": "--http1.1"}[protocol]
    folder.mkdir(parents=True, exist_ok=True)
    parallel = ["--parallel", "--parallel-max", "50"] if len(paths) > 1 else []
    arguments = [command(which), "--silent", "--show-error", "--fail", flag, *parallel, "--cacert", cacert,
                 *options, "--write-out", "%{http_version} %{num_connects}\\n"]
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        arguments += ["--output", folder / path, url(host, port, path)]
    said = place.run(arguments, folder.with_name(folder.name + ".log"), **limits)
    versions = re.findall(r"^([\d.]+) (\d+)$", said, re.MULTILINE)
    harness.expect(len(versions) == len(paths), said)
    harness.expect(all(version == protocol for version, _ in versions), versions)
    return versions


def gtlsclient(host, port, paths, folder, *options, place=HERE, **limits):
    """It neither makes folders nor checks certificates, so paths are plain names."""
    folder.mkdir(parents=True, exist_ok=True)
    return place.run(
        [command("gtlsclient"), "-q", "--exit-on-all-streams-close", f"--download={folder}",
         "--timeout=20s", *options, host, port, *(url(host, port, path) for path in paths)],
        folder.with_name(folder.name + ".log"), **limits)


def velocity(host, port, paths, folder, cacert, *options, place=HERE, **limits):
    """Ours, under the same interface."""
    return place.run(
        [harness.program(), "client", "get", "--cacert", cacert, "--output-dir", folder, "--json",
         *options, *(url(host, port, path) for path in paths)],
        folder.with_name(folder.name + ".log"), **limits)


# ---- browser ----------------------------------------------------------------------------------

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def browser():
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    raise Skip("no Chromium on this machine (scripts/setup.sh test installs one where it can)")


def key_hash(cert):
    """What --ignore-certificate-errors-spki-list knows a certificate by."""
    key = subprocess.run(["openssl", "x509", "-in", str(cert), "-noout", "-pubkey"], check=True,
                         capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, check=True,
                         capture_output=True).stdout
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


def browse(program, server, profile, *options):
    """Load the server's front page over QUIC in a browser without memory; what it prints."""
    done = subprocess.run(
        [program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
         "--disable-dev-shm-usage",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         f"--user-data-dir={profile}", f"--origin-to-force-quic-on=localhost:{server.port}",
         f"--ignore-certificate-errors-spki-list={key_hash(server.cert)}",
         "--virtual-time-budget=20000", *options, f"https://localhost:{server.port}/"],
        capture_output=True, timeout=CLIENT_SECONDS, check=False)
    if done.returncode != 0:
        raise AssertionError(f"exit status {done.returncode}\n{done.stderr[-3000:].decode(errors='replace')}")
    return done.stdout.decode()
