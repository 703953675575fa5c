/* SPDX-License-Identifier: MIT */
#ifndef CLI_SERVE_WORKER_H
#define CLI_SERVE_WORKER_H

#include <stdio.h>

#include "cli/handshake_log.h"
#include "cli/serve_fallback.h"
#include "cli/serve_identity.h"
#include "cli/serve_sockets.h"
#include "velocity/endpoint.h"

/*
 * What the workers of `velocity serve` have in common: made once, before there are any, and only read
 * from then on. Each worker, being a fork, has its own copy of what changes.
 */
struct vel_serve_common {
    const struct vel_call *call;
    const struct vel_serve_settings *settings;
    struct vel_log log;
    struct vel_handshake_log failures;
    struct vel_log_address addresses; /* how they are logged */
    struct vel_env env;
    struct vel_crypto *crypto;
    struct vel_serve_sockets sockets;
    struct vel_steering steering;
    uint8_t reset_key[VEL_RESET_KEY];
    uint8_t token_keys[VEL_TOKEN_KEYS];
    struct vel_serve_identity identity;
    struct vel_identity *tls_identity;
    struct vel_serve_clients clients;
    struct vel_tls *tls;
    FILE *key_log;         /* NULL: no SSLKEYLOGFILE */
    struct vel_qlog *qlog; /* NULL: no --qlog-dir */
    struct vel_config config;
    struct vel_site *site;
    struct vel_serve_fallback fallback;
};

/*
 * Serve until a signal, as the worker of this number: one loop with an endpoint on its UDP socket and
 * servers on its TCP ones. A signal lets what runs finish, SIGINT or SIGTERM, with a parent SIGTERM
 * alone; a second one, with a parent SIGINT, or the end of the grace ends it.
 * reports  as in cli/supervisor.h; negative: it is alone, ends when nothing is left to finish, and
 *          prints its counts itself
 * ready    called when it serves; NULL: nobody wants to know
 * Returns the exit status; tells on stderr what is wrong.
 */
int vel_serve_worker(struct vel_serve_common *common, unsigned number, int reports,
                     void (*ready)(void *self));

#endif
