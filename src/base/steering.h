/* SPDX-License-Identifier: MIT */
#ifndef BASE_STEERING_H
#define BASE_STEERING_H

#include <stdint.h>

#include "velocity/steering.h"

/*
 * The hash behind velocity/steering.h: HalfSipHash-1-3 (Aumasson, Bernstein) of a message of 8 bytes,
 * given as two words. It is made of 32-bit additions, rotations and exclusive ors, which is all that
 * a classic BPF program has; sys/reuseport.c writes one out of the constants here. Words are taken
 * from an id in network order, as such a program loads them.
 */
enum { VEL_STEERING_ROUNDS_WORD = 1, VEL_STEERING_ROUNDS_END = 3, VEL_STEERING_MIX_END = 0xff };
#define VEL_STEERING_V2 UINT32_C(0x6c796765)
#define VEL_STEERING_V3 UINT32_C(0x74656462)
/* The word behind the message: its length in the top byte. */
#define VEL_STEERING_LENGTH (UINT32_C(8) << 24)

uint32_t vel_steering_hash(const uint32_t key[2], uint32_t first, uint32_t second);

#endif
