/* SPDX-License-Identifier: MIT */
#include "pki/alt.h"

#include "base/try.h"
#include "pki/der.h"
#include "pki/ext.h"

static void copy_extensions(struct vel_writer *w, struct vel_reader *extensions)
{
    uint8_t *outer = vel_der_begin(w, VEL_DER_EXPLICIT + 3);
    uint8_t *list = vel_der_begin(w, VEL_DER_SEQUENCE);
    while (vel_read_ok(extensions) && vel_left(extensions) > 0) {
        struct vel_ext ext = vel_ext_next(extensions);
        if (!vel_ext_is(&ext, VEL_EXT_ALT_VALUE))
            vel_write_bytes(w, ext.whole);
    }
    vel_der_end(w, list);
    vel_der_end(w, outer);
}

vel_result vel_alt_message(const struct vel_alt_parts *parts, struct vel_buf *message)
{
    size_t most =
        parts->head.len + parts->middle.len + parts->extensions.len + 3 * (1 + VEL_DER_LENGTH_MAX);
    TRY(vel_buf_reserve(message, most));

    struct vel_writer w = vel_writer(message->ptr + message->len, most);
    struct vel_reader extensions = vel_reader(parts->extensions);
    uint8_t *tbs = vel_der_begin(&w, VEL_DER_SEQUENCE);
    vel_write_bytes(&w, parts->head);
    vel_write_bytes(&w, parts->middle);
    copy_extensions(&w, &extensions);
    vel_der_end(&w, tbs);
    REQUIRE(vel_read_ok(&extensions), VEL_ERR_MALFORMED);
    VEL_ASSERT(vel_write_ok(&w));
    message->len += vel_written(&w);
    return VEL_OK;
}
