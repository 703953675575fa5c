/* SPDX-License-Identifier: MIT */
#include "cli/serve.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/try.h"
#include "base/units.h"
#include "cli/handshake_log.h"
#include "cli/request_log.h"
#include "cli/serve_fallback.h"
#include "cli/serve_identity.h"
#include "cli/serve_tcp.h"
#include "cli/warn.h"
#include "sys/address.h"
#include "velocity/crypto.h"
#include "velocity/runtime.h"
#include "velocity/system.h"
#include "web/server.h"
#include "web/site.h"

/* Longer than clients wait as a rule: through a network that loses every third packet a handshake
 * can take a dozen probe time-outs, and what a stranger costs meanwhile is bounded elsewhere. */
#define HANDSHAKE_PATIENCE (30 * SECOND)

/* Everything of a running server, in the order of creation. */
struct server {
    const struct vel_call *call;
    const struct vel_serve_settings *settings;
    struct vel_log log;
    struct vel_handshake_log failures;
    struct vel_env env;
    struct vel_crypto *crypto;
    struct vel_serve_identity identity;
    struct vel_identity *tls_identity;
    struct vel_tls *tls;
    struct vel_config config;
    struct vel_serve_tcp tcp;
    struct vel_link *link;
    struct vel_endpoint *endpoint;
    struct vel_site *site;
    struct vel_serve_fallback fallback;
    struct vel_web_server *web;
    struct vel_loop *loop;
    struct vel_runtime *runtime;
    struct vel_signals *signals;
    struct vel_timer *patience; /* runs while the last requests finish */
    bool finishing;
};

/* ---- while it runs ---- */

static void on_events(void *self, struct vel_conn *conn, vel_time now)
{
    struct server *server = self;
    vel_web_server_events(server->web, conn, now);
}

/* Connections with requests on them. */
static size_t connections_left(const struct server *server)
{
    struct vel_web_server_stats stats;
    vel_web_server_get_stats(server->web, &stats);
    return stats.sessions + vel_serve_tcp_connections(&server->tcp);
}

static void on_flush(void *self, vel_time now)
{
    struct server *server = self;
    vel_web_server_flush(server->web, now);
    if (server->finishing && connections_left(server) == 0)
        vel_loop_stop(server->loop);
}

static void on_tcp_gone(void *self)
{
    struct server *server = self;
    if (connections_left(server) == 0)
        vel_loop_stop(server->loop);
}

static void on_impatience(void *self, vel_time now)
{
    struct server *server = self;
    (void)now;
    fprintf(stderr, "velocity serve: requests were still running after the time of grace\n");
    vel_loop_stop(server->loop);
}

/* The first signal lets running requests finish, the second does not. */
static void on_signal(void *self, int number)
{
    struct server *server = self;
    (void)number;
    if (server->finishing) {
        vel_loop_stop(server->loop);
        return;
    }
    server->finishing = true;
    vel_endpoint_refuse_new(server->endpoint);
    vel_web_server_finish(server->web);
    vel_serve_tcp_finish(&server->tcp);
    if (connections_left(server) > 0)
        fprintf(stderr,
                "velocity serve: finishing what runs on %zu connection(s), for %.1f s at most; a "
                "second signal ends at once\n",
                connections_left(server), (double)server->settings->grace / (double)SECOND);
    vel_timer_set(server->patience, vel_clock_now() + server->settings->grace);
    vel_runtime_wake(server->runtime);
}

static void on_request(void *self, const struct vel_web_record *record)
{
    struct server *server = self;
    char stamp[VEL_STAMP_SIZE];
    if (!server->settings->quiet)
        vel_request_log(stdout, vel_clock_stamp(stamp), record);
}

static void on_log(void *self, const char *name, const struct vel_log_field *fields)
{
    struct server *server = self;
    struct vel_log warn = vel_warn_log();
    char stamp[VEL_STAMP_SIZE];
    if (strcmp(name, "handshake-failed") != 0)
        warn.event(warn.self, name, fields);
    else if (!server->settings->quiet)
        vel_handshake_log(&server->failures, stdout, vel_clock_now(), vel_clock_stamp(stamp),
                          fields);
}

/* ---- setting up: the step that fails tells what is wrong, in terms of what the user gave ---- */

/* All profiles are permitted unless the user says otherwise; the one of a new certificate is
 * balanced then, else the strongest permitted. */
