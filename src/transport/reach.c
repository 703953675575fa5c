/* SPDX-License-Identifier: MIT */
#include "transport/reach.h"

#include <stddef.h>

#include "base/units.h"

/* Of the IANA registries of special addresses, those that matter here; the first that fits. */
static const struct block {
    uint8_t family;
    uint8_t ip[16];
    uint8_t bits; /* of them count */
    enum vel_reach reach;
} blocks[] = {
    {VEL_ADDR_IP4, {0}, 8, VEL_REACH_NOBODY},
    {VEL_ADDR_IP4, {127}, 8, VEL_REACH_MACHINE},
    {VEL_ADDR_IP4, {169, 254}, 16, VEL_REACH_LINK},
    {VEL_ADDR_IP4, {10}, 8, VEL_REACH_SITE},
    {VEL_ADDR_IP4, {100, 64}, 10, VEL_REACH_SITE},
    {VEL_ADDR_IP4, {172, 16}, 12, VEL_REACH_SITE},
    {VEL_ADDR_IP4, {192, 168}, 16, VEL_REACH_SITE},
    {VEL_ADDR_IP4, {224}, 3, VEL_REACH_NOBODY},
    {VEL_ADDR_IP6, {[15] = 1}, 128, VEL_REACH_MACHINE},
    {VEL_ADDR_IP6, {0}, 8, VEL_REACH_NOBODY}, /* unspecified, IPv4-mapped, IPv4-translated */
    {VEL_ADDR_IP6, {0xfe, 0x80}, 10, VEL_REACH_LINK},
    {VEL_ADDR_IP6, {0xfe, 0xc0}, 10, VEL_REACH_SITE},
    {VEL_ADDR_IP6, {0xfc}, 7, VEL_REACH_SITE},
    {VEL_ADDR_IP6, {0xff}, 8, VEL_REACH_NOBODY},
};

static bool is_in(const struct vel_addr *addr, const struct block *block)
{
    unsigned bytes = block->bits / 8, rest = block->bits % 8;
    if (addr->family != block->family || memcmp(addr->ip, block->ip, bytes) != 0)
        return false;
    return rest == 0 || (addr->ip[bytes] ^ block->ip[bytes]) >> (8 - rest) == 0;
}

enum vel_reach vel_reach_of(const struct vel_addr *addr)
{
    if (addr->family == VEL_ADDR_NONE)
        return VEL_REACH_NOBODY;
    for (size_t i = 0; i < VEL_COUNT(blocks); i++)
        if (is_in(addr, &blocks[i]))
            return blocks[i].reach;
    return VEL_REACH_WORLD;
}

bool vel_reach_may_send(const struct vel_addr *from, const struct vel_addr *to)
{
    enum vel_reach now = vel_reach_of(from), then = vel_reach_of(to);
    return then != VEL_REACH_NOBODY && then >= (now == VEL_REACH_NOBODY ? VEL_REACH_WORLD : now);
}
