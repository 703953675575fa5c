/* SPDX-License-Identifier: MIT */
#include "cli/bench_site.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/try.h"
#include "base/units.h"
#include "cli/cacert.h"
#include "client/exit.h"
#include "velocity/crypto.h"

enum { CA_LIMIT = 4 * 1024 * 1024 };

#define PATIENCE (10 * SECOND) /* that a server has with its handshake */

static vel_result say(struct vel_bench_site *site, const char *message, enum vel_err err)
{
    if (site->message[0] == '\0')
        snprintf(site->message, sizeof site->message, "%s", message);
    return err;
}

static bool allows(const struct vel_bench_site *site, enum vel_rung rung)
{
    const struct vel_alpn_list *alpn = &site->settings->alpn;
    if (site->url.plain)
        return rung == VEL_RUNG_TCP;
    for (size_t i = 0; i < alpn->count; i++)
        if (vel_rung_of_alpn(alpn->names[i]) == rung)
            return true;
    return false;
}

/* Reading the system's certificates takes long, so only who needs them does. */
static vel_result prepare_trust(struct vel_bench_site *site)
{
    char message[VEL_CACERT_MESSAGE] = "";
    const struct vel_bench_settings *settings = site->settings;
    OWNED(vel_buf_free) struct vel_buf pem = {.env = &site->env, .limit = CA_LIMIT};
    enum vel_err err =
        vel_cacert_load(&site->env, site->crypto, settings->cacert, &pem, &site->trust, message);
    if (err != VEL_OK)
        return say(site, message[0] != '\0' ? message : vel_err_text(err), err);
    if (site->url.plain || !(allows(site, VEL_RUNG_QUIC) || allows(site, VEL_RUNG_TCP)))
        return VEL_OK;
    err = vel_cacert_tls(&site->env, site->crypto, vel_buf_slice(&pem), settings->insecure, NULL,
                         NULL, NULL, &site->tls);
    return err == VEL_OK ? err : say(site, "no certificates to trust could be read", err);
}

static void fill_config(struct vel_bench_site *site)
{
    const struct vel_bench_settings *settings = site->settings;
    struct vel_config *config = &site->config;
    *config = vel_config_default(site->crypto);
    config->trust = site->trust;
    config->tls = site->tls;
    config->server_name = site->url.host;
    config->alpn = site->alpn;
    config->alpn_count = settings->alpn.count;
    for (size_t i = 0; i < settings->alpn.count; i++)
        site->alpn[i] = vel_slice_text(settings->alpn.names[i]);
    config->profiles = (struct vel_profile_list){.items = {settings->profile}, .count = 1};
    config->congestion = settings->congestion;
    config->insecure = settings->insecure;
    config->unix_offset = vel_clock_unix_offset();
    config->limits.handshake_timeout = PATIENCE;
}

vel_result vel_bench_site_open(struct vel_bench_site *site, const struct vel_env *env,
                               const struct vel_bench_settings *settings, const char *url)
{
    *site = (struct vel_bench_site){.env = *env, .settings = settings};
    enum vel_err err = vel_url_parse(&site->env, url, &site->url);
    if (err != VEL_OK)
        return say(site, "not a URL like https://host:port/path", err);
    err = vel_crypto_new(&site->env, &site->crypto);
    if (err == VEL_OK)
        err = vel_loop_new(&site->env, &site->loop);
    if (err != VEL_OK)
        return say(site, vel_err_text(err), err);
    TRY(prepare_trust(site));
    fill_config(site);
    err = vel_resolve(site->url.host, site->url.port, site->addrs, &site->addr_count);
    return err == VEL_OK ? err : say(site, "could not resolve the host name", err);
}

void vel_bench_site_clear(struct vel_bench_site *site)
{
    vel_loop_free(site->loop);
    vel_tls_free(site->tls);
    vel_trust_free(site->trust);
    vel_crypto_free(site->crypto);
    vel_url_clear(&site->url);
    *site = (struct vel_bench_site){.loop = NULL};
}

vel_result vel_bench_site_reach(struct vel_bench_site *site,
                                const struct vel_connector_events *events,
                                struct vel_connector **connector)
{
    struct vel_connector_setup setup = {
        .attempt = {.env = &site->env,
                    .loop = site->loop,
                    .config = &site->config,
                    .plain = site->url.plain,
                    .addr_count = site->addr_count},
        .ladder = {.unix_now = vel_clock_unix(), .timeout = PATIENCE},
        .events = *events,
    };
    for (unsigned i = 0; i < VEL_RUNG_COUNT; i++)
        setup.ladder.allowed[i] = allows(site, (enum vel_rung)i);
    memcpy(setup.attempt.addrs, site->addrs, site->addr_count * sizeof *site->addrs);
    return vel_connector_new(&setup, vel_clock_now(), connector);
}

vel_result vel_bench_site_get(const struct vel_bench_site *site, struct vel_client *client,
                              const struct vel_sink *sink, vel_time now)
{
    const struct vel_request request = {
        .method = vel_slice_text("GET"),
        .scheme = vel_slice_text(vel_url_scheme(&site->url)),
        .authority = vel_slice_text(site->url.authority),
        .path = vel_buf_slice(&site->url.target),
    };
    return vel_client_fetch(client, &request, NULL, sink, now);
}

void vel_bench_site_lost(struct vel_bench_site *site, const struct vel_connector *connector)
{
    const struct vel_ladder *ladder = vel_connector_ladder(connector);
    const struct vel_attempt_facts *facts = vel_connector_facts(connector);
    const char *reason = facts->closed ? facts->close.reason : "";
    snprintf(site->message, sizeof site->message, "%s, over %s: %s%s%s", site->url.authority,
             vel_rung_name(ladder->culprit), vel_exit_text(vel_exit_of_failure(ladder->failure)),
             reason[0] != '\0' ? ": " : "", reason);
}
