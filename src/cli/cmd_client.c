/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "cli/cmd.h"
#include "cli/get.h"
#include "client/exit.h"

enum { HOUR = 3600 };

#define FIELD(name) offsetof(struct vel_get_settings, name)
static const struct vel_option get_options[] = {
    {"alpn", 0, vel_parse_alpn, FIELD(alpn), "LIST", "velocity/1,h3,h2,http/1.1", 0, 0,
     "protocols to allow; the ladder goes down in this order: velocity/1, h3, then TCP"},
    {"no-fallback", 0, vel_parse_flag, FIELD(no_fallback), NULL, NULL, 0, 0,
     "use the best of the allowed protocols or none"},
    {"no-state", 0, vel_parse_flag, FIELD(no_state), NULL, NULL, 0, 0,
     "neither use nor change what the ladder remembers of servers; pins stay in force"},
    {"cacert", 0, vel_parse_text, FIELD(cacert), "FILE", NULL, 1, 4095,
     "certificates to trust, in PEM: hybrid ones for velocity/1; for the others they stand in the "
     "place of the system's"},
    {"cert", 'E', vel_parse_text, FIELD(cert), "FILE", NULL, 1, 1023,
     "our own certificate chain in PEM, for servers that ask for one; velocity/1 needs a hybrid one"},
    {"key", 0, vel_parse_text, FIELD(key), "FILE", NULL, 1, 1023, "private keys of --cert in PEM"},
    {"insecure", 'k', vel_parse_flag, FIELD(insecure), NULL, NULL, 0, 0,
     "accept any issuer and name; the signatures of the handshake are still checked"},
    {"pins", 0, vel_parse_text, FIELD(pins), "FILE", NULL, 1, 1023,
     "where continuity pins are kept: servers that must prove themselves as velocity/1 does "
     "(default: $XDG_STATE_HOME/velocity/pins, or ~/.local/state/velocity/pins)"},
    {"output", 'o', vel_parse_text, FIELD(output), "FILE", NULL, 1, 4095,
     "write the body to FILE; - is the standard output"},
    {"output-dir", 0, vel_parse_text, FIELD(output_dir), "FOLDER", NULL, 1, 2048,
     "write each body to a file under FOLDER, named by the path of its URL"},
    {"head", 'I', vel_parse_flag, FIELD(head), NULL, NULL, 0, 0,
     "ask for the header only, and print it"},
    {"request", 'X', vel_parse_text, FIELD(request), "METHOD", NULL, 1, 32,
     "request method, instead of GET, HEAD or POST"},
    {"data", 'd', vel_parse_texts, FIELD(data), "DATA", NULL, 0, 0,
     "body to send with POST; @FILE reads a file, @- the standard input; repeated ones are joined "
     "with &"},
    {"header", 'H', vel_parse_texts, FIELD(headers), "LINE", NULL, 0, 0,
     "header field to send, 'Name: value'; may be repeated"},
    {"profile", 'p', vel_parse_profiles, FIELD(profiles), "LIST", "balanced", 0, 0,
     "profiles to offer, of light, balanced and secure, best first"},
    {"congestion", 0, vel_parse_congestion, FIELD(congestion), "NAME", "cubic", 0, 0,
     "congestion control of what is sent over UDP: cubic, newreno or bbr"},
    {"local", 0, vel_parse_locals, FIELD(locals), "ADDRESS", NULL, 0, 0,
     "address of ours to use over UDP, and no other: without one that is there and of the server's family "
     "it fails; given again, up to four times, each is a path of its own, and all are used at a time if "
     "the server takes them (serve --paths)"},
    {"scheduler", 0, vel_parse_scheduler, FIELD(scheduler), "NAME", "lowest-latency", 0, 0,
     "which of several paths carries what we send: lowest-latency, best-path, round-robin, "
     "weighted-round-robin or redundant"},
    {"tls13-ciphers", 0, vel_parse_text, FIELD(tls13_ciphers), "LIST", NULL, 1, 255,
     "cipher suites to offer below velocity/1, in OpenSSL's names, separated by colons"},
    {"key-update", 0, vel_parse_span, FIELD(key_update), "TIME", "0", 0, HOUR *SECOND,
     "replace the packet keys so long after the handshake; 0: when they have served long enough"},
    {"migrate", 0, vel_parse_span, FIELD(migrate), "TIME", "0", 0, HOUR *SECOND,
     "go on from another port of ours so long after the handshake, if the server permits it; over "
     "UDP only; 0: stay"},
    {"location", 'L', vel_parse_flag, FIELD(location), NULL, NULL, 0, 0,
     "follow redirections; to another server go only accept, cache-control, content-type, range "
     "and user-agent of the header"},
    {"max-redirs", 0, vel_parse_number, FIELD(max_redirs), "NUMBER", "30", -1, 1000,
     "follow so many at most; -1: any number"},
    {"fail", 'f', vel_parse_flag, FIELD(fail), NULL, NULL, 0, 0,
     "an answer of 400 and above is a failure, and its body is not written"},
    {"verbose", 'v', vel_parse_flag, FIELD(verbose), NULL, NULL, 0, 0,
     "tell on stderr what is negotiated, sent and received"},
    {"json", 0, vel_parse_flag, FIELD(json), NULL, NULL, 0, 0,
     "print the facts as a JSON object instead of the body; with --output - to stderr, beside it"},
    {"progress", '#', vel_parse_flag, FIELD(progress), NULL, NULL, 0, 0,
     "show a progress bar at once; by default it appears on a terminal when a transfer to a file "
     "takes long"},
    {"qlog-dir", 0, vel_parse_text, FIELD(qlog_dir), "FOLDER", NULL, 1, 900,
     "write a trace of each UDP connection to FOLDER (qlog 0.3, opens in qvis); nobody else may "
     "write to it"},
    {"connect-timeout", 0, vel_parse_span, FIELD(connect_timeout), "TIME", "10s", 0, HOUR *SECOND,
     "give up when not connected after this; 0: never"},
    {"max-time", 'm', vel_parse_span, FIELD(max_time), "TIME", "0", 0, 24 * HOUR *SECOND,
     "give up when not finished after this; 0: never"},
};

