/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "transport/conn_internal.h"
#include "transport/conn_pair.h"

enum { PACKETS = 4096, DATAGRAMS = 8, SIZE = 1200 };

/* ---- what is sent is the same as packet by packet ---- */

struct seen {
    uint64_t number;
    size_t size;
    uint64_t hash; /* of the payload */
};

/* What the server received. */
struct listener {
    struct seen packets[PACKETS];
    unsigned count;
};

static uint64_t hash(struct vel_slice bytes)
{
    uint64_t sum = 14695981039346656037U;
    for (size_t i = 0; i < bytes.len; i++)
        sum = (sum ^ bytes.ptr[i]) * 1099511628211U;
    return sum;
}

static void *on_begin(void *self, const struct vel_trace_start *start, vel_time now)
{
    (void)start, (void)now;
    return self;
}

static void on_packet(void *trace, const struct vel_trace_event *event, vel_time now)
{
    struct listener *l = trace;
    (void)now;
    if (l == NULL || event->type != VEL_TRACE_PACKET_RECEIVED ||
        event->packet.type != VEL_PACKET_ONE_RTT)
        return;
    assert_true(l->count < PACKETS);
    l->packets[l->count++] =
        (struct seen){event->packet.number, event->packet.size, hash(event->packet.payload)};
}

static void on_event(void *trace, const struct vel_trace_event *event, vel_time now)
{
    (void)trace, (void)event, (void)now;
}

static void on_end(void *trace, vel_time now)
{
    (void)trace, (void)now;
}

static uint64_t write_stream(struct vel_conn *conn, size_t size, uint8_t urgency, bool fin)
{
    static uint8_t bytes[300000];
    uint64_t id;
    size_t accepted;
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + urgency);
    ASSERT_OK(vel_stream_open(conn, true, &id));
    ASSERT_OK(vel_stream_set_priority(conn, id, urgency, true));
    ASSERT_OK(vel_stream_write(conn, id, vel_slice(bytes, size), fin, &accepted));
    return id;
}

static void read_all(struct vel_conn *conn)
{
    struct vel_event event;
    while (vel_conn_next_event(conn, &event)) {
        struct vel_slice bytes;
        bool fin;
        while (event.type == VEL_EVENT_STREAM_READABLE &&
               vel_stream_read(conn, event.stream, &bytes, &fin) == VEL_OK && bytes.len > 0)
            ASSERT_OK(vel_stream_consume(conn, event.stream, bytes.len));
    }
}

/* Streams of several urgencies and lengths, a datagram now and then, losses, and keys that are updated
 * every 40 packets: everything that interrupts a run of alike packets. */
static void transfer(struct listener *l, bool traced)
{
    struct conn_pair p;
    struct vel_tracer client = {.begin = on_begin, .event = on_event, .end = on_end, .self = l};
    struct vel_tracer server = {.begin = on_begin, .event = on_packet, .end = on_end, .self = l};
    pair_init(&p, VEL_PROFILE_LIGHT);
    p.client_config.tracer = traced ? &client : NULL;
    p.server_config.tracer = &server;
    p.client_config.limits.key_update_packets = 40;
    p.server_config.limits.max_datagram_frame_size = SIZE;
    pair_connect(&p);
    pair_run(&p, 1 * SECOND);
    for (unsigned i = 0; i < 12; i++) {
        write_stream(p.client, 1000 + 1700 * i, (uint8_t)(i % 8), i % 3 == 0);
        uint64_t id;
        ASSERT_OK(vel_conn_send_datagram(p.client, vel_slice("hello", 5), 3, VEL_NEVER, &id));
        p.mute_client = i % 4 == 3;
        pair_run(&p, p.now + (i % 2) * 10 * MS);
        p.mute_client = false;
        pair_run(&p, p.now + 100 * MS);
        read_all(p.server);
    }
    pair_run(&p, p.now + 5 * SECOND);
    assert_int_equal(vel_streams_unsent(p.client->streams, 0), 0);
    assert_true(p.client->key_update.count > 1);
    pair_done(&p);
}

