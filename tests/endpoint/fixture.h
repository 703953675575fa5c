/* SPDX-License-Identifier: MIT */
#ifndef TESTS_ENDPOINT_FIXTURE_H
#define TESTS_ENDPOINT_FIXTURE_H

#include "base/writer.h"
#include "endpoint/fake_conn.h"
#include "testing/test.h"
#include "transport/packet.h"
#include "velocity/endpoint.h"

/* An endpoint on fake connections, and datagrams made for it. */
struct endpoint_fixture {
    struct test_env t;
    struct vel_crypto *crypto;
    struct vel_config config;
    struct vel_endpoint *endpoint;
    struct vel_train out; /* the last train it sent */
    uint8_t out_bytes[2048];
};

/* max_connections and max_half_open as in struct vel_endpoint_setup. */
void fixture_open(struct endpoint_fixture *f, size_t max_connections, size_t max_half_open);
void fixture_close(struct endpoint_fixture *f);

/* An address of IPv4, by its last 32 bits, and of IPv6 by its first 64. */
struct vel_addr fixture_ip4(uint32_t ip, uint16_t port);
struct vel_addr fixture_ip6(uint64_t prefix, uint16_t port);

/* A first packet of a client: 1,200 bytes of an Initial with this id and token and no other sense
 * than the order to a fake connection at its end. */
struct first_packet {
    struct vel_addr from;
    uint32_t version; /* 0: the one that is served */
    struct vel_cid dcid;
    struct vel_slice token;
    size_t size; /* 0: 1200 */
    enum fake_order order;
};

/* Hand it to the endpoint. */
void fixture_first(struct endpoint_fixture *f, const struct first_packet *packet, vel_time now);

/* A train of it, so many times. */
void fixture_flight(struct endpoint_fixture *f, const struct first_packet *packet, size_t count,
                    vel_time now);

/* A short-header datagram to one of the endpoint's connection ids. */
void fixture_short(struct endpoint_fixture *f, const struct vel_cid *dcid, enum fake_order order,
                   vel_time now);

/* Take the next train into f->out; false when there is none. */
bool fixture_send(struct endpoint_fixture *f, vel_time now);

struct vel_endpoint_stats fixture_stats(const struct endpoint_fixture *f);

#endif
