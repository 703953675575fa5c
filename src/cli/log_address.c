/* SPDX-License-Identifier: MIT */
#include "cli/log_address.h"

#include <inttypes.h>
#include <stdio.h>

#include "sys/address.h"

const char *vel_log_address(const struct vel_log_address *how, const struct vel_addr *addr,
                            char *text)
{
    enum { IP4_BYTES = 4 };
    if (how->plain)
        return vel_addr_text(addr, text);
    size_t size = addr->family == VEL_ADDR_IP4 ? IP4_BYTES : sizeof addr->ip;
    uint64_t hash = vel_keyed_hash(&how->salt, vel_slice(addr->ip, size));
    snprintf(text, VEL_ADDR_TEXT, "%016" PRIx64, hash);
    return text;
}
