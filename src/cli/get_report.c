/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "base/units.h"
#include "cli/get_internal.h"
#include "transport/error.h"

static double ms(vel_time span)
{
    return (double)span / (double)MS;
}

/* ---- --verbose: lines on stderr, marked as curl marks them ---- */

/* What a peer chose must not steer the terminal. */
static void print_value(FILE *to, struct vel_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        fputc(text.ptr[i] >= ' ' && text.ptr[i] < 0x7f ? text.ptr[i] : '?', to);
}

static void print_fields(FILE *to, const char *mark, struct vel_fields fields)
{
    for (size_t i = 0; i < fields.count; i++) {
        fputs(mark, to);
        print_value(to, fields.items[i].name);
        fputs(": ", to);
        print_value(to, fields.items[i].value);
        fputc('\n', to);
    }
}

void vel_report_order(const struct vel_get *get, const struct vel_ladder_order *order, vel_time now)
{
    const struct vel_step *step = vel_ladder_step(&get->ladder, order->rung);
    if (!get->settings->verbose)
        return;
    if (order->kind == VEL_LADDER_START)
        fprintf(stderr, "* trying %s of %s at %.1f ms\n", vel_rung_name(order->rung),
                get->origin.authority, ms(now - get->started));
    else
        fprintf(stderr, "* giving up %s at %.1f ms: %s\n", vel_rung_name(order->rung),
                ms(now - get->started),
                step->reason == VEL_FALLBACK_NONE ? "another was first"
                                                  : vel_fallback_name(step->reason));
}

/* Why the rungs above were left. */
static void report_trail(const struct vel_get *get)
{
    for (unsigned i = 0; i < VEL_RUNG_COUNT; i++) {
        const struct vel_step *step = vel_ladder_step(&get->ladder, (enum vel_rung)i);
        if (step->reason == VEL_FALLBACK_NONE)
            continue;
        fprintf(stderr, "* not over %s: %s (%s)%s\n", vel_rung_name((enum vel_rung)i),
                vel_fallback_name(step->reason), vel_fallback_text(step->reason),
                step->cooling ? ", remembered" : "");
    }
}

static void report_security(const struct vel_get *get)
{
    const struct vel_handshake_facts *hs = &get->facts.handshake;
    if (get->facts.rung == VEL_RUNG_VELOCITY)
        fprintf(stderr,
                "* version velocity/1 (0x%08" PRIx32 "), profile %s, suite %s, group %s%s\n",
                hs->version, vel_profile_name(hs->profile), hs->suite, hs->group,
                hs->hello_retry ? ", after a hello retry" : "");
    else
        fprintf(stderr, "* version %s, protocol %s, suite %s, group %s\n",
                vel_attempt_version_name(&get->facts), vel_attempt_protocol(&get->facts), hs->suite,
                hs->group);
    if (hs->post_quantum != NULL)
        fprintf(stderr, "* server signed with %s: %s and %s, both verified\n", hs->signature,
                hs->classical, hs->post_quantum);
    else
        fprintf(stderr, "* server signed with %s, classical only, verified\n", hs->signature);
    fprintf(stderr, "* server certificate: %s, %zu bytes, %u certificate%s%s\n",
            vel_attempt_certificate_kind(&get->facts), hs->peer_chain_bytes, hs->peer_chain_count,
            hs->peer_chain_count == 1 ? "" : "s",
            get->settings->insecure ? "; issuer and name NOT checked (--insecure)" : "");
}

