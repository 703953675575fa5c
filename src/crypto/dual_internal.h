/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_DUAL_INTERNAL_H
#define CRYPTO_DUAL_INTERNAL_H

#include "crypto/sign.h"

/*
 * The dual signature below its label. That of the suite is for signatures of one message; a batch has
 * a label of its own (batch.c), so that neither can be taken for the other.
 */
enum { VEL_DUAL_LABEL_MAX = 32, VEL_DUAL_MESSAGE_MAX = 384 };

/* M' = prefix || label || len(use) || use || SHA-512(message). */
struct vel_dual_message {
    uint8_t bytes[VEL_DUAL_MESSAGE_MAX];
    size_t len;
};

/* VEL_ERR_ARGUMENT: label or use is too long. */
vel_result vel_dual_message_build(const struct vel_crypto *crypto, const char *label,
                                  const char *use, struct vel_slice message,
                                  struct vel_dual_message *out);

vel_result vel_dual_sign_labelled(const struct vel_crypto *crypto, const struct vel_dual_key *key,
                                  enum vel_sign_mode mode, const char *label, const char *use,
                                  struct vel_slice message, struct vel_dual_sig *out);

/* VEL_ERR_AUTH unless both halves verify. */
vel_result vel_dual_verify_labelled(const struct vel_crypto *crypto, const struct vel_dual_key *key,
                                    const char *label, const char *use, struct vel_slice message,
                                    struct vel_slice classical, struct vel_slice pq);

#endif
