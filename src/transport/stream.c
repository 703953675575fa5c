/* SPDX-License-Identifier: MIT */
#include "transport/stream.h"

bool vel_stream_abandon_send(struct vel_stream *s, uint64_t code)
{
    if (s->send_state >= VEL_SEND_RESET_SENT)
        return false;
    s->send_state = VEL_SEND_RESET_SENT;
    s->reset_code = code;
    s->pending |= VEL_PENDING_RESET;
    s->pending &= (uint8_t)~VEL_PENDING_BLOCKED;
    vel_send_buffer_clear(&s->send);
    return true;
}

bool vel_stream_abandon_recv(struct vel_stream *s, uint64_t code)
{
    if (s->recv_state >= VEL_RECV_STOPPED)
        return false;
    s->recv_state = VEL_RECV_STOPPED;
    s->stop_code = code;
    s->pending |= VEL_PENDING_STOP;
    s->pending &= (uint8_t)~VEL_PENDING_MAX_DATA;
    vel_recv_buffer_clear(&s->recv);
    vel_stream_update(s);
    return true;
}

static void update_send(struct vel_stream *s)
{
    if (s->send_state == VEL_SEND_OPEN && s->send.fin > VEL_FIN_QUEUED)
        s->send_state = VEL_SEND_DATA_SENT;
    if (s->send_state == VEL_SEND_DATA_SENT && vel_send_buffer_done(&s->send))
        s->send_state = VEL_SEND_DATA_RECVD;
}

static void update_recv(struct vel_stream *s)
{
    if (s->recv_state == VEL_RECV_OPEN && s->recv.fin) {
        s->recv_state = VEL_RECV_SIZE_KNOWN;
        s->pending &= (uint8_t)~VEL_PENDING_MAX_DATA;
    }
    if (s->recv_state == VEL_RECV_SIZE_KNOWN && s->fin_shown && s->recv.consumed == s->recv.highest)
        s->recv_state = VEL_RECV_DATA_READ;
    if (s->recv_state == VEL_RECV_STOPPED && s->recv.fin) {
        s->recv_state = VEL_RECV_DATA_READ;
        s->pending &= (uint8_t)~VEL_PENDING_STOP;
    }
}

void vel_stream_update(struct vel_stream *s)
{
    update_send(s);
    update_recv(s);
}

enum vel_stream_readiness vel_stream_readiness(const struct vel_stream *s, uint64_t conn_credit)
{
    if (s->send_state >= VEL_SEND_RESET_SENT)
        return VEL_STREAM_IDLE;
    if (vel_send_buffer_has_lost(&s->send))
        return VEL_STREAM_READY;
    if (s->send.sent == s->send.end)
        return s->send.fin == VEL_FIN_QUEUED ? VEL_STREAM_READY : VEL_STREAM_IDLE;
    if (vel_flow_out_left(&s->send_flow) == 0)
        return VEL_STREAM_BLOCKED;
    return conn_credit > 0 ? VEL_STREAM_READY : VEL_STREAM_CONN_BLOCKED;
}