static enum vel_profile profile_to_issue(const struct vel_profile_list *permitted)
{
    enum vel_profile strongest = permitted->count == 0 ? VEL_PROFILE_BALANCED : permitted->items[0];
    for (unsigned i = 0; i < permitted->count; i++)
        strongest = VEL_MAX(strongest, permitted->items[i]);
    return strongest;
}

/* The IP address of --listen without its port, for the certificate; NULL for the wildcards. */
static const char *address_to_certify(const struct vel_addr *local, char *text)
{
    if (vel_addr_is_wildcard(local))
        return NULL;
    vel_addr_text(local, text);
    *strrchr(text, ':') = '\0';
    if (text[0] != '[')
        return text;
    text[strlen(text) - 1] = '\0';
    return text + 1;
}

static vel_result find_identity(struct server *server, const struct vel_addr *local)
{
    const struct vel_serve_settings *settings = server->settings;
    char text[VEL_ADDR_TEXT];
    if (settings->cert != NULL)
        return vel_serve_identity_load(server->call, server->crypto, settings->cert, settings->key,
                                       &server->identity);
    return vel_serve_identity_state(server->call, server->crypto, settings->state,
                                    profile_to_issue(&settings->profiles),
                                    address_to_certify(local, text), &server->identity);
}

static vel_result find_tls(struct server *server)
{
    const struct vel_serve_settings *settings = server->settings;
    if (settings->tls_cert != NULL)
        TRY(vel_serve_identity_tls(server->call, server->crypto, settings->tls_cert,
                                   settings->tls_key, &server->tls_identity));
    return vel_serve_tls_new(server->call, server->crypto, server->tls_identity,
                             server->identity.identity, &server->tls);
}

static void fill_config(struct server *server)
{
    const struct vel_serve_settings *settings = server->settings;
    server->config = vel_config_default(server->crypto);
    server->config.identity = server->identity.identity;
    server->config.tls = server->tls;
    vel_serve_fill_versions(settings, &server->config);
    server->config.limits.idle_timeout = settings->idle_timeout;
    server->config.limits.handshake_timeout = HANDSHAKE_PATIENCE;
    server->config.unix_offset = vel_clock_unix_offset();
    server->config.profiles = settings->profiles;
    if (settings->profiles.count > 0)
        return;
    server->config.profiles = (struct vel_profile_list){
        .items = {VEL_PROFILE_SECURE, VEL_PROFILE_BALANCED, VEL_PROFILE_LIGHT},
        .count = VEL_PROFILE_COUNT};
}

static vel_result open_site(struct server *server)
{
    const struct vel_serve_settings *settings = server->settings;
    const struct vel_site_setup setup = {.env = &server->env,
                                         .root = settings->root,
                                         .index = settings->index,
                                         .cache_control = settings->cache_control};
    enum vel_err err = vel_site_new(&setup, &server->site);
    if (err != VEL_OK)
        vel_fail(server->call, "--root %s: %s", settings->root,
                 err == VEL_ERR_IO ? strerror(errno) : vel_err_text(err));
    return err;
}

static vel_result open_endpoint(struct server *server)
{
    const struct vel_endpoint_setup setup = {.env = &server->env,
                                             .server = &server->config,
                                             .max_connections =
                                                 (size_t)server->settings->max_connections,
                                             .always_retry = server->settings->retry,
                                             .max_send_train = server->link->max_train};
    const struct vel_web_server_setup web = {
        .env = &server->env,
        .site = server->site,
        .fallback = server->fallback.service,
        .on_velocity = server->fallback.announced,
        .unix_offset = server->config.unix_offset,
        .on_tls = vel_serve_tcp_announced(&server->tcp, &server->config, server->link->local.port),
        .log = on_request,
        .log_self = server};
    TRY(vel_endpoint_new(&setup, &server->endpoint));
    return vel_web_server_new(&web, &server->web);
}

static vel_result open_loop(struct server *server)
{
    const struct vel_runtime_hooks hooks = {.events = on_events, .flush = on_flush, .self = server};
    TRY(vel_loop_new(&server->env, &server->loop));
    TRY(vel_runtime_new(&server->env, server->loop, server->link, server->endpoint, &hooks,
                        &server->runtime));
    TRY(vel_signals_new(server->loop, on_signal, server, &server->signals));
    return vel_timer_new(server->loop, on_impatience, server, &server->patience);
}

