/* SPDX-License-Identifier: MIT */
#include "pki/identity.h"

#include "base/buf.h"
#include "base/own.h"
#include "base/try.h"
#include "base/units.h"
#include "pki/algorithm.h"
#include "pki/cert.h"
#include "pki/pem.h"
#include "pki/signature.h"
#include "pki/verify.h"

struct vel_identity {
    const struct vel_env *env;
    struct vel_buf ders[VEL_CHAIN_MAX];
    struct vel_slice chain[VEL_CHAIN_MAX];
    size_t count;
    struct vel_dual_key keys;
};

enum { KEY_MAX_BYTES = 16 * 1024 };

OWNED_POINTER(identity_release, struct vel_identity, vel_identity_free)
OWNED_POINTER(key_release, struct vel_sign_key, vel_sign_key_free)

static vel_result parse_chain(struct vel_identity *made, struct vel_slice pem,
                              struct vel_cert *leaf)
{
    struct vel_reader text = vel_reader(pem);
    for (;;) {
        struct vel_buf der = {.env = made->env, .limit = VEL_CERT_MAX_BYTES};
        struct vel_cert cert;
        enum vel_err err = vel_pem_next(&text, VEL_PEM_CERTIFICATE, &der);
        if (err == VEL_ERR_NOT_FOUND)
            break;
        if (err == VEL_OK)
            err = made->count < VEL_CHAIN_MAX ? vel_cert_parse(vel_buf_slice(&der), &cert)
                                              : VEL_ERR_MALFORMED;
        if (err != VEL_OK) {
            vel_buf_free(&der);
            return err == VEL_ERR_LIMIT ? VEL_ERR_MALFORMED : err;
        }
        if (made->count == 0)
            *leaf = cert;
        made->chain[made->count] = vel_buf_slice(&der);
        made->ders[made->count++] = der;
    }
    return made->count > 0 ? VEL_OK : VEL_ERR_MALFORMED;
}

/* The next private key; VEL_ERR_NOT_FOUND when there is none. */
static vel_result next_key(const struct vel_identity *made, const struct vel_crypto *crypto,
                           struct vel_reader *text, struct vel_sign_key **key)
{
    static const char *const labels[] = {[VEL_KEY_PKCS8] = VEL_PEM_PRIVATE_KEY,
                                         [VEL_KEY_EC] = VEL_PEM_EC_PRIVATE_KEY,
                                         [VEL_KEY_RSA] = VEL_PEM_RSA_PRIVATE_KEY};
    OWNED(vel_buf_free) struct vel_buf der = {.env = made->env, .limit = KEY_MAX_BYTES};
    struct vel_slice rest = vel_slice(text->pos, vel_left(text));
    const char *label = vel_pem_peek(rest, labels, VEL_COUNT(labels));
    REQUIRE(label != NULL, VEL_ERR_NOT_FOUND);
    enum vel_err err = vel_pem_next(text, label, &der);
    if (err == VEL_ERR_LIMIT)
        return VEL_ERR_MALFORMED;
    TRY(err);
    enum vel_key_form form = VEL_KEY_PKCS8;
    while (labels[form] != label)
        form++;
    return vel_sign_key_from_der(crypto, form, vel_buf_slice(&der), key);
}

static vel_result parse_keys(struct vel_identity *made, const struct vel_crypto *crypto,
                             struct vel_slice pem)
{
    OWNED(key_release) struct vel_sign_key *extra = NULL;
    struct vel_reader text = vel_reader(pem);
    enum vel_err err = next_key(made, crypto, &text, &made->keys.classical);
    REQUIRE(err != VEL_ERR_NOT_FOUND, VEL_ERR_MALFORMED);
    TRY(err);
    err = next_key(made, crypto, &text, &made->keys.pq);
    if (err == VEL_ERR_NOT_FOUND)
        return VEL_OK;
    TRY(err);
    REQUIRE(next_key(made, crypto, &text, &extra) == VEL_ERR_NOT_FOUND, VEL_ERR_MALFORMED);
    return VEL_OK;
}

static vel_result match(const struct vel_crypto *crypto, struct vel_slice spki,
                        const struct vel_sign_key *key)
{
    OWNED(key_release) struct vel_sign_key *public_key = NULL;
    REQUIRE(spki.len > 0, VEL_ERR_AUTH);
    if (vel_sign_key_alg(key) == VEL_RSA)
        return vel_sign_key_has_spki(key, spki) ? VEL_OK : VEL_ERR_AUTH;
    TRY(vel_sign_key_from_spki(crypto, spki, &public_key));
    REQUIRE(vel_sign_key_alg(key) == vel_sign_key_alg(public_key) &&
                vel_sign_key_same_public(key, public_key),
            VEL_ERR_AUTH);
    return VEL_OK;
}

/* VEL-CERT-24: both keys belong to the leaf, the classical one first. */
static vel_result match_keys(struct vel_dual_key *keys, const struct vel_crypto *crypto,
                             const struct vel_cert *leaf)
{
    TRY(match(crypto, leaf->spki, keys->classical));
    REQUIRE(!vel_algorithm_is_pq(vel_sign_key_alg(keys->classical)), VEL_ERR_UNSUPPORTED);
    if (keys->pq == NULL)
        return VEL_OK;
    TRY(match(crypto, leaf->alt_spki, keys->pq));
    keys->suite = vel_sig_suite_of(vel_sign_key_alg(keys->classical), vel_sign_key_alg(keys->pq));
    REQUIRE(keys->suite != NULL, VEL_ERR_UNSUPPORTED);
    return VEL_OK;
}

vel_result vel_identity_parse(const struct vel_env *env, const struct vel_crypto *crypto,
                              struct vel_slice chain_pem, struct vel_slice key_pem,
                              struct vel_identity **identity)
{
    struct vel_cert leaf = {0};
    OWNED(identity_release) struct vel_identity *made = vel_alloc(env, sizeof *made);
    REQUIRE(made != NULL, VEL_ERR_NOMEM);
    made->env = env;
    TRY(parse_chain(made, chain_pem, &leaf));
    TRY(parse_keys(made, crypto, key_pem));
    TRY(match_keys(&made->keys, crypto, &leaf));
    *identity = GIVE(made);
    return VEL_OK;
}

void vel_identity_free(struct vel_identity *identity)
{
    if (identity == NULL)
        return;
    vel_dual_key_clear(&identity->keys);
    for (size_t i = 0; i < identity->count; i++)
        vel_buf_free(&identity->ders[i]);
    vel_release(identity->env, identity, sizeof *identity);
}

const struct vel_slice *vel_identity_chain(const struct vel_identity *identity, size_t *count)
{
    *count = identity->count;
    return identity->chain;
}

const struct vel_dual_key *vel_identity_keys(const struct vel_identity *identity)
{
    return &identity->keys;
}
