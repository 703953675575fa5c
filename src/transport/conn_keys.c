/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/units.h"
#include "transport/conn_internal.h"

/* The largest number that was received. */
static uint64_t largest_of(const struct vel_acks *acks)
{
    return acks->received.count == 0 ? VEL_NUMBER_NONE : acks->largest;
}

vel_result vel_conn_open_packet(struct vel_track *track, enum vel_space space, uint8_t *packet,
                                size_t number_offset, size_t size, struct vel_opened *opened)
{
    struct vel_conn *conn = track->conn;
    uint64_t largest = largest_of(&track->space[space].acks);
    if (space == VEL_SPACE_APP)
        return vel_key_update_open(&conn->key_update, &track->phase, track->id, largest, packet,
                                   number_offset, size, opened);
    return vel_packet_open(&conn->space[space].read, 0, largest, packet, number_offset, size,
                           opened);
}

vel_result vel_conn_open_masked(struct vel_track *track, const uint8_t *mask, uint8_t *packet,
                                size_t number_offset, size_t size, struct vel_opened *opened)
{
    uint64_t largest = largest_of(&track->space[VEL_SPACE_APP].acks);
    vel_packet_unmask(mask, largest, packet, number_offset, opened);
    return vel_key_update_decrypt(&track->conn->key_update, &track->phase, track->id, packet, size,
                                  opened);
}

/* A packet that has to be acknowledged shows them to the peer: until it was, neither side may go on
 * to the next ones. */
static void use_new_keys(struct vel_track *on, enum vel_trace_key_event why)
{
    struct vel_conn *conn = on->conn;
    VEL_TRACE(conn, VEL_TRACE_KEYS,
              .keys = {.event = why, .space = VEL_SPACE_APP, .generation = conn->key_update.count});
    struct vel_track_space *app = &on->space[VEL_SPACE_APP];
    conn->space[VEL_SPACE_APP].sealed = 0;
    if (on->state == VEL_TRACK_OPEN)
        app->probes_due = VEL_MAX(app->probes_due, 1U);
    VEL_TRACKS_EACH(track, conn)
    {
        if (track != on)
            track->phase = vel_key_phase_begin(track->recovery.space[VEL_SPACE_APP].sent.next);
    }
}

bool vel_conn_note_keys(struct vel_track *track, uint64_t number, vel_time now)
{
    struct vel_conn *conn = track->conn;
    struct vel_key_update *update = &conn->key_update;
    uint64_t before = update->count;
    enum vel_err err = vel_key_update_received(update, &track->phase, number,
                                               track->recovery.space[VEL_SPACE_APP].sent.next, now,
                                               vel_conn_pto(conn));
    if (err == VEL_ERR_UNEXPECTED)
        vel_conn_fail(conn, VEL_WIRE_KEY_UPDATE_ERROR, "a key update out of turn");
    else if (err != VEL_OK)
        vel_conn_fail(conn, VEL_WIRE_INTERNAL_ERROR, "no successor for the packet keys");
    if (update->count != before)
        use_new_keys(track, VEL_TRACE_KEYS_FOLLOWED);
    return err == VEL_OK;
}

static vel_result begin_update(struct vel_conn *conn)
{
    struct vel_track *track = vel_conn_track(conn);
    TRY(vel_key_update_begin(&conn->key_update));
    track->phase = vel_key_phase_begin(track->recovery.space[VEL_SPACE_APP].sent.next);
    use_new_keys(track, VEL_TRACE_KEYS_UPDATED);
    return VEL_OK;
}

/* RFC 9001 6.1: not before the handshake is confirmed. */
static bool may_update(const struct vel_conn *conn)
{
    return conn->first.recovery.handshake_confirmed && vel_key_update_is_allowed(&conn->key_update);
}

/* All tracks share the keys: the largest packets that any of them sends count. */
static uint64_t seal_limit(const struct vel_conn *conn)
{
    size_t largest = 0;
    VEL_TRACKS_OPEN(track, conn)
    {
        largest = VEL_MAX(largest, (size_t)track->paths.active->pmtud.mtu);
    }
    return vel_keys_seal_limit(conn->aead, largest);
}

/* VEL-TR-20: packets after which the keys are updated: half of what they may seal, so that an update that is
 * not allowed yet can wait. */
static uint64_t update_after(const struct vel_conn *conn)
{
    uint64_t half = seal_limit(conn) / 2;
    uint64_t asked = conn->config->limits.key_update_packets;
    return asked > 0 ? VEL_MIN(asked, half) : half;
}

void vel_conn_refresh_keys(struct vel_conn *conn)
{
    if (conn->space[VEL_SPACE_APP].sealed < update_after(conn) || !may_update(conn))
        return;
    if (begin_update(conn) != VEL_OK)
        vel_conn_fail(conn, VEL_WIRE_INTERNAL_ERROR, "no successor for the packet keys");
}

uint64_t vel_conn_seals_left(const struct vel_conn *conn)
{
    uint64_t sealed = conn->space[VEL_SPACE_APP].sealed;
    uint64_t most = update_after(conn);
    return most > sealed ? most - sealed : 0;
}

void vel_conn_count_sealed(struct vel_conn *conn, enum vel_space space, unsigned count)
{
    conn->space[space].sealed += count;
    if (conn->space[space].sealed >= seal_limit(conn))
        vel_conn_fail(conn, VEL_WIRE_AEAD_LIMIT_REACHED, "too many packets under one key");
}

vel_result vel_conn_update_keys(struct vel_conn *conn)
{
    REQUIRE(!vel_life_is_over(&conn->life), VEL_ERR_CLOSED);
    REQUIRE(may_update(conn), VEL_ERR_AGAIN);
    TRY(begin_update(conn));
    vel_conn_wake(conn);
    return VEL_OK;
}
