/* SPDX-License-Identifier: MIT */
#include "endpoint/fixture.h"

#include "endpoint/endpoint_internal.h"
#include "endpoint/limits.h"
#include "transport/error.h"
#include "transport/keys.h"

static struct vel_cid dcid_of(uint8_t n)
{
    return (struct vel_cid){.len = 12, .bytes = {n, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, n}};
}

static struct first_packet first_of(uint8_t n)
{
    return (struct first_packet){.from = fixture_ip4(n, 5000), .dcid = dcid_of(n)};
}

/* The fake connection that the application is shown next. */
static struct vel_conn *take_conn(struct endpoint_fixture *f)
{
    struct vel_conn *conn = vel_endpoint_next(f->endpoint);
    if (conn != NULL)
        conn->events = 0;
    return conn;
}

static struct vel_conn *open_server_conn(struct endpoint_fixture *f, uint8_t n)
{
    struct first_packet packet = first_of(n);
    packet.order = FAKE_CONNECT;
    fixture_first(f, &packet, 0);
    struct vel_conn *conn = take_conn(f);
    assert_non_null(conn);
    return conn;
}

static void a_first_packet_opens_a_connection(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    fixture_open(&f, 0, 0);
    struct first_packet packet = first_of(1);
    fixture_first(&f, &packet, 0);
    assert_int_equal(fixture_stats(&f).connections, 1);
    assert_int_equal(fixture_stats(&f).accepted, 1);
    assert_int_equal(fixture_stats(&f).half_open, 1);
    assert_null(vel_endpoint_next(f.endpoint));

    /* More of the flight, by the id the client made up; then the end of the handshake. */
    fixture_first(&f, &packet, 0);
    assert_int_equal(fixture_stats(&f).connections, 1);
    packet.order = FAKE_VALIDATE;
    fixture_first(&f, &packet, 0);
    assert_int_equal(fixture_stats(&f).half_open, 0);
    packet.order = FAKE_CONNECT;
    fixture_first(&f, &packet, 0);
    struct vel_conn *conn = take_conn(&f);
    assert_non_null(conn);
    assert_int_equal(conn->received, 4);
    assert_int_equal(fixture_stats(&f).completed, 1);
    assert_null(take_conn(&f));

    /* Afterwards by our id, from anywhere. */
    fixture_short(&f, &conn->setup.scid, FAKE_EVENT, 0);
    assert_ptr_equal(take_conn(&f), conn);
    assert_int_equal(conn->received, 5);

    /* The same id made up at another address is another connection. */
    packet.from = fixture_ip4(99, 5000);
    fixture_first(&f, &packet, 0);
    assert_int_equal(fixture_stats(&f).connections, 2);
    fixture_close(&f);
}

static void what_the_first_packet_says_is_handed_on(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    fixture_open(&f, 0, 0);
    struct vel_conn *conn = open_server_conn(&f, 3);
    struct vel_cid dcid = dcid_of(3);
    assert_true(vel_cid_equal(&conn->setup.original_dcid, &dcid));
    assert_true(vel_cid_equal(&conn->setup.initial_dcid, &dcid));
    assert_int_equal(conn->setup.peer_cid.len, 4);
    assert_int_equal(conn->setup.scid.len, VEL_CID_OURS);
    assert_int_equal(conn->setup.version, VEL_VERSION_DRAFT);
    assert_false(conn->setup.address_validated);
    fixture_close(&f);
}

static void what_opens_nothing_is_dropped(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    fixture_open(&f, 0, 0);
    struct first_packet packet = first_of(1);
    packet.size = 1199;
    fixture_first(&f, &packet, 0);
    packet.size = 1199, packet.version = 0x0a0a0a0a;
    fixture_first(&f, &packet, 0);
    packet = first_of(1), packet.dcid.len = 7;
    fixture_first(&f, &packet, 0);
    packet = first_of(1), packet.order = FAKE_JUNK;
    fixture_first(&f, &packet, 0);
    struct vel_endpoint_stats stats = fixture_stats(&f);
    assert_int_equal(stats.datagrams_dropped, 4);
    assert_int_equal(stats.connections, 0);
    assert_int_equal(stats.half_open, 0);
    assert_false(fixture_send(&f, 0));
    fixture_close(&f);
}

