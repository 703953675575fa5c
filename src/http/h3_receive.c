/* SPDX-License-Identifier: MIT */
#include "base/reader.h"
#include "base/try.h"
#include "base/units.h"
#include "http/h3_internal.h"
#include "http/qpack.h"

/*
 * Frames of a request stream (RFC 9114 4.1, 7.1). A HEADERS frame is decoded when it is whole:
 * mostly from where it lies, else from a copy that counts against VEL_HTTP_MAX_HEADS.
 */

/* A section that is coded in more bytes than this costs us time before it can be refused. */
enum { FAR_BEYOND = 4 * VEL_HTTP_MAX_FIELD_SECTION };

static struct vel_h3 *session_of(const struct vel_h3_exchange *e)
{
    return vel_h3_of(e->common.http);
}

/* An error of the stream alone. A client that makes many of them is stopped. */
static void give_up(struct vel_h3_exchange *e, uint64_t code)
{
    if (!e->common.http->client)
        vel_http_count_abandoned(e->common.http);
    vel_exchange_abort(&e->common, code, false);
}

/* RFC 9114 4.1.2. */
static void malformed(struct vel_h3_exchange *e)
{
    give_up(e, VEL_H3_MESSAGE_ERROR);
}

static bool is_on(const struct vel_h3_exchange *e)
{
    const struct vel_h3 *session = session_of(e);
    return !session->common.failed && !e->common.cancelled &&
           (!e->common.paused || session->last_look);
}

/* ---- heads ---- */

void vel_h3_forget_section(struct vel_h3_exchange *e)
{
    e->common.http->heads -= e->section.len;
    vel_buf_free(&e->section);
}

static void refuse(struct vel_h3_exchange *e)
{
    e->common.refused = true;
    vel_h3_forget_section(e);
}

void vel_h3_apply_priority(struct vel_h3_exchange *e)
{
    const struct vel_bytestreams *streams = &session_of(e)->streams;
    /* Without a word from the client answers take turns, though RFC 9218 4.2 would have one after
     * the other: who asks for two large things at once and says nothing expects both to move. */
    if (!e->priority.told)
        return;
    enum vel_err ignored = streams->ops->set_priority(streams->self, e->common.stream,
                                                      e->priority.urgency, e->priority.incremental);
    (void)ignored; /* a hint */
}

/* Beyond the limits it is refused, and what was decoded until then is nobody's. It counts with the
 * room that was taken for it: Huffman's code may be longer than its text. */
static vel_result decode_head(struct vel_h3_exchange *e, struct vel_slice section)
{
    struct vel_http *http = e->common.http;
    struct vel_header_list *head = &e->common.head;
    enum vel_err err = vel_qpack_read(section, head);
    head->section_size = VEL_MAX(head->section_size, section.len);
    http->heads += head->section_size;
    if (err == VEL_ERR_LIMIT || http->heads > VEL_HTTP_MAX_HEADS) {
        e->common.refused = true;
        vel_exchange_forget_head(&e->common);
        return VEL_OK;
    }
    return err;
}

/* RFC 9110 6.4.1, 15.3.5, 15.4.5: no body comes with these, whatever length is announced. */
static void note_facts(struct vel_h3_exchange *e, const struct vel_h3_facts *facts)
{
    bool bodiless = e->head_only || facts->status == 204 || facts->status == 304;
    e->length = e->common.http->client && bodiless ? 0 : facts->length;
    if (!e->prioritized)
        e->priority = facts->priority;
}

static void trace_section(const struct vel_h3_exchange *e, struct vel_slice section,
                          struct vel_slice method, unsigned status)
{
    VEL_H3_TRACE(
        session_of(e), .type = VEL_HTTP_TRACE_FRAME, .remote = true, .stream = e->common.stream,
        .frame = {
            .type = VEL_H3_HEADERS, .length = section.len, .method = method, .status = status});
}

static struct vel_slice method_of(struct vel_fields fields)
{
    for (size_t i = 0; i < fields.count; i++)
        if (vel_slice_equal(fields.items[i].name, vel_slice_text(":method")))
            return fields.items[i].value;
    return vel_slice(NULL, 0);
}

