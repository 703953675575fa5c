/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/units.h"
#include "transport/conn_internal.h"

static vel_result sink_write(void *self, enum vel_level level, struct vel_slice bytes)
{
    struct vel_conn *conn = self;
    for (int i = 0; i < VEL_SPACE_COUNT; i++)
        if (vel_space_level((enum vel_space)i) == level)
            return vel_crypto_stream_write(&conn->space[i].crypto, bytes);
    return VEL_ERR_ARGUMENT;
}

static vel_result sink_secret(void *self, enum vel_level level, enum vel_direction direction,
                              const struct vel_suite *suite, const struct vel_secret *secret)
{
    struct vel_conn *conn = self;
    REQUIRE(level == VEL_LEVEL_HANDSHAKE || level == VEL_LEVEL_APP, VEL_ERR_ARGUMENT);
    enum vel_space space = level == VEL_LEVEL_APP ? VEL_SPACE_APP : VEL_SPACE_HANDSHAKE;
    struct vel_keys *keys =
        direction == VEL_READ ? &conn->space[space].read : &conn->space[space].write;
    struct vel_keys made = {0};
    TRY(vel_keys_from_secret(conn->config->crypto, conn->version, suite, secret, direction, &made));
    vel_keys_clear(keys);
    *keys = made;
    if (space == VEL_SPACE_APP)
        TRY(vel_key_update_set_secret(&conn->key_update, conn->version, suite, direction, secret));
    conn->aead = suite->aead;
    VEL_TRACE(conn, VEL_TRACE_KEYS,
              .keys = {.event = VEL_TRACE_KEYS_NEW, .space = space, .read = direction == VEL_READ});
    if (conn->is_client && space == VEL_SPACE_HANDSHAKE && direction == VEL_WRITE)
        vel_recovery_set_handshake_keys(&conn->first.recovery);
    return VEL_OK;
}

static struct vel_params local_params(const struct vel_conn *conn)
{
    const struct vel_limits *limits = &conn->config->limits;
    struct vel_params params = vel_params_default();
    params.max_idle_timeout = (uint64_t)(limits->idle_timeout / MS);
    params.max_udp_payload_size = limits->max_udp_payload;
    params.max_datagram_frame_size = limits->max_datagram_frame_size;
    params.ack_delay_exponent = VEL_ACK_DELAY_EXPONENT;
    params.max_ack_delay = (uint64_t)(limits->max_ack_delay / MS);
    if (limits->max_ack_delay >= VEL_ACK_MIN_DELAY)
        params.min_ack_delay = VEL_ACK_MIN_DELAY / US;
    params.active_connection_id_limit = VEL_CIDS_REMOTE;
    if (conn->multipath.slots > 1) /* VEL-TR-50 */
        params.initial_max_path_id = conn->multipath.slots - 1;
    params.datagram_copies = conn->multipath.slots > 1 && limits->max_datagram_frame_size > 0;
    vel_conn_fill_versions(conn, &params.version_information);
    params.initial_source_connection_id =
        (struct vel_param_cid){.present = true, .cid = conn->first.cids.local[0].cid};
    if (!conn->is_client) {
        params.preferred_address = conn->opening->preferred;
        params.disable_active_migration = conn->config->disable_active_migration;
        params.has_stateless_reset_token = true;
        memcpy(params.stateless_reset_token, conn->first.cids.local[0].reset_token,
               VEL_RESET_TOKEN);
        params.original_destination_connection_id =
            (struct vel_param_cid){.present = true, .cid = conn->opening->original_dcid};
        if (conn->opening->retried)
            params.retry_source_connection_id =
                (struct vel_param_cid){.present = true, .cid = conn->opening->retry_scid};
    }
    vel_streams_fill_params(conn->streams, &params);
    return params;
}

/* Our transport parameters as they go on the wire; `space` holds them. */
static vel_result encode_params(const struct vel_conn *conn, uint8_t space[VEL_PARAMS_MAX],
                                struct vel_slice *encoded)
{
    struct vel_writer w = vel_writer(space, VEL_PARAMS_MAX);
    struct vel_params params = local_params(conn);
    VEL_TRACE(conn, VEL_TRACE_PARAMETERS, .parameters = {.params = &params});
    vel_params_encode(&params, conn->is_client, conn->env, &w);
    REQUIRE(vel_write_ok(&w), VEL_ERR_LIMIT);
    *encoded = vel_writer_slice(&w);
    return VEL_OK;
}

