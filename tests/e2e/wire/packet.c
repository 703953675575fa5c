/* SPDX-License-Identifier: MIT */
#include "wire/packet.h"

#include <netinet/in.h>
#include <string.h>

enum { IPV4_HEADER = 20, IPV6_HEADER = 40, UDP_HEADER = 8 };

static uint16_t load16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void store16(uint8_t *bytes, uint16_t value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

/* Where the source address begins; the destination follows it. */
static uint8_t *addresses(const struct udp_view *view)
{
    return view->ip + (view->address_len == 4 ? 12 : 8);
}

static uint8_t *host_byte(const struct udp_view *view, bool source)
{
    return addresses(view) + (source ? 1 : 2) * view->address_len - 1;
}

static bool is_udp4(const struct packet *packet)
{
    const uint8_t *ip = packet->bytes;
    return packet->len >= IPV4_HEADER + UDP_HEADER && ip[0] == 0x45 && ip[9] == IPPROTO_UDP &&
           (load16(ip + 6) & 0x3fff) == 0 && load16(ip + 2) == packet->len && ip[16] < 224;
}

static bool is_udp6(const struct packet *packet)
{
    const uint8_t *ip = packet->bytes;
    return packet->len >= IPV6_HEADER + UDP_HEADER && ip[0] >> 4 == 6 && ip[6] == IPPROTO_UDP &&
           load16(ip + 4) + (size_t)IPV6_HEADER == packet->len && ip[24] != 0xff;
}

bool packet_parse(struct packet *packet, struct udp_view *view)
{
    bool four = is_udp4(packet);
    if (!four && !is_udp6(packet))
        return false;
    size_t header = four ? IPV4_HEADER : IPV6_HEADER;
    uint8_t *udp = packet->bytes + header;
    if (load16(udp + 4) != packet->len - header)
        return false;
    *view = (struct udp_view){
        .ip = packet->bytes,
        .udp = udp,
        .payload = udp + UDP_HEADER,
        .payload_len = packet->len - header - UDP_HEADER,
        .address_len = four ? 4 : 16,
    };
    return true;
}

uint16_t packet_port(const struct udp_view *view, bool source)
{
    return load16(view->udp + (source ? 0 : 2));
}

uint8_t packet_host(const struct udp_view *view, bool source)
{
    return *host_byte(view, source);
}

void packet_readdress(const struct udp_view *view, bool source, uint8_t host, uint16_t port)
{
    *host_byte(view, source) = host;
    store16(view->udp + (source ? 0 : 2), port);
}

void packet_damage(const struct udp_view *view, uint64_t random)
{
    if (view->payload_len > 0)
        view->payload[random % view->payload_len] ^= (uint8_t)(1 + (random >> 32) % 255);
}

static uint32_t sum(uint32_t total, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i + 1 < len; i += 2)
        total += load16(bytes + i);
    if (len % 2 == 1)
        total += (uint32_t)bytes[len - 1] << 8;
    return total;
}

static uint16_t fold(uint32_t total)
{
    while (total >> 16 != 0)
        total = (total & 0xffff) + (total >> 16);
    return (uint16_t)~total;
}

void packet_finish(const struct udp_view *view)
{
    if (view->address_len == 4) {
        store16(view->ip + 10, 0);
        store16(view->ip + 10, fold(sum(0, view->ip, IPV4_HEADER)));
    }
    size_t len = view->payload_len + UDP_HEADER;
    store16(view->udp + 6, 0);
    uint32_t total = sum(IPPROTO_UDP + (uint32_t)len, addresses(view), 2 * view->address_len);
    uint16_t checksum = fold(sum(total, view->udp, len));
    store16(view->udp + 6, checksum == 0 ? 0xffff : checksum); /* RFC 768: 0 says there is none */
}
