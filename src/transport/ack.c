/* SPDX-License-Identifier: MIT */
#include "transport/ack.h"

#include "base/try.h"
#include "base/units.h"

/* RFC 9000 18.2: max_ack_delay ends below 2^14 milliseconds. */
#define MAX_ACK_DELAY_END (UINT64_C(1) << 14)

struct vel_ack_policy vel_ack_policy(vel_time max_delay)
{
    return (struct vel_ack_policy){.max_delay = max_delay, .every = VEL_ACK_EVERY, .reordering = 1};
}

vel_result vel_ack_policy_obey(struct vel_ack_policy *policy,
                               const struct vel_frame_ack_frequency *frame)
{
    REQUIRE(frame->max_delay >= VEL_ACK_MIN_DELAY / US, VEL_ERR_UNEXPECTED);
    REQUIRE(frame->max_delay < MAX_ACK_DELAY_END * (MS / US), VEL_ERR_UNEXPECTED);
    if (frame->sequence < policy->sequence)
        return VEL_OK;
    *policy = (struct vel_ack_policy){
        .max_delay = VEL_MIN((vel_time)frame->max_delay * US, VEL_ACK_MAX_DELAY),
        .every = (uint32_t)VEL_MIN(frame->threshold, (uint64_t)VEL_ACK_EVERY_MAX - 1) + 1,
        .reordering = frame->reordering,
        .asked = true,
        .sequence = frame->sequence + 1,
    };
    return VEL_OK;
}

void vel_acks_init(struct vel_acks *acks, const struct vel_env *env,
                   const struct vel_ack_policy *policy)
{
    *acks = (struct vel_acks){
        .received = {.env = env, .limit = VEL_ACK_RANGES},
        .policy = policy,
        .due = VEL_NEVER,
    };
}

void vel_acks_clear(struct vel_acks *acks)
{
    vel_ranges_free(&acks->received);
    acks->due = VEL_NEVER;
    acks->pending = 0;
}

static void forget_below(struct vel_acks *acks, uint64_t floor)
{
    vel_ranges_remove_below(&acks->received, floor);
    acks->floor = VEL_MAX(acks->floor, floor);
}

/* Note the number; when there are too many ranges the lowest one goes. */
static vel_result note(struct vel_acks *acks, uint64_t number)
{
    if (vel_ranges_append(&acks->received, number, number + 1))
        return VEL_OK;
    enum vel_err err = vel_ranges_add(&acks->received, number, number + 1);
    if (err != VEL_ERR_LIMIT)
        return err;
    const struct vel_range *lowest = vel_ranges_at(&acks->received, 0);
    if (number < lowest->start) {
        acks->floor = lowest->start; /* itself the oldest: seen once, not to be acknowledged */
        return VEL_OK;
    }
    forget_below(acks, lowest->end);
    return vel_ranges_add(&acks->received, number, number + 1);
}

static void count_ecn(struct vel_ecn_counts *counts, uint8_t ecn)
{
    counts->ect0 += ecn == VEL_ECN_ECT0;
    counts->ect1 += ecn == VEL_ECN_ECT1;
    counts->ce += ecn == VEL_ECN_CE;
}

/* VEL-TR-30: RFC 9000 13.2.2 asks for every second packet and knows receivers that do with less. The
 * beginning of a connection, where windows are small and grow with each acknowledgement, has them
 * all; later a train of packets makes one, and a slow sender waits for a quarter of a round trip. */
static bool may_leave_out(const struct vel_acks *acks)
{
    return !acks->policy->asked && acks->settled >= VEL_ACK_FEW_AFTER && acks->round_trip > 0;
}

static uint32_t every(const struct vel_acks *acks)
{
    return may_leave_out(acks) ? VEL_ACK_FEW : acks->policy->every;
}

static vel_time longest_wait(const struct vel_acks *acks)
{
    vel_time quarter = VEL_MAX(acks->round_trip / 4, VEL_ACK_MIN_DELAY);
    vel_time most = acks->policy->max_delay;
    return may_leave_out(acks) ? VEL_MIN(most, quarter) : most;
}

