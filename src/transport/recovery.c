/* SPDX-License-Identifier: MIT */
#include "transport/recovery.h"

#include "base/try.h"
#include "transport/recovery_internal.h"

/* RFC 9000 21.4: who acknowledges what he has not received to be sent more will hit a number that
 * was never sent. Where it is must not be guessed. */
static void choose_skip(struct vel_recovery *r, uint64_t least)
{
    const struct vel_sent *sent = &r->space[VEL_SPACE_APP].sent;
    uint16_t random;
    vel_random(sent->env, &random, sizeof random);
    r->skip_at = sent->next + least + random % least;
}

static void skip_number(struct vel_recovery *r)
{
    struct vel_sent *sent = &r->space[VEL_SPACE_APP].sent;
    if (sent->next >= r->skip_at && vel_sent_skip(sent) == VEL_OK)
        choose_skip(r, VEL_SKIP_EVERY);
}

void vel_recovery_init(struct vel_recovery *r, const struct vel_recovery_setup *setup, vel_time now)
{
    *r = (struct vel_recovery){
        .hooks = setup->hooks,
        .last_event = now,
        .is_client = setup->is_client,
        .peer_validated = !setup->is_client,
        .path = 1,
        .last_path = 1,
        .congestion = setup->congestion,
        .ecn_enabled = setup->ecn,
    };
    for (unsigned i = 0; i < VEL_SPACE_COUNT; i++) {
        vel_sent_init(&r->space[i].sent, setup->env);
        r->space[i].largest_acked = VEL_NUMBER_NONE;
        r->space[i].loss_time = VEL_NEVER;
    }
    vel_reordering_init(&r->reordering, setup->env);
    vel_rtt_init(&r->rtt);
    vel_ecn_init(&r->ecn, setup->ecn);
    vel_cc_init(&r->cc, setup->env, setup->congestion, setup->mtu, now);
    choose_skip(r, VEL_SKIP_FIRST);
}

void vel_recovery_clear(struct vel_recovery *r)
{
    for (unsigned i = 0; i < VEL_SPACE_COUNT; i++)
        vel_sent_clear(&r->space[i].sent);
    vel_reordering_clear(&r->reordering);
    vel_cc_clear(&r->cc);
    vel_cc_clear(&r->left.cc);
    r->in_flight = 0;
}

void vel_recovery_take(struct vel_recovery *r, enum vel_space space, struct vel_sent_packet *packet,
                       enum vel_sent_state state)
{
    packet->state = (uint8_t)state;
    if (packet->in_flight && packet->path == r->path)
        r->in_flight -= packet->size;
    else if (packet->in_flight && packet->path == r->left.path)
        r->left.in_flight -= packet->size;
    if (packet->ack_eliciting)
        r->space[space].eliciting--;
}

void vel_recovery_give_up(struct vel_recovery *r, enum vel_space space,
                          const struct vel_sent_packet *packet)
{
    if (packet->handed_on)
        return;
    for (unsigned i = 0; i < packet->records; i++)
        r->hooks.lost(r->hooks.self, space, vel_sent_record(&r->space[space].sent, packet, i));
}

/* Nothing would be sent again if it were lost: what it carried went on in a probe, or it was a PING. */
static bool is_empty(const struct vel_sent *sent, const struct vel_sent_packet *packet)
{
    for (unsigned i = 0; i < packet->records && !packet->handed_on; i++) {
        const struct vel_record *record = vel_sent_record(sent, packet, i);
        bool ping = record->kind == VEL_RECORD_PING && record->len == 0;
        if (!ping && record->kind != VEL_RECORD_ACK)
            return false;
    }
    return true;
}

/* Packets that elicit nothing may never be acknowledged: give up the oldest when there are more
 * than `kept`. A peer that acknowledges nothing at all does not make us keep many more. */
static void forget_ack_only(struct vel_recovery *r, enum vel_space space, unsigned kept)
{
    struct vel_sent *sent = &r->space[space].sent;
    while (sent->next - sent->base > kept) {
        struct vel_sent_packet *oldest = vel_sent_find(sent, sent->base);
        bool reacts = oldest->ack_eliciting || oldest->in_flight;
        bool many = sent->next - sent->base > VEL_RECOVERY_EMPTY_KEPT;
        if (reacts && !(many && is_empty(sent, oldest)))
            return;
        vel_recovery_take(r, space, oldest, VEL_SENT_LOST);
        vel_sent_settle(sent);
    }
}

