/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_GUARD_H
#define CLIENT_GUARD_H

#include "client/connector.h"
#include "client/downgrade.h"
#include "pki/fallback.h"

/*
 * The acceptor of a client that defends itself against downgrades: gathers the evidence on a
 * connection below Velocity/1, gets and checks the fallback record on it when that is needed, and
 * answers the connector by the rules of client/downgrade.h. Nothing of the user's is sent on a
 * connection before it was accepted (VEL-FB-36).
 */
struct vel_guard;

struct vel_guard_setup {
    const struct vel_env *env;
    const struct vel_config
        *config;      /* trust, profiles, unix_offset, crypto, insecure; outlives it */
    const char *host; /* of the URL, as in struct vel_url; outlive it */
    const char *authority;
    uint16_t port;
    bool pinned;   /* client/pins.h */
    bool expected; /* an earlier success or Alt-Svc (struct vel_outcome) */
};

/* VEL_ERR_NOMEM */
vel_result vel_guard_new(const struct vel_guard_setup *setup, struct vel_guard **guard);
/* After the connector. NULL is allowed. */
void vel_guard_free(struct vel_guard *guard);

struct vel_acceptor vel_guard_acceptor(struct vel_guard *guard);

/* What was found out about a rung. The slices of `says` live as long as the guard. */
struct vel_guard_finding {
    bool judged; /* else nothing of the rest counts */
    struct vel_downgrade_evidence evidence;
    enum vel_downgrade_verdict verdict;
    enum vel_downgrade_why why;
    struct vel_fallback_verdict record; /* when evidence.record is VEL_RECORD_INVALID or valid */
    struct vel_fallback_says says;      /* when it is valid */
};
const struct vel_guard_finding *vel_guard_finding(const struct vel_guard *guard,
                                                  enum vel_rung rung);

/* "unasked", "missing", "invalid", "valid". */
const char *vel_guard_record_name(enum vel_downgrade_record record);

#endif
