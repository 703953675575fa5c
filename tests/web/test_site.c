/* SPDX-License-Identifier: MIT */
#include "web/site.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/units.h"
#include "http/fake.h"
#include "http/h3.h"
#include "sys/root.h"
#include "testing/test.h"
#include "web/path.h"

/* A site in a new folder, and one request at a time to it over HTTP/3 on fake streams. */
struct stage {
    struct test_env env;
    struct fake_pair pair;
    struct vel_http *client, *server;
    struct vel_site *site;
    char folder[64];
    char path[128];
    unsigned answered;
    vel_time now;
    /* the last answer */
    unsigned status;
    char fields[2048]; /* "name: value\n" */
    uint8_t body[300000];
    size_t body_size;
    bool closed, complete;
};

enum { BIG = 200000 };

/* The linker puts the second in the place of the first. */
vel_result __real_vel_root_find(const struct vel_root *root, const char *path,
                                struct vel_root_file *file);
vel_result __wrap_vel_root_find(const struct vel_root *root, const char *path,
                                struct vel_root_file *file);

static size_t found; /* calls of vel_root_find */

vel_result __wrap_vel_root_find(const struct vel_root *root, const char *path,
                                struct vel_root_file *file)
{
    found++;
    return __real_vel_root_find(root, path, file);
}

static const char *in_folder(struct stage *s, const char *name)
{
    snprintf(s->path, sizeof s->path, "%s/%s", s->folder, name);
    return s->path;
}

