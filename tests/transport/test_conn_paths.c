/* SPDX-License-Identifier: MIT */
#include "transport/conn_internal.h"
#include "transport/conn_pair.h"

/* A limit under which vel_conn_send writes one. */
enum { ONE_DATAGRAM = 2 * VEL_INITIAL_DATAGRAM_MIN - 1 };

/* What a flood may cost: the rings of sent packets of both ends, which hear no acknowledgements. */
enum { GROWTH = 256 * KIB };

static const struct vel_addr server_addr = {.family = VEL_ADDR_MEMORY, .port = 2};

static void connect_pair(struct conn_pair *p)
{
    pair_init(p, VEL_PROFILE_LIGHT);
    pair_connect(p);
    pair_run(p, p->now + SECOND);
    assert_true(vel_conn_is_connected(p->server));
    assert_null(p->server->opening);
}

static struct vel_addr elsewhere(unsigned n)
{
    return (struct vel_addr){.family = VEL_ADDR_MEMORY,
                             .ip = {9, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n},
                             .port = 7};
}

/* A packet of the client with these frames, as often as they fit, arrives from `from`. Returns its
 * bytes. */
static size_t hear(struct conn_pair *p, const struct vel_frame *frames, size_t count,
                   const struct vel_addr *from)
{
    uint8_t bytes[1200];
    struct vel_packet_build b;
    assert_true(vel_packet_begin(&p->client->first, p->client->first.paths.active, &b,
                                 VEL_SPACE_APP, bytes, sizeof bytes));
    for (size_t i = 0; i < count; i++)
        vel_frame_write(&b.w, &frames[i]);
    vel_packet_end_frames(&b);
    size_t size = vel_packet_size(&b);
    b.aside = true; /* nobody waits for it */
    assert_true(vel_packet_finish(p->client, &b, 0, VEL_ECN_NOT_ECT, p->now));
    vel_conn_receive(p->server, &server_addr, from, VEL_ECN_NOT_ECT, bytes, size, p->now);
    return size;
}

/* What the server has to say now, as bytes to one address and as full datagrams in all. */
struct said {
    size_t to_it, full, datagrams;
};

static struct said listen(struct conn_pair *p, const struct vel_addr *addr)
{
    uint8_t bytes[4096];
    struct said said = {0};
    struct vel_train train = {.bytes = bytes, .capacity = sizeof bytes};
    while (vel_conn_send(p->server, &train, ONE_DATAGRAM, p->now) == VEL_OK) {
        said.datagrams++;
        said.full += train.len >= VEL_PMTUD_BASE;
        said.to_it += vel_addr_equal(&train.remote, addr) ? train.len : 0;
    }
    return said;
}

/* VEL-TR-13: a packet full of challenges, again and again. */
static void challenges_without_end(void **state)
{
    (void)state;
    struct conn_pair p;
    struct vel_frame frames[100];
    connect_pair(&p);
    for (size_t i = 0; i < VEL_COUNT(frames); i++)
        frames[i] = (struct vel_frame){.type = VEL_FRAME_PATH_CHALLENGE, .path_data = {(uint8_t)i}};
    vel_time begin = p.now, pto = vel_recovery_pto(&p.server->first.recovery);
    size_t outstanding = p.env.outstanding, full = 0;
    for (unsigned i = 0; i < 1000; i++) {
        p.now += pto / 100;
        hear(&p, frames, VEL_COUNT(frames), &p.client_at);
        full += listen(&p, &p.client_at).full;
    }
    size_t periods = (size_t)((p.now - begin) / pto) + 1;
    assert_in_range(full, 1, periods * VEL_PATH_RESPONSES_PTO);
    assert_in_range(p.env.outstanding, 0, outstanding + GROWTH);
    assert_int_equal(p.server->life.state, VEL_LIFE_OPEN);
    pair_done(&p);
}

/* VEL-TR-10: wherever packets of the client seem to come from, nobody gets more than three times what
 * came in his name, and we keep four paths. */
static void addresses_without_end(void **state)
{
    (void)state;
    struct conn_pair p;
    struct vel_frame ping = {.type = VEL_FRAME_PING};
    connect_pair(&p);
    uint64_t stream;
    size_t accepted;
    static uint8_t bytes[100 * 1000];
    ASSERT_OK(vel_stream_open(p.server, false, &stream));
    ASSERT_OK(vel_stream_write(p.server, stream, vel_slice(bytes, sizeof bytes), false, &accepted));
    listen(&p, &p.client_at);
    size_t outstanding = p.env.outstanding;
    for (unsigned i = 0; i < 2000; i++) {
        struct vel_addr from = elsewhere(i);
        size_t came = hear(&p, &ping, 1, &from);
        p.now += US;
        assert_in_range(listen(&p, &from).to_it, 0, 3 * came);
    }
    assert_in_range(p.env.outstanding, 0, outstanding + GROWTH);
    assert_int_equal(p.server->life.state, VEL_LIFE_OPEN);

    /* The client itself is heard again, and believed: its address is proved. */
    hear(&p, &ping, 1, &p.client_at);
    struct vel_addr remote = vel_conn_remote(p.server);
    assert_true(vel_addr_equal(&remote, &p.client_at));
    pair_done(&p);
}

