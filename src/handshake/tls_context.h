/* SPDX-License-Identifier: MIT */
#ifndef HANDSHAKE_TLS_CONTEXT_H
#define HANDSHAKE_TLS_CONTEXT_H

#include "handshake/alpn.h"
#include "handshake/handshake.h"
#include "velocity/tls.h"

/*
 * One TLS 1.3 connection of a struct vel_tls, whatever carries it: the part that QUIC (handshake/
 * tls.c) and TLS over TCP share. It makes the SSL object, with names, time, certificates and ALPN
 * set, and afterwards says why the handshake failed or what it negotiated. Who owns it gives libssl
 * its bytes: QUIC by callbacks, TCP by BIOs, and calls SSL_do_handshake. libssl's error queue is
 * one per thread: empty it (ERR_clear_error) before each call of libssl and after a failure.
 */
struct ssl_st;
struct ssl_ctx_st;

/* Read-only; the SSL objects made with it keep it alive. */
struct ssl_ctx_st *vel_tls_ctx(const struct vel_tls *tls);

bool vel_tls_is_client(const struct vel_tls *tls);

/* All borrowed for the call except alpn, whose names must outlive the connection. */
struct vel_tls_ask {
    enum vel_alpn_carrier carrier; /* VEL_ALPN_QUIC or VEL_ALPN_TCP */
    const char *server_name;       /* client: DNS name or IP literal to ask for and to check; NULL
                                     only when the struct vel_tls is insecure */
    const struct vel_slice *alpn;  /* most wanted first; names that do not exist on this carrier are
                                     passed over */
    size_t alpn_count;
    int64_t unix_time; /* seconds, for certificate validity */
    bool prefer_chacha;
};

/* Stays where it is from vel_tls_conn_open to _close, since libssl points at it. */
struct vel_tls_conn {
    struct ssl_st *ssl; /* owned */
    enum vel_alpn_carrier carrier;
    const struct vel_slice *alpn;
    size_t alpn_count;
    struct vel_cert_verdict verdict; /* of the first check that failed */
    uint8_t alert;                   /* the last fatal one, sent or received; see has_alert */
    bool has_alert, alert_received;
    struct vel_secret exporter; /* RFC 8446 7.1, once the handshake is complete */
};

/*
 * Make the SSL object: role set, nothing sent. *conn is all zero before.
 * VEL_ERR_ARGUMENT  no ALPN name is left; a client without a usable name that is not insecure
 * VEL_ERR_CRYPTO    libssl failed
 */
vel_result vel_tls_conn_open(const struct vel_tls *tls, const struct vel_tls_ask *ask,
                             struct vel_tls_conn *conn);

/* Also for one that was never opened. */
void vel_tls_conn_close(struct vel_tls_conn *conn);

/* After SSL_do_handshake or SSL_read failed for good: 0x0100 + alert, the certificate verdict and a
 * reason for people; empties libssl's error queue. */
void vel_tls_conn_failure(const struct vel_tls_conn *conn, struct vel_handshake_failure *failure);

/* After SSL_do_handshake succeeded: everything but version, profile and hello_retry. */
void vel_tls_conn_facts(const struct vel_tls_conn *conn, struct vel_handshake_facts *facts);

/* The negotiated cipher suite; NULL before there is one. */
const struct vel_suite *vel_tls_conn_suite(const struct vel_tls_conn *conn);

/* RFC 8446 7.5 exporter; only after the handshake.
 * VEL_ERR_CRYPTO  libssl failed */
vel_result vel_tls_conn_export(const struct vel_tls_conn *conn, const char *label,
                               struct vel_slice context, uint8_t *out, size_t size);

#endif
