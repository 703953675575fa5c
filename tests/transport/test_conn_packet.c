/* SPDX-License-Identifier: MIT */
#include "transport/conn_internal.h"
#include "transport/conn_pair.h"
#include "transport/streams_internal.h"

/* The last datagram on the wire as its packets, each of this type in turn, and nothing behind. */
static void check_packets(const struct conn_pair *p, const enum vel_packet_type *types,
                          size_t count)
{
    const struct pair_datagram *last = &p->wire[p->on_wire - 1];
    struct vel_packet_header header;
    size_t pos = 0;
    for (size_t i = 0; i < count; i++) {
        ASSERT_OK(vel_packet_parse(vel_slice(last->bytes + pos, last->size - pos), &header));
        assert_int_equal(header.type, types[i]);
        pos += header.size;
    }
    assert_int_equal(pos, last->size);
}

/* A packet that is nothing but a PING is padded for its header protection sample before the next
 * one of the datagram is begun, not over it. */
static void a_short_packet_leaves_room_for_the_next(void **state)
{
    (void)state;
    static const enum vel_packet_type both[] = {VEL_PACKET_INITIAL, VEL_PACKET_HANDSHAKE};
    struct conn_pair p;
    pair_init(&p, VEL_PROFILE_BALANCED);
    pair_connect(&p);
    pair_run(&p, p.delay); /* the server's flight is on the wire */
    p.server->first.space[VEL_SPACE_INITIAL].probes_due = 1;
    p.server->first.space[VEL_SPACE_HANDSHAKE].probes_due = 1;
    size_t before = p.on_wire;
    pair_run(&p, p.delay);
    assert_int_equal(p.on_wire, before + 1);
    check_packets(&p, both, VEL_COUNT(both));
    pair_done(&p);
}

/* RFC 9000 8.2.2: the answer to a challenge shows that the path carries full datagrams. */
static void a_path_response_fills_its_datagram(void **state)
{
    (void)state;
    static const uint8_t data[VEL_CHALLENGE_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct conn_pair p;
    pair_init(&p, VEL_PROFILE_LIGHT);
    pair_connect(&p);
    pair_run(&p, 1 * SECOND);
    size_t before = p.on_wire;
    vel_path_challenged(p.server->first.paths.active, data, SECOND, p.now);
    pair_run(&p, p.now);
    assert_int_equal(p.on_wire, before + 1);
    assert_int_equal(p.wire[p.on_wire - 1].size, VEL_INITIAL_DATAGRAM_MIN);
    pair_done(&p);
}

static void write_all(struct conn_pair *p, uint64_t stream, size_t size)
{
    static const uint8_t bytes[4096];
    size_t accepted;
    for (size_t sent = 0; sent < size; sent += accepted) {
        ASSERT_OK(
            vel_stream_write(p->client, stream, vel_slice(bytes, sizeof bytes), false, &accepted));
        pair_run(p, p->now + 4 * p->delay);
    }
}

/* The path has changed under a proven size: after some time-outs the connection goes on in small
 * datagrams (RFC 8899 4.3). */
static void a_black_hole_is_left(void **state)
{
    (void)state;
    struct conn_pair p;
    struct vel_event event;
    uint64_t id;
    pair_init(&p, VEL_PROFILE_LIGHT);
    pair_connect(&p);
    ASSERT_OK(vel_stream_open(p.client, true, &id));
    write_all(&p, id, 32 * KIB);
    uint16_t large = p.client->first.paths.active->pmtud.mtu;
    assert_true(large > VEL_PMTUD_BASE);

    p.wire_mtu = 1250;
    write_all(&p, id, 32 * KIB);
    pair_run(&p, p.now + 10 * SECOND);
    assert_in_range(p.client->first.paths.active->pmtud.mtu, VEL_PMTUD_BASE, 1250);
    assert_int_equal(p.server->streams->recv_flow.received, 64 * KIB);

    while (vel_conn_next_event(p.client, &event))
        assert_int_not_equal(event.type, VEL_EVENT_CLOSED);
    pair_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_packet_leaves_room_for_the_next),
        cmocka_unit_test(a_path_response_fills_its_datagram),
        cmocka_unit_test(a_black_hole_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
