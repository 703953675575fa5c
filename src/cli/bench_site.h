/* SPDX-License-Identifier: MIT */
#ifndef CLI_BENCH_SITE_H
#define CLI_BENCH_SITE_H

#include "cli/bench.h"
#include "client/connector.h"
#include "client/url.h"
#include "sys/address.h"
#include "velocity/pki.h"
#include "velocity/system.h"
#include "velocity/tls.h"

/*
 * A server that is there already and a resource of it, as `velocity bench URL` measures them. Trust,
 * addresses and what may be spoken are settled once; each connection is a search of its own
 * (client/connector.h). Nothing is remembered of the server, and nothing that is remembered counts.
 */
enum { VEL_BENCH_SITE_MESSAGE = 512 };

struct vel_bench_site {
    struct vel_env env;
    const struct vel_bench_settings *settings;
    struct vel_crypto *crypto;
    struct vel_trust *trust;
    struct vel_tls *tls; /* NULL: nothing below Velocity/1 is allowed */
    struct vel_slice alpn[VEL_ALPN_KNOWN];
    struct vel_config config;
    struct vel_url url;
    struct vel_addr addrs[VEL_RESOLVE_MAX];
    size_t addr_count;
    struct vel_loop *loop;
    char message[VEL_BENCH_SITE_MESSAGE]; /* of a failure, for people */
};

/* In place, as the config points into it. Any error: see `message`; clear it all the same. */
vel_result vel_bench_site_open(struct vel_bench_site *site, const struct vel_env *env,
                               const struct vel_bench_settings *settings, const char *url);
void vel_bench_site_clear(struct vel_bench_site *site);

/* Begin to connect. Errors as vel_connector_new. */
vel_result vel_bench_site_reach(struct vel_bench_site *site,
                                const struct vel_connector_events *events,
                                struct vel_connector **connector);

/* Ask for the resource. Errors as vel_client_fetch. */
vel_result vel_bench_site_get(const struct vel_bench_site *site, struct vel_client *client,
                              const struct vel_sink *sink, vel_time now);

/* Why a connector lost, into site->message. */
void vel_bench_site_lost(struct vel_bench_site *site, const struct vel_connector *connector);

#endif
