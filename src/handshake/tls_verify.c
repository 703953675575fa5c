/* SPDX-License-Identifier: MIT */
#include <openssl/x509v3.h>

#include "base/units.h"
#include "handshake/tls_internal.h"
#include "pki/dn.h"

/* What libcrypto found wrong with a chain, as our check. */
static enum vel_cert_check check_of(int error)
{
    static const struct {
        int error;
        enum vel_cert_check check;
    } rows[] = {
        {X509_V_ERR_CERT_NOT_YET_VALID, VEL_CERT_NOT_YET_VALID},
        {X509_V_ERR_CERT_HAS_EXPIRED, VEL_CERT_EXPIRED},
        {X509_V_ERR_HOSTNAME_MISMATCH, VEL_CERT_NAME},
        {X509_V_ERR_IP_ADDRESS_MISMATCH, VEL_CERT_NAME},
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, VEL_CERT_UNKNOWN_ISSUER},
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, VEL_CERT_UNKNOWN_ISSUER},
        {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, VEL_CERT_UNKNOWN_ISSUER},
        {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, VEL_CERT_UNKNOWN_ISSUER},
        {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, VEL_CERT_UNKNOWN_ISSUER},
        {X509_V_ERR_CERT_CHAIN_TOO_LONG, VEL_CERT_UNKNOWN_ISSUER},
        {X509_V_ERR_CERT_UNTRUSTED, VEL_CERT_UNKNOWN_ISSUER},
        {X509_V_ERR_CERT_REJECTED, VEL_CERT_UNKNOWN_ISSUER},
        {X509_V_ERR_CERT_SIGNATURE_FAILURE, VEL_CERT_CLASSICAL_SIGNATURE},
        {X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, VEL_CERT_CLASSICAL_SIGNATURE},
        {X509_V_ERR_INVALID_PURPOSE, VEL_CERT_USAGE},
        {X509_V_ERR_KEYUSAGE_NO_CERTSIGN, VEL_CERT_USAGE},
        {X509_V_ERR_KEYUSAGE_NO_DIGITAL_SIGNATURE, VEL_CERT_USAGE},
        {X509_V_ERR_INVALID_CA, VEL_CERT_USAGE},
        {X509_V_ERR_PATH_LENGTH_EXCEEDED, VEL_CERT_CONSTRAINTS},
        {X509_V_ERR_PERMITTED_VIOLATION, VEL_CERT_CONSTRAINTS},
        {X509_V_ERR_EXCLUDED_VIOLATION, VEL_CERT_CONSTRAINTS},
        {X509_V_ERR_SUBTREE_MINMAX, VEL_CERT_CONSTRAINTS},
        {X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE, VEL_CERT_CONSTRAINTS},
        {X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX, VEL_CERT_CONSTRAINTS},
        {X509_V_ERR_UNSUPPORTED_NAME_SYNTAX, VEL_CERT_CONSTRAINTS},
        {X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, VEL_CERT_CRITICAL},
        {X509_V_ERR_EE_KEY_TOO_SMALL, VEL_CERT_ALGORITHM},
        {X509_V_ERR_CA_KEY_TOO_SMALL, VEL_CERT_ALGORITHM},
        {X509_V_ERR_CA_MD_TOO_WEAK, VEL_CERT_ALGORITHM},
        {X509_V_ERR_UNSUPPORTED_SIGNATURE_ALGORITHM, VEL_CERT_ALGORITHM},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++)
        if (rows[i].error == error)
            return rows[i].check;
    return VEL_CERT_PARSE;
}

static void note_subject(const X509 *cert, struct vel_cert_verdict *verdict)
{
    const unsigned char *der = NULL;
    size_t size = 0;
    if (cert != NULL && X509_NAME_get0_der(X509_get_subject_name(cert), &der, &size) == 1)
        vel_dn_text(vel_slice(der, size), verdict->subject, sizeof verdict->subject);
}

int vel_tls_on_verify(int ok, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct vel_cert_verdict *verdict = &vel_tls_conn_of(ssl)->verdict;
    if (!ok && verdict->check == VEL_CERT_OK) {
        verdict->check = check_of(X509_STORE_CTX_get_error(store));
        verdict->depth = (unsigned)X509_STORE_CTX_get_error_depth(store);
        note_subject(X509_STORE_CTX_get_current_cert(store), verdict);
    }
    return ok;
}
