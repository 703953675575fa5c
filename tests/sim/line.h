/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SIM_LINE_H
#define TESTS_SIM_LINE_H

#include "testing/test.h"
#include "transport/ack.h"
#include "transport/ack_request.h"
#include "transport/pacer.h"
#include "transport/recovery.h"

/*
 * Flows that share a line: a bottleneck with one queue, a delay either way, loss at random. A flow is
 * a sender with recovery, congestion control and pacer as a connection has them, which sends in trains as
 * a server does, and a receiver that acknowledges as a connection does; packets have numbers and sizes and nothing in them. So minutes
 * of a fast path cost a moment, and what happens in the queue can be seen.
 *
 *     struct line line;
 *     line_init(&line, seed, 12500000, 500000, 20 * MS);
 *     struct flow *flow = line_add(&line, VEL_CC_BBR);
 *     line_run(&line, 10 * SECOND);
 *     EXPECT_NUMBER(flow->delivered, >, ...);
 *     line_free(&line);
 */
enum { LINE_FLOWS = 4, LINE_PACKET = 1452, LINE_FLIGHT = 1 << 15, LINE_ACKS = 1 << 10 };

struct line_packet {
    uint64_t number;
    vel_time arrives;
    uint8_t ecn;
};

struct line_ack {
    vel_time arrives;
    size_t size;
    uint8_t bytes[256];
};

struct flow {
    struct line *line;
    struct vel_recovery recovery;
    struct vel_pacer pacer;
    struct vel_acks acks;
    struct vel_ack_policy policy;
    struct vel_ack_request request;

    vel_time starts; /* nothing leaves before */
    bool started;
    vel_time
        turn; /* the sender's processor has other work and looks at the flow this often; 0: at once */
    vel_time next_turn;
    uint64_t chunk; /* bytes that the application writes each `every`; 0: there is always more */
    vel_time every;
    vel_time next_chunk;
    uint64_t waiting; /* bytes written and not sent */

    struct line_packet *packets; /* on their way, in order */
    uint64_t first_packet, end_packet;
    struct line_ack *frames; /* likewise, back */
    uint64_t first_frame, end_frame;
    vel_time last_arrival; /* of those */
    vel_time pace_until;

    uint64_t delivered; /* bytes that arrived; set to 0 at will */
    uint64_t frames_sent;
    unsigned phases_seen; /* BBR: set of 1 << enum vel_bbr_phase */
};

struct line {
    struct test_env t;
    uint64_t rate, queue, mark; /* bytes per second, bytes, bytes (0: marks nothing) */
    unsigned loss;              /* of a million */
    vel_time delay;             /* one way */
    vel_time jitter;            /* of acknowledgements, at most; the order stays */
    vel_time now, free_at;
    uint64_t queued_most;              /* most bytes that waited; set to 0 at will */
    uint64_t queued_sum, queued_count; /* for a mean over packets; likewise */
    uint64_t dropped;
    struct flow flows[LINE_FLOWS];
    unsigned count;
};

void line_init(struct line *line, uint64_t seed, uint64_t rate, uint64_t queue, vel_time delay);
struct flow *line_add(struct line *line, enum vel_congestion congestion);
/* Another rate from now on; what waits goes at the new one. */
void line_set_rate(struct line *line, uint64_t rate);
/* Let time pass. */
void line_run(struct line *line, vel_time span);
/* Forget what was delivered and queued so far. */
void line_measure(struct line *line);
void line_free(struct line *line);

#endif
