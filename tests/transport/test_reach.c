/* SPDX-License-Identifier: MIT */
#include "transport/reach.h"

#include "base/units.h"
#include "testing/test.h"

#define IP4(...) {.family = VEL_ADDR_IP4, .ip = {__VA_ARGS__}, .port = 443}
#define IP6(...) {.family = VEL_ADDR_IP6, .ip = {__VA_ARGS__}, .port = 443}

static void reaches(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct vel_addr addr;
        enum vel_reach reach;
    } rows[] = {
        {"none", {.family = VEL_ADDR_NONE}, VEL_REACH_NOBODY},
        {"memory", {.family = VEL_ADDR_MEMORY}, VEL_REACH_WORLD},
        {"0.0.0.0", IP4(0), VEL_REACH_NOBODY},
        {"0.0.0.1", IP4(0, 0, 0, 1), VEL_REACH_NOBODY},
        {"127.0.0.1", IP4(127, 0, 0, 1), VEL_REACH_MACHINE},
        {"126.255.255.255", IP4(126, 255, 255, 255), VEL_REACH_WORLD},
        {"128.0.0.1", IP4(128, 0, 0, 1), VEL_REACH_WORLD},
        {"169.254.1.1", IP4(169, 254, 1, 1), VEL_REACH_LINK},
        {"10.255.0.1", IP4(10, 255, 0, 1), VEL_REACH_SITE},
        {"100.63.255.255", IP4(100, 63, 255, 255), VEL_REACH_WORLD},
        {"100.64.0.0", IP4(100, 64), VEL_REACH_SITE},
        {"100.127.255.255", IP4(100, 127, 255, 255), VEL_REACH_SITE},
        {"100.128.0.0", IP4(100, 128), VEL_REACH_WORLD},
        {"172.15.255.255", IP4(172, 15, 255, 255), VEL_REACH_WORLD},
        {"172.31.255.255", IP4(172, 31, 255, 255), VEL_REACH_SITE},
        {"172.32.0.0", IP4(172, 32), VEL_REACH_WORLD},
        {"192.168.0.1", IP4(192, 168, 0, 1), VEL_REACH_SITE},
        {"223.255.255.255", IP4(223, 255, 255, 255), VEL_REACH_WORLD},
        {"224.0.0.251", IP4(224, 0, 0, 251), VEL_REACH_NOBODY},
        {"255.255.255.255", IP4(255, 255, 255, 255), VEL_REACH_NOBODY},
        {"::", IP6(0), VEL_REACH_NOBODY},
        {"::1", IP6([15] = 1), VEL_REACH_MACHINE},
        {"::2", IP6([15] = 2), VEL_REACH_NOBODY},
        {"64:ff9b::198.51.100.1", IP6([1] = 0x64, 0xff, 0x9b, [12] = 198, 51, 100, 1),
         VEL_REACH_NOBODY},
        {"::ffff:127.0.0.1", IP6([10] = 0xff, 0xff, 127, 0, 0, 1), VEL_REACH_NOBODY},
        {"fe80::1", IP6(0xfe, 0x80, [15] = 1), VEL_REACH_LINK},
        {"febf::1", IP6(0xfe, 0xbf, [15] = 1), VEL_REACH_LINK},
        {"fec0::1", IP6(0xfe, 0xc0, [15] = 1), VEL_REACH_SITE},
        {"fc00::1", IP6(0xfc, [15] = 1), VEL_REACH_SITE},
        {"fdff::1", IP6(0xfd, 0xff, [15] = 1), VEL_REACH_SITE},
        {"fbff::1", IP6(0xfb, 0xff, [15] = 1), VEL_REACH_WORLD},
        {"ff02::1", IP6(0xff, 2, [15] = 1), VEL_REACH_NOBODY},
        {"2001:db8::1", IP6(0x20, 1, 0x0d, 0xb8, [15] = 1), VEL_REACH_WORLD},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++)
        CHECK(rows[i].what, vel_reach_of(&rows[i].addr) == rows[i].reach);
}

/* VEL-TR-18 */
static void nobody_is_sent_nearer(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct vel_addr from, to;
        bool may;
    } rows[] = {
        {"world to world", IP4(198, 51, 100, 1), IP4(192, 0, 2, 1), true},
        {"world to machine", IP4(198, 51, 100, 1), IP4(127, 0, 0, 1), false},
        {"world to link", IP4(198, 51, 100, 1), IP4(169, 254, 169, 254), false},
        {"world to site", IP4(198, 51, 100, 1), IP4(10, 0, 0, 1), false},
        {"world to nobody", IP4(198, 51, 100, 1), IP4(224, 0, 0, 1), false},
        {"site to site", IP4(10, 0, 0, 1), IP4(192, 168, 0, 1), true},
        {"site to machine", IP4(10, 0, 0, 1), IP4(127, 0, 0, 1), false},
        {"site to world", IP4(10, 0, 0, 1), IP4(192, 0, 2, 1), true},
        {"machine to machine", IP6([15] = 1), IP6([15] = 1), true},
        {"translated to world", IP6([1] = 0x64, 0xff, 0x9b, [12] = 198, 51, 100, 1),
         IP6(0x20, 1, 0x0d, 0xb8, [15] = 1), true},
        {"translated to machine", IP6([1] = 0x64, 0xff, 0x9b, [12] = 198, 51, 100, 1),
         IP6([15] = 1), false},
        {"translated to link", IP6([1] = 0x64, 0xff, 0x9b, [12] = 198, 51, 100, 1),
         IP6(0xfe, 0x80, [15] = 1), false},
        {"translated to site", IP6([1] = 0x64, 0xff, 0x9b, [12] = 198, 51, 100, 1),
         IP6(0xfd, [15] = 1), false},
        {"reserved to machine", IP4(240, 0, 0, 1), IP4(127, 0, 0, 1), false},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++)
        CHECK(rows[i].what, vel_reach_may_send(&rows[i].from, &rows[i].to) == rows[i].may);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reaches),
        cmocka_unit_test(nobody_is_sent_nearer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