void vel_recovery_trim(struct vel_recovery *r)
{
    for (unsigned i = 0; i < VEL_SPACE_COUNT; i++) {
        forget_ack_only(r, (enum vel_space)i, 0);
        vel_sent_trim(&r->space[i].sent);
    }
}

void vel_recovery_put(struct vel_recovery *r, enum vel_space space,
                      const struct vel_sent_packet *packet)
{
    vel_sent_commit(&r->space[space].sent, *packet);
    vel_ecn_on_sent(&r->ecn, space, packet->ecn);
    if (packet->ack_eliciting && space == VEL_SPACE_APP)
        skip_number(r);
}

void vel_recovery_count(struct vel_recovery *r, enum vel_space space,
                        const struct vel_sent_packet *packet, unsigned count)
{
    struct vel_recovery_space *s = &r->space[space];
    r->last_event = packet->time;
    if (packet->in_flight) {
        uint64_t size = (uint64_t)packet->size * count;
        vel_cc_on_sent(&r->cc, r->in_flight, size, packet->time);
        r->in_flight += size;
        r->one_more = false;
    }
    if (packet->ack_eliciting) {
        s->last_eliciting = packet->time;
        s->eliciting += count;
    }
    forget_ack_only(r, space, VEL_RECOVERY_ACK_ONLY_KEPT);
}

void vel_recovery_sent(struct vel_recovery *r, enum vel_space space, uint16_t size,
                       bool ack_eliciting, bool in_flight, uint8_t ecn, vel_time now)
{
    struct vel_sent_packet packet = {.time = now,
                                     .size = size,
                                     .ack_eliciting = ack_eliciting,
                                     .in_flight = in_flight,
                                     .path = r->path,
                                     .ecn = ecn};
    vel_recovery_put(r, space, &packet);
    vel_recovery_count(r, space, &packet, 1);
}

void vel_recovery_sent_aside(struct vel_recovery *r, enum vel_space space, uint16_t size,
                             vel_time now)
{
    vel_sent_commit(&r->space[space].sent, (struct vel_sent_packet){.time = now, .size = size});
    r->last_event = now;
    forget_ack_only(r, space, VEL_RECOVERY_ACK_ONLY_KEPT);
}

static void begin_path(struct vel_recovery *r, uint32_t path, uint64_t in_flight)
{
    r->path = path;
    r->in_flight = in_flight;
    r->pto_backoff = 0;
    r->one_more = false;
    r->black_hole = (struct vel_black_hole){0};
    r->loss = (struct vel_loss_share){0};
    vel_reordering_restart(&r->reordering);
    vel_ecn_restart(&r->ecn, r->ecn_enabled);
}

void vel_recovery_move(struct vel_recovery *r, uint32_t mtu, vel_time now)
{
    begin_path(r, ++r->last_path, 0);
    vel_rtt_init(&r->rtt);
    vel_cc_clear(&r->cc);
    vel_cc_init(&r->cc, r->space[VEL_SPACE_APP].sent.env, r->congestion, mtu, now);
}

void vel_recovery_keep_path(struct vel_recovery *r)
{
    vel_cc_clear(&r->left.cc);
    r->left = (struct vel_left_path){.path = r->path,
                                     .in_flight = r->in_flight,
                                     .rtt = r->rtt,
                                     .cc = r->cc,
                                     .ecn = r->ecn.state};
    r->cc = (struct vel_cc){.ops = NULL};
}

void vel_recovery_return(struct vel_recovery *r)
{
    VEL_ASSERT(r->left.path != 0);
    begin_path(r, r->left.path, r->left.in_flight);
    r->rtt = r->left.rtt;
    vel_cc_clear(&r->cc);
    r->cc = r->left.cc;
    r->left.cc = (struct vel_cc){.ops = NULL};
    if (r->left.ecn == VEL_ECN_CAPABLE || r->left.ecn == VEL_ECN_FAILED)
        r->ecn.state = r->left.ecn;
    r->left.path = 0;
}

/* What an ACK frame newly acknowledges. */
struct news {
    bool any, eliciting;
    bool mistaken;          /* some had been declared lost */
    uint64_t marked;        /* packets sent with ECT(0) */
    uint64_t acked;         /* bytes that were in flight on this path */
    uint32_t packets;       /* the same in packets */
    uint64_t bytes;         /* of them, sent outside a recovery period */
    vel_time newest;        /* when the newest packet on this path was sent; INT64_MIN: none was, */
    vel_time newest_flown;  /* and the newest that was in flight */
    vel_time largest_sent;  /* when the frame's largest number was sent, if it is news */
    struct vel_record told; /* to be told, with what goes on where it ends */
    bool tells;             /* there is such a record */
};

