/* SPDX-License-Identifier: MIT */
#ifndef TESTS_HANDSHAKE_PAIR_H
#define TESTS_HANDSHAKE_PAIR_H

#include "base/buf.h"
#include "handshake/handshake.h"
#include "handshake/messages.h"
#include "testing/test.h"

/*
 * A client and a server provider joined in memory, without a transport: what one writes at a level
 * the other receives there, message by message. A test opens a pair, changes the configurations if
 * it wants, runs it and looks at both ends.
 */

/* Certificates for tests, made once and kept: self-signed for "localhost", and a trust store that
 * holds just it. kind is a row of vel_sig_suites. */
struct pair_credentials {
    struct vel_identity *identity;
    struct vel_trust *trust;
};
const struct pair_credentials *pair_credentials(const struct vel_sig_suite *kind);
const struct vel_crypto *pair_crypto(void);

/* The kind with this label; fails the test when there is none. */
const struct vel_sig_suite *pair_kind(const char *label);

enum { PAIR_DATE = 1767225600 /* 2026-01-01, inside every certificate's validity */ };

struct pair_side {
    struct test_env test;
    const struct vel_env *env; /* the provider's: &test.env, or one that the test brings */
    struct vel_slice local_params;
    bool defer_signature;
    struct vel_config config;
    struct vel_handshake *hs;
    struct vel_buf out[VEL_LEVEL_COUNT]; /* written, not delivered yet */
    struct vel_secret secret[VEL_LEVEL_COUNT][2];
    uint8_t params[64]; /* the peer's, as handed up */
    size_t params_len;
    unsigned params_calls;
    enum vel_err params_answer; /* what the sink says to them */
    enum vel_err err;           /* of the last call that failed */
};

struct pair;
/* Called for each message before it is delivered, pair->delivered counting them; may change its
 * bytes or its level, or drop it by len = 0. */
typedef void (*pair_tamper_fn)(struct pair *pair, bool by_client, enum vel_level *level,
                               struct vel_buf *message);

struct pair {
    struct pair_side client, server;
    struct test_env harness; /* memory of this machinery, which never fails */
    uint32_t version;        /* Velocity/1, or QUIC v1: TLS with the config's tls */
    int64_t unix_time;       /* for both */
    size_t piece;            /* bytes a receive gets at a time; 0: the whole message */
    unsigned delivered;      /* messages so far */
    pair_tamper_fn tamper;
    void *context;
};

/* Both configurations set up for `kind`: the server has its identity and permits all profiles, the
 * client trusts it and offers the kind's profile. Nothing runs yet. */
void pair_init(struct pair *pair, const char *kind, uint64_t seed);

/* Both sides authenticate: the client has the server's identity, the server trusts it. */
void pair_authenticate_client(struct pair *pair, enum vel_client_auth mode);

/* Make both providers and start them. The first error. */
enum vel_err pair_start(struct pair *pair);

/* Deliver until nothing moves. Errors are left in the sides. */
void pair_deliver(struct pair *pair);

/* pair_start, which must succeed, and pair_deliver. */
void pair_run(struct pair *pair);

/* Free both; fails the test when memory leaked. */
void pair_done(struct pair *pair);

/* Fails the test unless both ends are complete and agree on secrets, facts and exporter. */
void pair_assert_complete(const char *what, struct pair *pair);

/* Fails the test unless this side failed with this wire code. */
void pair_assert_failed(const char *what, const struct pair_side *side, uint64_t wire_code);

#endif