static vel_result renew_params(struct vel_conn *conn)
{
    uint8_t space[VEL_PARAMS_MAX];
    struct vel_slice encoded;
    TRY(encode_params(conn, space, &encoded));
    return conn->handshake->ops->set_params(conn->handshake, conn->version->number, encoded);
}

/* VEL-TR-50: an end that has no connection id cannot tell paths apart. */
static vel_result agree_multipath(struct vel_conn *conn, uint64_t peer_limit)
{
    if (conn->opening->peer_first_scid.len == 0) {
        vel_conn_fail(conn, VEL_WIRE_PROTOCOL_VIOLATION, "multipath without connection ids");
        return VEL_ERR_MALFORMED;
    }
    vel_multipath_agree(&conn->multipath, peer_limit);
    return VEL_OK;
}

static vel_result sink_peer_params(void *self, struct vel_slice bytes)
{
    struct vel_conn *conn = self;
    struct vel_params params;
    TRY(vel_params_decode(bytes, !conn->is_client, &params));
    VEL_TRACE(conn, VEL_TRACE_PARAMETERS, .parameters = {.remote = true, .params = &params});
    REQUIRE(conn->opening != NULL, VEL_ERR_UNEXPECTED);
    REQUIRE(vel_opening_check_params(conn, &params) == NULL, VEL_ERR_MALFORMED);
    bool moved = false;
    TRY(vel_conn_agree_version(conn, &params.version_information, &moved));
    if (moved)
        TRY(renew_params(conn));

    if (conn->multipath.slots > 1 && params.initial_max_path_id != VEL_PARAM_ABSENT)
        TRY(agree_multipath(conn, params.initial_max_path_id));
    conn->datagrams.peer_takes_copies = conn->multipath.agreed && params.datagram_copies;
    TRY(vel_conn_note_preferred(conn, &params.preferred_address));
    conn->peer_stays = params.disable_active_migration;
    conn->peer_cid_limit = params.active_connection_id_limit;
    conn->peer_max_udp_payload = params.max_udp_payload_size;
    conn->peer_ack_delay_unit = US << params.ack_delay_exponent;
    bool takes_requests = params.min_ack_delay != VEL_PARAM_ABSENT;
    vel_time least = takes_requests ? (vel_time)params.min_ack_delay * US : VEL_NEVER;
    vel_ack_request_init(&conn->ack_request, least, (vel_time)params.max_ack_delay * MS);
    vel_conn_update_ack_delay(conn);
    vel_time idle_limit = INT64_MAX / (2 * MS);
    vel_life_peer_idle_timeout(
        &conn->life, (vel_time)VEL_MIN(params.max_idle_timeout, (uint64_t)idle_limit) * MS);
    if (conn->is_client && params.has_stateless_reset_token) {
        vel_cids_set_peer_token(&conn->first.cids, params.stateless_reset_token);
        vel_conn_tell_reset_tokens(conn);
    }
    vel_pmtud_set_ceiling(
        &conn->first.paths.active->pmtud,
        VEL_MIN(conn->config->limits.max_datagram_payload, params.max_udp_payload_size));
    conn->datagrams.peer_max = params.max_datagram_frame_size;
    vel_streams_set_peer_params(conn->streams, &params);
    conn->peer_params_known = true;
    return VEL_OK;
}

vel_result vel_conn_start_handshake(struct vel_conn *conn)
{
    uint8_t space[VEL_PARAMS_MAX];
    struct vel_slice encoded;
    TRY(encode_params(conn, space, &encoded));

    struct vel_handshake_setup setup = {
        .env = conn->env,
        .config = conn->config,
        .sink = {.write = sink_write,
                 .secret = sink_secret,
                 .peer_params = sink_peer_params,
                 .self = conn},
        .is_client = conn->is_client,
        .defer_signature = conn->defer_signature,
        .version = conn->version->number,
        .unix_time = conn->config->unix_offset + conn->now / SECOND,
        .local_params = encoded,
    };
    if (conn->version->tls)
        TRY(vel_handshake_tls_new(&setup, &conn->handshake));
    else
        TRY(vel_handshake_velocity_new(&setup, &conn->handshake));
    return conn->handshake->ops->start(conn->handshake);
}

