/* SPDX-License-Identifier: MIT */
#ifndef VELOCITY_CONN_H
#define VELOCITY_CONN_H

#include <stdbool.h>

#include "velocity/addr.h"
#include "velocity/config.h"
#include "velocity/env.h"
#include "velocity/err.h"
#include "velocity/slice.h"

/*
 * One transport connection as the application sees it: streams, events, facts, an end. It holds no
 * socket, thread or clock: an endpoint (velocity/endpoint.h) feeds it datagrams and time. All calls
 * on the connections of one endpoint come from one thread at a time.
 *
 * How to use one: take events with vel_conn_next_event until it says there are none; write and read
 * streams in reaction; then let the endpoint send. Nothing is called back.
 *
 * Lifetime: a connection belongs to its endpoint. A pointer is good until vel_conn_next_event has
 * given VEL_EVENT_CLOSED; after that only until the next call on the endpoint.
 */
struct vel_conn;

/* Why a connection ended (RFC 9000 10.2, 19.19). */
enum vel_close_origin {
    VEL_CLOSE_LOCAL,
    VEL_CLOSE_PEER,
    VEL_CLOSE_IDLE,
    VEL_CLOSE_TIMEOUT,
    VEL_CLOSE_VERSION
};

struct vel_close {
    enum vel_close_origin origin;
    bool application; /* code is the application's (HTTP/3), else a transport error */
    uint64_t code;    /* 0 NO_ERROR; 0x0100-0x01ff alerts; 0x56553100+n the registry */
    char reason[128]; /* UTF-8 from the peer, made printable ASCII; or ours */
    struct vel_cert_verdict verdict; /* when we refused a certificate */
};

enum vel_event_type {
    VEL_EVENT_CONNECTED,       /* handshake complete and peer authenticated; see vel_conn_facts */
    VEL_EVENT_STREAM_OPENED,   /* the peer opened `stream` */
    VEL_EVENT_STREAM_READABLE, /* bytes, or the end, can be read */
    VEL_EVENT_STREAM_WRITABLE, /* a write that came up short can go on */
    VEL_EVENT_STREAM_RESET,    /* the peer abandoned its sending side; `code` */
    VEL_EVENT_STREAM_STOPPED,  /* the peer will not read any more; `code` */
    VEL_EVENT_STREAM_CLOSED,   /* both directions are over and acknowledged: the id is forgotten */
    VEL_EVENT_STREAMS_AVAILABLE, /* the peer allows more streams after an open that failed */
    VEL_EVENT_DATAGRAM,          /* take all there are with vel_conn_receive_datagram */
    VEL_EVENT_NEW_TOKEN, /* client: vel_conn_token is worth keeping for another connection */
    VEL_EVENT_MIGRATED, /* client: packets take another path; see vel_conn_local, vel_conn_remote */
    VEL_EVENT_MIGRATION_FAILED, /* client: nothing answers where vel_conn_migrate wanted to go */
    VEL_EVENT_PATHS, /* multipath: one was opened or proved, fell silent, answers again, or was
                        abandoned; see vel_conn_paths */
    VEL_EVENT_CLOSED /* the last event; see vel_conn_close_reason */
};

struct vel_event {
    enum vel_event_type type;
    uint64_t stream;
    uint64_t code;
};

/* Take the next event; false when there is none. Events of a stream are merged (one READABLE
 * however many packets arrived), so their number is bounded by the number of streams. */
bool vel_conn_next_event(struct vel_conn *conn, struct vel_event *event);

/* ---- streams, RFC 9000 sections 2 and 3. Stream ids are the wire's. ---- */

/* Open a stream of ours; bidirectional or not.
 * VEL_ERR_AGAIN   the peer's limit is reached: wait for VEL_EVENT_STREAMS_AVAILABLE
 * VEL_ERR_CLOSED  the connection is closing */
vel_result vel_stream_open(struct vel_conn *conn, bool bidirectional, uint64_t *stream);

/*
 * Queue bytes. *accepted tells how many were taken (a copy is made); fewer than given means the
 * send buffer is full: wait for VEL_EVENT_STREAM_WRITABLE. `fin` ends the stream when all bytes
 * were accepted.
 * VEL_ERR_NOT_FOUND   no such stream, or not one we may send on
 * VEL_ERR_CLOSED      finished, reset, or stopped by the peer
 */
