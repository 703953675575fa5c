/* SPDX-License-Identifier: MIT */
#ifndef VELOCITY_QLOG_H
#define VELOCITY_QLOG_H

#include "velocity/config.h"
#include "velocity/err.h"

/*
 * What connections do, as files that people and tools can read: qlog 0.3, JSON text sequences, which
 * qvis (https://qvis.quictools.info) opens. Give vel_qlog_tracer to struct vel_config.tracer of the
 * connections that are to be traced. One thread at a time; several processes may use one folder.
 *
 * A file for each connection, <original destination connection id>_<client|server>.sqlog, made with
 * mode 0600 in a folder that nobody else may write to, and never over another one: when the name is
 * taken, "-2" to "-9" is added. It is readable at any time, also when the process was killed: what
 * is missing then is what happened since the last handshake step or in the last second.
 *
 * In a file: addresses, connection ids, lengths, packet numbers, close reasons, the ALPN name, methods
 * and statuses of HTTP/3. Not in it: keys, tokens, names of servers, and what streams and datagrams carry.
 * Who has the files of both ends knows who talked with whom and how much.
 *
 * Bounds: a file ends at max_file_bytes with a record that says so; no new one is begun while the
 * folder holds max_files of them (whoever made them: remove old ones and new ones come, within ten
 * seconds), and no more than max_open connections are traced at a time. The others are not. A server
 * makes no file before its client has shown the keys of the handshake, so that first packets from
 * invented addresses do not fill the folder; of connections that failed before, the first 16 are told. A
 * write that fails, as on a full disk, ends that trace and is told once in the log ("qlog-stopped" with
 * `reason`); connections go on. Writing blocks: a slow disk slows what is traced.
 */
struct vel_qlog;

struct vel_qlog_setup {
    const struct vel_env *env; /* outlives it */
    const char *folder;
    int64_t unix_base; /* nanoseconds of the Unix epoch at vel_time 0: vel_clock_unix_base() */
    uint64_t max_file_bytes; /* 0: 64 MiB */
    size_t max_files;        /* 0: 256 */
    bool at_once;            /* every event is written when it happens: for who expects to crash */
    size_t max_open;         /* 0: 128 connections; each takes 64 KiB and a file descriptor */
};

/* VEL_ERR_NOT_FOUND  no such folder
 * VEL_ERR_AUTH       it belongs to another user, or others may write to it
 * VEL_ERR_IO (errno says why), VEL_ERR_NOMEM */
vel_result vel_qlog_new(const struct vel_qlog_setup *setup, struct vel_qlog **qlog);

/* For as many configs as wanted; lives as long as the object. */
const struct vel_tracer *vel_qlog_tracer(const struct vel_qlog *qlog);

/* After the connections. NULL is allowed. */
void vel_qlog_free(struct vel_qlog *qlog);

#endif
