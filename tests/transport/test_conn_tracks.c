/* SPDX-License-Identifier: MIT */
#include "transport/conn_internal.h"
#include "transport/conn_pair.h"

/* A client that has agreed on multipath and then sends what it likes: the test holds its keys. */

enum { PACKET = 1400 };

struct attack {
    struct conn_pair p;
    struct vel_conn *victim;
    size_t before; /* memory held when it began */
};

static void begin(struct attack *a, unsigned paths)
{
    *a = (struct attack){.before = 0};
    pair_init(&a->p, VEL_PROFILE_LIGHT);
    a->p.client_config.limits.max_paths = a->p.server_config.limits.max_paths = paths;
    a->p.server_config.limits.max_datagram_frame_size = PACKET;
    pair_connect(&a->p);
    pair_run(&a->p, 1 * SECOND);
    a->victim = a->p.server;
    a->before = a->p.env.outstanding;
}

static void finish(struct attack *a)
{
    a->p.mute_client = a->p.mute_server = true;
    pair_done(&a->p);
}

/* The client opens one more, from where it is. */
static uint32_t open_path(struct attack *a)
{
    const struct vel_addr local = vel_conn_local(a->p.client);
    uint32_t path;
    ASSERT_OK(vel_conn_open_path(a->p.client, &local, &path));
    return path;
}

static bool is_closed(const struct attack *a)
{
    return vel_life_is_over(&a->victim->life);
}

/* A packet of a path that carries these bytes; what is sent back goes nowhere. */
static void deliver(struct attack *a, uint32_t path, uint64_t number, struct vel_slice frames)
{
    static uint8_t packet[PACKET], space[VEL_TRAIN_MAX];
    struct vel_writer w = vel_writer(packet, sizeof packet - VEL_AEAD_TAG);
    const struct vel_track *track = vel_conn_find_track(a->victim, path);
    vel_packet_write_short(&w, &track->cids.local[0].cid, 0, number, 4);
    size_t header = vel_written(&w);
    vel_write_bytes(&w, frames);
    vel_write_fill(&w, 0, 8);
    size_t payload = vel_written(&w) - header;
    ASSERT_OK(vel_packet_seal(&a->p.client->space[VEL_SPACE_APP].write, path, number, packet,
                              header, 4, payload));
    struct vel_addr local = a->victim->first.paths.active->local;
    struct vel_addr remote = a->victim->first.paths.active->remote;
    a->p.now += 50 * US;
    vel_conn_receive(a->victim, &local, &remote, VEL_ECN_NOT_ECT, packet,
                     header + payload + VEL_AEAD_TAG, a->p.now);
    if (vel_conn_deadline(a->victim) <= a->p.now)
        vel_conn_expire(a->victim, a->p.now);
    struct vel_train train = {.bytes = space, .capacity = sizeof space};
    while (vel_conn_send(a->victim, &train, sizeof space, a->p.now) == VEL_OK)
        continue;
}

static void put(struct attack *a, uint64_t number, const struct vel_frame *frame)
{
    uint8_t bytes[128];
    struct vel_writer w = vel_writer(bytes, sizeof bytes);
    vel_frame_write(&w, frame);
    assert_true(vel_write_ok(&w));
    deliver(a, 0, number, vel_writer_slice(&w));
}

