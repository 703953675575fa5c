/* SPDX-License-Identifier: MIT */
#include "transport/sent.h"

#include <string.h>

#include "base/try.h"
#include "base/units.h"

enum { FIRST_PACKET_SLOTS = 16, FIRST_RECORD_SLOTS = 32 };

void vel_sent_init(struct vel_sent *sent, const struct vel_env *env)
{
    *sent = (struct vel_sent){.env = env, .skipped = UINT64_MAX};
}

static void release(struct vel_sent *sent)
{
    if (sent->env == NULL)
        return;
    vel_release(sent->env, sent->packets, sent->packet_slots * sizeof *sent->packets);
    vel_release(sent->env, sent->records, sent->record_slots * sizeof *sent->records);
    sent->packets = NULL;
    sent->records = NULL;
    sent->packet_slots = sent->record_slots = 0;
}

void vel_sent_clear(struct vel_sent *sent)
{
    release(sent);
    sent->base = sent->next;
    sent->record_base = sent->record_next;
    sent->open_records = 0;
}

vel_result vel_sent_grow_packets(struct vel_sent *sent)
{
    uint32_t slots = sent->packet_slots == 0 ? FIRST_PACKET_SLOTS : 2 * sent->packet_slots;
    REQUIRE(slots <= VEL_SENT_MAX_PACKETS, VEL_ERR_LIMIT);
    struct vel_sent_packet *packets = vel_alloc(sent->env, slots * sizeof *packets);
    REQUIRE(packets != NULL, VEL_ERR_NOMEM);

    for (uint64_t n = sent->base; n != sent->next; n++)
        packets[n & (slots - 1)] = *vel_sent_packet_at(sent, n);
    vel_release(sent->env, sent->packets, sent->packet_slots * sizeof *packets);
    sent->packets = packets;
    sent->packet_slots = slots;
    return VEL_OK;
}

vel_result vel_sent_grow_records(struct vel_sent *sent)
{
    uint32_t slots = sent->record_slots == 0 ? FIRST_RECORD_SLOTS : 2 * sent->record_slots;
    REQUIRE(slots <= VEL_SENT_MAX_RECORDS, VEL_ERR_LIMIT);
    struct vel_record *records = vel_alloc(sent->env, slots * sizeof *records);
    REQUIRE(records != NULL, VEL_ERR_NOMEM);

    uint64_t end = sent->record_next + sent->open_records;
    for (uint64_t i = sent->record_base; i != end; i++)
        records[i & (slots - 1)] = *vel_sent_record_at(sent, i);
    vel_release(sent->env, sent->records, sent->record_slots * sizeof *records);
    sent->records = records;
    sent->record_slots = slots;
    return VEL_OK;
}

const struct vel_record *vel_sent_open_record(const struct vel_sent *sent, unsigned n)
{
    return vel_sent_record_at(sent, sent->record_next + n);
}

vel_result vel_sent_skip(struct vel_sent *sent)
{
    TRY(vel_sent_begin(sent));
    *vel_sent_packet_at(sent, sent->next) =
        (struct vel_sent_packet){.state = VEL_SENT_SKIPPED, .first_record = sent->record_next};
    sent->skipped = sent->next++;
    return VEL_OK;
}

/* Each step shortens the way for the next time, as in a union-find. */
uint64_t vel_sent_jump(struct vel_sent *sent, uint64_t from)
{
    uint64_t n = from;
    while (n < sent->next && vel_sent_packet_at(sent, n)->passed) {
        struct vel_sent_packet *packet = vel_sent_packet_at(sent, n);
        uint64_t to = packet->next_unsettled;
        if (to < sent->next && vel_sent_packet_at(sent, to)->passed)
            packet->next_unsettled = vel_sent_packet_at(sent, to)->next_unsettled;
        n = packet->next_unsettled;
    }
    return n;
}

void vel_sent_settle(struct vel_sent *sent)
{
    while (sent->base != sent->next &&
           vel_sent_packet_at(sent, sent->base)->state != VEL_SENT_OUTSTANDING) {
        sent->record_base += vel_sent_packet_at(sent, sent->base)->records;
        sent->base++;
    }
}

void vel_sent_trim(struct vel_sent *sent)
{
    if (vel_sent_is_empty(sent) && sent->open_records == 0)
        release(sent);
}
