/* SPDX-License-Identifier: MIT */
#ifndef WEB_FALLBACK_H
#define WEB_FALLBACK_H

#include "pki/fallback.h"
#include "velocity/http.h"

/*
 * Answers GET /.well-known/velocity-fallback with a record made for the connection that the request
 * came on (spec/fallback.md, "Serving it"). A signature costs about a millisecond, so their number
 * is bounded for each source and in all (web/budget.h).
 */
struct vel_web_fallback;

struct vel_web_fallback_setup {
    const struct vel_env *env;
    const struct vel_crypto *crypto;
    const struct vel_identity *identity; /* hybrid; outlives the service */
    const struct vel_signer *signer;     /* NULL: the identity's own keys */
    uint16_t port;                       /* on which clients reach this server */
    struct vel_version_list versions;    /* that it serves over UDP there; may be empty */
    enum vel_fallback reason;            /* why not Velocity/1; NONE: it is served */
    uint32_t retry_velocity;             /* seconds */
};

/* The connection of a request. */
struct vel_web_binding {
    const struct vel_handshake_facts *facts; /* NULL: there is no TLS */
    struct vel_addr remote;
    /* As vel_conn_export. */
    vel_result (*export)(void *self, const char *label, struct vel_slice context, uint8_t *out,
                         size_t size);
    void *self;
};

/* Signs once, to find out whether it can.
 * VEL_ERR_UNSUPPORTED  the identity is not hybrid: there is nothing to serve
 * VEL_ERR_ARGUMENT     the reason cannot be signed, or the versions contradict it; no port
 * VEL_ERR_LIMIT        the chain is too long for a record
 * VEL_ERR_NOMEM, VEL_ERR_CRYPTO */
vel_result vel_web_fallback_new(const struct vel_web_fallback_setup *setup,
                                struct vel_web_fallback **fallback);
/* NULL is allowed; bodies that are on their way live on. */
void vel_web_fallback_free(struct vel_web_fallback *fallback);

/* Whether this authority names the server's port: only there will it give records. */
bool vel_web_fallback_is_at(const struct vel_web_fallback *fallback, struct vel_slice authority);

/* Whether the request is for the record. */
bool vel_web_fallback_wants(const struct vel_request *request);

/* Answer such a request; returns the status that was sent, 0 when none could be. `fallback` may be
 * NULL: not found. */
unsigned vel_web_fallback_answer(struct vel_web_fallback *fallback, struct vel_exchange *exchange,
                                 const struct vel_web_binding *binding, vel_time now,
                                 int64_t unix_now);

#endif
