/* SPDX-License-Identifier: MIT */
#include <limits.h>

#include "transport/recovery_internal.h"

/*
 * The probe time-out of a space, RFC 9002 6.2.1, with the backoff of the connection. The answer to a packet
 * of the handshake waits for public-key operations, the peer's for this connection and those of others
 * that came with it, which no sample has seen: an Initial packet may be acknowledged within microseconds. So
 * it has VEL_PTO_HANDSHAKE_GRACE at least (VEL-TR-59). Until the handshake is confirmed the backoff ends at VEL_PTO_HANDSHAKE_MAX: a client's acknowledged Initial
 * packets do not reset it, and one that was acknowledged late makes the estimate long as well, so
 * that a few losses would leave a handshake silent for minutes while the server waits for credit.
 */
static vel_time probe_period(const struct vel_recovery *r, enum vel_space space)
{
    vel_time period = vel_rtt_pto(&r->rtt);
    if (space == VEL_SPACE_APP)
        period += r->max_ack_delay;
    else
        period = VEL_MAX(period, r->rtt.smoothed + VEL_PTO_HANDSHAKE_GRACE);
    vel_time backed_off = period << VEL_MIN(r->pto_backoff, (unsigned)VEL_PTO_BACKOFF_MAX);
    if (r->handshake_confirmed)
        return backed_off;
    return VEL_MIN(backed_off, VEL_MAX(period, VEL_PTO_HANDSHAKE_MAX));
}

vel_time vel_recovery_pto(const struct vel_recovery *r)
{
    return vel_rtt_pto(&r->rtt) + r->max_ack_delay;
}

static enum vel_space earliest_loss(const struct vel_recovery *r)
{
    enum vel_space found = VEL_SPACE_INITIAL;
    for (enum vel_space i = VEL_SPACE_HANDSHAKE; i < VEL_SPACE_COUNT; i++)
        if (r->space[i].loss_time < r->space[found].loss_time)
            found = i;
    return found;
}

static bool is_eliciting(const struct vel_recovery *r)
{
    uint32_t packets = 0;
    for (unsigned i = 0; i < VEL_SPACE_COUNT; i++)
        packets += r->space[i].eliciting;
    return packets > 0;
}

/* When to probe, and in which space: VEL_NEVER when not at all. */
static vel_time probe_time(const struct vel_recovery *r, enum vel_space *space)
{
    if (r->amplification_limited)
        return VEL_NEVER;
    if (!is_eliciting(r)) {
        /* 6.2.2.1: a client whose address may not be validated keeps the server in credit. */
        *space = r->handshake_keys ? VEL_SPACE_HANDSHAKE : VEL_SPACE_INITIAL;
        return r->peer_validated ? VEL_NEVER : r->last_event + probe_period(r, *space);
    }
    vel_time earliest = VEL_NEVER;
    for (enum vel_space i = 0; i < VEL_SPACE_COUNT; i++) {
        if (r->space[i].eliciting == 0 || (i == VEL_SPACE_APP && !r->handshake_confirmed))
            continue;
        vel_time when = r->space[i].last_eliciting + probe_period(r, i);
        if (when < earliest) {
            earliest = when;
            *space = i;
        }
    }
    return earliest;
}

static vel_time due_time(const struct vel_recovery *r)
{
    enum vel_space space;
    vel_time loss = r->space[earliest_loss(r)].loss_time;
    return loss != VEL_NEVER ? loss : probe_time(r, &space);
}

vel_time vel_recovery_deadline(const struct vel_recovery *r)
{
    return VEL_MAX(due_time(r), r->put_off);
}

bool vel_recovery_put_off(struct vel_recovery *r, vel_time now, vel_time heard)
{
    if (due_time(r) <= heard)
        return false;
    r->put_off = now + VEL_UNREAD_WAIT;
    return true;
}

/* 6.2.4: a probe carries what is oldest. The packets stay outstanding. */
static void hand_on_oldest(struct vel_recovery *r, enum vel_space space, unsigned count)
{
    struct vel_sent *sent = &r->space[space].sent;
    for (uint64_t n = sent->base; n != sent->next && count > 0; n++) {
        struct vel_sent_packet *packet = vel_sent_find(sent, n);
        if (packet->state != VEL_SENT_OUTSTANDING || !packet->ack_eliciting || packet->handed_on)
            continue;
        vel_recovery_give_up(r, space, packet);
        packet->handed_on = true;
        count--;
    }
}

void vel_recovery_hand_on(struct vel_recovery *r, enum vel_space space)
{
    hand_on_oldest(r, space, UINT_MAX);
}

static struct vel_recovery_timeout probe(struct vel_recovery *r, enum vel_space space)
{
    struct vel_recovery_timeout timeout = {.action = VEL_RECOVERY_PROBE, .space = space};
    timeout.probes[space] = VEL_PTO_PROBES;
    for (enum vel_space i = 0; i < VEL_SPACE_COUNT; i++) {
        bool helps = i == space || (!r->handshake_confirmed && i != VEL_SPACE_APP);
        if (!helps || r->space[i].eliciting == 0)
            continue;
        timeout.probes[i] = i == space ? VEL_PTO_PROBES : 1;
        hand_on_oldest(r, i, timeout.probes[i]);
    }
    r->pto_backoff++;
    r->pto_fired++;
    return timeout;
}

struct vel_recovery_timeout vel_recovery_on_timeout(struct vel_recovery *r, vel_time now)
{
    struct vel_recovery_timeout nothing = {.action = VEL_RECOVERY_NOTHING};
    enum vel_space space = earliest_loss(r);
    vel_time loss = r->space[space].loss_time;
    if (loss != VEL_NEVER) {
        if (now < loss)
            return nothing;
        vel_recovery_detect_lost(r, space, now);
        vel_sent_settle(&r->space[space].sent);
        return (struct vel_recovery_timeout){.action = VEL_RECOVERY_LOST, .space = space};
    }
    if (now < probe_time(r, &space))
        return nothing;
    r->last_event = now;
    return probe(r, space);
}
