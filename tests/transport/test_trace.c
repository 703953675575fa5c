/* SPDX-License-Identifier: MIT */
#include "transport/trace.h"

#include <string.h>

#include "transport/conn_internal.h"
#include "transport/conn_pair.h"

enum { PACKETS = 4096 };

struct seen {
    enum vel_packet_type type;
    uint64_t number;
    size_t size, payload;
    uint64_t hash; /* of the payload */
};

/* What one end told. */
struct listener {
    vel_time now; /* of the last event */
    unsigned begun, ended, of_type[VEL_TRACE_MTU + 1];
    unsigned keys[VEL_TRACE_KEYS_DISCARDED + 1], states[VEL_TRACE_STATE_CLOSED + 1];
    unsigned drops[VEL_TRACE_DROP_FULL + 1];
    struct seen sent[PACKETS], received[PACKETS];
    unsigned sent_count, received_count;
    uint64_t datagrams_sent, bytes_sent;
    struct vel_close close;
    struct vel_trace_start start;
    bool deaf;
};

static void *on_begin(void *self, const struct vel_trace_start *start, vel_time now)
{
    struct listener *l = self;
    l->now = now;
    l->begun++;
    l->start = *start;
    return l->deaf ? NULL : l;
}

static uint64_t hash(struct vel_slice bytes)
{
    uint64_t sum = 14695981039346656037U;
    for (size_t i = 0; i < bytes.len; i++)
        sum = (sum ^ bytes.ptr[i]) * 1099511628211U;
    return sum;
}

static void keep(struct seen *list, unsigned *count, const struct vel_trace_packet *packet)
{
    assert_true(*count < PACKETS);
    list[(*count)++] = (struct seen){packet->type, packet->number, packet->size,
                                     packet->payload.len, hash(packet->payload)};
}

static void on_event(void *trace, const struct vel_trace_event *event, vel_time now)
{
    struct listener *l = trace;
    assert_true(now >= l->now);
    assert_int_equal(l->ended, 0);
    l->now = now;
    l->of_type[event->type]++;
    switch (event->type) {
    case VEL_TRACE_PACKET_SENT:
        keep(l->sent, &l->sent_count, &event->packet);
        break;
    case VEL_TRACE_PACKET_RECEIVED:
        keep(l->received, &l->received_count, &event->packet);
        break;
    case VEL_TRACE_PACKET_DROPPED:
        l->drops[event->packet.drop]++;
        break;
    case VEL_TRACE_DATAGRAM_SENT:
        assert_int_equal(event->datagram.number, l->datagrams_sent++);
        l->bytes_sent += event->datagram.size;
        break;
    case VEL_TRACE_STATE:
        l->states[event->life.state]++;
        if (event->life.close != NULL)
            l->close = *event->life.close;
        break;
    case VEL_TRACE_KEYS:
        l->keys[event->keys.event]++;
        break;
    case VEL_TRACE_PACKET_HELD:
    case VEL_TRACE_PACKET_LOST:
    case VEL_TRACE_DATAGRAM_RECEIVED:
    case VEL_TRACE_PARAMETERS:
    case VEL_TRACE_HANDSHAKE:
    case VEL_TRACE_RECOVERY:
    case VEL_TRACE_TIMEOUT:
    case VEL_TRACE_CID:
    case VEL_TRACE_PATH:
    case VEL_TRACE_MTU:
        break;
    }
}

static void on_end(void *trace, vel_time now)
{
    struct listener *l = trace;
    assert_true(now >= l->now);
    l->ended++;
}

struct world {
    struct conn_pair pair;
    struct listener client, server;
    struct vel_tracer client_tracer, server_tracer;
};

static void world_init(struct world *w)
{
    memset(w, 0, sizeof *w);
    pair_init(&w->pair, VEL_PROFILE_BALANCED);
    w->client_tracer = (struct vel_tracer){
        .begin = on_begin, .event = on_event, .end = on_end, .self = &w->client};
    w->server_tracer = (struct vel_tracer){
        .begin = on_begin, .event = on_event, .end = on_end, .self = &w->server};
    w->pair.client_config.tracer = &w->client_tracer;
    w->pair.server_config.tracer = &w->server_tracer;
}

/* A stream of `size` bytes from the client, of which the server reads nothing. */
static void send_much(struct conn_pair *p, size_t size)
{
    static const uint8_t zeroes[1000];
    uint64_t id;
    size_t accepted = 1;
    ASSERT_OK(vel_stream_open(p->client, true, &id));
    for (size_t sent = 0; sent < size && accepted > 0; sent += accepted)
        ASSERT_OK(
            vel_stream_write(p->client, id, vel_slice(zeroes, sizeof zeroes), false, &accepted));
}

static bool was_sent(const struct listener *by, const struct seen *packet)
{
    for (unsigned i = 0; i < by->sent_count; i++)
        if (by->sent[i].type == packet->type && by->sent[i].number == packet->number)
            return by->sent[i].size == packet->size && by->sent[i].payload == packet->payload &&
                   by->sent[i].hash == packet->hash;
    return false;
}

