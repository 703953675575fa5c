/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/units.h"
#include "transport/conn_internal.h"

/* ---- birth and death ---- */

static void init_parts(struct vel_conn *conn, const struct vel_conn_setup *setup, bool is_client,
                       vel_time now)
{
    const struct vel_limits *limits = &setup->config->limits;
    conn->env = setup->env;
    conn->config = setup->config;
    conn->hooks = setup->hooks;
    conn->version = vel_version_find(setup->version);
    conn->is_client = is_client;
    conn->defer_signature = setup->defer_signature;
    conn->defer_work = setup->defer_work;
    conn->started = now;
    conn->now = now;
    conn->ping_at = VEL_NEVER;
    conn->trim_at = VEL_NEVER;
    conn->aead = VEL_AES_128_GCM;
    conn->pool = (struct vel_pool){.env = conn->env};
    conn->datagrams.env = conn->env;
    conn->ack_policy = vel_ack_policy(limits->max_ack_delay);
    vel_life_init(&conn->life, now, limits->handshake_timeout, limits->idle_timeout);
    for (int i = 0; i < VEL_SPACE_COUNT; i++)
        vel_crypto_stream_init(&conn->space[i].crypto, &conn->pool);
    struct vel_conn_space *app = &conn->space[VEL_SPACE_APP];
    vel_key_update_init(&conn->key_update, conn->config->crypto, &app->read, &app->write);
}

/* The track that the handshake is on. */
static void init_first_track(struct vel_conn *conn, const struct vel_conn_setup *setup,
                             vel_time now)
{
    const struct vel_limits *limits = &conn->config->limits;
    struct vel_path path;
    vel_path_init(&path, &setup->local, &setup->remote, conn->is_client || setup->address_validated,
                  limits->max_datagram_payload);
    struct vel_track_setup track = {
        .conn = conn,
        .path = &path,
        .limits = limits,
        .ack_policy = &conn->ack_policy,
        .recovery = vel_conn_recovery_setup(conn, &conn->first, path.pmtud.mtu),
    };
    vel_track_init(&conn->first, &track, now);
    vel_multipath_init(&conn->multipath, limits->max_paths);
    conn->tracks[0] = conn->pick = &conn->first;
}

/* The parts that allocate, in order. The caller frees the connection on failure. */
static vel_result start(struct vel_conn *conn)
{
    struct vel_streams_setup streams = {.env = conn->env,
                                        .pool = &conn->pool,
                                        .limits = &conn->config->limits,
                                        .is_client = conn->is_client};
    struct vel_conn_space *initial = &conn->space[VEL_SPACE_INITIAL];
    TRY(vel_streams_new(&streams, &conn->streams));
    TRY(vel_keys_initial(conn->config->crypto, conn->version, &conn->opening->initial_dcid,
                         conn->is_client, &initial->read, &initial->write));
    return vel_conn_start_handshake(conn);
}

