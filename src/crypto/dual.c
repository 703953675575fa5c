/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/writer.h"
#include "crypto/dual_internal.h"
#include "crypto/hash.h"

/*
 * The prefix keeps the classical half from being mistaken for any other signature of that key; the
 * label, which is also the ML-DSA context, ties both halves to one suite.
 */
static const char prefix[] = "VelocityDualSignature2026";

enum { USE_MAX = 255 };
_Static_assert(sizeof prefix + VEL_DUAL_LABEL_MAX + 1 + USE_MAX + VEL_HASH_MAX <=
                   VEL_DUAL_MESSAGE_MAX,
               "the longest M' has room");

vel_result vel_dual_message_build(const struct vel_crypto *crypto, const char *label,
                                  const char *use, struct vel_slice message,
                                  struct vel_dual_message *out)
{
    uint8_t digest[VEL_HASH_MAX];
    REQUIRE(strlen(label) <= VEL_DUAL_LABEL_MAX, VEL_ERR_ARGUMENT);
    TRY(vel_digest(crypto, VEL_SHA512, &message, 1, digest));
    struct vel_writer w = vel_writer(out->bytes, sizeof out->bytes);
    vel_write_bytes(&w, vel_slice_text(prefix));
    vel_write_bytes(&w, vel_slice_text(label));
    uint8_t *mark = vel_begin_vector(&w, 1);
    vel_write_bytes(&w, vel_slice_text(use));
    vel_end_vector(&w, mark, 1);
    vel_write_bytes(&w, vel_slice(digest, vel_hash_size(VEL_SHA512)));
    REQUIRE(vel_write_ok(&w), VEL_ERR_ARGUMENT);
    out->len = vel_written(&w);
    return VEL_OK;
}

vel_result vel_dual_sign_labelled(const struct vel_crypto *crypto, const struct vel_dual_key *key,
                                  enum vel_sign_mode mode, const char *label, const char *use,
                                  struct vel_slice message, struct vel_dual_sig *out)
{
    struct vel_dual_message m;
    TRY(vel_dual_message_build(crypto, label, use, message, &m));
    struct vel_slice bytes = vel_slice(m.bytes, m.len);
    struct vel_dual_sig made = {.classical_size = 0};
    TRY(vel_sign(crypto, key->classical, mode, vel_slice(NULL, 0), bytes, made.classical,
                 &made.classical_size));
    TRY(vel_sign(crypto, key->pq, mode, vel_slice_text(label), bytes, made.pq, &made.pq_size));
    *out = made;
    return VEL_OK;
}

vel_result vel_dual_verify_labelled(const struct vel_crypto *crypto, const struct vel_dual_key *key,
                                    const char *label, const char *use, struct vel_slice message,
                                    struct vel_slice classical, struct vel_slice pq)
{
    struct vel_dual_message m;
    TRY(vel_dual_message_build(crypto, label, use, message, &m));
    struct vel_slice bytes = vel_slice(m.bytes, m.len);
    TRY(vel_verify(crypto, key->classical, vel_slice(NULL, 0), bytes, classical));
    return vel_verify(crypto, key->pq, vel_slice_text(label), bytes, pq);
}

vel_result vel_dual_sign(const struct vel_crypto *crypto, const struct vel_dual_key *key,
                         enum vel_sign_mode mode, const char *use, struct vel_slice message,
                         struct vel_dual_sig *out)
{
    return vel_dual_sign_labelled(crypto, key, mode, key->suite->label, use, message, out);
}

vel_result vel_dual_verify(const struct vel_crypto *crypto, const struct vel_dual_key *key,
                           const char *use, struct vel_slice message, struct vel_slice classical,
                           struct vel_slice pq)
{
    return vel_dual_verify_labelled(crypto, key, key->suite->label, use, message, classical, pq);
}
