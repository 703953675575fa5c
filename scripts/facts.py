#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Print what `velocity client get --json` negotiated; fail unless it is what the demo promises:
one round trip for the full hybrid handshake, and both signatures verified under a trusted issuer."""
import json
import sys

facts = json.load(open(sys.argv[1], encoding="utf-8"))
handshake, connection = facts["handshake"], facts["connection"]
transfers = facts["transfers"]
rows = [
    ("version", f"{handshake['version']} (wire {handshake['wire_version']})"),
    ("profile", f"{handshake['profile']}, {handshake['suite']}"),
    ("key exchange", handshake["group"]),
    ("signatures", f"{handshake['classical_signature']} and {handshake['post_quantum_signature']}, "
                   + ("both verified" if handshake["authenticated"] else "NOT VERIFIED")),
    ("certificate", f"{handshake['certificate_bytes']:,} bytes, {handshake['certificates']} in the "
                    + ("chain, trusted" if handshake["trusted"] else "chain, NOT TRUSTED")),
    ("round trips before the request", f"{handshake['round_trips']}"),
    ("handshake", f"{handshake['datagrams_sent']} datagrams ({handshake['bytes_sent']:,} bytes) sent, "
                  f"{handshake['datagrams_received']} ({handshake['bytes_received']:,}) received, "
                  f"{handshake['time_ms']:.1f} ms"),
    ("transfer", f"{len(transfers)} files, {sum(t['bytes'] for t in transfers):,} bytes, "
                 f"{max(t['finished_ms'] for t in transfers):.0f} ms in all"),
    ("connection", f"{connection['datagrams_sent']:,} datagrams sent, "
                   f"{connection['datagrams_received']:,} received, "
                   f"{connection['packets_lost']:,} packets lost"),
]
for name, value in rows:
    print(f"{name:32}{value}")

promises = {
    "one round trip": handshake["round_trips"] == 1 and not handshake["hello_retry"],
    "both signatures verified": handshake["authenticated"],
    "a trusted issuer": handshake["trusted"],
    "every transfer complete": all(t["complete"] and t["status"] == 200 for t in transfers),
}
for promise, kept in promises.items():
    if not kept:
        print(f"facts: not as promised: {promise}", file=sys.stderr)
sys.exit(not all(promises.values()))