/* The server's flight may be larger than the initial window: PROTOCOL section 2 admits up to 16
 * packets, so that it still takes one round trip. */
static void open_crypto_window(struct vel_conn *conn)
{
    uint64_t queued = 0;
    for (size_t i = 0; i < VEL_SPACE_COUNT; i++)
        queued += conn->space[i].crypto.send.end - conn->space[i].crypto.send.base;
    if (queued > vel_recovery_room(&conn->first.recovery))
        vel_cc_set_crypto_window(&conn->first.recovery.cc, VEL_CC_CRYPTO_PACKETS);
}

static void on_complete(struct vel_conn *conn, vel_time now)
{
    if (!vel_life_step(&conn->life, VEL_LIFE_CONNECTED))
        return;
    conn->stats.handshake_time = VEL_MAX(now - conn->started, 1);
    conn->connected_event = true;
    VEL_TRACE(conn, VEL_TRACE_HANDSHAKE, .facts = &conn->handshake->facts);
    VEL_TRACE(conn, VEL_TRACE_STATE, .life = {.state = VEL_TRACE_STATE_HANDSHAKE_COMPLETE});
    if (!conn->is_client) {
        conn->handshake_done_due = true;
        vel_conn_confirm(conn, now);
    }
}

static void on_failure(struct vel_conn *conn)
{
    const struct vel_handshake_failure *failure = &conn->handshake->failure;
    vel_conn_fail(conn, failure->wire_code, failure->reason);
    conn->life.close.verdict = failure->verdict;
}

static void act_on_state(struct vel_conn *conn, vel_time now)
{
    switch (conn->handshake->state) {
    case VEL_HS_RUNNING:
    case VEL_HS_SIGNING:
        break;
    case VEL_HS_COMPLETE:
        on_complete(conn, now);
        break;
    case VEL_HS_FAILED:
        on_failure(conn);
        return;
    }
    if (!conn->is_client)
        open_crypto_window(conn);
}

/* RFC 9001 4.1.3: with the keys of the next level nothing of this one may be left, not even behind
 * a gap. */
static void check_left_over(struct vel_conn *conn, enum vel_space space)
{
    if (space != VEL_SPACE_APP && vel_keys_ready(&conn->space[space + 1].read) &&
        vel_crypto_stream_has_unread(&conn->space[space].crypto))
        vel_conn_fail(conn, VEL_WIRE_PROTOCOL_VIOLATION, "CRYPTO data behind the last message");
}

static void advance(struct vel_conn *conn, enum vel_space space, vel_time now)
{
    struct vel_conn_space *s = &conn->space[space];
    struct vel_handshake *hs = conn->handshake;
    while (!s->discarded && !vel_life_is_over(&conn->life)) {
        struct vel_slice bytes = vel_crypto_stream_read(&s->crypto);
        if (bytes.len == 0)
            return;
        enum vel_err err = hs->ops->receive(hs, vel_space_level(space), bytes);
        if (err != VEL_OK && err != VEL_ERR_AGAIN && hs->state != VEL_HS_FAILED) {
            vel_conn_fail(conn, VEL_WIRE_INTERNAL_ERROR, "the handshake failed");
            return;
        }
        vel_crypto_stream_consume(&s->crypto, bytes.len);
        act_on_state(conn, now);
        check_left_over(conn, space);
    }
}

/* What costs little is done while it is received. Signatures wait, so that what came for other connections
 * is acknowledged first. */
static bool is_deferred(const struct vel_conn *conn, enum vel_space space)
{
    return conn->defer_work && space == VEL_SPACE_HANDSHAKE && conn->opening != NULL &&
           conn->handshake->verifies && conn->handshake->state == VEL_HS_RUNNING;
}

