/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "transport/conn_internal.h"

void vel_conn_update_ack_delay(struct vel_conn *conn)
{
    vel_time delay = vel_ack_request_delay(&conn->ack_request);
    VEL_TRACKS_EACH(track, conn)
    vel_recovery_set_max_ack_delay(&track->recovery, delay);
}

static struct vel_ack_wish wish_of(const struct vel_ack_request *request,
                                   const struct vel_recovery *r)
{
    return vel_ack_wish(request, vel_cc_window(&r->cc) / r->cc.mtu, r->rtt.smoothed,
                        r->reordering.threshold);
}

/* The frame is about all tracks at once: it suits the one that needs acknowledgements most. */
void vel_conn_consider_acks(struct vel_track *track)
{
    struct vel_conn *conn = track->conn;
    struct vel_ack_request *request = &conn->ack_request;
    if (!request->allowed || request->in_flight || conn->opening != NULL ||
        track->recovery.app_limited)
        return;
    struct vel_ack_wish wish = wish_of(request, &track->recovery);
    VEL_TRACKS_EACH(other, conn)
    {
        struct vel_ack_wish its = wish_of(request, &other->recovery);
        if (other == track || other->recovery.in_flight == 0)
            continue;
        wish.threshold = VEL_MIN(wish.threshold, its.threshold);
        wish.max_delay = VEL_MIN(wish.max_delay, its.max_delay);
        wish.reordering = VEL_MAX(wish.reordering, its.reordering);
    }
    vel_ack_request_consider(request, &wish);
}

void vel_conn_fill_ack_request(struct vel_packet_build *p)
{
    struct vel_conn *conn = p->track->conn;
    struct vel_frame frame;
    struct vel_record record;
    if (!conn->ack_request.due)
        return;
    vel_ack_request_take(&conn->ack_request, &frame, &record);
    if (!vel_packet_write_control(p, &frame, record))
        vel_ack_request_put_back(&conn->ack_request);
    vel_conn_update_ack_delay(conn);
}

uint64_t vel_conn_on_ack_frequency(struct vel_conn *conn,
                                   const struct vel_frame_ack_frequency *frame, vel_time now)
{
    if (vel_ack_policy_obey(&conn->ack_policy, frame) != VEL_OK)
        return VEL_WIRE_PROTOCOL_VIOLATION;
    VEL_TRACKS_EACH(track, conn)
    {
        struct vel_acks *acks = &track->space[VEL_SPACE_APP].acks;
        if (acks->pending >= conn->ack_policy.every)
            vel_acks_hurry(acks, now);
    }
    return VEL_WIRE_NO_ERROR;
}
