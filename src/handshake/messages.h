/* SPDX-License-Identifier: MIT */
#ifndef HANDSHAKE_MESSAGES_H
#define HANDSHAKE_MESSAGES_H

#include "base/buf.h"
#include "crypto/batch.h"
#include "handshake/alert.h"
#include "pki/verify.h"

/*
 * The handshake messages (spec/velocity-1.md, "Handshake messages") as plain structs. Decoders
 * take the body without its header and give slices into it; they check everything that can be
 * checked without state, so that what they hand out may be walked without further care. Encoders
 * append header and body to a buffer.
 *
 * A failing decoder records what to tell the peer in *why and leaves *out untouched. A failing
 * encoder returns VEL_ERR_NOMEM or VEL_ERR_LIMIT (over the largest message) and appends nothing.
 */
enum vel_message_type {
    VEL_MSG_CLIENT_HELLO = 1,
    VEL_MSG_SERVER_HELLO = 2,
    VEL_MSG_HELLO_RETRY = 6,
    VEL_MSG_ENCRYPTED_EXTENSIONS = 8,
    VEL_MSG_CERTIFICATE = 11,
    VEL_MSG_CERTIFICATE_REQUEST = 13,
    VEL_MSG_CERTIFICATE_VERIFY = 15,
    VEL_MSG_FINISHED = 20,
    VEL_MSG_MESSAGE_HASH = 254 /* in transcripts only, RFC 8446 4.4.1 */
};

enum {
    VEL_MSG_HEADER = 4, /* type u8, length u24 */
    VEL_RANDOM_SIZE = 32,
    VEL_SHARES_MAX = 16,            /* key shares in one ClientHello */
    VEL_NAME_MAX = 253,             /* bytes of a DNS name */
    VEL_CHAIN_BYTES_MAX = 64 * 1024 /* of a Certificate message */
};

/* Largest body of this type in bytes, 0 for a type that is no handshake message (VEL-HS-02). */
size_t vel_message_max(uint8_t type);

/* A list of 16-bit code points as it stands on the wire, without its length; an even number of
 * bytes. */
bool vel_codes_have(struct vel_slice codes, uint16_t code);

struct vel_client_hello {
    struct vel_slice random;
    struct vel_slice suites;      /* codes, in order of preference */
    struct vel_slice groups;      /* codes */
    struct vel_slice signatures;  /* codes */
    struct vel_slice alpn;        /* protocol names, each with a length byte */
    struct vel_slice server_name; /* empty: none */
    struct vel_slice params;      /* transport parameters */
    struct vel_slice shares;      /* entries group u16 | share with u16 length */
    uint16_t grease;              /* encoder: number of an extension without meaning; 0: none */
    /* Decoder: all that a second ClientHello must repeat, in two pieces (VEL-HS-22). */
    struct vel_slice fixed[2];
};
vel_result vel_client_hello_encode(const struct vel_client_hello *hello, struct vel_buf *out);
vel_result vel_client_hello_decode(struct vel_slice body, struct vel_client_hello *out,
                                   struct vel_handshake_failure *why);

/* The share for this group; ptr is NULL when the client sent none. */
struct vel_slice vel_client_hello_share(const struct vel_client_hello *hello, uint16_t group);

/* ServerHello; HelloRetryRequest is the same without random and reply. */
struct vel_server_hello {
    struct vel_slice random;
    uint16_t suite;
    uint16_t group;
    struct vel_slice reply; /* of the key exchange */
};
vel_result vel_server_hello_encode(const struct vel_server_hello *hello, struct vel_buf *out);
vel_result vel_server_hello_decode(struct vel_slice body, struct vel_server_hello *out,
                                   struct vel_handshake_failure *why);
vel_result vel_hello_retry_encode(const struct vel_server_hello *hello, struct vel_buf *out);
vel_result vel_hello_retry_decode(struct vel_slice body, struct vel_server_hello *out,
                                  struct vel_handshake_failure *why);

struct vel_encrypted_extensions {
    struct vel_slice alpn; /* the one chosen name, without length */
    struct vel_slice params;
};
vel_result vel_encrypted_extensions_encode(const struct vel_encrypted_extensions *ee,
                                           struct vel_buf *out);
vel_result vel_encrypted_extensions_decode(struct vel_slice body,
                                           struct vel_encrypted_extensions *out,
                                           struct vel_handshake_failure *why);

struct vel_certificate_request {
    struct vel_slice signatures; /* codes */
};
vel_result vel_certificate_request_encode(const struct vel_certificate_request *request,
                                          struct vel_buf *out);
vel_result vel_certificate_request_decode(struct vel_slice body,
                                          struct vel_certificate_request *out,
                                          struct vel_handshake_failure *why);

struct vel_certificate {
    struct vel_slice chain[VEL_CHAIN_MAX]; /* DER, leaf first */
    size_t count;                          /* 0: a client that has none */
};
vel_result vel_certificate_encode(const struct vel_certificate *certificate, struct vel_buf *out);
vel_result vel_certificate_decode(struct vel_slice body, struct vel_certificate *out,
                                  struct vel_handshake_failure *why);

/* The form is single, unless there is a place in a batch; the decoder lets through only a place that a tree
 * has, with a path as long as it must be. */
struct vel_certificate_verify {
    uint16_t suite;
    struct vel_batch_proof batch; /* count 0: none */
    struct vel_slice classical;
    struct vel_slice pq;
};
vel_result vel_certificate_verify_encode(const struct vel_certificate_verify *verify,
                                         struct vel_buf *out);
vel_result vel_certificate_verify_decode(struct vel_slice body, struct vel_certificate_verify *out,
                                         struct vel_handshake_failure *why);

/* Finished: the body is the verify data. */
vel_result vel_finished_encode(struct vel_slice verify_data, struct vel_buf *out);

#endif
