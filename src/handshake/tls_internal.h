/* SPDX-License-Identifier: MIT */
#ifndef HANDSHAKE_TLS_INTERNAL_H
#define HANDSHAKE_TLS_INTERNAL_H

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "handshake/tls_context.h"
#include "pki/identity.h"

/* An identity as libssl wants it. */
struct vel_tls_cert {
    X509 *leaf;
    STACK_OF(X509) * chain; /* behind the leaf */
    EVP_PKEY *key;          /* of the identity */
    const struct vel_sign_key *sign_key;
};

struct vel_tls {
    const struct vel_env *env;
    const struct vel_crypto *crypto;
    SSL_CTX *ctx;
    bool is_client;
    bool insecure;
    struct vel_tls_cert certs[VEL_TLS_IDENTITIES_MAX];
    size_t cert_count;
    void (*key_log)(void *self, const char *line);
    void *key_log_self;
};

/* As REQUIRE, for calls of libssl: its error queue is emptied. */
#define SSL_REQUIRE(condition, err)                                                                \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            ERR_clear_error();                                                                     \
            return (err);                                                                          \
        }                                                                                          \
    } while (0)

/* ---- tls_cert.c ---- */

/* VEL_ERR_UNSUPPORTED  a key that TLS 1.3 has no signature for */
vel_result vel_tls_cert_load(const struct vel_identity *identity, struct vel_tls_cert *cert);
void vel_tls_cert_clear(struct vel_tls_cert *cert);

/* libssl's certificate callback: the first certificate that the peer can verify. */
int vel_tls_cert_choose(SSL *ssl, void *tls);

/* ---- tls_verify.c ---- */

/* libssl's verification callback: notes the first failed check in the connection's verdict. */
int vel_tls_on_verify(int ok, X509_STORE_CTX *store);

static inline struct vel_tls_conn *vel_tls_conn_of(const SSL *ssl)
{
    return SSL_get_app_data(ssl);
}

#endif
