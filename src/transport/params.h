/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_PARAMS_H
#define TRANSPORT_PARAMS_H

#include "base/writer.h"
#include "transport/cid.h"
#include "velocity/addr.h"
#include "velocity/env.h"
#include "velocity/err.h"
#include "velocity/slice.h"

/*
 * Transport parameters, RFC 9000 section 18, max_datagram_frame_size (RFC 9221),
 * version_information (RFC 9368), initial_max_path_id (draft-ietf-quic-multipath 2.1) and min_ack_delay
 * (draft-ietf-quic-ack-frequency). A plain value: no pointers, copy it freely. Integers are the
 * wire's: sizes in bytes, times in milliseconds.
 */
enum { VEL_PARAMS_VERSIONS = 16, VEL_PARAMS_MAX = 1024 };

/* No initial_max_path_id: the sender does not speak multipath; 0 says that it does. No min_ack_delay:
 * it takes no ACK_FREQUENCY. */
#define VEL_PARAM_ABSENT UINT64_MAX

/* A parameter that may be absent has its own flag. */
struct vel_param_cid {
    bool present;
    struct vel_cid cid;
};

struct vel_preferred_address {
    bool present;
    struct vel_addr ip4, ip6; /* family VEL_ADDR_NONE: not offered (all zero on the wire) */
    struct vel_cid cid;       /* 1 to 20 bytes, sequence number 1 */
    uint8_t reset_token[VEL_RESET_TOKEN];
};

/* RFC 9368 section 3: the version in use and those the sender could use, best first. */
struct vel_version_information {
    bool present;
    uint32_t chosen;
    uint32_t available[VEL_PARAMS_VERSIONS];
    size_t count;
};

struct vel_params {
    /* Server only. */
    struct vel_param_cid original_destination_connection_id;
    struct vel_param_cid retry_source_connection_id;
    struct vel_preferred_address preferred_address;
    bool has_stateless_reset_token;
    uint8_t stateless_reset_token[VEL_RESET_TOKEN];
    /* Both. */
    struct vel_param_cid initial_source_connection_id;
    uint64_t max_idle_timeout; /* ms; 0: none */
    uint64_t max_udp_payload_size;
    uint64_t initial_max_data;
    uint64_t initial_max_stream_data_bidi_local;
    uint64_t initial_max_stream_data_bidi_remote;
    uint64_t initial_max_stream_data_uni;
    uint64_t initial_max_streams_bidi;
    uint64_t initial_max_streams_uni;
    uint64_t ack_delay_exponent;
    uint64_t max_ack_delay; /* ms */
    uint64_t min_ack_delay; /* us, at most max_ack_delay; VEL_PARAM_ABSENT: no ACK_FREQUENCY */
    uint64_t active_connection_id_limit;
    uint64_t max_datagram_frame_size; /* 0: none accepted */
    uint64_t initial_max_path_id;     /* VEL_PARAM_ABSENT, or below 2^32 */
    bool disable_active_migration;
    bool datagram_copies; /* DATAGRAM_COPY frames are taken (VEL-TR-57) */
    struct vel_version_information version_information;
};

/* What counts for a peer that sends nothing: 65527, 3, 25 ms, 2, no multipath; the rest is 0. */
struct vel_params vel_params_default(void);

/*
 * Encode for the sender's role, leaving out what equals its default, adding one reserved parameter
 * (18.1) from env's randomness. At most VEL_PARAMS_MAX bytes; less room fails the writer. The
 * values obey the rules that vel_params_decode checks; a client sets none of the server's.
 */
void vel_params_encode(const struct vel_params *params, bool from_client, const struct vel_env *env,
                       struct vel_writer *w);

/*
 * Decode what a client (or else a server) sent. Unknown parameters are ignored.
 * VEL_ERR_MALFORMED  does not parse, appears twice, is outside its range, or a server's parameter
 *                    came from a client: close with TRANSPORT_PARAMETER_ERROR
 * VEL_ERR_LIMIT      more versions than VEL_PARAMS_VERSIONS: the same
 */
vel_result vel_params_decode(struct vel_slice bytes, bool from_client, struct vel_params *params);

#endif