vel_result vel_stream_write(struct vel_conn *conn, uint64_t stream, struct vel_slice bytes,
                            bool fin, size_t *accepted);

/* The same without a copy: `bytes` must stay unchanged until `release` is called, once, when all of
 * them are acknowledged or the stream is gone; also when the connection is freed. All or nothing:
 * VEL_ERR_AGAIN when the buffer is full. */
typedef void (*vel_release_fn)(void *context, struct vel_slice bytes);
vel_result vel_stream_write_borrowed(struct vel_conn *conn, uint64_t stream, struct vel_slice bytes,
                                     bool fin, vel_release_fn release, void *context);

/* Bytes that a write would accept now. */
size_t vel_stream_writable(const struct vel_conn *conn, uint64_t stream);

/*
 * The next received bytes in order; they stay valid until they are consumed or until the next
 * call on the endpoint. An empty slice with *fin: the stream ended. Empty without: nothing yet.
 * VEL_ERR_NOT_FOUND  no such stream, or not one we may receive on
 * VEL_ERR_CLOSED     the peer reset it, or we stopped it
 */
vel_result vel_stream_read(struct vel_conn *conn, uint64_t stream, struct vel_slice *bytes,
                           bool *fin);

/* Release `count` bytes of what vel_stream_read showed; opens the flow-control windows. */
vel_result vel_stream_consume(struct vel_conn *conn, uint64_t stream, size_t count);

/* Abandon sending (RESET_STREAM) or reading (STOP_SENDING) with an application code. */
vel_result vel_stream_reset(struct vel_conn *conn, uint64_t stream, uint64_t code);
vel_result vel_stream_stop(struct vel_conn *conn, uint64_t stream, uint64_t code);

/* Sending order (RFC 9218): lower urgency first, 3 is the default, 7 last. Of equal ones those that
 * are `incremental` take turns, which is the default; another goes on until it has nothing to send.
 * VEL_ERR_NOT_FOUND; VEL_ERR_ARGUMENT: no such urgency */
vel_result vel_stream_set_priority(struct vel_conn *conn, uint64_t stream, uint8_t urgency,
                                   bool incremental);

/* The application's pointer for a stream or connection: never touched here. NULL at first. */
void vel_stream_set_user(struct vel_conn *conn, uint64_t stream, void *user);
void *vel_stream_user(const struct vel_conn *conn, uint64_t stream);
void vel_conn_set_user(struct vel_conn *conn, void *user);
void *vel_conn_user(const struct vel_conn *conn);

/*
 * ---- datagrams, RFC 9221: whole or not at all, in any order, sent once ----
 *
 * A peer takes them if its max_datagram_frame_size says so, we if ours does (limits, 0 by default).
 * They obey congestion control, so they can wait here; up to 256 of them or 256 KiB.
 */

/* The longest that can be sent now; 0: the peer takes none, or is not known yet. It changes with the
 * path: what is queued and became too long is dropped. */
size_t vel_conn_max_datagram(const struct vel_conn *conn);

/*
 * Queue a copy. urgency as for streams: below 3 it goes ahead of them, else it takes the room that
 * they leave; among datagrams the lower one goes first. expires: drop it when it has not left by
 * then; VEL_NEVER. id: may be NULL; counts from 1.
 * VEL_ERR_LIMIT        longer than vel_conn_max_datagram
 * VEL_ERR_AGAIN        the queue is full, or the peer is not known yet: later, or never
 * VEL_ERR_UNSUPPORTED  the peer takes none
 * VEL_ERR_ARGUMENT     urgency over 7
 * VEL_ERR_CLOSED, VEL_ERR_NOMEM
 */
vel_result vel_conn_send_datagram(struct vel_conn *conn, struct vel_slice bytes, uint8_t urgency,
                                  vel_time expires, uint64_t *id);

/* The same by certain paths: as vel_stream_set_paths does for a stream, with its errors. NULL: as
 * vel_conn_send_datagram. */