/* VEL-TR-50, VEL-TR-51: each ends the connection with the code of the draft. */
static void violations_close(void **state)
{
    (void)state;
    const struct vel_frame_new_cid id = {.cid = {.len = 8, .bytes = {1}}};
    const struct {
        const char *what;
        unsigned paths;
        struct vel_frame frame;
        uint64_t want;
    } rows[] = {
        {"not agreed", 1, {VEL_FRAME_MAX_PATH_ID, .limit = 3}, VEL_WIRE_FRAME_ENCODING_ERROR},
        {"PATH_ACK, not agreed",
         1,
         {VEL_FRAME_PATH_ACK, .path_id = 0},
         VEL_WIRE_FRAME_ENCODING_ERROR},
        {"DATAGRAM_COPY, not agreed", /* VEL-TR-57 */
         1,
         {VEL_FRAME_DATAGRAM_COPY, .copy = {.number = 1}},
         VEL_WIRE_FRAME_ENCODING_ERROR},
        {"id above the limit",
         4,
         {VEL_FRAME_PATH_NEW_CONNECTION_ID, .path_id = 4, .new_cid = id},
         VEL_WIRE_PROTOCOL_VIOLATION},
        {"abandons what cannot be",
         4,
         {VEL_FRAME_PATH_ABANDON, .path_id = 4},
         VEL_WIRE_PROTOCOL_VIOLATION},
        {"status of what cannot be",
         4,
         {VEL_FRAME_PATH_STATUS_BACKUP, .path_id = VEL_VARINT_LAST},
         VEL_WIRE_PROTOCOL_VIOLATION},
        {"acknowledges a path that was never used",
         4,
         {VEL_FRAME_PATH_ACK, .path_id = 2, .ack = {.largest = 0}},
         VEL_WIRE_PROTOCOL_VIOLATION},
        {"acknowledges a path that cannot be",
         4,
         {VEL_FRAME_PATH_ACK, .path_id = 9, .ack = {.largest = 0}},
         VEL_WIRE_PROTOCOL_VIOLATION},
        {"retires what was never given",
         4,
         {VEL_FRAME_PATH_RETIRE_CONNECTION_ID, .path_id = 1, .sequence = 9},
         VEL_WIRE_PROTOCOL_VIOLATION},
        {"a limit of more than 32 bits",
         4,
         {VEL_FRAME_MAX_PATH_ID, .limit = UINT64_C(1) << 32},
         VEL_WIRE_PROTOCOL_VIOLATION},
        {"blocked above the limit",
         4,
         {VEL_FRAME_PATHS_BLOCKED, .limit = 4},
         VEL_WIRE_PROTOCOL_VIOLATION},
        {"blocked at an id that never was",
         4,
         {VEL_FRAME_PATH_CIDS_BLOCKED, .path_id = 1, .sequence = 9},
         VEL_WIRE_PROTOCOL_VIOLATION},
        {"abandons the only path",
         4,
         {VEL_FRAME_PATH_ABANDON, .path_id = 0},
         VEL_WIRE_NO_VIABLE_PATH},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct attack a;
        begin(&a, rows[i].paths);
        put(&a, 1000, &rows[i].frame);
        CHECK(rows[i].what, is_closed(&a));
        CHECK(rows[i].what, a.victim->life.close.code == rows[i].want);
        finish(&a);
    }
}

/* VEL-TR-57: copied datagrams are no longer than others, and go to nobody who takes none. */
static void copies_are_datagrams(void **state)
{
    (void)state;
    const struct vel_frame frame = {VEL_FRAME_DATAGRAM_COPY,
                                    .copy = {1, vel_slice("twelve bytes", 12)}};
    const struct {
        uint64_t announced;
        bool taken;
    } rows[] = {{0, false}, {12, false}, {64, true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct attack a;
        begin(&a, 4);
        a.p.server_config.limits.max_datagram_frame_size = rows[i].announced;
        put(&a, 1000, &frame);
        put(&a, 1001, &frame);
        assert_int_equal(a.victim->datagrams.stats.received, rows[i].taken);
        assert_int_equal(is_closed(&a), !rows[i].taken);
        if (!rows[i].taken)
            assert_int_equal(a.victim->life.close.code, VEL_WIRE_PROTOCOL_VIOLATION);
        finish(&a);
    }
}

/* These end nothing. */
static void harmless_frames_are_taken(void **state)
{
    (void)state;
    const struct vel_frame frames[] = {
        {VEL_FRAME_MAX_PATH_ID, .limit = 0},
        {VEL_FRAME_PATHS_BLOCKED, .limit = 3},
        {VEL_FRAME_PATH_CIDS_BLOCKED, .path_id = 1, .sequence = 1},
        {VEL_FRAME_PATH_STATUS_BACKUP, .path_id = 3, .sequence = 7},
        {VEL_FRAME_PATH_STATUS_AVAILABLE, .path_id = 3, .sequence = 6},
        {VEL_FRAME_PATH_ABANDON, .path_id = 3, .code = VEL_WIRE_PATH_UNSTABLE_OR_POOR},
        {VEL_FRAME_PATH_ABANDON, .path_id = 3, .code = VEL_WIRE_NO_ERROR},
        {VEL_FRAME_PATH_ACK, .path_id = 0, .ack = {.largest = 0}},
    };
    struct attack a;
    begin(&a, 4);
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++)
        put(&a, 1000 + i, &frames[i]);
    assert_false(is_closed(&a));
    assert_true(vel_conn_find_track(a.victim, 3)->peer_backup); /* the newer one counts */
    assert_int_equal(vel_conn_find_track(a.victim, 3)->state, VEL_TRACK_CLOSING);
    finish(&a);
}

