/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/units.h"
#include "transport/conn_internal.h"

/*
 * A client moves by its own choice: to another address of its own, or to the one its server prefers
 * (RFC 9000 9.2, 9.6). It tests the new path first and goes on over the old one meanwhile, if that
 * still works; then its next packet that is more than a probe shows the server.
 */

static bool at_handshake_address(const struct vel_conn *conn)
{
    return !conn->at_preferred;
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
    TRY(aim_at(track, local, &active->remote));
    vel_conn_wake(conn);
    return VEL_OK;
}

/* ---- preferred_address, VEL-TR-18 ---- */

/* Of the family that we reach the server by already. */
static const struct vel_addr *choose(const struct vel_preferred_address *preferred, uint8_t family)
{
    const struct vel_addr *addr = family == VEL_ADDR_IP6 ? &preferred->ip6 : &preferred->ip4;
    return addr->family == family && addr->port != 0 ? addr : NULL;
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
    const struct vel_preferred_address *preferred = &conn->opening->preferred;
    const struct vel_addr *addr = choose(preferred, active->remote.family);
    bool wanted = conn->is_client && preferred->present && !conn->config->keep_server_address;
    if (!wanted || addr == NULL || vel_addr_equal(addr, &active->remote))
        return;
    /* Without an id, which it has, it stays where it is. */
    (void)(aim_at(track, &active->local, addr) == VEL_OK);
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
