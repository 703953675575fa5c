/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "base/units.h"
#include "cli/probe.h"
#include "client/exit.h"
#include "sys/address.h"

/* ---- words for both forms ---- */

static const char *wire_version_name(uint32_t version)
{
    static const struct {
        uint32_t version;
        const char *name;
    } known[] = {{VEL_VERSION_DRAFT, "velocity/1"},
                 {VEL_VERSION_FROZEN, "velocity/1"},
                 {VEL_VERSION_QUIC_V1, "quic-v1"},
                 {VEL_VERSION_QUIC_V2, "quic-v2"}};
    for (size_t i = 0; i < VEL_COUNT(known); i++)
        if (known[i].version == version)
            return known[i].name;
    return (version & 0x0f0f0f0fU) == 0x0a0a0a0aU ? "reserved" : "unknown";
}

/* Why a row does not work; NULL: it does. */
static const char *why_not(const struct vel_probe_row *row)
{
    if (row->works)
        return NULL;
    if (!row->finished)
        return vel_fallback_name(VEL_FALLBACK_TIMEOUT);
    if (row->failure.reason != VEL_FALLBACK_NONE)
        return vel_fallback_name(row->failure.reason);
    return vel_exit_name(vel_exit_of_failure(row->failure.failure));
}

static const char *profile_name(const struct vel_probe_row *row)
{
    return row->profile == VEL_PROFILE_COUNT ? NULL : vel_profile_name(row->profile);
}

static bool was_asked_for_record(const struct vel_probe_row *row)
{
    return row->works && row->record != VEL_RECORD_UNASKED;
}

/* ---- the table ---- */

static const char table_row[] = "%-11s %-9s %-11s %-6s %-15s %-35s %-22s %9s %6s  %s\n";

static void print_works(FILE *to, const struct vel_probe_row *row, const char *profile)
{
    const struct vel_handshake_facts *hs = &row->facts.handshake;
    const struct vel_conn_stats *stats = &row->facts.stats;
    char certificate[64], time[32], trips[16] = "-", note[96] = "";
    snprintf(certificate, sizeof certificate, "%s, %zu bytes",
             vel_attempt_certificate_kind(&row->facts), hs->peer_chain_bytes);
    snprintf(time, sizeof time, "%.1f ms", (double)stats->handshake_time / (double)MS);
    if (stats->handshake_round_trips > 0)
        snprintf(trips, sizeof trips, "%u", stats->handshake_round_trips);
    if (was_asked_for_record(row))
        snprintf(note, sizeof note, "record %s", vel_guard_record_name(row->record));
    fprintf(to, table_row, row->protocol, profile, row->version, "yes",
            hs->group != NULL ? hs->group : "-", hs->suite != NULL ? hs->suite : "-", certificate,
            time, trips, note);
}

static void print_row(FILE *to, const struct vel_probe_row *row)
{
    const char *profile = profile_name(row) != NULL ? profile_name(row) : "-";
    const struct vel_cert_verdict *verdict = &row->facts.close.verdict;
    char note[160];
    if (row->works) {
        print_works(to, row, profile);
        return;
    }
    snprintf(note, sizeof note, "%s%s%s", why_not(row), verdict->check != VEL_CERT_OK ? ": " : "",
             verdict->check != VEL_CERT_OK ? vel_cert_check_name(verdict->check) : "");
    fprintf(to, table_row, row->protocol, profile, row->version, "no", "-", "-", "-", "-", "-",
            note);
}

static void print_versions(FILE *to, const struct vel_probe *probe)
{
    size_t count;
    const uint32_t *versions = vel_probe_versions(probe, &count);
    fprintf(to, "Version Negotiation:");
    for (size_t i = 0; i < count; i++)
        fprintf(to, " %s (0x%08" PRIx32 ")", wire_version_name(versions[i]), versions[i]);
    fprintf(to, "%s\n", count == 0 ? " no answer" : "");
}

