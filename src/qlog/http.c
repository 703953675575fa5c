/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/units.h"
#include "qlog/record_internal.h"

/* Events of HTTP/3: draft-ietf-quic-qlog-h3-events-04, which belongs to qlog 0.3. */

static const char *const owners[] = {"local", "remote"};

/* RFC 9114 6.2.3 and 7.2.8: 0x1f * N + 0x21 is there to be ignored. */
static bool is_reserved(uint64_t type)
{
    return type >= 0x21 && (type - 0x21) % 0x1f == 0;
}

/* ---- streams ---- */

static const char *stream_name(uint64_t type)
{
    static const char *const names[] = {"control", "push", "qpack_encode", "qpack_decode"};
    if (type == VEL_HTTP_TRACE_REQUEST)
        return "request";
    if (type < VEL_COUNT(names))
        return names[type];
    return is_reserved(type) ? "reserved" : "unknown";
}

static void put_stream(const struct vel_qlog_pen *pen, const struct vel_http_trace_event *event)
{
    const char *name = stream_name(event->stream_type);
    vel_qlog_open(pen, "http:stream_type_set");
    vel_json_word(pen->j, "owner", owners[event->remote]);
    vel_json_uint(pen->j, "stream_id", event->stream);
    vel_json_word(pen->j, "stream_type", name);
    if (name[0] == 'u')
        vel_json_uint(pen->j, "stream_type_value", event->stream_type);
    vel_qlog_close(pen);
}

/* ---- settings ---- */

static const struct {
    uint64_t id;
    const char *name;
} setting_names[] = {
    {0x01, "max_table_capacity"},     /* RFC 9204 5 */
    {0x06, "max_field_section_size"}, /* RFC 9114 7.2.4.1 */
    {0x07, "blocked_streams_count"},  /* RFC 9204 5 */
    {0x08, "extended_connect"},       /* RFC 9220 3 */
    {0x33, "h3_datagram"},            /* RFC 9297 2.1.1 */
};

static const char *setting_name(uint64_t id, char room[20])
{
    for (size_t i = 0; i < VEL_COUNT(setting_names); i++)
        if (setting_names[i].id == id)
            return setting_names[i].name;
    snprintf(room, 20, "0x%llx", (unsigned long long)id);
    return room;
}

/* Those that come first: nobody has so many. */
static void remember_setting(struct vel_qlog_memory *m,
                             const struct vel_http_trace_setting *setting)
{
    if (m->settings_count < VEL_QLOG_SETTINGS)
        m->settings[m->settings_count++] = *setting;
}

static void put_settings(const struct vel_qlog_pen *pen)
{
    char room[20];
    vel_json_open(pen->j, "settings", '[');
    for (unsigned i = 0; i < pen->m->settings_count; i++) {
        vel_json_open(pen->j, NULL, '{');
        vel_json_word(pen->j, "name", setting_name(pen->m->settings[i].id, room));
        vel_json_uint(pen->j, "value", pen->m->settings[i].value);
        vel_json_close(pen->j, '}');
    }
    vel_json_close(pen->j, ']');
}

/* RFC 9114 7.2.4: none may come twice, but a peer may do that; what came first counts. */
static bool is_repeated(const struct vel_qlog_memory *m, unsigned index)
{
    unsigned first = 0;
    while (m->settings[first].id != m->settings[index].id)
        first++;
    return first < index;
}

/* The frame was told; what is in force by it. */
static void put_parameters(const struct vel_qlog_pen *pen, bool remote)
{
    char room[20];
    vel_qlog_open(pen, "http:parameters_set");
    vel_json_word(pen->j, "owner", owners[remote]);
    for (unsigned i = 0; i < pen->m->settings_count; i++)
        if (!is_repeated(pen->m, i))
            vel_json_uint(pen->j, setting_name(pen->m->settings[i].id, room),
                          pen->m->settings[i].value);
    vel_qlog_close(pen);
    pen->m->settings_count = 0;
}

