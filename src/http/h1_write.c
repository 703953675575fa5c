/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/try.h"
#include "base/units.h"
#include "http/h1_internal.h"
#include "http/h1_line.h"
#include "http/status.h"

/* A head under construction: `out` grows by it only when all of it is fine, so nothing that an
 * application gives can split a message (RFC 9112 11.1). */
struct head {
    struct vel_buf text;
    enum vel_err err;
};

static void write_text(struct head *head, struct vel_slice text)
{
    if (head->err == VEL_OK)
        head->err = vel_buf_append(&head->text, text);
}

static void write_format(struct head *head, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void write_format(struct head *head, const char *format, ...)
{
    char text[128];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    VEL_ASSERT(size >= 0 && (size_t)size < sizeof text); /* numbers and phrases */
    write_text(head, vel_slice(text, (size_t)size));
}

static void write_field(struct head *head, struct vel_slice name, struct vel_slice value)
{
    if (!vel_h1_token_ok(name) || !vel_h1_value_ok(value)) {
        head->err = VEL_ERR_ARGUMENT;
        return;
    }
    write_text(head, name);
    write_text(head, vel_slice_text(": "));
    write_text(head, value);
    write_text(head, vel_slice_text("\r\n"));
}

static vel_result hand_over(struct vel_h1 *h1, struct head *head)
{
    if (head->err == VEL_OK)
        head->err = vel_buf_append(&h1->out, vel_buf_slice(&head->text));
    vel_buf_free(&head->text);
    return head->err;
}

/* ---- fields that are the connection's business, or the framing's ---- */

static bool is_ours(struct vel_slice name)
{
    static const char *const names[] = {"connection",        "keep-alive", "proxy-connection", "te",
                                        "transfer-encoding", "upgrade",    "content-length"};
    for (size_t i = 0; i < VEL_COUNT(names); i++)
        if (vel_h1_is(name, names[i]))
            return true;
    return false;
}

/* The length that the application gives, once or never. */
static vel_result find_length(struct vel_fields fields, bool *known, uint64_t *length)
{
    *known = false;
    for (size_t i = 0; i < fields.count; i++) {
        if (!vel_h1_is(fields.items[i].name, "content-length"))
            continue;
        REQUIRE(!*known && vel_h1_number_parse(fields.items[i].value, length) == VEL_OK,
                VEL_ERR_ARGUMENT);
        *known = true;
    }
    return VEL_OK;
}

/* All but those, and the one of the application's fields that `but` names. */
static void write_fields(struct head *head, struct vel_fields fields, const char *but)
{
    for (size_t i = 0; i < fields.count; i++) {
        const struct vel_field *field = &fields.items[i];
        if (!is_ours(field->name) && !vel_h1_is(field->name, but))
            write_field(head, field->name, field->value);
    }
}

static void write_framing(struct head *head, enum vel_h1_framing framing, uint64_t length)
{
    if (framing == VEL_H1_LENGTH)
        write_format(head, "content-length: %" PRIu64 "\r\n", length);
    if (framing == VEL_H1_CHUNKED)
        write_format(head, "transfer-encoding: chunked\r\n");
}

/* ---- responses ---- */

/* What is left of the request, beyond what we would wait for. */
static bool too_much_to_come(const struct vel_h1 *h1)
{
    if (h1->current->base.received_end)
        return false;
    bool held = h1->expects_continue && h1->phase == VEL_H1_BODY && h1->out.len == 0 &&
                h1->current->base.body_received == 0; /* it waits for our word */
    return h1->encodings > 0 || h1->content_length > VEL_HTTP_SHORT_BODY || held;
}

/* The length to tell: RFC 9110 8.6 on answers to HEAD, and 304, which have no body. */
static vel_result frame_response(const struct vel_h1 *h1, const struct vel_response *response,
                                 bool has_body, struct vel_h1_exchange *own, bool *tell,
                                 uint64_t *length)
{
    bool known;
    TRY(find_length(response->fields, &known, length));
    bool bodiless = response->status == 204 || response->status == 304;
    own->framing = VEL_H1_NO_BODY;
    *tell = known && response->status != 204;
    if (own->head_only || bodiless)
        return VEL_OK;
    if (!has_body) {
        REQUIRE(!known || *length == 0, VEL_ERR_ARGUMENT);
        *tell = true;
        *length = 0;
    } else if (known) {
        own->framing = VEL_H1_LENGTH;
        own->left = *length;
    } else {
        own->framing = h1->minor == 0 ? VEL_H1_UNTIL_CLOSE : VEL_H1_CHUNKED;
    }
    return VEL_OK;
}

/* RFC 6797 7.2: nothing of the kind over plain HTTP. */
static const char *unfit(const struct vel_h1 *h1)
{
    return h1->secure ? "" : "strict-transport-security";
}

vel_result vel_h1_respond(struct vel_exchange *exchange, const struct vel_response *response,
                          bool has_body)
{
    struct vel_h1 *h1 = vel_h1_of(exchange->http);
    struct vel_h1_exchange *own = vel_h1_exchange_of(exchange);
    struct head head = {.text = {.env = h1->http.env, .limit = VEL_H1_OUT_MAX}};
    bool tell;
    uint64_t length = 0;
    TRY(frame_response(h1, response, has_body, own, &tell, &length));
    bool close = h1->close_after || h1->http.finishing || too_much_to_come(h1) ||
                 own->framing == VEL_H1_UNTIL_CLOSE;
    write_format(&head, "HTTP/1.1 %u %s\r\n", response->status,
                 vel_http_status_text(response->status));
    write_fields(&head, response->fields, unfit(h1));
    if (tell)
        write_framing(&head, VEL_H1_LENGTH, length);
    else
        write_framing(&head, own->framing, length);
    if (close)
        write_format(&head, "connection: close\r\n");
    write_format(&head, "\r\n");
    TRY(hand_over(h1, &head));
    h1->close_after = close;
    own->queued = true;
    own->body_queued = own->framing == VEL_H1_NO_BODY;
    return VEL_OK;
}

void vel_h1_write_refusal(struct vel_h1 *h1, unsigned status)
{
    struct head head = {.text = {.env = h1->http.env, .limit = VEL_H1_OUT_MAX}};
    write_format(&head, "HTTP/1.1 %u %s\r\n", status, vel_http_status_text(status));
    write_fields(&head, h1->http.refusal_fields, unfit(h1));
    write_framing(&head, VEL_H1_LENGTH, 0);
    write_format(&head, "connection: close\r\n\r\n");
    enum vel_err ignored = hand_over(h1, &head); /* without memory the end has to say it */
    (void)ignored;
}

void vel_h1_write_continue(struct vel_h1 *h1)
{
    struct head head = {.text = {.env = h1->http.env, .limit = VEL_H1_OUT_MAX}};
    write_format(&head, "HTTP/1.1 100 Continue\r\n\r\n");
    enum vel_err ignored = hand_over(h1, &head); /* the client goes on after a while, too */
    (void)ignored;
}

/* ---- requests ---- */

static bool usually_has_body(struct vel_slice method)
{
    return vel_slice_equal(method, vel_slice_text("POST")) ||
           vel_slice_equal(method, vel_slice_text("PUT")) ||
           vel_slice_equal(method, vel_slice_text("PATCH"));
}

static vel_result check_request(const struct vel_request *request)
{
    struct vel_h1_target target;
    REQUIRE(vel_h1_token_ok(request->method), VEL_ERR_ARGUMENT);
    REQUIRE(vel_h1_authority_ok(request->authority), VEL_ERR_ARGUMENT);
    for (size_t i = 0; i < request->path.len; i++)
        REQUIRE(request->path.ptr[i] > ' ' && request->path.ptr[i] < 0x7f, VEL_ERR_ARGUMENT);
    REQUIRE(vel_h1_target_parse(request->method, request->path, &target) == VEL_OK,
            VEL_ERR_ARGUMENT);
    REQUIRE(target.authority.len == 0, VEL_ERR_ARGUMENT); /* origin form, or "*" */
    return VEL_OK;
}

static vel_result frame_request(const struct vel_request *request, bool has_body,
                                enum vel_h1_framing *framing, uint64_t *length)
{
    bool known;
    TRY(find_length(request->fields, &known, length));
    REQUIRE(has_body || !known || *length == 0, VEL_ERR_ARGUMENT);
    *framing = known ? VEL_H1_LENGTH : has_body ? VEL_H1_CHUNKED : VEL_H1_NO_BODY;
    if (!known && !has_body && usually_has_body(request->method))
        *framing = VEL_H1_LENGTH; /* RFC 9110 8.6 */
    return VEL_OK;
}

vel_result vel_h1_request(struct vel_http *http, const struct vel_request *request, bool has_body,
                          struct vel_exchange **exchange)
{
    struct vel_h1 *h1 = vel_h1_of(http);
    struct head head = {.text = {.env = http->env, .limit = VEL_H1_OUT_MAX}};
    enum vel_h1_framing framing;
    uint64_t length = 0;
    REQUIRE(!h1->over && !h1->close_after, VEL_ERR_CLOSED);
    REQUIRE(h1->current == NULL, VEL_ERR_AGAIN);
    TRY(check_request(request));
    TRY(frame_request(request, has_body, &framing, &length));
    write_text(&head, request->method);
    write_text(&head, vel_slice_text(" "));
    write_text(&head, request->path);
    write_text(&head, vel_slice_text(" HTTP/1.1\r\n"));
    write_field(&head, vel_slice_text("host"), request->authority);
    write_fields(&head, request->fields, "host");
    write_framing(&head, framing, length);
    write_format(&head, "\r\n");
    struct vel_exchange *fresh;
    TRY(hand_over(h1, &head));
    enum vel_err err = vel_exchange_new(http, h1->count, &fresh);
    if (err != VEL_OK) { /* a request is out that nobody waits for */
        h1->out.len = 0;
        return err;
    }
    h1->count++;
    h1->current = vel_h1_exchange_of(fresh);
    h1->current->head_only = vel_slice_equal(request->method, vel_slice_text("HEAD"));
    h1->current->queued = true;
    h1->current->framing = has_body ? framing : VEL_H1_NO_BODY;
    h1->current->left = length;
    h1->current->body_queued = !has_body;
    h1->informational = 0;
    vel_h1_parser_reset(h1);
    h1->phase = VEL_H1_AWAITING;
    *exchange = fresh;
    return VEL_OK;
}
