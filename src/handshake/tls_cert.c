/* SPDX-License-Identifier: MIT */
#include "base/own.h"
#include "base/try.h"
#include "base/units.h"
#include "handshake/tls_internal.h"

/* Signature schemes of RFC 8446 4.2.3 that a kind of key can make in TLS 1.3. */
enum { SCHEMES_MAX = 3 };
static const struct {
    enum vel_sign_alg alg;
    uint16_t schemes[SCHEMES_MAX];
} kinds[] = {
    {VEL_P256, {0x0403}},
    {VEL_P384, {0x0503}},
    {VEL_ED25519, {0x0807}},
    {VEL_RSA, {0x0804, 0x0805, 0x0806}},
};

static const uint16_t *schemes_of(enum vel_sign_alg alg)
{
    for (size_t i = 0; i < VEL_COUNT(kinds); i++)
        if (kinds[i].alg == alg)
            return kinds[i].schemes;
    return NULL;
}

static vel_result parse(struct vel_slice der, X509 **cert)
{
    const uint8_t *end = der.ptr;
    X509 *made = d2i_X509(NULL, &end, (long)der.len); /* VEL_CERT_MAX_BYTES at most */
    SSL_REQUIRE(made != NULL, VEL_ERR_MALFORMED);
    *cert = made;
    return VEL_OK;
}

vel_result vel_tls_cert_load(const struct vel_identity *identity, struct vel_tls_cert *cert)
{
    size_t count = 0;
    const struct vel_slice *chain = vel_identity_chain(identity, &count);
    const struct vel_sign_key *key = vel_identity_keys(identity)->classical;
    REQUIRE(schemes_of(vel_sign_key_alg(key)) != NULL, VEL_ERR_UNSUPPORTED);

    OWNED(vel_tls_cert_clear) struct vel_tls_cert made = {0};
    made.sign_key = key;
    made.key = vel_sign_key_evp(key);
    made.chain = sk_X509_new_null();
    SSL_REQUIRE(made.chain != NULL, VEL_ERR_NOMEM);
    TRY(parse(chain[0], &made.leaf));
    for (size_t i = 1; i < count; i++) {
        X509 *next = NULL;
        TRY(parse(chain[i], &next));
        bool pushed = sk_X509_push(made.chain, next) > 0;
        if (!pushed)
            X509_free(next);
        SSL_REQUIRE(pushed, VEL_ERR_NOMEM);
    }
    *cert = made;
    made = (struct vel_tls_cert){0};
    return VEL_OK;
}

void vel_tls_cert_clear(struct vel_tls_cert *cert)
{
    X509_free(cert->leaf);
    sk_X509_pop_free(cert->chain, X509_free);
    *cert = (struct vel_tls_cert){0};
}

/* What the peer's signature_algorithms lists. */
static bool peer_takes(SSL *ssl, enum vel_sign_alg alg)
{
    const uint16_t *schemes = schemes_of(alg);
    int count = SSL_get_sigalgs(ssl, -1, NULL, NULL, NULL, NULL, NULL);
    for (int i = 0; i < count; i++) {
        unsigned char low = 0, high = 0;
        SSL_get_sigalgs(ssl, i, NULL, NULL, NULL, &low, &high);
        for (size_t k = 0; k < SCHEMES_MAX; k++)
            if (schemes[k] != 0 && schemes[k] == (unsigned)(high << 8 | low))
                return true;
    }
    return false;
}

int vel_tls_cert_choose(SSL *ssl, void *self)
{
    const struct vel_tls *tls = self;
    for (size_t i = 0; i < tls->cert_count; i++) {
        const struct vel_tls_cert *cert = &tls->certs[i];
        if (peer_takes(ssl, vel_sign_key_alg(cert->sign_key)))
            return SSL_use_cert_and_key(ssl, cert->leaf, cert->key, cert->chain, 1);
    }
    return 1; /* without one: libssl refuses a client, and sends an empty list to a server */
}
