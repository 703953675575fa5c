/* SPDX-License-Identifier: MIT */
#include "qlog/qlog_file.h"

#include <stdio.h>
#include <string.h>

#include "testing/test.h"

json_t *qlog_records(const char *bytes, size_t size)
{
    json_t *records = json_array();
    while (size > 0) {
        assert_int_equal(bytes[0], 0x1e);
        const char *end = memchr(bytes, '\n', size);
        assert_non_null(end);
        size_t length = (size_t)(end - bytes) - 1;
        json_error_t error;
        json_t *record = json_loadb(bytes + 1, length, JSON_REJECT_DUPLICATES, &error);
        if (!json_is_object(record))
            fail_msg("%s: %.*s", error.text, (int)length, bytes + 1);
        json_array_append_new(records, record);
        size -= length + 2;
        bytes = end + 1;
    }
    return records;
}

json_t *qlog_file(const char *folder, const char *name)
{
    static char bytes[4 << 20];
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("%s is not there", path);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_true(size < sizeof bytes);
    return qlog_records(bytes, size);
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    assert_non_null(value);
    return value;
}

static void check_head(const json_t *head)
{
    const json_t *trace = json_object_get(head, "trace");
    const json_t *common = json_object_get(trace, "common_fields");
    assert_string_equal(text(head, "qlog_version"), "0.3");
    assert_string_equal(text(head, "qlog_format"), "JSON-SEQ");
    assert_string_equal(text(common, "time_format"), "relative");
    assert_string_equal(text(common, "ODCID"), text(common, "group_id"));
    assert_true(json_is_number(json_object_get(common, "reference_time")));
    text(json_object_get(trace, "vantage_point"), "type");
}

void qlog_check(const json_t *records)
{
    double last = 0;
    assert_true(json_array_size(records) > 1);
    check_head(json_array_get(records, 0));
    for (size_t i = 1; i < json_array_size(records); i++) {
        const json_t *event = json_array_get(records, i);
        double time = json_number_value(json_object_get(event, "time"));
        assert_true(json_is_number(json_object_get(event, "time")));
        assert_true(time >= last);
        assert_non_null(strchr(text(event, "name"), ':'));
        assert_true(json_is_object(json_object_get(event, "data")));
        last = time;
    }
}

json_t *qlog_find(const json_t *records, const char *name, size_t n)
{
    for (size_t i = 1; i < json_array_size(records); i++) {
        json_t *event = json_array_get(records, i);
        if (strcmp(text(event, "name"), name) == 0 && n-- == 0)
            return event;
    }
    return NULL;
}

size_t qlog_count(const json_t *records, const char *name)
{
    size_t count = 0;
    for (size_t i = 1; i < json_array_size(records); i++)
        count += strcmp(text(json_array_get(records, i), "name"), name) == 0;
    return count;
}

/* Type, number and length of a packet, and its frames. */
static char *packet_key(const json_t *event, json_t **frames)
{
    static char key[100];
    json_t *data = json_object_get(event, "data"), *header = json_object_get(data, "header");
    json_t *number = json_object_get(header, "packet_number");
    json_t *length = json_object_get(json_object_get(data, "raw"), "length");
    snprintf(key, sizeof key, "%s %lld %lld", text(header, "packet_type"),
             (long long)json_integer_value(number), (long long)json_integer_value(length));
    *frames = json_object_get(data, "frames");
    return key;
}

void qlog_check_received(const json_t *receiver, const json_t *sender)
{
    json_t *sent = json_object(), *frames, *event;
    for (size_t i = 0; (event = qlog_find(sender, "transport:packet_sent", i)) != NULL; i++) {
        const char *key = packet_key(event, &frames);
        json_object_set(sent, key, frames);
    }
    for (size_t i = 0; (event = qlog_find(receiver, "transport:packet_received", i)) != NULL; i++) {
        const char *key = packet_key(event, &frames);
        if (!json_equal(json_object_get(sent, key), frames))
            fail_msg("'%s' was received and not sent so", key);
    }
    json_decref(sent);
}
