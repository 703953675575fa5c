/* SPDX-License-Identifier: MIT */
#ifndef PKI_IDENTITY_H
#define PKI_IDENTITY_H

#include "crypto/sign.h"
#include "velocity/pki.h"

/* The chain as DER, leaf first; *count certificates. Lives as long as the identity. */
const struct vel_slice *vel_identity_chain(const struct vel_identity *identity, size_t *count);

/* Both keys of the leaf, private parts included; suite is NULL when there is no ML-DSA key (then
 * the identity cannot serve Velocity). Lives as long as the identity. */
const struct vel_dual_key *vel_identity_keys(const struct vel_identity *identity);

#endif
