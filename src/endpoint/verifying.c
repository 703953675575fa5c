/* SPDX-License-Identifier: MIT */
#include "endpoint/verifying.h"

#include "endpoint/endpoint_internal.h"

void vel_verifying_note(struct vel_peer *peer)
{
    if (!peer->connected && vel_conn_wants_work(peer->conn))
        vel_list_enqueue(&peer->endpoint->verifying, &peer->verifying);
}

void vel_verifying_turn(struct vel_endpoint *endpoint, vel_time now)
{
    if (vel_list_is_empty(&endpoint->verifying))
        return;
    struct vel_peer *peer = VEL_LIST_OWNER(endpoint->verifying.next, struct vel_peer, verifying);
    vel_list_remove(&peer->verifying);
    vel_conn_work(peer->conn, now);
    vel_peer_wake(peer);
    vel_peer_refresh(peer);
}
