/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/units.h"
#include "sys/address.h"
#include "testing/test.h"
#include "velocity/udp.h"

/* Links that share a port, with the kernel's own steering between them. */

enum { LINKS = 5, SOURCES = 3, ROUNDS = 200 };

static const struct vel_steering steering = {.key = {0x13579bdf, 0x2468ace0}, .workers = LINKS};

struct port {
    struct test_env t;
    struct vel_link *links[LINKS];
    struct vel_link *sources[SOURCES];
    uint8_t incoming[VEL_TRAIN_MAX];
};

static struct vel_link *open_link(struct test_env *t, const struct vel_addr *local,
                                  enum vel_port_sharing sharing)
{
    const struct vel_udp_setup setup = {.local = *local, .sharing = sharing};
    struct vel_link *link;
    ASSERT_OK(vel_udp_link_new(&t->env, &setup, &link));
    return link;
}

static void open_port(struct port *port, const char *text)
{
    struct vel_addr any;
    test_env_init(&port->t, 1);
    ASSERT_OK(vel_addr_parse(text, &any));
    port->links[0] = open_link(&port->t, &any, VEL_PORT_FIRST);
    for (unsigned i = 1; i < LINKS; i++)
        port->links[i] = open_link(&port->t, &port->links[0]->local, VEL_PORT_NEXT);
    for (unsigned i = 0; i < SOURCES; i++)
        port->sources[i] = open_link(&port->t, &any, VEL_PORT_ALONE);
}

static void close_port(struct port *port)
{
    for (unsigned i = 0; i < LINKS; i++)
        vel_link_free(port->links[i]);
    for (unsigned i = 0; i < SOURCES; i++)
        vel_link_free(port->sources[i]);
    test_env_done(&port->t);
}

static void send_bytes(struct port *port, unsigned source, const uint8_t *bytes, size_t size,
                       size_t segment)
{
    uint8_t copy[8192];
    assert_true(size <= sizeof copy);
    memcpy(copy, bytes, size);
    struct vel_train train = {.remote = port->links[0]->local,
                              .bytes = copy,
                              .len = size,
                              .capacity = sizeof copy,
                              .segment = segment};
    ASSERT_OK(vel_link_send(port->sources[source], &train));
}

/* Take what waits at a link: its bytes, 0 when nothing waits. */
static size_t take(struct port *port, unsigned link)
{
    struct vel_train train = {.bytes = port->incoming, .capacity = sizeof port->incoming};
    size_t bytes = 0;
    while (vel_link_receive(port->links[link], &train) == VEL_OK)
        bytes += train.len;
    return bytes;
}

/* All of it arrived there, and none elsewhere. */
static void expect_at(struct port *port, const char *what, uint32_t worker, size_t size)
{
    for (unsigned i = 0; i < LINKS; i++)
        CHECK(what, take(port, i) == (i == worker ? size : 0));
}

/* RFC 8999 5.1 and 5.2: a packet of either form to this id. */
static void write_packet(struct port *port, uint8_t *bytes, size_t size, bool is_long,
                         uint8_t id_length)
{
    vel_random(&port->t.env, bytes, size);
    bytes[0] = (uint8_t)(is_long ? bytes[0] | 0x80 : bytes[0] & 0x7f);
    if (is_long)
        bytes[5] = id_length;
}