static vel_result head_came(struct vel_h3_exchange *e, struct vel_slice section)
{
    struct vel_exchange *exchange = &e->common;
    struct vel_h3_facts facts = {.length = VEL_H3_LENGTH_UNKNOWN};
    bool client = exchange->http->client;
    vel_exchange_forget_head(exchange); /* of an informational response */
    if (!exchange->refused)
        TRY(decode_head(e, section));
    if (exchange->refused) {
        trace_section(e, section, vel_slice(NULL, 0), 0);
        e->phase = VEL_H3_BODY;
        return vel_exchange_head_done(exchange);
    }
    struct vel_fields fields = {.items = exchange->head.items, .count = exchange->head.count};
    bool good = client ? vel_h3_response_ok(fields, &facts) : vel_h3_request_ok(fields, &facts);
    if (session_of(e)->streams.ops->trace != NULL)
        trace_section(e, section, method_of(fields), facts.status);
    if (!good) {
        malformed(e);
        return VEL_OK;
    }
    if (!client || facts.status >= 200) {
        e->phase = VEL_H3_BODY;
        note_facts(e, &facts);
    }
    if (!client)
        vel_h3_apply_priority(e);
    return vel_exchange_head_done(exchange);
}

/* They are checked, counted and not shown. */
static vel_result trailers_came(struct vel_h3_exchange *e, struct vel_slice section)
{
    struct vel_exchange *exchange = &e->common;
    struct vel_header_list list;
    e->phase = VEL_H3_TRAILED;
    trace_section(e, section, vel_slice(NULL, 0), 0);
    if (exchange->refused)
        return VEL_OK;
    vel_headers_init(&list, exchange->http->env);
    enum vel_err err = vel_qpack_read(section, &list);
    struct vel_fields fields = {.items = list.items, .count = list.count};
    for (size_t i = 0; err == VEL_OK && i < fields.count; i++)
        err = vel_exchange_count_trailer(exchange, fields.items[i].name, fields.items[i].value);
    bool good = err != VEL_OK || vel_h3_trailers_ok(fields);
    vel_headers_clear(&list);
    if (!good)
        malformed(e);
    return err;
}

static void section_came(struct vel_h3_exchange *e, struct vel_slice section)
{
    struct vel_http *http = e->common.http;
    enum vel_err err = e->phase == VEL_H3_HEAD ? head_came(e, section) : trailers_came(e, section);
    if (err == VEL_ERR_MALFORMED)
        vel_http_fail(http, VEL_QPACK_DECOMPRESSION_FAILED, "field section cannot be decoded");
    else if (err == VEL_ERR_LIMIT)
        give_up(e, VEL_H3_EXCESSIVE_LOAD);
    else if (err != VEL_OK)
        vel_http_fail(http, VEL_H3_INTERNAL_ERROR, "out of memory");
}

/* ---- frames ---- */

static void unexpected(struct vel_h3_exchange *e)
{
    vel_http_fail(e->common.http, VEL_H3_FRAME_UNEXPECTED, "frame out of place");
}

static void begin_headers(struct vel_h3_exchange *e)
{
    bool head = e->phase == VEL_H3_HEAD;
    if (e->phase == VEL_H3_TRAILED)
        unexpected(e);
    else if (head && e->left > FAR_BEYOND)
        vel_http_fail(e->common.http, VEL_H3_EXCESSIVE_LOAD, "header section too large");
    else if (!head && e->left > VEL_HTTP_MAX_FIELD_SECTION)
        give_up(e, VEL_H3_EXCESSIVE_LOAD);
    else if (e->left > VEL_HTTP_MAX_FIELD_SECTION)
        refuse(e);
}

/* RFC 9114 7.2: most frames have their place elsewhere; unknown ones are stepped over (9). */
static void begin_frame(struct vel_h3_exchange *e, uint64_t type)
{
    enum { OTHER = 0xff };
    e->in_frame = true;
    e->frame = OTHER;
    if (type != VEL_H3_HEADERS) /* which is told when it is decoded */
        VEL_H3_TRACE(session_of(e), .type = VEL_HTTP_TRACE_FRAME, .remote = true,
                     .stream = e->common.stream, .frame = {.type = type, .length = e->left});
    switch (type) {
    case VEL_H3_DATA:
        e->frame = VEL_H3_DATA;
        if (e->phase != VEL_H3_BODY)
            unexpected(e);
        break;
    case VEL_H3_HEADERS:
        e->frame = VEL_H3_HEADERS;
        begin_headers(e);
        break;
    case VEL_H3_PUSH_PROMISE: /* 7.2.5: we never allow one */
        if (e->common.http->client)
            vel_http_fail(e->common.http, VEL_H3_ID_ERROR, "push promise");
        else
            unexpected(e);
        break;
    case VEL_H3_CANCEL_PUSH:
    case VEL_H3_SETTINGS:
    case VEL_H3_GOAWAY:
    case VEL_H3_MAX_PUSH_ID:
    case VEL_H3_PRIORITY_UPDATE:
    case VEL_H3_PUSH_PRIORITY_UPDATE:
    case 0x02: /* of HTTP/2, 7.2.8 */
    case 0x06:
    case 0x08:
    case 0x09:
        unexpected(e);
        break;
    default:
        break;
    }
}

