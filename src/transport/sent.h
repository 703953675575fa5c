/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_SENT_H
#define TRANSPORT_SENT_H

#include "base/try.h"
#include "base/units.h"
#include "transport/record.h"
#include "velocity/env.h"
#include "velocity/err.h"

/*
 * The packets of one packet number space that were sent and are not settled yet (neither
 * acknowledged nor lost), with their records.
 *
 * Packets live in a ring indexed by packet number, records in a second ring in the same order.
 * Both grow by doubling and give their memory back as soon as they are empty and were not just
 * used (vel_sent_trim), so an idle connection holds nothing here. A number that is skipped on
 * purpose (RFC 9000 21.4) keeps an empty slot: an acknowledgement of it convicts the peer.
 *
 * Writing a packet is: begin, add its records, then commit or abandon. One packet at a time.
 */
enum {
    VEL_SENT_MAX_PACKETS = 1 << 17, /* slots, that is: span of numbers between oldest and newest */
    VEL_SENT_MAX_RECORDS = 1 << 18,
};

enum vel_sent_state {
    VEL_SENT_SKIPPED,     /* the number was never sent */
    VEL_SENT_OUTSTANDING, /* sent, no news */
    VEL_SENT_ACKED,
    VEL_SENT_LOST /* or given up */
};

struct vel_sent_packet {
    vel_time time; /* when it was sent */
    union {
        uint64_t first_record;
        uint64_t next_unsettled; /* once passed: all before that number is settled */
    };
    uint16_t records;
    uint16_t size; /* bytes of the packet */
    uint8_t state; /* enum vel_sent_state */
    uint8_t ecn;   /* enum vel_ecn: how it was marked */
    uint32_t path; /* which of the paths that recovery counts from 1; 0: beside them all */
    bool ack_eliciting;
    bool in_flight; /* counts in bytes in flight: ack-eliciting or padded */
    bool handed_on; /* its records were given out for a probe: whoever resent them is in charge */
    bool passed;    /* acknowledged or lost, and its records were told */
};

struct vel_sent {
    const struct vel_env *env;
    struct vel_sent_packet *packets;
    struct vel_record *records;
    uint32_t packet_slots; /* powers of two, or 0 */
    uint32_t record_slots;
    uint64_t base;    /* oldest number with a slot */
    uint64_t next;    /* the next number to be sent */
    uint64_t skipped; /* the last number left out, kept for ever; UINT64_MAX: none */
    uint64_t record_base, record_next;
    uint32_t open_records; /* of the packet between begin and commit */
};

/* The rings' slots: of a number in [base, next], of a record that is kept or about to be. */
static inline struct vel_sent_packet *vel_sent_packet_at(const struct vel_sent *sent,
                                                         uint64_t number)
{
    return &sent->packets[number & (sent->packet_slots - 1)];
}
static inline struct vel_record *vel_sent_record_at(const struct vel_sent *sent, uint64_t index)
{
    return &sent->records[index & (sent->record_slots - 1)];
}

/* Twice as many slots as there are. VEL_ERR_LIMIT, VEL_ERR_NOMEM */
vel_result vel_sent_grow_packets(struct vel_sent *sent);
vel_result vel_sent_grow_records(struct vel_sent *sent);

void vel_sent_init(struct vel_sent *sent, const struct vel_env *env);
/* Forget everything and release the memory; the numbers go on. */
void vel_sent_clear(struct vel_sent *sent);

/* Make room for packet number sent->next.
 * VEL_ERR_LIMIT  too many unsettled packets: wait for acknowledgements
 * VEL_ERR_NOMEM  allocation failed */
static inline vel_result vel_sent_begin(struct vel_sent *sent)
{
    VEL_ASSERT(sent->open_records == 0);
    return sent->next - sent->base == sent->packet_slots ? vel_sent_grow_packets(sent) : VEL_OK;
}

/* Add a record to the packet begun. VEL_ERR_LIMIT, VEL_ERR_NOMEM: not added, so its frame must not
 * be written. */
static inline vel_result vel_sent_add(struct vel_sent *sent, struct vel_record record)
{
    uint64_t index = sent->record_next + sent->open_records;
    REQUIRE(sent->open_records < UINT16_MAX, VEL_ERR_LIMIT);
    if (index - sent->record_base == sent->record_slots)
        TRY(vel_sent_grow_records(sent));
    *vel_sent_record_at(sent, index) = record;
    sent->open_records++;
    return VEL_OK;
}

/* The packet leaves: takes number sent->next and the records added; `packet` gives time, size, ecn
 * and flags. */
static inline void vel_sent_commit(struct vel_sent *sent, struct vel_sent_packet packet)
{
    packet.state = VEL_SENT_OUTSTANDING;
    packet.first_record = sent->record_next;
    packet.records = (uint16_t)sent->open_records;
    *vel_sent_packet_at(sent, sent->next) = packet;
    sent->record_next += sent->open_records;
    sent->open_records = 0;
    sent->next++;
}

/* The packet does not leave; its number will be used by the next one. */
static inline void vel_sent_abandon(struct vel_sent *sent)
{
    sent->open_records = 0;
}

/* Leave out the number sent->next for ever. Errors as vel_sent_begin. */
vel_result vel_sent_skip(struct vel_sent *sent);

/* The slot of a number; NULL when it is not kept (settled long ago, or not sent yet). */
static inline struct vel_sent_packet *vel_sent_find(const struct vel_sent *sent, uint64_t number)
{
    return number >= sent->base && number < sent->next ? vel_sent_packet_at(sent, number) : NULL;
}

/* The nth record of a packet, n < packet->records. Valid until the next add or settle. */
static inline const struct vel_record *vel_sent_record(const struct vel_sent *sent,
                                                       const struct vel_sent_packet *packet,
                                                       unsigned n)
{
    return vel_sent_record_at(sent, packet->first_record + n);
}

/* The nth record of the packet begun, n < sent->open_records; valid likewise. */
const struct vel_record *vel_sent_open_record(const struct vel_sent *sent, unsigned n);

/* A packet is acknowledged or lost, and its records are not asked for any more. */
static inline void vel_sent_pass(struct vel_sent *sent, uint64_t number)
{
    struct vel_sent_packet *packet = vel_sent_packet_at(sent, number);
    packet->passed = true;
    packet->next_unsettled = number + 1;
}

/* The slow part of the next one: `from` was passed. */
uint64_t vel_sent_jump(struct vel_sent *sent, uint64_t from);

/* The first number at or after `from` that is not settled: outstanding, or left out; sent->next when
 * there is none. What was passed is jumped over, so that an ACK takes time for what is new in it. */
static inline uint64_t vel_sent_unsettled(struct vel_sent *sent, uint64_t from)
{
    uint64_t n = VEL_MAX(from, sent->base);
    return n < sent->next && vel_sent_packet_at(sent, n)->passed ? vel_sent_jump(sent, n) : n;
}

/* Drop packets that are acknowledged or lost, and skipped numbers, from the old end. */
void vel_sent_settle(struct vel_sent *sent);

/* Release the memory if nothing is unsettled: call when the connection has gone quiet. */
void vel_sent_trim(struct vel_sent *sent);

static inline bool vel_sent_is_empty(const struct vel_sent *sent)
{
    return sent->base == sent->next;
}

#endif
