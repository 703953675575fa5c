/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SIM_CREDIT_H
#define TESTS_SIM_CREDIT_H

#include "sim/sim.h"
#include "transport/cid.h"

/*
 * A watchman beside the server: until the client's address is validated no more than three times
 * what came from it may go there (RFC 9000 8.1, VEL-TR-03). He judges by the bytes alone: a
 * Handshake or 1-RTT packet, a token, or an Initial to another connection id than the first one
 * show that the client has read an answer.
 */
struct credit {
    uint64_t received, sent;
    bool validated;
    bool met; /* first_dcid is known */
    struct vel_cid first_dcid;
};

void credit_received(struct credit *credit, const struct sim_datagram *datagram);
/* Fails the scenario when the limit is passed. */
void credit_sent(struct credit *credit, size_t size);

#endif