/* Bytes of a frame header; how many were taken. */
static size_t take_header(struct vel_h3_exchange *e, struct vel_slice bytes)
{
    size_t before = e->header_size;
    size_t more = VEL_MIN(bytes.len, sizeof e->header - before);
    memcpy(e->header + before, bytes.ptr, more);
    struct vel_reader r = vel_reader(vel_slice(e->header, before + more));
    uint64_t type = vel_read_varint(&r);
    uint64_t length = vel_read_varint(&r);
    if (!vel_read_ok(&r)) { /* the two fit in there: all that came is part of them */
        e->header_size = (uint8_t)(before + more);
        return more;
    }
    size_t used = before + more - vel_left(&r) - before;
    e->header_size = 0;
    e->left = length;
    begin_frame(e, type);
    return used;
}

static void data_came(struct vel_h3_exchange *e, struct vel_slice bytes)
{
    e->body += bytes.len;
    if (e->length != VEL_H3_LENGTH_UNKNOWN && e->body > e->length)
        malformed(e);
    else
        vel_exchange_body_came(&e->common, bytes);
}

/* A part of a HEADERS frame that does not come in one piece. */
static void hold(struct vel_h3_exchange *e, struct vel_slice bytes)
{
    struct vel_http *http = e->common.http;
    if (http->heads + bytes.len > VEL_HTTP_MAX_HEADS) {
        refuse(e);
        return;
    }
    e->section.env = http->env;
    e->section.limit = VEL_HTTP_MAX_FIELD_SECTION;
    if (vel_buf_append(&e->section, bytes) != VEL_OK) {
        vel_http_fail(http, VEL_H3_INTERNAL_ERROR, "out of memory");
        return;
    }
    http->heads += bytes.len;
}

static void headers_came(struct vel_h3_exchange *e, struct vel_slice bytes)
{
    bool in_one = e->left == 0 && e->section.len == 0;
    if (!in_one && !e->common.refused)
        hold(e, bytes);
    if (e->left > 0 || e->common.http->failed)
        return;
    if (in_one || e->common.refused) { /* the bytes of a refused one do not matter */
        section_came(e, bytes);
        return;
    }
    struct vel_buf section = e->section;
    e->section = (struct vel_buf){0};
    e->common.http->heads -= section.len;
    section_came(e, vel_buf_slice(&section));
    vel_buf_free(&section);
}

/* Bytes of the payload; how many were taken. */
static size_t take_payload(struct vel_h3_exchange *e, struct vel_slice bytes)
{
    size_t size = (size_t)VEL_MIN(e->left, (uint64_t)bytes.len);
    struct vel_slice part = vel_slice(bytes.ptr, size);
    e->left -= size;
    e->in_frame = e->left > 0;
    if (e->frame == VEL_H3_HEADERS)
        headers_came(e, part);
    else if (e->frame == VEL_H3_DATA && size > 0)
        data_came(e, part);
    return size;
}

size_t vel_h3_bytes_came(struct vel_h3_exchange *e, struct vel_slice bytes)
{
    size_t taken = 0;
    e->began = e->began || bytes.len > 0;
    while (is_on(e) && (taken < bytes.len || (e->in_frame && e->left == 0))) {
        struct vel_slice rest = vel_slice(bytes.ptr + taken, bytes.len - taken);
        taken += e->in_frame ? take_payload(e, rest) : take_header(e, rest);
    }
    return taken;
}

void vel_h3_end_came(struct vel_h3_exchange *e)
{
    struct vel_http *http = e->common.http;
    e->read_end = true;
    if (http->failed || e->common.cancelled)
        return;
    if (e->in_frame || e->header_size > 0)
        vel_http_fail(http, VEL_H3_FRAME_ERROR, "stream ends within a frame");
    else if (e->phase == VEL_H3_HEAD && e->began && http->client)
        malformed(e);
    else if (e->phase == VEL_H3_HEAD)
        vel_exchange_abort(&e->common, VEL_H3_REQUEST_INCOMPLETE, true);
    else if (e->length != VEL_H3_LENGTH_UNKNOWN && e->body != e->length)
        malformed(e);
    else
        vel_exchange_end_came(&e->common);
}
