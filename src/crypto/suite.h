/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_SUITE_H
#define CRYPTO_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "velocity/profile.h"

/*
 * Every algorithm choice of Velocity/1, as tables: code points, sizes, names, and which profile
 * admits what (PROTOCOL sections 3 and 4; product page "Profiles"). Code that needs to know
 * "which" walks these tables; nothing else in the project repeats them.
 */
enum vel_hash_id { VEL_SHA256, VEL_SHA384, VEL_SHA512, VEL_HASH_COUNT };
enum { VEL_HASH_MAX = 64 };

enum vel_aead_id { VEL_AES_128_GCM, VEL_AES_256_GCM, VEL_CHACHA20_POLY1305, VEL_AEAD_COUNT };
enum { VEL_AEAD_TAG = 16, VEL_AEAD_IV = 12, VEL_AEAD_KEY_MAX = 32 };

/* Single algorithms of a hybrid pair, and behind their number one that is in none: RSA keys of TLS
 * certificates, with which only libssl signs. */
enum vel_sign_alg {
    VEL_P256,
    VEL_P384,
    VEL_ED25519,
    VEL_MLDSA44,
    VEL_MLDSA65,
    VEL_MLDSA87,
    VEL_SIGN_ALG_COUNT,
    VEL_RSA = VEL_SIGN_ALG_COUNT + 1
};

/* Cipher suite: profile, AEAD and hash under one code point. */
struct vel_suite {
    uint16_t code;
    enum vel_profile profile;
    enum vel_aead_id aead;
    enum vel_hash_id hash;
    const char *name;
};

/* Hybrid key exchange group. Sizes in bytes of the wire form and of the concatenated secret. */
struct vel_group {
    uint16_t code;
    enum vel_profile profile; /* the one profile that admits it */
    uint16_t share_size;      /* client to server */
    uint16_t reply_size;      /* server to client: ciphertext and public key */
    uint16_t secret_size;
    const char *name;
};

/* Dual signature suite. */
struct vel_sig_suite {
    uint16_t code;
    enum vel_profile profile; /* the profile whose ML-DSA level it has */
    enum vel_sign_alg classical;
    enum vel_sign_alg pq;
    const char *label; /* "VEL1-MLDSA65-P256": the ML-DSA context and part of M' */
};

/* Tables, strongest profile first, inside a profile in order of preference. */
enum { VEL_SUITE_COUNT = 5, VEL_GROUP_COUNT = 4, VEL_SIG_SUITE_COUNT = 6 };
extern const struct vel_suite vel_suites[VEL_SUITE_COUNT];
extern const struct vel_group vel_groups[VEL_GROUP_COUNT];
extern const struct vel_sig_suite vel_sig_suites[VEL_SIG_SUITE_COUNT];

/* Row with this code point; NULL when there is none. */
const struct vel_suite *vel_suite_find(uint16_t code);
const struct vel_group *vel_group_find(uint16_t code);
const struct vel_sig_suite *vel_sig_suite_find(uint16_t code);
const struct vel_sig_suite *vel_sig_suite_of(enum vel_sign_alg classical, enum vel_sign_alg pq);

/* The group a client of this profile sends a share for. */
const struct vel_group *vel_profile_group(enum vel_profile profile);

/* Full-sized datagrams of the client's first flight (3 light, 4 balanced, 5 secure). */
unsigned vel_profile_hello_datagrams(enum vel_profile profile);

size_t vel_hash_size(enum vel_hash_id hash);
size_t vel_aead_key_size(enum vel_aead_id aead);

#endif
