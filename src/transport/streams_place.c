/* SPDX-License-Identifier: MIT */
#include "transport/streams_internal.h"

#include "base/units.h"

/* The peer lets us use this stream: always, but for those opened before its limit was known. */
static bool is_admitted(const struct vel_streams *streams, uint64_t id)
{
    return !vel_streams_is_local(streams, id) ||
           vel_stream_index(id) < streams->local[vel_stream_is_uni(id)].limit;
}

static void unqueue(struct vel_stream *s)
{
    vel_queue_remove(&s->send_link);
    s->send_queue = NULL;
}

static void place_data(struct vel_streams *streams, struct vel_stream *s,
                       enum vel_stream_readiness readiness)
{
    struct vel_stream_queue *queue = NULL;
    if (readiness == VEL_STREAM_READY)
        queue = vel_streams_ready(streams, s->choice, s->urgency);
    else if (readiness == VEL_STREAM_CONN_BLOCKED)
        queue = &streams->conn_blocked;
    if (queue == s->send_queue)
        return;
    unqueue(s);
    s->send_queue = queue;
    if (queue == NULL)
        return;
    vel_queue_push(queue, &s->send_link);
    if (streams->chosen != NULL)
        s->ticket = ++streams->chosen->tickets;
}

void vel_streams_place(struct vel_streams *streams, struct vel_stream *s)
{
    bool admitted = !s->closed && is_admitted(streams, s->id);
    uint64_t conn_credit = vel_flow_out_left(&streams->send_flow);
    enum vel_stream_readiness readiness =
        admitted ? vel_stream_readiness(s, conn_credit) : VEL_STREAM_IDLE;

    place_data(streams, s, readiness);
    if (readiness == VEL_STREAM_BLOCKED && vel_flow_out_blocked(&s->send_flow))
        s->pending |= VEL_PENDING_BLOCKED;
    if (readiness == VEL_STREAM_CONN_BLOCKED && vel_flow_out_blocked(&streams->send_flow))
        streams->pending |= VEL_PENDING_CONN_BLOCKED;

    bool has_control = admitted && s->pending != 0;
    if (has_control && !vel_queue_holds(&s->control_link))
        vel_queue_push(&streams->control, &s->control_link);
    if (!has_control)
        vel_queue_remove(&s->control_link);
}

void vel_streams_place_last(struct vel_streams *streams, struct vel_stream *s)
{
    unqueue(s);
    vel_streams_place(streams, s);
}

void vel_streams_place_all(struct vel_streams *streams, struct vel_stream_queue *queue)
{
    struct vel_stream_queue waiting;
    vel_queue_init(&waiting);
    vel_queue_move(queue, &waiting);
    struct vel_stream *s;
    while ((s = VEL_QUEUE_FIRST(&waiting, send_link)) != NULL)
        vel_streams_place_last(streams, s);
}

void vel_streams_unblock(struct vel_streams *streams)
{
    struct vel_stream_queue waiting;
    vel_queue_init(&waiting);
    vel_queue_move(&streams->conn_blocked, &waiting);
    struct vel_stream *s;
    while ((s = VEL_QUEUE_FIRST(&waiting, send_link)) != NULL) {
        vel_streams_place_last(streams, s);
        vel_streams_tell_writable(streams, s);
    }
}

void vel_streams_place_opened(struct vel_streams *streams, unsigned uni, uint64_t from)
{
    const struct vel_streams_local *local = &streams->local[uni];
    uint64_t type = (uni ? VEL_STREAM_UNI : 0) | (streams->is_client ? 0 : VEL_STREAM_SERVER);
    uint64_t end = VEL_MIN(local->opened, local->limit);
    for (uint64_t index = from; index < end; index++) {
        struct vel_stream *s = vel_streams_find(streams, index * VEL_STREAM_TYPES + type);
        if (s == NULL)
            continue;
        vel_flow_out_grant(&s->send_flow, local->initial_data);
        vel_streams_place(streams, s);
    }
}

void vel_streams_return_credit(struct vel_streams *streams, struct vel_stream *s, uint64_t count)
{
    if (vel_flow_in_consume(&streams->recv_flow, count))
        streams->pending |= VEL_PENDING_CONN_MAX_DATA;
    if (vel_flow_in_consume(&s->recv_flow, count) && s->recv_state == VEL_RECV_OPEN)
        s->pending |= VEL_PENDING_MAX_DATA;
}

void vel_streams_settle(struct vel_streams *streams, struct vel_stream *s)
{
    vel_stream_update(s);
    vel_streams_count_over(streams, s);
    bool closes = !s->closed && vel_stream_send_over(s) && vel_stream_recv_over(s);
    s->closed = s->closed || closes;
    vel_streams_place(streams, s);
    if (closes)
        vel_streams_event(streams, s, VEL_EVENT_STREAM_CLOSED);
}
