/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/writer.h"
#include "crypto/hash.h"
#include "crypto/sign.h"

/*
 * The prefix keeps the classical half from being mistaken for any other signature of that key; the
 * label, which is also the ML-DSA context, ties both halves to one suite.
 */
static const char prefix[] = "VelocityDualSignature2026";

enum { LABEL_MAX = 32, USE_MAX = 255, MESSAGE_MAX = sizeof prefix + LABEL_MAX + 1 + USE_MAX + 64 };

/* M' = prefix || label || len(use) || use || SHA-512(message). */
struct dual_message {
    uint8_t bytes[MESSAGE_MAX];
    size_t len;
};

static vel_result build(const struct vel_crypto *crypto, const struct vel_sig_suite *suite,
                        const char *use, struct vel_slice message, struct dual_message *out)
{
    uint8_t digest[VEL_HASH_MAX];
    TRY(vel_digest(crypto, VEL_SHA512, &message, 1, digest));
    struct vel_writer w = vel_writer(out->bytes, sizeof out->bytes);
    vel_write_bytes(&w, vel_slice_text(prefix));
    vel_write_bytes(&w, vel_slice_text(suite->label));
    uint8_t *mark = vel_begin_vector(&w, 1);
    vel_write_bytes(&w, vel_slice_text(use));
    vel_end_vector(&w, mark, 1);
    vel_write_bytes(&w, vel_slice(digest, vel_hash_size(VEL_SHA512)));
    REQUIRE(vel_write_ok(&w), VEL_ERR_ARGUMENT);
    out->len = vel_written(&w);
    return VEL_OK;
}

vel_result vel_dual_sign(const struct vel_crypto *crypto, const struct vel_dual_key *key,
                         enum vel_sign_mode mode, const char *use, struct vel_slice message,
                         struct vel_dual_sig *out)
{
    struct dual_message m;
    TRY(build(crypto, key->suite, use, message, &m));
    struct vel_slice bytes = vel_slice(m.bytes, m.len);
    struct vel_slice label = vel_slice_text(key->suite->label);
    struct vel_dual_sig made = {.classical_size = 0};
    TRY(vel_sign(crypto, key->classical, mode, vel_slice(NULL, 0), bytes, made.classical,
                 &made.classical_size));
    TRY(vel_sign(crypto, key->pq, mode, label, bytes, made.pq, &made.pq_size));
    *out = made;
    return VEL_OK;
}

vel_result vel_dual_verify(const struct vel_crypto *crypto, const struct vel_dual_key *key,
                           const char *use, struct vel_slice message, struct vel_slice classical,
                           struct vel_slice pq)
{
    struct dual_message m;
    TRY(build(crypto, key->suite, use, message, &m));
    struct vel_slice bytes = vel_slice(m.bytes, m.len);
    TRY(vel_verify(crypto, key->classical, vel_slice(NULL, 0), bytes, classical));
    return vel_verify(crypto, key->pq, vel_slice_text(key->suite->label), bytes, pq);
}
