/* SPDX-License-Identifier: MIT */
#ifndef VELOCITY_TRAIN_H
#define VELOCITY_TRAIN_H

#include <stddef.h>
#include <stdint.h>

#include "velocity/addr.h"

/*
 * A train: datagrams of one path that travel in one call, the way UDP_SEGMENT and UDP_GRO carry
 * them. Every datagram but the last is exactly `segment` bytes long; the last may be shorter.
 * A single datagram is a train with segment == len.
 */
enum { VEL_TRAIN_MAX = 65535, VEL_TRAIN_SEGMENTS = 64 };

/* ECN codepoints, RFC 3168. */
enum vel_ecn { VEL_ECN_NOT_ECT = 0, VEL_ECN_ECT1 = 1, VEL_ECN_ECT0 = 2, VEL_ECN_CE = 3 };

struct vel_train {
    struct vel_addr local;
    struct vel_addr remote;
    uint8_t *bytes;  /* the datagrams, one after the other; the owner is the caller */
    size_t len;      /* bytes used */
    size_t capacity; /* bytes available at `bytes`: only read by calls that write a train */
    size_t segment;  /* bytes of each datagram but the last */
    uint8_t ecn;     /* enum vel_ecn, the same for all datagrams */
};

#endif
