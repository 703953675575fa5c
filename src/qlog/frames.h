/* SPDX-License-Identifier: MIT */
#ifndef QLOG_FRAMES_H
#define QLOG_FRAMES_H

#include "qlog/json.h"
#include "transport/frame.h"

enum {
    VEL_QLOG_FRAMES_MAX = 128, /* of a packet; */
    VEL_QLOG_RANGES_MAX = 128  /* of an acknowledgement: what is left out is not told */
};

/*
 * The frames of a packet as an array "frames". Of what streams, datagrams and CRYPTO frames hold
 * only place and length are told; tokens and reset tokens are left out. ack_exponent: of the end that
 * wrote the packet. What does not parse ends the array with a frame "unknown".
 */
void vel_qlog_frames(struct vel_json *j, enum vel_packet_type packet, struct vel_slice payload,
                     uint64_t ack_exponent);

/* A close code as `key`: the name of the RFC in small letters, "crypto_error_0x1xx", or the number. */
void vel_qlog_close_code(struct vel_json *j, const char *key, uint64_t code);

#endif
