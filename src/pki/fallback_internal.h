/* SPDX-License-Identifier: MIT */
#ifndef PKI_FALLBACK_INTERNAL_H
#define PKI_FALLBACK_INTERNAL_H

#include "pki/fallback.h"

/* fallback.c keeps the format; fallback_sign.c and fallback_verify.c the two ends. */

/* ctx of the dual signature. */
#define VEL_FALLBACK_USE "fallback"

/* What is signed, M: 64 spaces, a context string, a zero byte, SHA-512(body). */
enum { VEL_FALLBACK_MESSAGE_MAX = 192 };
struct vel_fallback_message {
    uint8_t bytes[VEL_FALLBACK_MESSAGE_MAX];
    size_t len;
};
vel_result vel_fallback_message(const struct vel_crypto *crypto, struct vel_slice body,
                                struct vel_fallback_message *out);

/* Append the body, the whole record. VEL_ERR_ARGUMENT: a rule of the format is broken;
 * VEL_ERR_LIMIT, VEL_ERR_NOMEM; `out` as before. */
vel_result vel_fallback_encode_body(const struct vel_fallback_says *says, struct vel_buf *out);
vel_result vel_fallback_encode(const struct vel_fallback_record *record, struct vel_buf *out);

#endif
