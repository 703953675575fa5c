/* SPDX-License-Identifier: MIT */
#include "sys/udp.h"

#include <string.h>

#include "sys/address.h"
#include "testing/test.h"

static struct vel_udp bound(const char *text)
{
    struct vel_udp_setup setup = {.socket_buffer = 64 * 1024};
    struct vel_udp udp;
    ASSERT_OK(vel_addr_parse(text, &setup.local));
    ASSERT_OK(vel_udp_open(&setup, &udp));
    assert_int_not_equal(udp.local.port, 0);
    return udp;
}

static void tells_why_it_cannot_bind(void **state)
{
    (void)state;
    struct vel_udp taken = bound("127.0.0.1:0");
    struct vel_udp_setup setup = {.local = taken.local};
    struct vel_udp untouched = {.fd = 77};
    ASSERT_ERR("in use", vel_udp_open(&setup, &untouched), VEL_ERR_EXISTS);
    ASSERT_OK(vel_addr_parse("192.0.2.1:0", &setup.local));
    ASSERT_ERR("not ours", vel_udp_open(&setup, &untouched), VEL_ERR_NOT_FOUND);
    setup.local = (struct vel_addr){.family = VEL_ADDR_MEMORY};
    ASSERT_ERR("no such family", vel_udp_open(&setup, &untouched), VEL_ERR_UNSUPPORTED);
    assert_int_equal(untouched.fd, 77);
    vel_udp_close(&taken);
}

static void a_connected_socket_learns_that_nobody_listens(void **state)
{
    (void)state;
    struct vel_udp gone = bound("127.0.0.1:0");
    struct vel_udp_setup setup = {.remote = gone.local};
    vel_udp_close(&gone);
    struct vel_udp udp;
    ASSERT_OK(vel_udp_open(&setup, &udp));
    uint8_t bytes[100] = {0};
    struct vel_train train = {
        .remote = setup.remote, .bytes = bytes, .len = 10, .segment = 10, .capacity = 100};
    ASSERT_OK(vel_udp_send(&udp, &train));
    memset(&train.remote, 0, sizeof train.remote);
    ASSERT_ERR("refused", vel_udp_receive(&udp, &train), VEL_ERR_NOT_FOUND);
    assert_true(vel_addr_equal(&train.remote, &setup.remote));
    ASSERT_ERR("told once", vel_udp_receive(&udp, &train), VEL_ERR_AGAIN);
    vel_udp_close(&udp);
}

static void drops_what_does_not_fit(void **state)
{
    (void)state;
    struct vel_udp a = bound("127.0.0.1:0");
    struct vel_udp b = bound("127.0.0.1:0");
    uint8_t bytes[100] = {0};
    struct vel_train out = {.remote = b.local, .bytes = bytes, .len = 100, .segment = 100};
    ASSERT_OK(vel_udp_send(&a, &out));
    struct vel_train in = {.bytes = bytes, .capacity = 50};
    ASSERT_ERR("cut", vel_udp_receive(&b, &in), VEL_ERR_LIMIT);
    ASSERT_ERR("gone", vel_udp_receive(&b, &in), VEL_ERR_AGAIN);
    vel_udp_close(&a);
    vel_udp_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_why_it_cannot_bind),
        cmocka_unit_test(a_connected_socket_learns_that_nobody_listens),
        cmocka_unit_test(drops_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
