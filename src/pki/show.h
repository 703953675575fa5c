/* SPDX-License-Identifier: MIT */
#ifndef PKI_SHOW_H
#define PKI_SHOW_H

#include "base/reader.h"
#include "crypto/sign.h"
#include "pki/cert.h"

/* What a certificate says, both halves, for people: `velocity cert show`. */

/* What became of one signature. */
#define VEL_SIGNED_MAP(X)                                                                          \
    X(VEL_SIGNED_UNCHECKED, "unchecked") /* the issuer is not at hand */                           \
    X(VEL_SIGNED_MISSING, "missing")                                                               \
    X(VEL_SIGNED_BROKEN, "broken")                                                                 \
    X(VEL_SIGNED_VALID, "valid")

#define VEL_SIGNED_AS_ENUM(code, name) code,
enum vel_signed { VEL_SIGNED_MAP(VEL_SIGNED_AS_ENUM) VEL_SIGNED_COUNT };
#undef VEL_SIGNED_AS_ENUM

const char *vel_signed_name(enum vel_signed state);

/* One half: a key and the signature beside it. Algorithms are VEL_SIGN_ALG_COUNT when unknown. */
struct vel_half_info {
    bool present;
    enum vel_sign_alg key;       /* algorithm of the certificate's own key */
    enum vel_sign_alg signature; /* algorithm its issuer signed with */
    size_t key_size;             /* bytes: SubjectPublicKeyInfo */
    size_t signature_size;       /* bytes */
    enum vel_signed state;
};

enum { VEL_INFO_NAME = 256, VEL_FINGERPRINT = 32, VEL_NAME_TEXT = 260 };

struct vel_cert_info {
    struct vel_cert cert; /* slices into the DER: names, serial number, validity, CA */
    char subject[VEL_INFO_NAME];
    char issuer[VEL_INFO_NAME];
    bool self_issued;
    uint8_t fingerprint[VEL_FINGERPRINT]; /* SHA-256 of the DER */
    struct vel_half_info classical;
    struct vel_half_info alternative;
    const struct vel_sig_suite *suite; /* what the keys can sign handshakes with; NULL: nothing */
};

/*
 * Describe one certificate.
 *
 * chain, count  certificates among which its issuer may be, as DER (itself too: a self-issued one
 *               is checked under its own keys); what does not parse is passed over
 *
 * VEL_ERR_MALFORMED  der is no certificate; *info untouched
 */
vel_result vel_cert_describe(const struct vel_env *env, const struct vel_crypto *crypto,
                             struct vel_slice der, const struct vel_slice *chain, size_t count,
                             struct vel_cert_info *info);

/* The next of cert.names as text: "example.org", "2001:db8::1"; names of other kinds are passed
 * over. False at the end. */
bool vel_cert_next_name(struct vel_reader *names, char text[VEL_NAME_TEXT]);

#endif
