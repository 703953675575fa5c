/* SPDX-License-Identifier: MIT */
#include "web/reply.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/try.h"
#include "base/units.h"
#include "http/date.h"
#include "http/status.h"
#include "web/visit.h"

#define TEXT(text) {(const uint8_t *)(text), sizeof(text) - 1}

static const struct vel_field always[] = {
    {TEXT("server"), TEXT("velocity")},
    {TEXT("x-content-type-options"), TEXT("nosniff")},
    {TEXT("x-frame-options"), TEXT("DENY")},
    {TEXT("referrer-policy"), TEXT("strict-origin-when-cross-origin")},
    {TEXT("content-security-policy"), TEXT("default-src 'self'")},
    {TEXT("strict-transport-security"), TEXT("max-age=63072000; includeSubDomains")},
};

#undef TEXT

struct vel_fields vel_reply_always(void)
{
    return (struct vel_fields){.items = always, .count = VEL_COUNT(always)};
}

void vel_reply_add(struct vel_reply *reply, const char *name, const char *value)
{
    VEL_ASSERT(reply->count < VEL_REPLY_FIELDS); /* the callers' fields are fixed */
    reply->fields[reply->count++] =
        (struct vel_field){.name = vel_slice_text(name), .value = vel_slice_text(value)};
}

size_t vel_reply_announced(const struct vel_exchange *exchange, struct vel_field *fields,
                           size_t room)
{
    const struct vel_visit *visit = vel_exchange_user(exchange);
    size_t count = visit == NULL ? 0 : visit->announced.count;
    VEL_ASSERT(count <= room); /* the server's own */
    for (size_t i = 0; i < count; i++)
        fields[i] = visit->announced.items[i];
    return count;
}

void vel_reply_print(struct vel_reply *reply, const char *name, const char *format, ...)
{
    char *at = reply->text + reply->text_used;
    size_t room = sizeof reply->text - reply->text_used;
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(at, room, format, arguments);
    va_end(arguments);
    VEL_ASSERT(size >= 0 && (size_t)size < room); /* numbers and dates only */
    reply->text_used += (size_t)size + 1;
    vel_reply_add(reply, name, at);
}

void vel_reply_start_undated(struct vel_reply *reply)
{
    *reply = (struct vel_reply){.exchange = NULL};
    memcpy(reply->fields, always, sizeof always);
    reply->count = VEL_COUNT(always);
}

void vel_reply_start(struct vel_reply *reply, struct vel_exchange *exchange, int64_t unix_now)
{
    char date[VEL_HTTP_DATE_SIZE];
    vel_reply_start_undated(reply);
    reply->exchange = exchange;
    reply->count += vel_reply_announced(exchange, reply->fields + reply->count,
                                        VEL_REPLY_FIELDS - reply->count);
    vel_http_date_write(unix_now, date);
    vel_reply_print(reply, "date", "%s", date);
}

static void add_length(struct vel_reply *reply, uint64_t size)
{
    vel_reply_print(reply, "content-length", "%" PRIu64, size);
}

vel_result vel_reply_prepare(struct vel_reply *reply, const struct vel_env *env, uint64_t size,
                             struct vel_prepared **prepared)
{
    add_length(reply, size);
    struct vel_fields fields = {.items = reply->fields, .count = reply->count};
    return vel_prepared_new(env, fields, prepared);
}

static void end_body(const struct vel_body_source *body)
{
    if (body != NULL && body->done != NULL)
        body->done(body->self);
}

unsigned vel_reply_send(struct vel_reply *reply, unsigned status, uint64_t size,
                        const struct vel_body_source *body)
{
    if (status != 304)
        add_length(reply, size);
    struct vel_response response = {.status = status,
                                    .fields = {.items = reply->fields, .count = reply->count}};
    bool send_body = body != NULL && !reply->head_only && size > 0;
    if (!send_body)
        end_body(body);
    if (vel_exchange_respond(reply->exchange, &response, send_body ? body : NULL) == VEL_OK)
        return status;
    if (send_body)
        end_body(body);
    vel_exchange_cancel(reply->exchange, VEL_H3_INTERNAL_ERROR);
    return 0;
}

unsigned vel_reply_send_bytes(struct vel_reply *reply, unsigned status, struct vel_slice bytes,
                              vel_release_fn release, void *context)
{
    add_length(reply, bytes.len);
    struct vel_response response = {.status = status,
                                    .fields = {.items = reply->fields, .count = reply->count}};
    if (vel_exchange_respond_bytes(reply->exchange, &response, bytes, release, context) == VEL_OK)
        return status;
    release(context, bytes);
    vel_exchange_cancel(reply->exchange, VEL_H3_INTERNAL_ERROR);
    return 0;
}

/* ---- the text of an error: constant bytes, so nothing is released ---- */

static const struct {
    unsigned status;
    const char *line;
} lines[] = {
#define LINE_OF(code, text) {code, #code " " text "\n"},
    VEL_HTTP_STATUS_MAP(LINE_OF)
#undef LINE_OF
};

static vel_result pull_line(void *self, size_t want, struct vel_body_piece *piece)
{
    (void)want;
    *piece = (struct vel_body_piece){.bytes = vel_slice_text(self), .last = true};
    return VEL_OK;
}

unsigned vel_reply_send_error(struct vel_reply *reply, unsigned status)
{
    const char *line = "";
    for (size_t i = 0; i < VEL_COUNT(lines); i++)
        if (lines[i].status == status)
            line = lines[i].line;
    vel_reply_add(reply, "content-type", "text/plain; charset=utf-8");
    /* A source's self is not const; pull_line only reads. */
    union {
        const char *text;
        void *self;
    } pun = {.text = line};
    struct vel_body_source body = {.pull = pull_line, .self = pun.self};
    return vel_reply_send(reply, status, strlen(line), &body);
}
