/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/units.h"
#include "http/fake.h"
#include "http/h3.h"
#include "testing/test.h"

/* One request, answered by vel_exchange_respond_bytes with prepared fields. */
struct stage {
    struct test_env env;
    struct fake_pair pair;
    struct vel_http *client, *server;
    struct vel_prepared *prepared;
    unsigned status; /* to answer with */
    struct vel_slice body;
    enum vel_err answered;
    unsigned released;
    /* what came */
    unsigned got_status;
    char fields[4096]; /* "name: value\n" */
    uint64_t got_body;
    bool body_ok, complete;
};

enum { BODY_MAX = 30000 };
static uint8_t text[BODY_MAX];

static const struct vel_field shared[] = {
    {{(const uint8_t *)"accept-ranges", 13}, {(const uint8_t *)"bytes", 5}},
    {{(const uint8_t *)"content-type", 12}, {(const uint8_t *)"text/html; charset=utf-8", 24}},
    {{(const uint8_t *)"x-unheard-of", 12}, {text, 200}},
    {{(const uint8_t *)"empty", 5}, {(const uint8_t *)"", 0}},
};
static const struct vel_field own[] = {
    {{(const uint8_t *)"date", 4}, {(const uint8_t *)"Sun, 06 Nov 1994 08:49:37 GMT", 29}},
    {{(const uint8_t *)"a-longer-name-than-seven", 24}, {text, 127}},
};

static void on_release(void *context, struct vel_slice bytes)
{
    struct stage *s = context;
    assert_int_equal(bytes.len, s->body.len);
    s->released++;
}

static void on_request(void *self, struct vel_exchange *exchange)
{
    struct stage *s = self;
    struct vel_response response = {.status = s->status,
                                    .fields = {.items = own, .count = VEL_COUNT(own)},
                                    .prepared = s->prepared};
    s->answered = vel_exchange_respond_bytes(exchange, &response, s->body, on_release, s);
    if (s->answered != VEL_OK)
        vel_exchange_cancel(exchange, VEL_H3_INTERNAL_ERROR);
}

static void on_response(void *self, struct vel_exchange *exchange)
{
    struct stage *s = self;
    const struct vel_response *response = vel_exchange_response(exchange);
    size_t used = 0;
    s->got_status = response->status;
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
    s->body_ok = s->body_ok && s->got_body + bytes.len <= s->body.len &&
                 memcmp(bytes.ptr, s->body.ptr + s->got_body, bytes.len) == 0;
    s->got_body += bytes.len;
}

static void on_closed(void *self, struct vel_exchange *exchange, const struct vel_exchange_end *end)
{
    struct stage *s = self;
    (void)exchange;
    s->complete = end->complete;
}

static void start(struct stage *s, size_t buffer_limit)
{
    *s = (struct stage){.status = 200, .body_ok = true};
    memset(text, 'x', sizeof text);
    test_env_init(&s->env, 1);
    fake_init(&s->pair, buffer_limit);
    struct vel_http_events server = {.head = on_request, .self = s};
    struct vel_http_events client = {
        .head = on_response, .body = on_body, .closed = on_closed, .self = s};
    ASSERT_OK(
        vel_h3_new(&s->env.env, fake_streams(&s->pair, FAKE_SERVER), false, &server, &s->server));
    ASSERT_OK(
        vel_h3_new(&s->env.env, fake_streams(&s->pair, FAKE_CLIENT), true, &client, &s->client));
    ASSERT_OK(vel_prepared_new(&s->env.env,
                               (struct vel_fields){.items = shared, .count = VEL_COUNT(shared)},
                               &s->prepared));
}

static void stop(struct stage *s)
{
    vel_http_free(s->client);
    vel_http_free(s->server);
    fake_clear(&s->pair);
    vel_prepared_free(s->prepared);
    test_env_done(&s->env);
}

static void fetch(struct stage *s)
{
    struct vel_exchange *exchange;
    struct vel_request request = {.method = vel_slice_text("GET"),
                                  .scheme = vel_slice_text("https"),
                                  .authority = vel_slice_text("test"),
                                  .path = vel_slice_text("/")};
    ASSERT_OK(vel_http_request(s->client, &request, NULL, NULL, &exchange));
    fake_run(&s->pair, s->client, s->server);
}

