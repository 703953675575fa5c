/* SPDX-License-Identifier: MIT */
#ifndef ENDPOINT_KEYED_HASH_H
#define ENDPOINT_KEYED_HASH_H

#include "velocity/slice.h"

/*
 * SipHash-2-4 (Aumasson, Bernstein): a hash for tables whose keys strangers choose. Without the
 * key nobody can find inputs that collide.
 */
struct vel_hash_key {
    uint64_t k0, k1;
};

uint64_t vel_keyed_hash(const struct vel_hash_key *key, struct vel_slice bytes);

#endif