static void tell(struct vel_recovery *r, enum vel_space space, struct news *news)
{
    if (news->tells)
        r->hooks.acked(r->hooks.self, space, &news->told);
    news->tells = false;
}

/* Packets of bulk data follow each other in their stream as well: it hears of a whole row at once. */
static void record_acked(struct vel_recovery *r, enum vel_space space,
                         const struct vel_record *record, struct news *news)
{
    if (news->tells && vel_record_join(&news->told, record))
        return;
    tell(r, space, news);
    news->told = *record;
    news->tells = true;
}

static void packet_acked(struct vel_recovery *r, enum vel_space space,
                         struct vel_sent_packet *packet, struct news *news)
{
    vel_recovery_take(r, space, packet, VEL_SENT_ACKED);
    news->any = true;
    news->eliciting |= packet->ack_eliciting;
    news->marked += packet->ecn == VEL_ECN_ECT0;
    if (packet->path == r->path)
        news->newest = VEL_MAX(news->newest, packet->time);
    if (packet->in_flight && packet->path == r->path) {
        news->newest_flown = VEL_MAX(news->newest_flown, packet->time);
        news->acked += packet->size;
        news->packets++;
        if (!vel_cc_in_recovery(&r->cc, packet->time))
            news->bytes += packet->size;
        if (space == VEL_SPACE_APP)
            vel_black_hole_acked(&r->black_hole, packet->size, packet->time);
    }
    for (unsigned i = 0; i < packet->records; i++)
        record_acked(r, space, vel_sent_record(&r->space[space].sent, packet, i), news);
}

static vel_result range_acked(struct vel_recovery *r, enum vel_space space, struct vel_range range,
                              struct news *news)
{
    struct vel_sent *sent = &r->space[space].sent;
    REQUIRE(sent->skipped < range.start || sent->skipped >= range.end, VEL_ERR_UNEXPECTED);
    /* Although they had been declared lost. */
    uint64_t arrived =
        vel_reordering_acked(&r->reordering, space, range, r->space[space].largest_acked);
    news->mistaken |= arrived > 0;
    r->packets_spurious += arrived;
    vel_loss_share_mistaken(&r->loss, arrived);
    uint64_t n = vel_sent_unsettled(sent, range.start);
    for (; n < range.end; n = vel_sent_unsettled(sent, n + 1)) {
        struct vel_sent_packet *packet = vel_sent_find(sent, n);
        REQUIRE(packet->state != VEL_SENT_SKIPPED, VEL_ERR_UNEXPECTED);
        if (packet->state == VEL_SENT_OUTSTANDING)
            packet_acked(r, space, packet, news);
        vel_sent_pass(sent, n);
    }
    return VEL_OK;
}

static vel_result read_news(struct vel_recovery *r, enum vel_space space,
                            const struct vel_frame_ack *ack, struct news *news)
{
    const struct vel_sent *sent = &r->space[space].sent;
    REQUIRE(ack->largest < sent->next, VEL_ERR_UNEXPECTED);
    const struct vel_sent_packet *largest = vel_sent_find(sent, ack->largest);
    if (largest != NULL && largest->state == VEL_SENT_OUTSTANDING && largest->path == r->path)
        news->largest_sent = largest->time;

    struct vel_ack_walk walk = vel_ack_walk(ack);
    struct vel_range range;
    while (vel_ack_next(&walk, &range))
        TRY(range_acked(r, space, range, news));
    tell(r, space, news);
    return VEL_OK;
}

/* RFC 9002 5.1 and 5.3. */
static void take_rtt(struct vel_recovery *r, enum vel_space space, const struct news *news,
                     vel_time delay, vel_time now)
{
    if (news->largest_sent == VEL_NEVER || !news->eliciting)
        return;
    if (space == VEL_SPACE_INITIAL)
        delay = 0; /* never delayed on purpose, and not authenticated */
    else if (r->handshake_confirmed)
        delay = VEL_MIN(delay, r->max_ack_delay);
    vel_rtt_update(&r->rtt, now - news->largest_sent, delay, now);
}

