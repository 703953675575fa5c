/* SPDX-License-Identifier: MIT */
#ifndef VELOCITY_CONFIG_H
#define VELOCITY_CONFIG_H

#include <stdbool.h>

#include "velocity/addr.h"
#include "velocity/crypto.h"
#include "velocity/env.h"
#include "velocity/pki.h"
#include "velocity/profile.h"
#include "velocity/slice.h"

struct vel_tls;
struct vel_tracer;

/*
 * What a connection, or all connections of an endpoint, is made with. Plain data that the
 * application fills: start from vel_config_default() and change what matters. It is read-only
 * while in use, may be shared by connections and threads, and must outlive them, with everything
 * it points to.
 */

/* Wire versions. Velocity/1's draft number rises at each break until it is frozen; QUIC's are RFC
 * 9000 and RFC 9369. */
enum {
    VEL_VERSION_DRAFT = 0x56553102,
    VEL_VERSION_QUIC_V1 = 0x00000001,
    VEL_VERSION_QUIC_V2 = 0x6b3343cf,
    VEL_VERSIONS_MAX = 4
};
#define VEL_VERSION_FROZEN UINT32_C(0x56553100)

/* Any wire version of Velocity/1. */
static inline bool vel_version_is_velocity(uint32_t version)
{
    return version >> 8 == VEL_VERSION_FROZEN >> 8;
}

/* Wire versions without repetition, most wanted first. */
struct vel_version_list {
    uint32_t items[VEL_VERSIONS_MAX];
    unsigned count;
};

enum vel_client_auth { VEL_CLIENT_AUTH_NONE, VEL_CLIENT_AUTH_REQUEST, VEL_CLIENT_AUTH_REQUIRE };

/* Congestion control: RFC 9438, RFC 9002 section 7, and BBR version 3 (draft-ietf-ccwg-bbr). */
enum vel_congestion { VEL_CC_CUBIC, VEL_CC_NEWRENO, VEL_CC_BBR, VEL_CC_COUNT };

/* "cubic", "newreno", "bbr". */
const char *vel_congestion_name(enum vel_congestion congestion);
/* The one of that name. VEL_ERR_NOT_FOUND: there is none */
vel_result vel_congestion_find(const char *name, enum vel_congestion *congestion);

/*
 * Which of several open paths carries the next packets (multipath). Only paths whose window is open
 * are asked for, and those that the peer calls backup only when there are no others.
 * LOWEST_LATENCY        the one with the shortest round trip; the next one when its window is full
 * BEST_PATH             the one that would deliver soonest by bandwidth, latency and the loss of late;
 *                       no other
 * ROUND_ROBIN           in turn, byte for byte
 * WEIGHTED_ROUND_ROBIN  in turn, by vel_conn_set_path_weight
 * REDUNDANT             every packet on every path, as far as their windows admit: arrives when one copy
 *                       does, at the price of them all. Datagrams are copied if the peer can tell copies
 *                       apart (VEL-TR-57), else sent once; in any case they arrive once
 */
enum vel_scheduler {
    VEL_SCHEDULE_LOWEST_LATENCY,
    VEL_SCHEDULE_BEST_PATH,
    VEL_SCHEDULE_ROUND_ROBIN,
    VEL_SCHEDULE_WEIGHTED_ROUND_ROBIN,
    VEL_SCHEDULE_REDUNDANT
};

/* "lowest-latency", "best-path", "round-robin", "weighted-round-robin", "redundant". */
const char *vel_scheduler_name(enum vel_scheduler scheduler);
/* The one of that name. VEL_ERR_NOT_FOUND: there is none */
vel_result vel_scheduler_find(const char *name, enum vel_scheduler *scheduler);

/* A signer: the private keys may live elsewhere (another process). NULL in the config: sign with
 * the identity's own keys, at once.
 * sign: message is M of PROTOCOL section 4 (64 spaces, context, 0, transcript hash).
 * VEL_ERR_AGAIN: pending; the owner later calls vel_conn_resume and sign is asked again. */
struct vel_dual_sig;
struct vel_signer {
    vel_result (*sign)(void *self, const struct vel_identity *identity, const char *use,
                       struct vel_slice message, struct vel_dual_sig *out);
    void *self;
};

/* Paths of a connection that may be open at a time; different choices among them that its streams and
 * datagrams may make at a time (velocity/conn.h). */
enum { VEL_PATHS_OPEN_MAX = 8, VEL_PATH_CHOICES_MAX = 7 };

