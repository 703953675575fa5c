/* SPDX-License-Identifier: MIT */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>

#include "velocity/slice.h"

/*
 * Secrets of a fixed largest size: they live in their owner, are wiped by vel_secret_clear (also as
 * OWNED(vel_secret_clear)), are compared only in constant time and have no log field kind.
 * 80 bytes hold the largest we derive: the SecP384r1MLKEM1024 shared secret.
 */
enum { VEL_SECRET_MAX = 80 };

struct vel_secret {
    uint8_t bytes[VEL_SECRET_MAX];
    size_t len;
};

/* Overwrite `size` bytes in a way the compiler may not remove. */
void vel_wipe(void *memory, size_t size);

void vel_secret_clear(struct vel_secret *secret);

/* Constant time in the bytes; the lengths are public. */
bool vel_equal_secret(struct vel_slice a, struct vel_slice b);

static inline struct vel_slice vel_secret_slice(const struct vel_secret *secret)
{
    return vel_slice(secret->bytes, secret->len);
}

#endif
