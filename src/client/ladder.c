/* SPDX-License-Identifier: MIT */
#include "client/ladder.h"

#include "base/try.h"

const char *vel_rung_state_name(enum vel_rung_state state)
{
    static const char *const names[] = {
        [VEL_RUNG_UNUSED] = "unused",   [VEL_RUNG_WAITING] = "waiting",
        [VEL_RUNG_RUNNING] = "running", [VEL_RUNG_CHECKING] = "checking",
        [VEL_RUNG_FAILED] = "failed",   [VEL_RUNG_CANCELLED] = "cancelled",
        [VEL_RUNG_WON] = "won",
    };
    return (size_t)state < VEL_COUNT(names) ? names[state] : "unknown";
}

/* ---- the order of attempts ---- */

static bool is_cooling(const struct vel_fall *fall, int64_t unix_now)
{
    vel_time cool_down = vel_fallback_cool_down(fall->reason, fall->count);
    /* A moment in the future is a clock that was set back: it is not believed. */
    return cool_down > 0 && fall->at <= unix_now && unix_now - fall->at < cool_down / SECOND;
}

static void line_up(struct vel_ladder *ladder, bool cooling)
{
    for (unsigned i = 0; i < VEL_RUNG_COUNT; i++)
        if (ladder->steps[i].state == VEL_RUNG_WAITING && ladder->steps[i].cooling == cooling)
            ladder->order[ladder->count++] = (enum vel_rung)i;
}

/* When every allowed rung failed lately, there is nothing better to try first. */
static void set_cooling(struct vel_ladder *ladder, const struct vel_ladder_setup *setup)
{
    unsigned waiting = 0, cooling = 0;
    for (unsigned i = 0; i < VEL_RUNG_COUNT; i++) {
        struct vel_step *step = &ladder->steps[i];
        const struct vel_fall *fall = &setup->outcome.falls[i];
        waiting += step->state == VEL_RUNG_WAITING;
        if (step->state != VEL_RUNG_WAITING || !is_cooling(fall, setup->unix_now))
            continue;
        step->cooling = true;
        step->reason = fall->reason;
        cooling++;
    }
    for (unsigned i = 0; i < VEL_RUNG_COUNT && cooling == waiting; i++) {
        ladder->steps[i].cooling = false;
        ladder->steps[i].reason = VEL_FALLBACK_NONE;
    }
}

void vel_ladder_start(struct vel_ladder *ladder, const struct vel_ladder_setup *setup, vel_time now)
{
    bool only_best = false;
    *ladder = (struct vel_ladder){
        .head_start = VEL_MAX(VEL_HEAD_START_MIN, setup->outcome.rtt + setup->outcome.rtt / 2),
        .next_start = now,
        .deadline = setup->timeout > 0 ? now + setup->timeout : VEL_NEVER};
    for (unsigned i = 0; i < VEL_RUNG_COUNT; i++) {
        struct vel_step *step = &ladder->steps[i];
        if (!setup->allowed[i] || only_best)
            continue;
        step->state = VEL_RUNG_WAITING;
        only_best = setup->no_fallback;
    }
    if (!setup->pinned)
        set_cooling(ladder, setup);
    line_up(ladder, false);
    line_up(ladder, true);
    VEL_ASSERT(ladder->count > 0);
}

static bool is_running(const struct vel_step *step)
{
    return step->state == VEL_RUNG_RUNNING || step->state == VEL_RUNG_CHECKING;
}

static bool any_running(const struct vel_ladder *ladder)
{
    for (unsigned i = 0; i < VEL_RUNG_COUNT; i++)
        if (is_running(&ladder->steps[i]))
            return true;
    return false;
}

/* A rung in its cool-down is for when nothing else is left. */
static bool may_start_next(const struct vel_ladder *ladder)
{
    if (ladder->state != VEL_LADDER_SEARCHING || ladder->reached >= ladder->count)
        return false;
    bool is_first = ladder->reached == 0;
    bool cooling = ladder->steps[ladder->order[ladder->reached]].cooling;
    return is_first || !cooling || !any_running(ladder);
}

static void start_next(struct vel_ladder *ladder, vel_time now, struct vel_ladder_order *order)
{
    enum vel_rung rung = ladder->order[ladder->reached++];
    struct vel_step *step = &ladder->steps[rung];
    step->state = VEL_RUNG_RUNNING;
    step->started = now;
    step->reason = VEL_FALLBACK_NONE;
    ladder->next_start = now + ladder->head_start;
    *order = (struct vel_ladder_order){VEL_LADDER_START, rung};
}