static void take_ecn(struct vel_recovery *r, enum vel_space space, const struct vel_frame_ack *ack,
                     const struct news *news, vel_time now)
{
    uint64_t marks = vel_ecn_on_ack(&r->ecn, space, news->marked, ack->has_ecn ? &ack->ecn : NULL);
    r->ce_marks += marks;
    if (marks > 0)
        vel_cc_on_marked(&r->cc, news->newest, now);
}

static void react(struct vel_recovery *r, enum vel_space space, const struct news *news,
                  vel_time now)
{
    uint64_t reductions = r->cc.reductions;
    vel_sent_settle(&r->space[space].sent); /* so that losses are looked for in what is left */
    vel_recovery_detect_lost(r, space, now);
    /* A reduction just now covers everything sent so far. */
    uint64_t bytes = r->cc.reductions == reductions ? news->bytes : 0;
    struct vel_cc_ack ack = {.acked = news->acked,
                             .bytes = bytes,
                             .in_flight = r->in_flight,
                             .sent = news->newest_flown,
                             .app_limited = r->app_limited,
                             .now = now};
    if (news->acked > 0)
        vel_cc_on_ack(&r->cc, &r->rtt, &ack);
    if (r->is_client && space != VEL_SPACE_INITIAL)
        r->peer_validated = true;
    if (r->peer_validated)
        r->pto_backoff = 0;
}

vel_result vel_recovery_on_ack(struct vel_recovery *r, enum vel_space space,
                               const struct vel_frame_ack *ack, vel_time delay, vel_time now)
{
    struct vel_recovery_space *s = &r->space[space];
    struct news news = {.newest = INT64_MIN, .newest_flown = INT64_MIN, .largest_sent = VEL_NEVER};
    r->last_event = now;
    TRY(read_news(r, space, ack, &news));
    bool raised = s->largest_acked == VEL_NUMBER_NONE || ack->largest > s->largest_acked;
    if (raised)
        s->largest_acked = ack->largest;
    if (news.mistaken && vel_reordering_learn(&r->reordering, r->rtt.smoothed))
        vel_cc_undo(&r->cc, now);
    if (!news.any)
        return VEL_OK;
    vel_loss_share_count(&r->loss, news.packets, 0, now);
    take_rtt(r, space, &news, delay, now);
    if (raised)
        take_ecn(r, space, ack, &news, now);
    react(r, space, &news, now);
    vel_sent_settle(&s->sent);
    return VEL_OK;
}

void vel_recovery_discard(struct vel_recovery *r, enum vel_space space)
{
    struct vel_recovery_space *s = &r->space[space];
    for (uint64_t n = s->sent.base; n != s->sent.next; n++) {
        struct vel_sent_packet *packet = vel_sent_find(&s->sent, n);
        if (packet->state == VEL_SENT_OUTSTANDING)
            vel_recovery_take(r, space, packet, VEL_SENT_LOST);
    }
    vel_sent_clear(&s->sent);
    s->loss_time = VEL_NEVER;
    s->discarded = true;
    r->pto_backoff = 0; /* RFC 9002 6.2.2 */
}

void vel_recovery_resend_all(struct vel_recovery *r, enum vel_space space)
{
    struct vel_recovery_space *s = &r->space[space];
    for (uint64_t n = s->sent.base; n != s->sent.next; n++) {
        struct vel_sent_packet *packet = vel_sent_find(&s->sent, n);
        if (packet->state != VEL_SENT_OUTSTANDING)
            continue;
        vel_recovery_take(r, space, packet, VEL_SENT_LOST);
        vel_recovery_give_up(r, space, packet);
    }
    vel_sent_settle(&s->sent);
    s->loss_time = VEL_NEVER;
}

void vel_recovery_set_handshake_keys(struct vel_recovery *r)
{
    r->handshake_keys = true;
}

void vel_recovery_resume(struct vel_recovery *r, vel_time now)
{
    r->last_event = now;
}

void vel_recovery_set_confirmed(struct vel_recovery *r)
{
    r->handshake_confirmed = true;
    r->peer_validated = true;
}

void vel_recovery_set_amplification_limited(struct vel_recovery *r, bool limited)
{
    r->amplification_limited = limited;
}

void vel_recovery_set_max_ack_delay(struct vel_recovery *r, vel_time max_ack_delay)
{
    r->max_ack_delay = max_ack_delay;
}

void vel_recovery_set_app_limited(struct vel_recovery *r, bool app_limited)
{
    r->app_limited = app_limited;
    if (app_limited)
        vel_cc_on_app_limited(&r->cc, r->in_flight);
}
