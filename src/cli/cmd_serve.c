/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/units.h"
#include "cli/cmd.h"
#include "cli/serve.h"
#include "velocity/steering.h"

enum { PIN_MAX_DAYS = 30 };

/* --velocity: whether it is served, and if not, why. */
static enum vel_err parse_velocity(const struct vel_option *option, const char *value, void *field)
{
    static const struct {
        const char *name;
        enum vel_fallback reason;
    } rows[] = {{"on", VEL_FALLBACK_NONE},
                {"off", VEL_FALLBACK_POLICY_DISABLED},
                {"maintenance", VEL_FALLBACK_MAINTENANCE_WINDOW}};
    (void)option;
    for (size_t i = 0; i < VEL_COUNT(rows); i++)
        if (strcmp(rows[i].name, value) == 0) {
            *(enum vel_fallback *)field = rows[i].reason;
            return VEL_OK;
        }
    return VEL_ERR_ARGUMENT;
}

/* --client-auth */
static enum vel_err parse_client_auth(const struct vel_option *option, const char *value,
                                      void *field)
{
    static const char *const names[] = {[VEL_CLIENT_AUTH_NONE] = "none",
                                        [VEL_CLIENT_AUTH_REQUEST] = "request",
                                        [VEL_CLIENT_AUTH_REQUIRE] = "require"};
    (void)option;
    for (size_t i = 0; i < VEL_COUNT(names); i++)
        if (strcmp(names[i], value) == 0) {
            *(enum vel_client_auth *)field = (enum vel_client_auth)i;
            return VEL_OK;
        }
    return VEL_ERR_ARGUMENT;
}

/* --pin-max-age: a span, or "none" for no pin at all, which is something else than 0. */
static enum vel_err parse_pin(const struct vel_option *option, const char *value, void *field)
{
    if (strcmp(value, "none") != 0)
        return vel_parse_span(option, value, field);
    *(vel_time *)field = -1;
    return VEL_OK;
}

/* --workers: a number, or "auto", which is 0. */
static enum vel_err parse_workers(const struct vel_option *option, const char *value, void *field)
{
    if (strcmp(value, "auto") != 0)
        return vel_parse_number(option, value, field);
    *(int64_t *)field = 0;
    return VEL_OK;
}

