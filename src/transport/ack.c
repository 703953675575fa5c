/* SPDX-License-Identifier: MIT */
#include "transport/ack.h"

#include "base/try.h"
#include "base/units.h"

void vel_acks_init(struct vel_acks *acks, const struct vel_env *env, vel_time max_delay)
{
    *acks = (struct vel_acks){
        .received = {.env = env, .limit = VEL_ACK_RANGES},
        .max_delay = max_delay,
        .due = VEL_NEVER,
        .every = VEL_ACK_EVERY,
    };
}

void vel_acks_clear(struct vel_acks *acks)
{
    vel_ranges_free(&acks->received);
    acks->due = VEL_NEVER;
    acks->pending = 0;
}

bool vel_acks_is_duplicate(const struct vel_acks *acks, uint64_t number)
{
    return number < acks->floor || vel_ranges_contains(&acks->received, number);
}

static void forget_below(struct vel_acks *acks, uint64_t floor)
{
    vel_ranges_remove_below(&acks->received, floor);
    acks->floor = VEL_MAX(acks->floor, floor);
}

/* Note the number; when there are too many ranges the lowest one goes. */
static vel_result note(struct vel_acks *acks, uint64_t number)
{
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

vel_result vel_acks_received(struct vel_acks *acks, uint64_t number, bool ack_eliciting,
                             uint8_t ecn, vel_time now)
{
    const struct vel_range *last = vel_ranges_last(&acks->received);
    bool in_order = last == NULL ? number == 0 : number == last->end;
    bool newest = last == NULL || number >= last->end;

    TRY(note(acks, number));
    count_ecn(&acks->ecn, ecn);
    if (newest) {
        acks->largest = number;
        acks->largest_time = now;
    }
    if (!ack_eliciting)
        return VEL_OK;
    /* RFC 9000 13.2.1: at once when packets are missing or late, and on a congestion mark. */
    bool at_once = !in_order || ecn == VEL_ECN_CE;
    acks->pending++;
    if (at_once || acks->pending >= acks->every || acks->max_delay == 0)
        acks->due = now;
    else
        acks->due = VEL_MIN(acks->due, now + acks->max_delay);
    return VEL_OK;
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
