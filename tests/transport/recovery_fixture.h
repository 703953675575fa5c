/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TRANSPORT_RECOVERY_FIXTURE_H
#define TESTS_TRANSPORT_RECOVERY_FIXTURE_H

#include "base/units.h"
#include "base/writer.h"
#include "testing/test.h"
#include "transport/recovery.h"

/*
 * A recovery whose packets all carry one record, id = packet number, and which notes what the
 * hooks were told: heard[space][number].
 */
enum { FIX_MTU = 1200, FIX_NUMBERS = 512 };
enum { INITIAL = VEL_SPACE_INITIAL, HANDSHAKE = VEL_SPACE_HANDSHAKE, APP = VEL_SPACE_APP };

struct heard {
    unsigned acked, lost;
};

struct fixture {
    struct test_env t;
    struct vel_recovery r;
    struct heard heard[VEL_SPACE_COUNT][FIX_NUMBERS];
};

static inline void fix_acked(void *self, enum vel_space space, const struct vel_record *record)
{
    struct fixture *f = self;
    f->heard[space][record->id].acked++;
}

static inline void fix_lost(void *self, enum vel_space space, const struct vel_record *record)
{
    struct fixture *f = self;
    f->heard[space][record->id].lost++;
}

/* A client or server at time 0, NewReno, with ECN, the peer's max_ack_delay 25 ms. */
static inline void fix_init(struct fixture *f, bool is_client)
{
    *f = (struct fixture){0};
    test_env_init(&f->t, 1);
    vel_recovery_init(&f->r,
                      &(struct vel_recovery_setup){
                          .env = &f->t.env,
                          .hooks = {.acked = fix_acked, .lost = fix_lost, .self = f},
                          .congestion = VEL_CC_NEWRENO,
                          .mtu = FIX_MTU,
                          .is_client = is_client,
                          .ecn = true,
                      },
                      0);
    vel_recovery_set_max_ack_delay(&f->r, 25 * MS);
}

static inline void fix_done(struct fixture *f)
{
    vel_recovery_clear(&f->r);
    test_env_done(&f->t);
}

static inline void fix_send_as(struct fixture *f, unsigned space, bool eliciting, uint8_t ecn,
                               vel_time now)
{
    struct vel_sent *sent = &f->r.space[space].sent;
    ASSERT_OK(vel_sent_begin(sent));
    ASSERT_OK(vel_sent_add(sent, (struct vel_record){.id = sent->next, .kind = VEL_RECORD_PING}));
    vel_recovery_sent(&f->r, (enum vel_space)space, FIX_MTU, eliciting, eliciting, ecn, now);
}

/* An ack-eliciting packet. */
static inline void fix_send(struct fixture *f, unsigned space, vel_time now)
{
    fix_send_as(f, space, true, VEL_ECN_NOT_ECT, now);
}

/* An ACK frame of [first, last] and, when low_last < first - 1, of [low_first, low_last]. */
static inline enum vel_err fix_ack_two(struct fixture *f, unsigned space, uint64_t first,
                                       uint64_t last, uint64_t low_first, uint64_t low_last,
                                       vel_time delay, vel_time now)
{
    uint8_t pairs[16];
    struct vel_writer w = vel_writer(pairs, sizeof pairs);
    vel_write_varint(&w, first - low_last - 2);
    vel_write_varint(&w, low_last - low_first);
    struct vel_frame_ack ack = {.largest = last,
                                .first_range = last - first,
                                .range_count = 1,
                                .ranges = vel_slice(pairs, vel_written(&w))};
    return vel_recovery_on_ack(&f->r, (enum vel_space)space, &ack, delay, now);
}

/* An ACK frame of [first, last]. */
static inline enum vel_err fix_ack(struct fixture *f, unsigned space, uint64_t first, uint64_t last,
                                   vel_time delay, vel_time now)
{
    struct vel_frame_ack ack = {.largest = last, .first_range = last - first};
    return vel_recovery_on_ack(&f->r, (enum vel_space)space, &ack, delay, now);
}

/* A connection whose handshake is confirmed and whose RTT is 100 ms with no variance left. */
static inline void fix_established(struct fixture *f, bool is_client)
{
    fix_init(f, is_client);
    vel_recovery_set_handshake_keys(&f->r);
    vel_recovery_discard(&f->r, VEL_SPACE_INITIAL);
    vel_recovery_discard(&f->r, VEL_SPACE_HANDSHAKE);
    vel_recovery_set_confirmed(&f->r);
    vel_rtt_update(&f->r.rtt, 100 * MS, 0, 0);
    f->r.rtt.variance = 0;
}

#endif