static void print_profiles(FILE *to, const struct vel_probe *probe)
{
    fprintf(to, "Profiles of Velocity/1:");
    size_t found = 0;
    for (size_t i = 0; i < VEL_PROBE_ROWS; i++) {
        const struct vel_probe_row *row = vel_probe_row(probe, i);
        if (row->works && profile_name(row) != NULL)
            found += fprintf(to, " %s", profile_name(row)) > 0;
    }
    fprintf(to, "%s\n", found == 0 ? " none" : "");
}

/* What the first answer that has an Alt-Svc says: all of a server's should agree. */
static void print_services(FILE *to, const struct vel_probe *probe)
{
    for (size_t i = 0; i < VEL_PROBE_ROWS; i++) {
        const struct vel_probe_row *row = vel_probe_row(probe, i);
        if (row->service_count == 0)
            continue;
        fprintf(to, "Alt-Svc (over %s):", row->protocol);
        for (size_t j = 0; j < row->service_count; j++)
            fprintf(to, " %s=%s:%u (%" PRId64 " s)", row->services[j].protocol,
                    row->services[j].host, row->services[j].port, row->services[j].max_age);
        fputc('\n', to);
        return;
    }
    fputs("Alt-Svc: none\n", to);
}

static void print_records(FILE *to, const struct vel_probe *probe)
{
    for (size_t i = 0; i < VEL_PROBE_ROWS; i++) {
        const struct vel_probe_row *row = vel_probe_row(probe, i);
        if (!was_asked_for_record(row) || row->record == VEL_RECORD_MISSING)
            continue;
        bool invalid = row->record == VEL_RECORD_INVALID;
        const char *says = row->record_reason == VEL_FALLBACK_NONE
                               ? "no reason against velocity/1"
                               : vel_fallback_name(row->record_reason);
        fprintf(to, "Fallback record over %s (%s): %s, %s\n", row->protocol, row->version,
                vel_guard_record_name(row->record),
                invalid ? vel_fallback_check_text(row->record_verdict.check) : says);
    }
}

void vel_probe_print(FILE *to, const char *url, const struct vel_probe *probe)
{
    fprintf(to, "%s\n\n", url);
    fprintf(to, table_row, "PROTOCOL", "PROFILE", "VERSION", "WORKS", "GROUP", "SUITE",
            "CERTIFICATE", "HANDSHAKE", "TRIPS", "NOTE");
    for (size_t i = 0; i < VEL_PROBE_ROWS; i++)
        print_row(to, vel_probe_row(probe, i));
    fputc('\n', to);
    print_versions(to, probe);
    print_profiles(to, probe);
    print_services(to, probe);
    print_records(to, probe);
}

/* ---- JSON ---- */

static json_t *text(const char *value)
{
    return value == NULL ? json_null() : json_string(value);
}

