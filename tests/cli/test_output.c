/* SPDX-License-Identifier: MIT */
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/units.h"
#include "testing/test.h"

enum { BODY = 300 * KIB }; /* more than a pipe holds */

/* An output into a pipe whose other end we read. */
struct piped {
    struct test_env env;
    struct vel_loop *loop;
    struct vel_output output;
    struct vel_watch *reader;
    int ends[2];
    size_t read;
    unsigned drained;
};

static uint8_t body_byte(size_t at)
{
    return (uint8_t)(at * 31 >> 3);
}

static void on_drained(void *self)
{
    struct piped *p = self;
    p->drained++;
    if (p->output.error != 0 || p->read + 64 * KIB >= BODY)
        vel_loop_stop(p->loop);
}

static void on_readable(void *self, unsigned ready)
{
    struct piped *p = self;
    uint8_t bytes[10000];
    (void)ready;
    ssize_t got = read(p->ends[0], bytes, sizeof bytes);
    for (ssize_t i = 0; i < got; i++)
        assert_int_equal(bytes[i], body_byte(p->read++));
}

static void open_piped(struct piped *p)
{
    char path[64];
    *p = (struct piped){0};
    test_env_init(&p->env, 1);
    ASSERT_OK(vel_loop_new(&p->env.env, &p->loop));
    assert_int_equal(pipe2(p->ends, O_CLOEXEC), 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", p->ends[1]);
    const struct vel_output_setup setup = {
        .env = &p->env.env, .loop = p->loop, .drained = on_drained, .self = p};
    ASSERT_OK(vel_output_open(&p->output, path, &setup));
    assert_true(vel_output_is_open(&p->output));
}

static void close_piped(struct piped *p)
{
    vel_watch_free(p->reader);
    vel_loop_free(p->loop);
    close(p->ends[0]);
    close(p->ends[1]);
    test_env_done(&p->env);
}

/* Nobody reads at first: writing returns at once, and nothing is lost or out of order. */
static void a_slow_reader_gets_everything(void **state)
{
    (void)state;
    struct piped p;
    static uint8_t body[BODY];
    for (size_t i = 0; i < BODY; i++)
        body[i] = body_byte(i);
    open_piped(&p);
    for (size_t at = 0; at < BODY; at += BODY / 3)
        ASSERT_OK(vel_output_write(&p.output, vel_slice(body + at, BODY / 3)));
    assert_true(vel_output_is_full(&p.output));
    assert_int_equal(fcntl(p.ends[1], F_GETFL) & O_NONBLOCK, 0); /* others write there as well */

    ASSERT_OK(vel_watch_new(p.loop, p.ends[0], on_readable, &p, &p.reader));
    vel_watch_set(p.reader, VEL_WATCH_READ);
    vel_loop_run(p.loop);
    assert_false(vel_output_is_full(&p.output));
    assert_int_equal(p.drained, 1);
    ASSERT_OK(vel_output_close(&p.output));
    while (p.read < BODY)
        on_readable(&p, VEL_WATCH_READ);
    close_piped(&p);
}

static void a_reader_that_leaves_is_an_error(void **state)
{
    (void)state;
    struct piped p;
    static const uint8_t body[BODY];
    signal(SIGPIPE, SIG_IGN);
    open_piped(&p);
    ASSERT_OK(vel_output_write(&p.output, vel_slice(body, BODY)));
    close(p.ends[0]);
    p.ends[0] = -1;
    vel_loop_run(p.loop);
    assert_int_equal(p.drained, 1);
    assert_int_equal(vel_output_write(&p.output, vel_slice(body, 1)), VEL_ERR_IO);
    assert_int_equal(errno, EPIPE);
    assert_int_equal(vel_output_close(&p.output), VEL_ERR_IO);
    assert_int_equal(errno, EPIPE);
    ASSERT_OK(vel_output_close(&p.output)); /* once */
    close_piped(&p);
}

/* A reader comes late: opening does not wait for him, and he gets everything. */
static void a_named_pipe_waits_for_its_reader(void **state)
{
    (void)state;
    struct piped p = {.ends = {-1, -1}};
    static uint8_t body[BODY];
    char folder[] = "/tmp/velocity-output-XXXXXX", path[64];
    const struct vel_output_setup setup = {.env = &p.env.env, .drained = on_drained, .self = &p};
    for (size_t i = 0; i < BODY; i++)
        body[i] = body_byte(i);
    test_env_init(&p.env, 1);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/pipe", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    ASSERT_OK(vel_loop_new(&p.env.env, &p.loop));
    struct vel_output_setup with_loop = setup;
    with_loop.loop = p.loop;
    ASSERT_OK(vel_output_open(&p.output, path, &with_loop));
    assert_true(vel_output_is_open(&p.output) && vel_output_is_full(&p.output));
    ASSERT_OK(vel_output_write(&p.output, vel_slice(body, BODY)));

    p.ends[0] = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(p.ends[0] >= 0);
    ASSERT_OK(vel_watch_new(p.loop, p.ends[0], on_readable, &p, &p.reader));
    vel_watch_set(p.reader, VEL_WATCH_READ);
    vel_loop_run(p.loop);
    assert_int_equal(p.drained, 1);
    ASSERT_OK(vel_output_close(&p.output));
    while (p.read < BODY)
        on_readable(&p, VEL_WATCH_READ);

    /* One that never gets a reader can be closed all the same. */
    close(p.ends[0]);
    ASSERT_OK(vel_output_open(&p.output, path, &with_loop));
    ASSERT_OK(vel_output_write(&p.output, vel_slice_text("lost")));
    ASSERT_OK(vel_output_close(&p.output));
    unlink(path);
    rmdir(folder);
    vel_watch_free(p.reader);
    vel_loop_free(p.loop);
    test_env_done(&p.env);
}

static void what_is_no_pipe_is_written_at_once(void **state)
{
    (void)state;
    struct piped p;
    const struct vel_output_setup setup = {.env = &p.env.env, .drained = on_drained, .self = &p};
    test_env_init(&p.env, 1);
    p.output = (struct vel_output){0};
    ASSERT_OK(vel_output_open(&p.output, "/dev/full", &setup));
    assert_int_equal(vel_output_write(&p.output, vel_slice_text("x")), VEL_ERR_IO);
    assert_false(vel_output_is_full(&p.output));
    ASSERT_OK(vel_output_close(&p.output)); /* the failure was told */
    assert_int_equal(vel_output_open(&p.output, "/nowhere/at/all", &setup), VEL_ERR_IO);
    assert_false(vel_output_is_open(&p.output));
    test_env_done(&p.env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_reader_gets_everything),
        cmocka_unit_test(a_reader_that_leaves_is_an_error),
        cmocka_unit_test(a_named_pipe_waits_for_its_reader),
        cmocka_unit_test(what_is_no_pipe_is_written_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
