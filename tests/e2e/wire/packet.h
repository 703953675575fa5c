/* SPDX-License-Identifier: MIT */
#ifndef TESTS_E2E_WIRE_PACKET_H
#define TESTS_E2E_WIRE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reading and changing UDP inside a raw IP packet, as a TUN device carries it. */

enum { PACKET_MAX = 65535 };

struct packet {
    uint64_t due; /* nanoseconds: when it leaves the wire */
    size_t len;
    uint8_t bytes[2048];
};

/* Where the parts of a UDP packet begin. Only packet_parse makes one. */
struct udp_view {
    uint8_t *ip;
    uint8_t *udp;
    uint8_t *payload;
    size_t payload_len;
    size_t address_len; /* 4 or 16 */
};

/* False for anything but a whole, unfragmented UDP packet between unicast addresses. */
bool packet_parse(struct packet *packet, struct udp_view *view);

uint16_t packet_port(const struct udp_view *view, bool source);

/* The last byte of an address is what tells the hosts of the wire apart. */
uint8_t packet_host(const struct udp_view *view, bool source);

/* Both leave the checksums for packet_finish to set. */
void packet_readdress(const struct udp_view *view, bool source, uint8_t host, uint16_t port);
void packet_damage(const struct udp_view *view, uint64_t random);

/* Set the checksums to what the bytes now are. */
void packet_finish(const struct udp_view *view);

#endif