/* An acknowledgement of all that was sent; none when that would name a number left out. */
static void acknowledge(struct attack *a, uint64_t number)
{
    const struct vel_sent *sent = &a->victim->first.recovery.space[VEL_SPACE_APP].sent;
    struct vel_frame ack = {.type = VEL_FRAME_PATH_ACK, .ack = {.largest = sent->next - 1}};
    if (sent->skipped != ack.ack.largest)
        put(a, number, &ack);
}

/* The client tells an id for a path, sends on it and abandons it. */
static void open_and_abandon(struct attack *a, struct vel_track *track, uint64_t *number)
{
    static const uint8_t ping = VEL_FRAME_PING;
    uint32_t path = track->id;
    struct vel_frame id = {
        .type = VEL_FRAME_PATH_NEW_CONNECTION_ID, .path_id = path, .new_cid = {.cid = {.len = 8}}};
    memcpy(id.new_cid.cid.bytes, number, sizeof *number);
    if (!track->cids.remote[0].in_use) /* the client gave the first ones */
        put(a, (*number)++, &id);
    deliver(a, path, 0, vel_slice(&ping, 1));
    put(a, (*number)++, &(struct vel_frame){VEL_FRAME_PATH_ABANDON, .path_id = path});
    acknowledge(a, (*number)++);
}

/* VEL-TR-50, VEL-TR-52: a peer that opens and abandons all it may, again and again, costs no more than
 * so many paths. */
static void a_flood_of_paths_is_bounded(void **state)
{
    (void)state;
    struct attack a;
    begin(&a, VEL_TRACKS_MAX);
    uint64_t number = 1000;
    for (unsigned round = 0; round < 200 && !is_closed(&a); round++) {
        VEL_TRACKS_EACH(track, a.victim)
        {
            if (track->state == VEL_TRACK_SPARE && track->cids.local[0].in_use)
                open_and_abandon(&a, track, &number);
        }
        a.p.now += 300 * MS;
        vel_conn_expire(a.victim, a.p.now);
        acknowledge(&a, number++);
        assert_true(a.p.env.outstanding < a.before + (size_t)256 * KIB);
    }
    assert_false(is_closed(&a));
    assert_true(a.victim->multipath.highest > VEL_TRACKS_MAX);
    finish(&a);
}

/* An id of one path does not open packets of another: the nonce differs. */
static void a_packet_belongs_to_its_path(void **state)
{
    (void)state;
    struct attack a;
    begin(&a, 4);
    static uint8_t packet[64];
    struct vel_writer w = vel_writer(packet, sizeof packet);
    const struct vel_track *spare = vel_conn_find_track(a.victim, 1);
    vel_packet_write_short(&w, &spare->cids.local[0].cid, 0, 0, 4);
    size_t header = vel_written(&w);
    vel_write_fill(&w, 1, 8);
    ASSERT_OK(vel_packet_seal(&a.p.client->space[VEL_SPACE_APP].write, 0, 0, packet, header, 4, 8));
    uint64_t forged = a.victim->forged;
    struct vel_addr local = a.victim->first.paths.active->local;
    struct vel_addr remote = a.victim->first.paths.active->remote;
    vel_conn_receive(a.victim, &local, &remote, VEL_ECN_NOT_ECT, packet, header + 8 + VEL_AEAD_TAG,
                     a.p.now);
    assert_int_equal(a.victim->forged, forged + 1);
    assert_int_equal(spare->state, VEL_TRACK_SPARE);
    finish(&a);
}

