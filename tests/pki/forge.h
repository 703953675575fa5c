/* SPDX-License-Identifier: MIT */
#ifndef TESTS_PKI_FORGE_H
#define TESTS_PKI_FORGE_H

/* Certificates for tests, good and broken on purpose. Seeded: the same test sees the same bytes. */

#include "base/buf.h"
#include "pki/cert.h"
#include "pki/identity.h"
#include "pki/issue.h"
#include "pki/verify.h"
#include "testing/test.h"

/* 2027-01-15T08:00:00Z, the time in every test. */
#define FORGE_NOW INT64_C(1800000000)
#define FORGE_DAY INT64_C(86400)

struct forge {
    struct test_env t;
    struct vel_crypto *crypto;
};

/* A certificate and its keys. */
struct made {
    struct vel_buf chain_pem;
    struct vel_buf key_pem;
    struct vel_identity *identity;
    struct vel_cert cert; /* slices into the identity */
};

void forge_open(struct forge *f);
void forge_close(struct forge *f); /* fails the test on a leak */

/* Ten valid days from FORGE_NOW - one day; balanced, P-256, deterministic. Change what matters. */
struct vel_cert_order forge_leaf(const char *const *names, size_t count);
struct vel_cert_order forge_ca(const char *common_name, int path_length);

/* Issue; fails the test unless it works. */
void forge_make(struct forge *f, const struct vel_cert_order *order, const struct made *issuer,
                struct made *made);
void forge_unmake(struct made *made);

/* How to sign a certificate again. */
struct forge_edit {
    struct vel_sign_key *classical; /* keys of the signer */
    struct vel_sign_key *pq;        /* NULL: without extensions 73 and 74 */
    unsigned drop;                  /* extension 2.5.29.n left out; 0: none */
    struct vel_slice add;           /* a whole Extension put behind the others */
    struct vel_slice middle;        /* instead of the certificate's; empty: keep */
};

/* The certificate with edits, as DER in a buffer that the caller frees. */
struct vel_buf forge_again(struct forge *f, const struct vel_cert *cert,
                           const struct forge_edit *edit);

/* A whole Extension 2.5.29.n. */
struct vel_buf forge_extension(struct forge *f, unsigned n, bool critical, struct vel_slice value);

#endif
