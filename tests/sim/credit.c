/* SPDX-License-Identifier: MIT */
#include "sim/credit.h"

#include "sim/scenario.h"
#include "transport/packet.h"

enum { CREDIT_FACTOR = 3 };

static bool shows_an_answer_was_read(struct credit *credit, const struct vel_packet_header *header)
{
    if (header->type != VEL_PACKET_INITIAL)
        return header->type == VEL_PACKET_HANDSHAKE || header->type == VEL_PACKET_ONE_RTT;
    if (!credit->met) {
        credit->met = true;
        credit->first_dcid = vel_cid(header->dcid);
    }
    return header->token.len > 0 ||
           !vel_slice_equal(header->dcid, vel_cid_slice(&credit->first_dcid));
}

void credit_received(struct credit *credit, const struct sim_datagram *datagram)
{
    credit->received += datagram->size;
    struct vel_slice left = vel_slice(datagram->bytes, datagram->size);
    struct vel_packet_header header;
    if (datagram->damaged || credit->validated)
        return;
    while (left.len > 0 && vel_packet_parse(left, &header) == VEL_OK) {
        credit->validated |= shows_an_answer_was_read(credit, &header);
        left = vel_slice(left.ptr + header.size, left.len - header.size);
    }
}

void credit_sent(struct credit *credit, size_t size)
{
    credit->sent += size;
    if (!credit->validated)
        EXPECT_NUMBER(credit->sent, <=, CREDIT_FACTOR * credit->received);
}
