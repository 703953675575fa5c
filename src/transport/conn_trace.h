/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_CONN_TRACE_H
#define TRANSPORT_CONN_TRACE_H

#include "transport/conn_state.h"

/* ---- conn_trace.c: what nobody pays for who does not listen ---- */

void vel_conn_trace_begin(struct vel_conn *conn);
void vel_conn_trace_end(struct vel_conn *conn);

/* Tell of an event: VEL_TRACE(conn, VEL_TRACE_MTU, .mtu = {.size = size}); */
#define VEL_TRACE(conn, what, ...)                                                                 \
    do {                                                                                           \
        if ((conn)->trace != NULL)                                                                 \
            vel_conn_trace((conn), &(const struct vel_trace_event){.type = (what), __VA_ARGS__});  \
    } while (0)
__attribute__((cold)) void vel_conn_trace(const struct vel_conn *conn,
                                          const struct vel_trace_event *event);

/* Events that take more than a line to describe; only when conn->trace is not NULL. */

/* A datagram leaves, before it is counted; one has come, after that. path NULL: none that we know. */
__attribute__((cold)) void vel_conn_trace_datagram_sent(struct vel_conn *conn,
                                                        const struct vel_path *path, size_t size);
__attribute__((cold)) void vel_conn_trace_datagram(struct vel_conn *conn,
                                                   const struct vel_path *path, size_t size,
                                                   uint8_t ecn);
/* A packet is complete but for its protection. */
__attribute__((cold)) void vel_conn_trace_sent(struct vel_conn *conn,
                                               const struct vel_packet_build *p);
/* One is authentic, and new. */
__attribute__((cold)) void vel_conn_trace_received(struct vel_track *track,
                                                   const struct vel_packet_header *header,
                                                   const struct vel_opened *opened, uint32_t path,
                                                   bool held);
/* One without number and frames: Retry, Version Negotiation. */
__attribute__((cold)) void vel_conn_trace_received_plain(struct vel_conn *conn,
                                                         const struct vel_packet_header *header);
__attribute__((cold)) void vel_conn_trace_held(struct vel_conn *conn,
                                               const struct vel_packet_header *header);
/* header NULL: of what could not be read `size` bytes are dropped. */
__attribute__((cold)) void vel_conn_trace_dropped(struct vel_conn *conn,
                                                  const struct vel_packet_header *header,
                                                  size_t size, enum vel_trace_drop why);
/* A hook of recovery; self is the track. */
void vel_conn_trace_lost(void *self, enum vel_space space, uint64_t number,
                         const struct vel_sent_packet *packet, bool by_time);
/* Round trips, window, loss timer may have changed. */
__attribute__((cold)) void vel_conn_trace_recovery(const struct vel_track *track);
/* The id that we send to has changed (`remote`), or the one that the peer sends to. */
__attribute__((cold)) void vel_conn_trace_cid(const struct vel_track *track, bool remote,
                                              const struct vel_cid *id);
/* Closing, draining or dead, perhaps as before. */
__attribute__((cold)) void vel_conn_trace_ended(struct vel_conn *conn);

#endif