static void put_file(struct stage *s, const char *name, const void *bytes, size_t size)
{
    int fd = open(in_folder(s, name), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
}

static void put_text(struct stage *s, const char *name, const char *text)
{
    put_file(s, name, text, strlen(text));
}

static void put_folder(struct stage *s, const char *name)
{
    assert_int_equal(mkdir(in_folder(s, name), 0755), 0);
}

static void put_link(struct stage *s, const char *name, const char *target)
{
    assert_int_equal(symlink(target, in_folder(s, name)), 0);
}

static void on_request(void *self, struct vel_exchange *exchange)
{
    struct stage *s = self;
    s->answered = vel_site_answer(s->site, exchange, ++s->now, 784111777);
}

static void on_response(void *self, struct vel_exchange *exchange)
{
    struct stage *s = self;
    const struct vel_response *response = vel_exchange_response(exchange);
    s->status = response->status;
    size_t used = 0;
    for (size_t i = 0; i < response->fields.count; i++) {
        const struct vel_field *f = &response->fields.items[i];
        used += (size_t)snprintf(s->fields + used, sizeof s->fields - used, "%.*s: %.*s\n",
                                 (int)f->name.len, (const char *)f->name.ptr, (int)f->value.len,
                                 (const char *)f->value.ptr);
    }
}

static void on_body(void *self, struct vel_exchange *exchange, struct vel_slice bytes)
{
    struct stage *s = self;
    (void)exchange;
    assert_true(s->body_size + bytes.len <= sizeof s->body);
    memcpy(s->body + s->body_size, bytes.ptr, bytes.len);
    s->body_size += bytes.len;
}

static void on_closed(void *self, struct vel_exchange *exchange, const struct vel_exchange_end *end)
{
    struct stage *s = self;
    (void)exchange;
    s->closed = true;
    s->complete = end->complete;
}

static struct stage *stage_open(void)
{
    struct stage *s = test_calloc(1, sizeof *s);
    test_env_init(&s->env, 3);
    fake_init(&s->pair, 40000);
    snprintf(s->folder, sizeof s->folder, "/tmp/velocity-site-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    put_text(s, "secret.txt", "outside");
    put_folder(s, "root");
    struct vel_http_events server = {.head = on_request, .self = s};
    struct vel_http_events client = {
        .head = on_response, .body = on_body, .closed = on_closed, .self = s};
    ASSERT_OK(
        vel_h3_new(&s->env.env, fake_streams(&s->pair, FAKE_SERVER), false, &server, &s->server));
    ASSERT_OK(
        vel_h3_new(&s->env.env, fake_streams(&s->pair, FAKE_CLIENT), true, &client, &s->client));
    in_folder(s, "root");
    struct vel_site_setup setup = {
        .env = &s->env.env, .root = s->path, .cache_control = "public, max-age=60"};
    ASSERT_OK(vel_site_new(&setup, &s->site));
    return s;
}

static void stage_close(struct stage *s)
{
    vel_http_free(s->client);
    vel_http_free(s->server);
    fake_clear(&s->pair);
    vel_site_free(s->site);
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", s->folder);
    assert_int_equal(system(command), 0);
    test_env_done(&s->env);
    test_free(s);
}

static void ask(struct stage *s, const char *method, const char *path, const char *name,
                const char *value)
{
    struct vel_field field = {vel_slice_text(name), vel_slice_text(value)};
    struct vel_request request = {.method = vel_slice_text(method),
                                  .scheme = vel_slice_text("https"),
                                  .authority = vel_slice_text("localhost"),
                                  .path = vel_slice_text(path),
                                  .fields = {.items = &field, .count = name != NULL}};
    if (strcmp(method, "CONNECT") == 0)
        request.protocol = vel_slice_text("websocket"); /* RFC 9220 */
    struct vel_exchange *exchange;
    s->status = 0;
    s->body_size = 0;
    s->closed = s->complete = false;
    memset(s->fields, 0, sizeof s->fields);
    ASSERT_OK(vel_http_request(s->client, &request, NULL, NULL, &exchange));
    fake_run(&s->pair, s->client, s->server);
    CHECK(path, s->closed);
}

static void get(struct stage *s, const char *path)
{
    ask(s, "GET", path, NULL, NULL);
}

/* The value of a field of the last answer, until the next call; NULL: none. */
static const char *field(struct stage *s, const char *name)
{
    static char value[256];
    char start[64];
    snprintf(start, sizeof start, "\n%s: ", name);
    const char *at = strstr(s->fields, start + 1);
    if (at != s->fields)
        at = strstr(s->fields, start);
    if (at == NULL)
        return NULL;
    at = strchr(at, ':') + 2;
    snprintf(value, sizeof value, "%.*s", (int)strcspn(at, "\n"), at);
    return value;
}

static void check_field(struct stage *s, const char *name, const char *value)
{
    const char *have = field(s, name);
    if (have == NULL || strcmp(have, value) != 0)
        fail_msg("%s: have '%s', want '%s'", name, have == NULL ? "nothing" : have, value);
}

static void check_body(struct stage *s, const char *text)
{
    if (s->body_size != strlen(text) || memcmp(s->body, text, s->body_size) != 0)
        fail_msg("body '%.*s', want '%s'", (int)s->body_size, (const char *)s->body, text);
}

static void files_are_served(void **state)
{
    (void)state;
    struct stage *s = stage_open();
    put_text(s, "root/index.html", "<p>home");
    put_folder(s, "root/docs");
    put_text(s, "root/docs/index.html", "<p>docs");
    put_text(s, "root/a b \xc3\xa4.txt", "spaced");
    put_text(s, "root/empty", "");
    get(s, "/");
    assert_int_equal(s->status, 200);
    assert_int_equal(s->answered, 200);
    check_body(s, "<p>home");
    check_field(s, "content-type", "text/html; charset=utf-8");
    check_field(s, "content-length", "7");
    check_field(s, "date", "Sun, 06 Nov 1994 08:49:37 GMT");
    check_field(s, "cache-control", "public, max-age=60");
    check_field(s, "accept-ranges", "bytes");
    assert_non_null(field(s, "etag"));
    assert_non_null(field(s, "last-modified"));
    get(s, "/docs/");
    check_body(s, "<p>docs");
    get(s, "/docs");
    assert_int_equal(s->status, 308);
    check_field(s, "location", "/docs/");
    get(s, "//docs/../docs");
    check_field(s, "location", "/docs/");
    get(s, "/a%20b%20%C3%A4.txt?v=2");
    check_body(s, "spaced");
    get(s, "/empty");
    assert_int_equal(s->status, 200);
    assert_int_equal(s->body_size, 0);
    assert_true(s->complete);
    check_field(s, "content-type", "application/octet-stream");
    stage_close(s);
}

static void every_answer_has_security_headers(void **state)
{
    (void)state;
    static const char *const paths[] = {"/", "/none", "/..", "/dir", "/dir/"};
    struct stage *s = stage_open();
    put_text(s, "root/index.html", "x");
    put_folder(s, "root/dir");
    for (size_t i = 0; i < VEL_COUNT(paths); i++) {
        get(s, paths[i]);
        check_field(s, "x-content-type-options", "nosniff");
        check_field(s, "x-frame-options", "DENY");
        check_field(s, "referrer-policy", "strict-origin-when-cross-origin");
        check_field(s, "content-security-policy", "default-src 'self'");
        check_field(s, "strict-transport-security", "max-age=63072000; includeSubDomains");
    }
    stage_close(s);
}

static void errors_say_what_they_are(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path;
        unsigned status;
    } rows[] = {
        {"GET", "/none", 404},
        {"GET", "/index.html/", 404},
        {"GET", "/index.html/x", 404},
        {"GET", "/dir/", 403},
        {"GET", "/fifo", 404},
        {"GET", "/%", 400},
        {"GET", "/a%00", 400},
        {"GET", "/../secret.txt", 400},
        {"GET", "/%2e%2e/secret.txt", 400},
        {"GET", "/..%2fsecret.txt", 400},
        {"GET", "/out.txt", 403},
        {"GET", "/abs.txt", 403},
        {"GET", "/up/secret.txt", 403},
        {"GET", "/loop", 404},
        {"POST", "/", 405},
        {"DELETE", "/index.html", 405},
        {"OPTIONS", "*", 405},
        {"get", "/", 405},
        {"CONNECT", "/", 501},
    };
    struct stage *s = stage_open();
    put_text(s, "root/index.html", "x");
    put_folder(s, "root/dir");
    put_link(s, "root/out.txt", "../secret.txt");
    put_link(s, "root/up", "..");
    put_link(s, "root/loop", "loop");
    char absolute[128];
    snprintf(absolute, sizeof absolute, "%s", in_folder(s, "secret.txt"));
    put_link(s, "root/abs.txt", absolute);
    assert_int_equal(mkfifo(in_folder(s, "root/fifo"), 0644), 0);
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        ask(s, rows[i].method, rows[i].path, NULL, NULL);
        if (s->status != rows[i].status)
            fail_msg("%s %s: %u", rows[i].method, rows[i].path, s->status);
        CHECK(rows[i].path, s->complete);
        CHECK(rows[i].path, memmem(s->body, s->body_size, "outside", 7) == NULL);
        if (s->status == 405)
            check_field(s, "allow", "GET, HEAD");
        check_field(s, "content-type", "text/plain; charset=utf-8");
    }
    stage_close(s);
}

