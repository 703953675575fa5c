/* SPDX-License-Identifier: MIT */
#ifndef PKI_PATH_H
#define PKI_PATH_H

#include "pki/cert.h"
#include "pki/verify.h"

/*
 * Path building (VEL-CERT-18): from the leaf, through certificates the peer sent in any order, to
 * an anchor. Issuers are found by name alone, since key identifiers name only the classical key;
 * every candidate is tried. A peer can send many certificates of one name and so many possible
 * paths; the number of signatures checked for one chain is bounded.
 */
enum { VEL_PATH_CANDIDATES_MAX = 32 }; /* issuers whose signatures are tried, two each */

struct vel_path {
    const struct vel_env *env;
    const struct vel_crypto *crypto;
    const struct vel_trust *trust;
    const struct vel_cert_request *request;
    struct vel_cert certs[VEL_CHAIN_MAX]; /* parsed, as sent: 0 is the leaf */
    size_t count;

    /* Private to path.c. */
    struct vel_dual_key keys[VEL_CHAIN_MAX]; /* decoded when first needed */
    size_t steps[VEL_CHAIN_MAX];             /* the path so far, as indexes of certs */
    size_t length;
    unsigned candidates;
    size_t constraints; /* what is left of VEL_CONSTRAINTS_BUDGET */
    struct vel_cert_verdict verdict;
};

/*
 * Find a path from certs[0], whose own checks the caller has made, to an anchor.
 * VEL_ERR_AUTH  there is none; path->verdict holds the failure that came furthest from the leaf
 */
vel_result vel_path_find(struct vel_path *path);

/* Release the keys. */
void vel_path_clear(struct vel_path *path);

/* Fill a verdict. */
void vel_verdict_set(struct vel_cert_verdict *verdict, enum vel_cert_check check, unsigned depth,
                     const struct vel_cert *cert);

/* VEL-CERT-21: not before, not after. VEL_CERT_OK when the certificate is valid at that time. */
enum vel_cert_check vel_cert_check_time(const struct vel_cert *cert, int64_t unix_time);

#endif