static void bulk_is_what_single_packets_are(void **state)
{
    (void)state;
    struct listener *bulk = test_malloc(sizeof *bulk), *single = test_malloc(sizeof *single);
    bulk->count = single->count = 0;
    transfer(bulk, false);
    transfer(single, true);
    assert_int_equal(bulk->count, single->count);
    for (unsigned i = 0; i < bulk->count; i++) {
        assert_int_equal(bulk->packets[i].number, single->packets[i].number);
        assert_int_equal(bulk->packets[i].size, single->packets[i].size);
        assert_true(bulk->packets[i].hash == single->packets[i].hash);
    }
    test_free(bulk);
    test_free(single);
}

/* ---- when it is not for it ---- */

static void datagram_waits(struct conn_pair *p)
{
    uint64_t id;
    ASSERT_OK(vel_conn_send_datagram(p->client, vel_slice("hello", 5), 3, VEL_NEVER, &id));
}

static void window_is_full(struct conn_pair *p)
{
    p->client->first.recovery.in_flight = vel_cc_window(&p->client->first.recovery.cc) - SIZE + 1;
}

static void window_has_room_for_three(struct conn_pair *p)
{
    const struct vel_track *track = &p->client->first;
    uint64_t mtu = track->paths.active->pmtud.mtu;
    p->client->first.recovery.in_flight = vel_cc_window(&track->recovery.cc) - mtu - 2 * SIZE;
}

static void keys_last_for_two(struct conn_pair *p)
{
    p->client_config.limits.key_update_packets = p->client->space[VEL_SPACE_APP].sealed + 2;
}

static void keys_are_due(struct conn_pair *p)
{
    p->client_config.limits.key_update_packets = p->client->space[VEL_SPACE_APP].sealed;
}

static void probe_is_due(struct conn_pair *p)
{
    p->client->first.space[VEL_SPACE_APP].probes_due = 1;
}

static void address_is_in_doubt(struct conn_pair *p)
{
    p->client->first.paths.active->validated = false;
}

static void path_is_challenged(struct conn_pair *p)
{
    static const uint8_t data[VEL_CHALLENGE_SIZE];
    vel_path_challenged(p->client->first.paths.active, data, SECOND, p->now);
}

static void limit_is_to_be_told(struct conn_pair *p)
{
    p->client->multipath.limit_due = true;
}

static void somebody_listens(struct conn_pair *p)
{
    p->client->trace = p;
}

static void it_is_closing(struct conn_pair *p)
{
    vel_conn_close(p->client, 0, "enough");
}

static void nothing(struct conn_pair *p)
{
    (void)p;
}

static const struct {
    const char *name;
    void (*prepare)(struct conn_pair *p);
    size_t stream; /* bytes that it has */
    unsigned written;
} cases[] = {
    {"bulk data", nothing, 100000, DATAGRAMS},
    {"a short stream", nothing, 2 * SIZE + 100, 2},
    {"one packet", nothing, 600, 0},
    {"a datagram waits", datagram_waits, 100000, 0},
    {"the window is full", window_is_full, 100000, 0},
    {"the window has room for three", window_has_room_for_three, 100000, 3},
    {"the keys last for two", keys_last_for_two, 100000, 2},
    {"the keys are due", keys_are_due, 100000, 0},
    {"a probe is due", probe_is_due, 100000, 0},
    {"the address is in doubt", address_is_in_doubt, 100000, 0},
    {"the path is challenged", path_is_challenged, 100000, 0},
    {"a limit is to be told", limit_is_to_be_told, 100000, 0},
    {"somebody listens", somebody_listens, 100000, 0},
    {"the connection is closing", it_is_closing, 100000, 0},
};

/* Each is a packet with the next number that the peer can read. */
static void check_datagrams(struct conn_pair *p, uint8_t *bytes, unsigned count, uint64_t number)
{
    for (unsigned i = 0; i < count; i++) {
        struct vel_opened opened;
        ASSERT_OK(vel_packet_open(&p->server->space[VEL_SPACE_APP].read, 0, number + i - 1,
                                  bytes + (size_t)i * SIZE, 1 + VEL_CID_OURS, SIZE, &opened));
        assert_int_equal(opened.number, number + i);
    }
}

