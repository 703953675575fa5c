/* SPDX-License-Identifier: MIT */
#include "http/trace.h"

#include <string.h>

#include "base/units.h"
#include "qlog/qlog_file.h"
#include "qlog/record.h"
#include "testing/test.h"

enum { SETTINGS = 0x04 };

#define TEXT(literal) {(const uint8_t *)(literal), sizeof(literal) - 1}

#define STREAM(is_remote, id, type_is)                                                             \
    {.type = VEL_HTTP_TRACE_STREAM, .remote = (is_remote), .stream = (id), .stream_type = (type_is)}
#define SETTING(is_remote, id_is, value_is)                                                        \
    {                                                                                              \
        .type = VEL_HTTP_TRACE_SETTING, .remote = (is_remote), .setting = {                        \
            .id = (id_is),                                                                         \
            .value = (value_is)                                                                    \
        }                                                                                          \
    }
#define FRAME(is_remote, id, ...)                                                                  \
    {                                                                                              \
        .type = VEL_HTTP_TRACE_FRAME, .remote = (is_remote), .stream = (id), .frame = {            \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

/* What is told, and what is written of it; NULL: nothing. */
static const struct {
    const char *what;
    struct vel_http_trace_event event;
    const char *name, *data;
} rows[] = {
    {"our control stream", STREAM(false, 2, 0), "http:stream_type_set",
     "{\"owner\":\"local\",\"stream_id\":2,\"stream_type\":\"control\"}"},
    {"a request", STREAM(true, 4, VEL_HTTP_TRACE_REQUEST), "http:stream_type_set",
     "{\"owner\":\"remote\",\"stream_id\":4,\"stream_type\":\"request\"}"},
    {"QPACK", STREAM(true, 7, 3), "http:stream_type_set",
     "{\"owner\":\"remote\",\"stream_id\":7,\"stream_type\":\"qpack_decode\"}"},
    {"a reserved stream", STREAM(true, 11, 0x21 + 5 * 0x1f), "http:stream_type_set",
     "{\"owner\":\"remote\",\"stream_id\":11,\"stream_type\":\"reserved\"}"},
    {"an unknown stream", STREAM(true, 11, 0x54), "http:stream_type_set",
     "{\"owner\":\"remote\",\"stream_id\":11,\"stream_type\":\"unknown\",\"stream_type_value\":84}"},
    {"a setting is told with its frame", SETTING(true, 0x06, 100), NULL, NULL},
    {"one without name, too", SETTING(true, 0x4a4a, 1), NULL, NULL},
    {"DATA", FRAME(false, 0, .type = 0, .length = 70000), "http:frame_created",
     "{\"stream_id\":0,\"length\":70000,\"frame\":{\"frame_type\":\"data\"}}"},
    {"a request's head", FRAME(true, 0, .type = 1, .length = 30, .method = TEXT("GET")),
     "http:frame_parsed",
     "{\"stream_id\":0,\"length\":30,\"frame\":{\"frame_type\":\"headers\",\"headers\":"
     "[{\"name\":\":method\",\"value\":\"GET\"}]}}"},
    {"a method of an attacker", FRAME(true, 0, .type = 1, .length = 3, .method = TEXT("\"}\n\x1e")),
     "http:frame_parsed",
     "{\"stream_id\":0,\"length\":3,\"frame\":{\"frame_type\":\"headers\",\"headers\":"
     "[{\"name\":\":method\",\"value\":\"\\\"}\\n\\u001e\"}]}}"},
    {"a response's head", FRAME(false, 0, .type = 1, .length = 3, .status = 404),
     "http:frame_created",
     "{\"stream_id\":0,\"length\":3,\"frame\":{\"frame_type\":\"headers\",\"headers\":"
     "[{\"name\":\":status\",\"value\":\"404\"}]}}"},
    {"trailers", FRAME(true, 0, .type = 1, .length = 3), "http:frame_parsed",
     "{\"stream_id\":0,\"length\":3,\"frame\":{\"frame_type\":\"headers\",\"headers\":[]}}"},
    {"GOAWAY", FRAME(false, 3, .type = 7, .length = 1, .id = 16), "http:frame_created",
     "{\"stream_id\":3,\"length\":1,\"frame\":{\"frame_type\":\"goaway\",\"id\":16}}"},
    {"a priority", FRAME(true, 2, .type = 0xf0700, .length = 4, .id = 8), "http:frame_parsed",
     "{\"stream_id\":2,\"length\":4,\"frame\":{\"frame_type\":\"priority_update\","
     "\"target_stream_type\":\"request\",\"prioritized_element_id\":8}}"},
    {"grease", FRAME(true, 2, .type = 0x21, .length = 9), "http:frame_parsed",
     "{\"stream_id\":2,\"length\":9,\"frame\":{\"frame_type\":\"reserved\"}}"},
    {"who knows", FRAME(true, 2, .type = 0x20, .length = 0), "http:frame_parsed",
     "{\"stream_id\":2,\"length\":0,\"frame\":{\"frame_type\":\"unknown\","
     "\"frame_type_value\":32}}"},
    {"the settings", FRAME(true, 3, .type = SETTINGS, .length = 6), "http:frame_parsed",
     "{\"stream_id\":3,\"length\":6,\"frame\":{\"frame_type\":\"settings\",\"settings\":"
     "[{\"name\":\"max_field_section_size\",\"value\":100},{\"name\":\"0x4a4a\",\"value\":1}]}}"},
};

static json_t *told(struct vel_qlog_memory *m, const struct vel_http_trace_event *event)
{
    char space[2000];
    struct vel_json j = vel_json(space, sizeof space);
    vel_qlog_http(m, &j, event, 3 * MS);
    assert_true(vel_write_ok(&j.w));
    return qlog_records(space, vel_written(&j.w));
}

static void events_are_written_as_the_draft_has_them(void **state)
{
    (void)state;
    struct vel_qlog_memory m = {.start = 1 * MS};
    for (size_t i = 0; i < VEL_COUNT(rows); i++) {
        json_t *records = told(&m, &rows[i].event);
        CHECK(rows[i].what, (json_array_size(records) > 0) == (rows[i].name != NULL));
        if (rows[i].name != NULL) {
            const json_t *record = json_array_get(records, 0);
            json_t *want = json_loads(rows[i].data, 0, NULL);
            CHECK(rows[i].what, json_equal(json_object_get(record, "data"), want));
            CHECK(rows[i].what,
                  strcmp(json_string_value(json_object_get(record, "name")), rows[i].name) == 0);
            json_decref(want);
        }
        json_decref(records);
    }
}

/* With the frame of settings, what is in force; then they are forgotten. More than fit are not listed. */
static void parameters_follow_their_frame(void **state)
{
    (void)state;
    struct vel_qlog_memory m = {0};
    for (uint64_t i = 0; i < 2 * VEL_QLOG_SETTINGS; i++)
        json_decref(told(&m, &(const struct vel_http_trace_event)SETTING(true, 0x100 + i, i)));
    const struct vel_http_trace_event frame = FRAME(true, 3, .type = SETTINGS, .length = 60);
    json_t *records = told(&m, &frame);
    const json_t *set = json_object_get(qlog_find(records, "http:parameters_set", 0), "data");
    assert_int_equal(json_object_size(set), 1 + VEL_QLOG_SETTINGS);
    assert_string_equal(json_string_value(json_object_get(set, "owner")), "remote");
    assert_int_equal(json_integer_value(json_object_get(set, "0x103")), 3);
    json_decref(records);
    records = told(&m, &frame);
    set = json_object_get(qlog_find(records, "http:parameters_set", 0), "data");
    assert_int_equal(json_object_size(set), 1);
    json_decref(records);
}

/* A peer may say one twice: an object has each name once, the first time. */
static void a_setting_is_in_force_once(void **state)
{
    (void)state;
    struct vel_qlog_memory m = {0};
    for (uint64_t i = 0; i < 3; i++)
        json_decref(told(&m, &(const struct vel_http_trace_event)SETTING(true, 0x06, i)));
    const struct vel_http_trace_event frame = FRAME(true, 3, .type = SETTINGS, .length = 6);
    char space[2000];
    struct vel_json j = vel_json(space, sizeof space);
    vel_qlog_http(&m, &j, &frame, 3 * MS);
    assert_true(vel_write_ok(&j.w) && vel_written(&j.w) < sizeof space);
    space[vel_written(&j.w)] = '\0';
    const char *set = strstr(space, "http:parameters_set");
    assert_non_null(set);
    const char *first = strstr(set, "\"max_field_section_size\":0");
    assert_non_null(first);
    assert_null(strstr(first + 2, "max_field_section_size"));
}

/* A method may be as long as a head may be; traces have room for more than that. */
static void a_method_is_cut(void **state)
{
    (void)state;
    static uint8_t method[1000];
    memset(method, 'M', sizeof method);
    struct vel_qlog_memory m = {0};
    const struct vel_http_trace_event head =
        FRAME(true, 0, .type = 1, .length = 1, .method = vel_slice(method, sizeof method));
    json_t *records = told(&m, &head);
    const json_t *data = json_object_get(json_array_get(records, 0), "data");
    const json_t *headers = json_object_get(json_object_get(data, "frame"), "headers");
    assert_int_equal(json_string_length(json_object_get(json_array_get(headers, 0), "value")), 64);
    json_decref(records);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_written_as_the_draft_has_them),
        cmocka_unit_test(parameters_follow_their_frame),
        cmocka_unit_test(a_setting_is_in_force_once),
        cmocka_unit_test(a_method_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
