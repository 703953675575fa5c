/* SPDX-License-Identifier: MIT */
#include "transport/conn_internal.h"

void vel_conn_trace_begin(struct vel_conn *conn)
{
    const struct vel_tracer *tracer = conn->config->tracer;
    const struct vel_track *track = &conn->first;
    const struct vel_path *path = track->paths.active;
    if (tracer == NULL)
        return;
    const struct vel_trace_start start = {
        .is_client = conn->is_client,
        .version = conn->version->number,
        .local = path->local,
        .remote = path->remote,
        .original_dcid = conn->opening->original_dcid,
        .scid = track->cids.local[0].cid,
        .dcid = *vel_cids_peer(&track->cids, path->peer_cid),
        .config = conn->config,
    };
    conn->trace = tracer->begin(tracer->self, &start, conn->now);
}

void vel_conn_trace_end(struct vel_conn *conn)
{
    if (conn->trace != NULL)
        conn->config->tracer->end(conn->trace, conn->now);
    conn->trace = NULL;
}

void vel_conn_trace(const struct vel_conn *conn, const struct vel_trace_event *event)
{
    conn->config->tracer->event(conn->trace, event, conn->now);
}

bool vel_conn_traces_http(const struct vel_conn *conn)
{
    return conn->trace != NULL && conn->config->tracer->http != NULL;
}

void vel_conn_trace_http(const struct vel_conn *conn, const struct vel_http_trace_event *event)
{
    if (vel_conn_traces_http(conn))
        conn->config->tracer->http(conn->trace, event, conn->now);
}

/* ---- packets ---- */

void vel_conn_trace_datagram_sent(struct vel_conn *conn, const struct vel_path *path, size_t size)
{
    VEL_TRACE(conn, VEL_TRACE_DATAGRAM_SENT,
              .datagram = {.number = conn->stats.datagrams_sent, .size = size, .path = path->id});
}

void vel_conn_trace_datagram(struct vel_conn *conn, const struct vel_path *path, size_t size,
                             uint8_t ecn)
{
    VEL_TRACE(conn, VEL_TRACE_DATAGRAM_RECEIVED,
              .datagram = {.number = conn->stats.datagrams_received - 1,
                           .size = size,
                           .path = path != NULL ? path->id : 0,
                           .ecn = ecn});
}

void vel_conn_trace_sent(struct vel_conn *conn, const struct vel_packet_build *p)
{
    static const enum vel_packet_type types[VEL_SPACE_COUNT] = {
        VEL_PACKET_INITIAL, VEL_PACKET_HANDSHAKE, VEL_PACKET_ONE_RTT};
    bool is_long = p->space != VEL_SPACE_APP;
    const struct vel_cids *cids = &p->track->cids;
    struct vel_trace_event event = {
        .type = VEL_TRACE_PACKET_SENT,
        .packet = {.type = types[p->space],
                   .number = p->number,
                   .track = p->track->id,
                   .path = p->path->id,
                   .size = vel_packet_size(p),
                   .datagram = conn->stats.datagrams_sent,
                   .dcid = vel_cid_slice(vel_cids_peer(cids, p->path->peer_cid)),
                   .version = is_long ? conn->version : NULL,
                   .payload =
                       vel_slice(p->w.start + p->header_size, vel_written(&p->w) - p->header_size),
                   .mtu_probe = p->mtu_probe}};
    if (is_long)
        event.packet.scid = vel_cid_slice(&cids->local[0].cid);
    vel_conn_trace(conn, &event);
}

/* What the header of an arrived packet tells. */
static struct vel_trace_packet arrived(const struct vel_conn *conn,
                                       const struct vel_packet_header *header)
{
    return (struct vel_trace_packet){.type = header->type,
                                     .number = VEL_NUMBER_NONE,
                                     .size = header->size,
                                     .datagram = conn->stats.datagrams_received - 1,
                                     .dcid = header->dcid,
                                     .scid = header->scid,
                                     .version = header->version};
}

void vel_conn_trace_received(struct vel_track *track, const struct vel_packet_header *header,
                             const struct vel_opened *opened, uint32_t path, bool held)
{
    struct vel_conn *conn = track->conn;
    struct vel_trace_event event = {.type = VEL_TRACE_PACKET_RECEIVED,
                                    .packet = arrived(conn, header)};
    event.packet.number = opened->number;
    event.packet.payload = opened->payload;
    event.packet.track = track->id;
    event.packet.path = path;
    event.packet.held = held;
    vel_conn_trace(conn, &event);
}

void vel_conn_trace_received_plain(struct vel_conn *conn, const struct vel_packet_header *header)
{
    const struct vel_trace_event event = {.type = VEL_TRACE_PACKET_RECEIVED,
                                          .packet = arrived(conn, header)};
    vel_conn_trace(conn, &event);
}

void vel_conn_trace_held(struct vel_conn *conn, const struct vel_packet_header *header)
{
    const struct vel_trace_event event = {.type = VEL_TRACE_PACKET_HELD,
                                          .packet = arrived(conn, header)};
    vel_conn_trace(conn, &event);
}

void vel_conn_trace_dropped(struct vel_conn *conn, const struct vel_packet_header *header,
                            size_t size, enum vel_trace_drop why)
{
    struct vel_trace_event event = {
        .type = VEL_TRACE_PACKET_DROPPED,
        .packet = {.type = VEL_PACKET_TYPE_COUNT, .number = VEL_NUMBER_NONE, .size = size}};
    if (header != NULL)
        event.packet = arrived(conn, header);
    event.packet.drop = why;
    vel_conn_trace(conn, &event);
}

void vel_conn_trace_lost(void *self, enum vel_space space, uint64_t number,
                         const struct vel_sent_packet *packet, bool by_time)
{
    const struct vel_track *track = self;
    VEL_TRACE(track->conn, VEL_TRACE_PACKET_LOST,
              .lost = {.track = track->id,
                       .space = space,
                       .number = number,
                       .mtu_probe = packet->ack_eliciting && !packet->in_flight,
                       .why = by_time ? VEL_TRACE_LOSS_TIME : VEL_TRACE_LOSS_REORDERING});
}

/* ---- states ---- */

void vel_conn_trace_cid(const struct vel_track *track, bool remote, const struct vel_cid *id)
{
    VEL_TRACE(track->conn, VEL_TRACE_CID, .cid = {.track = track->id, .remote = remote, .id = *id});
}

void vel_conn_trace_recovery(const struct vel_track *track)
{
    const struct vel_recovery *recovery = &track->recovery;
    VEL_TRACE(track->conn, VEL_TRACE_RECOVERY,
              .recovery = {.track = track->id,
                           .rtt = &recovery->rtt,
                           .cc = &recovery->cc,
                           .ecn = recovery->ecn.state,
                           .bytes_in_flight = recovery->in_flight,
                           .pacing_rate = vel_cc_pacing(&recovery->cc, &recovery->rtt).rate,
                           .pto_count = recovery->pto_backoff,
                           .deadline = vel_recovery_deadline(recovery)});
}

void vel_conn_trace_ended(struct vel_conn *conn)
{
    static const enum vel_trace_state states[VEL_LIFE_COUNT] = {
        [VEL_LIFE_CLOSING] = VEL_TRACE_STATE_CLOSING,
        [VEL_LIFE_DRAINING] = VEL_TRACE_STATE_DRAINING,
        [VEL_LIFE_DEAD] = VEL_TRACE_STATE_CLOSED};
    VEL_TRACE(conn, VEL_TRACE_STATE,
              .life = {.state = states[conn->life.state], .close = &conn->life.close});
}
