/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/units.h"
#include "transport/conn_internal.h"
#include "transport/reach.h"

/*
 * A client moves by its own choice: to another address of its own, or to the one its server prefers
 * (RFC 9000 9.2, 9.6). It tests the new path first and goes on over the old one meanwhile, if that
 * still works; then its next packet that is more than a probe shows the server.
 */

static bool at_handshake_address(const struct vel_conn *conn)
{
    return !conn->at_preferred;
}

/* On its way to the address that the server prefers. */
static bool is_leaving(const struct vel_track *track)
{
    const struct vel_path *target = track->paths.target;
    return target != NULL && !vel_addr_equal(&target->remote, &track->paths.active->remote);
}

/* Begin to test a path, in place of one that is being tested. The time for it begins with the first
 * challenge that leaves: applications have no clock. */
static vel_result aim_at(struct vel_track *track, const struct vel_addr *local,
                         const struct vel_addr *remote)
{
    /* We may have been there a moment ago. */
    struct vel_path *path = vel_paths_find_exactly(&track->paths, local, remote);
    uint64_t peer_cid;
    if (path == NULL) {
        TRY(vel_cids_take(&track->cids, &peer_cid));
        path = vel_conn_add_path(track, local, remote, peer_cid);
    }
    if (track->paths.target != NULL)
        track->paths.target->drop_at = track->conn->now;
    path->drop_at = VEL_NEVER;
    vel_validation_start(&path->validation, vel_recovery_pto(&track->recovery), VEL_NEVER);
    track->paths.target = path;
    return VEL_OK;
}

vel_result vel_conn_migrate(struct vel_conn *conn, const struct vel_addr *local)
{
    struct vel_track *track = vel_conn_track(conn);
    const struct vel_path *active = track->paths.active;
    REQUIRE(conn->is_client, VEL_ERR_UNSUPPORTED);
    REQUIRE(conn->life.state == VEL_LIFE_OPEN && track->recovery.handshake_confirmed,
            VEL_ERR_UNEXPECTED);
    REQUIRE(!(conn->peer_stays && at_handshake_address(conn)), VEL_ERR_UNSUPPORTED);
    REQUIRE(vel_cids_peer(&track->cids, active->peer_cid)->len > 0, VEL_ERR_UNSUPPORTED);
    REQUIRE(!vel_addr_equal(local, &active->local), VEL_ERR_EXISTS);
    REQUIRE(!is_leaving(track), VEL_ERR_AGAIN);
    TRY(aim_at(track, local, &active->remote));
    vel_conn_wake(conn);
    return VEL_OK;
}

/* ---- preferred_address, VEL-TR-18 ---- */

/* Of the family that we reach the server by already, and not nearer to us than it is. */
static bool is_acceptable(const struct vel_addr *addr, const struct vel_addr *now)
{
    return addr->family == now->family && addr->port != 0 && vel_reach_may_send(now, addr) &&
           !vel_addr_equal(addr, now);
}

vel_result vel_conn_note_preferred(struct vel_conn *conn,
                                   const struct vel_preferred_address *preferred)
{
    if (!preferred->present)
        return VEL_OK;
    TRY(vel_cids_on_new(&conn->first.cids, 1, 0, &preferred->cid, preferred->reset_token));
    conn->opening->preferred = *preferred;
    return VEL_OK;
}

void vel_conn_try_preferred(struct vel_conn *conn)
{
    struct vel_track *track = vel_conn_track(conn);
    const struct vel_path *active = track->paths.active;
    const struct vel_preferred_address *offer = &conn->opening->preferred;
    const struct vel_addr *addr = active->remote.family == VEL_ADDR_IP6 ? &offer->ip6 : &offer->ip4;
    if (!conn->is_client || !offer->present || !is_acceptable(addr, &active->remote))
        return;
    conn->preferred = *addr;
    if (conn->config->keep_server_address)
        return;
    /* Without an id, which it has, it stays where it is. */
    (void)(aim_at(track, &active->local, addr) == VEL_OK);
}

bool vel_conn_preferred(const struct vel_conn *conn, struct vel_addr *remote)
{
    if (conn->preferred.family == VEL_ADDR_NONE)
        return false;
    *remote = conn->preferred;
    return true;
}

/* It cannot answer on a new path before it has ids of ours to spare. */
static bool is_equipped(struct vel_track *track)
{
    return !vel_conn_wants_cids(track) && vel_cids_next_new(&track->cids) == NULL;
}

vel_result vel_conn_follow_preferred(struct vel_conn *conn, const struct vel_addr *local)
{
    struct vel_track *track = vel_conn_track(conn);
    REQUIRE(conn->life.state == VEL_LIFE_OPEN, VEL_ERR_UNEXPECTED);
    REQUIRE(conn->preferred.family != VEL_ADDR_NONE, VEL_ERR_NOT_FOUND);
    REQUIRE(!conn->at_preferred, VEL_ERR_EXISTS);
    REQUIRE(is_equipped(track), VEL_ERR_AGAIN);
    TRY(aim_at(track, local, &conn->preferred));
    vel_conn_wake(conn);
    return VEL_OK;
}

vel_result vel_conn_offer_preferred(struct vel_conn *conn)
{
    const struct vel_config *config = conn->config;
    struct vel_preferred_address *preferred = &conn->opening->preferred;
    if (config->preferred_ip4.family == VEL_ADDR_NONE &&
        config->preferred_ip6.family == VEL_ADDR_NONE)
        return VEL_OK;
    TRY(conn->hooks.issue_cid(conn->hooks.self, conn, &preferred->cid, preferred->reset_token));
    preferred->present = true;
    preferred->ip4 = config->preferred_ip4;
    preferred->ip6 = config->preferred_ip6;
    vel_cids_add_local(&conn->first.cids, &preferred->cid, preferred->reset_token);
    vel_cids_next_new(&conn->first.cids)->due = false; /* the transport parameter tells it */
    return VEL_OK;
}
