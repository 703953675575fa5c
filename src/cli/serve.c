/* SPDX-License-Identifier: MIT */
#include "cli/serve.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "base/try.h"
#include "base/units.h"
#include "cli/key_log.h"
#include "cli/qlog_dir.h"
#include "cli/serve_worker.h"
#include "cli/supervisor.h"
#include "cli/warn.h"
#include "sys/address.h"
#include "velocity/crypto.h"
#include "velocity/system.h"
#include "web/site.h"

/* Longer than clients wait as a rule: through a network that loses every third packet a handshake
 * can take a dozen probe time-outs, and what a stranger costs meanwhile is bounded elsewhere. */
#define HANDSHAKE_PATIENCE (30 * SECOND)

static void on_log(void *self, const char *name, const struct vel_log_field *fields)
{
    struct vel_serve_common *server = self;
    struct vel_log warn = vel_warn_log();
    char stamp[VEL_STAMP_SIZE];
    if (strcmp(name, "handshake-failed") != 0)
        warn.event(warn.self, name, fields);
    else if (!server->settings->quiet)
        vel_handshake_log(&server->failures, stdout, vel_clock_now(), vel_clock_stamp(stamp),
                          &server->addresses, fields);
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

static vel_result find_identity(struct vel_serve_common *server, const struct vel_addr *local)
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

static vel_result find_tls(struct vel_serve_common *server)
{
    const struct vel_serve_settings *settings = server->settings;
    TRY(vel_serve_clients_load(server->call, server->crypto, settings->client_auth,
                               settings->client_ca, &server->clients));
    if (settings->tls_cert != NULL)
        TRY(vel_serve_identity_tls(server->call, server->crypto, settings->tls_cert,
                                   settings->tls_key, &server->tls_identity));
    return vel_serve_tls_new(server->call, server->crypto, server->tls_identity,
                             server->identity.identity, &server->clients, server->key_log,
                             &server->tls);
}

static vel_result open_qlog(struct vel_serve_common *server)
{
    char message[VEL_QLOG_DIR_MESSAGE] = "";
    enum vel_err err =
        vel_qlog_dir_open(&server->env, server->settings->qlog_dir, &server->qlog, message);
    if (err != VEL_OK)
        vel_fail(server->call, "%s", message);
    return err;
}

static void fill_config(struct vel_serve_common *server)
{
    const struct vel_serve_settings *settings = server->settings;
    server->config = vel_config_default(server->crypto);
    server->config.identity = server->identity.identity;
    server->config.tls = server->tls;
    server->config.trust = server->clients.trust;
    server->config.client_auth = server->clients.auth;
    server->config.tracer = vel_qlog_dir_tracer(server->qlog);
    server->config.key_log = server->key_log != NULL ? vel_key_log_line : NULL;
    server->config.key_log_self = server->key_log;
    vel_serve_fill_versions(settings, &server->config);
    server->config.limits.idle_timeout = settings->idle_timeout;
    server->config.limits.handshake_timeout = HANDSHAKE_PATIENCE;
    server->config.unix_offset = vel_clock_unix_offset();
    server->config.congestion = settings->congestion;
    server->config.scheduler = settings->scheduler;
    server->config.limits.max_paths = (unsigned)settings->paths;
    server->config.preferred_ip4 = server->sockets.preferred.ip4;
    server->config.preferred_ip6 = server->sockets.preferred.ip6;
    server->config.profiles = settings->profiles;
    if (settings->profiles.count > 0)
        return;
    server->config.profiles = (struct vel_profile_list){
        .items = {VEL_PROFILE_SECURE, VEL_PROFILE_BALANCED, VEL_PROFILE_LIGHT},
        .count = VEL_PROFILE_COUNT};
}

static vel_result open_site(struct vel_serve_common *server)
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

static vel_result told(const struct vel_serve_common *server, const char *what, enum vel_err err)
{
    if (err != VEL_OK)
        vel_fail(server->call, "%s: %s", what, vel_err_text(err));
    return err;
}

/* The steering needs no secret beyond this start of the server: its connections end with it. */
static void make_keys(struct vel_serve_common *server)
{
    vel_random(&server->env, server->steering.key, sizeof server->steering.key);
    vel_random(&server->env, server->reset_key, sizeof server->reset_key);
    vel_random(&server->env, server->token_keys, sizeof server->token_keys);
    vel_random(&server->env, &server->addresses.salt, sizeof server->addresses.salt);
    server->addresses.plain = server->settings->log_addresses;
    server->steering.workers = server->sockets.count;
}

static unsigned workers_wanted(const struct vel_serve_settings *settings)
{
    int64_t wanted = settings->workers > 0 ? settings->workers : vel_processors();
    return (unsigned)VEL_MIN(wanted, VEL_WORKERS_MAX);
}

static vel_result set_up(struct vel_serve_common *server)
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
    make_keys(server);
    TRY(vel_serve_sockets_open(server->call, &server->env, &local, &server->steering,
                               &server->sockets));
    TRY(find_identity(server, &local));
    server->key_log = vel_key_log_open();
    TRY(find_tls(server));
    TRY(open_qlog(server));
    fill_config(server);
    return told(server, "fallback record",
                vel_serve_fallback_open(&server->env, server->settings, &server->config,
                                        server->sockets.local.port, &server->fallback));
}

