/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "qlog/record_internal.h"

static const char *const spaces[VEL_SPACE_COUNT] = {"initial", "handshake", "application_data"};
static const char *const ecn_states[] = {[VEL_ECN_TESTING] = "testing",
                                         [VEL_ECN_UNKNOWN] = "unknown",
                                         [VEL_ECN_CAPABLE] = "capable",
                                         [VEL_ECN_FAILED] = "failed"};

void vel_qlog_recovery_constants(const struct vel_qlog_pen *pen)
{
    vel_qlog_open(pen, "recovery:parameters_set");
    vel_json_uint(pen->j, "reordering_threshold", VEL_PACKET_THRESHOLD);
    vel_json_ms(pen->j, "timer_granularity", VEL_RTT_GRANULARITY);
    vel_json_ms(pen->j, "initial_rtt", VEL_RTT_INITIAL);
    vel_json_uint(pen->j, "max_datagram_size", VEL_PMTUD_BASE);
    vel_json_uint(pen->j, "persistent_congestion_threshold", VEL_PERSISTENT_THRESHOLD);
    vel_qlog_close(pen);
}

static struct vel_qlog_metrics *memory_of(struct vel_qlog_memory *m, uint32_t track)
{
    struct vel_qlog_metrics *found = &m->tracks[track % VEL_QLOG_TRACKS];
    if (found->track != track)
        *found = (struct vel_qlog_metrics){.track = track};
    return found;
}

static struct vel_qlog_metrics metrics_of(const struct vel_trace_recovery *r)
{
    struct vel_qlog_metrics metrics = {
        .track = r->track,
        .told = true,
        .window = vel_cc_window(r->cc),
        .in_flight = r->bytes_in_flight,
        .ssthresh = r->cc->ssthresh,
        .pacing_rate = r->pacing_rate,
        .pto_count = r->pto_count,
        .deadline = r->deadline,
        .state = r->cc->ops->state(r->cc),
        .ecn = r->ecn,
    };
    if (vel_rtt_has_sample(r->rtt)) {
        metrics.min_rtt = r->rtt->min;
        metrics.smoothed_rtt = r->rtt->smoothed;
        metrics.latest_rtt = r->rtt->latest;
        metrics.rtt_variance = r->rtt->variance;
    }
    return metrics;
}

static void put_changed(struct vel_json *j, const char *key, uint64_t now, uint64_t before,
                        bool first)
{
    if (now != before || first)
        vel_json_uint(j, key, now);
}

static void put_changed_time(struct vel_json *j, const char *key, vel_time now, vel_time before)
{
    if (now != before)
        vel_json_ms(j, key, now);
}

static bool differs(const struct vel_qlog_metrics *a, const struct vel_qlog_metrics *b)
{
    return !a->told || a->min_rtt != b->min_rtt || a->smoothed_rtt != b->smoothed_rtt ||
           a->latest_rtt != b->latest_rtt || a->rtt_variance != b->rtt_variance ||
           a->window != b->window || a->in_flight != b->in_flight || a->ssthresh != b->ssthresh ||
           a->pacing_rate != b->pacing_rate || a->pto_count != b->pto_count;
}

static void put_metrics(const struct vel_qlog_pen *pen, const struct vel_qlog_metrics *before,
                        const struct vel_qlog_metrics *now)
{
    struct vel_json *j = pen->j;
    bool first = !before->told;
    vel_qlog_open_on(pen, "recovery:metrics_updated", now->track, 0);
    put_changed_time(j, "min_rtt", now->min_rtt, before->min_rtt);
    put_changed_time(j, "smoothed_rtt", now->smoothed_rtt, before->smoothed_rtt);
    put_changed_time(j, "latest_rtt", now->latest_rtt, before->latest_rtt);
    put_changed_time(j, "rtt_variance", now->rtt_variance, before->rtt_variance);
    put_changed(j, "congestion_window", now->window, before->window, first);
    put_changed(j, "bytes_in_flight", now->in_flight, before->in_flight, first);
    if (now->ssthresh != UINT64_MAX) /* not set yet */
        put_changed(j, "ssthresh", now->ssthresh, before->ssthresh, first);
    put_changed(j, "pacing_rate", VEL_MIN(now->pacing_rate, UINT64_MAX / 8) * 8,
                VEL_MIN(before->pacing_rate, UINT64_MAX / 8) * 8, false);
    put_changed(j, "pto_count", now->pto_count, before->pto_count, false);
    vel_qlog_close(pen);
}

static void put_change(const struct vel_qlog_pen *pen, const char *name, uint32_t track,
                       const char *before, const char *now)
{
    vel_qlog_open_on(pen, name, track, 0);
    if (before != NULL)
        vel_json_word(pen->j, "old", before);
    vel_json_word(pen->j, "new", now);
    vel_qlog_close(pen);
}

static void put_timer(const struct vel_qlog_pen *pen, const struct vel_qlog_metrics *now)
{
    bool set = now->deadline != VEL_NEVER;
    vel_qlog_open_on(pen, "recovery:loss_timer_updated", now->track, 0);
    vel_json_word(pen->j, "event_type", set ? "set" : "cancelled");
    if (set)
        vel_json_ms(pen->j, "delta", VEL_MAX(now->deadline - pen->now, 0));
    vel_qlog_close(pen);
}

void vel_qlog_recovery(const struct vel_qlog_pen *pen, const struct vel_trace_recovery *recovery)
{
    struct vel_qlog_metrics *before = memory_of(pen->m, recovery->track);
    struct vel_qlog_metrics now = metrics_of(recovery);
    if (differs(before, &now))
        put_metrics(pen, before, &now);
    if (before->state == NULL || strcmp(before->state, now.state) != 0)
        put_change(pen, "recovery:congestion_state_updated", now.track, before->state, now.state);
    if (!before->told || before->ecn != now.ecn)
        put_change(pen, "recovery:ecn_state_updated", now.track,
                   before->told ? ecn_states[before->ecn] : NULL, ecn_states[now.ecn]);
    if ((before->told || now.deadline != VEL_NEVER) && before->deadline != now.deadline)
        put_timer(pen, &now);
    *before = now;
}

void vel_qlog_timeout(const struct vel_qlog_pen *pen, const struct vel_trace_timeout *timeout)
{
    vel_qlog_open_on(pen, "recovery:loss_timer_updated", timeout->track, 0);
    vel_json_word(pen->j, "timer_type", timeout->probe ? "pto" : "ack");
    vel_json_word(pen->j, "packet_number_space", spaces[timeout->space]);
    vel_json_word(pen->j, "event_type", "expired");
    vel_qlog_close(pen);
}
