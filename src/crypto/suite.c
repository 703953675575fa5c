/* SPDX-License-Identifier: MIT */
#include "crypto/suite.h"

const struct vel_suite vel_suites[VEL_SUITE_COUNT] = {
    {0x5621, VEL_PROFILE_SECURE, VEL_AES_256_GCM, VEL_SHA512, "VEL_SECURE_AES_256_GCM_SHA512"},
    {0x5611, VEL_PROFILE_BALANCED, VEL_AES_256_GCM, VEL_SHA384, "VEL_BALANCED_AES_256_GCM_SHA384"},
    {0x5612, VEL_PROFILE_BALANCED, VEL_CHACHA20_POLY1305, VEL_SHA384,
     "VEL_BALANCED_CHACHA20_POLY1305_SHA384"},
    {0x5601, VEL_PROFILE_LIGHT, VEL_CHACHA20_POLY1305, VEL_SHA256,
     "VEL_LIGHT_CHACHA20_POLY1305_SHA256"},
    {0x5602, VEL_PROFILE_LIGHT, VEL_AES_128_GCM, VEL_SHA256, "VEL_LIGHT_AES_128_GCM_SHA256"},
};

/* Sizes: ML-KEM public key or ciphertext (FIPS 203, table 3), plus 32 bytes of X25519 or 97 of an
 * uncompressed P-384 point; secrets of 32 plus 32 or 48 bytes. */
const struct vel_group vel_groups[VEL_GROUP_COUNT] = {
    {0x11ed, VEL_PROFILE_SECURE, 97 + 1568, 97 + 1568, 48 + 32, "SecP384r1MLKEM1024"},
    {0xfe14, VEL_PROFILE_SECURE, 1568 + 32, 1568 + 32, 32 + 32, "X25519MLKEM1024"},
    {0x11ec, VEL_PROFILE_BALANCED, 1184 + 32, 1088 + 32, 32 + 32, "X25519MLKEM768"},
    {0xfe12, VEL_PROFILE_LIGHT, 800 + 32, 768 + 32, 32 + 32, "X25519MLKEM512"},
};

const struct vel_sig_suite vel_sig_suites[VEL_SIG_SUITE_COUNT] = {
    {0x5661, VEL_PROFILE_SECURE, VEL_P384, VEL_MLDSA87, "VEL1-MLDSA87-P384"},
    {0x5662, VEL_PROFILE_SECURE, VEL_ED25519, VEL_MLDSA87, "VEL1-MLDSA87-Ed25519"},
    {0x5651, VEL_PROFILE_BALANCED, VEL_P256, VEL_MLDSA65, "VEL1-MLDSA65-P256"},
    {0x5652, VEL_PROFILE_BALANCED, VEL_ED25519, VEL_MLDSA65, "VEL1-MLDSA65-Ed25519"},
    {0x5641, VEL_PROFILE_LIGHT, VEL_P256, VEL_MLDSA44, "VEL1-MLDSA44-P256"},
    {0x5642, VEL_PROFILE_LIGHT, VEL_ED25519, VEL_MLDSA44, "VEL1-MLDSA44-Ed25519"},
};

const struct vel_suite *vel_suite_find(uint16_t code)
{
    for (size_t i = 0; i < VEL_SUITE_COUNT; i++)
        if (vel_suites[i].code == code)
            return &vel_suites[i];
    return NULL;
}

const struct vel_group *vel_group_find(uint16_t code)
{
    for (size_t i = 0; i < VEL_GROUP_COUNT; i++)
        if (vel_groups[i].code == code)
            return &vel_groups[i];
    return NULL;
}

const struct vel_sig_suite *vel_sig_suite_find(uint16_t code)
{
    for (size_t i = 0; i < VEL_SIG_SUITE_COUNT; i++)
        if (vel_sig_suites[i].code == code)
            return &vel_sig_suites[i];
    return NULL;
}

const struct vel_sig_suite *vel_sig_suite_of(enum vel_sign_alg classical, enum vel_sign_alg pq)
{
    for (size_t i = 0; i < VEL_SIG_SUITE_COUNT; i++)
        if (vel_sig_suites[i].classical == classical && vel_sig_suites[i].pq == pq)
            return &vel_sig_suites[i];
    return NULL;
}

/* The tables list groups in order of preference, so the first of the profile is the one. */
const struct vel_group *vel_profile_group(enum vel_profile profile)
{
    for (size_t i = 0; i < VEL_GROUP_COUNT; i++)
        if (vel_groups[i].profile == profile)
            return &vel_groups[i];
    return NULL;
}

unsigned vel_profile_hello_datagrams(enum vel_profile profile)
{
    static const unsigned datagrams[VEL_PROFILE_COUNT] = {
        [VEL_PROFILE_LIGHT] = 3, [VEL_PROFILE_BALANCED] = 4, [VEL_PROFILE_SECURE] = 5};
    return datagrams[profile];
}

size_t vel_hash_size(enum vel_hash_id hash)
{
    static const uint8_t sizes[VEL_HASH_COUNT] = {
        [VEL_SHA256] = 32, [VEL_SHA384] = 48, [VEL_SHA512] = VEL_HASH_MAX};
    return sizes[hash];
}

size_t vel_aead_key_size(enum vel_aead_id aead)
{
    static const uint8_t sizes[VEL_AEAD_COUNT] = {
        [VEL_AES_128_GCM] = 16, [VEL_AES_256_GCM] = 32, [VEL_CHACHA20_POLY1305] = VEL_AEAD_KEY_MAX};
    return sizes[aead];
}