/* VEL-TR-09 */
static void other_versions_are_negotiated(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    fixture_open(&f, 0, 0);
    const uint32_t versions[] = {VEL_VERSION_QUIC_V1, 0x6b3343cf, 0x1a2a3a4a, 0x56553150};
    for (size_t i = 0; i < VEL_COUNT(versions); i++) {
        struct first_packet packet = first_of(1);
        packet.version = versions[i];
        fixture_first(&f, &packet, 0);
        assert_true(fixture_send(&f, 0));
        struct vel_packet_header header;
        ASSERT_OK(vel_packet_parse(vel_slice(f.out.bytes, f.out.len), &header));
        assert_int_equal(header.type, VEL_PACKET_VERSION_NEGOTIATION);
        assert_true(vel_slice_equal(header.scid, vel_cid_slice(&packet.dcid)));
        assert_true(vel_addr_equal(&f.out.remote, &packet.from));
        /* A version nobody has, then ours, and nothing that we do not serve. */
        assert_int_equal(header.versions.len, 8);
        assert_int_equal(header.versions.ptr[0] & 0x0f, 0x0a);
        assert_true(
            vel_slice_equal(vel_slice(header.versions.ptr + 4, 4), BYTES(0x56, 0x55, 0x31, 0x02)));
    }
    assert_int_equal(fixture_stats(&f).version_negotiations_sent, VEL_COUNT(versions));
    fixture_close(&f);
}

/* What is served is the config's list: all of it in the answer, each of it admitted. */
static void served_versions_are_the_configs(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    fixture_open(&f, 0, 0);
    f.config.versions =
        (struct vel_version_list){{VEL_VERSION_DRAFT, VEL_VERSION_QUIC_V2, VEL_VERSION_QUIC_V1}, 3};
    struct first_packet packet = first_of(1);
    packet.version = 0x1a2a3a4a;
    fixture_first(&f, &packet, 0);
    assert_true(fixture_send(&f, 0));
    struct vel_packet_header header;
    ASSERT_OK(vel_packet_parse(vel_slice(f.out.bytes, f.out.len), &header));
    assert_int_equal(header.versions.len, 4 * 4);
    const uint8_t want[] = {0x56, 0x55, 0x31, 0x02, 0x6b, 0x33, 0x43, 0xcf, 0, 0, 0, 1};
    assert_memory_equal(header.versions.ptr + 4, want, sizeof want);
    for (unsigned i = 0; i < f.config.versions.count; i++) {
        packet = first_of((uint8_t)(2 + i));
        packet.version = f.config.versions.items[i];
        fixture_first(&f, &packet, 0);
        assert_int_equal(fixture_stats(&f).accepted, i + 1);
    }
    fixture_close(&f);
}

static void version_negotiation_is_never_answered(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    fixture_open(&f, 0, 0);
    uint8_t bytes[1200] = {0x80, 0, 0, 0, 0, 8, [14] = 8};
    struct vel_train train = {
        .remote = fixture_ip4(1, 1), .bytes = bytes, .len = sizeof bytes, .segment = sizeof bytes};
    vel_endpoint_receive(f.endpoint, &train, 0);
    assert_false(fixture_send(&f, 0));
    assert_int_equal(fixture_stats(&f).datagrams_dropped, 1);
    fixture_close(&f);
}

static void answers_to_anybody_are_paced(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    fixture_open(&f, 0, 0);
    struct first_packet packet = first_of(1);
    packet.version = 0x0a0a0a0a;
    unsigned sent = 0;
    for (unsigned i = 0; i < 1000; i++) {
        fixture_first(&f, &packet, 0);
        sent += fixture_send(&f, 0);
    }
    assert_int_equal(sent, VEL_REPLY_BURST);
    fixture_first(&f, &packet, 10 * VEL_REPLY_INTERVAL);
    assert_true(fixture_send(&f, 10 * VEL_REPLY_INTERVAL));
    fixture_close(&f);
}

