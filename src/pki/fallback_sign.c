/* SPDX-License-Identifier: MIT */
#include "base/own.h"
#include "base/try.h"
#include "pki/fallback.h"
#include "pki/fallback_internal.h"
#include "pki/identity.h"

static vel_result put_chain(const struct vel_identity *identity, struct vel_fallback_says *says)
{
    size_t count;
    const struct vel_slice *chain = vel_identity_chain(identity, &count);
    REQUIRE(count <= VEL_CHAIN_MAX, VEL_ERR_LIMIT);
    says->chain_count = count;
    for (size_t i = 0; i < count; i++)
        says->chain[i] = chain[i];
    return VEL_OK;
}

/* VEL-FB-03 */
static vel_result sign_body(const struct vel_crypto *crypto, const struct vel_identity *identity,
                            const struct vel_signer *signer, enum vel_sign_mode mode,
                            struct vel_slice body, struct vel_dual_sig *sig)
{
    struct vel_fallback_message message;
    TRY(vel_fallback_message(crypto, body, &message));
    struct vel_slice signed_bytes = vel_slice(message.bytes, message.len);
    if (signer != NULL)
        return signer->sign(signer->self, identity, VEL_FALLBACK_USE, signed_bytes, sig);
    return vel_dual_sign(crypto, vel_identity_keys(identity), mode, VEL_FALLBACK_USE, signed_bytes,
                         sig);
}

vel_result vel_fallback_sign(const struct vel_crypto *crypto, const struct vel_identity *identity,
                             const struct vel_signer *signer, enum vel_sign_mode mode,
                             const struct vel_fallback_says *says, struct vel_buf *out)
{
    const struct vel_dual_key *keys = vel_identity_keys(identity);
    REQUIRE(keys->suite != NULL, VEL_ERR_UNSUPPORTED);
    struct vel_fallback_says whole = *says;
    TRY(put_chain(identity, &whole));
    OWNED(vel_buf_free)
    struct vel_buf body = {.env = out->env, .limit = VEL_FALLBACK_MAX_BYTES};
    TRY(vel_fallback_encode_body(&whole, &body));

    struct vel_dual_sig sig;
    TRY(sign_body(crypto, identity, signer, mode, vel_buf_slice(&body), &sig));
    REQUIRE(sig.classical_size <= sizeof sig.classical && sig.pq_size <= sizeof sig.pq,
            VEL_ERR_CRYPTO);
    const struct vel_fallback_record record = {
        .body = vel_buf_slice(&body),
        .suite = keys->suite->code,
        .classical = vel_slice(sig.classical, sig.classical_size),
        .pq = vel_slice(sig.pq, sig.pq_size),
    };
    return vel_fallback_encode(&record, out);
}
