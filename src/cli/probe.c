/* SPDX-License-Identifier: MIT */
#include "cli/probe.h"

#include <string.h>

#include "base/own.h"
#include "base/try.h"
#include "cli/cacert.h"
#include "client/exit.h"
#include "sys/address.h"
#include "velocity/system.h"

enum { CA_LIMIT = 4 * 1024 * 1024 };

/* One run, in the order of its parts. */
struct run {
    const struct vel_call *call;
    const struct vel_probe_settings *settings;
    struct vel_env env;
    struct vel_url url;
    struct vel_crypto *crypto;
    struct vel_trust *trust;
    struct vel_tls *tls;
    struct vel_config config;
    struct vel_loop *loop;
    struct vel_probe *probe;
    struct vel_probe_setup setup;
};

static int fail(const struct run *run, enum vel_exit status, const char *message)
{
    (void)run;
    fprintf(stderr, "velocity client probe: (%d) %s\n", (int)status, message);
    return (int)status;
}

static vel_result prepare_trust(struct run *run, char message[VEL_CACERT_MESSAGE])
{
    const struct vel_probe_settings *settings = run->settings;
    OWNED(vel_buf_free) struct vel_buf pem = {.env = &run->env, .limit = CA_LIMIT};
    TRY(vel_crypto_new(&run->env, &run->crypto));
    TRY(vel_cacert_load(&run->env, run->crypto, settings->cacert, &pem, &run->trust, message));
    return vel_cacert_tls(&run->env, run->crypto, vel_buf_slice(&pem), settings->insecure, NULL,
                          NULL, NULL, &run->tls);
}

static void fill_config(struct run *run)
{
    run->config = vel_config_default(run->crypto);
    run->config.trust = run->trust;
    run->config.tls = run->tls;
    run->config.server_name = run->url.host;
    run->config.insecure = run->settings->insecure;
    run->config.unix_offset = vel_clock_unix_offset();
    /* The probe tells when it is too late; a connection must not end first. */
    run->config.limits.handshake_timeout = 3600 * SECOND;
}

static void on_done(void *self)
{
    struct run *run = self;
    vel_loop_stop(run->loop);
}

static vel_result probe(struct run *run)
{
    run->setup.env = &run->env;
    run->setup.config = &run->config;
    run->setup.url = &run->url;
    run->setup.timeout = run->settings->timeout;
    run->setup.done = on_done;
    run->setup.self = run;
    TRY(vel_loop_new(&run->env, &run->loop));
    run->setup.loop = run->loop;
    TRY(vel_probe_new(&run->setup, vel_clock_now(), &run->probe));
    vel_loop_run(run->loop);
    return VEL_OK;
}

static int report(struct run *run)
{
    const char *url = run->call->arguments[0];
    (run->settings->json ? vel_probe_print_json : vel_probe_print)(stdout, url, run->probe);
    if (vel_probe_answered(run->probe))
        return VEL_EXIT_OK;
    bool silent = false;
    for (size_t i = 0; i < VEL_PROBE_ROWS; i++) {
        const struct vel_probe_row *row = vel_probe_row(run->probe, i);
        silent |= !row->finished || row->failure.failure == VEL_CLIENT_TIMEOUT;
    }
    return silent ? fail(run, VEL_EXIT_TIMEOUT, "no answer in time")
                  : fail(run, VEL_EXIT_CONNECT, "nobody listens there, or there is no way to it");
}

static int run_parts(struct run *run)
{
    char message[VEL_CACERT_MESSAGE] = "";
    const char *text = run->call->arguments[0];
    if (vel_url_parse(&run->env, text, &run->url) != VEL_OK || run->url.plain)
        return fail(run, VEL_EXIT_URL, "not a URL like https://host:port/path");
    enum vel_err err = prepare_trust(run, message);
    if (message[0] != '\0')
        return fail(run, VEL_EXIT_CA_FILE, message);
    if (err != VEL_OK)
        return fail(run, VEL_EXIT_MEMORY, vel_err_text(err));
    fill_config(run);
    if (vel_resolve(run->url.host, run->url.port, run->setup.addrs, &run->setup.addr_count) !=
        VEL_OK)
        return fail(run, VEL_EXIT_RESOLVE, "could not resolve the host name");
    err = probe(run);
    return err == VEL_OK ? report(run) : fail(run, VEL_EXIT_MEMORY, vel_err_text(err));
}

int vel_probe_run(const struct vel_call *call, const struct vel_probe_settings *settings)
{
    struct run run = {.call = call, .settings = settings, .env = *call->env};
    int status = run_parts(&run);
    vel_probe_free(run.probe);
    vel_loop_free(run.loop);
    vel_tls_free(run.tls);
    vel_trust_free(run.trust);
    vel_crypto_free(run.crypto);
    vel_url_clear(&run.url);
    return status;
}
