/* SPDX-License-Identifier: MIT */
#include "cli/log_address.h"

#include <string.h>

#include "base/units.h"
#include "sys/address.h"
#include "testing/test.h"

static const struct vel_addr client = {.family = VEL_ADDR_IP4, .ip = {192, 0, 2, 1}, .port = 99};

static void plain_ones_are_addresses(void **state)
{
    (void)state;
    char text[VEL_ADDR_TEXT];
    const struct vel_log_address how = {.plain = true};
    assert_string_equal(vel_log_address(&how, &client, text), "192.0.2.1:99");
}

/* The same client has the same name from each of its ports, and no other has it. */
static void a_hash_is_of_one_address(void **state)
{
    (void)state;
    char first[VEL_ADDR_TEXT], second[VEL_ADDR_TEXT];
    const struct vel_log_address how = {.salt = {1, 2}}, other_salt = {.salt = {1, 3}};
    struct vel_addr other = client;
    vel_log_address(&how, &client, first);
    assert_int_equal(strspn(first, "0123456789abcdef"), 16);
    assert_int_equal(strlen(first), 16);
    other.port = 100;
    assert_string_equal(vel_log_address(&how, &other, second), first);
    assert_string_not_equal(vel_log_address(&other_salt, &client, second), first);
    other.ip[3] = 2;
    assert_string_not_equal(vel_log_address(&how, &other, second), first);
    other = client;
    other.family = VEL_ADDR_IP6;
    vel_log_address(&how, &other, first);
    other.ip[15] = 1;
    assert_string_not_equal(vel_log_address(&how, &other, second), first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_ones_are_addresses),
        cmocka_unit_test(a_hash_is_of_one_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
