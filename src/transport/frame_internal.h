/* SPDX-License-Identifier: MIT */
#ifndef TRANSPORT_FRAME_INTERNAL_H
#define TRANSPORT_FRAME_INTERNAL_H

/* Low bits of the wire type, in the frames that have several types (RFC 9000 19, RFC 9221 4). */
enum {
    FLAG_ACK_ECN = 0x01,
    FLAG_STREAM_FIN = 0x01,
    FLAG_STREAM_LEN = 0x02,
    FLAG_STREAM_OFF = 0x04,
    FLAG_UNIDIRECTIONAL = 0x01,
    FLAG_APPLICATION = 0x01,
    FLAG_DATAGRAM_LEN = 0x01
};

#endif