/* ---- the end ---- */

static void leave(struct vel_ladder *ladder, enum vel_rung rung, enum vel_rung_state state,
                  vel_time now)
{
    ladder->steps[rung].state = state;
    ladder->steps[rung].ended = now;
}

static void give_up_others(struct vel_ladder *ladder, vel_time now)
{
    for (unsigned i = 0; i < VEL_RUNG_COUNT; i++) {
        struct vel_step *step = &ladder->steps[i];
        if (is_running(step)) {
            ladder->give_up[i] = true;
            leave(ladder, (enum vel_rung)i, VEL_RUNG_CANCELLED, now);
        } else if (step->state == VEL_RUNG_WAITING) {
            step->state = VEL_RUNG_UNUSED;
        }
    }
}

static void lose(struct vel_ladder *ladder, enum vel_client_failure failure, enum vel_rung culprit,
                 vel_time now)
{
    give_up_others(ladder, now);
    ladder->state = VEL_LADDER_LOST;
    ladder->failure = failure;
    ladder->culprit = culprit;
}

/* Which of several failures tells most: a refused profile, then silence, then a closed port. */
static unsigned weight(enum vel_client_failure failure)
{
    if (failure == VEL_CLIENT_CONNECT)
        return 1;
    return failure == VEL_CLIENT_TIMEOUT ? 2 : 3;
}

static void lose_if_exhausted(struct vel_ladder *ladder, vel_time now)
{
    if (ladder->reached < ladder->count || any_running(ladder))
        return;
    enum vel_rung culprit = ladder->order[0];
    for (unsigned i = 1; i < ladder->count; i++)
        if (weight(ladder->steps[ladder->order[i]].failure) >
            weight(ladder->steps[culprit].failure))
            culprit = ladder->order[i];
    lose(ladder, ladder->steps[culprit].failure, culprit, now);
}

static void time_out(struct vel_ladder *ladder, vel_time now)
{
    enum vel_rung culprit = ladder->order[0];
    for (unsigned i = 0; i < ladder->reached; i++) {
        struct vel_step *step = &ladder->steps[ladder->order[i]];
        if (!is_running(step))
            continue;
        culprit = ladder->order[i];
        ladder->give_up[culprit] = true;
        step->reason = VEL_FALLBACK_TIMEOUT;
        step->failure = VEL_CLIENT_TIMEOUT;
        leave(ladder, culprit, VEL_RUNG_FAILED, now);
    }
    lose(ladder, VEL_CLIENT_TIMEOUT, culprit, now);
}

/* Rungs above the winner that are still under way: they had their head start and more. When only
 * TCP gets through and the server said nothing over UDP, then UDP is what is wrong. */
static void judge_slower(struct vel_ladder *ladder, enum vel_rung winner, vel_time now)
{
    for (unsigned i = 0; i < (unsigned)winner; i++) {
        struct vel_step *step = &ladder->steps[i];
        if (!is_running(step))
            continue;
        bool silent = !step->answered && winner == VEL_RUNG_TCP;
        ladder->give_up[i] = true;
        step->reason = silent ? VEL_FALLBACK_UDP_BLOCKED : VEL_FALLBACK_TIMEOUT;
        step->failure = VEL_CLIENT_TIMEOUT;
        leave(ladder, (enum vel_rung)i, VEL_RUNG_FAILED, now);
    }
}

/* ---- what is told ---- */

void vel_ladder_answered(struct vel_ladder *ladder, enum vel_rung rung, vel_time now)
{
    struct vel_step *step = &ladder->steps[rung];
    if (!is_running(step) || step->answered)
        return;
    step->answered = true;
    if (ladder->order[ladder->reached - 1] == rung && ladder->next_start > now)
        ladder->next_start = now + ladder->head_start;
}

void vel_ladder_connected(struct vel_ladder *ladder, enum vel_rung rung, vel_time now)
{
    vel_ladder_answered(ladder, rung, now);
    if (ladder->steps[rung].state == VEL_RUNG_RUNNING)
        ladder->steps[rung].state = VEL_RUNG_CHECKING;
}

void vel_ladder_accepted(struct vel_ladder *ladder, enum vel_rung rung, vel_time now)
{
    if (ladder->steps[rung].state != VEL_RUNG_CHECKING)
        return;
    leave(ladder, rung, VEL_RUNG_WON, now);
    judge_slower(ladder, rung, now);
    give_up_others(ladder, now);
    ladder->state = VEL_LADDER_WON;
    ladder->winner = rung;
}