/* Every packet that one end received is one that the other end sent, frame for frame. */
static void both_ends_agree(void **state)
{
    (void)state;
    struct world *w = test_malloc(sizeof *w);
    world_init(w);
    struct conn_pair *p = &w->pair;
    pair_connect(p);
    send_much(p, 100000);
    pair_run(p, 1 * SECOND);
    ASSERT_OK(vel_conn_update_keys(p->client));
    pair_run(p, 2 * SECOND);
    vel_conn_close(p->client, 7, "enough");
    pair_run(p, 60 * SECOND);

    for (unsigned i = 0; i < w->server.received_count; i++)
        assert_true(was_sent(&w->client, &w->server.received[i]));
    for (unsigned i = 0; i < w->client.received_count; i++)
        assert_true(was_sent(&w->server, &w->client.received[i]));
    struct vel_conn_stats stats;
    vel_conn_get_stats(p->client, &stats);
    assert_int_equal(stats.packets_sent, w->client.sent_count);
    assert_int_equal(stats.packets_received, w->client.received_count);
    assert_int_equal(stats.datagrams_sent, w->client.datagrams_sent);
    assert_int_equal(stats.bytes_sent, w->client.bytes_sent);
    assert_true(w->server.received_count > 60);

    const struct listener *ends[] = {&w->client, &w->server};
    for (unsigned i = 0; i < 2; i++) {
        const struct listener *l = ends[i];
        assert_int_equal(l->begun, 1);
        assert_true(l->start.is_client == (i == 0));
        assert_int_equal(l->of_type[VEL_TRACE_PARAMETERS], 2);
        assert_int_equal(l->of_type[VEL_TRACE_HANDSHAKE], 1);
        assert_int_equal(l->keys[VEL_TRACE_KEYS_NEW], 4);
        assert_int_equal(l->keys[VEL_TRACE_KEYS_DISCARDED], 2);
        assert_int_equal(l->keys[VEL_TRACE_KEYS_UPDATED], i == 0);
        assert_int_equal(l->keys[VEL_TRACE_KEYS_FOLLOWED], i == 1);
        assert_int_equal(l->states[VEL_TRACE_STATE_HANDSHAKE_COMPLETE], 1);
        assert_int_equal(l->states[VEL_TRACE_STATE_HANDSHAKE_CONFIRMED], 1);
        assert_int_equal(l->states[VEL_TRACE_STATE_CLOSED], 1);
        assert_true(l->of_type[VEL_TRACE_RECOVERY] > 10);
        assert_int_equal(l->close.code, 7);
        assert_string_equal(l->close.reason, "enough");
    }
    assert_true(vel_cid_equal(&w->client.start.original_dcid, &w->server.start.original_dcid));
    pair_done(p);
    assert_int_equal(w->client.ended, 1);
    assert_int_equal(w->server.ended, 1);
    test_free(w);
}

static void losses_and_timeouts_are_told(void **state)
{
    (void)state;
    struct world *w = test_malloc(sizeof *w);
    world_init(w);
    struct conn_pair *p = &w->pair;
    pair_connect(p);
    pair_run(p, 1 * SECOND);
    p->mute_client = true;
    send_much(p, 5000);
    pair_run(p, p->now + 10 * MS);
    p->mute_client = false;
    pair_run(p, p->now + 5 * SECOND);
    struct vel_conn_stats stats;
    vel_conn_get_stats(p->client, &stats);
    assert_true(stats.packets_lost > 0);
    assert_int_equal(w->client.of_type[VEL_TRACE_PACKET_LOST], stats.packets_lost);
    assert_true(w->client.of_type[VEL_TRACE_TIMEOUT] > 0);
    pair_done(p);
    test_free(w);
}

static void what_is_dropped_is_told_with_the_reason(void **state)
{
    (void)state;
    struct world *w = test_malloc(sizeof *w);
    world_init(w);
    struct conn_pair *p = &w->pair;
    pair_connect(p);
    pair_run(p, 1 * SECOND);
    struct vel_addr local = vel_conn_local(p->client), remote = vel_conn_remote(p->client);
    uint8_t forged[60];
    memset(forged, VEL_BIT_FIXED, sizeof forged);
    memcpy(forged + 1, w->client.start.scid.bytes, VEL_CID_OURS);
    vel_conn_receive(p->client, &local, &remote, 0, forged, sizeof forged, p->now);
    assert_int_equal(w->client.drops[VEL_TRACE_DROP_FORGED], 1);
    uint8_t junk[30] = {0};
    vel_conn_receive(p->client, &local, &remote, 0, junk, sizeof junk, p->now);
    assert_int_equal(w->client.drops[VEL_TRACE_DROP_MALFORMED], 1);
    remote.port++;
    vel_conn_receive(p->client, &local, &remote, 0, forged, sizeof forged, p->now);
    assert_int_equal(w->client.drops[VEL_TRACE_DROP_FOREIGN], 1);
    struct vel_conn_stats stats;
    vel_conn_get_stats(p->client, &stats);
    assert_int_equal(stats.packets_dropped, w->client.of_type[VEL_TRACE_PACKET_DROPPED]);
    pair_done(p);
    test_free(w);
}

/* A tracer that does not want this connection hears no more of it. */
static void a_refused_trace_is_silent(void **state)
{
    (void)state;
    struct world *w = test_malloc(sizeof *w);
    world_init(w);
    w->client.deaf = true;
    pair_connect(&w->pair);
    pair_run(&w->pair, 1 * SECOND);
    assert_int_equal(w->client.begun, 1);
    assert_int_equal(w->client.sent_count, 0);
    assert_true(w->server.sent_count > 0);
    pair_done(&w->pair);
    assert_int_equal(w->client.ended, 0);
    test_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends_agree),
        cmocka_unit_test(losses_and_timeouts_are_told),
        cmocka_unit_test(what_is_dropped_is_told_with_the_reason),
        cmocka_unit_test(a_refused_trace_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