/* Take the Retry that waits; its token and id go into the packet. */
static void follow_retry(struct endpoint_fixture *f, struct first_packet *packet, uint8_t *token,
                         size_t capacity)
{
    assert_true(fixture_send(f, 0));
    struct vel_packet_header header;
    ASSERT_OK(vel_packet_parse(vel_slice(f->out.bytes, f->out.len), &header));
    assert_int_equal(header.type, VEL_PACKET_RETRY);
    uint8_t tag[VEL_RETRY_TAG];
    ASSERT_OK(vel_retry_tag(f->crypto, header.version, &packet->dcid,
                            vel_slice(f->out.bytes, f->out.len - VEL_RETRY_TAG), tag));
    assert_true(vel_slice_equal(header.retry_tag, vel_slice(tag, sizeof tag)));
    assert_true(header.token.len <= capacity);
    memcpy(token, header.token.ptr, header.token.len);
    packet->token = vel_slice(token, header.token.len);
    packet->dcid = vel_cid(header.scid);
}

/* A client takes one Retry: a second answer to the same flight would be waste. */
static void a_flight_is_answered_once(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    fixture_open(&f, 0, 8);
    f.endpoint->always_retry = true;
    struct first_packet packet = {.from = fixture_ip4(2, 1000), .dcid = {.len = 8, .bytes = {1}}};
    fixture_flight(&f, &packet, 4, 0);
    assert_int_equal(fixture_stats(&f).retries_sent, 1);
    packet.dcid.bytes[0] = 2;
    fixture_flight(&f, &packet, 2, 0);
    fixture_first(&f, &packet, 0);
    assert_int_equal(fixture_stats(&f).retries_sent, 3);
    assert_true(fixture_send(&f, 0) && fixture_send(&f, 0) && fixture_send(&f, 0));
    assert_false(fixture_send(&f, 0));
    fixture_close(&f);
}

/* Nor is one that has waited: each datagram of it goes when the next one was looked at. */
static void a_flight_that_waited_is_answered_once(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    fixture_open(&f, 0, 8);
    f.endpoint->always_retry = true;
    f.endpoint->backlog.limit = 64 * 1024;
    struct first_packet packet = {.from = fixture_ip4(2, 1000), .dcid = {.len = 8, .bytes = {1}}};
    fixture_flight(&f, &packet, 4, 0);
    assert_int_equal(fixture_stats(&f).retries_sent, 0);
    vel_endpoint_expire(f.endpoint, 0);
    assert_int_equal(fixture_stats(&f).retries_sent, 1);
    assert_int_equal(fixture_stats(&f).datagrams_dropped, 3);
    assert_null(f.endpoint->backlog.first);
    fixture_close(&f);
}

/* The id of a first packet is its sender's choice: many who choose the same are not one flight. */
static void strangers_with_one_id_wait_for_their_turn(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    fixture_open(&f, 0, 8);
    f.endpoint->backlog.limit = 64 * 1024;
    struct first_packet packet = {.dcid = {.len = 8, .bytes = {1}}};
    for (uint8_t n = 0; n < 3; n++) {
        packet.from = fixture_ip4(n, 1000);
        fixture_first(&f, &packet, 0);
    }
    for (unsigned turn = 1; turn <= 3; turn++) {
        vel_endpoint_expire(f.endpoint, 0);
        assert_int_equal(fixture_stats(&f).connections, turn);
    }
    f.endpoint->always_retry = true;
    for (uint8_t n = 4; n < 6; n++) {
        packet.from = fixture_ip4(n, 1000);
        fixture_first(&f, &packet, 0);
    }
    vel_endpoint_expire(f.endpoint, 0);
    assert_int_equal(fixture_stats(&f).retries_sent, 2);
    fixture_close(&f);
}

static void on_request_every_address_must_be_proved(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    fixture_open(&f, 0, 8);
    f.endpoint->always_retry = true;
    struct first_packet packet = first_of(1);
    uint8_t token[128];
    fixture_first(&f, &packet, 0);
    assert_int_equal(fixture_stats(&f).connections, 0);
    assert_int_equal(fixture_stats(&f).retries_sent, 1);
    follow_retry(&f, &packet, token, sizeof token);
    fixture_first(&f, &packet, 0);
    assert_int_equal(fixture_stats(&f).connections, 1);
    fixture_close(&f);
}

