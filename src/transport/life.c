/* SPDX-License-Identifier: MIT */
#include "transport/life.h"

#include "base/units.h"

/* Closing and draining last three probe time-outs (RFC 9000 10.2). */
enum { CLOSE_PTOS = 3 };

/* A cell that repeats its row's state is an event without meaning there. */
static const enum vel_life_state next[VEL_LIFE_COUNT][VEL_LIFE_EVENT_COUNT] = {
    /* clang-format off */
    /*                       CONNECTED           LOCAL_CLOSE         PEER_CLOSE          EXPIRED   */
    [VEL_LIFE_HANDSHAKE] = { VEL_LIFE_OPEN,      VEL_LIFE_CLOSING,   VEL_LIFE_DRAINING,  VEL_LIFE_DEAD },
    [VEL_LIFE_OPEN]      = { VEL_LIFE_OPEN,      VEL_LIFE_CLOSING,   VEL_LIFE_DRAINING,  VEL_LIFE_DEAD },
    [VEL_LIFE_CLOSING]   = { VEL_LIFE_CLOSING,   VEL_LIFE_CLOSING,   VEL_LIFE_DRAINING,  VEL_LIFE_DEAD },
    [VEL_LIFE_DRAINING]  = { VEL_LIFE_DRAINING,  VEL_LIFE_DRAINING,  VEL_LIFE_DRAINING,  VEL_LIFE_DEAD },
    [VEL_LIFE_DEAD]      = { VEL_LIFE_DEAD,      VEL_LIFE_DEAD,      VEL_LIFE_DEAD,      VEL_LIFE_DEAD },
    /* clang-format on */
};

void vel_life_init(struct vel_life *life, vel_time now, vel_time handshake_timeout,
                   vel_time idle_timeout)
{
    *life = (struct vel_life){
        .state = VEL_LIFE_HANDSHAKE,
        .idle_timeout = idle_timeout,
        .idle_deadline = idle_timeout == 0 ? VEL_NEVER : now + idle_timeout,
        .end = VEL_NEVER,
        .handshake_ends = handshake_timeout == 0 ? VEL_NEVER : now + handshake_timeout,
    };
}

void vel_life_peer_idle_timeout(struct vel_life *life, vel_time timeout)
{
    if (timeout != 0 && (life->idle_timeout == 0 || timeout < life->idle_timeout))
        life->idle_timeout = timeout;
}

bool vel_life_step(struct vel_life *life, enum vel_life_event event)
{
    enum vel_life_state before = life->state;
    life->state = next[before][event];
    if (life->state != VEL_LIFE_HANDSHAKE)
        life->handshake_ends = VEL_NEVER;
    return life->state != before;
}

static void begin_end(struct vel_life *life, enum vel_life_event event, const struct vel_close *why)
{
    bool first = !vel_life_is_over(life);
    if (!vel_life_step(life, event))
        return;
    if (first)
        life->close = *why;
    life->idle_deadline = VEL_NEVER;
    life->close_due = life->state == VEL_LIFE_CLOSING;
}

static void begin_period(struct vel_life *life, vel_time now, vel_time pto)
{
    if (life->end == VEL_NEVER)
        life->end = now + CLOSE_PTOS * pto;
}

void vel_life_close(struct vel_life *life, const struct vel_close *why)
{
    begin_end(life, VEL_LIFE_LOCAL_CLOSE, why);
}

void vel_life_close_sent(struct vel_life *life, vel_time now, vel_time pto)
{
    life->close_due = false;
    begin_period(life, now, pto);
}

void vel_life_peer_closed(struct vel_life *life, const struct vel_close *why, vel_time now,
                          vel_time pto)
{
    begin_end(life, VEL_LIFE_PEER_CLOSE, why);
    begin_period(life, now, pto);
}

void vel_life_drop(struct vel_life *life, enum vel_close_origin origin, const char *reason)
{
    if (!vel_life_is_over(life)) {
        life->close = (struct vel_close){.origin = origin};
        vel_close_set_reason(&life->close, vel_slice_text(reason));
    }
    (void)vel_life_step(life, VEL_LIFE_EXPIRED);
    life->idle_deadline = VEL_NEVER;
    life->end = VEL_NEVER;
    life->close_due = false;
}

/* RFC 9000 10.1: at least three probe time-outs, so that a lost packet is not taken for silence. */
static void restart_idle(struct vel_life *life, vel_time now, vel_time pto)
{
    if (life->idle_timeout == 0 || vel_life_is_over(life))
        life->idle_deadline = VEL_NEVER;
    else
        life->idle_deadline = now + VEL_MAX(life->idle_timeout, CLOSE_PTOS * pto);
}

void vel_life_received(struct vel_life *life, vel_time now, vel_time pto)
{
    life->sent_since_receive = false;
    restart_idle(life, now, pto);
}

void vel_life_sent_eliciting(struct vel_life *life, vel_time now, vel_time pto)
{
    if (!life->sent_since_receive)
        restart_idle(life, now, pto);
    life->sent_since_receive = true;
}

void vel_life_answer_close(struct vel_life *life)
{
    uint32_t count = ++life->close_received;
    if ((count & (count - 1)) == 0)
        life->close_due = true;
}

vel_time vel_life_deadline(const struct vel_life *life)
{
    return VEL_MIN(VEL_MIN(life->idle_deadline, life->end), life->handshake_ends);
}

void vel_life_expire(struct vel_life *life, vel_time now)
{
    if (life->end <= now)
        vel_life_drop(life, life->close.origin, life->close.reason);
    else if (life->handshake_ends <= now)
        vel_life_drop(life, VEL_CLOSE_TIMEOUT, "handshake timed out");
    else if (life->idle_deadline <= now)
        vel_life_drop(life, VEL_CLOSE_IDLE, "idle time-out");
}

void vel_close_set_reason(struct vel_close *close, struct vel_slice reason)
{
    size_t len = VEL_MIN(reason.len, sizeof close->reason - 1);
    for (size_t i = 0; i < len; i++) {
        uint8_t c = reason.ptr[i];
        close->reason[i] = c >= 0x20 && c < 0x7f ? (char)c : '?';
    }
    close->reason[len] = '\0';
}
