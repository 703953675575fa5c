/* SPDX-License-Identifier: MIT */
#include "qlog/frames.h"
#include "qlog/record_internal.h"

static const char *const packet_types[VEL_PACKET_TYPE_COUNT + 1] = {
    [VEL_PACKET_INITIAL] = "initial",     [VEL_PACKET_ZERO_RTT] = "0RTT",
    [VEL_PACKET_HANDSHAKE] = "handshake", [VEL_PACKET_RETRY] = "retry",
    [VEL_PACKET_ONE_RTT] = "1RTT",        [VEL_PACKET_VERSION_NEGOTIATION] = "version_negotiation",
    [VEL_PACKET_TYPE_COUNT] = "unknown"};

static const char *const space_types[VEL_SPACE_COUNT] = {"initial", "handshake", "1RTT"};

static const struct {
    const char *trigger, *details;
} drops[] = {
    [VEL_TRACE_DROP_NONE] = {"general", ""},
    [VEL_TRACE_DROP_MALFORMED] = {"invalid", "malformed, or not expected here"},
    [VEL_TRACE_DROP_FOREIGN] = {"connection_unknown", "of another connection or address"},
    [VEL_TRACE_DROP_VERSION] = {"unsupported", "version"},
    [VEL_TRACE_DROP_KEYS] = {"decryption_failure", "no keys, or none any more"},
    [VEL_TRACE_DROP_FORGED] = {"decryption_failure", "not authentic"},
    [VEL_TRACE_DROP_DUPLICATE] = {"rejected", "duplicate"},
    [VEL_TRACE_DROP_FULL] = {"rejected", "too many wait for their keys"},
};

static void put_header(struct vel_json *j, const struct vel_trace_packet *p)
{
    vel_json_open(j, "header", '{');
    vel_json_word(j, "packet_type", packet_types[p->type]);
    if (p->number != VEL_NUMBER_NONE)
        vel_json_uint(j, "packet_number", p->number);
    if (p->version != NULL) {
        uint8_t version[4];
        vel_store_uint(version, p->version->number, sizeof version);
        vel_json_hex(j, "version", vel_slice(version, sizeof version));
    }
    if (p->scid.len > 0)
        vel_json_hex(j, "scid", p->scid);
    if (p->dcid.len > 0)
        vel_json_hex(j, "dcid", p->dcid);
    vel_json_close(j, '}');
}

static void put_raw(struct vel_json *j, size_t size, size_t payload)
{
    vel_json_open(j, "raw", '{');
    vel_json_uint(j, "length", size);
    if (payload > 0)
        vel_json_uint(j, "payload_length", payload);
    vel_json_close(j, '}');
}

static void put_drop(struct vel_json *j, enum vel_trace_drop why)
{
    vel_json_open(j, "details", '{');
    vel_json_word(j, "reason", drops[why].details);
    vel_json_close(j, '}');
    vel_json_word(j, "trigger", drops[why].trigger);
}

void vel_qlog_packet(const struct vel_qlog_pen *pen, const struct vel_trace_event *event)
{
    const struct vel_trace_packet *p = &event->packet;
    struct vel_json *j = pen->j;
    bool sent = event->type == VEL_TRACE_PACKET_SENT;
    bool received = event->type == VEL_TRACE_PACKET_RECEIVED;
    bool dropped = event->type == VEL_TRACE_PACKET_DROPPED;
    vel_qlog_open_on(pen,
                     sent       ? "transport:packet_sent"
                     : received ? "transport:packet_received"
                     : dropped  ? "transport:packet_dropped"
                                : "transport:packet_buffered",
                     p->track, p->path);
    put_header(j, p);
    if (pen->frames && p->payload.len > 0)
        vel_qlog_frames(j, p->type, p->payload,
                        p->type == VEL_PACKET_ONE_RTT ? pen->m->ack_exponent[!sent] : 3);
    put_raw(j, p->size, p->payload.len);
    if (p->type != VEL_PACKET_TYPE_COUNT && !p->held)
        vel_json_uint(j, "datagram_id", p->datagram);
    if (p->mtu_probe)
        vel_json_bool(j, "is_mtu_probe_packet", true);
    if (dropped)
        put_drop(j, p->drop);
    else if (p->held)
        vel_json_word(j, "trigger", "keys_available");
    else if (!sent && !received)
        vel_json_word(j, "trigger", "keys_unavailable");
    vel_qlog_close(pen);
}

void vel_qlog_lost(const struct vel_qlog_pen *pen, const struct vel_trace_lost *lost)
{
    vel_qlog_open_on(pen, "recovery:packet_lost", lost->track, 0);
    vel_json_open(pen->j, "header", '{');
    vel_json_word(pen->j, "packet_type", space_types[lost->space]);
    vel_json_uint(pen->j, "packet_number", lost->number);
    vel_json_close(pen->j, '}');
    if (lost->mtu_probe)
        vel_json_bool(pen->j, "is_mtu_probe_packet", true);
    vel_json_word(pen->j, "trigger",
                  lost->why == VEL_TRACE_LOSS_TIME ? "time_threshold" : "reordering_threshold");
    vel_qlog_close(pen);
}

void vel_qlog_datagram(const struct vel_qlog_pen *pen, const struct vel_trace_event *event)
{
    bool sent = event->type == VEL_TRACE_DATAGRAM_SENT;
    vel_qlog_open_on(pen, sent ? "transport:datagrams_sent" : "transport:datagrams_received", 0,
                     event->datagram.path);
    vel_json_uint(pen->j, "count", 1);
    vel_json_open(pen->j, "raw", '[');
    vel_json_open(pen->j, NULL, '{');
    vel_json_uint(pen->j, "length", event->datagram.size);
    vel_json_close(pen->j, '}');
    vel_json_close(pen->j, ']');
    vel_json_open(pen->j, "datagram_ids", '[');
    vel_json_uint(pen->j, NULL, event->datagram.number);
    vel_json_close(pen->j, ']');
    vel_qlog_close(pen);
}
