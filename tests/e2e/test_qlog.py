# SPDX-License-Identifier: MIT
"""--qlog-dir on both ends: files that parse, agree with each other, and keep what is secret to themselves."""
import os
import pathlib
import stat
import tempfile

import harness
import qlog
from harness import Server, expect

TEMPORARY = tempfile.TemporaryDirectory(prefix="velocity-e2e-")
BASE = pathlib.Path(TEMPORARY.name)
SITE = BASE / "site"
SITE.mkdir()
SECRET = b"nobody shall read this in a trace"
(SITE / "index.html").write_bytes(SECRET)
(SITE / "big.bin").write_bytes(os.urandom(1 << 20) * 2)
ENV = {name: value for name, value in os.environ.items() if name != "SSLKEYLOGFILE"}


def traces(folder, side):
    return [qlog.Trace(path) for path in sorted(folder.glob(f"*_{side}*.sqlog"))]


def pairs(client_folder, server_folder):
    """Client and server traces of the same connection. "localhost" is more than one address: attempts at
    another one have traces, too, without any answer."""
    servers = {trace.odcid: trace for trace in traces(server_folder, "server")}
    clients = traces(client_folder, "client")
    answered = [trace for trace in clients if trace.packets("received")]
    return [(trace, servers[trace.odcid]) for trace in answered]


def run(name, *arguments, path="/big.bin", **options):
    """One transfer with traces of both ends, which are complete since both have ended."""
    folder = BASE / name
    with Server(SITE, folder / "server", "--qlog-dir", folder / "s") as server:
        server.get(server.url(path), "-o", folder / "body", "--qlog-dir", folder / "c", *arguments,
                   **options)
    return folder


def both_ends_agree_over(protocol):
    folder = run(protocol.replace("/", ""), "--alpn", protocol, "-k")
    [(client, server)] = pairs(folder / "c", folder / "s")
    qlog.compare(client, server)
    qlog.compare(server, client)
    for trace in (client, server):
        for name in ("connectivity:connection_started", "connectivity:connection_closed",
                     "transport:version_information", "transport:alpn_information"):
            expect(len(trace.named(name)) == 1, trace.path, name)
        [alpn] = trace.named("transport:alpn_information")
        expect(alpn["data"]["chosen_alpn"] == protocol, alpn)
        owners = {event["data"].get("owner") for event in trace.named("transport:parameters_set")}
        expect({"local", "remote"} <= owners, owners)
        expect(trace.named("recovery:metrics_updated"), trace.path)
        expect(trace.named("recovery:congestion_state_updated"), trace.path)
    body = sum(frame["length"] for frame in client.frames("received")
               if frame["frame_type"] == "stream" and frame["stream_id"] == 0)
    expect(body >= 2 << 20, body)


def http(trace, what):
    return [(event["data"]["stream_id"], event["data"]["length"], event["data"]["frame"])
            for event in trace.named(f"http:frame_{what}")]


def http_is_told_over(protocol):
    folder = run(f"http-{protocol.replace('/', '')}", "--alpn", protocol, "-k")
    [(client, server)] = pairs(folder / "c", folder / "s")
    expect(sorted(map(str, http(client, "parsed"))) == sorted(map(str, http(server, "created"))), "answers")
    expect(sorted(map(str, http(server, "parsed"))) == sorted(map(str, http(client, "created"))), "requests")
    heads = [frame["headers"] for _, _, frame in http(client, "parsed") if frame["frame_type"] == "headers"]
    expect(heads == [[{"name": ":status", "value": "200"}]], heads)
    heads = [frame["headers"] for _, _, frame in http(server, "parsed") if frame["frame_type"] == "headers"]
    expect(heads == [[{"name": ":method", "value": "GET"}]], heads)
    body = sum(length for _, length, frame in http(client, "parsed") if frame["frame_type"] == "data")
    expect(body == 2 << 20, body)
    for trace in (client, server):
        owners = sorted(event["data"]["owner"] for event in trace.named("http:parameters_set"))
        expect(owners == ["local", "remote"], owners)
        kinds = sorted(event["data"]["stream_type"] for event in trace.named("http:stream_type_set"))
        expect(kinds == ["control", "control", "request"], kinds)


def http_is_told_over_both():
    http_is_told_over("velocity/1")
    http_is_told_over("h3")


def both_ends_agree_over_velocity():
    both_ends_agree_over("velocity/1")


def both_ends_agree_over_h3():
    both_ends_agree_over("h3")


