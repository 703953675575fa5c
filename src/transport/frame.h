/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_FRAME_H
#define TRANSPORT_FRAME_H

#include "base/reader.h"
#include "base/writer.h"
#include "transport/cid.h"
#include "transport/packet.h"
#include "transport/ranges.h"
#include "velocity/err.h"
#include "velocity/slice.h"

/*
 * Frames, RFC 9000 section 19, DATAGRAM, RFC 9221, those of the multipath extension
 * (draft-ietf-quic-multipath section 4) and of draft-ietf-quic-ack-frequency, and DATAGRAM_COPY, which is
 * our own: one struct for each, one reader and one writer for all, one table of what each may do.
 * Nothing is allocated; slices of a frame that was read point into the packet. Reader and table know
 * all of them; whether an extension was negotiated, and which path identifiers there are, is the
 * caller's to know.
 */

/* Wire types. Where RFC 9000 gives a frame several, this is the first, and the fields tell the
 * rest: FIN, LEN and OFF bits, ECN counts, direction of streams, kind of close. */
enum vel_frame_type {
    VEL_FRAME_PADDING = 0x00,
    VEL_FRAME_PING = 0x01,
    VEL_FRAME_ACK = 0x02,
    VEL_FRAME_RESET_STREAM = 0x04,
    VEL_FRAME_STOP_SENDING = 0x05,
    VEL_FRAME_CRYPTO = 0x06,
    VEL_FRAME_NEW_TOKEN = 0x07,
    VEL_FRAME_STREAM = 0x08,
    VEL_FRAME_MAX_DATA = 0x10,
    VEL_FRAME_MAX_STREAM_DATA = 0x11,
    VEL_FRAME_MAX_STREAMS = 0x12,
    VEL_FRAME_DATA_BLOCKED = 0x14,
    VEL_FRAME_STREAM_DATA_BLOCKED = 0x15,
    VEL_FRAME_STREAMS_BLOCKED = 0x16,
    VEL_FRAME_NEW_CONNECTION_ID = 0x18,
    VEL_FRAME_RETIRE_CONNECTION_ID = 0x19,
    VEL_FRAME_PATH_CHALLENGE = 0x1a,
    VEL_FRAME_PATH_RESPONSE = 0x1b,
    VEL_FRAME_CONNECTION_CLOSE = 0x1c,
    VEL_FRAME_HANDSHAKE_DONE = 0x1e,
    VEL_FRAME_IMMEDIATE_ACK = 0x1f,
    VEL_FRAME_DATAGRAM = 0x30,
    VEL_FRAME_PATH_ACK = 0x3e,
    VEL_FRAME_ACK_FREQUENCY = 0xaf,
    VEL_FRAME_DATAGRAM_COPY = 0x3d31, /* VEL-TR-57 */
    VEL_FRAME_PATH_ABANDON = 0x3e75,
    VEL_FRAME_PATH_STATUS_BACKUP = 0x3e76,
    VEL_FRAME_PATH_STATUS_AVAILABLE = 0x3e77,
    VEL_FRAME_PATH_NEW_CONNECTION_ID = 0x3e78,
    VEL_FRAME_PATH_RETIRE_CONNECTION_ID = 0x3e79,
    VEL_FRAME_MAX_PATH_ID = 0x3e7a,
    VEL_FRAME_PATHS_BLOCKED = 0x3e7b,
    VEL_FRAME_PATH_CIDS_BLOCKED = 0x3e7c
};

/* Places in a table with a row for each frame type: the types of one byte, then the long ones. */
#define VEL_FRAME_INDEX(type)                                                                      \
    ((type) < 0x40                      ? (size_t)(type)                                           \
     : (type) < VEL_FRAME_DATAGRAM_COPY ? (size_t)0x40                                             \
     : (type) < VEL_FRAME_PATH_ABANDON  ? (size_t)0x41                                             \
                                        : 0x42 + (size_t)(type) - VEL_FRAME_PATH_ABANDON)
