/* SPDX-License-Identifier: MIT */
#include "web/pages.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/units.h"
#include "testing/test.h"

/* A folder with files whose time of change is set by hand, and pages of it. */
struct stage {
    struct test_env env;
    char folder[64];
    struct vel_root *root;
    struct vel_pages *pages;
};

enum { LONG_AGO = 1000000000, TODAY = 1700000000 };

static void put(struct stage *s, const char *name, const void *bytes, size_t size, int64_t changed)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", s->folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    struct timespec times[2] = {{.tv_sec = changed}, {.tv_sec = changed}};
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
}

static void put_text(struct stage *s, const char *name, const char *text, int64_t changed)
{
    put(s, name, text, strlen(text), changed);
}

static void start(struct stage *s)
{
    *s = (struct stage){.folder = "/tmp/velocity-pages-XXXXXX"};
    test_env_init(&s->env, 1);
    assert_non_null(mkdtemp(s->folder));
    assert_int_equal(vel_root_open(&s->env.env, s->folder, &s->root), VEL_OK);
    assert_int_equal(vel_pages_new(&s->env.env, s->root, &s->pages), VEL_OK);
}

static void stop(struct stage *s)
{
    char command[128];
    vel_pages_free(s->pages);
    vel_root_free(s->root);
    snprintf(command, sizeof command, "rm -r %s", s->folder);
    assert_int_equal(system(command), 0);
    test_env_done(&s->env);
}

static struct vel_page *find(struct stage *s, const char *name, vel_time now)
{
    struct vel_page *page = NULL;
    struct vel_root_file file;
    assert_int_equal(vel_pages_find(s->pages, name, now, TODAY, &page, &file), VEL_OK);
    assert_non_null(page);
    return page;
}

static bool holds(const struct vel_page *page, const char *text)
{
    return vel_slice_equal(vel_slice(page->bytes, page->size), vel_slice_text(text));
}

static void looks_once_in_an_instant(void **state)
{
    (void)state;
    struct stage s;
    start(&s);
    put_text(&s, "a", "first", LONG_AGO);
    struct vel_page *first = find(&s, "a", 1);
    put_text(&s, "a", "second", LONG_AGO + 1);
    struct vel_page *same = find(&s, "a", 1);
    assert_ptr_equal(first, same);
    struct vel_page *second = find(&s, "a", 2);
    assert_true(holds(second, "second"));
    assert_true(holds(first, "first")); /* for those who still send it */
    struct vel_page *kept = find(&s, "a", 3);
    assert_ptr_equal(kept, second); /* nothing changed: not read again */
    vel_page_drop(first);
    vel_page_drop(same);
    vel_page_drop(second);
    vel_page_drop(kept);
    stop(&s);
}

/* Changed twice within one step of the file system's clock, with the same length. */
static void reads_again_what_was_just_changed(void **state)
{
    (void)state;
    struct stage s;
    start(&s);
    put_text(&s, "a", "one", TODAY);
    vel_page_drop(find(&s, "a", 1));
    put_text(&s, "a", "two", TODAY);
    struct vel_page *page = find(&s, "a", 2);
    assert_true(holds(page, "two"));
    vel_page_drop(page);
    stop(&s);
}

static void leaves_the_rest_on_disk(void **state)
{
    (void)state;
    struct stage s;
    start(&s);
    static uint8_t bytes[VEL_PAGE_MAX + 1];
    put(&s, "fits", bytes, VEL_PAGE_MAX, LONG_AGO);
    put(&s, "large", bytes, VEL_PAGE_MAX + 1, LONG_AGO);
    put(&s, "empty", bytes, 0, LONG_AGO);
    struct vel_page *page = find(&s, "fits", 1);
    assert_int_equal(page->size, VEL_PAGE_MAX);
    vel_page_drop(page);
    page = find(&s, "empty", 1);
    assert_int_equal(page->size, 0);
    vel_page_drop(page);
    static const char *const others[] = {"large", ""};
    for (size_t i = 0; i < VEL_COUNT(others); i++) {
        struct vel_root_file file = {.fd = -1};
        page = find(&s, "fits", 1);
        vel_page_drop(page);
        CHECK(others[i], vel_pages_find(s.pages, others[i], 1, TODAY, &page, &file) == VEL_OK);
        CHECK(others[i], page == NULL && file.fd >= 0);
        vel_root_file_close(&file);
    }
    struct vel_root_file file;
    assert_int_equal(vel_pages_find(s.pages, "none", 1, TODAY, &page, &file), VEL_ERR_NOT_FOUND);
    stop(&s);
}

/* Many more files than slots: each is still answered with its own bytes. */
static void pages_take_turns(void **state)
{
    (void)state;
    enum { FILES = 2 * VEL_PAGES };
    struct stage s;
    start(&s);
    char name[16];
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof name, "f%d", i);
        put_text(&s, name, name, LONG_AGO);
    }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < FILES; i++) {
            snprintf(name, sizeof name, "f%d", i);
            struct vel_page *page = find(&s, name, 1);
            CHECK(name, holds(page, name));
            vel_page_drop(page);
        }
    }
    stop(&s);
}

/* A page that cannot be made is served from its file. */
static void gives_the_file_when_memory_is_short(void **state)
{
    (void)state;
    struct stage s;
    start(&s);
    put_text(&s, "a", "text", LONG_AGO);
    for (long nth = 0; nth < 3; nth++) {
        struct vel_page *page = NULL;
        struct vel_root_file file = {.fd = -1};
        s.env.fail_after = nth;
        assert_int_equal(vel_pages_find(s.pages, "a", 1, TODAY, &page, &file), VEL_OK);
        assert_null(page);
        assert_true(file.fd >= 0);
        vel_root_file_close(&file);
    }
    s.env.fail_after = -1;
    vel_page_drop(find(&s, "a", 1));
    stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looks_once_in_an_instant),
        cmocka_unit_test(reads_again_what_was_just_changed),
        cmocka_unit_test(leaves_the_rest_on_disk),
        cmocka_unit_test(pages_take_turns),
        cmocka_unit_test(gives_the_file_when_memory_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
