/* SPDX-License-Identifier: MIT */
#include "base/reader.h"
#include "base/try.h"
#include "base/units.h"
#include "transport/conn_internal.h"

/* Packets held until their keys are there: a whole secure server flight with its framing. */
enum { HELD_MAX_BYTES = 24 * 1024, TOKEN_MAX_BYTES = 512, HELD_HEADER = 3 };

vel_result vel_opening_new(const struct vel_conn *conn, struct vel_opening **opening)
{
    struct vel_opening *made = vel_alloc(conn->env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->token = (struct vel_buf){.env = conn->env, .limit = TOKEN_MAX_BYTES};
    made->held = (struct vel_buf){.env = conn->env, .limit = HELD_MAX_BYTES};
    *opening = made;
    return VEL_OK;
}

void vel_opening_free(const struct vel_env *env, struct vel_opening *opening)
{
    if (opening == NULL)
        return;
    vel_buf_free(&opening->token);
    vel_buf_free(&opening->held);
    vel_keys_clear(&opening->other_read);
    vel_release(env, opening, sizeof *opening);
}

/* Early 1-RTT packets may still be held when the handshake is confirmed: they are replayed first. */
void vel_conn_release_opening(struct vel_conn *conn)
{
    if (conn->opening == NULL || !conn->first.recovery.handshake_confirmed ||
        conn->opening->held.len > 0)
        return;
    vel_opening_free(conn->env, conn->opening);
    conn->opening = NULL;
    vel_conn_supply_tracks(conn);
}

bool vel_opening_hold(struct vel_conn *conn, struct vel_slice packet, uint8_t ecn)
{
    struct vel_buf *held = &conn->opening->held;
    if (packet.len > UINT16_MAX || vel_buf_reserve(held, HELD_HEADER + packet.len) != VEL_OK)
        return false;
    struct vel_writer w = vel_writer(held->ptr + held->len, HELD_HEADER + packet.len);
    vel_write_uint(&w, packet.len, 2);
    vel_write_uint(&w, ecn, 1);
    vel_write_bytes(&w, packet);
    held->len += vel_written(&w);
    return true;
}

/* RFC 9000 6.2: believed only before anything else was heard, and only if it does not list the
 * version that we asked for. It ends the attempt and chooses nothing (PROTOCOL section 7). */
void vel_opening_on_version_negotiation(struct vel_conn *conn,
                                        const struct vel_packet_header *header)
{
    if (!conn->is_client || conn->opening == NULL || conn->opening->heard ||
        conn->opening->retried || vel_life_is_over(&conn->life))
        return;
    if (!vel_slice_equal(header->scid, vel_cid_slice(&conn->opening->original_dcid)))
        return;
    struct vel_reader r = vel_reader(header->versions);
    while (vel_left(&r) > 0)
        if (vel_read_uint(&r, 4) == conn->version->number)
            return;
    if (conn->trace != NULL)
        vel_conn_trace_received_plain(conn, header);
    vel_life_drop(&conn->life, VEL_CLOSE_VERSION, "the server does not speak this version");
    vel_conn_ended(conn);
}

static bool retry_is_authentic(const struct vel_conn *conn, const struct vel_packet_header *header,
                               struct vel_slice packet)
{
    uint8_t tag[VEL_RETRY_TAG];
    struct vel_slice signed_part = vel_slice(packet.ptr, header->size - VEL_RETRY_TAG);
    return vel_retry_tag(conn->config->crypto, conn->version, &conn->opening->original_dcid,
                         signed_part, tag) == VEL_OK &&
           vel_slice_equal(header->retry_tag, vel_slice(tag, sizeof tag));
}

/* RFC 9000 17.2.5: once, before anything else was heard; the hello itself does not change. */
void vel_opening_on_retry(struct vel_conn *conn, const struct vel_packet_header *header,
                          struct vel_slice packet)
{
    struct vel_opening *opening = conn->opening;
    if (!conn->is_client || opening == NULL || opening->heard || opening->retried ||
        vel_life_is_over(&conn->life))
        return;
    if (header->token.len == 0 || header->token.len > TOKEN_MAX_BYTES ||
        vel_slice_equal(
            header->scid,
            vel_cid_slice(vel_cids_peer(&conn->first.cids, conn->first.paths.active->peer_cid))) ||
        !retry_is_authentic(conn, header, packet))
        return;

    struct vel_keys read = {0};
    struct vel_keys write = {0};
    struct vel_cid scid = vel_cid(header->scid);
    struct vel_conn_space *initial = &conn->space[VEL_SPACE_INITIAL];
    opening->token.len = 0; /* of an earlier connection: this one is better */
    if (vel_buf_append(&opening->token, header->token) != VEL_OK ||
        vel_keys_initial(conn->config->crypto, conn->version, &scid, true, &read, &write) !=
            VEL_OK) {
        vel_conn_fail(conn, VEL_WIRE_INTERNAL_ERROR, "Retry could not be followed");
        return;
    }
    vel_keys_clear(&initial->read);
    vel_keys_clear(&initial->write);
    initial->read = read;
    initial->write = write;
    vel_cids_set_peer(&conn->first.cids, &scid);
    if (conn->trace != NULL)
        vel_conn_trace_received_plain(conn, header);
    if (conn->trace != NULL)
        vel_conn_trace_cid(&conn->first, true, &scid);
    opening->retry_scid = scid;
    opening->initial_dcid = scid;
    opening->retried = true;
    conn->retried = true;
    opening->flight_left = 0; /* the token validates our address: no credit is needed */
    vel_recovery_resend_all(&conn->first.recovery, VEL_SPACE_INITIAL);
}

static bool cid_matches(const struct vel_param_cid *claimed, const struct vel_cid *seen)
{
    return claimed->present && vel_cid_equal(&claimed->cid, seen);
}

const char *vel_opening_check_params(const struct vel_conn *conn, const struct vel_params *params)
{
    const struct vel_opening *opening = conn->opening;
    if (!cid_matches(&params->initial_source_connection_id, &opening->peer_first_scid))
        return "initial_source_connection_id is not the one seen";
    if (conn->is_client &&
        !cid_matches(&params->original_destination_connection_id, &opening->original_dcid))
        return "original_destination_connection_id is not ours";
    if (conn->is_client && params->retry_source_connection_id.present != opening->retried)
        return "retry_source_connection_id does not fit what happened";
    if (conn->is_client && opening->retried &&
        !cid_matches(&params->retry_source_connection_id, &opening->retry_scid))
        return "retry_source_connection_id is not the one seen";
    return NULL;
}