/* Transport limits we announce (RFC 9000 18.2). Sizes in bytes, times in nanoseconds. */
struct vel_limits {
    vel_time idle_timeout;            /* default 30 s; 0: none */
    vel_time keep_alive;              /* PING when quiet so long, or half the idle time; 0: off */
    vel_time handshake_timeout;       /* default 10 s: give up when not complete */
    uint64_t max_data;                /* connection window, default 16 MiB */
    uint64_t max_stream_data;         /* window of each stream, default 6 MiB */
    uint64_t max_streams_bidi;        /* default 128 at a time */
    uint64_t max_streams_uni;         /* default 16 at a time */
    uint64_t max_send_buffer;         /* bytes a stream queues before write returns short: 256 KiB
                                      that have not left, and those under way, 16 times as many at
                                      most */
    uint64_t max_datagram_payload;    /* largest UDP payload to look for, default 1452 */
    uint64_t max_udp_payload;         /* largest we accept, default 65527 */
    uint64_t max_datagram_frame_size; /* DATAGRAM frames we accept (RFC 9221), default 0: none;
                                         65535: any */
    vel_time max_ack_delay;           /* default 25 ms */
    uint64_t key_update_packets;      /* update keys after so many packets at most; default 0: after
                                      half of what the cipher admits */
    unsigned max_paths;               /* that may be open at a time, up to VEL_PATHS_OPEN_MAX:
                                         multipath is offered from 2 on; default 1 */
    bool pacing;                      /* default true */
    bool ecn;                         /* default true: mark ECT(0) until validation fails */
};

/* One list of ALPN names serves all versions: "velocity/1" exists only in Velocity/1 and "h3" never
 * in it, so each handshake passes over the names that are not for its version; none left is an
 * error. */
struct vel_config {
    const struct vel_crypto *crypto;     /* required */
    const struct vel_identity *identity; /* server: required; client: optional */
    const struct vel_trust *trust;       /* client: required unless insecure */
    const struct vel_signer *signer;     /* NULL: the identity's own keys */
    const struct vel_tls *tls;           /* for QUIC v1 and v2; NULL: Velocity/1 alone */
    const struct vel_tracer *tracer;     /* told what connections do (velocity/qlog.h); NULL: off */
    const char *server_name;             /* client: DNS name or IP literal to ask for and check */
    const struct vel_slice *alpn;        /* client: offered, in order; server: supported */
    size_t alpn_count;                   /* 1 to 8; see below */
    struct vel_version_list versions;    /* server: those it serves; client: the first is tried, the
                                            others are fine as well (RFC 9368 2.3); default:
                                            Velocity/1 alone */
    struct vel_profile_list profiles;    /* default [balanced]; server: all three */
    enum vel_client_auth client_auth;    /* server */
    struct vel_slice token; /* client: of an earlier VEL_EVENT_NEW_TOKEN of this server, for
                                            one connection; at most 512 bytes; empty: none */
    enum vel_congestion congestion;
    enum vel_scheduler scheduler;
    struct vel_limits limits;
    /* The traffic secrets of Velocity/1 connections as lines of a key log file, without the end of
     * line: who has them reads a capture of the connection. NULL, as it should be: none. Those of TLS
     * are in vel_tls_setup. */
    void (*key_log)(void *self, const char *line);
    void *key_log_self;
    struct vel_addr
        preferred_ip4; /* server: where clients should go on after the handshake (RFC 9000 */
    struct vel_addr preferred_ip6; /* 9.6), of each family; its endpoint is fed from there, too */
    bool disable_active_migration; /* server: asks clients to stay at one address */
    bool keep_server_address;      /* client: goes to a preferred address only by
                                 vel_conn_follow_preferred: this socket cannot */
    bool insecure;                 /* client: skip trust and name; signatures are still checked */
    bool prefer_chacha;  /* client without AES instructions: lists ChaCha20-Poly1305 first */
    bool deterministic;  /* tests and transcripts only: signatures without randomness */
    int64_t unix_offset; /* unix seconds at vel_time 0: how `now` becomes a date for validity */
};

/* Defaults as stated above; crypto is the only pointer set. */
struct vel_config vel_config_default(const struct vel_crypto *crypto);

/* What a completed handshake negotiated. Names are constant strings; NULL before they are known. */
struct vel_handshake_facts {
    uint32_t version;
    enum vel_profile profile; /* of Velocity/1 alone */
    const char *suite;
    const char *group;
    const char *signature; /* of the peer's CertificateVerify: dual suite label, or TLS's scheme */
    const char *classical; /* its halves: "ECDSA P-256", "ML-DSA-65"; TLS has one of them */
    const char *post_quantum;
    uint8_t alpn[32];
    size_t alpn_len;
    char server_name[256];                 /* as asked by the client, server side; empty if none */
    struct vel_version_list peer_versions; /* those we know of what the peer says it speaks,
                                              authenticated; empty when it does not say */
    size_t peer_chain_bytes;               /* DER bytes of the peer's Certificate message */
    unsigned peer_chain_count;
    unsigned signed_together; /* handshakes that the peer's signature was made for; TLS: 0 */
    bool hello_retry;
    bool peer_authenticated; /* the peer's signatures verified in this handshake */
};

#endif
