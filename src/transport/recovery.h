/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_RECOVERY_H
#define TRANSPORT_RECOVERY_H

#include "base/units.h"
#include "transport/cc.h"
#include "transport/ecn.h"
#include "transport/frame.h"
#include "transport/loss_share.h"
#include "transport/pmtud.h"
#include "transport/reordering.h"
#include "transport/rtt.h"
#include "transport/sent.h"
#include "transport/space.h"

/*
 * Loss recovery of a connection, RFC 9002: which of the packets sent are lost, when to probe, and
 * what the round trips are. It composes the sent packets of three spaces, RTT, ECN validation and
 * congestion control, and tells the connection about each record through two hooks. It writes no
 * packets: after a time-out it says how many probes to send and where.
 *
 * Sending: vel_sent_begin(&r->space[s].sent), vel_sent_add for each record, then vel_recovery_sent
 * (or vel_sent_abandon). The packet number is r->space[s].sent.next.
 *
 * Packet numbers are one sequence however many paths a connection takes; round trips, congestion and
 * marks belong to one path. After vel_recovery_move the packets sent before are still acknowledged,
 * and sent again when lost, but say nothing about the path that is in use now (RFC 9000 9.4).
 *
 * When the connection has nothing left to send for want of data, it says so with
 * vel_recovery_set_app_limited, so that the window does not grow without being used.
 */

/* Told for each record of a packet, in the order they were added. They must not call back into
 * recovery. */
struct vel_recovery_hooks {
    /* Bytes of a stream that one ACK frame acknowledges in a row are one record (vel_record_join). */
    void (*acked)(void *self, enum vel_space space, const struct vel_record *record);
    /* To be sent again if still wanted: declared lost, or handed out for a probe. In the second
     * case the original may still be acknowledged: `acked` may follow `lost`. */
    void (*lost)(void *self, enum vel_space space, const struct vel_record *record);
    /* Likewise for each packet that is declared lost, before its records; NULL: not wanted. by_time:
     * it is overdue, else so many later ones were acknowledged. */
    void (*packet_lost)(void *self, enum vel_space space, uint64_t number,
                        const struct vel_sent_packet *packet, bool by_time);
    void *self;
};

enum {
    VEL_PERSISTENT_THRESHOLD = 3,    /* 7.6.1: kPersistentCongestionThreshold */
    VEL_PTO_PROBES = 2,              /* 6.2.4 */
    VEL_PTO_BACKOFF_MAX = 16,        /* ours: doublings that still count; far past any time-out */
    VEL_SKIP_FIRST = 100,            /* ours: about where the first 1-RTT number is left out, */
    VEL_SKIP_EVERY = 1000,           /* and how far the later ones are apart at least */
    VEL_RECOVERY_ACK_ONLY_KEPT = 64, /* ours: packets without reaction kept at the old end, */
    VEL_RECOVERY_EMPTY_KEPT = 4096   /* and how many there may be before those that carry nothing to
                                        be missed go, too */
};

/* Ours: how much longer than a round trip a peer may take for its answer in the handshake, at least. It is what
 * application data grant by default (max_ack_delay, RFC 9000 18.2). */
#define VEL_PTO_HANDSHAKE_GRACE (25 * MS)

/* Ours: the longest wait for a probe before the handshake is confirmed, unless the path is slower. */
#define VEL_PTO_HANDSHAKE_MAX (2 * SECOND)

enum vel_recovery_action {
    VEL_RECOVERY_NOTHING, /* early: ask for the deadline again */
    VEL_RECOVERY_LOST,    /* packets were declared lost: hooks were called, send what there is */
    VEL_RECOVERY_PROBE    /* send ack-eliciting packets as `probes` says, window or not */
};

/* RFC 9002 6.2.4: two probes in the space whose time-out it was. During the handshake the other
 * spaces with packets in flight send one, too: the peer may be unable to read the first without
 * them. */
struct vel_recovery_timeout {
    enum vel_recovery_action action;
    enum vel_space space; /* whose time-out it was */
    unsigned probes[VEL_SPACE_COUNT];
};

struct vel_recovery_space {
    struct vel_sent sent;
    uint64_t largest_acked;  /* VEL_NUMBER_NONE at first */
    vel_time loss_time;      /* when the next packet is lost by time; VEL_NEVER */
    vel_time last_eliciting; /* when the last ack-eliciting packet was sent */
    uint32_t eliciting;      /* ack-eliciting packets in flight */
    bool discarded;
};

/* What is known of a path that we left and may return to. */
struct vel_left_path {
    uint32_t path; /* 0: none is kept */
    uint64_t in_flight;
    struct vel_rtt rtt;
    struct vel_cc cc;
    enum vel_ecn_state ecn;
};

struct vel_recovery {
    struct vel_recovery_hooks hooks;
    struct vel_recovery_space space[VEL_SPACE_COUNT];
    struct vel_rtt rtt;
    struct vel_ecn_validation ecn;
    struct vel_cc cc;
    struct vel_black_hole black_hole; /* of 1-RTT packets in flight */
    struct vel_reordering reordering; /* of 1-RTT packets */
    struct vel_loss_share loss;       /* of packets in flight on the path in use */
    uint64_t in_flight;               /* bytes, over all spaces, on the path in use */
    uint32_t path;                    /* which one that is, */
    uint32_t last_path;               /* counted from 1 */
    struct vel_left_path left;
    enum vel_congestion congestion;
    bool ecn_enabled;
    vel_time last_event;    /* the latest `now` seen: the anti-deadlock probe counts from there */
    vel_time put_off;       /* no time-out before: the answer may be there, unread */
    vel_time max_ack_delay; /* the peer's */
    uint64_t skip_at;       /* the next 1-RTT number to leave out, RFC 9000 21.4 */
    unsigned pto_backoff;   /* time-outs in a row: the period doubles with each */
    uint64_t packets_lost, packets_spurious, pto_fired, ce_marks; /* totals */
    bool is_client;
    bool peer_validated;        /* client: the server surely has validated our address */
    bool handshake_keys;        /* client: Handshake packets can be sent */
    bool handshake_confirmed;   /* RFC 9001 4.1.2 */
    bool amplification_limited; /* server: nothing may be sent until more is received */
    bool one_more;    /* a recovery period began: a packet may leave, window or not (7.3.2) */
    bool app_limited; /* there was nothing to send although the window had room */
};