/* Nothing is below TCP: a closed port there needs no reason, others may still be under way. */
static bool is_final(enum vel_rung rung, struct vel_rung_failure failure)
{
    bool nobody = failure.failure == VEL_CLIENT_CONNECT || failure.failure == VEL_CLIENT_TIMEOUT;
    return failure.reason == VEL_FALLBACK_NONE && !(rung == VEL_RUNG_TCP && nobody);
}

void vel_ladder_failed(struct vel_ladder *ladder, enum vel_rung rung,
                       struct vel_rung_failure failure, vel_time now)
{
    struct vel_step *step = &ladder->steps[rung];
    if (!is_running(step))
        return;
    step->reason = failure.reason;
    step->failure = failure.failure;
    leave(ladder, rung, VEL_RUNG_FAILED, now);
    if (is_final(rung, failure)) {
        lose(ladder, failure.failure, rung, now);
        return;
    }
    if (ladder->order[ladder->reached - 1] == rung)
        ladder->next_start = now;
    lose_if_exhausted(ladder, now);
}

void vel_ladder_refused(struct vel_ladder *ladder, enum vel_rung rung,
                        enum vel_client_failure failure, vel_time now)
{
    if (ladder->steps[rung].state != VEL_RUNG_CHECKING)
        return;
    ladder->steps[rung].failure = failure;
    leave(ladder, rung, VEL_RUNG_FAILED, now);
    lose(ladder, failure, rung, now);
}

/* ---- orders ---- */

static bool next_to_give_up(struct vel_ladder *ladder, struct vel_ladder_order *order)
{
    for (unsigned i = 0; i < VEL_RUNG_COUNT; i++) {
        if (!ladder->give_up[i])
            continue;
        ladder->give_up[i] = false;
        *order = (struct vel_ladder_order){VEL_LADDER_CANCEL, (enum vel_rung)i};
        return true;
    }
    return false;
}

bool vel_ladder_next(struct vel_ladder *ladder, vel_time now, struct vel_ladder_order *order)
{
    if (ladder->state == VEL_LADDER_SEARCHING && now >= ladder->deadline)
        time_out(ladder, now);
    if (next_to_give_up(ladder, order))
        return true;
    /* When the last one failed there is no head start to wait for. */
    if (!may_start_next(ladder) || (now < ladder->next_start && any_running(ladder)))
        return false;
    start_next(ladder, now, order);
    return true;
}

vel_time vel_ladder_deadline(const struct vel_ladder *ladder)
{
    for (unsigned i = 0; i < VEL_RUNG_COUNT; i++)
        if (ladder->give_up[i])
            return 0;
    if (ladder->state != VEL_LADDER_SEARCHING)
        return VEL_NEVER;
    return may_start_next(ladder) ? VEL_MIN(ladder->next_start, ladder->deadline)
                                  : ladder->deadline;
}

/* ---- memory ---- */

static void remember_fall(struct vel_fall *fall, enum vel_fallback reason, int64_t unix_now)
{
    unsigned before = fall->reason == VEL_FALLBACK_NONE ? 0 : fall->count;
    *fall = (struct vel_fall){reason, unix_now, before < UINT16_MAX ? before + 1 : before};
}

/* Only a search that got somewhere says something about the server: without a network every rung
 * fails. */
void vel_ladder_learn(const struct vel_ladder *ladder, int64_t unix_now, vel_time rtt, bool trusted,
                      struct vel_outcome *outcome)
{
    if (ladder->state != VEL_LADDER_WON)
        return;
    outcome->rtt = rtt > 0 ? rtt : outcome->rtt;
    for (unsigned i = 0; i < VEL_RUNG_COUNT; i++) {
        const struct vel_step *step = &ladder->steps[i];
        if (step->state == VEL_RUNG_FAILED && step->reason != VEL_FALLBACK_NONE &&
            i != VEL_RUNG_TCP) /* nothing is below it that could be tried first */
            remember_fall(&outcome->falls[i], step->reason, unix_now);
        if (step->state == VEL_RUNG_WON)
            outcome->falls[i] = (struct vel_fall){0};
    }
    if (ladder->winner == VEL_RUNG_VELOCITY && trusted)
        outcome->velocity_until = unix_now + VEL_EXPECT_S;
}
