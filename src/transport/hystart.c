/* SPDX-License-Identifier: MIT */
#include "transport/hystart.h"

#include "base/units.h"

/* RFC 9406 4.3. */
#define MIN_RTT_THRESHOLD (4 * MS)
#define MAX_RTT_THRESHOLD (16 * MS)
enum { MIN_RTT_DIVISOR = 8, RTT_SAMPLES = 8, CSS_GROWTH_DIVISOR = 4, CSS_ROUNDS = 5 };

static void start_round(struct vel_hystart *hystart, vel_time now)
{
    hystart->round_start = now;
    hystart->last_min = hystart->current_min;
    hystart->current_min = VEL_NEVER;
    hystart->samples = 0;
}

void vel_hystart_init(struct vel_hystart *hystart, vel_time now)
{
    *hystart = (struct vel_hystart){.current_min = VEL_NEVER};
    start_round(hystart, now);
}

/* Enough samples, and the round trips are clearly longer than those of the last round. */
static bool round_is_longer(const struct vel_hystart *hystart)
{
    if (hystart->samples < RTT_SAMPLES || hystart->last_min == VEL_NEVER)
        return false;
    vel_time threshold = hystart->last_min / MIN_RTT_DIVISOR;
    threshold = VEL_MAX(MIN_RTT_THRESHOLD, VEL_MIN(threshold, MAX_RTT_THRESHOLD));
    return hystart->current_min >= hystart->last_min + threshold;
}

static void take_sample(struct vel_hystart *hystart, vel_time rtt)
{
    hystart->current_min = VEL_MIN(hystart->current_min, rtt);
    hystart->samples++;
    if (hystart->phase == VEL_HYSTART_SLOW_START && round_is_longer(hystart)) {
        hystart->phase = VEL_HYSTART_CSS;
        hystart->css_baseline = hystart->current_min;
        hystart->css_rounds = 0;
    } else if (hystart->phase == VEL_HYSTART_CSS && hystart->samples >= RTT_SAMPLES &&
               hystart->current_min < hystart->css_baseline) {
        hystart->phase = VEL_HYSTART_SLOW_START; /* it was jitter */
    }
}

bool vel_hystart_on_ack(struct vel_hystart *hystart, vel_time sent, vel_time rtt, vel_time now)
{
    if (hystart->phase == VEL_HYSTART_DONE)
        return false;
    if (sent >= hystart->round_start) {
        if (hystart->phase == VEL_HYSTART_CSS && ++hystart->css_rounds >= CSS_ROUNDS) {
            hystart->phase = VEL_HYSTART_DONE;
            return true;
        }
        start_round(hystart, now);
    }
    take_sample(hystart, rtt);
    return false;
}

uint64_t vel_hystart_growth(const struct vel_hystart *hystart, uint64_t acked)
{
    return hystart->phase == VEL_HYSTART_CSS ? acked / CSS_GROWTH_DIVISOR : acked;
}
