/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_VERSION_QUERY_H
#define CLIENT_VERSION_QUERY_H

#include "velocity/addr.h"
#include "velocity/loop.h"
#include "velocity/slice.h"

/*
 * Asks a server for its QUIC versions: a datagram of 1,200 bytes with a reserved version (RFC 9000
 * 15) that nobody speaks, which the server answers with Version Negotiation. The answer is not
 * authentic; it is for people to look at and decides nothing.
 *
 * The question is repeated, over the addresses in turn, until the answer comes or the query is
 * freed. When nobody listens on any of them, there is no more asking.
 */
struct vel_version_query;

enum {
    VEL_QUERY_SIZE = 1200,
    VEL_QUERY_CID = 8,       /* bytes of each of our connection ids */
    VEL_QUERY_VERSIONS = 16, /* as many are kept */
    VEL_QUERY_ADDRS = 16
};

struct vel_version_query_setup {
    const struct vel_env *env;
    struct vel_loop *loop;
    struct vel_addr addrs[VEL_QUERY_ADDRS];
    size_t addr_count; /* at least 1 */
    /* Once, from the loop: the answer came (vel_version_query_get), or none can come. */
    void (*done)(void *self, vel_time now);
    void *self;
};

/* VEL_ERR_NOMEM, VEL_ERR_IO, VEL_ERR_ARGUMENT (no address) */
vel_result vel_version_query_new(const struct vel_version_query_setup *setup, vel_time now,
                                 struct vel_version_query **query);
void vel_version_query_free(struct vel_version_query *query); /* NULL is allowed */

/* The versions that were listed, reserved ones too, `count` of them; 0: no answer. */
const uint32_t *vel_version_query_get(const struct vel_version_query *query, size_t *count);

/* ---- without a socket ---- */

struct vel_query_ids {
    uint8_t dcid[VEL_QUERY_CID], scid[VEL_QUERY_CID];
};

/* The question, of VEL_QUERY_SIZE bytes. */
void vel_version_query_write(const struct vel_query_ids *ids, uint32_t random,
                             uint8_t bytes[VEL_QUERY_SIZE]);

/* VEL_ERR_MALFORMED: no Version Negotiation, or not for this question; nothing is changed. */
vel_result vel_version_query_read(const struct vel_query_ids *ids, struct vel_slice datagram,
                                  uint32_t versions[VEL_QUERY_VERSIONS], size_t *count);

#endif
