/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <string.h>

#include "base/units.h"
#include "client/exit.h"
#include "testing/test.h"

/* Run a command line, words separated by single spaces. */
static int run_line(const struct vel_env *env, const char *line)
{
    char copy[128], *argv[16];
    int argc = 0;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *at = copy; *at != '\0'; argc++) {
        argv[argc] = at;
        at += strcspn(at, " ");
        if (*at == ' ')
            *at++ = '\0';
    }
    return vel_cli_run(env, argc, argv);
}

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
        {"velocity client", 2},
        {"velocity client get", 2},
        {"velocity client get nonsense", 3},
        {"velocity client get https://localhost/ --alpn spdy/3", 2},
        {"velocity serve", 2},
        {"velocity serve --root /nonexistent --listen 127.0.0.1:0", 1},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct test_env t;
        test_env_init(&t, 1);
        CHECK(rows[i].line, run_line(&t.env, rows[i].line) == rows[i].want);
        test_env_done(&t);
    }
}

/* A whole client, up to the refusal of its datagrams: whichever allocation fails, it says so, ends
 * with a status that is not success, and leaves nothing behind. */
static void failed_allocations_end_a_client(void **state)
{
    (void)state;
    static const char line[] = "velocity client get -k https://127.0.0.1:1/ -H a:b -d c=d";
    int status = VEL_EXIT_OK;
    for (long n = 0; status != VEL_EXIT_CONNECT; n++) {
        struct test_env t;
        test_env_init(&t, 1);
        t.fail_after = n;
        status = run_line(&t.env, line);
        CHECK("status", status != VEL_EXIT_OK);
        CHECK("an end", n < 1000);
        test_env_done(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(exit_statuses),
                                       cmocka_unit_test(failed_allocations_end_a_client)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