void vel_report_connected(const struct vel_get *get)
{
    const struct vel_attempt_facts *facts = &get->facts;
    const struct vel_conn_stats *stats = &facts->stats;
    char remote[VEL_ADDR_TEXT], local[VEL_ADDR_TEXT];
    if (!get->settings->verbose)
        return;
    report_trail(get);
    fprintf(stderr, "* connected to %s", vel_addr_text(&facts->remote, remote));
    if (facts->local.family != VEL_ADDR_NONE)
        fprintf(stderr, " from %s", vel_addr_text(&facts->local, local));
    fprintf(stderr, ": handshake %.1f ms", ms(stats->handshake_time));
    if (stats->handshake_round_trips > 0)
        fprintf(stderr, ", %u round trip%s", stats->handshake_round_trips,
                stats->handshake_round_trips == 1 ? "" : "s");
    fputc('\n', stderr);
    if (facts->encrypted)
        report_security(get);
    else
        fprintf(stderr, "* plain HTTP: nothing is encrypted or authenticated\n");
    vel_report_guard(get);
    if (stats->handshake_datagrams_sent > 0)
        fprintf(stderr,
                "* handshake: %" PRIu64 " datagrams, %" PRIu64 " bytes sent; %" PRIu64
                " datagrams, %" PRIu64 " bytes received\n",
                stats->handshake_datagrams_sent, stats->handshake_bytes_sent,
                stats->handshake_datagrams_received, stats->handshake_bytes_received);
}

void vel_report_request(const struct vel_fetch *fetch, struct vel_fields fields)
{
    const struct vel_get *get = fetch->get;
    if (!get->settings->verbose)
        return;
    fprintf(stderr, "> %s ", fetch->method);
    print_value(stderr, vel_buf_slice(&fetch->url.target));
    fprintf(stderr, "\n> :authority: %s\n", fetch->url.authority);
    print_fields(stderr, "> ", fields);
}

void vel_report_response(const struct vel_fetch *fetch, const struct vel_response *response)
{
    const struct vel_get_settings *settings = fetch->get->settings;
    if (settings->verbose) {
        fprintf(stderr, "< %u %s\n", response->status, fetch->text);
        print_fields(stderr, "< ", response->fields);
    }
    if (settings->head && !settings->json) {
        printf("%s %u\n", vel_attempt_http_name(&fetch->get->facts), response->status);
        print_fields(stdout, "", response->fields);
        putchar('\n');
    }
}

/* Moments count from the start of the program's work, as in --json. */
static void report_transfer(const struct vel_get *get, const struct vel_fetch *fetch)
{
    const struct vel_transfer_result *result = &fetch->result;
    if (!fetch->done || result->failure != VEL_CLIENT_OK)
        fprintf(stderr, "* %s: not complete\n", fetch->text);
    else
        fprintf(stderr, "* %s: %u, %" PRIu64 " bytes; first byte at %.1f ms, last at %.1f ms\n",
                fetch->text, result->status, result->body_received,
                ms(result->times.first_byte - get->started),
                ms(result->times.finished - get->started));
}

static void report_traffic(const struct vel_conn_stats *stats)
{
    fprintf(stderr,
            "* %" PRIu64 " datagrams, %" PRIu64 " bytes sent; %" PRIu64 " datagrams, %" PRIu64
            " bytes received; %" PRIu64 " packets lost; round trip %.3f ms (least %.3f)\n",
            stats->datagrams_sent, stats->bytes_sent, stats->datagrams_received,
            stats->bytes_received, stats->packets_lost, ms(stats->smoothed_rtt),
            ms(stats->min_rtt));
}

static void report_preferred(const struct vel_get *get)
{
    char remote[VEL_ADDR_TEXT];
    fprintf(stderr, "* went on at %s, which the server prefers\n",
            vel_addr_text(&get->facts.remote, remote));
}

static void report_migration(const struct vel_get *get)
{
    char local[VEL_ADDR_TEXT];
    if (get->facts.stats.path_changes > (get->facts.preferred ? 1U : 0U))
        fprintf(stderr, "* migrated to %s\n", vel_addr_text(&get->facts.local, local));
    else
        fprintf(stderr, "* not migrated, as --migrate asked\n");
}

static void report_paths(const struct vel_get *get)
{
    if (!get->facts.multipath)
        fprintf(stderr, "* the server takes one path only\n");
    for (size_t i = 0; get->facts.multipath && i < get->facts.path_count; i++) {
        const struct vel_path_stats *path = &get->facts.paths[i];
        char local[VEL_ADDR_TEXT];
        fprintf(stderr,
                "* path %" PRIu32 " from %s: %s, %" PRIu64 " bytes sent, %" PRIu64
                " received, round trip %.3f ms\n",
                path->path, vel_addr_text(&path->local, local), vel_path_state_name(path->state),
                path->bytes_sent, path->bytes_received, ms(path->smoothed_rtt));
    }
}

