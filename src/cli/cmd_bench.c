/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/try.h"
#include "base/units.h"
#include "cli/bench_url.h"
#include "cli/cmd.h"

/* --loss: percent of the datagrams, kept as parts of a million. */
static enum vel_err parse_percent(const struct vel_option *option, const char *value, void *field)
{
    char *end;
    size_t length = strspn(value, "0123456789.");
    double percent = strtod(value, &end);
    REQUIRE(length > 0 && length <= 15 && end == value + length, VEL_ERR_ARGUMENT);
    REQUIRE(strcmp(end, "") == 0 || strcmp(end, "%") == 0, VEL_ERR_ARGUMENT);
    REQUIRE(percent * 1e4 <= (double)option->high, VEL_ERR_ARGUMENT);
    *(int64_t *)field = (int64_t)(percent * 1e4);
    return VEL_OK;
}

/* --rate: megabits a second, kept as bits. */
static enum vel_err parse_rate(const struct vel_option *option, const char *value, void *field)
{
    int64_t megabits;
    TRY(vel_parse_number(option, value, &megabits));
    *(int64_t *)field = megabits * 1000 * 1000;
    return VEL_OK;
}

#define FIELD(name) offsetof(struct vel_bench_settings, name)
static const struct vel_option bench_options[] = {
    {"loss", 0, parse_percent, FIELD(network.loss), "PERCENT", "0", 0, 500 * 1000,
     "lose so many datagrams of a hundred in each direction, 50 at most"},
    {"delay", 0, vel_parse_span, FIELD(network.delay), "TIME", "0", 0, 5 * SECOND,
     "carry datagrams for so long, in each direction"},
    {"rate", 0, parse_rate, FIELD(network.rate), "MBIT", "0", 0, 100 * 1000,
     "carry so many megabits a second in each direction; 0: no limit"},
    {"seed", 0, vel_parse_number, FIELD(network.seed), "NUMBER", "1", 0, INT32_MAX,
     "which datagrams are lost"},
    {"congestion", 0, vel_parse_congestion, FIELD(congestion), "NAME", "cubic", 0, 0,
     "congestion control of both ends: cubic, newreno or bbr"},
    {"profile", 'p', vel_parse_profile, FIELD(profile), "NAME", "balanced", 0, 0,
     "light, balanced or secure"},
    {"time", 0, vel_parse_span, FIELD(time), "TIME", "400ms", 10 * MS, 600 * SECOND,
     "how long a round takes, about"},
    {"rounds", 0, vel_parse_number, FIELD(rounds), "NUMBER", "3", 1, BENCH_SAMPLES,
     "rounds of each test"},
    {"streams", 0, vel_parse_number, FIELD(streams), "NUMBER", "100", 1, 10000,
     "streams at once in the test of many; not of a URL"},
    {"connections", 0, vel_parse_number, FIELD(connections), "NUMBER", "1000", 1, 100000,
     "idle connections at once; not of a URL"},
    {"alpn", 0, vel_parse_alpn, FIELD(alpn), "LIST", "velocity/1,h3,h2,http/1.1", 0, 0,
     "of a URL: protocols to allow, as client get has them"},
    {"cacert", 0, vel_parse_text, FIELD(cacert), "FILE", NULL, 1, 4095,
     "of a URL: certificates to trust, as client get has them"},
    {"insecure", 'k', vel_parse_flag, FIELD(insecure), NULL, NULL, 0, 0,
     "of a URL: accept any issuer and name"},
    {"json", 0, vel_parse_flag, FIELD(json), NULL, NULL, 0, 0,
     "print a JSON object instead of a table"},
};

/* The URL to measure, which comes first; NULL: ourselves. */
static const char *url_of(const struct vel_call *call)
{
    bool first = call->argument_count > 0 && strstr(call->arguments[0], "://") != NULL;
    return first ? call->arguments[0] : NULL;
}

static bool has_test(const char *url, const char *name)
{
    return url == NULL || vel_bench_url_has(name);
}

/* Options that say nothing of the other kind of run: who gives one there expects something. */
static const struct {
    const char *name;
    bool of_url;
} apart[] = {
    {"loss", false}, {"delay", false},   {"rate", false},
    {"seed", false}, {"streams", false}, {"connections", false},
    {"alpn", true},  {"cacert", true},   {"insecure", true},
};

static bool was_given(const struct vel_call *call, const char *name)
{
    size_t at = 0;
    while (at < VEL_COUNT(bench_options) && strcmp(bench_options[at].name, name) != 0)
        at++;
    return at < VEL_COUNT(bench_options) && call->given[at];
}

static bool options_fit(const struct vel_call *call, bool is_url)
{
    for (size_t i = 0; i < VEL_COUNT(apart); i++) {
        if (apart[i].of_url == is_url || !was_given(call, apart[i].name))
            continue;
        vel_fail(call, "--%s is of %s", apart[i].name,
                 is_url ? "the test against itself, not of a URL" : "a URL, and none is given");
        return false;
    }
    return true;
}

