/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/try.h"
#include "http/h1_internal.h"
#include "http/h1_line.h"

/* ---- start lines: they become what HTTP/2 and HTTP/3 call pseudo-header fields ---- */

static void add(struct vel_h1 *h1, const char *name, struct vel_slice value)
{
    enum vel_err err = vel_exchange_add_field(&h1->current->base, vel_slice_text(name), value);
    if (err != VEL_OK)
        h1->refusal = err == VEL_ERR_LIMIT ? 431 : 500;
}

static vel_result begin_exchange(struct vel_h1 *h1)
{
    struct vel_exchange *exchange;
    TRY(vel_exchange_new(&h1->http, h1->count, &exchange));
    h1->count++;
    h1->current = vel_h1_exchange_of(exchange);
    return VEL_OK;
}

static unsigned take_request_line(struct vel_h1 *h1, struct vel_slice text)
{
    struct vel_h1_request_line line;
    struct vel_h1_target target;
    unsigned status = vel_h1_request_line_parse(text, &line);
    if (status != 0)
        return status;
    if (vel_h1_target_parse(line.method, line.target, &target) != VEL_OK)
        return 400;
    if (target.connect) /* we are no proxy */
        return 501;
    if (target.scheme.len > 0 && vel_h1_is(target.scheme, "https") != h1->secure)
        return 421;
    if (begin_exchange(h1) != VEL_OK)
        return 500;
    h1->minor = line.minor;
    h1->current->head_only = vel_slice_equal(line.method, vel_slice_text("HEAD"));
    add(h1, ":method", line.method);
    add(h1, ":scheme", vel_slice_text(h1->secure ? "https" : "http"));
    if (target.authority.len > 0)
        add(h1, ":authority", target.authority);
    add(h1, ":path", target.path);
    return h1->refusal;
}

static unsigned take_status_line(struct vel_h1 *h1, struct vel_slice text)
{
    char digits[4];
    if (vel_h1_status_line_parse(text, &h1->status, &h1->minor) != VEL_OK || h1->status == 101)
        return 400;
    snprintf(digits, sizeof digits, "%u", h1->status % 1000);
    add(h1, ":status", vel_slice_text(digits));
    return h1->refusal;
}

void vel_h1_line_came(struct vel_h1 *h1, struct vel_slice line)
{
    unsigned status = h1->http.client ? take_status_line(h1, line) : take_request_line(h1, line);
    if (status != 0)
        vel_h1_refuse(h1, status);
}

/* ---- fields ---- */

static void note_host(struct vel_h1 *h1, struct vel_slice value)
{
    h1->hosts++;
    h1->host_bad = h1->host_bad || !vel_h1_authority_ok(value);
}

static void note_length(struct vel_h1 *h1, struct vel_slice value)
{
    h1->lengths++;
    if (vel_h1_number_parse(value, &h1->content_length) != VEL_OK)
        h1->refusal = 400;
}

static void note_encoding(struct vel_h1 *h1, struct vel_slice value)
{
    h1->encodings++;
    h1->encoding_bad = h1->encoding_bad || !vel_h1_is(value, "chunked");
}

static void note_expectation(struct vel_h1 *h1, struct vel_slice value)
{
    h1->expectations++;
    h1->expects_continue = vel_h1_is(value, "100-continue");
}

/* The fields that framing and routing hang on. */
static const struct {
    const char *name;
    void (*note)(struct vel_h1 *h1, struct vel_slice value);
} noted[] = {
    {"host", note_host},
    {"content-length", note_length},
    {"transfer-encoding", note_encoding},
    {"expect", note_expectation},
};

static void make_lower(struct vel_buf *name)
{
    for (size_t i = 0; i < name->len; i++)
        if (name->ptr[i] >= 'A' && name->ptr[i] <= 'Z')
            name->ptr[i] = (uint8_t)(name->ptr[i] + ('a' - 'A'));
}

