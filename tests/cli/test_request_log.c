/* SPDX-License-Identifier: MIT */
#include "cli/request_log.h"

#include <string.h>

#include "base/units.h"
#include "testing/test.h"

static char text[8192];
static const struct vel_log_address plain = {.plain = true};

static const char *line_of(const struct vel_web_record *record)
{
    FILE *to = fmemopen(text, sizeof text, "w");
    assert_non_null(to);
    vel_request_log(to, "2026-01-02T03:04:05.678Z", &plain, record);
    assert_int_equal(fclose(to), 0);
    return text;
}

static void has_every_fact(void **state)
{
    (void)state;
    struct vel_web_record record = {
        .remote = {.family = VEL_ADDR_IP4, .ip = {192, 0, 2, 1}, .port = 99},
        .protocol = vel_slice_text("h3"),
        .method = vel_slice_text("GET"),
        .path = vel_slice_text("/a%20b?c=d"),
        .status = 200,
        .body_bytes = 5120,
        .duration = 1250 * US,
        .complete = true,
    };
    assert_string_equal(line_of(&record),
                        "2026-01-02T03:04:05.678Z 192.0.2.1:99 \"GET /a%20b?c=d\" 200 5120 bytes "
                        "1.250 ms h3\n");
    record.complete = false;
    assert_non_null(strstr(line_of(&record), " cut-off\n"));
}

/* Nothing that a peer sends begins a new line, ends the quotes, or reaches the terminal raw. */
static void escapes_what_the_peer_chose(void **state)
{
    (void)state;
    static char long_path[3000];
    memset(long_path, 'a', sizeof long_path - 1);
    struct vel_web_record record = {.method = vel_slice_text("G\"T"),
                                    .path = vel_slice_text("/\n\x1b[2J\\ \xff")};
    assert_non_null(strstr(line_of(&record), "\"G\\x22T /\\x0a\\x1b[2J\\x5c\\x20\\xff\""));
    record.path = vel_slice_text(long_path);
    line_of(&record);
    assert_true(strlen(text) < 1200);
    assert_non_null(strstr(text, "aaa...\""));
}

/* Or parts of it could come between the lines of another worker. */
static void is_written_at_once(void **state)
{
    (void)state;
    static char awkward[3000];
    memset(awkward, '"', sizeof awkward - 1);
    struct vel_web_record record = {
        .remote = {.family = VEL_ADDR_IP6, .port = 65535},
        .protocol = vel_slice_text("velocity/1"),
        .method = vel_slice_text(awkward),
        .path = vel_slice_text(awkward),
        .status = 200,
        .body_bytes = UINT64_MAX,
        .duration = INT64_MAX,
    };
    memset(record.remote.ip, 0xff, sizeof record.remote.ip);
    line_of(&record);
    assert_non_null(strstr(text, " cut-off\n"));
    assert_true(strlen(text) <= 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_every_fact),
        cmocka_unit_test(escapes_what_the_peer_chose),
        cmocka_unit_test(is_written_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
