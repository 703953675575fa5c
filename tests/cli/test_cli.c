/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <string.h>

#include "base/units.h"
#include "testing/test.h"

/* Exit statuses of whole command lines; what they print is for people and tested end to end. */
static void exit_statuses(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int want;
    } rows[] = {
        {"velocity", 2},
        {"velocity nothing", 2},
        {"velocity help", 0},
        {"velocity --help", 0},
        {"velocity -h", 0},
        {"velocity --version", 0},
        {"velocity version", 0},
        {"velocity version extra", 2},
        {"velocity version --extra", 2},
        {"velocity version --help", 0},
        {"velocity help version", 0},
        {"velocity help nothing", 2},
        {"velocity help --man version", 0},
        {"velocity completion", 2},
        {"velocity completion bash", 0},
        {"velocity completion fish", 2},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct test_env t;
        test_env_init(&t, 1);
        char copy[128], *argv[8];
        int argc = 0;
        snprintf(copy, sizeof copy, "%s", rows[i].line);
        for (char *at = copy; *at != '\0'; argc++) {
            argv[argc] = at;
            at += strcspn(at, " ");
            if (*at == ' ')
                *at++ = '\0';
        }
        CHECK(rows[i].line, vel_cli_run(&t.env, argc, argv) == rows[i].want);
        test_env_done(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(exit_statuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