static json_t *count_of(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *certificate_of(const struct vel_probe_row *row)
{
    const struct vel_handshake_facts *hs = &row->facts.handshake;
    json_t *made = json_object();
    json_object_set_new(made, "kind", text(vel_attempt_certificate_kind(&row->facts)));
    json_object_set_new(made, "signature", text(hs->signature));
    json_object_set_new(made, "classical", text(hs->classical));
    json_object_set_new(made, "post_quantum", text(hs->post_quantum));
    json_object_set_new(made, "bytes", count_of(hs->peer_chain_bytes));
    json_object_set_new(made, "certificates", count_of(hs->peer_chain_count));
    return made;
}

static json_t *record_of(const struct vel_probe_row *row)
{
    if (!was_asked_for_record(row))
        return json_null();
    bool missing = row->record == VEL_RECORD_MISSING, invalid = row->record == VEL_RECORD_INVALID;
    json_t *made = json_object();
    json_object_set_new(made, "state", text(vel_guard_record_name(row->record)));
    json_object_set_new(made, "check",
                        missing ? json_null()
                                : text(vel_fallback_check_name(row->record_verdict.check)));
    json_object_set_new(made, "reason",
                        missing || invalid ? json_null()
                                           : text(vel_fallback_name(row->record_reason)));
    return made;
}

static json_t *services_of(const struct vel_probe_row *row)
{
    json_t *all = json_array();
    for (size_t i = 0; i < row->service_count; i++) {
        const struct vel_alt_svc *service = &row->services[i];
        json_t *made = json_object();
        json_object_set_new(made, "protocol", text(service->protocol));
        json_object_set_new(made, "host", text(service->host));
        json_object_set_new(made, "port", count_of(service->port));
        json_object_set_new(made, "max_age_s", json_integer(service->max_age));
        json_array_append_new(all, made);
    }
    return all;
}

static void add_connection(json_t *made, const struct vel_probe_row *row)
{
    const struct vel_handshake_facts *hs = &row->facts.handshake;
    const struct vel_conn_stats *stats = &row->facts.stats;
    char remote[VEL_ADDR_TEXT];
    json_object_set_new(made, "remote", text(vel_addr_text(&row->facts.remote, remote)));
    json_object_set_new(made, "group", text(hs->group));
    json_object_set_new(made, "suite", text(hs->suite));
    json_object_set_new(made, "certificate", certificate_of(row));
    json_object_set_new(made, "handshake_ms",
                        json_real((double)(stats->handshake_time / US) / 1000.0));
    json_object_set_new(made, "round_trips",
                        stats->handshake_round_trips > 0 ? count_of(stats->handshake_round_trips)
                                                         : json_null());
    json_object_set_new(made, "status", row->status > 0 ? count_of(row->status) : json_null());
    json_object_set_new(made, "server", row->server[0] != '\0' ? text(row->server) : json_null());
    json_object_set_new(made, "alt_svc", services_of(row));
    json_object_set_new(made, "fallback_record", record_of(row));
}

static json_t *json_of_row(const struct vel_probe_row *row)
{
    const struct vel_cert_verdict *verdict = &row->facts.close.verdict;
    json_t *made = json_object();
    json_object_set_new(made, "protocol", text(row->protocol));
    json_object_set_new(made, "profile", text(profile_name(row)));
    json_object_set_new(made, "version", text(row->version));
    json_object_set_new(made, "works", json_boolean(row->works));
    json_object_set_new(made, "reason", text(why_not(row)));
    json_object_set_new(made, "check",
                        !row->works && verdict->check != VEL_CERT_OK
                            ? text(vel_cert_check_name(verdict->check))
                            : json_null());
    if (row->works)
        add_connection(made, row);
    return made;
}

static json_t *json_of_versions(const struct vel_probe *probe)
{
    size_t count;
    const uint32_t *versions = vel_probe_versions(probe, &count);
    json_t *all = json_array();
    for (size_t i = 0; i < count; i++) {
        char number[16];
        json_t *made = json_object();
        snprintf(number, sizeof number, "0x%08" PRIx32, versions[i]);
        json_object_set_new(made, "wire_version", text(number));
        json_object_set_new(made, "name", text(wire_version_name(versions[i])));
        json_array_append_new(all, made);
    }
    return all;
}

void vel_probe_print_json(FILE *to, const char *url, const struct vel_probe *probe)
{
    json_t *root = json_object(), *protocols = json_array();
    for (size_t i = 0; i < VEL_PROBE_ROWS; i++)
        json_array_append_new(protocols, json_of_row(vel_probe_row(probe, i)));
    json_object_set_new(root, "url", text(url));
    json_object_set_new(root, "answered", json_boolean(vel_probe_answered(probe)));
    json_object_set_new(root, "version_negotiation", json_of_versions(probe));
    json_object_set_new(root, "protocols", protocols);
    json_dumpf(root, to, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    fputc('\n', to);
    json_decref(root);
}
