/* SPDX-License-Identifier: MIT */
#include "base/reader.h"
#include "base/units.h"
#include "http/h3_internal.h"

/*
 * Frames of the peer's control stream (RFC 9114 7.2). Those that carry an id are held until they are
 * whole; settings are read one by one; unknown frames are stepped over.
 */

static void fail(struct vel_h3 *session, uint64_t code)
{
    vel_http_fail(&session->common, code, "bad frame on the control stream");
}

static void trace_frame(const struct vel_h3 *session, uint64_t type, uint64_t length,
                        struct vel_slice payload)
{
    struct vel_reader r = vel_reader(payload);
    uint64_t id = vel_read_varint(&r);
    VEL_H3_TRACE(session, .type = VEL_HTTP_TRACE_FRAME, .remote = true,
                 .stream = session->uni.control,
                 .frame = {.type = type, .length = length, .id = vel_read_ok(&r) ? id : 0});
}

/* ---- SETTINGS ---- */

/* The last one came. */
static void trace_settings(const struct vel_h3 *session)
{
    trace_frame(session, VEL_H3_SETTINGS, session->uni.settings_size, vel_slice(NULL, 0));
}

/* RFC 9114 7.2.4.1: those of HTTP/2 must not come. Nothing that we send hangs on the others. */
static bool setting_ok(uint64_t id, uint64_t value)
{
    enum { H2_FIRST = 0x02, H2_LAST = 0x05, CONNECT_PROTOCOL = 0x08, DATAGRAM = 0x33 };
    if (id == CONNECT_PROTOCOL || id == DATAGRAM) /* RFC 9220 3, RFC 9297 2.1.1 */
        return value <= 1;
    return id < H2_FIRST || id > H2_LAST;
}

static void setting_came(struct vel_h3 *session, uint8_t byte)
{
    struct vel_h3_uni *uni = &session->uni;
    uni->frame[uni->frame_size++] = byte;
    uni->settings--;
    struct vel_reader r = vel_reader(vel_slice(uni->frame, uni->frame_size));
    uint64_t id = vel_read_varint(&r);
    uint64_t value = vel_read_varint(&r);
    if (!vel_read_ok(&r)) {
        if (uni->settings == 0)
            fail(session, VEL_H3_FRAME_ERROR);
        return;
    }
    uni->frame_size = 0;
    VEL_H3_TRACE(session, .type = VEL_HTTP_TRACE_SETTING, .remote = true, .stream = uni->control,
                 .setting = {.id = id, .value = value});
    if (uni->settings == 0)
        trace_settings(session);
    if (!setting_ok(id, value))
        fail(session, VEL_H3_SETTINGS_ERROR);
}

/* ---- frames with an id ---- */

static bool is_one_id(struct vel_slice payload, uint64_t *id)
{
    struct vel_reader r = vel_reader(payload);
    *id = vel_read_varint(&r);
    return vel_read_done(&r);
}

/* RFC 9114 5.2: requests at or above the id were not and will not be processed. To a server it says
 * as much of pushes, which do not exist. */
static void goaway_came(struct vel_h3 *session, struct vel_slice payload)
{
    uint64_t id;
    if (!is_one_id(payload, &id)) {
        fail(session, VEL_H3_FRAME_ERROR);
        return;
    }
    if (id > session->peer_goaway || (session->common.client && !vel_h3_is_request(id))) {
        fail(session, VEL_H3_ID_ERROR);
        return;
    }
    session->peer_goaway = id;
    session->common.peer_finishing = true;
    if (!session->common.client)
        return;
    for (size_t i = 0; i < VEL_HTTP_BUCKETS; i++)
        for (struct vel_exchange *e = session->common.buckets[i]; e != NULL; e = e->next)
            if (e->stream >= id)
                vel_exchange_abort(e, VEL_H3_REQUEST_REJECTED, true);
}

/* 7.2.3: no push was promised or allowed. */
static void cancel_push_came(struct vel_h3 *session, struct vel_slice payload)
{
    uint64_t id;
    fail(session, is_one_id(payload, &id) ? VEL_H3_ID_ERROR : VEL_H3_FRAME_ERROR);
}

/* 7.2.7 */
static void max_push_id_came(struct vel_h3 *session, struct vel_slice payload)
{
    uint64_t id;
    if (!is_one_id(payload, &id))
        fail(session, VEL_H3_FRAME_ERROR);
    else if (id < session->uni.max_push)
        fail(session, VEL_H3_ID_ERROR);
    else
        session->uni.max_push = id;
}

/* Of a request that did not come yet; the oldest place is given away when there is no other. */
static void remember(struct vel_h3 *session, const struct vel_h3_early *early)
{
    struct vel_h3_early *place = NULL;
    for (size_t i = 0; i < VEL_H3_EARLY_MAX && place == NULL; i++)
        if (!session->early[i].priority.told || session->early[i].stream == early->stream)
            place = &session->early[i];
    if (place == NULL) {
        memmove(session->early, session->early + 1,
                sizeof session->early - sizeof session->early[0]);
        place = &session->early[VEL_H3_EARLY_MAX - 1];
    }
    *place = *early;
}

