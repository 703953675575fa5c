/* SPDX-License-Identifier: MIT */
#include "base/reader.h"
#include "base/units.h"
#include "http/h3_internal.h"

/*
 * The peer's unidirectional streams (RFC 9114 6.2). nghttp3 reads them, but control frames that
 * carry an id reach it only whole and checked: nghttp3 1.8 aborts the program when a
 * PRIORITY_UPDATE is cut after its id, and takes what follows an id in a frame for another frame.
 */

enum stream_type { CONTROL = 0x00, PUSH = 0x01, ENCODER = 0x02, DECODER = 0x03 };

enum frame_type {
    CANCEL_PUSH = 0x03,
    SETTINGS = 0x04,
    GOAWAY = 0x07,
    MAX_PUSH_ID = 0x0d,
    PRIORITY_UPDATE = 0xf0700
};

void vel_h3_uni_init(struct vel_h3_uni *uni)
{
    *uni = (struct vel_h3_uni){
        .control = VEL_H3_NO_STREAM, .encoder = VEL_H3_NO_STREAM, .decoder = VEL_H3_NO_STREAM};
}

static void give(struct vel_h3 *session, uint64_t stream, struct vel_slice bytes, bool fin)
{
    nghttp3_ssize n =
        nghttp3_conn_read_stream(session->h3, (int64_t)stream, bytes.ptr, bytes.len, fin);
    if (n < 0)
        vel_h3_fail_with(session, (int)n);
}

/* ---- control frames ---- */

static bool is_one_id(struct vel_slice payload, uint64_t *id)
{
    struct vel_reader r = vel_reader(payload);
    *id = vel_read_varint(&r);
    return vel_read_done(&r);
}

/* What is wrong with a whole frame; H3_NO_ERROR: nothing that nghttp3 would not see. */
static uint64_t fault_of(struct vel_h3_uni *uni, uint64_t type, struct vel_slice payload)
{
    uint64_t id;
    struct vel_reader r = vel_reader(payload);
    switch (type) {
    case GOAWAY:
        return is_one_id(payload, &id) ? VEL_H3_NO_ERROR : VEL_H3_FRAME_ERROR;
    case CANCEL_PUSH: /* 7.2.3: no push was promised or allowed */
        return is_one_id(payload, &id) ? VEL_H3_ID_ERROR : VEL_H3_FRAME_ERROR;
    case MAX_PUSH_ID: /* 7.2.7 */
        if (!is_one_id(payload, &id))
            return VEL_H3_FRAME_ERROR;
        if (id < uni->max_push)
            return VEL_H3_ID_ERROR;
        uni->max_push = id;
        return VEL_H3_NO_ERROR;
    case PRIORITY_UPDATE:
        vel_read_varint(&r);
        return vel_read_ok(&r) ? VEL_H3_NO_ERROR : VEL_H3_FRAME_ERROR;
    default:
        return VEL_H3_NO_ERROR;
    }
}

/* Frames that are held until they are whole. Before SETTINGS, and where they are out of place,
 * nghttp3 refuses them by their type alone. */
static bool is_held(const struct vel_h3 *session, uint64_t type)
{
    bool server = !session->common.client;
    if (!session->uni.settings_came)
        return false;
    return type == GOAWAY || type == CANCEL_PUSH ||
           (server && (type == MAX_PUSH_ID || type == PRIORITY_UPDATE));
}

static void frame_is_whole(struct vel_h3 *session, uint64_t type, struct vel_slice payload)
{
    struct vel_h3_uni *uni = &session->uni;
    uint64_t fault = fault_of(uni, type, payload);
    if (fault != VEL_H3_NO_ERROR)
        vel_http_fail(&session->common, fault, "bad frame on the control stream");
    else
        give(session, uni->control, vel_slice(uni->frame, uni->frame_size), false);
    uni->frame_size = 0;
}

/* A frame of ids that is longer than any can be: a priority with unknown parameters is skipped. */
static void frame_is_too_long(struct vel_h3 *session, uint64_t type, uint64_t rest)
{
    if (type != PRIORITY_UPDATE)
        vel_http_fail(&session->common, VEL_H3_FRAME_ERROR, "bad frame on the control stream");
    session->uni.skip = rest;
    session->uni.frame_size = 0;
}

