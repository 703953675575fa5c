/* SPDX-License-Identifier: MIT */
#ifndef PKI_ALGORITHM_H
#define PKI_ALGORITHM_H

#include "crypto/suite.h"
#include "velocity/slice.h"

/* The signature algorithms of certificates, as X.509 names them: one table. */

/* The AlgorithmIdentifier, a whole DER element: RFC 5758 (ECDSA), RFC 8410, RFC 9881 (ML-DSA). */
struct vel_slice vel_algorithm_id(enum vel_sign_alg alg);

/* The algorithm of an AlgorithmIdentifier; VEL_SIGN_ALG_COUNT when it is none of ours. */
enum vel_sign_alg vel_algorithm_of(struct vel_slice id);

/* "ECDSA P-256", "ML-DSA-65"; "unknown" for anything else. */
const char *vel_algorithm_name(enum vel_sign_alg alg);

/* True for the ML-DSA rows. */
bool vel_algorithm_is_pq(enum vel_sign_alg alg);

/* Whether an ML-DSA algorithm is at least as strong as the profile's. */
bool vel_algorithm_meets(enum vel_sign_alg pq, enum vel_profile level);

#endif
