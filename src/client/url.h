/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_URL_H
#define CLIENT_URL_H

#include "base/buf.h"

/*
 * An absolute https URL (RFC 3986), taken apart for a request. Spaces, letters beyond ASCII and the
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
    char authority[VEL_URL_AUTHORITY_MAX + 1]; /* host and port, the port only if it is not 443 */
    uint16_t port;
    struct vel_buf target; /* path and query, starting with a slash; no NUL at the end */
};

/* Release with vel_url_clear.
 * VEL_ERR_MALFORMED    not a URL, or one with a user name
 * VEL_ERR_UNSUPPORTED  a scheme other than https
 * VEL_ERR_LIMIT        host name or path too long
 * VEL_ERR_NOMEM */
vel_result vel_url_parse(const struct vel_env *env, const char *text, struct vel_url *url);
void vel_url_clear(struct vel_url *url);

/*
 * The path as a file name relative to some folder: percent-decoded, without the query; a path that
 * ends in a slash gets "index.html". NUL-terminated, appended to `name`.
 * VEL_ERR_MALFORMED  it would lead elsewhere ("..", "."), or a part is empty or holds NUL or a slash
 * VEL_ERR_LIMIT, VEL_ERR_NOMEM
 */
vel_result vel_url_file_name(const struct vel_url *url, struct vel_buf *name);

#endif