enum { VEL_FRAME_INDEXES = 0x42 + 8 };

/* Packet numbers and byte offsets end at 2^62 - 1, stream counts at 2^60. */
#define VEL_VARINT_LAST ((UINT64_C(1) << 62) - 1)
#define VEL_STREAMS_LAST (UINT64_C(1) << 60)
enum { VEL_PATH_DATA = 8 };

/* ECN counts of an ACK, RFC 9000 19.3.2. */
struct vel_ecn_counts {
    uint64_t ect0, ect1, ce;
};

/* An ACK whose ranges were checked and are still encoded: walk them with vel_ack_walk. */
struct vel_frame_ack {
    uint64_t largest;
    uint64_t delay;       /* as on the wire: to be shifted by the peer's ack_delay_exponent */
    uint64_t first_range; /* packets before `largest` in the first range */
    uint64_t range_count; /* of gap and length pairs in `ranges` */
    struct vel_slice ranges;
    bool has_ecn;
    struct vel_ecn_counts ecn;
};

struct vel_frame_stream {
    uint64_t id;
    uint64_t offset;
    struct vel_slice data;
    bool fin;
};

struct vel_frame_crypto {
    uint64_t offset;
    struct vel_slice data;
};

struct vel_frame_close {
    bool application;    /* type 0x1d: code is the application's */
    uint64_t code;       /* else enum vel_wire_error */
    uint64_t frame_type; /* transport only: what triggered it, 0 unknown */
    struct vel_slice reason;
};

/* When the receiver of the frame shall acknowledge. */
struct vel_frame_ack_frequency {
    uint64_t sequence;
    uint64_t threshold;  /* ack-eliciting packets that may stay unacknowledged */
    uint64_t max_delay;  /* microseconds */
    uint64_t reordering; /* packets; 1: acknowledge what is out of order at once; 0: never */
};

struct vel_frame_new_cid {
    uint64_t sequence;
    uint64_t retire_prior_to; /* at most sequence */
    struct vel_cid cid;       /* 1 to 20 bytes */
    uint8_t reset_token[VEL_RESET_TOKEN];
};

struct vel_frame {
    enum vel_frame_type type;
    uint64_t path_id; /* of the frames whose names begin with PATH_ but for 8.2's; 0 in others */
    union {
        size_t padding;           /* PADDING: so many bytes in a row */
        struct vel_frame_ack ack; /* ACK, PATH_ACK */
        struct vel_frame_crypto crypto;
        struct vel_frame_stream stream;
        struct vel_frame_close close;
        struct vel_frame_new_cid new_cid; /* NEW_CONNECTION_ID, PATH_NEW_CONNECTION_ID */
        struct vel_slice token;           /* NEW_TOKEN: at least one byte */
        struct vel_frame_ack_frequency ack_frequency;
        struct vel_slice datagram; /* DATAGRAM */
        struct {
            uint64_t number; /* of the sender, from 1 on; equal ones are equal datagrams */
            struct vel_slice bytes;
        } copy;            /* DATAGRAM_COPY */
        uint64_t limit;    /* MAX_DATA and DATA_BLOCKED, bytes; MAX_PATH_ID, PATHS_BLOCKED */
        uint64_t sequence; /* (PATH_)RETIRE_CONNECTION_ID; PATH_STATUS_; PATH_CIDS_BLOCKED: next */
        uint64_t code;     /* PATH_ABANDON */
        uint8_t path_data[VEL_PATH_DATA]; /* PATH_CHALLENGE, PATH_RESPONSE */
        struct {
            uint64_t id, code, final_size;
        } reset; /* RESET_STREAM */
        struct {
            uint64_t id, code;
        } stop; /* STOP_SENDING */
        struct {
            uint64_t id, limit;
        } stream_limit; /* MAX_STREAM_DATA, STREAM_DATA_BLOCKED */
        struct {
            bool bidirectional;
            uint64_t limit; /* at most 2^60 */
        } streams;          /* MAX_STREAMS, STREAMS_BLOCKED */
    };
};