/* draft-ietf-quic-ack-frequency 6.2: a number that was not reported missing is by now, or one comes
 * that the peer has already taken for lost. */
static bool is_reordered_far(const struct vel_acks *acks, uint64_t number)
{
    uint64_t by = acks->policy->reordering;
    uint64_t reported =
        acks->told > by ? acks->told - by : 0; /* of what is below, the peer knows */
    if (acks->told > 0 && number < reported)
        return true;
    uint64_t missing = vel_ranges_gap(&acks->received, VEL_MAX(reported, acks->floor)).start;
    return missing < acks->eliciting && acks->eliciting - missing >= by;
}

/* RFC 9000 13.2.1: at once when packets are missing or late, and on a congestion mark; the peer may
 * have asked to be told later of the former, and only of the first of several marks. */
static bool is_urgent(const struct vel_acks *acks, uint64_t number, bool in_order, bool marked)
{
    const struct vel_ack_policy *policy = acks->policy;
    if (acks->pending >= every(acks) || policy->max_delay == 0)
        return true;
    if (marked && !(acks->was_marked && policy->asked && policy->every > VEL_ACK_EVERY))
        return true;
    /* Before ranges are forgotten that nobody was told of. */
    if (!in_order && acks->received.count == VEL_ACK_RANGES)
        return true;
    if (policy->reordering <= 1)
        return !in_order && policy->reordering == 1;
    return (!in_order || acks->received.count > 1) && is_reordered_far(acks, number);
}

/* How long the acknowledgement of an ack-eliciting packet may wait. */
static vel_time wait_after(const struct vel_acks *acks, uint64_t number, bool in_order, bool marked)
{
    return is_urgent(acks, number, in_order, marked) ? 0 : longest_wait(acks);
}

vel_result vel_acks_received(struct vel_acks *acks, uint64_t number, bool ack_eliciting,
                             uint8_t ecn, vel_time now)
{
    bool first = acks->received.count == 0;
    bool in_order = number == (first ? 0 : acks->largest + 1);
    bool newest = first || number > acks->largest;

    TRY(note(acks, number));
    count_ecn(&acks->ecn, ecn);
    if (newest) {
        acks->largest = number;
        acks->largest_time = now;
    }
    bool marked = ecn == VEL_ECN_CE;
    if (ack_eliciting) {
        acks->pending++;
        acks->eliciting = VEL_MAX(acks->eliciting, number);
        if (acks->due > now)
            acks->due = VEL_MIN(acks->due, now + wait_after(acks, number, in_order, marked));
        if (acks->settled < VEL_ACK_FEW_AFTER)
            acks->settled++;
    }
    acks->was_marked = marked;
    return VEL_OK;
}

void vel_acks_hurry(struct vel_acks *acks, vel_time now)
{
    acks->due = VEL_MIN(acks->due, now);
}

vel_time vel_acks_deadline(const struct vel_acks *acks)
{
    return acks->due;
}

bool vel_acks_is_pending(const struct vel_acks *acks)
{
    return acks->pending > 0;
}

uint64_t vel_acks_delay(const struct vel_acks *acks, unsigned exponent, vel_time now)
{
    vel_time delay = VEL_MAX(now - acks->largest_time, (vel_time)0);
    return (uint64_t)(delay / US) >> exponent;
}

void vel_acks_sent(struct vel_acks *acks, bool in_ack_eliciting)
{
    const struct vel_range *last = vel_ranges_last(&acks->received);
    acks->told = last == NULL ? acks->told : last->end;
    acks->pending = 0;
    acks->due = VEL_NEVER;
    acks->unelicited = in_ack_eliciting ? 0 : acks->unelicited + 1;
}

bool vel_acks_wants_ping(const struct vel_acks *acks)
{
    return acks->unelicited >= VEL_ACK_ELICIT_AFTER;
}

void vel_acks_acked(struct vel_acks *acks, uint64_t largest)
{
    if (vel_ranges_contains(&acks->received, largest))
        forget_below(acks, largest);
}
