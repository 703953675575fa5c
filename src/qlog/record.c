/* SPDX-License-Identifier: MIT */
#include "qlog/record.h"

#include <stdio.h>

#include "base/units.h"
#include "qlog/record_internal.h"
#include "transport/pmtud.h"

enum { RECORD_SEPARATOR = 0x1e };

static void begin_text(struct vel_json *j)
{
    vel_write_fill(&j->w, RECORD_SEPARATOR, 1);
    j->more = false;
    vel_json_open(j, NULL, '{');
}

static void end_text(struct vel_json *j)
{
    vel_json_close(j, '}');
    vel_write_fill(&j->w, '\n', 1);
}

void vel_qlog_open_on(const struct vel_qlog_pen *pen, const char *name, uint32_t track,
                      uint32_t path)
{
    char tuple[12];
    begin_text(pen->j);
    vel_json_ms(pen->j, "time", pen->now - pen->m->start);
    vel_json_word(pen->j, "name", name);
    if (track > 0)
        vel_json_uint(pen->j, "path_id", track);
    if (path > 1) { /* the first one goes without saying */
        snprintf(tuple, sizeof tuple, "%u", path);
        vel_json_word(pen->j, "tuple", tuple);
    }
    vel_json_open(pen->j, "data", '{');
}

void vel_qlog_open(const struct vel_qlog_pen *pen, const char *name)
{
    vel_qlog_open_on(pen, name, 0, 0);
}

void vel_qlog_close(const struct vel_qlog_pen *pen)
{
    vel_json_close(pen->j, '}');
    end_text(pen->j);
}

/* ---- the first records ---- */

static void put_common(struct vel_json *j, const struct vel_trace_start *start, int64_t unix_ns)
{
    vel_json_open(j, "common_fields", '{');
    vel_json_hex(j, "group_id", vel_cid_slice(&start->original_dcid));
    vel_json_hex(j, "ODCID", vel_cid_slice(&start->original_dcid));
    vel_json_open(j, "protocol_type", '[');
    vel_json_word(j, NULL, "QUIC");
    vel_json_close(j, ']');
    vel_json_word(j, "time_format", "relative");
    vel_json_ms(j, "reference_time", unix_ns);
    vel_json_close(j, '}');
}

static void put_head(struct vel_json *j, const struct vel_trace_start *start, int64_t unix_ns)
{
    begin_text(j);
    vel_json_word(j, "qlog_version", "0.3");
    vel_json_word(j, "qlog_format", "JSON-SEQ");
    vel_json_word(j, "title", "velocity");
    vel_json_open(j, "trace", '{');
    vel_json_open(j, "vantage_point", '{');
    vel_json_word(j, "name", "velocity");
    vel_json_word(j, "type", start->is_client ? "client" : "server");
    vel_json_close(j, '}');
    put_common(j, start, unix_ns);
    vel_json_close(j, '}');
    end_text(j);
}

void vel_qlog_begin(struct vel_qlog_memory *m, struct vel_json *j,
                    const struct vel_trace_start *start, vel_time now, int64_t unix_ns)
{
    *m = (struct vel_qlog_memory){.start = now,
                                  .is_client = start->is_client,
                                  .ack_exponent = {3, 3}, /* RFC 9000 18.2: the default */
                                  .state = "attempted",
                                  .mtu = VEL_PMTUD_BASE,
                                  .local = start->scid,
                                  .remote = start->dcid};
    const struct vel_qlog_pen pen = {.m = m, .j = j, .now = now};
    put_head(j, start, unix_ns);
    vel_qlog_started(&pen, start);
    vel_qlog_open(&pen, "connectivity:connection_state_updated");
    vel_json_word(j, "new", m->state);
    vel_qlog_close(&pen);
    vel_qlog_recovery_constants(&pen);
}

void vel_qlog_cut(struct vel_qlog_memory *m, struct vel_json *j, const char *why, vel_time now)
{
    const struct vel_qlog_pen pen = {.m = m, .j = j, .now = now};
    vel_qlog_open(&pen, "loglevel:warning");
    vel_json_word(j, "message", why);
    vel_qlog_close(&pen);
}

/* ---- events ---- */

void vel_qlog_event(struct vel_qlog_memory *m, struct vel_json *j,
                    const struct vel_trace_event *event, vel_time now, bool frames)
{
    const struct vel_qlog_pen pen = {.m = m, .j = j, .now = now, .frames = frames};
    switch (event->type) {
    case VEL_TRACE_PACKET_SENT:
    case VEL_TRACE_PACKET_RECEIVED:
    case VEL_TRACE_PACKET_DROPPED:
    case VEL_TRACE_PACKET_HELD:
        vel_qlog_packet(&pen, event);
        break;
    case VEL_TRACE_PACKET_LOST:
        vel_qlog_lost(&pen, &event->lost);
        break;
    case VEL_TRACE_DATAGRAM_SENT:
    case VEL_TRACE_DATAGRAM_RECEIVED:
        vel_qlog_datagram(&pen, event);
        break;
    case VEL_TRACE_PARAMETERS:
        vel_qlog_parameters(&pen, &event->parameters);
        break;
    case VEL_TRACE_HANDSHAKE:
        vel_qlog_handshake(&pen, event->facts);
        break;
    case VEL_TRACE_STATE:
        vel_qlog_life(&pen, &event->life);
        break;
    case VEL_TRACE_KEYS:
        vel_qlog_keys(&pen, &event->keys);
        break;
    case VEL_TRACE_RECOVERY:
        vel_qlog_recovery(&pen, &event->recovery);
        break;
    case VEL_TRACE_TIMEOUT:
        vel_qlog_timeout(&pen, &event->timeout);
        break;
    case VEL_TRACE_CID:
        vel_qlog_cid(&pen, &event->cid);
        break;
    case VEL_TRACE_PATH:
        vel_qlog_path(&pen, &event->path);
        break;
    case VEL_TRACE_MTU:
        vel_qlog_mtu(&pen, &event->mtu);
        break;
    }
}
