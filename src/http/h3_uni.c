/* SPDX-License-Identifier: MIT */
#include "base/reader.h"
#include "base/units.h"
#include "http/h3_internal.h"

/* The peer's unidirectional streams (RFC 9114 6.2, RFC 9204 4.2). */

enum stream_type { CONTROL = 0x00, PUSH = 0x01, ENCODER = 0x02, DECODER = 0x03 };

void vel_h3_uni_init(struct vel_h3_uni *uni)
{
    *uni = (struct vel_h3_uni){
        .control = VEL_H3_NO_STREAM, .encoder = VEL_H3_NO_STREAM, .decoder = VEL_H3_NO_STREAM};
}

bool vel_h3_uni_is_critical(const struct vel_h3_uni *uni, uint64_t stream)
{
    return stream == uni->control || stream == uni->encoder || stream == uni->decoder;
}

/* ---- QPACK's streams ---- */

/* The peer's table has no room, so all that it may say is that it has none (RFC 9204 4.3.1). */
static void encoder_came(struct vel_h3 *session, struct vel_slice bytes)
{
    enum { SET_CAPACITY_0 = 0x20 };
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.ptr[i] != SET_CAPACITY_0)
            vel_http_fail(&session->common, VEL_QPACK_ENCODER_STREAM_ERROR,
                          "instruction for a table that does not exist");
}

/* We put nothing into a table, so there is nothing to acknowledge: only cancellations of streams may
 * come (4.4.2), whose ids may be long. */
static void decoder_came(struct vel_h3 *session, struct vel_slice bytes)
{
    enum { CANCELLATION = 0x40, KIND = 0xc0, ID = 0x3f, MORE = 0x80 };
    bool within = session->uni.cancellation;
    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t byte = bytes.ptr[i];
        if (within)
            within = (byte & MORE) != 0;
        else if ((byte & KIND) == CANCELLATION)
            within = (byte & ID) == ID;
        else
            vel_http_fail(&session->common, VEL_QPACK_DECODER_STREAM_ERROR,
                          "acknowledgement of nothing");
    }
    session->uni.cancellation = within;
}

/* ---- streams ---- */

static void open_known(struct vel_h3 *session, uint64_t stream, uint64_t *slot)
{
    if (*slot != VEL_H3_NO_STREAM) {
        vel_http_fail(&session->common, VEL_H3_STREAM_CREATION_ERROR, "second critical stream");
        return;
    }
    *slot = stream;
}

/* Unknown types are not read (RFC 9114 6.2). */
static void open_stream(struct vel_h3 *session, uint64_t stream, uint64_t type)
{
    struct vel_h3_uni *uni = &session->uni;
    enum vel_err ignored = VEL_OK;
    VEL_H3_TRACE(session, .type = VEL_HTTP_TRACE_STREAM, .remote = true, .stream = stream,
                 .stream_type = type);
    switch (type) {
    case CONTROL:
        open_known(session, stream, &uni->control);
        break;
    case ENCODER:
        open_known(session, stream, &uni->encoder);
        break;
    case DECODER:
        open_known(session, stream, &uni->decoder);
        break;
    case PUSH: /* 4.6, 6.2.2: we never allow one */
        vel_http_fail(&session->common,
                      session->common.client ? VEL_H3_ID_ERROR : VEL_H3_STREAM_CREATION_ERROR,
                      "push stream");
        break;
    default:
        ignored =
            session->streams.ops->stop(session->streams.self, stream, VEL_H3_STREAM_CREATION_ERROR);
        break;
    }
    (void)ignored; /* it has ended already: as good */
}

/* The place of a young stream, or else a free one; NULL: there is none. */
static struct vel_h3_young *young_of(struct vel_h3_uni *uni, uint64_t stream)
{
    struct vel_h3_young *found = NULL;
    for (size_t i = 0; i < VEL_H3_YOUNG_MAX; i++) {
        struct vel_h3_young *young = &uni->young[i];
        if (young->size > 0 && young->stream == stream)
            return young;
        if (young->size == 0)
            found = young;
    }
    return found;
}

void vel_h3_uni_forget(struct vel_h3_uni *uni, uint64_t stream)
{
    struct vel_h3_young *young = young_of(uni, stream);
    if (young != NULL)
        young->size = 0;
}

/* Bytes of a stream whose type did not come yet; how many were taken. Who begins more streams in that
 * way than anybody has a reason to is not listened to. */
static size_t type_came(struct vel_h3 *session, uint64_t stream, struct vel_slice bytes,
                        uint64_t *type, bool *known)
{
    enum { NOBODYS = 0x21 }; /* reserved, RFC 9114 6.2.3 */
    struct vel_h3_young none = {.stream = stream}, *young = young_of(&session->uni, stream);
    if (young == NULL)
        young = &none;
    size_t before = young->size;
    size_t more = VEL_MIN(bytes.len, sizeof young->type - before);
    memcpy(young->type + before, bytes.ptr, more);
    struct vel_reader r = vel_reader(vel_slice(young->type, before + more));
    *type = vel_read_varint(&r);
    bool whole = vel_read_ok(&r);
    if (!whole)
        *type = NOBODYS;
    *known = whole || young == &none;
    young->stream = stream;
    young->size = *known ? 0 : (uint8_t)(before + more);
    return whole ? more - vel_left(&r) : more;
}

static void critical_came(struct vel_h3 *session, uint64_t stream, struct vel_slice bytes)
{
    if (stream == session->uni.control)
        vel_h3_control_came(session, bytes);
    else if (stream == session->uni.encoder)
        encoder_came(session, bytes);
    else
        decoder_came(session, bytes);
}

/* The same as read_some for a stream that is not known yet. */
static bool read_type(struct vel_h3 *session, uint64_t stream, struct vel_slice bytes, bool fin)
{
    uint64_t type;
    bool known = false;
    size_t taken = 0;
    if (bytes.len > 0)
        taken = type_came(session, stream, bytes, &type, &known);
    bool ends = fin && taken == bytes.len;
    if (ends)
        vel_h3_uni_forget(&session->uni, stream);
    if (taken == 0 || session->streams.ops->consume(session->streams.self, stream, taken) != VEL_OK)
        return false;
    if (known)
        open_stream(session, stream, type); /* a stop forgets the bytes */
    return known ? vel_h3_uni_is_critical(&session->uni, stream) : !ends;
}

/* One slice; false when there is nothing to read now. */
static bool read_some(struct vel_h3 *session, uint64_t stream)
{
    struct vel_slice bytes;
    bool fin;
    if (session->streams.ops->read(session->streams.self, stream, &bytes, &fin) != VEL_OK ||
        (bytes.len == 0 && !fin))
        return false;
    if (!vel_h3_uni_is_critical(&session->uni, stream)) {
        return read_type(session, stream, bytes, fin);
    }
    critical_came(session, stream, bytes);
    if (fin)
        vel_http_fail(&session->common, VEL_H3_CLOSED_CRITICAL_STREAM, "critical stream ended");
    return session->streams.ops->consume(session->streams.self, stream, bytes.len) == VEL_OK &&
           !fin;
}

void vel_h3_read_uni(struct vel_h3 *session, uint64_t stream)
{
    while (!session->common.failed && read_some(session, stream))
        ;
}
