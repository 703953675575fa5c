/* SPDX-License-Identifier: MIT */
#include "velocity/udp.h"

#include <string.h>

#include "base/units.h"
#include "sys/address.h"
#include "testing/test.h"

enum { SEGMENT = 1200, COUNT = 20, SHORT = 333 };

static uint8_t outgoing[VEL_TRAIN_MAX], incoming[VEL_TRAIN_MAX];

/* Some machines, and many containers, have no IPv6. */
static bool has_ip6(void)
{
    struct test_env t;
    struct vel_udp_setup setup = {.local = {.family = VEL_ADDR_IP6, .ip = {[15] = 1}}};
    struct vel_link *link = NULL;
    test_env_init(&t, 1);
    bool has = vel_udp_link_new(&t.env, &setup, &link) == VEL_OK;
    vel_link_free(link);
    return has;
}

static struct vel_link *open_link(struct test_env *t, const char *text, bool plain)
{
    struct vel_udp_setup setup = {.plain = plain};
    struct vel_link *link = NULL;
    ASSERT_OK(vel_addr_parse(text, &setup.local));
    ASSERT_OK(vel_udp_link_new(&t->env, &setup, &link));
    return link;
}

/* Collect everything that waits: order and borders of datagrams must be as sent. */
static size_t take_all(struct vel_link *link, struct vel_train *last)
{
    size_t taken = 0;
    struct vel_train train = {.bytes = incoming, .capacity = sizeof incoming};
    while (vel_link_receive(link, &train) == VEL_OK) {
        assert_memory_equal(train.bytes, outgoing + taken, train.len);
        CHECK("segment", train.segment == SEGMENT || train.len == SHORT);
        taken += train.len;
        *last = train;
    }
    return taken;
}

static void carries_trains_with_marks_and_addresses(void **state)
{
    (void)state;
    const struct {
        const char *what, *client, *server, *at;
        bool plain_sender, plain_receiver;
    } rows[] = {
        {"ip4", "127.0.0.1:0", "127.0.0.1:0", NULL, false, false},
        {"ip4, no segmentation", "127.0.0.1:0", "127.0.0.1:0", NULL, true, false},
        {"ip4, no coalescing", "127.0.0.1:0", "127.0.0.1:0", NULL, false, true},
        {"ip4 wildcard", "127.0.0.1:0", "0.0.0.0:0", "127.0.0.7", false, false},
        {"ip4 on an ip6 wildcard", "127.0.0.1:0", "[::]:0", "127.0.0.7", false, false},
        {"ip4 from an ip6 wildcard", "[::]:0", "127.0.0.1:0", NULL, false, false},
        {"ip6", "[::1]:0", "[::1]:0", NULL, false, false},
        {"ip6 wildcard", "[::1]:0", "[::]:0", "::1", false, false},
    };
    for (size_t i = 0; i < sizeof outgoing; i++)
        outgoing[i] = (uint8_t)(i * 7 + i / 256);
    bool skip_ip6 = !has_ip6();
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        if (skip_ip6 && (rows[i].client[0] == '[' || rows[i].server[0] == '['))
            continue;
        struct test_env t;
        test_env_init(&t, 1);
        struct vel_link *client = open_link(&t, rows[i].client, rows[i].plain_sender);
        struct vel_link *server = open_link(&t, rows[i].server, rows[i].plain_receiver);
        struct vel_addr to = server->local;
        if (rows[i].at != NULL)
            ASSERT_OK(vel_addr_parse_ip(rows[i].at, server->local.port, &to));

        struct vel_train out = {.remote = to,
                                .bytes = outgoing,
                                .len = COUNT * SEGMENT + SHORT,
                                .segment = SEGMENT,
                                .ecn = VEL_ECN_ECT0};
        ASSERT_OK(vel_link_send(client, &out));
        struct vel_train in = {0};
        CHECK(rows[i].what, take_all(server, &in) == COUNT * SEGMENT + SHORT);
        CHECK(rows[i].what, in.ecn == VEL_ECN_ECT0);
        CHECK(rows[i].what, vel_addr_equal(&in.local, &to));
        CHECK(rows[i].what, in.remote.port == client->local.port);

        /* The answer comes from the address that was asked. */
        struct vel_train answer = {.local = in.local,
                                   .remote = in.remote,
                                   .bytes = outgoing,
                                   .len = SHORT,
                                   .segment = SHORT};
        ASSERT_OK(vel_link_send(server, &answer));
        CHECK(rows[i].what, take_all(client, &in) == SHORT);
        CHECK(rows[i].what, vel_addr_equal(&in.remote, &to) && in.ecn == VEL_ECN_NOT_ECT);
        vel_link_free(client);
        vel_link_free(server);
        test_env_done(&t);
    }
}

/* A datagram beyond the route's size is lost, its neighbours are not, and the link goes on. */
static void what_the_network_refuses_is_lost(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_link *link = open_link(&t, "127.0.0.1:0", false);
    struct vel_udp_stats stats;

    struct vel_train huge = {
        .remote = link->local, .bytes = outgoing, .len = VEL_TRAIN_MAX, .segment = VEL_TRAIN_MAX};
    ASSERT_OK(vel_link_send(link, &huge));
    struct vel_train nowhere = {.bytes = outgoing, .len = 10, .segment = 10};
    ASSERT_OK(vel_addr_parse("255.255.255.255:9", &nowhere.remote));
    ASSERT_OK(vel_link_send(link, &nowhere));
    vel_udp_link_get_stats(link, &stats);
    assert_int_equal(stats.lost, 2);

    struct vel_train good = {
        .remote = link->local, .bytes = outgoing, .len = SHORT, .segment = SHORT};
    ASSERT_OK(vel_link_send(link, &good));
    struct vel_train in = {0};
    assert_int_equal(take_all(link, &in), SHORT);
    vel_link_free(link);
    test_env_done(&t);
}

static void failed_allocation_opens_nothing(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    t.fail_after = 0;
    struct vel_udp_setup setup = {.local = {.family = VEL_ADDR_IP4}};
    struct vel_link *link = NULL;
    ASSERT_ERR("memory", vel_udp_link_new(&t.env, &setup, &link), VEL_ERR_NOMEM);
    assert_null(link);
    test_env_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carries_trains_with_marks_and_addresses),
        cmocka_unit_test(what_the_network_refuses_is_lost),
        cmocka_unit_test(failed_allocation_opens_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