static void calls_tell_what_is_wrong(void **state)
{
    (void)state;
    struct attack a;
    begin(&a, 2);
    struct vel_addr local = a.p.client->first.paths.active->local;
    uint32_t path = 7;
    ASSERT_ERR("a server", vel_conn_open_path(a.victim, &local, &path), VEL_ERR_UNSUPPORTED);
    ASSERT_ERR("the only one", vel_conn_abandon_path(a.p.client, 0), VEL_ERR_UNEXPECTED);
    ASSERT_ERR("none", vel_conn_abandon_path(a.p.client, 1), VEL_ERR_NOT_FOUND);
    ASSERT_ERR("none", vel_conn_set_path_backup(a.p.client, 1, true), VEL_ERR_NOT_FOUND);
    ASSERT_ERR("none", vel_conn_set_path_weight(a.p.client, 1, 1), VEL_ERR_NOT_FOUND);
    ASSERT_ERR("no weight", vel_conn_set_path_weight(a.p.client, 0, 0), VEL_ERR_ARGUMENT);
    assert_int_equal(open_path(&a), 1);
    ASSERT_ERR("no more", vel_conn_open_path(a.p.client, &local, &path), VEL_ERR_LIMIT);
    pair_run(&a.p, a.p.now + 500 * MS);
    struct vel_path_stats stats[VEL_PATHS_OPEN_MAX];
    assert_int_equal(vel_conn_paths(a.p.client, stats, VEL_PATHS_OPEN_MAX), 2);
    assert_int_equal(stats[1].state, VEL_PATH_WORKING);
    ASSERT_OK(vel_conn_abandon_path(a.p.client, 0)); /* the first may go, too */
    pair_run(&a.p, a.p.now + 4 * SECOND);
    assert_int_equal(vel_conn_paths(a.p.client, stats, VEL_PATHS_OPEN_MAX), 1);
    assert_int_equal(stats[0].path, 1);
    assert_int_equal(open_path(&a), 2);
    pair_run(&a.p, a.p.now + 500 * MS);
    assert_int_equal(vel_conn_paths(a.victim, stats, 1), 2);
    finish(&a);
}

/* The handshake's path may be gone when the next one is made: what it knew is out of date by then. */
static void a_new_path_knows_how_long_the_peer_waits(void **state)
{
    (void)state;
    struct attack a;
    begin(&a, 2);
    struct vel_conn *client = a.p.client;
    for (uint32_t gone = 0; gone < 3; gone += 2) {
        open_path(&a);
        pair_run(&a.p, a.p.now + 500 * MS);
        ASSERT_OK(vel_conn_abandon_path(client, gone));
        pair_run(&a.p, a.p.now + 4 * SECOND);
        assert_null(vel_conn_find_track(client, gone));
        client->ack_request.in_force = 7 * MS;
    }
    assert_int_equal(vel_conn_find_track(client, 3)->recovery.max_ack_delay, 7 * MS);
    finish(&a);
}

/* VEL-TR-20: the keys are those of all paths, so their limit is that of the largest packets. */
static void keys_wear_out_by_the_largest_packets(void **state)
{
    (void)state;
    struct attack a;
    begin(&a, 2);
    struct vel_conn *client = a.p.client;
    uint32_t path = open_path(&a);
    client->aead = VEL_AES_128_GCM;
    client->space[VEL_SPACE_APP].sealed = vel_keys_seal_limit(client->aead, 9000) - 1;
    vel_conn_count_sealed(client, VEL_SPACE_APP, 1);
    assert_false(vel_life_is_over(&client->life));
    vel_conn_find_track(client, path)->paths.active->pmtud.mtu = 9000;
    vel_conn_count_sealed(client, VEL_SPACE_APP, 1);
    assert_int_equal(client->life.close.code, VEL_WIRE_AEAD_LIMIT_REACHED);
    finish(&a);
}

