/* SPDX-License-Identifier: MIT */
#include "sys/root.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testing/test.h"

static char folder[64];

static const char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put_text(const char *name, const char *text)
{
    int fd = open(in_folder(name), O_WRONLY | O_CREAT, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void put_link(const char *name, const char *target)
{
    assert_int_equal(symlink(target, in_folder(name)), 0);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/velocity-root-XXXXXX");
    assert_non_null(mkdtemp(folder));
    put_text("outside", "outside");
    assert_int_equal(mkdir(in_folder("root"), 0755), 0);
    assert_int_equal(mkdir(in_folder("root/dir"), 0755), 0);
    put_text("root/dir/file", "inside");
    put_link("root/in", "dir/file");
    put_link("root/dirlink", "dir");
    put_link("root/dir/back", "../dir/file");
    put_link("root/out", "../outside");
    put_link("root/abs", in_folder("outside"));
    put_link("root/up", "..");
    put_link("root/self", "self");
    put_link("root/proc", "/proc/self/cwd");
    assert_int_equal(mkfifo(in_folder("root/fifo"), 0644), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static const struct {
    const char *path;
    enum vel_err resolved; /* by the kernel */
    enum vel_err walked;   /* part by part */
    bool is_folder;
} rows[] = {
    {"", VEL_OK, VEL_OK, true},
    {"dir", VEL_OK, VEL_OK, true},
    {"dir/", VEL_OK, VEL_OK, true},
    {"dir/file", VEL_OK, VEL_OK, false},
    {"dir//file", VEL_OK, VEL_OK, false},
    {"in", VEL_OK, VEL_ERR_NOT_FOUND, false},
    {"dirlink/file", VEL_OK, VEL_ERR_NOT_FOUND, false},
    {"dir/back", VEL_OK, VEL_ERR_NOT_FOUND, false},
    {"none", VEL_ERR_NOT_FOUND, VEL_ERR_NOT_FOUND, false},
    {"none/file", VEL_ERR_NOT_FOUND, VEL_ERR_NOT_FOUND, false},
    {"dir/file/x", VEL_ERR_NOT_FOUND, VEL_ERR_NOT_FOUND, false},
    {"fifo", VEL_ERR_NOT_FOUND, VEL_ERR_NOT_FOUND, false},
    {"self", VEL_ERR_NOT_FOUND, VEL_ERR_NOT_FOUND, false},
    {"..", VEL_ERR_AUTH, VEL_ERR_AUTH, false},
    {"../outside", VEL_ERR_AUTH, VEL_ERR_AUTH, false},
    {"dir/../../outside", VEL_ERR_AUTH, VEL_ERR_AUTH, false},
    {"out", VEL_ERR_AUTH, VEL_ERR_NOT_FOUND, false},
    {"abs", VEL_ERR_AUTH, VEL_ERR_NOT_FOUND, false},
    {"up/outside", VEL_ERR_AUTH, VEL_ERR_NOT_FOUND, false},
    {"proc", VEL_ERR_AUTH, VEL_ERR_NOT_FOUND, false},
};

static void check_rows(bool walk)
{
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_root *root;
    ASSERT_OK(vel_root_open(&t.env, in_folder("root"), &root));
    if (walk)
        vel_root_refuse_links(root);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct vel_root_file file = {.fd = -7};
        enum vel_err want = walk ? rows[i].walked : rows[i].resolved;
        ASSERT_ERR(rows[i].path, vel_root_find(root, rows[i].path, &file), want);
        if (want != VEL_OK) {
            CHECK(rows[i].path, file.fd == -7);
            continue;
        }
        CHECK(rows[i].path, file.is_folder == rows[i].is_folder);
        CHECK(rows[i].path, file.is_folder || file.size == 6);
        vel_root_file_close(&file);
        CHECK(rows[i].path, file.fd == -1);
        vel_root_file_close(&file);
    }
    vel_root_free(root);
    test_env_done(&t);
}

static void the_kernel_keeps_us_inside(void **state)
{
    (void)state;
    check_rows(false);
}

static void walking_keeps_us_inside(void **state)
{
    (void)state;
    check_rows(true);
}

static void files_are_read_in_parts(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_root *root;
    struct vel_root_file file;
    uint8_t bytes[16];
    size_t got = 0;
    ASSERT_OK(vel_root_open(&t.env, in_folder("root"), &root));
    ASSERT_OK(vel_root_find(root, "dir/file", &file));
    ASSERT_OK(vel_root_file_read(&file, 2, bytes, 3, &got));
    assert_int_equal(got, 3);
    assert_memory_equal(bytes, "sid", 3);
    ASSERT_OK(vel_root_file_read(&file, 4, bytes, sizeof bytes, &got));
    assert_int_equal(got, 2);
    ASSERT_OK(vel_root_file_read(&file, 100, bytes, sizeof bytes, &got));
    assert_int_equal(got, 0);
    vel_root_file_close(&file);
    ASSERT_ERR("closed", vel_root_file_read(&file, 0, bytes, 1, &got), VEL_ERR_IO);
    vel_root_free(root);
    test_env_done(&t);
}

static void roots_are_folders(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_root *root = NULL;
    ASSERT_ERR("none", vel_root_open(&t.env, in_folder("none"), &root), VEL_ERR_NOT_FOUND);
    ASSERT_ERR("file", vel_root_open(&t.env, in_folder("outside"), &root), VEL_ERR_NOT_FOUND);
    t.fail_after = 0;
    ASSERT_ERR("memory", vel_root_open(&t.env, folder, &root), VEL_ERR_NOMEM);
    assert_null(root);
    vel_root_free(NULL);
    test_env_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernel_keeps_us_inside),
        cmocka_unit_test(walking_keeps_us_inside),
        cmocka_unit_test(files_are_read_in_parts),
        cmocka_unit_test(roots_are_folders),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
