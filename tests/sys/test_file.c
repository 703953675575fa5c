/* SPDX-License-Identifier: MIT */
#include "sys/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing/test.h"

static char folder[] = "/tmp/velocity-test-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(in_folder("key"));
    rmdir(in_folder("a/b"));
    rmdir(in_folder("a"));
    return rmdir(folder); /* fails when something was left behind */
}

static void load(const char *name, const char *want)
{
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_buf buf = {.env = &t.env, .limit = 100};
    ASSERT_OK(vel_file_load(in_folder(name), &buf));
    assert_true(vel_slice_equal(vel_buf_slice(&buf), vel_slice_text(want)));
    vel_buf_free(&buf);
    test_env_done(&t);
}

static void saves_once_unless_told_to_replace(void **state)
{
    (void)state;
    struct stat found;
    ASSERT_OK(vel_file_save(in_folder("key"), vel_slice_text("first"), 0600, false));
    assert_int_equal(stat(in_folder("key"), &found), 0);
    assert_int_equal(found.st_mode & 07777, 0600);
    ASSERT_ERR("again", vel_file_save(in_folder("key"), vel_slice_text("second"), 0600, false),
               VEL_ERR_EXISTS);
    load("key", "first");
    ASSERT_OK(vel_file_save(in_folder("key"), vel_slice_text("third"), 0644, true));
    load("key", "third");
    assert_int_equal(stat(in_folder("key"), &found), 0);
    assert_int_equal(found.st_mode & 07777, 0644);
    ASSERT_ERR("no folder", vel_file_save(in_folder("none/key"), vel_slice_text(""), 0600, false),
               VEL_ERR_NOT_FOUND);
}

static void load_keeps_to_the_limit(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_buf buf = {.env = &t.env, .limit = 8};
    ASSERT_OK(vel_file_save(in_folder("key"), vel_slice_text("12345"), 0600, true));
    ASSERT_OK(vel_file_load(in_folder("key"), &buf));
    ASSERT_ERR("limit", vel_file_load(in_folder("key"), &buf), VEL_ERR_LIMIT);
    assert_int_equal(buf.len, 5);
    ASSERT_ERR("missing", vel_file_load(in_folder("none"), &buf), VEL_ERR_NOT_FOUND);
    ASSERT_ERR("folder", vel_file_load(folder, &buf), VEL_ERR_IO);
    assert_int_equal(buf.len, 5);
    vel_buf_free(&buf);

    struct vel_buf none = {.env = &t.env, .limit = 100};
    t.fail_after = 0;
    ASSERT_ERR("memory", vel_file_load(in_folder("key"), &none), VEL_ERR_NOMEM);
    test_env_done(&t);
}

static void makes_folders(void **state)
{
    (void)state;
    ASSERT_OK(vel_folder_make(in_folder("a/b"), 0700));
    ASSERT_OK(vel_folder_make(in_folder("a/b"), 0700));
    assert_true(vel_file_exists(in_folder("a/b")));
    ASSERT_OK(vel_file_save(in_folder("key"), vel_slice_text(""), 0600, true));
    ASSERT_ERR("file in the way", vel_folder_make(in_folder("key/c"), 0700), VEL_ERR_IO);
}

static int wait_for(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

/* The child gets the lock only after the parent closed it: by then the parent has written. */
static void a_lock_makes_others_wait(void **state)
{
    (void)state;
    int fd = -1, pipe_ends[2];
    ASSERT_OK(vel_file_lock(in_folder("key"), 0600, &fd));
    assert_int_equal(pipe2(pipe_ends, O_NONBLOCK), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int own = -1;
        close(fd); /* the lock is the open file's, which the parent still has */
        bool locked = vel_file_lock(in_folder("key"), 0600, &own) == VEL_OK;
        char byte = 0;
        _exit(locked && read(pipe_ends[0], &byte, 1) == 1 ? 0 : 1);
    }
    assert_int_equal(write(pipe_ends[1], "x", 1), 1);
    close(fd);
    assert_int_equal(wait_for(pid), 0);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    int other = -1;
    ASSERT_ERR("no folder", vel_file_lock(in_folder("none/lock"), 0600, &other), VEL_ERR_NOT_FOUND);
    assert_int_equal(other, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saves_once_unless_told_to_replace),
        cmocka_unit_test(load_keeps_to_the_limit),
        cmocka_unit_test(makes_folders),
        cmocka_unit_test(a_lock_makes_others_wait),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