static vel_result make(const struct vel_conn_setup *setup, bool is_client, vel_time now,
                       struct vel_conn **conn)
{
    REQUIRE(vel_version_find(setup->version) != NULL, VEL_ERR_UNSUPPORTED);
    struct vel_conn *made = vel_alloc(setup->env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    init_parts(made, setup, is_client, now);
    init_first_track(made, setup, now);
    enum vel_err err = vel_opening_new(made, &made->opening);
    if (err != VEL_OK) {
        vel_conn_free(made);
        return err;
    }
    *conn = made;
    return VEL_OK;
}

static vel_result finish(struct vel_conn *made, enum vel_err err, struct vel_conn **conn)
{
    if (err != VEL_OK) {
        vel_conn_free(made);
        return err;
    }
    *conn = made;
    return VEL_OK;
}

vel_result vel_conn_new_client(const struct vel_conn_setup *setup, vel_time now,
                               struct vel_conn **conn)
{
    struct vel_conn *made;
    TRY(make(setup, true, now, &made));
    struct vel_cid dcid = {.len = VEL_FIRST_DCID};
    vel_random(made->env, dcid.bytes, dcid.len);
    made->opening->original_dcid = dcid;
    made->opening->initial_dcid = dcid;
    vel_cids_init(&made->first.cids, &setup->scid, &dcid);
    vel_conn_trace_begin(made);
    enum vel_err err = vel_buf_append(&made->opening->token, made->config->token);
    if (err == VEL_OK)
        err = start(made);
    if (err == VEL_OK && made->config->token.len == 0)
        /* VEL-TR-01: enough full datagrams to earn the credit for the server's whole flight. */
        made->opening->flight_left = vel_handshake_hello_datagrams(made->handshake);
    return finish(made, err, conn);
}

vel_result vel_conn_new_server(const struct vel_conn_setup *setup, vel_time now,
                               struct vel_conn **conn)
{
    struct vel_conn *made;
    TRY(make(setup, false, now, &made));
    made->opening->original_dcid = setup->original_dcid;
    made->opening->initial_dcid = setup->initial_dcid;
    made->opening->retry_scid = setup->initial_dcid;
    made->opening->retried = !vel_cid_equal(&setup->original_dcid, &setup->initial_dcid);
    vel_cids_init(&made->first.cids, &setup->scid, &setup->peer_cid);
    memcpy(made->first.cids.local[0].reset_token, setup->reset_token, VEL_RESET_TOKEN);
    vel_conn_trace_begin(made);
    enum vel_err err = vel_conn_offer_preferred(made);
    return finish(made, err == VEL_OK ? start(made) : err, conn);
}

void vel_conn_free(struct vel_conn *conn)
{
    if (conn == NULL)
        return;
    vel_conn_trace_end(conn);
    const struct vel_env *env = conn->env;
    vel_handshake_free(conn->handshake);
    vel_streams_free(conn->streams);
    vel_datagrams_clear(&conn->datagrams);
    for (int i = 0; i < VEL_SPACE_COUNT; i++) {
        vel_keys_clear(&conn->space[i].read);
        vel_keys_clear(&conn->space[i].write);
        vel_crypto_stream_clear(&conn->space[i].crypto);
    }
    vel_key_update_clear(&conn->key_update);
    vel_conn_free_tracks(conn);
    vel_conn_free_copy(conn);
    vel_conn_free_choices(conn);
    vel_pool_trim(&conn->pool);
    vel_buf_free(&conn->new_token);
    vel_opening_free(env, conn->opening);
    vel_release(env, conn, sizeof *conn);
}

/* ---- the end ---- */

void vel_conn_ended(struct vel_conn *conn)
{
    if (!vel_life_is_over(&conn->life))
        return;
    if (conn->trace != NULL)
        vel_conn_trace_ended(conn);
    conn->connected_event = false;
    conn->closed_event = !conn->closed_shown;
}

static void end(struct vel_conn *conn, const struct vel_close *why)
{
    if (vel_life_is_over(&conn->life))
        return;
    vel_life_close(&conn->life, why);
    vel_conn_ended(conn);
}

void vel_conn_fail(struct vel_conn *conn, uint64_t wire_code, const char *reason)
{
    struct vel_close why = {.origin = VEL_CLOSE_LOCAL, .code = wire_code};
    vel_close_set_reason(&why, vel_slice_text(reason));
    end(conn, &why);
}

void vel_conn_close(struct vel_conn *conn, uint64_t code, const char *reason)
{
    struct vel_close why = {.origin = VEL_CLOSE_LOCAL, .application = true, .code = code};
    vel_close_set_reason(&why, vel_slice_text(reason));
    end(conn, &why);
    vel_conn_wake(conn);
}

vel_time vel_conn_pto(const struct vel_conn *conn)
{
    vel_time longest = 0;
    VEL_TRACKS_OPEN(track, conn)
    {
        longest = VEL_MAX(longest, vel_recovery_pto(&track->recovery));
    }
    return longest;
}

uint64_t vel_conn_window(const struct vel_conn *conn)
{
    uint64_t window = 0;
    VEL_TRACKS_OPEN(track, conn)
    {
        window += vel_cc_window(&track->recovery.cc);
    }
    return window;
}

void vel_conn_mtu_changed(struct vel_track *track)
{
    vel_cc_set_mtu(&track->recovery.cc, track->paths.active->pmtud.mtu);
    track->pacer.mtu = track->paths.active->pmtud.mtu;
    VEL_TRACE(track->conn, VEL_TRACE_MTU,
              .mtu = {.track = track->id, .size = track->paths.active->pmtud.mtu});
}

void vel_conn_leave_black_hole(struct vel_track *track)
{
    if (vel_black_hole_found(&track->recovery.black_hole) &&
        vel_pmtud_restart(&track->paths.active->pmtud))
        vel_conn_mtu_changed(track);
}

bool vel_conn_is_dead(const struct vel_conn *conn)
{
    return conn->life.state == VEL_LIFE_DEAD;
}

uint32_t vel_conn_version(const struct vel_conn *conn)
{
    return conn->version->number;
}

unsigned vel_conn_probes(const struct vel_conn *conn)
{
    return conn->stats.pto_count;
}

bool vel_conn_is_validated(const struct vel_conn *conn)
{
    return vel_conn_track(conn)->paths.active->validated;
}

/* ---- events ---- */

bool vel_conn_has_events(const struct vel_conn *conn)
{
    return conn->connected_event || conn->closed_event ||
           (!conn->closed_shown && (conn->datagrams.arrived || conn->notices != 0 ||
                                    vel_streams_has_events(conn->streams)));
}

static enum vel_event_type first_notice(const struct vel_conn *conn)
{
    unsigned type = 0;
    while ((conn->notices >> type & 1) == 0)
        type++;
    return (enum vel_event_type)type;
}

bool vel_conn_next_event(struct vel_conn *conn, struct vel_event *event)
{
    if (conn->connected_event) {
        conn->connected_event = false;
        *event = (struct vel_event){.type = VEL_EVENT_CONNECTED};
        return true;
    }
    if (!conn->closed_shown && conn->datagrams.arrived) {
        conn->datagrams.arrived = false;
        *event = (struct vel_event){.type = VEL_EVENT_DATAGRAM};
        return true;
    }
    if (!conn->closed_shown && conn->notices != 0) {
        *event = (struct vel_event){.type = first_notice(conn)};
        conn->notices &= conn->notices - 1;
        return true;
    }
    if (!conn->closed_shown && vel_streams_next_event(conn->streams, event))
        return true;
    if (!conn->closed_event) {
        if (vel_streams_want_send(conn->streams,
                                  VEL_CHOICE_ALL)) /* streams were forgotten: MAX_STREAMS */
            vel_conn_wake(conn);
        return false;
    }
    conn->closed_event = false;
    conn->closed_shown = true;
    *event = (struct vel_event){.type = VEL_EVENT_CLOSED, .code = conn->life.close.code};
    vel_conn_wake(conn);
    return true;
}

/* ---- what the application asks ---- */

void vel_conn_set_user(struct vel_conn *conn, void *user)
{
    conn->user = user;
}

void *vel_conn_user(const struct vel_conn *conn)
{
    return conn->user;
}

bool vel_conn_is_client(const struct vel_conn *conn)
{
    return conn->is_client;
}

bool vel_conn_is_connected(const struct vel_conn *conn)
{
    return conn->life.state == VEL_LIFE_OPEN;
}

const struct vel_handshake_facts *vel_conn_facts(const struct vel_conn *conn)
{
    return &conn->handshake->facts;
}

const struct vel_close *vel_conn_close_reason(const struct vel_conn *conn)
{
    return &conn->life.close;
}

vel_result vel_conn_export(struct vel_conn *conn, const char *label, struct vel_slice context,
                           uint8_t *out, size_t size)
{
    REQUIRE(conn->handshake != NULL && conn->handshake->state == VEL_HS_COMPLETE,
            VEL_ERR_UNEXPECTED);
    return conn->handshake->ops->export(conn->handshake, label, context, out, size);
}

struct vel_addr vel_conn_local(const struct vel_conn *conn)
{
    return vel_conn_track(conn)->paths.active->local;
}

struct vel_addr vel_conn_remote(const struct vel_conn *conn)
{
    return vel_conn_track(conn)->paths.active->remote;
}

/* VEL-TR-07: one for the handshake itself, and one for each thing that made it wait. A server knows
 * how long it lacked credit; a client sees that more came than its first flight had earned. */
static unsigned round_trips(const struct vel_conn *conn)
{
    unsigned extra = conn->handshake->facts.hello_retry + conn->retried;
    if (!conn->is_client) {
        vel_time rtt = VEL_MAX(conn->first.recovery.rtt.min, 1);
        bool sampled = vel_rtt_has_sample(&conn->first.recovery.rtt);
        return 1 + extra + (sampled ? (unsigned)((conn->credit_blocked_for + rtt / 2) / rtt) : 0);
    }
    uint64_t earned = VEL_PATH_CREDIT_FACTOR * conn->first_flight_bytes;
    /* With a token there is no telling: most likely it held, and there was no limit. */
    bool counts = extra == 0 && conn->config->token.len == 0;
    bool stalled = counts && conn->stats.handshake_bytes_received > earned;
    return 1 + extra + stalled + conn->handshake_probes;
}

static void sum_tracks(const struct vel_conn *conn, struct vel_conn_stats *stats)
{
    VEL_TRACKS_EACH(track, conn)
    {
        const struct vel_recovery *recovery = &track->recovery;
        stats->packets_lost += recovery->packets_lost;
        stats->packets_spurious += recovery->packets_spurious;
        stats->ecn_ce += recovery->ce_marks;
        stats->bytes_in_flight += recovery->in_flight;
        stats->paths += track->state == VEL_TRACK_OPEN;
    }
}

static void show_path(const struct vel_track *track, struct vel_conn_stats *stats)
{
    const struct vel_rtt *rtt = &track->recovery.rtt;
    stats->congestion_window = vel_cc_window(&track->recovery.cc);
    stats->mtu = track->paths.active->pmtud.mtu;
    if (!vel_rtt_has_sample(rtt))
        return;
    stats->latest_rtt = rtt->latest;
    stats->smoothed_rtt = rtt->smoothed;
    stats->min_rtt = rtt->min;
    stats->rtt_variance = rtt->variance;
}

void vel_conn_get_stats(const struct vel_conn *conn, struct vel_conn_stats *stats)
{
    *stats = conn->stats;
    stats->datagram_frames = conn->datagrams.stats;
    stats->key_updates = conn->key_update.count;
    stats->handshake_round_trips = round_trips(conn);
    vel_streams_totals(conn->streams, &stats->streams_opened, &stats->streams_accepted);
    stats->streams = vel_streams_count(conn->streams);
    sum_tracks(conn, stats);
    show_path(vel_conn_track(conn), stats);
}
