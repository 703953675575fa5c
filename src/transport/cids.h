/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_CIDS_H
#define TRANSPORT_CIDS_H

#include "transport/cid.h"
#include "velocity/env.h"
#include "velocity/err.h"

/*
 * The connection ids of one connection, RFC 9000 5.1: those we gave the peer to reach us by, and
 * those it gave us. Both are small fixed tables (VEL-TR-19), so a flood of NEW_CONNECTION_ID frames costs
 * nothing but its own bytes.
 */
enum {
    VEL_CIDS_LOCAL = 4,   /* ids of ours that are alive at a time, whatever the peer allows */
    VEL_CIDS_REMOTE = 4,  /* active_connection_id_limit that we announce */
    VEL_CIDS_RETIRING = 8 /* RETIRE_CONNECTION_ID frames that wait to be sent or acknowledged */
};

struct vel_local_cid {
    struct vel_cid cid;
    uint64_t sequence;
    uint8_t reset_token[VEL_RESET_TOKEN];
    bool in_use;
    bool due; /* a NEW_CONNECTION_ID frame waits to be sent */
};

struct vel_remote_cid {
    struct vel_cid cid;
    uint64_t sequence;
    uint8_t reset_token[VEL_RESET_TOKEN];
    bool in_use;
    bool has_token;
    bool taken; /* packets carry it, on some path */
};

struct vel_retiring_cid {
    uint64_t sequence;
    bool in_use;
    bool due;
};

struct vel_cids {
    struct vel_local_cid local[VEL_CIDS_LOCAL];
    struct vel_remote_cid remote[VEL_CIDS_REMOTE];
    struct vel_retiring_cid retiring[VEL_CIDS_RETIRING];
    uint64_t local_next;   /* sequence number of the next id of ours */
    uint64_t retire_prior; /* the highest Retire Prior To of the peer */
    uint64_t newest;       /* the highest sequence number that the peer gave us, */
    uint64_t seen;         /* and which of the 64 up to it: bit n stands for newest - n */
};

/* First ids: ours is sequence 0; the peer's too, once known. */
void vel_cids_init(struct vel_cids *cids, const struct vel_cid *ours, const struct vel_cid *peer);

/* None yet, of another path identifier than 0: both ends give each other ids before it is used, the
 * first with sequence number 0. */
void vel_cids_init_empty(struct vel_cids *cids);

/* The peer's id with this sequence number; NULL: retired. */
const struct vel_cid *vel_cids_peer(const struct vel_cids *cids, uint64_t sequence);

/* An id of the peer that no path uses yet, the oldest; it counts as used from now on. A peer with an
 * empty id has that one for all paths. VEL_ERR_AGAIN: none is left; the peer may give more. */
vel_result vel_cids_take(struct vel_cids *cids, uint64_t *sequence);

/* No path uses it any more: retire it, RFC 9000 9.5. VEL_ERR_LIMIT: the peer leaves too many
 * retirements unacknowledged: CONNECTION_ID_LIMIT_ERROR */
vel_result vel_cids_give_up(struct vel_cids *cids, uint64_t sequence);

/* Handshake: the peer chose its id (first packet from the server, or a Retry). */
void vel_cids_set_peer(struct vel_cids *cids, const struct vel_cid *peer);
void vel_cids_set_peer_token(struct vel_cids *cids, const uint8_t token[VEL_RESET_TOKEN]);

/* Whether an id of ours is wanted: there is room in our table and under the peer's limit. */
bool vel_cids_want_local(const struct vel_cids *cids, uint64_t peer_limit);

/* Whether an id of ours is this one. */
bool vel_cids_is_local(const struct vel_cids *cids, struct vel_slice id);

/* Add one that the endpoint made; it will be announced. */
void vel_cids_add_local(struct vel_cids *cids, const struct vel_cid *cid,
                        const uint8_t reset_token[VEL_RESET_TOKEN]);

/*
 * RETIRE_CONNECTION_ID arrived in a packet that was addressed to `arrived_on`.
 * retired  the id that is gone now; `len` 0 when it was gone before
 * VEL_ERR_UNEXPECTED  never issued, or the id the packet itself was sent to: PROTOCOL_VIOLATION
 */
vel_result vel_cids_on_retire(struct vel_cids *cids, uint64_t sequence,
                              const struct vel_cid *arrived_on, struct vel_cid *retired);

/*
 * NEW_CONNECTION_ID arrived. Ids that paths use may be gone afterwards.
 * VEL_ERR_UNEXPECTED  same sequence with another id or token: PROTOCOL_VIOLATION
 * VEL_ERR_LIMIT       more ids than we allowed: CONNECTION_ID_LIMIT_ERROR
 */
vel_result vel_cids_on_new(struct vel_cids *cids, uint64_t sequence, uint64_t retire_prior,
                           const struct vel_cid *cid, const uint8_t token[VEL_RESET_TOKEN]);

/* The next frame to send; NULL when none waits. Clear `due` when it was written. */
struct vel_local_cid *vel_cids_next_new(struct vel_cids *cids);
struct vel_retiring_cid *vel_cids_next_retire(struct vel_cids *cids);

/* Loss and acknowledgement of those frames, by sequence number. */
void vel_cids_new_lost(struct vel_cids *cids, uint64_t sequence);
void vel_cids_retire_lost(struct vel_cids *cids, uint64_t sequence);
void vel_cids_retire_acked(struct vel_cids *cids, uint64_t sequence);

/* `token` is one the peer gave us with an id that packets carry (compared in constant time): those of
 * ids that were never used, or are retired, mean nothing (RFC 9000 10.3.1). */
bool vel_cids_is_reset_token(const struct vel_cids *cids, const uint8_t token[VEL_RESET_TOKEN]);

#endif