static void links_inside_are_followed(void **state)
{
    (void)state;
    struct stage *s = stage_open();
    put_folder(s, "root/dir");
    put_text(s, "root/dir/real.txt", "inside");
    put_link(s, "root/link.txt", "dir/real.txt");
    put_link(s, "root/also", "dir");
    get(s, "/link.txt");
    check_body(s, "inside");
    get(s, "/also/real.txt");
    check_body(s, "inside");
    stage_close(s);
}

static void head_tells_but_does_not_send(void **state)
{
    (void)state;
    struct stage *s = stage_open();
    put_text(s, "root/a.css", "body{}");
    ask(s, "HEAD", "/a.css", NULL, NULL);
    assert_int_equal(s->status, 200);
    assert_int_equal(s->body_size, 0);
    assert_true(s->complete);
    check_field(s, "content-length", "6");
    check_field(s, "content-type", "text/css; charset=utf-8");
    ask(s, "HEAD", "/a.css", "range", "bytes=0-1");
    assert_int_equal(s->status, 200);
    ask(s, "HEAD", "/none", NULL, NULL);
    assert_int_equal(s->status, 404);
    assert_int_equal(s->body_size, 0);
    check_field(s, "content-length", "14");
    stage_close(s);
}

static void ranges_are_served(void **state)
{
    (void)state;
    struct stage *s = stage_open();
    put_text(s, "root/ten", "0123456789");
    ask(s, "GET", "/ten", "range", "bytes=2-4");
    assert_int_equal(s->status, 206);
    check_body(s, "234");
    check_field(s, "content-range", "bytes 2-4/10");
    check_field(s, "content-length", "3");
    ask(s, "GET", "/ten", "range", "bytes=-3");
    check_body(s, "789");
    ask(s, "GET", "/ten", "range", "bytes=0-1,4-5");
    assert_int_equal(s->status, 200);
    check_body(s, "0123456789");
    ask(s, "GET", "/ten", "range", "bytes=10-");
    assert_int_equal(s->status, 416);
    check_field(s, "content-range", "bytes */10");
    stage_close(s);
}