#define ROW(name, number, label, text) {number, text},
static const struct vel_exit_row get_exits[] = {VEL_EXIT_MAP(ROW){0, NULL}};
#undef ROW

static int run_get(const struct vel_call *call)
{
    return vel_get(call, call->settings);
}

const struct vel_command vel_cmd_client_get = {
    .name = "client get",
    .arguments = "URL...",
    .summary = "Fetch URLs of one server over one connection",
    .description =
        "Options and exit statuses follow curl. Several URLs of the same server are fetched in "
        "parallel over one connection. When the server closes it after some answers, a GET or HEAD that "
        "got none is asked again on the next one.\n\n"
        "The server is reached by a ladder: velocity/1 over UDP, HTTP/3 over QUIC on the same port, "
        "HTTP/2 or HTTP/1.1 over TLS on the TCP port of the same number. The next one is tried "
        "when the one above does not answer within 250 ms, or at once when it fails for one of "
        "these reasons: no_hybrid_cert, policy_disabled, client_profile_unsupported, "
        "maintenance_window, version_negotiation, udp_blocked, timeout. A refused certificate or a "
        "detected downgrade ends the search. A rung that failed is not tried first again before a "
        "cool-down is over.\n\n"
        "For velocity/1 the server must show a hybrid certificate that leads to one of --cacert, "
        "with a classical and a post-quantum signature at every step; both signatures of the "
        "handshake are always checked.\n\n"
        "Over UDP the client goes on at the address that the server prefers, unless it is nearer to the "
        "client than the server is: loopback, or the private address of a public server.\n\n"
        "With several --local addresses a download goes on when one of their networks fails. Packets leave "
        "by the interface that the system's routing rules give to their source address; a host with two "
        "networks needs a rule for each (ip rule add from ADDRESS table NUMBER).\n\n"
        "With SSLKEYLOGFILE in the environment the secrets of connections are added to the file that it "
        "names, for reading captures, and a warning says so.",
    .options = get_options,
    .option_count = VEL_COUNT(get_options),
    .settings_size = sizeof(struct vel_get_settings),
    .min_arguments = 1,
    .max_arguments = 1 << 20,
    .exits = get_exits,
    .run = run_get,
};
