/* SPDX-License-Identifier: MIT */
#include "transport/ack_request.h"

#include "base/units.h"

void vel_ack_request_init(struct vel_ack_request *request, vel_time least, vel_time most)
{
    *request = (struct vel_ack_request){
        .allowed = least != VEL_NEVER, .least = least, .most = most, .in_force = most};
}

struct vel_ack_wish vel_ack_wish(const struct vel_ack_request *request, uint64_t packets,
                                 vel_time rtt, uint64_t reordering)
{
    uint64_t each = VEL_MIN(packets / VEL_ACK_PER_WINDOW, (uint64_t)VEL_ACK_THRESHOLD_MAX);
    vel_time wait = VEL_MAX(rtt / 4, request->least);
    return (struct vel_ack_wish){
        .threshold = VEL_MAX(each, (uint64_t)1),
        .max_delay = VEL_MIN(wait, request->most),
        .reordering = reordering,
    };
}

/* Twice or half as much. */
static bool differs(uint64_t a, uint64_t b)
{
    return a != b && (a >= 2 * b || b >= 2 * a);
}

static bool is_worth_it(const struct vel_ack_request *request, const struct vel_ack_wish *wish)
{
    const struct vel_ack_wish *asked = &request->asked;
    if (asked->threshold == 0)
        return wish->threshold >= VEL_ACK_THRESHOLD_WORTH;
    return differs(wish->threshold, asked->threshold) ||
           differs((uint64_t)wish->max_delay, (uint64_t)asked->max_delay) ||
           wish->reordering != asked->reordering;
}

void vel_ack_request_consider(struct vel_ack_request *request, const struct vel_ack_wish *wish)
{
    if (!request->allowed || request->in_flight || !is_worth_it(request, wish))
        return;
    request->asked = *wish;
    request->due = true;
}

void vel_ack_request_take(struct vel_ack_request *request, struct vel_frame *frame,
                          struct vel_record *record)
{
    *frame = (struct vel_frame){
        .type = VEL_FRAME_ACK_FREQUENCY,
        .ack_frequency = {.sequence = request->next,
                          .threshold = request->asked.threshold,
                          .max_delay = (uint64_t)(request->asked.max_delay / US),
                          .reordering = request->asked.reordering},
    };
    *record = (struct vel_record){.kind = VEL_RECORD_ACK_FREQUENCY, .id = request->next++};
    request->due = false;
    request->in_flight = true;
}

void vel_ack_request_put_back(struct vel_ack_request *request)
{
    request->next--;
    request->due = true;
    request->in_flight = false;
}

void vel_ack_request_acked(struct vel_ack_request *request, uint64_t sequence)
{
    if (sequence + 1 != request->next)
        return;
    request->in_flight = false;
    request->in_force = request->asked.max_delay;
}

void vel_ack_request_lost(struct vel_ack_request *request, uint64_t sequence)
{
    if (sequence + 1 != request->next || !request->in_flight)
        return;
    request->in_flight = false;
    request->due = true;
}

vel_time vel_ack_request_delay(const struct vel_ack_request *request)
{
    bool open = request->due || request->in_flight;
    return open ? VEL_MAX(request->in_force, request->asked.max_delay) : request->in_force;
}
