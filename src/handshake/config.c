/* SPDX-License-Identifier: MIT */
#include "velocity/config.h"

#include "base/units.h"

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
