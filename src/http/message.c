/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "http/session.h"

/* Fields beyond our limits are counted and dropped; a peer that goes on far beyond them only wants
 * to cost us time. */
enum { FAR_BEYOND = 4 * VEL_HTTP_MAX_FIELD_SECTION };

vel_result vel_exchange_add_field(struct vel_exchange *exchange, struct vel_slice name,
                                  struct vel_slice value)
{
    struct vel_http *http = exchange->http;
    size_t before = exchange->head.section_size;
    enum vel_err err = VEL_ERR_LIMIT;
    if (http->heads <= VEL_HTTP_MAX_HEADS)
        err = vel_headers_add(&exchange->head, name, value);
    else
        exchange->head.section_size += name.len + value.len;
    http->heads += exchange->head.section_size - before;
    if (err != VEL_ERR_LIMIT)
        return err;
    exchange->refused = true;
    REQUIRE(exchange->head.section_size <= FAR_BEYOND, VEL_ERR_LIMIT);
    return VEL_OK;
}

vel_result vel_exchange_count_trailer(struct vel_exchange *exchange, struct vel_slice name,
                                      struct vel_slice value)
{
    size_t size = name.len + value.len;
    exchange->head.section_size += size;
    exchange->http->heads += size; /* given back with the head */
    REQUIRE(exchange->head.section_size <= 2 * (size_t)VEL_HTTP_MAX_FIELD_SECTION, VEL_ERR_LIMIT);
    return VEL_OK;
}

void vel_exchange_forget_head(struct vel_exchange *exchange)
{
    exchange->http->heads -= exchange->head.section_size;
    vel_headers_clear(&exchange->head);
}

/* One of the leading pseudo-header fields. */
static struct vel_slice pseudo(const struct vel_exchange *exchange, const char *name)
{
    const struct vel_slice *value = vel_fields_find(vel_headers_all(&exchange->head), name);
    return value == NULL ? vel_slice(NULL, 0) : *value;
}

/* Where the value of a pseudo-header field belongs; the decoders let no other one through. */
static struct vel_slice *place_of(struct vel_request *request, struct vel_slice name)
{
    switch (name.len) {
    case sizeof ":path" - 1:
        return &request->path;
    case sizeof ":method" - 1: /* or ":scheme" */
        return name.ptr[1] == 'm' ? &request->method : &request->scheme;
    case sizeof ":protocol" - 1:
        return &request->protocol;
    default:
        return &request->authority;
    }
}

static void view_request(struct vel_exchange *exchange)
{
    struct vel_request *request = &exchange->request;
    struct vel_fields all = vel_headers_all(&exchange->head);
    *request = (struct vel_request){.fields = vel_headers_regular(&exchange->head)};
    for (size_t i = 0; i < all.count - request->fields.count; i++)
        *place_of(request, all.items[i].name) = all.items[i].value;
    if (request->authority.len == 0)
        request->authority = pseudo(exchange, "host");
}

/* The decoders have checked that it is three digits. */
static unsigned status_of(struct vel_slice text)
{
    unsigned status = 0;
    for (size_t i = 0; i < text.len && i < 3; i++)
        status = status * 10 + (unsigned)(text.ptr[i] - '0') % 10;
    return status;
}

static void refuse_head(struct vel_exchange *exchange)
{
    if (exchange->http->client)
        vel_exchange_abort(exchange, VEL_H3_EXCESSIVE_LOAD, false);
    else
        vel_exchange_refuse(exchange, 431);
}

vel_result vel_exchange_head_done(struct vel_exchange *exchange)
{
    struct vel_http *http = exchange->http;
    if (exchange->cancelled)
        return VEL_OK;
    if (exchange->refused) {
        refuse_head(exchange);
        return VEL_OK;
    }
    TRY(vel_headers_seal(&exchange->head));
    if (http->client) {
        unsigned status = status_of(pseudo(exchange, ":status"));
        if (status < 200)
            return VEL_OK;
        exchange->response =
            (struct vel_response){.status = status, .fields = vel_headers_regular(&exchange->head)};
    } else {
        view_request(exchange);
        exchange->told = true;
    }
    exchange->head_complete = true;
    if (http->events.head != NULL)
        http->events.head(http->events.self, exchange);
    return VEL_OK;
}

void vel_exchange_body_came(struct vel_exchange *exchange, struct vel_slice bytes)
{
    struct vel_http *http = exchange->http;
    if (exchange->cancelled || !exchange->head_complete)
        return;
    exchange->body_received += bytes.len;
    if (http->events.body != NULL)
        http->events.body(http->events.self, exchange, bytes);
}

void vel_exchange_end_came(struct vel_exchange *exchange)
{
    struct vel_http *http = exchange->http;
    if (exchange->cancelled)
        return;
    exchange->received_end = true;
    vel_exchange_awaits_none(exchange);
    if (exchange->head_complete && http->events.end != NULL)
        http->events.end(http->events.self, exchange);
}

void vel_exchange_refuse(struct vel_exchange *exchange, unsigned status)
{
    struct vel_fields also = exchange->http->refusal_fields;
    struct vel_field fields[1 + VEL_HTTP_MAX_FIELDS / 2] = {
        {vel_slice_text("content-length"), vel_slice_text("0")}};
    if (also.count > 0)
        memcpy(fields + 1, also.items, also.count * sizeof *fields);
    struct vel_response response = {.status = status,
                                    .fields = {.items = fields, .count = 1 + also.count}};
    if (vel_exchange_respond(exchange, &response, NULL) != VEL_OK)
        vel_exchange_abort(exchange, VEL_H3_INTERNAL_ERROR, false);
}