/* VEL-TR-08 */
static void over_the_bounds_addresses_must_be_proved(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    fixture_open(&f, 0, 8);
    for (uint8_t n = 0; n < 8; n++) {
        struct first_packet packet = first_of(n);
        fixture_first(&f, &packet, 0);
    }
    assert_int_equal(fixture_stats(&f).half_open, 8);
    assert_int_equal(fixture_stats(&f).retries_sent, 0);

    struct first_packet packet = first_of(100);
    struct vel_cid original = packet.dcid;
    uint8_t token[128];
    fixture_first(&f, &packet, 0);
    assert_int_equal(fixture_stats(&f).connections, 8);
    assert_int_equal(fixture_stats(&f).retries_sent, 1);
    follow_retry(&f, &packet, token, sizeof token);
    packet.order = FAKE_CONNECT;
    fixture_first(&f, &packet, 0);
    struct vel_conn *conn = take_conn(&f);
    assert_non_null(conn);
    assert_true(conn->setup.address_validated);
    assert_true(vel_cid_equal(&conn->setup.original_dcid, &original));
    assert_true(vel_cid_equal(&conn->setup.initial_dcid, &packet.dcid));
    assert_int_equal(fixture_stats(&f).half_open, 8);
    fixture_close(&f);
}

static void one_source_has_its_share_only(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    fixture_open(&f, 0, 16);
    for (uint8_t n = 0; n < 3; n++) {
        struct first_packet packet = first_of(n);
        packet.from = fixture_ip4(77, (uint16_t)(1000 + n));
        fixture_first(&f, &packet, 0);
    }
    assert_int_equal(fixture_stats(&f).half_open, 2);
    assert_int_equal(fixture_stats(&f).retries_sent, 1);
    fixture_close(&f);
}

static void check_refusal(struct endpoint_fixture *f, const struct first_packet *packet,
                          uint64_t want);

/* VEL-TR-08: who has proved its address still may not begin handshakes without end. */
static void one_source_has_its_share_of_handshakes(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    struct first_packet packet;
    uint8_t token[128];
    fixture_open(&f, 0, 1);
    packet = first_of(0);
    fixture_first(&f, &packet, 0); /* from here on everybody is asked for a token */
    for (unsigned n = 0; n <= VEL_SOURCE_HANDSHAKES; n++) {
        packet = first_of(1);
        packet.dcid = (struct vel_cid){.len = 8, .bytes = {(uint8_t)n, (uint8_t)(n >> 8), 1}};
        packet.from = fixture_ip4(77, (uint16_t)(1000 + n));
        fixture_first(&f, &packet, 0);
        follow_retry(&f, &packet, token, sizeof token);
        packet.order = n == 0 ? FAKE_CONNECT : FAKE_NOTHING;
        fixture_first(&f, &packet, 0);
    }
    /* The first one is finished and does not count. */
    assert_int_equal(fixture_stats(&f).connections, 2 + VEL_SOURCE_HANDSHAKES);
    packet.dcid = (struct vel_cid){.len = 8, .bytes = {9, 9, 9}};
    packet.token = (struct vel_slice){0};
    fixture_first(&f, &packet, 0);
    follow_retry(&f, &packet, token, sizeof token);
    fixture_first(&f, &packet, 0);
    check_refusal(&f, &packet, VEL_WIRE_CONNECTION_REFUSED);
    assert_int_equal(fixture_stats(&f).connections, 2 + VEL_SOURCE_HANDSHAKES);
    fixture_close(&f);
}

/* The close that waits to be sent says why, under keys that the client has. */
static void check_refusal(struct endpoint_fixture *f, const struct first_packet *packet,
                          uint64_t want)
{
    assert_true(fixture_send(f, 0));
    struct vel_packet_header header;
    struct vel_keys read = {0}, write = {0};
    struct vel_opened opened;
    ASSERT_OK(vel_packet_parse(vel_slice(f->out.bytes, f->out.len), &header));
    ASSERT_OK(vel_keys_initial(f->crypto, header.version, &packet->dcid, true, &read, &write));
    ASSERT_OK(vel_packet_open(&read, 0, VEL_NUMBER_NONE, f->out.bytes, header.number_offset,
                              header.size, &opened));
    assert_int_equal(opened.payload.ptr[0], 0x1c);
    assert_int_equal(opened.payload.ptr[1], want);
    vel_keys_clear(&read);
    vel_keys_clear(&write);
}

