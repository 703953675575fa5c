/* SPDX-License-Identifier: MIT */
#include "endpoint/fixture.h"

#include "velocity/crypto.h"

enum { CLIENT_CID = 4 };

/* The endpoint only looks whether there is one. */
static char identity;

void fixture_open(struct endpoint_fixture *f, size_t max_connections, size_t max_half_open)
{
    memset(f, 0, sizeof *f);
    test_env_init(&f->t, 1);
    ASSERT_OK(vel_crypto_new(&f->t.env, &f->crypto));
    f->config = (struct vel_config){.crypto = f->crypto,
                                    .identity = (void *)&identity,
                                    .versions = {.items = {VEL_VERSION_DRAFT}, .count = 1}};
    struct vel_endpoint_setup setup = {.env = &f->t.env,
                                       .server = &f->config,
                                       .max_connections = max_connections,
                                       .max_half_open = max_half_open};
    ASSERT_OK(vel_endpoint_new(&setup, &f->endpoint));
    f->out = (struct vel_train){.bytes = f->out_bytes, .capacity = sizeof f->out_bytes};
}

void fixture_close(struct endpoint_fixture *f)
{
    vel_endpoint_free(f->endpoint);
    vel_crypto_free(f->crypto);
    assert_int_equal(fake_conn_count, 0);
    test_env_done(&f->t);
}

struct vel_addr fixture_ip4(uint32_t ip, uint16_t port)
{
    struct vel_addr addr = {.family = VEL_ADDR_IP4, .port = port};
    vel_store_uint(addr.ip, ip, 4);
    return addr;
}

struct vel_addr fixture_ip6(uint64_t prefix, uint16_t port)
{
    struct vel_addr addr = {.family = VEL_ADDR_IP6, .port = port};
    vel_store_uint(addr.ip, prefix, 8);
    return addr;
}

static void hand_over(struct endpoint_fixture *f, const struct vel_addr *from, uint8_t *bytes,
                      size_t size, size_t segment, vel_time now)
{
    struct vel_train train = {.local = fixture_ip4(1, 443),
                              .remote = *from,
                              .bytes = bytes,
                              .len = size,
                              .segment = segment};
    vel_endpoint_receive(f->endpoint, &train, now);
}

/* Returns its size. */
static size_t write_first(const struct first_packet *packet, uint8_t *bytes, size_t capacity)
{
    size_t size = packet->size != 0 ? packet->size : VEL_INITIAL_DATAGRAM_MIN;
    struct vel_cid scid = {.len = CLIENT_CID};
    struct vel_writer w = vel_writer(bytes, capacity);
    const struct vel_version *known = vel_version_find(packet->version);
    const struct vel_version *version = known != NULL ? known : vel_version_find(VEL_VERSION_DRAFT);
    vel_packet_write_long(&w, version, VEL_PACKET_INITIAL, &packet->dcid, &scid, packet->token, 0,
                          1);
    /* The Length, two bytes before the packet number, which sealing would fill in. */
    vel_store_uint(bytes + vel_written(&w) - 3, 0x4000 | (size - vel_written(&w) + 1), 2);
    if (packet->version != 0)
        vel_store_uint(bytes + 1, packet->version, 4);
    bytes[size - 1] = (uint8_t)packet->order;
    return size;
}

void fixture_first(struct endpoint_fixture *f, const struct first_packet *packet, vel_time now)
{
    uint8_t bytes[1500] = {0};
    size_t size = write_first(packet, bytes, sizeof bytes);
    hand_over(f, &packet->from, bytes, size, size, now);
}

void fixture_flight(struct endpoint_fixture *f, const struct first_packet *packet, size_t count,
                    vel_time now)
{
    uint8_t train[6000], bytes[1500] = {0};
    size_t size = write_first(packet, bytes, sizeof bytes);
    assert_true(count * size <= sizeof train);
    for (size_t i = 0; i < count; i++)
        memcpy(train + i * size, bytes, size);
    hand_over(f, &packet->from, train, count * size, size, now);
}

void fixture_short(struct endpoint_fixture *f, const struct vel_cid *dcid, enum fake_order order,
                   vel_time now)
{
    uint8_t bytes[64] = {0x40};
    struct vel_addr from = fixture_ip4(0x0a0a0a0a, 999);
    memcpy(bytes + 1, dcid->bytes, dcid->len);
    bytes[sizeof bytes - 1] = (uint8_t)order;
    hand_over(f, &from, bytes, sizeof bytes, sizeof bytes, now);
}

bool fixture_send(struct endpoint_fixture *f, vel_time now)
{
    return vel_endpoint_send(f->endpoint, &f->out, now) == VEL_OK;
}

struct vel_endpoint_stats fixture_stats(const struct endpoint_fixture *f)
{
    struct vel_endpoint_stats stats;
    vel_endpoint_get_stats(f->endpoint, &stats);
    return stats;
}
