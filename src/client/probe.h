/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_PROBE_H
#define CLIENT_PROBE_H

#include "client/alt_svc.h"
#include "client/connector.h"
#include "client/guard.h"
#include "client/version_query.h"

/*
 * What a server offers: every protocol, version and profile is tried by a connection of its own, all
 * at the same time, and Version Negotiation is asked for. Over each connection goes one HEAD
 * request; below Velocity/1 the fallback record is asked for as well.
 */
struct vel_probe;

/* X(name of the protocol, rung, wire version, profile or VEL_PROFILE_COUNT) */
#define VEL_PROBE_MAP(X)                                                                           \
    X("velocity/1", VEL_RUNG_VELOCITY, VEL_VERSION_DRAFT, VEL_PROFILE_LIGHT)                       \
    X("velocity/1", VEL_RUNG_VELOCITY, VEL_VERSION_DRAFT, VEL_PROFILE_BALANCED)                    \
    X("velocity/1", VEL_RUNG_VELOCITY, VEL_VERSION_DRAFT, VEL_PROFILE_SECURE)                      \
    X("h3", VEL_RUNG_QUIC, VEL_VERSION_QUIC_V1, VEL_PROFILE_COUNT)                                 \
    X("h3", VEL_RUNG_QUIC, VEL_VERSION_QUIC_V2, VEL_PROFILE_COUNT)                                 \
    X("h2", VEL_RUNG_TCP, 0, VEL_PROFILE_COUNT)                                                    \
    X("http/1.1", VEL_RUNG_TCP, 0, VEL_PROFILE_COUNT)

enum { VEL_PROBE_ROWS = 7, VEL_PROBE_SERVICES = 8, VEL_PROBE_SERVER = 64 };

struct vel_probe_row {
    const char *protocol;     /* ALPN name */
    const char *version;      /* "velocity/1", "quic-v1", "quic-v2", "tls1.3" */
    enum vel_profile profile; /* VEL_PROFILE_COUNT: has none */
    bool finished;            /* else the time was over */
    bool works;               /* a connection came about */
    struct vel_attempt_facts facts;
    struct vel_rung_failure failure; /* when it does not work */
    unsigned status;                 /* of the answer to HEAD; 0: none came */
    char server[VEL_PROBE_SERVER];   /* its Server field, printable; empty: none */
    struct vel_alt_svc services[VEL_PROBE_SERVICES];
    size_t service_count;
    enum vel_downgrade_record record; /* UNASKED over Velocity/1, and with --insecure */
    struct vel_fallback_verdict record_verdict;
    enum vel_fallback record_reason; /* valid records: why the server is not at Velocity/1 */
};

struct vel_probe_setup {
    const struct vel_env *env;
    struct vel_loop *loop;
    const struct vel_config *config; /* trust, TLS, name; outlives the probe */
    const struct vel_url *url;       /* outlives the probe */
    struct vel_addr addrs[VEL_ATTEMPT_ADDRS_MAX];
    size_t addr_count;
    vel_time timeout; /* of the whole */
    void (*done)(void *self);
    void *self;
};

/* VEL_ERR_NOMEM, VEL_ERR_IO, VEL_ERR_ARGUMENT (no address) */
vel_result vel_probe_new(const struct vel_probe_setup *setup, vel_time now,
                         struct vel_probe **probe);
void vel_probe_free(struct vel_probe *probe); /* NULL is allowed */

/* index below VEL_PROBE_ROWS, in the order of VEL_PROBE_MAP. */
const struct vel_probe_row *vel_probe_row(const struct vel_probe *probe, size_t index);

/* Of Version Negotiation; *count 0: it was not answered. */
const uint32_t *vel_probe_versions(const struct vel_probe *probe, size_t *count);

/* Something of it works, or Version Negotiation was answered. */
bool vel_probe_answered(const struct vel_probe *probe);

#endif
