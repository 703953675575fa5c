/* SPDX-License-Identifier: MIT */
#ifndef VELOCITY_CRYPTO_H
#define VELOCITY_CRYPTO_H

#include "velocity/env.h"
#include "velocity/err.h"

/*
 * The cryptographic library, opened once: a program makes one struct vel_crypto and passes it to
 * everything. It is read-only afterwards and may be used from many threads.
 */
struct vel_crypto;

/*
 * VEL_ERR_UNSUPPORTED  this libcrypto lacks an algorithm (needs OpenSSL 3.5 or newer)
 * VEL_ERR_NOMEM        allocation failed
 */
vel_result vel_crypto_new(const struct vel_env *env, struct vel_crypto **crypto);

/* The library that AES-GCM, and so most packets, is done with: "ipsec-mb" where the build found it and the
 * processor is fit for it, else "libcrypto". A constant text. */
const char *vel_crypto_aes_gcm(const struct vel_crypto *crypto);

/* NULL is allowed. Everything made with it must be gone. */
void vel_crypto_free(struct vel_crypto *crypto);

#endif
