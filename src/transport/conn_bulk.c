/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "transport/conn_internal.h"

/*
 * Bulk data: most packets of a fast transfer hold new bytes of one stream and nothing else. What they
 * have in common is decided once for all that leave together: that nothing else waits, how many the
 * window and the keys admit, the path, the header. Then each costs its number, its frame, its encryption
 * and its slot among the packets sent. Their headers are masked with one call at the end, and recovery,
 * congestion control and statistics hear of them at once.
 *
 * Whatever differs from that is written by conn_send.c, packet by packet: it also finds out why no more
 * may leave.
 */

/* Short header, tag. */
enum { OVERHEAD_MAX = VEL_SHORT_HEADER_MAX + VEL_AEAD_TAG };

/* Nobody looks at single packets, and nothing of the handshake is left to be sent or proved. */
static bool is_settled(const struct vel_track *track)
{
    const struct vel_conn *conn = track->conn;
    return conn->trace == NULL && conn->opening == NULL && !vel_life_is_over(&conn->life) &&
           track->paths.active->validated && conn->space[VEL_SPACE_INITIAL].discarded &&
           conn->space[VEL_SPACE_HANDSHAKE].discarded;
}

static unsigned admitted(struct vel_track *track, const struct vel_datagrams_out *out, vel_time now)
{
    uint64_t most = VEL_MIN(vel_conn_seals_left(track->conn), (uint64_t)out->most);
    return (unsigned)VEL_MIN(most, vel_conn_window_packets(track, out->size, now));
}

static bool encrypt(struct vel_conn *conn, struct vel_packet_build *p)
{
    return vel_packet_encrypt(conn->space[VEL_SPACE_APP].write.aead, p->track->id, p->number,
                              p->w.start, p->header_size, vel_written(&p->w) - p->header_size,
                              p->body) == VEL_OK;
}

/* From the first one, which is begun, on. Returns how many were put among those sent. */
static unsigned write_packets(struct vel_packet_build *p, struct vel_bulk_stream *stream,
                              const struct vel_sent_packet *kind, unsigned most)
{
    struct vel_conn *conn = p->track->conn;
    struct vel_recovery *recovery = &p->track->recovery;
    struct vel_sent *sent = &recovery->space[VEL_SPACE_APP].sent;
    unsigned count = 0;
    do {
        if (!vel_streams_bulk_write(stream, &p->w, sent, &p->body))
            break;
        if (!encrypt(conn, p)) {
            vel_conn_fail(conn, VEL_WIRE_INTERNAL_ERROR, "packet protection failed");
            break;
        }
        vel_recovery_put(recovery, VEL_SPACE_APP, kind);
        count++;
    } while (count < most && vel_packet_follow(p));
    vel_packet_abandon(p); /* nothing, if the last one was put */
    return count;
}

/* What was put has left. False: it must not. */
static bool finish(struct vel_packet_build *p, const struct vel_datagrams_out *out,
                   const struct vel_sent_packet *kind, unsigned count, vel_time now)
{
    struct vel_conn *conn = p->track->conn;
    vel_recovery_count(&p->track->recovery, VEL_SPACE_APP, kind, count);
    vel_packet_count(conn, p, count, now);
    if (vel_packets_mask(conn->space[VEL_SPACE_APP].write.mask, out->bytes, out->size, count,
                         p->header_size, p->number_size) == VEL_OK)
        return true;
    vel_conn_fail(conn, VEL_WIRE_INTERNAL_ERROR, "packet protection failed");
    return false;
}

unsigned vel_conn_write_bulk(struct vel_track *track, const struct vel_datagrams_out *out,
                             vel_time now)
{
    struct vel_bulk_stream stream;
    struct vel_packet_build p;
    if (!is_settled(track) || out->size <= OVERHEAD_MAX || !vel_conn_fills_streams_only(track) ||
        !vel_streams_bulk_begin(track->conn->streams, track->carries, out->size - VEL_AEAD_TAG,
                                &stream))
        return 0;
    unsigned most = admitted(track, out, now);
    if (most == 0 ||
        !vel_packet_begin(track, track->paths.active, &p, VEL_SPACE_APP, out->bytes, out->size))
        return 0;
    p.eliciting = true;
    struct vel_sent_packet kind = {.time = now,
                                   .size = (uint16_t)out->size,
                                   .ack_eliciting = true,
                                   .in_flight = true,
                                   .path = track->recovery.path,
                                   .ecn = out->ecn};
    unsigned count = write_packets(&p, &stream, &kind, most);
    vel_streams_bulk_end(&stream);
    return count > 0 && finish(&p, out, &kind, count, now) ? count : 0;
}