static void the_whole_answer_arrives(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        unsigned status;
        size_t body, buffer;
    } rows[] = {
        {"nothing", 200, 0, 65536},
        {"one byte", 200, 1, 65536},
        {"a page", 200, 16384, 65536},
        {"another status of the static table", 404, 10, 65536},
        {"a status that is in no table", 299, 10, 65536},
        {"no room for all of it at once", 200, BODY_MAX, 20000},
        {"no room for the head", 503, 100, 300},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        struct stage s;
        start(&s, rows[i].buffer);
        s.status = rows[i].status;
        s.body = vel_slice(text, rows[i].body);
        fetch(&s);
        char want[1024];
        snprintf(want, sizeof want,
                 "accept-ranges: bytes\ncontent-type: text/html; charset=utf-8\nx-unheard-of: "
                 "%.200s\nempty: \ndate: Sun, 06 Nov 1994 08:49:37 GMT\n"
                 "a-longer-name-than-seven: %.127s\n",
                 (const char *)text, (const char *)text);
        ASSERT_ERR(rows[i].what, s.answered, VEL_OK);
        CHECK(rows[i].what, s.got_status == rows[i].status);
        CHECK(rows[i].what, strcmp(s.fields, want) == 0);
        CHECK(rows[i].what, s.body_ok && s.got_body == rows[i].body);
        CHECK(rows[i].what, s.complete && s.released == 1);
        stop(&s);
    }
}

/* ---- answers from the callback of another exchange ---- */

struct pair_of {
    struct vel_exchange *first;
    struct vel_slice body;
    unsigned released;
};

static void pair_released(void *context, struct vel_slice bytes)
{
    struct pair_of *two = context;
    (void)bytes;
    two->released++;
}

/* The first request waits; the second lets it go on. */
static void on_either(void *self, struct vel_exchange *exchange)
{
    struct pair_of *two = self;
    struct vel_response response = {.status = 200};
    if (two->first == NULL) {
        two->first = exchange;
        return;
    }
    ASSERT_OK(vel_exchange_respond_bytes(two->first, &response, two->body, pair_released, two));
}

/* What is left of the answered request is not wanted any more (RFC 9114 4.1), though nothing of it
 * comes that would make the session look. */
static void an_answer_to_another_stops_its_upload(void **state)
{
    (void)state;
    static const uint8_t request[] = {0x01, 0x08, 0x00, 0x00, 0xd1, 0xd7, 0xc1, 0x50, 0x01, 'x'};
    struct test_env env;
    struct fake_pair pair;
    struct vel_http *server;
    struct pair_of two = {.body = vel_slice(text, 100)};
    struct vel_http_events events = {.head = on_either, .self = &two};
    test_env_init(&env, 1);
    fake_init(&pair, 65536);
    ASSERT_OK(vel_h3_new(&env.env, fake_streams(&pair, FAKE_SERVER), false, &events, &server));
    fake_write(&pair, FAKE_CLIENT, 0, vel_slice(request, sizeof request), false);
    fake_run(&pair, NULL, server);
    assert_non_null(two.first);
    fake_write(&pair, FAKE_CLIENT, 4, vel_slice(request, sizeof request), true);
    fake_run(&pair, NULL, server);
    assert_true(fake_find(&pair, 0)->from[FAKE_SERVER].fin);
    assert_true(fake_find(&pair, 0)->from[FAKE_CLIENT].stopped);
    vel_http_free(server);
    fake_clear(&pair);
    assert_int_equal(two.released, 1);
    test_env_done(&env);
}

static void an_answer_comes_once(void **state)
{
    (void)state;
    struct stage s;
    start(&s, 65536);
    s.status = 99;
    fetch(&s);
    assert_int_equal(s.answered, VEL_ERR_ARGUMENT);
    assert_int_equal(s.released, 0);
    stop(&s);
}

static void preparing_may_run_out_of_memory(void **state)
{
    (void)state;
    struct vel_fields fields = {.items = shared, .count = VEL_COUNT(shared)};
    bool done = false;
    for (long nth = 0; !done; nth++) {
        struct test_env env;
        struct vel_prepared *prepared = NULL;
        test_env_init(&env, 1);
        env.fail_after = nth;
        done = vel_prepared_new(&env.env, fields, &prepared) == VEL_OK;
        assert_true(done == (prepared != NULL));
        vel_prepared_free(prepared);
        test_env_done(&env);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_answer_arrives),
        cmocka_unit_test(an_answer_to_another_stops_its_upload),
        cmocka_unit_test(an_answer_comes_once),
        cmocka_unit_test(preparing_may_run_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
