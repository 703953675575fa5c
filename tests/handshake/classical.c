/* SPDX-License-Identifier: MIT */
#include "handshake/classical.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "pki/identity.h"
#include "pki/pem.h"

static EVP_PKEY *generate(const struct classical *order)
{
    if (strcmp(order->type, "RSA") == 0)
        return EVP_RSA_gen(order->bits);
    if (strcmp(order->type, "EC") == 0)
        return EVP_EC_gen(order->curve);
    return EVP_PKEY_Q_keygen(NULL, NULL, order->type);
}

static void take(BIO *bio, struct vel_buf *out)
{
    char *text = NULL;
    long size = BIO_get_mem_data(bio, &text);
    assert_true(size > 0);
    ASSERT_OK(vel_buf_append(out, vel_slice(text, (size_t)size)));
    BIO_free(bio);
}

static void add_name(X509 *cert, const char *name)
{
    char value[280];
    snprintf(value, sizeof value, "DNS:%s", name);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, value);
    assert_int_equal(X509_add_ext(cert, names, -1), 1);
    X509_EXTENSION_free(names);
}

void classical_issue(const struct classical *order, struct vel_buf *chain, struct vel_buf *key)
{
    EVP_PKEY *pkey = generate(order);
    X509 *cert = X509_new();
    assert_non_null(pkey);
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)order->not_before);
    ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)order->not_after);
    X509_NAME *subject = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)order->name, -1,
                               -1, 0);
    X509_set_issuer_name(cert, subject);
    X509_set_pubkey(cert, pkey);
    add_name(cert, order->name);
    bool hashless = strcmp(order->type, "ED25519") == 0;
    assert_true(X509_sign(cert, pkey, hashless ? NULL : EVP_sha256()) > 0);

    BIO *chain_text = BIO_new(BIO_s_mem());
    BIO *key_text = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(chain_text, cert), 1);
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(key_text, pkey, NULL, NULL, 0, NULL, NULL), 1);
    take(chain_text, chain);
    take(key_text, key);
    X509_free(cert);
    EVP_PKEY_free(pkey);
}

void classical_chain_pem(const struct vel_identity *identity, struct vel_buf *pem)
{
    size_t count = 0;
    const struct vel_slice *chain = vel_identity_chain(identity, &count);
    for (size_t i = 0; i < count; i++)
        ASSERT_OK(vel_pem_append(pem, VEL_PEM_CERTIFICATE, chain[i]));
}
