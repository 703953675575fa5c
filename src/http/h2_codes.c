/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "http/h2_internal.h"

/* RFC 9113 7 and RFC 9114 8.1. The first row with a code counts, in either direction. */
static const struct {
    uint32_t h2;
    uint64_t h3;
} codes[] = {
    {NGHTTP2_NO_ERROR, VEL_H3_NO_ERROR},
    {NGHTTP2_CANCEL, VEL_H3_REQUEST_CANCELLED},
    {NGHTTP2_REFUSED_STREAM, VEL_H3_REQUEST_REJECTED},
    {NGHTTP2_PROTOCOL_ERROR, VEL_H3_MESSAGE_ERROR},
    {NGHTTP2_PROTOCOL_ERROR, VEL_H3_GENERAL_PROTOCOL_ERROR},
    {NGHTTP2_INTERNAL_ERROR, VEL_H3_INTERNAL_ERROR},
    {NGHTTP2_FLOW_CONTROL_ERROR, VEL_H3_GENERAL_PROTOCOL_ERROR},
    {NGHTTP2_SETTINGS_TIMEOUT, VEL_H3_MISSING_SETTINGS},
    {NGHTTP2_STREAM_CLOSED, VEL_H3_FRAME_UNEXPECTED},
    {NGHTTP2_FRAME_SIZE_ERROR, VEL_H3_FRAME_ERROR},
    {NGHTTP2_COMPRESSION_ERROR, VEL_QPACK_DECOMPRESSION_FAILED},
    {NGHTTP2_CONNECT_ERROR, VEL_H3_CONNECT_ERROR},
    {NGHTTP2_ENHANCE_YOUR_CALM, VEL_H3_EXCESSIVE_LOAD},
    {NGHTTP2_INADEQUATE_SECURITY, VEL_H3_GENERAL_PROTOCOL_ERROR},
    {NGHTTP2_HTTP_1_1_REQUIRED, VEL_H3_VERSION_FALLBACK},
    {NGHTTP2_CANCEL, VEL_H3_REQUEST_INCOMPLETE},
};

uint64_t vel_h2_code_in(uint32_t code)
{
    for (size_t i = 0; i < VEL_COUNT(codes); i++)
        if (codes[i].h2 == code)
            return codes[i].h3;
    return VEL_H3_INTERNAL_ERROR; /* RFC 9113 7: as INTERNAL_ERROR */
}

uint32_t vel_h2_code_out(uint64_t code)
{
    for (size_t i = 0; i < VEL_COUNT(codes); i++)
        if (codes[i].h3 == code)
            return codes[i].h2;
    return NGHTTP2_PROTOCOL_ERROR;
}
