/* SPDX-License-Identifier: MIT */
#include "cli/progress.h"

#include <string.h>

#include "base/units.h"
#include "testing/test.h"

static void draws_what_is_known(void **state)
{
    (void)state;
    const struct {
        const char *what;
        struct vel_progress progress;
        vel_time now;
        unsigned width;
        const char *want;
    } rows[] = {
        {"total known",
         {.received = 8 * MIB, .expected = 16 * MIB, .files = 1, .files_known = 1},
         2 * SECOND,
         60,
         "[##########...........]  50%  8.0 MiB of 16.0 MiB  4.0 MiB/s"},
        {"total unknown", {.received = 1500, .files = 1}, SECOND, 80, "1.5 KiB  1.5 KiB/s"},
        {"several files",
         {.received = 10, .expected = 99, .files = 5, .files_known = 4, .files_done = 2},
         SECOND,
         80,
         "10 B  10 B/s  2/5 files"},
        {"too narrow for a bar",
         {.received = 512, .expected = 1024, .files = 1, .files_known = 1},
         SECOND,
         30,
         "512 B of 1.0 KiB  512 B/s"},
        {"very narrow",
         {.received = 512, .expected = 1024, .files = 1, .files_known = 1},
         SECOND,
         5,
         "512 B"},
        {"more than announced",
         {.received = 2048, .expected = 1024, .files = 1, .files_known = 1},
         SECOND,
         56,
         "[##################] 100%  2.0 KiB of 1.0 KiB  2.0 KiB/s"},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        char line[VEL_PROGRESS_LINE];
        vel_progress_text(&rows[i].progress, rows[i].now, rows[i].width, line);
        if (strcmp(line, rows[i].want) != 0)
            fail_msg("%s: '%s'", rows[i].what, line);
        CHECK(rows[i].what, strlen(line) <= rows[i].width);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(draws_what_is_known)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
