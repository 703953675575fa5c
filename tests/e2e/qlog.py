# SPDX-License-Identifier: MIT
"""qlog files read back: JSON text sequences (RFC 7464), what every trace must have, and what qvis reads."""
import json

PACKETS = {"initial", "handshake", "0RTT", "1RTT", "retry", "version_negotiation", "unknown"}

# Name: fields that its data has, after draft-ietf-quic-qlog-quic-events-04, and of later drafts those
# at the end.
EVENTS = {
    "connectivity:connection_started": {"src_ip", "dst_ip", "src_port", "dst_port", "src_cid", "dst_cid"},
    "connectivity:connection_closed": {"owner", "reason", "trigger"},
    "connectivity:connection_state_updated": {"new"},
    "connectivity:connection_id_updated": {"owner", "old", "new"},
    "connectivity:mtu_updated": {"old", "new"},
    "transport:version_information": {"chosen_version"},
    "transport:alpn_information": {"chosen_alpn"},
    "transport:parameters_set": set(),
    "transport:packet_sent": {"header", "raw", "frames"},
    "transport:packet_received": {"header", "raw"},
    "transport:packet_dropped": {"header", "raw", "trigger"},
    "transport:packet_buffered": {"header", "raw", "trigger"},
    "transport:datagrams_sent": {"count", "raw", "datagram_ids"},
    "transport:datagrams_received": {"count", "raw", "datagram_ids"},
    "security:key_updated": {"key_type", "trigger"},
    "security:key_discarded": {"key_type", "trigger"},
    "recovery:parameters_set": {"timer_granularity"},
    "recovery:metrics_updated": set(),
    "recovery:congestion_state_updated": {"new"},
    "recovery:loss_timer_updated": {"event_type"},
    "recovery:packet_lost": {"header", "trigger"},
    "loglevel:warning": {"message"},
    "http:parameters_set": {"owner"},
    "http:stream_type_set": {"owner", "stream_id", "stream_type"},
    "http:frame_created": {"stream_id", "frame"},
    "http:frame_parsed": {"stream_id", "frame"},
    "recovery:ecn_state_updated": {"new"},
    "connectivity:tuple_assigned": {"tuple_id", "tuple_remote", "tuple_local"},
    "connectivity:migration_state_updated": {"new", "tuple_id"},
}


class Trace:
    def __init__(self, path):
        self.path = path
        raw = path.read_bytes()
        assert raw.startswith(b"\x1e"), f"{path}: no record separator at the start"
        records = [record for record in raw.split(b"\x1e") if record]
        assert all(record.endswith(b"\n") for record in records), f"{path}: a record without line end"
        self.head, *self.events = [json.loads(record) for record in records]
        self.check()

    def check(self):
        head, last = self.head, 0
        common = head["trace"]["common_fields"]
        assert head["qlog_version"] == "0.3" and head["qlog_format"] == "JSON-SEQ", head
        assert head["trace"]["vantage_point"]["type"] in ("client", "server"), head
        assert common["time_format"] == "relative" and common["reference_time"] > 0, common
        assert common["group_id"] == common["ODCID"] and bytes.fromhex(common["ODCID"]), common
        for event in self.events:
            assert set(event) <= {"time", "name", "data", "path_id", "tuple"}, event
            assert event["time"] >= last, (event, last)
            assert EVENTS[event["name"]] <= set(event["data"]), event
            last = event["time"]
        for event in self.packets("sent") + self.packets("received"):
            header = event["data"]["header"]
            assert header["packet_type"] in PACKETS and event["data"]["raw"]["length"] > 0, event

    @property
    def odcid(self):
        return self.head["trace"]["common_fields"]["ODCID"]

    def named(self, name):
        return [event for event in self.events if event["name"] == name]

    def packets(self, what):
        return self.named(f"transport:packet_{what}")

    def frames(self, what):
        return [frame for event in self.packets(what) for frame in event["data"].get("frames", [])]


def key(event):
    header = event["data"]["header"]
    return event.get("path_id", 0), header["packet_type"], header.get("packet_number")


def compare(sender, receiver):
    """Every packet that one received is one that the other sent, in length and frames."""
    sent = {key(event): event["data"] for event in sender.packets("sent")}
    for event in receiver.packets("received"):
        if event["data"]["header"]["packet_type"] in ("retry", "version_negotiation"):
            continue
        origin = sent.get(key(event))
        assert origin is not None, f"never sent: {event}"
        for field in ("raw", "frames"):
            assert origin[field] == event["data"][field], (origin, event)
