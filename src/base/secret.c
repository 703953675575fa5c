/* SPDX-License-Identifier: MIT */
#include "base/secret.h"

void vel_wipe(void *memory, size_t size)
{
    if (size == 0)
        return;
    memset(memory, 0, size);
    /* The compiler must assume that this reads the memory, so it keeps the memset. */
    __asm__ volatile("" : : "r"(memory) : "memory");
}

void vel_secret_clear(struct vel_secret *secret)
{
    vel_wipe(secret, sizeof *secret);
}

bool vel_equal_secret(struct vel_slice a, struct vel_slice b)
{
    if (a.len != b.len)
        return false;
    unsigned differing = 0;
    for (size_t i = 0; i < a.len; i++)
        differing |= (unsigned)(a.ptr[i] ^ b.ptr[i]);
    /* Hide the accumulated value, so that no early exit can be invented. */
    __asm__ volatile("" : "+r"(differing));
    return differing == 0;
}
