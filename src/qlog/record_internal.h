/* SPDX-License-Identifier: MIT */
#ifndef QLOG_RECORD_INTERNAL_H
#define QLOG_RECORD_INTERNAL_H

#include "qlog/record.h"

/* What the functions that write an event are given. */
struct vel_qlog_pen {
    struct vel_qlog_memory *m;
    struct vel_json *j;
    vel_time now;
    bool frames;
};

/* Open a record up to its data, whose fields follow; then close it. */
void vel_qlog_open(const struct vel_qlog_pen *pen, const char *name);
void vel_qlog_close(const struct vel_qlog_pen *pen);
/* The same for an event of a path identifier, and of one pair of addresses; 0 is not worth telling:
 * the handshake's, or not known. */
void vel_qlog_open_on(const struct vel_qlog_pen *pen, const char *name, uint32_t track,
                      uint32_t path);

/* ---- packets.c ---- */

void vel_qlog_packet(const struct vel_qlog_pen *pen, const struct vel_trace_event *event);
void vel_qlog_lost(const struct vel_qlog_pen *pen, const struct vel_trace_lost *lost);
void vel_qlog_datagram(const struct vel_qlog_pen *pen, const struct vel_trace_event *event);

/* ---- recovery.c ---- */

void vel_qlog_recovery(const struct vel_qlog_pen *pen, const struct vel_trace_recovery *recovery);
void vel_qlog_timeout(const struct vel_qlog_pen *pen, const struct vel_trace_timeout *timeout);
void vel_qlog_recovery_constants(const struct vel_qlog_pen *pen);

/* ---- parameters.c ---- */

void vel_qlog_parameters(const struct vel_qlog_pen *pen, const struct vel_trace_parameters *told);
void vel_qlog_handshake(const struct vel_qlog_pen *pen, const struct vel_handshake_facts *facts);

/* ---- connectivity.c ---- */

/* An address as two fields. */
void vel_qlog_endpoint(struct vel_json *j, const char *ip, const char *port,
                       const struct vel_addr *addr);

void vel_qlog_started(const struct vel_qlog_pen *pen, const struct vel_trace_start *start);
void vel_qlog_life(const struct vel_qlog_pen *pen, const struct vel_trace_life *life);
void vel_qlog_cid(const struct vel_qlog_pen *pen, const struct vel_trace_cid *cid);
void vel_qlog_path(const struct vel_qlog_pen *pen, const struct vel_trace_path *path);
void vel_qlog_mtu(const struct vel_qlog_pen *pen, const struct vel_trace_mtu *mtu);
void vel_qlog_keys(const struct vel_qlog_pen *pen, const struct vel_trace_keys *keys);

#endif