/* RFC 9000 table 3. */
struct vel_frame_kind {
    const char *name;   /* the RFC's; NULL: not a frame type */
    uint8_t allowed_in; /* set of 1 << enum vel_packet_type */
    bool elicits_ack;
    bool in_flight; /* counts for congestion control (RFC 9002 2) */
    bool probing;   /* RFC 9000 9.1 */
};
const struct vel_frame_kind *vel_frame_kind(enum vel_frame_type type);

/*
 * Read one frame of a packet of type `packet`. An empty payload is the caller's to refuse
 * (PROTOCOL_VIOLATION, RFC 9000 12.4). On failure reader and frame are untouched, so that the
 * frame's type can be read for the CONNECTION_CLOSE.
 *
 * VEL_ERR_MALFORMED   close with FRAME_ENCODING_ERROR: unknown type, cut short, or a value outside
 *                     its range (ACK ranges below 0, offsets over 2^62 - 1, ids of a bad length)
 * VEL_ERR_UNEXPECTED  close with PROTOCOL_VIOLATION: not in this type of packet, or the frame type
 *                     is not in its shortest encoding
 */
vel_result vel_frame_read(struct vel_reader *r, enum vel_packet_type packet,
                          struct vel_frame *frame);

/* The type byte of a STREAM frame, whatever its flags. */
static inline bool vel_frame_is_stream(uint8_t type)
{
    return (type & ~7) == VEL_FRAME_STREAM;
}

/* The same, of a reader that stands before such a byte in a 1-RTT packet: nearly all of what is read.
 * VEL_ERR_MALFORMED  as above */
vel_result vel_frame_read_stream(struct vel_reader *r, struct vel_frame_stream *stream);

/* Walk an ACK from the highest range down. */
struct vel_ack_walk {
    struct vel_reader r;
    uint64_t left;
    struct vel_range range; /* the next one to hand out */
};
struct vel_ack_walk vel_ack_walk(const struct vel_frame_ack *ack);
/* false when there are no more. */
bool vel_ack_next(struct vel_ack_walk *walk, struct vel_range *range);

/*
 * Write any frame; a frame that does not fit, or a value of 2^62 and more, fails the writer.
 * STREAM and CRYPTO frames carry their length, so that another frame can follow.
 */
void vel_frame_write(struct vel_writer *w, const struct vel_frame *frame);

/*
 * An ACK of the packet numbers in `received` (not empty), highest first, in at most `room` bytes:
 * the lowest ranges are left out when it would be longer. Returns false, and writes nothing, when
 * not even the first range fits. delay as on the wire; ecn may be NULL.
 */
bool vel_frame_write_ack(struct vel_writer *w, size_t room, const struct vel_ranges *received,
                         uint64_t delay, const struct vel_ecn_counts *ecn);
/* The same as a PATH_ACK of a path identifier. */
bool vel_frame_write_path_ack(struct vel_writer *w, size_t room, uint32_t path_id,
                              const struct vel_ranges *received, uint64_t delay,
                              const struct vel_ecn_counts *ecn);

/* The header of a STREAM or CRYPTO frame; the caller writes exactly `size` bytes of data next. */
void vel_frame_write_stream(struct vel_writer *w, uint64_t id, uint64_t offset, size_t size,
                            bool fin);
void vel_frame_write_crypto(struct vel_writer *w, uint64_t offset, size_t size);

/* Data bytes that such a frame can carry in `room` bytes, header included; 0 when none. A STREAM
 * frame without data (a bare FIN) fits when room is at least vel_frame_stream_header(id, offset). */
size_t vel_frame_stream_fit(uint64_t id, uint64_t offset, size_t room);
size_t vel_frame_crypto_fit(uint64_t offset, size_t room);
size_t vel_frame_stream_header(uint64_t id, uint64_t offset);

#endif
