/* SPDX-License-Identifier: MIT */
#include "sim/line.h"

#include "base/units.h"

void line_init(struct line *line, uint64_t seed, uint64_t rate, uint64_t queue, vel_time delay)
{
    *line = (struct line){
        .rate = rate, .queue = queue, .delay = delay, .now = 1000 * SECOND + (vel_time)seed};
    test_env_init(&line->t, seed);
}

static void ignore(void *self, enum vel_space space, const struct vel_record *record)
{
    (void)space;
    struct flow *flow = self;
    if (record->kind == VEL_RECORD_ACK_FREQUENCY)
        vel_ack_request_acked(&flow->request, record->id);
}

static void ignore_loss(void *self, enum vel_space space, const struct vel_record *record)
{
    (void)space;
    struct flow *flow = self;
    if (record->kind == VEL_RECORD_ACK_FREQUENCY)
        vel_ack_request_lost(&flow->request, record->id);
}

struct flow *line_add(struct line *line, enum vel_congestion congestion)
{
    assert_true(line->count < LINE_FLOWS);
    struct flow *flow = &line->flows[line->count++];
    *flow = (struct flow){.line = line, .starts = line->now, .pace_until = VEL_NEVER};
    flow->policy = vel_ack_policy(25 * MS);
    flow->packets = calloc(LINE_FLIGHT, sizeof *flow->packets);
    flow->frames = calloc(LINE_ACKS, sizeof *flow->frames);
    assert_true(flow->packets != NULL && flow->frames != NULL);
    vel_acks_init(&flow->acks, &line->t.env, &flow->policy);
    vel_ack_request_init(&flow->request, 1 * MS, 25 * MS);
    struct vel_recovery_setup setup = {
        .env = &line->t.env,
        .hooks = {.acked = ignore, .lost = ignore_loss, .self = flow},
        .congestion = congestion,
        .mtu = LINE_PACKET,
        .ecn = true,
    };
    vel_recovery_init(&flow->recovery, &setup, line->now);
    vel_recovery_discard(&flow->recovery, VEL_SPACE_INITIAL);
    vel_recovery_discard(&flow->recovery, VEL_SPACE_HANDSHAKE);
    vel_recovery_set_confirmed(&flow->recovery);
    vel_recovery_set_max_ack_delay(&flow->recovery, 25 * MS);
    vel_pacer_init(&flow->pacer, true, LINE_PACKET, line->now);
    return flow;
}

static uint64_t backlog(const struct line *line)
{
    return line->free_at <= line->now
               ? 0
               : (uint64_t)(line->free_at - line->now) * line->rate / (uint64_t)SECOND;
}

void line_set_rate(struct line *line, uint64_t rate)
{
    uint64_t waiting = backlog(line);
    line->rate = rate;
    line->free_at = line->now + (vel_time)(waiting * (uint64_t)SECOND / rate);
}

/* A packet meets the queue. */
static void offer(struct flow *flow, struct line_packet packet)
{
    struct line *line = flow->line;
    uint64_t waiting = backlog(line);
    line->queued_most = VEL_MAX(line->queued_most, waiting);
    line->queued_sum += waiting;
    line->queued_count++;
    uint32_t dice;
    vel_random(&line->t.env, &dice, sizeof dice);
    if (waiting + LINE_PACKET > line->queue || dice % 1000000 < line->loss) {
        line->dropped++;
        return;
    }
    if (line->mark > 0 && waiting > line->mark && packet.ecn == VEL_ECN_ECT0)
        packet.ecn = VEL_ECN_CE;
    vel_time span = (vel_time)(LINE_PACKET * (uint64_t)SECOND / line->rate);
    line->free_at = VEL_MAX(line->free_at, line->now) + span;
    packet.arrives = line->free_at + line->delay;
    assert_true(flow->end_packet - flow->first_packet < LINE_FLIGHT);
    flow->packets[flow->end_packet++ % LINE_FLIGHT] = packet;
}

static bool has_data(const struct flow *flow)
{
    return flow->chunk == 0 || flow->waiting > 0;
}

static bool has_room(const struct flow *flow)
{
    return vel_recovery_room(&flow->recovery) >= LINE_PACKET;
}

