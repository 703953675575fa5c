/* SPDX-License-Identifier: MIT */
#ifndef VELOCITY_ADDR_H
#define VELOCITY_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* A network address without the operating system's types, so that the core needs no OS header. */
enum vel_addr_family { VEL_ADDR_NONE, VEL_ADDR_IP4, VEL_ADDR_IP6, VEL_ADDR_MEMORY };

struct vel_addr {
    uint8_t family; /* enum vel_addr_family */
    uint8_t ip[16]; /* network order; 4 bytes used for IP4; unused bytes are zero */
    uint16_t port;  /* host order */
    uint32_t scope; /* interface index of a link-local IP6 address, else 0 */
};

static inline bool vel_addr_equal(const struct vel_addr *a, const struct vel_addr *b)
{
    return a->family == b->family && a->port == b->port && a->scope == b->scope &&
           memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

#endif
