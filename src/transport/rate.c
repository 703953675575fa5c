/* SPDX-License-Identifier: MIT */
#include "transport/rate.h"

#include "base/units.h"

/* 8 GiB: keeps a rate in 64 bits. */
#define DELIVERED_MAX (UINT64_C(1) << 33)

void vel_rate_init(struct vel_rate *rate)
{
    *rate = (struct vel_rate){.fresh = true};
}

static struct vel_rate_snapshot *snapshot_at(struct vel_rate *rate, uint32_t index)
{
    return &rate->snapshots[index % VEL_RATE_SNAPSHOTS];
}

static bool is_due(struct vel_rate *rate, uint64_t window)
{
    if (rate->fresh || rate->taken == 0)
        return true;
    const struct vel_rate_snapshot *newest = snapshot_at(rate, rate->taken - 1);
    return newest->app_limited != (rate->app_limited != 0) ||
           rate->delivered - newest->delivered > window / VEL_RATE_SNAPSHOTS_PER_WINDOW;
}

static void take(struct vel_rate *rate, vel_time now)
{
    bool again = rate->taken > 0 && snapshot_at(rate, rate->taken - 1)->since == now;
    rate->taken += !again;
    rate->fresh = false;
    *snapshot_at(rate, rate->taken - 1) = (struct vel_rate_snapshot){
        .since = now,
        .delivered = rate->delivered,
        .lost = rate->lost,
        .delivered_time = rate->delivered_time,
        .first_sent = rate->first_sent,
        .app_limited = rate->app_limited != 0,
    };
}

void vel_rate_on_sent(struct vel_rate *rate, uint64_t window, uint64_t in_flight, uint64_t size,
                      vel_time now)
{
    if (in_flight == 0) {
        rate->first_sent = rate->delivered_time = now;
        rate->fresh = true;
    }
    if (is_due(rate, window))
        take(rate, now);
    struct vel_rate_snapshot *newest = snapshot_at(rate, rate->taken - 1);
    uint64_t most = VEL_MAX(newest->in_flight, in_flight + size);
    newest->in_flight = (uint32_t)VEL_MIN(most, (uint64_t)UINT32_MAX);
}

/* The snapshot of a packet; NULL: it is older than all. Bisects those that are kept. */
static const struct vel_rate_snapshot *find(struct vel_rate *rate, vel_time sent)
{
    uint32_t high = rate->taken;
    uint32_t low = high - VEL_MIN(high, (uint32_t)VEL_RATE_SNAPSHOTS);
    const uint32_t oldest = low;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (snapshot_at(rate, middle)->since <= sent)
            low = middle + 1;
        else
            high = middle;
    }
    return low == oldest ? NULL : snapshot_at(rate, low - 1);
}

static struct vel_rate_sample since(const struct vel_rate *rate,
                                    const struct vel_rate_snapshot *from)
{
    if (from == NULL)
        return (struct vel_rate_sample){0};
    return (struct vel_rate_sample){
        .valid = true,
        .app_limited = from->app_limited,
        .delivered = VEL_MIN(rate->delivered - from->delivered, DELIVERED_MAX),
        .prior_delivered = from->delivered,
        .lost = rate->lost - from->lost,
        .in_flight = from->in_flight,
    };
}

struct vel_rate_sample vel_rate_on_ack(struct vel_rate *rate, uint64_t bytes, vel_time sent,
                                       vel_time min_rtt, vel_time now)
{
    rate->delivered += bytes;
    rate->delivered_time = now;
    rate->first_sent = VEL_MAX(rate->first_sent, sent);
    if (rate->app_limited != 0 && rate->delivered > rate->app_limited)
        rate->app_limited = 0;

    const struct vel_rate_snapshot *from = find(rate, sent);
    struct vel_rate_sample sample = since(rate, from);
    if (from == NULL)
        return sample;
    /* The longer of both: neither a burst that was sent, nor acknowledgements that were held up and
     * come at once, say what the path can do. */
    vel_time interval = VEL_MAX(sent - from->first_sent, now - from->delivered_time);
    if (interval >= VEL_MAX(min_rtt, 1))
        sample.rate = sample.delivered * (uint64_t)SECOND / (uint64_t)interval;
    return sample;
}

struct vel_rate_sample vel_rate_on_lost(struct vel_rate *rate, uint64_t bytes, vel_time sent)
{
    rate->lost += bytes;
    return since(rate, find(rate, sent));
}

void vel_rate_on_app_limited(struct vel_rate *rate, uint64_t in_flight)
{
    rate->app_limited = VEL_MAX(rate->delivered + in_flight, 1U);
}
