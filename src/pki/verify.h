/* SPDX-License-Identifier: MIT */
#ifndef PKI_VERIFY_H
#define PKI_VERIFY_H

#include "crypto/sign.h"
#include "velocity/pki.h"

/*
 * Chain verification for the handshake. Every byte of the chain is an attack: limits come first
 * (certificates, sizes), then parsing, then the cheap checks, then signatures.
 */
enum { VEL_CHAIN_MAX = 8, VEL_CERT_MAX_BYTES = 32 * 1024 };

enum vel_cert_use { VEL_USE_SERVER, VEL_USE_CLIENT };

struct vel_cert_request {
    const struct vel_slice *chain; /* DER, leaf first; borrowed for the call */
    size_t count;                  /* 1 to VEL_CHAIN_MAX */
    const char *name;              /* DNS name or IP literal the leaf must carry; NULL: any */
    enum vel_cert_use use;
    enum vel_profile level; /* every alternative key has at least this profile's ML-DSA level */
    int64_t unix_time;      /* seconds */
    bool insecure;          /* skip trust, name and validity; still parse and yield the keys */
};

/*
 * Verify, and hand out the leaf's public keys.
 *
 * trust    NULL only when request->insecure
 * verdict  always filled: VEL_CERT_OK or the first check that failed
 * leaf     on success, both public keys; release with vel_dual_key_clear
 *
 * VEL_ERR_AUTH       a check failed, see verdict
 * VEL_ERR_MALFORMED  limits exceeded or no certificate parses (verdict VEL_CERT_PARSE)
 */
vel_result vel_cert_verify(const struct vel_env *env, const struct vel_crypto *crypto,
                           const struct vel_trust *trust, const struct vel_cert_request *request,
                           struct vel_cert_verdict *verdict, struct vel_dual_key *leaf);

void vel_dual_key_clear(struct vel_dual_key *key);

#endif
