/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_URL_H
#define CLIENT_URL_H

#include "base/buf.h"

/*
 * An absolute https or http URL (RFC 3986), taken apart for a request. Spaces, letters beyond ASCII and the
 * few other bytes that a URL may not hold are percent-encoded, as browsers do; the fragment is
 * dropped; dots in the path stay as they are.
 */
enum {
    VEL_URL_HOST_MAX = 253,
    VEL_URL_AUTHORITY_MAX = VEL_URL_HOST_MAX + 8,
    VEL_URL_TARGET_MAX = 8000
};

struct vel_url {
    char host[VEL_URL_HOST_MAX + 1];           /* lower case; IPv6 without brackets */
    char authority[VEL_URL_AUTHORITY_MAX + 1]; /* host and port, unless that is the scheme's */
    uint16_t port;                             /* 443, and 80 for http, unless it is given */
    bool plain;                                /* http */
    struct vel_buf target; /* path and query, starting with a slash; no NUL at the end */
};

/* Release with vel_url_clear.
 * VEL_ERR_MALFORMED    not a URL, or one with a user name
 * VEL_ERR_UNSUPPORTED  a scheme other than https and http
 * VEL_ERR_LIMIT        host name or path too long
 * VEL_ERR_NOMEM */
vel_result vel_url_parse(const struct vel_env *env, const char *text, struct vel_url *url);
void vel_url_clear(struct vel_url *url);

/* What `reference` means on a page at `base` (RFC 3986 5.2): relative or absolute; "." and ".." in
 * its path are resolved. Release with vel_url_clear. Errors as vel_url_parse. */
vel_result vel_url_resolve(const struct vel_env *env, const struct vel_url *base,
                           struct vel_slice reference, struct vel_url *url);

/* Same scheme, host and port. */
bool vel_url_same_origin(const struct vel_url *a, const struct vel_url *b);

/* "https" or "http". */
const char *vel_url_scheme(const struct vel_url *url);

/* The host is this machine: "localhost" and names under it (RFC 6761 6.3), 127/8, ::1. */
bool vel_url_is_loopback(const struct vel_url *url);

/*
 * The path as a file name relative to some folder: percent-decoded, without the query; a path that
 * ends in a slash gets "index.html". NUL-terminated, appended to `name`.
 * VEL_ERR_MALFORMED  it would lead elsewhere ("..", "."), or a part is empty or holds NUL or a slash
 * VEL_ERR_LIMIT, VEL_ERR_NOMEM
 */
vel_result vel_url_file_name(const struct vel_url *url, struct vel_buf *name);

#endif