#define FIELD(name) offsetof(struct vel_serve_settings, name)
static const struct vel_option serve_options[] = {
    {"root", 'r', vel_parse_text, FIELD(root), "FOLDER", NULL, 1, 4095,
     "folder to serve (required)"},
    {"listen", 'l', vel_parse_text, FIELD(listen), "ADDRESS:PORT", "[::]:4433", 1, 128,
     "address to serve on, UDP and TCP; [::] serves IPv4 as well, port 0 takes any"},
    {"preferred-address", 0, vel_parse_texts, FIELD(preferred), "ADDRESS:PORT", NULL, 1, 128,
     "where clients are asked to go on once they are connected over UDP, an address of this machine; "
     "may be given for IPv4 and for IPv6"},
    {"http", 0, vel_parse_text, FIELD(http), "ADDRESS:PORT", NULL, 1, 128,
     "plain HTTP as well: on a loopback address the site, elsewhere a redirection to https"},
    {"cert", 0, vel_parse_text, FIELD(cert), "FILE", NULL, 1, 1023,
     "hybrid certificate chain in PEM; without it a self-signed one is made"},
    {"key", 0, vel_parse_text, FIELD(key), "FILE", NULL, 1, 1023,
     "both private keys of --cert in PEM"},
    {"tls-cert", 0, vel_parse_text, FIELD(tls_cert), "FILE", NULL, 1, 1023,
     "ordinary certificate chain in PEM for TLS clients, in front of --cert; RSA, P-256, P-384 or "
     "Ed25519"},
    {"tls-key", 0, vel_parse_text, FIELD(tls_key), "FILE", NULL, 1, 1023,
     "private key of --tls-cert in PEM: PRIVATE KEY, EC PRIVATE KEY or RSA PRIVATE KEY, not encrypted"},
    {"client-auth", 0, parse_client_auth, FIELD(client_auth), "none|request|require", "none", 0, 0,
     "whether clients are asked for a certificate, or must have one; one that --client-ca does not lead "
     "to is refused in both cases. Over velocity/1 it must be hybrid"},
    {"client-ca", 0, vel_parse_text, FIELD(client_ca), "FILE", NULL, 1, 1023,
     "certificates in PEM that those of clients must lead to"},
    {"profile", 'p', vel_parse_profiles, FIELD(profiles), "LIST", NULL, 0, 0,
     "profiles to permit, of light, balanced and secure; without it, all that the certificate allows"},
    {"index", 0, vel_parse_text, FIELD(index), "NAME", "index.html", 1, 255,
     "file that answers for a folder"},
    {"cache-control", 0, vel_parse_text, FIELD(cache_control), "VALUE", NULL, 1, 255,
     "Cache-Control field of successful answers"},
    {"velocity", 0, parse_velocity, FIELD(velocity), "on|off|maintenance", "on", 0, 0,
     "whether velocity/1 is served; if not, the fallback record says why"},
    {"pin-max-age", 0, parse_pin, FIELD(pin_max_age), "TIME|none", "none", 0,
     PIN_MAX_DAYS * 24 * 3600 * SECOND,
     "ask clients of velocity/1 to expect it, or a fallback record, for this long, 720h at most; 0: "
     "to forget that. Be sure to serve the record for as long"},
    {"congestion", 0, vel_parse_congestion, FIELD(congestion), "NAME", "cubic", 0, 0,
     "congestion control of UDP connections: cubic, newreno or bbr"},
    {"paths", 0, vel_parse_number, FIELD(paths), "NUMBER", "1", 1, VEL_PATHS_OPEN_MAX,
     "paths that a UDP client may use at a time (multipath), 8 at most, which cost 4 kB each in a connection with a "
     "client that speaks it, used or not; 1: no multipath"},
    {"scheduler", 0, vel_parse_scheduler, FIELD(scheduler), "NAME", "lowest-latency", 0, 0,
     "which of several paths carries what we send: lowest-latency, best-path, round-robin, "
     "weighted-round-robin or redundant"},
    {"idle-timeout", 0, vel_parse_span, FIELD(idle_timeout), "TIME", "30s", 1 * SECOND,
     3600 * SECOND, "close a silent connection after this"},
    {"workers", 'w', parse_workers, FIELD(workers), "NUMBER|auto", "auto", 1, VEL_WORKERS_MAX,
     "processes that share the port; auto: one for each processor that the server may use"},
    {"max-connections", 0, vel_parse_number, FIELD(max_connections), "NUMBER", "65536", 1, 1 << 20,
     "refuse new clients beyond this many, on UDP and on TCP"},
    {"max-per-address", 0, vel_parse_number, FIELD(max_per_address), "NUMBER", "1024", 1, 1 << 20,
     "refuse new TCP connections of a client address (in IPv6, of its first 56 bits) beyond this many. Each of "
     "several workers admits its part of the number, rounded up, of those that the kernel happens to give it: "
     "so an address may be refused somewhat earlier, and have one more for each worker but one at most"},
    {"grace", 0, vel_parse_span, FIELD(grace), "TIME", "10s", 0, 3600 * SECOND,
     "let running requests finish for this long at the end"},
    {"state", 0, vel_parse_text, FIELD(state), "FOLDER", NULL, 1, 900,
     "where self-signed certificates are kept (default: $XDG_STATE_HOME/velocity, or "
     "~/.local/state/velocity)"},
    {"qlog-dir", 0, vel_parse_text, FIELD(qlog_dir), "FOLDER", NULL, 1, 900,
     "write a trace of each UDP connection to FOLDER (qlog 0.3, opens in qvis): 64 MiB a file, 256 "
     "files, 128 connections of a worker at a time, then no more; nobody else may write to it"},
    {"retry", 0, vel_parse_flag, FIELD(retry), NULL, NULL, 0, 0,
     "let every UDP client prove its address before anything is done for it, at the price of a round "
     "trip; without it, only under load"},
    {"log-connections", 0, vel_parse_flag, FIELD(log_connections), NULL, NULL, 0, 0,
     "log each connection when it ends, as a JSON object on a line: what it carried, losses and "
     "round trips, and why it ended"},
    {"log-addresses", 0, vel_parse_flag, FIELD(log_addresses), NULL, NULL, 0, 0,
     "log addresses and ports of clients; without it a hash of the address, whose salt is drawn at the "
     "start of the server and kept by nobody"},
    {"quiet", 'q', vel_parse_flag, FIELD(quiet), NULL, NULL, 0, 0, "do not log requests"},
};