static vel_result open_tcp(struct server *server)
{
    const struct vel_serve_settings *settings = server->settings;
    const struct vel_tcp_server_setup common = {.env = &server->env,
                                                .loop = server->loop,
                                                .requests = vel_web_server_requests(server->web),
                                                .tls = server->tls,
                                                .max_connections =
                                                    (size_t)settings->max_connections,
                                                .max_per_source = (size_t)settings->max_per_address,
                                                .idle_timeout = settings->idle_timeout,
                                                .unix_offset = server->config.unix_offset,
                                                .gone = on_tcp_gone,
                                                .self = server};
    return vel_serve_tcp_start(server->call, &common, &server->tcp);
}

static vel_result told(const struct server *server, const char *what, enum vel_err err)
{
    if (err != VEL_OK)
        vel_fail(server->call, "%s: %s", what, vel_err_text(err));
    return err;
}

static vel_result set_up(struct server *server)
{
    struct vel_addr local;
    if (vel_addr_parse(server->settings->listen, &local) != VEL_OK) {
        vel_fail(server->call,
                 "--listen %s: not an address and port, like 0.0.0.0:4433 or [::]:4433",
                 server->settings->listen);
        return VEL_ERR_ARGUMENT;
    }
    TRY(told(server, "cryptographic library", vel_crypto_new(&server->env, &server->crypto)));
    TRY(open_site(server));
    TRY(vel_serve_tcp_open(server->call, &server->env, &local, &server->link, &server->tcp));
    TRY(find_identity(server, &local));
    TRY(find_tls(server));
    fill_config(server);
    TRY(told(server, "fallback record",
             vel_serve_fallback_open(&server->env, server->settings, &server->config,
                                     server->link->local.port, &server->fallback)));
    TRY(told(server, "endpoint", open_endpoint(server)));
    TRY(told(server, "event loop", open_loop(server)));
    return open_tcp(server);
}

static void tear_down(struct server *server)
{
    vel_timer_free(server->patience);
    vel_signals_free(server->signals);
    vel_serve_tcp_close(&server->tcp);
    vel_runtime_free(server->runtime);
    vel_loop_free(server->loop);
    vel_web_server_free(server->web);
    vel_endpoint_free(server->endpoint);
    vel_serve_fallback_close(&server->fallback);
    vel_link_free(server->link);
    vel_site_free(server->site);
    vel_tls_free(server->tls);
    vel_identity_free(server->tls_identity);
    vel_identity_free(server->identity.identity);
    vel_crypto_free(server->crypto);
}

/* ---- what a person sees ---- */

static void say_plain(const struct server *server)
{
    struct vel_addr plain = vel_tcp_server_address(server->tcp.plain);
    char where[VEL_ADDR_TEXT];
    printf("plain HTTP on %s, %s\n", vel_addr_text(&plain, where),
           vel_tcp_server_redirects(server->tcp.plain) ? "sends everybody to https"
                                                       : "serves this machine");
}

static void say_hello(const struct server *server)
{
    const struct vel_serve_settings *settings = server->settings;
    const struct vel_addr *local = &server->link->local;
    char where[VEL_ADDR_TEXT];
    if (server->identity.issued)
        printf("made a self-signed certificate: %s\n", server->identity.chain_path);
    printf("serving %s on %s, %s over UDP, h2 and http/1.1 over TCP\n", settings->root,
           vel_addr_text(local, where),
           settings->velocity == VEL_FALLBACK_NONE ? "velocity/1 and h3" : "h3");
    if (server->tcp.plain != NULL)
        say_plain(server);

    if (vel_addr_is_wildcard(local))
        snprintf(where, sizeof where, "localhost:%u", local->port);
    printf("fetch it: velocity client get https://%s/ --cacert %s\n", where,
           server->identity.chain_path);
    fflush(stdout);
}

static void serve_until_signal(struct server *server)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* a log that is read while it grows */
    say_hello(server);
    vel_loop_run(server->loop);
    vel_endpoint_close_all(server->endpoint, VEL_H3_NO_ERROR, "server is ending");
    vel_runtime_finish(server->runtime);
}

int vel_serve(const struct vel_call *call, const struct vel_serve_settings *settings)
{
    struct server server = {.call = call, .settings = settings, .env = *call->env};
    server.log = (struct vel_log){.event = on_log, .self = &server};
    server.env.log = &server.log;
    vel_serve_tcp_init(&server.tcp);
    enum vel_err err = set_up(&server);
    if (err == VEL_OK)
        serve_until_signal(&server);
    tear_down(&server);
    return err == VEL_OK ? VEL_STATUS_OK : VEL_STATUS_FAILED;
}
