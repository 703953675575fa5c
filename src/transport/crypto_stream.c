/* SPDX-License-Identifier: MIT */
#include "transport/crypto_stream.h"

#include "base/try.h"
#include "base/units.h"
#include "transport/error.h"
#include "transport/frame.h"
#include "transport/sent.h"

void vel_crypto_stream_init(struct vel_crypto_stream *c, struct vel_pool *pool)
{
    vel_send_buffer_init(&c->send, pool, VEL_CRYPTO_LIMIT);
    vel_recv_buffer_init(&c->recv, pool);
}

void vel_crypto_stream_clear(struct vel_crypto_stream *c)
{
    vel_send_buffer_clear(&c->send);
    vel_recv_buffer_clear(&c->recv);
}

vel_result vel_crypto_stream_write(struct vel_crypto_stream *c, struct vel_slice bytes)
{
    REQUIRE(bytes.len <= vel_send_buffer_room(&c->send), VEL_ERR_LIMIT);
    size_t accepted = 0;
    TRY(vel_send_buffer_write(&c->send, bytes, false, &accepted));
    REQUIRE(accepted == bytes.len, VEL_ERR_NOMEM);
    return VEL_OK;
}

vel_result vel_crypto_stream_on_frame(struct vel_crypto_stream *c,
                                      const struct vel_frame_crypto *frame, uint64_t *wire_code)
{
    uint64_t end = frame->offset + frame->data.len;
    if (end > c->recv.consumed + VEL_CRYPTO_LIMIT) {
        *wire_code = VEL_WIRE_CRYPTO_BUFFER_EXCEEDED;
        return VEL_ERR_LIMIT;
    }
    enum vel_err err = vel_recv_buffer_insert(&c->recv, frame->offset, frame->data, false);
    if (err != VEL_OK)
        *wire_code =
            err == VEL_ERR_LIMIT ? VEL_WIRE_CRYPTO_BUFFER_EXCEEDED : VEL_WIRE_INTERNAL_ERROR;
    return err;
}

struct vel_slice vel_crypto_stream_read(const struct vel_crypto_stream *c)
{
    bool fin = false;
    return vel_recv_buffer_read(&c->recv, &fin);
}

void vel_crypto_stream_consume(struct vel_crypto_stream *c, size_t count)
{
    vel_recv_buffer_consume(&c->recv, count);
    vel_recv_buffer_trim(&c->recv);
}

bool vel_crypto_stream_has_unread(const struct vel_crypto_stream *c)
{
    return c->recv.highest > c->recv.consumed;
}

bool vel_crypto_stream_want_send(const struct vel_crypto_stream *c)
{
    return vel_send_buffer_has_lost(&c->send) || c->send.sent < c->send.end;
}

/* One frame of at most `most` bytes from `offset`; *len tells how many it took: 0 when the packet
 * holds no more. */
static vel_result put_frame(const struct vel_crypto_stream *c, uint64_t offset, uint64_t most,
                            struct vel_writer *w, struct vel_sent *sent, size_t *len)
{
    size_t size = (size_t)VEL_MIN(vel_frame_crypto_fit(offset, vel_room(w)), most);
    struct vel_record record = {.kind = VEL_RECORD_CRYPTO, .offset = offset, .len = (uint32_t)size};
    enum vel_err err = size > 0 ? vel_sent_add(sent, record) : VEL_ERR_LIMIT;
    if (err == VEL_ERR_LIMIT) {
        *len = 0;
        return VEL_OK;
    }
    TRY(err);
    vel_frame_write_crypto(w, offset, size);
    vel_send_buffer_copy(&c->send, offset, size, vel_write_space(w, size));
    *len = size;
    return VEL_OK;
}

vel_result vel_crypto_stream_write_frames(struct vel_crypto_stream *c, struct vel_writer *w,
                                          struct vel_sent *sent)
{
    struct vel_send_span span;
    while (vel_send_buffer_next(&c->send, SIZE_MAX, UINT64_MAX, &span)) {
        TRY(put_frame(c, span.offset, span.len, w, sent, &span.len));
        if (span.len == 0)
            break;
        TRY(vel_send_buffer_sent(&c->send, &span));
    }
    return VEL_OK;
}

vel_result vel_crypto_stream_repeat_frames(const struct vel_crypto_stream *c, uint64_t *offset,
                                           struct vel_writer *w, struct vel_sent *sent)
{
    for (;;) {
        struct vel_range range = vel_ranges_gap(&c->send.acked, VEL_MAX(*offset, c->send.base));
        uint64_t end = VEL_MIN(range.end, c->send.sent);
        if (range.start >= end)
            return VEL_OK;
        size_t len = 0;
        TRY(put_frame(c, range.start, end - range.start, w, sent, &len));
        if (len == 0)
            return VEL_OK;
        *offset = range.start + len;
    }
}

static struct vel_send_span span_of(const struct vel_record *record)
{
    return (struct vel_send_span){.offset = record->offset, .len = record->len};
}

vel_result vel_crypto_stream_acked(struct vel_crypto_stream *c, const struct vel_record *record)
{
    struct vel_send_span span = span_of(record);
    return vel_send_buffer_acked(&c->send, &span);
}

vel_result vel_crypto_stream_lost(struct vel_crypto_stream *c, const struct vel_record *record)
{
    struct vel_send_span span = span_of(record);
    return vel_send_buffer_lost(&c->send, &span);
}
