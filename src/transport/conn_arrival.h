/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_CONN_ARRIVAL_H
#define TRANSPORT_CONN_ARRIVAL_H

#include "transport/conn_state.h"

/*
 * What is known of the datagrams that are being taken apart. Those of a train come from one address, and
 * nearly always to one id of ours, with stream data and nothing else: then what holds for one of
 * them holds for the next, and is not found out again (`settled`). Whatever might change it, other
 * frames, another id, a path that is new or not the active one, a young connection, makes the next
 * datagram start afresh, so that the outcome is that of datagrams that come one by one.
 */
struct vel_arrival {
    const struct vel_addr *local, *remote; /* NULL: was held, on the path that it came on */
    uint8_t ecn;

    /* Of the datagram, and of those after it while `settled`. */
    struct vel_track *track;
    struct vel_path *on; /* that it came on; NULL: was held, or none that was known when it came */
    uint32_t path;       /* the same, or the one made of it; 0: we keep none for it */
    struct vel_cid dcid; /* of its first packet: coalesced ones must agree (RFC 9000 12.2) */
    bool settled;
    struct vel_packet_header alike; /* of a 1-RTT packet to `dcid`; its size is the datagram's */

    /* Of the datagram alone. */
    size_t size;
    const uint8_t *mask; /* header mask of its 1-RTT packet; NULL: not made yet */
    bool processed;      /* at least one packet was authentic and new */
};

/* ---- conn_arrival.c ---- */

/* Take one packet of the datagram: open it, and act on its frames if it is authentic and new. What is not
 * is dropped and counted, what comes before its keys is held. */
void vel_arrival_take(struct vel_arrival *arrival, struct vel_conn *conn,
                      const struct vel_packet_header *header, uint8_t *packet, vel_time now);

/* The same for a packet of a space whose keys are there, and which nothing stands against before it is
 * opened. */
void vel_arrival_open(struct vel_arrival *arrival, struct vel_conn *conn, enum vel_space space,
                      const struct vel_packet_header *header, uint8_t *packet, vel_time now);

/* Count `size` bytes that are dropped; header NULL: of what could not be read. */
void vel_conn_drop_bytes(struct vel_conn *conn, const struct vel_packet_header *header, size_t size,
                         enum vel_trace_drop why);

#endif