struct vel_path_choice;
vel_result vel_conn_send_datagram_by(struct vel_conn *conn, struct vel_slice bytes, uint8_t urgency,
                                     vel_time expires, const struct vel_path_choice *choice,
                                     uint64_t *id);

/* Take the oldest that arrived; its bytes stay valid until the next take or until the connection is
 * gone. Those that nobody takes are dropped from the old end, 256 of them or 256 KiB being kept.
 * VEL_ERR_AGAIN  there is none: wait for VEL_EVENT_DATAGRAM */
vel_result vel_conn_receive_datagram(struct vel_conn *conn, struct vel_slice *bytes);

/* What became of datagrams. Lost ones may turn out to have arrived, and then count as both; of one that
 * was sent on several paths each copy is acknowledged or lost. */
struct vel_datagram_stats {
    uint64_t sent, acked, lost;
    uint64_t expired, too_long; /* never sent: too late, or the path has shrunk */
    uint64_t received,
        overflowed; /* overflowed: of those received, dropped before they were taken */
};

/* ---- the connection ---- */

/* End with an application code (HTTP/3's) and a reason; streams are dropped. Idempotent. */
void vel_conn_close(struct vel_conn *conn, uint64_t code, const char *reason);

/* A pending signature of the config's signer can go on. */
void vel_conn_resume(struct vel_conn *conn);

bool vel_conn_is_client(const struct vel_conn *conn);
bool vel_conn_is_connected(const struct vel_conn *conn);
const struct vel_handshake_facts *vel_conn_facts(const struct vel_conn *conn);

/* Why it ended: meaningful once closing began. */
const struct vel_close *vel_conn_close_reason(const struct vel_conn *conn);

/* Keying material bound to this connection (RFC 8446 7.5), equal on both ends: the same label,
 * context and size give the same bytes. `out` holds `size` bytes, 255 hash lengths at most.
 * VEL_ERR_UNEXPECTED  the handshake is not complete */
vel_result vel_conn_export(struct vel_conn *conn, const char *label, struct vel_slice context,
                           uint8_t *out, size_t size);

/*
 * Replace the packet keys of both directions by their successors (RFC 9001 6). Connections do so by
 * themselves long before keys wear out; this is for who wants it oftener. The peer is made to
 * answer.
 * VEL_ERR_AGAIN   not yet: the handshake is not confirmed, or the update before is too young
 * VEL_ERR_CLOSED  the connection is closing
 * VEL_ERR_NOMEM, VEL_ERR_CRYPTO  nothing has changed
 */
vel_result vel_conn_update_keys(struct vel_conn *conn);

/* The path in use. A server's may change with any packet of its client; a client's with
 * VEL_EVENT_MIGRATED. */
struct vel_addr vel_conn_local(const struct vel_conn *conn);
struct vel_addr vel_conn_remote(const struct vel_conn *conn);

/*
 * Client: go on from another address of ours, RFC 9000 9.2: a network that has come up, or a new
 * socket. It must be one that the endpoint's trains leave from and arrive at (train.local) from now
 * on. The path from there is tested while the present one stays in use; then VEL_EVENT_MIGRATED says
 * that the former address is needed no longer than a second or so, or VEL_EVENT_MIGRATION_FAILED that
 * all stays as it was. A second call replaces the first.
 *
 * VEL_ERR_UNEXPECTED   the handshake is not confirmed yet, or the connection is ending
 * VEL_ERR_UNSUPPORTED  the server asked us to stay (disable_active_migration), or cannot follow; or
 *                      this is a server
 * VEL_ERR_EXISTS       that is where it is
 * VEL_ERR_AGAIN        the server has given no connection id to spare, or the connection is on its way
 *                      to the address that the server prefers: try again later
 */
vel_result vel_conn_migrate(struct vel_conn *conn, const struct vel_addr *local);

