/* SPDX-License-Identifier: MIT */
#include "base/try.h"
#include "base/units.h"
#include "http/h1_internal.h"

/* ---- llhttp's callbacks: notes only, but for the body ---- */

static struct vel_h1 *of(const llhttp_t *parser)
{
    return parser->data;
}

/* Bytes of the head or the trailer section. */
static bool count_head(struct vel_h1 *h1, size_t size)
{
    h1->head_bytes += size;
    if (h1->head_bytes <= VEL_H1_HEAD_MAX)
        return true;
    h1->refusal = 431;
    return false;
}

/* What is too long for its buffer is dropped with the field, which counts as refused. */
static int append(struct vel_h1 *h1, struct vel_buf *buf, const char *at, size_t size)
{
    if (!count_head(h1, size))
        return HPE_USER;
    enum vel_err err = vel_buf_append(buf, vel_slice(at, size));
    if (err == VEL_ERR_LIMIT)
        h1->current->base.refused = true;
    if (err == VEL_ERR_NOMEM)
        h1->refusal = 500;
    return err == VEL_ERR_NOMEM ? HPE_USER : HPE_OK;
}

static int on_field(llhttp_t *parser, const char *at, size_t size)
{
    return append(of(parser), &of(parser)->name, at, size);
}

static int on_value(llhttp_t *parser, const char *at, size_t size)
{
    return append(of(parser), &of(parser)->value, at, size);
}

static int on_value_complete(llhttp_t *parser)
{
    struct vel_h1 *h1 = of(parser);
    bool trailer = h1->phase == VEL_H1_BODY;
    if (!count_head(h1, 4)) /* a colon, a space, CRLF */
        return HPE_USER;
    if (trailer && vel_exchange_count_trailer(&h1->current->base, vel_buf_slice(&h1->name),
                                              vel_buf_slice(&h1->value)) != VEL_OK)
        h1->refusal = 431;
    if (!trailer)
        vel_h1_field_came(h1);
    h1->name.len = h1->value.len = 0;
    return h1->refusal == 0 ? HPE_OK : HPE_USER;
}

/* A response to HEAD has a head only, whatever it says (RFC 9112 6.3). Nobody here upgrades. */
static int on_headers_complete(llhttp_t *parser)
{
    struct vel_h1 *h1 = of(parser);
    h1->head_came = true;
    parser->upgrade = 0;
    return h1->http.client && h1->current->head_only ? 1 : HPE_PAUSED;
}

static int on_body(llhttp_t *parser, const char *at, size_t size)
{
    struct vel_h1 *h1 = of(parser);
    vel_exchange_body_came(&h1->current->base, vel_slice(at, size));
    bool stop = h1->current->base.paused || h1->current->base.cancelled || h1->over;
    return stop ? HPE_PAUSED : HPE_OK;
}

static int on_extension(llhttp_t *parser, const char *at, size_t size)
{
    struct vel_h1 *h1 = of(parser);
    (void)at;
    h1->extension_bytes += size + 1;
    if (h1->extension_bytes > VEL_H1_EXTENSIONS_MAX)
        h1->refusal = 400;
    return h1->refusal == 0 ? HPE_OK : HPE_USER;
}

static int on_message_complete(llhttp_t *parser)
{
    of(parser)->message_came = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_chunk_extension_name = on_extension,
    .on_chunk_extension_value = on_extension,
    .on_message_complete = on_message_complete,
};

/* ---- feeding it ---- */

void vel_h1_parser_reset(struct vel_h1 *h1)
{
    llhttp_init(&h1->parser, h1->http.client ? HTTP_RESPONSE : HTTP_REQUEST, &settings);
    h1->parser.data = h1;
    h1->head_bytes = h1->extension_bytes = 0;
    h1->blank_lines = 0;
    h1->hosts = h1->lengths = h1->encodings = h1->expectations = 0;
    h1->content_length = 0;
    h1->host_bad = h1->encoding_bad = h1->expects_continue = false;
    h1->head_came = h1->message_came = false;
    h1->refusal = 0;
    vel_buf_free(&h1->line);
    vel_buf_free(&h1->name);
    vel_buf_free(&h1->value);
}

