/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_ERROR_H
#define TRANSPORT_ERROR_H

#include <stdint.h>

/*
 * Codes that travel in CONNECTION_CLOSE of type 0x1c: RFC 9000 20.1, RFC 9368, and Velocity's
 * registry at 0x56553100 + n; and in PATH_ABANDON, draft-ietf-quic-multipath 4.2.1. They say why a connection ends and are never mixed with enum vel_err,
 * which says what a caller can do.
 */
#define VEL_WIRE_ERROR_MAP(X)                                                                      \
    X(NO_ERROR, 0x00)                                                                              \
    X(INTERNAL_ERROR, 0x01)                                                                        \
    X(CONNECTION_REFUSED, 0x02)                                                                    \
    X(FLOW_CONTROL_ERROR, 0x03)                                                                    \
    X(STREAM_LIMIT_ERROR, 0x04)                                                                    \
    X(STREAM_STATE_ERROR, 0x05)                                                                    \
    X(FINAL_SIZE_ERROR, 0x06)                                                                      \
    X(FRAME_ENCODING_ERROR, 0x07)                                                                  \
    X(TRANSPORT_PARAMETER_ERROR, 0x08)                                                             \
    X(CONNECTION_ID_LIMIT_ERROR, 0x09)                                                             \
    X(PROTOCOL_VIOLATION, 0x0a)                                                                    \
    X(INVALID_TOKEN, 0x0b)                                                                         \
    X(APPLICATION_ERROR, 0x0c)                                                                     \
    X(CRYPTO_BUFFER_EXCEEDED, 0x0d)                                                                \
    X(KEY_UPDATE_ERROR, 0x0e)                                                                      \
    X(AEAD_LIMIT_REACHED, 0x0f)                                                                    \
    X(NO_VIABLE_PATH, 0x10)                                                                        \
    X(VERSION_NEGOTIATION_ERROR, 0x11)                                                             \
    X(APPLICATION_ABANDON_PATH, 0x3e)                                                              \
    X(PATH_RESOURCE_LIMIT_REACHED, 0x3e75)                                                         \
    X(PATH_UNSTABLE_OR_POOR, 0x3e76)                                                               \
    X(NO_CID_AVAILABLE_FOR_PATH, 0x3e77)                                                           \
    X(ALPN_REQUIRED, 0x56553101)                                                                   \
    X(CERT_PQ_VALIDATION_FAILED, 0x56553102)                                                       \
    X(PROFILE_POLICY_VIOLATION, 0x56553103)                                                        \
    X(ECH_REQUIRED, 0x56553104)                                                                    \
    X(EARLY_DATA_REJECTED, 0x56553105)                                                             \
    X(TELEMETRY_POLICY_MISMATCH, 0x56553106)                                                       \
    X(VELOCITY_PROTOCOL_VIOLATION, 0x56553177)

#define VEL_WIRE_ERROR_AS_ENUM(name, code) VEL_WIRE_##name = code,
enum vel_wire_error { VEL_WIRE_ERROR_MAP(VEL_WIRE_ERROR_AS_ENUM) };
#undef VEL_WIRE_ERROR_AS_ENUM

/* TLS alerts travel as 0x0100 + alert (RFC 9001 4.8). */
enum { VEL_WIRE_CRYPTO_ERROR = 0x0100, VEL_WIRE_CRYPTO_ERROR_END = 0x0200 };

/* The RFC's name, "CRYPTO_ERROR" for alerts, "unknown" for the rest. Constant text. */
const char *vel_wire_error_name(uint64_t code);

#endif
