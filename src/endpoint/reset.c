/* SPDX-License-Identifier: MIT */
#include "endpoint/reset.h"

#include "base/try.h"
#include "base/units.h"
#include "crypto/hash.h"
#include "transport/packet.h"

vel_result vel_reset_token(const struct vel_crypto *crypto, const uint8_t key[VEL_RESET_KEY],
                           const struct vel_cid *cid, uint8_t token[VEL_RESET_TOKEN])
{
    uint8_t mac[VEL_HASH_MAX];
    TRY(vel_hmac(crypto, VEL_SHA256, vel_slice(key, VEL_RESET_KEY), vel_cid_slice(cid), mac));
    memcpy(token, mac, VEL_RESET_TOKEN);
    return VEL_OK;
}

/* RFC 9000 10.3: one byte less than a short trigger; else of a length that says nothing. */
size_t vel_reset_size(size_t trigger, uint8_t random)
{
    if (trigger <= VEL_RESET_MIN)
        return 0;
    size_t most = VEL_MIN(trigger - 1, (size_t)VEL_RESET_MAX);
    if (most <= VEL_RESET_TYPICAL)
        return most;
    return VEL_RESET_TYPICAL + random % (most - VEL_RESET_TYPICAL + 1);
}

void vel_reset_write(const struct vel_env *env, const uint8_t token[VEL_RESET_TOKEN],
                     uint8_t *bytes, size_t size)
{
    vel_random(env, bytes, size - VEL_RESET_TOKEN);
    bytes[0] = (uint8_t)((bytes[0] & ~VEL_BIT_LONG) | VEL_BIT_FIXED);
    memcpy(bytes + size - VEL_RESET_TOKEN, token, VEL_RESET_TOKEN);
}
