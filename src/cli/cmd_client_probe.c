/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "cli/cmd.h"
#include "cli/probe.h"
#include "client/exit.h"

#define FIELD(name) offsetof(struct vel_probe_settings, name)
static const struct vel_option probe_options[] = {
    {"cacert", 0, vel_parse_text, FIELD(cacert), "FILE", NULL, 1, 4095,
     "certificates to trust, in PEM: hybrid ones for velocity/1; for the others they stand in the "
     "place of the system's"},
    {"insecure", 'k', vel_parse_flag, FIELD(insecure), NULL, NULL, 0, 0,
     "accept any issuer and name; fallback records are not asked for then"},
    {"json", 0, vel_parse_flag, FIELD(json), NULL, NULL, 0, 0,
     "print a JSON object instead of a table"},
    {"timeout", 0, vel_parse_span, FIELD(timeout), "TIME", "5s", MS, 3600 * SECOND,
     "how long to wait for the slowest answer"},
};

static const struct vel_exit_row probe_exits[] = {
    {VEL_EXIT_OK, "something answered"},
    {VEL_EXIT_USAGE, "unknown option or wrong value"},
    {VEL_EXIT_URL, "the URL does not parse"},
    {VEL_EXIT_RESOLVE, "the host name could not be resolved"},
    {VEL_EXIT_CONNECT, "nobody listens there"},
    {VEL_EXIT_MEMORY, "out of memory"},
    {VEL_EXIT_TIMEOUT, "no answer in time"},
    {VEL_EXIT_CA_FILE, "the file of trusted certificates could not be read"},
    {0, NULL},
};

static int run_probe(const struct vel_call *call)
{
    return vel_probe_run(call, call->settings);
}

const struct vel_command vel_cmd_client_probe = {
    .name = "client probe",
    .arguments = "URL",
    .summary = "Tell what a server offers",
    .description =
        "Tries velocity/1 with each profile, HTTP/3 over QUIC v1 and v2, HTTP/2 and HTTP/1.1 over "
        "TLS 1.3, each on a connection of its own and all at the same time, and asks for Version "
        "Negotiation with a reserved version. Over each connection goes one HEAD request for the "
        "URL; below velocity/1 the fallback record is asked for and checked.\n\n"
        "A certificate that is not trusted makes its row fail: name its issuer with --cacert, or "
        "look at it with --insecure.",
    .options = probe_options,
    .option_count = VEL_COUNT(probe_options),
    .settings_size = sizeof(struct vel_probe_settings),
    .min_arguments = 1,
    .max_arguments = 1,
    .exits = probe_exits,
    .run = run_probe,
};
