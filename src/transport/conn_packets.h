/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_CONN_PACKETS_H
#define TRANSPORT_CONN_PACKETS_H

#include "transport/conn_state.h"

/* What moves packets: taking them apart, writing them, and what became of them. */

/* ---- conn_receive.c ---- */

/* Packets that were held back because their keys were missing: try again. */
void vel_conn_receive_held(struct vel_conn *conn, vel_time now);

/* ---- conn_frames.c ---- */

/* The frames of an authenticated packet. */
struct vel_frames {
    struct vel_track *track; /* that it came on */
    enum vel_space space;
    enum vel_packet_type packet;
    const struct vel_cid *dcid; /* the id of ours that it was sent to */
    uint32_t path;              /* id of the path that it came on; 0: none that we keep */
    const struct vel_addr *local, *remote; /* of its datagram; NULL: it was held */
    size_t size;                           /* bytes of that */
    struct vel_slice payload;
    /* Results. */
    bool elicits;   /* it must be acknowledged */
    bool moves;     /* it is not a probing packet (RFC 9000 9.1) */
    bool only_data; /* STREAM frames of a 1-RTT packet, and nothing else */
};

/* Handle them all. False: the connection was closed. */
bool vel_conn_handle_frames(struct vel_conn *conn, struct vel_frames *frames, vel_time now);

/* ---- conn_packet.c ---- */

/* A packet that is being written. */
struct vel_packet_build {
    struct vel_writer w; /* from the first header byte; ends where the tag must start */
    size_t header_size;
    size_t number_size;
    uint64_t number;
    struct vel_track *track;
    const struct vel_path *path;
    enum vel_space space;
    bool eliciting;
    bool padded;
    bool mtu_probe;        /* outside congestion control */
    bool aside;            /* a probe of another path: outside of recovery */
    bool expanded;         /* its datagram must be a full one, whatever else is in there */
    struct vel_slice body; /* last bytes of the payload that lie elsewhere until it is sealed */
};

/* May data leave on this track, as far as congestion window and pacer go? Sets the time to try again. */
bool vel_conn_window_open(struct vel_track *track, vel_time now);

/* How many packets of `size` bytes may leave as far as these go. */
uint64_t vel_conn_window_packets(struct vel_track *track, size_t size, vel_time now);

/* Begin one for a path of a track at `start`, with `room` bytes for all of it. False: no room, or too
 * many packets wait for their acknowledgement. */
bool vel_packet_begin(struct vel_track *track, const struct vel_path *path,
                      struct vel_packet_build *p, enum vel_space space, uint8_t *start,
                      size_t room);

/* Frames were written to it. */
static inline bool vel_packet_has_frames(const struct vel_packet_build *p)
{
    return vel_written(&p->w) > p->header_size;
}

/* No more frames come: PADDING up to the shortest payload that still holds a sample (RFC 9001
 * 5.4.2). Where the packet ends is known from here on, and the next one may begin there. */
void vel_packet_end_frames(struct vel_packet_build *p);

/* Bytes that it takes in the datagram as it stands. */
static inline size_t vel_packet_size(const struct vel_packet_build *p)
{
    return vel_written(&p->w) + VEL_AEAD_TAG;
}

/* Whoever reads or adds to the payload before it is sealed needs all of it in its place. */
void vel_packet_bring_body(struct vel_packet_build *p);

/* Drop it; its number is used again. */
void vel_packet_abandon(struct vel_packet_build *p);

/* Pad it by `padding` more bytes, seal it and hand it to recovery. False: libcrypto failed. */
bool vel_packet_finish(struct vel_conn *conn, struct vel_packet_build *p, size_t padding,
                       uint8_t ecn, vel_time now);

/* The packet has left for `packets_sent` and the keys' limit, with those like it: `count` in all. */
void vel_packet_count(struct vel_conn *conn, const struct vel_packet_build *p, unsigned count,
                      vel_time now);

/* Begin the next one behind `p`, as large, with the same header but for the number; p was committed
 * to `sent`, and its header is not masked yet. False: it must be begun by itself. */
bool vel_packet_follow(struct vel_packet_build *p);

/* ---- conn_bulk.c ---- */

/* Datagrams that follow each other in a train, all alike. */
struct vel_datagrams_out {
    uint8_t *bytes; /* of the first */
    size_t size;    /* of each */
    unsigned most;  /* room for so many */
    uint8_t ecn;
};