static void unchanged_files_are_not_sent_again(void **state)
{
    (void)state;
    struct stage *s = stage_open();
    put_text(s, "root/a", "content");
    get(s, "/a");
    char etag[128], date[128];
    snprintf(etag, sizeof etag, "%s", field(s, "etag"));
    snprintf(date, sizeof date, "%s", field(s, "last-modified"));
    ask(s, "GET", "/a", "if-none-match", etag);
    assert_int_equal(s->status, 304);
    assert_int_equal(s->body_size, 0);
    check_field(s, "etag", etag);
    ask(s, "GET", "/a", "if-modified-since", date);
    assert_int_equal(s->status, 304);
    ask(s, "GET", "/a", "if-match", "\"other\"");
    assert_int_equal(s->status, 412);
    put_text(s, "root/a", "content, changed");
    ask(s, "GET", "/a", "if-none-match", etag);
    assert_int_equal(s->status, 200);
    check_body(s, "content, changed");
    stage_close(s);
}

static void large_files_come_in_pieces(void **state)
{
    (void)state;
    struct stage *s = stage_open();
    uint8_t *bytes = test_malloc(BIG);
    for (size_t i = 0; i < BIG; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    put_file(s, "root/big.bin", bytes, BIG);
    get(s, "/big.bin");
    assert_true(s->complete);
    assert_int_equal(s->body_size, BIG);
    assert_memory_equal(s->body, bytes, BIG);
    ask(s, "GET", "/big.bin", "range", "bytes=70000-189999");
    assert_int_equal(s->body_size, 120000);
    assert_memory_equal(s->body, bytes + 70000, 120000);
    test_free(bytes);
    stage_close(s);
}

/* Whatever it is, however it is asked for. */
static void files_are_opened_once(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *name, *value;
        unsigned status;
        size_t opened;
    } rows[] = {
        {"GET", "/big", NULL, NULL, 200, 1},      {"GET", "/big", "range", "bytes=0-9", 206, 1},
        {"HEAD", "/big", NULL, NULL, 200, 1},     {"GET", "/small", NULL, NULL, 200, 1},
        {"GET", "/none", NULL, NULL, 404, 2}, /* nothing is remembered of what is not there */
        {"GET", "/folder", NULL, NULL, 308, 1},   {"GET", "/folder/", NULL, NULL, 200, 1},
        {"HEAD", "/folder/", NULL, NULL, 200, 2}, /* the folder, and its index */
        {"GET", "/odd/", NULL, NULL, 403, 2},     /* an index that is a folder */
        {"GET", "/big/", NULL, NULL, 404, 2},     {"POST", "/big", NULL, NULL, 405, 0},
    };
    struct stage *s = stage_open();
    put_file(s, "root/big", s->body, BIG);
    put_text(s, "root/small", "small");
    put_folder(s, "root/folder");
    put_file(s, "root/folder/index.html", s->body, BIG);
    put_folder(s, "root/odd");
    put_folder(s, "root/odd/index.html");
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        found = 0;
        ask(s, rows[i].method, rows[i].path, rows[i].name, rows[i].value);
        if (s->status != rows[i].status || found != rows[i].opened)
            fail_msg("%s %s: %u, opened %zu times", rows[i].method, rows[i].path, s->status, found);
    }
    stage_close(s);
}