static int run_serve(const struct vel_call *call)
{
    const struct vel_serve_settings *settings = call->settings;
    if (settings->root == NULL) {
        vel_fail(call, "say which folder to serve: --root FOLDER");
        return VEL_STATUS_USAGE;
    }
    if ((settings->cert == NULL) != (settings->key == NULL)) {
        vel_fail(call, "--cert and --key go together");
        return VEL_STATUS_USAGE;
    }
    if ((settings->tls_cert == NULL) != (settings->tls_key == NULL)) {
        vel_fail(call, "--tls-cert and --tls-key go together");
        return VEL_STATUS_USAGE;
    }
    if ((settings->client_auth == VEL_CLIENT_AUTH_NONE) != (settings->client_ca == NULL)) {
        vel_fail(call, "--client-auth and --client-ca go together");
        return VEL_STATUS_USAGE;
    }
    if (settings->client_auth == VEL_CLIENT_AUTH_REQUIRE && settings->http != NULL) {
        vel_fail(call, "--http asks nobody for a certificate: not with --client-auth require");
        return VEL_STATUS_USAGE;
    }
    return vel_serve(call, settings);
}

const struct vel_command vel_cmd_serve = {
    .name = "serve",
    .arguments = "",
    .summary = "Serve a folder as a web site over velocity/1 and every version of HTTP",
    .description =
        "The UDP port speaks velocity/1 and, for everybody else, HTTP/3 over QUIC v1 and v2; the TCP "
        "port of the same number HTTP/2 and HTTP/1.1 over TLS 1.3, with an Alt-Svc that leads to UDP. "
        "For TLS the classical half of the hybrid certificate is an ordinary certificate; --tls-cert "
        "puts another in front of it.\n\n"
        "Without --cert a self-signed hybrid certificate is made for localhost, 127.0.0.1, ::1 and "
        "the name of this machine. It is kept in the state folder and used again while it is valid.\n\n"
        "Every request is a line on the standard output: time, client (as --log-addresses says), request, status, bytes of "
        "body, duration, protocol. So is a handshake that failed, with the reason. With --log-connections "
        "so is a connection when it ends.\n\n"
        "A client has 10 s for the head of a request; while it owes bytes of a request's body it has 30 s in "
        "hand, and gets one back for each 256 bytes. What is slower is cut off.\n\n"
        "Each worker has connections of its own, and keeps those that move to another address. One that "
        "dies is replaced, and the others do not notice; its clients are told to connect again. One "
        "that gets SIGTERM by itself finishes what it has, and is replaced. Each "
        "admits its share of --max-connections and --max-per-address. At the end a line tells what "
        "each has done: connections, requests, bytes, resets, datagrams that the kernel dropped, probe time-outs "
        "(a client was silent for longer than was to be expected), time of the processor.\n\n"
        "With SSLKEYLOGFILE in the environment the secrets of connections are added to the file that it "
        "names, for reading captures, and a warning says so.\n\n"
        "SIGINT or SIGTERM ends the server: it accepts nothing new, finishes what is running for at "
        "most --grace, and exits with status 0. A second signal ends it at once, "
        "a third one workers that do not even do that.",
    .options = serve_options,
    .option_count = VEL_COUNT(serve_options),
    .settings_size = sizeof(struct vel_serve_settings),
    .run = run_serve,
};
