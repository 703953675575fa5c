/* SPDX-License-Identifier: MIT */
#include "cli/serve_fallback.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/try.h"
#include "base/units.h"
#include "web/fallback.h"

/* Seconds after which a client may look for Velocity/1 again. */
enum { RETRY_POLICY = 3600, RETRY_MAINTENANCE = 300 };

static const struct vel_slice alpn[] = {{(const uint8_t *)"velocity/1", 10},
                                        {(const uint8_t *)"h3", 2}};

void vel_serve_fill_versions(const struct vel_serve_settings *settings, struct vel_config *config)
{
    bool off = settings->velocity != VEL_FALLBACK_NONE;
    config->versions = (struct vel_version_list){
        .items = {VEL_VERSION_DRAFT, VEL_VERSION_QUIC_V2, VEL_VERSION_QUIC_V1}, .count = 3};
    if (off)
        config->versions = (struct vel_version_list){
            .items = {VEL_VERSION_QUIC_V2, VEL_VERSION_QUIC_V1}, .count = 2};
    config->alpn = alpn + off;
    config->alpn_count = VEL_COUNT(alpn) - off;
}

static uint32_t retry_after(enum vel_fallback reason)
{
    if (reason == VEL_FALLBACK_NONE)
        return 0;
    return reason == VEL_FALLBACK_MAINTENANCE_WINDOW ? RETRY_MAINTENANCE : RETRY_POLICY;
}

vel_result vel_serve_fallback_open(const struct vel_env *env,
                                   const struct vel_serve_settings *settings,
                                   const struct vel_config *config, uint16_t port,
                                   struct vel_serve_fallback *out)
{
    const struct vel_web_fallback_setup setup = {.env = env,
                                                 .crypto = config->crypto,
                                                 .identity = config->identity,
                                                 .signer = config->signer,
                                                 .port = port,
                                                 .versions = config->versions,
                                                 .reason = settings->velocity,
                                                 .retry_velocity = retry_after(settings->velocity)};
    enum vel_err err = vel_web_fallback_new(&setup, &out->service);
    REQUIRE(err == VEL_OK || err == VEL_ERR_UNSUPPORTED, err);
    if (settings->pin_max_age < 0)
        return VEL_OK;
    snprintf(out->pin_value, sizeof out->pin_value, "max-age=%" PRId64,
             settings->pin_max_age / SECOND);
    out->pin = (struct vel_field){vel_slice_text("velocity-pin"), vel_slice_text(out->pin_value)};
    out->announced = (struct vel_fields){.items = &out->pin, .count = 1};
    return VEL_OK;
}

void vel_serve_fallback_close(struct vel_serve_fallback *fallback)
{
    vel_web_fallback_free(fallback->service);
}
