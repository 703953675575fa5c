/* SPDX-License-Identifier: MIT */
#ifndef HANDSHAKE_EXTENSIONS_H
#define HANDSHAKE_EXTENSIONS_H

#include "base/writer.h"
#include "handshake/alert.h"

/*
 * Extension lists, RFC 8446 4.2: type u16 | length u16 | body. A type that TLS 1.3 also has keeps
 * TLS's number and body syntax. Which extension may, and which must, stand in which message is
 * one table in extensions.c (VEL-HS-12).
 */
enum vel_extension {
    VEL_EXT_SERVER_NAME,
    VEL_EXT_GROUPS,
    VEL_EXT_SIGNATURES,
    VEL_EXT_ALPN,
    VEL_EXT_PARAMS,
    VEL_EXT_KEY_SHARE,
    VEL_EXT_COUNT
};

/* Messages that carry extensions, as bits. */
enum vel_extension_place {
    VEL_IN_CLIENT_HELLO = 1,
    VEL_IN_SERVER_HELLO = 2,
    VEL_IN_HELLO_RETRY = 4,
    VEL_IN_ENCRYPTED = 8,
    VEL_IN_REQUEST = 16,
    VEL_IN_CERTIFICATE = 32
};

enum { VEL_EXTENSIONS_MAX = 64 }; /* entries in one list */

struct vel_extensions {
    struct vel_slice body[VEL_EXT_COUNT]; /* ptr is NULL when absent; borrowed from the list */
    struct vel_slice before_last;         /* the list up to its last extension */
    bool key_share_last;
};

/* Split a list that stands in message `place`, apply the table, and find the required ones.
 * On failure *why says what to tell the peer and *out is untouched. */
vel_result vel_extensions_decode(struct vel_slice list, enum vel_extension_place place,
                                 struct vel_extensions *out, struct vel_handshake_failure *why);

/* Open an extension of the table, or of any number; close with vel_end_vector(w, mark, 2). */
uint8_t *vel_begin_extension(struct vel_writer *w, enum vel_extension extension);
uint8_t *vel_begin_extension_number(struct vel_writer *w, uint16_t number);

#endif