/* What a refusal by llhttp alone is answered with: our own reader has been over the start line, so
 * what it does not like there is the method. */
static unsigned status_of(llhttp_errno_t error)
{
    return error == HPE_INVALID_METHOD ? 501 : 400;
}

static size_t run(struct vel_h1 *h1, struct vel_slice bytes)
{
    const char *start = (const char *)bytes.ptr;
    llhttp_errno_t error = llhttp_execute(&h1->parser, start, bytes.len);
    if (error == HPE_OK)
        return bytes.len;
    if (error == HPE_PAUSED) {
        size_t used = (size_t)(llhttp_get_error_pos(&h1->parser) - start);
        llhttp_resume(&h1->parser);
        return used;
    }
    vel_h1_refuse(h1, h1->refusal != 0 ? h1->refusal : status_of(error));
    return bytes.len;
}

/* What the callbacks took note of. The application may have paused; a message that ends here ends
 * without any more bytes, so llhttp goes on with none. */
static void look_at_notes(struct vel_h1 *h1)
{
    if (h1->head_came) {
        h1->head_came = false;
        vel_h1_head_came(h1);
        if (!h1->over && h1->refusal == 0 && !h1->message_came)
            (void)run(h1, vel_slice("", 0));
    }
    if (h1->message_came && !h1->over && h1->refusal == 0) {
        h1->message_came = false;
        vel_h1_message_came(h1);
    }
}

size_t vel_h1_parse_body(struct vel_h1 *h1, struct vel_slice bytes)
{
    size_t used = run(h1, bytes);
    look_at_notes(h1);
    return used;
}

/* Lines up to the start line end in LF; one that is empty is passed over. */
static size_t take_line(struct vel_h1 *h1, struct vel_slice bytes)
{
    const uint8_t *lf = memchr(bytes.ptr, '\n', bytes.len);
    size_t size = lf != NULL ? (size_t)(lf - bytes.ptr) + 1 : bytes.len;
    enum vel_err err = vel_buf_append(&h1->line, vel_slice(bytes.ptr, size));
    if (err != VEL_OK) {
        vel_h1_refuse(h1, err == VEL_ERR_LIMIT ? 414 : 500);
        return bytes.len;
    }
    if (h1->phase == VEL_H1_AWAITING && h1->line.ptr[0] != '\r') {
        h1->phase = VEL_H1_LINE;
        h1->head_since = h1->now;
    }
    if (lf == NULL)
        return size;
    struct vel_slice line = vel_buf_slice(&h1->line);
    bool crlf = line.len >= 2 && line.ptr[line.len - 2] == '\r';
    if (crlf && line.len == 2 && ++h1->blank_lines <= VEL_H1_BLANK_MAX) {
        vel_buf_free(&h1->line);
        return size;
    }
    if (!crlf || line.len == 2) {
        vel_h1_refuse(h1, 400);
        return bytes.len;
    }
    vel_h1_line_came(h1, vel_slice(line.ptr, line.len - 2));
    if (h1->refusal != 0 || h1->over)
        return bytes.len;
    h1->phase = VEL_H1_FIELDS;
    (void)run(h1, line);
    vel_buf_free(&h1->line);
    return size;
}

size_t vel_h1_parse(struct vel_h1 *h1, struct vel_slice bytes)
{
    bytes.len = VEL_MIN(bytes.len, (size_t)VEL_H1_READ_MAX);
    if (h1->phase == VEL_H1_AWAITING || h1->phase == VEL_H1_LINE)
        return take_line(h1, bytes);
    return vel_h1_parse_body(h1, bytes);
}
