/* SPDX-License-Identifier: MIT */
#include "transport/ack_request.h"

#include "base/units.h"
#include "testing/test.h"

static struct vel_ack_request request_of(vel_time least)
{
    struct vel_ack_request request;
    vel_ack_request_init(&request, least, 25 * MS);
    return request;
}

static bool asks(struct vel_ack_request *request, uint64_t packets, vel_time rtt,
                 uint64_t reordering)
{
    struct vel_ack_wish wish = vel_ack_wish(request, packets, rtt, reordering);
    vel_ack_request_consider(request, &wish);
    return request->due;
}

static struct vel_frame_ack_frequency take(struct vel_ack_request *request)
{
    struct vel_frame frame;
    struct vel_record record;
    assert_true(request->due);
    vel_ack_request_take(request, &frame, &record);
    assert_int_equal(frame.type, VEL_FRAME_ACK_FREQUENCY);
    assert_int_equal(record.kind, VEL_RECORD_ACK_FREQUENCY);
    assert_int_equal(record.id, frame.ack_frequency.sequence);
    return frame.ack_frequency;
}

static void what_is_wished(void **state)
{
    (void)state;
    const struct {
        const char *what;
        uint64_t packets;
        vel_time rtt;
        uint64_t threshold;
        vel_time max_delay;
    } rows[] = {
        {"a small window", 10, 40 * MS, 1, 10 * MS},
        {"a large one", 320, 40 * MS, 20, 10 * MS},
        {"a huge one", 1 << 20, 40 * MS, VEL_ACK_THRESHOLD_MAX, 10 * MS},
        {"a short path: the peer's clock is the limit", 320, 100 * US, 20, 1 * MS},
        {"a long path: its max_ack_delay", 320, 600 * MS, 20, 25 * MS},
    };
    struct vel_ack_request request = request_of(1 * MS);
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_ack_wish wish = vel_ack_wish(&request, rows[i].packets, rows[i].rtt, 3);
        CHECK(rows[i].what, wish.threshold == rows[i].threshold);
        CHECK(rows[i].what, wish.max_delay == rows[i].max_delay);
    }
}

/* max_ack_delay 0: there is no wait to ask for, and none that differs from it. */
static void of_a_peer_that_never_waits_it_asks_once(void **state)
{
    (void)state;
    struct vel_ack_request request;
    vel_ack_request_init(&request, 0, 0);
    assert_true(asks(&request, 1000, 40 * MS, 3));
    assert_int_equal(take(&request).max_delay, 0);
    vel_ack_request_acked(&request, 0);
    assert_false(asks(&request, 1000, 40 * MS, 3));
}

/* VEL-TR-32 */
static void asks_only_where_it_gains(void **state)
{
    (void)state;
    struct vel_ack_request silent = request_of(VEL_NEVER);
    assert_false(asks(&silent, 10000, 40 * MS, 3)); /* the peer would not understand */

    struct vel_ack_request request = request_of(1 * MS);
    assert_false(asks(&request, 4 * VEL_ACK_PER_WINDOW - 1, 40 * MS, 3));
    assert_true(asks(&request, 4 * VEL_ACK_PER_WINDOW, 40 * MS, 3));
    assert_int_equal(take(&request).threshold, 4);
    assert_false(asks(&request, 1000, 40 * MS, 3)); /* one at a time */
    vel_ack_request_acked(&request, 0);
    assert_false(asks(&request, 7 * VEL_ACK_PER_WINDOW, 50 * MS, 3)); /* about the same */
    assert_true(asks(&request, 8 * VEL_ACK_PER_WINDOW, 40 * MS, 3));
    assert_int_equal(take(&request).sequence, 1);
    vel_ack_request_acked(&request, 1);
    assert_true(asks(&request, 10, 40 * MS, 3)); /* a small window needs them again */
    assert_int_equal(take(&request).threshold, 1);
    vel_ack_request_acked(&request, 2);
    assert_true(asks(&request, 10, 40 * MS, 9)); /* reordering was seen */
    assert_int_equal(take(&request).reordering, 9);
}

static void a_lost_one_is_sent_again(void **state)
{
    (void)state;
    struct vel_ack_request request = request_of(1 * MS);
    assert_true(asks(&request, 640, 40 * MS, 3));
    vel_time before = vel_ack_request_delay(&request);
    assert_int_equal(before, 25 * MS); /* until it is known to be read */
    assert_int_equal(take(&request).sequence, 0);
    assert_int_equal(vel_ack_request_delay(&request), 25 * MS);
    vel_ack_request_lost(&request, 0);
    assert_int_equal(take(&request).sequence, 1);
    vel_ack_request_lost(&request, 0); /* history */
    vel_ack_request_acked(&request, 0);
    assert_false(request.due);
    assert_int_equal(vel_ack_request_delay(&request), 25 * MS);
    vel_ack_request_acked(&request, 1);
    assert_int_equal(vel_ack_request_delay(&request), 10 * MS);
}

static void without_room_it_waits(void **state)
{
    (void)state;
    struct vel_ack_request request = request_of(1 * MS);
    assert_true(asks(&request, 640, 40 * MS, 3));
    take(&request);
    vel_ack_request_put_back(&request);
    assert_int_equal(take(&request).sequence, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wished),
        cmocka_unit_test(of_a_peer_that_never_waits_it_asks_once),
        cmocka_unit_test(asks_only_where_it_gains),
        cmocka_unit_test(a_lost_one_is_sent_again),
        cmocka_unit_test(without_room_it_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