/* Write as many of them as hold nothing but new bytes of one stream, each filled. Returns how many; 0:
 * the next one is another kind, or nothing may leave. */
unsigned vel_conn_write_bulk(struct vel_track *track, const struct vel_datagrams_out *out,
                             vel_time now);

/* ---- conn_fill.c ---- */

/* Is there anything that a packet of this space would carry now? `window`: congestion window and
 * pacer admit more than acknowledgements. */
bool vel_conn_wants(struct vel_track *track, enum vel_space space, bool window, vel_time now);

/* A 1-RTT packet of this track would hold frames of streams and nothing else. */
bool vel_conn_fills_streams_only(const struct vel_track *track);

/* Control frames wait that any track may carry. */
bool vel_conn_has_control(const struct vel_conn *conn);

/* Write what is due into the packet. */
void vel_conn_fill(struct vel_conn *conn, struct vel_packet_build *p, bool window, vel_time now);
/* Write one control frame with its record; nothing happens when either has no room. */
bool vel_packet_write_control(struct vel_packet_build *p, const struct vel_frame *frame,
                              struct vel_record record);
/* An acknowledgement of what `track` received. False: nothing was written. */
bool vel_conn_put_ack(struct vel_packet_build *p, struct vel_track *track, vel_time now);
/* Acknowledge everything that was received, leaving room for `keep` bytes: in the packet that ends
 * the connection, whose own acknowledgement nobody waits for. */
void vel_conn_fill_last_ack(struct vel_packet_build *p, size_t keep, vel_time now);

/* ---- conn_acks.c ---- */

/* How long the peer waits with acknowledgements counts in our probe time-outs. */
void vel_conn_update_ack_delay(struct vel_conn *conn);

/* An acknowledgement of 1-RTT packets arrived: ask for more or fewer, if that is worth it. */
void vel_conn_consider_acks(struct vel_track *track);

/* Write the ACK_FREQUENCY that is due. */
void vel_conn_fill_ack_request(struct vel_packet_build *p);

/* ACK_FREQUENCY arrived. Returns the code to close with; VEL_WIRE_NO_ERROR: fine. */
uint64_t vel_conn_on_ack_frequency(struct vel_conn *conn,
                                   const struct vel_frame_ack_frequency *frame, vel_time now);

/* ---- conn_records.c ---- */

/* A frame that was sent is acknowledged, or lost: the hooks of recovery; self is the track. */
void vel_conn_record_acked(void *self, enum vel_space space, const struct vel_record *record);
void vel_conn_record_lost(void *self, enum vel_space space, const struct vel_record *record);

/* ---- conn_datagrams.c ---- */

/* Of a set of choices, that of the most urgent datagram or stream that waits. VEL_CHOICES: none. */
unsigned vel_conn_first_choice(const struct vel_conn *conn, unsigned choices);

/* Write what fits of a set of choices: `ahead` of the streams' frames, or behind them. */
struct vel_datagram_fill {
    unsigned choices;
    bool ahead;
    bool copied; /* in DATAGRAM_COPY frames: the same leaves on other tracks */
};
void vel_conn_fill_datagrams(struct vel_conn *conn, struct vel_packet_build *p,
                             struct vel_datagram_fill fill, vel_time now);

/* A DATAGRAM frame arrived. Returns the code to close with; VEL_WIRE_NO_ERROR: fine. */
uint64_t vel_conn_on_datagram(struct vel_conn *conn, struct vel_slice bytes);
/* The same of a DATAGRAM_COPY frame, with the number of its datagram. */
uint64_t vel_conn_on_datagram_copy(struct vel_conn *conn, uint64_t number, struct vel_slice bytes);

/* ---- conn_send.c ---- */

/* So many datagrams of `size` bytes in all leave on a path. */
void vel_conn_count_sent(struct vel_conn *conn, struct vel_path *path, unsigned datagrams,
                         size_t size);

/* ---- conn_probe.c ---- */

/* The next datagram that tests a path. VEL_ERR_AGAIN: none is due, or has credit. */
vel_result vel_conn_send_probe(struct vel_conn *conn, struct vel_train *train, vel_time now);

/* ---- conn_timers.c ---- */

/* A packet of the peer was processed: it is alive, and asked again only after a while of silence. */
void vel_conn_restart_keep_alive(struct vel_conn *conn, vel_time now);

#endif
