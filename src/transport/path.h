/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_PATH_H
#define TRANSPORT_PATH_H

#include <stdbool.h>

#include "transport/cid.h"
#include "transport/pmtud.h"
#include "transport/validation.h"
#include "velocity/addr.h"
#include "velocity/env.h"

/*
 * A path: a pair of addresses with what is known of it: whether the peer's address is proved
 * (RFC 9000 8), how much may be sent before that, the connection ids in use on it, the size of
 * datagrams it carries, its own PATH_CHALLENGEs and those that wait for their answer. Which paths a
 * connection has, and which one it uses, is in transport/paths.h.
 */
enum {
    VEL_PATH_CREDIT_FACTOR = 3, /* RFC 9000 8.1 */
    VEL_PATH_RESPONSES_MAX = 4, /* challenges that wait for their answer; more are dropped */
    VEL_PATH_RESPONSES_PTO = 8, /* challenges answered within a probe time-out, likewise */
    VEL_PATH_BLACK_HOLE = 3     /* probe time-outs in a row that put a proven size in doubt */
};

struct vel_path {
    uint32_t id; /* from 1, given once in a connection; 0: not a path */
    struct vel_addr local;
    struct vel_addr remote;
    uint64_t peer_cid;         /* sequence number of the id that packets on it carry */
    struct vel_cid arrived_on; /* ours that the peer's last packet on it carried */
    struct vel_validation validation;
    vel_time drop_at;  /* nothing is expected from it after that; VEL_NEVER: it stays */
    bool validated;    /* the address is the peer's: no limit on what is sent there */
    bool proved;       /* and full datagrams fit: a place to return to */
    uint64_t received; /* UDP payload bytes, while not validated */
    uint64_t sent;
    struct vel_pmtud pmtud; /* pmtud.mtu: UDP payload bytes we send at most */
    uint8_t responses[VEL_PATH_RESPONSES_MAX][VEL_CHALLENGE_SIZE];
    uint8_t response_count;
    uint8_t answered;        /* challenges taken since `answered_since` */
    vel_time answered_since; /* a probe time-out begins */
};

/* `ceiling`: the largest UDP payload to look for once the handshake is confirmed. */
void vel_path_init(struct vel_path *path, const struct vel_addr *local,
                   const struct vel_addr *remote, bool validated, uint64_t ceiling);

/* VEL-TR-03: bytes that may still be sent to an address that is not validated; SIZE_MAX after. */
size_t vel_path_credit(const struct vel_path *path);

static inline void vel_path_on_received(struct vel_path *path, size_t size)
{
    path->received += size;
}
void vel_path_on_sent(struct vel_path *path, size_t size);
/* The address is the peer's; and full datagrams reach it and come from it. */
void vel_path_validate(struct vel_path *path);
void vel_path_prove(struct vel_path *path);

/* Where the peer can be reached has not changed, only by which port (RFC 9000 9.4). */
bool vel_path_is_same_host(const struct vel_path *a, const struct vel_path *b);

/* VEL-TR-13: remember a PATH_CHALLENGE to be answered; dropped when too many wait or came within
 * `pto`. */
void vel_path_challenged(struct vel_path *path, const uint8_t data[VEL_CHALLENGE_SIZE],
                         vel_time pto, vel_time now);

/* Take the oldest one; false when none waits. */
bool vel_path_take_response(struct vel_path *path, uint8_t data[VEL_CHALLENGE_SIZE]);

#endif
