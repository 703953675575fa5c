/* SPDX-License-Identifier: MIT */
#include "cli/handshake_log.h"

#include <string.h>

#include "base/units.h"
#include "testing/test.h"
#include "velocity/addr.h"

static char text[4096];
static const struct vel_log_address plain = {.plain = true};

static const char *line_at(struct vel_handshake_log *log, vel_time now, const char *reason,
                           bool by_peer)
{
    const struct vel_addr remote = {.family = VEL_ADDR_IP4, .ip = {192, 0, 2, 1}, .port = 99};
    const struct vel_log_field fields[] = {LOG_HEX("remote", &remote, sizeof remote),
                                           LOG_UINT("by-peer", by_peer),
                                           LOG_TEXT("reason", reason),
                                           LOG_TEXT("name", "CRYPTO_ERROR"),
                                           LOG_UINT("code", 0x12a),
                                           {0}};
    memset(text, 0, sizeof text);
    FILE *to = fmemopen(text, sizeof text, "w");
    assert_non_null(to);
    vel_handshake_log(log, to, now, "2026-01-02T03:04:05.678Z", &plain, fields);
    assert_int_equal(fclose(to), 0);
    return text;
}

static void tells_who_and_why(void **state)
{
    (void)state;
    struct vel_handshake_log log = {0};
    assert_string_equal(line_at(&log, 0, "no way", false),
                        "2026-01-02T03:04:05.678Z 192.0.2.1:99 handshake failed: no way, "
                        "CRYPTO_ERROR (0x12a)\n");
    assert_string_equal(line_at(&log, 0, "", true),
                        "2026-01-02T03:04:05.678Z 192.0.2.1:99 handshake failed: the client says: "
                        "CRYPTO_ERROR (0x12a)\n");
}

/* A flood of failures does not become a flood of lines. */
static void a_second_has_a_number_of_lines(void **state)
{
    (void)state;
    struct vel_handshake_log log = {0};
    vel_time start = 100 * SECOND;
    unsigned lines = 0;
    for (unsigned i = 0; i < 1000; i++)
        lines += line_at(&log, start + i * (SECOND / 1000), "x", false)[0] != '\0';
    assert_int_equal(lines, VEL_HANDSHAKE_LOG_LINES);
    assert_non_null(
        strstr(line_at(&log, start + SECOND, "x", false), "990 more handshakes failed"));
    assert_null(strstr(line_at(&log, start + SECOND, "x", false), "more"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_who_and_why),
        cmocka_unit_test(a_second_has_a_number_of_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
