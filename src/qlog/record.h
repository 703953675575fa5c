/* SPDX-License-Identifier: MIT */
#ifndef QLOG_RECORD_H
#define QLOG_RECORD_H

#include "http/trace.h"
#include "qlog/json.h"
#include "transport/trace.h"

/*
 * Events of a connection as records of a JSON text sequence (RFC 7464): a record separator, one
 * object, a line end. Pure: no files, no clock. The words are those of qlog 0.3
 * (draft-ietf-quic-qlog-main-schema-04, -quic-events-04), which is what qvis reads; where it has no
 * word, of the latest draft.
 *
 * What only changes now and then (metrics, congestion state, timers) is told when it differs from
 * what was told last: that is the memory.
 */
enum {
    VEL_QLOG_TRACKS = 4,          /* path identifiers whose last metrics are remembered */
    VEL_QLOG_SETTINGS = 8,        /* settings of HTTP/3 that are listed */
    VEL_QLOG_SMALL_MAX = 4 * 1024 /* bytes that hold the records of any event but for its frames */
};

struct vel_qlog_metrics {
    uint32_t track;
    bool told; /* the rest is set */
    vel_time min_rtt, smoothed_rtt, latest_rtt, rtt_variance;
    uint64_t window, in_flight, ssthresh, pacing_rate; /* pacing_rate: bytes a second */
    unsigned pto_count;
    vel_time deadline;
    const char *state; /* of congestion control */
    enum vel_ecn_state ecn;
};

struct vel_qlog_memory {
    vel_time start;
    bool is_client;
    uint64_t ack_exponent[2]; /* ours, the peer's */
    struct vel_qlog_metrics tracks[VEL_QLOG_TRACKS];
    const char *state; /* of the connection */
    bool closed;       /* why was told */
    uint32_t mtu;
    struct vel_cid local, remote;                              /* the ids in use */
    struct vel_http_trace_setting settings[VEL_QLOG_SETTINGS]; /* of a frame that is not told yet */
    unsigned settings_count;
};

/* The first record, and that the connection begins. unix_ns: nanoseconds since the Unix epoch at
 * `now`. */
void vel_qlog_begin(struct vel_qlog_memory *m, struct vel_json *j,
                    const struct vel_trace_start *start, vel_time now, int64_t unix_ns);

/* The records of an event: none or several. frames: list those of packets. */
void vel_qlog_event(struct vel_qlog_memory *m, struct vel_json *j,
                    const struct vel_trace_event *event, vel_time now, bool frames);

/* The same for an event of HTTP/3. */
void vel_qlog_http(struct vel_qlog_memory *m, struct vel_json *j,
                   const struct vel_http_trace_event *event, vel_time now);

/* That the trace ends here although the connection goes on. */
void vel_qlog_cut(struct vel_qlog_memory *m, struct vel_json *j, const char *why, vel_time now);

#endif