/* VEL-TR-40: whatever the address, form and length; an id's worker gets every packet to it. */
static void packets_go_to_the_worker_of_their_id(void **state)
{
    (void)state;
    const struct {
        const char *what, *address;
        bool is_long;
        uint8_t id_length;
        size_t size, segment;
    } rows[] = {
        {"short header", "127.0.0.1:0", false, 8, 60, 60},
        {"shortest short header", "127.0.0.1:0", false, 8, 9, 9},
        {"train of short headers", "127.0.0.1:0", false, 8, 7200, 1200},
        {"first packet", "127.0.0.1:0", true, 8, 1200, 1200},
        {"first packet, long id", "127.0.0.1:0", true, 20, 1200, 1200},
        {"shortest long header", "127.0.0.1:0", true, 8, 14, 14},
        {"first flight", "127.0.0.1:0", true, 16, 4800, 1200},
        {"ip6 wildcard", "[::]:0", false, 8, 60, 60},
        {"ip6 wildcard, first packet", "[::]:0", true, 12, 1200, 1200},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct port port;
        struct vel_addr local;
        ASSERT_OK(vel_addr_parse(rows[i].address, &local));
        open_port(&port, rows[i].address);
        ASSERT_OK(vel_udp_link_steer(port.links[i % LINKS], &steering));
        for (unsigned round = 0; round < ROUNDS; round++) {
            uint8_t bytes[8192];
            for (size_t at = 0; at < rows[i].size; at += rows[i].segment) {
                write_packet(&port, bytes + at, rows[i].segment, rows[i].is_long,
                             rows[i].id_length);
                memcpy(bytes + at + (rows[i].is_long ? 6 : 1), bytes + (rows[i].is_long ? 6 : 1),
                       8);
            }
            uint32_t worker = vel_steering_worker(&steering, bytes + (rows[i].is_long ? 6 : 1));
            for (unsigned source = 0; source < SOURCES; source++)
                send_bytes(&port, source, bytes, rows[i].size, rows[i].segment);
            expect_at(&port, rows[i].what, worker, SOURCES * rows[i].size);
        }
        close_port(&port);
    }
}

/* What has no id to go by is spread, not lost, and always goes the same way. */
static void what_has_no_id_goes_by_its_address(void **state)
{
    (void)state;
    const struct {
        const char *what;
        bool is_long;
        uint8_t id_length;
        size_t size;
    } rows[] = {
        {"one byte", false, 8, 1},
        {"short header, cut", false, 8, 8},
        {"long header, no length", true, 8, 5},
        {"long header, cut", true, 8, 13},
        {"no id", true, 0, 1200},
        {"id of 7 bytes", true, 7, 1200},
    };
    struct port port;
    open_port(&port, "127.0.0.1:0");
    ASSERT_OK(vel_udp_link_steer(port.links[0], &steering));
    unsigned home = LINKS;
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        uint8_t bytes[1200];
        write_packet(&port, bytes, sizeof bytes, rows[i].is_long, rows[i].id_length);
        send_bytes(&port, 0, bytes, rows[i].size, rows[i].size);
        for (unsigned link = 0; link < LINKS; link++) {
            size_t got = take(&port, link);
            CHECK(rows[i].what, got == 0 || got == rows[i].size);
            CHECK(rows[i].what, got == 0 || home == LINKS || home == link);
            home = got > 0 ? link : home;
        }
        CHECK(rows[i].what, home < LINKS);
    }
    close_port(&port);
}

/* The port is the first one's: a second server finds it taken, with or without workers. */
static void a_port_has_one_server(void **state)
{
    (void)state;
    struct port port;
    open_port(&port, "127.0.0.1:0");
    struct vel_udp_setup setup = {.local = port.links[0]->local};
    struct vel_link *second = NULL;
    ASSERT_ERR("alone", vel_udp_link_new(&port.t.env, &setup, &second), VEL_ERR_EXISTS);
    setup.sharing = VEL_PORT_FIRST;
    ASSERT_ERR("first", vel_udp_link_new(&port.t.env, &setup, &second), VEL_ERR_EXISTS);
    setup = (struct vel_udp_setup){.local = port.sources[0]->local, .sharing = VEL_PORT_NEXT};
    ASSERT_ERR("uninvited", vel_udp_link_new(&port.t.env, &setup, &second), VEL_ERR_EXISTS);
    close_port(&port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_go_to_the_worker_of_their_id),
        cmocka_unit_test(what_has_no_id_goes_by_its_address),
        cmocka_unit_test(a_port_has_one_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