/* RFC 9000 9.3: an old packet that comes late from somewhere else moves nothing; nor does a probe. */
static void only_the_newest_moves(void **state)
{
    (void)state;
    struct conn_pair p;
    struct vel_addr other = elsewhere(1);
    struct vel_frame ping = {.type = VEL_FRAME_PING};
    struct vel_frame probe = {.type = VEL_FRAME_PATH_CHALLENGE, .path_data = {1}};
    connect_pair(&p);
    p.server->first.largest_moving = 1000 * 1000; /* as if that one had come already */
    hear(&p, &ping, 1, &other);
    assert_int_equal(p.server->stats.path_changes, 0);
    p.server->first.largest_moving = 0;
    hear(&p, &probe, 1, &other);
    assert_int_equal(p.server->stats.path_changes, 0);
    assert_true(listen(&p, &other).to_it > 0); /* but it is answered */
    hear(&p, &ping, 1, &other);
    assert_int_equal(p.server->stats.path_changes, 1);
    pair_done(&p);
}

/* VEL-TR-12: nobody answers at the new address. */
static void back_to_the_last_that_answered(void **state)
{
    (void)state;
    struct conn_pair p;
    struct vel_addr other = elsewhere(1), home;
    struct vel_frame ping = {.type = VEL_FRAME_PING};
    connect_pair(&p);
    home = p.client_at;
    p.mute_client = true;
    hear(&p, &ping, 1, &other);
    struct vel_addr remote = vel_conn_remote(p.server);
    assert_true(vel_addr_equal(&remote, &other));
    pair_run(&p, p.now + 4 * SECOND);
    remote = vel_conn_remote(p.server);
    assert_true(vel_addr_equal(&remote, &home));
    assert_int_equal(p.server->life.state, VEL_LIFE_OPEN);
    assert_in_range(p.strayed, 1, 3 * 1200);
    pair_done(&p);
}

/* VEL-TR-12: and there is none to return to. */
static void without_a_word_when_none_is_left(void **state)
{
    (void)state;
    struct conn_pair p;
    struct vel_addr other = elsewhere(1);
    struct vel_frame ping = {.type = VEL_FRAME_PING};
    connect_pair(&p);
    p.mute_client = true;
    hear(&p, &ping, 1, &other);
    vel_paths_remove(&p.server->first.paths, p.server->first.paths.last_proved);
    pair_run(&p, p.now + 4 * SECOND);
    assert_int_equal(p.server->life.state, VEL_LIFE_DEAD);
    assert_int_equal(vel_conn_close_reason(p.server)->origin, VEL_CLOSE_TIMEOUT);
    pair_done(&p);
}

/* VEL-TR-19: ids that replace all others, in each packet, without acknowledgement of what it costs. */
static void new_ids_without_end(void **state)
{
    (void)state;
    struct conn_pair p;
    connect_pair(&p);
    uint64_t sequence = 10;
    for (; sequence < 1000 && p.server->life.state == VEL_LIFE_OPEN; sequence++) {
        struct vel_frame frame = {.type = VEL_FRAME_NEW_CONNECTION_ID,
                                  .new_cid = {.sequence = sequence,
                                              .retire_prior_to = sequence,
                                              .cid = {.len = 8, .bytes = {(uint8_t)sequence, 1}}}};
        hear(&p, &frame, 1, &p.client_at);
        listen(&p, &p.client_at);
    }
    assert_true(sequence <= 10 + VEL_CIDS_RETIRING + 1);
    assert_int_equal(vel_conn_close_reason(p.server)->code, VEL_WIRE_CONNECTION_ID_LIMIT_ERROR);
    pair_done(&p);
}

/* VEL-TR-19: each id of ours is retired as soon as it can be known. A packet costs us three new ones
 * at most, and nothing grows. */
static void retirements_without_end(void **state)
{
    (void)state;
    struct conn_pair p;
    connect_pair(&p);
    struct vel_cids *cids = &p.server->first.cids;
    size_t outstanding = p.env.outstanding;
    unsigned issued = p.cids_issued, packets = 200;
    for (unsigned i = 0; i < packets; i++) {
        struct vel_frame frames[VEL_CIDS_LOCAL];
        size_t count = 0;
        for (size_t n = 0; n < VEL_CIDS_LOCAL; n++)
            if (cids->local[n].in_use && cids->local[n].sequence > 0)
                frames[count++] = (struct vel_frame){.type = VEL_FRAME_RETIRE_CONNECTION_ID,
                                                     .sequence = cids->local[n].sequence};
        hear(&p, frames, count, &p.client_at);
        p.now += MS;
        listen(&p, &p.client_at);
    }
    assert_int_equal(p.server->life.state, VEL_LIFE_OPEN);
    assert_in_range(p.cids_issued - issued, packets, packets * (VEL_CIDS_LOCAL - 1));
    assert_in_range(p.env.outstanding, 0, outstanding + GROWTH);
    pair_done(&p);
}

/* VEL-TR-10: a client hears its server only. */
static void strangers_are_not_heard(void **state)
{
    (void)state;
    struct conn_pair p;
    struct vel_addr stranger = elsewhere(5), client = {.family = VEL_ADDR_MEMORY, .port = 1};
    connect_pair(&p);
    uint64_t before = p.client->stats.packets_received;
    uint8_t bytes[2000];
    struct vel_train train = {.bytes = bytes, .capacity = sizeof bytes};
    p.server->first.space[VEL_SPACE_APP].probes_due = 1;
    ASSERT_OK(vel_conn_send(p.server, &train, ONE_DATAGRAM, p.now));
    vel_conn_receive(p.client, &client, &stranger, VEL_ECN_NOT_ECT, bytes, train.len, p.now);
    assert_int_equal(p.client->stats.packets_received, before);
    pair_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(challenges_without_end),
        cmocka_unit_test(addresses_without_end),
        cmocka_unit_test(only_the_newest_moves),
        cmocka_unit_test(back_to_the_last_that_answered),
        cmocka_unit_test(without_a_word_when_none_is_left),
        cmocka_unit_test(new_ids_without_end),
        cmocka_unit_test(retirements_without_end),
        cmocka_unit_test(strangers_are_not_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
