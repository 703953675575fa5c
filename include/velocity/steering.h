/* SPDX-License-Identifier: MIT */
#ifndef VELOCITY_STEERING_H
#define VELOCITY_STEERING_H

#include <stdint.h>

/*
 * Several workers behind one UDP port: which of them a packet belongs to. Every worker is a process
 * (or thread) with a socket, an endpoint and connections of its own, and shares nothing with the
 * others but this struct, the keys of struct vel_endpoint_setup, and the port.
 *
 * The worker of a connection id is a keyed hash of its first 8 bytes, modulo the number of workers.
 * A worker draws random ids until one is its own, so ids stay 8 random bytes: nobody without the key
 * sees which ids belong together, or how many workers there are. The kernel computes the same over
 * each datagram that arrives (vel_udp_link_steer) and so finds the socket, whatever address it came
 * from. The id that a client makes up for its first packets is treated no differently: all packets
 * with it meet at one worker, which then gives the client ids of its own.
 */
enum {
    VEL_WORKERS_MAX = 256,
    VEL_STEERED_BYTES = 8 /* of an id that count; shorter ones are nobody's */
};

/* Workers of one server share a port by a socket each, opened in the order of their numbers: the first
 * takes the port, which must be free, the others join it. One that is closed changes the numbers of
 * those behind it. */
enum vel_port_sharing { VEL_PORT_ALONE, VEL_PORT_FIRST, VEL_PORT_NEXT };

/* The same for all workers, as long as connections of them live. */
struct vel_steering {
    uint32_t key[2];  /* random and secret */
    uint32_t workers; /* 1 to VEL_WORKERS_MAX */
};

/* 0 to workers - 1. */
uint32_t vel_steering_worker(const struct vel_steering *steering,
                             const uint8_t id[VEL_STEERED_BYTES]);

#endif
