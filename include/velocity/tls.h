/* SPDX-License-Identifier: MIT */
#ifndef VELOCITY_TLS_H
#define VELOCITY_TLS_H

#include <stdbool.h>

#include "velocity/crypto.h"
#include "velocity/env.h"
#include "velocity/err.h"
#include "velocity/pki.h"
#include "velocity/slice.h"

/*
 * What TLS 1.3 connections are made with (RFC 8446, libssl): certificates, trust, groups. One
 * object serves QUIC v1 and v2 (struct vel_config) and TLS over TCP alike. X25519MLKEM768 comes
 * first in what is offered and taken. Nothing older than TLS 1.3, no resumption and no early data.
 *
 * The classical half of a hybrid certificate is an ordinary certificate, so one file serves both
 * worlds. Read-only once made; may be shared by threads and must outlive what uses it.
 */
struct vel_tls;

enum vel_tls_client_auth {
    VEL_TLS_CLIENT_AUTH_NONE,
    VEL_TLS_CLIENT_AUTH_REQUEST,
    VEL_TLS_CLIENT_AUTH_REQUIRE
};

enum { VEL_TLS_IDENTITIES_MAX = 8 };

struct vel_tls_setup {
    const struct vel_env *env;
    const struct vel_crypto *crypto;
    bool is_client;
    /* Server: at least one; the first whose signature algorithm the client admits is used. Client:
     * none or one. They outlive the object. */
    const struct vel_identity *const *identities;
    size_t identity_count;
    /* Whom to trust: CERTIFICATE blocks, and the system's store. A server needs them for client
     * certificates only. */
    struct vel_slice trust_pem; /* borrowed for the call; empty: none */
    bool system_trust;
    bool insecure;                        /* client: skip trust and name */
    enum vel_tls_client_auth client_auth; /* server */
    const char *suites; /* in OpenSSL's names, separated by colons; NULL: all three, AES first
                           unless config->prefer_chacha */
    /* The secrets of each connection as lines of a key log file (RFC 9850), without the end of
     * line: who has them reads a capture of the connection. NULL, as it should be: none. */
    void (*key_log)(void *self, const char *line);
    void *key_log_self;
};

/* VEL_ERR_ARGUMENT     server without identity, REQUEST or REQUIRE without trust, client neither
 *                      trusting anybody nor insecure, suites that are unknown
 * VEL_ERR_MALFORMED    trust_pem is not PEM certificates
 * VEL_ERR_UNSUPPORTED  a key that TLS 1.3 has no signature for
 * VEL_ERR_NOMEM, VEL_ERR_CRYPTO */
vel_result vel_tls_new(const struct vel_tls_setup *setup, struct vel_tls **tls);

/* NULL is allowed. */
void vel_tls_free(struct vel_tls *tls);

#endif