static void bad_tokens_are_refused(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    fixture_open(&f, 0, 1);
    struct first_packet packet = first_of(1);
    fixture_first(&f, &packet, 0);
    packet = first_of(2);
    uint8_t token[128];
    fixture_first(&f, &packet, 0);
    follow_retry(&f, &packet, token, sizeof token);

    struct first_packet stolen = packet;
    stolen.from = fixture_ip4(3, 5000);
    fixture_first(&f, &stolen, 0);
    check_refusal(&f, &stolen, VEL_WIRE_INVALID_TOKEN);
    fixture_first(&f, &packet, VEL_RETRY_LIFETIME + 1);
    check_refusal(&f, &packet, VEL_WIRE_INVALID_TOKEN);
    assert_int_equal(fixture_stats(&f).connections, 1);

    /* A token of another kind is as good as none. */
    packet.token = BYTES(0x77, 1, 2, 3);
    packet.dcid = dcid_of(9);
    fixture_first(&f, &packet, 0);
    follow_retry(&f, &packet, token, sizeof token);
    fixture_close(&f);
}

static void a_full_endpoint_says_so(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    fixture_open(&f, 2, 0);
    struct vel_conn *conn = NULL;
    open_server_conn(&f, 1);
    open_server_conn(&f, 2);
    struct first_packet packet = first_of(3);
    uint8_t token[128];
    fixture_first(&f, &packet, 0);
    follow_retry(&f, &packet, token, sizeof token);
    fixture_first(&f, &packet, 0);
    check_refusal(&f, &packet, VEL_WIRE_CONNECTION_REFUSED);
    struct vel_addr local = fixture_ip4(1, 1), remote = fixture_ip4(2, 2);
    ASSERT_ERR("client", vel_endpoint_connect(f.endpoint, &f.config, &local, &remote, 0, &conn),
               VEL_ERR_LIMIT);
    assert_null(conn);
    fixture_close(&f);
}

static void refusing_lets_nobody_in(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    fixture_open(&f, 0, 0);
    struct vel_conn *conn = open_server_conn(&f, 1);
    vel_endpoint_refuse_new(f.endpoint);
    struct first_packet packet = first_of(2);
    fixture_first(&f, &packet, 0);
    check_refusal(&f, &packet, VEL_WIRE_CONNECTION_REFUSED);
    assert_int_equal(fixture_stats(&f).connections, 1);
    fixture_short(&f, &conn->setup.scid, FAKE_EVENT, 0);
    assert_ptr_equal(take_conn(&f), conn);
    fixture_close(&f);
}

static void those_who_send_take_turns(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    fixture_open(&f, 0, 0);
    struct vel_conn *conns[3];
    for (uint8_t n = 0; n < 3; n++) {
        conns[n] = open_server_conn(&f, n);
        conns[n]->to_send = 5;
    }
    for (unsigned round = 1; round <= 5; round++) {
        for (unsigned n = 0; n < 3; n++)
            assert_true(fixture_send(&f, 0));
        for (unsigned n = 0; n < 3; n++)
            assert_int_equal(conns[n]->sent, round);
    }
    assert_false(fixture_send(&f, 0));

    /* Idle now: asked again only when woken. */
    conns[1]->to_send = 1;
    assert_false(fixture_send(&f, 0));
    conns[1]->setup.hooks.wake(conns[1]->setup.hooks.self, conns[1]);
    assert_true(fixture_send(&f, 0));
    assert_int_equal(conns[1]->sent, 6);
    fixture_close(&f);
}

