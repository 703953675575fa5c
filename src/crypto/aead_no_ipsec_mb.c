/* SPDX-License-Identifier: MIT */
#include "crypto/aead_internal.h"

/* Stands in for aead_ipsec_mb.c in a build without the library. */
vel_result vel_ipsec_mb_load(const struct vel_env *env, struct vel_ipsec_mb **made)
{
    (void)env;
    *made = NULL;
    return VEL_OK;
}

void vel_ipsec_mb_free(const struct vel_env *env, struct vel_ipsec_mb *ipsec_mb)
{
    (void)env;
    (void)ipsec_mb;
}

const struct vel_aead_provider vel_aead_ipsec_mb = {.name = "ipsec-mb"};
