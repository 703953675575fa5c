/* SPDX-License-Identifier: MIT */
#include "cli/connection_log.h"

#include <jansson.h>
#include <string.h>

#include "base/units.h"
#include "testing/test.h"

static char text[8192];
static const struct vel_log_address plain = {.plain = true};

/* The line, read back; and that it is one, short enough to be written at once. */
static json_t *line_of(const struct vel_web_connection *connection)
{
    FILE *to = fmemopen(text, sizeof text, "w");
    assert_non_null(to);
    vel_connection_log(to, "2026-01-02T03:04:05.678Z", &plain, connection);
    assert_int_equal(fclose(to), 0);
    size_t size = strlen(text);
    assert_in_range(size, 2, 4095);
    assert_ptr_equal(strchr(text, '\n'), text + size - 1);
    json_t *line = json_loads(text, 0, NULL);
    assert_non_null(line);
    return line;
}

static const char *word(const json_t *line, const char *key)
{
    return json_string_value(json_object_get(line, key));
}

static uint64_t number(const json_t *line, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(line, key));
}

static void a_connection_on_udp_has_every_fact(void **state)
{
    (void)state;
    const struct vel_conn_stats stats = {.packets_sent = 7,
                                         .packets_lost = 2,
                                         .bytes_sent = 9000,
                                         .bytes_received = 800,
                                         .paths = 1,
                                         .streams_opened = 1,
                                         .streams_accepted = 3,
                                         .smoothed_rtt = 1500 * US};
    const struct vel_close close = {
        .origin = VEL_CLOSE_PEER, .application = true, .code = 0x100, .reason = "done"};
    const struct vel_web_connection connection = {
        .remote = {.family = VEL_ADDR_IP4, .ip = {192, 0, 2, 1}, .port = 99},
        .protocol = vel_slice_text("velocity/1"),
        .duration = 1250 * MS,
        .tally = {.requests = 2, .body_bytes = 5120},
        .stats = &stats,
        .close = &close};
    json_t *line = line_of(&connection);
    assert_string_equal(word(line, "time"), "2026-01-02T03:04:05.678Z");
    assert_string_equal(word(line, "event"), "connection-closed");
    assert_string_equal(word(line, "remote"), "192.0.2.1:99");
    assert_string_equal(word(line, "protocol"), "velocity/1");
    assert_string_equal(word(line, "closed_by"), "client");
    assert_string_equal(word(line, "code_of"), "application");
    assert_string_equal(word(line, "reason"), "done");
    assert_int_equal(number(line, "code"), 0x100);
    assert_int_equal(number(line, "requests"), 2);
    assert_int_equal(number(line, "body_bytes"), 5120);
    assert_int_equal(number(line, "packets_lost"), 2);
    assert_int_equal(number(line, "bytes_sent"), 9000);
    assert_int_equal(number(line, "streams"), 4);
    assert_true(json_number_value(json_object_get(line, "smoothed_rtt_ms")) == 1.5);
    assert_true(json_number_value(json_object_get(line, "duration_ms")) == 1250.0);
    json_decref(line);
}

static void one_on_tcp_has_what_there_is(void **state)
{
    (void)state;
    const struct vel_web_connection connection = {.protocol = vel_slice_text("h2"),
                                                  .ended = "broken"};
    json_t *line = line_of(&connection);
    assert_string_equal(word(line, "protocol"), "h2");
    assert_string_equal(word(line, "closed_by"), "broken");
    assert_null(json_object_get(line, "packets_sent"));
    json_decref(line);
}

/* Whatever the peer says, and however large the numbers are. */
static void the_largest_line_is_written(void **state)
{
    (void)state;
    struct vel_conn_stats stats;
    struct vel_close close = {.origin = VEL_CLOSE_PEER, .code = UINT64_MAX};
    memset(&stats, 0x7f, sizeof stats);
    memset(close.reason, '\x1b', sizeof close.reason - 1);
    const struct vel_web_connection connection = {.protocol = vel_slice_text("h3\n"),
                                                  .stats = &stats,
                                                  .close = &close,
                                                  .tally = {.body_bytes = UINT64_MAX}};
    json_decref(line_of(&connection));
    assert_null(strchr(text, '\x1b'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_on_udp_has_every_fact),
        cmocka_unit_test(one_on_tcp_has_what_there_is),
        cmocka_unit_test(the_largest_line_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