void vel_h1_field_came(struct vel_h1 *h1)
{
    make_lower(&h1->name);
    struct vel_slice name = vel_buf_slice(&h1->name), value = vel_buf_slice(&h1->value);
    while (value.len > 0 && (value.ptr[value.len - 1] == ' ' || value.ptr[value.len - 1] == '\t'))
        value.len--;
    if (!vel_h1_token_ok(name) || !vel_h1_value_ok(value)) {
        h1->refusal = 400;
        return;
    }
    for (size_t i = 0; i < sizeof noted / sizeof noted[0]; i++)
        if (vel_slice_equal(name, vel_slice_text(noted[i].name)))
            noted[i].note(h1, value);
    if (h1->refusal == 0) {
        enum vel_err err = vel_exchange_add_field(&h1->current->base, name, value);
        if (err != VEL_OK)
            h1->refusal = err == VEL_ERR_LIMIT ? 431 : 500;
    }
}

/* ---- the whole head ---- */

/* RFC 9112 6.1, 6.3: one length, or one coding that we know, or none. Anything else may be read
 * differently by someone else on the way. */
static unsigned check_framing(const struct vel_h1 *h1)
{
    if (h1->lengths > 1 || (h1->lengths > 0 && h1->encodings > 0))
        return 400;
    if (h1->encodings > 1 || (h1->encodings > 0 && h1->minor == 0))
        return 400;
    return h1->encoding_bad ? 501 : 0;
}

/* RFC 9112 3.2. */
static unsigned check_host(const struct vel_h1 *h1)
{
    bool missing = h1->hosts == 0 && h1->minor >= 1;
    return missing || h1->hosts > 1 || h1->host_bad ? 400 : 0;
}

static unsigned check_request(const struct vel_h1 *h1)
{
    unsigned status = check_framing(h1);
    if (status == 0)
        status = check_host(h1);
    if (status == 0 && h1->expectations > 0 && h1->minor >= 1 &&
        (h1->expectations > 1 || !h1->expects_continue))
        status = 417;
    return status;
}

static bool has_body(const struct vel_h1 *h1)
{
    return h1->encodings > 0 || h1->content_length > 0;
}

static void request_head_came(struct vel_h1 *h1)
{
    struct vel_exchange *exchange = &h1->current->base;
    unsigned status = check_request(h1);
    h1->close_after = h1->close_after || h1->minor == 0 || h1->http.finishing ||
                      (h1->parser.flags & F_CONNECTION_CLOSE) != 0 || exchange->refused;
    if (status == 0 && vel_exchange_head_done(exchange) != VEL_OK)
        status = 500;
    if (status != 0) {
        vel_h1_refuse(h1, status);
        return;
    }
    if (exchange->refused)
        h1->ignoring = true; /* 431 is on its way */
    else if (h1->expects_continue && h1->minor >= 1 && has_body(h1) && !exchange->answered &&
             !exchange->cancelled)
        vel_h1_write_continue(h1);
    vel_exchange_await_body(exchange, h1->now, h1->body_timeout);
}

static void response_head_came(struct vel_h1 *h1)
{
    struct vel_exchange *exchange = &h1->current->base;
    bool informational = h1->status < 200;
    if (check_framing(h1) != 0 ||
        (informational && ++h1->informational > VEL_H1_INFORMATIONAL_MAX)) {
        vel_h1_refuse(h1, 400);
        return;
    }
    if (!informational && (h1->minor == 0 || (h1->parser.flags & F_CONNECTION_CLOSE) != 0)) {
        h1->close_after = true;
        h1->http.peer_finishing = true;
    }
    if (vel_exchange_head_done(exchange) != VEL_OK)
        vel_h1_refuse(h1, 500);
    else if (informational)
        vel_exchange_forget_head(exchange);
}

void vel_h1_head_came(struct vel_h1 *h1)
{
    h1->phase = VEL_H1_BODY;
    if (h1->http.client)
        response_head_came(h1);
    else
        request_head_came(h1);
}

void vel_h1_message_came(struct vel_h1 *h1)
{
    if (h1->http.client && h1->status < 200) {
        h1->phase = VEL_H1_AWAITING;
        vel_h1_parser_reset(h1);
        return;
    }
    h1->phase = VEL_H1_COMPLETE;
    vel_exchange_end_came(&h1->current->base);
    vel_h1_advance(h1);
}