static void bulk_is_left_when_something_else_is_due(void **state)
{
    (void)state;
    for (size_t i = 0; i < VEL_COUNT(cases); i++) {
        struct conn_pair p;
        pair_init(&p, VEL_PROFILE_LIGHT);
        p.client_config.limits.pacing = false;
        p.server_config.limits.max_datagram_frame_size = SIZE;
        pair_connect(&p);
        pair_run(&p, 1 * SECOND);
        struct vel_track *track = &p.client->first;
        const struct vel_sent *sent = &track->recovery.space[VEL_SPACE_APP].sent;
        write_stream(p.client, cases[i].stream, 3, true);
        cases[i].prepare(&p);
        p.client->now = p.now;
        vel_conn_schedule(p.client, p.now);
        uint64_t number = sent->next;
        uint64_t in_flight = track->recovery.in_flight;
        uint64_t unsent = vel_streams_unsent(p.client->streams, 0);

        uint8_t bytes[DATAGRAMS * SIZE];
        struct vel_datagrams_out out = {.bytes = bytes, .size = SIZE, .most = DATAGRAMS};
        unsigned written = vel_conn_write_bulk(track, &out, p.now);
        CHECK(cases[i].name, written == cases[i].written);
        CHECK(cases[i].name, sent->next == number + written);
        CHECK(cases[i].name, track->recovery.in_flight == in_flight + (uint64_t)written * SIZE);
        CHECK(cases[i].name, (vel_streams_unsent(p.client->streams, 0) < unsent) == (written > 0));
        check_datagrams(&p, bytes, written, number);
        p.client->trace = NULL;
        pair_done(&p);
    }
}

/* ---- pacing ---- */

/* What leaves at once is what the pacer's bucket holds, whether packets are written in a row or singly;
 * between neighbours it may be more. */
static void a_train_is_no_longer_than_the_bucket(void **state)
{
    static const struct {
        bool paced, traced;
        vel_time rtt; /* smallest one */
        uint64_t quantum;
        size_t train;
    } rows[] = {
        {true, false, 10 * MS, 2 * SIZE, 2 * SIZE},
        {true, true, 10 * MS, 2 * SIZE, 2 * SIZE},
        {true, false, 1 * MS, 5 * SIZE, 5 * SIZE},
        {true, false, 10 * MS, 0, VEL_PACER_MIN_PACKETS * SIZE},
        {true, false, 1 * MS - 1, 2 * SIZE, 40 * SIZE},
        {false, false, 10 * MS, 2 * SIZE, 40 * SIZE},
    };
    (void)state;
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct conn_pair p;
        static uint8_t bytes[VEL_TRAIN_MAX];
        static struct listener quiet;
        const struct vel_tracer tracer = {
            .begin = on_begin, .event = on_event, .end = on_end, .self = &quiet};
        pair_init(&p, VEL_PROFILE_LIGHT);
        p.client_config.limits.pacing = rows[i].paced;
        p.client_config.tracer = rows[i].traced ? &tracer : NULL;
        pair_connect(&p);
        pair_run(&p, 1 * SECOND);
        struct vel_track *track = &p.client->first;
        track->recovery.cc.window = 40 * SIZE;
        track->recovery.rtt.min = rows[i].rtt;
        vel_pacer_set_rate(&track->pacer, 1000 * 1000, rows[i].quantum, p.now);
        write_stream(p.client, 100000, 3, true);
        struct vel_train train = {.bytes = bytes, .capacity = sizeof bytes};
        ASSERT_OK(vel_conn_send(p.client, &train, sizeof bytes, p.now));
        assert_int_equal(train.len, rows[i].train);
        pair_done(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bulk_is_what_single_packets_are),
        cmocka_unit_test(bulk_is_left_when_something_else_is_due),
        cmocka_unit_test(a_train_is_no_longer_than_the_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
