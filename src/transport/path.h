/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_PATH_H
#define TRANSPORT_PATH_H

#include <stdbool.h>

#include "velocity/addr.h"
#include "velocity/env.h"

/*
 * A path: a pair of addresses with what is known of it: whether the peer's address is proved
 * (RFC 9000 8), how much may be sent before that, the size of datagrams it carries, and the
 * PATH_CHALLENGEs that wait for their answer.
 */
enum {
    VEL_PATH_BASE_MTU = 1200,   /* UDP payload every path carries, RFC 9000 14 */
    VEL_PATH_CREDIT_FACTOR = 3, /* RFC 9000 8.1 */
    VEL_PATH_RESPONSES_MAX = 4, /* challenges answered at a time; more are dropped */
    VEL_PATH_PROBES_MAX = 3,    /* losses of an MTU probe before a size is given up */
    VEL_PATH_BLACK_HOLE = 3,    /* probe time-outs in a row that put a proven size in doubt */
    VEL_PATH_CHALLENGE_SIZE = 8
};

struct vel_path {
    struct vel_addr local;
    struct vel_addr remote;
    bool validated;
    uint64_t received; /* UDP payload bytes, while not validated */
    uint64_t sent;
    uint16_t mtu;       /* UDP payload bytes we send at most */
    uint16_t probe_mtu; /* size that is being tried; 0: no more to try */
    uint8_t probe_losses;
    bool probe_in_flight;
    uint8_t responses[VEL_PATH_RESPONSES_MAX][VEL_PATH_CHALLENGE_SIZE];
    uint8_t response_count;
};

/* `probe_mtu`: UDP payload to try for once the handshake is confirmed. */
void vel_path_init(struct vel_path *path, const struct vel_addr *local,
                   const struct vel_addr *remote, bool validated, uint64_t probe_mtu);

/* VEL-TR-03: bytes that may still be sent to an address that is not validated; SIZE_MAX after. */
size_t vel_path_credit(const struct vel_path *path);

void vel_path_on_received(struct vel_path *path, size_t size);
void vel_path_on_sent(struct vel_path *path, size_t size);
void vel_path_validate(struct vel_path *path);

/* Remember a PATH_CHALLENGE to be answered; dropped when too many wait. */
void vel_path_challenged(struct vel_path *path, const uint8_t data[VEL_PATH_CHALLENGE_SIZE]);

/* Take the oldest one; false when none waits. */
bool vel_path_take_response(struct vel_path *path, uint8_t data[VEL_PATH_CHALLENGE_SIZE]);

/* An MTU probe (RFC 8899) is due: a packet of probe_mtu bytes should be sent. */
bool vel_path_probe_due(const struct vel_path *path);
void vel_path_probe_sent(struct vel_path *path);
void vel_path_probe_acked(struct vel_path *path, uint64_t size);
void vel_path_probe_lost(struct vel_path *path);

/* Nothing gets through any more, perhaps for its size (RFC 8899 4.3): back to what every path
 * carries, from where the larger size is tried again. False: that is what was sent already. */
bool vel_path_doubt_mtu(struct vel_path *path);

#endif