void vel_conn_hear_handshake(struct vel_conn *conn, enum vel_space space, vel_time now)
{
    if (!is_deferred(conn, space))
        advance(conn, space, now);
}

bool vel_conn_wants_work(const struct vel_conn *conn)
{
    const struct vel_conn_space *space = &conn->space[VEL_SPACE_HANDSHAKE];
    return is_deferred(conn, VEL_SPACE_HANDSHAKE) && !space->discarded &&
           !vel_life_is_over(&conn->life) && vel_crypto_stream_read(&space->crypto).len > 0;
}

void vel_conn_work(struct vel_conn *conn, vel_time now)
{
    if (!vel_conn_wants_work(conn))
        return;
    conn->now = now;
    vel_recovery_resume(&conn->first.recovery, now);
    advance(conn, VEL_SPACE_HANDSHAKE, now);
    vel_conn_receive_held(conn, now);
    vel_conn_wake(conn);
}

/* The handshake went on, or tried to. */
static void go_on(struct vel_conn *conn, enum vel_err err, vel_time now)
{
    if (err != VEL_OK && err != VEL_ERR_AGAIN && conn->handshake->state != VEL_HS_FAILED)
        vel_conn_fail(conn, VEL_WIRE_INTERNAL_ERROR, "the handshake failed");
    else
        act_on_state(conn, now);
    vel_conn_wake(conn);
}

void vel_conn_resume(struct vel_conn *conn)
{
    if (!vel_life_is_over(&conn->life) && conn->handshake->state == VEL_HS_SIGNING)
        go_on(conn, conn->handshake->ops->resume(conn->handshake), conn->now);
}

bool vel_conn_is_signing(const struct vel_conn *conn)
{
    return conn->defer_signature && !vel_life_is_over(&conn->life) &&
           conn->handshake->state == VEL_HS_SIGNING;
}

vel_result vel_conn_to_sign(const struct vel_conn *conn, struct vel_to_sign *out)
{
    REQUIRE(vel_conn_is_signing(conn), VEL_ERR_UNEXPECTED);
    return conn->handshake->ops->to_sign(conn->handshake, out);
}

void vel_conn_take_signature(struct vel_conn *conn, enum vel_err err,
                             const struct vel_signature *signature, vel_time now)
{
    if (!vel_conn_is_signing(conn))
        return;
    conn->now = now;
    go_on(conn, conn->handshake->ops->take_signature(conn->handshake, err, signature), now);
}

void vel_conn_confirm(struct vel_conn *conn, vel_time now)
{
    if (conn->opening == NULL || conn->life.state != VEL_LIFE_OPEN)
        return;
    vel_recovery_set_confirmed(&conn->first.recovery);
    VEL_TRACE(conn, VEL_TRACE_STATE, .life = {.state = VEL_TRACE_STATE_HANDSHAKE_CONFIRMED});
    vel_cc_set_crypto_window(&conn->first.recovery.cc, 0);
    vel_conn_discard_space(conn, VEL_SPACE_INITIAL);
    vel_conn_discard_space(conn, VEL_SPACE_HANDSHAKE);
    vel_path_prove(conn->first.paths.active);
    vel_conn_try_preferred(conn);
    conn->new_token_due = !conn->is_client;
    vel_conn_lift_credit_block(&conn->first, now);
    vel_conn_release_opening(conn);
}

void vel_conn_discard_space(struct vel_conn *conn, enum vel_space space)
{
    struct vel_conn_space *s = &conn->space[space];
    if (s->discarded)
        return;
    s->discarded = true;
    VEL_TRACE(conn, VEL_TRACE_KEYS, .keys = {.event = VEL_TRACE_KEYS_DISCARDED, .space = space});
    conn->first.space[space].probes_due = 0;
    if (space == VEL_SPACE_INITIAL && conn->opening != NULL)
        vel_keys_clear(&conn->opening->other_read);
    vel_keys_clear(&s->read);
    vel_keys_clear(&s->write);
    vel_crypto_stream_clear(&s->crypto);
    vel_acks_clear(&conn->first.space[space].acks);
    vel_recovery_discard(&conn->first.recovery, space);
}
