/* SPDX-License-Identifier: MIT */
#include "handshake/framer.h"

#include "base/units.h"
#include "testing/test.h"

/* VEL-HS-01: the same messages come out however the stream is cut. */
static void every_split(void **state)
{
    (void)state;
    const uint8_t stream[] = {20, 0, 0, 3, 'a', 'b', 'c', 8, 0, 0, 0, 15, 0, 0, 1, 'z'};
    const size_t bodies[] = {3, 0, 1};
    const uint8_t types[] = {20, 8, 15};

    for (size_t piece = 1; piece <= sizeof stream; piece++) {
        struct test_env t;
        test_env_init(&t, 1);
        struct vel_framer framer = {.buf = {.env = &t.env, .limit = VEL_FRAMER_MAX}};
        size_t found = 0;
        for (size_t at = 0; at < sizeof stream; at += piece) {
            struct vel_slice in = {stream + at, VEL_MIN(piece, sizeof stream - at)};
            struct vel_message message;
            while (vel_framer_body(&framer, &in, &message) == VEL_OK) {
                assert_true(found < 3);
                assert_int_equal(message.type, types[found]);
                assert_int_equal(message.body.len, bodies[found]);
                assert_int_equal(message.whole.len, bodies[found] + VEL_MSG_HEADER);
                vel_framer_next(&framer);
                found++;
            }
            assert_int_equal(in.len, 0);
        }
        assert_int_equal(found, 3);
        test_env_done(&t);
    }
}

static void header_comes_first(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_framer framer = {.buf = {.env = &t.env, .limit = VEL_FRAMER_MAX}};
    struct vel_slice in = BYTES(11, 0xff, 0xff);
    uint8_t type = 0;
    size_t size = 0;
    ASSERT_ERR("three bytes", vel_framer_header(&framer, &in, &type, &size), VEL_ERR_AGAIN);
    in = BYTES(0xff, 1, 2, 3);
    ASSERT_OK(vel_framer_header(&framer, &in, &type, &size));
    assert_int_equal(type, 11);
    assert_int_equal(size, 0xffffff);
    assert_int_equal(in.len, 3); /* nothing of the body was kept */

    struct vel_message message;
    ASSERT_ERR("too long", vel_framer_body(&framer, &in, &message), VEL_ERR_LIMIT);
    vel_framer_next(&framer);
    test_env_done(&t);
}

static void memory_fails(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    t.fail_after = 0;
    struct vel_framer framer = {.buf = {.env = &t.env, .limit = VEL_FRAMER_MAX}};
    struct vel_slice in = BYTES(1, 0, 0, 0);
    struct vel_message message;
    ASSERT_ERR("first", vel_framer_body(&framer, &in, &message), VEL_ERR_NOMEM);
    assert_int_equal(in.len, 4);
    test_env_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_split),
        cmocka_unit_test(header_comes_first),
        cmocka_unit_test(memory_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
