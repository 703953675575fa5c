/* SPDX-License-Identifier: MIT */
#include "sim/credentials.h"

#include "pki/issue.h"
#include "testing/test.h"

/* Never released: they live as long as the process. */
static struct test_env env;
static struct vel_crypto *crypto;
static struct credentials made[VEL_PROFILE_COUNT];

const struct vel_crypto *credentials_crypto(void)
{
    if (crypto == NULL) {
        test_env_init(&env, 1);
        ASSERT_OK(vel_crypto_new(&env.env, &crypto));
    }
    return crypto;
}

static const char *const names[] = {CREDENTIALS_NAME};
static const char *const ca_names[VEL_PROFILE_COUNT] = {"Light CA", "Balanced CA", "Secure CA"};

static struct vel_cert_order order_of(enum vel_profile profile, bool ca)
{
    return (struct vel_cert_order){
        .common_name = ca ? ca_names[profile] : NULL,
        .names = names,
        .name_count = ca ? 0 : 1,
        .classical = vel_order_classical(profile),
        .profile = profile,
        .not_before = CREDENTIALS_TIME - 86400,
        .validity = 30 * 86400,
        .ca = ca,
        .path_length = 0,
        .mode = VEL_SIGN_DETERMINISTIC,
    };
}

/* Issue one; its identity, and its chain appended to `chain`. */
static struct vel_identity *issue(enum vel_profile profile, bool ca,
                                  const struct vel_identity *issuer, struct vel_buf *chain)
{
    struct vel_buf key = {.env = &env.env, .limit = VEL_KEY_PEM_MAX};
    struct vel_cert_order order = order_of(profile, ca);
    struct vel_identity *identity = NULL;
    ASSERT_OK(vel_cert_issue(&env.env, credentials_crypto(), &order, issuer, chain, &key));
    ASSERT_OK(
        vel_identity_parse(&env.env, crypto, vel_buf_slice(chain), vel_buf_slice(&key), &identity));
    vel_buf_free(&key);
    return identity;
}

static void make(enum vel_profile profile, struct credentials *out)
{
    struct vel_buf ca_chain = {.env = &env.env, .limit = VEL_CHAIN_PEM_MAX};
    struct vel_buf leaf_chain = ca_chain;
    struct vel_identity *ca = issue(profile, true, NULL, &ca_chain);
    out->leaf = issue(profile, false, ca, &leaf_chain);
    ASSERT_OK(vel_trust_new(&env.env, crypto, &out->trust));
    ASSERT_OK(vel_trust_add_pem(out->trust, vel_buf_slice(&ca_chain)));
    const struct vel_identity *leaf = out->leaf;
    const struct vel_tls_setup client = {.env = &env.env,
                                         .crypto = crypto,
                                         .is_client = true,
                                         .trust_pem = vel_buf_slice(&ca_chain)};
    const struct vel_tls_setup server = {
        .env = &env.env, .crypto = crypto, .identities = &leaf, .identity_count = 1};
    ASSERT_OK(vel_tls_new(&client, &out->client_tls));
    ASSERT_OK(vel_tls_new(&server, &out->server_tls));
    vel_identity_free(ca);
    vel_buf_free(&ca_chain);
    vel_buf_free(&leaf_chain);
}

const struct credentials *credentials_of(enum vel_profile profile)
{
    credentials_crypto();
    if (made[profile].leaf == NULL)
        make(profile, &made[profile]);
    return &made[profile];
}