static void deadlines_are_met_in_order(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    fixture_open(&f, 0, 0);
    struct vel_conn *conns[3];
    assert_true(vel_endpoint_deadline(f.endpoint) == VEL_NEVER);
    for (uint8_t n = 0; n < 3; n++) {
        conns[n] = open_server_conn(&f, n);
        conns[n]->deadline = 100 * (3 - n);
        fixture_short(&f, &conns[n]->setup.scid, FAKE_NOTHING, 0);
    }
    assert_int_equal(vel_endpoint_deadline(f.endpoint), 100);
    vel_endpoint_expire(f.endpoint, 99);
    assert_int_equal(conns[2]->expired, 0);
    /* One that goes on naming a past time is asked once a call. */
    vel_endpoint_expire(f.endpoint, 250);
    assert_int_equal(conns[2]->expired, 1);
    assert_int_equal(conns[1]->expired, 1);
    assert_int_equal(conns[0]->expired, 0);
    assert_int_equal(vel_endpoint_deadline(f.endpoint), 100);
    conns[1]->deadline = conns[2]->deadline = VEL_NEVER;
    vel_endpoint_expire(f.endpoint, 250);
    assert_int_equal(vel_endpoint_deadline(f.endpoint), 300);
    fixture_close(&f);
}

/* Signatures are verified for one connection at a time, in the order in which they came. */
static void work_is_done_in_turns(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    struct vel_conn *conns[3];
    fixture_open(&f, 0, 0);
    struct vel_addr local = fixture_ip4(1, 1), remote = fixture_ip4(2, 2);
    for (uint8_t n = 0; n < 3; n++) {
        ASSERT_OK(vel_endpoint_connect(f.endpoint, &f.config, &local, &remote, 0, &conns[n]));
        conns[n]->work = n == 1 ? 2 : 1;
        fixture_short(&f, &conns[n]->setup.scid, FAKE_NOTHING, 0);
    }
    struct vel_cid last = conns[2]->setup.scid;
    fixture_short(&f, &last, FAKE_DIE, 0);
    take_conn(&f);
    while (fixture_send(&f, 0))
        continue;
    assert_int_equal(fixture_stats(&f).connections, 2); /* the last one has gone */
    static const unsigned left[][2] = {{0, 2}, {0, 1}, {0, 0}};
    for (size_t i = 0; i < VEL_COUNT(left); i++) {
        assert_int_equal(vel_endpoint_deadline(f.endpoint), 0);
        vel_endpoint_expire(f.endpoint, 0);
        assert_int_equal(conns[0]->work, left[i][0]);
        assert_int_equal(conns[1]->work, left[i][1]);
    }
    assert_int_equal(vel_endpoint_deadline(f.endpoint), VEL_NEVER);
    fixture_close(&f);
}

/* Of those that have gone, too. */
static void probes_are_counted(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    fixture_open(&f, 0, 0);
    for (uint8_t n = 0; n < 2; n++) {
        struct vel_conn *conn = open_server_conn(&f, n);
        conn->deadline = 100;
        conn->fires = n + 1;
        fixture_short(&f, &conn->setup.scid, FAKE_NOTHING, 0);
        vel_endpoint_expire(f.endpoint, 100);
        fixture_short(&f, &conn->setup.scid, FAKE_DIE, 0);
        take_conn(&f);
        fixture_send(&f, 100);
    }
    assert_int_equal(fixture_stats(&f).connections, 0);
    assert_int_equal(fixture_stats(&f).probes, 1 + 2);
    fixture_close(&f);
}

static void the_dead_are_buried_when_seen(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    fixture_open(&f, 0, 0);
    struct vel_conn *conn = open_server_conn(&f, 1);
    conn->deadline = 500;
    struct vel_cid cid = conn->setup.scid;
    fixture_short(&f, &cid, FAKE_DIE, 0);
    assert_int_equal(fixture_stats(&f).connections, 1);
    assert_true(vel_endpoint_deadline(f.endpoint) == VEL_NEVER);
    assert_ptr_equal(take_conn(&f), conn);
    assert_int_equal(fixture_stats(&f).connections, 1);
    assert_false(fixture_send(&f, 0));
    assert_int_equal(fixture_stats(&f).connections, 0);
    fixture_short(&f, &cid, FAKE_NOTHING, 0);
    assert_int_equal(fixture_stats(&f).datagrams_dropped, 1);
    assert_int_equal(fixture_stats(&f).failed, 0);

    /* A handshake that came to nothing is never shown. */
    struct first_packet packet = first_of(2);
    fixture_first(&f, &packet, 0);
    packet.order = FAKE_DIE;
    fixture_first(&f, &packet, 0);
    assert_null(take_conn(&f));
    assert_int_equal(fixture_stats(&f).connections, 0);
    assert_int_equal(fixture_stats(&f).half_open, 0);
    assert_int_equal(fixture_stats(&f).failed, 1);
    fixture_close(&f);
}

