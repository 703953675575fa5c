/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "base/units.h"
#include "cli/get_internal.h"

/*
 * The facts as one JSON object. Names are part of the interface: scripts read them. Times are
 * milliseconds; moments count from the start of the program's work. What was not reached is null.
 */

static json_t *span(vel_time value)
{
    return json_real((double)(value / US) / 1000.0);
}

static json_t *moment(const struct vel_get *get, vel_time at)
{
    return at == 0 ? json_null() : span(at - get->started);
}

static json_t *count(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *text(const char *value)
{
    return value == NULL ? json_null() : json_string(value);
}

static json_t *error_of(const struct vel_get *get)
{
    if (get->status == VEL_EXIT_OK)
        return json_null();
    json_t *error = json_object();
    json_object_set_new(error, "name", text(vel_exit_name(get->status)));
    json_object_set_new(error, "message", text(get->message));
    if (get->status == VEL_EXIT_CERTIFICATE) {
        const struct vel_cert_verdict *verdict = &get->facts.close.verdict;
        json_object_set_new(error, "check", text(vel_cert_check_name(verdict->check)));
        json_object_set_new(error, "certificate", count(verdict->depth));
        json_object_set_new(error, "subject", text(verdict->subject));
    }
    return error;
}

static json_t *handshake_of(const struct vel_get *get)
{
    const struct vel_handshake_facts *facts = &get->facts.handshake;
    const struct vel_conn_stats *stats = &get->facts.stats;
    char version[16], alpn[sizeof facts->alpn + 1] = "";
    snprintf(version, sizeof version, "0x%08" PRIx32, facts->version);
    memcpy(alpn, facts->alpn, facts->alpn_len);

    bool is_velocity = get->facts.rung == VEL_RUNG_VELOCITY;
    json_t *made = json_object();
    json_object_set_new(made, "version", text(vel_attempt_version_name(&get->facts)));
    json_object_set_new(made, "wire_version", facts->version != 0 ? text(version) : json_null());
    json_object_set_new(made, "protocol", text(vel_attempt_protocol(&get->facts)));
    json_object_set_new(made, "alpn", text(alpn));
    json_object_set_new(made, "profile",
                        is_velocity ? text(vel_profile_name(facts->profile)) : json_null());
    json_object_set_new(made, "suite", text(facts->suite));
    json_object_set_new(made, "group", text(facts->group));
    json_object_set_new(made, "signature", text(facts->signature));
    json_object_set_new(made, "classical_signature", text(facts->classical));
    json_object_set_new(made, "post_quantum_signature", text(facts->post_quantum));
    json_object_set_new(made, "authenticated", json_boolean(facts->peer_authenticated));
    json_object_set_new(made, "trusted", json_boolean(!get->settings->insecure));
    json_object_set_new(made, "certificate_kind", text(vel_attempt_certificate_kind(&get->facts)));
    json_object_set_new(made, "certificates", count(facts->peer_chain_count));
    json_object_set_new(made, "certificate_bytes", count(facts->peer_chain_bytes));
    json_object_set_new(made, "hello_retry", json_boolean(facts->hello_retry));
    json_object_set_new(made, "round_trips", count(stats->handshake_round_trips));
    json_object_set_new(made, "time_ms", span(stats->handshake_time));
    json_object_set_new(made, "datagrams_sent", count(stats->handshake_datagrams_sent));
    json_object_set_new(made, "datagrams_received", count(stats->handshake_datagrams_received));
    json_object_set_new(made, "bytes_sent", count(stats->handshake_bytes_sent));
    json_object_set_new(made, "bytes_received", count(stats->handshake_bytes_received));
    return made;
}

static json_t *path_of(const struct vel_path_stats *path)
{
    char remote[VEL_ADDR_TEXT], local[VEL_ADDR_TEXT];
    json_t *made = json_object();
    json_object_set_new(made, "path", count(path->path));
    json_object_set_new(made, "state", text(vel_path_state_name(path->state)));
    json_object_set_new(made, "local", text(vel_addr_text(&path->local, local)));
    json_object_set_new(made, "remote", text(vel_addr_text(&path->remote, remote)));
    json_object_set_new(made, "bytes_sent", count(path->bytes_sent));
    json_object_set_new(made, "bytes_received", count(path->bytes_received));
    json_object_set_new(made, "packets_sent", count(path->packets_sent));
    json_object_set_new(made, "packets_lost", count(path->packets_lost));
    json_object_set_new(made, "congestion_window", count(path->congestion_window));
    json_object_set_new(made, "smoothed_rtt_ms", span(path->smoothed_rtt));
    json_object_set_new(made, "min_rtt_ms", span(path->min_rtt));
    return made;
}

/* Null without multipath. */
static json_t *multipath_of(const struct vel_get *get)
{
    if (!get->facts.multipath)
        return json_null();
    json_t *made = json_array();
    for (size_t i = 0; i < get->facts.path_count; i++)
        json_array_append_new(made, path_of(&get->facts.paths[i]));
    return made;
}

static json_t *connection_of(const struct vel_get *get)
{
    const struct vel_conn_stats *stats = &get->facts.stats;
    char remote[VEL_ADDR_TEXT], local[VEL_ADDR_TEXT];
    bool is_udp = get->facts.local.family != VEL_ADDR_NONE;
    json_t *made = json_object();
    json_object_set_new(made, "remote", text(vel_addr_text(&get->facts.remote, remote)));
    json_object_set_new(made, "local",
                        is_udp ? text(vel_addr_text(&get->facts.local, local)) : json_null());
    json_object_set_new(made, "migrated", json_boolean(stats->path_changes > 0));
    json_object_set_new(made, "at_preferred_address", json_boolean(get->facts.preferred));
    json_object_set_new(made, "datagrams_sent", count(stats->datagrams_sent));
    json_object_set_new(made, "datagrams_received", count(stats->datagrams_received));
    json_object_set_new(made, "bytes_sent", count(stats->bytes_sent));
    json_object_set_new(made, "bytes_received", count(stats->bytes_received));
    json_object_set_new(made, "packets_sent", count(stats->packets_sent));
    json_object_set_new(made, "packets_received", count(stats->packets_received));
    json_object_set_new(made, "packets_lost", count(stats->packets_lost));
    json_object_set_new(made, "packets_spurious", count(stats->packets_spurious));
    json_object_set_new(made, "packets_dropped", count(stats->packets_dropped));
    json_object_set_new(made, "probe_timeouts", count(stats->pto_count));
    json_object_set_new(made, "ecn_ce", count(stats->ecn_ce));
    json_object_set_new(made, "key_updates", count(stats->key_updates));
    json_object_set_new(made, "streams", count(stats->streams_opened + stats->streams_accepted));
    json_object_set_new(made, "paths", count(stats->paths));
    json_object_set_new(made, "path_changes", count(stats->path_changes));
    json_object_set_new(made, "multipath", multipath_of(get));
    json_object_set_new(made, "mtu", count(stats->mtu));
    json_object_set_new(made, "congestion_window", count(stats->congestion_window));
    json_object_set_new(made, "bytes_in_flight", count(stats->bytes_in_flight));
    json_object_set_new(made, "latest_rtt_ms", span(stats->latest_rtt));
    json_object_set_new(made, "smoothed_rtt_ms", span(stats->smoothed_rtt));
    json_object_set_new(made, "rtt_variance_ms", span(stats->rtt_variance));
    json_object_set_new(made, "min_rtt_ms", span(stats->min_rtt));
    return made;
}

/* Every rung that was allowed, and what became of it. */
static json_t *ladder_of(const struct vel_get *get)
{
    json_t *rungs = json_array();
    for (unsigned i = 0; i < VEL_RUNG_COUNT; i++) {
        const struct vel_step *step = vel_ladder_step(&get->ladder, (enum vel_rung)i);
        json_t *made = json_object();
        bool has_reason = step->reason != VEL_FALLBACK_NONE;
        bool failed = step->state == VEL_RUNG_FAILED;
        json_object_set_new(made, "rung", text(vel_rung_name((enum vel_rung)i)));
        json_object_set_new(made, "state", text(vel_rung_state_name(step->state)));
        json_object_set_new(made, "reason",
                            has_reason ? text(vel_fallback_name(step->reason)) : json_null());
        json_object_set_new(made, "failure",
                            failed ? text(vel_exit_name(vel_exit_of_failure(step->failure)))
                                   : json_null());
        json_object_set_new(made, "remembered", json_boolean(step->cooling));
        json_object_set_new(made, "started_ms", moment(get, step->started));
        json_object_set_new(made, "ended_ms", moment(get, step->ended));
        json_array_append_new(rungs, made);
    }
    return rungs;
}

static json_t *effective_url(const struct vel_fetch *fetch)
{
    return json_sprintf("%s://%s%.*s", vel_url_scheme(&fetch->url), fetch->url.authority,
                        (int)fetch->url.target.len, (const char *)fetch->url.target.ptr);
}

static json_t *transfer_of(const struct vel_get *get, const struct vel_fetch *fetch)
{
    const struct vel_transfer_result *result = &fetch->result;
    bool done = fetch->done && result->failure == VEL_CLIENT_OK;
    json_t *made = json_object();
    json_object_set_new(made, "url", text(fetch->text));
    json_object_set_new(made, "redirects", count(fetch->hops));
    json_object_set_new(made, "effective_url", effective_url(fetch));
    json_object_set_new(made, "file", text(fetch->path));
    json_object_set_new(made, "complete", json_boolean(done));
    json_object_set_new(made, "status", result->status > 0 ? count(result->status) : json_null());
    json_object_set_new(made, "bytes", count(result->body_received));
    json_object_set_new(made, "sent_ms", moment(get, result->times.sent));
    json_object_set_new(made, "first_byte_ms", moment(get, result->times.first_byte));
    json_object_set_new(made, "finished_ms", moment(get, result->times.finished));
    return made;
}

void vel_report_json(const struct vel_get *get, FILE *to)
{
    json_t *root = json_object(), *transfers = json_array();
    for (size_t i = 0; i < get->fetch_count; i++)
        json_array_append_new(transfers, transfer_of(get, &get->fetches[i]));

    json_object_set_new(root, "exit", count(get->status));
    json_object_set_new(root, "error", error_of(get));
    json_object_set_new(root, "handshake", get->connected > 0 ? handshake_of(get) : json_null());
    json_object_set_new(root, "connection", get->connected > 0 ? connection_of(get) : json_null());
    json_object_set_new(root, "ladder", ladder_of(get));
    json_object_set_new(root, "downgrade", vel_get_guard_json(get));
    json_object_set_new(root, "resolved_ms", moment(get, get->resolved));
    json_object_set_new(root, "connected_ms", moment(get, get->connected));
    json_object_set_new(root, "transfers", transfers);
    json_dumpf(root, to, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    fputc('\n', to);
    json_decref(root);
}
