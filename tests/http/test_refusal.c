/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "http/talk.h"

/* Answers that a session gives by itself carry the fields that its owner wants on every answer. */

static const struct vel_field wanted[] = {
    {{(const uint8_t *)"length", 6}, {(const uint8_t *)"owner's", 7}},
    {{(const uint8_t *)"strict-transport-security", 25}, {(const uint8_t *)"max-age=1", 9}},
};
static const struct vel_fields own = {.items = wanted, .count = VEL_COUNT(wanted)};

static void start(struct talk *t, enum vel_http_version version)
{
    if (version == VEL_HTTP_3)
        talk_start(t, MIB);
    else
        talk_start_bytes(t, version);
    vel_http_set_refusal_fields(t->server, own);
}

static void a_head_that_is_too_large_is_answered_alike(void **state)
{
    (void)state;
    static const enum vel_http_version versions[] = {VEL_HTTP_1_1, VEL_HTTP_2, VEL_HTTP_3};
    enum {
        FIELDS = 120
    }; /* of 32 bytes each, and these: beyond the limit, and no client's own is */
    static char value[520];
    static struct vel_field fields[FIELDS];
    memset(value, 'v', sizeof value);
    for (size_t i = 0; i < FIELDS; i++)
        fields[i] = (struct vel_field){vel_slice_text("x"), vel_slice(value, sizeof value)};
    for (size_t i = 0; i < VEL_COUNT(versions); i++) {
        struct talk t;
        struct talk_fetch fetch = {0};
        struct vel_request request = talk_request("GET", "/upload");
        request.fields = (struct vel_fields){.items = fields, .count = FIELDS};
        start(&t, versions[i]);
        ASSERT_OK(vel_http_request(t.client, &request, NULL, &fetch, &fetch.exchange));
        talk_run(&t);
        CHECK("version", fetch.status == 431);
        assert_string_equal(fetch.length, "owner's");
        talk_end(&t);
    }
}

static void every_refusal_of_http_1_1_has_them(void **state)
{
    (void)state;
    static const struct {
        const char *what, *request, *answer;
        vel_time wait;
    } rows[] = {
        {"no request", "what\r\n\r\n", "HTTP/1.1 400 ", 0},
        {"no host", "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ", 0},
        {"too slow", "GET / HTTP/1.1\r\nHost: h\r\n", "HTTP/1.1 408 ", 10 * SECOND},
        {"expectation", "GET / HTTP/1.1\r\nHost: h\r\nExpect: x\r\n\r\n", "HTTP/1.1 417 ", 0},
        {"coding", "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: x\r\n\r\n", "HTTP/1.1 ", 0},
    };
    for (size_t i = 0; i < VEL_COUNT(rows); i++)
        for (int secure = 0; secure < 2; secure++) {
            struct talk t = {.now = 1};
            test_env_init(&t.env, 7);
            struct vel_http_stream_setup setup = talk_setup(&t, VEL_HTTP_1_1, false);
            setup.secure = secure;
            ASSERT_OK(vel_http_new_on_stream(&setup, t.now, &t.server));
            vel_http_set_refusal_fields(t.server, own);
            size_t taken;
            vel_http_receive(t.server, vel_slice_text(rows[i].request), &taken, t.now);
            t.now += rows[i].wait;
            vel_http_expire(t.server, t.now);
            struct vel_slice answer = vel_http_output(t.server, t.now);
            char text[512];
            CHECK(rows[i].what, answer.len > 0 && answer.len < sizeof text);
            memcpy(text, answer.ptr, answer.len);
            text[answer.len] = '\0';
            CHECK(rows[i].what, strncmp(text, rows[i].answer, strlen(rows[i].answer)) == 0);
            CHECK(rows[i].what, strstr(text, "\r\nlength: owner's\r\n") != NULL);
            CHECK(rows[i].what, strstr(text, "\r\ncontent-length: 0\r\n") != NULL);
            CHECK(rows[i].what, strstr(text, "\r\nconnection: close\r\n\r\n") != NULL);
            CHECK(rows[i].what, (strstr(text, "strict-transport") != NULL) == secure);
            vel_http_free(t.server);
            test_env_done(&t.env);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_that_is_too_large_is_answered_alike),
        cmocka_unit_test(every_refusal_of_http_1_1_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