static void connection_ids_come_and_go(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    fixture_open(&f, 0, 0);
    struct vel_conn *conn = open_server_conn(&f, 1);
    const struct vel_conn_hooks *hooks = &conn->setup.hooks;
    struct vel_cid cids[VEL_ROUTES_MAX] = {{0}};
    uint8_t tokens[2][VEL_RESET_TOKEN];
    ASSERT_OK(hooks->issue_cid(hooks->self, conn, &cids[0], tokens[0]));
    ASSERT_OK(hooks->issue_cid(hooks->self, conn, &cids[1], tokens[1]));
    assert_false(vel_cid_equal(&cids[0], &cids[1]));
    assert_memory_not_equal(tokens[0], tokens[1], VEL_RESET_TOKEN);
    fixture_short(&f, &cids[0], FAKE_NOTHING, 0);
    fixture_short(&f, &cids[1], FAKE_NOTHING, 0);
    assert_int_equal(conn->received, 3);

    hooks->retire_cid(hooks->self, conn, &cids[0]);
    hooks->retire_cid(hooks->self, conn, &cids[0]);
    fixture_short(&f, &cids[0], FAKE_NOTHING, 0);
    fixture_short(&f, &cids[1], FAKE_NOTHING, 0);
    assert_int_equal(conn->received, 4);

    enum vel_err err = VEL_OK;
    unsigned more = 0;
    for (; err == VEL_OK; more++)
        err = hooks->issue_cid(hooks->self, conn, &cids[0], tokens[0]);
    ASSERT_ERR("too many", err, VEL_ERR_LIMIT);
    assert_true(more <= VEL_ROUTES_MAX);
    fixture_close(&f);
}

static void clients_connect(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    fixture_open(&f, 0, 0);
    struct vel_addr local = fixture_ip4(1, 1), remote = fixture_ip4(2, 2);
    struct vel_conn *conn = NULL;
    ASSERT_OK(vel_endpoint_connect(f.endpoint, &f.config, &local, &remote, 0, &conn));
    assert_true(conn->is_client);
    assert_true(fixture_send(&f, 0));
    assert_true(vel_addr_equal(&f.out.remote, &remote));
    fixture_short(&f, &conn->setup.scid, FAKE_CONNECT, 0);
    assert_ptr_equal(take_conn(&f), conn);
    vel_endpoint_close_all(f.endpoint, 42, "bye");
    assert_int_equal(conn->close.code, 42);
    /* A client is shown its end even if it never got through. */
    ASSERT_OK(vel_endpoint_connect(f.endpoint, &f.config, &local, &remote, 0, &conn));
    fixture_short(&f, &conn->setup.scid, FAKE_DIE, 0);
    assert_ptr_equal(take_conn(&f), conn);
    fixture_close(&f);
}

static void a_train_is_taken_apart(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    fixture_open(&f, 0, 0);
    struct vel_conn *conn = open_server_conn(&f, 1);
    uint8_t bytes[3 * 30 + 20] = {0};
    for (size_t pos = 0; pos < sizeof bytes; pos += 30) {
        bytes[pos] = 0x40;
        memcpy(bytes + pos + 1, conn->setup.scid.bytes, VEL_CID_OURS);
    }
    struct vel_train train = {
        .remote = fixture_ip4(1, 1), .bytes = bytes, .len = sizeof bytes, .segment = 30};
    vel_endpoint_receive(f.endpoint, &train, 0);
    assert_int_equal(conn->received, 5);
    train.len = 0;
    vel_endpoint_receive(f.endpoint, &train, 0);
    train.len = 5; /* too short for an id */
    vel_endpoint_receive(f.endpoint, &train, 0);
    assert_int_equal(fixture_stats(&f).datagrams_dropped, 1);
    fixture_close(&f);
}

