/* SPDX-License-Identifier: MIT */
#ifndef HANDSHAKE_HANDSHAKE_H
#define HANDSHAKE_HANDSHAKE_H

#include "base/secret.h"
#include "crypto/batch.h"
#include "crypto/suite.h"
#include "velocity/config.h"

/*
 * One interface for every handshake: Velocity/1, and TLS 1.3 (libssl's QUIC callbacks) for QUIC v1
 * and v2.
 * Bytes in per level, bytes and secrets out per level; a signature may be pending, and its owner may make
 * it in place of the provider (setup.defer_signature). The transport
 * drives it, owns loss and order (a provider only ever sees the CRYPTO stream in order), and gives
 * itself as a table of callbacks. No clock, socket or allocation outside env, except for libssl's own.
 */

/* Encryption levels, RFC 9001 2.1. Each but EARLY has its own CRYPTO stream. */
enum vel_level {
    VEL_LEVEL_INITIAL,
    VEL_LEVEL_EARLY,
    VEL_LEVEL_HANDSHAKE,
    VEL_LEVEL_APP,
    VEL_LEVEL_COUNT
};

enum vel_direction { VEL_READ, VEL_WRITE };

/* What a provider asks of the transport. Callbacks return VEL_OK, or an error that ends the
 * handshake with internal_error. None of them re-enters the provider, except for set_params. */
struct vel_handshake_sink {
    /* Append to the CRYPTO stream of a level; bytes are copied. */
    vel_result (*write)(void *self, enum vel_level level, struct vel_slice bytes);
    /* A traffic secret is ready. Both sides may be given in either order; the WRITE secret of a
     * level comes before bytes are written at it. */
    vel_result (*secret)(void *self, enum vel_level level, enum vel_direction direction,
                         const struct vel_suite *suite, const struct vel_secret *secret);
    /* The peer's transport parameters, RFC 9000 18, authenticated by the end of the handshake;
     * borrowed for the call. An error here ends the handshake with TRANSPORT_PARAMETER_ERROR, or
     * (VEL_ERR_UNSUPPORTED, TLS only) with VERSION_NEGOTIATION_ERROR. */
    vel_result (*peer_params)(void *self, struct vel_slice params);
    void *self;
};

/* Where a handshake stands. COMPLETE: own Finished sent and peer's Finished verified. */
enum vel_handshake_state { VEL_HS_RUNNING, VEL_HS_SIGNING, VEL_HS_COMPLETE, VEL_HS_FAILED };

/* Why a handshake failed, for the CONNECTION_CLOSE and for people. */
struct vel_handshake_failure {
    uint64_t wire_code; /* transport error: 0x0100 + alert, or 0x56553100 + registry value */
    const char *reason; /* constant text */
    struct vel_cert_verdict verdict; /* when a certificate was the cause */
};

/* What a handshake wants signed: M (VEL-HS-40), by both keys of its identity, for this use. */
enum { VEL_SIGNED_CONTENT_MAX = 192 };
struct vel_to_sign {
    const struct vel_dual_key *key;
    const char *use;
    uint8_t content[VEL_SIGNED_CONTENT_MAX];
    size_t size;
};

/* That signature: alone, or one of a batch with this handshake's place in it. Borrowed. */
struct vel_signature {
    const struct vel_dual_sig *sig;
    struct vel_batch_proof batch; /* count 0: alone */
};

struct vel_handshake; /* first member of every provider's state: the table below */