/* The descriptors of folders and files are given back. */
static void no_descriptor_is_lost(void **state)
{
    (void)state;
    static const char *const paths[] = {"/big", "/folder", "/folder/", "/odd/", "/big/", "/none"};
    struct stage *s = stage_open();
    put_file(s, "root/big", s->body, BIG);
    put_folder(s, "root/folder");
    put_folder(s, "root/odd");
    put_folder(s, "root/odd/index.html");
    int before = open("/dev/null", O_RDONLY);
    close(before);
    for (size_t i = 0; i < VEL_COUNT(paths); i++)
        get(s, paths[i]);
    int after = open("/dev/null", O_RDONLY);
    close(after);
    assert_int_equal(after, before);
    stage_close(s);
}

static void a_file_that_shrinks_is_cut_off(void **state)
{
    (void)state;
    struct stage *s = stage_open();
    uint8_t *bytes = test_calloc(1, BIG);
    put_file(s, "root/big.bin", bytes, BIG);
    struct vel_request request = {.method = vel_slice_text("GET"),
                                  .scheme = vel_slice_text("https"),
                                  .authority = vel_slice_text("localhost"),
                                  .path = vel_slice_text("/big.bin")};
    struct vel_exchange *exchange;
    ASSERT_OK(vel_http_request(s->client, &request, NULL, NULL, &exchange));
    vel_exchange_pause(exchange);
    fake_run(&s->pair, s->client, s->server);
    assert_int_equal(truncate(in_folder(s, "root/big.bin"), 100000), 0);
    vel_exchange_resume(exchange);
    fake_run(&s->pair, s->client, s->server);
    assert_true(s->closed);
    assert_false(s->complete);
    assert_true(s->body_size <= 100000);
    test_free(bytes);
    stage_close(s);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    bool finished = false;
    for (long n = 0; !finished && n < 200; n++) {
        struct stage *s = stage_open();
        uint8_t *bytes = test_calloc(1, BIG);
        put_file(s, "root/big.bin", bytes, BIG);
        struct vel_request request = {.method = vel_slice_text("GET"),
                                      .scheme = vel_slice_text("https"),
                                      .authority = vel_slice_text("localhost"),
                                      .path = vel_slice_text("/big.bin")};
        struct vel_exchange *exchange;
        s->env.fail_after = n;
        enum vel_err err = vel_http_request(s->client, &request, NULL, NULL, &exchange);
        CHECK("request", err == VEL_OK || err == VEL_ERR_NOMEM);
        fake_run(&s->pair, s->client, s->server);
        finished = s->complete && s->status == 200;
        CHECK("all or not complete", !finished || s->body_size == BIG);
        s->env.fail_after = -1;
        test_free(bytes);
        stage_close(s);
    }
    assert_true(finished);
}

static void a_site_needs_its_folder(void **state)
{
    (void)state;
    struct test_env t;
    test_env_init(&t, 1);
    struct vel_site_setup setup = {.env = &t.env, .root = "/nonexistent/site"};
    struct vel_site *site = NULL;
    ASSERT_ERR("no folder", vel_site_new(&setup, &site), VEL_ERR_NOT_FOUND);
    setup.root = "/etc/passwd";
    ASSERT_ERR("a file", vel_site_new(&setup, &site), VEL_ERR_NOT_FOUND);
    setup.root = "/";
    for (long n = 0; n < 3; n++) {
        t.fail_after = n;
        ASSERT_ERR("no memory", vel_site_new(&setup, &site), VEL_ERR_NOMEM);
    }
    assert_null(site);
    test_env_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_served),
        cmocka_unit_test(every_answer_has_security_headers),
        cmocka_unit_test(errors_say_what_they_are),
        cmocka_unit_test(links_inside_are_followed),
        cmocka_unit_test(head_tells_but_does_not_send),
        cmocka_unit_test(ranges_are_served),
        cmocka_unit_test(unchanged_files_are_not_sent_again),
        cmocka_unit_test(large_files_come_in_pieces),
        cmocka_unit_test(files_are_opened_once),
        cmocka_unit_test(no_descriptor_is_lost),
        cmocka_unit_test(a_file_that_shrinks_is_cut_off),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(a_site_needs_its_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
