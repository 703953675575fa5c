/* SPDX-License-Identifier: MIT */
#ifndef CLI_SERVE_FALLBACK_H
#define CLI_SERVE_FALLBACK_H

#include "cli/serve.h"
#include "velocity/config.h"
#include "velocity/http.h"

/*
 * What a server says for clients that speak something else than Velocity/1 with it: which versions
 * it serves, the fallback record, the continuity pin (spec/fallback.md).
 */
struct vel_web_fallback;

struct vel_serve_fallback {
    struct vel_web_fallback *service; /* NULL: the certificate is not hybrid */
    struct vel_field pin;
    char pin_value[24];
    struct vel_fields announced; /* over Velocity/1 */
};

/* Versions and protocols of the config, with or without Velocity/1. */
void vel_serve_fill_versions(const struct vel_serve_settings *settings, struct vel_config *config);

/* In place, for a server on this port; the config is complete and outlives it. Errors as
 * vel_web_fallback_new, but for VEL_ERR_UNSUPPORTED. */
vel_result vel_serve_fallback_open(const struct vel_env *env,
                                   const struct vel_serve_settings *settings,
                                   const struct vel_config *config, uint16_t port,
                                   struct vel_serve_fallback *out);
void vel_serve_fallback_close(struct vel_serve_fallback *fallback);

#endif
