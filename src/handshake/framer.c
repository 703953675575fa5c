/* SPDX-License-Identifier: MIT */
#include "handshake/framer.h"

#include "base/reader.h"
#include "base/try.h"
#include "base/units.h"

/* Move bytes from *in until the buffer holds `want`. It grows with what came, not with what was
 * announced. */
static vel_result fill(struct vel_framer *framer, struct vel_slice *in, size_t want)
{
    size_t have = framer->buf.len;
    if (have < want) {
        size_t take = VEL_MIN(want - have, in->len);
        TRY(vel_buf_append(&framer->buf, vel_slice(in->ptr, take)));
        *in = vel_slice(in->ptr + take, in->len - take);
    }
    return framer->buf.len < want ? VEL_ERR_AGAIN : VEL_OK;
}

vel_result vel_framer_header(struct vel_framer *framer, struct vel_slice *in, uint8_t *type,
                             size_t *body_size)
{
    TRY(fill(framer, in, VEL_MSG_HEADER));
    struct vel_reader r = vel_reader(vel_buf_slice(&framer->buf));
    *type = (uint8_t)vel_read_uint(&r, 1);
    *body_size = (size_t)vel_read_uint(&r, 3);
    return VEL_OK;
}

vel_result vel_framer_body(struct vel_framer *framer, struct vel_slice *in,
                           struct vel_message *message)
{
    uint8_t type;
    size_t size;
    TRY(vel_framer_header(framer, in, &type, &size));
    REQUIRE(size <= VEL_CHAIN_BYTES_MAX, VEL_ERR_LIMIT);
    TRY(fill(framer, in, VEL_MSG_HEADER + size));
    *message = (struct vel_message){
        .type = type,
        .whole = vel_buf_slice(&framer->buf),
        .body = vel_slice(framer->buf.ptr + VEL_MSG_HEADER, size),
    };
    return VEL_OK;
}

void vel_framer_next(struct vel_framer *framer)
{
    vel_buf_free(&framer->buf);
}
