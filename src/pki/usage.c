/* SPDX-License-Identifier: MIT */
#include "pki/usage.h"

static bool has_purpose(const struct vel_cert *cert, enum vel_cert_use use)
{
    unsigned wanted = use == VEL_USE_SERVER ? VEL_PURPOSE_SERVER : VEL_PURPOSE_CLIENT;
    return !cert->has_purposes || (cert->purposes & wanted) != 0;
}

bool vel_usage_leaf(const struct vel_cert *cert, enum vel_cert_use use)
{
    bool signs = !cert->has_key_usage || (cert->key_usage & VEL_USAGE_SIGNATURE) != 0;
    return signs && has_purpose(cert, use);
}

bool vel_usage_issuer(const struct vel_cert *cert, enum vel_cert_use use)
{
    bool certifies = cert->has_key_usage && (cert->key_usage & VEL_USAGE_CERT_SIGN) != 0;
    return cert->ca && certifies && has_purpose(cert, use);
}
