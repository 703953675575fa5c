#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Print what `velocity client get --json` negotiated over a protocol; fail unless it is what the demo
promises: hybrid key exchange and a trusted certificate always; over velocity/1 also one round trip
for the full handshake and both signatures verified."""
import json
import sys

protocol, path = sys.argv[1:]
facts = json.load(open(path, encoding="utf-8"))
handshake, connection = facts["handshake"], facts["connection"]
transfers = facts["transfers"]
hybrid = protocol == "velocity/1"

signatures = handshake["classical_signature"]
if hybrid:
    signatures += f" and {handshake['post_quantum_signature']}"
rows = [
    ("version", handshake["version"]
     + (f" (wire {handshake['wire_version']})" if handshake["wire_version"] else "")),
    ("protocol", f"{handshake['protocol']}, {handshake['suite']}"
     + (f", profile {handshake['profile']}" if hybrid else "")),
    ("key exchange", handshake["group"]),
    ("signatures", signatures + (", verified" if handshake["authenticated"] else ", NOT VERIFIED")),
    ("certificate", f"{handshake['certificate_bytes']:,} bytes, {handshake['certificates']} in the "
                    + ("chain, trusted" if handshake["trusted"] else "chain, NOT TRUSTED")),
    ("handshake", f"{handshake['round_trips']} round trip(s), {handshake['time_ms']:.1f} ms"
     + (f", {handshake['bytes_sent']:,} bytes sent, {handshake['bytes_received']:,} received"
        if handshake["bytes_sent"] else "")),
    ("transfer", f"{len(transfers)} files, {sum(t['bytes'] for t in transfers):,} bytes, "
                 f"{max(t['finished_ms'] for t in transfers):.0f} ms in all"),
]
if connection["datagrams_sent"]:
    rows.append(("connection", f"{connection['datagrams_sent']:,} datagrams sent, "
                               f"{connection['datagrams_received']:,} received, "
                               f"{connection['packets_lost']:,} packets lost"))
for name, value in rows:
    print(f"{name:16}{value}")

promises = {
    "the protocol": handshake["protocol"] == protocol,
    "hybrid key exchange": handshake["group"] == "X25519MLKEM768",
    "signatures verified": handshake["authenticated"],
    "a trusted issuer": handshake["trusted"],
    "every transfer complete": all(t["complete"] and t["status"] == 200 for t in transfers),
}
if hybrid:
    promises |= {
        "one round trip": handshake["round_trips"] == 1 and not handshake["hello_retry"],
        "both kinds of signatures": handshake["certificate_kind"] == "hybrid",
    }
for promise, kept in promises.items():
    if not kept:
        print(f"facts: not as promised: {promise}", file=sys.stderr)
sys.exit(not all(promises.values()))
