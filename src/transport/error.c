/* SPDX-License-Identifier: MIT */
#include "transport/error.h"

#define VEL_WIRE_ERROR_AS_CASE(name, code)                                                         \
    case code:                                                                                     \
        return #name;

const char *vel_wire_error_name(uint64_t code)
{
    if (code >= VEL_WIRE_CRYPTO_ERROR && code < VEL_WIRE_CRYPTO_ERROR_END)
        return "CRYPTO_ERROR";
    switch (code) {
        VEL_WIRE_ERROR_MAP(VEL_WIRE_ERROR_AS_CASE)
    default:
        return "unknown";
    }
}
