/* SPDX-License-Identifier: MIT */
#include "endpoint/half_open.h"

#include "base/try.h"
#include "endpoint/limits.h"

void vel_half_open_init(struct vel_half_open *half_open, const struct vel_env *env,
                        size_t max_total, size_t max_source)
{
    *half_open = (struct vel_half_open){
        .sources = {.env = env},
        .max_total = max_total,
        .max_source = VEL_MAX((size_t)1, max_source),
    };
    vel_random(env, &half_open->key, sizeof half_open->key);
}

/* The hash of the part of an address that one customer holds. */
static uint64_t source_of(const struct vel_half_open *half_open, const struct vel_addr *addr)
{
    uint8_t bytes[1 + sizeof addr->ip] = {addr->family};
    size_t size = addr->family == VEL_ADDR_IP4   ? VEL_SOURCE_IP4_BYTES
                  : addr->family == VEL_ADDR_IP6 ? VEL_SOURCE_IP6_BYTES
                                                 : sizeof addr->ip;
    memcpy(bytes + 1, addr->ip, size);
    return vel_keyed_hash(&half_open->key, vel_slice(bytes, 1 + size));
}

bool vel_half_open_has_room(const struct vel_half_open *half_open, const struct vel_addr *addr)
{
    if (half_open->total >= half_open->max_total)
        return false;
    const uintptr_t *count = vel_table_find(&half_open->sources, source_of(half_open, addr));
    return count == NULL || *count < half_open->max_source;
}

vel_result vel_half_open_add(struct vel_half_open *half_open, const struct vel_addr *addr)
{
    uint64_t source = source_of(half_open, addr);
    uintptr_t *count = vel_table_find(&half_open->sources, source);
    if (count != NULL)
        ++*count;
    else
        TRY(vel_table_add(&half_open->sources, source, 1));
    half_open->total++;
    return VEL_OK;
}

void vel_half_open_remove(struct vel_half_open *half_open, const struct vel_addr *addr)
{
    uint64_t source = source_of(half_open, addr);
    uintptr_t *count = vel_table_find(&half_open->sources, source);
    VEL_ASSERT(count != NULL);
    half_open->total--;
    if (*count > 1)
        --*count;
    else
        vel_table_remove(&half_open->sources, source);
}

void vel_half_open_clear(struct vel_half_open *half_open)
{
    vel_table_clear(&half_open->sources);
}