/* Which tests are asked for: all that there are without a name. */
static bool choose(const struct vel_call *call, bool wanted[BENCH_TESTS])
{
    const char *url = url_of(call);
    size_t names = url != NULL ? 1 : 0;
    for (size_t i = 0; i < BENCH_TESTS; i++)
        wanted[i] = call->argument_count == names && has_test(url, vel_bench_test_name(i));
    for (size_t i = names; i < call->argument_count; i++) {
        size_t at = 0;
        while (at < BENCH_TESTS && strcmp(vel_bench_test_name(at), call->arguments[i]) != 0)
            at++;
        if (at == BENCH_TESTS || !has_test(url, call->arguments[i])) {
            vel_fail(call, "no such test%s: %s", url != NULL ? " of a URL" : "",
                     call->arguments[i]);
            return false;
        }
        wanted[at] = true;
    }
    return true;
}

static void configure(const struct vel_bench_settings *settings, struct vel_config *config)
{
    config->congestion = settings->congestion;
    config->limits.max_datagram_frame_size = 65535;
    config->limits.idle_timeout = 0;
    config->limits.max_streams_bidi =
        VEL_MAX(config->limits.max_streams_bidi, (uint64_t)settings->streams + 1);
    config->limits.handshake_timeout = 60 * SECOND;
}

static void report(const struct vel_bench_settings *settings,
                   const struct vel_bench_subject *subject, struct vel_bench_row *rows,
                   size_t count)
{
    (settings->json ? vel_bench_report_json : vel_bench_report_text)(settings, subject, rows,
                                                                     count);
}

static int bench_url(const struct vel_call *call, const char *url, const bool wanted[BENCH_TESTS])
{
    const struct vel_bench_settings *settings = call->settings;
    struct vel_bench_row rows[BENCH_TESTS];
    struct vel_attempt_facts facts;
    struct vel_bench_site site;
    size_t count = 0;
    uint64_t refused = 0;
    enum vel_err err = vel_bench_site_open(&site, call->env, settings, url);
    if (err == VEL_OK)
        err = vel_bench_url(&site, wanted, rows, &count, &facts);
    int status = VEL_STATUS_OK;
    if (err != VEL_OK) {
        status = vel_fail(call, "%s", site.message);
    } else {
        const struct vel_bench_subject subject = {.url = url,
                                                  .protocol = vel_attempt_protocol(&facts),
                                                  .version = vel_attempt_version_name(&facts)};
        report(settings, &subject, rows, count);
        for (size_t i = 0; i < count; i++)
            refused += rows[i].refused;
    }
    if (refused > 0)
        status = vel_fail(call, "the server refused or cut off %" PRIu64 " requests", refused);
    vel_bench_site_clear(&site);
    return status;
}

static int bench_ourselves(const struct vel_call *call, const bool wanted[BENCH_TESTS])
{
    const struct vel_bench_settings *settings = call->settings;
    struct vel_bench_row rows[BENCH_TESTS];
    struct vel_bench_party party;
    vel_bench_party_init(&party, settings->profile);
    configure(settings, &party.server);
    configure(settings, &party.client);
    struct vel_bench_node node = {.party = &party}, relay = {.party = &party};
    int server_child, relay_child = 0;
    vel_bench_fork(&node, vel_bench_server, &server_child);
    struct vel_addr remote = vel_bench_hear_address(&node);
    if (vel_bench_is_impaired(&settings->network))
        vel_bench_relay_start(&relay, &settings->network, &remote, &remote, &relay_child);
    size_t count = vel_bench_tests(&node, settings, &remote, wanted, rows);
    if (relay_child != 0)
        vel_bench_join(&relay, relay_child);
    vel_bench_join(&node, server_child);
    vel_bench_party_clear(&party);
    report(settings, NULL, rows, count);
    return VEL_STATUS_OK;
}

static int run_bench(const struct vel_call *call)
{
    bool wanted[BENCH_TESTS];
    const char *url = url_of(call);
    if (!options_fit(call, url != NULL) || !choose(call, wanted))
        return VEL_STATUS_USAGE;
    return url != NULL ? bench_url(call, url, wanted) : bench_ourselves(call, wanted);
}

const struct vel_command vel_cmd_bench = {
    .name = "bench",
    .arguments = "[URL] [TEST...]",
    .summary = "Measure the transport on this machine, or a server",
    .description =
        "A client and a server process talk Velocity/1 over loopback, each on a core of its own "
        "when there are two. The tests are download, upload, streams, datagrams, requests, latency, "
        "handshakes and idle; all of them by default, in about 20 seconds.\n\n"
        "Minimum, median and maximum are of the rounds; the CPU time is the median of each side, "
        "the kernel's part included. Figures compare with nothing but figures of the same machine "
        "and hour.\n\n"
        "With --loss, --delay or --rate a third process stands between the two as the network; what "
        "it can carry bounds what is measured then.\n\n"
        "With a URL the server that is there is measured, ours or another: download (the resource, again "
        "and again), requests, latency (minimum, median, maximum and the 99th of a hundred are of all "
        "requests) and handshakes. It is reached as client get reaches it, by the protocols of --alpn: "
        "--alpn velocity/1 or --alpn h3 asks for one of them. The CPU time is that of the client. What "
        "is remembered of servers, and their pins, are neither used nor changed. Requests that the server "
        "refuses or cuts off, on a connection that goes on, are not among those that are measured: they are "
        "counted beside them, and the exit status is 1.\n\n"
        "The network and the numbers of streams and connections are of the test against itself, the "
        "protocols and certificates are of a URL: where an option says nothing it is refused.",
    .options = bench_options,
    .option_count = VEL_COUNT(bench_options),
    .settings_size = sizeof(struct vel_bench_settings),
    .max_arguments = 1 + BENCH_TESTS,
    .run = run_bench,
};
