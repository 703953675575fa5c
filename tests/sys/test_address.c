/* SPDX-License-Identifier: MIT */
#include "sys/address.h"

#include <string.h>

#include "base/units.h"
#include "testing/test.h"

static void reads_and_writes_text(void **state)
{
    (void)state;
    const struct {
        const char *text;
        enum vel_err want;
        uint8_t family;
        uint16_t port;
    } rows[] = {
        {"127.0.0.1:4433", VEL_OK, VEL_ADDR_IP4, 4433},
        {"0.0.0.0:0", VEL_OK, VEL_ADDR_IP4, 0},
        {"[::1]:65535", VEL_OK, VEL_ADDR_IP6, 65535},
        {"[::]:443", VEL_OK, VEL_ADDR_IP6, 443},
        {"[fe80::1%1]:443", VEL_OK, VEL_ADDR_IP6, 443},
        {"127.0.0.1:65536", VEL_ERR_MALFORMED, 0, 0},
        {"127.0.0.1:", VEL_ERR_MALFORMED, 0, 0},
        {"127.0.0.1", VEL_ERR_MALFORMED, 0, 0},
        {":443", VEL_ERR_MALFORMED, 0, 0},
        {"::1:443", VEL_ERR_MALFORMED, 0, 0},
        {"[::1]", VEL_ERR_MALFORMED, 0, 0},
        {"[::1:443", VEL_ERR_MALFORMED, 0, 0},
        {"[fe80::1%]:443", VEL_ERR_MALFORMED, 0, 0},
        {"256.0.0.1:443", VEL_ERR_MALFORMED, 0, 0},
        {"127.0.0.1:+443", VEL_ERR_MALFORMED, 0, 0},
        {"127.0.0.1:4433x", VEL_ERR_MALFORMED, 0, 0},
        {"", VEL_ERR_MALFORMED, 0, 0},
        {"host:443", VEL_ERR_MALFORMED, 0, 0},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct vel_addr addr = {0};
        char text[VEL_ADDR_TEXT];
        ASSERT_ERR(rows[i].text, vel_addr_parse(rows[i].text, &addr), rows[i].want);
        CHECK(rows[i].text, addr.family == rows[i].family && addr.port == rows[i].port);
        if (rows[i].want == VEL_OK)
            CHECK(rows[i].text, strcmp(vel_addr_text(&addr, text), rows[i].text) == 0);
    }
}

static void maps_ip4_for_ip6_sockets(void **state)
{
    (void)state;
    struct vel_addr addr;
    struct sockaddr_storage storage;
    ASSERT_OK(vel_addr_parse("192.0.2.7:99", &addr));
    assert_int_equal(vel_addr_to_system(&addr, true, &storage), sizeof(struct sockaddr_in6));
    struct vel_addr back = vel_addr_from_system(&storage);
    assert_true(vel_addr_equal(&addr, &back));
    assert_int_equal(vel_addr_to_system(&addr, false, &storage), sizeof(struct sockaddr_in));
    back = vel_addr_from_system(&storage);
    assert_true(vel_addr_equal(&addr, &back));
    struct vel_addr memory = {.family = VEL_ADDR_MEMORY};
    assert_int_equal(vel_addr_to_system(&memory, false, &storage), 0);
}

static void resolves_literals_without_a_resolver(void **state)
{
    (void)state;
    struct vel_addr addrs[VEL_RESOLVE_MAX];
    size_t count = 0;
    ASSERT_OK(vel_resolve("::1", 443, addrs, &count));
    assert_int_equal(count, 1);
    assert_int_equal(addrs[0].family, VEL_ADDR_IP6);
    ASSERT_OK(vel_resolve("127.0.0.1", 443, addrs, &count));
    assert_int_equal(addrs[0].port, 443);
}

static void tells_wildcards(void **state)
{
    (void)state;
    struct vel_addr addr;
    ASSERT_OK(vel_addr_parse("[::]:1", &addr));
    assert_true(vel_addr_is_wildcard(&addr));
    ASSERT_OK(vel_addr_parse("[::1]:1", &addr));
    assert_false(vel_addr_is_wildcard(&addr));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_text),
        cmocka_unit_test(maps_ip4_for_ip6_sockets),
        cmocka_unit_test(resolves_literals_without_a_resolver),
        cmocka_unit_test(tells_wildcards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