/* One more byte of a frame that has not been given to nghttp3. */
static void hold(struct vel_h3 *session, uint8_t byte)
{
    struct vel_h3_uni *uni = &session->uni;
    uni->frame[uni->frame_size++] = byte;
    struct vel_reader r = vel_reader(vel_slice(uni->frame, uni->frame_size));
    uint64_t type = vel_read_varint(&r);
    uint64_t length = vel_read_varint(&r);
    if (!vel_read_ok(&r))
        return;
    size_t have = vel_left(&r);
    if (!is_held(session, type)) {
        uni->settings_came = uni->settings_came || type == SETTINGS;
        give(session, uni->control, vel_slice(uni->frame, uni->frame_size), false);
        uni->pass = length;
        uni->frame_size = 0;
    } else if (length > VEL_H3_FRAME_MAX - 2 * sizeof(uint64_t)) {
        frame_is_too_long(session, type, length - have);
    } else if (have == length) {
        frame_is_whole(session, type, vel_read_rest(&r));
    }
}

static void read_control(struct vel_h3 *session, struct vel_slice bytes)
{
    struct vel_h3_uni *uni = &session->uni;
    while (bytes.len > 0 && !session->common.failed) {
        size_t size = 1;
        if (uni->pass > 0) {
            size = (size_t)VEL_MIN(uni->pass, (uint64_t)bytes.len);
            uni->pass -= size;
            give(session, uni->control, vel_slice(bytes.ptr, size), false);
        } else if (uni->skip > 0) {
            size = (size_t)VEL_MIN(uni->skip, (uint64_t)bytes.len);
            uni->skip -= size;
        } else {
            hold(session, bytes.ptr[0]);
        }
        bytes = vel_slice(bytes.ptr + size, bytes.len - size);
    }
}

/* ---- streams ---- */

static bool is_known(const struct vel_h3_uni *uni, uint64_t stream)
{
    return stream == uni->control || stream == uni->encoder || stream == uni->decoder;
}

static void open_known(struct vel_h3 *session, uint64_t stream, struct vel_slice type,
                       uint64_t *slot)
{
    if (*slot != VEL_H3_NO_STREAM) {
        vel_http_fail(&session->common, VEL_H3_STREAM_CREATION_ERROR, "second critical stream");
        return;
    }
    *slot = stream;
    give(session, stream, type, false);
}

/* The first byte of a stream is its type. Longer types, and long encodings of short ones, which
 * nobody uses, are unknown: not read (RFC 9114 6.2). */
static void open_stream(struct vel_h3 *session, uint64_t stream, struct vel_slice type)
{
    struct vel_h3_uni *uni = &session->uni;
    enum vel_err ignored = VEL_OK;
    switch (type.ptr[0]) {
    case CONTROL:
        open_known(session, stream, type, &uni->control);
        break;
    case ENCODER:
        open_known(session, stream, type, &uni->encoder);
        break;
    case DECODER:
        open_known(session, stream, type, &uni->decoder);
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

/* One slice; false when there is nothing to read now. */
static bool read_some(struct vel_h3 *session, uint64_t stream)
{
    struct vel_h3_uni *uni = &session->uni;
    struct vel_slice bytes;
    bool fin;
    if (session->streams.ops->read(session->streams.self, stream, &bytes, &fin) != VEL_OK ||
        (bytes.len == 0 && !fin))
        return false;
    if (!is_known(uni, stream)) {
        if (bytes.len == 0)
            return false;
        uint8_t type = bytes.ptr[0]; /* a stop forgets the bytes */
        enum vel_err err = session->streams.ops->consume(session->streams.self, stream, 1);
        open_stream(session, stream, vel_slice(&type, 1));
        return err == VEL_OK;
    }
    if (fin && stream == uni->control)
        vel_http_fail(&session->common, VEL_H3_CLOSED_CRITICAL_STREAM, "control stream ended");
    else if (stream == uni->control)
        read_control(session, bytes);
    else
        give(session, stream, bytes, fin);
    return session->streams.ops->consume(session->streams.self, stream, bytes.len) == VEL_OK &&
           !fin;
}

void vel_h3_read_uni(struct vel_h3 *session, uint64_t stream)
{
    while (!session->common.failed && read_some(session, stream))
        ;
    if (stream == session->uni.control && !session->common.failed && !session->common.client)
        vel_exchange_each(&session->common, vel_h3_take_priority); /* PRIORITY_UPDATE, maybe */
}