def a_move_and_a_key_update_are_told():
    folder = BASE / "moves"
    (SITE / "slow.bin").write_bytes(bytes(60 << 20))  # traces of it end with it, not at their bound
    with Server(SITE, folder / "server", "--qlog-dir", folder / "s") as server:
        facts = server.facts(server.url("/slow.bin"), "-o", os.devnull, "--qlog-dir", folder / "c",
                             "--migrate", "20ms", "--key-update", "20ms")
    [(client, server_trace)] = pairs(folder / "c", folder / "s")
    cut = client.named("loglevel:warning") + server_trace.named("loglevel:warning")
    expect(not cut, cut)
    qlog.compare(client, server_trace)
    if facts["connection"]["migrated"]:
        for trace in (client, server_trace):
            states = {event["data"]["new"] for event in trace.named("connectivity:migration_state_updated")}
            expect("probing_successful" in states and "migration_started" in states, states)
            expect(trace.named("connectivity:tuple_assigned"), trace.path)
    generations = {event["data"].get("generation") for event in client.named("security:key_updated")}
    expect(1 in generations, generations)
    (SITE / "slow.bin").unlink()


def nothing_secret_is_in_a_file():
    folder = run("secrets", "--alpn", "h3", "-k", path="/index.html")
    files = list((folder / "c").iterdir()) + list((folder / "s").iterdir())
    expect(len(files) >= 2, files)
    for file in files:
        expect(stat.S_IMODE(file.stat().st_mode) == 0o600, file)
        text = file.read_bytes()
        for word in (SECRET, SECRET.hex().encode(), b"stateless_reset_token", b'"key":', b"index.html"):
            expect(word not in text, file, word)
    for made in (folder / "c", folder / "s"):
        expect(stat.S_IMODE(made.stat().st_mode) == 0o700, made)


def a_killed_server_leaves_a_readable_file():
    folder = BASE / "killed"
    with Server(SITE, folder / "server", "--qlog-dir", folder / "s") as server:
        server.get(server.url("/big.bin"), "-o", os.devnull, "--qlog-dir", folder / "c")
        server.kill()
    [(client, server_trace)] = pairs(folder / "c", folder / "s")
    qlog.compare(client, server_trace)
    expect(server_trace.named("transport:version_information"), server_trace.path)


def a_folder_of_others_is_refused():
    open_to_all = BASE / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    with Server(SITE, BASE / "refusing") as server:
        result = server.get(server.url(), "--qlog-dir", open_to_all, status=23)
        expect(b"others may write to this folder" in result.stderr, result.stderr)
        result = server.get(server.url(), "--qlog-dir", SITE / "index.html", status=23)
        expect(b"--qlog-dir" in result.stderr, result.stderr)


def a_full_folder_disturbs_nobody():
    folder = BASE / "full"
    (folder / "s").mkdir(parents=True)
    for number in range(256):
        (folder / "s" / f"{number}.sqlog").write_bytes(b"")
    with Server(SITE, folder / "server", "--qlog-dir", folder / "s") as server:
        server.get(server.url("/big.bin"), "-o", os.devnull)
    expect(len(list((folder / "s").iterdir())) == 256, "one more was made")


def secrets_are_written_when_asked_for(protocol, prefix):
    folder = BASE / f"keys-{prefix}{protocol.replace('/', '')}"
    folder.mkdir()
    lines = {}
    os.environ["SSLKEYLOGFILE"] = str(folder / "server.keys")
    try:
        with Server(SITE, folder / "server") as server:
            result = server.get(server.url(), "--alpn", protocol, "-k",
                                env=ENV | {"SSLKEYLOGFILE": str(folder / "client.keys")})
        expect("SSLKEYLOGFILE is set" in server.text(), server.text())
    finally:
        del os.environ["SSLKEYLOGFILE"]
    expect(b"SSLKEYLOGFILE is set" in result.stderr, result.stderr)
    for side in ("client", "server"):
        file = folder / f"{side}.keys"
        expect(stat.S_IMODE(file.stat().st_mode) == 0o600, file)
        lines[side] = sorted(file.read_text().splitlines())
    expect(lines["client"] == lines["server"], lines)
    labels = {line.split()[0] for line in lines["client"]}
    for label in ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET",
                  "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"):
        expect(prefix + label in labels, labels)


def secrets_of_every_protocol_are_written_when_asked_for():
    for protocol, prefix in (("velocity/1", "VELOCITY_"), ("h3", ""), ("h2", "")):
        secrets_are_written_when_asked_for(protocol, prefix)


def without_the_variable_there_are_no_secrets_and_no_warning():
    with Server(SITE, BASE / "nokeys") as server:
        result = server.get(server.url(), env=ENV)
        expect(result.stderr == b"" and "SSLKEYLOGFILE" not in server.text(), result.stderr)


harness.run(both_ends_agree_over_velocity, both_ends_agree_over_h3, http_is_told_over_both, a_move_and_a_key_update_are_told,
            nothing_secret_is_in_a_file, a_killed_server_leaves_a_readable_file,
            a_folder_of_others_is_refused, a_full_folder_disturbs_nobody,
            secrets_of_every_protocol_are_written_when_asked_for,
            without_the_variable_there_are_no_secrets_and_no_warning)