/* ---- frames ---- */

enum { HEADERS = 0x01, SETTINGS = 0x04, PRIORITY_UPDATE = 0xf0700 };

/* Bytes of a method that are told: the peer chooses it. */
enum { METHOD_MAX = 64 };

static const struct {
    uint64_t type;
    const char *name, *id; /* what its id is called; NULL: it has none */
} frame_names[] = {
    {0x00, "data", NULL},
    {HEADERS, "headers", NULL},
    {0x03, "cancel_push", "push_id"},
    {SETTINGS, "settings", NULL},
    {0x05, "push_promise", "push_id"},
    {0x07, "goaway", "id"},
    {0x0d, "max_push_id", "push_id"},
    {PRIORITY_UPDATE, "priority_update", "prioritized_element_id"},
    {PRIORITY_UPDATE + 1, "priority_update", "prioritized_element_id"},
};

static void put_field(struct vel_json *j, const char *name, struct vel_slice value)
{
    if (value.len == 0)
        return;
    vel_json_open(j, NULL, '{');
    vel_json_word(j, "name", name);
    vel_json_text(j, "value", value);
    vel_json_close(j, '}');
}

static void put_headers(struct vel_json *j, const struct vel_http_trace_frame *frame)
{
    char status[12];
    snprintf(status, sizeof status, "%u", frame->status);
    vel_json_open(j, "headers", '[');
    put_field(j, ":method",
              vel_slice(frame->method.ptr, VEL_MIN(frame->method.len, (size_t)METHOD_MAX)));
    put_field(j, ":status", frame->status > 0 ? vel_slice_text(status) : vel_slice(NULL, 0));
    vel_json_close(j, ']');
}

static void put_unknown(struct vel_json *j, uint64_t type)
{
    vel_json_word(j, "frame_type", is_reserved(type) ? "reserved" : "unknown");
    if (!is_reserved(type))
        vel_json_uint(j, "frame_type_value", type);
}

static void put_content(const struct vel_qlog_pen *pen, const struct vel_http_trace_frame *frame)
{
    size_t i = 0;
    while (i < VEL_COUNT(frame_names) && frame_names[i].type != frame->type)
        i++;
    if (i == VEL_COUNT(frame_names)) {
        put_unknown(pen->j, frame->type);
        return;
    }
    vel_json_word(pen->j, "frame_type", frame_names[i].name);
    if (frame->type == HEADERS)
        put_headers(pen->j, frame);
    else if (frame->type == SETTINGS)
        put_settings(pen);
    else if (frame->type >= PRIORITY_UPDATE)
        vel_json_word(pen->j, "target_stream_type",
                      frame->type == PRIORITY_UPDATE ? "request" : "push");
    if (frame_names[i].id != NULL)
        vel_json_uint(pen->j, frame_names[i].id, frame->id);
}

static void put_frame(const struct vel_qlog_pen *pen, const struct vel_http_trace_event *event)
{
    vel_qlog_open(pen, event->remote ? "http:frame_parsed" : "http:frame_created");
    vel_json_uint(pen->j, "stream_id", event->stream);
    vel_json_uint(pen->j, "length", event->frame.length);
    vel_json_open(pen->j, "frame", '{');
    put_content(pen, &event->frame);
    vel_json_close(pen->j, '}');
    vel_qlog_close(pen);
    if (event->frame.type == SETTINGS)
        put_parameters(pen, event->remote);
}

void vel_qlog_http(struct vel_qlog_memory *m, struct vel_json *j,
                   const struct vel_http_trace_event *event, vel_time now)
{
    const struct vel_qlog_pen pen = {.m = m, .j = j, .now = now};
    switch (event->type) {
    case VEL_HTTP_TRACE_STREAM:
        put_stream(&pen, event);
        break;
    case VEL_HTTP_TRACE_SETTING:
        remember_setting(m, &event->setting);
        break;
    case VEL_HTTP_TRACE_FRAME:
        put_frame(&pen, event);
        break;
    }
}