/*
 * Client: the address at which the server wants to be reached from now on (RFC 9000 9.6). False: none
 * that we would use; it must be of the family by which we reach the server, and not nearer to us than
 * it is (from the Internet, nothing on this machine or in our own network). Known when the handshake
 * is confirmed.
 *
 * A connection goes there by itself, from the local address it has; unless config->
 * keep_server_address says that it cannot, because its socket is connected to one address. Then
 * vel_conn_follow_preferred takes it there, from another socket. All as with vel_conn_migrate; but
 * where nobody answers nobody is told, as nobody asked: it stays where it is.
 *
 * VEL_ERR_UNEXPECTED  the handshake is not complete yet, or the connection is ending
 * VEL_ERR_NOT_FOUND   there is no such address, or it is not known yet
 * VEL_ERR_EXISTS      that is where it is
 * VEL_ERR_AGAIN       the server has given no connection id to spare, or was sent none of ours yet: try
 *                     again later
 */
bool vel_conn_preferred(const struct vel_conn *conn, struct vel_addr *remote);
vel_result vel_conn_follow_preferred(struct vel_conn *conn, const struct vel_addr *local);

/*
 * ---- several paths at a time: the multipath extension, draft-ietf-quic-multipath ----
 *
 * Used when both ends allow more than one path (limits.max_paths). Each path has a number, a
 * congestion window and packet numbers of its own; the config's scheduler says which carries what. The
 * first is number 0. A path whose packets are not acknowledged for a probe time-out carries no data
 * until it answers again, and what it held is sent on the others; one that stays silent for the idle
 * time-out (30 seconds at most), and a new one that nobody answers on at all, is abandoned: open another
 * when the network is back. Numbers are never used twice.
 */

/* Whether the peer agreed to it. */
bool vel_conn_is_multipath(const struct vel_conn *conn);

/*
 * Client: open another path, from an address of ours (as in vel_conn_migrate) to the server's; it may
 * be the one that is in use. It is tested first, and used when it answers: VEL_EVENT_PATHS. *path is
 * its number.
 *
 * VEL_ERR_UNSUPPORTED  multipath was not agreed, or the server asked us to stay; or this is a server
 * VEL_ERR_LIMIT        the peer admits no more paths now; it is told, and may admit more later
 * VEL_ERR_AGAIN        the peer has not given connection ids for it yet
 * VEL_ERR_UNEXPECTED   the handshake is not confirmed yet, or the connection is ending
 */
vel_result vel_conn_open_path(struct vel_conn *conn, const struct vel_addr *local, uint32_t *path);

/* Give a path up. What was sent on it is acknowledged on others, or sent again there.
 * VEL_ERR_NOT_FOUND  there is no such path, or it is being abandoned
 * VEL_ERR_UNEXPECTED it is the only one that works: close the connection instead */
vel_result vel_conn_abandon_path(struct vel_conn *conn, uint32_t path);

/* Ask the peer to use a path only when no other works, or again like the others. We do so ourselves.
 * VEL_ERR_NOT_FOUND */
vel_result vel_conn_set_path_backup(struct vel_conn *conn, uint32_t path, bool backup);

/* Its share in weighted round robin: 1, the default, to 1000. VEL_ERR_NOT_FOUND, VEL_ERR_ARGUMENT */
vel_result vel_conn_set_path_weight(struct vel_conn *conn, uint32_t path, unsigned weight);

/*
 * Which paths carry a stream's data, or a datagram: for what the config's scheduler does not suit. A
 * stream whose answer somebody waits for takes the path of the lowest latency, a bulk transfer the best
 * one, or one that nobody else uses; a datagram that must not be late goes by all of them at once.
 *
 * scheduler       chooses among the paths named, packet by packet
 * count, paths    their numbers; count 0: any
 *
 * It is about sending: the peer chooses for its own direction. A path that is named carries what named
 * it, and what named others stays off it, as long as one of those works. While none of them does (they
 * are being tested, silent or gone), the data takes any other path, by the same scheduler, and what was
 * lost goes that way, too: it never waits for a path that is dead. It returns when one of them answers
 * again; when all of them are abandoned for good, the scheduler alone is left of the choice.
 *
 * A path that we ourselves want as a backup (vel_conn_set_path_backup) is used by who names it; one that
 * the peer wants as a backup only when no other works, whoever names it. Where streams of different
 * choices meet on a path, they share it by urgency and in turn, as if they had not chosen.
 *
 * Without multipath a choice has no effect, but is checked in the same way: there is path 0 alone.
 */
