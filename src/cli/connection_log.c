/* SPDX-License-Identifier: MIT */
#include "cli/connection_log.h"

#include "qlog/json.h"
#include "sys/address.h"

enum { LINE_MAX = 4000 }; /* under 4,096 bytes, as in request_log.c */

static void put_close(struct vel_json *j, const struct vel_close *close)
{
    static const char *const origins[] = {[VEL_CLOSE_LOCAL] = "server",
                                          [VEL_CLOSE_PEER] = "client",
                                          [VEL_CLOSE_IDLE] = "idle",
                                          [VEL_CLOSE_TIMEOUT] = "timeout",
                                          [VEL_CLOSE_VERSION] = "version"};
    vel_json_word(j, "closed_by", origins[close->origin]);
    vel_json_word(j, "code_of", close->application ? "application" : "transport");
    vel_json_uint(j, "code", close->code);
    vel_json_word(j, "reason", close->reason);
}

/* Why, on TCP, where closing has neither code nor words. */
static void put_end(struct vel_json *j, const struct vel_web_connection *connection)
{
    if (connection->close != NULL)
        put_close(j, connection->close);
    else
        vel_json_word(j, "closed_by", connection->ended != NULL ? connection->ended : "server");
}

static void put_stats(struct vel_json *j, const struct vel_conn_stats *stats)
{
    vel_json_uint(j, "datagrams_sent", stats->datagrams_sent);
    vel_json_uint(j, "datagrams_received", stats->datagrams_received);
    vel_json_uint(j, "bytes_sent", stats->bytes_sent);
    vel_json_uint(j, "bytes_received", stats->bytes_received);
    vel_json_uint(j, "packets_sent", stats->packets_sent);
    vel_json_uint(j, "packets_received", stats->packets_received);
    vel_json_uint(j, "packets_lost", stats->packets_lost);
    vel_json_uint(j, "packets_spurious", stats->packets_spurious);
    vel_json_uint(j, "packets_dropped", stats->packets_dropped);
    vel_json_uint(j, "probe_timeouts", stats->pto_count);
    vel_json_uint(j, "ecn_ce", stats->ecn_ce);
    vel_json_uint(j, "streams", stats->streams_opened + stats->streams_accepted);
    vel_json_uint(j, "paths", stats->paths);
    vel_json_uint(j, "path_changes", stats->path_changes);
    vel_json_uint(j, "mtu", stats->mtu);
    vel_json_uint(j, "congestion_window", stats->congestion_window);
    vel_json_ms(j, "smoothed_rtt_ms", stats->smoothed_rtt);
    vel_json_ms(j, "min_rtt_ms", stats->min_rtt);
    vel_json_ms(j, "handshake_ms", stats->handshake_time);
}

void vel_connection_log(FILE *to, const char *stamp, const struct vel_log_address *how,
                        const struct vel_web_connection *connection)
{
    char line[LINE_MAX], remote[VEL_ADDR_TEXT];
    struct vel_json j = vel_json(line, sizeof line);
    vel_json_open(&j, NULL, '{');
    vel_json_word(&j, "time", stamp);
    vel_json_word(&j, "event", "connection-closed");
    vel_json_word(&j, "remote", vel_log_address(how, &connection->remote, remote));
    vel_json_text(&j, "protocol", connection->protocol);
    vel_json_ms(&j, "duration_ms", connection->duration);
    vel_json_uint(&j, "requests", connection->tally.requests);
    vel_json_uint(&j, "body_bytes", connection->tally.body_bytes);
    put_end(&j, connection);
    if (connection->stats != NULL)
        put_stats(&j, connection->stats);
    vel_json_close(&j, '}');
    if (vel_write_ok(&j.w))
        fprintf(to, "%.*s\n", (int)vel_written(&j.w), line);
}
