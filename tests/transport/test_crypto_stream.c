/* SPDX-License-Identifier: MIT */
#include "transport/crypto_stream.h"

#include "base/units.h"
#include "testing/test.h"
#include "transport/error.h"
#include "transport/frame.h"
#include "transport/sent.h"

enum { PACKET = 1200 };

struct end {
    struct vel_pool pool;
    struct vel_crypto_stream stream;
    struct vel_sent sent;
};

struct fixture {
    struct test_env t;
    struct end from, to;
};

struct packet {
    uint64_t number;
    size_t len;
    uint8_t bytes[PACKET];
};

static void end_start(struct end *end, struct vel_env *env)
{
    end->pool = (struct vel_pool){.env = env};
    vel_crypto_stream_init(&end->stream, &end->pool);
    vel_sent_init(&end->sent, env);
}

static void start(struct fixture *f, uint64_t seed)
{
    test_env_init(&f->t, seed);
    end_start(&f->from, &f->t.env);
    end_start(&f->to, &f->t.env);
}

static void end_finish(struct end *end)
{
    vel_crypto_stream_clear(&end->stream);
    vel_crypto_stream_clear(&end->stream);
    vel_sent_clear(&end->sent);
    vel_pool_trim(&end->pool);
}

static void finish(struct fixture *f)
{
    end_finish(&f->from);
    end_finish(&f->to);
    test_env_done(&f->t);
}

static uint8_t byte_at(uint64_t offset)
{
    return (uint8_t)(offset * 31 + (offset >> 8) * 7);
}

static vel_result write_pattern(struct fixture *f, size_t len)
{
    static uint8_t bytes[VEL_CRYPTO_LIMIT + 1];
    for (size_t i = 0; i < len; i++)
        bytes[i] = byte_at(f->from.stream.send.end + i);
    return vel_crypto_stream_write(&f->from.stream, vel_slice(bytes, len));
}

static void commit(struct fixture *f, struct vel_writer *w, struct packet *packet)
{
    packet->len = vel_written(w);
    packet->number = f->from.sent.next;
    assert_true(vel_write_ok(w));
    if (packet->len == 0)
        vel_sent_abandon(&f->from.sent);
    else
        vel_sent_commit(&f->from.sent,
                        (struct vel_sent_packet){.state = VEL_SENT_OUTSTANDING, .size = 1});
}

static size_t send_packet(struct fixture *f, struct packet *packet)
{
    struct vel_writer w = vel_writer(packet->bytes, PACKET);
    ASSERT_OK(vel_sent_begin(&f->from.sent));
    ASSERT_OK(vel_crypto_stream_write_frames(&f->from.stream, &w, &f->from.sent));
    commit(f, &w, packet);
    return packet->len;
}

static size_t repeat_packet(struct fixture *f, uint64_t *offset, struct packet *packet)
{
    struct vel_writer w = vel_writer(packet->bytes, PACKET);
    ASSERT_OK(vel_sent_begin(&f->from.sent));
    ASSERT_OK(vel_crypto_stream_repeat_frames(&f->from.stream, offset, &w, &f->from.sent));
    commit(f, &w, packet);
    return packet->len;
}

static void deliver(struct fixture *f, const struct packet *packet)
{
    uint64_t wire_code = 0;
    struct vel_reader r = vel_reader(vel_slice(packet->bytes, packet->len));
    while (vel_left(&r) > 0) {
        struct vel_frame frame;
        ASSERT_OK(vel_frame_read(&r, VEL_PACKET_INITIAL, &frame));
        ASSERT_OK(vel_crypto_stream_on_frame(&f->to.stream, &frame.crypto, &wire_code));
    }
}

static void tell(struct fixture *f, const struct packet *packet, bool acked)
{
    struct vel_sent_packet *slot = vel_sent_find(&f->from.sent, packet->number);
    assert_non_null(slot);
    for (unsigned i = 0; i < slot->records; i++) {
        const struct vel_record *record = vel_sent_record(&f->from.sent, slot, i);
        if (acked)
            ASSERT_OK(vel_crypto_stream_acked(&f->from.stream, record));
        else
            ASSERT_OK(vel_crypto_stream_lost(&f->from.stream, record));
    }
}

static size_t take(struct fixture *f)
{
    size_t total = 0;
    struct vel_slice bytes;
    while ((bytes = vel_crypto_stream_read(&f->to.stream)).len > 0) {
        for (size_t i = 0; i < bytes.len; i++)
            assert_int_equal(bytes.ptr[i], byte_at(f->to.stream.recv.consumed + i));
        vel_crypto_stream_consume(&f->to.stream, bytes.len);
        total += bytes.len;
    }
    return total;
}