struct vel_path_choice {
    enum vel_scheduler scheduler;
    unsigned count;
    uint32_t paths[VEL_PATHS_OPEN_MAX];
};

/*
 * From now on, what the stream has not sent, and what of it is lost, goes by these paths. NULL: as the
 * config says, which is what streams begin with.
 * VEL_ERR_NOT_FOUND  no such stream, or one of the paths does not exist, or is being abandoned
 * VEL_ERR_ARGUMENT   no such scheduler, or more than VEL_PATHS_OPEN_MAX paths
 * VEL_ERR_LIMIT      streams and datagrams that are not over have made VEL_PATH_CHOICES_MAX different
 *                    choices already: make one of theirs
 * VEL_ERR_CLOSED     the connection is closing
 * VEL_ERR_NOMEM      nothing has changed
 */
vel_result vel_stream_set_paths(struct vel_conn *conn, uint64_t stream,
                                const struct vel_path_choice *choice);

enum vel_path_state {
    VEL_PATH_TESTING,  /* has not answered yet */
    VEL_PATH_WORKING,  /* carries data */
    VEL_PATH_SILENT,   /* has not answered for a probe time-out: is only asked whether it is back */
    VEL_PATH_ABANDONED /* for good; it is forgotten soon */
};

/* "testing", "working", "silent", "abandoned". */
const char *vel_path_state_name(enum vel_path_state state);

struct vel_path_stats {
    uint32_t path;
    enum vel_path_state state;
    bool backup, peer_backup; /* as we, or the peer, asked */
    struct vel_addr local, remote;
    uint64_t bytes_sent, bytes_received; /* UDP payload */
    uint64_t packets_sent, packets_lost;
    uint64_t congestion_window, bytes_in_flight;
    vel_time smoothed_rtt, min_rtt; /* nanoseconds; 0: not measured yet */
};

/* The paths there are, at most `room` of them into `out`; returns how many there are in all, never more
 * than VEL_PATHS_OPEN_MAX. */
size_t vel_conn_paths(const struct vel_conn *conn, struct vel_path_stats *out, size_t room);

/* Client: what the server gave to validate our address in a later connection (RFC 9000 8.1.3): the
 * `token` of that connection's config. It fits one connection to the same server, from the same
 * address, with the same version. Empty when none came; good until the next call on the endpoint. */
struct vel_slice vel_conn_token(const struct vel_conn *conn);

/* Counters since the start. Bytes are UDP payload. Times in nanoseconds. */
struct vel_conn_stats {
    uint64_t datagrams_sent, datagrams_received;
    uint64_t bytes_sent, bytes_received;
    uint64_t packets_sent, packets_received;
    uint64_t packets_lost, packets_dropped; /* dropped: failed authentication, duplicates, junk */
    uint64_t packets_spurious;              /* of those lost: have arrived after all */
    uint64_t ecn_ce;                        /* our packets the peer saw marked */
    uint64_t key_updates;                   /* begun by either side */
    struct vel_datagram_stats datagram_frames;
    uint64_t congestion_window; /* of the path in use, like round trips and mtu; */
    uint64_t bytes_in_flight;   /* of all */
    vel_time latest_rtt, smoothed_rtt, min_rtt, rtt_variance; /* 0: not measured yet */
    uint32_t mtu;                                             /* UDP payload of our datagrams */
    unsigned paths;                            /* open at a time, 1 but for multipath */
    uint64_t streams_opened, streams_accepted; /* by us, by the peer */
    uint64_t streams;                          /* of these, those that are not over */
    vel_time handshake_time;                   /* start to complete; 0 until then */
    unsigned handshake_round_trips; /* see spec: 1 + hello retry + Retry + stalls for credit */
    unsigned pto_count;             /* probe time-outs that fired, in total */
    unsigned path_changes;          /* times that our packets took another path, RFC 9000 9 */
    uint64_t handshake_bytes_sent, handshake_bytes_received;         /* until complete */
    uint64_t handshake_datagrams_sent, handshake_datagrams_received; /* until complete */
};
void vel_conn_get_stats(const struct vel_conn *conn, struct vel_conn_stats *stats);

#endif
