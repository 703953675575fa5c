/* SPDX-License-Identifier: MIT */
#include "base/buf.h"
#include "base/own.h"
#include "base/try.h"
#include "pki/issue.h"

enum { VALIDITY = VEL_SELF_SIGNED_DAYS * 24 * 60 * 60 };

OWNED_POINTER(identity_release, struct vel_identity, vel_identity_free)

vel_result vel_identity_self_signed(const struct vel_env *env, const struct vel_crypto *crypto,
                                    const char *name, enum vel_profile profile, int64_t not_before,
                                    struct vel_trust *trust, struct vel_identity **identity)
{
    OWNED(vel_buf_free) struct vel_buf chain_pem = {.env = env, .limit = VEL_CHAIN_PEM_MAX};
    OWNED(vel_buf_free) struct vel_buf key_pem = {.env = env, .limit = VEL_KEY_PEM_MAX};
    OWNED(identity_release) struct vel_identity *made = NULL;
    struct vel_cert_order order = {
        .names = &name,
        .name_count = 1,
        .classical = vel_order_classical(profile),
        .profile = profile,
        .not_before = not_before,
        .validity = VALIDITY,
        .mode = VEL_SIGN_HEDGED,
    };
    TRY(vel_cert_issue(env, crypto, &order, NULL, &chain_pem, &key_pem));
    TRY(vel_identity_parse(env, crypto, vel_buf_slice(&chain_pem), vel_buf_slice(&key_pem), &made));
    if (trust != NULL)
        TRY(vel_trust_add_pem(trust, vel_buf_slice(&chain_pem)));
    *identity = GIVE(made);
    return VEL_OK;
}