struct vel_handshake_ops {
    /* Client: write the ClientHello. Server: nothing happens. Called once, first. */
    vel_result (*start)(struct vel_handshake *hs);
    /* In-order bytes of the CRYPTO stream of `level`, any split.
     * VEL_ERR_AGAIN  a signature is pending: call resume when the signer reports
     * VEL_ERR_CLOSED it had failed before
     * other errors   it failed now: state is VEL_HS_FAILED, see `failure` */
    vel_result (*receive)(struct vel_handshake *hs, enum vel_level level, struct vel_slice bytes);
    /* Go on after a pending signature. Same results as receive. */
    vel_result (*resume)(struct vel_handshake *hs);
    /* With setup.defer_signature, while the state is VEL_HS_SIGNING: what is to be signed, which does
     * not change until it is. NULL, as the next one is: no signature is ever deferred (TLS).
     * VEL_ERR_UNEXPECTED  nothing is; VEL_ERR_CRYPTO */
    vel_result (*to_sign)(struct vel_handshake *hs, struct vel_to_sign *out);
    /* The answer, which goes out as CertificateVerify unchecked; or, with another err than VEL_OK, that
     * there is none: the handshake fails with internal_error. Same results as receive.
     * VEL_ERR_UNEXPECTED  none is awaited */
    vel_result (*take_signature)(struct vel_handshake *hs, enum vel_err err,
                                 const struct vel_signature *signature);
    /* RFC 8446 7.5 exporter; only once complete. */
    vel_result (*export)(struct vel_handshake *hs, const char *label, struct vel_slice context,
                         uint8_t *out, size_t size);
    /* TLS server, inside sink.peer_params: the transport has moved to another version, so its
     * parameters are others now (RFC 9368 2.3). NULL when versions have handshakes of their own. */
    vel_result (*set_params)(struct vel_handshake *hs, uint32_t version, struct vel_slice params);
    void (*free)(struct vel_handshake *hs);
};

struct vel_handshake {
    const struct vel_handshake_ops *ops;
    enum vel_handshake_state state;
    struct vel_handshake_facts facts;
    struct vel_handshake_failure failure;
    unsigned hello_datagrams; /* see vel_handshake_hello_datagrams */
    /* Bytes of the HANDSHAKE level bring signatures, and to verify them costs more than all else. */
    bool verifies;
};

/* Full-sized datagrams that the client's first flight needs, so that the server's answer fits into
 * three times its bytes (VEL-TR-01): by the profile of the share sent. 0 for a server. A second
 * hello, after a retry, needs no padding. */
static inline unsigned vel_handshake_hello_datagrams(const struct vel_handshake *hs)
{
    return hs->hello_datagrams;
}

/* How the endpoint creates a provider for a connection of one version. */
struct vel_handshake_setup {
    const struct vel_env *env;
    const struct vel_config *config; /* outlives the handshake */
    struct vel_handshake_sink sink;  /* copied */
    bool is_client;
    bool defer_signature;          /* the owner signs in place of the config's signer or identity */
    uint32_t version;              /* wire version: part of the prologue */
    int64_t unix_time;             /* seconds, for certificate validity */
    struct vel_slice local_params; /* our encoded transport parameters; copied */
};

/* The Velocity/1 handshake, full mode (spec/velocity-1.md). Nothing is sent before ops->start.
 * VEL_ERR_ARGUMENT  no crypto, profile or ALPN (1 to 8 names of 1 to 32 bytes, one at least
 *                   for Velocity/1, see alpn.h); server: no hybrid identity, or no trust although client_auth is on; client: no trust or
 *                   no name, unless insecure; local_params over 2,048 bytes
 * VEL_ERR_NOMEM     allocation failed */
vel_result vel_handshake_velocity_new(const struct vel_handshake_setup *setup,
                                      struct vel_handshake **hs);

/*
 * TLS 1.3 with the config's struct vel_tls (RFC 9001 4). Identity, trust, client_auth and insecure
 * of the config do not matter: those of the vel_tls do; nor do profiles, and no signature is ever
 * pending. A failure's wire code is 0x0100 + alert or a transport error.
 * VEL_ERR_ARGUMENT  no tls, or one of the other role; no ALPN for QUIC; client: no usable name,
 *                   unless insecure; local_params over 2,048 bytes
 * VEL_ERR_NOMEM, VEL_ERR_CRYPTO */
vel_result vel_handshake_tls_new(const struct vel_handshake_setup *setup,
                                 struct vel_handshake **hs);

/* NULL is allowed. */
void vel_handshake_free(struct vel_handshake *hs);

#endif
