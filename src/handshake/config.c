/* SPDX-License-Identifier: MIT */
#include "velocity/config.h"

#include <string.h>

#include "base/units.h"

static const char *const congestion_names[VEL_CC_COUNT] = {
    [VEL_CC_CUBIC] = "cubic",
    [VEL_CC_NEWRENO] = "newreno",
    [VEL_CC_BBR] = "bbr",
};

const char *vel_congestion_name(enum vel_congestion congestion)
{
    return congestion_names[congestion];
}

vel_result vel_congestion_find(const char *name, enum vel_congestion *congestion)
{
    for (unsigned i = 0; i < VEL_CC_COUNT; i++) {
        if (strcmp(name, congestion_names[i]) == 0) {
            *congestion = (enum vel_congestion)i;
            return VEL_OK;
        }
    }
    return VEL_ERR_NOT_FOUND;
}

static const char *const scheduler_names[] = {
    [VEL_SCHEDULE_LOWEST_LATENCY] = "lowest-latency",
    [VEL_SCHEDULE_BEST_PATH] = "best-path",
    [VEL_SCHEDULE_ROUND_ROBIN] = "round-robin",
    [VEL_SCHEDULE_WEIGHTED_ROUND_ROBIN] = "weighted-round-robin",
    [VEL_SCHEDULE_REDUNDANT] = "redundant",
};

const char *vel_scheduler_name(enum vel_scheduler scheduler)
{
    return scheduler_names[scheduler];
}

vel_result vel_scheduler_find(const char *name, enum vel_scheduler *scheduler)
{
    for (unsigned i = 0; i < VEL_COUNT(scheduler_names); i++) {
        if (strcmp(name, scheduler_names[i]) == 0) {
            *scheduler = (enum vel_scheduler)i;
            return VEL_OK;
        }
    }
    return VEL_ERR_NOT_FOUND;
}

struct vel_config vel_config_default(const struct vel_crypto *crypto)
{
    return (struct vel_config){
        .crypto = crypto,
        .profiles = {.items = {VEL_PROFILE_BALANCED}, .count = 1},
        .versions = {.items = {VEL_VERSION_DRAFT}, .count = 1},
        .client_auth = VEL_CLIENT_AUTH_NONE,
        .congestion = VEL_CC_CUBIC,
        .limits =
            {
                .idle_timeout = 30 * SECOND,
                .handshake_timeout = 10 * SECOND,
                .max_data = 16 * MIB,
                .max_stream_data = 6 * MIB,
                .max_streams_bidi = 128,
                .max_streams_uni = 16,
                .max_send_buffer = 256 * KIB,
                .max_datagram_payload = 1452,
                .max_udp_payload = 65527,
                .max_ack_delay = 25 * MS,
                .max_paths = 1,
                .pacing = true,
                .ecn = true,
            },
    };
}
