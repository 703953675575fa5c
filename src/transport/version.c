/* SPDX-License-Identifier: MIT */
#include "transport/version.h"

/* clang-format off */
const struct vel_version vel_versions[VEL_VERSION_COUNT] = {
    {
        .number = VEL_VERSION_DRAFT,
        .name = "Velocity/1",
        .initial_salt = {0x79, 0xce, 0x8e, 0xe1, 0x5d, 0x5a, 0xcd, 0x8b, 0xbd, 0x3a,
                         0xc2, 0x60, 0xee, 0xe3, 0xed, 0x54, 0x48, 0xb3, 0x87, 0x5a},
        .retry_key = {0xf2, 0x57, 0x30, 0xcf, 0x4d, 0xc4, 0x7c, 0x3b,
                      0xf9, 0x77, 0x9c, 0x1a, 0xe9, 0x95, 0x4c, 0x43},
        .retry_nonce = {0xe0, 0x05, 0x34, 0x7a, 0xae, 0xff, 0x8d, 0xa4, 0xe9, 0xd0, 0x2c, 0x42},
        .label_prefix = "vel1 ",
        .label_client_initial = "client in",
        .label_server_initial = "server in",
        .label_key = "quic key",
        .label_iv = "quic iv",
        .label_header = "quic hp",
        .label_update = "quic ku",
        .long_type_bits = {0, 1, 2, 3},
    },
    { /* RFC 9001 5.1, 5.2, 5.8; RFC 9000 17.2 */
        .number = VEL_VERSION_QUIC_V1,
        .name = "QUIC v1",
        .initial_salt = {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
                         0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
        .retry_key = {0xbe, 0x0c, 0x69, 0x0b, 0x9f, 0x66, 0x57, 0x5a,
                      0x1d, 0x76, 0x6b, 0x54, 0xe3, 0x68, 0xc8, 0x4e},
        .retry_nonce = {0x46, 0x15, 0x99, 0xd3, 0x5d, 0x63, 0x2b, 0xf2, 0x23, 0x98, 0x25, 0xbb},
        .label_prefix = "tls13 ",
        .label_client_initial = "client in",
        .label_server_initial = "server in",
        .label_key = "quic key",
        .label_iv = "quic iv",
        .label_header = "quic hp",
        .label_update = "quic ku",
        .long_type_bits = {0, 1, 2, 3},
        .tls = true,
    },
    { /* RFC 9369 3 */
        .number = VEL_VERSION_QUIC_V2,
        .name = "QUIC v2",
        .initial_salt = {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
                         0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9},
        .retry_key = {0x8f, 0xb4, 0xb0, 0x1b, 0x56, 0xac, 0x48, 0xe2,
                      0x60, 0xfb, 0xcb, 0xce, 0xad, 0x7c, 0xcc, 0x92},
        .retry_nonce = {0xd8, 0x69, 0x69, 0xbc, 0x2d, 0x7c, 0x6d, 0x99, 0x90, 0xef, 0xb0, 0x4a},
        .label_prefix = "tls13 ",
        .label_client_initial = "client in",
        .label_server_initial = "server in",
        .label_key = "quicv2 key",
        .label_iv = "quicv2 iv",
        .label_header = "quicv2 hp",
        .label_update = "quicv2 ku",
        .long_type_bits = {1, 2, 3, 0},
        .tls = true,
    },
};
/* clang-format on */

const struct vel_version *vel_version_find(uint32_t number)
{
    for (size_t i = 0; i < VEL_VERSION_COUNT; i++) {
        if (vel_versions[i].number == number)
            return &vel_versions[i];
    }
    return NULL;
}

bool vel_version_compatible(const struct vel_version *a, const struct vel_version *b)
{
    return a == b || (a->tls && b->tls);
}
