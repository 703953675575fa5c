/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_ATTEMPT_INTERNAL_H
#define CLIENT_ATTEMPT_INTERNAL_H

#include "client/attempt.h"

/*
 * attempt.c races the addresses of a server; a lane is the way to one of them, from the socket to
 * the HTTP session: lane_udp.c over QUIC, lane_tcp.c over TCP. Every kind embeds struct vel_lane as
 * its first member.
 */
struct vel_lane;

struct vel_lane_ops {
    void (*free)(struct vel_lane *lane);
    void (*wake)(struct vel_lane *lane);
    void (*close)(struct vel_lane *lane, vel_time now);
    /* Fill in what is known; `facts` comes with rung, remote and connected. */
    void (*facts)(const struct vel_lane *lane, struct vel_attempt_facts *facts);
    vel_result (*export)(struct vel_lane *lane, const char *label, struct vel_slice context,
                         uint8_t *out, size_t size);
};

struct vel_lane {
    const struct vel_lane_ops *ops;
    struct vel_attempt *attempt;
    struct vel_addr remote;
    struct vel_client *client;
    struct vel_conn *conn; /* QUIC: until it is over */
    bool connected;
    bool ended;
    struct vel_rung_failure failure; /* when it ended without being connected */
};

/* What every lane of an attempt is made with. */
struct vel_lane_setup {
    const struct vel_env *env;
    struct vel_loop *loop;
    /* ALPN and versions are those of the rung. keep_server_address is set: sockets are connected. */
    const struct vel_config *config;
    bool follow; /* QUIC: go on where the server prefers, all the same */
    bool plain;
    vel_time migrate_after;
    const struct vel_addr *locals; /* QUIC */
    size_t local_count;
};

/* Begin; what the network says comes later, or at once as an error:
 * VEL_ERR_NOT_FOUND, VEL_ERR_UNSUPPORTED, VEL_ERR_IO  no way to this address
 * VEL_ERR_NOMEM, VEL_ERR_ARGUMENT, VEL_ERR_CRYPTO     no address would do better */
typedef enum vel_err (*vel_lane_open_fn)(const struct vel_lane_setup *setup,
                                         struct vel_attempt *attempt, const struct vel_addr *remote,
                                         vel_time now, struct vel_lane **lane);
enum vel_err vel_lane_open_udp(const struct vel_lane_setup *setup, struct vel_attempt *attempt,
                               const struct vel_addr *remote, vel_time now, struct vel_lane **lane);
enum vel_err vel_lane_open_tcp(const struct vel_lane_setup *setup, struct vel_attempt *attempt,
                               const struct vel_addr *remote, vel_time now, struct vel_lane **lane);

/* As vel_attempt_new, with lanes of another kind, for tests. */
vel_result vel_attempt_new_with(const struct vel_attempt_setup *setup, vel_lane_open_fn open,
                                vel_time now, struct vel_attempt **attempt);

/* What a lane tells, from the loop. */
void vel_lane_answered(struct vel_lane *lane, vel_time now);
void vel_lane_connected(struct vel_lane *lane, vel_time now);
void vel_lane_turned(struct vel_lane *lane, vel_time now);
/* The last one; lane->failure is set when it was never connected. */
void vel_lane_ended(struct vel_lane *lane, vel_time now);

#endif
