/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_RECORD_H
#define TRANSPORT_RECORD_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What a sent packet carried that somebody must hear about when the packet is acknowledged or
 * lost. One record for each frame that matters; PADDING, CONNECTION_CLOSE and the like have none.
 * A lost record is never sent again as it was: the owner writes what is current then
 * (RFC 9000 13.3).
 */
enum vel_record_kind {
    VEL_RECORD_CRYPTO,               /* offset, len; the space tells the stream */
    VEL_RECORD_STREAM,               /* id, offset, len, fin */
    VEL_RECORD_ACK,                  /* id: track, offset: largest number that we acknowledged */
    VEL_RECORD_RESET_STREAM,         /* id */
    VEL_RECORD_STOP_SENDING,         /* id */
    VEL_RECORD_MAX_DATA,             /* offset: the limit announced */
    VEL_RECORD_MAX_STREAM_DATA,      /* id, offset: the limit announced */
    VEL_RECORD_MAX_STREAMS_BIDI,     /* offset: the limit announced */
    VEL_RECORD_MAX_STREAMS_UNI,      /* offset: the limit announced */
    VEL_RECORD_DATA_BLOCKED,         /* offset: the limit we are blocked at */
    VEL_RECORD_STREAM_DATA_BLOCKED,  /* id, offset: the limit we are blocked at */
    VEL_RECORD_STREAMS_BLOCKED_BIDI, /* offset: the limit we are blocked at */
    VEL_RECORD_STREAMS_BLOCKED_UNI,  /* offset: the limit we are blocked at */
    VEL_RECORD_NEW_CONNECTION_ID,    /* id: track, offset: sequence number */
    VEL_RECORD_RETIRE_CONNECTION_ID, /* id: track, offset: sequence number */
    VEL_RECORD_PATH_RESPONSE,        /* id: the path */
    VEL_RECORD_HANDSHAKE_DONE,
    VEL_RECORD_NEW_TOKEN,
    VEL_RECORD_ACK_FREQUENCY, /* id: sequence number */
    VEL_RECORD_PING,          /* id: the path, len: bytes of an MTU probe; 0: it is none */
    VEL_RECORD_PATH_ABANDON,  /* id: track */
    VEL_RECORD_PATH_STATUS,   /* id: track, offset: sequence number */
    VEL_RECORD_MAX_PATH_ID,   /* offset: the limit announced */
    VEL_RECORD_PATHS_BLOCKED,
    VEL_RECORD_DATAGRAM, /* id: the application's, to tell it what became of the datagram */
    VEL_RECORD_KINDS
};

/* Fields that a kind does not list are zero. */
struct vel_record {
    uint64_t id;
    uint64_t offset;
    uint32_t len;
    uint8_t kind; /* enum vel_record_kind */
    bool fin;
};

/* When `next` goes on where `record` ends, in the same stream, it becomes part of it. */
static inline bool vel_record_join(struct vel_record *record, const struct vel_record *next)
{
    if (record->kind != VEL_RECORD_STREAM || next->kind != VEL_RECORD_STREAM ||
        record->id != next->id || record->fin || record->offset + record->len != next->offset ||
        next->len > UINT32_MAX - record->len)
        return false;
    record->len += next->len;
    record->fin = next->fin;
    return true;
}

#endif
