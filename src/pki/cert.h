/* SPDX-License-Identifier: MIT */
#ifndef PKI_CERT_H
#define PKI_CERT_H

#include "base/buf.h"
#include "velocity/pki.h"

/*
 * One parsed certificate (RFC 5280, 4.1): slices into its DER, nothing decoded that is not needed,
 * no signature checked. The DER must outlive it.
 */

/* Extensions that we understand are 2.5.29.n; this is n. */
enum {
    VEL_EXT_KEY_ID = 14,
    VEL_EXT_KEY_USAGE = 15,
    VEL_EXT_NAMES = 17,
    VEL_EXT_BASIC = 19,
    VEL_EXT_NAME_CONSTRAINTS = 30,
    VEL_EXT_ISSUER_KEY_ID = 35,
    VEL_EXT_PURPOSES = 37,
    VEL_EXT_ALT_KEY = 72,
    VEL_EXT_ALT_ALGORITHM = 73,
    VEL_EXT_ALT_VALUE = 74
};

/* GeneralName tags that we understand (RFC 5280, 4.2.1.6). */
enum { VEL_NAME_DNS = 0x82, VEL_NAME_IP = 0x87 };

/* Key usage bits (RFC 5280, 4.2.1.3), bit n of the field being 1 << n. */
enum { VEL_USAGE_SIGNATURE = 1 << 0, VEL_USAGE_CERT_SIGN = 1 << 5, VEL_USAGE_CRL_SIGN = 1 << 6 };

/* Purposes of the extended key usage extension (RFC 5280, 4.2.1.12). */
enum { VEL_PURPOSE_SERVER = 1 << 0, VEL_PURPOSE_CLIENT = 1 << 1 };

enum { VEL_EXTENSIONS_MAX = 32, VEL_SERIAL_MAX = 20 };

struct vel_cert {
    struct vel_slice der;
    struct vel_slice tbs; /* what the classical signature covers, an element */

    /* The elements of tbs in the cut of the alternative signature, see pki/alt.h. */
    struct vel_slice head;       /* version and serial number */
    struct vel_slice algorithm;  /* signature: an AlgorithmIdentifier, equal outside and inside */
    struct vel_slice middle;     /* issuer to subject public key info and unique identifiers */
    struct vel_slice extensions; /* contents of Extensions; empty when there are none */

    struct vel_slice serial; /* contents, big-endian */
    struct vel_slice issuer; /* elements */
    struct vel_slice subject;
    struct vel_slice spki;
    int64_t not_before; /* Unix seconds, both inclusive */
    int64_t not_after;
    struct vel_slice signature;

    bool ca;
    int64_t path_length; /* -1: unlimited */
    bool has_key_usage;
    unsigned key_usage;
    bool has_purposes;
    unsigned purposes;
    struct vel_slice names;       /* GeneralNames, contents; empty when absent */
    struct vel_slice constraints; /* NameConstraints, contents; empty when absent */
    struct vel_slice key_id;
    bool unknown_critical; /* has a critical extension that we do not know, VEL-CERT-22 */

    struct vel_slice alt_spki; /* extension 72; these three are empty when absent */
    struct vel_slice alt_algorithm;
    struct vel_slice alt_signature;
};

/* VEL-CERT-01.
 * VEL_ERR_MALFORMED  not DER, not a certificate, a repeated extension, a critical alternative
 * extension, or more than VEL_EXTENSIONS_MAX; *cert untouched */
vel_result vel_cert_parse(struct vel_slice der, struct vel_cert *cert);

/* All three alternative extensions are there. */
bool vel_cert_is_hybrid(const struct vel_cert *cert);

/* Issuer and subject are the same name. */
bool vel_cert_is_self_issued(const struct vel_cert *cert);

#endif