/* RFC 9218 7.1 */
static void priority_update_came(struct vel_h3 *session, struct vel_slice payload)
{
    struct vel_reader r = vel_reader(payload);
    struct vel_h3_early update = {.stream = vel_read_varint(&r)};
    if (!vel_read_ok(&r)) {
        fail(session, VEL_H3_FRAME_ERROR);
        return;
    }
    if (!vel_h3_is_request(update.stream) ||
        update.stream >= session->next_stream + 4 * VEL_HTTP_STREAMS) {
        fail(session, VEL_H3_ID_ERROR);
        return;
    }
    vel_h3_priority_parse(vel_read_rest(&r), &update.priority);
    struct vel_exchange *exchange = vel_exchange_find(&session->common, update.stream);
    if (exchange != NULL) {
        struct vel_h3_exchange *e = vel_h3_exchange_of(exchange);
        e->priority = update.priority;
        e->prioritized = true;
        vel_h3_apply_priority(e);
    } else if (update.stream >= session->next_stream) {
        remember(session, &update);
    }
}

static void push_priority_came(struct vel_h3 *session, struct vel_slice payload)
{
    (void)payload;
    fail(session, VEL_H3_ID_ERROR); /* RFC 9218 7.2: of a push that was never promised */
}

/* ---- all frames ---- */

enum who { NOBODY = 0, CLIENTS = 1, SERVERS = 2, ANYBODY = CLIENTS | SERVERS };

/* Who may send what here. A frame without `came` is out of place from anybody. */
static const struct rule {
    uint64_t type;
    enum who from;
    void (*came)(struct vel_h3 *session, struct vel_slice payload);
} rules[] = {
    {VEL_H3_DATA, NOBODY, NULL},
    {VEL_H3_HEADERS, NOBODY, NULL},
    {0x02, NOBODY, NULL}, /* of HTTP/2, RFC 9114 7.2.8 */
    {VEL_H3_CANCEL_PUSH, ANYBODY, cancel_push_came},
    {VEL_H3_SETTINGS, NOBODY, NULL}, /* a second one */
    {VEL_H3_PUSH_PROMISE, NOBODY, NULL},
    {0x06, NOBODY, NULL},
    {VEL_H3_GOAWAY, ANYBODY, goaway_came},
    {0x08, NOBODY, NULL},
    {0x09, NOBODY, NULL},
    {VEL_H3_MAX_PUSH_ID, CLIENTS, max_push_id_came},
    {VEL_H3_PRIORITY_UPDATE, CLIENTS, priority_update_came},
    {VEL_H3_PUSH_PRIORITY_UPDATE, CLIENTS, push_priority_came},
};

static const struct rule *rule_of(uint64_t type)
{
    for (size_t i = 0; i < VEL_COUNT(rules); i++)
        if (rules[i].type == type)
            return &rules[i];
    return NULL;
}

/* The frame must begin with SETTINGS (6.2.1). */
static void first_frame(struct vel_h3 *session, uint64_t type, uint64_t length)
{
    struct vel_h3_uni *uni = &session->uni;
    if (type != VEL_H3_SETTINGS) {
        fail(session, VEL_H3_MISSING_SETTINGS);
        return;
    }
    uni->settings_came = true;
    uni->settings = uni->settings_size = length;
    uni->frame_size = 0;
    if (length == 0)
        trace_settings(session);
}

/* A frame of ids that is longer than any can be: a priority with unknown parameters is skipped. */
static void frame_is_too_long(struct vel_h3 *session, uint64_t type, uint64_t rest)
{
    if (type != VEL_H3_PRIORITY_UPDATE)
        fail(session, VEL_H3_FRAME_ERROR);
    session->uni.skip = rest;
    session->uni.frame_size = 0;
}

/* The beginning of a frame is known. */
static void frame_came(struct vel_h3 *session, uint64_t type, uint64_t length,
                       struct vel_slice payload)
{
    struct vel_h3_uni *uni = &session->uni;
    enum who peer = session->common.client ? SERVERS : CLIENTS;
    const struct rule *rule = rule_of(type);
    if (!uni->settings_came) {
        first_frame(session, type, length);
    } else if (rule == NULL) {
        trace_frame(session, type, length, vel_slice(NULL, 0));
        uni->skip = length;
        uni->frame_size = 0;
    } else if ((rule->from & peer) == 0) {
        trace_frame(session, type, length, vel_slice(NULL, 0));
        fail(session, VEL_H3_FRAME_UNEXPECTED);
    } else if (length > VEL_H3_FRAME_MAX - VEL_H3_FRAME_HEADER) {
        frame_is_too_long(session, type, length - payload.len);
    } else if (payload.len == length) {
        trace_frame(session, type, length, payload);
        rule->came(session, payload);
        uni->frame_size = 0;
    }
}

static void frame_byte_came(struct vel_h3 *session, uint8_t byte)
{
    struct vel_h3_uni *uni = &session->uni;
    uni->frame[uni->frame_size++] = byte;
    struct vel_reader r = vel_reader(vel_slice(uni->frame, uni->frame_size));
    uint64_t type = vel_read_varint(&r);
    uint64_t length = vel_read_varint(&r);
    if (vel_read_ok(&r))
        frame_came(session, type, length, vel_read_rest(&r));
}

void vel_h3_control_came(struct vel_h3 *session, struct vel_slice bytes)
{
    struct vel_h3_uni *uni = &session->uni;
    while (bytes.len > 0 && !session->common.failed) {
        size_t size = 1;
        if (uni->skip > 0) {
            size = (size_t)VEL_MIN(uni->skip, (uint64_t)bytes.len);
            uni->skip -= size;
        } else if (uni->settings > 0) {
            setting_came(session, bytes.ptr[0]);
        } else {
            frame_byte_came(session, bytes.ptr[0]);
        }
        bytes = vel_slice(bytes.ptr + size, bytes.len - size);
    }
}
