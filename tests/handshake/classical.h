/* SPDX-License-Identifier: MIT */
#ifndef TESTS_HANDSHAKE_CLASSICAL_H
#define TESTS_HANDSHAKE_CLASSICAL_H

#include "base/buf.h"
#include "testing/test.h"
#include "velocity/pki.h"

/* Ordinary certificates for TLS, made with libcrypto alone, as others make them. */
struct classical {
    const char *type;   /* "RSA", "EC", "ED25519" */
    const char *curve;  /* of EC */
    unsigned bits;      /* of RSA */
    const char *name;   /* the DNS name in it */
    int64_t not_before; /* Unix seconds */
    int64_t not_after;
};

/* Self-signed, appended as PEM to `chain` and `key`; fails the test unless it works. */
void classical_issue(const struct classical *order, struct vel_buf *chain, struct vel_buf *key);

/* The chain of an identity as PEM, to be trusted. */
void classical_chain_pem(const struct vel_identity *identity, struct vel_buf *pem);

#endif
