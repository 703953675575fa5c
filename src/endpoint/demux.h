/* SPDX-License-Identifier: MIT */
#ifndef ENDPOINT_DEMUX_H
#define ENDPOINT_DEMUX_H

#include "endpoint/keyed_hash.h"
#include "endpoint/table.h"
#include "transport/cid.h"
#include "velocity/addr.h"

/*
 * From a datagram to its connection. A route is a number that stands for what a packet is addressed
 * to: one of our connection ids, from anywhere; or, before the client knows one, the id that the
 * client made up, together with its address; or a stateless reset token, for datagrams whose id says
 * nothing. Looking one up takes no other time for a token that is nearly right.
 */
struct vel_peer;

struct vel_demux {
    struct vel_table table;
    struct vel_hash_key key;
};

void vel_demux_init(struct vel_demux *demux, const struct vel_env *env);
void vel_demux_clear(struct vel_demux *demux);

uint64_t vel_route_own(const struct vel_demux *demux, struct vel_slice cid);
/* A stateless reset token that the peer may use. */
uint64_t vel_route_reset(const struct vel_demux *demux, const uint8_t token[VEL_RESET_TOKEN]);
uint64_t vel_route_first(const struct vel_demux *demux, struct vel_slice dcid,
                         const struct vel_addr *remote);

/* NULL: leads nowhere. */
struct vel_peer *vel_demux_find(const struct vel_demux *demux, uint64_t route);

/* The route must be new. VEL_ERR_NOMEM: nothing changed. */
vel_result vel_demux_add(struct vel_demux *demux, uint64_t route, struct vel_peer *peer);
void vel_demux_remove(struct vel_demux *demux, uint64_t route);

#endif
