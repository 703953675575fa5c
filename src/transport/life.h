/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_LIFE_H
#define TRANSPORT_LIFE_H

#include "velocity/conn.h"

/*
 * Where a connection stands between its first packet and its end (RFC 9000 section 10): the
 * states, what ended it, the idle time-out, and the pacing of answers while closing.
 */
enum vel_life_state {
    VEL_LIFE_HANDSHAKE,
    VEL_LIFE_OPEN,
    VEL_LIFE_CLOSING,  /* we sent CONNECTION_CLOSE and answer what still comes with it */
    VEL_LIFE_DRAINING, /* the peer closed: silence until its packets have died out */
    VEL_LIFE_DEAD,
    VEL_LIFE_COUNT
};

enum vel_life_event {
    VEL_LIFE_CONNECTED,   /* the handshake completed */
    VEL_LIFE_LOCAL_CLOSE, /* the application or an error ends it */
    VEL_LIFE_PEER_CLOSE,  /* CONNECTION_CLOSE or a stateless reset arrived */
    VEL_LIFE_EXPIRED,     /* idle time-out, handshake time-out, or the end of draining */
    VEL_LIFE_EVENT_COUNT
};

struct vel_life {
    enum vel_life_state state;
    struct vel_close close;  /* set when the state leaves OPEN or HANDSHAKE */
    vel_time idle_timeout;   /* the smaller of both ends' in nanoseconds; 0: none */
    vel_time idle_deadline;  /* VEL_NEVER while there is none */
    vel_time end;            /* closing or draining is over; VEL_NEVER before */
    vel_time handshake_ends; /* give up an incomplete handshake */
    bool sent_since_receive; /* only the first ack-eliciting packet after a receipt restarts idle */
    bool close_due;          /* a CONNECTION_CLOSE waits to be sent */
    uint32_t close_received; /* packets that arrived while closing */
};

void vel_life_init(struct vel_life *life, vel_time now, vel_time handshake_timeout,
                   vel_time idle_timeout);

/* The peer announced its max_idle_timeout (nanoseconds, 0: none), RFC 9000 10.1. */
void vel_life_peer_idle_timeout(struct vel_life *life, vel_time timeout);

/* Apply an event; what has no meaning in the present state changes nothing. True when the state
 * changed. */
bool vel_life_step(struct vel_life *life, enum vel_life_event event);

/* End the connection from our side; the first reason stays. The period of closing begins when the
 * CONNECTION_CLOSE is sent, or would be if it could: vel_life_close_sent. */
void vel_life_close(struct vel_life *life, const struct vel_close *why);
/* `pto`: the current probe time-out. */
void vel_life_close_sent(struct vel_life *life, vel_time now, vel_time pto);

/* The peer ended it. */
void vel_life_peer_closed(struct vel_life *life, const struct vel_close *why, vel_time now,
                          vel_time pto);

/* Die at once without a word on the wire (time-outs, version negotiation). */
void vel_life_drop(struct vel_life *life, enum vel_close_origin origin, const char *reason);

/* Restart the idle time-out: a packet was received and processed, or an ack-eliciting one sent. */
void vel_life_received(struct vel_life *life, vel_time now, vel_time pto);
void vel_life_sent_eliciting(struct vel_life *life, vel_time now, vel_time pto);

/* A packet came while closing: answer the 1st, 2nd, 4th, 8th, ... (RFC 9000 10.2.1). */
void vel_life_answer_close(struct vel_life *life);

/* Nearest of the deadlines above. */
vel_time vel_life_deadline(const struct vel_life *life);
void vel_life_expire(struct vel_life *life, vel_time now);

static inline bool vel_life_is_over(const struct vel_life *life)
{
    return life->state >= VEL_LIFE_CLOSING;
}

/* Copy a peer's reason phrase, with everything but printable ASCII replaced by '?'. */
void vel_close_set_reason(struct vel_close *close, struct vel_slice reason);

#endif