void vel_report_end(const struct vel_get *get)
{
    if (!get->settings->verbose || get->connected == 0)
        return;
    for (size_t i = 0; i < get->fetch_count; i++)
        report_transfer(get, &get->fetches[i]);
    if (get->facts.preferred)
        report_preferred(get);
    if (get->settings->migrate > 0)
        report_migration(get);
    if (get->settings->locals.count > 1)
        report_paths(get);
    if (get->facts.stats.datagrams_sent > 0)
        report_traffic(&get->facts.stats);
}

/* ---- why a connection ended ---- */

static void report_certificate(struct vel_get *get, const struct vel_cert_verdict *verdict)
{
    const char *advice = verdict->check == VEL_CERT_UNKNOWN_ISSUER && get->settings->cacert == NULL
                             ? " (name its issuer with --cacert FILE)"
                             : "";
    vel_get_failed(get, VEL_EXIT_CERTIFICATE,
                   "the server's certificate was refused: %s [%s], certificate %u, subject '%s'%s",
                   vel_cert_check_text(verdict->check), vel_cert_check_name(verdict->check),
                   verdict->depth, verdict->subject, advice);
}

/* What each rung said, for a message: "velocity/1: udp_blocked, h3: udp_blocked, tcp: connect". */
static void trail_text(const struct vel_get *get, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < VEL_RUNG_COUNT; i++) {
        const struct vel_step *step = vel_ladder_step(&get->ladder, (enum vel_rung)i);
        if (step->state != VEL_RUNG_FAILED || used >= size)
            continue;
        const char *why = step->reason != VEL_FALLBACK_NONE
                              ? vel_fallback_name(step->reason)
                              : vel_exit_name(vel_exit_of_failure(step->failure));
        used += (size_t)snprintf(text + used, size - used, "%s%s: %s", used > 0 ? ", " : "",
                                 vel_rung_name((enum vel_rung)i), why);
    }
}

static void report_no_connection(struct vel_get *get)
{
    char where[VEL_ADDR_TEXT], trail[160];
    vel_addr_text(&get->facts.remote, where);
    trail_text(get, trail, sizeof trail);
    if (get->ladder.failure == VEL_CLIENT_TIMEOUT)
        vel_get_failed(get, VEL_EXIT_TIMEOUT,
                       "no answer from %s (last tried: %s) within %.1f s (--connect-timeout) [%s]",
                       get->origin.authority, where,
                       (double)get->settings->connect_timeout / (double)SECOND, trail);
    else
        vel_get_failed(get, VEL_EXIT_CONNECT,
                       "could not connect to %s (last tried: %s): nobody listens there, or there "
                       "is no way to it [%s]",
                       get->origin.authority, where, trail);
}

void vel_report_lost(struct vel_get *get, const char *refusal)
{
    enum vel_client_failure failure = get->ladder.failure;
    enum vel_exit status = vel_exit_of_failure(failure);
    if (refusal != NULL)
        vel_get_failed(get, status, "%s: %s", vel_exit_text(status), refusal);
    else if (failure == VEL_CLIENT_CONNECT || failure == VEL_CLIENT_TIMEOUT)
        report_no_connection(get);
    else
        vel_report_close(get, failure);
}

void vel_report_close(struct vel_get *get, enum vel_client_failure failure)
{
    const struct vel_close *close = &get->facts.close;
    enum vel_exit status = vel_exit_of_failure(failure);
    if (!get->facts.closed) {
        vel_get_failed(get, status, "%s", vel_exit_text(status));
    } else if (failure == VEL_CLIENT_CERTIFICATE && close->verdict.check != VEL_CERT_OK) {
        report_certificate(get, &close->verdict);
    } else {
        const char *who = close->origin == VEL_CLOSE_PEER ? "the server says: " : "";
        const char *name =
            close->application ? vel_h3_error_name(close->code) : vel_wire_error_name(close->code);
        vel_get_failed(get, status, "%s: %s%s%s%s (0x%" PRIx64 ")", vel_exit_text(status), who,
                       close->reason, close->reason[0] != '\0' ? ", " : "", name, close->code);
    }
}
