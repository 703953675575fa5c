/* SPDX-License-Identifier: MIT */
#ifndef PKI_FALLBACK_H
#define PKI_FALLBACK_H

#include "base/buf.h"
#include "pki/fallback_reason.h"
#include "pki/verify.h"
#include "velocity/config.h"

/*
 * The fallback record (spec/fallback.md): what a server says about itself, signed with both keys of
 * its hybrid certificate, on a connection that speaks something else than Velocity/1. It holds a
 * value that only the two ends of that connection can know (the exporter), so it proves the holder
 * of the hybrid certificate to be the other end, whatever the TLS certificate was worth.
 *
 * Here is the format, for both ends: a map in deterministic CBOR, the chain inside it, both
 * signatures beside it.
 */
enum {
    VEL_FALLBACK_EXPORTER = 32, /* bytes of the exported value */
    VEL_FALLBACK_VERSIONS_MAX = 16,
    VEL_FALLBACK_ALPN_MAX = 32,
    VEL_FALLBACK_LIFETIME = 600, /* seconds from issued_at to not_after, at most */
    VEL_FALLBACK_SKEW = 300,     /* seconds that issued_at may lie ahead of the client's clock */
    VEL_FALLBACK_RETRY_MAX = 86400,
    VEL_FALLBACK_MAX_BYTES = 72 * 1024
};

/* Label of the exporter, whose context is empty; path of the record; media type of the answer. */
#define VEL_FALLBACK_LABEL "EXPORTER-velocity-fallback"
#define VEL_FALLBACK_PATH "/.well-known/velocity-fallback"
#define VEL_FALLBACK_TYPE "application/velocity-fallback+cbor"

/* What a record says. Slices are borrowed: from the caller when signing, from the record's bytes
 * when read. */
struct vel_fallback_says {
    struct vel_slice authority; /* host as in vel_host_parse, lower case, without port */
    uint16_t port;
    uint8_t exporter[VEL_FALLBACK_EXPORTER];
    int64_t issued_at; /* seconds of the Unix epoch, both inclusive */
    int64_t not_after;
    uint32_t versions[VEL_FALLBACK_VERSIONS_MAX]; /* served over UDP on that port, best first */
    size_t version_count;
    struct vel_slice selected_alpn; /* of this connection; empty when none was negotiated */
    enum vel_fallback reason;
    uint32_t retry_velocity; /* seconds before Velocity/1 is worth a try; 0: at once */
    struct vel_slice chain[VEL_CHAIN_MAX]; /* DER, leaf first */
    size_t chain_count;
};

/* A record as it travels: what is signed, and both signatures. */
struct vel_fallback_record {
    struct vel_slice body; /* encoded struct vel_fallback_says */
    struct vel_fallback_says says;
    uint16_t suite; /* of signatures: vel_sig_suite_find */
    struct vel_slice classical;
    struct vel_slice pq;
};

/*
 * Make a record: `says` with the identity's chain in place of its own, signed. `signer` may be NULL:
 * the identity's own keys; `mode` is for those.
 * VEL_ERR_ARGUMENT     `says` breaks a rule of the format (an unsignable reason, a lifetime of more
 *                      than VEL_FALLBACK_LIFETIME, a reason that its versions contradict ...)
 * VEL_ERR_UNSUPPORTED  the identity is not hybrid
 * VEL_ERR_AGAIN        the signer is not done: ask again later
 * VEL_ERR_LIMIT        the chain is too long for a record, or `out` too small
 * VEL_ERR_NOMEM, VEL_ERR_CRYPTO  `out` as before in all cases
 */
vel_result vel_fallback_sign(const struct vel_crypto *crypto, const struct vel_identity *identity,
                             const struct vel_signer *signer, enum vel_sign_mode mode,
                             const struct vel_fallback_says *says, struct vel_buf *out);

/*
 * Take a record apart without believing it: slices point into `bytes`.
 * VEL_ERR_MALFORMED  not a record in its one encoding, or a rule of the format is broken; *record
 *                    untouched
 */
vel_result vel_fallback_parse(struct vel_slice bytes, struct vel_fallback_record *record);

/* Whether the wire version stands in its list. */
bool vel_fallback_lists(const struct vel_fallback_says *says, uint32_t version);

/* ---- the client's judgement ---- */

/* Which check a record failed, in the order in which they are made. Names appear in --json, texts in
 * messages. */
#define VEL_FALLBACK_CHECK_MAP(X)                                                                  \
    X(VEL_FALLBACK_OK, "ok", "the record is valid")                                                \
    X(VEL_FALLBACK_PARSE, "parse", "the record does not parse")                                    \
    X(VEL_FALLBACK_AUTHORITY, "authority", "the record is for another host")                       \
    X(VEL_FALLBACK_PORT, "port", "the record is for another port")                                 \
    X(VEL_FALLBACK_BINDING, "exporter", "the record was made for another connection")              \
    X(VEL_FALLBACK_ALPN, "alpn", "the record names another protocol than the connection's")        \
    X(VEL_FALLBACK_EARLY, "not-yet-valid", "the record was issued in the future")                  \
    X(VEL_FALLBACK_EXPIRED, "expired", "the record has expired")                                   \
    X(VEL_FALLBACK_CERTIFICATE, "certificate", "the certificate of the record was refused")        \
    X(VEL_FALLBACK_SIGNATURE, "signature", "a signature of the record does not verify")

#define VEL_FALLBACK_CHECK_AS_ENUM(code, name, text) code,
enum vel_fallback_check {
    VEL_FALLBACK_CHECK_MAP(VEL_FALLBACK_CHECK_AS_ENUM) VEL_FALLBACK_CHECK_COUNT
};
#undef VEL_FALLBACK_CHECK_AS_ENUM

const char *vel_fallback_check_name(enum vel_fallback_check check);
const char *vel_fallback_check_text(enum vel_fallback_check check);

/* The connection on which the record came, as the client knows it. */
struct vel_fallback_expected {
    const char *host; /* as in vel_cert_request.name, lower case */
    uint16_t port;
    uint8_t exporter[VEL_FALLBACK_EXPORTER];
    struct vel_slice alpn;
    int64_t unix_time;
    enum vel_profile level; /* weakest profile that the client offers */
};

struct vel_fallback_verdict {
    enum vel_fallback_check check;
    struct vel_cert_verdict certificate; /* says more when check is VEL_FALLBACK_CERTIFICATE */
};

/*
 * Parse and verify: everything that the record says must be true of this connection, its chain must
 * lead to `trust` as a Velocity chain does, and both signatures must verify.
 *
 * verdict  always filled
 * says     on success, what it says; slices point into `bytes`
 *
 * VEL_ERR_AUTH  a check failed, see verdict
 * VEL_ERR_NOMEM, VEL_ERR_CRYPTO
 */
vel_result vel_fallback_verify(const struct vel_env *env, const struct vel_crypto *crypto,
                               const struct vel_trust *trust,
                               const struct vel_fallback_expected *expected, struct vel_slice bytes,
                               struct vel_fallback_verdict *verdict,
                               struct vel_fallback_says *says);

#endif
