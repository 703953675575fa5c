/* SPDX-License-Identifier: MIT */
#ifndef HANDSHAKE_ALERT_H
#define HANDSHAKE_ALERT_H

#include "handshake/handshake.h"

/*
 * Why a handshake ends, as the transport error code of its CONNECTION_CLOSE: alerts of RFC 8446
 * section 6 at 0x0100 + value (RFC 9001 4.8), the registry of Velocity/1 at 0x56553100 + value
 * (VEL-HS-45). One row each: name, code, what the failing call returns to the transport.
 */
#define VEL_ALERT_MAP(X)                                                                           \
    X(TRANSPORT_PARAMETER_ERROR, 0x08, VEL_ERR_MALFORMED)                                          \
    X(VERSION_NEGOTIATION_ERROR, 0x11, VEL_ERR_UNSUPPORTED)                                        \
    X(UNEXPECTED_MESSAGE, 0x010a, VEL_ERR_UNEXPECTED)                                              \
    X(HANDSHAKE_FAILURE, 0x0128, VEL_ERR_UNSUPPORTED)                                              \
    X(BAD_CERTIFICATE, 0x012a, VEL_ERR_AUTH)                                                       \
    X(UNSUPPORTED_CERTIFICATE, 0x012b, VEL_ERR_AUTH)                                               \
    X(CERTIFICATE_EXPIRED, 0x012d, VEL_ERR_AUTH)                                                   \
    X(ILLEGAL_PARAMETER, 0x012f, VEL_ERR_MALFORMED)                                                \
    X(UNKNOWN_CA, 0x0130, VEL_ERR_AUTH)                                                            \
    X(DECODE_ERROR, 0x0132, VEL_ERR_MALFORMED)                                                     \
    X(DECRYPT_ERROR, 0x0133, VEL_ERR_AUTH)                                                         \
    X(INTERNAL_ERROR, 0x0150, VEL_ERR_CRYPTO)                                                      \
    X(MISSING_EXTENSION, 0x016d, VEL_ERR_MALFORMED)                                                \
    X(UNSUPPORTED_EXTENSION, 0x016e, VEL_ERR_MALFORMED)                                            \
    X(CERTIFICATE_REQUIRED, 0x0174, VEL_ERR_AUTH)                                                  \
    X(NO_APPLICATION_PROTOCOL, 0x0178, VEL_ERR_UNSUPPORTED)                                        \
    X(ALPN_REQUIRED, 0x56553101, VEL_ERR_UNSUPPORTED)                                              \
    X(CERT_PQ_VALIDATION_FAILED, 0x56553102, VEL_ERR_AUTH)                                         \
    X(PROFILE_POLICY_VIOLATION, 0x56553103, VEL_ERR_UNSUPPORTED)

#define VEL_ALERT_AS_ENUM(name, code, err) VEL_ALERT_##name = (code),
enum vel_alert { VEL_ALERT_MAP(VEL_ALERT_AS_ENUM) };
#undef VEL_ALERT_AS_ENUM

/* Note why, for the CONNECTION_CLOSE. `reason` is a constant text for people; the first one noted
 * stays. */
void vel_note_failure(struct vel_handshake_failure *why, enum vel_alert code, const char *reason);

/* What a failure with this wire code returns to the transport; VEL_ERR_UNEXPECTED without a row. */
enum vel_err vel_alert_err(uint64_t code);

/* Note it and return the row's error. */
vel_result vel_refuse(struct vel_handshake_failure *why, enum vel_alert code, const char *reason);

/* REQUIRE with a wire code: reads as the rule that the peer must keep. */
#define DEMAND(condition, why, code, reason)                                                       \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return vel_refuse(why, VEL_ALERT_##code, reason);                                      \
    } while (0)

#endif