static void send_packet(struct flow *flow)
{
    struct vel_recovery *r = &flow->recovery;
    struct vel_sent *sent = &r->space[VEL_SPACE_APP].sent;
    assert_int_equal(vel_sent_begin(sent), VEL_OK);
    struct vel_record record = {.kind = VEL_RECORD_PING, .id = 1};
    if (flow->request.due) {
        struct vel_frame frame;
        vel_ack_request_take(&flow->request, &frame, &record);
        assert_int_equal(vel_ack_policy_obey(&flow->policy, &frame.ack_frequency), VEL_OK);
    }
    assert_int_equal(vel_sent_add(sent, record), VEL_OK);
    uint8_t ecn = vel_ecn_mark(&r->ecn);
    struct line_packet packet = {.number = sent->next, .ecn = ecn};
    vel_recovery_sent(r, VEL_SPACE_APP, LINE_PACKET, true, true, ecn, flow->line->now);
    flow->waiting -= VEL_MIN(flow->waiting, (uint64_t)LINE_PACKET);
    offer(flow, packet);
}

/* As long a train as pacer and window admit (build_train in transport/conn_send.c), all at once. */
static bool send_train(struct flow *flow)
{
    vel_time now = flow->line->now;
    if (!has_data(flow) || !has_room(flow)) {
        vel_pacer_rest(&flow->pacer);
        return false;
    }
    if (vel_pacer_budget(&flow->pacer, now) == 0) {
        flow->pace_until = vel_pacer_wait(&flow->pacer, now);
        return false;
    }
    uint64_t most = VEL_MIN(vel_pacer_train(&flow->pacer), (uint64_t)VEL_TRAIN_MAX);
    uint64_t sent = 0;
    do {
        send_packet(flow);
        sent += LINE_PACKET;
    } while (sent + LINE_PACKET <= most && has_data(flow) && has_room(flow));
    vel_pacer_sent(&flow->pacer, sent, now);
    return true;
}

static void send_all(struct flow *flow)
{
    if (flow->line->now < flow->starts)
        return;
    flow->started = true;
    while (send_train(flow))
        ;
    vel_recovery_set_app_limited(&flow->recovery, !has_data(flow) && has_room(flow));
}

static void receive(struct flow *flow)
{
    struct line_packet *packet = &flow->packets[flow->first_packet++ % LINE_FLIGHT];
    assert_int_equal(
        vel_acks_received(&flow->acks, packet->number, true, packet->ecn, packet->arrives), VEL_OK);
    flow->delivered += LINE_PACKET;
    flow->acks.round_trip = flow->recovery.rtt.smoothed;
}

static void acknowledge(struct flow *flow)
{
    struct vel_acks *acks = &flow->acks;
    assert_true(flow->end_frame - flow->first_frame < LINE_ACKS);
    struct line_ack *ack = &flow->frames[flow->end_frame++ % LINE_ACKS];
    struct vel_writer w = vel_writer(ack->bytes, sizeof ack->bytes);
    uint64_t delay = vel_acks_delay(acks, 0, flow->line->now);
    assert_true(vel_frame_write_ack(&w, sizeof ack->bytes, &acks->received, delay, &acks->ecn));
    ack->size = vel_written(&w);
    uint32_t dice;
    vel_random(&flow->line->t.env, &dice, sizeof dice);
    vel_time jitter = flow->line->jitter > 0 ? (vel_time)dice % flow->line->jitter : 0;
    ack->arrives = VEL_MAX(flow->last_arrival, flow->line->now + flow->line->delay + jitter);
    flow->last_arrival = ack->arrives;
    vel_acks_sent(acks, false);
    flow->frames_sent++;
}

static void hear(struct flow *flow)
{
    struct line_ack *ack = &flow->frames[flow->first_frame++ % LINE_ACKS];
    struct vel_recovery *r = &flow->recovery;
    struct vel_reader reader = vel_reader(vel_slice(ack->bytes, ack->size));
    struct vel_frame frame;
    vel_time now = flow->line->now;
    assert_int_equal(vel_frame_read(&reader, VEL_PACKET_ONE_RTT, &frame), VEL_OK);
    assert_int_equal(
        vel_recovery_on_ack(r, VEL_SPACE_APP, &frame.ack, (vel_time)frame.ack.delay * US, now),
        VEL_OK);
    vel_acks_acked(&flow->acks, frame.ack.largest); /* it is heard of a little too early */
    struct vel_pacing pacing = vel_cc_pacing(&r->cc, &r->rtt);
    vel_pacer_set_rate(&flow->pacer, pacing.rate, pacing.quantum, now);
    flow->pace_until = VEL_NEVER;
    struct vel_ack_wish wish = vel_ack_wish(&flow->request, vel_cc_window(&r->cc) / LINE_PACKET,
                                            r->rtt.smoothed, r->reordering.threshold);
    vel_ack_request_consider(&flow->request, &wish);
    if (r->cc.ops == &vel_cc_bbr)
        flow->phases_seen |= 1U << r->cc.bbr->phase;
}

