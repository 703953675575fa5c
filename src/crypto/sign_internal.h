/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_SIGN_INTERNAL_H
#define CRYPTO_SIGN_INTERNAL_H

#include "crypto/crypto_internal.h"

struct vel_sign_key {
    EVP_PKEY *pkey;
    enum vel_sign_alg alg;
};

/* What an algorithm is made of. Keys of the NIST curves have a curve, ML-DSA a seed. */
struct vel_sign_facts {
    const char *type;       /* of the key, in libcrypto */
    const char *curve_name; /* NULL: not on a NIST curve */
    enum vel_curve curve;
    enum vel_hash_id hash; /* of ECDSA */
    bool has_context;      /* ML-DSA */
    size_t signature_max;
    struct vel_slice spki; /* the constant bytes that its SubjectPublicKeyInfo begins with */
    size_t public_size;    /* what follows them, to the end */
};

extern const struct vel_sign_facts vel_sign_algs[VEL_SIGN_ALG_COUNT];

#endif
