/* SPDX-License-Identifier: MIT */
#include "handshake/messages.h"

#include "base/reader.h"
#include "base/try.h"
#include "base/units.h"
#include "handshake/messages_internal.h"

/* VEL-HS-02. The hello's limit leaves room for two large key shares; a chain is bounded again by
 * the verifier's own limits. */
static const struct {
    uint8_t type;
    uint32_t max;
} limits[] = {
    {VEL_MSG_CLIENT_HELLO, 16 * 1024},
    {VEL_MSG_SERVER_HELLO, 4 * 1024},
    {VEL_MSG_HELLO_RETRY, 1024},
    {VEL_MSG_ENCRYPTED_EXTENSIONS, 4 * 1024},
    {VEL_MSG_CERTIFICATE, VEL_CHAIN_BYTES_MAX},
    {VEL_MSG_CERTIFICATE_REQUEST, 4 * 1024},
    {VEL_MSG_CERTIFICATE_VERIFY, 8 * 1024},
    {VEL_MSG_FINISHED, VEL_HASH_MAX},
};

size_t vel_message_max(uint8_t type)
{
    for (size_t i = 0; i < VEL_COUNT(limits); i++)
        if (limits[i].type == type)
            return limits[i].max;
    return 0;
}

bool vel_codes_have(struct vel_slice codes, uint16_t code)
{
    struct vel_reader r = vel_reader(codes);
    while (vel_left(&r) >= 2)
        if (vel_read_uint(&r, 2) == code)
            return true;
    return false;
}

vel_result vel_message_open(struct vel_message_builder *b, struct vel_buf *out,
                            enum vel_message_type type, size_t room)
{
    TRY(vel_buf_reserve(out, VEL_MSG_HEADER + room));
    b->out = out;
    b->w = vel_writer(out->ptr + out->len, VEL_MSG_HEADER + room);
    vel_write_uint(&b->w, type, 1);
    b->length = vel_begin_vector(&b->w, 3);
    return VEL_OK;
}

vel_result vel_message_close(struct vel_message_builder *b)
{
    vel_end_vector(&b->w, b->length, 3);
    REQUIRE(vel_write_ok(&b->w), VEL_ERR_LIMIT);
    REQUIRE(vel_written(&b->w) - VEL_MSG_HEADER <= vel_message_max(b->w.start[0]), VEL_ERR_LIMIT);
    b->out->len += vel_written(&b->w);
    return VEL_OK;
}

struct vel_slice vel_read_codes(struct vel_reader *r)
{
    struct vel_slice codes = vel_read_vector(r, 2);
    if (codes.len == 0 || codes.len % 2 != 0)
        r->failed = true;
    return codes;
}

void vel_write_vector(struct vel_writer *w, struct vel_slice body, size_t size)
{
    vel_write_uint(w, body.len, size);
    vel_write_bytes(w, body);
}