static void send_all(struct vel_conn *conn, vel_time now)
{
    static uint8_t space[VEL_TRAIN_MAX];
    struct vel_train train = {.bytes = space, .capacity = sizeof space};
    while (vel_conn_send(conn, &train, sizeof space, now) == VEL_OK)
        continue;
}

/* VEL-TR-53: a copy that only the pacer holds back leaves when that says, not when something arrives. */
static void a_copy_waits_for_the_pacer_alone(void **state)
{
    (void)state;
    struct attack a;
    begin(&a, 2);
    a.p.client_config.scheduler = VEL_SCHEDULE_REDUNDANT;
    struct vel_conn *client = a.p.client;
    uint32_t path = open_path(&a);
    uint64_t stream;
    size_t accepted;
    pair_run(&a.p, a.p.now + 500 * MS);
    struct vel_track *second = vel_conn_find_track(client, path);
    send_all(client, a.p.now);
    vel_pacer_set_rate(&second->pacer, 1000 * 1000, 0, a.p.now);
    vel_pacer_sent(&second->pacer, vel_pacer_depth(&second->pacer), a.p.now);
    uint64_t before = second->bytes_sent;
    ASSERT_OK(vel_stream_open(client, true, &stream));
    ASSERT_OK(vel_stream_write(client, stream, vel_slice_text("both"), false, &accepted));
    send_all(client, a.p.now);
    assert_int_equal(second->bytes_sent, before);
    vel_time due = vel_pacer_next(&second->pacer, a.p.now);
    assert_true(vel_conn_deadline(client) <= due);
    vel_conn_expire(client, due);
    send_all(client, due);
    assert_true(second->bytes_sent > before);
    finish(&a);
}

/* Whatever waits for a pacer leaves at its time: a datagram, by any path or by one that it names, and a
 * control frame, which goes by the path whose turn it is. */
static void all_that_waits_has_a_time(void **state)
{
    (void)state;
    const struct {
        const char *what;
        bool named, control;
    } rows[] = {
        {"datagram", false, false}, {"datagram by name", true, false}, {"control", true, true}};
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct attack a;
        begin(&a, 2);
        struct vel_conn *client = a.p.client;
        const struct vel_path_choice choice = {.count = 1, .paths = {open_path(&a)}};
        uint64_t stream;
        ASSERT_OK(vel_stream_open(client, true, &stream));
        pair_run(&a.p, a.p.now + 500 * MS);
        if (rows[i].named)
            ASSERT_OK(vel_stream_set_paths(client, stream, &choice));
        send_all(client, a.p.now);
        VEL_TRACKS_OPEN(track, client)
        {
            vel_pacer_set_rate(&track->pacer, 1000 * 1000, 0, a.p.now);
            vel_pacer_sent(&track->pacer, vel_pacer_depth(&track->pacer), a.p.now);
        }
        vel_time due = vel_pacer_next(&client->first.pacer, a.p.now);
        uint64_t before = client->stats.bytes_sent;
        if (rows[i].control)
            ASSERT_OK(vel_stream_stop(client, stream, 1));
        else
            ASSERT_OK(vel_conn_send_datagram_by(client, vel_slice_text("late"), 3, VEL_NEVER,
                                                rows[i].named ? &choice : NULL, NULL));
        send_all(client, a.p.now);
        CHECK(rows[i].what, client->stats.bytes_sent == before);
        CHECK(rows[i].what, vel_conn_deadline(client) <= due);
        vel_conn_expire(client, due);
        send_all(client, due);
        CHECK(rows[i].what, client->stats.bytes_sent > before);
        finish(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(violations_close),
        cmocka_unit_test(copies_are_datagrams),
        cmocka_unit_test(harmless_frames_are_taken),
        cmocka_unit_test(a_flood_of_paths_is_bounded),
        cmocka_unit_test(a_packet_belongs_to_its_path),
        cmocka_unit_test(calls_tell_what_is_wrong),
        cmocka_unit_test(a_new_path_knows_how_long_the_peer_waits),
        cmocka_unit_test(keys_wear_out_by_the_largest_packets),
        cmocka_unit_test(a_copy_waits_for_the_pacer_alone),
        cmocka_unit_test(all_that_waits_has_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