/* A flight of three packets, the middle one lost. */
static void flight_with_a_loss(void **state)
{
    (void)state;
    struct fixture f;
    struct packet packets[4];
    start(&f, 1);
    ASSERT_OK(write_pattern(&f, 3000));
    for (size_t i = 0; i < 3; i++)
        assert_true(send_packet(&f, &packets[i]) > 0);
    assert_int_equal(send_packet(&f, &packets[3]), 0);
    assert_false(vel_crypto_stream_want_send(&f.from.stream));
    deliver(&f, &packets[2]);
    assert_int_equal(take(&f), 0);
    assert_true(vel_crypto_stream_has_unread(&f.to.stream));
    deliver(&f, &packets[0]);
    assert_true(take(&f) > 1000);
    tell(&f, &packets[0], true);
    tell(&f, &packets[1], false);
    assert_true(vel_crypto_stream_want_send(&f.from.stream));
    send_packet(&f, &packets[3]);
    deliver(&f, &packets[3]);
    take(&f);
    assert_int_equal(f.to.stream.recv.consumed, 3000);
    assert_false(vel_crypto_stream_has_unread(&f.to.stream));
    tell(&f, &packets[3], true);
    tell(&f, &packets[2], true);
    vel_pool_trim(&f.from.pool);
    finish(&f);
}

/* VEL-TR-02: the spare datagrams of a first flight repeat it: either copy is enough. */
static void repeated_flight(void **state)
{
    (void)state;
    struct fixture f;
    struct packet first[3];
    struct packet second[3];
    struct packet none;
    start(&f, 1);
    ASSERT_OK(write_pattern(&f, 3000));
    uint64_t offset = 0;
    assert_int_equal(repeat_packet(&f, &offset, &none), 0); /* nothing was sent yet */
    for (size_t i = 0; i < 3; i++)
        send_packet(&f, &first[i]);
    for (size_t i = 0; i < 3; i++)
        assert_true(repeat_packet(&f, &offset, &second[i]) > 0);
    assert_int_equal(repeat_packet(&f, &offset, &none), 0);
    deliver(&f, &first[0]);
    deliver(&f, &second[1]);
    deliver(&f, &first[2]);
    deliver(&f, &second[0]);
    assert_int_equal(take(&f), 3000);

    /* Only what is not acknowledged is worth repeating. */
    tell(&f, &first[1], true);
    offset = 0;
    assert_true(repeat_packet(&f, &offset, &none) > 0);
    tell(&f, &none, true);
    tell(&f, &first[2], true);
    assert_int_equal(f.from.stream.send.base, 3000);
    finish(&f);
}

/* RFC 9000 7.5. */
static void limits(void **state)
{
    (void)state;
    static const uint8_t bytes[16];
    const struct {
        const char *what;
        uint64_t offset;
        size_t len;
        enum vel_err want;
    } rows[] = {
        {"up to the limit", VEL_CRYPTO_LIMIT - 16, 16, VEL_OK},
        {"a byte over it", VEL_CRYPTO_LIMIT - 15, 16, VEL_ERR_LIMIT},
        {"largest offset", VEL_VARINT_LAST - 16, 16, VEL_ERR_LIMIT},
        {"empty", 0, 0, VEL_OK},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct fixture f;
        uint64_t wire_code = 0;
        start(&f, 1);
        struct vel_frame_crypto frame = {rows[i].offset, vel_slice(bytes, rows[i].len)};
        ASSERT_ERR(rows[i].what, vel_crypto_stream_on_frame(&f.to.stream, &frame, &wire_code),
                   rows[i].want);
        CHECK(rows[i].what,
              wire_code == (rows[i].want == VEL_OK ? 0 : VEL_WIRE_CRYPTO_BUFFER_EXCEEDED));
        finish(&f);
    }
    struct fixture f;
    start(&f, 1);
    ASSERT_ERR("too much to send", write_pattern(&f, VEL_CRYPTO_LIMIT + 1), VEL_ERR_LIMIT);
    ASSERT_OK(write_pattern(&f, VEL_CRYPTO_LIMIT));
    ASSERT_ERR("full", write_pattern(&f, 1), VEL_ERR_LIMIT);
    finish(&f);
}

/* One byte in each block, then every second byte: what it can cost. */
static void memory_is_bounded(void **state)
{
    (void)state;
    struct fixture f;
    uint64_t wire_code = 0;
    enum vel_err err = VEL_OK;
    start(&f, 1);
    for (uint64_t offset = 1; offset < VEL_CRYPTO_LIMIT && err == VEL_OK; offset += 2) {
        struct vel_frame_crypto frame = {offset, BYTES(1)};
        err = vel_crypto_stream_on_frame(&f.to.stream, &frame, &wire_code);
    }
    assert_int_equal(err, VEL_ERR_LIMIT);
    assert_int_equal(wire_code, VEL_WIRE_CRYPTO_BUFFER_EXCEEDED);
    assert_true(f.t.outstanding <= VEL_CRYPTO_LIMIT + 16 * VEL_RECV_GAPS_MAX + 1024);
    finish(&f);
}

static void allocations_fail(void **state)
{
    (void)state;
    for (long n = 0; n < 4; n++) {
        struct fixture f;
        start(&f, 1);
        f.t.fail_after = n;
        uint64_t wire_code = 0;
        struct vel_frame_crypto frame = {0, BYTES(1, 2, 3)};
        enum vel_err err = write_pattern(&f, 100);
        if (err == VEL_OK)
            err = vel_crypto_stream_on_frame(&f.to.stream, &frame, &wire_code);
        ASSERT_ERR("memory", err, VEL_ERR_NOMEM);
        assert_int_equal(wire_code, n < 2 ? 0 : VEL_WIRE_INTERNAL_ERROR);
        finish(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flight_with_a_loss),
        cmocka_unit_test(repeated_flight),
        cmocka_unit_test(limits),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(allocations_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