static void arguments_are_checked(void **state)
{
    (void)state;
    struct endpoint_fixture f;
    fixture_open(&f, 0, 0);
    struct vel_endpoint *endpoint = NULL;
    struct vel_config anonymous = {.crypto = f.crypto};
    struct vel_endpoint_setup setup = {.env = &f.t.env, .server = &anonymous};
    ASSERT_ERR("no version", vel_endpoint_new(&setup, &endpoint), VEL_ERR_ARGUMENT);
    const uint32_t lacking[] = {VEL_VERSION_DRAFT, VEL_VERSION_QUIC_V1, 0x1a2a3a4a};
    anonymous.versions.count = 1;
    for (size_t i = 0; i < VEL_COUNT(lacking); i++) {
        anonymous.versions.items[0] = lacking[i];
        ASSERT_ERR("identity, tls, unknown", vel_endpoint_new(&setup, &endpoint), VEL_ERR_ARGUMENT);
    }
    f.out.capacity = 1499;
    ASSERT_ERR("capacity", vel_endpoint_send(f.endpoint, &f.out, 0), VEL_ERR_ARGUMENT);
    assert_null(endpoint);
    vel_endpoint_free(NULL);
    fixture_close(&f);
}

/* Whichever allocation fails: nothing leaks, and the next client is served. */
static void no_memory_drops_the_datagram(void **state)
{
    (void)state;
    for (long nth = 0; nth < 8; nth++) {
        struct endpoint_fixture f;
        fixture_open(&f, 0, 0);
        struct first_packet packet = first_of(1);
        f.t.fail_after = nth;
        fixture_first(&f, &packet, 0);
        f.t.fail_after = -1;
        size_t open = fixture_stats(&f).connections;
        assert_int_equal(fixture_stats(&f).half_open, open);
        assert_int_equal(fixture_stats(&f).datagrams_dropped, 1 - open);
        open_server_conn(&f, 2);
        fixture_close(&f);
    }
    for (long nth = 0; nth < 2; nth++) {
        struct endpoint_fixture f;
        fixture_open(&f, 0, 0);
        struct vel_endpoint_setup setup = {.env = &f.t.env, .server = &f.config};
        struct vel_endpoint *endpoint = NULL;
        f.t.fail_after = nth;
        ASSERT_ERR("endpoint", vel_endpoint_new(&setup, &endpoint), VEL_ERR_NOMEM);
        assert_null(endpoint);
        f.t.fail_after = -1;
        fixture_close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_packet_opens_a_connection),
        cmocka_unit_test(what_the_first_packet_says_is_handed_on),
        cmocka_unit_test(what_opens_nothing_is_dropped),
        cmocka_unit_test(other_versions_are_negotiated),
        cmocka_unit_test(served_versions_are_the_configs),
        cmocka_unit_test(version_negotiation_is_never_answered),
        cmocka_unit_test(answers_to_anybody_are_paced),
        cmocka_unit_test(a_flight_is_answered_once),
        cmocka_unit_test(a_flight_that_waited_is_answered_once),
        cmocka_unit_test(strangers_with_one_id_wait_for_their_turn),
        cmocka_unit_test(on_request_every_address_must_be_proved),
        cmocka_unit_test(over_the_bounds_addresses_must_be_proved),
        cmocka_unit_test(one_source_has_its_share_only),
        cmocka_unit_test(one_source_has_its_share_of_handshakes),
        cmocka_unit_test(bad_tokens_are_refused),
        cmocka_unit_test(a_full_endpoint_says_so),
        cmocka_unit_test(refusing_lets_nobody_in),
        cmocka_unit_test(those_who_send_take_turns),
        cmocka_unit_test(deadlines_are_met_in_order),
        cmocka_unit_test(work_is_done_in_turns),
        cmocka_unit_test(probes_are_counted),
        cmocka_unit_test(the_dead_are_buried_when_seen),
        cmocka_unit_test(connection_ids_come_and_go),
        cmocka_unit_test(clients_connect),
        cmocka_unit_test(a_train_is_taken_apart),
        cmocka_unit_test(arguments_are_checked),
        cmocka_unit_test(no_memory_drops_the_datagram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