static void expire(struct flow *flow)
{
    struct vel_recovery_timeout due = vel_recovery_on_timeout(&flow->recovery, flow->line->now);
    for (unsigned i = 0; i < due.probes[VEL_SPACE_APP]; i++) {
        send_packet(flow);
        vel_pacer_sent(&flow->pacer, LINE_PACKET, flow->line->now);
    }
}

static vel_time sender_deadline(const struct flow *flow)
{
    vel_time next = VEL_MIN(vel_recovery_deadline(&flow->recovery), flow->pace_until);
    if (flow->chunk > 0)
        next = VEL_MIN(next, flow->next_chunk);
    if (flow->first_frame != flow->end_frame)
        next = VEL_MIN(next, flow->frames[flow->first_frame % LINE_ACKS].arrives);
    return VEL_MAX(flow->started ? next : flow->starts, flow->next_turn);
}

static vel_time receiver_deadline(const struct flow *flow)
{
    vel_time next = vel_acks_deadline(&flow->acks);
    if (flow->first_packet != flow->end_packet)
        next = VEL_MIN(next, flow->packets[flow->first_packet % LINE_FLIGHT].arrives);
    return next;
}

static vel_time deadline(const struct flow *flow)
{
    return VEL_MIN(sender_deadline(flow), receiver_deadline(flow));
}

static void advance_receiver(struct flow *flow)
{
    vel_time now = flow->line->now;
    while (flow->first_packet != flow->end_packet &&
           flow->packets[flow->first_packet % LINE_FLIGHT].arrives <= now)
        receive(flow);
    if (vel_acks_is_due(&flow->acks, now))
        acknowledge(flow);
}

static void advance_sender(struct flow *flow)
{
    vel_time now = flow->line->now;
    if (now < flow->next_turn)
        return;
    flow->next_turn = now + flow->turn;
    if (flow->chunk > 0 && flow->next_chunk <= now) {
        flow->waiting += flow->chunk;
        flow->next_chunk = now + flow->every;
    }
    while (flow->first_frame != flow->end_frame &&
           flow->frames[flow->first_frame % LINE_ACKS].arrives <= now)
        hear(flow);
    if (vel_recovery_deadline(&flow->recovery) <= now)
        expire(flow);
    if (flow->pace_until <= now)
        flow->pace_until = VEL_NEVER;
    send_all(flow);
}

static void advance(struct flow *flow)
{
    advance_receiver(flow);
    advance_sender(flow);
}

void line_run(struct line *line, vel_time span)
{
    vel_time until = line->now + span;
    for (unsigned i = 0; i < line->count; i++)
        advance(&line->flows[i]);
    for (;;) {
        vel_time next = VEL_NEVER;
        for (unsigned i = 0; i < line->count; i++)
            next = VEL_MIN(next, deadline(&line->flows[i]));
        if (next > until)
            break;
        line->now = VEL_MAX(line->now, next);
        for (unsigned i = 0; i < line->count; i++)
            if (deadline(&line->flows[i]) <= line->now)
                advance(&line->flows[i]);
    }
    line->now = until;
}

void line_measure(struct line *line)
{
    line->queued_most = line->queued_sum = line->queued_count = line->dropped = 0;
    for (unsigned i = 0; i < line->count; i++)
        line->flows[i].delivered = 0;
}

void line_free(struct line *line)
{
    for (unsigned i = 0; i < line->count; i++) {
        vel_recovery_clear(&line->flows[i].recovery);
        vel_acks_clear(&line->flows[i].acks);
        free(line->flows[i].packets);
        free(line->flows[i].frames);
    }
    test_env_done(&line->t);
}
