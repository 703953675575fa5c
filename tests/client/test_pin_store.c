/* SPDX-License-Identifier: MIT */
#include "client/pin_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "base/units.h"
#include "sys/file.h"
#include "testing/test.h"

enum { NOW = 1800000000, WRITERS = 8, WRITES = 10 };

struct stage {
    struct test_env t;
    char folder[64];
    char path[128];
};

static int open_stage(void **state)
{
    static struct stage s;
    s = (struct stage){0};
    test_env_init(&s.t, 1);
    snprintf(s.folder, sizeof s.folder, "/tmp/velocity-pins-XXXXXX");
    assert_non_null(mkdtemp(s.folder));
    snprintf(s.path, sizeof s.path, "%s/new/state/pins", s.folder);
    *state = &s;
    return 0;
}

static int close_stage(void **state)
{
    struct stage *s = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", s->folder);
    assert_int_equal(system(command), 0);
    test_env_done(&s->t);
    return 0;
}

static bool holds(struct stage *s, const char *host)
{
    struct vel_pins *pins = NULL;
    ASSERT_OK(vel_pin_store_load(&s->t.env, s->path, NOW, &pins));
    bool held = vel_pins_hold(pins, host, 443, NOW);
    vel_pins_free(pins);
    return held;
}

static enum vel_err set(struct stage *s, const char *host, uint32_t max_age)
{
    return vel_pin_store_set(&s->t.env, s->path, host, 443, max_age, NOW);
}

static void keeps_pins_privately(void **state)
{
    struct stage *s = *state;
    struct stat found;
    assert_false(holds(s, "a.example"));
    ASSERT_OK(set(s, "a.example", 60));
    ASSERT_OK(set(s, "b.example", 60));
    assert_true(holds(s, "a.example") && holds(s, "b.example"));
    assert_int_equal(stat(s->path, &found), 0);
    assert_int_equal(found.st_mode & 07777, 0600);
    ASSERT_OK(set(s, "a.example", 0));
    assert_true(!holds(s, "a.example") && holds(s, "b.example"));
}

/* VEL-FB-43 */
static void a_broken_file_is_told_and_left_alone(void **state)
{
    struct stage *s = *state;
    struct vel_pins *pins = NULL;
    ASSERT_OK(set(s, "a.example", 60));
    ASSERT_OK(vel_file_save(s->path, vel_slice_text("velocity-pins 1\nrubbish\n"), 0600, true));
    ASSERT_ERR("load", vel_pin_store_load(&s->t.env, s->path, NOW, &pins), VEL_ERR_MALFORMED);
    ASSERT_ERR("set", set(s, "a.example", 60), VEL_ERR_MALFORMED);
    assert_null(pins);
    struct vel_buf text = {.env = &s->t.env, .limit = 1000};
    ASSERT_OK(vel_file_load(s->path, &text));
    assert_true(
        vel_slice_equal(vel_buf_slice(&text), vel_slice_text("velocity-pins 1\nrubbish\n")));
    vel_buf_free(&text);
}

/* Several programs at a time lose nothing of each other's. */
static void writers_wait_for_each_other(void **state)
{
    struct stage *s = *state;
    for (int writer = 0; writer < WRITERS; writer++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid > 0)
            continue;
        int failed = 0;
        for (int i = 0; i < WRITES; i++) {
            char host[32];
            snprintf(host, sizeof host, "w%d-%d", writer, i);
            failed |= set(s, host, 60) != VEL_OK;
        }
        _exit(failed);
    }
    for (int writer = 0; writer < WRITERS; writer++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    struct vel_pins *pins = NULL;
    ASSERT_OK(vel_pin_store_load(&s->t.env, s->path, NOW, &pins));
    assert_int_equal(vel_pins_count(pins), WRITERS * WRITES);
    vel_pins_free(pins);
}

static void survives_lack_of_memory(void **state)
{
    struct stage *s = *state;
    ASSERT_OK(set(s, "a.example", 60));
    for (long n = 0;; n++) {
        s->t.fail_after = n;
        enum vel_err err = set(s, "b.example", 60);
        s->t.fail_after = -1;
        if (err == VEL_OK)
            break;
        assert_int_equal(err, VEL_ERR_NOMEM);
        assert_true(holds(s, "a.example") && !holds(s, "b.example"));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keeps_pins_privately),
        TEST(a_broken_file_is_told_and_left_alone),
        TEST(writers_wait_for_each_other),
        TEST(survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
