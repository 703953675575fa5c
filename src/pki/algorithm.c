/* SPDX-License-Identifier: MIT */
#include "pki/algorithm.h"

#define ID(...) {(const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__})}
#define ECDSA_WITH(n) ID(0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, n)
#define NIST_SIGNATURE(n)                                                                          \
    ID(0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, n)

/* VEL-CERT-02 */
static const struct {
    const char *name;
    struct vel_slice id;
    bool pq;
    enum vel_profile level; /* meaningful for the ML-DSA rows */
} algorithms[VEL_SIGN_ALG_COUNT] = {
    [VEL_P256] = {"ECDSA P-256", ECDSA_WITH(0x02), false, VEL_PROFILE_LIGHT},
    [VEL_P384] = {"ECDSA P-384", ECDSA_WITH(0x03), false, VEL_PROFILE_LIGHT},
    [VEL_ED25519] = {"Ed25519", ID(0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70), false,
                     VEL_PROFILE_LIGHT},
    [VEL_MLDSA44] = {"ML-DSA-44", NIST_SIGNATURE(0x11), true, VEL_PROFILE_LIGHT},
    [VEL_MLDSA65] = {"ML-DSA-65", NIST_SIGNATURE(0x12), true, VEL_PROFILE_BALANCED},
    [VEL_MLDSA87] = {"ML-DSA-87", NIST_SIGNATURE(0x13), true, VEL_PROFILE_SECURE},
};

struct vel_slice vel_algorithm_id(enum vel_sign_alg alg)
{
    return algorithms[alg].id;
}

enum vel_sign_alg vel_algorithm_of(struct vel_slice id)
{
    for (unsigned i = 0; i < VEL_SIGN_ALG_COUNT; i++) {
        if (vel_slice_equal(algorithms[i].id, id))
            return (enum vel_sign_alg)i;
    }
    return VEL_SIGN_ALG_COUNT;
}

const char *vel_algorithm_name(enum vel_sign_alg alg)
{
    return (unsigned)alg < VEL_SIGN_ALG_COUNT ? algorithms[alg].name : "unknown";
}

bool vel_algorithm_is_pq(enum vel_sign_alg alg)
{
    return (unsigned)alg < VEL_SIGN_ALG_COUNT && algorithms[alg].pq;
}

bool vel_algorithm_meets(enum vel_sign_alg pq, enum vel_profile level)
{
    return vel_algorithm_is_pq(pq) && algorithms[pq].level >= level;
}
