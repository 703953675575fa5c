/* SPDX-License-Identifier: MIT */
#include "transport/recovery_internal.h"

/* The longest stretch of lost packets with nothing acknowledged inside (RFC 9002 7.6.1). */
struct stretch {
    vel_time first, last; /* when its ack-eliciting ends were sent; first VEL_NEVER: empty */
    vel_time longest;
};

static void extend(struct stretch *stretch, const struct vel_rtt *rtt,
                   const struct vel_sent_packet *packet)
{
    if (!packet->ack_eliciting || packet->time <= rtt->first_sample)
        return;
    if (stretch->first == VEL_NEVER)
        stretch->first = packet->time;
    stretch->last = packet->time;
    stretch->longest = VEL_MAX(stretch->longest, stretch->last - stretch->first);
}

static bool is_persistent(const struct vel_recovery *r, const struct stretch *stretch)
{
    return stretch->longest > VEL_PERSISTENT_THRESHOLD * vel_recovery_pto(r);
}

static void packet_lost(struct vel_recovery *r, enum vel_space space, uint64_t number,
                        struct vel_sent_packet *packet, vel_time now)
{
    vel_recovery_take(r, space, packet, VEL_SENT_LOST);
    if (packet->ecn == VEL_ECN_ECT0 && packet->path == r->path)
        vel_ecn_on_lost(&r->ecn);
    r->packets_lost += packet->in_flight;
    vel_reordering_lost(&r->reordering, space, number);
    if (packet->in_flight && packet->path == r->path) {
        vel_loss_share_count(&r->loss, 0, 1, now);
        vel_cc_on_lost(
            &r->cc, &(struct vel_cc_lost){
                        .number = number, .size = packet->size, .sent = packet->time, .now = now});
        if (space == VEL_SPACE_APP)
            vel_black_hole_lost(&r->black_hole, packet->size, packet->time);
    }
    vel_recovery_give_up(r, space, packet);
    vel_sent_pass(&r->space[space].sent, number);
}

/* 6.1.2: kTimeThreshold is 9/8, and what reordering has taught. */
static vel_time loss_delay(const struct vel_recovery *r)
{
    vel_time longer = VEL_MAX(r->rtt.latest, r->rtt.smoothed);
    return VEL_MAX(longer + longer / 8 + r->reordering.delay, VEL_RTT_GRANULARITY);
}

static void losses_are_congestion(struct vel_recovery *r, const struct stretch *stretch,
                                  vel_time newest_lost, vel_time now)
{
    if (newest_lost == INT64_MIN)
        return; /* nothing that was in flight */
    r->one_more |= !vel_cc_in_recovery(&r->cc, newest_lost);
    vel_cc_on_congestion(&r->cc, newest_lost, now);
    if (!is_persistent(r, stretch))
        return;
    vel_cc_on_persistent_congestion(&r->cc, now);
    vel_rtt_forget_min(&r->rtt);
}

void vel_recovery_detect_lost(struct vel_recovery *r, enum vel_space space, vel_time now)
{
    struct vel_recovery_space *s = &r->space[space];
    struct stretch stretch = {.first = VEL_NEVER};
    vel_time delay = loss_delay(r), newest_lost = INT64_MIN;
    uint64_t first_lost = VEL_NUMBER_NONE;

    s->loss_time = VEL_NEVER;
    if (s->largest_acked == VEL_NUMBER_NONE)
        return;
    /* All that is left behind largest_acked after a pass are the last packets under the threshold:
     * this takes time for what became acknowledged or lost, not for what is in flight. */
    for (uint64_t n = s->sent.base; n < s->largest_acked; n++) {
        struct vel_sent_packet *packet = vel_sent_find(&s->sent, n);
        if (packet->state == VEL_SENT_ACKED)
            stretch.first = VEL_NEVER;
        if (packet->state != VEL_SENT_OUTSTANDING)
            continue;
        if (packet->time + delay > now && s->largest_acked - n < r->reordering.threshold) {
            s->loss_time = packet->time + delay;
            break; /* later ones are due later */
        }
        if (packet->in_flight && packet->path == r->path)
            newest_lost = packet->time;
        first_lost = VEL_MIN(first_lost, n);
        if (packet->path == r->path)
            extend(&stretch, &r->rtt, packet);
        if (r->hooks.packet_lost != NULL)
            r->hooks.packet_lost(r->hooks.self, space, n, packet, packet->time + delay <= now);
        packet_lost(r, space, n, packet, now);
    }
    uint64_t reductions = r->cc.reductions;
    losses_are_congestion(r, &stretch, newest_lost, now);
    if (r->cc.reductions != reductions)
        vel_reordering_event(&r->reordering, space, first_lost);
}