static void tear_down(struct vel_serve_common *server)
{
    vel_serve_fallback_close(&server->fallback);
    vel_serve_sockets_close(&server->sockets);
    vel_site_free(server->site);
    vel_key_log_close(server->key_log);
    vel_qlog_free(server->qlog);
    vel_tls_free(server->tls);
    vel_serve_clients_clear(&server->clients);
    vel_identity_free(server->tls_identity);
    vel_identity_free(server->identity.identity);
    vel_crypto_free(server->crypto);
    vel_wipe(server->reset_key, sizeof server->reset_key);
    vel_wipe(server->token_keys, sizeof server->token_keys);
    vel_wipe(&server->steering, sizeof server->steering);
}

/* ---- what a person sees ---- */

static void say_plain(const struct vel_serve_common *server)
{
    char where[VEL_ADDR_TEXT];
    printf("plain HTTP on %s, %s\n", vel_addr_text(&server->sockets.plain, where),
           vel_serve_sockets_plain_is_local(&server->sockets) ? "serves this machine"
                                                              : "sends everybody to https");
}

static void say_preferred(const struct vel_addr *addr)
{
    char where[VEL_ADDR_TEXT];
    if (addr->family != VEL_ADDR_NONE)
        printf("clients go on at %s over UDP\n", vel_addr_text(addr, where));
}

static void say_hello(void *self)
{
    const struct vel_serve_common *server = self;
    const struct vel_serve_settings *settings = server->settings;
    const struct vel_addr *local = &server->sockets.local;
    char where[VEL_ADDR_TEXT];
    if (server->identity.issued)
        printf("made a self-signed certificate: %s\n", server->identity.chain_path);
    printf("serving %s on %s, %s over UDP, h2 and http/1.1 over TCP, %u worker%s\n", settings->root,
           vel_addr_text(local, where),
           settings->velocity == VEL_FALLBACK_NONE ? "velocity/1 and h3" : "h3",
           server->sockets.count, server->sockets.count == 1 ? "" : "s");
    say_preferred(&server->sockets.preferred.ip4);
    say_preferred(&server->sockets.preferred.ip6);
    if (server->sockets.plain.family != VEL_ADDR_NONE)
        say_plain(server);

    if (vel_addr_is_wildcard(local))
        snprintf(where, sizeof where, "localhost:%u", local->port);
    printf("fetch it: velocity client get https://%s/ --cacert %s\n", where,
           server->identity.chain_path);
    fflush(stdout);
}

/* ---- one process, or a parent with workers ---- */

static int work(void *self, unsigned worker, int reports)
{
    return vel_serve_worker(self, worker, reports, NULL);
}

static void on_finishing(void *self)
{
    struct vel_serve_common *server = self;
    vel_serve_sockets_stop_listening(&server->sockets);
}

static int run(struct vel_serve_common *server)
{
    const struct vel_supervisor supervisor = {.call = server->call,
                                              .count = server->sockets.count,
                                              .work = work,
                                              .ready = say_hello,
                                              .finishing = on_finishing,
                                              .self = server};
    setvbuf(stdout, NULL, _IOLBF, 0); /* a log that is read while it grows */
    if (supervisor.count == 1)
        return vel_serve_worker(server, 0, -1, say_hello);
    return vel_supervise(&supervisor);
}

int vel_serve(const struct vel_call *call, const struct vel_serve_settings *settings)
{
    struct vel_serve_common server = {.call = call, .settings = settings, .env = *call->env};
    server.log = (struct vel_log){.event = on_log, .self = &server};
    server.env.log = &server.log;
    vel_serve_sockets_init(&server.sockets, workers_wanted(settings));
    int status = set_up(&server) == VEL_OK ? run(&server) : VEL_STATUS_FAILED;
    tear_down(&server);
    return status;
}