struct vel_recovery_setup {
    const struct vel_env *env;
    struct vel_recovery_hooks hooks;
    enum vel_congestion congestion;
    uint32_t mtu; /* max_datagram_size, bytes */
    bool is_client;
    bool ecn;
};

void vel_recovery_init(struct vel_recovery *r, const struct vel_recovery_setup *setup,
                       vel_time now);
/* Release what is held, without calling hooks. Fine on zeroed memory. */
void vel_recovery_clear(struct vel_recovery *r);

/* The packet begun in r->space[space].sent leaves now. `ecn`: how its datagram is marked. */
void vel_recovery_sent(struct vel_recovery *r, enum vel_space space, uint16_t size,
                       bool ack_eliciting, bool in_flight, uint8_t ecn, vel_time now);

/* The same in two steps, for packets that leave together and are alike: put each of them, then count
 * them all. `packet`: time, size, ecn, flags and the path in use, r->path. */
void vel_recovery_put(struct vel_recovery *r, enum vel_space space,
                      const struct vel_sent_packet *packet);
void vel_recovery_count(struct vel_recovery *r, enum vel_space space,
                        const struct vel_sent_packet *packet, unsigned count);

/* The same for a probe of another path: it counts for nothing, and nobody waits for it. */
void vel_recovery_sent_aside(struct vel_recovery *r, enum vel_space space, uint16_t size,
                             vel_time now);

/* Packets take another path from now on, of which nothing is known. `mtu`: its max_datagram_size. */
void vel_recovery_move(struct vel_recovery *r, uint32_t mtu, vel_time now);

/* Keep what is known of the path in use, right before a move, which is to follow; what was kept before is forgotten. Then
 * return to it: its packets in flight still count. */
void vel_recovery_keep_path(struct vel_recovery *r);
void vel_recovery_return(struct vel_recovery *r);

/* An ACK frame of `space` arrived. `delay`: its ACK Delay decoded to nanoseconds.
 * VEL_ERR_UNEXPECTED  acknowledges a number that was never sent: close with PROTOCOL_VIOLATION */
vel_result vel_recovery_on_ack(struct vel_recovery *r, enum vel_space space,
                               const struct vel_frame_ack *ack, vel_time delay, vel_time now);

/* Give memory back if nothing is in flight: call when the connection has gone quiet. */
void vel_recovery_trim(struct vel_recovery *r);

/* When to call vel_recovery_on_timeout; VEL_NEVER: not. Changes after every other call here. */
vel_time vel_recovery_deadline(const struct vel_recovery *r);
struct vel_recovery_timeout vel_recovery_on_timeout(struct vel_recovery *r, vel_time now);

/* A time-out that became due after `heard` waits VEL_UNREAD_WAIT more: what was not received yet may hold
 * the acknowledgement. False: it was due before. */
#define VEL_UNREAD_WAIT (1 * MS)
bool vel_recovery_put_off(struct vel_recovery *r, vel_time now, vel_time heard);

/* The keys of a space are gone (RFC 9001 4.9): its packets leave the flight, no hooks. */
void vel_recovery_discard(struct vel_recovery *r, enum vel_space space);

/* A Retry or a rejected 0-RTT: every packet of the space counts as lost, without congestion. */
void vel_recovery_resend_all(struct vel_recovery *r, enum vel_space space);

/* The same while there is still hope: what packets in flight carry is handed out to be sent again, on
 * another track. They stay in flight, and may be acknowledged. */
void vel_recovery_hand_on(struct vel_recovery *r, enum vel_space space);

/* Facts of the handshake that the probe time-out depends on (RFC 9002 6.2.1, 6.2.2.1). */
void vel_recovery_set_handshake_keys(struct vel_recovery *r);
void vel_recovery_set_confirmed(struct vel_recovery *r);
/* It was us who made the peer wait: the anti-deadlock probe counts from now. */
void vel_recovery_resume(struct vel_recovery *r, vel_time now);
/* Server: at the limit there is no probe time-out; the caller asks for the deadline after a
 * datagram has lifted it. */
void vel_recovery_set_amplification_limited(struct vel_recovery *r, bool limited);

/* The peer's max_ack_delay, from its transport parameters (nanoseconds). */
void vel_recovery_set_max_ack_delay(struct vel_recovery *r, vel_time max_ack_delay);

/* Sending stopped for want of data (true), or because of window or pacer (false). */
void vel_recovery_set_app_limited(struct vel_recovery *r, bool app_limited);

/* The probe time-out of the application space, without backoff: RFC 9002 6.2.1. For the idle
 * time-out, draining, key update and path validation. */
vel_time vel_recovery_pto(const struct vel_recovery *r);

/* Bytes that the congestion window still admits; one packet at least when losses have just shrunk
 * it, so that what was lost does not wait for a probe time-out. */
static inline uint64_t vel_recovery_room(const struct vel_recovery *r)
{
    uint64_t window = vel_cc_window(&r->cc);
    uint64_t room = window > r->in_flight ? window - r->in_flight : 0;
    return r->one_more ? VEL_MAX(room, (uint64_t)r->cc.mtu) : room;
}

#endif
